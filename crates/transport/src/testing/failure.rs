//! Errors as they are written down, and made again from that.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use farside_wire::{ServiceError, Timestamp};
use http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::call::CallContext;
use crate::error::{
    CallError, CallErrorKind, CertificateError, CertificateProblem, Effect, Phase, PinMismatch, ProxyError,
    ProxyProblem, Sent, StatusError,
};
use crate::testing::exchange::{RecordedBody, error_body};

/// An error of a recorded call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedError {
    /// What the server could have done. It is for the reader of the recording: a replay tells the effect from the
    /// failure, as ever.
    #[serde(with = "EffectForm")]
    pub effect: Effect,
    /// Why the call failed.
    pub failure: RecordedFailure,
}

/// A [`CallErrorKind`] as it is written down: all that it says, but for the words of systems and libraries, which can
/// quote what must not be seen. Endpoints are host and port, thumbprints as [`Pin`](crate::Pin) prints them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RecordedFailure {
    /// [`CallErrorKind::Request`]
    Request,
    /// [`CallErrorKind::Dns`]
    Dns {
        /// Whose name it was.
        endpoint: String,
        /// What the resolver met.
        source: SourceKind,
    },
    /// [`CallErrorKind::Connect`]
    Connect {
        /// Where to.
        endpoint: String,
        /// What the system met.
        source: SourceKind,
    },
    /// [`CallErrorKind::Proxy`]
    Proxy {
        /// Where to.
        endpoint: String,
        /// Through which proxy.
        proxy: String,
        /// What went wrong.
        problem: RecordedProxyProblem,
    },
    /// [`CallErrorKind::Tls`]
    Tls {
        /// With whom.
        endpoint: String,
        /// What the TLS library met.
        source: SourceKind,
    },
    /// [`CallErrorKind::Certificate`]
    Certificate {
        /// Whose certificate it was.
        endpoint: String,
        /// What was wrong with it.
        #[serde(with = "ProblemForm")]
        problem: CertificateProblem,
        /// Its thumbprint.
        seen: String,
        /// What the TLS library met.
        source: SourceKind,
    },
    /// [`CallErrorKind::Pin`]
    Pin {
        /// Whose certificate it was.
        endpoint: String,
        /// The pin.
        wanted: String,
        /// The certificate's thumbprint.
        seen: String,
    },
    /// [`CallErrorKind::Cut`]
    Cut {
        /// How much of the request had left.
        #[serde(with = "SentForm")]
        sent: Sent,
        /// What the connection met.
        source: SourceKind,
    },
    /// [`CallErrorKind::Timeout`]
    Timeout {
        /// What took too long.
        #[serde(with = "PhaseForm")]
        phase: Phase,
        /// The limit, in milliseconds.
        limit_ms: u64,
        /// How much of the request had left.
        #[serde(with = "SentForm")]
        sent: Sent,
    },
    /// [`CallErrorKind::Garbled`]
    Garbled {
        /// What the reader met.
        source: SourceKind,
    },
    /// [`CallErrorKind::TooLarge`]
    TooLarge {
        /// `header` or `body`.
        part: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// [`CallErrorKind::ContentType`]
    ContentType {
        /// The content type.
        seen: String,
    },
    /// [`CallErrorKind::Decode`]
    Decode,
    /// [`CallErrorKind::Status`]
    Status {
        /// The HTTP status.
        status: u16,
        /// The delay that the server asked for, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// The point in time until which the server asked to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
        /// The error that the body was, as it was understood.
        #[serde(default, skip_serializing_if = "RecordedBody::is_empty")]
        body: RecordedBody,
    },
    /// [`CallErrorKind::Login`]
    Login {
        /// Why the log-in failed.
        failure: Box<RecordedFailure>,
    },
    /// [`CallErrorKind::Closed`]
    Closed,
    /// [`CallErrorKind::Other`]
    Other {
        /// What the transport met.
        source: SourceKind,
    },
}

/// A [`ProxyProblem`] as it is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RecordedProxyProblem {
    /// [`ProxyProblem::Dns`]
    Dns(SourceKind),
    /// [`ProxyProblem::Connect`]
    Connect(SourceKind),
    /// [`ProxyProblem::Credentials`]
    Credentials,
    /// [`ProxyProblem::Refused`]
    Refused(u16),
    /// [`ProxyProblem::Broken`]
    Broken(SourceKind),
}

impl From<&ProxyProblem> for RecordedProxyProblem {
    fn from(problem: &ProxyProblem) -> Self {
        match problem {
            ProxyProblem::Dns(source) => Self::Dns(source.into()),
            ProxyProblem::Connect(source) => Self::Connect(source.into()),
            ProxyProblem::Credentials => Self::Credentials,
            ProxyProblem::Refused(status) => Self::Refused(status.as_u16()),
            ProxyProblem::Broken(source) => Self::Broken(source.into()),
        }
    }
}

