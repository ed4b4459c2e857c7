//! A piece of remote work: started by one call, finished later, watched until then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_wire::{DecodeError, RawJson, Repeat, ServiceError};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Deadline, within};
use crate::error::{CallError, Retry};

/// Finds a piece of remote work again, also after a restart of this process: it goes into journals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId {
    /// Which kind of task it is, in the words of its client: "sms-task".
    pub kind: String,
    /// The endpoint that does the work, by its name in the plan.
    pub endpoint: String,
    /// The server's id.
    pub id: String,
}

impl OperationId {
    /// An id from its parts.
    pub fn new(kind: impl Into<String>, endpoint: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            endpoint: endpoint.into(),
            id: id.into(),
        }
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.kind, self.id, self.endpoint)
    }
}

/// What a look at a piece of remote work shows.
#[derive(Clone, Debug)]
pub enum TaskStatus {
    /// Queued or at work.
    Running {
        /// Percent done, if the server says so.
        progress: Option<u8>,
    },
    /// Done.
    Succeeded {
        /// What it brought, as the server wrote it.
        result: Option<RawJson>,
    },
    /// Ended without success.
    Failed {
        /// Why.
        error: ServiceError,
    },
    /// The server does not know it (any more), which says nothing about its outcome.
    Gone,
}

/// Looks at pieces of remote work of one kind.
#[async_trait]
pub trait TaskSource: fmt::Debug + Send + Sync {
    /// Looks once.
    ///
    /// # Errors
    /// Whatever the look met; it says nothing about the work.
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError>;

    /// Whether [`TaskSource::cancel`] does anything for this kind of work.
    fn can_cancel(&self) -> bool {
        false
    }

    /// Asks the server to stop the work. Whether it did is seen by further polling.
    ///
    /// # Errors
    /// Whatever the call met.
    async fn cancel(&self, id: &OperationId) -> Result<(), CallError> {
        let _ = id;
        Ok(())
    }
}

/// When a wait looks: soon at first, less often later, and at its own pace while the looks themselves fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollPolicy {
    /// The pause after the first look; each further one is half as long again.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// The pause after a look that failed; it doubles with each failure in a row.
    pub first_pause_after_error: Duration,
    /// No pause after a failed look is longer.
    pub longest_pause_after_error: Duration,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            first_pause_after_error: Duration::from_secs(1),
            longest_pause_after_error: Duration::from_secs(15),
        }
    }
}

impl PollPolicy {
    /// The default policy with other pauses between looks.
    #[must_use]
    pub fn between(first_pause: Duration, longest_pause: Duration) -> Self {
        Self {
            first_pause,
            longest_pause,
            ..Self::default()
        }
    }
}

/// A wait that ended without the work's result.
#[derive(Debug, thiserror::Error)]
#[error("waiting for {id} ended without its result")]
pub struct WaitError {
    id: OperationId,
    #[source]
    kind: WaitErrorKind,
}

/// Why a wait ended without the work's result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitErrorKind {
    /// The deadline passed; the work goes on at the server.
    #[error("it was not done within {} s", .limit.as_secs())]
    Deadline {
        /// The time that the wait was given.
        limit: Duration,
        /// Why the last look failed, if it did.
        #[source]
        last_error: Option<CallError>,
    },
    /// The work failed.
    #[error("it failed")]
    Failed(#[source] ServiceError),
    /// The server does not know it; its outcome is unknown.
    #[error("the server does not know it")]
    Gone,
    /// A look failed in a way that further looks would not mend; the work may go on.
    #[error("its state cannot be read")]
    Call(#[source] CallError),
    /// The work is done, but its result is not what the schema promises.
    #[error("its result cannot be decoded")]
    Decode(#[source] DecodeError),
}

impl WaitError {
    /// The work that was waited for.
    #[must_use]
    pub fn id(&self) -> &OperationId {
        &self.id
    }

    /// Why the wait ended.
    #[must_use]
    pub fn kind(&self) -> &WaitErrorKind {
        &self.kind
    }

    /// Why the wait ended, by value.
    #[must_use]
    pub fn into_kind(self) -> WaitErrorKind {
        self.kind
    }
}

/// Reads the result of a piece of work.
type Decode<T> = Arc<dyn Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync>;

/// A piece of remote work whose result is a `T`.
///
/// Dropping it leaves the work at the server as it is.
pub struct RemoteOperation<T> {
    id: OperationId,
    source: Arc<dyn TaskSource>,
    decode: Decode<T>,
}

impl<T> Clone for RemoteOperation<T> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            source: Arc::clone(&self.source),
            decode: Arc::clone(&self.decode),
        }
    }
}

