//! The storage monitoring service, called over its wire form.

mod array;
mod batch;
mod chore;
mod failover;
mod fixture;
mod model;
mod query;
mod random;
mod rehearsal;
mod story;
mod temper;
mod told_array;

use serde_json::{Value, json};

use super::{ProviderSpec, VasaSpec, group};
use crate::exchange::Answer;
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const EAST: &str = "vc-east";
const WEST: &str = "vc-west";
const FAILOVER: &str = "VasaProvider_FailoverReplicationGroup_Task";

fn bench(vasa: VasaSpec) -> Bench {
    Bench::new(&WorldSpec::pair(5).groups(6).replications(0).vasa(vasa))
}

fn with_provider(change: impl Fn(&mut ProviderSpec)) -> VasaSpec {
    let mut spec = VasaSpec::default();
    spec.providers.iter_mut().for_each(change);
    spec
}

/// The id of a group at a side, by its number.
fn id(vcenter: &str, number: u32) -> Value {
    let (place, prefix) = if vcenter == EAST {
        ("east", "rg")
    } else {
        ("west", "rt")
    };
    let provider = (number - 1) % 2 + 1;
    group::group_id(
        &format!("fd-{place}-{provider}"),
        &format!("{prefix}-{number:03}"),
    )
}

fn ids(vcenter: &str, numbers: &[u32]) -> Value {
    numbers.iter().map(|number| id(vcenter, *number)).collect()
}

fn provider(vcenter: &str, number: u32) -> String {
    format!("vasaProvider-{}-{number}", vcenter.trim_start_matches("vc-"))
}

fn call(bench: &mut Bench, vcenter: &str, provider_number: u32, method: &str, body: &Value) -> Answer {
    let path = format!(
        "/sms/VasaProvider/{}/{method}",
        provider(vcenter, provider_number)
    );
    bench.post(vcenter, &path, body)
}

fn failover(vcenter: &str, numbers: &[u32], planned: bool, check_only: bool) -> Value {
    let groups: Vec<Value> = numbers
        .iter()
        .map(|number| json!({"_typeName": "ReplicationGroupData", "groupId": id(vcenter, *number)}))
        .collect();
    json!({"failoverParam": {
        "_typeName": "FailoverParam",
        "isPlanned": planned,
        "checkOnly": check_only,
        "replicationGroupsToFailover": groups,
    }})
}

fn test_start(vcenter: &str, numbers: &[u32]) -> Value {
    let mut param = failover(vcenter, numbers, false, false)["failoverParam"].clone();
    param["_typeName"] = json!("TestFailoverParam");
    json!({"testFailoverParam": param})
}

fn info(bench: &mut Bench, vcenter: &str, started: &Answer) -> Value {
    assert_eq!(started.status, 200, "{}", started.value());
    let task = started.value()["value"].as_str().unwrap().to_owned();
    bench
        .post(
            vcenter,
            &format!("/sms/SmsTask/{task}/QuerySmsTaskInfo"),
            &Value::Null,
        )
        .value()
}

/// Runs a call to the end of its task and gives the entries of its result.
fn run(bench: &mut Bench, vcenter: &str, provider_number: u32, method: &str, body: &Value) -> Vec<Value> {
    let started = call(bench, vcenter, provider_number, method, body);
    bench.pass(10_000);
    let info = info(bench, vcenter, &started);
    assert_eq!(info["state"], "success", "{info}");
    info["result"]["_value"].as_array().cloned().unwrap_or_default()
}

fn state(bench: &mut Bench, vcenter: &str, number: u32) -> String {
    let body = json!({"groupId": [id(vcenter, number)]});
    let answer = call(
        bench,
        vcenter,
        (number - 1) % 2 + 1,
        "QueryReplicationGroup",
        &body,
    )
    .value();
    answer[0]["rgInfo"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn states(bench: &mut Bench, number: u32) -> (String, String) {
    (state(bench, EAST, number), state(bench, WEST, number))
}

fn pair(east: &str, west: &str) -> (String, String) {
    (east.to_owned(), west.to_owned())
}

fn fault_of(entry: &Value) -> &str {
    entry["error"][0]["_typeName"].as_str().unwrap_or_default()
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 500, "{}", answer.value());
    answer.value()["_typeName"].as_str().unwrap().to_owned()
}

fn target_call(name: &str, numbers: &[u32]) -> Value {
    let mut body = json!({"groupId": ids(WEST, numbers)});
    match name {
        "SyncReplicationGroup_Task" => body["pitName"] = json!("p"),
        "TestFailoverReplicationGroupStop_Task" => body["force"] = json!(false),
        _ => {}
    }
    body
}
