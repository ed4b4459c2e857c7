//! Volumes that come and go with what arrays do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::file::{Home, Place, plain};
use super::machine::Guest;
use super::{VmEvent, Vms, Work};
use crate::event::Event;
use crate::sms::CorrectsFiles;
use crate::vi_json::fault::Fault;
use crate::world::World;

/// A replication group as far as volumes and files are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replicated {
    /// The name of the group.
    pub(crate) name: String,
    /// The name of its machine.
    pub(crate) machine: String,
    /// Both sides; volumes of one number belong together.
    pub(crate) sides: [ReplicatedSide; 2],
    /// Which side is the source.
    pub(crate) source: usize,
    /// How many volumes at the end hold snapshots.
    pub(crate) snapshots: usize,
    /// Whether what recovers the files makes them name the volumes of their own side.
    pub(crate) corrected: CorrectsFiles,
}

/// One side of a replication group: where its volumes are, and their ids there. The first one holds the configuration of
/// a machine, the others its disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicatedSide {
    /// The vCenter.
    pub(crate) vcenter: String,
    /// The id of the datastore.
    pub(crate) datastore: String,
    /// The ids of the volumes.
    pub(crate) volumes: Vec<String>,
    /// The directory of the configuration.
    pub(crate) home: String,
}

/// At which sides hosts are to reach the volumes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Before a change.
    pub(crate) before: [bool; 2],
    /// After it.
    pub(crate) after: [bool; 2],
    /// Whether the group replicates the other way round from then on.
    pub(crate) turned: bool,
}

impl Held {
    /// The side that is to be reached from now on.
    pub(crate) fn gained(self) -> Option<usize> {
        [0, 1]
            .into_iter()
            .find(|side| self.after[*side] && !self.before[*side])
    }

    fn lost(self) -> Option<usize> {
        [0, 1]
            .into_iter()
            .find(|side| self.before[*side] && !self.after[*side])
    }
}

/// Volumes of one side of a group that are going to surface, and the files on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Coming {
    vcenter: String,
    volumes: Vec<String>,
    home: Option<Home>,
    at_ms: i64,
}

impl Coming {
    /// The files on them.
    pub(super) fn home_mut(&mut self) -> Option<&mut Home> {
        self.home.as_mut()
    }
}

/// Hosts can reach the volumes of a group at other sides than before; those that they gain, so much later.
pub(crate) fn volumes_change(world: &mut World, group: &Replicated, held: Held, late_ms: u32) {
    if let Some(side) = held.gained() {
        let to = &group.sides[side];
        let at_ms = world.core.now_ms() + i64::from(late_ms);
        let coming = Coming {
            vcenter: to.vcenter.clone(),
            volumes: to.volumes.clone(),
            home: recovered(&world.vms, group, &group.sides[1 - side], to),
            at_ms,
        };
        let place = place(to);
        world.vms.coming.insert(place.clone(), coming);
        if late_ms == 0 {
            surface(&mut world.vms, place, at_ms);
        } else {
            let surfaces = VmEvent::Surfaces { place, at_ms };
            world.core.schedule_in(i64::from(late_ms), Event::Vm(surfaces));
        }
    }
    if let Some(side) = held.lost() {
        let place = vanish(world, &group.sides[side]);
        if !held.turned && world.vms.spec.leaves_with_test {
            leave(world, &place);
        }
    }
}

/// Machines leave the inventory, and what holds their tasks up does so no more.
fn leave(world: &mut World, place: &Place) {
    let World {
        core, vms, inventory, ..
    } = world;
    let mut left = Vec::new();
    vms.machines.retain(|id, machine| {
        let leaves = machine.place == *place;
        if leaves {
            inventory.remove(&machine.vcenter, id);
            left.push(id.clone());
        }
        !leaves
    });
    for id in left {
        if let Some(mut job) = vms.held.remove(&id) {
            job.work = Work::Refused(Fault::no_such_object("VirtualMachine", &id));
            super::schedule(core, 0, job);
        }
    }
}

/// Volumes can be reached from now on, if they still are to at this time.
pub(super) fn surface(vms: &mut Vms, place: Place, at_ms: i64) {
    if vms.coming.get(&place).is_none_or(|coming| coming.at_ms != at_ms) {
        return;
    }
    let Some(coming) = vms.coming.remove(&place) else {
        return;
    };
    for volume in coming.volumes {
        let key = (coming.vcenter.clone(), volume);
        vms.volumes.insert(key, place.datastore.clone());
    }
    if let Some(home) = coming.home {
        vms.homes.insert(place, home);
    }
}

/// The files on the volumes of one side of a group: those of the other side as they are at this moment. They name its volumes,
/// unless they are corrected. What storage policies they had means nothing here.
fn recovered(vms: &Vms, group: &Replicated, from: &ReplicatedSide, to: &ReplicatedSide) -> Option<Home> {
    let there = vms.homes.get(&place(from));
    let coming = || vms.coming.get(&place(from))?.home.as_ref();
    let mut home = there.or_else(coming)?.clone();
    home.vcenter.clone_from(&to.vcenter);
    home.config.profiles.clear();
    home.corrected = group.corrected;
    super::view::disconnect_cards(&mut home);
    if group.corrected != CorrectsFiles::No {
        let both = from.volumes.iter().map(|volume| plain(volume));
        let both = both.zip(to.volumes.iter().cloned());
        let name = vms
            .datastores
            .get(&to.datastore)
            .map_or("", |datastore| &datastore.name);
        home.config.rewrite(&both.collect(), &place(to), name);
    }
    Some(home)
}

/// The volumes of one side of a group cannot be reached any more. Machines on them stay in the inventory, inaccessible. Gives the
/// place of their files.
fn vanish(world: &mut World, side: &ReplicatedSide) -> Place {
    let World { vms, inventory, .. } = world;
    for volume in &side.volumes {
        vms.volumes.remove(&(side.vcenter.clone(), volume.clone()));
    }
    let place = place(side);
    vms.coming.remove(&place);
    vms.homes.remove(&place);
    for machine in vms.machines.values_mut().filter(|machine| machine.place == place) {
        machine.on = false;
        machine.guest = Guest::NotRunning;
        inventory.touch(&machine.vcenter, &machine.id);
    }
    place
}

fn place(side: &ReplicatedSide) -> Place {
    Place {
        datastore: side.datastore.clone(),
        directory: side.home.clone(),
    }
}

/// The volumes of one side of a group that hold files of machines in the inventory.
pub(crate) fn in_use(vms: &Vms, side: &ReplicatedSide) -> BTreeSet<String> {
    let mut places = vms.machines.values().map(|machine| &machine.place);
    let own = place(side);
    let used = places.any(|place| *place == own);
    side.volumes
        .first()
        .filter(|_| used)
        .cloned()
        .into_iter()
        .collect()
}
