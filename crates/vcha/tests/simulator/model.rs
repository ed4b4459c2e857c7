//! Random operations through the client against the simulated cluster: failovers are never sent without a look, and never twice.

use std::time::Duration;

use farside_models_vcenter::VchaClusterModeClusterMode;
use farside_simulator::vcha::AfterSwitch;
use farside_simulator::{FaultAction, FaultRule};
use farside_vcha::{Failover, FailoverErrorKind, HaAddress, Outcome};
use proptest::prelude::*;

use crate::support::{FAILOVER, Site, WEST};

#[derive(Debug, Clone, Copy)]
enum Step {
    FailOverTo(bool, bool),
    SetMode(u8),
    Witness(bool),
    Kill,
    BreakNextSwitch,
    LoseAnswer(u8),
    Sleep(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(to, planned)| Step::FailOverTo(to, planned)),
        2 => (0..3_u8).prop_map(Step::SetMode),
        1 => any::<bool>().prop_map(Step::Witness),
        1 => Just(Step::Kill),
        1 => Just(Step::BreakNextSwitch),
        2 => (0..5_u8).prop_map(Step::LoseAnswer),
        3 => prop_oneof![Just(1), Just(20), Just(60)].prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..16)
}

/// Fails over, and holds what the client says against the world.
async fn fail_over(site: &Site, to_second: bool, planned: bool) {
    let wanted = if to_second { "10.9.2.2" } else { "10.9.2.1" };
    let ((sent, accepted, _), switches, active) = (site.calls(FAILOVER), site.switches(), site.active());
    let failover = Failover::new(site.client.clone());
    let wanted = HaAddress::new(wanted);
    let outcome = failover
        .run(Some(&wanted), planned, Duration::from_secs(300))
        .await;
    let requests = site.calls(FAILOVER).0 - sent;
    let taken = site.calls(FAILOVER).1 - accepted;
    assert!(taken <= 1, "a failover is taken once at most");
    assert!(
        requests <= 2,
        "it is sent again only after a session that was over"
    );
    match outcome {
        Ok(Outcome::AlreadyActive) => assert_eq!((requests, site.switches()), (0, switches)),
        Ok(Outcome::Switched(intent)) => {
            assert_eq!(
                (intent.from.as_str(), site.active().as_str()),
                (active.as_str(), wanted.as_str())
            );
            assert_eq!(site.switches(), switches + 1);
        }
        Err(error) => match error.kind() {
            FailoverErrorKind::NotReady(_) => assert_eq!(requests, 0),
            FailoverErrorKind::NotAsked(_) | FailoverErrorKind::NoTime { .. } => {
                assert_eq!(site.switches(), switches);
            }
            FailoverErrorKind::DidNotHappen { .. } => assert_eq!(site.active(), active),
            FailoverErrorKind::Call(_) | FailoverErrorKind::Deadline { .. } => {}
            other => panic!("{other:?}"),
        },
    }
}

async fn act(site: &Site, step: Step) {
    match step {
        Step::FailOverTo(second, planned) => fail_over(site, second, planned).await,
        Step::SetMode(mode) => {
            let modes = [
                VchaClusterModeClusterMode::Enabled,
                VchaClusterModeClusterMode::Disabled,
                VchaClusterModeClusterMode::Maintenance,
            ];
            let mode = modes[usize::from(mode)].clone();
            if let Ok(task) = site.client.start_mode_set(mode).await {
                let work = site.client.operation(task).unwrap();
                let limit = Duration::from_secs(60);
                drop(
                    work.until_done(limit, &*site.clock, farside_transport::PollPolicy::default())
                        .await,
                );
            }
        }
        Step::Witness(up) => assert!(site.simulator.world().vcha_mut().set_witness(WEST, up)),
        Step::Kill => drop(site.simulator.world().lose_active_node(WEST)),
        Step::BreakNextSwitch => assert!(site.simulator.world().vcha_mut().fail_next_switch(WEST)),
        Step::LoseAnswer(how) => {
            let (operation, action) = match how {
                0 => (FAILOVER, FaultAction::DropAnswer),
                1 => (FAILOVER, FaultAction::Cut),
                // Of the look before it, or the request: a dead session refuses, and what is refused may be sent once more.
                2 => ("Vcenter.Vcha.Operations_get", FaultAction::EndSessions),
                4 => (FAILOVER, FaultAction::EndSessions),
                _ => (FAILOVER, FaultAction::Silence { acted: true }),
            };
            site.simulator
                .world()
                .faults_mut()
                .add(FaultRule::new(operation, action));
        }
        Step::Sleep(seconds) => site.sleep(seconds).await,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_client_never_says_what_is_not_so(
        steps in steps(),
        in_task in any::<bool>(),
        stale_ms in prop_oneof![Just(0), Just(3_000)],
        after in 0..3_u8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let site = Site::new(|spec| {
                spec.refuses_in_task = in_task;
                spec.old_node_answers_ms = stale_ms;
                spec.after_switch = match after {
                    0 => AfterSwitch::Gone,
                    1 => AfterSwitch::Failed,
                    _ => AfterSwitch::Succeeded,
                };
            });
            for step in steps {
                act(&site, step).await;
            }
        });
    }
}
