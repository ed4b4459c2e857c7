//! Why a proxy did not connect to an endpoint.

use std::io;
use std::sync::Arc;

use http::StatusCode;

/// A proxy that did not connect to the endpoint. No byte of a call has been sent.
#[derive(Debug, thiserror::Error)]
#[error("no connection to {endpoint} through the proxy {proxy}")]
#[non_exhaustive]
pub struct ProxyError {
    /// Host and port of the endpoint.
    pub endpoint: Arc<str>,
    /// Host and port of the proxy.
    pub proxy: Arc<str>,
    /// What went wrong.
    #[source]
    pub problem: ProxyProblem,
}

impl ProxyError {
    /// The proxy did not connect to `endpoint`.
    #[must_use]
    pub fn new(endpoint: Arc<str>, proxy: Arc<str>, problem: ProxyProblem) -> Self {
        Self {
            endpoint,
            proxy,
            problem,
        }
    }
}

/// What went wrong with a proxy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// The proxy's name has no address.
    #[error("its name cannot be resolved")]
    Dns(#[source] io::Error),
    /// No TCP connection to the proxy.
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    /// The proxy wants credentials, or others than it got.
    #[error("it does not accept the credentials, or wants some (407)")]
    Credentials,
    /// The proxy refused to connect.
    #[error("it refused to connect ({0})")]
    Refused(StatusCode),
    /// The proxy broke off, or what it answered is not HTTP.
    #[error("it gave no answer to CONNECT")]
    Broken(#[source] io::Error),
}

impl ProxyProblem {
    /// Whether the proxy may connect later without anybody changing anything. Credentials are not tried again: a proxy
    /// locks accounts too.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Dns(_) | Self::Connect(_) | Self::Broken(_) => true,
            Self::Credentials => false,
            Self::Refused(status) => matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504),
        }
    }
}
