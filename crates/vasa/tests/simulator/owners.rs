//! Which machines and disks the devices of groups are, at both sides and in each state of a group.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_models_vim::RegisterVMRequest;
use farside_simulator::WorldSpec;
use farside_simulator::sms::VasaSpec;
use farside_simulator::vm::VmSpec;
use farside_vasa::{
    Device, Group, GroupId, ProviderRef, Recovery, VmPart, VmVolumes, owners, parts_by_group,
};
use farside_vim::{Datastore, Folder, RecoveredVolume};
use farside_wire::ManagedObjectReference;

use crate::support::{Pair, Site, all_succeeded, ids};

/// Six groups, each with a machine of a home and a disk; odd numbers at the first provider.
const GROUPS: u32 = 6;
const LONG: Duration = Duration::from_secs(600);

fn world(change: impl FnOnce(&mut VasaSpec)) -> Pair {
    let mut vasa = VasaSpec::default();
    vasa.groups_with_devices = GROUPS;
    change(&mut vasa);
    Pair::of(&WorldSpec::pair(7).groups(GROUPS).replications(0).vasa(vasa))
}

/// A part of a machine, by the machine's name.
pub(crate) type Part = (String, VmPart);

impl Site {
    /// All machines of the site, with their names.
    async fn machines(&self) -> BTreeMap<ManagedObjectReference, String> {
        let vim = self.client.vim();
        let root = vim.content().await.unwrap().root_folder.clone();
        let entries = vim.entries(&root, "VirtualMachine").await.unwrap();
        entries
            .into_iter()
            .map(|entry| (entry.object, entry.name))
            .collect()
    }

    pub(crate) async fn volumes(&self) -> Vec<VmVolumes> {
        let machines: Vec<_> = self.machines().await.into_keys().collect();
        self.client.volumes_of_vms(&machines).await.unwrap()
    }

    /// The groups of both providers.
    async fn groups(&self) -> Vec<Group> {
        let mut groups = self.all(0).await;
        groups.extend(self.all(1).await);
        groups
    }

    /// Whom the devices of a group belong to, in their order.
    pub(crate) async fn owned(&self, group: &Group) -> Vec<Option<Part>> {
        let (machines, volumes) = (self.machines().await, self.volumes().await);
        let found = owners(group, &volumes).into_iter();
        found
            .map(|(_, owner)| owner.map(|(vm, part)| (machines[vm].clone(), part)))
            .collect()
    }

    pub(crate) async fn group(&self, id: &GroupId) -> Group {
        let all = self.groups().await;
        all.into_iter().find(|group| group.id == *id).unwrap()
    }

    /// Has the files of a group that was recovered rewritten, and its machine registered: the way of an operator.
    async fn register(&self, group: &Group) {
        let volume = |device: &Device| device.volume().unwrap().as_str().to_owned();
        let pairs: Vec<RecoveredVolume> = group
            .devices
            .iter()
            .map(|device| RecoveredVolume {
                source: volume(&device.source),
                recovered: volume(device.recovered.as_ref().unwrap()),
            })
            .collect();
        let vim = self.client.vim();
        let datastore: Datastore = vim.object(&group.devices[0].datastore.as_ref().unwrap().value);
        let files = datastore.update_vm_files(None, &pairs, LONG).await.unwrap();
        let folder: Folder = vim.object("group-v23");
        let pool = ManagedObjectReference::new("ResourcePool", "resgroup-29");
        let request = RegisterVMRequest::new(&files.updated[0].path, false).with_pool(pool);
        folder.register(&request, LONG).await.unwrap();
    }
}

fn target(number: u32) -> GroupId {
    GroupId::new("fd-west-1", format!("rt-{number:03}"))
}

fn source(number: u32) -> GroupId {
    GroupId::new("fd-east-1", format!("rg-{number:03}"))
}

fn app(number: u32, part: VmPart) -> Option<Part> {
    Some((format!("app-{number:03}"), part))
}

fn both(number: u32) -> [Option<Part>; 2] {
    [app(number, VmPart::Home), app(number, VmPart::Disk(2000))]
}

async fn fail_over(pair: &Pair, west: &Site, number: u32, planned: bool) {
    let recoveries = [Recovery::newest(target(number))];
    let sent = west
        .client
        .start_failover(&west.providers[0], &recoveries, planned)
        .await;
    assert!(all_succeeded(&pair.done(sent.unwrap()).await));
}

