//! On and off.

use std::time::Duration;

use farside_models_vim::{RenameRequest, VirtualMachinePowerState};
use farside_simulator::vm::{ChoiceNames, Guest, MachineTrouble, VmSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{Clock as _, WaitErrorKind};
use farside_vim::{
    ByWhat, ManagedEntity, ManagedObject, MovedOrCopied, Readiness, ShutDown, Started, VirtualMachine,
    WorkErrorKind,
};

use crate::support::{Bench, LONG};

const LIMITS: ShutDown = ShutDown {
    guest: Duration::from_secs(60),
    power_off: Duration::from_secs(60),
};

#[tokio::test]
async fn a_guest_shuts_itself_down_and_a_machine_that_is_off_stays_so() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    assert_eq!(vm.shut_down(LIMITS).await.unwrap(), ByWhat::Guest);
    assert_eq!(bench.seen(&vm).clean_power_off, Some(true));
    assert!(vm.is_off().await.unwrap());
    assert_eq!(vm.shut_down(LIMITS).await.unwrap(), ByWhat::WasOff);
    assert_eq!(bench.calls("VirtualMachine_PowerOffVM_Task").attempts, 0);
}

#[tokio::test]
async fn a_guest_that_does_not_go_is_switched_off_after_its_time() {
    for trouble in [MachineTrouble::IgnoresShutdown, MachineTrouble::NoTools] {
        let bench = Bench::new(VmSpec::default());
        let vm = bench.vm(&bench.east, "app-001");
        bench
            .simulator
            .world()
            .vms_mut()
            .set_trouble("app-001", trouble, true);
        if trouble == MachineTrouble::NoTools {
            let off = ShutDown {
                guest: Duration::ZERO,
                ..LIMITS
            };
            assert_eq!(vm.shut_down(off).await.unwrap(), ByWhat::PowerOff);
            vm.start(None, LONG).await.unwrap();
        }
        assert_eq!(
            vm.shut_down(LIMITS).await.unwrap(),
            ByWhat::PowerOff,
            "{trouble:?}"
        );
        assert_eq!(bench.seen(&vm).clean_power_off, Some(false));
    }
}

#[tokio::test]
async fn answers_that_are_lost_are_waited_for_and_not_repeated() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    for operation in ["VirtualMachine_ShutdownGuest", "VirtualMachine_PowerOnVM_Task"] {
        let rule = FaultRule::new(operation, FaultAction::DropAnswer);
        bench.simulator.world().faults_mut().add(rule);
    }
    assert_eq!(vm.shut_down(LIMITS).await.unwrap(), ByWhat::Guest);
    assert_eq!(
        vm.start(None, LONG).await.unwrap(),
        Started::On { answered: false }
    );
    assert_eq!(bench.calls("VirtualMachine_ShutdownGuest").attempts, 1);
    assert_eq!(bench.calls("VirtualMachine_PowerOnVM_Task").attempts, 1);
}

#[tokio::test]
async fn a_lost_power_off_is_seen_by_the_power_state() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    let rule = FaultRule::new("VirtualMachine_PowerOffVM_Task", FaultAction::DropAnswer);
    bench.simulator.world().faults_mut().add(rule);
    let off = ShutDown {
        guest: Duration::ZERO,
        ..LIMITS
    };
    assert_eq!(vm.shut_down(off).await.unwrap(), ByWhat::PowerOff);
    let calls = bench.calls("VirtualMachine_PowerOffVM_Task");
    assert_eq!((calls.attempts, calls.effects), (1, 1));
}

