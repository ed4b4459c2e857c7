//! What the rules of VCDA leave open, in its other reading: the switch makes the difference and nothing else does.

use farside_simulator::WorldSpec;
use farside_simulator::exchange::Request;
use farside_simulator::vcda::{StateRefusal, VcdaSpec};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Action, Pair, answer, text};

fn pair(change: impl FnOnce(&mut VcdaSpec)) -> Pair {
    let mut spec = VcdaSpec::default();
    change(&mut spec);
    Pair::of(&WorldSpec::pair(3).groups(0).replications(2).vcda(spec))
}

/// The same question to a world as it is, and to one with the switch on.
fn both(change: fn(&mut VcdaSpec), ask: impl Fn(&mut Pair) -> Value) -> [Value; 2] {
    [ask(&mut pair(|_| {})), ask(&mut pair(change))]
}

#[test]
fn a_vapp_that_is_not_there_is_null_or_the_text() {
    let recovered = |pair: &mut Pair| {
        let id = pair.id(1);
        let shown = pair.get("west", &format!("/vm-replications/{id}"));
        shown["destination"]["recoveredVappId"].clone()
    };
    let [null, text] = both(|spec| spec.null_as_text = true, recovered);
    assert_eq!((null, text), (Value::Null, json!("null")));
}

#[test]
fn a_poll_has_many_columns_or_two() {
    let columns = |pair: &mut Pair| {
        let id = pair.id(1);
        let task = text(&pair.act("west", &id, Action::Failover).value()["id"]);
        let polled = pair.post("/tasks/poll", Some(&json!([task])));
        assert_eq!(polled["values"].as_array().map(Vec::len), Some(1));
        polled["propertyNames"].clone()
    };
    let [many, few] = both(|spec| spec.few_columns = true, columns);
    assert!(many.as_array().is_some_and(|many| many.len() > 4), "{many}");
    assert_eq!(few, json!(["state", "id"]));
}

#[test]
fn a_task_that_runs_was_updated_or_never() {
    let updated = |pair: &mut Pair| {
        let id = pair.id(1);
        let begun = pair.act("west", &id, Action::Failover).value();
        begun["lastUpdated"].clone()
    };
    let [time, unset] = both(|spec| spec.unset_last_updated = true, updated);
    assert!(time.as_i64().is_some_and(|time| time > 0), "{time}");
    assert_eq!(unset, json!(-1));
}

#[test]
fn a_reverse_under_way_is_complete_or_in_progress() {
    let state = |pair: &mut Pair| {
        let id = pair.id(1);
        pair.finish("west", &id, Action::Failover);
        assert_eq!(pair.act("west", &id, Action::Reverse).status, 202);
        json!(pair.recovery_state("west", &id))
    };
    let [complete, in_progress] = both(|spec| spec.reverse_in_progress = true, state);
    assert_eq!((complete, in_progress), (json!("COMPLETE"), json!("IN_PROGRESS")));
}

#[test]
fn a_second_test_is_refused_in_each_of_the_readings() {
    for (state_refusal, status, code) in [
        (StateRefusal::BadRequest, 400, "BadRequest"),
        (StateRefusal::Conflict, 409, "OperationNotAllowedInRecoveryState"),
        (StateRefusal::ServerFailure, 500, "GeneralServerFailure"),
    ] {
        let mut pair = pair(|spec| spec.state_refusal = state_refusal);
        let id = pair.id(1);
        pair.finish("west", &id, Action::Test);
        let refused = pair.act("west", &id, Action::Test);
        assert_eq!((refused.status, &refused.value()["code"]), (status, &json!(code)));
        assert_eq!(pair.recovery_state("west", &id), "TEST");
    }
}

#[test]
fn a_prompt_suspends_a_run_whose_task_goes_on_or_ends() {
    let seen = |pair: &mut Pair| {
        let plan = pair.post(
            "/recovery-plans",
            Some(&json!({"displayName": "tier-1", "isMigration": false})),
        );
        let plan = text(&plan["id"]);
        let step = json!({
            "name": "first", "prompt": "ready?", "replications": [{"replicationId": pair.id(1)}],
        });
        pair.post(&format!("/recovery-plans/{plan}/steps"), Some(&step));
        let task = text(&pair.post(&format!("/recovery-plans/{plan}/failover"), None)["id"]);
        pair.pass(60_000);
        let info = pair.get("west", &format!("/recovery-plans/{plan}"));
        assert_eq!(info["executionInfo"]["state"], "SUSPENDED");
        pair.get("west", &format!("/tasks/{task}"))["state"].clone()
    };
    let [goes_on, ends] = both(|spec| spec.prompt_ends_task = true, seen);
    assert_eq!((goes_on, ends), (json!("RUNNING"), json!("SUCCEEDED")));
}

