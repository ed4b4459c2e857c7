//! `ReconfigureDvs_Task`: what is set in the specification changes, all of it or nothing. Which uplinks are active on a
//! host does not change with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DpuEvent, Hosts, Switch};
use crate::call_log::Ticket;
use crate::event::Event;
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::shape::{Member, Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, Path, ROOT_TYPE};
use crate::vi_json::task::{self, NewTask};
use crate::vi_json::value::{answer, reference};
use crate::vm;
use crate::world::World;

/// How long it takes, in milliseconds.
const RECONFIGURE_MS: std::ops::Range<i64> = 400..2_000;

static POLICY: &[Member] = &[
    required(
        "_typeName",
        Shape::OneOf(&["VmwareDistributedVirtualSwitchDpuFailoverPolicy"]),
    ),
    optional("activeUplink", Shape::List(&Shape::Text)),
    optional("standbyUplink", Shape::List(&Shape::Text)),
];
const OFFLOAD: Shape = Shape::Object(&[
    required(
        "_typeName",
        Shape::OneOf(&["VmwareDistributedVirtualSwitchNetworkOffloadConfig"]),
    ),
    optional("dpuFailoverPolicy", Shape::Object(POLICY)),
]);
static PARAMETERS: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "spec",
        Shape::Object(&[
            required(
                "_typeName",
                Shape::OneOf(&["DVSConfigSpec", "VMwareDVSConfigSpec"]),
            ),
            optional("configVersion", Shape::Text),
            optional("name", Shape::Text),
            optional("description", Shape::Text),
            optional("maxMtu", Shape::Integer),
            optional("networkOffloadConfig", OFFLOAD),
        ]),
    ),
]);

/// Members of the specification that the simulator does not know.
static NOT_SIMULATED: &[&str] = &[
    "contact",
    "defaultPortConfig",
    "defaultProxySwitchMaxNumPorts",
    "extensionKey",
    "host",
    "infrastructureTrafficResourceConfig",
    "ipfixConfig",
    "lacpApiVersion",
    "linkDiscoveryProtocolConfig",
    "maxPorts",
    "multicastFilteringMode",
    "netResourcePoolTrafficResourceConfig",
    "networkOffloadSpecId",
    "networkResourceControlVersion",
    "numStandalonePorts",
    "policy",
    "pvlanConfigSpec",
    "switchIpAddress",
    "uplinkPortPolicy",
    "uplinkPortgroup",
    "vendorSpecificConfig",
    "vspanConfigSpec",
];

impl Hosts {
    /// Whether the failover policy of a switch stays as it is, since hosts are on it.
    fn locks_policy(&self, switch: &Switch) -> bool {
        let mut hosts = self.hosts.values();
        let has_hosts = hosts.any(|host| host.vcenter == switch.vcenter && host.dvs == switch.name);
        self.spec.locks_policy && has_hosts
    }
}

/// A change that was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SwitchChange {
    pub(super) switch: Switch,
    task: String,
    ticket: Ticket,
}

