//! What keeps a transport from being built, and a certificate from being looked at.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use farside_transport::CallErrorKind;

/// An [`HttpTransport`](crate::HttpTransport) that cannot be built. Nothing has been sent.
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
    /// The proxy cannot be used. Its URL is not repeated here, as it may hold a password.
    #[error("the proxy that {origin} names cannot be used: {reason}")]
    Proxy {
        /// The environment variable, or "the caller".
        origin: &'static str,
        /// What is wrong with the proxy's URL.
        reason: &'static str,
    },
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
    /// The host is not among the known hosts, and the caller wants no others.
    #[error(
        "{endpoint} is not listed in {}; compare its thumbprint with what the host itself says, then add the line \
         \"{endpoint} SHA-256:..\"",
        .known_hosts.display()
    )]
    UnknownHost {
        /// Host and port.
        endpoint: Arc<str>,
        /// The file of known hosts.
        known_hosts: PathBuf,
    },
    /// Two settings exclude each other.
    #[error("{0} and {1} exclude each other; choose one of the two")]
    Contradiction(&'static str, &'static str),
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// A host whose certificate could not be looked at. Nothing but a TLS handshake has been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// The settings are not usable.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The host was not reached, or it does not speak TLS.
    #[error(transparent)]
    Connection(#[from] CallErrorKind),
}
