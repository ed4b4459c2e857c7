//! From what a failover or a test has recovered to machines that run, and to policies that are seen.

use std::time::Duration;

use farside_models_sms::RecoveredDevice;
use farside_models_vim::RegisterVMRequest;
use farside_simulator::pbm::PbmSpec;
use farside_simulator::sms::{CorrectsFiles, FilePaths, VasaSpec, Verb, VolumeIds};
use farside_simulator::vm::{MachineTrouble, VmSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_vasa::{
    Action, Device, FileOfMachine, GroupDevice, GroupId, GroupOutcome, GroupSuccess, MachineFiles, Recovered,
    Recovery, RecoveryError, VmPart, VmVolumes, owners, policy,
};
use farside_vim::{
    Datastore, Folder, ManagedObject as _, MovedOrCopied, Policies, TakenUp, VirtualMachine, WorkErrorKind,
};
use farside_wire::ManagedObjectReference;
use serde_json::json;

use crate::support::{Pair, Site};

const LONG: Duration = Duration::from_secs(600);

fn world(change: impl FnOnce(&mut VasaSpec, &mut VmSpec)) -> Pair {
    let (mut vasa, mut vm) = (VasaSpec::default(), VmSpec::default());
    vasa.groups_with_devices = 4;
    change(&mut vasa, &mut vm);
    Pair::of(&WorldSpec::pair(7).groups(4).replications(0).vasa(vasa).vm(vm))
}

fn target(number: u32) -> GroupId {
    GroupId::new("fd-west-1", format!("rt-{number:03}"))
}

/// The recovered devices of a success.
fn devices(outcomes: Vec<GroupOutcome>) -> Vec<RecoveredDevice> {
    let of = |outcome| match outcome {
        GroupOutcome::Succeeded {
            success: GroupSuccess::Recovered { devices, .. },
            ..
        } => devices,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().flat_map(of).collect()
}

async fn fail_over(pair: &Pair, west: &Site, numbers: &[u32]) -> Vec<RecoveredDevice> {
    let recoveries: Vec<_> = numbers
        .iter()
        .map(|number| Recovery::newest(target(*number)))
        .collect();
    let sent = west
        .client
        .start_failover(&west.providers[0], &recoveries, true)
        .await;
    devices(pair.done(sent.unwrap()).await)
}

/// The files of the machines of groups of the first provider.
async fn files_of(
    west: &Site,
    groups: &[GroupId],
    results: &[RecoveredDevice],
) -> Result<MachineFiles, RecoveryError> {
    let provider = &west.providers[0];
    west.client.machine_files(provider, groups, results, LONG).await
}

async fn take_up(west: &Site, path: &str) -> TakenUp {
    let folder: Folder = west.client.vim().object("group-v23");
    let pool = ManagedObjectReference::new("ResourcePool", "resgroup-29");
    let request = RegisterVMRequest::new(path, false).with_pool(pool);
    folder.take_up(&request, LONG, LONG).await.unwrap()
}

async fn start(machine: &VirtualMachine) -> Result<(), String> {
    let started = machine.start(Some(MovedOrCopied::Moved), LONG).await;
    started
        .map(|_| ())
        .map_err(|error| error.fault().unwrap().type_name().to_owned())
}

#[tokio::test(start_paused = true)]
async fn volumes_of_snapshots_come_from_the_fresh_look_alone() {
    let pair = world(|vasa, _| vasa.providers[0].holds_snapshots = true);
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1, 3]).await;
    assert_eq!(results.len(), 4, "homes and disks");

    // What the result alone tells is not enough.
    let told = Recovered::of(&results, &[]).unwrap();
    let (datastore, volumes) = told.volumes.first_key_value().unwrap();
    assert_eq!((told.volumes.len(), volumes.len()), (1, 4));
    let datastore = Datastore::of(west.client.vim(), datastore.clone());
    let updated = datastore.update_vm_files(None, volumes, LONG).await.unwrap();
    let machine = take_up(&west, &updated.updated[0].path).await.machine;
    assert_eq!(start(&machine).await, Err("FileNotFound".to_owned()));
    let volumes = async || {
        let machine = std::slice::from_ref(machine.reference());
        west.client.volumes_of_vms(machine).await.unwrap().remove(0)
    };
    let half = volumes().await;

    // It can be done again, with all of them.
    let groups = [target(1), target(3)];
    let files = files_of(&west, &groups, &results).await.unwrap();
    assert_eq!(
        (files.paths.len(), files.failed.len(), files.lost.len()),
        (2, 0, 0)
    );
    for path in &files.paths {
        let taken = take_up(&west, path).await;
        assert_eq!(taken.was_found, taken.machine.reference() == machine.reference());
        start(&taken.machine).await.unwrap();
    }
    // What the machine named tells as much.
    assert_eq!(files.source_volumes(&half).len(), 1, "{half:?}");
    assert_eq!(files.source_volumes(&volumes().await), []);
}

