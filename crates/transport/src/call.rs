//! One call: what is asked, of which object, how often it may be sent and how long it may take.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::{Operation, Repeat};
use http::{Request, Response};

use crate::error::{CallError, CallErrorKind};
use crate::random::process_seed;
use crate::retry::RetryPolicy;

/// The time a call may take when it names none.
pub const DEFAULT_CALL_LIMIT: Duration = Duration::from_secs(60);

/// Sends calls: over HTTPS, to a simulator, to a script, or through another transport.
///
/// Whoever implements it takes the place of HTTPS, or wraps what does; [`Stack`](crate::Stack) shows both.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends one call and resolves to the complete answer, whose status is 2xx, or to an error, at the latest
    /// when the call's [time limit](Call::time_limit) has passed.
    ///
    /// # Errors
    /// [`CallError`] for every other status and for whatever kept the answer away; [`CallError::effect`] says what
    /// the server can have done.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown: the server may have got the request, and may act on it.
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError>;
}

/// Identifies one call in errors and trace events of this process. All attempts of a call share it. It is not
/// sent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Id);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    /// Made into text only where somebody reads it.
    Number(u64),
    Text(Arc<str>),
}

/// Tells the ids of this process from those of others.
static PROCESS: LazyLock<u32> = LazyLock::new(|| process_seed() as u32);

impl RequestId {
    /// An id that no other call of this process has.
    #[must_use]
    pub fn unique() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self(Id::Number(COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// An id chosen by the caller.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Id::Text(id.into()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Number(number) => write!(f, "{:08x}-{number}", *PROCESS),
            Id::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

/// A request with all that the layers between client and server must know about it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Call {
    /// The operation of the schema.
    pub operation: &'static Operation,
    /// The object it is about, in words: "group rg-7 at provider p1".
    pub target: Arc<str>,
    /// Names this call in errors and trace events.
    pub request_id: RequestId,
    /// Whether it may be sent again after an outcome nobody knows; the operation's rule unless overruled.
    pub repeat: Repeat,
    /// Sent once, and not again in another session either: see [`Call::once`].
    pub once: bool,
    /// Sent as it is, without a session; the operation's mark unless overruled by [`Call::with_session`].
    pub anonymous: bool,
    /// Time left for the whole call, all waits and attempts included; `None` stands for [`DEFAULT_CALL_LIMIT`].
    pub deadline: Option<Duration>,
    /// When it is sent again, in place of the policy of its client.
    pub retry: Option<RetryPolicy>,
    /// The request. Its URI holds path and query only: the transport knows its host.
    pub request: Request<Bytes>,
}

impl Call {
    /// A call with the operation's own rules and a fresh request id.
    pub fn new(operation: &'static Operation, target: impl Into<Arc<str>>, request: Request<Bytes>) -> Self {
        Self {
            operation,
            target: target.into(),
            request_id: RequestId::unique(),
            repeat: operation.repeat,
            once: false,
            anonymous: operation.anonymous,
            deadline: None,
            retry: None,
            request,
        }
    }

    /// Limits the whole call.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Overrules the operation's repeat rule.
    #[must_use]
    pub fn with_repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// No layer sends the call twice, not even after an answer that it was not acted upon. For what is right only as long as
    /// the world is as its caller has seen it: a session that has ended may be the sign that it is not.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Settles for this call alone when it is sent again, in place of the policy of its client. What may not be
    /// repeated is not, whatever the policy.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Sends the call within the session although the operation can be called without one.
    #[must_use]
    pub fn with_session(mut self) -> Self {
        self.anonymous = false;
        self
    }

    /// Names the call for support and logs.
    #[must_use]
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.request_id = request_id;
        self
    }

    /// What an error about this call must carry.
    #[must_use]
    pub fn context(&self) -> CallContext {
        CallContext {
            operation: self.operation,
            target: Arc::clone(&self.target),
            request_id: self.request_id.clone(),
        }
    }

    /// The time this call may take, counted from this moment.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        self.deadline.unwrap_or(DEFAULT_CALL_LIMIT)
    }
}

// By hand: headers carry sessions, bodies carry passwords.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation.id)
            .field("target", &self.target)
            .field("request_id", &self.request_id)
            .field("repeat", &self.repeat)
            .field("once", &self.once)
            .field("anonymous", &self.anonymous)
            .field("deadline", &self.deadline)
            .field("retry", &self.retry)
            .field("method", self.request.method())
            .field("path", &self.request.uri().path())
            .field("body_bytes", &self.request.body().len())
            .finish_non_exhaustive()
    }
}

/// Which call it was: kept after the call has been handed on, for errors and for judging its answer.
#[derive(Clone, Debug)]
pub struct CallContext {
    pub(crate) operation: &'static Operation,
    pub(crate) target: Arc<str>,
    pub(crate) request_id: RequestId,
}

impl CallContext {
    /// The operation of the schema.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// The object it was about.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// An error about this call.
    #[must_use]
    pub fn error(&self, kind: CallErrorKind) -> CallError {
        CallError::new(self.clone(), kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::operations::READ;

    #[test]
    fn request_ids_differ() {
        assert_ne!(RequestId::unique(), RequestId::unique());
    }

    #[test]
    fn debug_shows_neither_headers_nor_body_nor_query() {
        let request = Request::builder()
            .uri("/path?token=hunter2")
            .header("x-session", "hunter2")
            .body(Bytes::from_static(b"hunter2"))
            .expect("a request");
        let shown = format!("{:?}", Call::new(&READ, "thing 1", request));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("thing 1") && shown.contains("body_bytes: 7"),
            "{shown}"
        );
    }
}
