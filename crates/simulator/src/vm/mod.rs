//! Virtual machines of the vCenters: their files, their power, their devices, and where they are.
//!
//! Sources: the vVol recovery rules, the VI JSON wire rules; COVERAGE.md has a row for each behaviour.
//!
//! Arrays are another part of the world. They tell this one when volumes come and go (`volumes_change`); everything else
//! about files is settled here.

mod body;
mod build;
mod call;
mod file;
mod file_call;
mod machine;
mod place;
mod power;
mod question;
mod reconfigure;
mod spec;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod together;
mod view;
mod volume;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::call::routed;
pub(crate) use self::call::{check_new_name, handle, objects, operation};
pub use self::file::{Home, Place};
pub use self::machine::{Guest, Machine, Question};
pub use self::place::{Datastore, Network, NetworkKind};
pub(crate) use self::power::check_power;
pub use self::spec::{
    ChoiceNames, MachineTrouble, Placement, Ports, TroubledMachine, VmSpec, WhileRewriting,
};
pub(crate) use self::view::property;
pub(crate) use self::volume::{Held, Replicated, ReplicatedSide, in_use, volumes_change};

use crate::call_log::Ticket;
use crate::core::Core;
use crate::event::Event;
use crate::vi_json::fault::Fault;
use crate::world::World;

/// The machines, files, datastores and networks of all vCenters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vms {
    spec: VmSpec,
    /// The vCenters, in the order of their sites.
    vcenters: Vec<String>,
    machines: BTreeMap<String, Machine>,
    #[serde(with = "crate::saved::pairs")]
    homes: BTreeMap<Place, Home>,
    /// The datastore of each volume that a vCenter can reach.
    #[serde(with = "crate::saved::pairs")]
    volumes: BTreeMap<(String, String), String>,
    datastores: BTreeMap<String, Datastore>,
    networks: BTreeMap<String, Network>,
    #[serde(with = "crate::saved::pairs")]
    made: BTreeMap<(String, crate::saved::Name), u32>,
    /// Volumes that are going to surface, by the place of their files.
    #[serde(with = "crate::saved::pairs")]
    coming: BTreeMap<Place, volume::Coming>,
    /// Work on machines that goes on when they are answered.
    held: BTreeMap<String, Job>,
    /// Recommendations of clusters that nobody has applied.
    recommended: Vec<together::Recommended>,
}

/// What happens by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum VmEvent {
    /// Work on a machine that was taken comes to its end.
    Ends(Box<Job>),
    /// A guest goes on to its next state, in the run in which that was set off.
    Guest { machine: String, boots: u32, to: Guest },
    /// Volumes surface, unless they went away meanwhile.
    Surfaces { place: Place, at_ms: i64 },
}

/// Work that was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Where its task is.
    vcenter: String,
    /// Its task.
    task: String,
    /// The machine or datastore that is busy with it.
    about: String,
    work: Work,
    ticket: Option<Ticket>,
}

/// What the work is.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Work {
    PowerOn {
        asked: bool,
    },
    SwitchOn {
        answer: Option<String>,
    },
    PowerOff,
    PowerOnTogether(Vec<together::Start>),
    Reconfigure(Box<reconfigure::Change>),
    Rename(String),
    Destroy,
    Register(Box<file_call::Registration>),
    Rewrite(Vec<file_call::Pair>),
    /// It was refused before it began, and the task is only there to say so.
    Refused(Fault),
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VmEvent) {
    match event {
        VmEvent::Ends(job) => ends(world, *job),
        VmEvent::Guest { machine, boots, to } => power::guest_goes_on(world, &machine, boots, to),
        VmEvent::Surfaces { place, at_ms } => volume::surface(&mut world.vms, place, at_ms),
    }
}

