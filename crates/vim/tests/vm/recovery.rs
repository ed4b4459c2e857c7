//! What stands between the files of a recovered machine and a guest that runs, each with its remedy.

use std::time::Duration;

use farside_models_vim::{RegisterVMRequest, VirtualMachineConnectionState};
use farside_simulator::sms::Verb;
use farside_simulator::vm::{MachineTrouble, Placement, VmSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::Clock as _;
use farside_vim::{
    Datacenter, Datastore, Discarded, ManagedObject, MovedOrCopied, NotRegistered, Policies, Policy,
    Presence, ShutDown, Started, TestCopy, VirtualMachine, WorkErrorKind,
};
use farside_wire::OpenEnum as _;

use crate::story::{recovered, updated};
use crate::support::{Bench, LONG, fault};

const OFF: ShutDown = ShutDown {
    guest: Duration::ZERO,
    power_off: LONG,
};

fn request(bench: &Bench, path: &str) -> RegisterVMRequest {
    RegisterVMRequest::new(path, false).with_pool(bench.pool(&bench.west))
}

/// The file of the machine of the first group, once that is failed over and its files are rewritten.
async fn file(bench: &Bench) -> String {
    updated(bench, "group-001").await.updated[0].path.clone()
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_is_waited_for_as_long_as_is_said() {
    for missing_file_is_not_found in [false, true] {
        let mut spec = VmSpec::default();
        spec.missing_file_is_not_found = missing_file_is_not_found;
        let bench = Bench::new(spec);
        let folder = bench.vm_folder(&bench.west);
        let began = bench.clock.elapsed();
        let absent = request(&bench, "[datastore-west-1] nowhere/app-001.vmx");
        let wait = Duration::from_secs(90);
        let error = folder.take_up(&absent, wait, LONG).await.unwrap_err();
        assert_eq!(
            NotRegistered::of(error.fault().unwrap()),
            Some(NotRegistered::NoFile),
            "{error:?}"
        );
        let took = bench.clock.elapsed() - began;
        assert!(took >= wait && took < wait * 2, "{took:?}");
        let tries = bench.calls("Folder_RegisterVM_Task").attempts;
        assert!((4..12).contains(&tries), "{tries}");

        // One that shows up meanwhile is found.
        let later = async {
            bench.pass(Duration::from_secs(40)).await;
            bench.act("group-003", Verb::Failover).await;
        };
        let volumes = crate::story::volumes(&bench, "group-003");
        let name = {
            let datastore: Datastore = bench.west.object("datastore-21");
            datastore.summary().await.unwrap().name
        };
        let path = format!("[{name}] {}/app-003.vmx", volumes[0].recovered);
        let wanted = request(&bench, &path);
        let (taken, ()) = tokio::join!(folder.take_up(&wanted, LONG, LONG), later);
        // The file is there now, and nobody has rewritten it.
        assert_eq!(fault(&taken.unwrap_err()), "InvalidFormat");
    }
}

#[tokio::test]
async fn a_machine_that_is_registered_already_is_found_and_told() {
    for refuses_in_task in [false, true] {
        let mut spec = VmSpec::default();
        spec.refuses_in_task = refuses_in_task;
        let bench = Bench::new(spec);
        let path = file(&bench).await;
        let folder = bench.vm_folder(&bench.west);
        let first = folder.take_up(&request(&bench, &path), LONG, LONG).await.unwrap();
        assert!(!first.was_found);
        let other = request(&bench, &path).with_name("another name");
        let again = folder.take_up(&other, LONG, LONG).await.unwrap();
        assert!(again.was_found);
        assert_eq!(again.machine.reference(), first.machine.reference());
        assert_eq!(bench.seen(&again.machine).name, "app-001");
        let found = bench.west.machine_of_file(&path).await.unwrap().unwrap();
        assert_eq!(found.reference(), first.machine.reference());
        assert!(
            bench
                .west
                .machine_of_file("[no] such/file.vmx")
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_nothing_is_registered_twice() {
    for acted in [true, false] {
        let bench = Bench::new(VmSpec::default());
        let path = file(&bench).await;
        let lost = if acted {
            FaultAction::DropAnswer
        } else {
            FaultAction::Silence { acted: false }
        };
        bench
            .simulator
            .world()
            .faults_mut()
            .add(FaultRule::new("Folder_RegisterVM_Task", lost));
        let taken = bench
            .vm_folder(&bench.west)
            .take_up(&request(&bench, &path), LONG, LONG)
            .await;
        assert_eq!(bench.calls("Folder_RegisterVM_Task").attempts, 1);
        match taken {
            Ok(taken) => assert!(acted && taken.was_found),
            Err(error) => assert!(
                !acted && matches!(error.kind(), WorkErrorKind::Call(_)),
                "{error:?}"
            ),
        }
    }
}

#[tokio::test]
async fn any_other_fault_is_told_at_once() {
    let bench = Bench::new(VmSpec::default());
    let path = file(&bench).await;
    let taken = request(&bench, &path).with_name("west-01");
    let error = bench
        .vm_folder(&bench.west)
        .take_up(&taken, LONG, LONG)
        .await
        .unwrap_err();
    assert_eq!(
        NotRegistered::of(error.fault().unwrap()),
        Some(NotRegistered::NameTaken)
    );
    assert_eq!(bench.calls("Folder_RegisterVM_Task").attempts, 1);
}

#[tokio::test]
async fn a_machine_that_is_registered_and_of_no_use_is_a_typed_end() {
    for (unreadable_is_invalid, wanted) in [
        (false, VirtualMachineConnectionState::Inaccessible),
        (true, VirtualMachineConnectionState::Invalid),
    ] {
        let mut spec = VmSpec::default();
        spec.unreadable_is_invalid = unreadable_is_invalid;
        let bench = Bench::new(spec);
        let path = file(&bench).await;
        let folder = bench.vm_folder(&bench.west);
        let request = request(&bench, &path);
        let machine = folder.take_up(&request, LONG, LONG).await.unwrap().machine;
        machine.check_usable(LONG).await.unwrap();
        let trouble = |troubled| {
            let mut world = bench.simulator.world();
            world
                .vms_mut()
                .set_trouble("app-001", MachineTrouble::Locked, troubled);
        };
        trouble(true);
        let error = folder.take_up(&request, LONG, LONG).await.unwrap_err();
        assert!(matches!(error.kind(), WorkErrorKind::Locked), "{error:?}");
        assert_eq!(error.object(), machine.reference());
        assert!(machine.start(None, LONG).await.is_err());
        bench
            .simulator
            .world()
            .vms_mut()
            .set_accessible("datastore-21", false);
        let error = machine.check_usable(LONG).await.unwrap_err();
        let WorkErrorKind::NotConnected(state) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(*state, wanted);
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(told.contains(wanted.as_wire()), "{told}");
    }
}

#[tokio::test]
async fn a_disk_that_nobody_replicates_is_named_and_removed_only_when_asked_for() {
    let mut spec = VmSpec::default();
    spec.unreplicated_disks = 1;
    let bench = Bench::new(spec);
    let source = bench.vm(&bench.east, "app-001");
    let whole = source.disks(LONG).await.unwrap();
    assert!(
        whole.iter().all(|disk| disk.presence == Presence::There),
        "{whole:?}"
    );

    let path = file(&bench).await;
    let machine = bench.register(&bench.west, &path).await.unwrap();
    let before = bench.calls("VirtualMachine_RefreshStorageInfo").effects;
    let disks = machine.disks(LONG).await.unwrap();
    let refreshed = bench.calls("VirtualMachine_RefreshStorageInfo").effects - before;
    let missing: Vec<_> = disks.iter().filter(|disk| disk.is_missing()).collect();
    assert_eq!((disks.len(), missing.len(), refreshed), (2, 1, 1));
    assert_eq!(
        (missing[0].key, missing[0].presence),
        (2001, Presence::NoDatastore)
    );
    assert_eq!(missing[0].label, "Hard disk 2");
    assert!(missing[0].file.as_deref().unwrap().ends_with("app-001_1.vmdk"));
    assert_eq!(missing[0].volume, whole[1].volume);
    let error = machine.start(Some(MovedOrCopied::Moved), LONG).await.unwrap_err();
    assert_eq!(fault(&error), "FileNotFound");

    machine.remove_disks(&[missing[0].key], LONG).await.unwrap();
    machine.remove_disks(&[missing[0].key], LONG).await.unwrap();
    assert_eq!(
        bench.calls("VirtualMachine_ReconfigVM_Task").attempts,
        1,
        "it was gone already"
    );
    let started = machine.start(Some(MovedOrCopied::Moved), LONG).await.unwrap();
    assert_eq!(started, Started::On { answered: true });
    assert!(
        source
            .disks(LONG)
            .await
            .unwrap()
            .iter()
            .all(|disk| !disk.is_missing()),
        "its files stay"
    );
}

#[tokio::test]
async fn a_volume_that_is_not_here_on_a_datastore_that_is_counts_as_missing() {
    let bench = Bench::new(VmSpec::default());
    let machine = recovered(&bench, "group-001").await;
    let layout = |accessible: serde_json::Value| {
        let mut body = serde_json::json!({"_typeName": "RetrieveResult", "objects": [{
            "_typeName": "ObjectContent", "obj": machine.reference(), "propSet": [
                {"_typeName": "DynamicProperty", "name": "config.hardware.device", "val": {
                    "_typeName": "ArrayOfVirtualDevice", "_value": [{
                        "_typeName": "VirtualDisk", "key": 2000, "capacityInKB": 1, "backing": {
                            "_typeName": "VirtualDiskFlatVer2BackingInfo", "diskMode": "persistent",
                            "fileName": "[datastore-west-1] a/a.vmdk"}}]}},
                {"_typeName": "DynamicProperty", "name": "layoutEx", "val": {
                    "_typeName": "VirtualMachineFileLayoutEx", "timestamp": "2026-01-01T00:00:00Z", "file": [{
                        "_typeName": "VirtualMachineFileLayoutExFileInfo", "key": 1, "type": "diskDescriptor",
                        "size": 1, "name": "[datastore-west-1] a/a.vmdk"}]}}]}]});
        if !accessible.is_null() {
            body["objects"][0]["propSet"][1]["val"]["file"][0]["accessible"] = accessible;
        }
        FaultRule::new(
            "PropertyCollector_RetrievePropertiesEx",
            FaultAction::Refuse {
                status: 200,
                body: Some(body),
                retry_after: None,
            },
        )
    };
    let names = bench
        .west
        .object::<Datastore>("datastore-21")
        .summary()
        .await
        .unwrap();
    assert_eq!(names.name, "datastore-west-1");
    for (told, presence) in [
        (serde_json::json!(true), Presence::There),
        (serde_json::json!(false), Presence::Unreachable),
        (serde_json::Value::Null, Presence::Unknown),
    ] {
        bench.simulator.world().faults_mut().add(layout(told));
        let disks = machine.disks(LONG).await.unwrap();
        assert_eq!(disks[0].presence, presence);
    }
}

#[tokio::test]
async fn what_a_machine_is_can_be_said_before_it_asks_and_taken_back() {
    for what in [MovedOrCopied::Moved, MovedOrCopied::Copied] {
        let bench = Bench::new(VmSpec::default());
        let machine = recovered(&bench, "group-001").await;
        let before = machine.config().await.unwrap().unwrap().uuid;
        machine.declare(Some(what), LONG).await.unwrap();
        // Nobody is there to answer a question.
        assert_eq!(
            machine.start(None, LONG).await.unwrap(),
            Started::On { answered: false }
        );
        let after = machine.config().await.unwrap().unwrap().uuid;
        assert_eq!(before == after, what == MovedOrCopied::Moved);
        machine.declare(None, LONG).await.unwrap();
        machine.declare(None, LONG).await.unwrap();
        assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").attempts, 2);
        let options = machine.config().await.unwrap().unwrap().extra_config;
        let mut keys = options.iter().map(|option| option.base().unwrap().key);
        assert!(keys.all(|key| key != "uuid.action"));
    }
}

/// Whether the option works there, and outlives the rewriting of the files, is told nowhere.
#[tokio::test]
async fn a_question_that_comes_in_spite_of_what_was_said_is_answered_as_it_was() {
    for what in [MovedOrCopied::Moved, MovedOrCopied::Copied] {
        let mut spec = VmSpec::default();
        spec.ignores_uuid_action = true;
        let bench = Bench::new(spec);
        let machine = recovered(&bench, "group-001").await;
        let before = machine.config().await.unwrap().unwrap().uuid;
        machine.declare(Some(what), LONG).await.unwrap();
        let started = machine.start(Some(what), LONG).await.unwrap();
        assert_eq!(started, Started::On { answered: true });
        let after = machine.config().await.unwrap().unwrap().uuid;
        assert_eq!(before == after, what == MovedOrCopied::Moved);
    }
}

#[tokio::test]
async fn an_option_whose_answer_is_lost_is_read_back() {
    let bench = Bench::new(VmSpec::default());
    let machine = bench.vm(&bench.west, "west-01");
    let rule = FaultRule::new("VirtualMachine_ReconfigVM_Task", FaultAction::DropAnswer);
    bench.simulator.world().faults_mut().add(rule);
    machine
        .set_option("farside.test", Some("yes"), LONG)
        .await
        .unwrap();
    machine
        .set_option("farside.test", Some("yes"), LONG)
        .await
        .unwrap();
    assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").attempts, 1);
}

#[tokio::test]
async fn a_recommendation_is_applied_when_it_is_wanted_and_once() {
    let mut spec = VmSpec::default();
    spec.placement = Placement::Manual;
    let bench = Bench::new(spec);
    let (vm, other) = (bench.vm(&bench.west, "west-01"), bench.vm(&bench.west, "west-02"));
    let datacenter: Datacenter = bench.west.object("datacenter-22");
    let both = [vm.clone(), other.clone()];
    let mut outcomes = datacenter.start_all(&both, &[], None, LONG).await.unwrap();
    let WorkErrorKind::Recommended(told) = outcomes.remove(0).unwrap_err().into_kind() else {
        panic!("nothing is recommended")
    };
    let error = other.start_as_recommended(&told, None, LONG).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NoRecommendation),
        "{error:?}"
    );
    let started = vm.start_as_recommended(&told, None, LONG).await.unwrap();
    assert_eq!(started, Started::On { answered: false });
    assert_eq!(
        vm.start_as_recommended(&told, None, LONG).await.unwrap(),
        Started::WasOn
    );
    vm.shut_down(OFF).await.unwrap();
    let error = vm.start_as_recommended(&told, None, LONG).await.unwrap_err();
    assert_eq!(fault(&error), "InvalidArgument", "it can be applied once");
    assert_eq!(
        bench.calls("ClusterComputeResource_ApplyRecommendation").attempts,
        2
    );

    // A lost answer is not repeated: the machine comes on.
    let WorkErrorKind::Recommended(told) = outcomes.remove(0).unwrap_err().into_kind() else {
        panic!("nothing is recommended")
    };
    let rule = FaultRule::new(
        "ClusterComputeResource_ApplyRecommendation",
        FaultAction::DropAnswer,
    );
    bench.simulator.world().faults_mut().add(rule);
    other.start_as_recommended(&told, None, LONG).await.unwrap();
    assert_eq!(
        bench.calls("ClusterComputeResource_ApplyRecommendation").attempts,
        3
    );
}

/// A test copy that runs, and what it is known by.
async fn copy(bench: &Bench) -> (VirtualMachine, TestCopy) {
    bench.act("group-001", Verb::TestStart).await;
    let datastore = crate::story::target(bench, "group-001");
    let volumes = crate::story::volumes(bench, "group-001");
    let files = datastore.update_vm_files(None, &volumes, LONG).await.unwrap();
    let path = files.updated[0].path.clone();
    let machine = bench.register(&bench.west, &path).await.unwrap();
    machine.start(Some(MovedOrCopied::Copied), LONG).await.unwrap();
    let copy = TestCopy::at(&bench.west, path).await.unwrap();
    (machine, copy)
}

#[tokio::test]
async fn only_what_is_proven_to_be_the_copy_is_deleted() {
    let bench = Bench::new(VmSpec::default());
    let (machine, copy) = copy(&bench).await;
    let stored = serde_json::to_string(&copy).unwrap();
    let copy: TestCopy = serde_json::from_str(&stored).unwrap();
    // Neither the source, nor another machine of this vCenter.
    for other in [bench.vm(&bench.east, "app-001"), bench.vm(&bench.west, "west-01")] {
        let error = other.discard(&copy, OFF, LONG).await.unwrap_err();
        assert!(
            matches!(error.kind(), WorkErrorKind::NotTheCopy { .. }),
            "{error:?}"
        );
    }
    // Nor a machine with that path at another vCenter.
    let elsewhere = TestCopy {
        vcenter: "another".to_owned(),
        ..copy.clone()
    };
    let error = machine.discard(&elsewhere, OFF, LONG).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NotTheCopy { .. }),
        "{error:?}"
    );
    // A vCenter that has no such machine does not say that it is gone from another one.
    let astray = VirtualMachine::of(&bench.east, machine.reference().clone());
    let error = astray.discard(&copy, OFF, LONG).await.unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NotTheCopy { found: None, .. }),
        "{error:?}"
    );
    assert_eq!(bench.calls("VirtualMachine_PowerOffVM_Task").attempts, 0);
    assert_eq!(bench.calls("VirtualMachine_Destroy_Task").attempts, 0);

    let datastore = crate::story::target(&bench, "group-001");
    assert_eq!(datastore.machines().await.unwrap().len(), 1);
    assert_eq!(
        machine.discard(&copy, OFF, LONG).await.unwrap(),
        Discarded::Deleted
    );
    assert_eq!(
        machine.discard(&copy, OFF, LONG).await.unwrap(),
        Discarded::WasGone
    );
    assert!(datastore.machines().await.unwrap().is_empty());
    assert!(
        bench.seen(&bench.vm(&bench.east, "app-001")).on,
        "the source runs on"
    );
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_not_repeated() {
    let bench = Bench::new(VmSpec::default());
    let (machine, copy) = copy(&bench).await;
    let rule = FaultRule::new("VirtualMachine_Destroy_Task", FaultAction::DropAnswer);
    bench.simulator.world().faults_mut().add(rule);
    assert_eq!(
        machine.discard(&copy, OFF, LONG).await.unwrap(),
        Discarded::Deleted
    );
    assert_eq!(bench.calls("VirtualMachine_Destroy_Task").attempts, 1);
}