#[tokio::test]
async fn refusals_of_the_call_and_of_the_task_come_to_the_same() {
    for refuses_in_task in [false, true] {
        let mut spec = VmSpec::default();
        spec.refuses_in_task = refuses_in_task;
        let bench = Bench::new(spec);
        let vm = bench.vm(&bench.east, "app-001");
        assert_eq!(vm.start(None, LONG).await.unwrap(), Started::WasOn);
        // Something else is at work on the machine: it is waited for.
        let vm = bench.vm(&bench.east, "east-01");
        let rename = RenameRequest::new("busy");
        let task = ManagedEntity::of_object(&vm).rename(&rename).await.unwrap();
        let started = vm.start(None, LONG).await.unwrap();
        assert_eq!(started, Started::On { answered: false });
        bench.done(task).await.unwrap();
        assert_eq!(bench.calls("VirtualMachine_PowerOnVM_Task").effects, 1);
    }
}

#[tokio::test]
async fn a_machine_that_cannot_start_says_why() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("east-01", MachineTrouble::TooLarge, true);
    let error = vm.start(None, LONG).await.unwrap_err();
    assert_eq!(
        error.fault().unwrap().type_name(),
        "InsufficientMemoryResourcesFault"
    );
    assert!(vm.is_off().await.unwrap());
}

#[tokio::test]
async fn readiness_is_reached_step_by_step_and_a_deadline_says_how_far() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let error = vm
        .wait_until(Readiness::PoweredOn, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("waiting for the guest of {} failed", vm.reference())
    );
    assert!(matches!(error.kind(), WorkErrorKind::NotReady { seen, .. } if seen.readiness().is_none()));
    vm.start(None, LONG).await.unwrap();
    let early = vm
        .wait_until(Readiness::Tools, Duration::from_secs(2))
        .await
        .unwrap_err();
    let WorkErrorKind::NotReady { wanted, seen, .. } = early.kind() else {
        panic!("{early:?}");
    };
    assert_eq!(
        (*wanted, seen.readiness()),
        (Readiness::Tools, Some(Readiness::PoweredOn))
    );
    let tools = vm.wait_until(Readiness::Operations, LONG).await.unwrap();
    assert_eq!(tools.readiness(), Some(Readiness::Operations));
    let ready = vm.wait_until(Readiness::Address, LONG).await.unwrap();
    assert!(ready.address.is_some());
    assert_eq!(ready.cards[0].device_config_id, 4000);
    assert_eq!(bench.seen(&vm).guest, Guest::HasAddress);
}

#[tokio::test]
async fn a_guest_without_tools_is_on_and_no_more() {
    for omits_idle_guest in [false, true] {
        let mut spec = VmSpec::default();
        spec.omits_idle_guest = omits_idle_guest;
        let bench = Bench::new(spec);
        let vm = bench.vm(&bench.east, "east-01");
        bench
            .simulator
            .world()
            .vms_mut()
            .set_trouble("east-01", MachineTrouble::NoTools, true);
        assert_eq!(vm.guest().await.unwrap().readiness(), None);
        vm.start(None, LONG).await.unwrap();
        vm.wait_until(Readiness::PoweredOn, LONG).await.unwrap();
        let error = vm.wait_until(Readiness::Running, LONG).await.unwrap_err();
        assert!(matches!(error.kind(), WorkErrorKind::NotReady { seen, .. } if seen.on && !seen.tools));
    }
}

/// A machine whose files are at another place than when it last ran.
async fn replica(bench: &Bench) -> VirtualMachine {
    crate::story::recovered(bench, "group-001").await
}

#[tokio::test]
async fn the_question_of_a_replica_is_answered_as_told() {
    for (answer, names) in [
        (MovedOrCopied::Moved, ChoiceNames::InLabel),
        (MovedOrCopied::Copied, ChoiceNames::InLabel),
        (MovedOrCopied::Moved, ChoiceNames::InSummary),
    ] {
        let mut spec = VmSpec::default();
        spec.choice_names = names;
        let bench = Bench::new(spec);
        let vm = replica(&bench).await;
        let before = vm.config().await.unwrap().unwrap();
        assert_eq!(
            vm.start(Some(answer), LONG).await.unwrap(),
            Started::On { answered: true }
        );
        let after = vm.config().await.unwrap().unwrap();
        assert_eq!(after.uuid == before.uuid, answer == MovedOrCopied::Moved);
        assert_eq!(
            vm.runtime().await.unwrap().power_state,
            VirtualMachinePowerState::PoweredOn
        );
        assert_eq!(bench.calls("VirtualMachine_AnswerVM").effects, 1);
    }
}

