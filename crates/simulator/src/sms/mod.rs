//! The storage monitoring service of a vCenter: VASA providers, replication groups, and the tasks that change them.
//!
//! Sources: the VI JSON wire rules, the facts on replication groups, the vVol recovery rules; COVERAGE.md has a row for
//! each behaviour.

mod alarm;
mod array;
mod body;
mod chore;
mod group;
mod manager;
mod operation;
mod provider;
mod query;
mod seen;
mod service;
mod spec;
mod task;
#[cfg(test)]
mod tests;
mod view;
mod work;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::body::GROUP_ID;
pub use self::group::{GroupState, Verb};
pub(crate) use self::operation::routed;
pub(crate) use self::seen::sides_text;
pub(crate) use self::service::{CHECKS, SmsService};
pub use self::spec::{
    AfterPrepare, AfterReverse, AlarmSpec, CorrectsFiles, EntryFault, FilePaths, OtherProvider, ProviderSpec,
    ResultForm, VasaSpec, VolumeIds,
};
pub(crate) use self::work::by_hand;

use self::body::Named;
use self::group::{Device, Pair, Phase, Side};
use self::provider::Provider;
use self::task::{SmsTask, Tasks};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::event::Event;
use crate::spec::WorldSpec;
use crate::spec::site::{self, numbered};
use crate::vi_json::fault::Fault;
use crate::vm::{Replicated, ReplicatedSide};
use crate::world::World;

/// How often a replica is made by itself, in milliseconds.
const INTERVAL_MS: i64 = 15 * 60_000;

/// How long the first copy back takes after a reverse, in milliseconds.
const FIRST_COPY_MS: std::ops::Range<i64> = 20_000..60_000;

/// The providers, groups and tasks of all vCenters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sms {
    spec: VasaSpec,
    /// The vCenters, in the order of their sites.
    vcenters: Vec<String>,
    /// The vCenter at the other side of the groups of a vCenter.
    peers: BTreeMap<String, String>,
    providers: Vec<Provider>,
    pairs: BTreeMap<String, Pair>,
    tasks: Tasks,
    tasks_made: BTreeMap<String, u32>,
    /// Which side of which group an id of a vCenter is.
    #[serde(with = "crate::saved::pairs")]
    ids: BTreeMap<(String, String, String), (String, usize)>,
    /// Which provider is active for a fault domain, where that is not its own.
    active: BTreeMap<String, String>,
}

/// One side of a group, for tests and tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// The name of the group, the same on both sides.
    pub name: String,
    /// The vCenter of this side.
    pub vcenter: String,
    /// The id of the provider there.
    pub provider: String,
    /// The fault domain there.
    pub fault_domain: String,
    /// The device group id there.
    pub id: String,
    /// The state as this side knows it.
    pub state: GroupState,
}

impl GroupView {
    fn of(pair: &Pair, index: usize) -> Self {
        let side = &pair.sides[index];
        Self {
            name: pair.name.clone(),
            vcenter: side.vcenter.clone(),
            provider: side.provider.clone(),
            fault_domain: side.fault_domain.clone(),
            id: side.id.clone(),
            state: pair.state(index),
        }
    }
}

/// A part of a virtual machine that is a device of a group: the home or a disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReplicatedPart<'a> {
    /// The virtual machine at the first source.
    pub(crate) vm: &'a str,
    /// The key of the disk; the home if `None`.
    pub(crate) disk: Option<i32>,
    /// The id of the group, while it is replicated from where the machine is.
    pub(crate) group: Option<Value>,
}

