//! What one of many waits does for all of them.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

/// What one of many waits does for all, such as asking a server for news: one has it at a time, and another one takes it over when
/// whoever has it is kept, but not polled any more. Whoever waits finds that out when it comes again
/// ([`TaskSource::comes_again_after`](super::TaskSource::comes_again_after)).
///
/// All times are [`Clock::elapsed`](crate::Clock::elapsed). A duty lies behind a lock, together with what it is about.
#[derive(Debug, Default)]
pub struct Duty {
    /// The last one that began.
    term: u32,
    held: bool,
    /// Whether whoever has it was polled since somebody asked.
    polled: bool,
    /// When somebody asked and it had not been polled since.
    silent_since: Duration,
}

/// The time in which one wait has a [`Duty`], until it is given back or taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term(NonZeroU32);

impl Duty {
    /// Whoever has a duty is polled at least so often: longer than a call takes
    /// ([`DEFAULT_CALL_LIMIT`](crate::DEFAULT_CALL_LIMIT)) and than a pause between two looks.
    pub const LONGEST_SILENCE: Duration = Duration::from_secs(120);

    /// Whether it may be taken: nobody has it, or whoever has it was not polled since somebody asked, too long ago.
    pub fn is_free(&mut self, now: Duration) -> bool {
        if std::mem::take(&mut self.polled) {
            self.silent_since = now;
        }
        !self.held || now.saturating_sub(self.silent_since) >= Self::LONGEST_SILENCE
    }

    /// Whether somebody has it, heard of or not.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Takes it, if it is free.
    pub fn take(&mut self, now: Duration) -> Option<Term> {
        if !self.is_free(now) {
            return None;
        }
        self.term = self.term.wrapping_add(1).max(1);
        self.held = true;
        self.silent_since = now;
        NonZeroU32::new(self.term).map(Term)
    }

    /// Whether it has not been taken over since `term` began. What was learnt in a term that is over may be older than what
    /// others have learnt since.
    #[must_use]
    pub fn is_held_in(&self, term: Term) -> bool {
        self.held && self.term == term.0.get()
    }

    /// Gives it back; `false` if it was taken over.
    pub fn give_back(&mut self, term: Term) -> bool {
        let held = self.is_held_in(term);
        if held {
            self.held = false;
        }
        held
    }

    fn note(&mut self, term: Term) {
        self.polled |= self.is_held_in(term);
    }
}

impl Term {
    /// Does the work of a term, and notes each time that it is polled. `duty` gives access to the duty. No clock is asked, since
    /// a clock of a test may take that for work.
    pub async fn work<T>(
        self,
        mut duty: impl FnMut(&mut dyn FnMut(&mut Duty)),
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            duty(&mut |duty| duty.note(self));
            work.as_mut().poll(context)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_has_it_at_a_time_and_may_give_it_back() {
        let mut duty = Duty::default();
        let first = duty.take(SECOND).expect("nobody has it");
        assert_eq!(duty.take(SECOND), None);
        assert!(duty.is_held_in(first) && duty.give_back(first));
        assert!(!duty.is_held_in(first) && !duty.give_back(first));
        let second = duty.take(SECOND).expect("nobody has it");
        assert!(first != second && duty.is_held_in(second));
    }

    #[test]
    fn it_is_taken_over_from_whoever_is_not_polled() {
        let mut duty = Duty::default();
        let first = duty.take(SECOND).expect("nobody has it");
        duty.note(first);
        assert!(!duty.is_free(SECOND * 60), "it was polled since");
        let due = SECOND * 60 + Duty::LONGEST_SILENCE;
        assert_eq!(duty.take(due - SECOND), None);
        let second = duty.take(due).expect("nobody has heard of the first one");
        assert!(!duty.is_held_in(first) && !duty.give_back(first));
        assert!(duty.is_held_in(second), "the first one changes nothing any more");
        duty.note(first);
        assert!(duty.is_free(due + Duty::LONGEST_SILENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_a_sign_of_life() {
        let clock = SystemClock::new();
        let duty = RefCell::new(Duty::default());
        let term = duty.borrow_mut().take(clock.elapsed()).expect("nobody has it");
        let work = async {
            for _ in 0..5 {
                clock.sleep(Duty::LONGEST_SILENCE - SECOND).await;
                assert!(!duty.borrow_mut().is_free(clock.elapsed()));
            }
        };
        term.work(|note| note(&mut duty.borrow_mut()), work).await;
        assert!(duty.borrow().is_held_in(term));
    }
}
