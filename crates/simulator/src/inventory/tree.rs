//! What the inventory of a vCenter holds from the start.

use serde_json::{Value, json};

use super::{Inventory, ROOT_FOLDER};
use crate::dpu::Hosts;
use crate::spec::WorldSpec;
use crate::spec::site::numbered;
use crate::vi_json::value::reference;

/// The ids of one vCenter's inventory, by its number: `datacenter-12`, `group-v13`, ... at the first one.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The vCenter.
    pub(crate) vcenter: String,
    /// Its name without what all have in common: `east`.
    pub(crate) name: String,
    number: u32,
}

impl Place {
    /// The vCenter of this number, from 1.
    pub(crate) fn new(number: u32, vcenter: &str) -> Self {
        Self {
            vcenter: vcenter.to_owned(),
            name: vcenter.trim_start_matches("vc-").to_owned(),
            number,
        }
    }

    fn id(&self, prefix: &str, last: u32) -> String {
        format!("{prefix}{}", numbered(self.number, last))
    }

    /// What an id has beside its prefix and the number of the vCenter: `2` of `datastore-12` at the first one.
    pub(crate) fn number_in<'a>(&self, id: &'a str) -> &'a str {
        let rest = id.rsplit_once('-').map_or(id, |(_, rest)| rest);
        if self.number < 10 {
            rest.get(1..).unwrap_or_default()
        } else {
            rest
        }
    }

    /// The datacenter.
    pub(crate) fn datacenter(&self) -> String {
        self.id("datacenter-", 2)
    }

    /// The folder of the datacenter for virtual machines.
    pub(crate) fn vm_folder(&self) -> String {
        self.id("group-v", 3)
    }

    /// The folder of the datacenter for hosts.
    pub(crate) fn host_folder(&self) -> String {
        self.id("group-h", 4)
    }

    /// The folder of the datacenter for datastores.
    pub(crate) fn datastore_folder(&self) -> String {
        self.id("group-s", 5)
    }

    /// The folder of the datacenter for networks.
    pub(crate) fn network_folder(&self) -> String {
        self.id("group-n", 6)
    }

    /// The first cluster.
    pub(crate) fn cluster(&self) -> String {
        self.id("domain-c", 8)
    }

    /// A cluster and its root resource pool, by its number from 1.
    fn cluster_and_pool(&self, number: usize) -> (String, String) {
        let (cluster, pool) = (self.cluster(), self.pool());
        if number == 1 {
            (cluster, pool)
        } else {
            (format!("{cluster}-{number}"), format!("{pool}-{number}"))
        }
    }

    /// The root resource pool of the first cluster.
    pub(crate) fn pool(&self) -> String {
        self.id("resgroup-", 9)
    }

    /// A datastore, by its number from 1.
    pub(crate) fn datastore(&self, number: u32) -> String {
        self.id("datastore-", number)
    }

    /// The name that a datastore of an array has from the start.
    pub(crate) fn array_datastore_name(&self, id: &str) -> String {
        format!("datastore-{}-{}", self.name, self.number_in(id))
    }

    /// The standard network.
    pub(crate) fn network(&self) -> String {
        self.id("network-", 2)
    }

    /// The distributed switch.
    pub(crate) fn switch(&self) -> String {
        self.id("dvs-", 1)
    }

    /// The distributed switch of hosts without DPUs, where there are such with them, too.
    pub(crate) fn plain_switch(&self) -> String {
        self.id("dvs-", 2)
    }

    /// A distributed port group, by its number: 1 is for production, 2 for tests, 3 on the switch of hosts without DPUs, 11 and so
    /// on as the world says.
    pub(crate) fn port_group(&self, number: u32) -> String {
        self.id("dvportgroup-", number)
    }
}

/// The inventories of all vCenters: a datacenter each with clusters of the world's hosts, two datastores, a standard
/// network, and the distributed switch with its port groups.
pub(crate) fn build(world: &WorldSpec, hosts: &Hosts) -> Inventory {
    let mut inventory = Inventory::default();
    for (number, site) in (1..).zip(&world.sites) {
        let place = Place::new(number, &site.vcenter());
        root(&mut inventory, &place);
        datacenter(&mut inventory, &place, "", &place.name);
        for (number, name) in (1..).zip(&site.datacenters) {
            datacenter(&mut inventory, &place, &format!("-{number}"), name);
        }
        let clusters = site.host_clusters(world.dpu.hosts_per_vcenter);
        for (number, cluster) in (1..).zip(&clusters) {
            compute(&mut inventory, &place, hosts, (number, &cluster.name));
        }
        storage(&mut inventory, &place);
        networks(&mut inventory, &place, hosts);
    }
    inventory
}

fn root(inventory: &mut Inventory, place: &Place) {
    let vcenter = &place.vcenter;
    inventory.add(vcenter, ROOT_FOLDER, "Folder", None, "Datacenters");
    inventory.set(vcenter, ROOT_FOLDER, "childType", json!(["Folder", "Datacenter"]));
}