/// What happens by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum SmsEvent {
    /// The work on one group of a task ends.
    GroupEnds(work::Job),
    /// A task on groups ends.
    TaskEnds { vcenter: String, key: String },
    /// The work on providers ends, and its task.
    ChoreEnds { chore: chore::Chore, ticket: Ticket },
    /// The interval of a group has passed; counts only for the turn in which it was set.
    Copies { pair: String, turn: u32 },
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: SmsEvent) {
    match event {
        SmsEvent::GroupEnds(job) => work::group_ends(world, &job),
        SmsEvent::TaskEnds { vcenter, key } => {
            let World { core, sms, .. } = world;
            if let Some(task) = sms.tasks.end(&vcenter, &key, core.now_ms()) {
                core.note_task(&task.vcenter, &task.key, task.work(), task.end_state());
            }
        }
        SmsEvent::ChoreEnds { chore, ticket } => chore::ends(world, &chore, ticket),
        SmsEvent::Copies { pair, turn } => copy(world, &pair, turn),
    }
}

fn copy(world: &mut World, name: &str, turn: u32) {
    let World { core, sms, .. } = world;
    let pauses = sms.spec.pauses_in_test;
    let Some(pair) = sms.pairs.get_mut(name).filter(|pair| pair.turn == turn) else {
        return;
    };
    let linked = pair.sides.iter().all(|side| core.is_reachable(&side.vcenter));
    let room = !core.is_full(&pair.sides[pair.target()].vcenter);
    let rests = pair.phase == Phase::FailedOver || pauses && pair.phase == Phase::InTest;
    if linked && room && !rests {
        pair.store(core.now_ms(), None);
    }
    core.schedule_in(
        INTERVAL_MS,
        Event::Sms(SmsEvent::Copies {
            pair: name.to_owned(),
            turn,
        }),
    );
}

