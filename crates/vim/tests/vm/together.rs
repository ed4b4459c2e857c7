//! Machines powered on together.

use farside_models_vim::OptionValue;
use farside_simulator::vm::{MachineTrouble, Placement, VmSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_vim::{Datacenter, ManagedObject as _, MovedOrCopied, Started, VirtualMachine, WorkErrorKind};
use farside_wire::Any;
use serde_json::{Value, json};

use crate::story::recovered;
use crate::support::{Bench, LONG, fault};

fn spec(placement: Placement) -> VmSpec {
    let mut spec = VmSpec::default();
    spec.placement = placement;
    spec
}

fn west(bench: &Bench) -> Datacenter {
    bench.west.object("datacenter-22")
}

/// One that asks, two that do not, and one that is too large for its host.
async fn machines(bench: &Bench) -> Vec<VirtualMachine> {
    let asks = recovered(bench, "group-001").await;
    let large = recovered(bench, "group-002").await;
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("app-002", MachineTrouble::TooLarge, true);
    let plain = bench.vm(&bench.west, "west-01");
    let on = bench.vm(&bench.west, "west-02");
    on.start(None, LONG).await.unwrap();
    vec![asks, large, plain, on]
}

#[tokio::test]
async fn each_machine_has_its_own_outcome() {
    for placement in [Placement::None, Placement::Automatic] {
        let bench = Bench::new(spec(placement));
        let all = machines(&bench).await;
        let limit = std::time::Duration::from_secs(30);
        let outcomes = west(&bench)
            .start_all(&all, &[], Some(MovedOrCopied::Moved), limit)
            .await
            .unwrap();
        assert_eq!(*outcomes[0].as_ref().unwrap(), Started::On { answered: true });
        let large = outcomes[1].as_ref().unwrap_err();
        if placement == Placement::None {
            assert_eq!(fault(large), "InsufficientMemoryResourcesFault");
        } else {
            // DRS names no task, so all that can be seen is that it does not come on.
            assert!(matches!(large.kind(), WorkErrorKind::Late { .. }), "{large:?}");
        }
        assert_eq!(*outcomes[2].as_ref().unwrap(), Started::On { answered: false });
        assert_eq!(*outcomes[3].as_ref().unwrap(), Started::WasOn);
        assert_eq!(
            bench.calls("Datacenter_PowerOnMultiVM_Task").attempts,
            4,
            "one for each machine of one call"
        );
    }
}

#[tokio::test]
async fn a_recommendation_leaves_the_machine_off_and_an_option_overrules() {
    let bench = Bench::new(spec(Placement::Manual));
    let vm = bench.vm(&bench.west, "west-01");
    let outcomes = west(&bench)
        .start_all(std::slice::from_ref(&vm), &[], None, LONG)
        .await
        .unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::Recommended(all) if all[0].reason_text.contains("Power on"))
    );
    assert!(vm.is_off().await.unwrap());

    let level = Any::boxed("string", "fullyAutomated").unwrap();
    let reserve = Any::boxed("boolean", &true).unwrap();
    let options = [
        OptionValue::new("OverrideAutomationLevel").with_value(level),
        OptionValue::new("ReserveResources").with_value(reserve),
    ];
    let outcomes = west(&bench)
        .start_all(std::slice::from_ref(&vm), &options, None, LONG)
        .await
        .unwrap();
    assert!(outcomes[0].is_ok());
}

#[tokio::test]
async fn what_is_refused_as_a_whole_is_an_error_and_what_is_not_attempted_has_its_fault() {
    let bench = Bench::new(VmSpec::default());
    let stranger: VirtualMachine = bench.west.object("vm-9999");
    let error = west(&bench)
        .start_all(&[stranger], &[], None, LONG)
        .await
        .unwrap_err();
    assert_eq!(fault(&error), "InvalidArgument");
    assert!(
        west(&bench)
            .start_all(&[], &[], None, LONG)
            .await
            .unwrap()
            .is_empty()
    );
    let vm = recovered(&bench, "group-001").await;
    assert!(
        bench
            .simulator
            .world()
            .vms_mut()
            .set_accessible("datastore-21", false)
    );
    let outcomes = west(&bench).start_all(&[vm], &[], None, LONG).await.unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NotAttempted(fault) if fault.type_name() == "InvalidState")
    );
}

