//! What only vCenter knows of a machine, read before the machine is unregistered.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_models_vim::{
    AuthorizationRole, CustomFieldDef, CustomFieldStringValue, CustomFieldValue, ObjectSpec,
    OpaqueNetworkSummary, Permission, PropertyFilterSpec, PropertySpec, SelectionSpec, TraversalSpec,
    VirtualDevice, VirtualEthernetCard,
};
use farside_transport::CallError;
use farside_wire::{DecodeError, ManagedObjectReference, Object, Read};
use serde::{Deserialize, Serialize};

use super::{Card, NetworkBacking, VirtualMachine};
use crate::container::Entry;
use crate::error::{WorkError, WorkErrorKind};
use crate::inventory::way_to;
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;
use crate::work::Time;

const PARENT: &str = "parent";
const VAPP: &str = "parentVApp";
const POOL: &str = "resourcePool";
const HOST: &str = "runtime.host";
const TEMPLATE: &str = "config.template";
const UUID: &str = "config.uuid";
const INSTANCE_UUID: &str = "config.instanceUuid";
const NOTES: &str = "config.annotation";
const FILE_IN_SUMMARY: &str = "summary.config.vmPathName";
const DEFINED: &str = "availableField";
const ATTRIBUTES: &str = "customValue";
const PERMISSIONS: &str = "permission";
const ROLES: &str = "roleList";

/// What is read of the machine itself.
const PATHS: &[&str] = &[
    VirtualMachine::NAME.as_str(),
    PARENT,
    VAPP,
    POOL,
    HOST,
    TEMPLATE,
    UUID,
    INSTANCE_UUID,
    NOTES,
    VirtualMachine::CONFIG_FILE.as_str(),
    FILE_IN_SUMMARY,
    VirtualMachine::DEVICES.as_str(),
    DEFINED,
    ATTRIBUTES,
    PERMISSIONS,
];

/// What of a machine is lost when it is unregistered, and does not come back when its files are registered again. To be read by
/// [`VirtualMachine::record`] and kept, for instance in a file: it can be serialised.
///
/// `None` means that the vCenter does not tell; if that is because it may not be read, [`unread`](Self::unread) says so. Look there
/// before the machine is unregistered: what is not in the record is lost.
///
/// # What is not in it
/// - **Tags** (`cis/tagging` of the REST API): these clients have no operation that reads them, and no property of VI JSON has them.
///   Note them by other means, for instance with `Get-TagAssignment` of PowerCLI.
/// - Permissions that the machine inherits: they are set on what it lies in, and stay there. Those set on the machine itself are in
///   [`permissions`](Self::permissions). No operation here sets permissions: that is for somebody with the vSphere Client, or with
///   `New-VIPermission` of PowerCLI, to do; likewise attributes (`Set-Annotation`).
/// - Rules of DRS and HA that name the machine, its place in the order of a vApp, fault tolerance, alarms, scheduled tasks, and
///   storage policies (vVol recovery rules 3.1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InventoryRecord {
    /// `about.instanceUuid` of the vCenter; all ids are of that one.
    pub vcenter: Option<String>,
    /// The machine. Registered again it gets another id.
    pub machine: ManagedObjectReference,
    /// Its name in the inventory, which the name of its file need not be.
    pub name: Option<String>,
    /// The folder that it lies in; none for a machine in a vApp.
    pub folder: Option<RecordedPlace>,
    /// The vApp that it belongs to.
    pub vapp: Option<RecordedPlace>,
    /// Its resource pool; a template has none.
    pub pool: Option<RecordedPlace>,
    /// The host that it is registered at.
    pub host: Option<ManagedObjectReference>,
    /// Its configuration file, in datastore form.
    pub file: Option<String>,
    /// Whether it is a template.
    pub template: Option<bool>,
    /// `config.uuid`, which its BIOS shows.
    pub uuid: Option<String>,
    /// `config.instanceUuid`.
    pub instance_uuid: Option<String>,
    /// Its notes (`config.annotation`).
    pub notes: Option<String>,
    /// Its network cards.
    pub cards: Option<Vec<RecordedCard>>,
    /// Its custom attributes.
    pub attributes: Option<Vec<RecordedAttribute>>,
    /// The permissions that are set on the machine itself. Empty: none are.
    pub permissions: Option<Vec<RecordedPermission>>,
    /// Properties that could not be read, by their paths, with the fault of the server or why its value makes no sense. `roleList` is
    /// that of the vCenter's `AuthorizationManager`; a way that cannot be followed up to the root folder stands under the property
    /// that it begins with.
    pub unread: BTreeMap<String, String>,
}

