//! The client against scripted servers and the wire fixtures of the models.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use farside_models_vcenter::operation::SYSTEM_HELLO;
use farside_models_vim::StartDpuFailoverRequest;
use farside_models_vim::operation::{
    HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX,
    PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, SERVICE_INSTANCE_GET_CONTENT, SESSION_MANAGER_LOGIN,
    SESSION_MANAGER_LOGOUT,
};
use farside_transport::testing::{Answer, NeverAnswers, ScriptedTransport};
use farside_transport::{CallError, CallErrorKind, Effect, SystemClock};
use farside_vim::{Invocation, ReleaseChoice, VimClient};
use farside_wire::{ManagedObjectReference, Secret};
use http::Response;
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vim/tests/fixtures")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The answer of a fixture, headers included.
fn answer(fixture: &Value) -> Answer {
    let response = &fixture["response"];
    let mut builder = Response::builder().status(response["status"].as_u64().unwrap() as u16);
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let body = match response["status"].as_u64() {
        Some(204) => Bytes::new(),
        _ => response["body"].to_string().into(),
    };
    Answer::response(builder.body(body).unwrap())
}

/// A server that takes logins and says what `more` adds.
fn server() -> ScriptedTransport {
    ScriptedTransport::with(|call, nth| match call.operation.id {
        "Vcenter.System_hello" => Answer::json(200, r#"{"api_release": "8.0.3.0"}"#),
        "ServiceInstance_getContent" => answer(&fixture("service-instance/get-content.json")),
        "SessionManager_Login" => {
            answer(&fixture("session-manager/login.json")).with_header("x-login", &nth.to_string())
        }
        "SessionManager_Logout" => answer(&fixture("session-manager/logout.json")),
        other => panic!("no answer for {other}"),
    })
}

fn client(server: &Arc<ScriptedTransport>) -> VimClient {
    let password = Secret::new("hunter2-secret");
    VimClient::builder(server.clone(), "operator", password, Arc::new(SystemClock::new())).build()
}

fn host(id: &str) -> ManagedObjectReference {
    ManagedObjectReference::new("HostSystem", id)
}

async fn switch(client: &VimClient) -> Result<(), CallError> {
    let call = Invocation::new(&HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, "networkSystem-21")
        .body(&StartDpuFailoverRequest::new("dvs-east"));
    client.nothing(call).await
}

#[tokio::test(start_paused = true)]
async fn the_first_calls_agree_on_a_release_and_log_in_once() {
    let page = fixture("property-collector/string-and-int.json");
    let server = server()
        .answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, answer(&page))
        .answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, answer(&page));
    let server = Arc::new(server);
    let client = client(&server);
    assert_eq!(server.calls().len(), 0, "building a client sends nothing");
    let (objects, paths) = ([host("host-21")], ["name", "summary.quickStats.overallCpuUsage"]);
    let (one, two) = tokio::join!(
        client.properties(&objects, "HostSystem", &paths),
        client.properties(&objects, "HostSystem", &paths),
    );
    assert_eq!((one.unwrap().len(), two.unwrap().len()), (1, 1));
    for operation in [
        &SYSTEM_HELLO,
        &SERVICE_INSTANCE_GET_CONTENT,
        &SESSION_MANAGER_LOGIN,
    ] {
        assert_eq!(server.count(operation), 1, "{}", operation.id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_and_read_as_the_fixture_says() {
    let page = fixture("property-collector/string-and-int.json");
    let server = Arc::new(server().answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, answer(&page)));
    let paths = ["name", "summary.quickStats.overallCpuUsage", "absent"];
    let found = client(&server)
        .properties(&[host("host-21")], "HostSystem", &paths[..2])
        .await
        .unwrap();
    let [object] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        object.get::<String>(paths[0]).unwrap().unwrap(),
        "esx-21.east.example"
    );
    assert_eq!(object.get::<i32>(paths[1]).unwrap(), Some(1840));
    assert_eq!(object.get::<i32>(paths[2]).unwrap(), None);
    assert!(object.get::<i32>(paths[0]).is_err(), "a text is no number");
    let sent = server.calls().pop().unwrap().request;
    assert_eq!(sent.uri().path(), page["request"]["path"]);
    let body: Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!(body, page["request"]["body"]);
    assert_eq!(
        sent.headers()["vmware-api-session-id"],
        page["request"]["headers"]["vmware-api-session-id"]
            .as_str()
            .unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_and_null_is_no_page() {
    let more = &PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX;
    let first = &PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX;
    let server = server()
        .answer(
            first,
            answer(&fixture("property-collector/first-page-with-token.json")),
        )
        .answer(
            more,
            answer(&fixture("property-collector/continue-middle-page.json")),
        )
        .answer(
            more,
            answer(&fixture("property-collector/continue-last-page.json")),
        )
        .answer(
            first,
            answer(&fixture("property-collector/nothing-matched-null.json")),
        );
    let server = Arc::new(server);
    let client = client(&server);
    let found = client
        .properties(&[host("host-21")], "HostSystem", &["name"])
        .await
        .unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(
        client
            .properties(&[host("host-21")], "HostSystem", &["name"])
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        client
            .properties(&[], "HostSystem", &["name"])
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!((server.count(first), server.left()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_pages_without_end_is_left() {
    let server = ScriptedTransport::with(|call, _| match call.operation.id {
        "ServiceInstance_getContent" => answer(&fixture("service-instance/get-content.json")),
        "SessionManager_Login" => answer(&fixture("session-manager/login.json")),
        _ => Answer::json(
            200,
            r#"{"_typeName": "RetrieveResult", "token": "again", "objects": []}"#,
        ),
    });
    let clock = Arc::new(SystemClock::new());
    let client = VimClient::builder(Arc::new(server), "operator", Secret::new("secret"), clock)
        .release(ReleaseChoice::Fixed("8.0.3.0".to_owned()))
        .build();
    let error = client
        .properties(&[host("host-21")], "HostSystem", &["name"])
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), CallErrorKind::TooLarge { .. }),
        "{error:?}"
    );
}

/// Each disguise of a dead session leads to one more login and one more attempt.
#[tokio::test(start_paused = true)]
async fn a_dead_session_is_replaced_whatever_it_looks_like() {
    let good = || answer(&fixture("property-collector/string-and-int.json"));
    let disguises = [
        Answer::empty(401),
        Answer::json(500, r#"{"_typeName": "NotAuthenticated"}"#),
        Answer::json(500, r#"{"_typeName": "SessionNotFound"}"#),
        Answer::json(500, r#"{"_typeName": "InvalidToken"}"#),
        answer(&fixture("property-collector/missing-set-not-authenticated.json")),
    ];
    for dead in disguises {
        let shown = format!("{dead:?}");
        let server = server()
            .answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, dead)
            .answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, good());
        let server = Arc::new(server);
        let found = client(&server)
            .properties(&[host("host-21")], "HostSystem", &["name"])
            .await
            .unwrap();
        assert!(found[0].any("name").is_some(), "{shown}");
        assert_eq!(server.count(&SESSION_MANAGER_LOGIN), 2, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partly_refused_read_is_an_answer() {
    let page = fixture("property-collector/missing-set-partial.json");
    let server = Arc::new(server().answer(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, answer(&page)));
    let found = client(&server)
        .properties(&[host("host-21")], "HostSystem", &["name"])
        .await
        .unwrap();
    let path = page["response"]["body"]["objects"][0]["missingSet"][0]["path"]
        .as_str()
        .unwrap();
    assert!(found[0].fault(path).is_some() && found[0].any(path).is_none());
    assert_eq!(server.count(&SESSION_MANAGER_LOGIN), 1);
}

#[tokio::test(start_paused = true)]
async fn an_action_refused_for_its_session_is_sent_again_and_a_lost_one_is_not() {
    let operation = &HOST_NETWORK_SYSTEM_START_DPU_FAILOVER;
    let refused = fixture("host-network-system/start-dpu-failover-not-authenticated.json");
    let server = server()
        .answer(operation, answer(&refused))
        .answer(operation, Answer::empty(204));
    let server = Arc::new(server);
    switch(&client(&server)).await.unwrap();
    assert_eq!(server.count(operation), 2);

    let server = Arc::new(self::server().answer(operation, Answer::empty(503)));
    let error = switch(&client(&server)).await.unwrap_err();
    assert_eq!((error.effect(), server.count(operation)), (Effect::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_common_release_nothing_is_sent_and_the_message_says_so() {
    let server =
        Arc::new(ScriptedTransport::new().answer(&SYSTEM_HELLO, Answer::json(200, r#"{"api_release": ""}"#)));
    let error = switch(&client(&server)).await.unwrap_err();
    assert_eq!(error.effect(), Effect::NotSent);
    assert!(
        format!("{error:?}").contains("no release of VI JSON in common"),
        "{error:?}"
    );
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_and_shown_nowhere() {
    let refused = fixture("session-manager/login-invalid-login.json");
    let server = Arc::new(server().answer(&SESSION_MANAGER_LOGIN, answer(&refused)));
    let client = client(&server);
    for _ in 0..2 {
        let error = switch(&client).await.unwrap_err();
        let CallErrorKind::Login(login) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(login.fault().map(|fault| fault.type_name()), Some("InvalidLogin"));
        assert_eq!(error.effect(), Effect::NotSent);
        assert!(!format!("{error:?} {client:?}").contains("hunter2"));
    }
    assert_eq!(server.count(&SESSION_MANAGER_LOGIN), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_that_is_starting_is_tried_again() {
    let starting = Answer::json(500, r#"{"_typeName": "InventedStartingUp"}"#);
    let operation = &HOST_NETWORK_SYSTEM_START_DPU_FAILOVER;
    let server = server()
        .answer(&SESSION_MANAGER_LOGIN, starting)
        .answer(operation, Answer::empty(204));
    let server = Arc::new(server);
    let client = client(&server);
    switch(&client).await.unwrap_err();
    switch(&client).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_login_without_a_token_fails() {
    let server = Arc::new(server().answer(&SESSION_MANAGER_LOGIN, Answer::json(200, "{}")));
    let error = switch(&client(&server)).await.unwrap_err();
    assert!(format!("{error:?}").contains("carries no session"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_costs_one_deadline() {
    let clock = Arc::new(SystemClock::new());
    let client = VimClient::builder(Arc::new(NeverAnswers), "operator", Secret::new("secret"), clock).build();
    let error = switch(&client).await.unwrap_err();
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test(start_paused = true)]
async fn close_logs_out_where_a_login_was() {
    let operation = &HOST_NETWORK_SYSTEM_START_DPU_FAILOVER;
    let server = Arc::new(server().answer(operation, Answer::empty(204)));
    let client = client(&server);
    switch(&client).await.unwrap();
    client.close().await.unwrap();
    let logout = server.calls().pop().unwrap();
    assert_eq!(logout.operation.id, SESSION_MANAGER_LOGOUT.id);
    assert!(logout.request.headers().contains_key("vmware-api-session-id"));
    let error = switch(&client).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Closed));
}

#[tokio::test(start_paused = true)]
async fn null_nothing_and_204_are_no_value() {
    let operation = &SERVICE_INSTANCE_GET_CONTENT;
    for none in [Answer::json(200, "null"), Answer::empty(200), Answer::empty(204)] {
        let server = Arc::new(server().answer(operation, none));
        let call = Invocation::new(operation, "ServiceInstance");
        assert_eq!(client(&server).optional::<Value>(call).await.unwrap(), None);
    }
    let server = Arc::new(server().answer(operation, Answer::json(200, "null")));
    let call = Invocation::new(operation, "ServiceInstance");
    let error = client(&server).value::<Value>(call).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Decode(_)));
}
