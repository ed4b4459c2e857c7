//! Sends a failed call again, only where that cannot do a thing twice.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Repeat;
use http::Response;

use crate::call::{Call, Transport};
use crate::clock::{Clock, Deadline};
use crate::error::{CallError, Retry};
use crate::random::{Random, process_seed};

/// When, how often and how fast failed calls of one endpoint are sent again.
///
/// The default repeats reads only: up to 4 attempts, pauses drawn from zero to 200 ms, doubling up to 10 s, and
/// a budget of 20 repeats that refills by one per second.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts per call, the first included.
    pub attempts: u32,
    /// Upper bound of the first pause; it doubles with each attempt. Pauses are drawn evenly from zero to their
    /// bound.
    pub first_pause: Duration,
    /// Bound of the pauses' upper bound.
    pub longest_pause: Duration,
    /// Repeats that may be in store for all calls of the endpoint together.
    pub budget: u32,
    /// The time in which the budget gains one repeat.
    pub budget_refill: Duration,
    /// Also repeat calls that are not reads, when they were not sent or were refused. Off by default.
    pub writes: bool,
    /// Seed of the pauses.
    pub seed: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            budget: 20,
            budget_refill: Duration::from_secs(1),
            writes: false,
            seed: process_seed(),
        }
    }
}

impl RetryPolicy {
    /// The default policy, but each call is sent once.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// Draws the pauses from a sequence that depends on this seed alone.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
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
}

/// Repeats what [`CallError::retry`] allows, within the policy, the budget and the call's deadline.
pub(crate) struct Retrying {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    random: Random,
    budget: Mutex<Budget>,
}

/// A token bucket: so that an endpoint in trouble is not hammered by everybody's repeats.
#[derive(Debug)]
struct Budget {
    left: u32,
    refilled_at: Duration,
}

impl Budget {
    fn take(&mut self, policy: &RetryPolicy, at: Duration) -> bool {
        self.refill(policy, at);
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        true
    }

    fn refill(&mut self, policy: &RetryPolicy, at: Duration) {
        let step = policy.budget_refill.max(Duration::from_millis(1));
        let gained = at.saturating_sub(self.refilled_at).as_millis() / step.as_millis();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(gained).min(policy.budget);
        self.refilled_at = if self.left == policy.budget {
            at
        } else {
            self.refilled_at.saturating_add(step.saturating_mul(gained))
        };
    }
}

impl Retrying {
    pub(crate) fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, policy: RetryPolicy) -> Self {
        let budget = Mutex::new(Budget {
            left: policy.budget,
            refilled_at: clock.elapsed(),
        });
        Self {
            inner,
            clock,
            policy,
            random: Random::new(policy.seed),
            budget,
        }
    }

    /// The pause before attempt `attempt + 1`, or `None` if there is to be none.
    fn pause(&self, repeat: Repeat, attempt: u32, error: &CallError, left: Duration) -> Option<Duration> {
        if attempt >= self.policy.attempts {
            return None;
        }
        let pause = match error.retry(repeat) {
            Retry::Now => self.backoff(attempt),
            Retry::After(delay) => delay.saturating_add(self.backoff(1)),
            Retry::CheckFirst | Retry::Never => return None,
        };
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        (pause < left && budget.take(&self.policy, self.clock.elapsed())).then_some(pause)
    }

    /// Full jitter: evenly from zero to the bound of this attempt.
    fn backoff(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let bound = self
            .policy
            .first_pause
            .saturating_mul(factor)
            .min(self.policy.longest_pause);
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
        if !self.policy.covers(call.repeat) {
            return self.inner.send(call).await;
        }
        let deadline = Deadline::after(&*self.clock, call.time_limit());
        let mut attempt = 1;
        loop {
            let mut this_time = call.clone();
            this_time.deadline = Some(deadline.left(&*self.clock));
            let error = match self.inner.send(this_time).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let left = deadline.left(&*self.clock);
            let Some(pause) = self.pause(call.repeat, attempt, &error, left) else {
                return Err(error);
            };
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(
                http.request.resend_count = attempt,
                error.type = error.kind().name(),
                pause_ms,
                "sending again"
            );
            self.clock.sleep(pause).await;
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests;
