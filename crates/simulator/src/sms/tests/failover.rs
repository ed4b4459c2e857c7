use serde_json::{Value, json};

use super::{
    EAST, FAILOVER, WEST, bench, call, failover, fault_of, id, ids, info, pair, refused, run, state, states,
    target_call, test_start, with_provider,
};
use crate::sms::{AfterPrepare, AfterReverse, VasaSpec, Verb, group};
use crate::testbench::Bench;

#[test]
fn a_planned_failover_and_a_reverse_change_the_states_of_both_sides() {
    let mut bench = bench(VasaSpec::default());
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "TARGET"));
    let prepared = run(
        &mut bench,
        EAST,
        1,
        "PrepareFailoverReplicationGroup_Task",
        &json!({"groupId": ids(EAST, &[1])}),
    );
    assert_eq!(prepared[0]["_typeName"], "GroupOperationResult");
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "TARGET"));
    let failed_over = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1, 3], true, false),
    );
    assert_eq!(failed_over.len(), 2);
    assert_eq!(failed_over[0]["newState"], "FAILEDOVER");
    assert!(failed_over[0]["pitId"]["id"].is_string());
    assert_eq!(states(&mut bench, 1), pair("REMOTE_FAILEDOVER", "FAILEDOVER"));
    assert_eq!(states(&mut bench, 5), pair("SOURCE", "TARGET"));
    let reversed = run(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &json!({"groupId": ids(WEST, &[1])}),
    );
    assert_eq!(reversed[0]["newGroupId"]["id"], "rt-001");
    assert_eq!(states(&mut bench, 1), pair("TARGET", "SOURCE"));
    let calls = bench.calls(FAILOVER, "groups/fd-west-1/rt-001");
    assert_eq!(
        (calls.attempts, calls.accepted, calls.refused, calls.effects),
        (1, 1, 0, 1)
    );
    let source = call(
        &mut bench,
        WEST,
        1,
        "QueryReplicationGroup",
        &json!({"groupId": ids(WEST, &[1])}),
    )
    .value();
    assert_eq!(source[0]["rgInfo"]["_typeName"], "SourceGroupInfo");
    assert_eq!(source[0]["rgInfo"]["replica"][0]["targetGroupId"], id(EAST, 1));
}

#[test]
fn an_unplanned_failover_needs_no_source_and_a_planned_one_does() {
    let mut bench = bench(VasaSpec::default());
    bench.world.set_reachable(EAST, false);
    let lost = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    assert_eq!(fault_of(&lost[0]), "PeerNotReachable");
    assert_eq!(state(&mut bench, WEST, 1), "TARGET");
    let done = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], false, false),
    );
    assert_eq!(done[0]["newState"], "FAILEDOVER");
    let reversed = run(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &json!({"groupId": ids(WEST, &[1])}),
    );
    assert_eq!(fault_of(&reversed[0]), "PeerNotReachable");
    bench.world.set_reachable(EAST, true);
    assert_eq!(states(&mut bench, 1), pair("REMOTE_FAILEDOVER", "FAILEDOVER"));
}

#[test]
fn in_the_other_reading_the_old_source_knows_nothing_until_it_is_reversed() {
    let mut bench = bench(VasaSpec {
        source_stays: true,
        ..VasaSpec::default()
    });
    run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], false, false),
    );
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "FAILEDOVER"));
    run(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &json!({"groupId": ids(WEST, &[1])}),
    );
    assert_eq!(states(&mut bench, 1), pair("TARGET", "SOURCE"));
}

#[test]
fn in_the_other_reading_the_source_of_a_planned_failover_says_so_until_it_is_reversed() {
    let mut bench = bench(VasaSpec {
        planned_source_stays: true,
        ..VasaSpec::default()
    });
    for (number, planned) in [(1, true), (3, false)] {
        run(
            &mut bench,
            WEST,
            1,
            "FailoverReplicationGroup_Task",
            &failover(WEST, &[number], planned, false),
        );
    }
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "FAILEDOVER"));
    assert_eq!(
        states(&mut bench, 3),
        pair("REMOTE_FAILEDOVER", "FAILEDOVER"),
        "an unplanned one has a switch of its own"
    );
    let prepared = run(
        &mut bench,
        EAST,
        1,
        "PrepareFailoverReplicationGroup_Task",
        &json!({"groupId": ids(EAST, &[1])}),
    );
    assert_eq!(fault_of(&prepared[0]), "InvalidReplicationState");
    run(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &json!({"groupId": ids(WEST, &[1])}),
    );
    assert_eq!(states(&mut bench, 1), pair("TARGET", "SOURCE"));
}

