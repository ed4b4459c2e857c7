//! Files of recovered machines, and taking them up into the inventory.

use std::sync::Arc;

use farside_models_vim::{
    DatastoreVVolContainerFailoverPair, RegisterVMRequest, UpdateVVolVirtualMachineFilesRequest,
};
use farside_simulator::sms::Verb;
use farside_simulator::vm::{MachineTrouble, VmSpec, WhileRewriting};
use farside_transport::testing::PausedClock;
use farside_vim::{
    Datastore, Folder, ManagedObject, NotRegistered, RecoveredVolume, WorkErrorKind, registration_path,
    update_request,
};
use farside_wire::ManagedObjectReference;

use crate::story::{recovered, target, updated, volumes};
use crate::support::{Bench, LONG, fault, world};

#[tokio::test]
async fn both_lists_of_an_update_are_told() {
    let bench = Bench::new(VmSpec::default());
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("app-003", MachineTrouble::BadFiles, true);
    for group in ["group-001", "group-003"] {
        bench.act(group, Verb::Failover).await;
    }
    let all: Vec<RecoveredVolume> = ["group-001", "group-003"]
        .iter()
        .flat_map(|group| volumes(&bench, group))
        .collect();
    let datastore = target(&bench, "group-001");
    let files = datastore
        .update_vm_files(Some("vvol:container-east-1"), &all, LONG)
        .await
        .unwrap();
    assert_eq!((files.updated.len(), files.failed.len()), (1, 1));
    assert_eq!(files.failed[0].volume, volumes(&bench, "group-003")[0].recovered);
    assert_eq!(files.failed[0].fault.type_name(), "InvalidFormat");
    assert!(files.failed[0].path.as_deref().unwrap().ends_with("app-003.vmx"));
    // A second run does not harm what was done.
    let again = datastore
        .update_vm_files(None, &volumes(&bench, "group-001"), LONG)
        .await
        .unwrap();
    assert_eq!(again.updated, files.updated);
}

#[tokio::test]
async fn the_single_call_takes_every_member_and_the_refusals_have_their_faults() {
    let bench = Bench::new(VmSpec::default());
    bench.act("group-001", Verb::Failover).await;
    let datastore = target(&bench, "group-001");
    let container = bench
        .simulator
        .world()
        .vms()
        .datastore(datastore.id())
        .unwrap()
        .container
        .clone()
        .unwrap();
    assert_eq!(
        datastore.container().await.unwrap().as_deref(),
        Some(container.as_str())
    );
    let request = update_request(
        Some("vvol:container-east-1"),
        &container,
        &volumes(&bench, "group-001"),
    );
    let task = datastore
        .update_vvol_virtual_machine_files(&request)
        .await
        .unwrap();
    let result = bench.done(task).await.unwrap();
    assert_eq!(result.succeeded_vm_config_file.len(), 1);
    let nothing = UpdateVVolVirtualMachineFilesRequest::default();
    let task = datastore
        .update_vvol_virtual_machine_files(&nothing)
        .await
        .unwrap();
    let empty = bench.done(task).await.unwrap();
    assert!(empty.succeeded_vm_config_file.is_empty() && empty.failed_vm_config_file.is_empty());

    let elsewhere = DatastoreVVolContainerFailoverPair::new("vvol:other");
    let request = UpdateVVolVirtualMachineFilesRequest::default().with_failover_pair(vec![elsewhere]);
    let error = datastore
        .update_vvol_virtual_machine_files(&request)
        .await
        .unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidArgument");
    let missing = [RecoveredVolume {
        source: "a".to_owned(),
        recovered: "b".to_owned(),
    }];
    let error = datastore.update_vm_files(None, &missing, LONG).await.unwrap_err();
    assert_eq!(fault(&error), "PlatformConfigFault");
    bench
        .simulator
        .world()
        .vms_mut()
        .set_accessible(datastore.id(), false);
    let error = datastore.update_vm_files(None, &missing, LONG).await.unwrap_err();
    assert_eq!(fault(&error), "InaccessibleDatastore");

    let local: Datastore = bench.west.object("datastore-29");
    assert_eq!(local.container().await.unwrap(), None);
    let error = local.update_vm_files(None, &missing, LONG).await.unwrap_err();
    assert!(matches!(error.kind(), WorkErrorKind::NoContainer));
    let error = local
        .update_vvol_virtual_machine_files(&request)
        .await
        .unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "NotSupported");
}