fn ends(world: &mut World, job: Job) {
    let outcome = match &job.work {
        Work::PowerOn { asked } => {
            question::settled(world, &job.about);
            power::comes_to_switch(world, &job, *asked)
        }
        Work::SwitchOn { answer } => {
            question::settled(world, &job.about);
            power::switches_on(world, &job, answer.as_deref())
        }
        Work::PowerOff => Some(power::switches_off(world, &job)),
        Work::PowerOnTogether(starts) => Some(together::ends(world, &job, starts)),
        Work::Reconfigure(change) => Some(reconfigure::ends(world, &job, change)),
        Work::Rename(name) => Some(call::renamed(world, &job, name)),
        Work::Destroy => Some(file_call::destroyed(world, &job)),
        Work::Register(registration) => Some(file_call::registered(world, registration)),
        Work::Rewrite(pairs) => Some(file_call::rewritten(world, &job, pairs)),
        Work::Refused(fault) => Some(Err(fault.clone())),
    };
    if let Some(outcome) = outcome {
        task::end(world, &job, outcome);
    }
}

impl Vms {
    /// All machines, by id.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    /// The machine of this id.
    pub fn machine(&self, id: &str) -> Option<&Machine> {
        self.machines.get(id)
    }

    /// The machine of this name at a vCenter.
    pub fn named(&self, vcenter: &str, name: &str) -> Option<&Machine> {
        let mut found = self.machines.values();
        found.find(|machine| machine.vcenter == vcenter && machine.name == name)
    }

    /// The files of all machines, registered or not, by their places.
    pub fn homes(&self) -> impl Iterator<Item = (&Place, &Home)> {
        self.homes.iter()
    }

    /// The datastore of this id.
    pub fn datastore(&self, id: &str) -> Option<&Datastore> {
        self.datastores.get(id)
    }

    /// The network of this name at a vCenter.
    pub fn network(&self, vcenter: &str, name: &str) -> Option<&Network> {
        let mut found = self.networks.values();
        found.find(|network| network.vcenter == vcenter && network.name == name)
    }

    /// Takes a datastore away from its hosts or gives it back; `false` if there is none of that id.
    pub fn set_accessible(&mut self, datastore: &str, accessible: bool) -> bool {
        let found = self.datastores.get_mut(datastore);
        found.map(|found| found.accessible = accessible).is_some()
    }

    /// Gives the files of a machine a trouble or takes it away, at all sites; `false` if there are none of that name.
    pub fn set_trouble(&mut self, machine: &str, trouble: MachineTrouble, troubled: bool) -> bool {
        let mut found = false;
        let coming = self.coming.values_mut().filter_map(volume::Coming::home_mut);
        let homes = self.homes.values_mut().chain(coming);
        for home in homes.filter(|home| home.config.name == machine) {
            found = true;
            if troubled {
                home.troubles.insert(trouble);
            } else {
                home.troubles.remove(&trouble);
            }
        }
        found
    }

    /// Whether files name only volumes that their vCenter can reach.
    fn is_whole(&self, home: &Home) -> bool {
        home.config.volumes().all(|volume| self.reaches(home, volume))
    }

    /// Whether the vCenter of files can reach a volume.
    fn reaches(&self, home: &Home, volume: &str) -> bool {
        self.volumes
            .contains_key(&(home.vcenter.clone(), volume.to_owned()))
    }

