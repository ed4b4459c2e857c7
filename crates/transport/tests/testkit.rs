//! The parts of the test kit together, as a user puts them: a whole client over faults, recorded and replayed.

#![cfg(feature = "testing")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_transport::testing::{
    Answer, BLANK_OPERATION, FaultAction, FaultPlan, FaultRule, Faults, FaultyTransport, Pattern,
    PausedClock, Recorder, Recording, Replayer, ScriptedTransport,
};
use farside_transport::{
    Call, CallError, Clock, Effect, SessionScheme, SessionToken, StackBuilder, Transport,
};
use farside_wire::{Method, Operation, Repeat, Secret};
use http::{HeaderValue, Request, Response};

const LOG_IN: Operation = Operation {
    id: "sessions.login",
    path: "/sessions",
    anonymous: true,
    secrets: &[],
    ..BLANK_OPERATION
};

const READ: Operation = Operation {
    id: "getThing",
    method: Method::Get,
    path: "/things/{id}",
    repeat: Repeat::Harmless,
    ..BLANK_OPERATION
};

const START: Operation = Operation {
    id: "startThing",
    path: "/things/{id}",
    ..BLANK_OPERATION
};

/// Logs in with a password, and carries the token in a header.
#[derive(Debug)]
struct Login(Secret);

#[async_trait]
impl SessionScheme for Login {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let body = format!(r#"{{"user":"root","vcdPassword":"{}"}}"#, self.0.expose());
        let answer = via.send(call(&LOG_IN, "/sessions", &body)).await?;
        let token = answer.headers()["x-vcav-auth"].to_str().expect("a token");
        Ok(SessionToken::new(Secret::new(token)))
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        let token = HeaderValue::from_str(token.expose()).expect("a header");
        request.headers_mut().insert("x-vcav-auth", token);
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        let status = outcome.as_ref().err().and_then(CallError::status);
        status.is_some_and(|status| status.as_u16() == 401)
    }

    async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
        Ok(())
    }
}

fn call(operation: &'static Operation, path: &str, body: &str) -> Call {
    let method = operation.method.as_str();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = Request::builder().method(method).uri(path).body(body);
    Call::new(operation, "thing 1", request.expect("a request"))
}

