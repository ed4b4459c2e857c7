//! From an endpoint to a connection: name or proxy, TCP, TLS, HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farside_transport::{CallErrorKind, Clock, Phase, Pin, Sent, within};
use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::endpoint::Endpoint;
use crate::progress::{Counted, Progress};
use crate::protocol::Protocol;
use crate::proxy::Proxy;
use crate::trust::{handshake_failure, thumbprint};

/// A TLS session, whose socket counts what leaves.
pub(crate) type Secured = TlsStream<Counted<TcpStream>>;

/// Opens connections to one endpoint.
pub(crate) struct Connector {
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) tls: Arc<ClientConfig>,
    /// Warn of each connection, as its certificate is not checked.
    pub(crate) warns: bool,
    pub(crate) limit: Duration,
}

impl Connector {
    /// Opens a connection within the connect limit, or within `left` if that is shorter.
    pub(crate) async fn open(&self, clock: &dyn Clock, left: Duration) -> Result<Protocol, CallErrorKind> {
        let opening = async {
            let (tls, progress) = self.secure().await?;
            Protocol::start(tls, progress)
                .await
                .map_err(|error| CallErrorKind::Tls {
                    endpoint: self.label(),
                    source: io::Error::other(error),
                })
        };
        self.limited(clock, left, opening).await
    }

    /// The thumbprint of the certificate that the host shows; the connection is then closed.
    pub(crate) async fn look(&self, clock: &dyn Clock) -> Result<Pin, CallErrorKind> {
        let looking = async {
            let (tls, _progress) = self.secure().await?;
            let (_socket, session) = tls.get_ref();
            session
                .peer_certificates()
                .and_then(<[_]>::first)
                .map(thumbprint)
                .ok_or_else(|| CallErrorKind::Tls {
                    endpoint: self.label(),
                    source: io::Error::new(io::ErrorKind::NotFound, "the host showed no certificate"),
                })
        };
        self.limited(clock, self.limit, looking).await
    }

    async fn limited<T>(
        &self,
        clock: &dyn Clock,
        left: Duration,
        work: impl Future<Output = Result<T, CallErrorKind>>,
    ) -> Result<T, CallErrorKind> {
        let limit = self.limit.min(left);
        within(clock, limit, work).await.unwrap_or_else(|_elapsed| {
            Err(CallErrorKind::Timeout {
                phase: Phase::Connect,
                limit,
                sent: Sent::Nothing,
            })
        })
    }

    fn label(&self) -> Arc<str> {
        Arc::clone(&self.endpoint.label)
    }

    async fn secure(&self) -> Result<(Secured, Arc<Progress>), CallErrorKind> {
        if self.warns {
            tracing::warn!(endpoint = %self.endpoint.label, "connecting without checking the certificate");
        }
        let tcp = match &self.proxy {
            None => self.direct().await?,
            Some(proxy) => proxy.tunnel(&self.endpoint).await?,
        };
        let progress = Arc::new(Progress::default());
        let counted = Counted::new(tcp, Arc::clone(&progress));
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(self.endpoint.server_name.clone(), counted)
            .await
            .map_err(|error| handshake_failure(self.label(), error))?;
        Ok((tls, progress))
    }

    async fn direct(&self) -> Result<TcpStream, CallErrorKind> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let addresses = resolve(host, *port).await.map_err(|source| CallErrorKind::Dns {
            endpoint: self.label(),
            source,
        })?;
        reach(&addresses).await.map_err(|source| CallErrorKind::Connect {
            endpoint: self.label(),
            source,
        })
    }
}

/// The addresses of a host; at least one.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Connects to the first address that answers; the error is that of the last one.
pub(crate) async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
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
