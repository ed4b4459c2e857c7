use std::fmt::Write as _;

use super::*;
use crate::pin::Pin;
use crate::testing::operations::{READ, call};

fn connect() -> CallErrorKind {
    CallErrorKind::Connect {
        endpoint: "vc-east:443".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    }
}

fn proxy(problem: ProxyProblem) -> CallErrorKind {
    let error = ProxyError::new("vc-east:443".into(), "proxy:3128".into(), problem);
    CallErrorKind::Proxy(Box::new(error))
}

fn certificate(problem: CertificateProblem) -> CallErrorKind {
    let source = io::ErrorKind::InvalidData.into();
    let error = CertificateError::new("vc-east:443".into(), problem, Pin::new([7; 32]), source);
    CallErrorKind::Certificate(Box::new(error))
}

fn timeout(phase: Phase, sent: Sent) -> CallErrorKind {
    let limit = Duration::from_millis(1500);
    CallErrorKind::Timeout { phase, limit, sent }
}

fn status(status: u16, retry_after: Option<Duration>, body: &str) -> CallErrorKind {
    let error = ServiceError::decode(READ.service, status, None, body.as_bytes());
    let status = StatusCode::from_u16(status).unwrap();
    CallErrorKind::Status(Box::new(StatusError::new(status, retry_after, error)))
}

fn waits_until(time: &str) -> CallErrorKind {
    let mut error = StatusError::new(StatusCode::SERVICE_UNAVAILABLE, None, None);
    error.retry_at = Some(Timestamp::parse(time).unwrap());
    CallErrorKind::Status(Box::new(error))
}

/// One failure at least of each kind.
fn kinds(context: &CallContext) -> Vec<CallErrorKind> {
    let source = |kind: io::ErrorKind| io::Error::from(kind);
    let endpoint = || "vc-east:443".into();
    let mismatch = PinMismatch::new(endpoint(), Pin::new([1; 32]), Pin::new([2; 32]));
    vec![
        CallErrorKind::Request("too odd"),
        CallErrorKind::Dns {
            endpoint: endpoint(),
            source: source(io::ErrorKind::NotFound),
        },
        connect(),
        proxy(ProxyProblem::Dns(source(io::ErrorKind::NotFound))),
        proxy(ProxyProblem::Connect(source(io::ErrorKind::ConnectionRefused))),
        proxy(ProxyProblem::Credentials),
        proxy(ProxyProblem::Refused(StatusCode::FORBIDDEN)),
        proxy(ProxyProblem::Broken(source(io::ErrorKind::UnexpectedEof))),
        CallErrorKind::Tls {
            endpoint: endpoint(),
            source: source(io::ErrorKind::UnexpectedEof),
        },
        certificate(CertificateProblem::Expired),
        certificate(CertificateProblem::NotYetValid),
        certificate(CertificateProblem::WrongName),
        certificate(CertificateProblem::UnknownIssuer),
        certificate(CertificateProblem::Invalid),
        CallErrorKind::Pin(Box::new(mismatch)),
        CallErrorKind::Cut {
            sent: Sent::Nothing,
            source: source(io::ErrorKind::BrokenPipe),
        },
        CallErrorKind::Cut {
            sent: Sent::Part,
            source: source(io::ErrorKind::ConnectionReset),
        },
        timeout(Phase::Queue, Sent::Nothing),
        timeout(Phase::Session, Sent::Nothing),
        timeout(Phase::Connect, Sent::Nothing),
        timeout(Phase::FirstByte, Sent::Whole),
        timeout(Phase::Call, Sent::Part),
        CallErrorKind::Garbled(source(io::ErrorKind::InvalidData)),
        CallErrorKind::TooLarge {
            part: "header",
            limit: 16,
        },
        CallErrorKind::TooLarge {
            part: "body",
            limit: 64,
        },
        CallErrorKind::ContentType {
            seen: "text/html".into(),
        },
        CallErrorKind::Decode(serde_json::Error::custom("the recording does not say why")),
        status(
            404,
            None,
            r#"{"code":"ThingNotFound","msg":"gone","args":["1"],"more":[1.50]}"#,
        ),
        status(500, None, r#"{"code":"ThingIsBusy"}"#),
        status(503, Some(Duration::from_secs(9)), "<html>"),
        waits_until("2025-06-01T12:00:00Z"),
        CallErrorKind::Login(Arc::new(context.error(connect()))),
        CallErrorKind::Closed,
        CallErrorKind::Other(source(io::ErrorKind::TimedOut)),
    ]
}

/// All that an error and its causes say.
fn chain(error: &CallError) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        writeln!(text, "{error}").unwrap();
        next = error.source();
    }
    text
}

fn keep(body: &[u8]) -> RecordedBody {
    match serde_json::from_slice(body) {
        Ok(json) => RecordedBody::Json(json),
        Err(_) => RecordedBody::Empty,
    }
}

#[test]
fn every_failure_comes_back_as_it_was() {
    let context = call(&READ).context();
    for kind in kinds(&context) {
        let error = context.error(kind);
        let line = serde_json::to_string(&RecordedError::of(&error, &mut keep)).unwrap();
        let read: RecordedError = serde_json::from_str(&line).unwrap();
        assert_eq!(read.effect, error.effect());
        let again = read.to_error(&context).expect(&line);
        let lost = matches!(error.kind(), CallErrorKind::Request(_));
        if !lost {
            assert_eq!(chain(&again), chain(&error), "{line}");
        }
        assert_eq!(again.kind().name(), error.kind().name(), "{line}");
        assert_eq!(again.effect(), error.effect(), "{line}");
        for repeat in [
            farside_wire::Repeat::Harmless,
            farside_wire::Repeat::OnlyIfNeverSent,
        ] {
            assert_eq!(again.retry(repeat), error.retry(repeat), "{line}");
        }
        assert_eq!(again.retry_at(), error.retry_at(), "{line}");
        assert_eq!(again.service_error(), error.service_error(), "{line}");
    }
}

#[test]
fn the_words_of_systems_and_libraries_are_not_kept() {
    let said = || io::Error::new(io::ErrorKind::ConnectionReset, "hunter2");
    let endpoint = || "vc-east:443".into();
    let seen = Pin::new([7; 32]);
    let refused = CertificateError::new(endpoint(), CertificateProblem::Invalid, seen, said());
    for kind in [
        CallErrorKind::Dns {
            endpoint: endpoint(),
            source: said(),
        },
        CallErrorKind::Cut {
            sent: Sent::Whole,
            source: said(),
        },
        CallErrorKind::Certificate(Box::new(refused)),
        CallErrorKind::Garbled(said()),
        CallErrorKind::Decode(serde_json::Error::custom("hunter2")),
        CallErrorKind::Other(said()),
    ] {
        let error = call(&READ).context().error(kind);
        let line = serde_json::to_string(&RecordedError::of(&error, &mut keep)).unwrap();
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn kinds_of_system_errors_that_are_not_known_become_other() {
    let other = |name: &str| io::Error::from(&SourceKind(name.to_owned())).kind();
    assert_eq!(other("SolarFlare"), io::ErrorKind::Other);
    assert_eq!(other("ConnectionReset"), io::ErrorKind::ConnectionReset);
}
