//! Network cards: put on a network or disconnected, and read back.

use std::time::Duration;

use farside_models_vim::{
    VirtualDevice, VirtualDeviceBackingInfo, VirtualDeviceConfigSpec, VirtualDeviceConfigSpecOperation,
    VirtualEthernetCard, VirtualEthernetCardDistributedVirtualPortBackingInfo, VirtualMachineConfigSpec,
    VirtualMachinePowerState,
};
use farside_wire::{DecodeError, Object, RawJson};
use serde_json::{Map, Value};

use super::device::sendable;
use super::{NetworkBacking, VirtualMachine};
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;
use crate::work::Time;

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
    pub(super) fn of(device: &Object<VirtualDevice>) -> Option<Self> {
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
    let mut members = members_of(device)?;
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

/// The members of a card as they may be sent.
fn members_of(device: &Object<VirtualDevice>) -> Option<Map<String, Value>> {
    let mut card: VirtualEthernetCard = device.raw_json().decode().ok()?;
    type Distributed = VirtualEthernetCardDistributedVirtualPortBackingInfo;
    let distributed = card.backing.as_ref().and_then(Object::downcast::<Distributed>);
    if let Some(backing) = distributed {
        card.backing = Some(Object::new(&backing.ok()?));
    }
    sendable(device, &card)
}

/// The cards of a machine, as one look showed them.
struct SeenCards {
    cards: Vec<Card>,
    devices: Vec<Object<VirtualDevice>>,
    running: bool,
}

impl SeenCards {
    fn of(seen: &ObjectProperties) -> Result<Self, WorkErrorKind> {
        let property = VirtualMachine::DEVICES.as_str();
        let unreadable = |source| WorkErrorKind::Unreadable { property, source };
        let devices = seen.at(VirtualMachine::DEVICES).map_err(unreadable)?;
        let devices = devices.ok_or_else(|| WorkErrorKind::Absent {
            property,
            fault: seen.fault(property).cloned(),
        })?;
        Ok(Self {
            cards: devices.iter().filter_map(Card::of).collect(),
            devices,
            running: runs(seen).map_err(unreadable)?,
        })
    }

    /// What is to be changed; `None` if all is as wanted.
    fn lacks(&self, changes: &[CardChange]) -> Result<Option<VirtualMachineConfigSpec>, WorkErrorKind> {
        let mut needed = Vec::new();
        for change in changes {
            if !self.card(change.key)?.is(&change.to, self.running) {
                needed.push(change.clone());
            }
        }
        if needed.is_empty() {
            return Ok(None);
        }
        let spec = card_spec(&self.devices, &needed, self.running);
        spec.map(Some).map_err(WorkErrorKind::NoCard)
    }

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
    /// [`WorkErrorKind::Late`] if nobody knows how they are when the time is up; [`WorkErrorKind::Call`] and [`WorkErrorKind::Wait`] for what a call or the task ended with, of a failed task with
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
        let time = Time::of(self.client(), "changed", limit);
        let wanted = changes.to_vec();
        let changed = self.bring_about(time, CARDS, move |seen| SeenCards::of(seen)?.lacks(&wanted));
        let changed = changed.await?;
        let seen = SeenCards::of(&changed.seen)?;
        if changed.is_so {
            return Ok(seen.cards);
        }
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