/// `ReconfigureDvs_Task`.
pub(crate) fn reconfigure(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let switch = world.hosts.switches.get(&path.mo_id);
    let switch = switch
        .filter(|switch| switch.vcenter == incoming.endpoint)
        .cloned();
    let mut switch = switch.ok_or_else(|| Fault::no_such_object(&path.type_name, &path.mo_id))?;
    simulated(incoming.request)?;
    let body = request::body(incoming.request, &PARAMETERS)?;
    let spec = &body["spec"];
    let version = spec["configVersion"].as_str();
    if version.is_some_and(|version| version != switch.config_version.to_string()) {
        return Err(Fault::new(
            "ConcurrentAccess",
            "The switch was changed by somebody else.",
        ));
    }
    if let Some(name) = spec["name"].as_str().filter(|name| **name != *switch.name) {
        let entity = world.inventory.entity(incoming.endpoint, &switch.id);
        let folder = entity.map(|entity| entity.ids("parent")).unwrap_or_default();
        let folder = folder.first().map_or("", String::as_str);
        vm::check_new_name(&world.inventory, incoming.endpoint, folder, name)?;
        name.clone_into(&mut switch.name);
    }
    if let Some(text) = spec["description"].as_str() {
        text.clone_into(&mut switch.description);
    }
    if let Some(mtu) = spec["maxMtu"].as_i64() {
        if !(1_280..=9_000).contains(&mtu) {
            return Err(Fault::invalid_argument(
                Some("spec.maxMtu"),
                "The MTU is out of its range.",
            ));
        }
        switch.max_mtu = mtu;
    }
    let policy = &spec["networkOffloadConfig"]["dpuFailoverPolicy"];
    if policy.is_object() {
        if world.hosts.locks_policy(&switch) {
            return Err(Fault::new(
                "DvsFault",
                "The failover policy cannot be changed while hosts are on the switch.",
            ));
        }
        switch.teaming = teaming(policy)?;
    }
    switch.config_version += 1;
    let ms = world.core.work_ms("dvs-reconfigure", &switch.id, RECONFIGURE_MS);
    let new = NewTask {
        method: "ReconfigureDvs",
        entity: Some(("VmwareDistributedVirtualSwitch".to_owned(), switch.id.clone())),
        cancelable: false,
        work_ms: Some(ms),
        starts: true,
    };
    let task = task::begin(world, incoming.endpoint, new);
    world.core.calls.hold(incoming.ticket);
    let change = SwitchChange {
        switch,
        task: task.clone(),
        ticket: incoming.ticket,
    };
    world
        .core
        .schedule_in(ms, Event::Dpu(DpuEvent::SwitchChanges(Box::new(change))));
    Ok(answer(&reference("Task", &task)))
}

fn simulated(request: &Request) -> Result<(), Fault> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let spec = body.get("spec").and_then(Value::as_object);
    let mut names = spec.into_iter().flat_map(|spec| spec.keys());
    match names.find(|name| NOT_SIMULATED.contains(&name.as_str())) {
        Some(name) => Err(Fault::not_simulated(&format!("DVSConfigSpec.{name}"))),
        None => Ok(()),
    }
}

/// Which uplinks are configured as active, and which as standby.
fn teaming(policy: &Value) -> Result<[Vec<String>; 2], Fault> {
    let list = |name: &str| -> Vec<String> {
        let uplinks = policy[name].as_array().map_or(&[][..], Vec::as_slice);
        uplinks
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let lists = [list("activeUplink"), list("standbyUplink")];
    let all = || lists.iter().flatten();
    let known = all().all(|uplink| super::view::is_uplink(uplink));
    let twice = all().any(|uplink| all().filter(|other| *other == uplink).count() > 1);
    // The active uplinks are behind one DPU, and those on standby behind the other.
    let dpus = lists.each_ref().map(|uplinks| super::view::dpus_behind(uplinks));
    let torn = dpus[0].len() > 1 || !dpus[0].is_disjoint(&dpus[1]);
    if lists[0].is_empty() || !known || twice || torn {
        return Err(Fault::invalid_argument(
            Some("spec.networkOffloadConfig.dpuFailoverPolicy"),
            "The uplinks have to be those of the switch, none named twice: active ones behind one DPU, the others behind the other.",
        ));
    }
    Ok(lists)
}

/// The change happens.
pub(super) fn happen(world: &mut World, change: SwitchChange) {
    let SwitchChange { switch, task, ticket } = change;
    let World {
        core,
        hosts,
        inventory,
        ..
    } = world;
    if let Some(old) = hosts.switches.get(&switch.id).cloned() {
        for host in hosts
            .hosts
            .values_mut()
            .filter(|host| host.vcenter == old.vcenter && host.dvs == old.name)
        {
            host.dvs.clone_from(&switch.name);
            inventory.touch(&host.vcenter, &host.id);
        }
    }
    inventory.set(
        &switch.vcenter,
        &switch.id,
        "name",
        Value::from(switch.name.clone()),
    );
    inventory.touch(&switch.vcenter, &switch.id);
    core.calls.effect(ticket, core.now_ms);
    core.calls.settle(ticket, core.now_ms);
    let (vcenter, dvs) = (switch.vcenter.clone(), switch.name.clone());
    hosts.switches.insert(switch.id.clone(), switch);
    let on_it = hosts
        .hosts
        .values()
        .filter(|host| host.vcenter == vcenter && host.dvs == dvs);
    let on_it: Vec<String> = on_it.map(|host| host.id.clone()).collect();
    for host in on_it {
        super::link::leave_if_needed(core, hosts, &host);
    }
    task::end(world, &vcenter, &task, Ok(None));
}
