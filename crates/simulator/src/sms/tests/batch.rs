use serde_json::{Value, json};

use super::{
    EAST, FAILOVER, WEST, bench, call, failover, fault_of, id, ids, refused, run, state, target_call,
    test_start, with_provider,
};
use crate::sms::{EntryFault, VasaSpec, group};
use crate::spec::WorldSpec;
use crate::testbench::Bench;

#[test]
fn each_group_of_a_batch_is_judged_by_itself() {
    let mut bench = bench(VasaSpec::default());
    run(
        &mut bench,
        WEST,
        1,
        "TestFailoverReplicationGroupStart_Task",
        &test_start(WEST, &[3]),
    );
    let mut body = failover(WEST, &[1, 3, 2, 1], true, false);
    let groups = body["failoverParam"]["replicationGroupsToFailover"]
        .as_array_mut()
        .unwrap();
    groups.push(json!({"_typeName": "ReplicationGroupData", "groupId": id(EAST, 5)}));
    groups
        .push(json!({"_typeName": "ReplicationGroupData", "groupId": group::group_id("fd-west-1", "none")}));
    let entries = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(entries[0]["newState"], "FAILEDOVER");
    let faults: Vec<&str> = entries[1..].iter().map(fault_of).collect();
    assert_eq!(
        faults,
        [
            "InvalidReplicationState",
            "InactiveProvider",
            "DuplicateEntry",
            "InvalidFunctionTarget",
            "NotFound"
        ]
    );
    assert_eq!(entries[1]["error"][0]["currentState"], "INTEST");
    assert_eq!(entries[1]["error"][0]["desiredState"], json!(["TARGET"]));
    let mapping = &entries[2]["error"][0]["mapping"][0];
    assert_eq!(mapping["activeProvider"]["value"], "vasaProvider-west-2");
    let calls = bench.calls(FAILOVER, "groups/fd-west-1/rt-003");
    assert_eq!(
        (calls.attempts, calls.refused, calls.accepted, calls.effects),
        (1, 1, 0, 0)
    );
}

#[test]
fn the_wrong_side_is_told_apart_from_the_wrong_state() {
    let mut bench = bench(VasaSpec::default());
    let wrong_side = [
        (
            EAST,
            "FailoverReplicationGroup_Task",
            failover(EAST, &[1], true, false),
        ),
        (
            EAST,
            "SyncReplicationGroup_Task",
            json!({"groupId": ids(EAST, &[1]), "pitName": "p"}),
        ),
        (
            EAST,
            "ReverseReplicateGroup_Task",
            json!({"groupId": ids(EAST, &[1])}),
        ),
        (
            WEST,
            "PrepareFailoverReplicationGroup_Task",
            target_call("", &[1]),
        ),
    ];
    for (vcenter, method, body) in wrong_side {
        let entries = run(&mut bench, vcenter, 1, method, &body);
        assert_eq!(fault_of(&entries[0]), "InvalidFunctionTarget", "{method}");
    }
    for method in [
        "ReverseReplicateGroup_Task",
        "TestFailoverReplicationGroupStop_Task",
    ] {
        let entries = run(&mut bench, WEST, 1, method, &target_call(method, &[1]));
        assert_eq!(fault_of(&entries[0]), "InvalidReplicationState", "{method}");
    }
    run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    let again = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    assert_eq!(fault_of(&again[0]), "InvalidReplicationState");
    assert_eq!(again[0]["error"][0]["currentState"], "FAILEDOVER");
}

#[test]
fn a_group_that_is_there_already_may_answer_with_a_warning() {
    let mut bench = bench(VasaSpec {
        already_done: true,
        ..VasaSpec::default()
    });
    let body = failover(WEST, &[1], true, false);
    run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    let again = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(again[0]["warning"][0]["_typeName"], "AlreadyDone");
    assert_eq!(again[0]["newState"], "FAILEDOVER");
    let calls = bench.calls(FAILOVER, "groups/fd-west-1/rt-001");
    assert_eq!((calls.accepted, calls.effects), (2, 1));
    let prepare = json!({"groupId": ids(EAST, &[3])});
    run(
        &mut bench,
        EAST,
        1,
        "PrepareFailoverReplicationGroup_Task",
        &prepare,
    );
    let again = run(
        &mut bench,
        EAST,
        1,
        "PrepareFailoverReplicationGroup_Task",
        &prepare,
    );
    assert_eq!(again[0]["warning"][0]["_typeName"], "AlreadyDone");
}

