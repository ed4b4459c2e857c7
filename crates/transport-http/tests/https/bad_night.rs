//! What goes wrong between client and server, and what each trouble is called. Every test asserts kind and effect.

use std::time::Duration;

use crate::server::{Conduct, READ, Server, WRITE, call};
use farside_transport::{
    Call, CallError, CallErrorKind, Effect, Phase, Retry, Sent, SystemClock, Transport as _,
};
use farside_transport_http::HttpTransport;
use farside_wire::Repeat;
use http::Request;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// Long enough for a loopback exchange on a busy machine, short enough for a test that waits for it.
const SHORT: Duration = Duration::from_millis(400);

async fn failure(conduct: Conduct, call: Call) -> CallError {
    Server::start(conduct)
        .await
        .send(call)
        .await
        .expect_err("the server misbehaves")
}

#[tokio::test]
async fn calls_in_a_row_share_one_connection() {
    let server = Server::start(Conduct::Answer(OK)).await;
    let http = server.trusting().build().expect("a transport");
    for _ in 0..20 {
        let answer = http.send(call(&WRITE, 100)).await.expect("answered");
        assert_eq!(answer.body().as_ref(), b"{}");
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 20));
    let head = server.requests().swap_remove(0);
    assert!(head.starts_with("POST /things/1?depth=2 HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("host: localhost:{}\r\n", server.port)),
        "{head}"
    );
    assert!(
        head.contains(concat!("user-agent: farside/", env!("CARGO_PKG_VERSION"), "\r\n")),
        "{head}"
    );
}