impl RecordedProxyProblem {
    fn to_problem(&self) -> Option<ProxyProblem> {
        Some(match self {
            Self::Dns(source) => ProxyProblem::Dns(source.into()),
            Self::Connect(source) => ProxyProblem::Connect(source.into()),
            Self::Credentials => ProxyProblem::Credentials,
            Self::Refused(status) => ProxyProblem::Refused(StatusCode::from_u16(*status).ok()?),
            Self::Broken(source) => ProxyProblem::Broken(source.into()),
        })
    }
}

impl RecordedError {
    /// What may be written down of `error`, where `strike_out` makes of a body what may.
    pub(super) fn of(error: &CallError, strike_out: &mut dyn FnMut(&[u8]) -> RecordedBody) -> Self {
        Self {
            effect: error.effect(),
            failure: RecordedFailure::of(error.kind(), strike_out),
        }
    }

    /// The error, about the call of `context`; `None` if the recording does not hold all of it.
    pub(super) fn to_error(&self, context: &CallContext) -> Option<CallError> {
        self.failure.to_kind(context).map(|kind| context.error(kind))
    }
}

impl RecordedFailure {
    fn of(kind: &CallErrorKind, strike_out: &mut dyn FnMut(&[u8]) -> RecordedBody) -> Self {
        match kind {
            CallErrorKind::Request(_) => Self::Request,
            CallErrorKind::Dns { endpoint, source } => Self::Dns {
                endpoint: endpoint.to_string(),
                source: source.into(),
            },
            CallErrorKind::Connect { endpoint, source } => Self::Connect {
                endpoint: endpoint.to_string(),
                source: source.into(),
            },
            CallErrorKind::Proxy(error) => Self::Proxy {
                endpoint: error.endpoint.to_string(),
                proxy: error.proxy.to_string(),
                problem: (&error.problem).into(),
            },
            CallErrorKind::Tls { endpoint, source } => Self::Tls {
                endpoint: endpoint.to_string(),
                source: source.into(),
            },
            CallErrorKind::Certificate(error) => Self::Certificate {
                endpoint: error.endpoint.to_string(),
                problem: error.problem,
                seen: error.seen.to_string(),
                source: (&error.source).into(),
            },
            CallErrorKind::Pin(mismatch) => Self::Pin {
                endpoint: mismatch.endpoint.to_string(),
                wanted: mismatch.wanted.to_string(),
                seen: mismatch.seen.to_string(),
            },
            CallErrorKind::Cut { sent, source } => Self::Cut {
                sent: *sent,
                source: source.into(),
            },
            CallErrorKind::Timeout { phase, limit, sent } => Self::Timeout {
                phase: *phase,
                limit_ms: milliseconds(*limit),
                sent: *sent,
            },
            CallErrorKind::Garbled(source) => Self::Garbled {
                source: source.into(),
            },
            CallErrorKind::TooLarge { part, limit } => Self::TooLarge {
                part: (*part).to_owned(),
                limit: *limit,
            },
            CallErrorKind::ContentType { seen } => Self::ContentType {
                seen: seen.to_string(),
            },
            CallErrorKind::Decode(_) => Self::Decode,
            CallErrorKind::Status(error) => Self::of_status(error, strike_out),
            CallErrorKind::Login(error) => Self::Login {
                failure: Box::new(Self::of(error.kind(), strike_out)),
            },
            CallErrorKind::Closed => Self::Closed,
            CallErrorKind::Other(source) => Self::Other {
                source: source.into(),
            },
        }
    }

    fn of_status(error: &StatusError, strike_out: &mut dyn FnMut(&[u8]) -> RecordedBody) -> Self {
        let body = error.error.as_ref().map(error_body).unwrap_or_default();
        Self::Status {
            status: error.status.as_u16(),
            retry_after_ms: error.retry_after.map(milliseconds),
            retry_at: error.retry_at,
            body: strike_out(&body),
        }
    }