/// A datacenter with its folders. Its ids are those of the first one with something behind them.
fn datacenter(inventory: &mut Inventory, place: &Place, behind: &str, name: &str) {
    let vcenter = &place.vcenter;
    let datacenter = format!("{}{behind}", place.datacenter());
    inventory.add(vcenter, &datacenter, "Datacenter", Some(ROOT_FOLDER), name);
    let below: [(&'static str, String, &str, &[&str]); 4] = [
        (
            "vmFolder",
            place.vm_folder(),
            "vm",
            &["Folder", "VirtualMachine", "VirtualApp"],
        ),
        (
            "hostFolder",
            place.host_folder(),
            "host",
            &["Folder", "ComputeResource"],
        ),
        (
            "datastoreFolder",
            place.datastore_folder(),
            "datastore",
            &["Folder", "Datastore", "StoragePod"],
        ),
        (
            "networkFolder",
            place.network_folder(),
            "network",
            &["Folder", "Network", "DistributedVirtualSwitch"],
        ),
    ];
    for (property, id, name, types) in below {
        let id = format!("{id}{behind}");
        inventory.add(vcenter, &id, "Folder", Some(&datacenter), name);
        inventory.set(vcenter, &id, "childType", json!(types));
        inventory.set(vcenter, &id, "childEntity", Value::Null);
        inventory.set(vcenter, &datacenter, property, reference("Folder", &id));
    }
    let configuration = json!({"_typeName": "DatacenterConfigInfo"});
    inventory.set(vcenter, &datacenter, "configuration", configuration);
}

fn compute(inventory: &mut Inventory, place: &Place, hosts: &Hosts, (number, name): (usize, &str)) {
    let vcenter = &place.vcenter;
    let (cluster, pool) = place.cluster_and_pool(number);
    inventory.add(
        vcenter,
        &cluster,
        "ClusterComputeResource",
        Some(&place.host_folder()),
        name,
    );
    inventory.add(vcenter, &pool, "ResourcePool", Some(&cluster), "Resources");
    inventory.set(
        vcenter,
        &cluster,
        "resourcePool",
        reference("ResourcePool", &pool),
    );
    inventory.set(
        vcenter,
        &pool,
        "owner",
        reference("ClusterComputeResource", &cluster),
    );
    inventory.set(vcenter, &pool, "resourcePool", Value::Null);
    inventory.set(vcenter, &pool, "vm", Value::Null);
    let members: Vec<_> = hosts
        .hosts()
        .filter(|host| host.vcenter == *vcenter && host.cluster == number)
        .collect();
    for host in &members {
        inventory.add(vcenter, &host.id, "HostSystem", Some(&cluster), &host.name);
        inventory.set(vcenter, &host.id, "vm", Value::Null);
        inventory.attach(vcenter, &cluster, "host", reference("HostSystem", &host.id));
    }
    let count = members.len();
    let summary = json!({
        "_typeName": "ClusterComputeResourceSummary",
        "totalCpu": 48_000 * count,
        "totalMemory": 412_316_860_416_u64 * count as u64,
        "numCpuCores": 16 * count,
        "numCpuThreads": 32 * count,
        "effectiveCpu": 46_000 * count,
        "effectiveMemory": 380_000 * count,
        "numHosts": count,
        "numEffectiveHosts": count,
        "overallStatus": "green",
        "currentFailoverLevel": 1,
        "numVmotions": 0,
    });
    inventory.set(vcenter, &cluster, "summary", summary);
}

fn storage(inventory: &mut Inventory, place: &Place) {
    let vcenter = &place.vcenter;
    for number in 1..=2 {
        let id = place.datastore(number);
        let name = format!("datastore-{}-{number}", place.name);
        inventory.add(vcenter, &id, "Datastore", Some(&place.datastore_folder()), &name);
        everywhere(inventory, place, "datastore", &reference("Datastore", &id));
    }
}

fn networks(inventory: &mut Inventory, place: &Place, hosts: &Hosts) {
    let vcenter = &place.vcenter;
    let (folder, switch) = (place.network_folder(), place.switch());
    let standard = place.network();
    network(inventory, place, "Network", &standard, "VM Network");
    let Some(known) = hosts.switches().find(|known| known.id == switch) else {
        return;
    };
    inventory.add(
        vcenter,
        &switch,
        "VmwareDistributedVirtualSwitch",
        Some(&folder),
        &known.name,
    );
    for (number, purpose) in (1..).zip(["production", "test"]) {
        let id = place.port_group(number);
        let name = format!("{purpose}-{}", place.name);
        network(inventory, place, "DistributedVirtualPortgroup", &id, &name);
        inventory.attach(
            vcenter,
            &switch,
            "portgroup",
            reference("DistributedVirtualPortgroup", &id),
        );
    }
    let plain = place.plain_switch();
    if let Some(known) = hosts.switches().find(|known| known.id == plain) {
        inventory.add(
            vcenter,
            &plain,
            "VmwareDistributedVirtualSwitch",
            Some(&folder),
            &known.name,
        );
        let id = place.port_group(3);
        let name = format!("plain-{}", place.name);
        network(inventory, place, "DistributedVirtualPortgroup", &id, &name);
        inventory.attach(
            vcenter,
            &plain,
            "portgroup",
            reference("DistributedVirtualPortgroup", &id),
        );
    }
}

fn network(inventory: &mut Inventory, place: &Place, type_name: &'static str, id: &str, name: &str) {
    let vcenter = &place.vcenter;
    inventory.add(vcenter, id, type_name, Some(&place.network_folder()), name);
    everywhere(inventory, place, "network", &reference(type_name, id));
}

/// Lists a datastore or network at the datacenter, the clusters and all their hosts, and these hosts at a network.
pub(crate) fn everywhere(inventory: &mut Inventory, place: &Place, list: &'static str, member: &Value) {
    let vcenter = &place.vcenter;
    let clusters = inventory.children(vcenter, &place.host_folder());
    let known = clusters
        .iter()
        .filter_map(|cluster| inventory.entity(vcenter, cluster));
    let hosts: Vec<String> = known.flat_map(|cluster| cluster.ids("host")).collect();
    for owner in [place.datacenter()].iter().chain(&clusters).chain(&hosts) {
        inventory.attach(vcenter, owner, list, member.clone());
    }
    if let Some(id) = super::id_of(member).filter(|_| list == "network") {
        for host in &hosts {
            inventory.attach(vcenter, &id, "host", reference("HostSystem", host));
        }
    }
}
