//! One look for many machines: all waits for properties of machines that a client has under way are answered by one read.
//!
//! Nobody runs in the background, and nothing is kept: a wait asks, one of those who ask reads for all whose looks are due
//! (or will be soon), and each gets what was read after it asked. Who is dropped amid a read leaves it to the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_transport::{CallError, Clock, NextLook};
use farside_wire::ManagedObjectReference;
use tokio::sync::{Notify, oneshot};

use super::VirtualMachine;
use crate::client::{VimClient, filter};
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;

/// How long a first look waits for others, so that waits which begin together share it.
const GATHER: Duration = Duration::from_millis(20);

/// The least time between two reads.
const PACE: Duration = Duration::from_millis(250);

/// What the waits of a client share.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    asked: Mutex<Vec<Asked>>,
    arrivals: Notify,
    reader: tokio::sync::Mutex<Reader>,
}

/// Whoever reads for all.
#[derive(Debug, Default)]
struct Reader {
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

impl Looks {
    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        // Every change is complete when the lock is released.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
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
            let (tell, mut told) = oneshot::channel();
            self.asked().push(Asked {
                machine: machine.clone(),
                paths,
                at,
                due,
                tell,
            });
            self.arrivals.notify_one();
            let seen = loop {
                tokio::select! {
                    biased;
                    seen = &mut told => break seen,
                    mut reader = self.reader.lock() => Box::pin(self.read(client, look.clock, &mut reader)).await,
                }
            };
            // Without an answer: who read for us was dropped.
            if let Ok(seen) = seen {
                return seen;
            }
        }
    }

    /// Reads once for all whose looks are due by then. Only one at a time does that.
    async fn read(&self, client: &VimClient, clock: &dyn Clock, reader: &mut Reader) {
        loop {
            let arrival = self.arrivals.notified();
            let Some(due) = self.first_due() else { return };
            let earliest = reader
                .read_at
                .map_or(Duration::ZERO, |at| at.saturating_add(PACE));
            let left = due.max(earliest).saturating_sub(clock.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::select! {
                biased;
                () = clock.sleep(left) => break,
                () = arrival => {}
            }
        }
        let now = clock.elapsed();
        let asked: Vec<Asked> = self.asked().extract_if(.., |asked| asked.is_ripe(now)).collect();
        let seen = read(client, &asked).await;
        reader.read_at = Some(clock.elapsed());
        for Asked { machine, tell, .. } in asked {
            let seen = seen.as_ref().map(|seen| seen.get(&machine.value).cloned());
            // Whoever has been dropped does not want to know.
            let _ = tell.send(seen.map_err(Clone::clone));
        }
    }

    /// When the next look is due, of those that somebody still waits for.
    fn first_due(&self) -> Option<Duration> {
        let mut asked = self.asked();
        asked.retain(|asked| !asked.tell.is_closed());
        asked.iter().map(|asked| asked.due).min()
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
