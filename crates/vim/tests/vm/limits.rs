//! What the caller's limit covers: all of it, at a server that does not answer.

use std::time::Duration;

use farside_models_vim::RegisterVMRequest;
use farside_simulator::vm::VmSpec;
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::Clock as _;
use farside_vim::{
    CardChange, Connection, Datacenter, Datastore, MovedOrCopied, Readiness, RecoveredVolume, ShutDown,
    WorkError, WorkErrorKind,
};

use crate::support::Bench;

const LIMIT: Duration = Duration::from_secs(7);

/// What is done within a limit.
#[derive(Clone, Copy, Debug)]
enum Work {
    Start,
    StartAll,
    ShutDown,
    PowerOff,
    Connect,
    Register,
    UpdateFiles,
    WaitUntil,
}

const ALL: [Work; 8] = [
    Work::Start,
    Work::StartAll,
    Work::ShutDown,
    Work::PowerOff,
    Work::Connect,
    Work::Register,
    Work::UpdateFiles,
    Work::WaitUntil,
];

async fn attempt(bench: &Bench, work: Work) -> Result<(), WorkError> {
    let vm = bench.vm(&bench.east, "east-01");
    match work {
        Work::Start => vm.start(Some(MovedOrCopied::Moved), LIMIT).await.map(|_| ()),
        Work::StartAll => {
            let datacenter: Datacenter = bench.east.object("datacenter-12");
            let mut outcomes = datacenter.start_all(&[vm], &[], None, LIMIT).await?;
            outcomes.remove(0).map(|_| ())
        }
        Work::ShutDown => {
            let limits = ShutDown {
                guest: LIMIT / 2,
                power_off: LIMIT / 2,
            };
            bench
                .vm(&bench.east, "app-001")
                .shut_down(limits)
                .await
                .map(|_| ())
        }
        Work::PowerOff => {
            let limits = ShutDown {
                guest: Duration::ZERO,
                power_off: LIMIT,
            };
            bench
                .vm(&bench.east, "app-001")
                .shut_down(limits)
                .await
                .map(|_| ())
        }
        Work::Connect => {
            let change = CardChange {
                key: 4000,
                to: Connection::Disconnected,
            };
            vm.connect(&[change], LIMIT).await.map(|_| ())
        }
        Work::Register => {
            let request =
                RegisterVMRequest::new("[vvol-east-1] a/b.vmx", false).with_pool(bench.pool(&bench.east));
            bench
                .vm_folder(&bench.east)
                .register(&request, LIMIT)
                .await
                .map(|_| ())
        }
        Work::UpdateFiles => {
            let datastore: Datastore = bench.east.object("datastore-11");
            let volumes = [RecoveredVolume {
                source: "a".to_owned(),
                recovered: "b".to_owned(),
            }];
            datastore.update_vm_files(None, &volumes, LIMIT).await.map(|_| ())
        }
        Work::WaitUntil => vm.wait_until(Readiness::PoweredOn, LIMIT).await.map(|_| ()),
    }
}

/// From the nth call of the work on, nobody answers.
async fn falls_silent(work: Work, nth: u32, acted: bool) {
    let bench = Bench::new(VmSpec::default());
    bench.east.content().await.unwrap();
    bench.vm(&bench.east, "east-01").is_off().await.unwrap();
    let silence = FaultRule::any(FaultAction::Silence { acted });
    bench
        .simulator
        .world()
        .faults_mut()
        .add(silence.from_nth(nth).times(None));
    let began = bench.clock.elapsed();
    let outcome = attempt(&bench, work).await;
    let took = bench.clock.elapsed() - began;
    assert!(
        took <= LIMIT,
        "{work:?} from call {nth} on: {took:?}, {outcome:?}"
    );
    let Err(error) = outcome else {
        assert!(nth > 1, "{work:?} cannot be done without an answer");
        return;
    };
    let late = matches!(
        error.kind(),
        WorkErrorKind::Late { .. } | WorkErrorKind::Wait(_) | WorkErrorKind::NotReady { .. }
    );
    assert!(late || nth > 1, "{work:?}: {error:?}");
}

#[tokio::test]
async fn no_work_outlasts_its_limit_at_a_server_that_never_answers() {
    for work in ALL {
        falls_silent(work, 1, false).await;
    }
}

#[tokio::test]
async fn no_work_outlasts_its_limit_when_the_server_falls_silent_amid_it() {
    for work in ALL {
        for nth in 2..8 {
            falls_silent(work, nth, true).await;
        }
    }
}
