mod ways;

use std::sync::Arc;

use http::Method;

use super::*;
use crate::exchange::Reply;
use crate::spec::WorldSpec;

fn simulator() -> Simulator {
    let world = WorldSpec::pair(1).replications(1).build();
    Simulator::new(world, Arc::new(farside_transport::SystemClock::new()))
}

fn ask(simulator: &Simulator, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::new(method, path).json(body);
    let (_stop, stopped) = watch::channel(false);
    let desk = Desk {
        simulator: simulator.clone(),
        addresses: Addresses::default(),
        stopped,
    };
    match react(&desk, &request) {
        Reaction::Answer(answer) => answer,
        Reaction::Stream(head, _) => head,
    }
}

#[tokio::test(start_paused = true)]
async fn rules_are_added_listed_and_removed() {
    let simulator = simulator();
    let rules = json!([{"operation": "tasks.get", "do": "cut"}, {"do": {"delay": {"ms": 5}}}]);
    let added = ask(&simulator, Method::POST, "/admin/faults", &rules);
    assert_eq!((added.status, added.value()), (201, json!({"ids": [1, 2]})));
    let one = ask(
        &simulator,
        Method::POST,
        "/admin/faults",
        &json!({"do": "drop_answer"}),
    );
    assert_eq!(one.value(), json!({"ids": [3]}));
    assert_eq!(
        ask(&simulator, Method::DELETE, "/admin/faults/2", &Value::Null).status,
        204
    );
    assert_eq!(
        ask(&simulator, Method::DELETE, "/admin/faults/2", &Value::Null).status,
        404
    );
    let listed = ask(&simulator, Method::GET, "/admin/faults", &Value::Null).value();
    assert_eq!(listed["faults"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["faults"][0]["rule"]["do"], json!("cut"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_refused_and_changes_nothing() {
    let simulator = simulator();
    let rules = json!([{"do": "cut"}, {"do": "cut", "colour": "red"}]);
    assert_eq!(ask(&simulator, Method::POST, "/admin/faults", &rules).status, 400);
    assert!(simulator.world().faults().active().is_empty());
    let nowhere = json!({"endpoint": "moon", "reachable": false});
    assert_eq!(
        ask(&simulator, Method::POST, "/admin/endpoints", &nowhere).status,
        404
    );
    assert_eq!(
        ask(&simulator, Method::GET, "/admin/colour", &Value::Null).status,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_approved_where_a_plan_waits_at_one() {
    let simulator = simulator();
    let (plan, token) = {
        let mut world = simulator.world();
        let token = ways::known(&mut world);
        let replication = world.vcda().replications().next().unwrap().id.clone();
        let mut post = |path: &str, body: &Value| {
            let request = Request::new(Method::POST, path).header("x-vcav-auth", &token);
            let request = if body.is_null() {
                request
            } else {
                request.json(body)
            };
            match world.handle("west", &request).reply {
                Reply::Answer(answer) if answer.is_success() => answer.value(),
                other => panic!("{path}: {other:?}"),
            }
        };
        let plan = post("/recovery-plans", &json!({"displayName": "tier-1"}))["id"].clone();
        let path = format!("/recovery-plans/{}", plan.as_str().unwrap());
        let step = json!({"name": "a", "prompt": "ready?", "replications": [{"replicationId": replication}]});
        post(&format!("{path}/steps"), &step);
        post(&format!("{path}/failover"), &Value::Null);
        (plan, token)
    };
    simulator.advance(10_000);
    let state = || {
        let path = format!("/recovery-plans/{}", plan.as_str().unwrap());
        let request = Request::new(Method::GET, &path).header("x-vcav-auth", &token);
        match simulator.handle("west", &request).reply {
            Reply::Answer(answer) => answer.value()["executionInfo"]["state"].clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(state(), "SUSPENDED");
    let approve = |plan: &Value| ask(&simulator, Method::POST, "/admin/prompts", &json!({"plan": plan}));
    let unknown = approve(&json!("no-plan"));
    assert_eq!(unknown.status, 404);
    assert!(unknown.value()["error"].as_str().unwrap().contains("\"no-plan\""));
    assert_eq!((approve(&plan).status, approve(&plan).status), (204, 404));
    simulator.advance(10_000);
    assert_eq!(state(), "COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn the_state_holds_no_credentials() {
    let simulator = simulator();
    let password = simulator
        .world()
        .endpoint("west")
        .map(|endpoint| endpoint.password.clone());
    let state = ask(&simulator, Method::GET, "/admin/state", &Value::Null)
        .value()
        .to_string();
    assert!(state.contains("\"west\"") && !state.contains(&password.unwrap_or_default()));
    let clock = ask(&simulator, Method::GET, "/admin/clock", &Value::Null).value();
    assert_eq!(clock["time"], json!("2026-01-01T00:00:00Z"));
}

fn get(simulator: &Simulator, path: &str) -> Value {
    let answer = ask(simulator, Method::GET, path, &Value::Null);
    assert_eq!(answer.status, 200, "{path}: {}", answer.value());
    answer.value()
}

fn error(answer: &Answer) -> String {
    answer.value()["error"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_world_of_ten_thousand_groups_is_a_small_overview_and_lists_in_parts() {
    let world = WorldSpec::pair(1).groups(10_000).replications(300).build();
    let simulator = Simulator::new(world, Arc::new(farside_transport::SystemClock::new()));
    simulator
        .world()
        .act_on_group("group-007", crate::sms::Verb::Failover);
    let overview = get(&simulator, "/admin/overview");
    assert!(overview.to_string().len() < 4_000);
    assert_eq!(
        overview["groups"],
        json!({"total": 10_000, "by_state": [
            {"state": "vc-east SOURCE, vc-west TARGET", "count": 9_999, "busy": 0},
            {"state": "vc-east REMOTE_FAILEDOVER, vc-west FAILEDOVER", "count": 1, "busy": 0},
        ]})
    );
    assert_eq!(overview["replications"]["by_state"][0]["count"], 300);
    let failed = get(
        &simulator,
        "/admin/groups?state=vc-east+REMOTE_FAILEDOVER,+vc-west+FAILEDOVER",
    );
    assert_eq!(failed["items"][0]["name"], "group-007");
    assert_eq!(failed["total"], 1);
    let part = get(&simulator, "/admin/groups?offset=9990&limit=50");
    assert_eq!(
        (&part["total"], part["items"].as_array().unwrap().len()),
        (&json!(10_000), 10)
    );
    let usual = get(&simulator, "/admin/replications");
    assert_eq!(usual["items"].as_array().unwrap().len(), 100);
    assert_eq!(usual["items"][0]["state"], "east to west, NOT_STARTED");
}

#[tokio::test(start_paused = true)]
async fn unknown_paths_methods_and_parameters_are_refused_with_what_there_is() {
    let simulator = simulator();
    let missing = ask(&simulator, Method::GET, "/admin/colour", &Value::Null);
    assert_eq!(missing.status, 404);
    assert!(error(&missing).starts_with("there is no /admin/colour; there are: /, /admin/overview, "));
    let method = ask(&simulator, Method::PUT, "/admin/faults", &json!({}));
    assert_eq!(
        (method.status, method.header_text("allow")),
        (405, Some("GET, POST, HEAD"))
    );
    assert_eq!(error(&method), "/admin/faults takes GET, POST, HEAD, not PUT");
    let page = ask(&simulator, Method::POST, "/", &json!({}));
    assert_eq!(
        (page.status, page.header_text("allow"), error(&page).as_str()),
        (405, Some("GET, HEAD"), "/ takes GET, HEAD, not POST")
    );
    for (path, wanted) in [
        ("/admin/groups?limit=x", "limit has to be a number, not \"x\""),
        (
            "/admin/groups?size=1",
            "there is no parameter \"size\"; there are: state, offset, limit",
        ),
        ("/admin/events?after=x", "\"x\" is not the number of an event"),
    ] {
        let refused = ask(&simulator, Method::GET, path, &Value::Null);
        assert_eq!((refused.status, error(&refused)), (400, wanted.to_owned()));
    }
    for (path, body, wanted) in [
        (
            "/admin/faults",
            json!([{"do": "cut"}, {"do": {"fill_disk": {"site": "moon"}}}]),
            "rule 2: there is no site \"moon\"; there are: east, west",
        ),
        (
            "/admin/faults",
            json!([{"do": "cut"}, {"operation": "tasks.gets", "do": "cut"}]),
            "rule 2: there is no operation \"tasks.gets\"; there are: tasks.get, ",
        ),
        (
            "/admin/faults",
            json!([{"do": "cut"}, {"service": "vcda", "operation": "HostNetworkSystem_startDpuFailover", "do": "cut"}]),
            "rule 2: there is no operation \"HostNetworkSystem_startDpuFailover\" at service vcda; services that have it: vim",
        ),
        (
            "/admin/faults",
            json!({"do": "cut", "nht": 2}),
            "rule 1: unknown field `nht`, expected one of",
        ),
        (
            "/admin/clock",
            json!({"advance": 2}),
            "the body is not what it has to be: unknown field `advance`, expected `advance_ms` or `speed`",
        ),
        (
            "/admin/clock",
            json!({"advance_ms": -2}),
            "the body is not what it has to be: invalid value: integer `-2`, expected a whole number from 0 to 4294967295",
        ),
        (
            "/admin/endpoints",
            json!({"endpoint": "east"}),
            "the body is not what it has to be: missing field `reachable`",
        ),
    ] {
        let refused = ask(&simulator, Method::POST, path, &body);
        assert_eq!(refused.status, 400);
        assert!(error(&refused).starts_with(wanted), "{}", error(&refused));
    }
    assert!(simulator.world().faults().active().is_empty());
    let nowhere = ask(
        &simulator,
        Method::POST,
        "/admin/endpoints",
        &json!({"endpoint": "moon", "reachable": true}),
    );
    assert_eq!(
        error(&nowhere),
        "there is no endpoint \"moon\"; there are: east, vc-east, vc-west, west"
    );
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_where_get_is() {
    let simulator = simulator();
    let rule = json!({"do": "cut"});
    assert_eq!(ask(&simulator, Method::POST, "/admin/faults", &rule).status, 201);
    let below = PATHS.iter().filter(|(_, methods)| methods.contains(&"GET"));
    let below = below.map(|(path, _)| path.replace("{id}", "1"));
    let others = [
        "/",
        "/page.js",
        "/admin/colour",
        "/admin/faults/2",
        "/admin/events?after=x",
    ];
    for path in below.chain(others.map(str::to_owned)) {
        let [head, get] =
            [Method::HEAD, Method::GET].map(|method| ask(&simulator, method, &path, &Value::Null));
        assert_eq!((head.status, head.headers), (get.status, get.headers), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_goes_on_when_it_is_told_to() {
    let simulator = simulator();
    let passed = ask(
        &simulator,
        Method::POST,
        "/admin/clock",
        &json!({"advance_ms": 90_000}),
    );
    assert_eq!(passed.value()["time"], "2026-01-01T00:01:30Z");
    assert_eq!(get(&simulator, "/admin/clock")["now_ms"], 90_000);
    assert_eq!(get(&simulator, "/admin/overview")["time"], "2026-01-01T00:01:30Z");
    let faster = ask(&simulator, Method::POST, "/admin/clock", &json!({"speed": 20}));
    assert_eq!((faster.status, &faster.value()["speed"]), (200, &json!(20.0)));
    for (body, wanted) in [
        (json!({}), "the body has to have advance_ms, speed, or both"),
        (json!({"speed": 0}), "speed has to be from 0.1 to 1000"),
        (
            json!({"advance_ms": 1, "speed": 1e9}),
            "speed has to be from 0.1 to 1000",
        ),
    ] {
        let refused = ask(&simulator, Method::POST, "/admin/clock", &body);
        assert_eq!((refused.status, error(&refused)), (400, wanted.to_owned()));
    }
    assert_eq!(get(&simulator, "/admin/clock")["now_ms"], 90_000);
}

#[tokio::test(start_paused = true)]
async fn an_overview_shows_what_is_wrong_and_what_is_at_work() {
    let simulator = simulator();
    let rules = json!([
        {"do": {"lose_site": {"site": "west"}}},
        {"do": {"fill_disk": {"site": "east"}}},
        {"do": {"flap_link": {"host": "host-11", "card": "vmnic6", "down_ms": 100, "up_ms": 100}}},
    ]);
    assert_eq!(ask(&simulator, Method::POST, "/admin/faults", &rules).status, 201);
    let overview = get(&simulator, "/admin/overview");
    assert_eq!(overview["sites"][0]["full"], true);
    assert_eq!(overview["sites"][1]["endpoints"][0]["state"], "silent");
    assert_eq!(
        overview["hosts"]["noted"]["items"][0]["links_down"],
        json!(["vmnic6"])
    );
    assert_eq!(overview["clusters"][0]["mode"], "ENABLED");
    assert_eq!(overview["faults"][1]["holds_since_ms"], 0);
    let rule = get(&simulator, "/admin/faults/3");
    assert_eq!(rule["rule"]["do"]["flap_link"]["card"], "vmnic6");

    let told = |simulator: &Simulator| {
        let world = simulator.world();
        let (_, entries) = world.chronicle().after(0);
        let kinds = entries.map(|entry| serde_json::to_value(entry).unwrap());
        kinds.collect::<Vec<Value>>()
    };
    let silent = told(&simulator)
        .iter()
        .filter(|entry| entry["state"] == "silent")
        .count();
    assert_eq!(silent, 2, "{:?}", told(&simulator));
    assert!(told(&simulator).iter().any(|entry| entry["kind"] == "links"));
    assert_eq!(
        ask(&simulator, Method::DELETE, "/admin/faults/1", &Value::Null).status,
        204
    );
    let last = told(&simulator).pop().unwrap();
    assert_eq!(
        (&last["kind"], &last["state"]),
        (&json!("endpoint"), &json!("listening"))
    );
}
