//! A hook for numbers about calls and sessions: counters, gauges and histograms of the user's own choice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use farside_wire::Operation;

use crate::error::CallError;

/// Is told what happens in a stack, while it happens. Each method does nothing unless it is overridden.
///
/// The methods are called on the way of the calls: they must return at once, must not block and must not panic.
/// `endpoint` is the name that the stack was given. No value that is passed holds a secret.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use farside_transport::{CallEnd, CallOutcome, Metrics};
/// use farside_wire::Operation;
///
/// /// Counts calls whose effect nobody knows.
/// #[derive(Debug, Default)]
/// struct Doubts(AtomicU64);
///
/// impl Metrics for Doubts {
///     fn call_ended(&self, _endpoint: &str, _operation: &'static Operation, end: &CallEnd<'_>) {
///         if let CallOutcome::Failed(error) = end.outcome
///             && error.effect() == farside_transport::Effect::Unknown
///         {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Metrics: fmt::Debug + Send + Sync {
    /// A call has come in. Each one is followed by exactly one [`Metrics::call_ended`].
    fn call_started(&self, endpoint: &str, operation: &'static Operation) {
        let _ = (endpoint, operation);
    }

    /// A call has ended, all its attempts together, in whichever way.
    fn call_ended(&self, endpoint: &str, operation: &'static Operation, end: &CallEnd<'_>) {
        let _ = (endpoint, operation, end);
    }

    /// A call is about to be sent again.
    fn call_retried(&self, endpoint: &str, operation: &'static Operation, repeat: &CallRepeat<'_>) {
        let _ = (endpoint, operation, repeat);
    }

    /// Something has happened to the session.
    fn session_changed(&self, endpoint: &str, event: SessionEvent) {
        let _ = (endpoint, event);
    }
}

/// How a call ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// Time from when it came in, all waits and attempts included.
    pub duration: Duration,
    /// Length of the request's body.
    pub request_bytes: usize,
    /// What came of it.
    pub outcome: CallOutcome<'a>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CallOutcome<'a> {
    /// A success.
    Answered {
        /// The HTTP status.
        status: u16,
        /// Length of the answer's body.
        bytes: usize,
    },
    /// An error.
    Failed(&'a CallError),
    /// The caller dropped the call before it ended; the server may have acted.
    Dropped,
}

/// Why and when a call is sent again.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallRepeat<'a> {
    /// Number of this repeat, from one.
    pub number: u32,
    /// The pause before it.
    pub pause: Duration,
    /// How the attempt before it failed.
    pub error: &'a CallError,
}

/// What happens to sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A login went well.
    LoggedIn,
    /// A login failed for a passing reason.
    LoginFailed,
    /// The server refused a login; none is tried until the hold-off ends.
    Refused,
    /// A call showed that the session has ended.
    Died,
    /// The session's lifetime was nearly over, so that another one is opened.
    Expired,
    /// The session was given up on the user's word.
    Invalidated,
    /// An answer brought another token.
    Renewed,
    /// An idle session was used to keep it alive.
    KeptAlive,
    /// The session was logged out, or that was tried.
    LoggedOut,
}

impl SessionEvent {
    /// The event as one word, for a label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LoggedIn => "logged_in",
            Self::LoginFailed => "login_failed",
            Self::Refused => "refused",
            Self::Died => "died",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
            Self::Renewed => "renewed",
            Self::KeptAlive => "kept_alive",
            Self::LoggedOut => "logged_out",
        }
    }
}

/// What the layers of one stack tell the world about themselves.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    endpoint: Arc<str>,
    metrics: Option<Arc<dyn Metrics>>,
}

impl Observer {
    pub(crate) fn new(endpoint: Arc<str>, metrics: Option<Arc<dyn Metrics>>) -> Self {
        Self { endpoint, metrics }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether anybody counts.
    pub(crate) fn counts(&self) -> bool {
        self.metrics.is_some()
    }

    pub(crate) fn started(&self, operation: &'static Operation) {
        if let Some(metrics) = &self.metrics {
            metrics.call_started(&self.endpoint, operation);
        }
    }

    pub(crate) fn ended(&self, operation: &'static Operation, end: &CallEnd<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.call_ended(&self.endpoint, operation, end);
        }
    }

    pub(crate) fn retried(&self, operation: &'static Operation, repeat: &CallRepeat<'_>) {
        tracing::debug!(
            http.request.resend_count = repeat.number,
            error.type = &*repeat.error.error_type(),
            pause_ms = u64::try_from(repeat.pause.as_millis()).unwrap_or(u64::MAX),
            "sending again"
        );
        if let Some(metrics) = &self.metrics {
            metrics.call_retried(&self.endpoint, operation, repeat);
        }
    }

    pub(crate) fn session(&self, event: SessionEvent) {
        tracing::debug!(
            peer.service = &*self.endpoint,
            farside.session.event = event.name(),
            "session"
        );
        if let Some(metrics) = &self.metrics {
            metrics.session_changed(&self.endpoint, event);
        }
    }
}
