//! Sends a failed call again, only where that cannot do a thing twice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Repeat;
use http::Response;

use crate::call::{Call, Transport};
use crate::clock::{Clock, Deadline};
use crate::error::{CallError, Retry};
use crate::metrics::{CallRepeat, Observer};
use crate::quota::EndpointQuota;
use crate::random::Random;

/// How often and how fast failed calls are sent again.
///
/// The default repeats reads only: up to 4 attempts, pauses drawn from zero to 200 ms, doubling up to 10 s. What
/// [`CallError::retry`] does not allow is not sent again under any policy. All calls of an endpoint take their repeats
/// from one [budget](crate::RetryBudget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts per call, the first included.
    pub attempts: u32,
    /// Upper bound of the first pause; it doubles with each attempt. Pauses are drawn evenly from zero to their
    /// bound.
    pub first_pause: Duration,
    /// Bound of the pauses' upper bound.
    pub longest_pause: Duration,
    /// Also repeat calls that are not reads, when they were not sent or were refused. Off by default.
    pub writes: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            writes: false,
        }
    }
}

impl RetryPolicy {
    /// The default policy, but each call is sent once.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_attempts(1)
    }

    /// With another number of attempts, the first included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// With other bounds of the pauses: of the first one, and of all.
    #[must_use]
    pub fn with_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// Also repeats calls that are not reads, when they were not sent or were refused.
    #[must_use]
    pub fn with_writes(mut self) -> Self {
        self.writes = true;
        self
    }

    fn covers(&self, repeat: Repeat) -> bool {
        self.attempts > 1
            && match repeat {
                Repeat::Harmless => true,
                Repeat::OnlyIfNeverSent => self.writes,
            }
    }

    /// The bound of the pause after this attempt.
    fn bound(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// Repeats what [`CallError::retry`] allows, within the policy, the endpoint's budget and the call's deadline.
pub(crate) struct Retrying {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    quota: Arc<EndpointQuota>,
    random: Random,
    observer: Observer,
}

impl Retrying {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        policy: RetryPolicy,
        quota: Arc<EndpointQuota>,
        seed: u64,
        observer: Observer,
    ) -> Self {
        Self {
            inner,
            clock,
            policy,
            quota,
            random: Random::new(seed),
            observer,
        }
    }

    /// The pause after attempt `attempt`, or `None` if that was the last one.
    fn pause(&self, policy: &RetryPolicy, call: &Call, attempt: u32, error: &CallError) -> Option<Duration> {
        if attempt >= policy.attempts || call.once || !policy.covers(call.repeat) {
            return None;
        }
        // A delay that the server asked for still gets a jitter, or all its clients would come back at once.
        let pause = match (error.retry(call.repeat), error.retry_at()) {
            (Retry::Now, None) => self.jitter(policy.bound(attempt)),
            (Retry::Now, Some(at)) => at
                .since(&self.clock.now())
                .saturating_add(self.jitter(policy.bound(1))),
            (Retry::After(delay), _) => delay.saturating_add(self.jitter(policy.bound(1))),
            (Retry::CheckFirst | Retry::Never, _) => return None,
        };
        Some(pause)
    }

    /// Full jitter: evenly from zero to the bound.
    fn jitter(&self, bound: Duration) -> Duration {
        let bound_micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.random.up_to(bound_micros))
    }
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry({}) > {:?}", self.policy.attempts, self.inner)
    }
}

#[async_trait]
impl Transport for Retrying {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let policy = call.retry.unwrap_or(self.policy);
        let deadline = Deadline::after(&*self.clock, call.time_limit());
        let mut attempt = 1;
        loop {
            let mut this_time = call.clone();
            this_time.deadline = Some(deadline.left(&*self.clock));
            let error = match self.inner.send(this_time).await {
                Ok(answer) => {
                    self.quota.succeeded(attempt > 1);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let Some(pause) = self.pause(&policy, &call, attempt, &error) else {
                return Err(error);
            };
            if pause >= deadline.left(&*self.clock) || !self.quota.take_repeat() {
                return Err(error);
            }
            let repeat = CallRepeat {
                number: attempt,
                pause,
                error: &error,
            };
            self.observer.retried(call.operation, &repeat);
            self.clock.sleep(pause).await;
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests;