/// Gives out tokens, and takes them back; it echoes what it should not.
fn server() -> ScriptedTransport {
    ScriptedTransport::with(|call, nth| match call.operation.id {
        "sessions.login" => Answer::json(200, r#"{"user":"root"}"#)
            .with_header("x-vcav-auth", &format!("token-{nth}-9f8e7d6c")),
        "getThing" => {
            let token = call.request.headers()["x-vcav-auth"].to_str().expect("a token");
            Answer::json(200, format!(r#"{{"nth":{nth},"owner":"{token}"}}"#))
        }
        _ => Answer::json(
            200,
            r#"{"ticket":"cst-VCT-4711","note":"for correct horse battery"}"#,
        ),
    })
}

fn client(network: Arc<dyn Transport>, clock: Arc<dyn Clock>, password: &str) -> Arc<dyn Transport> {
    let login = Arc::new(Login(Secret::new(password)));
    StackBuilder::new(network, clock).session(login).build()
}

/// What the client under test does, and what it sees: the numbers of its reads, and how its actions end.
async fn run(client: &dyn Transport) -> Vec<String> {
    let mut seen = Vec::new();
    for (operation, body) in [
        (&READ, ""),
        (&START, r#"{"a":1}"#),
        (&READ, ""),
        (&START, r#"{"a":2}"#),
    ] {
        let outcome = client.send(call(operation, "/things/1", body)).await;
        seen.push(match outcome {
            Ok(answer) => {
                let body: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
                format!("{} {:?}", answer.status(), body.get("nth"))
            }
            Err(error) => format!("{:?} {}", error.effect(), error.kind()),
        });
    }
    seen
}

#[tokio::test]
async fn a_bad_night_is_recorded_without_secrets_and_replayed() {
    const PASSWORD: &str = "correct horse battery";
    let plan: FaultPlan = toml::from_str(
        r#"
        [[rules]]
        operation = "startThing"
        do = "drop_answer"

        [[rules]]
        operation = "getThing"
        nth = 2
        do = "end_session"

        [[rules]]
        operation = "getThing"
        do = { refuse = { status = 503, retry_after = 3 } }
        "#,
    )
    .expect("a plan");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("night.jsonl");
    let clock = Arc::new(PausedClock::auto_advancing());
    let faults = Faults::from_plan(plan);
    let network = FaultyTransport::new(Arc::new(server()), clock.clone(), faults.clone());
    let recorder = Arc::new(Recorder::to_file(Arc::new(network), &path).expect("a file"));
    let seen = run(&*client(recorder.clone(), clock.clone(), PASSWORD)).await;
    assert!(seen[0].starts_with("200 OK Some"), "{seen:?}");
    assert!(seen[1].starts_with("Unknown"), "{seen:?}");
    assert!(
        faults.rules().iter().all(|(_, counts)| counts.hits == 1),
        "{faults:?}"
    );
    recorder.finish().expect("written");

    let text = std::fs::read_to_string(&path).expect("the recording");
    let shown = format!("{text}{seen:?}{recorder:?}{faults:?}{clock:?}");
    for secret in [PASSWORD, "token-0-9f8e7d6c", "token-1-9f8e7d6c", "cst-VCT-4711"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(
        text.contains(r#""vcdPassword":"~struck-out.vcdPassword~""#),
        "{text}"
    );

    let recording = Recording::read(&path).expect("a recording");
    let effects = recording
        .exchanges()
        .filter(|exchange| exchange.operation == "sessions.login");
    assert_eq!(
        effects.count(),
        2,
        "one log-in at the start, one after the session's end"
    );
    for replayer in [
        Replayer::in_order(recording.clone()),
        Replayer::matching(recording),
    ] {
        let replayer = Arc::new(replayer);
        let again = run(&*client(replayer.clone(), clock.clone(), "another one")).await;
        assert_eq!(again, seen);
        replayer.finish().expect("all of the night came again");
    }
}

#[tokio::test]
async fn a_guard_ends_a_session_in_the_midst_of_a_test() {
    let clock = Arc::new(PausedClock::auto_advancing());
    let (server, faults) = (Arc::new(server()), Faults::new());
    let network = FaultyTransport::new(server.clone(), clock.clone(), faults.clone());
    let client = client(Arc::new(network), clock, "hunter22");
    let send = async || client.send(call(&START, "/things/1", "{}")).await;
    send().await.expect("started");
    let login = Pattern::new("sessions.*");
    let guard = faults.add(FaultRule::any(FaultAction::EndSessionUntil { login }));
    send().await.expect("started in the next session");
    assert_eq!((guard.counts().hits, server.count(&LOG_IN)), (1, 2));
    drop(guard);
    let _lost = faults.add(FaultRule::new(
        "startThing",
        FaultAction::CutWhileSending { reached: false },
    ));
    let error = send().await.expect_err("cut");
    assert_eq!((error.effect(), server.count(&START)), (Effect::Unknown, 2));
}

#[tokio::test]
async fn hours_pass_in_no_time_on_a_paused_clock() {
    let clock = Arc::new(PausedClock::auto_advancing());
    let network = FaultyTransport::new(Arc::new(server()), clock.clone(), Faults::new());
    let client = client(Arc::new(network), clock.clone(), "hunter22");
    for hour in 1..=24 {
        clock.sleep(Duration::from_secs(3600)).await;
        client
            .send(call(&READ, "/things/1", ""))
            .await
            .expect("an answer");
        assert_eq!(clock.elapsed(), Duration::from_secs(hour * 3600));
    }
}
