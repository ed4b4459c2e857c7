//! How many looks are made at once, where each piece of work is asked for by itself.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Lets so many looks be made at once; those beyond wait for their turn before they have made their call, in order. A
/// thousand waits that all look then hold little more than one number each, and no look uses up its time in a queue.
#[derive(Debug)]
pub struct Turns(Semaphore);

/// Leave to look, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Turn<'a> {
    _place: Option<SemaphorePermit<'a>>,
}

impl Turns {
    /// At most `at_once` looks at a time, at least one: as many as a client has calls in flight
    /// ([`StackSettings::calls_in_flight`](crate::StackSettings)).
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)))
    }

    /// Waits for a turn.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind, and its place to the next one.
    pub async fn take(&self) -> Turn<'_> {
        Turn {
            // Nobody closes the semaphore.
            _place: self.0.acquire().await.ok(),
        }
    }
}
