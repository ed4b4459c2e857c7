//! HTTP/2: what each way to end a stream or a connection means, against a server that speaks in single frames.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use farside_transport::Effect::{NotSent, Refused, Unknown};
use farside_transport::{Effect, Transport as _};
use farside_transport_http::{HttpTransport, HttpTransportBuilder, Roots};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::calls::{READ, WRITE, call, in_short};
use crate::identity::Identity;
use crate::server::{Conduct, OK, Server};

const SHORT: Duration = Duration::from_millis(300);

/// Never waited for unless a test fails.
const LONG: Duration = Duration::from_secs(10);

// Types and flags of frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END: u8 = 1;
const END_HEADERS: u8 = 4;

// Codes of errors (section 7).
const NO_ERROR: u8 = 0;
const INTERNAL_ERROR: u8 = 2;
const REFUSED_STREAM: u8 = 7;
const CANCEL: u8 = 8;

/// `:status: 200` and `:status: 404`, by their indices in HPACK's static table.
const STATUS_200: &[u8] = &[0x88];
const STATUS_404: &[u8] = &[0x8d];

/// What the server does about a request.
#[derive(Clone, Debug, Default)]
struct Reply {
    /// Acts on the head of the request, and does not wait for its end.
    at_head: bool,
    bytes: Vec<u8>,
    /// Closes the connection then.
    closes: bool,
}

impl Reply {
    fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
        self.bytes.extend_from_slice(&length[1..]);
        self.bytes.extend_from_slice(&[kind, flags]);
        self.bytes.extend_from_slice(&stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
        self
    }

    fn answer(self, stream: u32) -> Self {
        self.frame(HEADERS, END_HEADERS, stream, STATUS_200)
            .frame(DATA, END, stream, b"{}")
    }

    fn reset(self, stream: u32, code: u8) -> Self {
        self.frame(RST_STREAM, 0, stream, &[0, 0, 0, code])
    }

    fn go_away(self, last: u32, code: u8) -> Self {
        let mut payload = last.to_be_bytes().to_vec();
        payload.extend_from_slice(&[0, 0, 0, code]);
        self.frame(GOAWAY, 0, 0, &payload)
    }

    fn at_head(mut self) -> Self {
        self.at_head = true;
        self
    }

    fn close(mut self) -> Self {
        self.closes = true;
        self
    }
}

/// The reply to a stream of a connection; both are counted from 1, streams in odd numbers.
type Script = fn(usize, u32) -> Reply;

struct Http2Server {
    port: u16,
    ca_file: tempfile::NamedTempFile,
    connections: Arc<AtomicUsize>,
    streams: Arc<AtomicUsize>,
}

impl Http2Server {
    async fn start(script: Script) -> Self {
        let identity = Identity::localhost();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (connections, streams) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (acceptor, ca_file) = (identity.acceptor(&[b"h2"]), identity.ca_file());
        let (count, stream_count) = (Arc::clone(&connections), Arc::clone(&streams));
        tokio::spawn(async move {
            while let Ok((tcp, _peer)) = listener.accept().await {
                let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
                let reply = move |stream| script(nth, stream);
                let serving = serve(tcp, acceptor.clone(), reply, Arc::clone(&stream_count));
                tokio::spawn(async move { serving.await.ok() });
            }
        });
        Self {
            port,
            ca_file,
            connections,
            streams,
        }
    }

    fn trusting(&self) -> HttpTransportBuilder {
        HttpTransport::builder(&format!("https://localhost:{}", self.port))
            .roots(Roots::CaFile(self.ca_file.path().into()))
    }

    fn counts(&self) -> (usize, usize) {
        (
            self.connections.load(Ordering::SeqCst),
            self.streams.load(Ordering::SeqCst),
        )
    }
}

async fn serve(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    script: impl Fn(u32) -> Reply,
    streams: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut tls = acceptor.accept(tcp).await?;
    tls.read_exact(&mut [0; 24]).await?;
    tls.write_all(&reply().frame(SETTINGS, 0, 0, &[]).bytes).await?;
    loop {
        tls.flush().await?;
        let mut head = [0; 9];
        tls.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        tls.read_exact(&mut vec![0; length]).await?;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        if kind == SETTINGS && flags & END == 0 {
            tls.write_all(&reply().frame(SETTINGS, END, 0, &[]).bytes).await?;
        }
        if kind == HEADERS {
            streams.fetch_add(1, Ordering::SeqCst);
            // With a head that is a whole request, going away below its stream would prove too little.
            if flags & END != 0 {
                return Ok(());
            }
        }
        if !matches!(kind, HEADERS | DATA) {
            continue;
        }
        let reply = script(stream);
        let whole = flags & END != 0;
        if reply.at_head && kind == HEADERS || !reply.at_head && whole {
            tls.write_all(&reply.bytes).await?;
            if reply.closes {
                return tls.shutdown().await;
            }
        }
    }
}