    fn to_kind(&self, context: &CallContext) -> Option<CallErrorKind> {
        Some(match self {
            Self::Request => CallErrorKind::Request("the recording does not say why"),
            Self::Dns { endpoint, source } => CallErrorKind::Dns {
                endpoint: endpoint.as_str().into(),
                source: source.into(),
            },
            Self::Connect { endpoint, source } => CallErrorKind::Connect {
                endpoint: endpoint.as_str().into(),
                source: source.into(),
            },
            Self::Proxy {
                endpoint,
                proxy,
                problem,
            } => {
                let (endpoint, proxy) = (endpoint.as_str().into(), proxy.as_str().into());
                let error = ProxyError::new(endpoint, proxy, problem.to_problem()?);
                CallErrorKind::Proxy(Box::new(error))
            }
            Self::Tls { endpoint, source } => CallErrorKind::Tls {
                endpoint: endpoint.as_str().into(),
                source: source.into(),
            },
            Self::Certificate {
                endpoint,
                problem,
                seen,
                source,
            } => {
                let (endpoint, seen) = (endpoint.as_str().into(), seen.parse().ok()?);
                let error = CertificateError::new(endpoint, *problem, seen, source.into());
                CallErrorKind::Certificate(Box::new(error))
            }
            Self::Pin {
                endpoint,
                wanted,
                seen,
            } => {
                let (wanted, seen) = (wanted.parse().ok()?, seen.parse().ok()?);
                let mismatch = PinMismatch::new(endpoint.as_str().into(), wanted, seen);
                CallErrorKind::Pin(Box::new(mismatch))
            }
            Self::Cut { sent, source } => CallErrorKind::Cut {
                sent: *sent,
                source: source.into(),
            },
            Self::Timeout {
                phase,
                limit_ms,
                sent,
            } => CallErrorKind::Timeout {
                phase: *phase,
                limit: Duration::from_millis(*limit_ms),
                sent: *sent,
            },
            Self::Garbled { source } => CallErrorKind::Garbled(source.into()),
            Self::TooLarge { part, limit } => CallErrorKind::TooLarge {
                part: if part == "header" { "header" } else { "body" },
                limit: *limit,
            },
            Self::ContentType { seen } => CallErrorKind::ContentType {
                seen: seen.as_str().into(),
            },
            Self::Decode => {
                CallErrorKind::Decode(serde_json::Error::custom("the recording does not say why"))
            }
            Self::Status {
                status,
                retry_after_ms,
                retry_at,
                body,
            } => {
                let (service, body) = (context.operation().service, body.to_bytes()?);
                let error = ServiceError::decode(service, *status, Some("application/json"), &body);
                let retry_after = retry_after_ms.map(Duration::from_millis);
                let status = StatusCode::from_u16(*status).ok()?;
                let mut error = StatusError::new(status, retry_after, error);
                error.retry_at = *retry_at;
                CallErrorKind::Status(Box::new(error))
            }
            Self::Login { failure } => {
                CallErrorKind::Login(Arc::new(context.error(failure.to_kind(context)?)))
            }
            Self::Closed => CallErrorKind::Closed,
            Self::Other { source } => CallErrorKind::Other(source.into()),
        })
    }

    /// All texts of it that a server can have had a hand in, and its body.
    pub(super) fn texts(&mut self) -> (Vec<&mut String>, Option<&mut RecordedBody>) {
        match self {
            Self::Dns { endpoint, .. }
            | Self::Connect { endpoint, .. }
            | Self::Tls { endpoint, .. }
            | Self::Certificate { endpoint, .. }
            | Self::Pin { endpoint, .. } => (vec![endpoint], None),
            Self::Proxy { endpoint, proxy, .. } => (vec![endpoint, proxy], None),
            Self::ContentType { seen } => (vec![seen], None),
            Self::Status { body, .. } => (Vec::new(), Some(body)),
            Self::Login { failure } => failure.texts(),
            Self::Request
            | Self::Cut { .. }
            | Self::Timeout { .. }
            | Self::Garbled { .. }
            | Self::TooLarge { .. }
            | Self::Decode
            | Self::Closed
            | Self::Other { .. } => (Vec::new(), None),
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The kind of an error of the system, by its name in the standard library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceKind(String);

impl From<&io::Error> for SourceKind {
    fn from(error: &io::Error) -> Self {
        Self(format!("{:?}", error.kind()))
    }
}

impl From<&SourceKind> for io::Error {
    /// Kinds that connections do not end with become [`io::ErrorKind::Other`].
    fn from(source: &SourceKind) -> Self {
        const KINDS: [io::ErrorKind; 17] = [
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::NotConnected,
            io::ErrorKind::AddrNotAvailable,
            io::ErrorKind::NetworkDown,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::InvalidInput,
            io::ErrorKind::InvalidData,
            io::ErrorKind::TimedOut,
            io::ErrorKind::WriteZero,
            io::ErrorKind::Interrupted,
            io::ErrorKind::UnexpectedEof,
        ];
        let kind = KINDS.into_iter().find(|kind| format!("{kind:?}") == source.0);
        kind.unwrap_or(io::ErrorKind::Other).into()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Effect", rename_all = "snake_case")]
enum EffectForm {
    NotSent,
    Refused,
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Sent", rename_all = "snake_case")]
enum SentForm {
    Nothing,
    Part,
    Whole,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Phase", rename_all = "snake_case")]
enum PhaseForm {
    Queue,
    Session,
    Connect,
    FirstByte,
    Call,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CertificateProblem", rename_all = "snake_case")]
enum ProblemForm {
    Expired,
    NotYetValid,
    WrongName,
    UnknownIssuer,
    Invalid,
}

#[cfg(test)]
mod tests;
