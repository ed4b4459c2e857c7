//! VM replications through plan, driver and journal, against the simulated sites.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod support;

use std::fmt::Write as _;
use std::sync::Arc;

use farside_engine::{EndpointId, Mode};
use farside_failover::kind::Verdict;
use farside_failover::plan::EndpointConfig;
use farside_journal::SqliteJournal;
use farside_simulator::vcda::{RecoveryState, VcdaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use support::{Bench, Outcome, journal_path};

fn spec(replications: u32) -> WorldSpec {
    WorldSpec::pair(11).groups(0).replications(replications)
}

/// A plan of all replications of the world, in two priority groups.
fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

fn plan_with(bench: &Bench, more: &str) -> String {
    let mut plan = bench.plan_head();
    for (number, id) in ids(bench).iter().enumerate() {
        let group = if number % 2 == 0 { "first" } else { "second" };
        let _ = write!(
            plan,
            "[[items]]\nname = \"item-{number:02}\"\ngroup = \"{group}\"\n[items.vcda]\nreplication = \"{id}\"\n\
             source = \"vcda-east\"\ndestination = \"vcda-west\"\npower_on = true\nnics = 1\n{more}\n"
        );
    }
    plan
}

fn ids(bench: &Bench) -> Vec<String> {
    let world = bench.world();
    world
        .vcda()
        .replications()
        .map(|replication| replication.id.clone())
        .collect()
}

fn objects(bench: &Bench) -> Vec<String> {
    ids(bench)
        .iter()
        .map(|id| format!("vm-replications/{id}"))
        .collect()
}

/// Recovery state and direction of all replications.
fn states(bench: &Bench) -> Vec<(RecoveryState, String)> {
    let world = bench.world();
    let replications = world.vcda().replications();
    replications
        .map(|one| (one.recovery, one.destination.site.clone()))
        .collect()
}

fn all(bench: &Bench, state: RecoveryState, towards: &str) {
    for (seen, site) in states(bench) {
        assert_eq!((seen, site.as_str()), (state, towards));
    }
}

fn assert_done(outcome: &Outcome, items: usize) {
    assert_eq!(outcome.counts(), [items, 0, 0, 0], "{}", outcome.notes());
}

/// Each mode with the operation that it is made of, in the order of a recovery's life and back.
const LIFE: [(Mode, &str, RecoveryState, &str); 7] = [
    (
        Mode::Test,
        "vmReplications.failoverTest",
        RecoveryState::Test,
        "west",
    ),
    (
        Mode::Cleanup,
        "vmReplications.failoverTestCleanup",
        RecoveryState::NotStarted,
        "west",
    ),
    (
        Mode::Planned,
        "vmReplications.migrate",
        RecoveryState::Complete,
        "west",
    ),
    (
        Mode::Reprotect,
        "vmReplications.reverse",
        RecoveryState::NotStarted,
        "east",
    ),
    (
        Mode::Failback,
        "vmReplications.migrate",
        RecoveryState::Complete,
        "east",
    ),
    (
        Mode::Reprotect,
        "vmReplications.reverse",
        RecoveryState::NotStarted,
        "west",
    ),
    (
        Mode::Disaster,
        "vmReplications.failover",
        RecoveryState::Complete,
        "west",
    ),
];

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

// Some services want a session that is good for both sites: all calls that move a replication were refused there.
#[tokio::test(start_paused = true)]
async fn a_session_is_extended_to_the_other_site_where_the_service_wants_that() {
    for not_authenticated in [false, true] {
        let mut vcda = VcdaSpec::default();
        vcda.needs_extension = true;
        vcda.missing_extension_is_not_authenticated = not_authenticated;
        let bench = Bench::new(&spec(3).vcda(vcda));
        let plan = plan(&bench);
        for (mode, operation, state, towards) in LIFE {
            let (before, extended) = (bench.effects(operation), bench.attempts("sessions.extend"));
            let before: u64 = before.iter().sum();
            assert_done(&bench.run(&plan, mode).await, 3);
            all(&bench, state, towards);
            let after: u64 = bench.effects(operation).iter().sum();
            assert_eq!(after - before, 3, "{mode}");
            let extended = bench.attempts("sessions.extend") - extended;
            let moves = matches!(operation, "vmReplications.migrate" | "vmReplications.reverse");
            assert_eq!(extended, u64::from(moves), "{mode} extends its session");
        }
        assert_eq!(bench.overlaps(), 0);
        assert_eq!(
            bench.attempts("sessions.logout"),
            bench.attempts("sessions.login")
        );
    }
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
async fn a_test_copy_has_no_connected_card_and_the_plan_s_power() {
    let bench = Bench::new(&spec(1));
    let plan = plan_with(&bench, "")
        .replace("nics = 1", "nics = 2")
        .replace("power_on = true", "power_on = false");
    assert_done(&bench.run(&plan, Mode::Test).await, 1);
    let world = bench.world();
    let copy = world
        .vcda()
        .replications()
        .next()
        .unwrap()
        .destination_vm
        .clone()
        .unwrap();
    assert!(!copy.powered_on);
    let settings = copy.network_settings.unwrap();
    assert_eq!(settings["copySourceNicSettings"], false);
    let cards: Vec<bool> = settings["nics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|nic| nic["isConnected"] == false)
        .collect();
    assert_eq!(cards, [true, true]);
}

/// The networks that the cards of the recovered VMs are connected to.
fn networks(bench: &Bench) -> Vec<Option<String>> {
    let world = bench.world();
    let replications = world.vcda().replications();
    replications
        .map(|one| one.destination_vm.as_ref().unwrap().network.clone())
        .collect()
}

/// A site that takes silence about networks in one or the other way, with VMs that lead to Cloud Director or to vCenter, and a
/// plan of them.
fn silent(disconnects: bool, vcenter: bool) -> (Bench, String) {
    let mut vcda = VcdaSpec::default();
    vcda.null_networks_disconnect = disconnects;
    vcda.vcenter_destinations = if vcenter { 2 } else { 0 };
    let bench = Bench::new(&spec(2).vcda(vcda));
    let target = if vcenter { "target = \"vcenter\"" } else { "" };
    let plan = plan_with(&bench, target);
    (bench, plan)
}

// The way home was asked for in the terms of the recovery site, which its own kind of site refuses.
#[tokio::test(start_paused = true)]
async fn a_way_home_is_asked_for_in_the_terms_of_the_site_at_home() {
    let (bench, plan) = silent(false, true);
    for (mode, _, state, towards) in LIFE {
        assert_done(&bench.run(&plan, mode).await, 2);
        all(&bench, state, towards);
    }
    let named = plan.replace("target = \"vcenter\"", "target = \"vcenter\"\nhome = \"vcenter\"");
    for mode in [Mode::Planned, Mode::Reprotect] {
        assert_done(&bench.run(&named, mode).await, 2);
    }
    let refused = bench.run(&named, Mode::Failback).await;
    assert_eq!(refused.counts(), [0, 2, 0, 0], "{}", refused.notes());
    assert!(
        refused.notes().contains("not a vcenter site"),
        "{}",
        refused.notes()
    );
}

// Where silence about networks means that no card is connected, a VM was recovered without any, and the run said nothing of it.
#[tokio::test(start_paused = true)]
async fn a_recovered_vm_is_on_the_network_that_is_set_up_whatever_silence_means() {
    for (disconnects, vcenter) in [(false, false), (true, false), (false, true), (true, true)] {
        for mode in [Mode::Planned, Mode::Disaster] {
            let (bench, plan) = silent(disconnects, vcenter);
            let check = bench.check(&plan, mode).await;
            let seen = check.items[0]
                .check
                .conditions
                .iter()
                .find(|seen| seen.name == "networks after recovery");
            assert_eq!(seen.unwrap().value, "card 0: org-net-destination");
            assert_eq!(seen.unwrap().verdict, Verdict::Go);
            let outcome = bench.run(&plan, mode).await;
            assert_done(&outcome, 2);
            assert_eq!(
                outcome.notes().matches("left to the service").count(),
                0,
                "{}",
                outcome.notes()
            );
            let wanted = Some("org-net-destination".to_owned());
            assert_eq!(
                networks(&bench),
                [wanted.clone(), wanted],
                "{mode}: {disconnects} {vcenter}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn networks_that_cannot_be_read_are_told_and_keep_nobody_from_recovering() {
    for (disconnects, wanted) in [(false, Some("org-net-destination".to_owned())), (true, None)] {
        let (bench, plan) = silent(disconnects, false);
        let unknown = FaultAction::Refuse {
            status: 404,
            body: Some(serde_json::json!({"code": "NotFound", "msg": "No such path."})),
            retry_after: None,
        };
        bench.fault(FaultRule::new("vmReplications.networkSettings.get", unknown).times(None));
        bench.drop_answers("vmReplications.failover", &objects(&bench)[..1]);
        let check = bench.check(&plan, Mode::Disaster).await;
        assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
        let told = check
            .complaints()
            .filter(|(_, seen)| seen.name == "networks after recovery");
        assert_eq!(told.count(), 2, "{check:#?}");
        let outcome = bench.run(&plan, Mode::Disaster).await;
        assert_done(&outcome, 2);
        let notes = outcome.notes();
        assert_eq!(notes.matches("No such path.").count(), 2, "{notes}");
        assert_eq!(notes.matches("is left to the service").count(), 2, "{notes}");
        assert_eq!(networks(&bench), [wanted.clone(), wanted]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disaster_sends_nothing_to_the_protected_site() {
    let bench = Bench::new(&spec(5));
    bench.world().set_reachable("east", false);
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Disaster).await;
    assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
    let losses: Vec<&str> = check.losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses.len(), 5);
    assert!(losses[0].starts_with("everything written to vm-"), "{losses:?}");
    assert_done(&bench.run(&plan, Mode::Disaster).await, 5);
    assert_eq!(bench.heard("east"), 0);
    all(&bench, RecoveryState::Complete, "west");
}

#[tokio::test(start_paused = true)]
async fn a_disaster_recovers_from_the_instance_that_the_plan_names() {
    let bench = Bench::new(&spec(1));
    let oldest = bench.world().vcda().replications().next().unwrap().instances[0]
        .key
        .clone();
    let chosen = plan_with(&bench, &format!("instance = \"{oldest}\""));
    let check = bench.check(&chosen, Mode::Disaster).await;
    assert_ne!(check.verdict, Verdict::NoGo, "{check:#?}");
    assert_done(&bench.run(&chosen, Mode::Disaster).await, 1);
    let from = bench
        .world()
        .vcda()
        .replications()
        .next()
        .unwrap()
        .destination_vm
        .clone()
        .unwrap()
        .instance;
    assert_eq!(from, Some(oldest));

    let bench = Bench::new(&spec(1));
    let unknown = plan_with(&bench, "instance = \"replica-unknown\"");
    let check = bench.check(&unknown, Mode::Disaster).await;
    assert!(
        check
            .complaints()
            .any(|(_, condition)| condition.name == "chosen instance"),
        "{check:#?}"
    );
    let outcome = bench.run(&unknown, Mode::Disaster).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("The instance is not known."),
        "{}",
        outcome.notes()
    );
}

#[tokio::test(start_paused = true)]
async fn work_that_the_service_fails_at_is_a_failure_with_its_reason() {
    let bench = Bench::new(&spec(2));
    bench.world().set_reachable("east", false);
    // The item's preflight would say no; here the run is started nevertheless.
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("Site east cannot be reached"),
        "{}",
        outcome.notes()
    );

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
    assert!(
        outcome.notes().contains("clean it up first"),
        "{}",
        outcome.notes()
    );
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
async fn a_failback_needs_a_reprotect_and_a_reprotect_a_failover() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let outcome = bench.run(&plan, Mode::Failback).await;
    assert_eq!(outcome.counts(), [0, 0, 1, 0], "{}", outcome.notes());
    assert!(
        outcome
            .notes()
            .contains("no reprotect of this item in this journal"),
        "{}",
        outcome.notes()
    );
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("nothing has been failed over"),
        "{}",
        outcome.notes()
    );
    assert_eq!(bench.attempts("vmReplications.reverse"), 0);

    // Away from home, the plan's own direction cannot be run.
    for mode in [Mode::Planned, Mode::Reprotect] {
        assert_done(&bench.run(&plan, mode).await, 1);
    }
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("does not lead to vcda-west"),
        "{}",
        outcome.notes()
    );
    for mode in [Mode::Failback, Mode::Reprotect] {
        assert_done(&bench.run(&plan, mode).await, 1);
    }
    let outcome = bench.run(&plan, Mode::Failback).await;
    assert!(outcome.notes().contains("it is at home"), "{}", outcome.notes());
}

#[tokio::test(start_paused = true)]
async fn a_reprotect_says_what_it_removes() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    bench.run(&plan, Mode::Planned).await;
    let check = bench.check(&plan, Mode::Reprotect).await;
    let losses: Vec<&str> = check.losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses, ["the original VM vm-001 at east is removed"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_a_no_go_that_says_where_to_look_and_nothing_is_touched() {
    let bench = Bench::new(&spec(3));
    bench.set_password("west", "wrong");
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    let (_, condition) = check.complaints().next().unwrap();
    assert_eq!(condition.name, "session at vcda-west");
    let hint = condition.hint.as_deref().unwrap();
    assert!(hint.contains("[endpoints.vcda-west]"), "{hint}");
    assert_eq!(bench.attempts("sessions.login"), 2, "one at each site");

    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 3, 0, 0], "{}", outcome.notes());
    assert_eq!(bench.attempts("sessions.login"), 3);
    assert_eq!(bench.attempts("vmReplications.migrate"), 0);
    assert!(!outcome.notes().contains("wrong\""), "{}", outcome.notes());
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_host_and_an_unknown_replication_are_no_go() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    bench.world().set_reachable("west", false);
    let check = bench.check(&plan, Mode::Test).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    bench.world().set_reachable("west", true);
    let unknown = plan.replace(&ids(&bench)[0], "C4-00000000-1111-4222-8333-444455556666");
    let check = bench.check(&unknown, Mode::Test).await;
    let names: Vec<&str> = check
        .complaints()
        .map(|(_, condition)| condition.name.as_str())
        .collect();
    assert_eq!(names, ["replication"], "{check:#?}");
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

#[test]
fn the_plan_is_held_to_what_the_kind_needs() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = Bench::new(&spec(1));
        let good = plan(&bench);
        let wrong = |text: &str| {
            let path = std::path::Path::new("plan.toml");
            let error = farside_failover::plan::Document::parse(path, text, &bench.kinds).unwrap_err();
            error.to_string()
        };
        let without_power = good.replace("power_on = true\n", "");
        assert!(wrong(&without_power).contains("never left to the service"));
        let other_flavour = good.replace("\"C4-", "\"H4-");
        assert!(wrong(&other_flavour).contains("vSphere flavour"));
        let same_side = good.replace("source = \"vcda-east\"", "source = \"vcda-west\"");
        assert!(wrong(&same_side).contains("same site"));
        let no_service = good.replace("source = \"vcda-east\"", "source = \"vc-east\"");
        assert!(wrong(&no_service).contains("type vcenter, not vcda"));
        let unknown_key = good.replace("power_on = true", "power_on = true\npower = 1");
        assert!(wrong(&unknown_key).contains("unknown key `power`"));
        let target = good.replace("power_on = true", "power_on = true\ntarget = \"cloud\"");
        assert!(wrong(&target).contains("known: vcloud, vcenter"));
    });
}