#[test]
fn in_the_other_readings_a_source_that_was_prepared_shows_it_and_is_not_prepared_again() {
    for (after_prepare, told) in [
        (AfterPrepare::RemoteFailedOver, "REMOTE_FAILEDOVER"),
        (AfterPrepare::Target, "TARGET"),
    ] {
        for already_done in [false, true] {
            let mut bench = bench(VasaSpec {
                after_prepare,
                already_done,
                ..VasaSpec::default()
            });
            let prepare = |bench: &mut Bench| {
                let body = json!({"groupId": ids(EAST, &[1])});
                run(bench, EAST, 1, "PrepareFailoverReplicationGroup_Task", &body).remove(0)
            };
            assert_eq!(prepare(&mut bench)["_typeName"], "GroupOperationResult");
            assert_eq!(states(&mut bench, 1), pair(told, "TARGET"));
            assert_eq!(states(&mut bench, 3), pair("SOURCE", "TARGET"));
            let again = prepare(&mut bench);
            if already_done {
                assert_eq!(again["warning"][0]["_typeName"], "AlreadyDone");
            } else {
                assert_eq!(fault_of(&again), "InvalidReplicationState");
                assert_eq!(again["error"][0]["currentState"], told);
            }
            let failed_over = run(
                &mut bench,
                WEST,
                1,
                "FailoverReplicationGroup_Task",
                &failover(WEST, &[1], true, false),
            );
            assert_eq!(failed_over[0]["newState"], "FAILEDOVER");
            assert_eq!(states(&mut bench, 1), pair("REMOTE_FAILEDOVER", "FAILEDOVER"));
            assert_eq!(fault_of(&prepare(&mut bench)), "InvalidReplicationState");
        }
    }
}

#[test]
fn a_reverse_without_the_other_array_fails_in_one_reading_only() {
    for reverses_alone in [false, true] {
        let mut bench = bench(VasaSpec {
            reverses_alone,
            ..VasaSpec::default()
        });
        assert!(bench.world.act_on_group("group-001", Verb::Failover));
        bench.world.set_reachable(EAST, false);
        let body = json!({"groupId": ids(WEST, &[1])});
        let reversed = run(&mut bench, WEST, 1, "ReverseReplicateGroup_Task", &body);
        bench.world.set_reachable(EAST, true);
        if reverses_alone {
            assert_eq!(reversed[0]["newGroupId"]["id"], "rt-001");
            assert_eq!(states(&mut bench, 1), pair("TARGET", "SOURCE"));
        } else {
            assert_eq!(fault_of(&reversed[0]), "PeerNotReachable");
            assert_eq!(states(&mut bench, 1), pair("REMOTE_FAILEDOVER", "FAILEDOVER"));
        }
    }
}

#[test]
fn right_after_a_reverse_there_are_no_replicas_or_old_ones_or_a_new_one() {
    let listed = |bench: &mut Bench, vcenter: &str| -> Vec<String> {
        let body = json!({"groupId": ids(vcenter, &[1])});
        let told = call(bench, vcenter, 1, "QueryPointInTimeReplica", &body).value();
        let replicas = told[0]["replicaInfo"].as_array().cloned().unwrap_or_default();
        let id = |replica: &Value| replica["id"]["id"].as_str().unwrap().to_owned();
        replicas.iter().map(id).collect()
    };
    for after_reverse in [
        AfterReverse::Nothing,
        AfterReverse::OldReplicas,
        AfterReverse::NewReplica,
    ] {
        let mut bench = bench(VasaSpec {
            after_reverse,
            ..VasaSpec::default()
        });
        let before = listed(&mut bench, WEST);
        assert_eq!(before.len(), 4);
        for verb in [Verb::Failover, Verb::Reverse] {
            assert!(bench.world.act_on_group("group-001", verb));
        }
        let after = listed(&mut bench, EAST);
        match after_reverse {
            AfterReverse::Nothing => assert!(after.is_empty(), "{after:?}"),
            AfterReverse::OldReplicas => assert_eq!(after, before),
            AfterReverse::NewReplica => assert!(after.len() == 1 && !before.contains(&after[0])),
        }
        bench.pass(120_000);
        assert_eq!(listed(&mut bench, EAST).len(), after.len() + 1, "the first copy");
    }
}

