use std::fmt::Write as _;
use std::sync::Mutex;

use http::Request;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;
use crate::clock::SystemClock;
use crate::testing::operations::{READ, WRITE};
use crate::testing::{Answer, ScriptedTransport};

/// Writes down every name and value that is traced.
#[derive(Clone, Default)]
struct Writer(Arc<Mutex<String>>);

impl Visit for &Writer {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        writeln!(self.0.lock().expect("text"), "{field}={value:?}").expect("a string takes all");
    }
}

impl Subscriber for Writer {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut &*self);
        Id::from_u64(1)
    }
    fn record(&self, _span: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

fn traced(inner: Arc<dyn Transport>, bodies: Option<BodyTrace>) -> Traced {
    let server = ServerName {
        address: "vc.example".into(),
        port: Some(443),
    };
    let observer = Observer::new("vc-east".into(), None);
    Traced::new(inner, Arc::new(SystemClock::new()), observer, server, bodies)
}

#[tokio::test(start_paused = true)]
async fn a_call_leaves_sizes_statuses_and_ids_but_no_header_query_or_body() {
    let server = ScriptedTransport::new()
        .answer(
            &READ,
            Answer::json(200, "\"hunter2\"").delayed(std::time::Duration::from_millis(40)),
        )
        .answer(
            &WRITE,
            Answer::json(500, r#"{"code":"ThingBroke","msg":"hunter2"}"#),
        );
    let traced = traced(Arc::new(server), None);
    let writer = Writer::default();
    let _guard = tracing::subscriber::set_default(writer.clone());
    for operation in [&READ, &WRITE] {
        let request = Request::builder()
            .uri("/things/1?ticket=hunter2")
            .header("x-session", "hunter2")
            .body(Bytes::from_static(b"hunter2"))
            .expect("a request");
        let _ = traced.send(Call::new(operation, "thing 1", request)).await;
    }
    let text = writer.0.lock().expect("text").clone();
    for part in [
        "peer.service=\"vc-east\"",
        "server.address=\"vc.example\"",
        "server.port=443",
        "http.request.method=\"GET\"",
        "url.path=\"/things/1\"",
        "otel.status_code=\"ERROR\"",
        "url.template=\"/things/{id}\"",
        "http.request.body.size=7",
        "http.response.status_code=200",
        "http.response.status_code=500",
        "http.response.body.size=9",
        "farside.duration_ms=40",
        "farside.target=\"thing 1\"",
        "error.type=\"500\"",
        "effect=Unknown",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

/// Sends one call with this body and gives all that was traced.
async fn traced_text(bodies: BodyTrace, request: &'static str, answer: &'static str) -> String {
    let server = ScriptedTransport::new().answer(&WRITE, Answer::json(200, answer));
    let traced = traced(Arc::new(server), Some(bodies));
    let writer = Writer::default();
    let _guard = tracing::subscriber::set_default(writer.clone());
    let mut sent = crate::testing::operations::call(&WRITE);
    *sent.request.body_mut() = Bytes::from_static(request.as_bytes());
    assert!(traced.send(sent).await.is_ok());
    writer.0.lock().expect("text").clone()
}

#[tokio::test(start_paused = true)]
async fn bodies_are_traced_on_request_without_their_secrets() {
    let bodies = BodyTrace::default().with_names_of(|operation| match operation.id {
        "startThing" => &["pin"],
        _ => &[],
    });
    let request = r#"{"userName":"root","password":"hunter2","deep":[{"pin":"hunter2"}]}"#;
    let text = traced_text(bodies, request, r#"{"saml":{"token":"hunter2"},"state":"on"}"#).await;
    for part in [
        r#"{"userName":"root","password":"***","deep":[{"pin":"***"}]}"#,
        r#"{"saml":{"token":"***"},"state":"on"}"#,
    ] {
        let quoted = format!("{part:?}");
        assert!(text.contains(&quoted), "{quoted} in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_long_or_not_json_are_not_traced() {
    let short = BodyTrace::default().with_limit(20);
    let text = traced_text(short, r#"{"userName":"too long to be shown"}"#, "user=hunter2").await;
    assert!(!text.contains("userName") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("http.request.body.size=35"), "{text}");
    let text = traced_text(BodyTrace::default(), "{}", r#""hunter2""#).await;
    assert!(text.contains(r#"farside.request.body="{}""#), "{text}");
    assert!(
        !text.contains("hunter2"),
        "a single string may be a session: {text}"
    );
}

/// Writes down what it is told, in short.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl crate::Metrics for Notes {
    fn call_started(&self, endpoint: &str, operation: &'static Operation) {
        self.note(format!("{endpoint} {} started", operation.id));
    }

    fn call_ended(&self, _endpoint: &str, operation: &'static Operation, end: &CallEnd<'_>) {
        let outcome = match end.outcome {
            CallOutcome::Answered { status, bytes } => format!("{status}, {bytes} bytes"),
            CallOutcome::Failed(error) => error.error_type().into_owned(),
            CallOutcome::Dropped => "dropped".to_owned(),
        };
        let milliseconds = end.duration.as_millis();
        self.note(format!(
            "{} ended after {milliseconds} ms: {outcome}",
            operation.id
        ));
    }

    fn call_retried(&self, _endpoint: &str, operation: &'static Operation, repeat: &crate::CallRepeat<'_>) {
        let cause = repeat.error.error_type();
        self.note(format!("{} repeat {} after {cause}", operation.id, repeat.number));
    }
}

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().expect("notes").push(text);
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_are_told_the_begin_the_repeats_and_the_end_of_each_call() {
    let clock = Arc::new(SystemClock::new());
    let server = ScriptedTransport::new()
        .answer(&READ, Answer::json(503, "").with_header("retry-after", "0"))
        .answer(&READ, Answer::json(200, "{}"))
        .answer(&WRITE, Answer::json(409, ""))
        .answer(&WRITE, Answer::never());
    let notes = Arc::new(Notes::default());
    let pauses =
        crate::RetryPolicy::default().with_pauses(std::time::Duration::ZERO, std::time::Duration::ZERO);
    let stack = crate::StackBuilder::new(Arc::new(server), clock.clone())
        .endpoint("vc-east")
        .retry(pauses)
        .metrics(notes.clone())
        .build();
    let call = crate::testing::operations::call;
    assert!(stack.send(call(&READ)).await.is_ok());
    assert!(stack.send(call(&WRITE)).await.is_err());
    let second = std::time::Duration::from_secs(1);
    let dropped = crate::within(&*clock, second, stack.send(call(&WRITE))).await;
    assert!(dropped.is_err());
    let notes = notes.0.lock().expect("notes").clone();
    // A pause of nothing still takes the paused clock's one millisecond.
    let steady: Vec<_> = notes
        .iter()
        .map(|note| note.replace("after 1 ms", "after 0 ms"))
        .collect();
    assert_eq!(
        steady,
        [
            "vc-east readThing started",
            "readThing repeat 1 after 503",
            "readThing ended after 0 ms: 200, 2 bytes",
            "vc-east startThing started",
            "startThing ended after 0 ms: 409",
            "vc-east startThing started",
            "startThing ended after 1000 ms: dropped",
        ]
    );
}
