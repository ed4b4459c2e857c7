//! HTTP/2: many requests at a time, so that bytes on the socket say nothing about any one of them.
//!
//! What is known instead: the library gives a request back that it has not looked at; a server that goes away names
//! the last stream it will process (RFC 9113, section 6.8); a stream that a server refuses was not processed
//! (section 8.7). All else leaves the outcome unknown.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use farside_transport::{CallErrorKind, Sent};
use h2::Reason;
use http::header::HOST;
use http::uri::{Scheme, Uri};
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::connect::Secured;
use crate::progress::Progress;
use crate::protocol::{Failed, MAX_HEAD, Remains, cut, drive};

/// A connection of HTTP/2, or a share in one.
#[derive(Clone)]
pub(crate) struct Http2 {
    pub(crate) sender: SendRequest<Payload>,
    /// Tells connections apart.
    identity: Arc<Progress>,
}

impl Http2 {
    pub(crate) async fn start(tls: Secured, identity: Arc<Progress>) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .max_header_list_size(MAX_HEAD as u32)
            .handshake(TokioIo::new(tls))
            .await?;
        drive(connection);
        Ok(Self { sender, identity })
    }

    /// Whether both are shares in one connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.identity, &other.identity)
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: &Request<Bytes>) -> Result<Response<Incoming>, Failed> {
        let request = adapt(request).map_err(|_invalid| Failed {
            kind: CallErrorKind::Request("its URI cannot be written as HTTP/2 has it"),
            connection: Remains::Usable,
        })?;
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let untouched = error.take_message().is_some();
            judge(error.into_error(), untouched)
        })
    }
}

/// The request in the form of HTTP/2: with scheme and authority in the URI, and without `Host`.
fn adapt(request: &Request<Bytes>) -> Result<Request<Payload>, http::Error> {
    let mut request = request.clone().map(Payload::new);
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTPS);
    if let Some(host) = request.headers_mut().remove(HOST) {
        uri.authority = Some(host.as_bytes().try_into()?);
    }
    *request.uri_mut() = Uri::from_parts(uri)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(request)
}

/// The library refused an answer. It has one error for both causes.
#[derive(Debug, thiserror::Error)]
#[error("the answer breaks a rule of HTTP/2, or its header is larger than {MAX_HEAD} bytes")]
struct Refusal(#[source] hyper::Error);

/// What an error of the HTTP library means. `untouched`: it gave the request back.
fn judge(error: hyper::Error, untouched: bool) -> Failed {
    let cause: Option<&h2::Error> = error.source().and_then(|source| source.downcast_ref());
    let (remote, own) = (
        cause.is_some_and(h2::Error::is_remote),
        cause.is_some_and(h2::Error::is_library),
    );
    let reset = cause.is_some_and(h2::Error::is_reset);
    let refused = cause.and_then(h2::Error::reason) == Some(Reason::REFUSED_STREAM);
    let (kind, connection) = if untouched || (remote && !reset) {
        // Never looked at, or above the last stream of a server that goes away.
        (cut(error, Sent::Nothing), Remains::Stale)
    } else if remote {
        let sent = if refused { Sent::Nothing } else { Sent::Whole };
        (cut(error, sent), Remains::Usable)
    } else if own {
        let refused = io::Error::other(Refusal(error));
        (CallErrorKind::Garbled(refused), Remains::Broken)
    } else {
        (cut(error, Sent::Whole), Remains::Broken)
    };
    Failed { kind, connection }
}

/// A body whose end is never sent along with the head of its request.
///
/// A server that goes away while a stream is being opened makes the library fail the stream as one above the last,
/// although its head may have left. Without its end no server can have read the request as a whole.
pub(crate) struct Payload {
    inner: Full<Bytes>,
    started: bool,
}

impl Payload {
    fn new(body: Bytes) -> Self {
        Self {
            inner: Full::new(body),
            started: false,
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.started = true;
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.started && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