/// What a datastore refuses while files on it are rewritten is waited for.
#[tokio::test]
async fn updates_and_registrations_wait_for_the_update_before_them() {
    for (while_rewriting, updates, registrations) in [
        (WhileRewriting::RefusesUpdates, true, false),
        (WhileRewriting::RefusesRegistrations, true, true),
        (WhileRewriting::RefusesNothing, false, false),
    ] {
        let mut spec = VmSpec::default();
        spec.while_rewriting = while_rewriting;
        let bench = Bench::new(spec);
        let files = updated(&bench, "group-001").await;
        bench.act("group-003", Verb::Failover).await;
        let datastore = target(&bench, "group-001");
        let (first, third) = (volumes(&bench, "group-001"), volumes(&bench, "group-003"));
        let folder = bench.vm_folder(&bench.west);
        let request =
            RegisterVMRequest::new(&files.updated[0].path, false).with_pool(bench.pool(&bench.west));
        let (one, other, taken) = tokio::join!(
            datastore.update_vm_files(None, &third, LONG),
            datastore.update_vm_files(None, &first, LONG),
            folder.take_up(&request, LONG, LONG),
        );
        assert_eq!((one.unwrap().updated.len(), other.unwrap().updated.len()), (1, 1));
        let taken = taken.unwrap();
        assert!(!taken.was_found, "{while_rewriting:?}");
        let is_refused = |operation| bench.calls(operation).refused >= 1;
        assert_eq!(
            is_refused("Datastore_UpdateVVolVirtualMachineFiles_Task"),
            updates
        );
        assert_eq!(is_refused("Folder_RegisterVM_Task"), registrations);
        assert_eq!(bench.calls("Folder_RegisterVM_Task").effects, 1);
    }
}

