//! Runs that go their way, whatever happens to calls, tasks and sessions.

use std::time::Duration;

use farside_engine::{EndpointId, Mode};
use farside_failover::kind::Verdict;
use farside_simulator::sms::{AfterPrepare, AfterReverse, EntryFault, GroupState, VasaSpec, Verb};
use farside_simulator::{FaultAction, FaultRule};
use farside_vasa::{GroupId, VasaClient};
use serde_json::json;

use crate::groups::{
    FAIL_OVER, LIFE, PREPARE, REVERSE, SYNC, TEST_START, assert_done, assert_states, effects, fault, group,
    one_provider, plan, seeded, states, tasks, world,
};
use crate::support::Bench;

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
    outcome.assert_says("the group holds no VMs");
    let data = &outcome.report.details[0].actions[2].data;
    assert_eq!(data["state"], "FAILEDOVER");
    assert!(
        data["point_in_time"].is_string() && data["time"].is_string(),
        "{data}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_mode_follows_the_one_before_and_back_again() {
    for (renames, stays, after_prepare, after_reverse) in [
        (false, false, AfterPrepare::Stays, AfterReverse::Nothing),
        (
            true,
            false,
            AfterPrepare::RemoteFailedOver,
            AfterReverse::OldReplicas,
        ),
        (false, true, AfterPrepare::Target, AfterReverse::NewReplica),
    ] {
        let mut vasa = VasaSpec::default();
        vasa.after_prepare = after_prepare;
        vasa.after_reverse = after_reverse;
        vasa.source_stays = stays;
        vasa.planned_source_stays = stays;
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
                "{mode}, renames: {renames}, stays: {stays}: {check:#?}"
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
                // Nothing shows a prepare, so the one whose answer was lost goes out again.
                let wanted = if *operation == PREPARE { 5..=8 } else { 4..=4 };
                let attempts = bench.attempts(operation) - attempts;
                assert!(wanted.contains(&attempts), "{mode} {operation}: {attempts}");
            }
            bench.pass(Duration::from_secs(120)).await;
        }
        assert_eq!(bench.overlaps(), 0);
    }
}

/// Nothing says which state a source has once it was prepared, nor whether it can be prepared again.
#[tokio::test(start_paused = true)]
async fn a_prepare_that_a_source_shows_is_seen_and_not_taken_for_a_failure() {
    for after_prepare in [AfterPrepare::RemoteFailedOver, AfterPrepare::Target] {
        let mut vasa = VasaSpec::default();
        vasa.after_prepare = after_prepare;
        // Its answer was lost.
        let bench = Bench::new(&world(2, vasa.clone()));
        let prepare = FaultRule::new(PREPARE, FaultAction::DropAnswer);
        bench.fault(prepare.times(Some(2)));
        assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 2);
        assert_eq!(bench.effects(PREPARE), [1, 1], "{after_prepare:?}");
        assert_eq!(bench.attempts(PREPARE), 2, "{after_prepare:?}");
        // A provider that lost sight of it says so, and refuses the second call.
        let mut unavailable = vasa.clone();
        let fault = fault("group-001", PREPARE, json!({"_typeName": "ProviderUnavailable"}));
        unavailable.entry_faults = vec![EntryFault { acted: true, ..fault }];
        let bench = Bench::new(&world(2, unavailable));
        assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 2);
        assert_eq!(bench.effects(PREPARE), [1, 1], "{after_prepare:?}");
        // Somebody prepared them before.
        let bench = Bench::new(&world(2, vasa));
        for name in ["group-001", "group-002"] {
            assert!(bench.world().act_on_group(name, Verb::Prepare));
        }
        let plan = plan(&bench);
        let check = bench.check(&plan, Mode::Planned).await;
        assert_ne!(check.verdict, Verdict::NoGo, "{check:#?}");
        let outcome = bench.run(&plan, Mode::Planned).await;
        assert_done(&outcome, 2);
        outcome.assert_says("prepared already");
        assert_eq!(bench.attempts(PREPARE), 0);
        assert_eq!(bench.effects(FAIL_OVER), [1, 1]);
    }
}

