//! Sessions, tasks, lists and refusals of VMware Cloud Director Availability on the wire.

use farside_simulator::exchange::Request;
use farside_simulator::vcda::VcdaSpec;
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Action, Pair, answer, extend, extend_as_known, log_in, text};

const MINUTE: i64 = 60_000;

fn code(answer: &farside_simulator::exchange::Answer) -> (u16, String) {
    (answer.status, text(&answer.value()["code"]))
}

#[test]
fn a_wrong_password_gets_no_token() {
    let mut world = WorldSpec::pair(1).replications(0).build();
    let user = world.endpoint("west").unwrap().user.clone();
    let body = json!({"type": "vcdCredentials", "vcdUser": user, "vcdPassword": "wrong"});
    let refused = answer(world.handle("west", &Request::new(Method::POST, "/sessions").json(&body)));
    assert_eq!(code(&refused), (401, "NotAuthenticated".to_owned()));
    assert_eq!(refused.header_text("x-vcav-auth"), None);
}

#[test]
fn the_local_root_logs_in_with_members_of_its_own() {
    let mut world = WorldSpec::pair(1).replications(0).build();
    let password = world.endpoint("west").unwrap().password.clone();
    let body = json!({"type": "localUser", "localUser": "root", "localPassword": password});
    let details = answer(world.handle("west", &Request::new(Method::POST, "/sessions").json(&body)));
    assert_eq!((details.status, &details.value()["user"]), (200, &json!("root")));
    let mixed = json!({"type": "localUser", "localUser": "root", "vcdPassword": "x"});
    let refused = answer(world.handle("west", &Request::new(Method::POST, "/sessions").json(&mixed)));
    assert_eq!(code(&refused), (400, "BadUserInput".to_owned()));
    let cookie = json!({"type": "vcdCookie", "vcdCookie": "x"});
    let refused = answer(world.handle("west", &Request::new(Method::POST, "/sessions").json(&cookie)));
    assert_eq!(code(&refused), (401, "NotAuthenticated".to_owned()));
}

#[test]
fn a_session_dies_idle_after_half_an_hour_and_of_age_after_a_day() {
    let mut pair = Pair::new(1, 0);
    pair.pass(30 * MINUTE);
    pair.get("west", "/sessions");
    pair.pass(30 * MINUTE + 1);
    assert_eq!(
        code(&pair.call("west", Method::GET, "/sessions", None)),
        (401, "NotAuthenticated".to_owned())
    );

    let mut pair = Pair::new(1, 0);
    for _ in 0..(24 * 3) {
        pair.pass(20 * MINUTE);
        pair.get("west", "/tasks");
    }
    pair.pass(1);
    assert_eq!(pair.call("west", Method::GET, "/tasks", None).status, 401);
}

#[test]
fn a_session_ends_with_its_logout() {
    let mut pair = Pair::new(1, 0);
    let gone = pair.call("west", Method::DELETE, "/sessions", None);
    assert_eq!(
        (gone.status, gone.body.len(), gone.header_text("content-type")),
        (204, 0, None)
    );
    assert_eq!(pair.call("west", Method::GET, "/sessions", None).status, 401);
}

#[test]
fn another_site_needs_an_extension_and_an_unknown_one_is_not_found() {
    let mut pair = Pair::new(1, 1);
    let call = |pair: &mut Pair, site: &str| {
        pair.call(
            "west",
            Method::GET,
            &format!("/vm-replications?site={site}"),
            None,
        )
    };
    assert_eq!(call(&mut pair, "west").status, 200);
    assert_eq!(
        code(&call(&mut pair, "east")),
        (401, "RemoteAuthenticationFailure".to_owned())
    );
    assert_eq!(code(&call(&mut pair, "moon")), (404, "SiteNotFound".to_owned()));
}