/// A plan whose endpoints extend their sessions to each other's sites.
fn extended(bench: &Bench) -> String {
    let mut plan = plan(bench);
    for (from, to) in [("east", "west"), ("west", "east")] {
        let _ = write!(
            plan,
            "\n[endpoints.vcda-{from}.extensions.vcda-{to}]\nsite = \"{to}\"\n"
        );
    }
    plan
}

/// How often a session at a site was extended.
fn extensions(bench: &Bench, endpoint: &str) -> u64 {
    let world = bench.world();
    let entries = world.calls().entries().into_iter();
    let of_it = entries.filter(|calls| calls.operation == "sessions.extend" && calls.endpoint == endpoint);
    of_it.map(|calls| calls.entry.attempts).sum()
}

fn needs_extension(replications: u32) -> WorldSpec {
    let mut vcda = VcdaSpec::default();
    vcda.needs_extension = true;
    spec(replications).vcda(vcda)
}

#[tokio::test(start_paused = true)]
async fn a_migration_and_a_reversal_that_need_the_other_site_go_by_an_extension() {
    let bench = Bench::new(&needs_extension(3));
    let plan = extended(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::Go, "{check:#?}");
    for mode in [Mode::Planned, Mode::Reprotect, Mode::Failback] {
        let outcome = bench.run(&plan, mode).await;
        assert_eq!(outcome.counts(), [3, 0, 0, 0], "{mode:?}: {}", outcome.notes());
    }
    // One for each run and the check, however many items they have; the way back is asked for at the other site.
    assert_eq!((extensions(&bench, "west"), extensions(&bench, "east")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_extension_may_have_credentials_of_its_own_and_wrong_ones_are_told_before_the_run() {
    let bench = Bench::new(&needs_extension(1));
    let right = extended(&bench).replace(
        "[endpoints.vcda-west.extensions.vcda-east]\n",
        &format!(
            "[endpoints.vcda-west.extensions.vcda-east]\nusername = \"{}\"\npassword = {{ file = \"east\" }}\n",
            bench.world().endpoint("east").unwrap().user
        ),
    );
    assert_eq!(bench.check(&right, Mode::Planned).await.verdict, Verdict::Go);
    let wrong = right.replace("{ file = \"east\" }", "{ file = \"west\" }");
    let check = bench.check(&wrong, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
    let told = check
        .complaints()
        .find(|(_, complaint)| complaint.name.contains("extended to site east"));
    let hint = told.unwrap().1.hint.as_deref().unwrap();
    assert!(
        hint.contains("[endpoints.vcda-west.extensions.vcda-east]"),
        "{hint}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_disaster_and_a_test_extend_nothing_and_leave_the_protected_site_alone() {
    for mode in [Mode::Disaster, Mode::Test] {
        let bench = Bench::new(&needs_extension(2));
        let outcome = bench.run(&extended(&bench), mode).await;
        assert_eq!(outcome.counts(), [2, 0, 0, 0], "{mode:?}: {}", outcome.notes());
        assert_eq!((extensions(&bench, "west"), extensions(&bench, "east")), (0, 0));
        if mode == Mode::Disaster {
            assert_eq!(bench.heard("east"), 0);
        }
    }
}

#[test]
fn what_cannot_be_of_an_item_or_an_address_is_told_in_its_own_words() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let told = |from: &str, to: &str| {
        assert!(plan.contains(from), "{plan}");
        bench.problem(&plan.replacen(from, to, 1))
    };
    // A test would name each of them in its request.
    let cards = told("nics = 1", "nics = 4000000000");
    assert!(
        cards.contains("a VM has at most 10 network cards, not 4000000000"),
        "{cards}"
    );
    // It was taken for a wrong port.
    let user = told("https://vc-east", "https://user:hunter2@vc-east");
    assert!(
        user.contains("without a path or a user") && !user.contains("hunter2"),
        "{user}"
    );
    let groups = told(
        "[[groups]]\nname = \"first\"\n\n[[groups]]\nname = \"second\"\n",
        "",
    );
    assert!(groups.contains("in the plan (there are none)"), "{groups}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_extension_is_told_with_its_place() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let line = plan.lines().count() + 2;
    let with = |table: &str| bench.problem(&format!("{plan}\n{table}\n"));
    for (table, column, words) in [
        (
            "[endpoints.vcda-west.extensions.vcda-north]\nsite = \"n\"",
            1,
            "no endpoint vcda-north in the plan to extend vcda-west to (there are: vc-east, vc-west, vcda-east, vcda-west)",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-west]\nsite = \"west\"",
            1,
            "endpoint vcda-west is extended to itself",
        ),
        (
            "[endpoints.vcda-west.extensions.vc-east]\nsite = \"east\"",
            1,
            "endpoint vc-east is of type vcenter, not vcda",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-east]",
            1,
            "endpoints.vcda-west.extensions.vcda-east lacks `site`",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nusername = \"u\"",
            1,
            "`username` and `password` come together, or neither: then those of [endpoints.vcda-east] are used",
        ),
    ] {
        let problem = with(table);
        let place = format!(":{line}:{column}: {words}");
        assert!(problem.contains(&place), "{problem}\n{place}");
    }
    let unknown = with("[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nuser = \"u\"");
    assert!(
        unknown.contains(&format!(":{}:1: unknown key `user`", line + 2)),
        "{unknown}"
    );
    let inline = with(
        "[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nusername = \"u\"\npassword = \"secret\"",
    );
    assert!(
        inline.contains(&format!(":{}:12: `password`", line + 3)),
        "{inline}"
    );
    assert!(!inline.contains("secret"), "{inline}");
    let vcenter = with("[endpoints.vc-west.extensions.vc-east]\nsite = \"east\"");
    assert!(
        vcenter.contains("only an endpoint of type vcda has extensions"),
        "{vcenter}"
    );
    let two = plan.replacen(
        "max_calls = 8\n",
        "max_calls = 8\npin = \"x\"\nknown_hosts = \"hosts\"\n",
        1,
    );
    let two = bench.problem(&two);
    assert!(
        two.contains("use only one of `ca_file`, `known_hosts`, `pin`"),
        "{two}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_names_where_the_password_of_an_extension_comes_from_and_not_the_password() {
    let bench = Bench::new(&needs_extension(1));
    let document = bench.document(&extended(&bench));
    let endpoint = &document.endpoints[&EndpointId::new("vcda-west")];
    let text = serde_json::to_string(endpoint).unwrap();
    assert!(text.contains("extensions") && !text.contains(&bench.world().endpoint("east").unwrap().password));
    assert_eq!(serde_json::from_str::<EndpointConfig>(&text).unwrap(), *endpoint);
    let mut before = serde_json::to_value(endpoint).unwrap();
    before.as_object_mut().unwrap().remove("extensions");
    let read: EndpointConfig = serde_json::from_value(before).unwrap();
    assert!(
        read.extensions.is_empty(),
        "journals of before have no such member"
    );
}