#[tokio::test]
async fn a_replica_that_asks_nothing_starts_and_nothing_is_answered() {
    let mut spec = VmSpec::default();
    spec.asks_nothing = true;
    let bench = Bench::new(spec);
    let vm = replica(&bench).await;
    let before = vm.config().await.unwrap().unwrap();
    let started = vm.start(Some(MovedOrCopied::Copied), LONG).await.unwrap();
    assert_eq!(started, Started::On { answered: false });
    let after = vm.config().await.unwrap().unwrap();
    assert_eq!(after.uuid, before.uuid, "nobody has said that it is a copy");
    assert_eq!(bench.calls("VirtualMachine_AnswerVM").attempts, 0);
}

#[tokio::test]
async fn a_question_that_nobody_knows_is_shown_and_stands() {
    let mut spec = VmSpec::default();
    spec.choice_names = ChoiceNames::Nowhere;
    let bench = Bench::new(spec);
    let vm = replica(&bench).await;
    let error = vm.start(Some(MovedOrCopied::Moved), LONG).await.unwrap_err();
    let WorkErrorKind::Question(question) = error.kind() else {
        panic!("{error:?}");
    };
    assert!(question.text.contains("moved or copied"));
    assert!(bench.seen(&vm).question.is_some());
    assert_eq!(bench.calls("VirtualMachine_AnswerVM").attempts, 0);

    // Without an answer told, even the known one is shown.
    let bench = Bench::new(VmSpec::default());
    let vm = replica(&bench).await;
    let error = vm.start(None, LONG).await.unwrap_err();
    assert!(matches!(error.kind(), WorkErrorKind::Question(_)));

    // One about something else is never answered, the other one after it is.
    let bench = Bench::new(VmSpec::default());
    let vm = replica(&bench).await;
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("app-001", MachineTrouble::StrangeQuestion, true);
    let error = vm.start(Some(MovedOrCopied::Moved), LONG).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::Question(question) if question.text.contains("serial port"))
    );
}

#[tokio::test]
async fn an_answer_whose_answer_is_lost_is_looked_at() {
    let bench = Bench::new(VmSpec::default());
    let vm = replica(&bench).await;
    let rule = FaultRule::new("VirtualMachine_AnswerVM", FaultAction::DropAnswer);
    bench.simulator.world().faults_mut().add(rule);
    let started = vm.start(Some(MovedOrCopied::Moved), LONG).await.unwrap();
    assert!(matches!(started, Started::On { .. }));
    assert_eq!(bench.calls("VirtualMachine_AnswerVM").effects, 1);
}

#[tokio::test]
async fn a_start_outlives_a_restart_of_the_vcenter() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    vm.is_off().await.unwrap();
    let restart = async {
        bench.pass(Duration::from_millis(300)).await;
        bench.simulator.world().restart_vcenter("vc-east", 20_000);
    };
    let (started, ()) = tokio::join!(vm.start(None, LONG), restart);
    assert!(matches!(started.unwrap(), Started::On { .. }));
    assert_eq!(bench.calls("VirtualMachine_PowerOnVM_Task").effects, 1);
}

fn fails(operation: &str, fault: &str) -> FaultRule {
    let fails = FaultAction::Refuse {
        status: 500,
        body: Some(serde_json::json!({"_typeName": fault, "reason": "trouble"})),
        retry_after: None,
    };
    FaultRule::new(operation, fails)
}