#[test]
fn an_extended_session_asks_the_other_site_until_it_loses_it() {
    let mut pair = Pair::new(1, 1);
    let extended = extend_as_known(&mut pair, "east");
    assert_eq!(extended.status, 200);
    assert_eq!(
        extended.header_text("x-vcav-auth"),
        None,
        "the token stays the same"
    );
    let sites = json!([{"site": "west", "org": "tenant-a"}, {"site": "east", "org": "tenant-a"}]);
    assert_eq!(extended.value()["authenticatedSites"], sites);
    assert_eq!(pair.get("west", "/sessions")["authenticatedSites"], sites);
    let again = extend_as_known(&mut pair, "east");
    assert_eq!(again.value()["authenticatedSites"], sites);

    let path = format!("/vm-replications/{}?site=east", pair.id(1));
    let there = pair.get("west", &path);
    assert_eq!(
        there,
        pair.get("east", &format!("/vm-replications/{}", pair.id(1))),
        "as if asked itself"
    );
    pair.world.set_reachable("east", false);
    let lost = pair.call("west", Method::GET, &path, None);
    assert_eq!(code(&lost), (500, "GeneralServerFailure".to_owned()));
    pair.world.set_reachable("east", true);
    pair.world
        .faults_mut()
        .add(FaultRule::new("vmReplications.get", FaultAction::EndExtensions));
    let refused = pair.call("west", Method::GET, &path, None);
    assert_eq!(code(&refused), (401, "RemoteAuthenticationFailure".to_owned()));
    assert_eq!(pair.call("west", Method::GET, "/sessions", None).status, 200);
}

#[test]
fn an_extension_is_refused_by_what_is_wrong_with_it() {
    let mut pair = Pair::new(1, 0);
    let east = pair.world.endpoint("east").unwrap().clone();
    let wrong = extend(&mut pair, "east", &east.user, "wrong");
    assert_eq!(code(&wrong), (401, "RemoteAuthenticationFailure".to_owned()));
    let nowhere = extend(&mut pair, "moon", &east.user, &east.password);
    assert_eq!(code(&nowhere), (404, "SiteNotFound".to_owned()));
    pair.world.set_reachable("east", false);
    let lost = extend_as_known(&mut pair, "east");
    assert_eq!(code(&lost), (500, "GeneralServerFailure".to_owned()));
    let table = [
        (
            json!({"type": "credentials", "site": "east", "vcdUser": "x", "vcdPassword": "x"}),
            (400, "BadUserInput"),
        ),
        (json!({"site": "east"}), (400, "BadUserInput")),
        (
            json!({"type": "credentials", "site": "east", "vcdUsername": "no-org", "vcdPassword": "x"}),
            (400, "BadUserInput"),
        ),
        (
            json!({"type": "cookie", "site": "east", "cookie": "x"}),
            (500, "GeneralServerFailure"),
        ),
    ];
    for (body, (status, expected)) in table {
        let refused = pair.call("west", Method::POST, "/sessions/extend", Some(&body));
        assert_eq!(code(&refused), (status, expected.to_owned()), "{body}");
    }
}

#[test]
fn by_another_reading_a_missing_extension_looks_like_a_missing_session() {
    let mut spec = VcdaSpec::default();
    spec.missing_extension_is_not_authenticated = true;
    let mut world = WorldSpec::pair(1).replications(0).vcda(spec).build();
    let token = log_in(&mut world, "west");
    let request = Request::new(Method::GET, "/tasks?site=east").header("x-vcav-auth", &token);
    let refused = answer(world.handle("west", &request));
    assert_eq!(code(&refused), (401, "NotAuthenticated".to_owned()));
}