impl<T> fmt::Debug for RemoteOperation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOperation")
            .field("id", &self.id)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<T> RemoteOperation<T> {
    /// The work `id`, as `source` sees it, with a reader for its result.
    pub fn new(
        id: OperationId,
        source: Arc<dyn TaskSource>,
        decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            source,
            decode: Arc::new(decode),
        }
    }

    /// Finds the work again.
    #[must_use]
    pub fn id(&self) -> &OperationId {
        &self.id
    }

    /// Looks once.
    ///
    /// # Errors
    /// Whatever the look met; it says nothing about the work.
    pub async fn poll(&self) -> Result<TaskStatus, CallError> {
        self.source.poll(&self.id).await
    }

    /// Whether the work can be cancelled.
    #[must_use]
    pub fn can_cancel(&self) -> bool {
        self.source.can_cancel()
    }

    /// Asks the server to stop the work; does nothing where [`RemoteOperation::can_cancel`] is false.
    ///
    /// # Errors
    /// Whatever the call met.
    pub async fn cancel(&self) -> Result<(), CallError> {
        self.source.cancel(&self.id).await
    }

    /// Looks again and again until the work has ended or `limit` has passed.
    ///
    /// Looks that fail for a passing reason (a connection, a timeout, a server that restarts) are borne until the
    /// deadline.
    ///
    /// # Errors
    /// [`WaitError`]; after every kind but [`WaitErrorKind::Failed`] and [`WaitErrorKind::Decode`] the work may
    /// still go on.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the server.
    pub async fn until_done(
        &self,
        limit: Duration,
        clock: &dyn Clock,
        policy: PollPolicy,
    ) -> Result<T, WaitError> {
        let outcome = self.watch(limit, clock, policy).await;
        outcome
            .and_then(|result| (self.decode)(result).map_err(WaitErrorKind::Decode))
            .map_err(|kind| WaitError {
                id: self.id.clone(),
                kind,
            })
    }

    async fn watch(
        &self,
        limit: Duration,
        clock: &dyn Clock,
        policy: PollPolicy,
    ) -> Result<Option<RawJson>, WaitErrorKind> {
        let deadline = Deadline::after(clock, limit);
        let mut pauses = Pauses::new(policy);
        let mut last_error = None;
        loop {
            let Ok(look) = within(clock, deadline.left(clock), self.poll()).await else {
                return Err(WaitErrorKind::Deadline { limit, last_error });
            };
            let pause = match look {
                Ok(TaskStatus::Succeeded { result }) => return Ok(result),
                Ok(TaskStatus::Failed { error }) => return Err(WaitErrorKind::Failed(error)),
                Ok(TaskStatus::Gone) => return Err(WaitErrorKind::Gone),
                Ok(TaskStatus::Running { .. }) => {
                    last_error = None;
                    pauses.after_look()
                }
                Err(error) => {
                    let pause = match error.retry(Repeat::Harmless) {
                        Retry::Now => pauses.after_error(),
                        Retry::After(delay) => delay.max(pauses.after_error()),
                        Retry::CheckFirst | Retry::Never => return Err(WaitErrorKind::Call(error)),
                    };
                    last_error = Some(error);
                    pause
                }
            };
            let left = deadline.left(clock);
            if left.is_zero() {
                return Err(WaitErrorKind::Deadline { limit, last_error });
            }
            // The last look happens right at the deadline, whatever the pause would have been.
            clock.sleep(pause.min(left)).await;
        }
    }
}

/// The shortest pause: a wait must not turn into a busy loop, whatever the policy says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The pauses of one wait.
struct Pauses {
    policy: PollPolicy,
    look: Duration,
    error: Duration,
}

impl Pauses {
    fn new(policy: PollPolicy) -> Self {
        Self {
            policy,
            look: policy.first_pause,
            error: policy.first_pause_after_error,
        }
    }

    fn after_look(&mut self) -> Duration {
        self.error = self.policy.first_pause_after_error;
        let pause = self.look.min(self.policy.longest_pause).max(SHORTEST_PAUSE);
        self.look = pause.saturating_add(pause / 2);
        pause
    }

    fn after_error(&mut self) -> Duration {
        let pause = self
            .error
            .min(self.policy.longest_pause_after_error)
            .max(SHORTEST_PAUSE);
        self.error = pause.saturating_mul(2);
        pause
    }
}

#[cfg(test)]
mod tests;
