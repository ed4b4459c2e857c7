//! Time as a value that can be replaced: wall time, elapsed time, sleeping, and waits with an end.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use farside_wire::Timestamp;

/// Source of time for wrappers, waits and drivers.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// Wall time, for people and for records. Within one process it passes as [`Clock::elapsed`] does; between two it
    /// proves nothing.
    fn now(&self) -> Timestamp;

    /// Time since this clock was made; never goes backwards.
    fn elapsed(&self) -> Duration;

    /// Resolves once `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// The machine's time, read through tokio, so that a paused runtime turns it into virtual time.
///
/// Wall time is read from the machine once, at the start; afterwards it advances with [`Clock::elapsed`], so a
/// machine whose clock is set during a run cannot turn the order of two records around.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    wall_at_start: Timestamp,
    start: tokio::time::Instant,
}

impl SystemClock {
    /// Starts a clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's time"
    )]
    pub fn new() -> Self {
        // A machine whose clock stands before 1970 is taken to be there.
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            wall_at_start: Timestamp::UNIX_EPOCH.saturating_add(since_epoch),
            start: tokio::time::Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.wall_at_start.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that sleeps on the machine's time"
    )]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The limit of a wait passed before the awaited future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time limit has passed")]
pub struct Elapsed;

/// Awaits `future` for at most `limit` on `clock`. A future that is ready wins over a limit that has passed.
///
/// # Errors
/// [`Elapsed`] when the limit passed first; the future has then been dropped.
pub async fn within<F: Future>(clock: &dyn Clock, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    // Much that is awaited is ready at once, and then needs no timer.
    let mut end = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        let end = end.get_or_insert_with(|| clock.sleep(limit));
        end.as_mut().poll(context).map(|()| Err(Elapsed))
    })
    .await
}

/// The end of a call or wait, as a point on a clock's [`Clock::elapsed`] scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// The deadline that lies `limit` ahead.
    #[must_use]
    pub fn after(clock: &dyn Clock, limit: Duration) -> Self {
        Self(clock.elapsed().saturating_add(limit))
    }

    /// Time left, zero once the deadline has passed.
    #[must_use]
    pub fn left(self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn wall_time_advances_with_virtual_time() {
        let clock = SystemClock::new();
        let before = clock.now();
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
        assert!(clock.now() > before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_limit() {
        let clock = SystemClock::new();
        let outcome = within(&clock, Duration::from_secs(5), std::future::pending::<()>()).await;
        assert_eq!(outcome, Err(Elapsed));
        assert_eq!(clock.elapsed(), Duration::from_secs(5));
        assert_eq!(within(&clock, Duration::ZERO, async { 7 }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_never_has_negative_time_left() {
        let clock = SystemClock::new();
        let deadline = Deadline::after(&clock, Duration::from_secs(2));
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(deadline.left(&clock), Duration::from_secs(1));
        clock.sleep(Duration::from_secs(9)).await;
        assert_eq!(deadline.left(&clock), Duration::ZERO);
    }
}
