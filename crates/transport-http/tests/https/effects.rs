//! What goes wrong between client and server: one row for each cause, with the kind of its error and its effect.

use std::time::Duration;

use bytes::Bytes;
use farside_transport::Effect::{NotSent, Refused, Unknown};
use farside_transport::{Call, CallError, Effect, Pin, Transport as _};
use farside_transport_http::{HttpTransport, HttpTransportBuilder};
use farside_wire::RawJson;
use http::Request;

use crate::calls::{FAULTY, READ, WRITE, call, in_short};
use crate::identity::Identity;
use crate::server::{Conduct, End, OK, Server};

/// Long enough for a loopback exchange on a busy machine, short enough for a test that waits for it.
const SHORT: Duration = Duration::from_millis(300);

/// More than the sockets on both sides can hold.
const LARGE: usize = 32 * 1024 * 1024;

/// Where the call goes.
enum Host {
    Serves(Conduct),
    /// Serves well, with another certificate than its name and this time ask for.
    Shows(Box<Identity>),
    /// A URL where no server is.
    At(String),
}

struct Row {
    cause: String,
    host: Host,
    settings: fn(HttpTransportBuilder) -> HttpTransportBuilder,
    call: Call,
    kind: &'static str,
    effect: Effect,
}

/// An action with a small body, over a transport without special settings.
fn row(cause: impl Into<String>, host: Host, kind: &'static str, effect: Effect) -> Row {
    Row {
        cause: cause.into(),
        host,
        settings: |builder| builder,
        call: call(&WRITE, 100).with_deadline(Duration::from_secs(10)),
        kind,
        effect,
    }
}

impl Row {
    fn with(mut self, settings: fn(HttpTransportBuilder) -> HttpTransportBuilder) -> Self {
        self.settings = settings;
        self
    }

    fn calling(mut self, call: Call) -> Self {
        self.call = call;
        self
    }

    /// What is wrong with the outcome.
    async fn finding(self) -> Option<String> {
        let server = match self.host {
            Host::Serves(conduct) => Ok(Server::start(conduct).await),
            Host::Shows(identity) => Ok(Server::start_as(*identity, Conduct::answer(OK)).await),
            Host::At(url) => Err(url),
        };
        let builder = match &server {
            Ok(server) => server.trusting(),
            Err(url) => HttpTransport::builder(url).danger_accept_any_certificate(),
        };
        let http = (self.settings)(builder).build().expect("a transport");
        let (kind, effect) = match http.send(self.call).await {
            Ok(answer) => (format!("answer {}", answer.body().len()), None),
            Err(error) => (in_short(error.kind()), Some(error.effect())),
        };
        let expected = (self.kind, Some(self.effect));
        ((kind.as_str(), effect) != expected)
            .then(|| format!("{}: {kind:?} {effect:?} instead of {expected:?}", self.cause))
    }
}