#[test]
fn unknown_members_wrong_types_and_unknown_paths_are_refused_by_name() {
    let mut pair = Pair::new(1, 1);
    let path = format!("/vm-replications/{}/failover", pair.id(1));
    let bodies = [
        (json!({"type": "vcloud", "poweron": true}), "poweron"),
        (json!({"type": "vcloud", "powerOn": "yes"}), "powerOn"),
        (
            json!({"type": "vcloud", "copySecurityTags": true}),
            "copySecurityTags",
        ),
        (
            json!({"type": "vcloud", "vmNetworkSettings": {"nics": [{"nic": 1}]}}),
            "vmNetworkSettings.nics[0].nic",
        ),
        (json!({"powerOn": true}), "type"),
    ];
    for (body, member) in bodies {
        let refused = pair.call("west", Method::POST, &path, Some(&body));
        assert_eq!(code(&refused), (400, "BadUserInput".to_owned()), "{body}");
        assert_eq!(refused.value()["args"], json!([member]));
    }
    let other_target = json!({"type": "vcenter", "snapshotOptions": "DO_NOTHING"});
    let refused = pair.call("west", Method::POST, &path, Some(&other_target));
    assert_eq!(code(&refused), (400, "BadRequest".to_owned()));
    assert_eq!(pair.call("west", Method::POST, &path, None).status, 400);
    let nowhere = pair.call("west", Method::GET, "/nowhere", None);
    assert_eq!(code(&nowhere), (404, "NotFound".to_owned()));
    let unread = json!({"source": {"type": "vcVm", "site": "east"}, "destination": {"type": "vcloud"}});
    assert_eq!(
        code(&pair.call("west", Method::POST, "/vm-replications", Some(&unread))),
        (501, "NotSimulated".to_owned())
    );
}

#[test]
fn answers_carry_the_versioned_media_type_and_the_servers_own_clock() {
    let mut pair = Pair::new(1, 1);
    let answer = pair.call("west", Method::GET, "/vm-replications", None);
    let media_type = "application/vnd.vmware.h4-v4.6+json;charset=UTF-8";
    assert_eq!(answer.header_text("content-type"), Some(media_type));
    let skew_ms = pair.world.endpoint("west").unwrap().skew_ms;
    let year = if skew_ms < 0 { "31 Dec 2025" } else { "01 Jan 2026" };
    assert!(answer.header_text("date").unwrap().contains(year));
}

#[test]
fn replications_are_listed_in_pages_at_both_sites_and_filtered() {
    let mut pair = Pair::new(1, 130);
    for site in ["east", "west"] {
        let first = pair.get(site, "/vm-replications?limit=500");
        assert_eq!(
            (first["items"].as_array().unwrap().len(), &first["total"]),
            (100, &json!(130))
        );
        let rest = pair.get(site, "/vm-replications?offset=100&limit=100");
        assert_eq!(rest["items"].as_array().unwrap().len(), 30);
        assert_eq!(pair.get(site, "/vm-replications?offset=130")["items"], json!([]));
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| text(&item["vmName"]))
            .collect()
    };
    let contains = pair.get("west", "/vm-replications?vmName=vm-01&sort=vmName-");
    assert_eq!(names(&contains).first().map(String::as_str), Some("vm-019"));
    assert_eq!(names(&contains).len(), 10);
    assert_eq!(
        pair.get("west", "/vm-replications?sourceSite=west")["total"],
        json!(0)
    );
    assert_eq!(
        pair.get("west", "/vm-replications?sourceSite=east&sourceOrg=tenant-a")["total"],
        json!(130)
    );
    let ids = format!("/vm-replications?ids={},{}", pair.id(3), pair.id(5));
    assert_eq!(pair.get("west", &ids)["total"], json!(2));
    for wrong in [
        "vmname=x",
        "limit=x",
        "sort=colour",
        "overallHealth=BLUE",
        "isMigration=maybe",
    ] {
        let refused = pair.call("west", Method::GET, &format!("/vm-replications?{wrong}"), None);
        assert_eq!(code(&refused), (400, "BadRequest".to_owned()), "{wrong}");
    }
}