/// A head with one field of this many bytes, in as many frames as it takes.
fn giant_head(stream: u32, bytes: usize) -> Reply {
    let mut block = STATUS_200.to_vec();
    // A literal that is not to be indexed, with a new name (RFC 7541, section 6.2.2).
    block.extend_from_slice(&[0x00, 6]);
    block.extend_from_slice(b"x-long");
    block.push(0x7f);
    let mut rest = bytes - 127;
    while rest >= 128 {
        block.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    block.push(rest as u8);
    block.resize(block.len() + bytes, b'a');
    let pieces: Vec<_> = block.chunks(16_384).collect();
    let mut reply = reply();
    for (index, piece) in pieces.iter().enumerate() {
        let kind = if index == 0 { HEADERS } else { CONTINUATION };
        let flags = if index + 1 == pieces.len() { END_HEADERS } else { 0 };
        reply = reply.frame(kind, flags, stream, piece);
    }
    reply
}

/// Cause, reply, kind in short, effect.
type Row = (&'static str, Script, &'static str, Effect);

/// Sends an action for each row, on a connection of its own.
async fn check<const N: usize>(rows: [Row; N]) {
    let mut findings = Vec::new();
    for (cause, script, kind, effect) in rows {
        let server = Http2Server::start(script).await;
        let http = server.trusting().build().expect("a transport");
        let deadline = if kind.starts_with("timeout") { SHORT } else { LONG };
        let call = call(&WRITE, 100).with_deadline(deadline);
        let error = http.send(call).await.expect_err(cause);
        let seen = (in_short(error.kind()), error.effect());
        if seen != (kind.to_owned(), effect) {
            findings.push(format!(
                "{cause}: {seen:?} instead of {kind:?} {effect:?}: {:?}",
                error.kind()
            ));
        }
        if server.counts() != (1, 1) {
            findings.push(format!("{cause}: connections and streams {:?}", server.counts()));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

fn reply() -> Reply {
    Reply::default()
}

/// The head of an answer whose body follows.
fn head(stream: u32) -> Reply {
    reply().frame(HEADERS, END_HEADERS, stream, STATUS_200)
}

#[tokio::test]
async fn a_stream_that_ends_early() {
    check([
        (
            "refused at its head",
            |_, id| reply().at_head().reset(id, REFUSED_STREAM),
            "cut Nothing",
            NotSent,
        ),
        (
            "refused at its end",
            |_, id| reply().reset(id, REFUSED_STREAM),
            "cut Nothing",
            NotSent,
        ),
        (
            "reset",
            |_, id| reply().reset(id, INTERNAL_ERROR),
            "cut Whole",
            Unknown,
        ),
        (
            "cancelled at its head",
            |_, id| reply().at_head().reset(id, CANCEL),
            "cut Whole",
            Unknown,
        ),
        (
            "refused within the answer",
            |_, id| head(id).reset(id, REFUSED_STREAM),
            "cut Whole",
            Unknown,
        ),
        (
            "a refusal by status",
            |_, id| reply().frame(HEADERS, END_HEADERS | END, id, STATUS_404),
            "status 404",
            Refused,
        ),
        ("no answer in time", |_, _| reply(), "timeout Call Whole", Unknown),
        (
            "no end of the answer in time",
            |_, id| head(id),
            "timeout Call Whole",
            Unknown,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_early() {
    check([
        (
            "goes away below the stream",
            |_, _| reply().go_away(0, NO_ERROR),
            "cut Nothing",
            NotSent,
        ),
        (
            "goes away below the stream, with an error",
            |_, _| reply().go_away(0, INTERNAL_ERROR).close(),
            "cut Nothing",
            NotSent,
        ),
        (
            "goes away above the stream",
            |_, id| reply().go_away(id, NO_ERROR).close(),
            "cut Whole",
            Unknown,
        ),
        (
            "goes away above the stream, with an error",
            |_, id| reply().go_away(id, INTERNAL_ERROR).close(),
            "cut Whole",
            Unknown,
        ),
        ("closes", |_, _| reply().close(), "cut Whole", Unknown),
        (
            "closes at the head of the request",
            |_, _| reply().at_head().close(),
            "cut Whole",
            Unknown,
        ),
        (
            "closes within the answer",
            |_, id| head(id).close(),
            "cut Whole",
            Unknown,
        ),
        (
            "closes within the body of the answer",
            |_, id| head(id).frame(DATA, 0, id, b"{\"se").close(),
            "cut Whole",
            Unknown,
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_what_it_should_be() {
    check([
        (
            "no frame",
            |_, _| Reply {
                bytes: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
                ..reply()
            },
            "garbled",
            Unknown,
        ),
        (
            "a frame out of place",
            |_, id| reply().frame(CONTINUATION, END_HEADERS, id, STATUS_200),
            "garbled",
            Unknown,
        ),
        (
            "a head above the limit",
            |_, id| giant_head(id, 70_000),
            "garbled",
            Unknown,
        ),
        (
            "a head far above the limit",
            |_, id| giant_head(id, 4_000_000),
            "garbled",
            Unknown,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_given_up() {
    let server = Http2Server::start(|_, stream| {
        let mut reply = reply().frame(HEADERS, END_HEADERS, stream, STATUS_200);
        for _ in 0..20 {
            reply = reply.frame(DATA, 0, stream, &[b'a'; 16_384]);
        }
        reply
    })
    .await;
    let http = server
        .trusting()
        .max_answer(100_000)
        .build()
        .expect("a transport");
    let error = http.send(call(&WRITE, 10)).await.expect_err("too large");
    assert_eq!(
        (in_short(error.kind()).as_str(), error.effect()),
        ("too_large body", Unknown)
    );
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_connection() {
    let server = Http2Server::start(|_, stream| reply().answer(stream)).await;
    let http = Arc::new(server.trusting().build().expect("a transport"));
    for operation in [&WRITE, &READ] {
        // The first one connects.
        assert!(http.send(call(operation, 0)).await.is_ok());
        let calls: Vec<_> = (0..20)
            .map(|bytes| {
                let http = Arc::clone(&http);
                tokio::spawn(async move { http.send(call(operation, bytes * 100)).await })
            })
            .collect();
        for answer in calls {
            let answer = answer.await.expect("no panic").expect("an answer");
            assert_eq!(answer.body().as_ref(), b"{}");
        }
    }
    assert_eq!(server.counts(), (1, 42));
    http.reset_connections();
    assert!(http.send(call(&WRITE, 0)).await.is_ok());
    assert_eq!(server.counts(), (2, 43));
}

#[tokio::test]
async fn a_server_that_went_away_costs_no_call() {
    // The second stream of the first connection is above the last one that the server takes.
    let server = Http2Server::start(|connection, stream| match (connection, stream) {
        (1, 3) => reply().at_head().go_away(1, NO_ERROR),
        _ => reply().answer(stream),
    })
    .await;
    let http = server.trusting().build().expect("a transport");
    for _ in 0..3 {
        assert!(http.send(call(&WRITE, 10)).await.is_ok());
    }
    assert_eq!(server.counts(), (2, 4));
}

#[tokio::test]
async fn a_refused_stream_costs_no_connection_and_is_not_sent_again() {
    let server = Http2Server::start(|_, stream| match stream {
        3 => reply().reset(stream, REFUSED_STREAM),
        _ => reply().answer(stream),
    })
    .await;
    let http = server.trusting().build().expect("a transport");
    let outcomes = [
        http.send(call(&WRITE, 10)).await.is_ok(),
        http.send(call(&WRITE, 10)).await.is_ok(),
        http.send(call(&WRITE, 10)).await.is_ok(),
    ];
    assert_eq!((outcomes, server.counts()), ([true, false, true], (1, 3)));
}

#[tokio::test]
async fn a_connection_that_has_failed_is_used_no_more() {
    // The second stream of each connection gets no answer.
    let server = Http2Server::start(|_, stream| match stream {
        3 => reply(),
        _ => reply().answer(stream),
    })
    .await;
    let http = server.trusting().build().expect("a transport");
    assert!(http.send(call(&WRITE, 10)).await.is_ok());
    assert!(http.send(call(&WRITE, 10).with_deadline(SHORT)).await.is_err());
    assert!(http.send(call(&WRITE, 10)).await.is_ok());
    assert_eq!(server.counts(), (2, 3));
}

#[tokio::test]
async fn a_server_that_knows_only_http_1_gets_that_and_so_does_a_caller_who_wants_it() {
    let old = Server::start(Conduct::answer(OK)).await;
    assert!(old.send(call(&WRITE, 10)).await.is_ok());
    assert!(old.requests()[0].contains("HTTP/1.1"));

    // This server's handshake still works without the offer, and then sees no preface of HTTP/2.
    let server = Http2Server::start(|_, stream| reply().answer(stream)).await;
    let http = server.trusting().http1_only().build().expect("a transport");
    assert!(http.send(call(&WRITE, 10).with_deadline(SHORT)).await.is_err());
    assert_eq!(server.counts().1, 0);
}
