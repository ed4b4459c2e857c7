use super::*;
use crate::pin::Pin;
use crate::testing::operations::{READ, WRITE, call};

fn broken() -> io::Error {
    io::Error::other("broken")
}

fn endpoint() -> Arc<str> {
    "vc.example:443".into()
}

fn status(code: u16) -> CallErrorKind {
    CallErrorKind::Status(Box::new(StatusError::new(
        StatusCode::from_u16(code).expect("a status"),
        None,
        None,
    )))
}

/// An answer as the transports judge it: status and body of a VCDA error.
fn answered(status: u16, body: &'static str, operation: &'static Operation) -> CallError {
    let answer = http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("retry-after", "7")
        .body(bytes::Bytes::from_static(body.as_bytes()))
        .expect("a response");
    call(operation)
        .context()
        .accept(answer)
        .expect_err("not a success")
}

fn decode_error() -> serde_json::Error {
    serde_json::from_str::<u8>("{").expect_err("not a number")
}

#[test]
fn each_cause_has_its_effect() {
    let seen = Pin::new([1; 32]);
    let certificate = CertificateError::new(endpoint(), CertificateProblem::Expired, seen, broken());
    let mismatch = PinMismatch::new(endpoint(), Pin::new([2; 32]), seen);
    let cut = |sent| CallErrorKind::Cut {
        sent,
        source: broken(),
    };
    let timeout = |phase, sent| CallErrorKind::Timeout {
        phase,
        limit: Duration::from_secs(1),
        sent,
    };
    let login = call(&READ).context().error(status(401));
    let table = [
        (CallErrorKind::Request("no path"), Effect::NotSent),
        (
            CallErrorKind::Dns {
                endpoint: endpoint(),
                source: broken(),
            },
            Effect::NotSent,
        ),
        (
            CallErrorKind::Connect {
                endpoint: endpoint(),
                source: broken(),
            },
            Effect::NotSent,
        ),
        (
            CallErrorKind::Tls {
                endpoint: endpoint(),
                source: broken(),
            },
            Effect::NotSent,
        ),
        (CallErrorKind::Certificate(Box::new(certificate)), Effect::NotSent),
        (CallErrorKind::Pin(Box::new(mismatch)), Effect::NotSent),
        (CallErrorKind::Login(Arc::new(login)), Effect::NotSent),
        (CallErrorKind::Closed, Effect::NotSent),
        (cut(Sent::Nothing), Effect::NotSent),
        (cut(Sent::Part), Effect::NotSent),
        (cut(Sent::Whole), Effect::Unknown),
        (timeout(Phase::Connect, Sent::Nothing), Effect::NotSent),
        (timeout(Phase::FirstByte, Sent::Part), Effect::NotSent),
        (timeout(Phase::FirstByte, Sent::Whole), Effect::Unknown),
        (
            CallErrorKind::TooLarge {
                part: "body",
                limit: 1,
            },
            Effect::Unknown,
        ),
        (
            CallErrorKind::ContentType {
                seen: "text/html".into(),
            },
            Effect::Unknown,
        ),
        (CallErrorKind::Decode(decode_error()), Effect::Unknown),
        (CallErrorKind::Other(broken()), Effect::Unknown),
    ];
    for (kind, effect) in table {
        assert_eq!(kind.effect(&WRITE), effect, "{kind}");
    }
}

#[test]
fn only_the_listed_statuses_refuse() {
    let refusing = (300..600).filter(|code| status(*code).effect(&WRITE) == Effect::Refused);
    assert_eq!(refusing.collect::<Vec<_>>(), [400, 401, 403, 404, 409, 429]);
}

#[test]
fn an_error_code_of_the_overlay_refuses_whatever_the_status() {
    let busy = answered(500, r#"{"code":"ThingIsBusy","msg":"later"}"#, &WRITE);
    assert_eq!(busy.effect(), Effect::Refused);
    let other = answered(500, r#"{"code":"ThingBroke","msg":"oh"}"#, &WRITE);
    assert_eq!(other.effect(), Effect::Unknown);
    assert_eq!(other.service_error().map(ServiceError::code), Some("ThingBroke"));
    assert_eq!(other.retry(Repeat::OnlyIfNeverSent), Retry::CheckFirst);
}

#[test]
fn advice_follows_from_effect_repeat_rule_and_kind() {
    let advise = |code: u16, repeat| call(&WRITE).context().error(status(code)).retry(repeat);
    assert_eq!(advise(503, Repeat::Harmless), Retry::Now);
    assert_eq!(advise(503, Repeat::OnlyIfNeverSent), Retry::CheckFirst);
    assert_eq!(advise(429, Repeat::OnlyIfNeverSent), Retry::Now);
    assert_eq!(advise(404, Repeat::Harmless), Retry::Never);
    assert_eq!(advise(405, Repeat::Harmless), Retry::Never);

    let after = Retry::After(Duration::from_secs(7));
    assert_eq!(answered(503, "", &READ).retry(Repeat::Harmless), after);
    assert_eq!(
        answered(503, "", &WRITE).retry(Repeat::OnlyIfNeverSent),
        Retry::CheckFirst
    );
    assert_eq!(answered(429, "", &WRITE).retry(Repeat::OnlyIfNeverSent), after);
}

#[test]
fn a_login_that_cannot_connect_may_be_tried_again_and_a_refused_one_not() {
    let wrap = |kind| {
        let login = call(&READ).context().error(kind);
        call(&WRITE)
            .context()
            .error(CallErrorKind::Login(Arc::new(login)))
            .retry(Repeat::OnlyIfNeverSent)
    };
    assert_eq!(
        wrap(CallErrorKind::Connect {
            endpoint: endpoint(),
            source: broken()
        }),
        Retry::Now
    );
    assert_eq!(wrap(status(401)), Retry::Never);
}

#[test]
fn messages_name_the_call_and_never_repeat_their_source() {
    let kind = CallErrorKind::Connect {
        endpoint: endpoint(),
        source: broken(),
    };
    let error = CallError::new(call(&READ).with_request_id(RequestId::new("r-1")).context(), kind);
    let mut chain = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    assert_eq!(
        chain,
        [
            "readThing on thing 1 failed (request r-1)",
            "no connection to vc.example:443",
            "broken"
        ]
    );
}

#[test]
fn a_page_of_a_proxy_is_a_status_without_an_error_body() {
    let page = http::Response::builder()
        .status(502)
        .header("content-type", "text/html")
        .body(bytes::Bytes::from_static(br#"{"code":"ThingIsBusy"}"#))
        .expect("a response");
    let error = call(&WRITE).context().accept(page).expect_err("not a success");
    assert!(error.service_error().is_none());
    assert_eq!(
        (error.status(), error.effect()),
        (Some(StatusCode::BAD_GATEWAY), Effect::Unknown)
    );
}

#[test]
fn a_success_that_is_not_json_is_an_error_and_an_empty_one_is_not() {
    let answer = |content_type: &str, body: &'static str| {
        let answer = http::Response::builder()
            .header("content-type", content_type)
            .body(bytes::Bytes::from_static(body.as_bytes()))
            .expect("a response");
        call(&WRITE).context().accept(answer)
    };
    let error = answer("text/html; charset=utf-8", "<html>").expect_err("a page");
    assert!(matches!(error.kind(), CallErrorKind::ContentType { seen } if seen.contains("text/html")));
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(answer("text/html", "").is_ok());
    assert!(answer("application/vnd.vmware.h4-v4.5+json;charset=UTF-8", "{}").is_ok());
}
