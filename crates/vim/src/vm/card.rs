//! Network cards: put on a network or disconnected, and read back.

use std::time::Duration;

use farside_models_vim::{
    ConcurrentAccess, ReconfigVMRequest, VirtualDevice, VirtualDeviceBackingInfo, VirtualDeviceConfigSpec,
    VirtualDeviceConfigSpecOperation, VirtualEthernetCard, VirtualMachineConfigSpec,
    VirtualMachinePowerState,
};
use farside_transport::{Deadline, RemoteOperation};
use farside_wire::{DecodeError, Object, RawJson};
use serde_json::{Map, Value};

use super::power::goes_on;
use super::{NetworkBacking, VirtualMachine};
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;
use crate::task::no_result;
use crate::work::run;

/// How often a change is decided anew because somebody else changed the machine in between.
const MOST_CHANGES: u32 = 5;

/// How long a card gets to show the connection that a task has made.
const SETTLE: Duration = Duration::from_secs(10);

/// What the server says of a card that it cannot connect.
const UNUSABLE: &str = "unrecoverableError";

/// What is read to see the cards of a machine.
const CARDS: &[&str] = &[
    VirtualMachine::CHANGE_VERSION.as_str(),
    VirtualMachine::DEVICES.as_str(),
    VirtualMachine::POWER_STATE.as_str(),
];

/// A network card of a machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Card {
    /// Its key, by which it is told from the others of its machine.
    pub key: i32,
    /// Its label, such as `Network adapter 1`.
    pub label: String,
    /// The network that it names; `None` if it names none, or one of a kind that these models do not know. After
    /// registering at another site, it may name one of the old site.
    pub network: Option<NetworkBacking>,
    /// Whether it is connected when the machine is powered on.
    pub start_connected: bool,
    /// Whether it is connected; valid only while the machine runs.
    pub connected: bool,
    /// Whether the server could not connect it and does not try again (`unrecoverableError`); valid only while the machine
    /// runs.
    pub unusable: bool,
    /// Its address.
    pub mac_address: Option<String>,
}

/// What a card is to be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// This network, at power-on and, if the machine runs, now.
    Network(NetworkBacking),
    /// Nothing: the card keeps the network it names, and is not connected.
    Disconnected,
}

/// What a card is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardChange {
    /// The key of the card.
    pub key: i32,
    /// What it is to be connected to.
    pub to: Connection,
}

impl Card {
    /// The card that a device is; `None` for another kind of device. A type of cards that these models do not know is told by
    /// its MAC address.
    fn of(device: &Object<VirtualDevice>) -> Option<Self> {
        let raw = device.raw_json();
        if !device.is_a::<VirtualEthernetCard>() && raw.member("macAddress").is_none() {
            return None;
        }
        let card: VirtualEthernetCard = raw.decode().ok()?;
        let connectable = card.connectable.as_ref();
        Some(Self {
            key: card.key,
            label: card
                .device_info
                .and_then(|info| info.base().ok())
                .map(|info| info.label)
                .unwrap_or_default(),
            network: card.backing.as_ref().and_then(NetworkBacking::of),
            start_connected: connectable.is_some_and(|connectable| connectable.start_connected),
            connected: connectable.is_some_and(|connectable| connectable.connected),
            unusable: connectable
                .and_then(|connectable| connectable.status.as_deref())
                .is_some_and(|status| status == UNUSABLE),
            mac_address: card.mac_address,
        })
    }

    /// What it is now counts while the machine runs.
    fn is(&self, wanted: &Connection, running: bool) -> bool {
        match wanted {
            Connection::Network(network) => {
                let now = self.connected && !self.unusable;
                self.start_connected && self.network.as_ref() == Some(network) && (now || !running)
            }
            Connection::Disconnected => !self.start_connected && !self.connected,
        }
    }

    /// In words, for people.
    pub(crate) fn describe(&self) -> String {
        let network = self
            .network
            .as_ref()
            .map_or_else(|| "no network".to_owned(), NetworkBacking::describe);
        let connected = if self.start_connected {
            "connected at power-on"
        } else {
            "not connected at power-on"
        };
        let now = if self.connected && !self.unusable {
            "connected now"
        } else {
            "not connected now"
        };
        format!("on {network}, {connected}, {now}")
    }
}

