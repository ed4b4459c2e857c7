//! Why a call failed, what the server can have done, and what a caller may do next.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use farside_wire::{Fault, Operation, Repeat, ServiceError, StdErrorType, Timestamp};
use http::StatusCode;

use crate::call::{CallContext, RequestId};

mod certificate;
mod proxy;

pub use certificate::{CertificateError, CertificateProblem, PinMismatch};
pub use proxy::{ProxyError, ProxyProblem};

/// A failed call: what was attempted, on what, and why it failed.
///
/// ```
/// # use farside_transport::{CallError, Effect};
/// fn may_be_sent_again_without_a_look(error: &CallError) -> bool {
///     match error.effect() {
///         Effect::NotSent | Effect::Refused => true,
///         Effect::Unknown => false,
///     }
/// }
/// ```
///
/// Clones are the same error: one look that failed can be told to all who wait for it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} on {} failed (request {})", .context.operation.id, .context.target, .context.request_id)]
pub struct CallError {
    context: CallContext,
    #[source]
    kind: Arc<CallErrorKind>,
}

/// What the server can have done about a failed call.
///
/// The rule, cause by cause. A server acts on a whole request only; what is in doubt is [`Effect::Unknown`].
///
/// | cause | [`CallErrorKind`] | effect |
/// | --- | --- | --- |
/// | the request is not one that is sent; the client is closed | `Request`, `Closed` | not sent |
/// | no address, no connection, no TLS session | `Dns`, `Connect`, `Tls` | not sent |
/// | a proxy that is not there, wants other credentials (407), or refuses to connect | `Proxy` | not sent |
/// | the certificate is not accepted, or is not the pinned one | `Certificate`, `Pin` | not sent |
/// | no session can be had | `Login` | not sent |
/// | cut, or a time limit passed, before the last byte of the request was handed on | `Cut`, `Timeout` with [`Sent::Nothing`], [`Sent::Part`] | not sent |
/// | cut, or a time limit passed, after that | `Cut`, `Timeout` with [`Sent::Whole`] | unknown |
/// | status 400, 401, 403, 404, 409, 429, with an error body or without | `Status` | refused |
/// | any status with an error that the operation lists as refused before acting | `Status` | refused |
/// | 400 with `RESOURCE_BUSY`, `RESOURCE_INACCESSIBLE`, `UNABLE_TO_ALLOCATE_RESOURCE` of vCenter REST, which the documents have with 500 | `Status` | unknown |
/// | any other status: 500 with another fault or without one, 502, 503 with Retry-After or without, 504 | `Status` | unknown |
/// | the answer is no HTTP, or larger than the limit | `Garbled`, `TooLarge` | unknown |
/// | a success whose body is not JSON, by its own account or in fact, or not what was promised | `ContentType`, `Decode` | unknown |
/// | anything that only a particular transport knows | `Other` | unknown |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The server cannot have acted: it never had the whole request.
    NotSent,
    /// The server answered that it did not act.
    Refused,
    /// The server may have acted.
    Unknown,
}

/// What a caller may do after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may be sent again, after a pause of the caller's choice.
    Now,
    /// The same call may be sent again after this time, which the server asked for.
    After(Duration),
    /// Only a look at the server can tell what happened; nothing may be sent again before it.
    CheckFirst,
    /// The same call would fail again.
    Never,
}

/// How much of a request can have reached the server when its exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Not one byte was handed to the connection.
    Nothing,
    /// Provably less than the whole request: no server can have read it to its end.
    Part,
    /// The whole request, or nobody knows.
    Whole,
}