#[tokio::test(start_paused = true)]
async fn at_the_source_devices_and_policies_tell_the_same_machines_and_disks() {
    let pair = world(|_| {});
    let east = pair.site("vc-east").await;
    let (machines, volumes) = (east.machines().await, east.volumes().await);
    let asked: Vec<_> = machines.keys().cloned().collect();
    let by_policy = parts_by_group(&east.client.groups_of_vms(&asked).await.unwrap().unwrap());
    let groups = east.groups().await;
    assert_eq!(groups.len(), GROUPS as usize);
    let replicated = volumes.iter().filter(|machine| !machine.parts.is_empty());
    assert!(
        replicated.clone().count() > 0 && replicated.clone().all(|machine| machine.untold_disks.is_empty())
    );
    for group in &groups {
        let found = owners(group, &volumes).into_iter();
        let by_device: Vec<_> = found
            .map(|(_, owner)| owner.map(|(vm, part)| (vm.clone(), part)).unwrap())
            .collect();
        assert_eq!(by_policy[&group.id], by_device, "{}", group.id);
        let number: u32 = group.id.device_group.trim_start_matches("rg-").parse().unwrap();
        assert_eq!(east.owned(group).await, both(number));
    }
    let replicated: Vec<_> = by_policy.values().flatten().collect();
    assert_eq!(replicated.len(), 2 * GROUPS as usize, "and of no other machine");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_no_group_replicates_has_no_volume() {
    let pair = world(|_| {});
    let east = pair.site("vc-east").await;
    let machines = east.machines().await;
    let plain = east
        .volumes()
        .await
        .into_iter()
        .filter(|volumes| !machines[&volumes.vm].starts_with("app-"));
    let plain: Vec<VmVolumes> = plain.collect();
    assert_eq!(plain.len(), 2);
    assert!(
        plain
            .iter()
            .all(|machine| machine.parts.is_empty() && machine.others.is_empty())
    );
    assert!(plain.iter().all(VmVolumes::is_told));
}

#[tokio::test(start_paused = true)]
async fn while_a_group_replicates_nobody_owns_its_devices_at_the_target() {
    let pair = world(|_| {});
    let west = pair.site("vc-west").await;
    for group in west.groups().await {
        assert!(group.devices.iter().all(|device| device.recovered.is_none()));
        assert_eq!(west.owned(&group).await, [None, None], "{}", group.id);
    }
}

#[tokio::test(start_paused = true)]
async fn recovered_devices_have_no_owner_until_their_machine_is_registered() {
    let pair = world(|_| {});
    let west = pair.site("vc-west").await;
    fail_over(&pair, &west, 1, false).await;
    let group = west.group(&target(1)).await;
    assert!(group.devices.iter().all(|device| device.recovered.is_some()));
    assert_eq!(west.owned(&group).await, [None, None]);
    west.register(&group).await;
    assert_eq!(west.owned(&west.group(&target(1)).await).await, both(1));
    // The machine is that of the one group, not of its neighbours.
    fail_over(&pair, &west, 3, false).await;
    assert_eq!(west.owned(&west.group(&target(3)).await).await, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn of_the_stale_machine_at_the_old_source_nothing_is_told_once_its_volumes_are_gone() {
    for planned in [false, true] {
        let pair = world(|_| {});
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        let stale = pair
            .simulator
            .world()
            .vms()
            .named("vc-east", "app-001")
            .unwrap()
            .id
            .clone();
        let stale = [ManagedObjectReference::new("VirtualMachine", stale)];
        fail_over(&pair, &west, 1, planned).await;
        // The source keeps its volumes until the group is reversed, whether it has been told or not.
        assert!(east.client.volumes_of_vms(&stale).await.unwrap()[0].is_told());
        assert_eq!(east.owned(&east.group(&source(1)).await).await, both(1));
        let reverse = west.client.start_reverse(&west.providers[0], &[target(1)]).await;
        pair.done(reverse.unwrap()).await;
        let volumes = east.client.volumes_of_vms(&stale).await.unwrap();
        assert!(!volumes[0].is_told(), "{volumes:?}");
        assert_eq!(east.owned(&east.group(&source(1)).await).await, [None, None]);
        assert_eq!(east.owned(&east.group(&source(3)).await).await, both(3));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_reverse_the_devices_of_the_other_side_are_looked_for() {
    for renames in [false, true] {
        let pair = world(|vasa| vasa.providers[0].renames_on_reverse = renames);
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        fail_over(&pair, &west, 1, false).await;
        west.register(&west.group(&target(1)).await).await;
        let sent = west
            .client
            .start_reverse(&west.providers[0], &[target(1)])
            .await
            .unwrap();
        pair.done(sent).await;
        let groups = west.groups().await;
        let now_source: Vec<&Group> = groups.iter().filter(|group| group.is_source()).collect();
        assert_eq!(now_source.len(), 1);
        assert_eq!(west.owned(now_source[0]).await, both(1), "{renames}");
        let peer = east
            .groups()
            .await
            .into_iter()
            .find(|group| !group.is_source())
            .unwrap();
        assert_eq!(peer.peers(), std::slice::from_ref(&now_source[0].id));
        assert_eq!(
            east.owned(&peer).await,
            [None, None],
            "nothing has been recovered there"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_machine_of_a_test_owns_what_the_test_made() {
    let pair = world(|_| {});
    let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
    let recoveries = [Recovery::newest(target(1))];
    let sent = west.client.start_test(&west.providers[0], &recoveries).await;
    pair.done(sent.unwrap()).await;
    let group = west.group(&target(1)).await;
    assert_eq!(west.owned(&group).await, [None, None]);
    west.register(&group).await;
    assert_eq!(west.owned(&west.group(&target(1)).await).await, both(1));
    assert_eq!(
        east.owned(&east.group(&source(1)).await).await,
        both(1),
        "the source runs on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_not_recovered_has_no_owner_beside_one_that_was() {
    let pair = world(|vasa| vasa.providers[0].loses_device = true);
    let west = pair.site("vc-west").await;
    fail_over(&pair, &west, 1, false).await;
    let group = west.group(&target(1)).await;
    let recovered: Vec<bool> = group
        .devices
        .iter()
        .map(|device| device.recovered.is_some())
        .collect();
    assert_eq!(recovered, [true, false]);
    assert_eq!(west.owned(&group).await, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_replicator_on_the_hosts_names_machines_and_disks_themselves() {
    let pair = world(|vasa| vasa.providers[0].host_based = true);
    let east = pair.site("vc-east").await;
    let group = east.group(&source(1)).await;
    assert!(matches!(group.devices[0].source, Device::Vm(_)));
    assert!(matches!(group.devices[1].source, Device::Disk { key: 2000, .. }));
    assert_eq!(east.owned(&group).await, both(1));
    let by_volume = east.all(1).await.remove(0);
    assert!(by_volume.devices[0].source.volume().is_some());
    assert_eq!(east.owned(&by_volume).await, both(2));
}

#[tokio::test(start_paused = true)]
async fn a_group_is_found_at_its_provider_by_the_id_that_a_policy_names() {
    let pair = world(|_| {});
    let east = pair.site("vc-east").await;
    let machine = pair
        .simulator
        .world()
        .vms()
        .named("vc-east", "app-005")
        .unwrap()
        .id
        .clone();
    let asked = [ManagedObjectReference::new("VirtualMachine", machine)];
    let found = east.client.groups_of_vms(&asked).await.unwrap().unwrap();
    let named: Vec<GroupId> = found[0].groups().into_iter().cloned().collect();
    let provider = ProviderRef::new("vasaProvider-east-1");
    let groups = east.client.groups(&provider, &named).await.unwrap();
    let [farside_vasa::GroupView::Known(group)] = &groups[..] else {
        panic!("{groups:?}")
    };
    assert_eq!(ids(std::slice::from_ref(group)), [source(5)]);
    assert_eq!(east.owned(group).await, both(5));
}

#[tokio::test(start_paused = true)]
async fn of_machines_that_hide_their_volumes_the_home_alone_is_known_and_disks_are_told_to_be_unknown() {
    let (mut vasa, mut vm) = (VasaSpec::default(), VmSpec::default());
    vasa.groups_with_devices = GROUPS;
    vm.hides_volumes = true;
    let pair = Pair::of(
        &WorldSpec::pair(7)
            .groups(GROUPS)
            .replications(0)
            .vasa(vasa)
            .vm(vm),
    );
    let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
    let home_of = |number| [app(number, VmPart::Home), None];
    assert_eq!(east.owned(&east.group(&source(1)).await).await, home_of(1));
    for machine in east.volumes().await {
        assert_eq!(machine.untold_disks, [2000], "{machine:?}");
    }
    fail_over(&pair, &west, 1, false).await;
    west.register(&west.group(&target(1)).await).await;
    assert_eq!(west.owned(&west.group(&target(1)).await).await, home_of(1));
    assert_eq!(west.owned(&west.group(&target(3)).await).await, [None, None]);
}
