//! Why a host's certificate was refused.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::pin::Pin;

/// A certificate that was refused.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of {endpoint} {problem}; its thumbprint is {seen}")]
#[non_exhaustive]
pub struct CertificateError {
    /// Host and port.
    pub endpoint: Arc<str>,
    /// What is wrong with it.
    pub problem: CertificateProblem,
    /// Its thumbprint, for pinning it once it has been checked on the host itself.
    pub seen: Pin,
    /// What the TLS library said.
    #[source]
    pub source: io::Error,
}

impl CertificateError {
    /// A refusal of the certificate with thumbprint `seen`.
    #[must_use]
    pub fn new(endpoint: Arc<str>, problem: CertificateProblem, seen: Pin, source: io::Error) -> Self {
        Self {
            endpoint,
            problem,
            seen,
            source,
        }
    }
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// Its time has passed.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for another host.
    WrongName,
    /// No trusted authority issued it.
    UnknownIssuer,
    /// Anything else; the source says what.
    Invalid,
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "has expired",
            Self::NotYetValid => "is not valid yet",
            Self::WrongName => "is for another name",
            Self::UnknownIssuer => "has no issuer that is trusted here",
            Self::Invalid => "is not valid",
        })
    }
}

/// A certificate other than the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint} showed the certificate {seen}, the pin is {wanted}")]
#[non_exhaustive]
pub struct PinMismatch {
    /// Host and port.
    pub endpoint: Arc<str>,
    /// The pin.
    pub wanted: Pin,
    /// The thumbprint of the certificate that the host showed.
    pub seen: Pin,
}

impl PinMismatch {
    /// The host showed `seen` instead of `wanted`.
    #[must_use]
    pub fn new(endpoint: Arc<str>, wanted: Pin, seen: Pin) -> Self {
        Self {
            endpoint,
            wanted,
            seen,
        }
    }
}
