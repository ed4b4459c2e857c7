//! Sessions: how many there are at once, how long they live, and what belongs to one of them.

use http::Method;
use serde_json::{Value, json};

use super::{EAST, ask, bench, fault, login, retrieve};
use crate::exchange::{Answer, Request};
use crate::spec::WorldSpec;
use crate::testbench::{BASE, Bench};

const WEST: &str = "vc-west";
const MANAGER: &str = "/SessionManager/SessionManager";
const GO_ON: &str = "/PropertyCollector/propertyCollector/ContinueRetrievePropertiesEx";

/// A call in a session of its own, by its token.
fn within(bench: &mut Bench, vcenter: &str, token: &str, method: Method, path: &str) -> Answer {
    let request = Request::new(method, &format!("{BASE}{path}"));
    bench.send(vcenter, &request.header("vmware-api-session-id", token))
}

fn opened(bench: &mut Bench) -> Answer {
    let (user, password) = bench.credentials(EAST);
    login(bench, &user, &password)
}

fn token(opened: &Answer) -> String {
    assert_eq!(opened.status, 200, "{}", opened.value());
    opened.header_text("vmware-api-session-id").unwrap().to_owned()
}

fn is_alive(bench: &mut Bench, token: &str) -> bool {
    within(bench, EAST, token, Method::GET, "/Folder/group-d1/name").status == 200
}

#[test]
fn as_many_sessions_as_the_world_says_and_the_next_one_when_one_has_ended() {
    let mut bench = Bench::new(&WorldSpec::pair(9).groups(0).replications(0).most_sessions(4));
    // The bench has one.
    let tokens: Vec<String> = (0..3).map(|_| token(&opened(&mut bench))).collect();
    for _ in 0..2 {
        let refused = opened(&mut bench);
        assert_eq!((refused.status, refused.body.len()), (503, 0));
        assert_eq!(refused.header_text("vmware-api-session-id"), None);
    }
    assert!(tokens.iter().all(|token| is_alive(&mut bench, token)));
    bench.log_in(WEST);
    let gone = within(
        &mut bench,
        EAST,
        &tokens[1],
        Method::POST,
        &format!("{MANAGER}/Logout"),
    );
    assert_eq!(gone.status, 204);
    token(&opened(&mut bench));
    assert_eq!(opened(&mut bench).status, 503);
    // All of them die idle, and make room.
    bench.pass(31 * 60_000);
    for _ in 0..4 {
        token(&opened(&mut bench));
    }
    assert_eq!(opened(&mut bench).status, 503);
}

#[test]
fn sessions_of_one_user_are_apart_and_good_at_one_vcenter_only() {
    let mut bench = bench();
    let tokens: Vec<String> = (0..40).map(|_| token(&opened(&mut bench))).collect();
    let key = |bench: &mut Bench, token: &str| {
        let path = format!("{MANAGER}/currentSession");
        let session = within(bench, EAST, token, Method::GET, &path).value();
        session["key"].as_str().unwrap().to_owned()
    };
    let mut keys: Vec<String> = tokens.iter().map(|token| key(&mut bench, token)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 40);
    let listed = |bench: &mut Bench| {
        let list = bench.get(EAST, &format!("{MANAGER}/sessionList")).value();
        list.as_array().map_or(0, Vec::len)
    };
    assert_eq!(listed(&mut bench), 41, "with the one of the bench");
    let logout = format!("{MANAGER}/Logout");
    assert_eq!(
        within(&mut bench, EAST, &tokens[0], Method::POST, &logout).status,
        204
    );
    assert_eq!(listed(&mut bench), 40);
    assert!(!is_alive(&mut bench, &tokens[0]) && is_alive(&mut bench, &tokens[1]));
    let elsewhere = within(&mut bench, WEST, &tokens[1], Method::GET, "/Folder/group-d1/name");
    assert_eq!(fault(&elsewhere), "NotAuthenticated");
}

#[test]
fn a_session_that_is_used_lives_on_and_an_idle_one_beside_it_dies() {
    let mut bench = bench();
    let [used, idle] = [0; 2].map(|_| token(&opened(&mut bench)));
    for _ in 0..100 {
        bench.pass(29 * 60_000);
        assert!(is_alive(&mut bench, &used));
    }
    assert!(!is_alive(&mut bench, &idle));
    bench.pass(30 * 60_000 + 1);
    assert!(!is_alive(&mut bench, &used));
}

/// Asks for two hosts, one on a page; gives the body that asks for the second one.
fn first_page(bench: &mut Bench) -> Value {
    let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
    let body = retrieve("HostSystem", &hosts, &["name"], json!({"maxObjects": 1}));
    let token = ask(bench, &body).value()["token"].clone();
    assert!(token.is_string());
    json!({ "token": token })
}

