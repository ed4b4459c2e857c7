//! The machines, datastores and networks that a world begins with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::file::{Config, Home, Place};
use super::machine::{Guest, Machine};
use super::place::{Datastore, Network, NetworkKind};
use super::spec::{Ports, TroubledMachine};
use super::volume::{Replicated, ReplicatedSide};
use super::{Vms, reconfigure, view};
use crate::core::Core;
use crate::dpu::Hosts;
use crate::inventory::{Inventory, Place as Site, everywhere};
use crate::sms::{CorrectsFiles, Sms};
use crate::spec::site::numbered;
use crate::spec::{NetworkSpecKind, SiteSpec, WorldSpec};
use crate::vi_json::value::{boxed, reference};

/// The key of the first network card, and of the first disk.
const FIRST_CARD: i64 = 4000;
const FIRST_DISK: i64 = 2000;

/// How many kibibytes a disk has.
const DISK_KIB: i64 = 41_943_040;

impl Vms {
    /// Machines of the groups that hold devices, running at their source; plain machines at all vCenters, switched off.
    pub(crate) fn build(
        core: &mut Core,
        world: &WorldSpec,
        inventory: &mut Inventory,
        hosts: &Hosts,
        sms: &Sms,
    ) -> Self {
        let spec = &world.vm;
        let groups = sms.replicated();
        let containers = sms.containers();
        let mut all = Self {
            spec: spec.clone(),
            vcenters: world.vcenters(),
            machines: BTreeMap::new(),
            homes: BTreeMap::new(),
            volumes: BTreeMap::new(),
            datastores: BTreeMap::new(),
            networks: BTreeMap::new(),
            made: BTreeMap::new(),
            coming: BTreeMap::new(),
            held: BTreeMap::new(),
            recommended: Vec::new(),
        };
        let sites: Vec<Site> = (1..)
            .zip(&all.vcenters)
            .map(|(number, vcenter)| Site::new(number, vcenter))
            .collect();
        for side in groups.iter().flat_map(|group| &group.sides) {
            if let Some(site) = sites.iter().find(|site| site.vcenter == side.vcenter)
                && inventory.entity(&site.vcenter, &side.datastore).is_none()
            {
                let name = site.array_datastore_name(&side.datastore);
                add_place(inventory, site, "Datastore", &side.datastore, &name);
            }
        }
        for (site, described) in sites.iter().zip(&world.sites) {
            all.take_over(inventory, hosts, &containers, (site, described));
        }
        // Those of the groups come first, since policies name them by their ids.
        for group in &groups {
            let vcenter = &group.sides[group.source].vcenter;
            if let Some(site) = sites.iter().find(|site| site.vcenter == *vcenter) {
                let id = all.add_replicated(core, inventory, site, group);
                if sms.is_host_based(&group.name) {
                    all.known_to_replicator(id.as_deref(), &group.sides[group.source]);
                }
            }
        }
        for site in &sites {
            all.add_plain(core, inventory, site);
        }
        for TroubledMachine { machine, trouble } in &spec.troubles {
            all.set_trouble(machine, *trouble, true);
        }
        all
    }