/// Nothing says that arrays of virtual volumes leave the files to us, nor what an update says of files that need none.
#[tokio::test(start_paused = true)]
async fn files_that_an_array_corrects_are_neither_lost_nor_taken_for_rewritten() {
    for (corrects, volume_ids) in [
        (CorrectsFiles::No, VolumeIds::AsFiles),
        (CorrectsFiles::Unlisted, VolumeIds::AsFiles),
        (CorrectsFiles::Unlisted, VolumeIds::Capitals),
        (CorrectsFiles::Unlisted, VolumeIds::NoDashes),
        (CorrectsFiles::Listed, VolumeIds::NoDashes),
        (CorrectsFiles::Failed, VolumeIds::Capitals),
    ] {
        let pair = world(|vasa, _| {
            vasa.volume_ids = volume_ids;
            vasa.providers[0].corrects_files = corrects;
            vasa.providers[0].holds_snapshots = true;
        });
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        let sources = east.volumes().await;
        let is_of = |name: &str| {
            let end = format!("/{name}.vmx");
            let is_it = move |machine: &&VmVolumes| machine.file.as_ref().unwrap().ends_with(&end);
            sources.iter().find(is_it).unwrap()
        };
        let results = fail_over(&pair, &west, &[1]).await;
        let files = files_of(&west, &[target(1)], &results).await.unwrap();
        assert!(files.lost.is_empty(), "{corrects:?}: {files:?}");
        assert_eq!(
            files.of_machine(is_of("app-003")),
            FileOfMachine::NotRecovered,
            "its group was not failed over"
        );
        let path = match (corrects, files.of_machine(is_of("app-001"))) {
            (CorrectsFiles::No | CorrectsFiles::Listed, FileOfMachine::Updated(path)) => {
                assert_eq!(files.paths, std::slice::from_ref(&path));
                path
            }
            (CorrectsFiles::Unlisted, FileOfMachine::Untold { datastore, file }) => {
                assert!(files.paths.is_empty());
                let datastore = Datastore::of(west.client.vim(), datastore);
                format!("[{}] {file}", datastore.summary().await.unwrap().name)
            }
            (CorrectsFiles::Failed, FileOfMachine::Failed(file)) => {
                assert!(files.paths.is_empty());
                file.path.unwrap()
            }
            (_, other) => panic!("{corrects:?}: {other:?}"),
        };
        let machine = take_up(&west, &path).await.machine;
        let asked = std::slice::from_ref(machine.reference());
        let volumes = west.client.volumes_of_vms(asked).await.unwrap().remove(0);
        assert_eq!(files.source_volumes(&volumes), [], "{corrects:?}");
        start(&machine).await.unwrap();
    }
}

/// Machines that a test leaves behind are found where vCenter still has them.
#[tokio::test(start_paused = true)]
async fn after_the_forced_end_of_a_test_what_is_left_of_it_is_told() {
    for leaves_with_test in [false, true] {
        let pair = world(|_, vm| vm.leaves_with_test = leaves_with_test);
        let west = pair.site("vc-west").await;
        let started = west
            .client
            .start_test(&west.providers[0], &[Recovery::newest(target(1))])
            .await;
        pair.done(started.unwrap()).await;
        let files = files_of(&west, &[target(1)], &[]).await.unwrap();
        let machine = take_up(&west, &files.paths[0]).await.machine;
        start(&machine).await.unwrap();
        let force = Action::StopTest { force: true };
        let ends = west.act(force, &[target(1)]).send().await.unwrap();
        assert!(ends[0].end.is_success(), "{ends:?}");
        let (datastore, _) = files.volumes.first_key_value().unwrap();
        let datastore = Datastore::of(west.client.vim(), datastore.clone());
        let left = datastore.machines().await.unwrap();
        assert_eq!(left.is_empty(), leaves_with_test);
        let error = machine.check_usable(LONG).await.unwrap_err();
        if leaves_with_test {
            assert_eq!(error.fault().unwrap().type_name(), "ManagedObjectNotFound");
        } else {
            assert!(
                matches!(error.kind(), WorkErrorKind::NotConnected(_)),
                "{error:?}"
            );
            left[0].unregister().await.unwrap();
        }
    }
}

