//! Listeners and connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response, Version};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::admin::{self, Desk, Reaction};
use super::body::{Body, Closed};
use super::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::exchange::{Answer, Reply, Request};
use crate::simulator::Simulator;
use crate::transport::response;
use crate::world::Connected;

/// The largest request body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// How much of a body that is too large is read beyond that, in bytes.
const MAX_PASSED_OVER: usize = 4 * MAX_BODY;

/// How long a client may take for its TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long the part of an answer that arrives has to be written to a connection that is then closed.
const WRITTEN_BY: Duration = Duration::from_millis(200);

/// How long accepting rests after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An endpoint with its listener.
pub(super) struct Host {
    pub(super) name: String,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<Certificate>,
}

/// What every connection of an endpoint needs.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) simulator: Simulator,
    pub(super) stopped: watch::Receiver<bool>,
    pub(super) line: watch::Receiver<Line>,
}

/// What the connections of an endpoint have to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// Grows when they are all closed.
    pub(super) epoch: u64,
    /// Whether packets are dropped, so that nothing goes in or out.
    pub(super) silent: bool,
}

impl Line {
    /// There is no such endpoint any more; all connections are closed.
    pub(super) const GONE: Self = Self {
        epoch: u64::MAX,
        silent: false,
    };

    pub(super) fn of(endpoint: &Endpoint) -> Self {
        Self {
            epoch: endpoint.connection_epoch,
            silent: endpoint.is_silent(),
        }
    }
}

/// Accepts connections of an endpoint until the front stops.
pub(super) async fn accept(host: Host, front: Front) {
    let mut stopped = front.stopped.clone();
    loop {
        let stream = tokio::select! {
            stream = next(&host.listener, &front.simulator) => stream,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        // A client that is let in must find its epoch unchanged; nobody listens otherwise, and the stream is dropped.
        match front.simulator.world().connect(&host.name) {
            Connected::To(epoch) => {
                let talk = connection(
                    stream,
                    host.name.clone(),
                    host.certificate.clone(),
                    front.simulator.clone(),
                );
                tokio::spawn(until_closed(talk, front.clone(), epoch));
            }
            Connected::Nowhere(epoch) => {
                // The system has taken the connection, but nobody says a word; not even the handshake begins.
                let kept = async move {
                    std::future::pending::<()>().await;
                    drop(stream);
                };
                tokio::spawn(until_closed(kept, front.clone(), epoch));
            }
            Connected::Refused => {}
        }
    }
}

/// The next connection; the system's refusals (no descriptors left, say) pass.
async fn next(listener: &TcpListener, simulator: &Simulator) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "no connection accepted");
                simulator.clock().sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, name: String, certificate: Option<Certificate>, simulator: Simulator) {
    // Answers are small; waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay is not set");
    }
    match certificate {
        None => talk(stream, &simulator, &name).await,
        Some(certificate) => {
            let handshake = certificate.acceptor.accept(stream);
            let stream = tokio::select! {
                stream = handshake => stream,
                () = simulator.clock().sleep(HANDSHAKE_LIMIT) => return,
            };
            match stream {
                Ok(stream) => talk(stream, &simulator, &name).await,
                Err(error) => tracing::debug!(%error, endpoint = name, "no TLS session"),
            }
        }
    }
}

