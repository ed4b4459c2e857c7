//! Files of virtual machines: what a configuration file says, and the volumes that it names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::MachineTrouble;
use crate::sms::CorrectsFiles;

/// Where the files of a machine are: a datastore and a directory in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The id of the datastore, such as `datastore-west-1`.
    pub datastore: String,
    /// The directory; on a vVol datastore the id of the volume that holds the configuration.
    pub directory: String,
}

/// The files of a machine, registered or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its vCenter.
    pub vcenter: String,
    /// The name of the configuration file, such as `app-001.vmx`.
    pub file: String,
    /// What the configuration file says.
    pub(super) config: Config,
    /// What is wrong with the machine.
    pub troubles: BTreeSet<MachineTrouble>,
    /// Whether what recovered the files has made them name the volumes of their own side.
    pub(super) corrected: CorrectsFiles,
}

/// What a configuration file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) uuid: String,
    pub(super) instance_uuid: String,
    pub(super) guest_id: String,
    pub(super) annotation: String,
    pub(super) cpus: i64,
    pub(super) memory_mb: i64,
    /// The volume that holds the configuration, on a vVol datastore.
    pub(super) volume: Option<String>,
    pub(super) template: bool,
    /// The devices as they are on the wire, by their keys.
    pub(super) devices: BTreeMap<i64, Value>,
    /// Options by their keys, boxed.
    pub(super) extra: BTreeMap<String, Value>,
    pub(super) allocations: BTreeMap<String, Value>,
    /// Storage policies by what they are for: the home, or the key of a disk.
    pub(super) profiles: BTreeMap<String, Value>,
    /// The volumes that hold its snapshots.
    pub(super) snapshots: Vec<String>,
    /// Grows with each change.
    pub(super) version: u64,
    /// Where it was when the machine last ran.
    pub(super) ran_at: Option<(String, Place)>,
}

impl Config {
    /// The volumes that the files name: the home's own, those of the disks, those of snapshots.
    pub(super) fn volumes(&self) -> impl Iterator<Item = &str> {
        let disks = self.devices.values().filter_map(disk_volume);
        let snapshots = self.snapshots.iter().map(String::as_str);
        self.volume.as_deref().into_iter().chain(disks).chain(snapshots)
    }

    /// Whether the devices hold a network card that would be connected at power-on.
    pub(super) fn cards(&self) -> impl Iterator<Item = (&i64, &Value)> {
        self.devices.iter().filter(|(_, device)| is_card(device))
    }

    /// A text among the options; empty if there is none.
    pub(super) fn option(&self, key: &str) -> &str {
        let value = self.extra.get(key).map(|option| &option["_value"]);
        value.and_then(Value::as_str).unwrap_or_default()
    }

    /// Names other volumes and paths, as a mapping from [plain](plain) ids says. What it does not map stays.
    pub(super) fn rewrite(&mut self, volumes: &BTreeMap<String, String>, place: &Place, datastore: &str) {
        if let Some(own) = self
            .volume
            .as_ref()
            .and_then(|volume| volumes.get(&plain(volume)))
        {
            self.volume = Some(own.clone());
        }
        for snapshot in &mut self.snapshots {
            if let Some(own) = volumes.get(&plain(snapshot)) {
                snapshot.clone_from(own);
            }
        }
        for device in self.devices.values_mut() {
            let Some(own) = disk_volume(device)
                .and_then(|volume| volumes.get(&plain(volume)))
                .cloned()
            else {
                continue;
            };
            let path = device["backing"]["fileName"].as_str().unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            let path = format!("[{datastore}] {}/{file}", place.directory);
            device["backing"]["fileName"] = json!(path);
            device["backing"]["backingObjectId"] = json!(own);
            device["backing"]["datastore"] = crate::vi_json::value::reference("Datastore", &place.datastore);
        }
        self.version += 1;
    }
}

/// The id of a volume without what may be written in another way: letter case and dashes.
pub(super) fn plain(volume: &str) -> String {
    let letters = volume.chars().filter(|letter| *letter != '-');
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The volume behind a disk.
pub(super) fn disk_volume(device: &Value) -> Option<&str> {
    if device["_typeName"] != "VirtualDisk" {
        return None;
    }
    device["backing"]["backingObjectId"].as_str()
}

/// The types of network cards that the simulator knows.
pub(super) const CARDS: [&str; 7] = [
    "VirtualE1000",
    "VirtualE1000e",
    "VirtualPCNet32",
    "VirtualSriovEthernetCard",
    "VirtualVmxnet",
    "VirtualVmxnet3",
    "VirtualVmxnet3Vrdma",
];

/// Whether a device is a network card.
pub(super) fn is_card(device: &Value) -> bool {
    let type_name = device["_typeName"].as_str().unwrap_or_default();
    CARDS.contains(&type_name)
}