// Pages belonged to nobody: any session could read them, and the end of theirs was none of their own.
#[test]
fn a_page_is_for_the_session_that_asked_and_goes_when_it_goes() {
    let mut bench = bench();
    let token = first_page(&mut bench);
    let mut other = bench.clone();
    other.log_in(EAST);
    assert_eq!(fault(&other.post(EAST, GO_ON, &token)), "InvalidProperty");
    assert_eq!(
        bench
            .post(EAST, &format!("{MANAGER}/Logout"), &Value::Null)
            .status,
        204
    );
    bench.log_in(EAST);
    assert_eq!(fault(&bench.post(EAST, GO_ON, &token)), "InvalidProperty");
}

#[test]
fn what_was_given_up_is_not_gone_on_with() {
    let mut bench = bench();
    let token = first_page(&mut bench);
    let give_up = "/PropertyCollector/propertyCollector/CancelRetrievePropertiesEx";
    assert_eq!(bench.post(EAST, give_up, &token).status, 204);
    assert_eq!(fault(&bench.post(EAST, GO_ON, &token)), "InvalidProperty");
    assert_eq!(fault(&bench.post(EAST, give_up, &token)), "InvalidProperty");
}

#[test]
fn who_has_no_session_gets_everything_on_one_page() {
    let mut bench = bench();
    let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
    let body = retrieve("HostSystem", &hosts, &["name"], json!({"maxObjects": 1}));
    let path = format!("{BASE}/PropertyCollector/propertyCollector/RetrievePropertiesEx");
    let answer = bench
        .send(EAST, &Request::new(Method::POST, &path).json(&body))
        .value();
    assert_eq!(answer["objects"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer.get("token"), None);
}

#[test]
fn answers_say_their_media_type_and_those_without_a_body_say_none() {
    let mut bench = bench();
    let media_type = |answer: &Answer| answer.header_text("content-type").map(str::to_owned);
    let json = Some("application/json".to_owned());
    let name = bench.get(EAST, "/Folder/group-d1/name");
    assert_eq!((name.status, media_type(&name)), (200, json.clone()));
    let missing = bench.get(EAST, "/Folder/group-d99/name");
    assert_eq!((missing.status, media_type(&missing)), (500, json));
    let refresh = "/HostNetworkSystem/networkSystem-11/RefreshNetworkSystem";
    let nothing = bench.post(EAST, refresh, &Value::Null);
    assert_eq!(
        (nothing.status, nothing.body.len(), media_type(&nothing)),
        (204, 0, None)
    );
}

#[test]
fn what_the_session_manager_does_is_seen() {
    let mut bench = bench();
    let other = token(&opened(&mut bench));
    let path = format!("{MANAGER}/currentSession");
    let key = within(&mut bench, EAST, &other, Method::GET, &path).value()["key"].clone();
    let active = json!({"sessionID": key, "userName": "VSPHERE.LOCAL\\operator"});
    let is_active = format!("{MANAGER}/SessionIsActive");
    assert_eq!(bench.post(EAST, &is_active, &active).value(), json!(true));

    let locale = bench.post(EAST, &format!("{MANAGER}/SetLocale"), &json!({"locale": "de"}));
    assert_eq!(locale.status, 204);
    assert_eq!(bench.get(EAST, &path).value()["locale"], "de");
    let untouched = within(&mut bench, EAST, &other, Method::GET, &path).value();
    assert_eq!(untouched["locale"], "en");

    let message = json!({"message": "Recovery is running."});
    bench.post(EAST, &format!("{MANAGER}/UpdateServiceMessage"), &message);
    let shown = within(
        &mut bench,
        EAST,
        &other,
        Method::GET,
        &format!("{MANAGER}/message"),
    );
    assert_eq!(shown.value(), message["message"]);

    let terminate = format!("{MANAGER}/TerminateSession");
    let both = json!({"sessionId": [key, "none"]});
    assert_eq!(fault(&bench.post(EAST, &terminate, &both)), "NotFound");
    assert!(!is_alive(&mut bench, &other), "up to the first that is not there");
    assert_eq!(bench.post(EAST, &is_active, &active).value(), json!(false));

    let ticket = bench.post(EAST, &format!("{MANAGER}/AcquireCloneTicket"), &Value::Null);
    let body = json!({"cloneTicket": ticket.value()});
    let request = Request::new(Method::POST, &format!("{BASE}{MANAGER}/CloneSession")).json(&body);
    let clone = token(&bench.send(EAST, &request));
    assert!(is_alive(&mut bench, &clone));
    assert_eq!(
        fault(&bench.send(EAST, &request)),
        "InvalidLogin",
        "it works once"
    );
}
