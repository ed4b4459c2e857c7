//! How ready a guest is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farside_models_vim::{GuestNicInfo, ManagedEntityStatus, VirtualMachinePowerState};
use farside_transport::{PollPolicy, WaitErrorKind};
use farside_wire::DecodeError;

use super::VirtualMachine;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::properties::ObjectProperties;
use crate::task::no_result;

/// How ready a guest is, weak to strong. One without Tools never gets past the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// The machine is on.
    PoweredOn,
    /// The guest runs, as its Tools say.
    Running,
    /// The Tools run.
    Tools,
    /// The heartbeat is green.
    Heartbeat,
    /// It takes soft power calls and guest operations.
    Operations,
    /// It has an address.
    Address,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PoweredOn => "on",
            Self::Running => "running",
            Self::Tools => "running its Tools",
            Self::Heartbeat => "beating green",
            Self::Operations => "ready for operations",
            Self::Address => "given an address",
        })
    }
}

/// What a machine and its Tools say of its guest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Guest {
    /// Whether the machine is on.
    pub on: bool,
    /// Whether the guest runs.
    pub running: bool,
    /// Whether its Tools run; not while they only execute scripts.
    pub tools: bool,
    /// Its heartbeat; `None` if it cannot be read.
    pub heartbeat: Option<ManagedEntityStatus>,
    /// Whether it takes soft power calls and guest operations.
    pub operations: bool,
    /// The address that it names first.
    pub address: Option<String>,
    /// Its cards with all their addresses.
    pub cards: Vec<GuestNicInfo>,
}

impl Guest {
    /// How ready it is: the strongest level such that it and all weaker ones hold. `None`: the machine is off.
    #[must_use]
    pub fn readiness(&self) -> Option<Readiness> {
        let levels = [
            (self.on, Readiness::PoweredOn),
            (self.running, Readiness::Running),
            (self.tools, Readiness::Tools),
            (
                self.heartbeat == Some(ManagedEntityStatus::Green),
                Readiness::Heartbeat,
            ),
            (self.operations, Readiness::Operations),
            (self.has_address(), Readiness::Address),
        ];
        let reached = levels.iter().take_while(|(holds, _)| *holds).last();
        reached.map(|(_, level)| *level)
    }

    /// Whether a level holds, by itself: an address is one also if the heartbeat is yellow.
    #[must_use]
    pub fn is(&self, level: Readiness) -> bool {
        match level {
            Readiness::PoweredOn => self.on,
            Readiness::Running => self.on && self.running,
            Readiness::Tools => self.on && self.tools,
            Readiness::Heartbeat => self.on && self.heartbeat == Some(ManagedEntityStatus::Green),
            Readiness::Operations => self.on && self.operations,
            Readiness::Address => self.on && self.has_address(),
        }
    }

    fn has_address(&self) -> bool {
        let of_cards = self.cards.iter().any(|card| !card.ip_address.is_empty());
        self.address.as_ref().is_some_and(|address| !address.is_empty()) || of_cards
    }

    fn read(seen: &ObjectProperties) -> Result<Self, WorkErrorKind> {
        let power = at(seen, VirtualMachine::POWER_STATE)?;
        let is = |value: Option<String>, wanted: &str| {
            value.is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        let flag = |path| seen.get::<bool>(path).map_err(|source| unreadable(path, source));
        Ok(Self {
            on: power == Some(VirtualMachinePowerState::PoweredOn),
            running: is(at(seen, VirtualMachine::GUEST_STATE)?, "running"),
            tools: is(at(seen, VirtualMachine::TOOLS)?, "guestToolsRunning"),
            heartbeat: at(seen, VirtualMachine::HEARTBEAT)?,
            operations: flag(STATE_CHANGE)?.unwrap_or(false) && flag(OPERATIONS)?.unwrap_or(false),
            address: at(seen, VirtualMachine::IP_ADDRESS)?,
            cards: at(seen, VirtualMachine::GUEST_NET)?.unwrap_or_default(),
        })
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.readiness() {
            Some(level) => write!(f, "{level}"),
            None => f.write_str("off"),
        }
    }
}

const STATE_CHANGE: &str = "guest.guestStateChangeSupported";
const OPERATIONS: &str = "guest.guestOperationsReady";

/// All that is read of a guest.
const PATHS: &[&str] = &[
    VirtualMachine::POWER_STATE.as_str(),
    VirtualMachine::GUEST_STATE.as_str(),
    VirtualMachine::TOOLS.as_str(),
    VirtualMachine::HEARTBEAT.as_str(),
    VirtualMachine::IP_ADDRESS.as_str(),
    VirtualMachine::GUEST_NET.as_str(),
    STATE_CHANGE,
    OPERATIONS,
];

fn unreadable(property: &'static str, source: DecodeError) -> WorkErrorKind {
    WorkErrorKind::Unreadable { property, source }
}

fn at<T: farside_wire::Read>(
    seen: &ObjectProperties,
    path: PropertyPath<VirtualMachine, T>,
) -> Result<Option<T>, WorkErrorKind> {
    seen.at(path).map_err(|source| unreadable(path.as_str(), source))
}

impl VirtualMachine {
    /// Reads how its guest is, in one call.
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`], [`WorkErrorKind::Unreadable`].
    pub async fn guest(&self) -> Result<Guest, WorkError> {
        let guest = self.read_guest().await;
        guest.map_err(|kind| kind.about("reading the guest of", self.reference()))
    }

    async fn read_guest(&self) -> Result<Guest, WorkErrorKind> {
        let seen = self.look(PATHS).await?;
        let seen = seen.ok_or(WorkErrorKind::Absent {
            property: Self::POWER_STATE.as_str(),
            fault: None,
        })?;
        Guest::read(&seen)
    }

    /// Waits until its guest is as ready as wanted: until its Tools run, it has an address, and so on. Gives how it was then.
    ///
    /// # Errors
    /// [`WorkErrorKind::NotReady`] with what was last seen, when the time is up; [`WorkErrorKind::Wait`] if the machine is not
    /// in the inventory any more, or was never seen in that time; [`WorkErrorKind::Unreadable`].
    ///
    /// # Cancel safety
    /// Nothing is changed at the server.
    pub async fn wait_until(&self, wanted: Readiness, limit: Duration) -> Result<Guest, WorkError> {
        let about = |kind: WorkErrorKind| kind.about("waiting for the guest of", self.reference());
        let last = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&last);
        let ready = self.watch(
            PATHS,
            move |properties| {
                let guest = Guest::read(properties);
                let is_ready = guest.as_ref().is_ok_and(|guest| guest.is(wanted));
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(guest);
                is_ready.then_some(None)
            },
            no_result,
        );
        let clock = &**self.client().clock();
        let waited = ready.until_done(limit, clock, PollPolicy::default()).await;
        let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (waited, last) {
            (Ok(()), Some(guest)) => guest.map_err(about),
            (Err(error), Some(guest)) if matches!(error.kind(), WaitErrorKind::Deadline { .. }) => {
                let seen = Box::new(guest.map_err(about)?);
                Err(about(WorkErrorKind::NotReady { wanted, limit, seen }))
            }
            (Err(error), _) => Err(about(error.into())),
            // A wait ends well by what a look shows.
            (Ok(()), None) => self.read_guest().await.map_err(about),
        }
    }
}