/// An object that a machine lies in or belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedPlace {
    /// The object.
    pub object: ManagedObjectReference,
    /// The names from below the root folder down to it, as [`VimClient::at_path`](crate::VimClient::at_path) takes them; `None` if not
    /// all of them may be seen.
    pub path: Option<Vec<String>>,
}

/// A network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedCard {
    /// Its key.
    pub key: i32,
    /// Its label.
    pub label: String,
    /// The network that it names, as [`Card::network`].
    pub network: Option<NetworkBacking>,
    /// The name of that network; `None` if the vCenter does not have the network, or does not show it.
    pub network_name: Option<String>,
    /// Whether it is connected when the machine is powered on.
    pub start_connected: bool,
    /// Its address.
    pub mac_address: Option<String>,
}

/// The value of a custom attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedAttribute {
    /// The key of the attribute at its vCenter.
    pub key: i32,
    /// The name of the attribute, if the vCenter tells.
    pub name: Option<String>,
    /// The value; `None` for one that is no text.
    pub value: Option<String>,
}

/// A permission that is set on a machine itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedPermission {
    /// The user or group.
    pub principal: String,
    /// Whether that is a group.
    pub group: bool,
    /// The id of the role at its vCenter.
    pub role_id: i32,
    /// The name of the role, if the vCenter tells.
    pub role: Option<String>,
    /// Whether it holds for what is below the machine.
    pub propagate: bool,
}

impl VirtualMachine {
    /// Reads what is lost when the machine is unregistered. Do this while the source can still be asked, and keep the record: of a
    /// vCenter that is gone, or a machine that is unregistered, nothing of it can be read any more. One call
    /// (`RetrievePropertiesEx`), and another one for the names of roles if permissions are set. (vVol recovery rules 3.1.4; properties
    /// of `ManagedEntity` and `VirtualMachine`.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Late`]; [`WorkErrorKind::Absent`] if the vCenter answers without a word about the
    /// machine. A property that may not be read is none: it is in [`InventoryRecord::unread`]. Nothing was changed.
    ///
    /// # Cancel safety
    /// A dropped future changes nothing.
    pub async fn record(&self, limit: Duration) -> Result<InventoryRecord, WorkError> {
        let time = Time::of(self.client(), "told", limit);
        let record = self.read_record(time).await;
        record.map_err(|kind| kind.about("recording what is known of", self.reference()))
    }

    async fn read_record(&self, time: Time) -> Result<InventoryRecord, WorkErrorKind> {
        let client = self.client();
        let content = time.within(client, client.content()).await?;
        let (vcenter, roles) = (
            content.about.instance_uuid.clone(),
            content.authorization_manager.clone(),
        );
        let target = format!("all about {}", self.reference());
        let seen = client.select(vec![all_about(self.reference())], target);
        let seen = time.within(client, seen).await?;
        let mut record = Reading::of(self.reference(), &seen)
            .ok_or(WorkErrorKind::Absent {
                property: VirtualMachine::NAME.as_str(),
                fault: None,
            })?
            .into_record(vcenter);
        if let (Some(permissions), Some(manager)) = (&mut record.permissions, roles)
            && !permissions.is_empty()
        {
            let read = client.properties(std::slice::from_ref(&manager), &manager.type_, &[ROLES]);
            let read = match time.within(client, read).await {
                Ok(seen) => Ok(seen),
                // Ids without names are better than no record.
                Err(WorkErrorKind::Call(error)) => Err(error),
                Err(kind) => return Err(kind),
            };
            name_roles(permissions, &mut record.unread, read);
        }
        Ok(record)
    }
}

