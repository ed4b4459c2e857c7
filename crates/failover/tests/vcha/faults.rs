//! Lost answers, lost sessions, lost tasks and crashes: whatever happens, the cluster is switched once.

use std::sync::Arc;
use std::time::Duration;

use farside_engine::{Mode, RunId};
use farside_journal::{CrashPoint, MemoryJournal, SqliteJournal};
use farside_simulator::vcha::{Mode as ClusterMode, VchaSpec};
use farside_simulator::{FaultAction, FaultRule};
use serde_json::json;

use crate::observers::{BreakAtIntent, DiesWhenAccepted, SwitchesWhenPutBack};
use crate::support::{Bench, journal_path};
use crate::{FAILOVER, assert_done, assert_switched_once, plan, spec, switches};

/// The settle time of the plans, in seconds.
const SETTLE: f64 = 120.0;

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out_from_the_roles() {
    for action in [FaultAction::DropAnswer, FaultAction::Silence { acted: true }] {
        let bench = Bench::new(&spec());
        bench.fault(FaultRule::new(FAILOVER, action));
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_done(&outcome, 1);
        assert_switched_once(&bench, 1);
        outcome.assert_says("the answer was lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_at_the_call_is_replaced_and_the_call_counts_once() {
    let bench = Bench::new(&spec());
    bench.fault(FaultRule::new(FAILOVER, FaultAction::EndSessions));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_switched_once(&bench, 2);
}

/// A cluster that had switched by itself, which ends its sessions, would be switched back.
#[tokio::test(start_paused = true)]
async fn a_session_that_ends_at_the_call_leads_to_a_look_before_the_next_one() {
    let bench = Bench::new(&spec());
    bench.fault(FaultRule::new(FAILOVER, FaultAction::EndSessions));
    let switches_by_itself = Box::new(SwitchesWhenPutBack(bench.simulator.clone(), None));
    let outcome = bench
        .run_watched(&plan(&bench), Mode::Planned, switches_by_itself)
        .await;
    assert_done(&outcome, 1);
    assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn sessions_that_end_all_the_time_do_not_lead_to_a_second_failover() {
    let bench = Bench::new(&spec());
    for operation in [
        "Cis.Tasks_get",
        "Vcenter.Vcha.Cluster_get",
        "Vcenter.Vcha.Operations_get",
    ] {
        bench.fault(
            FaultRule::new(operation, FaultAction::EndSessions)
                .from_nth(2)
                .times(Some(2)),
        );
    }
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_switched_once(&bench, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_before_the_server_acted_goes_out_again_after_the_settle_time() {
    let bench = Bench::new(&spec());
    bench.fault(FaultRule::new(FAILOVER, FaultAction::Cut));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 1);
    assert_switched_once(&bench, 2);
    assert!(
        outcome.report.seconds > SETTLE,
        "{} seconds",
        outcome.report.seconds
    );
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_comes_after_the_settle_time_is_not_undone() {
    // The write that puts the action back is the last of the first process; the switch comes while nobody looks.
    let journal = MemoryJournal::new();
    let bench = Bench::with_journal(&spec(), Arc::new(journal.clone()));
    let plan = plan(&bench);
    bench.fault(FaultRule::new(FAILOVER, FaultAction::Cut));
    let observer = Box::new(SwitchesWhenPutBack(
        bench.simulator.clone(),
        Some(journal.clone()),
    ));
    let (driver, world, _control) = bench.driver(&plan, Mode::Planned, observer).await;
    driver.drive().await.unwrap_err();
    drop(world);
    journal.restart();
    bench.pass(Duration::from_secs(60)).await;
    assert!(bench.world().vcha().cluster("vc-west").unwrap().is_healthy());
    let outcome = bench.resume(&plan, &RunId::new("run-1-planned")).await;
    assert_done(&outcome, 1);
    assert_eq!(
        (bench.attempts(FAILOVER), switches(&bench)),
        (1, 1),
        "{}",
        outcome.notes()
    );
    outcome.assert_says("took effect late");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_restart_takes_away_is_not_the_failovers_end() {
    let bench = Bench::new(&spec());
    let restart = FaultAction::RestartVcenter {
        endpoint: "vc-west".to_owned(),
        outage_ms: 200,
    };
    bench.fault(FaultRule::new("Cis.Tasks_get", restart));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_switched_once(&bench, 1);
}

#[tokio::test(start_paused = true)]
async fn an_active_node_that_dies_during_the_failover_leads_to_one_switch() {
    for (mode, attempts) in [
        // The cluster switches by itself, to the same node.
        (ClusterMode::Enabled, 1),
        // The same node comes back, and the failover and its task are gone.
        (ClusterMode::Maintenance, 2),
    ] {
        let bench = Bench::new(&spec());
        bench.world().vcha_mut().set_mode("vc-west", mode);
        let observer = Box::new(DiesWhenAccepted(Some(bench.simulator.clone())));
        let outcome = bench.run_watched(&plan(&bench), Mode::Planned, observer).await;
        assert_done(&outcome, 1);
        assert_eq!(
            (bench.attempts(FAILOVER), switches(&bench)),
            (attempts, 1),
            "{mode:?}"
        );
        assert_eq!(
            outcome.report.seconds > SETTLE,
            attempts == 2,
            "{} seconds",
            outcome.report.seconds
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_inside_the_task_is_a_failure_with_its_reason() {
    let mut vcha = VchaSpec::default();
    vcha.refuses_in_task = true;
    let bench = Bench::new(&spec().vcha(vcha));
    let plan = plan(&bench);
    let outcome = bench
        .run_watched(
            &plan,
            Mode::Planned,
            Box::new(BreakAtIntent(bench.simulator.clone())),
        )
        .await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("10.9.2.1 stayed active");
    assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_leads_to_one_switch() {
    let mut resumed = 0;
    for number in 2..=12 {
        for point in [CrashPoint::BeforeWrite, CrashPoint::AfterWrite] {
            let Some((bench, outcome)) = Bench::crashed(&spec(), plan, number, point).await else {
                continue;
            };
            resumed += 1;
            let at = format!("write {number} {point:?}: {}", outcome.notes());
            assert_eq!(outcome.counts(), [1, 0, 0, 0], "{at}");
            assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (1, 1), "{at}");
        }
    }
    assert!(resumed > 8, "{resumed} crashes");
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_life_knows_what_happened_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(&journal_path(folder.path())).await.unwrap();
    let bench = Bench::with_journal(&spec(), Arc::new(journal));
    bench.fault(FaultRule::new(FAILOVER, FaultAction::DropAnswer));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_switched_once(&bench, 1);
}

/// What the rules leave open of errors, of the greeting, of sessions and of a second call.
#[tokio::test(start_paused = true)]
async fn the_cluster_is_switched_once_in_each_reading() {
    let readings: [fn(&mut VchaSpec); 5] = [
        |vcha| vcha.runtime_statuses = true,
        |vcha| vcha.omits_error_types = true,
        |vcha| vcha.hello_needs_session = true,
        |vcha| vcha.keeps_sessions = true,
        |vcha| vcha.joins_failover = true,
    ];
    for reading in readings {
        for action in [None, Some(FaultAction::DropAnswer)] {
            let mut vcha = VchaSpec::default();
            reading(&mut vcha);
            let bench = Bench::new(&spec().vcha(vcha));
            if let Some(action) = action {
                bench.fault(FaultRule::new(FAILOVER, action));
            }
            assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
            assert_switched_once(&bench, 1);
        }
    }
}

/// Of a resource that is busy the documents say 500 and the runtime says 400: neither promises that nothing was done, and a later
/// call can succeed.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_busy_is_asked_again_after_a_look_with_whatever_status_it_says_so() {
    for status in [400, 500] {
        let bench = Bench::new(&spec());
        let body = json!({"error_type": "RESOURCE_BUSY", "messages": []});
        bench.fault(FaultRule::new(
            FAILOVER,
            FaultAction::Refuse {
                status,
                body: Some(body),
                retry_after: None,
            },
        ));
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_done(&outcome, 1);
        assert_switched_once(&bench, 2);
        assert!(outcome.report.seconds > SETTLE, "{status}");
    }
}
