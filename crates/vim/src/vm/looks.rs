//! One look for many machines: all waits for properties of machines that a client has under way are answered by one read.
//!
//! Nobody runs in the background, and nothing is kept: a wait asks, one of those who ask reads for all whose looks are due
//! (or will be soon), and each gets what was read after it asked. Who is dropped amid a read leaves it to the next one, and so
//! does who is kept but not polled any more: the others come again in time, and take over.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_transport::{CallError, Clock, Duty, NextLook, Term};
use farside_wire::ManagedObjectReference;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Notify, oneshot};

use super::VirtualMachine;
use crate::client::{VimClient, filter};
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;

/// How long a first look waits for others, so that waits which begin together share it.
const GATHER: Duration = Duration::from_millis(20);

/// The least time between two reads.
const PACE: Duration = Duration::from_millis(250);

/// So many of those who wait are called up when nobody reads: at most one of them can be busy with something else.
const CALLED_UP: usize = 2;

/// What the waits of a client share.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    state: Mutex<State>,
    /// Rings who reads: there is a further look, which may be due earlier.
    arrivals: Notify,
    /// Rings those who wait: nobody reads.
    vacancy: Notify,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    /// To read for all.
    reading: Duty,
    /// When the last read ended, on the clock.
    read_at: Option<Duration>,
}

/// What a look brings: nothing, if the server left the machine out.
type Seen = Result<Option<ObjectProperties>, CallError>;

/// A look that somebody waits for.
#[derive(Debug)]
struct Asked {
    machine: ManagedObjectReference,
    paths: &'static [&'static str],
    at: Duration,
    due: Duration,
    tell: oneshot::Sender<Seen>,
}

impl Asked {
    /// Whether it is due, or at least half of its pause is over: it is taken along then.
    fn is_ripe(&self, now: Duration) -> bool {
        let pause = self.due.saturating_sub(self.at);
        now.saturating_sub(self.at) >= pause / 2
    }
}

/// Leave to read for all, for one at a time.
struct Reading<'a> {
    looks: &'a Looks,
    term: Term,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.looks.state().reading.give_back(self.term);
        for _ in 0..CALLED_UP {
            self.looks.vacancy.notify_one();
        }
    }
}

impl Looks {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete when the lock is released.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a machine once the pause of the look is over, or earlier, together with others.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub(super) async fn look(
        &self,
        client: &VimClient,
        machine: &ManagedObjectReference,
        paths: &'static [&'static str],
        look: NextLook<'_>,
    ) -> Seen {
        let at = look.clock.elapsed();
        let due = at.saturating_add(look.pause.max(GATHER));
        loop {
            let (tell, told) = oneshot::channel();
            self.state().asked.push(Asked {
                machine: machine.clone(),
                paths,
                at,
                due,
                tell,
            });
            self.arrivals.notify_waiters();
            // Without an answer: who read for us was dropped.
            if let Some(seen) = self.told(client, look.clock, told).await {
                return seen;
            }
        }
    }

    /// Waits for what a look brings, and reads if nobody else does; `None` if whoever read for it was dropped.
    async fn told(
        &self,
        client: &VimClient,
        clock: &dyn Clock,
        mut told: oneshot::Receiver<Seen>,
    ) -> Option<Seen> {
        loop {
            let mut vacant = pin!(self.vacancy.notified());
            vacant.as_mut().enable();
            match told.try_recv() {
                Ok(seen) => return Some(seen),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => {}
            }
            match self.may_read(clock.elapsed()) {
                Some(reading) => tokio::select! {
                    biased;
                    seen = &mut told => return seen.ok(),
                    () = Box::pin(self.read(client, clock, &reading)) => {}
                },
                None => tokio::select! {
                    biased;
                    seen = &mut told => return seen.ok(),
                    () = vacant => {}
                },
            }
        }
    }

    fn may_read(&self, now: Duration) -> Option<Reading<'_>> {
        let term = self.state().reading.take(now)?;
        Some(Reading { looks: self, term })
    }

    /// Reads once for all whose looks are due by then. Only one at a time does that.
    async fn read(&self, client: &VimClient, clock: &dyn Clock, reading: &Reading<'_>) {
        let term = reading.term;
        let work = async {
            self.until_due(clock).await;
            let Some(asked) = self.begin(clock.elapsed(), term) else {
                return;
            };
            let seen = read(client, &asked).await;
            {
                let mut state = self.state();
                if state.reading.is_held_in(term) {
                    state.read_at = Some(clock.elapsed());
                }
            }
            for Asked { machine, tell, .. } in asked {
                let seen = seen.as_ref().map(|seen| seen.get(&machine.value).cloned());
                // Whoever has been dropped does not want to know.
                let _ = tell.send(seen.map_err(Clone::clone));
            }
        };
        term.work(|note| note(&mut self.state().reading), work).await;
    }

    /// Until a look is due that somebody waits for, and the last read is long enough ago.
    async fn until_due(&self, clock: &dyn Clock) {
        loop {
            // Made first: it hears of all arrivals from here on.
            let arrival = self.arrivals.notified();
            let Some(due) = self.first_due() else { return };
            let left = due.saturating_sub(clock.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                biased;
                () = clock.sleep(left) => return,
                () = arrival => {}
            }
        }
    }

    /// The looks to read for; `None` if somebody else has taken over.
    fn begin(&self, now: Duration, term: Term) -> Option<Vec<Asked>> {
        let mut state = self.state();
        if !state.reading.is_held_in(term) {
            return None;
        }
        Some(state.asked.extract_if(.., |asked| asked.is_ripe(now)).collect())
    }

    /// When the next read is due, of those that somebody still waits for.
    fn first_due(&self) -> Option<Duration> {
        let mut state = self.state();
        state.asked.retain(|asked| !asked.tell.is_closed());
        let due = state.asked.iter().map(|asked| asked.due).min()?;
        let earliest = state.read_at.map(|at| at.saturating_add(PACE));
        Some(earliest.map_or(due, |earliest| due.max(earliest)))
    }
}

/// What all of them want to know, of all of them. A machine that is not in the inventory is left out.
async fn read(client: &VimClient, asked: &[Asked]) -> Result<BTreeMap<String, ObjectProperties>, CallError> {
    let machines: BTreeMap<&str, &ManagedObjectReference> = asked
        .iter()
        .map(|asked| (asked.machine.value.as_str(), &asked.machine))
        .collect();
    let paths: BTreeSet<&str> = asked.iter().flat_map(|asked| asked.paths).copied().collect();
    let target = match (machines.values().next(), machines.len()) {
        (Some(one), 1) => one.to_string(),
        (Some(first), many) => format!("{first} and {} more", many - 1),
        (None, _) => return Ok(BTreeMap::new()),
    };
    let machines: Vec<_> = machines.into_values().cloned().collect();
    let paths: Vec<_> = paths.into_iter().collect();
    let filter =
        filter(&machines, VirtualMachine::TYPE_NAME, &paths).with_report_missing_objects_in_results(true);
    let seen = client.select(vec![filter], target).await?;
    let by_id = seen.into_iter().map(|seen| (seen.object().value.clone(), seen));
    Ok(by_id.collect())
}
