//! The same world and the same plan give the same history: what the servers are asked, when, and what comes of it.

use std::fmt::Write as _;

use farside_engine::Mode;
use farside_failover::kind;
use farside_journal::CrashPoint;
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_tests::estate::Estate;

/// All calls with their times, the state of the world, and what the runs say of each action, without the times of the
/// machine's own clock.
async fn history(seed: u64) -> String {
    let mut estate = Estate::new(&WorldSpec::odd(seed).groups(6).replications(4), kind::standard());
    for operation in [
        "VasaProvider_FailoverReplicationGroup_Task",
        "vmReplications.migrate",
    ] {
        let rule = FaultRule::new(operation, FaultAction::DropAnswer);
        estate.simulator.world().faults_mut().add(rule);
    }
    estate.journal.crash_at_write(12 + seed, CrashPoint::AfterWrite);
    let mut told = String::new();
    for mode in [Mode::Test, Mode::Cleanup, Mode::Planned] {
        let run = estate.run(mode).await;
        for (item, progress) in run.items() {
            for action in &progress.actions {
                let _ = writeln!(
                    told,
                    "{mode} {} {:?} {} {}",
                    item.id, action.state, action.attempts, action.doubts
                );
            }
        }
    }
    let state = estate.simulator.world().state();
    format!("{told}{:#}\n{state:#}", estate.calls())
}

#[tokio::test(start_paused = true)]
async fn one_seed_and_one_plan_give_one_history() {
    for seed in 0..3 {
        let (once, again) = (history(seed).await, history(seed).await);
        let differs = once
            .lines()
            .zip(again.lines())
            .enumerate()
            .find(|(_, (one, other))| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once, again, "seed {seed}");
    }
}