/// The part of a call that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a place among the calls in flight.
    Queue,
    /// Waiting for a login.
    Session,
    /// Resolving the name, connecting, TLS handshake.
    Connect,
    /// Waiting for the first byte of the answer.
    FirstByte,
    /// Anything else of the whole call.
    Call,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The request is not one that a transport sends, whatever the server.
    #[error("the request cannot be sent: {0}")]
    Request(&'static str),
    /// The host's name has no address.
    #[error("the name of {endpoint} cannot be resolved")]
    Dns {
        /// Host and port.
        endpoint: Arc<str>,
        /// What the resolver said.
        source: io::Error,
    },
    /// No TCP connection to the host.
    #[error("no connection to {endpoint}")]
    Connect {
        /// Host and port.
        endpoint: Arc<str>,
        /// What the system said.
        source: io::Error,
    },
    /// A proxy on the way did not connect to the host.
    #[error(transparent)]
    Proxy(Box<ProxyError>),
    /// The TLS handshake failed for another reason than the certificate.
    #[error("no TLS session with {endpoint}")]
    Tls {
        /// Host and port.
        endpoint: Arc<str>,
        /// What the TLS library said.
        source: io::Error,
    },
    /// The host's certificate was not accepted.
    #[error(transparent)]
    Certificate(Box<CertificateError>),
    /// The host's certificate is not the pinned one.
    #[error(transparent)]
    Pin(Box<PinMismatch>),
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer was complete ({sent})")]
    Cut {
        /// How much of the request had left.
        sent: Sent,
        /// What the connection said.
        source: io::Error,
    },
    /// A time limit passed.
    #[error("{phase} took more than {} ms ({sent})", .limit.as_millis())]
    Timeout {
        /// What took too long.
        phase: Phase,
        /// The limit.
        limit: Duration,
        /// How much of the request had left.
        sent: Sent,
    },
    /// What came back is not HTTP.
    #[error("the answer is not HTTP")]
    Garbled(#[source] io::Error),
    /// The answer is larger than the limit; the rest of it was not read.
    #[error("the answer's {part} is larger than {limit} bytes")]
    TooLarge {
        /// "header" or "body".
        part: &'static str,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The answer reports success, but its body is not JSON by its own account (a proxy's page, for example).
    #[error("the answer's content type is {seen:?}, not JSON")]
    ContentType {
        /// The content type.
        seen: Box<str>,
    },
    /// The answer reports success, but its body is not what the schema promises.
    #[error("the answer cannot be decoded")]
    Decode(#[source] serde_json::Error),
    /// The server answered with a status other than 2xx.
    #[error(transparent)]
    Status(Box<StatusError>),
    /// No session could be had, so the call was not sent.
    #[error("the login failed")]
    Login(#[source] Arc<CallError>),
    /// The client was closed.
    #[error("the client has been closed")]
    Closed,
    /// A failure that only a particular transport knows.
    #[error("the transport failed")]
    Other(#[source] io::Error),
}

/// An answer whose status is not 2xx.
#[derive(Debug)]
#[non_exhaustive]
pub struct StatusError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The delay that the server asked for.
    pub retry_after: Option<Duration>,
    /// The point in time until which the server asked to wait, if it said so without saying what time it is.
    pub retry_at: Option<Timestamp>,
    /// The decoded body, if it is an error of the operation's service.
    pub error: Option<ServiceError>,
}

impl StatusError {
    /// An answer with this status.
    #[must_use]
    pub fn new(status: StatusCode, retry_after: Option<Duration>, error: Option<ServiceError>) -> Self {
        Self {
            status,
            retry_after,
            retry_at: None,
            error,
        }
    }

    /// The status that counts: where the sources do not agree on that of an error's type, the one that promises less.
    pub(crate) fn weight(&self) -> u16 {
        if self.is_about_resource() {
            500
        } else {
            self.status.as_u16()
        }
    }

    /// Whether a resource of vCenter is busy, out of reach or used up. The documents have these types with 500, a table of the
    /// runtime has them with 400, so the type decides (vCenter REST wire rules 7).
    fn is_about_resource(&self) -> bool {
        let Some(ServiceError::Std(error)) = &self.error else {
            return false;
        };
        matches!(
            error.error_type,
            Some(
                StdErrorType::ResourceBusy
                    | StdErrorType::ResourceInaccessible
                    | StdErrorType::UnableToAllocateResource
            )
        )
    }

    /// Whether the status alone, or the error's code for this operation, says that nothing was done.
    fn refuses(&self, operation: &Operation) -> bool {
        let by_status = matches!(self.weight(), 400 | 401 | 403 | 404 | 409 | 429);
        let by_code = |error: &ServiceError| operation.refused_before_acting.contains(&error.code());
        by_status || self.error.as_ref().is_some_and(by_code)
    }

    /// Whether a proxy or a server that is starting says this, or a resource that is busy, so that a read may succeed later.
    fn passes(&self) -> bool {
        match self.weight() {
            429 | 502 | 503 | 504 => true,
            500 => self.error.is_none() || self.is_about_resource(),
            _ => self.retry_after.is_some() || self.retry_at.is_some(),
        }
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status.as_u16())?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StatusError {}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no byte of the request had been sent",
            Self::Part => "the request had not been sent to its end",
            Self::Whole => "the request had been sent",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "waiting for other calls",
            Self::Session => "waiting for the login",
            Self::Connect => "connecting",
            Self::FirstByte => "waiting for the answer",
            Self::Call => "the call",
        })
    }
}

impl Sent {
    /// A server acts on a whole request only.
    fn effect(self) -> Effect {
        match self {
            Self::Nothing | Self::Part => Effect::NotSent,
            Self::Whole => Effect::Unknown,
        }
    }
}

