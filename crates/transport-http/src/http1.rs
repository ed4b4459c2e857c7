//! HTTP/1.1: one request at a time, whose bytes are counted.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use farside_transport::{CallErrorKind, Sent};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::progress::{Progress, request_bytes};
use crate::protocol::{Failed, HEAD, MAX_FIELDS, MAX_HEAD, Remains, cut, drive};

/// A connection of HTTP/1.1.
pub(crate) struct Http1 {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) progress: Arc<Progress>,
}

impl Http1 {
    /// Begins on a socket whose bytes `progress` counts.
    pub(crate) async fn start<S>(socket: S, progress: Arc<Progress>) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = Builder::new()
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .handshake(TokioIo::new(socket))
            .await?;
        drive(connection);
        Ok(Self { sender, progress })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: &Request<Bytes>) -> Result<Response<Incoming>, Failed> {
        self.progress.begin(request_bytes(request, request.body()));
        let exchange = async {
            // The connection's task may not have seen yet that the last answer was read.
            self.sender.ready().await?;
            self.sender.send_request(request.clone().map(Full::new)).await
        };
        exchange.await.map_err(|error| {
            let sent = self.progress.stop();
            let kind = judge(error, sent);
            let untouched = matches!(
                kind,
                CallErrorKind::Cut {
                    sent: Sent::Nothing,
                    ..
                }
            );
            let connection = if untouched {
                Remains::Stale
            } else {
                Remains::Broken
            };
            Failed { kind, connection }
        })
    }
}

/// What an error of the HTTP library means, given how much of the request had left.
pub(crate) fn judge(error: hyper::Error, sent: Sent) -> CallErrorKind {
    if error.is_parse_too_large() {
        CallErrorKind::TooLarge {
            part: HEAD,
            limit: MAX_HEAD as u64,
        }
    } else if error.is_parse() {
        CallErrorKind::Garbled(io::Error::other(error))
    } else {
        cut(error, sent)
    }
}