fn describe(wanted: &Connection, running: bool) -> String {
    match wanted {
        Connection::Network(network) => {
            let now = if running { " and now" } else { "" };
            format!("on {}, connected at power-on{now}", network.describe())
        }
        Connection::Disconnected => "disconnected".to_owned(),
    }
}

/// The specification that changes cards of a machine, from its devices as read: each card goes back whole, with another
/// backing or connection (vVol recovery rules 5.2). `running`: whether the machine is; what is connected now can be said of
/// a running one only.
///
/// # Errors
/// The key of a change that no card has.
pub fn card_spec(
    devices: &[Object<VirtualDevice>],
    changes: &[CardChange],
    running: bool,
) -> Result<VirtualMachineConfigSpec, i32> {
    let mut specs = Vec::new();
    for change in changes {
        let mut cards = devices
            .iter()
            .filter(|device| Card::of(device).is_some_and(|card| card.key == change.key));
        let device = cards.next().ok_or(change.key)?;
        let device = changed(device, &change.to, running).ok_or(change.key)?;
        let spec =
            VirtualDeviceConfigSpec::new(device).with_operation(VirtualDeviceConfigSpecOperation::Edit);
        specs.push(Object::new(&spec));
    }
    Ok(VirtualMachineConfigSpec::default().with_device_change(specs))
}

/// A card as read, with another connection.
fn changed(device: &Object<VirtualDevice>, to: &Connection, running: bool) -> Option<Object<VirtualDevice>> {
    let mut members: Map<String, Value> = serde_json::from_str(device.raw()).ok()?;
    let start = match to {
        Connection::Network(network) => {
            let backing: Object<VirtualDeviceBackingInfo> = network.to_wire();
            members.insert("backing".to_owned(), serde_json::from_str(backing.raw()).ok()?);
            true
        }
        Connection::Disconnected => false,
    };
    let connectable = members.entry("connectable").or_insert_with(
        || serde_json::json!({"_typeName": "VirtualDeviceConnectInfo", "allowGuestControl": true}),
    );
    connectable["startConnected"] = Value::Bool(start);
    connectable["connected"] = Value::Bool(start && running);
    if let Some(connectable) = connectable.as_object_mut() {
        // What the server says about the connection is not for sending back.
        connectable.remove("status");
    }
    Object::from_raw(RawJson::of(&members).ok()?)
}

/// The cards of a machine, as one look showed them.
struct SeenCards {
    cards: Vec<Card>,
    devices: Vec<Object<VirtualDevice>>,
    running: bool,
    change_version: Option<String>,
}

impl SeenCards {
    fn card(&self, key: i32) -> Result<&Card, WorkErrorKind> {
        let card = self.cards.iter().find(|card| card.key == key);
        card.ok_or(WorkErrorKind::NoCard(key))
    }
}

fn runs(seen: &ObjectProperties) -> Result<bool, DecodeError> {
    let power = seen.at(VirtualMachine::POWER_STATE)?;
    Ok(power == Some(VirtualMachinePowerState::PoweredOn))
}

