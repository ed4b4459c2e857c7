//! Looks at a piece of work until something is known of it.

use std::fmt;
use std::time::Duration;

use farside_wire::{DecodeError, Repeat, ServiceError};

use super::policy::Pauses;
use super::{NextLook, OperationId, PollPolicy, Progress, TaskSource, TaskStatus};
use crate::clock::{Clock, Deadline, within};
use crate::error::{CallError, Retry};

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
    #[error("it was not done within {} s{}", .limit.as_secs(), LastLook(.last_error.as_ref()))]
    Deadline {
        /// The time that the wait was given.
        limit: Duration,
        /// Why the last look failed, if it did. It is part of the message, and no source: it did not end the wait.
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
    /// More looks failed in a row than the policy bears; the work may go on.
    #[error("its state could not be read {failures} times in a row, for {} s", .during.as_secs())]
    Looks {
        /// Looks that failed in a row.
        failures: u32,
        /// Time from the first of them to the last.
        during: Duration,
        /// Why the last one failed.
        #[source]
        last_error: CallError,
    },
    /// The work is done, but its result is not what the schema promises.
    #[error("its result cannot be decoded")]
    Decode(#[source] DecodeError),
}

/// The end of a message: why the last look failed, with all causes.
struct LastLook<'a>(Option<&'a CallError>);

impl fmt::Display for LastLook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0 else { return Ok(()) };
        write!(f, "; the last look at it failed: {error}")?;
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl WaitError {
    pub(super) fn new(id: OperationId, kind: WaitErrorKind) -> Self {
        Self { id, kind }
    }

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

/// Looks at one piece of work, again and again.
pub(super) struct Watcher<'a> {
    source: &'a dyn TaskSource,
    id: &'a OperationId,
    clock: &'a dyn Clock,
    limit: Duration,
    /// From the first look on.
    deadline: Option<Deadline>,
    policy: PollPolicy,
    pauses: Pauses,
    /// When the next look is due, on the clock; `None` before the first one.
    due: Option<Duration>,
    /// What the last look showed.
    seen: Option<Progress>,
    failures: Failures,
}

/// Looks that failed since the last one that did not.
#[derive(Default)]
struct Failures {
    count: u32,
    since: Duration,
    last: Option<CallError>,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(
        source: &'a dyn TaskSource,
        id: &'a OperationId,
        limit: Duration,
        clock: &'a dyn Clock,
        policy: PollPolicy,
    ) -> Self {
        Self {
            source,
            id,
            clock,
            limit,
            deadline: None,
            pauses: Pauses::new(&policy),
            policy,
            due: None,
            seen: None,
            failures: Failures::default(),
        }
    }

    /// The next look that shows something, after the pause that is due before it.
    pub(super) async fn look(&mut self) -> Result<TaskStatus, WaitErrorKind> {
        let (clock, limit) = (self.clock, self.limit);
        let deadline = *self.deadline.get_or_insert_with(|| Deadline::after(clock, limit));
        loop {
            let left = deadline.left(self.clock);
            if self.due.is_some() && left.is_zero() {
                return Err(self.too_late());
            }
            let due = self.due.unwrap_or_default();
            // The last look happens right at the deadline, whatever the pause would have been.
            let look = NextLook {
                pause: due.saturating_sub(self.clock.elapsed()).min(left),
                left,
                seen: self.seen,
                clock: self.clock,
            };
            let visit = self
                .source
                .comes_again_after()
                .map_or(left, |visit| visit.min(left));
            let outcome = within(self.clock, visit, self.source.next(self.id, look)).await;
            if outcome.is_err() && visit < left {
                continue;
            }
            (self.due, self.seen) = (None, None);
            match outcome {
                Ok(Ok(status)) => {
                    self.failures = Failures::default();
                    let pause = self.pauses.after_look(&self.policy);
                    self.due = Some(self.clock.elapsed().saturating_add(pause));
                    if let TaskStatus::Running { progress } = status {
                        self.seen = Some(Progress { percent: progress });
                    }
                    return Ok(status);
                }
                Ok(Err(error)) => self.bear(error)?,
                Err(_elapsed) => return Err(self.too_late()),
            }
        }
    }

    /// Counts a look that failed, unless it is one too many.
    fn bear(&mut self, error: CallError) -> Result<(), WaitErrorKind> {
        let errors = &self.policy.errors;
        if (errors.fatal)(&error) {
            return Err(WaitErrorKind::Call(error));
        }
        let at = self.clock.elapsed();
        if self.failures.count == 0 {
            self.failures.since = at;
        }
        let failures = self.failures.count.saturating_add(1);
        let during = at.saturating_sub(self.failures.since);
        let too_many = errors.in_a_row.is_some_and(|most| failures > most);
        if too_many || errors.for_at_most.is_some_and(|longest| during > longest) {
            return Err(WaitErrorKind::Looks {
                failures,
                during,
                last_error: error,
            });
        }
        let own = self.pauses.after_error(&self.policy);
        let pause = match (error.retry(Repeat::Harmless), error.retry_at()) {
            (Retry::After(delay), _) => delay.max(own),
            (_, Some(at)) => at.since(&self.clock.now()).max(own),
            (_, None) => own,
        };
        self.due = Some(at.saturating_add(pause));
        self.failures.count = failures;
        self.failures.last = Some(error);
        Ok(())
    }

    fn too_late(&mut self) -> WaitErrorKind {
        WaitErrorKind::Deadline {
            limit: self.limit,
            last_error: self.failures.last.take(),
        }
    }

    pub(super) fn error(&self, kind: WaitErrorKind) -> WaitError {
        WaitError::new(self.id.clone(), kind)
    }
}