#[test]
fn too_many_groups_are_refused_as_a_whole_and_nothing_is_done() {
    let mut bench = Bench::new(&WorldSpec::pair(1).groups(20).replications(0));
    let numbers: Vec<u32> = (0..9).map(|index| 2 * index + 1).collect();
    let body = failover(WEST, &numbers, true, false);
    let answer = call(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(refused(&answer), "TooMany");
    assert_eq!(answer.value()["maxBatchSize"], 8);
    bench.pass(10_000);
    assert!(
        numbers
            .iter()
            .all(|number| state(&mut bench, WEST, *number) == "TARGET")
    );
    let even: Vec<u32> = numbers.iter().map(|number| number + 1).collect();
    let entries = run(
        &mut bench,
        WEST,
        2,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &even, true, false),
    );
    assert_eq!(entries.len(), 9);
    let info = bench
        .post(
            WEST,
            "/sms/VasaProvider/vasaProvider-west-2/QueryProviderInfo",
            &Value::Null,
        )
        .value();
    assert_eq!(info.get("maxBatchSize"), None);
}

#[test]
fn a_limit_of_the_call_may_be_lower_than_the_one_announced() {
    let mut bench = bench(with_provider(|provider| provider.call_limit = Some(1)));
    let body = failover(WEST, &[1, 3], true, false);
    let answer = call(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(answer.value()["maxBatchSize"], 1);
    let info = bench
        .post(
            WEST,
            "/sms/SmsProvider/vasaProvider-west-1/QueryProviderInfo",
            &Value::Null,
        )
        .value();
    assert_eq!(info["maxBatchSize"], 8);
}

#[test]
fn a_group_at_work_is_busy_and_a_running_sync_names_its_task() {
    let mut bench = bench(VasaSpec::default());
    let sync = json!({"groupId": ids(WEST, &[1]), "pitName": "p"});
    let first = call(&mut bench, WEST, 1, "SyncReplicationGroup_Task", &sync).value();
    let entries = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1], true, false),
    );
    assert_eq!(fault_of(&entries[0]), "SyncOngoing");
    assert_eq!(entries[0]["error"][0]["task"], first);
    let body = failover(WEST, &[1], true, false);
    call(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    let entries = run(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(fault_of(&entries[0]), "ProviderBusy");
    assert_eq!(state(&mut bench, WEST, 1), "FAILEDOVER");
    let calls = bench.calls(FAILOVER, "groups/fd-west-1/rt-001");
    assert_eq!(
        (
            calls.attempts,
            calls.refused,
            calls.effects,
            calls.attempts_while_unsettled
        ),
        (3, 2, 1, 2)
    );
}

#[test]
fn an_offline_provider_takes_no_calls_and_says_so() {
    let mut bench = bench(with_provider(|provider| {
        provider.offline_at = vec![WEST.to_owned()]
    }));
    let body = failover(WEST, &[1], true, false);
    let answer = call(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
    assert_eq!(refused(&answer), "ProviderUnavailable");
    let path = "/sms/VasaProvider/vasaProvider-west-1/QueryProviderInfo";
    let info = bench.post(WEST, path, &Value::Null).value();
    assert_eq!(
        (&info["status"], &info["statusFault"]["_typeName"]),
        (&json!("offline"), &json!("ProviderUnavailable"))
    );
    assert!(
        bench
            .world
            .sms_mut()
            .set_provider_online("vasaProvider-west-1", true)
    );
    assert_eq!(state(&mut bench, WEST, 1), "TARGET");
}

#[test]
fn a_group_fails_as_often_as_it_is_told_to() {
    let fault = EntryFault {
        group: "group-003".to_owned(),
        operation: Some(FAILOVER.to_owned()),
        times: Some(1),
        fault: json!({"_typeName": "TooMany", "maxBatchSize": 1}),
        acted: false,
    };
    let mut bench = bench(VasaSpec {
        entry_faults: vec![fault],
        ..VasaSpec::default()
    });
    let entries = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[1, 3], true, false),
    );
    assert_eq!(entries[0]["newState"], "FAILEDOVER");
    assert_eq!(
        (fault_of(&entries[1]), &entries[1]["error"][0]["maxBatchSize"]),
        ("TooMany", &json!(1))
    );
    let entries = run(
        &mut bench,
        WEST,
        1,
        "FailoverReplicationGroup_Task",
        &failover(WEST, &[3], true, false),
    );
    assert_eq!(entries[0]["newState"], "FAILEDOVER");
}

