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
    /// The name of its machine.
    pub(crate) machine: String,
    /// Both sides; volumes of one number belong together.
    pub(crate) sides: [ReplicatedSide; 2],
    /// Which side is the source.
    pub(crate) source: usize,
    /// How many volumes at the end hold snapshots.
    pub(crate) snapshots: usize,
    /// Whether what recovers the files makes them name the volumes of their own side.
    pub(crate) corrected: bool,
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

/// Hosts can reach the volumes of a group at other sides than before.
pub(crate) fn volumes_change(world: &mut World, group: &Replicated, before: [bool; 2], after: [bool; 2]) {
    let sides = [0, 1];
    for side in sides.into_iter().filter(|side| after[*side] && !before[*side]) {
        appear(&mut world.vms, group, &group.sides[1 - side], &group.sides[side]);
    }
    for side in sides.into_iter().filter(|side| before[*side] && !after[*side]) {
        vanish(world, &group.sides[side]);
    }
}

/// The volumes of one side of a group can be reached from now on. The files on them are those of the other side as they
/// are at this moment; they name its volumes, unless they are corrected. What storage policies they had means nothing here.
fn appear(vms: &mut Vms, group: &Replicated, from: &ReplicatedSide, to: &ReplicatedSide) {
    for volume in &to.volumes {
        let key = (to.vcenter.clone(), volume.clone());
        vms.volumes.insert(key, to.datastore.clone());
    }
    let Some(mut home) = vms.homes.get(&place(from)).cloned() else {
        return;
    };
    home.vcenter.clone_from(&to.vcenter);
    home.config.profiles.clear();
    super::view::disconnect_cards(&mut home);
    if group.corrected {
        let both = from.volumes.iter().cloned().zip(to.volumes.iter().cloned());
        let name = vms
            .datastores
            .get(&to.datastore)
            .map_or("", |datastore| &datastore.name);
        home.config.rewrite(&both.collect(), &place(to), name);
    }
    vms.homes.insert(place(to), home);
}

/// The volumes of one side of a group cannot be reached any more. Machines on them stay in the inventory, inaccessible.
fn vanish(world: &mut World, side: &ReplicatedSide) {
    let World { vms, inventory, .. } = world;
    for volume in &side.volumes {
        vms.volumes.remove(&(side.vcenter.clone(), volume.clone()));
    }
    let place = place(side);
    vms.homes.remove(&place);
    for machine in vms.machines.values_mut().filter(|machine| machine.place == place) {
        machine.on = false;
        machine.guest = Guest::NotRunning;
        inventory.touch(&machine.vcenter, &machine.id);
    }
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