#[test]
fn instances_are_listed_newest_first_and_follow_the_rpo() {
    let mut pair = Pair::new(1, 1);
    let path = format!("/vm-replications/{}/instances", pair.id(1));
    let before = pair.get("west", &path);
    let times: Vec<i64> = before
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["timestamp"].as_i64().unwrap())
        .collect();
    assert_eq!(times.len(), 4);
    assert!(
        times.windows(2).all(|pair| pair[0] - pair[1] == 15 * MINUTE),
        "{times:?}"
    );
    pair.pass(15 * MINUTE);
    let after = pair.get("west", &path);
    assert_eq!(after.as_array().unwrap().len(), 4);
    assert_eq!(after[1]["key"], before[0]["key"]);
}

#[test]
fn a_lost_failover_is_found_by_resource_type_and_start_time() {
    let mut pair = Pair::new(1, 2);
    let id = pair.id(1);
    let search = |pair: &mut Pair, rest: &str| {
        let path = format!("/tasks?resourceId={}&type=failover{rest}", pair.id(1));
        pair.get("west", &path)
    };
    assert_eq!(search(&mut pair, "")["total"], json!(0));
    let task = pair.act("west", &id, Action::Failover).value();
    let other = pair.id(2);
    pair.act("west", &other, Action::Failover);
    let start = task["startTime"].as_i64().unwrap();
    assert_eq!(
        search(&mut pair, &format!("&startTimeAfter={}", start - 1))["items"][0]["id"],
        task["id"]
    );
    assert_eq!(
        search(&mut pair, &format!("&startTimeAfter={start}"))["total"],
        json!(0)
    );
    assert_eq!(search(&mut pair, "&state=SUCCEEDED")["total"], json!(0));
    assert_eq!(search(&mut pair, "&endTimeAfter=0")["total"], json!(0));
    pair.pass(5_000);
    assert_eq!(
        search(&mut pair, "&state=SUCCEEDED&endTimeAfter=0")["total"],
        json!(1)
    );
    assert_eq!(pair.get("east", "/tasks")["total"], json!(0));
    let both = pair.call("west", Method::GET, "/tasks?user=x&destinationOrg=y", None);
    assert_eq!(code(&both), (400, "BadRequest".to_owned()));
}

#[test]
fn a_bulk_poll_answers_in_columns_and_drops_what_it_does_not_know() {
    let mut pair = Pair::new(1, 3);
    let tasks: Vec<Value> = (1..=3)
        .map(|number| {
            let id = pair.id(number);
            pair.act("west", &id, Action::Failover).value()["id"].clone()
        })
        .collect();
    pair.pass(5_000);
    let mut wanted = tasks.clone();
    wanted.push(json!("00000000-0000-4000-8000-000000000000"));
    let answer = pair
        .call(
            "west",
            Method::POST,
            "/tasks/poll?site=west",
            Some(&json!(wanted)),
        )
        .value();
    let columns: Vec<String> = answer["propertyNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    let id = columns.iter().position(|column| column == "id").unwrap();
    let state = columns.iter().position(|column| column == "state").unwrap();
    let rows = answer["values"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| tasks.contains(&row[id]) && row[state] == json!("SUCCEEDED"))
    );
    for wrong in [json!(["not-a-uuid"]), json!({"ids": []}), json!([7])] {
        let refused = pair.call("west", Method::POST, "/tasks/poll", Some(&wrong));
        assert_eq!(code(&refused), (400, "BadUserInput".to_owned()), "{wrong}");
    }
}

#[test]
fn a_lost_site_hears_nothing() {
    let mut pair = Pair::new(1, 1);
    pair.world.set_reachable("east", false);
    let handled = pair.send("east", Method::GET, "/tasks", None);
    assert_eq!(handled.reply, farside_simulator::exchange::Reply::Unreachable);
    assert_eq!(pair.world.endpoint("east").unwrap().unheard, 1);
    assert!(
        pair.world
            .calls()
            .entries()
            .iter()
            .all(|calls| calls.operation != "tasks.list")
    );
    pair.world.set_reachable("east", true);
    log_in(&mut pair.world, "east");
}