#[test]
fn a_peer_that_is_lost_during_the_work_leaves_the_group_as_it_was() {
    let mut bench = bench(VasaSpec::default());
    let started = call(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    bench.world.set_reachable(EAST, false);
    bench.pass(10_000);
    let info = info(&mut bench, WEST, &started);
    assert_eq!(fault_of(&info["result"]["_value"][0]), "PeerNotReachable");
    let calls = bench.calls(FAILOVER, "groups/fd-west-1/rt-001");
    assert_eq!((calls.accepted, calls.effects), (1, 0));
    assert_eq!(state(&mut bench, WEST, 1), "TARGET");
}

#[test]
fn a_chosen_replica_is_used_and_an_unknown_one_is_not() {
    let mut bench = bench(VasaSpec::default());
    let mut body = failover(WEST, &[1], false, false);
    let group = &mut body["failoverParam"]["replicationGroupsToFailover"][0];
    group["pitId"] = json!({"_typeName": "PointInTimeReplicaId", "id": "pit-001-2"});
    let entries = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(entries[0]["pitId"]["id"], "pit-001-2");
    let mut body = failover(WEST, &[3], false, false);
    let group = &mut body["failoverParam"]["replicationGroupsToFailover"][0];
    group["pitId"] = json!({"_typeName": "PointInTimeReplicaId", "id": "pit-001-2"});
    let entries = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(fault_of(&entries[0]), "NoValidReplica");
}

#[test]
fn a_provider_that_reverses_by_itself_ends_as_source() {
    let mut bench = bench(with_provider(|provider| provider.self_reversing = true));
    let body = failover(WEST, &[1], true, false);
    let entries = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(entries[0]["newState"], "SOURCE");
    assert_eq!(states(&mut bench, 1), pair("TARGET", "SOURCE"));
    let again = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(fault_of(&again[0]), "InvalidReplicationState");
    assert_eq!(again[0]["error"][0]["currentState"], "SOURCE");
}

#[test]
fn a_reverse_may_give_both_sides_other_ids_and_the_way_back_needs_a_replica() {
    let mut bench = bench(with_provider(|provider| provider.renames_on_reverse = true));
    run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    let entries = run(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &target_call("", &[1]),
    );
    assert_eq!(entries[0]["groupId"], id(WEST, 1));
    assert_eq!(entries[0]["newGroupId"]["id"], "rt-001.1");
    assert_eq!(state(&mut bench, WEST, 1), "");
    let back = |bench: &mut Bench| {
        let group = group::group_id("fd-east-1", "rg-001.1");
        let mut body = failover(EAST, &[1], true, false);
        body["failoverParam"]["replicationGroupsToFailover"][0]["groupId"] = group;
        run(bench, EAST, 1, "FailoverReplicationGroup_Task", &body)
    };
    assert_eq!(fault_of(&back(&mut bench)[0]), "NoValidReplica");
    bench.pass(60_000);
    assert_eq!(back(&mut bench)[0]["newState"], "FAILEDOVER");
}

#[test]
fn a_check_changes_nothing_and_is_logged_apart() {
    let mut bench = bench(VasaSpec::default());
    run(
        &mut bench,
        WEST,
        1,
        "TestFailoverReplicationGroupStart_Task",
        &test_start(WEST, &[3]),
    );
    let entries = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1, 3], true, true),
    );
    assert_eq!(entries[0]["_typeName"], "GroupOperationResult");
    assert_eq!(fault_of(&entries[1]), "InvalidReplicationState");
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "TARGET"));
    assert_eq!(bench.calls(FAILOVER, "groups/fd-west-1/rt-001").attempts, 0);
}

#[test]
fn tasks_die_with_the_vcenter_and_the_work_goes_on() {
    let mut bench = bench(VasaSpec {
        late_ms: 500,
        ..VasaSpec::default()
    });
    let started = call(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    let task = started.value()["value"].as_str().unwrap().to_owned();
    bench.world.restart_vcenter(WEST, 3_000);
    bench.pass(3_000);
    bench.log_in(WEST);
    let query = json!({"groupId": ids(WEST, &[1])});
    assert_eq!(
        refused(&call(&mut bench, WEST, 1, "QueryReplicationGroup", &query)),
        "ProviderUnavailable"
    );
    bench.pass(500);
    assert_eq!(state(&mut bench, WEST, 1), "FAILEDOVER");
    let gone = bench.post(
        WEST,
        &format!("/sms/SmsTask/{task}/QuerySmsTaskInfo"),
        &Value::Null,
    );
    assert_eq!(refused(&gone), "ManagedObjectNotFound");
    assert_eq!(gone.value()["obj"]["value"], json!(task));
    assert_eq!(bench.calls(FAILOVER, "groups/fd-west-1/rt-001").effects, 1);
}