impl Sms {
    /// The switch that makes results other than the documents show, for recordings; empty if it is off.
    pub(crate) fn form(&self) -> &'static str {
        self.spec.form()
    }

    /// Groups `group-001` and so on, dealt out to the sites that are recovered in turn, and there to the providers in turn.
    pub(crate) fn build(core: &mut Core, world: &WorldSpec) -> Self {
        let spec = &world.vasa;
        let vcenters = world.vcenters();
        let pairs = site::pairs(&world.sites);
        let both = pairs
            .iter()
            .flat_map(|(source, target)| [(*source, *target), (*target, *source)]);
        let mut sms = Self {
            spec: spec.clone(),
            peers: both
                .map(|(one, other)| (vcenters[one].clone(), vcenters[other].clone()))
                .collect(),
            vcenters,
            providers: Vec::new(),
            pairs: BTreeMap::new(),
            tasks: Tasks::default(),
            tasks_made: BTreeMap::new(),
            ids: BTreeMap::new(),
            active: BTreeMap::new(),
        };
        for (site, vcenter) in (1..).zip(&sms.vcenters) {
            for (number, provider) in (1..).zip(&spec.providers) {
                sms.providers
                    .push(Provider::new(core, (site, vcenter), number, provider));
            }
        }
        if !spec.providers.is_empty() && !pairs.is_empty() {
            for number in 1..=world.groups {
                let turn = number as usize - 1;
                let (source, target) = pairs[turn % pairs.len()];
                let at = Protected {
                    number,
                    turn: turn / pairs.len(),
                    sites: [source, target].map(|index| (site_number(index), sms.vcenters[index].as_str())),
                };
                let pair = protect(core, spec, &at);
                sms.index(&pair);
                sms.pairs.insert(pair.name.clone(), pair);
            }
        }
        sms
    }

    /// The sides of all groups, by name, source side of the start first.
    pub fn groups(&self) -> impl Iterator<Item = GroupView> {
        let sides = self
            .pairs
            .values()
            .flat_map(|pair| (0..2).map(move |side| (pair, side)));
        sides.map(|(pair, side)| GroupView::of(pair, side))
    }

    /// The parts of the virtual machines of a vCenter that are devices of groups.
    pub(crate) fn replicated_parts(&self, vcenter: &str) -> impl Iterator<Item = ReplicatedPart<'_>> {
        let own = self
            .pairs
            .values()
            .filter(move |pair| pair.sides[0].vcenter == vcenter);
        own.flat_map(move |pair| {
            pair.parts().map(move |device| ReplicatedPart {
                vm: &device.vm,
                disk: device.disk,
                group: pair.replicated_from(0),
            })
        })
    }

    /// Whether a group of this name is replicated on the hosts.
    pub(crate) fn is_host_based(&self, name: &str) -> bool {
        self.pairs
            .get(name)
            .is_some_and(|pair| self.spec_of(pair).host_based)
    }

    /// What the provider of a group is like.
    fn spec_of(&self, pair: &Pair) -> ProviderSpec {
        let spec = self.spec.providers.get(pair.provider);
        spec.cloned().unwrap_or_default()
    }

    /// The id of a group of this name at a vCenter from which it is replicated.
    pub(crate) fn replicated_from(&self, vcenter: &str, name: &str) -> Option<Value> {
        let pair = self.pairs.get(name)?;
        let side = pair.sides.iter().position(|side| side.vcenter == vcenter)?;
        pair.replicated_from(side)
    }

    /// The volumes of groups at a vCenter, with the id of the group if it replicates from there.
    pub(crate) fn by_volume(&self, vcenter: &str) -> BTreeMap<&str, Option<Value>> {
        let sides = self.pairs.values().filter_map(|pair| {
            let side = pair.sides.iter().position(|side| side.vcenter == vcenter)?;
            Some((pair, side, pair.replicated_from(side)))
        });
        let volumes = sides.flat_map(|(pair, side, group)| {
            let ids = pair.devices.iter().map(move |device| device.ids[side].as_str());
            ids.map(move |volume| (volume, group.clone()))
        });
        volumes.collect()
    }

    /// Whether a group is replicated from a vCenter, by its `ReplicationGroupId` there.
    pub(crate) fn is_source(&self, vcenter: &str, group: &Value) -> bool {
        let domain = group["faultDomainId"]["id"].as_str().unwrap_or_default();
        let id = group["deviceGroupId"]["id"].as_str().unwrap_or_default();
        self.groups().any(|known| {
            (
                known.vcenter.as_str(),
                known.fault_domain.as_str(),
                known.id.as_str(),
            ) == (vcenter, domain, id)
                && known.state == GroupState::Source
        })
    }

    /// The ids of the devices of a group at a vCenter, the one that holds the configuration of a machine first.
    pub fn devices(&self, vcenter: &str, name: &str) -> Vec<String> {
        let Some(pair) = self.pairs.get(name) else {
            return Vec::new();
        };
        let side = pair.sides.iter().position(|side| side.vcenter == vcenter);
        let ids = side.map(|side| pair.devices.iter().map(move |device| device.ids[side].clone()));
        ids.into_iter().flatten().collect()
    }

    /// The side of a group at a vCenter.
    pub fn group(&self, vcenter: &str, name: &str) -> Option<GroupView> {
        let pair = self.pairs.get(name)?;
        let side = pair.sides.iter().position(|side| side.vcenter == vcenter)?;
        Some(GroupView::of(pair, side))
    }

    /// Takes a provider offline or back; `false` if there is none of that id.
    pub fn set_provider_online(&mut self, provider: &str, online: bool) -> bool {
        let found = self.providers.iter_mut().find(|known| known.id == provider);
        found.map(|known| known.online = online).is_some()
    }

    /// Makes a provider the active one for a fault domain of its vCenter; `false` if there is none of that id. The other
    /// ones answer `InactiveProvider` from then on.
    pub fn activate(&mut self, fault_domain: &str, provider: &str) -> bool {
        let Some(vcenter) = self.providers.iter().find(|known| known.id == provider) else {
            return false;
        };
        let vcenter = vcenter.vcenter.clone();
        let sides = self.pairs.values_mut().flat_map(|pair| &mut pair.sides);
        for side in sides.filter(|side| side.vcenter == vcenter && side.fault_domain == fault_domain) {
            provider.clone_into(&mut side.provider);
        }
        self.active.insert(fault_domain.to_owned(), provider.to_owned());
        true
    }

    /// User and password by which a provider can be registered.
    pub fn provider_login(&self, provider: &str) -> Option<(&str, &str)> {
        let found = self.providers.iter().find(|known| known.id == provider)?;
        Some((&found.login.user, &found.login.password))
    }

    /// Raises an alarm at a provider, at a point of world time in milliseconds; `false` if there is none of that id.
    pub fn raise_alarm(&mut self, provider: &str, alarm: &AlarmSpec, now_ms: i64) -> bool {
        let found = self.providers.iter_mut().find(|known| known.id == provider);
        found.map(|known| known.raise(alarm, now_ms)).is_some()
    }

    /// Lets a group fail.
    pub fn add_entry_fault(&mut self, fault: EntryFault) {
        self.spec.entry_faults.push(fault);
    }

    /// A vCenter starts anew and answers again at a point of world time: its tasks are gone, what the arrays do goes on.
    pub(crate) fn restart(&mut self, vcenter: &str, answers_ms: i64) {
        self.tasks.forget(vcenter);
        let reached_from_ms = answers_ms + i64::from(self.spec.late_ms);
        for provider in self
            .providers
            .iter_mut()
            .filter(|provider| provider.vcenter == vcenter)
        {
            provider.reached_from_ms = reached_from_ms;
        }
    }

    /// A provider that is registered at a vCenter.
    fn provider(&self, vcenter: &str, id: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.vcenter == vcenter && provider.id == id && provider.registered)
    }

    /// The same provider at the vCenter where the groups of its vCenter have their other side.
    fn peer(&self, provider: &Provider) -> Option<&Provider> {
        let vcenter = self.peers.get(&provider.vcenter)?;
        self.providers
            .iter()
            .find(|peer| peer.number == provider.number && peer.vcenter == *vcenter)
    }

    /// The provider that is active for a fault domain.
    fn active(&self, fault_domain: &str) -> &str {
        let own = || {
            let mut providers = self.providers.iter();
            let own = providers.find(|provider| provider.fault_domain == fault_domain);
            own.map_or("", |provider| provider.id.as_str())
        };
        self.active.get(fault_domain).map_or_else(own, String::as_str)
    }

    /// The groups that a provider is active for, with the side that is its own.
    fn own(&self, provider: &Provider) -> impl Iterator<Item = (&Pair, usize)> {
        self.pairs.values().filter_map(|pair| {
            let side = pair.sides.iter().position(|side| side.provider == provider.id)?;
            Some((pair, side))
        })
    }

    fn next_task(&mut self, vcenter: &str) -> String {
        let made = self.tasks_made.entry(vcenter.to_owned()).or_default();
        *made += 1;
        format!("smsTask-{made}")
    }

    /// Keeps the ids of both sides of a group, so that it is found by them.
    fn index(&mut self, pair: &Pair) {
        for (index, side) in pair.sides.iter().enumerate() {
            self.ids.insert(side.key(), (pair.name.clone(), index));
        }
    }

    /// Forgets the ids of both sides of a group.
    fn forget(&mut self, pair: &Pair) {
        for side in &pair.sides {
            self.ids.remove(&side.key());
        }
    }

    /// The group that a side knows under an id.
    fn find(&self, vcenter: &str, fault_domain: &str, id: &str) -> Option<(&Pair, usize)> {
        let key = (vcenter.to_owned(), fault_domain.to_owned(), id.to_owned());
        let (name, side) = self.ids.get(&key)?;
        Some((self.pairs.get(name)?, *side))
    }

    /// Whether another provider of the same vCenter is active for a group.
    fn is_of_another(&self, provider: &Provider, group: &Named) -> bool {
        let found = self.find(&provider.vcenter, &group.fault_domain, &group.id);
        found.is_some_and(|(pair, side)| pair.sides[side].provider != provider.id)
    }

    /// Whether a provider leaves a group out of the answer to a query.
    fn leaves_out(&self, provider: &Provider, group: &Named) -> bool {
        self.spec.other_provider == OtherProvider::Silent && self.is_of_another(provider, group)
    }

    /// The group of an id as a provider sees it, or the fault of its entry.
    fn look_up(&self, provider: &Provider, fault_domain: &str, id: &str) -> Result<(&Pair, usize), Fault> {
        if let Some((pair, side)) = self.find(&provider.vcenter, fault_domain, id) {
            let active = &pair.sides[side].provider;
            if *active == provider.id {
                return Ok((pair, side));
            }
            if self.spec.other_provider != OtherProvider::Inactive {
                return Err(Fault::new(
                    "InvalidFunctionTarget",
                    "Another provider has to be asked.",
                ));
            }
            let fault = Fault::new(
                "InactiveProvider",
                "Another provider is active for this fault domain.",
            );
            if self.spec.hides_active {
                return Err(fault);
            }
            let mapping = json!({
                "_typeName": "FaultDomainProviderMapping",
                "activeProvider": crate::vi_json::value::reference("VasaProvider", active),
                "faultDomainId": [group::fault_domain_id(fault_domain)],
            });
            return Err(fault.with("mapping", json!([mapping])));
        }
        let elsewhere = self
            .vcenters
            .iter()
            .any(|vcenter| self.find(vcenter, fault_domain, id).is_some());
        if elsewhere {
            return Err(Fault::new(
                "InvalidFunctionTarget",
                "The group is known at the other site.",
            ));
        }
        Err(Fault::new("NotFound", "There is no such group."))
    }

    /// The state as a side reports it, knowing only what it was told.
    fn reported(&self, core: &Core, pair: &Pair, side: usize) -> GroupState {
        let is_old_source = pair.phase == Phase::FailedOver && side == pair.source;
        let stays = if pair.source_told {
            self.spec.planned_source_stays
        } else {
            self.spec.source_stays || !core.is_reachable(&pair.sides[side].vcenter)
        };
        if is_old_source && stays {
            GroupState::Source
        } else if pair.is_prepared() && side == pair.source {
            self.spec.after_prepare.state()
        } else {
            pair.state(side)
        }
    }

    /// Whether a group allows it, asked at a side. `Ok(false)`: the group already is where it would be brought.
    fn allows(&self, core: &Core, pair: &Pair, side: usize, verb: Verb) -> Result<bool, Fault> {
        let state = self.reported(core, pair, side);
        let moved = pair.is_prepared() && side == pair.source && state != GroupState::Source;
        if verb == Verb::Prepare && moved && !self.spec.already_done {
            return Err(group::invalid_state(state, GroupState::Source));
        }
        Ok(pair.allows(side, verb, self.spec.already_done)? && !(verb == Verb::Prepare && moved))
    }

    /// The containers of virtual volumes by the datastores on them.
    pub(crate) fn containers(&self) -> BTreeMap<String, String> {
        let of = |provider: &Provider| {
            let [volumes, ..] = array::datastores(provider);
            (volumes, array::container_id(provider))
        };
        self.providers.iter().map(of).collect()
    }

    /// The groups that hold devices, as far as volumes and files are concerned.
    pub(crate) fn replicated(&self) -> Vec<Replicated> {
        let holding = self.pairs.values().filter(|pair| !pair.devices.is_empty());
        holding
            .map(|pair| replicated(pair, &self.spec_of(pair)))
            .collect()
    }

    fn state(&self, core: &Core) -> Value {
        let providers = self.providers.iter().map(|provider| provider.state(core));
        let groups = self.pairs.values().map(|pair| {
            let sides = (0..2).map(|index| {
                let side = &pair.sides[index];
                json!({
                    "vcenter": side.vcenter,
                    "provider": side.provider,
                    "fault_domain": side.fault_domain,
                    "id": side.id,
                    "state": self.reported(core, pair, index),
                })
            });
            json!({
                "name": pair.name,
                "sides": sides.collect::<Vec<_>>(),
                "source": pair.sides[pair.source].vcenter,
                "phase": pair.phase,
                "prepared": pair.prepared,
                "busy": pair.busy,
                "pits": pair.pits,
                "used_pit": pair.used_pit,
            })
        });
        json!({
            "providers": providers.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "tasks": self.tasks.values().map(SmsTask::state).collect::<Vec<_>>(),
        })
    }
}

