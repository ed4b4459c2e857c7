//! Disasters, preflight, and what a run refuses.

use std::time::Duration;

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_simulator::sms::{GroupState, ProviderSpec, VasaSpec};
use farside_transport::Clock as _;
use serde_json::json;

use crate::groups::{
    FAIL_OVER, PREPARE, REVERSE, SYNC, assert_done, assert_states, fault, group, one_provider, plan,
    plan_with, states, tasks, world,
};
use crate::support::Bench;

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
            .all(|loss| loss.starts_with("everything written after 2")
                && loss.contains(" ago by this machine's clock)")),
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
async fn a_group_that_was_never_failed_over_is_not_reversed() {
    let bench = Bench::new(&world(1, VasaSpec::default()));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Reprotect).await;
    assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("nothing to reprotect");
    assert_eq!(bench.attempts(REVERSE), 0);
}

/// The old source of a failback need not know of it, and the other side is not asked in a disaster.
#[tokio::test(start_paused = true)]
async fn after_a_failback_a_disaster_run_does_not_take_old_data_for_recovered() {
    for stays in [false, true] {
        let mut vasa = VasaSpec::default();
        vasa.planned_source_stays = stays;
        let bench = Bench::new(&world(1, vasa));
        let plan = plan(&bench);
        for mode in [Mode::Planned, Mode::Reprotect, Mode::Failback] {
            bench.pass(Duration::from_secs(120)).await;
            assert_done(&bench.run(&plan, mode).await, 1);
        }
        let sent = bench.attempts(FAIL_OVER);
        let check = bench.check(&plan, Mode::Disaster).await;
        assert_eq!(check.verdict, Verdict::NoGo, "{stays}: {check:#?}");
        let outcome = bench.run(&plan, Mode::Disaster).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{stays}: {}", outcome.notes());
        outcome.assert_says("reprotect first");
        assert_eq!(bench.attempts(FAIL_OVER), sent);
        assert_done(&bench.run(&plan, Mode::Reprotect).await, 1);
        bench.pass(Duration::from_secs(120)).await;
        assert_done(&bench.run(&plan, Mode::Disaster).await, 1);
    }
}

/// What would be overwritten is not known.
#[tokio::test(start_paused = true)]
async fn nothing_is_reversed_while_the_other_side_is_not_seen_even_if_one_array_could() {
    for alone in [false, true] {
        let mut vasa = VasaSpec::default();
        vasa.reverses_alone = alone;
        let bench = Bench::new(&world(1, vasa));
        let plan = plan(&bench);
        assert_done(&bench.run(&plan, Mode::Planned).await, 1);
        bench.world().set_reachable("vc-east", false);
        let outcome = bench.run(&plan, Mode::Reprotect).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says("vc-east");
        assert_eq!(bench.attempts(REVERSE), 0);
        bench.world().set_reachable("vc-east", true);
        assert_done(&bench.run(&plan, Mode::Reprotect).await, 1);
    }
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
    for stays in [false, true] {
        let mut vasa = VasaSpec::default();
        vasa.planned_source_stays = stays;
        let bench = Bench::new(&world(2, vasa));
        let plan = plan(&bench);
        assert_done(&bench.run(&plan, Mode::Planned).await, 2);
        let sent = [SYNC, PREPARE, FAIL_OVER].map(|operation| bench.attempts(operation));
        let outcome = bench.run(&plan, Mode::Planned).await;
        assert_done(&outcome, 2);
        outcome.assert_says("failed over already");
        assert_eq!(
            [SYNC, PREPARE, FAIL_OVER].map(|operation| bench.attempts(operation)),
            sent
        );
    }
}

#[tokio::test(start_paused = true)]
async fn groups_with_machines_are_moved_in_a_disaster_only() {
    let mut vasa = VasaSpec::default();
    vasa.groups_with_devices = 1;
    let bench = Bench::new(&world(2, vasa));
    let plan = plan(&bench);
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [1, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("not part of this version");
    assert_eq!(group(&bench, "vc-west", "group-001").state, GroupState::Target);
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_done(&outcome, 2);
    outcome.assert_says("leaves their VMs alone");
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
    outcome.assert_says("is paired with");
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
    outcome.assert_says("no provider called no-such-provider");
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
        &format!("{FAIL_OVER}?checkOnly"),
        json!({"_typeName": "PeerNotReachable"}),
    ));
    let check = bench.check(&plan, Mode::Planned).await;
    let complaints = check
        .complaints()
        .map(|(item, condition)| (item.name.as_str(), condition.verdict));
    assert_eq!(complaints.collect::<Vec<_>>(), [("group-004", Verdict::NoGo)]);
}

// The check called such groups NO-GO, though each planned run prepares them before the failover.
#[tokio::test(start_paused = true)]
async fn a_provider_that_wants_groups_prepared_first_does_not_block_a_run_that_prepares_them() {
    let bench = Bench::new(&world(3, one_provider(|provider| provider.needs_prepare = true)));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    let own = check
        .complaints()
        .filter(|(_, condition)| condition.value.contains("prepared"));
    assert_eq!(own.count(), 3, "{check:#?}");
    assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
    assert_done(&bench.run(&plan, Mode::Planned).await, 3);
}

// The hint said that a run prepares the group, and a reader could take any refusal for one that goes away by that.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_which_no_type_says_what_it_is_about_is_left_to_a_person() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let refuse = |group: &str, error| {
        let check = format!("{FAIL_OVER}?checkOnly");
        bench
            .world()
            .sms_mut()
            .add_entry_fault(fault(group, &check, error));
    };
    refuse("group-001", json!({"_typeName": "SmsReplicationFault"}));
    refuse("group-002", json!({"_typeName": "VendorReplicationFault"}));
    let check = bench.check(&plan(&bench), Mode::Planned).await;
    let complaints: Vec<_> = check.complaints().collect();
    let verdicts: Vec<_> = complaints
        .iter()
        .map(|(item, condition)| (item.name.as_str(), condition.verdict))
        .collect();
    assert_eq!(
        verdicts,
        [("group-001", Verdict::Warning), ("group-002", Verdict::NoGo)],
        "{check:#?}"
    );
    let hint = complaints[0].1.hint.as_deref().unwrap();
    for words in [
        "decide by the provider's words",
        "fail after the prepare",
        "--only",
    ] {
        assert!(hint.contains(words), "{hint}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_keeps_to_a_limit_that_its_own_call_meets() {
    let tell_too_much = |provider: &mut ProviderSpec| {
        provider.max_batch_size = Some(8);
        provider.call_limit = Some(3);
    };
    let bench = Bench::new(&world(8, one_provider(tell_too_much)));
    let check = bench.check(&plan(&bench), Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::Go, "{check:#?}");
}

// The check called a failback right after a reprotect NO-GO: no replica has come to the new target by then.
#[tokio::test(start_paused = true)]
async fn a_failback_right_after_a_reprotect_is_possible_since_its_sync_makes_the_replica() {
    let bench = Bench::new(&world(3, one_provider(|_| {})));
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Planned).await, 3);
    assert_done(&bench.run(&plan, Mode::Reprotect).await, 3);
    let check = bench.check(&plan, Mode::Failback).await;
    let complaints: Vec<_> = check.complaints().map(|(_, condition)| condition).collect();
    let own = complaints
        .iter()
        .filter(|condition| condition.name == "the provider's own check");
    assert_eq!(own.count(), 3, "{complaints:#?}");
    assert_eq!(check.verdict, Verdict::Warning, "{complaints:#?}");
    assert_done(&bench.run(&plan, Mode::Failback).await, 3);
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