    /// What the options of a machine say of its uuid, so that it need not ask; empty if nothing.
    fn uuid_action<'a>(&self, home: &'a Home) -> &'a str {
        if self.spec.ignores_uuid_action {
            return "";
        }
        home.config.option("uuid.action")
    }

    /// The network behind a card, if its vCenter has it.
    fn network_behind(&self, vcenter: &str, card: &Value) -> Option<&Network> {
        let mut found = self.networks.values();
        found.find(|network| network.vcenter == vcenter && network.is_behind(&card["backing"]))
    }

    /// The storage policies that machines of a vCenter were given.
    pub(crate) fn assigned(&self, vcenter: &str) -> impl Iterator<Item = Assigned<'_>> {
        let machines = self
            .machines
            .values()
            .filter(move |machine| machine.vcenter == vcenter);
        machines.flat_map(|machine| {
            let home = self.homes.get(&machine.place);
            let profiles = home.into_iter().flat_map(|home| &home.config.profiles);
            profiles.map(|(part, profile)| Assigned {
                machine: &machine.id,
                disk: part.parse().ok(),
                profile,
            })
        })
    }

    /// The volumes of the homes and disks of the machines of a vCenter, each with its machine and the key of the disk.
    pub(crate) fn volumes_of_parts(&self, vcenter: &str) -> impl Iterator<Item = (&str, Option<i32>, &str)> {
        let here = self
            .machines
            .values()
            .filter(move |machine| machine.vcenter == vcenter);
        here.flat_map(|machine| {
            let config = self.homes.get(&machine.place).map(|home| &home.config);
            config.into_iter().flat_map(|config| {
                let home = config
                    .volume
                    .as_deref()
                    .map(|volume| (machine.id.as_str(), None, volume));
                let disks = config.devices.iter().filter_map(|(key, disk)| {
                    Some((
                        machine.id.as_str(),
                        Some(i32::try_from(*key).ok()?),
                        file::disk_volume(disk)?,
                    ))
                });
                home.into_iter().chain(disks)
            })
        })
    }

    /// The datastores of a vCenter.
    pub(crate) fn datastores_of(&self, vcenter: &str) -> Vec<String> {
        let here = self.datastores.values();
        let here = here.filter(|datastore| datastore.vcenter == vcenter);
        here.map(|datastore| datastore.id.clone()).collect()
    }

    /// Refuses to write a file of a machine where there is no room; `end` is what its name ends with.
    fn has_room(&self, core: &Core, place: &Place, end: &str) -> Result<(), Fault> {
        let datastore = self.datastores.get(&place.datastore);
        let Some(datastore) = datastore.filter(|datastore| core.is_full(&datastore.vcenter)) else {
            return Ok(());
        };
        let path = self.path(place);
        let stem = path.strip_suffix(".vmx").unwrap_or(&path);
        Err(
            Fault::new("NoDiskSpace", "There is no room left in the datastore.")
                .with("file", format!("{stem}{end}"))
                .with("datastore", datastore.name.clone()),
        )
    }

    /// The path of the configuration file in datastore form.
    fn path(&self, place: &Place) -> String {
        let datastore = self.datastores.get(&place.datastore);
        let name = datastore.map_or("", |datastore| &datastore.name);
        let file = self.homes.get(place).map_or("", |home| &home.file);
        format!("[{name}] {}/{file}", place.directory)
    }

    /// A machine and its files, if they can be read: its disks need not be there.
    fn with_files(&self, id: &str) -> Option<(&Machine, &Home)> {
        let machine = self.machines.get(id)?;
        let home = self.homes.get(&machine.place)?;
        let datastore = self.datastores.get(&machine.place.datastore)?;
        let volume = home.config.volume.as_ref();
        let there = volume.is_none_or(|volume| self.reaches(home, volume));
        (datastore.accessible && there).then_some((machine, home))
    }

    /// A number that has not been given out before, at a vCenter and for a kind of thing.
    fn number(&mut self, vcenter: &str, kind: &'static str) -> u32 {
        let made = self
            .made
            .entry((vcenter.to_owned(), crate::saved::Name(kind)))
            .or_default();
        *made += 1;
        *made
    }

    /// The state of all machines and files.
    pub(crate) fn state(&self) -> Value {
        let homes = self.homes.iter().map(|(place, home)| {
            json!({
                "place": place,
                "vcenter": home.vcenter,
                "path": self.path(place),
                "whole": self.is_whole(home),
                "troubles": home.troubles,
            })
        });
        json!({
            "machines": self.machines.values().collect::<Vec<_>>(),
            "homes": homes.collect::<Vec<_>>(),
            "datastores": self.datastores.values().collect::<Vec<_>>(),
            "networks": self.networks.values().collect::<Vec<_>>(),
        })
    }
}

/// A storage policy that a part of a machine was given, as `VirtualMachineProfileSpec`.
pub(crate) struct Assigned<'a> {
    pub(crate) machine: &'a str,
    /// The key of the disk; the home if `None`.
    pub(crate) disk: Option<i32>,
    pub(crate) profile: &'a Value,
}

/// Queues the end of work.
fn schedule(core: &mut Core, delay_ms: i64, job: Job) {
    core.schedule_in(delay_ms, Event::Vm(VmEvent::Ends(Box::new(job))));
}