#[tokio::test]
async fn a_guest_whose_shutdown_failed_for_no_clear_reason_is_switched_off() {
    for fault in ["SystemError", "HostNotReachable", "FaultOfALaterRelease"] {
        let bench = Bench::new(VmSpec::default());
        let vm = bench.vm(&bench.east, "app-001");
        let rule = fails("VirtualMachine_ShutdownGuest", fault);
        bench.simulator.world().faults_mut().add(rule);
        assert_eq!(vm.shut_down(LIMITS).await.unwrap(), ByWhat::PowerOff, "{fault}");
        assert_eq!(bench.calls("VirtualMachine_ShutdownGuest").attempts, 1);
    }
}

#[tokio::test]
async fn power_calls_that_fail_for_no_clear_reason_are_judged_by_the_power_state() {
    let off = ShutDown {
        guest: Duration::ZERO,
        ..LIMITS
    };
    for acted in [true, false] {
        let bench = Bench::new(VmSpec::default());
        let vm = bench.vm(&bench.east, "app-001");
        let rule = fails("VirtualMachine_PowerOffVM_Task", "SystemError");
        bench.simulator.world().faults_mut().add(rule);
        let acts = async {
            bench.pass(Duration::from_secs(1)).await;
            if acted {
                bench.done(vm.power_off().await.unwrap()).await.unwrap();
            }
        };
        let (gone, ()) = tokio::join!(vm.shut_down(off), acts);
        match gone {
            Ok(by) => assert!(acted && by == ByWhat::PowerOff),
            Err(error) => assert!(
                !acted && crate::support::fault(&error) == "SystemError",
                "{error:?}"
            ),
        }
        assert_eq!(bench.calls("VirtualMachine_PowerOffVM_Task").refused, 1);
    }
    for acted in [true, false] {
        let bench = Bench::new(VmSpec::default());
        let vm = bench.vm(&bench.east, "east-01");
        let rule = fails("VirtualMachine_PowerOnVM_Task", "SystemError");
        bench.simulator.world().faults_mut().add(rule);
        let acts = async {
            bench.pass(Duration::from_secs(1)).await;
            if acted {
                let task = vm
                    .power_on(&farside_models_vim::PowerOnVMRequest::default())
                    .await;
                bench.done(task.unwrap()).await.unwrap();
            }
        };
        let (started, ()) = tokio::join!(vm.start(None, LONG), acts);
        match started {
            Ok(started) => assert!(acted && started == Started::On { answered: false }),
            Err(error) => assert!(
                !acted && crate::support::fault(&error) == "SystemError",
                "{error:?}"
            ),
        }
    }
}

#[tokio::test]
async fn looks_at_a_machine_outlive_the_pages_of_a_proxy() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let page = FaultAction::Refuse {
        status: 404,
        body: Some("<html>Starting</html>".into()),
        retry_after: None,
    };
    // After the first look, which is no part of a wait.
    let rule = FaultRule::new("PropertyCollector_RetrievePropertiesEx", page);
    bench
        .simulator
        .world()
        .faults_mut()
        .add(rule.from_nth(2).times(Some(2)));
    let started = vm.start(None, LONG).await.unwrap();
    assert_eq!(started, Started::On { answered: false });
}

#[tokio::test]
async fn a_wait_for_a_guest_ends_in_time_whatever_the_server_does() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    vm.is_off().await.unwrap();
    let rule = FaultRule::new(
        "PropertyCollector_RetrievePropertiesEx",
        FaultAction::Silence { acted: false },
    );
    bench
        .simulator
        .world()
        .faults_mut()
        .add(rule.from_nth(2).times(None));
    let limit = Duration::from_secs(5);
    let began = bench.clock.elapsed();
    let error = vm.wait_until(Readiness::Address, limit).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NotReady { seen, .. } if !seen.on),
        "{error:?}"
    );
    let took = bench.clock.elapsed() - began;
    assert!(took <= limit, "{took:?}");
    // Nothing was seen at all.
    let error = vm.wait_until(Readiness::Address, limit).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::Wait(wait) if matches!(wait.kind(), WaitErrorKind::Deadline { .. })),
        "{error:?}"
    );
    assert!(bench.clock.elapsed() - began <= limit * 2);
}