/// How soon volumes surface is told nowhere: until then the look does not tell them, and vCenter does not know them.
#[tokio::test(start_paused = true)]
async fn volumes_that_surface_late_are_waited_for_within_the_time_given() {
    for (host_based, told) in [(false, false), (false, true), (true, false), (true, true)] {
        let pair = world(|vasa, _| {
            vasa.surfaces_ms = 20_000;
            vasa.providers[0].host_based = host_based;
            vasa.providers[0].holds_snapshots = !host_based;
        });
        let west = pair.site("vc-west").await;
        let results = fail_over(&pair, &west, &[1, 3]).await;
        let results = if told { results } else { Vec::new() };
        let groups = [target(1), target(3)];
        let files = west
            .client
            .machine_files(&west.providers[0], &groups, &results, LONG)
            .await
            .unwrap();
        assert_eq!(
            (files.paths.len(), files.failed.len()),
            (2, 0),
            "{host_based} {told}"
        );
        for path in &files.paths {
            start(&take_up(&west, path).await.machine).await.unwrap();
        }
    }
    // In less time they are not there.
    let pair = world(|vasa, _| vasa.surfaces_ms = 20_000);
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1]).await;
    let short = Duration::from_secs(10);
    let error = west
        .client
        .machine_files(&west.providers[0], &[target(1)], &results, short)
        .await
        .unwrap_err();
    assert!(matches!(error, RecoveryError::Work(_)), "{error:?}");
    let files = west
        .client
        .machine_files(&west.providers[0], &[target(1)], &[], Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!((files.paths.len(), files.lost.len()), (0, 2));
}