fn answers(operation: &str, body: Value) -> FaultRule {
    let answers = FaultAction::Refuse {
        status: 200,
        body: Some(body),
        retry_after: None,
    };
    FaultRule::new(operation, answers)
}

/// Has the next call for all end with a result, and nothing done; every look shows this power state.
fn stage(bench: &Bench, vm: &VirtualMachine, mut result: Value, power: &str) {
    result["_typeName"] = json!("ClusterPowerOnVmResult");
    let mut world = bench.simulator.world();
    let task = world.run_task("vc-west", 0, Ok(Some(result)));
    let task = json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": task});
    world
        .faults_mut()
        .add(answers("Datacenter_PowerOnMultiVM_Task", task));
    let state = json!({"_typeName": "VirtualMachinePowerState", "_value": power});
    let property = json!({"_typeName": "DynamicProperty", "name": "runtime.powerState", "val": state});
    let seen = json!({"_typeName": "RetrieveResult", "objects": [{
        "_typeName": "ObjectContent",
        "obj": vm.reference(),
        "propSet": [property],
    }]});
    let look = answers("PropertyCollector_RetrievePropertiesEx", seen);
    world.faults_mut().add(look.times(None));
}

#[tokio::test]
async fn only_a_machine_that_is_on_was_on() {
    let vm = json!({"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-west"});
    let fault = json!({"_typeName": "InvalidState"});
    let refused = json!({"notAttempted": [
        {"_typeName": "ClusterNotAttemptedVmInfo", "vm": vm, "fault": fault}
    ]});
    for (result, power) in [
        (json!({}), "poweredOn"),
        (json!({}), "suspended"),
        (json!({}), "poweredOff"),
        (refused.clone(), "poweredOn"),
        (refused.clone(), "suspended"),
        (refused, "poweredOff"),
    ] {
        let bench = Bench::new(VmSpec::default());
        let vm: VirtualMachine = bench.west.object("vm-west");
        let is_mentioned = result.get("notAttempted").is_some();
        stage(&bench, &vm, result, power);
        let outcomes = west(&bench).start_all(&[vm], &[], None, LONG).await.unwrap();
        match (&outcomes[0], power) {
            (Ok(started), _) => assert_eq!((*started, power), (Started::WasOn, "poweredOn")),
            (Err(error), "suspended" | "poweredOff") if is_mentioned => {
                assert_eq!(fault_of(error), "InvalidState")
            }
            (Err(error), "suspended" | "poweredOff") => {
                assert!(matches!(error.kind(), WorkErrorKind::NotMentioned), "{error:?}");
            }
            (Err(error), _) => panic!("{error:?}"),
        }
    }
}

fn fault_of(error: &farside_vim::WorkError) -> &str {
    assert!(
        matches!(error.kind(), WorkErrorKind::NotAttempted(_)),
        "{error:?}"
    );
    fault(error)
}

#[tokio::test]
async fn after_a_lost_answer_each_machine_is_looked_at() {
    for acted in [true, false] {
        let bench = Bench::new(VmSpec::default());
        let (off, on) = (bench.vm(&bench.west, "west-01"), bench.vm(&bench.west, "west-02"));
        on.start(None, LONG).await.unwrap();
        let before = bench.calls("Datacenter_PowerOnMultiVM_Task").attempts;
        let lost = if acted {
            FaultAction::DropAnswer
        } else {
            FaultAction::Silence { acted: false }
        };
        let rule = FaultRule::new("Datacenter_PowerOnMultiVM_Task", lost);
        bench.simulator.world().faults_mut().add(rule);
        let all = [off, on];
        let outcomes = west(&bench).start_all(&all, &[], None, LONG).await.unwrap();
        match &outcomes[0] {
            Ok(started) => assert!(acted && *started == Started::On { answered: false }),
            Err(error) => assert!(
                !acted && matches!(error.kind(), WorkErrorKind::Late { .. }),
                "{error:?}"
            ),
        }
        assert!(outcomes[1].is_ok(), "{:?}", outcomes[1]);
        let calls = bench.calls("Datacenter_PowerOnMultiVM_Task").attempts - before;
        assert_eq!(calls, 2, "one for each machine of one call");
    }
}