#[tokio::test]
async fn a_folder_of_another_datacenter_is_named_as_what_is_in_the_way_or_taken() {
    for across in [false, true] {
        let mut spec = VmSpec::default();
        spec.registers_across_datacenters = across;
        let mut world = world(spec);
        world.sites[1].datacenters = vec!["annex".to_owned()];
        let bench = Bench::of(Arc::new(PausedClock::auto_advancing()), world);
        let files = updated(&bench, "group-001").await;
        let request =
            RegisterVMRequest::new(&files.updated[0].path, false).with_pool(bench.pool(&bench.west));
        let annex: Folder = bench.west.object("group-v23-1");
        let taken = annex.take_up(&request, LONG, LONG).await;
        match taken {
            Ok(taken) => assert!(across && bench.seen(&taken.machine).folder == annex.id()),
            Err(error) => {
                assert!(!across, "{error:?}");
                assert_eq!(error.object(), annex.reference());
                let why = NotRegistered::of(error.fault().unwrap());
                assert_eq!(why, Some(NotRegistered::Folder));
                let own = bench.vm_folder(&bench.west);
                own.take_up(&request, LONG, LONG).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_keeps_a_machine_from_being_registered_has_a_name() {
    for refuses_in_task in [false, true] {
        for missing_file_is_not_found in [false, true] {
            let mut spec = VmSpec::default();
            spec.refuses_in_task = refuses_in_task;
            spec.missing_file_is_not_found = missing_file_is_not_found;
            let bench = Bench::new(spec);
            let files = updated(&bench, "group-001").await;
            let path = &files.updated[0].path;
            let vm = bench.register(&bench.west, path).await.unwrap();
            let why = |error: farside_vim::WorkError| NotRegistered::of(error.fault().unwrap());
            let again = bench.register(&bench.west, path).await.map_err(why);
            assert_eq!(again.map(|_| ()), Err(Some(NotRegistered::Already)));
            vm.unregister().await.unwrap();
            let request = RegisterVMRequest::new(path, false)
                .with_name("west-01")
                .with_pool(bench.pool(&bench.west));
            let taken = bench
                .vm_folder(&bench.west)
                .register(&request, LONG)
                .await
                .map_err(why);
            assert_eq!(taken.map(|_| ()), Err(Some(NotRegistered::NameTaken)));
            let nowhere = bench
                .register(&bench.west, "[datastore-west-1] nothing/at-all.vmx")
                .await
                .map_err(why);
            assert_eq!(nowhere.map(|_| ()), Err(Some(NotRegistered::NoFile)));
            bench
                .simulator
                .world()
                .vms_mut()
                .set_accessible("datastore-21", false);
            let unreached = bench.register(&bench.west, path).await.map_err(why);
            assert_eq!(unreached.map(|_| ()), Err(Some(NotRegistered::Datastore)));
        }
    }
}

#[tokio::test]
async fn every_parameter_of_a_registration_is_taken() {
    let bench = Bench::new(VmSpec::default());
    let files = updated(&bench, "group-002").await;
    let folder = bench.subfolder(&bench.west, "recovered").await;
    let host = ManagedObjectReference::new("HostSystem", "host-22");
    let request = RegisterVMRequest::new(&files.updated[0].path, false)
        .with_name("app two")
        .with_pool(bench.pool(&bench.west))
        .with_host(host);
    let vm = folder.register(&request, LONG).await.unwrap();
    let seen = bench.seen(&vm);
    assert_eq!(
        (seen.name.as_str(), seen.host.as_str(), seen.folder.as_str()),
        ("app two", "host-22", folder.id())
    );
    assert_eq!(
        vm.config().await.unwrap().unwrap().files.vm_path_name.as_ref(),
        Some(&files.updated[0].path)
    );

    let root: Folder = bench.west.object("group-s25");
    let error = root.register(&request, LONG).await.unwrap_err();
    assert_eq!(
        NotRegistered::of(error.fault().unwrap()),
        Some(NotRegistered::Folder)
    );
    let no_pool = RegisterVMRequest::new(&files.updated[0].path, false);
    let error = folder.register(&no_pool, LONG).await.unwrap_err();
    assert_eq!(fault(&error), "InvalidArgument");

    vm.unregister().await.unwrap();
    let template = RegisterVMRequest::new(&files.updated[0].path, true)
        .with_host(ManagedObjectReference::new("HostSystem", "host-21"));
    let vm = folder.register(&template, LONG).await.unwrap();
    assert!(vm.summary().await.unwrap().config.template);
    assert_eq!(
        vm.start(None, LONG)
            .await
            .map_err(|error| fault(&error).to_owned()),
        Err("InvalidState".to_owned())
    );
}

#[tokio::test]
async fn a_file_path_of_a_replicator_becomes_one_to_register_by() {
    let bench = Bench::new(VmSpec::default());
    let vm = recovered(&bench, "group-001").await;
    let path = vm.config().await.unwrap().unwrap().files.vm_path_name.unwrap();
    let datastores: Vec<_> = [
        target(&bench, "group-002").summary().await,
        target(&bench, "group-001").summary().await,
    ]
    .into_iter()
    .collect::<Result<_, _>>()
    .unwrap();
    let url = datastores[1].url.trim_end_matches('/').to_owned();
    let (_, file) = path.split_once("] ").unwrap();
    let rooted = format!("{}/{file}", url.trim_start_matches("ds://"));
    for named in [file.to_owned(), format!("/{file}"), rooted, path.clone()] {
        assert_eq!(
            registration_path(&datastores, &url, &named).as_deref(),
            Some(path.as_str()),
            "{named}"
        );
    }
    assert_eq!(
        registration_path(&datastores, "ds:///vmfs/volumes/other/", file),
        None
    );
}