#[test]
fn a_card_of_which_a_failover_says_nothing_is_on_its_network_or_on_none() {
    let network = |settings: Value| {
        move |pair: &mut Pair| {
            let id = pair.id(1);
            let body = json!({"type": "vcloud", "vmNetworkSettings": settings});
            pair.post(&format!("/vm-replications/{id}/failover"), Some(&body));
            pair.pass(60_000);
            let replication = pair.world.vcda().replication(&id);
            let recovered = replication.and_then(|replication| replication.destination_vm.as_ref());
            json!(recovered.and_then(|vm| vm.network.clone()))
        }
    };
    let card = |network: Value| json!({"nics": [{"nicIndex": 0, "network": network, "isConnected": true}]});
    let set_up = json!("org-net-destination");
    for (settings, usual, odd) in [
        (Value::Null, set_up.clone(), Value::Null),
        (card(Value::Null), set_up.clone(), Value::Null),
        (card(json!("org-net-7")), json!("org-net-7"), json!("org-net-7")),
        (
            json!({"nics": [{"nicIndex": 0, "isConnected": false}]}),
            Value::Null,
            Value::Null,
        ),
    ] {
        let seen = both(
            |spec| spec.null_networks_disconnect = true,
            network(settings.clone()),
        );
        assert_eq!(seen, [usual, odd], "{settings}");
    }
}

#[test]
fn a_recovered_vm_outlives_its_replication_or_goes_with_it() {
    let left = |pair: &mut Pair| {
        let id = pair.id(1);
        pair.finish("west", &id, Action::Failover);
        let replication = pair.world.vcda().replication(&id).unwrap();
        let ends = [&replication.source_vm, &replication.destination_vm];
        let ends = ends.map(|vm| vm.as_ref().unwrap().id.clone());
        let stop = pair.call(
            "west",
            http::Method::DELETE,
            &format!("/vm-replications/{id}"),
            None,
        );
        assert_eq!(stop.status, 202, "{}", stop.value());
        pair.pass(60_000);
        assert!(pair.world.vcda().replication(&id).is_none());
        json!(ends.map(|end| pair.world.vcda().free_vms().any(|free| free.vm.id == end)))
    };
    let [stays, goes] = both(|spec| spec.stop_deletes_recovered = true, left);
    assert_eq!((stays, goes), (json!([true, true]), json!([true, false])));
}

#[test]
fn a_failed_log_in_has_no_token_or_one_that_opens_nothing() {
    let token = |pair: &mut Pair| {
        let body = json!({"type": "vcdCredentials", "vcdUser": "nobody@org", "vcdPassword": "wrong"});
        let refused = pair.call("west", Method::POST, "/sessions", Some(&body));
        assert_eq!(
            (refused.status, &refused.value()["code"]),
            (401, &json!("NotAuthenticated"))
        );
        let named = refused
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("X-VCAV-Auth"));
        let Some((_, token)) = named else {
            return json!(false);
        };
        let within = Request::new(Method::GET, "/sessions").header("X-VCAV-Auth", token);
        assert_eq!(answer(pair.world.handle("west", &within)).status, 401);
        json!(true)
    };
    let told = both(|spec| spec.failed_login_has_token = true, token);
    assert_eq!(told, [json!(false), json!(true)]);
}

#[test]
fn a_request_with_an_operation_id_of_before_is_done_or_taken_for_the_earlier_one() {
    let act = |pair: &mut Pair, id: &str, segment: &str, tag: Option<&str>| {
        let body = json!({"type": "vcloud", "sync": false});
        let deletes = segment.is_empty();
        let request = if deletes {
            Request::new(Method::DELETE, &format!("/vm-replications/{id}/failover-test"))
        } else {
            Request::new(Method::POST, &format!("/vm-replications/{id}/{segment}")).json(&body)
        };
        let request = request.header("X-VCAV-Auth", pair.token("west"));
        let request = match tag {
            Some(tag) => request.header("operationID", tag),
            None => request,
        };
        let taken = answer(pair.world.handle("west", &request));
        assert_eq!(taken.status, 202, "{}", taken.value());
        pair.pass(60_000);
        text(&taken.value()["id"])
    };
    for deduplicates in [false, true] {
        let mut pair = pair(|spec| spec.deduplicates = deduplicates);
        let (one, two) = (pair.id(1), pair.id(2));
        let first = act(&mut pair, &one, "failover-test", Some("tag"));
        let other = act(&mut pair, &two, "failover-test", Some("tag"));
        let cleanup = act(&mut pair, &one, "", Some("tag"));
        assert!(
            first != other && first != cleanup,
            "other work, or another replication"
        );
        let again = act(&mut pair, &one, "failover-test", Some("tag"));
        assert_eq!(again == first, deduplicates);
        let state = if deduplicates { "NOT_STARTED" } else { "TEST" };
        assert_eq!(pair.recovery_state("west", &one), state);
        let cleaned = act(&mut pair, &two, "", None);
        let tested = act(&mut pair, &two, "failover-test", Some("another"));
        assert!(cleaned != tested && tested != other);
        assert_eq!(pair.recovery_state("west", &two), "TEST");
    }
}