#[tokio::test]
async fn of_a_copy_whose_volumes_are_gone_nothing_is_proven() {
    for leaves_with_test in [false, true] {
        let mut spec = VmSpec::default();
        spec.leaves_with_test = leaves_with_test;
        let bench = Bench::new(spec);
        let (machine, copy) = copy(&bench).await;
        bench.act("group-001", Verb::TestStop).await;
        let discarded = machine.discard(&copy, OFF, LONG).await;
        let left = bench.west.machine_of_file(&copy.path).await.unwrap();
        let datastore = crate::story::target(&bench, "group-001");
        let listed = datastore.machines().await.unwrap().len();
        if leaves_with_test {
            assert_eq!(discarded.unwrap(), Discarded::WasGone);
            assert!(left.is_none() && listed == 0);
            continue;
        }
        let error = discarded.unwrap_err();
        assert!(
            matches!(error.kind(), WorkErrorKind::NotTheCopy { found: None, .. }),
            "{error:?}"
        );
        // It is found by its file all the same, and can be taken out of the inventory.
        assert_eq!(listed, 1);
        left.unwrap().unregister().await.unwrap();
    }
}

#[tokio::test]
async fn a_policy_of_a_disk_that_is_not_there_changes_nothing() {
    let bench = Bench::new(VmSpec::default());
    let policy = Policy {
        profile: "p".to_owned(),
        group: None,
    };
    let policies = Policies {
        home: Some(policy.clone()),
        disks: [(2999, policy)].into(),
    };
    let vm = bench.vm(&bench.east, "app-001");
    let error = vm.assign(&policies, LONG).await.unwrap_err();
    assert!(matches!(error.kind(), WorkErrorKind::NoDisk(2999)), "{error:?}");
    assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").attempts, 0);
}