impl CallErrorKind {
    /// What the server can have done, for a call of `operation`.
    #[must_use]
    pub fn effect(&self, operation: &Operation) -> Effect {
        match self {
            Self::Request(_)
            | Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Proxy(_)
            | Self::Tls { .. }
            | Self::Certificate(_)
            | Self::Pin(_)
            | Self::Login(_)
            | Self::Closed => Effect::NotSent,
            Self::Cut { sent, .. } | Self::Timeout { sent, .. } => sent.effect(),
            Self::Status(status) if status.refuses(operation) => Effect::Refused,
            Self::Status(_)
            | Self::Garbled(_)
            | Self::TooLarge { .. }
            | Self::ContentType { .. }
            | Self::Decode(_)
            | Self::Other(_) => Effect::Unknown,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    fn passes(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Cut { .. }
            | Self::Timeout { .. } => true,
            Self::Proxy(error) => error.problem.passes(),
            Self::Status(status) => status.passes(),
            Self::Login(login) => login.kind.passes(),
            Self::Request(_)
            | Self::Certificate(_)
            | Self::Pin(_)
            | Self::Garbled(_)
            | Self::TooLarge { .. }
            | Self::ContentType { .. }
            | Self::Decode(_)
            | Self::Closed
            | Self::Other(_) => false,
        }
    }

    /// The answer that refused the call, or the login before it.
    fn refusal(&self) -> Option<&StatusError> {
        match self {
            Self::Status(status) => Some(status),
            Self::Login(login) => login.kind.refusal(),
            Self::Request(_)
            | Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Proxy(_)
            | Self::Tls { .. }
            | Self::Certificate(_)
            | Self::Pin(_)
            | Self::Cut { .. }
            | Self::Timeout { .. }
            | Self::Garbled(_)
            | Self::TooLarge { .. }
            | Self::ContentType { .. }
            | Self::Decode(_)
            | Self::Closed
            | Self::Other(_) => None,
        }
    }

    /// A short word for the kind, for labels.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Proxy(_) => "proxy",
            Self::Tls { .. } => "tls",
            Self::Certificate(_) => "certificate",
            Self::Pin(_) => "pin",
            Self::Cut { .. } => "cut",
            Self::Timeout { .. } => "timeout",
            Self::Garbled(_) => "garbled",
            Self::TooLarge { .. } => "too_large",
            Self::ContentType { .. } => "content_type",
            Self::Decode(_) => "decode",
            Self::Status(_) => "status",
            Self::Login(_) => "login",
            Self::Closed => "closed",
            Self::Other(_) => "other",
        }
    }
}

impl CallError {
    /// An error about the call that `context` names.
    #[must_use]
    pub fn new(context: CallContext, kind: CallErrorKind) -> Self {
        Self {
            context,
            kind: Arc::new(kind),
        }
    }

    /// The operation of the schema.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        self.context.operation
    }

    /// The object that the call was about, in words.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.context.target
    }

    /// The call's id in this process.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.context.request_id
    }

    /// Why it failed.
    #[must_use]
    pub fn kind(&self) -> &CallErrorKind {
        &self.kind
    }

    /// The HTTP status of the answer, if that is what failed.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status_error().map(|status| status.status)
    }

    /// The decoded error body, of whichever dialect.
    #[must_use]
    pub fn service_error(&self) -> Option<&ServiceError> {
        self.status_error().and_then(|status| status.error.as_ref())
    }

    /// The decoded fault, if the operation's service answers with faults.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.service_error()?.as_fault()
    }

    /// What the server can have done.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.kind.effect(self.context.operation)
    }

    /// Whether the call was refused because its session had ended: 401, or a `NotAuthenticated` of whichever dialect that says
    /// that nothing was done.
    #[must_use]
    pub fn lacked_session(&self) -> bool {
        self.effect() == Effect::Refused
            && (self.status() == Some(StatusCode::UNAUTHORIZED)
                || self
                    .service_error()
                    .is_some_and(|error| error.code() == "NotAuthenticated"))
    }

    /// What a caller may do next with a call that has this repeat rule.
    ///
    /// Sending again is advised only for what cannot have happened or is harmless to repeat, and only where it
    /// can end differently.
    #[must_use]
    pub fn retry(&self, repeat: Repeat) -> Retry {
        match (self.effect(), repeat) {
            (Effect::Unknown, Repeat::OnlyIfNeverSent) => Retry::CheckFirst,
            (Effect::Unknown, Repeat::Harmless) | (Effect::NotSent | Effect::Refused, _) => {
                match self.kind.refusal().and_then(|refusal| refusal.retry_after) {
                    _ if !self.kind.passes() => Retry::Never,
                    Some(delay) => Retry::After(delay),
                    None => Retry::Now,
                }
            }
        }
    }

    /// The point in time until which the server asked to wait, where it gave one that only a clock can turn into a
    /// delay. [`Retry::Now`] then means: from this time on.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.kind.refusal()?.retry_at
    }

    /// What trace events carry in `error.type`: the status, or the kind's [name](CallErrorKind::name).
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        match self.status() {
            Some(status) => Cow::Owned(status.as_u16().to_string()),
            None => Cow::Borrowed(self.kind.name()),
        }
    }

    fn status_error(&self) -> Option<&StatusError> {
        let CallErrorKind::Status(status) = self.kind() else {
            return None;
        };
        Some(status)
    }
}

#[cfg(test)]
mod tests;
