//! What becomes of connections between calls, and what a request looks like.

use farside_transport::Transport as _;

use crate::calls::{READ, WRITE, call};
use crate::server::{Conduct, End, OK, Server};

#[tokio::test]
async fn calls_in_a_row_share_one_connection() {
    let server = Server::start(Conduct::answer(OK)).await;
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
async fn an_action_without_a_body_says_so() {
    let server = Server::start(Conduct::answer(OK)).await;
    for (operation, expected) in [(&WRITE, true), (&READ, false)] {
        assert!(server.send(call(operation, 0)).await.is_ok());
        let head = server.requests().pop().expect("a request");
        assert_eq!(head.contains("content-length: 0\r\n"), expected, "{head}");
    }
}

#[tokio::test]
async fn a_reset_makes_the_next_call_connect_afresh() {
    let server = Server::start(Conduct::answer(OK)).await;
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
        let server = Server::start(Conduct::once(OK, End::Orderly)).await;
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