    /// Takes over the datastores and networks that the inventory has, and adds some of other kinds.
    fn take_over(
        &mut self,
        inventory: &mut Inventory,
        hosts: &Hosts,
        containers: &BTreeMap<String, String>,
        (site, described): (&Site, &SiteSpec),
    ) {
        let vcenter = &site.vcenter;
        let plain = site.datastore(9);
        add_place(
            inventory,
            site,
            "Datastore",
            &plain,
            &format!("local-{}", site.name),
        );
        let further = (1..).zip(&described.datastores);
        let further: Vec<(String, &String)> = further
            .map(|(number, name)| (format!("{plain}-{number}"), name))
            .collect();
        for (id, name) in &further {
            add_place(inventory, site, "Datastore", id, name);
        }
        let is_plain = |id: &String| *id == plain || further.iter().any(|(known, _)| known == id);
        for id in inventory.children(vcenter, &site.datastore_folder()) {
            let name = inventory.name(vcenter, &id);
            let datastore = Datastore {
                id: id.clone(),
                vcenter: vcenter.clone(),
                container: (!is_plain(&id)).then(|| {
                    containers
                        .get(&id)
                        .cloned()
                        .unwrap_or_else(|| format!("vvol:{id}"))
                }),
                name,
                accessible: true,
                busy: None,
            };
            self.datastores.insert(id, datastore);
        }
        let isolated = format!("{}9", site.network());
        add_place(inventory, site, "Network", &isolated, "test-bubble");
        let opaque = format!("network-o{}", site.network().trim_start_matches("network-"));
        let segment = format!("segment-{}", site.name);
        add_place(inventory, site, "OpaqueNetwork", &opaque, &segment);
        let mut segments = BTreeMap::from([(opaque.clone(), segment)]);
        for (number, network) in (1..).zip(&described.networks) {
            let (type_name, id) = match network.kind {
                NetworkSpecKind::Distributed => ("DistributedVirtualPortgroup", site.port_group(10 + number)),
                NetworkSpecKind::Standard => ("Network", format!("{isolated}-{number}")),
                NetworkSpecKind::Opaque => ("OpaqueNetwork", format!("{opaque}-{number}")),
            };
            add_place(inventory, site, type_name, &id, &network.name);
            match network.kind {
                NetworkSpecKind::Distributed => {
                    let member = reference(type_name, &id);
                    inventory.attach(vcenter, &site.switch(), "portgroup", member);
                }
                NetworkSpecKind::Opaque => {
                    segments.insert(id, network.name.clone());
                }
                NetworkSpecKind::Standard => {}
            }
        }
        let of_switch = |id: &String| {
            let mut switches = hosts.switches().filter(|switch| switch.vcenter == *vcenter);
            switches.find(|switch| {
                let groups = inventory.entity(vcenter, &switch.id);
                groups.is_some_and(|groups| groups.ids("portgroup").contains(id))
            })
        };
        for id in inventory.children(vcenter, &site.network_folder()) {
            let type_name = inventory
                .entity(vcenter, &id)
                .map_or("", |entity| entity.type_name);
            let kind = match (type_name, of_switch(&id)) {
                ("Network", _) => NetworkKind::Standard,
                ("OpaqueNetwork", _) => NetworkKind::Opaque {
                    network: segments.get(&id).cloned().unwrap_or_default(),
                },
                ("DistributedVirtualPortgroup", Some(switch)) => NetworkKind::Distributed {
                    switch: switch.id.clone(),
                    switch_uuid: switch.uuid.clone(),
                },
                _ => continue,
            };
            let network = Network {
                id: id.clone(),
                vcenter: vcenter.clone(),
                name: inventory.name(vcenter, &id),
                kind,
            };
            self.networks.insert(id, network);
        }
    }

    fn add_plain(&mut self, core: &mut Core, inventory: &mut Inventory, site: &Site) {
        for number in 1..=self.spec.plain {
            let name = format!("{}-{number:02}", site.name);
            let place = Place {
                datastore: site.datastore(9),
                directory: name.clone(),
            };
            let config = self.config(core, site, &name, &place, &[]);
            self.add_machine(core, inventory, site, place, config);
        }
    }