/// The machine, its networks, and everything that it lies in.
fn all_about(machine: &ManagedObjectReference) -> PropertyFilterSpec {
    let named = |name: &str| Object::new(&SelectionSpec::default().with_name(name));
    let along = |from: &str, property: &str, select: Vec<Object<SelectionSpec>>| {
        Object::<SelectionSpec>::new(&TraversalSpec::new(from, property).with_select_set(select))
    };
    let up = TraversalSpec::new("ManagedEntity", PARENT)
        .with_name("up")
        .with_select_set(vec![named("up")]);
    let machine = ObjectSpec::new(machine.clone()).with_select_set(vec![
        Object::new(&up),
        along(VirtualMachine::TYPE_NAME, POOL, vec![named("up")]),
        along(VirtualMachine::TYPE_NAME, VAPP, vec![named("up")]),
        along(VirtualMachine::TYPE_NAME, "network", Vec::new()),
    ]);
    let of = |type_name: &str, paths: &[&str]| {
        PropertySpec::new(type_name).with_path_set(paths.iter().map(|&path| path.to_owned()).collect())
    };
    let wanted = vec![
        of("ManagedEntity", &["name", PARENT]),
        of("Network", &["name", PARENT, "summary"]),
        of("DistributedVirtualPortgroup", &["name", PARENT, "summary", "key"]),
        of(VirtualMachine::TYPE_NAME, PATHS),
    ];
    PropertyFilterSpec::new(wanted, vec![machine])
}

/// What one read brought about a machine.
struct Reading<'a> {
    machine: &'a ObjectProperties,
    all: &'a [ObjectProperties],
    unread: BTreeMap<String, String>,
}

impl<'a> Reading<'a> {
    /// `None` if the machine is not in it.
    fn of(machine: &ManagedObjectReference, all: &'a [ObjectProperties]) -> Option<Self> {
        let machine = all.iter().find(|seen| seen.object() == machine)?;
        let faults = PATHS.iter().filter_map(|&path| {
            let fault = machine.fault(path)?;
            Some((path.to_owned(), fault.type_name().to_owned()))
        });
        Some(Self {
            machine,
            all,
            unread: faults.collect(),
        })
    }

    fn into_record(mut self, vcenter: Option<String>) -> InventoryRecord {
        let file = self.get(VirtualMachine::CONFIG_FILE.as_str());
        InventoryRecord {
            vcenter,
            machine: self.machine.object().clone(),
            name: self.get(VirtualMachine::NAME.as_str()),
            folder: self.place(PARENT),
            vapp: self.place(VAPP),
            pool: self.place(POOL),
            host: self.get(HOST),
            file: file.or_else(|| self.get(FILE_IN_SUMMARY)),
            template: self.get(TEMPLATE),
            uuid: self.get(UUID),
            instance_uuid: self.get(INSTANCE_UUID),
            notes: self.get(NOTES),
            cards: self.cards(),
            attributes: self.attributes(),
            permissions: self.permissions(),
            unread: self.unread,
        }
    }

    fn get<T: Read>(&mut self, path: &str) -> Option<T> {
        let value = self.machine.get(path);
        value.unwrap_or_else(|error| self.lacks(path, &error))
    }

    /// The items of a list. One that is not set is empty, as servers leave out empty lists.
    fn list<T: Read>(&mut self, path: &str) -> Option<Vec<T>> {
        let list = self.get(path);
        if self.unread.contains_key(path) {
            return None;
        }
        Some(list.unwrap_or_default())
    }

    fn lacks<T>(&mut self, path: &str, error: &DecodeError) -> Option<T> {
        self.unread.insert(path.to_owned(), error.to_string());
        None
    }

    fn place(&mut self, path: &str) -> Option<RecordedPlace> {
        let object: ManagedObjectReference = self.get(path)?;
        let way = way_to(self.all, &object);
        if way.is_none() {
            let why = "it cannot be followed up to the root folder";
            self.unread.insert(path.to_owned(), why.to_owned());
        }
        Some(RecordedPlace { object, path: way })
    }

    fn cards(&mut self) -> Option<Vec<RecordedCard>> {
        let path = VirtualMachine::DEVICES.as_str();
        let devices: Vec<Object<VirtualDevice>> = self.get(path)?;
        let mut cards = Vec::new();
        for device in &devices {
            match Card::of(device) {
                Some(card) => cards.push(self.card(card)),
                None if device.is_a::<VirtualEthernetCard>() => {
                    let why = format!("a {} cannot be read", device.type_name());
                    self.unread.insert(path.to_owned(), why);
                }
                None => {}
            }
        }
        Some(cards)
    }

    fn card(&self, card: Card) -> RecordedCard {
        let network_name = match &card.network {
            Some(NetworkBacking::Standard { name }) => Some(name.clone()),
            Some(network) => {
                let behind = self.all.iter().find(|seen| is_behind(seen, network));
                behind
                    .map(|seen| Entry::read(seen).name)
                    .filter(|name| !name.is_empty())
            }
            None => None,
        };
        RecordedCard {
            key: card.key,
            label: card.label,
            network: card.network,
            network_name,
            start_connected: card.start_connected,
            mac_address: card.mac_address,
        }
    }

