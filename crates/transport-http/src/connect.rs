//! From an endpoint to a connection: name, TCP, TLS, HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farside_transport::{CallErrorKind, Clock, Phase, Sent, within};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::builder::BuildError;
use crate::endpoint::Endpoint;
use crate::progress::{Counted, Progress};
use crate::trust::{Trust, handshake_failure};

/// Largest head of an answer, in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// An open connection, ready for its first request.
pub(crate) struct Opened {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) progress: Arc<Progress>,
}

/// Opens connections to one endpoint.
pub(crate) struct Connector {
    pub(crate) endpoint: Endpoint,
    tls: TlsConnector,
    accepts_anyone: bool,
    limit: Duration,
}

impl Connector {
    pub(crate) fn new(endpoint: Endpoint, trust: Trust, limit: Duration) -> Result<Self, BuildError> {
        let accepts_anyone = matches!(trust, Trust::Anyone);
        let tls = TlsConnector::from(Arc::new(trust.into_config()?));
        Ok(Self {
            endpoint,
            tls,
            accepts_anyone,
            limit,
        })
    }

    /// Opens a connection within the connect limit, or within `left` if that is shorter.
    pub(crate) async fn open(&self, clock: &dyn Clock, left: Duration) -> Result<Opened, CallErrorKind> {
        let limit = self.limit.min(left);
        within(clock, limit, self.open_unlimited())
            .await
            .unwrap_or_else(|_elapsed| {
                Err(CallErrorKind::Timeout {
                    phase: Phase::Connect,
                    limit,
                    sent: Sent::Nothing,
                })
            })
    }

    async fn open_unlimited(&self) -> Result<Opened, CallErrorKind> {
        let label = || Arc::clone(&self.endpoint.label);
        if self.accepts_anyone {
            tracing::warn!(endpoint = %self.endpoint.label, "connecting without checking the certificate");
        }
        let addresses = self.resolve().await.map_err(|source| CallErrorKind::Dns {
            endpoint: label(),
            source,
        })?;
        let tcp = reach(&addresses).await.map_err(|source| CallErrorKind::Connect {
            endpoint: label(),
            source,
        })?;
        let progress = Arc::new(Progress::default());
        let counted = Counted::new(tcp, Arc::clone(&progress));
        let tls = self
            .tls
            .connect(self.endpoint.server_name.clone(), counted)
            .await
            .map_err(|error| handshake_failure(label(), error))?;
        let (sender, connection) = http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .handshake(TokioIo::new(tls))
            .await
            .map_err(|error| CallErrorKind::Tls {
                endpoint: label(),
                source: io::Error::other(error),
            })?;
        // Ends when the sender is dropped, or the host closes. Its error also reaches whoever waits for an answer.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection has ended");
            }
        });
        Ok(Opened { sender, progress })
    }

    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let addresses: Vec<_> = tokio::net::lookup_host((&*self.endpoint.host, self.endpoint.port))
            .await?
            .collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }
}

/// Connects to the first address that answers; the error is that of the last one.
async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                // A request is one write; waiting for more to fill a packet would only delay it.
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