#[test]
fn a_group_that_fails_can_have_been_worked_on_all_the_same() {
    let fault = EntryFault {
        group: "group-001".to_owned(),
        operation: Some(FAILOVER.to_owned()),
        times: Some(1),
        fault: json!({"_typeName": "ProviderUnavailable"}),
        acted: true,
    };
    let mut bench = bench(VasaSpec {
        entry_faults: vec![fault],
        ..VasaSpec::default()
    });
    let method = "FailoverReplicationGroup_Task";
    let entries = run(&mut bench, WEST, 1, method, &failover(WEST, &[1], true, false));
    assert_eq!(fault_of(&entries[0]), "ProviderUnavailable");
    assert_eq!(state(&mut bench, WEST, 1), "FAILEDOVER");
}

#[test]
fn requests_that_cannot_be_read_or_are_not_simulated_are_refused_by_name() {
    let mut bench = bench(VasaSpec::default());
    let method = "FailoverReplicationGroup_Task";
    let mut wrong = failover(WEST, &[1], true, false);
    wrong["failoverParam"]["planned"] = json!(true);
    assert_eq!(
        refused(&call(&mut bench, WEST, 1, method, &wrong)),
        "InvalidRequest"
    );
    let mut missing = failover(WEST, &[1], true, false);
    missing["failoverParam"]
        .as_object_mut()
        .unwrap()
        .remove("isPlanned");
    let answer = call(&mut bench, WEST, 1, method, &missing);
    assert_eq!(refused(&answer), "InvalidArgument");
    assert_eq!(answer.value()["invalidProperty"], "failoverParam.isPlanned");
    let policy = |id: Value, datastore: Value| {
        let mut body = failover(WEST, &[1], true, false);
        body["failoverParam"]["policyAssociations"] = json!([{
            "_typeName": "PolicyAssociation", "id": id, "policyId": "gold", "datastore": datastore,
        }]);
        body
    };
    let volume = json!({"_typeName": "VVolId", "id": "rfc4122.1"});
    let datastore =
        json!({"_typeName": "ManagedObjectReference", "type": "Datastore", "value": "datastore-21"});
    for odd in [
        policy(json!("rfc4122.1"), datastore.clone()),
        policy(json!({"_typeName": "VVolId", "id": 1}), datastore.clone()),
        policy(
            json!({"_typeName": "VVolId", "id": "rfc4122.1", "x": 1}),
            datastore.clone(),
        ),
        policy(json!({"_typeName": "ReplicaId", "id": "rfc4122.1"}), datastore),
        policy(volume, json!("datastore-21")),
    ] {
        assert_eq!(
            refused(&call(&mut bench, WEST, 1, method, &odd)),
            "InvalidRequest",
            "{odd}"
        );
    }
    let empty = call(
        &mut bench,
        WEST,
        1,
        "ReverseReplicateGroup_Task",
        &json!({"groupId": []}),
    );
    assert_eq!(empty.value()["invalidProperty"], "groupId");
    let unsimulated = bench.post(
        WEST,
        "/sms/VasaProvider/vasaProvider-west-1/BindVirtualVolume",
        &json!({}),
    );
    assert_eq!(refused(&unsimulated), "NotImplemented");
    assert_eq!(
        refused(&call(&mut bench, WEST, 3, method, &missing)),
        "ManagedObjectNotFound"
    );
}