async fn check(rows: impl IntoIterator<Item = Row>) {
    let mut findings = Vec::new();
    for row in rows {
        findings.extend(row.finding().await);
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test]
async fn before_the_request() {
    let free_port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let request = Request::get("https://elsewhere.example/things").body(Bytes::new());
    let astray = Call::new(&WRITE, "thing 1", request.expect("a request"));
    let serves = Host::Serves;
    check([
        row(
            "a request for another host",
            serves(Conduct::answer(OK)),
            "request",
            NotSent,
        )
        .calling(astray),
        row(
            "a name without an address",
            Host::At("https://no-such-host.invalid".into()),
            "dns",
            NotSent,
        ),
        row(
            "nobody listens",
            Host::At(format!("https://{free_port}")),
            "connect",
            NotSent,
        ),
        row(
            "the handshake breaks off",
            serves(Conduct::CloseInHandshake),
            "tls",
            NotSent,
        ),
        row(
            "the port does not speak TLS",
            serves(Conduct::Plain("HTTP/1.1 400 Bad Request\r\n\r\n")),
            "tls",
            NotSent,
        ),
        row(
            "the handshake stalls",
            serves(Conduct::Mute),
            "timeout Connect Nothing",
            NotSent,
        )
        .with(|builder| builder.connect_timeout(SHORT)),
        row(
            "the handshake outlasts the call",
            serves(Conduct::Mute),
            "timeout Connect Nothing",
            NotSent,
        )
        .calling(call(&WRITE, 100).with_deadline(SHORT)),
        row("a wrong pin", serves(Conduct::answer(OK)), "pin", NotSent)
            .with(|builder| builder.pin(Pin::new([1; 32]))),
        row(
            "an expired certificate",
            Host::Shows(Box::new(Identity::expired())),
            "certificate Expired",
            NotSent,
        ),
        row(
            "a certificate of the future",
            Host::Shows(Box::new(Identity::future())),
            "certificate NotYetValid",
            NotSent,
        ),
        row(
            "a certificate for another name",
            Host::Shows(Box::new(Identity::misnamed())),
            "certificate WrongName",
            NotSent,
        ),
    ])
    .await;
}

#[tokio::test]
async fn within_the_request() {
    let serves = Host::Serves;
    // A server acts on a whole request only; what does not fit into the sockets has provably not arrived.
    let large = [1, 100, 1000, 100_000].map(|bytes| {
        row(
            format!("reset after {bytes} bytes of a large request"),
            serves(Conduct::Take(bytes, End::Reset)),
            "cut Part",
            NotSent,
        )
        .calling(call(&WRITE, LARGE))
    });
    check(large).await;
    check([
        row(
            "a large request is not read to its end, and the call's time is up",
            serves(Conduct::Take(1000, End::Never)),
            "timeout Call Part",
            NotSent,
        )
        .calling(call(&WRITE, LARGE).with_deadline(SHORT)),
        row(
            "a large request is not read to its end, and the time for the first byte is up",
            serves(Conduct::Take(1000, End::Never)),
            "timeout FirstByte Part",
            NotSent,
        )
        .calling(call(&WRITE, LARGE))
        .with(|builder| builder.first_byte_timeout(SHORT)),
    ])
    .await;
    // A small one has left as a whole before the server can cut; it is one TLS record, so each of these has it all.
    let small = [1, 5, 60, 100].into_iter().flat_map(|bytes| {
        [End::Orderly, End::Silent, End::Reset].map(|end| {
            row(
                format!("{end:?} end after {bytes} bytes of a small request"),
                serves(Conduct::Take(bytes, end)),
                "cut Whole",
                Unknown,
            )
            .calling(call(&WRITE, 0))
        })
    });
    check(small).await;
}

#[tokio::test]
async fn after_the_request() {
    let serves = Host::Serves;
    let ends = [End::Orderly, End::Silent, End::Reset].map(|end| {
        row(
            format!("{end:?} end instead of an answer"),
            serves(Conduct::once("", end)),
            "cut Whole",
            Unknown,
        )
    });
    check(ends).await;
    check([
        row(
            "no answer within the call's time",
            serves(Conduct::once("", End::Never)),
            "timeout Call Whole",
            Unknown,
        )
        .calling(call(&WRITE, 100).with_deadline(SHORT)),
        row(
            "no answer within the transport's time",
            serves(Conduct::once("", End::Never)),
            "timeout Call Whole",
            Unknown,
        )
        .calling(call(&WRITE, 100))
        .with(|builder| builder.call_timeout(SHORT)),
        row(
            "no first byte in time",
            serves(Conduct::once("", End::Never)),
            "timeout FirstByte Whole",
            Unknown,
        )
        .with(|builder| builder.first_byte_timeout(SHORT)),
        row(
            "a head that drips",
            serves(Conduct::drip("HTTP/1.1 200 OK\r\nx-long: ")),
            "timeout FirstByte Whole",
            Unknown,
        )
        .with(|builder| builder.first_byte_timeout(SHORT)),
        row(
            "a body that drips",
            serves(Conduct::drip("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")),
            "timeout Call Whole",
            Unknown,
        )
        .calling(call(&WRITE, 100).with_deadline(SHORT)),
        row(
            "chunks that drip",
            serves(Conduct::Endless(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                Bytes::from_static(b"1\r\na\r\n"),
                Duration::from_millis(20),
            )),
            "timeout Call Whole",
            Unknown,
        )
        .calling(call(&WRITE, 100).with_deadline(SHORT)),
        row(
            "not HTTP",
            serves(Conduct::once("SSH-2.0-OpenSSH_9.6\r\n\r\n", End::Orderly)),
            "garbled",
            Unknown,
        ),
        row(
            "another version of HTTP",
            serves(Conduct::once("HTTP/3.0 200 OK\r\n\r\n", End::Orderly)),
            "garbled",
            Unknown,
        ),
        row(
            "a length that is none",
            serves(Conduct::once(
                "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}",
                End::Orderly,
            )),
            "garbled",
            Unknown,
        ),
        row(
            "chunks that are none",
            serves(Conduct::once(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                End::Orderly,
            )),
            "cut Whole",
            Unknown,
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_answer_cut_anywhere() {
    for end in [End::Orderly, End::Silent, End::Reset] {
        let rows = (1..OK.len())
            .step_by(7)
            .chain([OK.len() - 2, OK.len() - 1])
            .map(|bytes| {
                row(
                    format!("{end:?} end after {bytes} bytes of the answer"),
                    Host::Serves(Conduct::once(&OK[..bytes], end)),
                    "cut Whole",
                    Unknown,
                )
            });
        check(rows).await;
    }
    let unbounded = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}";
    let silent = Host::Serves(Conduct::once(unbounded, End::Silent));
    check([row(
        "an answer of unknown length that ends without a word of TLS",
        silent,
        "cut Whole",
        Unknown,
    )])
    .await;
    let server = Server::start(Conduct::once(unbounded, End::Orderly)).await;
    let answer = server
        .send(call(&WRITE, 0))
        .await
        .expect("an end as TLS wants it");
    assert_eq!(answer.body().as_ref(), b"{}");
}

/// An answer with this status line, these fields and this body.
fn answers(head: &str, body: &str) -> Host {
    let length = body.len();
    Host::Serves(Conduct::answer(format!(
        "HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}"
    )))
}

#[tokio::test]
async fn a_status() {
    let rows = [
        (
            "302 Found\r\nlocation: https://elsewhere.example/",
            "status 302",
            Unknown,
        ),
        ("400 Bad Request", "status 400", Refused),
        ("401 Unauthorized", "status 401", Refused),
        ("403 Forbidden", "status 403", Refused),
        ("404 Not Found", "status 404", Refused),
        ("409 Conflict", "status 409", Refused),
        ("429 Too Many Requests", "status 429", Refused),
        (
            "429 Too Many Requests\r\nretry-after: 7",
            "status 429 7s",
            Refused,
        ),
        ("500 Internal Server Error", "status 500", Unknown),
        ("502 Bad Gateway", "status 502", Unknown),
        ("503 Service Unavailable", "status 503", Unknown),
        (
            "503 Service Unavailable\r\nretry-after: 7",
            "status 503 7s",
            Unknown,
        ),
        ("504 Gateway Timeout", "status 504", Unknown),
    ];
    check(rows.map(|(head, kind, effect)| row(head, answers(head, ""), kind, effect))).await;
}

#[tokio::test]
async fn a_status_with_a_body() {
    let json = "content-type: application/json;charset=UTF-8";
    let rows = [
        (
            "404 Not Found",
            r#"{"code":"ThingNotFound"}"#,
            "status 404 ThingNotFound",
            Refused,
        ),
        (
            "500 Broken",
            r#"{"code":"ThingBroke"}"#,
            "status 500 ThingBroke",
            Unknown,
        ),
    ];
    check(rows.map(|(status, body, kind, effect)| {
        row(
            status,
            answers(&format!("{status}\r\n{json}"), body),
            kind,
            effect,
        )
    }))
    .await;
    let faults = [
        (
            "another fault",
            r#"{"_typeName":"SystemError"}"#,
            "status 500 SystemError",
            Unknown,
        ),
        (
            "a fault that refuses",
            r#"{"_typeName":"InvalidState"}"#,
            "status 500 InvalidState",
            Refused,
        ),
    ];
    check(faults.map(|(cause, body, kind, effect)| {
        row(
            cause,
            answers(&format!("500 Fault\r\n{json}"), body),
            kind,
            effect,
        )
        .calling(call(&FAULTY, 10))
    }))
    .await;
    let cut = "HTTP/1.1 409 Conflict\r\ncontent-length: 100\r\n\r\n{";
    check([
        row(
            "a page of a proxy",
            answers("502 Bad Gateway\r\ncontent-type: text/html", "<html>"),
            "status 502",
            Unknown,
        ),
        row(
            "a page instead of an answer",
            answers("200 OK\r\ncontent-type: text/html", "<html>"),
            "content_type text/html",
            Unknown,
        ),
        row(
            "a refusal whose body is cut",
            Host::Serves(Conduct::once(cut, End::Silent)),
            "status 409",
            Refused,
        ),
        row(
            "a refusal whose body has no end",
            Host::Serves(Conduct::endless("HTTP/1.1 403 Forbidden\r\n\r\n")),
            "status 403",
            Refused,
        )
        .with(|builder| builder.max_answer(100_000)),
    ])
    .await;
}

/// Sends `body` as a success, and gives it to both readers.
async fn read(body: &str) -> [CallError; 2] {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    let answer = format!("{head} {}\r\n\r\n{body}", body.len());
    let server = Server::start(Conduct::answer(answer)).await;
    let call = call(&READ, 0);
    let context = call.context();
    let answer = server.send(call).await.expect("an answer");
    assert_eq!(answer.body().as_ref(), body.as_bytes());
    // Both take any JSON, so that it is not the type that they refuse.
    [
        context
            .decode::<serde_json::Value>(&answer)
            .expect_err("not decoded"),
        context.read::<RawJson>(&answer).expect_err("not read"),
    ]
}

fn are_decode_errors(errors: &[CallError]) {
    for error in errors {
        assert_eq!(
            (in_short(error.kind()).as_str(), error.effect()),
            ("decode", Unknown)
        );
    }
}

#[tokio::test]
async fn what_is_not_json_is_told_by_its_reader() {
    are_decode_errors(&read("no JSON at all").await);
}

/// Also a part of the test of peak memory.
pub(crate) async fn ten_thousand_nested_arrays() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    are_decode_errors(&read(&nested).await);
    are_decode_errors(&read(&format!(r#"{{"a":{nested}}}"#)).await);
}

#[tokio::test]
async fn ten_thousand_nested_arrays_are_refused() {
    ten_thousand_nested_arrays().await;
}
