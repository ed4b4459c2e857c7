use super::*;
use farside_wire::Service;

use crate::call::Transport as _;
use crate::pin::Pin;
use crate::testing::operations::{READ, WRITE, call};
use crate::testing::{Answer, ScriptedTransport};

fn broken() -> io::Error {
    io::Error::other("broken")
}

fn endpoint() -> Arc<str> {
    "vc.example:443".into()
}

fn proxy(problem: ProxyProblem) -> CallErrorKind {
    CallErrorKind::Proxy(Box::new(ProxyError::new(
        endpoint(),
        "proxy:3128".into(),
        problem,
    )))
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
        (proxy(ProxyProblem::Credentials), Effect::NotSent),
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
        (CallErrorKind::Garbled(broken()), Effect::Unknown),
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

/// The documents have them with 500, the runtime with 400 (vCenter REST wire rules 7).
#[test]
fn a_resource_that_is_busy_promises_nothing_whatever_the_status() {
    for kind in [
        "RESOURCE_BUSY",
        "RESOURCE_INACCESSIBLE",
        "UNABLE_TO_ALLOCATE_RESOURCE",
    ] {
        for code in [400, 500] {
            let body = format!(r#"{{"error_type": "{kind}", "messages": []}}"#);
            let error = ServiceError::decode(Service::VcenterRest, code, None, body.as_bytes());
            let code = StatusCode::from_u16(code).expect("a status");
            let answer = || CallErrorKind::Status(Box::new(StatusError::new(code, None, error.clone())));
            assert_eq!(answer().effect(&WRITE), Effect::Unknown, "{kind} {code}");
            let advise = |repeat| call(&WRITE).context().error(answer()).retry(repeat);
            assert_eq!(
                advise(Repeat::OnlyIfNeverSent),
                Retry::CheckFirst,
                "{kind} {code}"
            );
            assert_eq!(advise(Repeat::Harmless), Retry::Now, "{kind} {code}");
        }
    }
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
fn a_proxy_is_asked_again_only_where_it_may_answer_otherwise() {
    let refused = |code| ProxyProblem::Refused(StatusCode::from_u16(code).expect("a status"));
    for (problem, advice) in [
        (ProxyProblem::Dns(broken()), Retry::Now),
        (ProxyProblem::Connect(broken()), Retry::Now),
        (ProxyProblem::Broken(broken()), Retry::Now),
        (refused(503), Retry::Now),
        (refused(403), Retry::Never),
        (ProxyProblem::Credentials, Retry::Never),
    ] {
        let error = call(&WRITE).context().error(proxy(problem));
        for repeat in [Repeat::Harmless, Repeat::OnlyIfNeverSent] {
            assert_eq!(error.retry(repeat), advice, "{error:?}");
        }
    }
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

/// One answer, and what is made of it: the kind, the effect, and the advice for a read and for an action.
type Row = (
    u16,
    &'static str,
    &'static str,
    Option<u32>,
    &'static str,
    Effect,
    Retry,
    Retry,
);

/// A fault of an error body, as VCDA writes it, that no operation lists as refused before acting.
const BROKE: &str = r#"{"code":"ThingBroke","msg":"oh"}"#;
/// One that is listed.
const BUSY: &str = r#"{"code":"ThingIsBusy","msg":"later"}"#;

#[tokio::test(start_paused = true)]
async fn each_answer_that_is_no_success_has_its_effect_and_its_advice() {
    use Effect::{Refused, Unknown};
    use Retry::{After, CheckFirst, Never, Now};
    const JSON: &str = "application/json";
    let seven = After(Duration::from_secs(7));
    let table: [Row; 25] = [
        (400, JSON, BROKE, None, "status", Refused, Never, Never),
        (401, JSON, "", None, "status", Refused, Never, Never),
        (403, JSON, BROKE, None, "status", Refused, Never, Never),
        (404, JSON, BROKE, None, "status", Refused, Never, Never),
        (405, JSON, "", None, "status", Unknown, Never, CheckFirst),
        (408, JSON, "", None, "status", Unknown, Never, CheckFirst),
        (409, JSON, BROKE, None, "status", Refused, Never, Never),
        (409, JSON, BUSY, Some(7), "status", Refused, seven, seven),
        (422, JSON, BUSY, None, "status", Refused, Never, Never),
        (429, JSON, "", None, "status", Refused, Now, Now),
        (429, JSON, "", Some(7), "status", Refused, seven, seven),
        (500, JSON, BROKE, None, "status", Unknown, Never, CheckFirst),
        (500, JSON, BUSY, None, "status", Refused, Never, Never),
        (500, JSON, "", None, "status", Unknown, Now, CheckFirst),
        (500, "text/html", BUSY, None, "status", Unknown, Now, CheckFirst),
        (
            502,
            "text/html",
            "<html>",
            None,
            "status",
            Unknown,
            Now,
            CheckFirst,
        ),
        (503, JSON, "", None, "status", Unknown, Now, CheckFirst),
        (503, JSON, "", Some(7), "status", Unknown, seven, CheckFirst),
        (503, JSON, BROKE, Some(7), "status", Unknown, seven, CheckFirst),
        (503, JSON, BUSY, Some(7), "status", Refused, seven, seven),
        (
            504,
            "text/html",
            "<html>",
            None,
            "status",
            Unknown,
            Now,
            CheckFirst,
        ),
        (
            302,
            "text/html",
            "<html>",
            None,
            "status",
            Unknown,
            Never,
            CheckFirst,
        ),
        (
            200,
            "text/html",
            "<html>",
            None,
            "content_type",
            Unknown,
            Never,
            CheckFirst,
        ),
        (201, "", "x", None, "content_type", Unknown, Never, CheckFirst),
        (200, JSON, "{", None, "decode", Unknown, Never, CheckFirst),
    ];
    for (status, content_type, body, retry_after, name, effect, read, write) in table {
        let row = format!("{status} {content_type} {body} {retry_after:?}");
        let mut response = http::Response::builder()
            .status(status)
            .header("content-type", content_type);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds.to_string());
        }
        let response = response
            .body(bytes::Bytes::from_static(body.as_bytes()))
            .expect("a response");
        let server = ScriptedTransport::new().answer(&WRITE, Answer::response(response));
        let sent = call(&WRITE);
        let context = sent.context();
        let outcome = match server.send(sent).await {
            Ok(answer) => context.decode::<serde_json::Value>(&answer),
            Err(error) => Err(error),
        };
        let error = outcome.expect_err("no success");
        assert_eq!(error.kind().name(), name, "{row}");
        assert_eq!(error.effect(), effect, "{row}");
        assert_eq!(error.retry(Repeat::Harmless), read, "{row}");
        assert_eq!(error.retry(Repeat::OnlyIfNeverSent), write, "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_below_http_keeps_its_effect_through_all_layers() {
    let causes: [(fn() -> CallErrorKind, Effect); 5] = [
        (
            || CallErrorKind::Connect {
                endpoint: endpoint(),
                source: broken(),
            },
            Effect::NotSent,
        ),
        (
            || CallErrorKind::Cut {
                sent: Sent::Part,
                source: broken(),
            },
            Effect::NotSent,
        ),
        (
            || CallErrorKind::Cut {
                sent: Sent::Whole,
                source: broken(),
            },
            Effect::Unknown,
        ),
        (
            || CallErrorKind::TooLarge {
                part: "body",
                limit: 1,
            },
            Effect::Unknown,
        ),
        (|| CallErrorKind::Garbled(broken()), Effect::Unknown),
    ];
    for (cause, effect) in causes {
        let server = Arc::new(ScriptedTransport::new().answer(&WRITE, Answer::fail(cause())));
        let clock = Arc::new(crate::SystemClock::new());
        let stack = crate::StackBuilder::new(server.clone(), clock).build();
        let error = stack.send(call(&WRITE)).await.expect_err("scripted");
        assert_eq!((error.effect(), error.kind().name()), (effect, cause().name()));
        assert_eq!((error.target(), server.calls().len()), ("thing 1", 1));
    }
}