/// Whichever call of a run it is whose answer is lost, or that never arrives, and however long the work takes.
#[tokio::test(start_paused = true)]
async fn one_lost_call_anywhere_in_a_run_has_one_effect_for_each_seed() {
    for seed in 0..60 {
        let bench = Bench::new(&seeded(seed, 10, VasaSpec::default()));
        let plan = plan(&bench);
        let action = match seed % 3 {
            0 => FaultAction::DropAnswer,
            1 => FaultAction::Cut,
            _ => FaultAction::EndSessions,
        };
        let nth = u32::try_from(seed / 3).unwrap() + 1;
        bench.fault(FaultRule::new("VasaProvider_*", action.clone()).from_nth(nth));
        bench.fault(FaultRule::new("SmsTask_*", action).from_nth(nth));
        assert_done(&bench.run(&plan, Mode::Planned).await, 10);
        assert_done(&bench.run(&plan, Mode::Reprotect).await, 10);
        for operation in [SYNC, PREPARE, FAIL_OVER, REVERSE] {
            assert_eq!(bench.effects(operation), [1; 10], "seed {seed}: {operation}");
        }
        assert_eq!(bench.overlaps(), 0, "seed {seed}");
    }
}

// A group was failed for good when its session ended under the call and again under the repeat, although nothing was done.
#[tokio::test(start_paused = true)]
async fn a_session_that_ends_twice_in_a_row_does_not_end_an_item() {
    let bench = Bench::new(&seeded(1, 4, VasaSpec::default()));
    bench.fault(FaultRule::new(FAIL_OVER, FaultAction::EndSessions).times(Some(3)));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 4);
    assert_eq!(bench.effects(FAIL_OVER), [1; 4]);
    assert_eq!((bench.overlaps(), bench.idle_faults()), (0, 0));
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
    outcome.assert_says("disk 7 has no replica");
    assert_eq!(
        group(&bench, "vc-west", "group-003").state,
        GroupState::FailedOver
    );
}

/// The work on it may go on, and what the group shows at once is no proof that it does not.
#[tokio::test(start_paused = true)]
async fn a_group_over_which_the_provider_became_unavailable_has_to_settle_before_it_is_sent_again() {
    for acted in [true, false] {
        let bench = Bench::new(&world(2, one_provider(|provider| provider.slow_percent = 1_000)));
        let unavailable = fault(
            "group-001",
            FAIL_OVER,
            json!({"_typeName": "ProviderUnavailable"}),
        );
        bench
            .world()
            .sms_mut()
            .add_entry_fault(EntryFault { acted, ..unavailable });
        assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 2);
        assert_eq!(bench.effects(FAIL_OVER), [1; 2]);
        let attempts = if acted { 2 } else { 3 };
        assert_eq!((bench.attempts(FAIL_OVER), bench.overlaps()), (attempts, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_a_lost_one() {
    let bench = Bench::new(&world(2, VasaSpec::default()));
    let plan = plan(&bench);
    bench.fault(FaultRule::new(TEST_START, FaultAction::Silence { acted: true }));
    assert_done(&bench.run(&plan, Mode::Test).await, 2);
    assert_eq!((effects(&bench, TEST_START), bench.overlaps()), (2, 0));
}

/// A sync of somebody else is waited for, and then ours is made: the other one's point in time is not ours.
#[tokio::test(start_paused = true)]
async fn work_of_others_on_a_group_is_waited_for_and_not_taken_for_ours() {
    for names_task in [false, true] {
        let mut vasa = one_provider(|_| {});
        vasa.busy_names_task = names_task;
        let bench = Bench::new(&world(2, vasa));
        let plan = plan(&bench);
        let document = bench.document(&plan);
        let servers = bench.connections(&document, Mode::Planned);
        let other = VasaClient::new(servers.vim(&EndpointId::new("vc-west")).await.unwrap());
        let provider = other.providers().await.unwrap().remove(0).id;
        let group = GroupId::new("fd-west-1", "rt-001");
        other.start_sync(&provider, &[group], "theirs").await.unwrap();
        assert_done(&bench.run(&plan, Mode::Planned).await, 2);
        let state = bench.world().state();
        let pits = state["vasa"]["groups"][0]["pits"].as_array().unwrap();
        let named = pits.iter().filter(|pit| pit["automatic"] == false).count();
        assert_eq!((named, effects(&bench, SYNC)), (2, 3), "{pits:?}");
        assert_eq!(bench.effects(FAIL_OVER), [1, 1]);
    }
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
    outcome.assert_says("still in use");
    assert_eq!(states(&bench, "vc-west"), [GroupState::InTest]);
}
