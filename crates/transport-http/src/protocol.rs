//! A connection that speaks a version of HTTP, and what a failure on it means.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use farside_transport::{CallErrorKind, Sent};
use http::{Request, Response};
use hyper::body::Incoming;

use crate::connect::Secured;
use crate::http1::Http1;
#[cfg(feature = "http2")]
use crate::http2::Http2;
use crate::progress::Progress;

/// Largest head of an answer, in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// Most fields in the head of an answer of HTTP/1.1.
pub(crate) const MAX_FIELDS: usize = 100;

/// What errors call a head with more bytes or fields than that; the library has one error for both.
pub(crate) const HEAD: &str = "header (100 fields at most)";

/// An open connection.
pub(crate) enum Protocol {
    Http1(Http1),
    #[cfg(feature = "http2")]
    Http2(Http2),
}

/// A request that got no head of an answer.
pub(crate) struct Failed {
    pub(crate) kind: CallErrorKind,
    pub(crate) connection: Remains,
}

/// What a failure leaves of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remains {
    /// It had ended before it took anything of the request: another one can take it.
    Stale,
    /// Nothing.
    Broken,
    /// It carries other requests.
    #[cfg(feature = "http2")]
    Usable,
}

impl Remains {
    /// Whether the connection carries no other request.
    pub(crate) fn is_spent(self) -> bool {
        match self {
            Self::Stale | Self::Broken => true,
            #[cfg(feature = "http2")]
            Self::Usable => false,
        }
    }
}

impl Protocol {
    /// Speaks the version that the handshake has settled on.
    pub(crate) async fn start(tls: Secured, progress: Arc<Progress>) -> hyper::Result<Self> {
        #[cfg(feature = "http2")]
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            return Http2::start(tls, progress).await.map(Self::Http2);
        }
        Http1::start(tls, progress).await.map(Self::Http1)
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: &Request<Bytes>) -> Result<Response<Incoming>, Failed> {
        match self {
            Self::Http1(http1) => http1.send(request).await,
            #[cfg(feature = "http2")]
            Self::Http2(http2) => http2.send(request).await,
        }
    }

    /// How much of a request that is given up can have left, or can still leave.
    pub(crate) fn give_up(&self) -> Sent {
        match self {
            Self::Http1(http1) => http1.progress.stop(),
            // Frames that are queued may leave later, and those of other requests cannot be told from them.
            #[cfg(feature = "http2")]
            Self::Http2(_) => Sent::Whole,
        }
    }

    /// Whether a connection whose answer was read to its end can carry another request.
    pub(crate) fn is_reusable(&self) -> bool {
        match self {
            // An answer that came before the request had left ends the connection's use.
            Self::Http1(http1) => http1.progress.sent() == Sent::Whole,
            #[cfg(feature = "http2")]
            Self::Http2(_) => true,
        }
    }

    /// Whether the host has ended the connection.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.sender.is_closed(),
            #[cfg(feature = "http2")]
            Self::Http2(http2) => http2.sender.is_closed(),
        }
    }
}

/// Polls a connection to its end, which comes when its senders are dropped or the host closes. Its error also reaches
/// whoever waits for an answer.
pub(crate) fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "a connection has ended");
        }
    });
}

/// The connection ended, with this much of the request sent.
pub(crate) fn cut(error: hyper::Error, sent: Sent) -> CallErrorKind {
    CallErrorKind::Cut {
        sent,
        source: io::Error::other(error),
    }
}
