//! A small TLS server that misbehaves as told.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use farside_transport::{Call, CallError, Clock as _, SystemClock, Transport as _};
use farside_transport_http::{HttpTransport, HttpTransportBuilder, Roots};
use http::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::identity::Identity;

/// An answer without a fault.
pub(crate) const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// What the server does with each connection, or with each request on it.
#[derive(Clone, Debug)]
pub(crate) enum Conduct {
    /// Closes the TCP connection at once.
    CloseInHandshake,
    /// Says nothing at all, not even in the handshake.
    Mute,
    /// Says this instead of a handshake.
    Plain(&'static str),
    /// Reads this many bytes of a request, at least one, and ends.
    Take(usize, End),
    /// Answers each request with these bytes, and keeps the connection.
    Answer(Bytes),
    /// Answers one request with these bytes, and ends.
    AnswerOnce(Bytes, End),
    /// Answers with the first bytes, and then with the second ones for ever, with a pause before each.
    Endless(&'static str, Bytes, Duration),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// As TLS wants it, with close_notify.
    Orderly,
    /// Without a word of TLS.
    Silent,
    /// By a TCP reset.
    Reset,
    /// Not at all: nothing is read or written any more.
    Never,
}

impl Conduct {
    /// Answers each request so.
    pub(crate) fn answer(answer: impl Into<Bytes>) -> Self {
        Self::Answer(answer.into())
    }

    /// Answers one request so, and ends.
    pub(crate) fn once(answer: impl Into<Bytes>, end: End) -> Self {
        Self::AnswerOnce(answer.into(), end)
    }

    /// Goes on for ever, as fast as it can.
    pub(crate) fn endless(start: &'static str) -> Self {
        Self::Endless(start, Bytes::from(vec![b'a'; 16 * 1024]), Duration::ZERO)
    }

    /// Goes on for ever, one byte each time, long before any limit on silence.
    pub(crate) fn drip(start: &'static str) -> Self {
        Self::Endless(start, Bytes::from_static(b"a"), Duration::from_millis(20))
    }
}

/// The server, until it is dropped with its runtime.
pub(crate) struct Server {
    pub(crate) identity: Identity,
    pub(crate) port: u16,
    ca_file: tempfile::NamedTempFile,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    /// Bytes of answers that the sockets have taken.
    answered: AtomicU64,
}

impl Server {
    pub(crate) async fn start(conduct: Conduct) -> Self {
        Self::start_as(Identity::localhost(), conduct).await
    }

    pub(crate) async fn start_as(identity: Identity, conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Seen::default());
        let (acceptor, log) = (identity.acceptor(&[]), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((tcp, _peer)) = listener.accept().await {
                log.connections.fetch_add(1, Ordering::SeqCst);
                // A client that goes away is no failure of a test.
                let serving = serve(tcp, acceptor.clone(), conduct.clone(), Arc::clone(&log));
                tokio::spawn(async move { serving.await.ok() });
            }
        });
        let ca_file = identity.ca_file();
        Self {
            identity,
            port,
            ca_file,
            seen,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().expect("requests").clone()
    }

    /// Bytes of an endless answer that have left so far.
    pub(crate) fn answered(&self) -> u64 {
        self.seen.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Settings of a client that trusts the server's authority.
    pub(crate) fn trusting(&self) -> HttpTransportBuilder {
        HttpTransport::builder(&self.url()).roots(Roots::CaFile(self.ca_file.path().into()))
    }

    /// One call of a client that trusts the server's authority.
    pub(crate) async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        self.trusting().build().expect("a transport").send(call).await
    }
}

async fn serve(tcp: TcpStream, acceptor: TlsAcceptor, conduct: Conduct, seen: Arc<Seen>) -> io::Result<()> {
    match conduct {
        Conduct::CloseInHandshake => return Ok(()),
        Conduct::Mute => {
            let _open = tcp;
            return std::future::pending().await;
        }
        Conduct::Plain(text) => return speak_plainly(tcp, text).await,
        _ => {}
    }
    let mut tls = acceptor.accept(tcp).await?;
    if let Conduct::Take(bytes, how) = conduct {
        tls.read_exact(&mut vec![0; bytes]).await?;
        return end(tls, how).await;
    }
    while let Some(head) = read_request(&mut tls).await? {
        seen.requests.lock().expect("requests").push(head);
        match &conduct {
            Conduct::Answer(answer) => tls.write_all(answer).await?,
            Conduct::AnswerOnce(answer, how) => {
                tls.write_all(answer).await?;
                tls.flush().await?;
                return end(tls, *how).await;
            }
            Conduct::Endless(start, piece, pause) => {
                tls.write_all(start.as_bytes()).await?;
                return go_on(tls, piece, *pause, &seen.answered).await;
            }
            _ => unreachable!("{conduct:?} reads no whole request"),
        }
        tls.flush().await?;
    }
    Ok(())
}

async fn speak_plainly(mut tcp: TcpStream, text: &str) -> io::Result<()> {
    // What lies unread in a socket would turn its close into a reset, which overtakes the text.
    tcp.read_exact(&mut [0; 5]).await?;
    tcp.write_all(text.as_bytes()).await?;
    tcp.shutdown().await?;
    tcp.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn go_on(
    mut tls: TlsStream<TcpStream>,
    piece: &[u8],
    pause: Duration,
    answered: &AtomicU64,
) -> io::Result<()> {
    let clock = SystemClock::new();
    loop {
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
        tls.write_all(piece).await?;
        tls.flush().await?;
        answered.fetch_add(piece.len() as u64, Ordering::SeqCst);
    }
}

async fn end(mut tls: TlsStream<TcpStream>, how: End) -> io::Result<()> {
    match how {
        End::Orderly => tls.shutdown().await,
        End::Silent => Ok(()),
        End::Reset => tls.get_ref().0.set_zero_linger(),
        End::Never => std::future::pending().await,
    }
}

/// Reads one request to the end of its body; its head, or `None` at the end of the connection.
async fn read_request(tls: &mut TlsStream<TcpStream>) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tls.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    tls.read_exact(&mut vec![0; length]).await?;
    Ok(Some(head))
}