/// Providers write ids of volumes in their own way, which is not that of the properties of machines.
#[tokio::test(start_paused = true)]
async fn ids_of_volumes_are_the_same_however_they_are_written() {
    for volume_ids in [VolumeIds::Capitals, VolumeIds::NoDashes] {
        let pair = world(|vasa, _| {
            vasa.volume_ids = volume_ids;
            vasa.providers[0].holds_snapshots = true;
        });
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        let group = east.group(&GroupId::new("fd-east-1", "rg-001")).await;
        let owned = east.owned(&group).await;
        assert!(owned.len() == 2 && owned.iter().all(Option::is_some), "{owned:?}");
        let results = fail_over(&pair, &west, &[1]).await;
        let files = west
            .client
            .machine_files(&west.providers[0], &[target(1)], &results, LONG)
            .await
            .unwrap();
        assert_eq!((files.paths.len(), files.lost.len()), (1, 0), "{volume_ids:?}");
        start(&take_up(&west, &files.paths[0]).await.machine)
            .await
            .unwrap();
        let owned = west.owned(&west.group(&target(1)).await).await;
        assert!(owned.len() == 3 && owned.iter().all(Option::is_some), "{owned:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_and_in_a_test_the_look_is_enough() {
    for test in [false, true] {
        let pair = world(|_, _| {});
        let west = pair.site("vc-west").await;
        if test {
            let sent = west
                .client
                .start_test(&west.providers[0], &[Recovery::newest(target(1))])
                .await;
            pair.done(sent.unwrap()).await;
        } else {
            fail_over(&pair, &west, &[1]).await;
        }
        let files = files_of(&west, &[target(1)], &[]).await.unwrap();
        assert_eq!(files.paths.len(), 1);
        start(&take_up(&west, &files.paths[0]).await.machine)
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn both_lists_and_lost_devices_are_told() {
    let pair = world(|vasa, _| vasa.providers[0].loses_device = true);
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1, 3]).await;
    pair.simulator
        .world()
        .vms_mut()
        .set_trouble("app-003", MachineTrouble::BadFiles, true);
    let groups = [target(1), target(3)];
    let files = files_of(&west, &groups, &results).await.unwrap();
    assert_eq!(
        (files.paths.len(), files.failed.len(), files.lost.len()),
        (1, 1, 2)
    );
    assert_eq!(files.failed[0].fault.type_name(), "InvalidFormat");
    let fault = files.lost[0].fault.as_ref().unwrap();
    assert_eq!(fault.type_name(), "NoValidReplica");
    // The look tells of a device that was not recovered without saying why.
    let files = files_of(&west, &groups, &[]).await.unwrap();
    assert!(files.lost.len() == 2 && files.lost.iter().all(|lost| lost.fault.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_the_provider_does_not_show_stops_it() {
    let pair = world(|_, _| {});
    let west = pair.site("vc-west").await;
    let unknown = [GroupId::new("fd-west-1", "rt-999")];
    let error = files_of(&west, &unknown, &[]).await.unwrap_err();
    assert!(matches!(error, RecoveryError::NotShown { .. }), "{error:?}");
    // One that only replicates has nothing to register.
    let files = files_of(&west, &[target(1)], &[]).await.unwrap();
    assert!(files.paths.is_empty() && files.lost.len() == 2);
}

#[tokio::test(start_paused = true)]
async fn files_of_a_replicator_on_the_hosts_are_registered_as_they_are_and_known_again() {
    for file_paths in [
        FilePaths::FromUrl,
        FilePaths::Bare,
        FilePaths::FromHost,
        FilePaths::DatastoreForm,
    ] {
        let pair = world(|vasa, _| {
            vasa.providers[0].host_based = true;
            vasa.file_paths = file_paths;
        });
        let west = pair.site("vc-west").await;
        let results = fail_over(&pair, &west, &[1, 3]).await;
        let told = Recovered::of(&results, &[]).unwrap();
        assert!(told.volumes.is_empty() && told.lost.is_empty());
        assert_eq!(told.files.len(), 2);
        let groups = [target(1), target(3)];
        let files = files_of(&west, &groups, &results).await.unwrap();
        assert_eq!(files.paths.len(), 2);
        let mut machines = Vec::new();
        for path in &files.paths {
            let machine = take_up(&west, path).await.machine;
            start(&machine).await.unwrap();
            machines.push(machine.reference().clone());
        }
        let volumes: Vec<VmVolumes> = west.client.volumes_of_vms(&machines).await.unwrap();

        // By the group alone the home is known, by the result each disk as well.
        let views = west.client.groups(&west.providers[0], &groups).await.unwrap();
        for (view, machine) in views.into_iter().zip(&machines) {
            let farside_vasa::GroupView::Known(group) = view else {
                panic!("{view:?}")
            };
            let found: Vec<_> = owners(&group, &volumes)
                .into_iter()
                .map(|(_, owner)| owner)
                .collect();
            assert_eq!(found[0], Some((machine, VmPart::Home)));
        }
        let told: Vec<GroupDevice> = results
            .iter()
            .map(|device| GroupDevice::of_result(device).0)
            .collect();
        for (home_and_disk, machine) in told.chunks(2).zip(&volumes) {
            let [home, disk] = home_and_disk else {
                panic!("{home_and_disk:?}")
            };
            assert!(matches!(home.recovered, Some(Device::File { .. })));
            assert_eq!(
                machine.part_of(home.recovered.as_ref().unwrap()),
                Some(VmPart::Home)
            );
            assert_eq!(machine.disk_of(&disk.disks[0]), Some(VmPart::Disk(2000)));
            let others = volumes.iter().filter(|other| other.vm != machine.vm);
            for other in others {
                assert_eq!(other.part_of(home.recovered.as_ref().unwrap()), None);
                assert_eq!(other.disk_of(&disk.disks[0]), None);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn policies_of_the_new_source_are_given_to_home_and_disks_and_read_back() {
    let pair = world(|_, _| {});
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1]).await;
    let provider = &west.providers[0];
    let files = files_of(&west, &[target(1)], &results).await.unwrap();
    let machine = take_up(&west, &files.paths[0]).await.machine;
    let profile = pair.simulator.world().pbm().profiles("vc-west")[0].clone();
    let policies = |group: &GroupId| {
        let policy = policy(&profile, Some(group));
        Policies {
            home: Some(policy.clone()),
            disks: [(2000, policy)].into(),
        }
    };
    // Before the reverse no group replicates from here.
    let short = Duration::from_secs(20);
    let error = west
        .client
        .assign(&machine, &policies(&target(1)), short)
        .await
        .unwrap_err();
    let RecoveryError::NotAssigned { parts, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(parts, [VmPart::Home, VmPart::Disk(2000)]);

    let sent = west.client.start_reverse(provider, &[target(1)]).await.unwrap();
    let outcomes = pair.done(sent).await;
    let GroupOutcome::Succeeded {
        success: GroupSuccess::Reversed { group },
        ..
    } = &outcomes[0]
    else {
        panic!("{outcomes:?}")
    };
    west.client
        .assign(&machine, &policies(group), LONG)
        .await
        .unwrap();
    let found = west
        .client
        .groups_of_vms(std::slice::from_ref(machine.reference()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found[0].groups().into_iter().collect::<Vec<_>>(), [group]);
    // It can be done again, also with a policy that replicates nothing.
    let plain = pair.simulator.world().pbm().profiles("vc-west")[1].clone();
    let none = Policies {
        home: None,
        disks: [(2000, policy(&plain, None))].into(),
    };
    west.client.assign(&machine, &none, LONG).await.unwrap();
    let found = west
        .client
        .groups_of_vms(std::slice::from_ref(machine.reference()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found[0].parts[&VmPart::Disk(2000)], None);
}

/// That the group of a part is told does not mean that it has the policy.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_told_by_volumes_does_not_stand_for_the_policy() {
    let (mut vasa, mut pbm) = (VasaSpec::default(), PbmSpec::default());
    vasa.groups_with_devices = 4;
    pbm.tells_unassigned = true;
    let world = WorldSpec::pair(7).groups(4).replications(0).vasa(vasa).pbm(pbm);
    let pair = Pair::of(&world);
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1]).await;
    let files = files_of(&west, &[target(1)], &results).await.unwrap();
    let machine = take_up(&west, &files.paths[0]).await.machine;
    assert!(pair.simulator.world().act_on_group("group-001", Verb::Reverse));
    let asked = std::slice::from_ref(machine.reference());
    let told = west.client.groups_of_vms(asked).await.unwrap().unwrap();
    let groups: Vec<_> = told[0].groups().into_iter().cloned().collect();
    assert_eq!((groups.len(), told[0].faults.len()), (1, 0), "{told:?}");
    let profile = pair.simulator.world().pbm().profiles("vc-west")[0].clone();
    let policy = policy(&profile, groups.first());
    let policies = Policies {
        home: Some(policy.clone()),
        disks: [(2000, policy)].into(),
    };
    // The task ends well, and the policies stay as they were.
    let task = pair.simulator.world().run_task("vc-west", 0, Ok(None));
    let taken = json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": task});
    let rule = FaultRule::new(
        "VirtualMachine_ReconfigVM_Task",
        FaultAction::Refuse {
            status: 200,
            body: Some(taken),
            retry_after: None,
        },
    );
    pair.simulator.world().faults_mut().add(rule);
    let short = Duration::from_secs(20);
    let error = west.client.assign(&machine, &policies, short).await;
    let RecoveryError::NotAssigned { parts, .. } = error.unwrap_err() else {
        panic!("it has none")
    };
    assert_eq!(parts, [VmPart::Home, VmPart::Disk(2000)]);
    west.client.assign(&machine, &policies, LONG).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_contradicts_itself_is_not_written_into_files() {
    let pair = world(|_, _| {});
    let west = pair.site("vc-west").await;
    let results = fail_over(&pair, &west, &[1]).await;
    let text = |device: &RecoveredDevice| serde_json::to_string(device).unwrap();
    let volume = |device: &RecoveredDevice| {
        let (device, _) = GroupDevice::of_result(device);
        device.recovered.unwrap().volume().unwrap().as_str().to_owned()
    };
    let [home, disk] = &results[..] else {
        panic!("{results:?}")
    };
    // The home became what the disk did; then the home became something else.
    for other in [
        volume(disk),
        "rfc4122.00000000-0000-0000-0000-000000000001".to_owned(),
    ] {
        let other: RecoveredDevice =
            serde_json::from_str(&text(home).replace(&volume(home), &other)).unwrap();
        let wrong = [other, disk.clone(), home.clone()];
        let error = files_of(&west, &[target(1)], &wrong).await.unwrap_err();
        assert!(matches!(error, RecoveryError::Contradiction(_)), "{error:?}");
    }
    let calls = pair.simulator.world().calls().entries().into_iter();
    let written = calls
        .filter(|calls| calls.operation.contains("UpdateVVol"))
        .count();
    assert_eq!(written, 0);
    // Another way to write one id is none.
    let upper = text(home).replace(&volume(home), &volume(home).to_uppercase());
    let upper: RecoveredDevice = serde_json::from_str(&upper).unwrap();
    let both = Recovered::of(&[upper, home.clone(), disk.clone()], &[]).unwrap();
    assert_eq!(both.volumes.values().map(Vec::len).sum::<usize>(), 2);
}
