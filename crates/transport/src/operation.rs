//! A piece of remote work: started by one call, finished later, watched until then.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_wire::{DecodeError, RawJson, ServiceError};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::CallError;

mod duty;
mod foreign;
mod policy;
mod turns;
mod wait;

pub use duty::{Duty, Term};
pub use foreign::ForeignOperation;
pub use policy::{PollErrors, PollPauses, PollPolicy};
pub use turns::{Turn, Turns};
pub use wait::{WaitError, WaitErrorKind};

use wait::Watcher;

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

/// How far a piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Percent done, if the server says so.
    pub percent: Option<u8>,
}

/// What became of the wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Cancellation {
    /// The server was asked and did not refuse. Whether the work stops, or ends before that, is seen by looking.
    Asked,
    /// This kind of work cannot be cancelled; nothing was sent.
    NotPossible,
}

/// The look that a wait wants next.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NextLook<'a> {
    /// How long to wait before it, where the source cannot know that there is news: nothing for the first look, then what
    /// the [`PollPolicy`] says.
    pub pause: Duration,
    /// How long the wait goes on; at least `pause`.
    pub left: Duration,
    /// What the wait saw last, while the work was running; `None` before the first look and after one that failed.
    pub seen: Option<Progress>,
    /// The time to wait by.
    pub clock: &'a dyn Clock,
}

/// How much longer a pause may get by [`NextLook::spread`], in parts of the pause.
const SPREAD_PARTS: u32 = 4;

impl NextLook<'_> {
    /// Waits for the pause and up to a quarter of it more, but not beyond the end of the wait, so that waits which began together do
    /// not stay in step. How much more is drawn from the id and the time, so that the same waits give the same looks.
    ///
    /// For sources that ask for each piece of work by itself; [`NextLook::turn`] also waits for a turn.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn spread(&self, id: &OperationId) {
        let mut hasher = DefaultHasher::new();
        (&id.id, self.clock.elapsed()).hash(&mut hasher);
        let share = u32::from(hasher.finish().to_be_bytes()[0]);
        let more = (self.pause / SPREAD_PARTS).saturating_mul(share) / u32::from(u8::MAX);
        self.clock
            .sleep(self.pause.saturating_add(more).min(self.left))
            .await;
    }

    /// As [`NextLook::spread`], and then until one of the looks that are under way at once has ended. The look is to be made
    /// while the turn is held.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn turn<'t>(&self, id: &OperationId, turns: &'t Turns) -> Turn<'t> {
        self.spread(id).await;
        turns.take().await
    }
}

/// Looks at pieces of remote work of one kind, at one endpoint. Given an id of other work, each of its calls ends with the error of
/// one that was not sent ([`ForeignOperation::not_sent`]): another server's id may be one of its own work as well.
#[async_trait]
pub trait TaskSource: fmt::Debug + Send + Sync {
    /// Looks once, with a call of its own.
    ///
    /// # Errors
    /// Whatever the look met; it says nothing about the work.
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError>;

    /// Looks when a look is due: by default after [`NextLook::pause`], with [`TaskSource::poll`].
    ///
    /// A source that learns of many pieces of work with one call answers as soon as it knows of something other than
    /// [`NextLook::seen`], and goes by its own pace instead of the pause. It answers with an error at most once for
    /// each of its own looks that failed. The caller bounds the time.
    ///
    /// # Errors
    /// Whatever the look met; it says nothing about the work.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        look.clock.sleep(look.pause).await;
        self.poll(id).await
    }

    /// After this time, [`TaskSource::next`] is dropped and called again, with the same [`NextLook::seen`]; `None` lets it take its
    /// time. A source whose waits rely on one of them is told so that the others are there still, and can see to it that the one
    /// is ([`Duty::LONGEST_SILENCE`]).
    fn comes_again_after(&self) -> Option<Duration> {
        None
    }

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

    /// Asks the server to stop the work, where its kind can be cancelled.
    ///
    /// # Errors
    /// Whatever the call met.
    pub async fn cancel(&self) -> Result<Cancellation, CallError> {
        if !self.can_cancel() {
            return Ok(Cancellation::NotPossible);
        }
        self.source.cancel(&self.id).await?;
        Ok(Cancellation::Asked)
    }

    /// Looks again and again until the work has ended or `limit` has passed.
    ///
    /// Looks that fail for a passing reason (a connection, a timeout, a server that restarts) are borne as long as
    /// [`PollErrors`] says: by default until the deadline.
    ///
    /// # Errors
    /// [`WaitError`]; after every kind but [`WaitErrorKind::Failed`] and [`WaitErrorKind::Decode`] the work may
    /// still go on.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the server.
    pub fn until_done<'a>(
        &'a self,
        limit: Duration,
        clock: &'a dyn Clock,
        policy: PollPolicy,
    ) -> impl Future<Output = Result<T, WaitError>> + use<'a, T> {
        // Made here, since an `async fn` keeps its arguments beside what it makes of them: there may be thousands of waits.
        let mut watcher = Watcher::new(&*self.source, &self.id, limit, clock, policy);
        async move {
            let kind = loop {
                match watcher.look().await {
                    Ok(TaskStatus::Running { .. }) => {}
                    Ok(TaskStatus::Succeeded { result }) => match (self.decode)(result) {
                        Ok(result) => return Ok(result),
                        Err(error) => break WaitErrorKind::Decode(error),
                    },
                    Ok(TaskStatus::Failed { error }) => break WaitErrorKind::Failed(error),
                    Ok(TaskStatus::Gone) => break WaitErrorKind::Gone,
                    Err(kind) => break kind,
                }
            };
            Err(watcher.error(kind))
        }
    }

    /// How far the work has come: one value at the first look, and one whenever that has changed. The stream ends when
    /// the work has succeeded, and with an error in every other case in which [`RemoteOperation::until_done`] does.
    ///
    /// The result is had from `until_done` afterwards, with one more look.
    ///
    /// # Cancel safety
    /// A look that is under way goes on when the stream is polled again. Dropping the stream ends the looks and changes
    /// nothing at the server.
    pub fn progress<'a>(
        &'a self,
        limit: Duration,
        clock: &'a dyn Clock,
        policy: PollPolicy,
    ) -> impl Stream<Item = Result<Progress, WaitError>> + Send + Unpin + use<'a, T>
    where
        T: 'a,
    {
        let watcher = Watcher::new(&*self.source, &self.id, limit, clock, policy);
        let steps = stream::unfold((Some(watcher), None), |(watcher, last)| async move {
            let mut watcher = watcher?;
            let kind = loop {
                match watcher.look().await {
                    Ok(TaskStatus::Running { progress }) => {
                        let progress = Progress { percent: progress };
                        if last != Some(progress) {
                            return Some((Ok(progress), (Some(watcher), Some(progress))));
                        }
                    }
                    Ok(TaskStatus::Succeeded { .. }) => return None,
                    Ok(TaskStatus::Failed { error }) => break WaitErrorKind::Failed(error),
                    Ok(TaskStatus::Gone) => break WaitErrorKind::Gone,
                    Err(kind) => break kind,
                }
            };
            Some((Err(watcher.error(kind)), (None, None)))
        });
        Box::pin(steps)
    }
}

#[cfg(test)]
mod tests;