#[tokio::test]
async fn a_datastore_says_which_hosts_reach_it() {
    let bench = Bench::new(VmSpec::default());
    let datastore: Datastore = bench.west.object("datastore-21");
    let reach = datastore.reach().await.unwrap();
    let hosts: Vec<&str> = reach.hosts.iter().map(|host| host.value.as_str()).collect();
    assert_eq!((reach.accessible, hosts), (true, vec!["host-21", "host-22"]));
    bench
        .simulator
        .world()
        .vms_mut()
        .set_accessible("datastore-21", false);
    let reach = datastore.reach().await.unwrap();
    assert!(!reach.accessible && reach.hosts.is_empty());
}

#[tokio::test]
async fn a_file_of_a_replicator_is_found_over_all_datastores() {
    let bench = Bench::new(VmSpec::default());
    let datastore: Datastore = bench.west.object("datastore-21");
    let summary = datastore.summary().await.unwrap();
    let path = bench
        .west
        .path_to_register(&summary.url, "/app/app.vmx")
        .await
        .unwrap();
    assert_eq!(path, format!("[{}] app/app.vmx", summary.name));
    let error = bench
        .west
        .path_to_register("ds:///vmfs/volumes/none/", "/a")
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), WorkErrorKind::NoDatastore { .. }),
        "{error:?}"
    );
}