    fn add_replicated(
        &mut self,
        core: &mut Core,
        inventory: &mut Inventory,
        site: &Site,
        group: &Replicated,
    ) -> Option<String> {
        let side = &group.sides[group.source];
        let (home, others) = side.volumes.split_first()?;
        let (disks, snapshots) = others.split_at(others.len().saturating_sub(group.snapshots));
        // What no group replicates lies on the same datastore.
        let more = 0..self.spec.unreplicated_disks;
        let more = more.map(|number| {
            let mut random = core.random("unreplicated-disk", &format!("{}-{number}", group.name));
            format!("rfc4122.{}", random.uuid())
        });
        let disks: Vec<String> = disks.iter().cloned().chain(more).collect();
        for volume in side.volumes.iter().chain(&disks) {
            let key = (side.vcenter.clone(), volume.clone());
            self.volumes.insert(key, side.datastore.clone());
        }
        let place = Place {
            datastore: side.datastore.clone(),
            directory: side.home.clone(),
        };
        let mut config = self.config(core, site, &group.machine, &place, &disks);
        config.volume = Some(home.clone());
        config.snapshots = snapshots.to_vec();
        config.ran_at = Some((site.vcenter.clone(), place.clone()));
        let id = self.add_machine(core, inventory, site, place, config);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.on = true;
            machine.guest = Guest::HasAddress;
            machine.booted_ms = Some(0);
            machine.boots = 1;
        }
        self.connect_cards(core, &id);
        Some(id)
    }

    /// A machine whose replicator, on the hosts, knows it by its `instanceUuid`: the id of its first device.
    fn known_to_replicator(&mut self, machine: Option<&str>, side: &ReplicatedSide) {
        let machine = machine.and_then(|id| self.machines.get(id));
        let home = machine.and_then(|machine| self.homes.get_mut(&machine.place));
        if let (Some(home), Some(first)) = (home, side.volumes.first()) {
            first
                .trim_start_matches("rfc4122.")
                .clone_into(&mut home.config.instance_uuid);
        }
    }

    /// A configuration with one disk for each volume, or one without a volume, and a card on the port group for
    /// applications.
    fn config(&self, core: &mut Core, site: &Site, name: &str, place: &Place, volumes: &[String]) -> Config {
        let mut random = core.random("machine", name);
        let network = self.networks.get(&site.port_group(1));
        let datastore = self.datastores.get(&place.datastore);
        let datastore = datastore.map_or("", |datastore| &datastore.name);
        let path = |file: &str| format!("[{datastore}] {}/{file}", place.directory);
        let mut devices = BTreeMap::from([(1000, controller())]);
        let disks: Vec<Option<&String>> = if volumes.is_empty() {
            vec![None]
        } else {
            volumes.iter().map(Some).collect()
        };
        for (key, volume) in (FIRST_DISK..).zip(disks) {
            let file = match key - FIRST_DISK {
                0 => format!("{name}.vmdk"),
                number => format!("{name}_{number}.vmdk"),
            };
            devices.insert(key, disk(key, &path(&file), place, volume, &random.uuid()));
        }
        let card = card(&random.uuid(), network.map(Network::backing));
        devices.insert(FIRST_CARD, card);
        Config {
            name: name.to_owned(),
            uuid: random.uuid(),
            instance_uuid: random.uuid(),
            guest_id: "otherLinux64Guest".to_owned(),
            annotation: String::new(),
            cpus: 2,
            memory_mb: 4096,
            volume: None,
            template: false,
            devices,
            extra: BTreeMap::from([(
                "nvram".to_owned(),
                boxed("string", json!(format!("{name}.nvram"))),
            )]),
            allocations: BTreeMap::new(),
            profiles: BTreeMap::new(),
            snapshots: Vec::new(),
            version: 1,
            ran_at: None,
        }
    }

    fn add_machine(
        &mut self,
        core: &mut Core,
        inventory: &mut Inventory,
        site: &Site,
        place: Place,
        config: Config,
    ) -> String {
        let id = self.next_machine(&site.vcenter);
        let hosts = inventory.entity(&site.vcenter, &site.cluster());
        let hosts = hosts.map(|cluster| cluster.ids("host")).unwrap_or_default();
        let host = core.random("placed-on", &id).next() % (hosts.len().max(1) as u64);
        let host = usize::try_from(host).ok().and_then(|index| hosts.get(index));
        let machine = Machine {
            id: id.clone(),
            vcenter: site.vcenter.clone(),
            name: config.name.clone(),
            folder: site.vm_folder(),
            pool: Some(site.pool()),
            host: host.cloned().unwrap_or_default(),
            place: place.clone(),
            file: format!("{}.vmx", config.name),
            on: false,
            guest: Guest::NotRunning,
            clean_power_off: None,
            booted_ms: None,
            boots: 0,
            question: None,
            busy: None,
        };
        let home = Home {
            vcenter: site.vcenter.clone(),
            file: format!("{}.vmx", config.name),
            config,
            troubles: BTreeSet::new(),
            corrected: CorrectsFiles::No,
        };
        self.homes.insert(place, home);
        self.enlist(inventory, machine);
        id
    }

    /// Puts a machine into the inventory, with everything that lists it.
    pub(super) fn enlist(&mut self, inventory: &mut Inventory, machine: Machine) {
        let (vcenter, id) = (&machine.vcenter, &machine.id);
        inventory.add(
            vcenter,
            id,
            "VirtualMachine",
            Some(&machine.folder),
            &machine.name,
        );
        let own = reference("VirtualMachine", id);
        let owners = [Some(&machine.host), machine.pool.as_ref()];
        for owner in owners.into_iter().flatten() {
            inventory.attach(vcenter, owner, "vm", own.clone());
        }
        self.machines.insert(id.clone(), machine);
    }

    /// The id of the next machine of a vCenter, such as `vm-1001`.
    pub(super) fn next_machine(&mut self, vcenter: &str) -> String {
        let site = self.vcenters.iter().position(|known| known == vcenter);
        let site = site.and_then(|index| u32::try_from(index + 1).ok()).unwrap_or(0);
        let number = self.number(vcenter, "machine");
        format!("vm-{}", numbered(site, format_args!("{number:03}")))
    }

    /// Cards of a machine that starts are connected if they are to be and their network is there.
    pub(super) fn connect_cards(&mut self, core: &mut Core, id: &str) {
        let at_start = self.spec.ports == Ports::AtStart;
        let Some(machine) = self.machines.get(id) else {
            return;
        };
        let (vcenter, place) = (machine.vcenter.clone(), machine.place.clone());
        let Some(cards) = self.homes.get(&place).map(|home| home.config.cards()) else {
            return;
        };
        let states: Vec<(i64, bool, bool)> = cards
            .map(|(key, card)| {
                let wanted = card["connectable"]["startConnected"] == true;
                (*key, wanted, self.network_behind(&vcenter, card).is_some())
            })
            .collect();
        let Some(home) = self.homes.get_mut(&place) else {
            return;
        };
        for (key, wanted, there) in states {
            if let Some(card) = home.config.devices.get_mut(&key) {
                if at_start && wanted && there && card["backing"]["port"]["portKey"].is_null() {
                    reconfigure::choose_port(core, id, card);
                }
                view::set_connected(card, wanted && there, there);
            }
        }
    }
}

