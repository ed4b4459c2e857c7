use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::*;
use crate::clock::{Elapsed, within};
use crate::error::Effect;
use crate::testing::operations::{LOG_IN, READ, WRITE};
use crate::testing::{Answer, NeverAnswers, PausedClock, Recorder, RecordingErrorKind, ScriptedTransport};

fn call(operation: &'static Operation, path: &str, body: &str) -> Call {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let method = operation.method.as_str();
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    Call::new(operation, "thing 1", request)
}

/// Three calls: a log-in, a read, an action that is refused.
async fn recording() -> Recording {
    let server = ScriptedTransport::new()
        .answer(&LOG_IN, Answer::empty(200).with_header("x-vcav-auth", "t-0815-t"))
        .answer(&READ, Answer::json(200, r#"{"id":1}"#))
        .answer(&WRITE, Answer::json(409, r#"{"code":"ThingIsBusy"}"#));
    let recorder = Recorder::in_memory(Arc::new(server));
    let calls = [
        call(&LOG_IN, "/sessions", r#"{"user":"root","password":"hunter22"}"#),
        call(&READ, "/things/a%3Ab?x=1", ""),
        call(&WRITE, "/things/1", r#"{"a":1,"b":[2,3]}"#),
    ];
    for call in calls {
        let _ = recorder.send(call).await;
    }
    Recording::parse("calls.jsonl", &recorder.text()).unwrap()
}

/// The same three calls, as another run with another password would make them.
fn same_calls() -> [Call; 3] {
    [
        call(&LOG_IN, "/sessions", r#"{"user":"root","password":"x"}"#),
        call(&READ, "/things/a:b?x=1", ""),
        call(&WRITE, "/things/1", r#"{ "b": [2, 3], "a": 1 }"#),
    ]
}

#[track_caller]
fn replay_error(outcome: Result<Response<Bytes>, CallError>) -> ReplayError {
    let error = outcome.expect_err("no match");
    assert_eq!(error.effect(), Effect::Unknown);
    let CallErrorKind::Other(source) = error.kind() else {
        panic!("{error:?}")
    };
    let inner = source
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ReplayError>());
    inner.expect("a replay error").clone()
}

#[tokio::test]
async fn the_same_calls_get_the_same_outcomes() {
    for replayer in [
        Replayer::in_order(recording().await),
        Replayer::matching(recording().await),
    ] {
        let [log_in, read, write] = same_calls();
        let answer = replayer.send(log_in).await.expect("logged in");
        assert_eq!(answer.headers()["x-vcav-auth"], "~struck-out.x-vcav-auth~");
        let answer = replayer.send(read).await.expect("read");
        assert_eq!(answer.body(), r#"{"id":1}"#);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(replayer.left(), 1);
        let error = replayer.send(write).await.expect_err("refused");
        assert_eq!(
            error.service_error().map(|error| error.code()),
            Some("ThingIsBusy")
        );
        assert_eq!(error.effect(), Effect::Refused);
        replayer.finish().expect("all is used");
    }
}

#[tokio::test]
async fn only_a_matching_replay_takes_calls_in_another_order() {
    let (in_order, matching) = (
        Replayer::in_order(recording().await),
        Replayer::matching(recording().await),
    );
    for call in same_calls().into_iter().rev() {
        let _ = matching.send(call).await;
    }
    matching.finish().expect("all is used");

    let [log_in, read, _] = same_calls();
    let error = replay_error(in_order.send(read).await);
    assert_eq!((error.operation(), error.place()), ("readThing", "calls.jsonl:2"));
    let kind = ReplayErrorKind::Operation {
        expected: "logIn".to_owned(),
    };
    assert_eq!(error.kind(), &kind);
    in_order
        .send(log_in)
        .await
        .expect("a call that does not match takes nothing");
    assert_eq!(in_order.finish().expect_err("one call did not match"), error);
}

#[tokio::test]
async fn a_call_that_differs_is_told_with_both_sides() {
    let replayer = Replayer::matching(recording().await);
    let error = replay_error(replayer.send(call(&READ, "/things/a:c?x=1", "")).await);
    assert_eq!(
        error.to_string(),
        "the replay of readThing does not match calls.jsonl:3"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "expected GET /things/a%3Ab?x=1, came GET /things/a:c?x=1"
    );
    let error = replay_error(
        replayer
            .send(call(&WRITE, "/things/1", r#"{"a":1,"b":[2,4]}"#))
            .await,
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        r#"expected the body {"a":1,"b":[2,3]}, came {"a":1,"b":[2,4]}"#
    );
    let error = replay_error(
        replayer
            .send(call(
                &LOG_IN,
                "/sessions",
                r#"{"user":"x","password":"hunter22"}"#,
            ))
            .await,
    );
    assert!(
        !format!("{error:?} {:?}", error.kind()).contains("hunter22"),
        "{error:?}"
    );
    assert_eq!(replayer.left(), 3);
}

#[tokio::test]
async fn of_a_long_body_the_place_that_differs_is_shown() {
    let padding = "p".repeat(1000);
    let body = |value: &str| format!(r#"{{"é":"{padding}","value":"{value}","rest":"{padding}"}}"#);
    let server = ScriptedTransport::with(|_, _| Answer::empty(204));
    let recorder = Recorder::in_memory(Arc::new(server));
    recorder
        .send(call(&WRITE, "/things/1", &body("red")))
        .await
        .expect("an answer");
    let replayer = Replayer::in_order(Recording::parse("memory", &recorder.text()).unwrap());
    let error = replay_error(replayer.send(call(&WRITE, "/things/1", &body("blue"))).await);
    let ReplayErrorKind::Body { expected, came } = error.kind() else {
        panic!("{error:?}")
    };
    assert!(
        expected.contains(r#""value":"red""#) && came.contains(r#""value":"blue""#),
        "{error:?}"
    );
    assert!(
        expected.len() < 300 && expected.starts_with("...") && expected.ends_with("..."),
        "{expected}"
    );
}

#[tokio::test]
async fn an_exchange_answers_once_and_what_is_left_is_told() {
    let replayer = Replayer::matching(recording().await);
    let [_, read, _] = same_calls();
    let error = replayer.finish().expect_err("nothing is used");
    assert_eq!(error.kind(), &ReplayErrorKind::Unused { left: 3 });
    assert_eq!((error.operation(), error.place()), ("logIn", "calls.jsonl:2"));
    replayer.send(read.clone()).await.expect("an answer");
    let error = replay_error(replayer.send(read).await);
    assert_eq!(error.kind(), &ReplayErrorKind::NoneLeft);
    assert_eq!(error.place(), "calls.jsonl, its end");
    assert_eq!(replayer.finish().expect_err("the mismatch comes first"), error);
}

#[tokio::test]
async fn a_call_that_was_given_up_is_not_answered() {
    let clock = PausedClock::auto_advancing();
    let recorder = Recorder::in_memory(Arc::new(NeverAnswers));
    let [_, read, _] = same_calls();
    let limit = Duration::from_secs(5);
    let given_up = within(&clock, limit, recorder.send(read.clone())).await;
    assert!(given_up.is_err());
    let replayer = Replayer::in_order(Recording::parse("memory", &recorder.text()).unwrap());
    let outcome = within(&clock, limit, replayer.send(read)).await;
    assert!(matches!(outcome, Err(Elapsed)));
    replayer.finish().expect("it was used");
}

#[tokio::test]
async fn an_answer_that_was_not_kept_is_an_error() {
    let page = || {
        let response = Response::builder()
            .header("x", "y")
            .body(Bytes::from_static(b"<xml/>"));
        Answer::response(response.unwrap())
    };
    let [_, read, _] = same_calls();
    let record = async |strike_out: StrikeOut| {
        let server = ScriptedTransport::with(move |_, _| page());
        let recorder = Recorder::in_memory(Arc::new(server)).strike_out(strike_out);
        recorder.send(read.clone()).await.expect("an answer");
        Replayer::in_order(Recording::parse("memory", &recorder.text()).unwrap())
    };
    let error = replay_error(record(StrikeOut::new()).await.send(read.clone()).await);
    assert_eq!(
        (error.kind(), error.place()),
        (&ReplayErrorKind::NotKept, "memory:2")
    );
    let answer = record(StrikeOut::new().keep_text())
        .await
        .send(read.clone())
        .await;
    assert_eq!(answer.expect("an answer").body(), "<xml/>");
}

#[test]
fn a_text_that_is_no_recording_is_refused_with_its_line() {
    let good = "{\"farside_recording\":1}\n";
    let line =
        r#"{"n":1,"operation":"a","target":"b","request":{"method":"GET","path":"/"},"outcome":"dropped"}"#;
    let line_of = |text: &str| Recording::parse("calls.jsonl", text).expect_err(text).line();
    assert!(Recording::parse("calls.jsonl", &format!("{good}{line}\n")).is_ok());
    assert_eq!(line_of(""), 1);
    assert_eq!(line_of(line), 1);
    assert_eq!(line_of(&format!("{good}{line}\n\n")), 3);
    assert_eq!(
        line_of(&format!("{good}{}", line.replace("\"n\"", "\"m\":2,\"n\""))),
        2
    );
    assert_eq!(line_of(&format!("{good}{}", line.replace("dropped", "lost"))), 2);
    let error = Recording::parse("calls.jsonl", "{\"farside_recording\":2}\n").expect_err("another form");
    assert!(matches!(error.kind(), RecordingErrorKind::Version(2)));
    assert_eq!(error.to_string(), "calls.jsonl:1 is not a recording");
    let error = Recording::read("/nowhere/calls.jsonl").expect_err("no file");
    assert_eq!(
        (error.line(), error.to_string()),
        (0, "/nowhere/calls.jsonl is not a recording".to_owned())
    );
}