    fn attributes(&mut self) -> Option<Vec<RecordedAttribute>> {
        let values: Vec<Object<CustomFieldValue>> = self.list(ATTRIBUTES)?;
        let defined: Vec<CustomFieldDef> = self.list(DEFINED).unwrap_or_default();
        let mut attributes = Vec::new();
        for value in &values {
            let key = match value.base() {
                Ok(value) => value.key,
                Err(error) => return self.lacks(ATTRIBUTES, &error),
            };
            let text = value.downcast::<CustomFieldStringValue>().and_then(Result::ok);
            let known = defined.iter().find(|field| field.key == key);
            attributes.push(RecordedAttribute {
                key,
                name: known.map(|field| field.name.clone()),
                value: text.map(|text| text.value),
            });
        }
        Some(attributes)
    }

    fn permissions(&mut self) -> Option<Vec<RecordedPermission>> {
        let permissions: Vec<Permission> = self.list(PERMISSIONS)?;
        let recorded = permissions.into_iter().map(|permission| RecordedPermission {
            principal: permission.principal,
            group: permission.group,
            role_id: permission.role_id,
            role: None,
            propagate: permission.propagate,
        });
        Some(recorded.collect())
    }
}

/// Whether a network is the one that a card names by an id.
fn is_behind(seen: &ObjectProperties, network: &NetworkBacking) -> bool {
    match network {
        NetworkBacking::Standard { .. } => false,
        NetworkBacking::Distributed { portgroup, .. } => {
            let key = seen.get::<String>("key").ok().flatten();
            key.as_ref() == Some(portgroup)
        }
        NetworkBacking::Opaque { network, .. } => {
            let summary = seen.get::<Object<OpaqueNetworkSummary>>("summary").ok().flatten();
            let summary = summary.and_then(|summary| summary.base().ok());
            summary.is_some_and(|summary| summary.opaque_network_id == *network)
        }
    }
}

/// Names the roles of permissions, as far as the vCenter tells their names.
fn name_roles(
    permissions: &mut [RecordedPermission],
    unread: &mut BTreeMap<String, String>,
    read: Result<Vec<ObjectProperties>, CallError>,
) {
    let roles = read.map_err(|error| error.to_string()).and_then(|seen| {
        let Some(seen) = seen.first() else {
            return Ok(Vec::new());
        };
        if let Some(fault) = seen.fault(ROLES) {
            return Err(fault.type_name().to_owned());
        }
        let roles = seen.get::<Vec<AuthorizationRole>>(ROLES);
        roles
            .map(Option::unwrap_or_default)
            .map_err(|error| error.to_string())
    });
    let roles = roles.unwrap_or_else(|why| {
        unread.insert(ROLES.to_owned(), why);
        Vec::new()
    });
    for permission in permissions {
        let role = roles.iter().find(|role| role.role_id == permission.role_id);
        permission.role = role.map(|role| role.name.clone());
    }
}

#[cfg(test)]
mod tests {
    use farside_models_vim::ObjectContent;
    use farside_wire::decode_str;

    use super::*;

    #[test]
    fn a_card_that_cannot_be_read_is_told_and_no_disk_is_one() {
        let content: ObjectContent = decode_str(
            r#"{"_typeName": "ObjectContent", "obj": {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-1"},
            "propSet": [{"_typeName": "DynamicProperty", "name": "config.hardware.device", "val": {
                "_typeName": "ArrayOfVirtualDevice", "_value": [
                    {"_typeName": "VirtualE1000", "key": "none"}, {"_typeName": "VirtualE1000", "key": 4001},
                    {"_typeName": "VirtualDisk", "key": 2000, "capacityInKB": 1}]}}]}"#,
        )
        .expect("content");
        let seen = [ObjectProperties::from(content)];
        let machine = ManagedObjectReference::new("VirtualMachine", "vm-1");
        let record = Reading::of(&machine, &seen)
            .expect("the machine")
            .into_record(None);
        let keys: Vec<i32> = record.cards.iter().flatten().map(|card| card.key).collect();
        assert_eq!(keys, [4001]);
        assert_eq!(
            record.unread["config.hardware.device"],
            "a VirtualE1000 cannot be read"
        );
    }
}
