//! A clock that moves when the test says so.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use farside_wire::Timestamp;

use crate::clock::Clock;
use crate::testing::lock;

/// Turns that all other tasks get before a quiet clock moves by itself.
const QUIET_TURNS: u32 = 32;

/// A clock that stands still until it is moved. It needs no runtime: no timer, no thread, no `test-util` of tokio.
///
/// [`PausedClock::new`] gives one that only [`advance`](Self::advance) and its kin move. One made by
/// [`auto_advancing`](Self::auto_advancing) moves to the earliest sleeper by itself, once nobody has asked it for
/// anything for a while: all that is left to do then is to wait. It cannot see work on other threads, in other processes
/// or on sockets, so it is for doubles that live in the same single-threaded runtime.
///
/// Clones show the same time. Wall time starts at 2000-01-01T00:00:00Z and passes with elapsed time.
///
/// ```
/// use std::time::Duration;
/// use farside_transport::Clock;
/// use farside_transport::testing::PausedClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = PausedClock::new();
/// let sleeper = tokio::spawn({
///     let clock = clock.clone();
///     async move {
///         clock.sleep(Duration::from_secs(5)).await;
///         clock.sleep(Duration::from_secs(5)).await;
///         clock.elapsed()
///     }
/// });
/// clock.pass(Duration::from_secs(9)).await;
/// assert!(!sleeper.is_finished());
/// clock.pass(Duration::from_secs(1)).await;
/// assert_eq!(sleeper.await.unwrap(), Duration::from_secs(10));
///
/// let clock = PausedClock::auto_advancing();
/// clock.sleep(Duration::from_secs(86_400)).await;
/// assert_eq!(clock.elapsed().as_secs(), 86_400);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PausedClock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    /// By due time, then by the order in which they went to sleep.
    sleepers: BTreeMap<(Duration, u64), Waker>,
    started: u64,
    auto: bool,
    /// Turns of the earliest sleeper since anybody asked for anything.
    quiet: u32,
}

impl State {
    /// Moves to `time`. Gives those to wake: who is due by then, earliest first, and who then counts the turns.
    fn move_to(&mut self, time: Duration) -> Vec<Waker> {
        self.elapsed = self.elapsed.max(time);
        self.quiet = 0;
        let later = self.sleepers.split_off(&(self.elapsed, u64::MAX));
        let due = std::mem::replace(&mut self.sleepers, later);
        let heir = self.sleepers.values().next().filter(|_| self.auto).cloned();
        due.into_values().chain(heir).collect()
    }

    fn next_due(&self) -> Option<Duration> {
        self.sleepers.keys().next().map(|(due, _)| *due)
    }
}

impl PausedClock {
    /// A clock that stands until it is told to move.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that moves to its earliest sleeper when there is nothing else to do.
    #[must_use]
    pub fn auto_advancing() -> Self {
        let clock = Self::default();
        lock(&clock.0).auto = true;
        clock
    }

    /// Moves the clock in one leap and wakes all who are due then, in the order of their times.
    ///
    /// They run when their tasks get their turns. Someone who goes to sleep again then does so from the new time on; see
    /// [`pass`](Self::pass) for time that goes by in steps.
    pub fn advance(&self, by: Duration) {
        let wakers = {
            let mut state = lock(&self.0);
            let time = state.elapsed.saturating_add(by);
            state.move_to(time)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Moves the clock to its earliest sleeper and wakes it; `false` if nobody sleeps.
    pub fn advance_to_next(&self) -> bool {
        let wakers = {
            let mut state = lock(&self.0);
            match state.next_due() {
                Some(due) => state.move_to(due),
                None => return false,
            }
        };
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    /// Lets time go by from one sleeper to the next, with turns for all other tasks before, between and after.
    ///
    /// # Cancel safety
    /// The clock stays where it is when the future is dropped.
    pub async fn pass(&self, time: Duration) {
        let end = lock(&self.0).elapsed.saturating_add(time);
        settle().await;
        while lock(&self.0).next_due().is_some_and(|due| due <= end) {
            self.advance_to_next();
            settle().await;
        }
        let rest = end.saturating_sub(lock(&self.0).elapsed);
        self.advance(rest);
    }

    /// Number of those who sleep on this clock.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        lock(&self.0).sleepers.len()
    }

    /// The time, on the [`Clock::elapsed`] scale, at which the earliest sleeper wakes.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        lock(&self.0).next_due()
    }
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        /// 2000-01-01T00:00:00Z, counted from 1970.
        const START: Duration = Duration::from_secs(946_684_800);
        Timestamp::UNIX_EPOCH
            .saturating_add(START)
            .saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        let mut state = lock(&self.0);
        state.quiet = 0;
        state.elapsed
    }

