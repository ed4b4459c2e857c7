//! Replication groups through plan, driver and journal, against the simulated arrays.

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_simulator::sms::{EntryFault, GroupState, GroupView, ProviderSpec, VasaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::Clock as _;
use serde_json::json;
use support::{Bench, Outcome};

const SYNC: &str = "VasaProvider_SyncReplicationGroup_Task";
const PREPARE: &str = "VasaProvider_PrepareFailoverReplicationGroup_Task";
const FAIL_OVER: &str = "VasaProvider_FailoverReplicationGroup_Task";
const REVERSE: &str = "VasaProvider_ReverseReplicateGroup_Task";
const TEST_START: &str = "VasaProvider_TestFailoverReplicationGroupStart_Task";
const TEST_STOP: &str = "VasaProvider_TestFailoverReplicationGroupStop_Task";

/// Each mode with the operations that it is made of, in the order of a recovery's life and back, and the states of the
/// groups in the west and in the east afterwards.
const LIFE: [(Mode, &[&str], [GroupState; 2]); 7] = [
    (
        Mode::Test,
        &[TEST_START],
        [GroupState::InTest, GroupState::Source],
    ),
    (
        Mode::Cleanup,
        &[TEST_STOP],
        [GroupState::Target, GroupState::Source],
    ),
    (
        Mode::Planned,
        &[SYNC, PREPARE, FAIL_OVER],
        [GroupState::FailedOver, GroupState::RemoteFailedOver],
    ),
    (
        Mode::Reprotect,
        &[REVERSE],
        [GroupState::Source, GroupState::Target],
    ),
    (
        Mode::Failback,
        &[SYNC, PREPARE, FAIL_OVER],
        [GroupState::RemoteFailedOver, GroupState::FailedOver],
    ),
    (
        Mode::Reprotect,
        &[REVERSE],
        [GroupState::Target, GroupState::Source],
    ),
    (
        Mode::Disaster,
        &[FAIL_OVER],
        [GroupState::FailedOver, GroupState::RemoteFailedOver],
    ),
];

fn world(groups: u32, vasa: VasaSpec) -> WorldSpec {
    WorldSpec::pair(7).groups(groups).replications(0).vasa(vasa)
}

/// One provider on each side, changed as the test needs it.
fn one_provider(change: impl FnOnce(&mut ProviderSpec)) -> VasaSpec {
    let mut provider = ProviderSpec::default();
    change(&mut provider);
    let mut vasa = VasaSpec::default();
    vasa.providers = vec![provider];
    vasa
}

fn side(group: &GroupView) -> String {
    let (place, number) = (
        group.vcenter.trim_start_matches("vc-"),
        group.provider.rsplit('-').next().unwrap(),
    );
    format!(
        "endpoint = \"{}\"\nprovider = \"uid-{place}-{number}\"\nfault_domain = \"{}\"\ngroup = \"{}\"\n",
        group.vcenter, group.fault_domain, group.id
    )
}

/// A plan of all groups of the world, with `more` in each group's table.
fn plan_with(bench: &Bench, more: &str) -> String {
    let mut plan = bench.plan_head();
    for name in names(bench) {
        let (source, target) = (group(bench, "vc-east", &name), group(bench, "vc-west", &name));
        let _ = write!(
            plan,
            "[[items]]\nname = \"{name}\"\ngroup = \"first\"\n[items.vasa]\n{more}\n[items.vasa.source]\n{}\
             [items.vasa.target]\n{}\n",
            side(&source),
            side(&target)
        );
    }
    plan
}

fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

fn names(bench: &Bench) -> Vec<String> {
    let world = bench.world();
    let mut names: Vec<String> = world.sms().groups().map(|group| group.name).collect();
    names.sort();
    names.dedup();
    names
}

fn group(bench: &Bench, vcenter: &str, name: &str) -> GroupView {
    bench.world().sms().group(vcenter, name).unwrap()
}

/// The states of all groups at a vCenter, each once.
fn states(bench: &Bench, vcenter: &str) -> Vec<GroupState> {
    let mut states: Vec<GroupState> = names(bench)
        .iter()
        .map(|name| group(bench, vcenter, name).state)
        .collect();
    states.dedup();
    states
}

fn effects(bench: &Bench, operation: &str) -> u64 {
    bench.effects(operation).iter().sum()
}

fn assert_done(outcome: &Outcome, items: usize) {
    assert_eq!(outcome.counts(), [items, 0, 0, 0], "{}", outcome.notes());
}

fn assert_states(bench: &Bench, [west, east]: [GroupState; 2]) {
    assert_eq!(
        (states(bench, "vc-west"), states(bench, "vc-east")),
        (vec![west], vec![east])
    );
}

/// The tasks that were made of an operation.
fn tasks(bench: &Bench, verb: &str) -> usize {
    let state = bench.world().state();
    let tasks = state["vasa"]["tasks"].as_array().unwrap();
    tasks
        .iter()
        .filter(|task| task["verb"] == verb && task["check_only"] == false)
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_planned_run_over_two_providers_keeps_to_their_batch_sizes() {
    let bench = Bench::new(&world(24, VasaSpec::default()));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 24);
    assert_states(&bench, [GroupState::FailedOver, GroupState::RemoteFailedOver]);
    // Twelve groups each, at most eight in a call at the one and any number at the other.
    for verb in ["sync", "prepare", "failover"] {
        assert_eq!(tasks(&bench, verb), 3, "{verb}");
    }
    for operation in [SYNC, PREPARE, FAIL_OVER] {
        assert_eq!(bench.effects(operation), [1; 24], "{operation}");
        assert_eq!(bench.attempts(operation), 24, "{operation}");
    }
    assert_eq!(bench.overlaps(), 0);
    assert!(
        outcome.notes().contains("the group holds no VMs"),
        "{}",
        outcome.notes()
    );
    let data = &outcome.report.details[0].actions[2].data;
    assert_eq!(data["state"], "FAILEDOVER");
    assert!(
        data["point_in_time"].is_string() && data["time"].is_string(),
        "{data}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_mode_follows_the_one_before_and_back_again() {
    for renames in [false, true] {
        let mut vasa = VasaSpec::default();
        for provider in &mut vasa.providers {
            provider.renames_on_reverse = renames;
        }
        let bench = Bench::new(&world(6, vasa));
        let plan = plan(&bench);
        for (mode, operations, states) in LIFE {
            let check = bench.check(&plan, mode).await;
            assert_ne!(
                check.verdict,
                Verdict::NoGo,
                "{mode}, renames: {renames}: {check:#?}"
            );
            let before: Vec<u64> = operations
                .iter()
                .map(|operation| effects(&bench, operation))
                .collect();
            assert_done(&bench.run(&plan, mode).await, 6);
            assert_states(&bench, states);
            for (operation, before) in operations.iter().zip(before) {
                assert_eq!(effects(&bench, operation) - before, 6, "{mode} {operation}");
            }
            bench.pass(Duration::from_secs(120)).await;
        }
        assert_eq!(bench.overlaps(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_each_action_has_one_effect() {
    for renames in [false, true] {
        let bench = Bench::new(&world(
            4,
            one_provider(|provider| provider.renames_on_reverse = renames),
        ));
        let plan = plan(&bench);
        for (mode, operations, states) in LIFE {
            let before: Vec<(u64, u64)> = operations
                .iter()
                .map(|operation| (effects(&bench, operation), bench.attempts(operation)))
                .collect();
            for operation in operations {
                bench.fault(FaultRule::new(operation, FaultAction::DropAnswer));
            }
            assert_done(&bench.run(&plan, mode).await, 4);
            assert_states(&bench, states);
            for (operation, (effect, attempts)) in operations.iter().zip(before) {
                assert_eq!(effects(&bench, operation) - effect, 4, "{mode} {operation}");
                // Nothing shows a prepare, so it is the one that goes out again.
                let wanted = if *operation == PREPARE { 8 } else { 4 };
                assert_eq!(bench.attempts(operation) - attempts, wanted, "{mode} {operation}");
            }
            bench.pass(Duration::from_secs(120)).await;
        }
        assert_eq!(bench.overlaps(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_before_the_server_acted_goes_out_again_after_the_settle_time() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let plan = plan(&bench);
    for (mode, operations, states) in LIFE {
        let before: Vec<u64> = operations
            .iter()
            .map(|operation| effects(&bench, operation))
            .collect();
        for operation in operations {
            bench.fault(FaultRule::new(operation, FaultAction::Cut));
        }
        assert_done(&bench.run(&plan, mode).await, 2);
        assert_states(&bench, states);
        for (operation, before) in operations.iter().zip(before) {
            assert_eq!(effects(&bench, operation) - before, 2, "{mode} {operation}");
        }
        bench.pass(Duration::from_secs(120)).await;
    }
    assert_eq!(bench.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_smaller_limit_that_a_call_meets_holds_from_then_on() {
    let bench = Bench::new(&world(
        12,
        one_provider(|provider| {
            provider.max_batch_size = Some(8);
            provider.call_limit = Some(3);
        }),
    ));
    assert_done(&bench.run(&plan(&bench), Mode::Test).await, 12);
    assert_eq!(effects(&bench, TEST_START), 12);
    assert_eq!(tasks(&bench, "test_start"), 4);
    assert_eq!(bench.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn groups_that_a_task_has_too_many_of_are_sent_again_and_no_others() {
    let bench = Bench::new(&world(6, one_provider(|_| {})));
    for name in ["group-002", "group-005"] {
        bench.world().sms_mut().add_entry_fault(fault(
            name,
            FAIL_OVER,
            json!({"_typeName": "TooMany", "maxBatchSize": 4}),
        ));
    }
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 6);
    assert_eq!(bench.effects(FAIL_OVER), [1; 6]);
    assert_eq!((bench.attempts(FAIL_OVER), bench.overlaps()), (8, 0));
}

/// A fault of one group's entry, once.
fn fault(group: &str, operation: &str, fault: serde_json::Value) -> EntryFault {
    serde_json::from_value(json!({"group": group, "operation": operation, "times": 1, "fault": fault}))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_inside_a_task_fails_alone_and_says_why() {
    let bench = Bench::new(&world(3, one_provider(|_| {})));
    let message =
        json!([{"_typeName": "LocalizableMessage", "key": "k", "message": "disk 7 has no replica"}]);
    let none = json!({"_typeName": "NoValidReplica", "faultMessage": message});
    bench
        .world()
        .sms_mut()
        .add_entry_fault(fault("group-002", FAIL_OVER, none));
    bench.world().sms_mut().add_entry_fault(fault(
        "group-003",
        FAIL_OVER,
        json!({"_typeName": "ProviderBusy"}),
    ));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_eq!(outcome.counts(), [2, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("disk 7 has no replica"),
        "{}",
        outcome.notes()
    );
    assert_eq!(
        group(&bench, "vc-west", "group-003").state,
        GroupState::FailedOver
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_group_waits_for_the_work_that_is_running() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let plan = plan(&bench);
    // The answer of the first start is lost to a look that comes at once; busy_names_task is for other readings.
    bench.fault(FaultRule::new(TEST_START, FaultAction::Silence { acted: true }));
    assert_done(&bench.run(&plan, Mode::Test).await, 2);
    assert_eq!((effects(&bench, TEST_START), bench.overlaps()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_replicator_that_reverses_by_itself_is_not_reversed() {
    let bench = Bench::new(&world(3, one_provider(|provider| provider.self_reversing = true)));
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Planned).await, 3);
    assert_states(&bench, [GroupState::Source, GroupState::Target]);
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_done(&outcome, 3);
    assert_eq!(bench.attempts(REVERSE), 0);
    let data = &outcome.report.details[0].actions[0].data;
    assert_eq!(
        (&data["source"]["endpoint"], &data["target"]["endpoint"]),
        (&json!("vc-west"), &json!("vc-east"))
    );
    bench.pass(Duration::from_secs(120)).await;
    assert_done(&bench.run(&plan, Mode::Failback).await, 3);
    assert_states(&bench, [GroupState::Target, GroupState::Source]);
}

#[tokio::test(start_paused = true)]
async fn test_failovers_with_results_are_read_like_those_without() {
    let bench = Bench::new(&world(2, one_provider(|provider| provider.test_results = true)));
    let plan = plan(&bench);
    let outcome = bench.run(&plan, Mode::Test).await;
    assert_done(&outcome, 2);
    assert_eq!(outcome.report.details[0].actions[0].data["state"], "INTEST");
    assert_done(&bench.run(&plan, Mode::Cleanup).await, 2);
    assert_states(&bench, [GroupState::Target, GroupState::Source]);
}

#[tokio::test(start_paused = true)]
async fn a_test_whose_volumes_are_in_use_is_not_ended_by_force() {
    let bench = Bench::new(&world(2, one_provider(|provider| provider.test_leftovers = true)));
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Test).await, 2);
    let outcome = bench.run(&plan, Mode::Cleanup).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    assert!(outcome.notes().contains("still in use"), "{}", outcome.notes());
    assert_eq!(states(&bench, "vc-west"), [GroupState::InTest]);
}

#[tokio::test(start_paused = true)]
async fn a_disaster_run_sends_nothing_to_the_protected_site_and_says_what_is_lost() {
    let bench = Bench::new(&world(4, VasaSpec::default()));
    let plan = plan(&bench);
    bench.world().set_reachable("vc-east", false);
    let check = bench.check(&plan, Mode::Disaster).await;
    assert_eq!(check.verdict, Verdict::Go, "{check:#?}");
    let losses: Vec<&str> = check.losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses.len(), 4);
    assert!(
        losses
            .iter()
            .all(|loss| loss.starts_with("everything written after 2") && loss.contains(" s ago)")),
        "{losses:?}"
    );
    assert_done(&bench.run(&plan, Mode::Disaster).await, 4);
    assert_eq!(bench.heard("vc-east"), 0);
    assert_eq!(states(&bench, "vc-west"), [GroupState::FailedOver]);
    bench.world().set_reachable("vc-east", true);
    assert_done(&bench.run(&plan, Mode::Reprotect).await, 4);
    assert_states(&bench, [GroupState::Source, GroupState::Target]);
}

#[tokio::test(start_paused = true)]
async fn a_disaster_recovers_the_point_in_time_that_the_plan_names() {
    let bench = Bench::new(&world(1, VasaSpec::default()));
    let pits = bench.world().state()["vasa"]["groups"][0]["pits"].clone();
    let oldest = pits[0]["id"].as_str().unwrap().to_owned();
    let plan = plan_with(&bench, &format!("point_in_time = \"{oldest}\""));
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_done(&outcome, 1);
    assert_eq!(
        outcome.report.details[0].actions[0].data["point_in_time"],
        json!(oldest)
    );
    let absent = Bench::new(&world(1, VasaSpec::default()));
    let check = absent
        .check(
            &plan_with(&absent, "point_in_time = \"none-such\""),
            Mode::Disaster,
        )
        .await;
    assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
}

#[tokio::test(start_paused = true)]
async fn both_sides_as_source_are_for_a_person_to_decide() {
    let mut vasa = one_provider(|provider| provider.self_reversing = true);
    vasa.source_stays = true;
    let bench = Bench::new(&world(1, vasa));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Reprotect).await;
    assert_eq!(check.verdict, Verdict::NoGo, "never failed over: {check:#?}");
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("nothing to reprotect"),
        "{}",
        outcome.notes()
    );
    assert_eq!(bench.attempts(REVERSE), 0);
}

#[tokio::test(start_paused = true)]
async fn an_offline_provider_is_no_go_and_a_run_waits_for_it() {
    let bench = Bench::new(&world(
        2,
        one_provider(|provider| provider.offline_at = vec!["vc-west".to_owned()]),
    ));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    let complaints: Vec<String> = check
        .complaints()
        .map(|(_, condition)| condition.value.clone())
        .collect();
    assert!(
        complaints[0].contains("offline") && complaints[0].contains("vc-west"),
        "{complaints:?}"
    );
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    assert_eq!(bench.attempts(SYNC), 0);
    assert!(bench.clock.elapsed() < Duration::from_secs(3600));
    bench
        .world()
        .sms_mut()
        .set_provider_online("vasaProvider-west-1", true);
    assert_done(&bench.run(&plan, Mode::Planned).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_group_in_the_wrong_state_is_refused_with_what_to_do_and_nothing_is_sent() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Test).await, 2);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 2, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("INTEST") && outcome.notes().contains("farside cleanup"),
        "{}",
        outcome.notes()
    );
    assert_eq!((bench.attempts(SYNC), bench.attempts(FAIL_OVER)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_finds_its_work_done_sends_nothing() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Planned).await, 2);
    let sent = [SYNC, PREPARE, FAIL_OVER].map(|operation| bench.attempts(operation));
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_done(&outcome, 2);
    assert!(
        outcome.notes().contains("failed over already"),
        "{}",
        outcome.notes()
    );
    assert_eq!(
        [SYNC, PREPARE, FAIL_OVER].map(|operation| bench.attempts(operation)),
        sent
    );
}

#[tokio::test(start_paused = true)]
async fn groups_with_machines_are_moved_in_a_disaster_only() {
    let mut vasa = VasaSpec::default();
    vasa.groups_with_devices = 1;
    let bench = Bench::new(&world(2, vasa));
    let plan = plan(&bench);
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [1, 1, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("not part of this version"),
        "{}",
        outcome.notes()
    );
    assert_eq!(group(&bench, "vc-west", "group-001").state, GroupState::Target);
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_done(&outcome, 2);
    assert!(
        outcome.notes().contains("leaves their VMs alone"),
        "{}",
        outcome.notes()
    );
}

#[tokio::test(start_paused = true)]
async fn plans_that_pair_the_wrong_groups_are_refused() {
    let bench = Bench::new(&world(3, one_provider(|_| {})));
    let plan = plan(&bench);
    let crossed = plan
        .replace("rt-001", "rt-900")
        .replace("rt-002", "rt-001")
        .replace("rt-900", "rt-002");
    let outcome = bench.run(&crossed, Mode::Planned).await;
    assert_eq!(outcome.counts(), [1, 2, 0, 0], "{}", outcome.notes());
    assert!(outcome.notes().contains("is paired with"), "{}", outcome.notes());
    let unknown = plan
        .replace("rt-003", "rt-777")
        .replace("uid-west-1", "west-array-provider-1");
    let check = bench.check(&unknown, Mode::Planned).await;
    let complaints: Vec<String> = check
        .complaints()
        .map(|(_, condition)| condition.value.clone())
        .collect();
    assert!(
        complaints.iter().any(|value| value.contains("rt-777")),
        "{complaints:?}"
    );
    let stranger = plan.replace("uid-west-1", "no-such-provider");
    let outcome = bench.run(&stranger, Mode::Test).await;
    assert_eq!(outcome.counts(), [0, 3, 0, 0], "{}", outcome.notes());
    assert!(
        outcome.notes().contains("no provider called no-such-provider"),
        "{}",
        outcome.notes()
    );
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_that_restarts_mid_way_loses_its_tasks_and_no_group_is_moved_twice() {
    let bench = Bench::new(&world(6, VasaSpec::default()));
    let plan = plan(&bench);
    let (driver, world, _orders) = bench
        .driver(
            &plan,
            Mode::Planned,
            Box::new(farside_failover::driver::Unobserved),
        )
        .await;
    let restart = async {
        while tasks(&bench, "failover") == 0 {
            bench.pass(Duration::from_millis(100)).await;
        }
        bench.world().restart_vcenter("vc-west", 30_000);
    };
    let (run, ()) = tokio::join!(driver.drive(), restart);
    world.close().await;
    assert_done(&bench.outcome(run.unwrap()), 6);
    assert_eq!(bench.effects(FAIL_OVER), [1; 6]);
    assert_eq!(bench.overlaps(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_changes_nothing_and_asks_the_provider() {
    let bench = Bench::new(&world(
        12,
        one_provider(|provider| provider.max_batch_size = Some(8)),
    ));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::Go, "{check:#?}");
    let asked = check.items.iter().flat_map(|item| &item.check.conditions);
    assert_eq!(
        asked
            .filter(|condition| condition.name == "the provider's own check")
            .count(),
        12
    );
    assert_states(&bench, [GroupState::Target, GroupState::Source]);
    bench.world().sms_mut().add_entry_fault(fault(
        "group-004",
        FAIL_OVER,
        json!({"_typeName": "NoValidReplica"}),
    ));
    let check = bench.check(&plan, Mode::Planned).await;
    let complaints: Vec<&str> = check.complaints().map(|(item, _)| item.name.as_str()).collect();
    assert_eq!(complaints, ["group-004"]);
}

#[test]
fn a_pair_is_locked_by_both_its_ids_whichever_side_comes_first() {
    let bench = Bench::new(&world(1, VasaSpec::default()));
    let text = plan(&bench);
    let document = bench.document(&text);
    assert_eq!(
        document.items[0].protected.locks[0].as_str(),
        "vasa:fd-east-1/rg-001|fd-west-1/rt-001"
    );
    let turned = text.replace("[items.vasa.source]", "[items.vasa.x]");
    let turned = turned
        .replace("[items.vasa.target]", "[items.vasa.source]")
        .replace("[items.vasa.x]", "[items.vasa.target]");
    assert_eq!(
        bench.document(&turned).items[0].protected.locks,
        document.items[0].protected.locks
    );
}
