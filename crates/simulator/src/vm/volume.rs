//! Volumes that come and go with what arrays do.

use std::collections::BTreeSet;

use super::Vms;
use super::file::Place;
use super::machine::Guest;
use crate::world::World;

/// A replication group as far as volumes and files are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replicated {
    /// The name of the group.
    pub(crate) name: String,
    /// Both sides; volumes of one number belong together.
    pub(crate) sides: [ReplicatedSide; 2],
    /// Which side is the source.
    pub(crate) source: usize,
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
}

/// Hosts can reach the volumes of a group at other sides than before.
pub(crate) fn volumes_change(world: &mut World, group: &Replicated, before: [bool; 2], after: [bool; 2]) {
    let sides = [0, 1];
    for side in sides.into_iter().filter(|side| after[*side] && !before[*side]) {
        appear(&mut world.vms, &group.sides[1 - side], &group.sides[side]);
    }
    for side in sides.into_iter().filter(|side| before[*side] && !after[*side]) {
        vanish(world, &group.sides[side]);
    }
}

/// The volumes of one side of a group can be reached from now on. The files on them are those of the other side as they
/// are at this moment; they name its volumes.
fn appear(vms: &mut Vms, from: &ReplicatedSide, to: &ReplicatedSide) {
    for volume in &to.volumes {
        let key = (to.vcenter.clone(), volume.clone());
        vms.volumes.insert(key, to.datastore.clone());
    }
    for (theirs, own) in from.volumes.iter().zip(&to.volumes) {
        let Some(mut home) = vms.homes.get(&place(from, theirs)).cloned() else {
            continue;
        };
        home.vcenter.clone_from(&to.vcenter);
        super::view::disconnect_cards(&mut home);
        vms.homes.insert(place(to, own), home);
    }
}

/// The volumes of one side of a group cannot be reached any more. Machines on them stay in the inventory, inaccessible.
fn vanish(world: &mut World, side: &ReplicatedSide) {
    let World { vms, inventory, .. } = world;
    for volume in &side.volumes {
        vms.volumes.remove(&(side.vcenter.clone(), volume.clone()));
        let place = place(side, volume);
        vms.homes.remove(&place);
        for machine in vms.machines.values_mut().filter(|machine| machine.place == place) {
            machine.on = false;
            machine.guest = Guest::NotRunning;
            inventory.touch(&machine.vcenter, &machine.id);
        }
    }
}

fn place(side: &ReplicatedSide, volume: &str) -> Place {
    Place {
        datastore: side.datastore.clone(),
        directory: volume.to_owned(),
    }
}

/// The volumes of one side of a group that hold files of machines in the inventory.
pub(crate) fn in_use(vms: &Vms, side: &ReplicatedSide) -> BTreeSet<String> {
    let places = vms.machines.values().map(|machine| &machine.place);
    let on_it =
        places.filter(|place| place.datastore == side.datastore && side.volumes.contains(&place.directory));
    on_it.map(|place| place.directory.clone()).collect()
}