#[tokio::test]
async fn a_reset_makes_the_next_call_connect_afresh() {
    let server = Server::start(Conduct::Answer(OK)).await;
    let http = server.trusting().build().expect("a transport");
    for expected in 1..=3 {
        assert!(http.send(call(&READ, 0)).await.is_ok());
        assert_eq!(server.connections(), expected);
        http.reset_connections();
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_call() {
    // Without time and with time for the transport to see the close before the next call.
    for turns_between_calls in [0, 1000] {
        let server = Server::start(Conduct::AnswerAndClose(OK)).await;
        let http = server.trusting().build().expect("a transport");
        for _ in 0..5 {
            assert!(http.send(call(&WRITE, 10)).await.is_ok());
            for _ in 0..turns_between_calls {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!((server.connections(), server.requests().len()), (5, 5));
    }
}

#[tokio::test]
async fn a_name_without_address_is_not_sent() {
    let http = HttpTransport::builder("https://no-such-host.invalid")
        .danger_accept_any_certificate()
        .build()
        .expect("a transport");
    let error = http.send(call(&WRITE, 10)).await.expect_err("no such host");
    assert!(matches!(error.kind(), CallErrorKind::Dns { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let http = HttpTransport::builder(&format!("https://127.0.0.1:{port}"))
        .danger_accept_any_certificate()
        .build()
        .expect("a transport");
    let error = http.send(call(&WRITE, 10)).await.expect_err("nobody listens");
    assert!(matches!(error.kind(), CallErrorKind::Connect { .. }), "{error:?}");
    assert_eq!(
        (error.effect(), error.retry(Repeat::OnlyIfNeverSent)),
        (Effect::NotSent, Retry::Now)
    );
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_not_sent() {
    let error = failure(Conduct::CloseInHandshake, call(&WRITE, 10)).await;
    assert!(matches!(error.kind(), CallErrorKind::Tls { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_not_sent() {
    let server = Server::start(Conduct::Mute).await;
    let http = server
        .trusting()
        .connect_timeout(SHORT)
        .build()
        .expect("a transport");
    let error = http.send(call(&WRITE, 10)).await.expect_err("mute");
    assert!(
        matches!(
            error.kind(),
            CallErrorKind::Timeout {
                phase: Phase::Connect,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test]
async fn a_cut_after_the_last_byte_of_the_request_is_unknown() {
    let error = failure(Conduct::Close, call(&WRITE, 1000)).await;
    assert!(
        matches!(
            error.kind(),
            CallErrorKind::Cut {
                sent: Sent::Whole,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        (error.effect(), error.retry(Repeat::OnlyIfNeverSent)),
        (Effect::Unknown, Retry::CheckFirst)
    );
}

#[tokio::test]
async fn a_cut_before_the_last_byte_of_the_request_is_not_sent() {
    // More than the sockets on both sides can hold.
    let error = failure(Conduct::ResetAfter(1000), call(&WRITE, 64 * 1024 * 1024)).await;
    assert!(
        matches!(error.kind(), CallErrorKind::Cut { sent: Sent::Part, .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test]
async fn an_answer_cut_in_its_head_or_body_is_unknown() {
    for part in [
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    ] {
        let error = failure(Conduct::AnswerAndClose(part), call(&WRITE, 10)).await;
        assert!(
            matches!(
                error.kind(),
                CallErrorKind::Cut {
                    sent: Sent::Whole,
                    ..
                }
            ),
            "{part}: {error:?}"
        );
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn a_refusal_whose_body_is_cut_is_still_a_refusal() {
    let part = "HTTP/1.1 409 Conflict\r\ncontent-length: 100\r\n\r\n{";
    let error = failure(Conduct::AnswerAndClose(part), call(&WRITE, 10)).await;
    assert_eq!(
        (error.status().map(|status| status.as_u16()), error.effect()),
        (Some(409), Effect::Refused)
    );
    assert!(error.service_error().is_none());
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_at_the_deadline_of_the_call() {
    let error = failure(Conduct::Stall, call(&WRITE, 10).with_deadline(SHORT)).await;
    let CallErrorKind::Timeout {
        phase: Phase::Call,
        limit,
        sent: Sent::Whole,
    } = error.kind()
    else {
        panic!("{error:?}")
    };
    assert_eq!((*limit, error.effect()), (SHORT, Effect::Unknown));
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_at_the_limit_of_the_first_byte() {
    let server = Server::start(Conduct::Stall).await;
    let clock = std::sync::Arc::new(SystemClock::new());
    let http = server
        .trusting()
        .clock(clock)
        .first_byte_timeout(SHORT)
        .build()
        .expect("a transport");
    let error = http.send(call(&WRITE, 10)).await.expect_err("stalls");
    assert!(
        matches!(
            error.kind(),
            CallErrorKind::Timeout {
                phase: Phase::FirstByte,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_request_that_a_stalled_server_does_not_take_to_its_end_is_not_sent() {
    let large = call(&WRITE, 64 * 1024 * 1024).with_deadline(SHORT);
    let error = failure(Conduct::StallAfter(1000), large).await;
    assert!(
        matches!(error.kind(), CallErrorKind::Timeout { sent: Sent::Part, .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_given_up() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    let unannounced = "HTTP/1.1 200 OK\r\n\r\n";
    for start in [announced, unannounced] {
        let server = Server::start(Conduct::Endless(start)).await;
        let http = server
            .trusting()
            .max_answer(100_000)
            .build()
            .expect("a transport");
        let error = http.send(call(&WRITE, 10)).await.expect_err("endless");
        assert!(
            matches!(
                error.kind(),
                CallErrorKind::TooLarge {
                    part: "body",
                    limit: 100_000
                }
            ),
            "{start}: {error:?}"
        );
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_given_up() {
    let error = failure(Conduct::Endless("HTTP/1.1 200 OK\r\nx-long: "), call(&WRITE, 10)).await;
    assert!(
        matches!(error.kind(), CallErrorKind::TooLarge { part: "header", .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn what_is_not_http_is_unknown() {
    let error = failure(Conduct::Answer("SSH-2.0-OpenSSH_9.6\r\n\r\n"), call(&WRITE, 10)).await;
    assert!(matches!(error.kind(), CallErrorKind::Garbled(_)), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_page_of_a_proxy_is_a_status_without_a_service_error() {
    let page = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let error = failure(Conduct::Answer(page), call(&WRITE, 10)).await;
    assert!(matches!(error.kind(), CallErrorKind::Status(_)), "{error:?}");
    assert_eq!(
        (error.status().map(|status| status.as_u16()), error.effect()),
        (Some(502), Effect::Unknown)
    );
    assert!(error.service_error().is_none());
}

#[tokio::test]
async fn a_success_that_is_a_page_is_unknown() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let error = failure(Conduct::Answer(page), call(&WRITE, 10)).await;
    assert!(
        matches!(error.kind(), CallErrorKind::ContentType { .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn an_error_body_is_decoded_by_its_service() {
    let answer = "HTTP/1.1 404 Not Found\r\ncontent-type: application/vnd.vmware.h4-v4.5+json;charset=UTF-8\r\n\
                  content-length: 39\r\n\r\n{\"code\":\"ThingNotFound\",\"msg\":\"gone\"}  ";
    let error = failure(Conduct::Answer(answer), call(&WRITE, 10)).await;
    let service_error = error.service_error().expect("decoded");
    assert_eq!(
        (service_error.code(), service_error.message()),
        ("ThingNotFound", Some("gone"))
    );
    assert_eq!(error.effect(), Effect::Refused);
}

#[tokio::test]
async fn a_delay_that_the_server_asks_for_is_read() {
    let answer = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
    let error = failure(Conduct::Answer(answer), call(&READ, 0)).await;
    assert_eq!(
        error.retry(Repeat::Harmless),
        Retry::After(Duration::from_secs(7))
    );
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_here() {
    let server = Server::start(Conduct::Answer(OK)).await;
    let request = Request::get("https://elsewhere.example/things")
        .body(bytes::Bytes::new())
        .expect("a request");
    let error = server
        .send(Call::new(&READ, "thing 1", request))
        .await
        .expect_err("refused");
    assert!(matches!(error.kind(), CallErrorKind::Request(_)), "{error:?}");
    assert_eq!((error.effect(), server.connections()), (Effect::NotSent, 0));
}
