//! Settings of an [`HttpTransport`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use farside_transport::{Clock, DEFAULT_CALL_LIMIT, Pin, SystemClock};
use farside_wire::Secret;

use crate::connect::Connector;
use crate::endpoint::Endpoint;
use crate::error::{BuildError, LookError};
use crate::exchange::{HttpTransport, Limits};
use crate::known_hosts::{KnownHosts, UnlistedHost};
use crate::proxy::Proxy;
use crate::trust::{Roots, Trust};

/// Sets trust, limits and the way of an [`HttpTransport`].
#[must_use]
pub struct HttpTransportBuilder {
    url: String,
    roots: Roots,
    pin: Option<Pin>,
    known_hosts: Option<(KnownHosts, UnlistedHost)>,
    accept_any: bool,
    way: Way,
    clock: Option<Arc<dyn Clock>>,
    connect_timeout: Duration,
    limits: Limits,
    #[cfg(feature = "http2")]
    http1_only: bool,
}

/// How to get to the endpoint.
#[derive(Debug)]
enum Way {
    Direct,
    /// Through the proxy with this URL, which may hold a password.
    Proxy(Secret),
    /// As the environment says.
    Environment,
}

impl HttpTransportBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            roots: Roots::System,
            pin: None,
            known_hosts: None,
            accept_any: false,
            way: Way::Direct,
            clock: None,
            connect_timeout: Duration::from_secs(10),
            limits: Limits {
                first_byte: None,
                call: DEFAULT_CALL_LIMIT,
                answer_bytes: 64 * 1024 * 1024,
            },
            #[cfg(feature = "http2")]
            http1_only: false,
        }
    }

    /// Trusts these authorities; by default those of the system.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Accepts the certificate with this thumbprint and no other. Issuer, name and dates are not looked at then.
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pin = Some(pin);
        self
    }

    /// Accepts of a host that is listed only the certificates listed for it, whatever issuer, name and dates; and
    /// treats one that is not listed as told.
    pub fn known_hosts(mut self, hosts: KnownHosts, unlisted: UnlistedHost) -> Self {
        self.known_hosts = Some((hosts, unlisted));
        self
    }

    /// Accepts whatever certificate the host shows, so that anybody on the way can read and change everything.
    /// Each connection is warned about.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// Connects through this proxy, given as `http://host:port` or `http://user:password@host:port`; without a port it
    /// is port 80. By default no proxy is used, whatever the environment says.
    ///
    /// The proxy is asked for a tunnel (CONNECT), resolves the endpoint's name and sees no more than that. Its
    /// failures are [`CallErrorKind::Proxy`](farside_transport::CallErrorKind::Proxy), never those of a call that was sent.
    pub fn proxy(mut self, url: &str) -> Self {
        self.way = Way::Proxy(Secret::new(url));
        self
    }

    /// Connects through the proxy that the environment names at the time of [`build`](Self::build), if it names one.
    ///
    /// `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` name a proxy as for [`proxy`](Self::proxy); the first
    /// that is set counts. `NO_PROXY` or `no_proxy` lists, with commas, what is reached without one: names, which
    /// stand for all names below them too, addresses, networks (`10.0.0.0/8`), each of the first two with or without
    /// a port, or `*`. This machine itself (`localhost` and loopback addresses) is never reached through a proxy of the
    /// environment.
    pub fn proxy_from_environment(mut self) -> Self {
        self.way = Way::Environment;
        self
    }

    /// Limits the way to an open connection (names, proxy, TCP and TLS handshake together); by default 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits the wait for the head of the answer; by default only the call as a whole is limited.
    pub fn first_byte_timeout(mut self, limit: Duration) -> Self {
        self.limits.first_byte = Some(limit);
        self
    }

    /// Limits calls that bring no deadline of their own; by default 60 s. A stack gives each call one.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.limits.call = limit;
        self
    }

    /// Limits the body of an answer; by default 64 MiB. Its head is limited to 64 KiB, and in HTTP/1.1 to 100 fields.
    pub fn max_answer(mut self, bytes: u64) -> Self {
        self.limits.answer_bytes = bytes;
        self
    }

    /// Offers HTTP/1.1 alone, although HTTP/2 is compiled in.
    #[cfg(feature = "http2")]
    pub fn http1_only(mut self) -> Self {
        self.http1_only = true;
        self
    }

    /// Takes time from this clock; by default from a [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds the transport. Reads CA files and the environment; connects to nothing.
    ///
    /// # Errors
    /// [`BuildError`]
    pub fn build(mut self) -> Result<HttpTransport, BuildError> {
        let endpoint = Endpoint::parse(&self.url)?;
        let trust = self.trust(&endpoint)?;
        let (clock, limits) = (self.take_clock(), self.limits);
        let connector = self.connector(endpoint, trust)?;
        Ok(HttpTransport::new(connector, clock, limits))
    }

    /// Connects once, and says which certificate the host shows, for a person to compare with what the host itself
    /// says. Nothing is trusted by this, nothing is kept, and no request is sent; what is set about trust plays no
    /// part. That the host has the certificate's key is verified.
    ///
    /// # Errors
    /// [`LookError`]
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn seen_thumbprint(mut self) -> Result<Pin, LookError> {
        let endpoint = Endpoint::parse(&self.url)?;
        let clock = self.take_clock();
        let mut connector = self.connector(endpoint, Trust::Anyone)?;
        connector.warns = false;
        Ok(connector.look(&*clock).await?)
    }

    fn take_clock(&mut self) -> Arc<dyn Clock> {
        self.clock.take().unwrap_or_else(|| Arc::new(SystemClock::new()))
    }

    /// The rule for this endpoint.
    fn trust(&self, endpoint: &Endpoint) -> Result<Trust, BuildError> {
        const PIN: &str = "a pin";
        const KNOWN: &str = "known hosts";
        const ANY: &str = "accepting any certificate";
        match (self.pin, &self.known_hosts, self.accept_any) {
            (Some(_), Some(_), _) => Err(BuildError::Contradiction(PIN, KNOWN)),
            (Some(_), None, true) => Err(BuildError::Contradiction(PIN, ANY)),
            (None, Some(_), true) => Err(BuildError::Contradiction(KNOWN, ANY)),
            (None, None, true) => Ok(Trust::Anyone),
            (None, None, false) => Trust::authorities(&self.roots),
            (Some(pin), None, false) => Ok(Trust::pin(pin)),
            (None, Some((hosts, unlisted)), false) => {
                let listed = Trust::pins(&hosts.pins(&endpoint.host, endpoint.port));
                match (listed, unlisted) {
                    (Some(pins), _) => Ok(pins),
                    (None, UnlistedHost::VerifiedByRoots) => Trust::authorities(&self.roots),
                    (None, UnlistedHost::Refused) => Err(BuildError::UnknownHost {
                        endpoint: Arc::clone(&endpoint.label),
                        known_hosts: hosts.path().to_owned(),
                    }),
                }
            }
        }
    }

    fn connector(self, endpoint: Endpoint, trust: Trust) -> Result<Connector, BuildError> {
        let proxy = match &self.way {
            Way::Direct => None,
            Way::Environment => Proxy::from_environment(&endpoint)?,
            Way::Proxy(url) => Some(Proxy::parse(url.expose()).map_err(|reason| BuildError::Proxy {
                origin: "the caller",
                reason,
            })?),
        };
        Ok(Connector {
            endpoint,
            proxy,
            warns: matches!(trust, Trust::Anyone),
            tls: Arc::new(trust.into_config(self.versions())?),
            limit: self.connect_timeout,
        })
    }

    /// Versions of HTTP to offer; none stands for HTTP/1.1.
    #[cfg(feature = "http2")]
    fn versions(&self) -> &'static [&'static [u8]] {
        if self.http1_only {
            &[]
        } else {
            &[b"h2", b"http/1.1"]
        }
    }

    /// Versions of HTTP to offer; none stands for HTTP/1.1.
    #[cfg(not(feature = "http2"))]
    fn versions(&self) -> &'static [&'static [u8]] {
        &[]
    }
}

// By hand: a URL that has not been looked at yet may hold credentials.
impl fmt::Debug for HttpTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransportBuilder")
            .field("roots", &self.roots)
            .field("pin", &self.pin)
            .field("known_hosts", &self.known_hosts)
            .field("accept_any", &self.accept_any)
            .field("way", &self.way)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