/// A connection lives until its endpoint closes all of them, or the front stops. While packets are dropped nothing is read
/// from it and nothing written to it.
async fn until_closed(connection: impl Future<Output = ()>, front: Front, epoch: u64) {
    let Front {
        mut stopped,
        mut line,
        ..
    } = front;
    let mut silence = line.clone();
    let heard = async {
        let mut connection = std::pin::pin!(connection);
        loop {
            // The sender is gone when the front stops.
            if silence.wait_for(|line| !line.silent).await.is_err() {
                return;
            }
            tokio::select! {
                biased;
                _ = silence.wait_for(|line| line.silent) => {}
                () = &mut connection => return,
            }
        }
    };
    tokio::select! {
        () = heard => {}
        _ = line.wait_for(|line| line.epoch > epoch) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Speaks HTTP/2 with a client that has agreed to it or begins with it, else HTTP/1.1.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    simulator: &Simulator,
    name: &str,
) {
    let (cut, mut cuts) = watch::channel(false);
    let host: (Simulator, Arc<str>) = (simulator.clone(), name.into());
    let service = service_fn(move |request| {
        let ((simulator, name), cut) = (host.clone(), cut.clone());
        async move {
            let shared = request.version() == Version::HTTP_2;
            let head = request.method() == Method::HEAD;
            let answer = match received(request, MAX_BODY).await {
                Ok(request) => reply(&simulator, &name, &request, shared.then_some(&cut)).await,
                Err(Unread::TooLarge) => {
                    let refused = simulator.world().dated(&name, Answer::empty(413));
                    sent(unread(refused, shared))
                }
                Err(Unread::Closed) => Err(Closed),
            };
            let answer = if head { answer.map(without_body) } else { answer };
            if answer.is_err() {
                // HTTP/2 would reset the one stream only.
                cut.send_replace(true);
            }
            answer
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let served = tokio::select! {
        served = builder.serve_connection(TokioIo::new(stream), service) => served,
        _ = cuts.wait_for(|cut| *cut) => return,
    };
    if let Err(error) = served {
        tracing::debug!(%error, endpoint = name, "connection ended");
    }
}

/// Why a request could not be read.
enum Unread {
    /// Its body is larger than it may be.
    TooLarge,
    /// Its connection was closed before all of it had come.
    Closed,
}

/// An answer to a request whose body was not read to its end: over HTTP/1.1 nothing can follow on the connection.
fn unread(answer: Answer, shared: bool) -> Answer {
    if shared {
        answer
    } else {
        answer.header("connection", "close")
    }
}

/// The head of an answer alone, with the length that its body would have; over HTTP/2 nobody else leaves the body out.
fn without_body(answer: Response<Body>) -> Response<Body> {
    let length = answer.body().size_hint().exact().unwrap_or(0);
    let mut answer = answer.map(|_| Body::Whole(None));
    let length = HeaderValue::from(length);
    answer.headers_mut().entry(CONTENT_LENGTH).or_insert(length);
    answer
}

async fn received(request: http::Request<Incoming>, most: usize) -> Result<Request, Unread> {
    let (parts, mut body) = request.into_parts();
    // Who says beforehand that a body is too large need not send it, and may be waiting for a word (`Expect`).
    let said = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if said > most && parts.version != Version::HTTP_2 {
        return Err(Unread::TooLarge);
    }
    let read = Limited::new(&mut body, most).collect().await;
    let body = match read {
        Ok(body) => body,
        Err(error) if error.is::<LengthLimitError>() => {
            if parts.version == Version::HTTP_2 {
                pass_over(body).await?;
            }
            return Err(Unread::TooLarge);
        }
        Err(_) => return Err(Unread::Closed),
    };
    Ok(Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// Reads what is left of a body to its end, or so far as somebody sends it who has not noticed: HTTP/2 would reset a stream that is
/// answered before, and the client might never see the answer.
async fn pass_over(mut body: Incoming) -> Result<(), Unread> {
    let mut left = MAX_PASSED_OVER;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Closed)?;
        let read = frame.data_ref().map_or(0, |data| data.len());
        match left.checked_sub(read) {
            Some(rest) => left = rest,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The answer of an endpoint. `shared` closes a connection that other calls use, too.
async fn reply(
    simulator: &Simulator,
    name: &str,
    request: &Request,
    shared: Option<&watch::Sender<bool>>,
) -> Result<Response<Body>, Closed> {
    let handled = simulator.handle(name, request);
    let reply = match handled.reply {
        Reply::Parked(request) => simulator.parked(request).await,
        reply => reply,
    };
    if handled.delay_ms > 0 {
        simulator.clock().sleep(simulator.real(handled.delay_ms)).await;
    }
    match reply {
        Reply::Answer(answer) => sent(answer),
        Reply::Part(answer, bytes) => {
            let closes = shared.cloned().map(|cut| {
                let clock = Arc::clone(simulator.clock());
                async move {
                    clock.sleep(WRITTEN_BY).await;
                    cut.send_replace(true);
                }
            });
            let answer = response(answer).map_err(|_| Closed)?;
            Ok(answer.map(|body| Body::part(&body, bytes, closes)))
        }
        Reply::Cut | Reply::Unreachable => Err(Closed),
        // Ends with the connection: when the client gives up, its endpoint closes it, or the front stops.
        Reply::Silence | Reply::Parked(_) | Reply::Dropped => std::future::pending().await,
    }
}

fn sent(answer: Answer) -> Result<Response<Body>, Closed> {
    Ok(response(answer)
        .map_err(|_| Closed)?
        .map(|body| Body::Whole(Some(body).filter(|body| !body.is_empty()))))
}

async fn administer(desk: &Desk, request: http::Request<Incoming>) -> Result<Response<Body>, Closed> {
    if let Err(refusal) = admin::admit(request.method(), request.headers()) {
        return sent(refusal);
    }
    let most = admin::most_bytes(request.uri().path());
    let request = match received(request, most).await {
        Ok(request) => request,
        Err(Unread::TooLarge) => return sent(unread(admin::too_large(most), false)),
        Err(Unread::Closed) => return Err(Closed),
    };
    match admin::react(desk, &request) {
        Reaction::Answer(answer) => sent(answer),
        Reaction::Stream(head, body) => Ok(response(head).map_err(|_| Closed)?.map(|_| body)),
    }
}

/// Accepts connections to the administration endpoint until the front stops.
pub(super) async fn accept_admin(listener: TcpListener, desk: Desk) {
    let mut stopped = desk.stopped.clone();
    loop {
        let stream = tokio::select! {
            stream = next(&listener, &desk.simulator) => stream,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let desk = desk.clone();
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| administer(&desk, request));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                served = served => if let Err(error) = served {
                    tracing::debug!(%error, "administration connection ended");
                },
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
    }
}
