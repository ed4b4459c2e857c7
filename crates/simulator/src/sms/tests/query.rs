use serde_json::{Value, json};

use super::{EAST, WEST, bench, call, fault_of, id, ids, run};
use crate::sms::VasaSpec;
use crate::spec::WorldSpec;
use crate::testbench::Bench;

#[test]
fn a_sync_makes_a_replica_that_is_found_by_its_name() {
    let mut bench = bench(VasaSpec::default());
    let body = json!({"groupId": ids(WEST, &[1]), "pitName": "run-7.sync"});
    let entries = run(&mut bench, WEST, 1, "SyncReplicationGroup_Task", &body);
    assert_eq!(entries[0]["pitName"], "run-7.sync");
    let query = |param: Value| json!({"groupId": ids(WEST, &[1]), "queryParam": param});
    let ask = |bench: &mut Bench, body: &Value| {
        let answer = call(bench, WEST, 1, "QueryPointInTimeReplica", body).value();
        answer[0]["replicaInfo"].as_array().cloned().unwrap_or_default()
    };
    let by_name = query(json!({"_typeName": "QueryPointInTimeReplicaParam", "pitName": "run-7.sync"}));
    let found = ask(&mut bench, &by_name);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], entries[0]["pitId"]);
    let time = &entries[0]["timeStamp"];
    let interval = |members: Value| {
        let mut interval = members;
        interval["_typeName"] = json!("ReplicaQueryIntervalParam");
        query(json!({"_typeName": "QueryPointInTimeReplicaParam", "replicaTimeQueryParam": interval}))
    };
    assert_eq!(ask(&mut bench, &interval(json!({"fromDate": time}))).len(), 1);
    let before = ask(&mut bench, &interval(json!({"toDate": time})));
    assert_eq!(before.len(), 4);
    let newest = ask(&mut bench, &interval(json!({"number": 1})));
    assert_eq!(newest[0]["pitName"], "run-7.sync");
    let all = ask(&mut bench, &json!({"groupId": ids(WEST, &[1])}));
    assert_eq!(all.len(), 5);
    let there = call(
        &mut bench,
        EAST,
        1,
        "QueryPointInTimeReplica",
        &json!({"groupId": ids(EAST, &[1])}),
    );
    assert_eq!(fault_of(&there.value()[0]), "InvalidFunctionTarget");
}

#[test]
fn points_in_time_age_and_the_newest_eight_stay_with_those_that_have_a_name() {
    let mut bench = bench(VasaSpec::default());
    let body = json!({"groupId": ids(WEST, &[1]), "pitName": "run-7.sync"});
    run(&mut bench, WEST, 1, "SyncReplicationGroup_Task", &body);
    let ask = |bench: &mut Bench| {
        let body = json!({"groupId": ids(WEST, &[1])});
        let answer = call(bench, WEST, 1, "QueryPointInTimeReplica", &body).value();
        let found = answer[0]["replicaInfo"].as_array().unwrap().iter();
        found
            .map(|found| (found["id"]["id"].to_string(), found["pitName"].to_string()))
            .collect::<Vec<_>>()
    };
    let first = ask(&mut bench);
    assert_eq!(first.len(), 5);
    // Two hours and a half are ten times the interval.
    bench.pass(9_000_000);
    bench.log_in(WEST);
    let later = ask(&mut bench);
    assert_eq!(later.len(), 9, "{later:?}");
    let kept: Vec<_> = later.iter().filter(|found| first.contains(found)).collect();
    assert_eq!(kept.len(), 1, "{later:?}");
    assert_eq!(kept[0].1, "\"run-7.sync\"");
    assert_eq!(later[0], *kept[0], "the oldest comes first");
}

#[test]
fn queries_name_all_groups_by_id_or_in_full_and_peers_by_fault_domain() {
    let mut bench = bench(VasaSpec {
        limits_queries: true,
        ..VasaSpec::default()
    });
    let full = call(&mut bench, WEST, 1, "QueryReplicationGroup", &Value::Null).value();
    let ids_only = call(&mut bench, WEST, 2, "QueryReplicationGroup", &json!({})).value();
    assert_eq!(full.as_array().map(Vec::len), Some(3));
    assert_eq!(full[0]["rgInfo"]["sourceInfo"]["sourceGroupId"], id(EAST, 1));
    assert_eq!(ids_only[0]["_typeName"], "GroupOperationResult");
    let peers = call(&mut bench, EAST, 1, "QueryReplicationPeer", &json!({})).value();
    assert_eq!(peers[0]["targetDomain"][0]["id"], "fd-west-1");
    let unknown = json!({"faultDomainId": [{"_typeName": "FaultDomainId", "id": "fd-none"}]});
    let peers = call(&mut bench, EAST, 1, "QueryReplicationPeer", &unknown).value();
    assert_eq!(peers[0]["error"][0]["_typeName"], "NotFound");
    let mut empty = Bench::new(&WorldSpec::pair(1).groups(0));
    assert_eq!(
        call(&mut empty, WEST, 1, "QueryReplicationGroup", &json!({})).body,
        ""
    );
}
