//! Modes, trouble, and runs that are killed.

use std::sync::Arc;

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_journal::SqliteJournal;
use farside_simulator::vcda::{RecoveryState, VcdaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};

use crate::site::{LIFE, all, assert_done, ids, objects, plan, spec};
use crate::support::{Bench, journal_path};

#[tokio::test(start_paused = true)]
async fn a_planned_run_over_forty_replications_is_done() {
    let bench = Bench::new(&spec(40));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 40);
    all(&bench, RecoveryState::Complete, "west");
    assert_eq!(bench.effects("vmReplications.migrate"), [1; 40]);
    assert_eq!(
        (bench.attempts("vmReplications.migrate"), bench.overlaps()),
        (40, 0)
    );
    let vms = bench.world();
    for replication in vms.vcda().replications() {
        assert!(replication.destination_vm.as_ref().unwrap().powered_on);
        assert!(!replication.source_vm.as_ref().unwrap().powered_on);
    }
    let data = &outcome.report.details[0].actions[0].data;
    assert_eq!(data["recovery_state"], "COMPLETE");
    assert!(
        data["recovered_vm"].is_string() && data["newest_instance_at"].is_string(),
        "{data}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_mode_follows_the_one_before_and_back_again() {
    let bench = Bench::new(&spec(3));
    let plan = plan(&bench);
    for (mode, operation, state, towards) in LIFE {
        let check = bench.check(&plan, mode).await;
        assert_ne!(check.verdict, Verdict::NoGo, "{mode}: {check:#?}");
        let before: u64 = bench.effects(operation).iter().sum();
        assert_done(&bench.run(&plan, mode).await, 3);
        all(&bench, state, towards);
        let after: u64 = bench.effects(operation).iter().sum();
        assert_eq!(after - before, 3, "{mode}");
    }
    assert_eq!(bench.overlaps(), 0);
    assert_eq!(
        bench.attempts("sessions.logout"),
        bench.attempts("sessions.login")
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_each_action_has_one_effect() {
    let bench = Bench::new(&spec(4));
    let plan = plan(&bench);
    for (mode, operation, state, towards) in LIFE {
        let before: u64 = bench.effects(operation).iter().sum();
        let attempts = bench.attempts(operation);
        bench.drop_answers(operation, &objects(&bench));
        let outcome = bench.run(&plan, mode).await;
        assert_done(&outcome, 4);
        all(&bench, state, towards);
        let after: u64 = bench.effects(operation).iter().sum();
        assert_eq!(
            (after - before, bench.attempts(operation) - attempts),
            (4, 4),
            "{mode}"
        );
    }
    assert_eq!(bench.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_before_the_server_acted_goes_out_again_after_the_settle_time() {
    let bench = Bench::new(&spec(2));
    let plan = plan(&bench);
    for (mode, operation, state, towards) in LIFE {
        let before: u64 = bench.effects(operation).iter().sum();
        bench.fault(FaultRule::new(operation, FaultAction::Cut).times(Some(2)));
        assert_done(&bench.run(&plan, mode).await, 2);
        all(&bench, state, towards);
        let after: u64 = bench.effects(operation).iter().sum();
        assert_eq!(after - before, 2, "{mode}");
    }
    assert_eq!((bench.overlaps(), bench.idle_faults()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_run_of_a_mode_sends_nothing_and_says_so() {
    let bench = Bench::new(&spec(2));
    let plan = plan(&bench);
    for (mode, operation, ..) in LIFE {
        bench.run(&plan, mode).await;
        let attempts = bench.attempts(operation);
        let again = bench.run(&plan, mode).await;
        assert_done(&again, 2);
        assert_eq!(bench.attempts(operation), attempts, "{mode}");
        assert!(
            again.notes().contains("it was so already"),
            "{mode}: {}",
            again.notes()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_the_service_fails_at_is_a_failure_with_its_reason() {
    let bench = Bench::new(&spec(2));
    bench.world().set_reachable("east", false);
    // The item's preflight would say no; here the run is started nevertheless.
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    outcome.assert_says("Site east cannot be reached");

    let bench = Bench::new(&spec(2));
    bench.world().set_reachable("east", false);
    bench.drop_answers("vmReplications.migrate", &objects(&bench));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    assert_eq!(bench.attempts("vmReplications.migrate"), 2);
}

#[tokio::test(start_paused = true)]
async fn work_that_somebody_else_has_begun_is_waited_for() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let id = ids(&bench).remove(0);
    begin_by_hand(&bench, &id, "failover").await;
    assert_done(&bench.run(&plan, Mode::Disaster).await, 1);
    assert_eq!(bench.attempts("vmReplications.failover"), 1);

    // Other work is not taken for this one's: it is waited out, and then the state decides.
    let bench = Bench::new(&spec(1));
    let id = ids(&bench).remove(0);
    begin_by_hand(&bench, &id, "failover-test").await;
    let outcome = bench.run(&self::plan(&bench), Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("clean it up first");
}

async fn begin_by_hand(bench: &Bench, id: &str, action: &str) {
    use farside_simulator::exchange::{Reply, Request};
    use http::Method;
    let (user, password) = {
        let world = bench.world();
        let west = world.endpoint("west").unwrap();
        (west.user.clone(), west.password.clone())
    };
    let body = serde_json::json!({"type": "vcdCredentials", "vcdUser": user, "vcdPassword": password});
    let answer = bench
        .simulator
        .handle("west", &Request::new(Method::POST, "/sessions").json(&body));
    let Reply::Answer(answer) = answer.reply else {
        panic!("no answer")
    };
    let token = answer.header_text("x-vcav-auth").unwrap().to_owned();
    let request = Request::new(Method::POST, &format!("/vm-replications/{id}/{action}"))
        .header("X-VCAV-Auth", &token)
        .json(&serde_json::json!({"type": "vcloud", "powerOn": true}));
    let Reply::Answer(answer) = bench.simulator.handle("west", &request).reply else {
        panic!("no answer")
    };
    assert_eq!(answer.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_run_outlives_trouble_at_the_service() {
    let bench = Bench::new(&spec(6));
    let busy = |retry_after| FaultAction::Refuse {
        status: 429,
        body: None,
        retry_after,
    };
    bench.fault(FaultRule::new("vmReplications.migrate", busy(Some(2))).times(Some(3)));
    bench.fault(FaultRule::new("vmReplications.migrate", FaultAction::EndSessions).from_nth(5));
    bench.fault(FaultRule::new("tasks.poll", FaultAction::Cut).times(Some(5)));
    bench.fault(FaultRule::new("vmReplications.get", FaultAction::Silence { acted: false }).times(Some(2)));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 6);
    assert_eq!(bench.effects("vmReplications.migrate"), [1; 6]);
    assert_eq!((bench.overlaps(), bench.idle_faults()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_twice_in_a_row_with_a_code_of_its_own_does_not_end_an_item() {
    let bench = Bench::new(&spec(1));
    let over = FaultAction::Refuse {
        status: 401,
        body: Some(serde_json::json!({"code": "SessionExpired", "msg": "log in again"})),
        retry_after: None,
    };
    bench.fault(FaultRule::new("vmReplications.migrate", over).times(Some(2)));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_eq!(bench.effects("vmReplications.migrate"), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_killed_run_is_taken_up_and_each_replication_is_migrated_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(&journal_path(folder.path())).await.unwrap();
    let bench = Bench::with_journal(&spec(12), Arc::new(journal));
    let plan = plan(&bench);
    let (driver, _world, _orders) = bench
        .driver(
            &plan,
            Mode::Planned,
            Box::new(farside_failover::driver::Unobserved),
        )
        .await;
    let run = bench.journal.runs().await.unwrap().remove(0).run;
    // Dropping the driver in the middle of its calls is a crash.
    let killed = tokio::time::timeout(std::time::Duration::from_millis(900), driver.drive()).await;
    assert!(killed.is_err());
    assert!(bench.attempts("vmReplications.migrate") > 0);
    let outcome = bench.resume(&plan, &run).await;
    assert_done(&outcome, 12);
    assert_eq!(bench.effects("vmReplications.migrate"), [1; 12]);
    assert_eq!(bench.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn wherever_a_run_is_killed_each_replication_is_failed_over_once() {
    for seed in 0..40_u64 {
        let bench = Bench::new(&WorldSpec::pair(seed).groups(0).replications(6));
        let plan = plan(&bench);
        let lost = u32::try_from(seed % 6 + 1).unwrap();
        bench.fault(FaultRule::new("vmReplications.failover", FaultAction::DropAnswer).from_nth(lost));
        bench.fault(FaultRule::new("tasks.list", FaultAction::EndSessions).from_nth(lost + 2));
        let (driver, _world, _orders) = bench
            .driver(
                &plan,
                Mode::Disaster,
                Box::new(farside_failover::driver::Unobserved),
            )
            .await;
        let run = bench.journal.runs().await.unwrap().remove(0).run;
        let at = std::time::Duration::from_millis(seed * 137 + 1);
        let outcome = match tokio::time::timeout(at, driver.drive()).await {
            Ok(run) => bench.outcome(run.unwrap()),
            Err(_killed) => bench.resume(&plan, &run).await,
        };
        assert_done(&outcome, 6);
        assert_eq!(bench.effects("vmReplications.failover"), [1; 6], "seed {seed}");
        assert_eq!(
            (bench.attempts("vmReplications.failover"), bench.overlaps()),
            (6, 0),
            "seed {seed}"
        );
    }
}

/// Each call has an `operationID` of its own, so that a service which told requests apart by it would take none for another.
#[tokio::test(start_paused = true)]
async fn a_rehearsal_is_done_anew_where_requests_are_told_apart_by_their_operation_id() {
    let mut vcda = VcdaSpec::default();
    vcda.deduplicates = true;
    let bench = Bench::new(&spec(3).vcda(vcda));
    let plan = plan(&bench);
    for _ in 0..2 {
        assert_done(&bench.run(&plan, Mode::Test).await, 3);
        all(&bench, RecoveryState::Test, "west");
        assert_done(&bench.run(&plan, Mode::Cleanup).await, 3);
        all(&bench, RecoveryState::NotStarted, "west");
    }
    // A call that goes out again is another call.
    bench.fault(FaultRule::new("vmReplications.failoverTest", FaultAction::Cut));
    assert_done(&bench.run(&plan, Mode::Test).await, 3);
    all(&bench, RecoveryState::Test, "west");
    assert_eq!(bench.overlaps(), 0);
}