    async fn sleep(&self, duration: Duration) {
        Sleep::start(&self.0, duration).await;
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    key: (Duration, u64),
}

impl Sleep {
    fn start(state: &Arc<Mutex<State>>, duration: Duration) -> Self {
        let mut locked = lock(state);
        locked.started += 1;
        locked.quiet = 0;
        let key = (locked.elapsed.saturating_add(duration), locked.started);
        drop(locked);
        Self {
            state: Arc::clone(state),
            key,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.elapsed >= self.key.0 {
            state.sleepers.remove(&self.key);
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        let earliest = state.sleepers.keys().next() == Some(&self.key);
        if !(state.auto && earliest) {
            return Poll::Pending;
        }
        state.quiet += 1;
        if state.quiet <= QUIET_TURNS {
            drop(state);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let wakers = state.move_to(self.key.0);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let heir = {
            let mut state = lock(&self.state);
            let was_asleep = state.sleepers.remove(&self.key).is_some();
            // The earliest one is who counts the turns: somebody must take over.
            let heir = state.sleepers.values().next().cloned();
            heir.filter(|_| state.auto && was_asleep)
        };
        if let Some(heir) = heir {
            heir.wake();
        }
    }
}

/// Gives all other tasks some turns.
async fn settle() {
    for _ in 0..QUIET_TURNS {
        let mut asked = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join;

    use super::*;
    use crate::clock::{Elapsed, within};

    const SECOND: Duration = Duration::from_secs(1);

    /// A task that sleeps, and the place where it writes when it woke.
    fn sleepers(clock: &PausedClock, seconds: &[u64]) -> Arc<Mutex<Vec<u64>>> {
        let woken: Arc<Mutex<Vec<u64>>> = Arc::default();
        for &seconds in seconds {
            let (clock, woken) = (clock.clone(), Arc::clone(&woken));
            tokio::spawn(async move {
                clock.sleep(SECOND * u32::try_from(seconds).unwrap()).await;
                lock(&woken).push(clock.elapsed().as_secs());
            });
        }
        woken
    }

    #[tokio::test]
    async fn time_stands_still_until_it_is_moved() {
        let clock = PausedClock::new();
        let woken = sleepers(&clock, &[3, 1, 2]);
        settle().await;
        assert_eq!((clock.sleepers(), clock.next_due()), (3, Some(SECOND)));
        assert_eq!(clock.elapsed(), Duration::ZERO);
        assert!(lock(&woken).is_empty());
        assert!(clock.advance_to_next());
        settle().await;
        assert_eq!((lock(&woken).clone(), clock.sleepers()), (vec![1], 2));
        clock.advance(SECOND * 10);
        settle().await;
        assert_eq!(*lock(&woken), [1, 11, 11], "a leap wakes both at its end");
        assert!(!clock.advance_to_next(), "nobody sleeps");
    }

    #[tokio::test]
    async fn passing_time_wakes_each_sleeper_at_its_own_time() {
        let clock = PausedClock::new();
        let woken = sleepers(&clock, &[5, 2, 9]);
        clock.pass(SECOND * 7).await;
        assert_eq!((lock(&woken).clone(), clock.elapsed().as_secs()), (vec![2, 5], 7));
    }

    #[tokio::test]
    async fn wall_time_goes_with_elapsed_time() {
        let clock = PausedClock::new();
        assert_eq!(clock.now().to_string(), "2000-01-01T00:00:00Z");
        clock.advance(Duration::from_secs(3600));
        assert_eq!(clock.now().to_string(), "2000-01-01T01:00:00Z");
    }

    #[tokio::test]
    async fn a_quiet_clock_goes_from_sleeper_to_sleeper_by_itself() {
        let clock = PausedClock::auto_advancing();
        let woken = sleepers(&clock, &[5, 2, 9]);
        clock.sleep(SECOND * 20).await;
        assert_eq!(
            (lock(&woken).clone(), clock.elapsed().as_secs()),
            (vec![2, 5, 9], 20)
        );
    }

    #[tokio::test]
    async fn work_of_other_tasks_comes_before_a_time_limit() {
        let clock = PausedClock::auto_advancing();
        let (send, receive) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            for _ in 0..QUIET_TURNS / 2 {
                tokio::task::yield_now().await;
            }
            send.send(7).expect("somebody listens");
        });
        assert_eq!(within(&clock, SECOND, receive).await, Ok(Ok(7)));
        assert_eq!(clock.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn when_the_earliest_sleeper_goes_away_the_next_one_takes_over() {
        let clock = PausedClock::auto_advancing();
        let early = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(SECOND).await }
        });
        let woken = sleepers(&clock, &[4]);
        tokio::task::yield_now().await;
        early.abort();
        assert_eq!(
            within(&clock, SECOND * 9, std::future::pending::<()>()).await,
            Err(Elapsed)
        );
        assert_eq!(*lock(&woken), [4]);
    }

    #[test]
    fn no_runtime_is_needed() {
        let clock = PausedClock::auto_advancing();
        let (short, long) = (clock.sleep(SECOND), clock.sleep(SECOND * 2));
        let mut both = std::pin::pin!(join(long, short));
        let mut context = Context::from_waker(Waker::noop());
        while both.as_mut().poll(&mut context).is_pending() {}
        assert_eq!(clock.elapsed(), SECOND * 2);
    }
}
