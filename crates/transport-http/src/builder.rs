//! Settings of an [`HttpTransport`].

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use farside_transport::{Clock, DEFAULT_CALL_LIMIT, Pin, SystemClock};

use crate::connect::Connector;
use crate::endpoint::Endpoint;
use crate::exchange::{HttpTransport, Limits};
use crate::trust::{Roots, Trust};

/// An [`HttpTransport`] that cannot be built. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL is not one.
    #[error("{url:?} cannot be used as an endpoint: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The base URL holds credentials, which is why it is not repeated here.
    #[error("the endpoint's URL holds a user name or a password; take it out")]
    Credentials,
    /// The system has no trusted authorities.
    #[error("this system has no trusted certificate authorities; give a CA file or a pin")]
    NoSystemRoots(#[source] Option<io::Error>),
    /// The CA file cannot be used.
    #[error("the CA file {} cannot be used", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A pin was given and any certificate is to be accepted.
    #[error("a pin is set and any certificate is to be accepted; choose one of the two")]
    Contradiction,
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Sets trust and limits of an [`HttpTransport`].
#[must_use]
pub struct HttpTransportBuilder {
    url: String,
    roots: Roots,
    pin: Option<Pin>,
    accept_any: bool,
    clock: Option<Arc<dyn Clock>>,
    connect_timeout: Duration,
    limits: Limits,
}

impl HttpTransportBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            roots: Roots::System,
            pin: None,
            accept_any: false,
            clock: None,
            connect_timeout: Duration::from_secs(10),
            limits: Limits {
                first_byte: None,
                call: DEFAULT_CALL_LIMIT,
                answer_bytes: 64 * 1024 * 1024,
            },
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

    /// Accepts whatever certificate the host shows, so that anybody on the way can read and change everything.
    /// Each connection is warned about.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.accept_any = true;
        self
    }

    /// Limits name resolution, TCP and TLS handshake together; by default 10 s.
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

    /// Limits the body of an answer; by default 64 MiB.
    pub fn max_answer(mut self, bytes: u64) -> Self {
        self.limits.answer_bytes = bytes;
        self
    }

    /// Takes time from this clock; by default from a [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds the transport. Reads CA files; connects to nothing.
    ///
    /// # Errors
    /// [`BuildError`]
    pub fn build(self) -> Result<HttpTransport, BuildError> {
        let endpoint = Endpoint::parse(&self.url)?;
        let trust = match (self.pin, self.accept_any) {
            (Some(_), true) => return Err(BuildError::Contradiction),
            (Some(pin), false) => Trust::Pin(pin),
            (None, true) => Trust::Anyone,
            (None, false) => Trust::authorities(&self.roots)?,
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let connector = Connector::new(endpoint, trust, self.connect_timeout)?;
        Ok(HttpTransport::new(connector, clock, self.limits))
    }
}

// By hand: a URL that has not been looked at yet may hold credentials.
impl fmt::Debug for HttpTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransportBuilder")
            .field("roots", &self.roots)
            .field("pin", &self.pin)
            .field("accept_any", &self.accept_any)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