/// Adds a datastore or a network to the inventory.
fn add_place(inventory: &mut Inventory, site: &Site, type_name: &'static str, id: &str, name: &str) {
    let (folder, list) = if type_name == "Datastore" {
        (site.datastore_folder(), "datastore")
    } else {
        (site.network_folder(), "network")
    };
    inventory.add(&site.vcenter, id, type_name, Some(&folder), name);
    everywhere(inventory, site, list, &reference(type_name, id));
}

fn controller() -> Value {
    json!({
        "_typeName": "ParaVirtualSCSIController",
        "key": 1000,
        "deviceInfo": {"_typeName": "Description", "label": "SCSI controller 0", "summary": "Paravirtual SCSI"},
        "controllerKey": 100,
        "unitNumber": 3,
        "busNumber": 0,
        "device": [FIRST_DISK],
        "hotAddRemove": true,
        "sharedBus": "noSharing",
        "scsiCtlrUnitNumber": 7,
    })
}

fn disk(key: i64, path: &str, place: &Place, volume: Option<&String>, uuid: &str) -> Value {
    let number = key - FIRST_DISK;
    let mut disk = json!({
        "_typeName": "VirtualDisk",
        "key": key,
        "deviceInfo": {
            "_typeName": "Description",
            "label": format!("Hard disk {}", number + 1),
            "summary": "41,943,040 KB",
        },
        "backing": {
            "_typeName": "VirtualDiskFlatVer2BackingInfo",
            "fileName": path,
            "datastore": reference("Datastore", &place.datastore),
            "diskMode": "persistent",
            "thinProvisioned": true,
            "uuid": uuid,
            "sharing": "sharingNone",
        },
        "controllerKey": 1000,
        "unitNumber": number,
        "capacityInKB": DISK_KIB,
        "capacityInBytes": DISK_KIB * 1024,
    });
    if let Some(volume) = volume {
        disk["backing"]["backingObjectId"] = json!(volume);
    }
    disk
}

fn card(random: &str, backing: Option<Value>) -> Value {
    let mac = format!("00:50:56:{}:{}:{}", &random[0..2], &random[2..4], &random[4..6]);
    let backing = backing.unwrap_or_else(|| {
        json!({
            "_typeName": "VirtualEthernetCardNetworkBackingInfo",
            "deviceName": "VM Network",
        })
    });
    let mut card = json!({
        "_typeName": "VirtualVmxnet3",
        "key": FIRST_CARD,
        "deviceInfo": {"_typeName": "Description", "label": "Network adapter 1", "summary": ""},
        "backing": backing,
        "connectable": {
            "_typeName": "VirtualDeviceConnectInfo",
            "startConnected": true,
            "allowGuestControl": true,
            "connected": false,
            "status": "untried",
        },
        "controllerKey": 100,
        "unitNumber": 7,
        "addressType": "assigned",
        "macAddress": mac,
        "wakeOnLanEnabled": true,
        "uptCompatibilityEnabled": false,
    });
    view::describe_card(&mut card);
    card
}
