//! What all stacks to one endpoint share: its places for calls in flight and its budget of repeats.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::Clock;

/// How many repeats an endpoint gets: a token bucket.
///
/// A repeat takes one token, and without a token there is none. Successes put tokens back: a call that succeeds at
/// once a part of one, a call that succeeds after repeats a whole one. So repeats help with single failures, and a
/// server that fails all the time is asked hardly more often than if nobody repeated anything. A little comes back
/// with time, so that a client that asks rarely does not stay without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryBudget {
    /// Tokens in a full bucket, which is what it starts with.
    pub repeats: u32,
    /// Calls that must succeed at once to earn one token; at least one.
    pub successes_per_repeat: u32,
    /// The time that earns one token; at least a millisecond. [`Duration::MAX`] stands for never.
    pub refill: Duration,
}

impl Default for RetryBudget {
    /// 20 repeats; ten successes or ten seconds earn one.
    fn default() -> Self {
        Self {
            repeats: 20,
            successes_per_repeat: 10,
            refill: Duration::from_secs(10),
        }
    }
}

impl RetryBudget {
    /// The default budget with another size.
    #[must_use]
    pub fn of(repeats: u32) -> Self {
        Self {
            repeats,
            ..Self::default()
        }
    }

    /// With another price of one repeat in successes.
    #[must_use]
    pub fn with_successes_per_repeat(mut self, successes: u32) -> Self {
        self.successes_per_repeat = successes;
        self
    }

    /// With another time that earns one repeat.
    #[must_use]
    pub fn with_refill(mut self, refill: Duration) -> Self {
        self.refill = refill;
        self
    }

    /// One token in points; a success at once is one point.
    fn token(&self) -> u64 {
        u64::from(self.successes_per_repeat.max(1))
    }

    fn capacity(&self) -> u64 {
        self.token().saturating_mul(u64::from(self.repeats))
    }
}

/// What all stacks to one endpoint share: a bound on the calls in flight, and the budget of repeats.
///
/// Each stack has one of its own unless its settings name one. Where several clients talk to the same server, one
/// quota for all of them keeps their sum within bounds.
pub struct EndpointQuota {
    pub(crate) places: Semaphore,
    limit: usize,
    budget: RetryBudget,
    clock: Arc<dyn Clock>,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    points: u64,
    refilled_at: Duration,
}

impl EndpointQuota {
    /// At most `calls_in_flight` calls at a time (at least one), and this budget.
    #[must_use]
    pub fn new(calls_in_flight: usize, budget: RetryBudget, clock: Arc<dyn Clock>) -> Self {
        // A limit of zero would be an endpoint that is never asked anything.
        let limit = calls_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Semaphore::new(limit),
            limit,
            budget,
            bucket: Mutex::new(Bucket {
                points: budget.capacity(),
                refilled_at: clock.elapsed(),
            }),
            clock,
        }
    }

    /// The bound on calls in flight.
    #[must_use]
    pub fn calls_in_flight(&self) -> usize {
        self.limit
    }

    /// Repeats that are left at this moment.
    #[must_use]
    pub fn repeats_left(&self) -> u32 {
        let bucket = self.refilled();
        u32::try_from(bucket.points / self.budget.token()).unwrap_or(u32::MAX)
    }

    /// Takes the token for one repeat, if there is one.
    pub(crate) fn take_repeat(&self) -> bool {
        let mut bucket = self.refilled();
        let left = bucket.points.checked_sub(self.budget.token());
        if let Some(left) = left {
            bucket.points = left;
        }
        left.is_some()
    }

    /// Puts back what a success earns.
    pub(crate) fn succeeded(&self, after_repeats: bool) {
        let earned = if after_repeats { self.budget.token() } else { 1 };
        let mut bucket = self.bucket();
        bucket.points = bucket.points.saturating_add(earned).min(self.budget.capacity());
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bucket with what time has earned since it was last asked for.
    fn refilled(&self) -> MutexGuard<'_, Bucket> {
        let at = self.clock.elapsed();
        let step = self.budget.refill.max(Duration::from_millis(1));
        let mut bucket = self.bucket();
        let passed = at.saturating_sub(bucket.refilled_at);
        let tokens = u32::try_from(passed.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX);
        let earned = u64::from(tokens).saturating_mul(self.budget.token());
        bucket.points = bucket.points.saturating_add(earned).min(self.budget.capacity());
        bucket.refilled_at = match step.checked_mul(tokens) {
            // A full bucket saves no time up.
            Some(used) if bucket.points < self.budget.capacity() => bucket.refilled_at.saturating_add(used),
            Some(_) | None => at,
        };
        bucket
    }
}

impl fmt::Debug for EndpointQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointQuota")
            .field("calls_in_flight", &self.limit)
            .field("budget", &self.budget)
            .field("repeats_left", &self.repeats_left())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn quota(budget: RetryBudget) -> (EndpointQuota, Arc<SystemClock>) {
        let clock = Arc::new(SystemClock::new());
        (EndpointQuota::new(1, budget, clock.clone()), clock)
    }

    fn drain(quota: &EndpointQuota) -> usize {
        (0..1000).take_while(|_| quota.take_repeat()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_bucket_gives_nothing_until_successes_fill_it() {
        let (quota, _) = quota(RetryBudget::of(3).with_refill(Duration::MAX));
        assert_eq!(drain(&quota), 3);
        for _ in 0..9 {
            quota.succeeded(false);
        }
        assert_eq!(quota.repeats_left(), 0);
        quota.succeeded(false);
        assert_eq!(drain(&quota), 1);
        quota.succeeded(true);
        assert_eq!(drain(&quota), 1, "a repeat that helped is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_never_holds_more_than_its_size() {
        let (quota, clock) = quota(RetryBudget::of(2));
        for _ in 0..100 {
            quota.succeeded(true);
        }
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(drain(&quota), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn time_earns_a_little_and_loses_no_fraction() {
        let (quota, clock) = quota(RetryBudget::of(5));
        assert_eq!(drain(&quota), 5);
        for _ in 0..4 {
            clock.sleep(Duration::from_secs(6)).await;
            let _ = quota.repeats_left();
        }
        assert_eq!(drain(&quota), 2, "24 of 10 seconds");
    }
}