impl VirtualMachine {
    /// Its network cards.
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`] (also where its files cannot be read),
    /// [`WorkErrorKind::Unreadable`].
    pub async fn cards(&self) -> Result<Vec<Card>, WorkError> {
        let devices = self.property(Self::DEVICES).await;
        let devices = devices.map_err(|kind| kind.about("reading the cards of", self.reference()))?;
        Ok(devices.iter().filter_map(Card::of).collect())
    }

    /// Puts cards on networks or disconnects them, and reads back that they are; gives all cards as they are then. If
    /// somebody else changes the machine in between, it is read again and the change decided anew. Cards that are as wanted
    /// are left alone. (`ReconfigVM_Task`; vVol recovery rules 5.)
    ///
    /// # Errors
    /// [`WorkErrorKind::ReadBack`] if one reads otherwise; [`WorkErrorKind::NoCard`], with nothing changed;
    /// [`WorkErrorKind::Call`] and [`WorkErrorKind::Wait`] for what a call or the task ended with, of a failed task with
    /// nothing changed.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task as it is: all of the change happens or nothing.
    pub async fn connect(&self, changes: &[CardChange], limit: Duration) -> Result<Vec<Card>, WorkError> {
        let connected = self.change_cards(changes, limit).await;
        connected.map_err(|kind| kind.about("connecting the cards of", self.reference()))
    }

    async fn change_cards(
        &self,
        changes: &[CardChange],
        limit: Duration,
    ) -> Result<Vec<Card>, WorkErrorKind> {
        let deadline = Deadline::after(&**self.client().clock(), limit);
        for _ in 0..MOST_CHANGES {
            let Some(request) = self.card_request(changes).await? else {
                break;
            };
            let Err(kind) = run(self.client(), deadline, || self.reconfigure(&request)).await else {
                break;
            };
            if kind.as_fault::<ConcurrentAccess>().is_none() {
                if !goes_on(&kind) {
                    return Err(kind);
                }
                // Nobody knows what became of it: it is waited for, not repeated.
                self.wait_for(deadline, &self.cards_as(changes.to_vec())).await?;
                break;
            }
        }
        let read = self.read_back(changes).await;
        if !matches!(read, Err(WorkErrorKind::ReadBack { .. })) {
            return read;
        }
        // A running machine may take a moment to connect a card.
        let clock = &**self.client().clock();
        let settled = Deadline::after(clock, SETTLE.min(deadline.left(clock)));
        match self.wait_for(settled, &self.cards_as(changes.to_vec())).await? {
            Some(()) => self.read_back(changes).await,
            None => read,
        }
    }

    /// Reads its cards and whether it runs.
    async fn look_at_cards(&self) -> Result<SeenCards, WorkErrorKind> {
        let absent = |property, fault| WorkErrorKind::Absent { property, fault };
        let property = Self::DEVICES.as_str();
        let seen = self.look(CARDS).await?.ok_or_else(|| absent(property, None))?;
        let unreadable = |source| WorkErrorKind::Unreadable { property, source };
        let devices = seen.at(Self::DEVICES).map_err(unreadable)?;
        let devices = devices.ok_or_else(|| absent(property, seen.fault(property).cloned()))?;
        Ok(SeenCards {
            cards: devices.iter().filter_map(Card::of).collect(),
            devices,
            running: runs(&seen).map_err(unreadable)?,
            change_version: seen.at(Self::CHANGE_VERSION).map_err(unreadable)?,
        })
    }

    /// What is to be changed; `None` if all is as wanted.
    async fn card_request(&self, changes: &[CardChange]) -> Result<Option<ReconfigVMRequest>, WorkErrorKind> {
        let seen = self.look_at_cards().await?;
        let mut needed = Vec::new();
        for change in changes {
            if !seen.card(change.key)?.is(&change.to, seen.running) {
                needed.push(change.clone());
            }
        }
        if needed.is_empty() {
            return Ok(None);
        }
        let mut spec = card_spec(&seen.devices, &needed, seen.running).map_err(WorkErrorKind::NoCard)?;
        spec.change_version = seen.change_version;
        Ok(Some(ReconfigVMRequest::new(spec)))
    }

    /// Until cards are as wanted.
    fn cards_as(&self, changes: Vec<CardChange>) -> RemoteOperation<()> {
        self.watch(
            CARDS,
            move |seen| {
                let devices = seen.at(Self::DEVICES).ok().flatten()?;
                let running = runs(seen).ok()?;
                let cards: Vec<Card> = devices.iter().filter_map(Card::of).collect();
                let is = |change: &CardChange| {
                    cards
                        .iter()
                        .any(|card| card.key == change.key && card.is(&change.to, running))
                };
                changes.iter().all(is).then_some(None)
            },
            no_result,
        )
    }

    async fn read_back(&self, changes: &[CardChange]) -> Result<Vec<Card>, WorkErrorKind> {
        let seen = self.look_at_cards().await?;
        for change in changes {
            let card = seen.card(change.key)?;
            if !card.is(&change.to, seen.running) {
                return Err(WorkErrorKind::ReadBack {
                    wanted: describe(&change.to, seen.running),
                    found: Box::new(card.clone()),
                });
            }
        }
        Ok(seen.cards)
    }
}
