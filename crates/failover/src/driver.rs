//! The loop around the engine: append, then apply, then dispatch, in this order and nowhere else.
//!
//! The driver knows commands and kinds of protection by their trait. It starts each pending command once, brings
//! back what the world said, and stops when the run has ended or was stopped and nothing is in flight.

mod dispatch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use farside_engine::{Command, Input, Record, Rejected, ReplayError, Run, RunState, Timestamp};
use farside_journal::{JournalError, RunLog};
use farside_transport::Clock;
use futures_util::future::AbortHandle;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::connection::Connections;
use crate::driver::dispatch::{Finished, Flight};
use crate::kind::Kinds;

/// Why a run could not be driven on. What was appended is durable; `farside resume` takes the run up from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The journal refused a record: nothing that depends on it was done.
    #[error("run {run} stops: the journal cannot be written")]
    Journal {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The run's own records contradict each other.
    #[error("run {run} stops: its records do not follow from each other")]
    Replay {
        /// The run.
        run: String,
        /// Which.
        #[source]
        source: ReplayError,
    },
}

/// Who wants to see a run go on.
pub trait Observer: Send {
    /// These records are durable and applied.
    fn recorded(&mut self, run: &Run, records: &[Record]);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn recorded(&mut self, _run: &Run, _records: &[Record]) {}
}

/// What a driver needs besides the run.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The kinds of protection.
    pub kinds: Kinds,
    /// The servers.
    pub world: Arc<Connections>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Drives one run.
pub struct Driver {
    run: Run,
    log: Box<dyn RunLog>,
    around: Surroundings,
    control: Option<UnboundedReceiver<Input>>,
    observer: Box<dyn Observer>,
    in_flight: BTreeMap<Command, u64>,
    handles: BTreeMap<u64, AbortHandle>,
    flights: FuturesUnordered<Flight>,
    next_flight: u64,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("run", self.run.id())
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}

/// The longest sleep of an idle driver; a run that waits for nothing but the world wakes this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long calls that are on their way may take to be answered after a stop was asked for.
const STOP_GRACE: Duration = Duration::from_secs(20);

impl Driver {
    /// A driver of a run whose records are `log`'s. `control` brings abort, stop and the like.
    pub fn new(
        run: Run,
        log: Box<dyn RunLog>,
        around: Surroundings,
        control: UnboundedReceiver<Input>,
        observer: Box<dyn Observer>,
    ) -> Self {
        Self {
            run,
            log,
            around,
            control: Some(control),
            observer,
            in_flight: BTreeMap::new(),
            handles: BTreeMap::new(),
            flights: FuturesUnordered::new(),
            next_flight: 0,
        }
    }

    /// Drives until the run has ended or was stopped.
    ///
    /// # Errors
    /// The journal cannot be written; the run can be resumed. Calls that were on their way are looked at then.
    ///
    /// # Cancel safety
    /// Dropping the future is a crash as far as the run is concerned: nothing is lost, a resume looks before it acts.
    pub async fn drive(mut self) -> Result<Run, DriveError> {
        self.step(Vec::new()).await?;
        loop {
            self.dispatch();
            match self.run.state() {
                RunState::Ended => return Ok(self.run),
                RunState::Stopped => return self.drain().await,
                RunState::Running => {}
            }
            let inputs = self.news().await;
            self.step(inputs).await?;
        }
    }

    /// After a stop: the answers of calls that are on their way are still recorded, for a while.
    async fn drain(mut self) -> Result<Run, DriveError> {
        let clock = self.around.clock.clone();
        let mut grace = clock.sleep(STOP_GRACE).fuse();
        loop {
            let open = self
                .in_flight
                .keys()
                .any(|command| matches!(command, Command::Submit { .. }));
            if !open {
                return Ok(self.run);
            }
            let finished = tokio::select! {
                finished = self.flights.next() => finished,
                () = &mut grace => return Ok(self.run),
            };
            let Some(finished) = finished else {
                return Ok(self.run);
            };
            let inputs = self.landed(finished);
            self.step(inputs).await?;
        }
    }

    /// Decides, appends and only then lets the world (and the observer) see it.
    async fn step(&mut self, inputs: Vec<Input>) -> Result<(), DriveError> {
        let run = || self.run.id().to_string();
        let name = run();
        let (records, rejected) = self
            .run
            .advance(now(self.around.clock.as_ref()), inputs)
            .map_err(|source| DriveError::Replay {
                run: name.clone(),
                source,
            })?;
        for reason in rejected {
            log_rejected(&name, &reason);
        }
        if records.is_empty() {
            return Ok(());
        }
        self.log
            .append(&records)
            .await
            .map_err(|source| DriveError::Journal { run: name, source })?;
        self.observer.recorded(&self.run, &records);
        Ok(())
    }

    /// Starts what is pending and not under way; drops what is no longer wanted.
    fn dispatch(&mut self) {
        let pending = self.run.pending(now(self.around.clock.as_ref()));
        let wanted: std::collections::BTreeSet<&Command> = pending.iter().collect();
        let keep_all = self.run.state() == RunState::Stopped;
        let stale: Vec<Command> = self
            .in_flight
            .keys()
            .filter(|command| {
                matches!(command, Command::Wait { .. }) && !keep_all && !wanted.contains(command)
            })
            .cloned()
            .collect();
        for command in stale {
            if let Some(flight) = self.in_flight.remove(&command)
                && let Some(handle) = self.handles.remove(&flight)
            {
                handle.abort();
            }
        }
        let new: Vec<Command> = pending
            .into_iter()
            .filter(|command| !self.in_flight.contains_key(command))
            .collect();
        for (commands, work) in dispatch::plan(&self.run, &self.around, new) {
            let number = self.next_flight;
            self.next_flight += 1;
            let (flight, handle) = dispatch::launch(number, work);
            for command in commands {
                self.in_flight.insert(command, number);
            }
            self.handles.insert(number, handle);
            self.flights.push(flight);
        }
    }

    /// Waits for at least one piece of news and takes all that are ready.
    async fn news(&mut self) -> Vec<Input> {
        let clock = self.around.clock.clone();
        let now = now(clock.as_ref());
        let pause = self
            .run
            .wake_at(now)
            .map_or(LONGEST_SLEEP, |at| Duration::from_millis(at.since(now)));
        let mut inputs = Vec::new();
        tokio::select! {
            biased;
            input = next_control(&mut self.control) => inputs.push(input),
            Some(finished) = self.flights.next(), if !self.flights.is_empty() => inputs.extend(self.landed(finished)),
            () = clock.sleep(pause.min(LONGEST_SLEEP)) => inputs.push(Input::Tick),
        }
        while let Some(Some(finished)) = self.flights.next().now_or_never() {
            inputs.extend(self.landed(finished));
        }
        inputs
    }

    fn landed(&mut self, finished: Finished) -> Vec<Input> {
        self.handles.remove(&finished.number);
        self.in_flight.retain(|_, number| *number != finished.number);
        finished.inputs
    }
}

/// The next order of a person; never, when nobody can give one any more.
async fn next_control(control: &mut Option<UnboundedReceiver<Input>>) -> Input {
    if let Some(receiver) = control {
        if let Some(input) = receiver.recv().await {
            return input;
        }
        *control = None;
    }
    std::future::pending().await
}

/// The engine's time: the clock's wall time.
pub fn now(clock: &dyn Clock) -> Timestamp {
    Timestamp(u64::try_from(clock.now().unix_millis()).unwrap_or(0))
}

fn log_rejected(run: &str, reason: &Rejected) {
    tracing::debug!(run, %reason, "an input came late and changes nothing");
}