/// The id of the datastore behind a provider, by the number of its site.
fn datastore(site: u32, provider: usize) -> String {
    format!("datastore-{}", numbered(site, provider))
}

/// The number of the site at this place in the list.
fn site_number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// A group that a world begins with.
struct Protected<'a> {
    number: u32,
    /// How many groups of its sites come before it.
    turn: usize,
    /// Number and vCenter of its source, and of its target.
    sites: [(u32, &'a str); 2],
}

/// A group as far as volumes and files are concerned.
fn replicated(pair: &Pair, spec: &ProviderSpec) -> Replicated {
    let side = |index: usize| ReplicatedSide {
        vcenter: pair.sides[index].vcenter.clone(),
        datastore: pair.sides[index].datastore.clone(),
        volumes: pair
            .devices
            .iter()
            .map(|device| device.ids[index].clone())
            .collect(),
        // A replicator on the hosts makes files where it likes, which is the other site of the start here.
        home: if spec.host_based && index == 1 {
            pair.machine()
        } else {
            let first = pair.devices.first();
            first.map_or_else(String::new, |device| device.ids[index].clone())
        },
    };
    Replicated {
        name: pair.name.clone(),
        machine: pair.machine(),
        sides: [side(0), side(1)],
        source: pair.source,
        snapshots: pair.devices.iter().filter(|device| device.snapshot).count(),
        corrected: if spec.host_based {
            CorrectsFiles::Listed
        } else {
            spec.corrects_files
        },
    }
}

/// A group that has replicated for a while: four replicas, the newest one younger than the interval.
fn protect(core: &mut Core, spec: &VasaSpec, at: &Protected<'_>) -> Pair {
    let Protected { number, turn, sites } = *at;
    let provider = turn % spec.providers.len() + 1;
    let name = format!("group-{number:03}");
    let side = |(site, vcenter): (u32, &str), prefix: &str| {
        let place = vcenter.trim_start_matches("vc-");
        Side {
            vcenter: vcenter.to_owned(),
            provider: format!("vasaProvider-{place}-{provider}"),
            fault_domain: format!("fd-{place}-{provider}"),
            id: format!("{prefix}-{number:03}"),
            datastore: datastore(site, provider),
        }
    };
    let mut random = core.random("group", &name);
    // The home of a virtual machine, and its one disk.
    let device = |random: &mut crate::random::Random, disk: u32| Device {
        vm: format!("vm-{}", numbered(sites[0].0, format_args!("{:03}", turn + 1))),
        disk: (disk == 2).then_some(2_000),
        snapshot: disk > 2,
        ids: [
            format!("rfc4122.{}", random.uuid()),
            format!("rfc4122.{}", random.uuid()),
        ],
        replicas: [
            format!("replica-{number:03}-{disk}-e"),
            format!("replica-{number:03}-{disk}-w"),
        ],
    };
    let with_devices = number <= spec.groups_with_devices;
    let own = &spec.providers[provider - 1];
    let last = if own.holds_snapshots && !own.host_based {
        3
    } else {
        2
    };
    let devices = if with_devices {
        (1..=last).map(|disk| device(&mut random, disk)).collect()
    } else {
        Vec::new()
    };
    let mut pair = Pair {
        name: name.clone(),
        provider: provider - 1,
        sides: [side(sites[0], "rg"), side(sites[1], "rt")],
        source: 0,
        phase: Phase::Replicating,
        source_told: true,
        recovered: false,
        prepared: false,
        busy: None,
        pits: Vec::new(),
        pits_made: 0,
        used_pit: None,
        devices,
        surfaces_ms: i64::MIN,
        turn: 0,
    };
    let age_ms = random.between(1_000, INTERVAL_MS);
    for back in (0..4).rev() {
        pair.store(-age_ms - back * INTERVAL_MS, None);
    }
    core.schedule_in(
        INTERVAL_MS - age_ms,
        Event::Sms(SmsEvent::Copies { pair: name, turn: 0 }),
    );
    pair
}
