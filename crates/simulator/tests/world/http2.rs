//! HTTP/2, for clients that agree to it in the TLS handshake.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use farside_simulator::serve::{Served, ServedSite};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use crate::https::{admin, connect_with, start, within};

type Client = SendRequest<Full<Bytes>>;

async fn open<B>(served: &Served, site: &ServedSite) -> SendRequest<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Error + Send + Sync,
{
    let stream = connect_with(served.authority_pem.as_deref(), site, &["h2", "http/1.1"])
        .await
        .expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    client
}

async fn log_in(client: &Client, site: &ServedSite) -> hyper::Result<(u16, Value)> {
    let body = json!({"type": "vcdCredentials", "vcdUser": site.username, "vcdPassword": site.password});
    let request = Request::post(format!("{}/sessions", site.url))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .expect("a request");
    let answer = client.clone().send_request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&body).expect("JSON")))
}

#[tokio::test]
async fn a_client_that_offers_http2_gets_it_and_its_calls_share_a_connection() {
    within(async {
        let (_, served) = start().await;
        let site = &served.vcda[1].clone();
        let client: Client = open(&served, site).await;
        let (first, second) = tokio::join!(log_in(&client, site), log_in(&client, site));
        for answer in [first, second] {
            let (status, body) = answer.expect("an answer");
            assert_eq!((status, &body["user"]), (200, &json!(site.username)));
        }
        served.shutdown().await;
        assert!(log_in(&client, site).await.is_err());
    })
    .await;
}

/// What arrives of the body of an answer, and whether it ended as it should.
async fn read(client: &Client, site: &ServedSite) -> (Vec<u8>, u64, bool) {
    let body = json!({"type": "vcdCredentials", "vcdUser": site.username, "vcdPassword": site.password});
    let request = Request::post(format!("{}/sessions", site.url))
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .expect("a request");
    let answer = client.clone().send_request(request).await.expect("a head");
    let length = answer.headers()["content-length"].to_str().expect("text");
    let length = length.parse().expect("a number");
    let mut body = answer.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => return (read, length, false),
        }
    }
    (read, length, true)
}

/// As over HTTP/1.1: so many bytes of the body arrive, the server has acted, and the connection is gone for all calls on it.
#[tokio::test]
async fn an_answer_that_is_cut_ends_after_so_many_bytes_and_with_its_connection() {
    within(async {
        let (simulator, served) = start().await;
        let site = &served.vcda[1].clone();
        let client: Client = open(&served, site).await;
        let rule = json!({"operation": "sessions.login", "do": {"cut_answer": {"after_bytes": 20}}});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        let (part, length, whole) = read(&client, site).await;
        assert_eq!((part.len(), whole), (20, false));
        assert!(length > 20, "{length}");
        client
            .clone()
            .ready()
            .await
            .expect_err("the connection is closed");
        {
            let login = simulator.world().calls().of("sessions.login");
            assert_eq!((login.attempts, login.accepted), (1, 1), "the server has acted");
        }
        let again: Client = open(&served, site).await;
        let (_, length, whole) = read(&again, site).await;
        assert!(whole && length > 20);
        served.shutdown().await;
    })
    .await;
}

/// A body of so many blanks, which counts those that were taken.
struct Blanks {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Body for Blanks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];
        let size = self.left.min(BLANKS.len());
        self.left -= size;
        self.taken.fetch_add(size, Ordering::Relaxed);
        let frame = Frame::data(Bytes::from_static(&BLANKS[..size]));
        Poll::Ready((size > 0).then_some(Ok(frame)))
    }
}

/// Its stream is not reset before the answer is there, and the connection goes on.
#[tokio::test]
async fn a_body_that_is_too_large_is_answered_as_over_http1() {
    const MIB: usize = 1024 * 1024;
    within(async {
        let (_, served) = start().await;
        let site = &served.vcda[1].clone();
        let client = open(&served, site).await;
        for size in [17 * MIB, 40 * MIB] {
            let taken = Arc::new(AtomicUsize::new(0));
            let body = Blanks {
                left: size,
                taken: taken.clone(),
            };
            let request = Request::post(format!("{}/sessions", site.url))
                .header("content-type", "application/json")
                .body(body)
                .expect("a request");
            let answer = client.clone().send_request(request).await.expect("an answer");
            assert_eq!(answer.status(), 413);
            assert_eq!(taken.load(Ordering::Relaxed), size, "all of it is taken before");
        }
        client.clone().ready().await.expect("the connection goes on");
        served.shutdown().await;
    })
    .await;
}

/// Frames of a body after the head of an answer to HEAD are an error of the protocol to `curl`.
#[tokio::test]
async fn head_has_no_body() {
    within(async {
        let (_, served) = start().await;
        let site = &served.vcda[1].clone();
        let client: Client = open(&served, site).await;
        let request = Request::head(format!("{}/sessions", site.url))
            .body(Full::default())
            .expect("a request");
        let answer = client.clone().send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 401);
        assert_ne!(answer.headers()["content-length"], "0");
        let body = answer.into_body().collect().await.expect("a body that ends");
        assert_eq!(body.to_bytes().len(), 0);
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_offers_http1_alone_gets_it() {
    within(async {
        let (_, served) = start().await;
        let stream = connect_with(served.authority_pem.as_deref(), &served.vcda[1], &["http/1.1"])
            .await
            .expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_closed_for_all_calls_on_it() {
    within(async {
        let (_, served) = start().await;
        let site = &served.vcda[1].clone();
        let client: Client = open(&served, site).await;
        log_in(&client, site).await.expect("an answer");
        let rule = json!({"operation": "sessions.login", "do": "drop_answer"});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        assert!(log_in(&client, site).await.is_err());
        client
            .clone()
            .ready()
            .await
            .expect_err("the connection is closed");
        let again: Client = open(&served, site).await;
        log_in(&again, site).await.expect("an answer");
        served.shutdown().await;
    })
    .await;
}
