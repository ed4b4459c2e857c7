//! Every query about arrays, providers and alarms, with all its parameters.

use farside_models_sms::{
    AlarmFilter, FcStoragePort, QueryActiveAlarmRequest, QueryArrayAssociatedWithLunRequest,
    QueryArrayRequest, QueryAssociatedBackingStoragePoolRequest, QueryDatastoreBackingPoolMappingRequest,
    QueryDatastoreCapabilityRequest, QueryDrsMigrationCapabilityForPerformanceExRequest,
    QueryDrsMigrationCapabilityForPerformanceRequest, QueryFaultDomainRequest,
    QueryFileSystemAssociatedWithArrayRequest, QueryHostAssociatedWithLunRequest,
    QueryLunAssociatedWithArrayRequest, QueryLunAssociatedWithPortRequest,
    QueryNfsDatastoreAssociatedWithFileSystemRequest, QueryPortAssociatedWithArrayRequest,
    QueryPortAssociatedWithLunRequest, QueryPortAssociatedWithProcessorRequest,
    QueryProcessorAssociatedWithArrayRequest, QueryReplicationGroupInfoRequest,
    QueryReplicationGroupSuccessResult, QueryStorageContainerRequest,
    QueryVmfsDatastoreAssociatedWithLunRequest, ReplicationGroupFilter, StorageContainerSpec, StoragePort,
    VasaProviderInfo,
};
use farside_models_vim::{DeviceGroupId, FaultDomainId, ReplicationGroupId};
use farside_simulator::sms::{AlarmSpec, VasaSpec};
use farside_vasa::{GroupFault, GroupId, SmsProvider, SmsTask};
use farside_wire::{Any, ManagedObjectReference, Object};

use crate::support::Pair;

const ARRAY: &str = "array-west-1";

fn datastore(id: &str) -> ManagedObjectReference {
    ManagedObjectReference::new("Datastore", id)
}

fn wire(fault_domain: &str, id: &str) -> ReplicationGroupId {
    ReplicationGroupId::new(
        Object::new(&FaultDomainId::new(fault_domain)),
        DeviceGroupId::new(id),
    )
}

#[tokio::test(start_paused = true)]
async fn the_service_says_what_it_is_and_which_objects_it_has() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let service = west.client.service();
    assert_eq!(service.about().await.unwrap().vendor, "Simulator");
    assert_eq!(
        service.session_manager().await.unwrap().type_,
        "SmsSessionManager"
    );
    assert_eq!(
        service.storage_manager().await.unwrap().type_,
        "SmsStorageManager"
    );
    let provider = west
        .client
        .vim()
        .object::<SmsProvider>(west.providers[0].as_str());
    let info = provider.info().await.unwrap();
    let info = info.downcast::<VasaProviderInfo>().unwrap().unwrap();
    assert_eq!(info.max_batch_size, Some(8));
    assert_eq!(info.related_storage_array[0].array_id, ARRAY);
    let read = west.client.provider(&west.providers[0]).await.unwrap().unwrap();
    assert_eq!(read.info.related_storage_array, info.related_storage_array);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_an_array_is_found_from_every_end() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let manager = west.client.storage_manager().await.unwrap();
    let of_provider = QueryArrayRequest::default().with_provider_id(vec!["uid-west-1".to_owned()]);
    let arrays = manager.arrays(&of_provider).await.unwrap();
    assert_eq!(arrays[0].uuid, ARRAY);
    assert_eq!(
        manager.arrays(&QueryArrayRequest::default()).await.unwrap().len(),
        2
    );

    let luns = manager
        .luns(&QueryLunAssociatedWithArrayRequest::new(ARRAY))
        .await
        .unwrap();
    let lun = &luns[0].uuid;
    let name = &luns[0].v_sphere_lun_identifier;
    let on = manager
        .array_of_lun(&QueryArrayAssociatedWithLunRequest::new(name))
        .await
        .unwrap();
    let on = on.unwrap();
    assert_eq!(
        (on.uuid.as_str(), &*on.alternate_name[0]),
        (ARRAY, "array-west-1-lab")
    );
    let port = manager
        .port_of_lun(&QueryPortAssociatedWithLunRequest::new(lun, ARRAY))
        .await
        .unwrap()
        .unwrap();
    let port = port.downcast::<FcStoragePort>().unwrap().unwrap();
    assert_eq!(port.alternate_name, ["CT0.FC0"]);
    let behind = manager
        .luns_of_port(&QueryLunAssociatedWithPortRequest::new(&port.uuid, ARRAY))
        .await
        .unwrap();
    assert_eq!(behind, luns[..1]);
    let hosts = manager
        .hosts_of_lun(&QueryHostAssociatedWithLunRequest::new(lun, ARRAY))
        .await
        .unwrap();
    let host = |id| ManagedObjectReference::new("HostSystem", id);
    assert_eq!(hosts, ["host-21", "host-22"].map(host));
    let vmfs = manager
        .datastore_of_lun(&QueryVmfsDatastoreAssociatedWithLunRequest::new(lun, ARRAY))
        .await
        .unwrap();
    assert_eq!(vmfs, Some(datastore("datastore-21-vmfs")));

    let processors = manager
        .processors(&QueryProcessorAssociatedWithArrayRequest::new(ARRAY))
        .await
        .unwrap();
    let uuids = processors.iter().map(|processor| processor.uuid.as_str());
    assert_eq!(uuids.collect::<Vec<_>>(), ["sp-west-1-1", "sp-west-1-2"]);
    let of_first = QueryPortAssociatedWithProcessorRequest::new(&processors[0].uuid, ARRAY);
    let uuids = |ports: &[Object<StoragePort>]| -> Vec<String> {
        ports.iter().map(|port| port.base().unwrap().uuid).collect()
    };
    let all = ["port-west-1-1", "port-west-1-2", "port-west-1-3", "port-west-1-4"];
    assert_eq!(
        uuids(&manager.ports_of_processor(&of_first).await.unwrap()),
        all[..2]
    );
    let of_array = QueryPortAssociatedWithArrayRequest::new(ARRAY);
    assert_eq!(uuids(&manager.ports(&of_array).await.unwrap()), all);
    let systems = manager
        .file_systems(&QueryFileSystemAssociatedWithArrayRequest::new(ARRAY))
        .await
        .unwrap();
    let on_system = QueryNfsDatastoreAssociatedWithFileSystemRequest::new(&systems[0].uuid, ARRAY);
    let nfs = manager.datastore_of_file_system(&on_system).await.unwrap();
    assert_eq!(nfs, Some(datastore("datastore-21-nfs")));
}

#[tokio::test(start_paused = true)]
async fn pools_containers_and_capabilities_are_told() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let manager = west.client.storage_manager().await.unwrap();
    let of_lun = QueryAssociatedBackingStoragePoolRequest::default()
        .with_entity_id("lun-west-1-1")
        .with_entity_type("StorageLun");
    let pools = manager.backing_pools(&of_lun).await.unwrap();
    let uuids = pools.iter().map(|pool| pool.uuid.as_str());
    assert_eq!(uuids.collect::<Vec<_>>(), ["pool-west-1-1", "pool-west-1-2"]);
    let stores = || {
        ["datastore-21", "datastore-21-vmfs", "datastore-21-nfs"]
            .map(datastore)
            .to_vec()
    };
    let shared = manager
        .pools_of_datastores(&QueryDatastoreBackingPoolMappingRequest::new(stores()))
        .await
        .unwrap();
    assert_eq!(
        shared
            .iter()
            .map(|entry| (entry.backing_storage_pool[0].uuid.as_str(), entry.datastore.len()))
            .collect::<Vec<_>>(),
        [("pool-west-1-2", 1), ("pool-west-1-1", 2)]
    );
    let capability = QueryDatastoreCapabilityRequest::new(datastore("datastore-21"));
    assert_eq!(
        manager.capability(&capability).await.unwrap().unwrap().name,
        "Gold"
    );
    let [vvol, vmfs, nfs] = ["datastore-21", "datastore-21-vmfs", "datastore-21-nfs"].map(datastore);
    for (to, gains) in [(vvol, true), (nfs, false)] {
        let request = QueryDrsMigrationCapabilityForPerformanceRequest::new(vmfs.clone(), to);
        assert_eq!(manager.gains_by_move(&request).await.unwrap(), gains);
    }
    let moves = manager
        .gains_by_moves(&QueryDrsMigrationCapabilityForPerformanceExRequest::new(stores()))
        .await
        .unwrap();
    assert_eq!(
        (
            moves.recommended_datastore_pair.len(),
            moves.non_recommended_datastore_pair.len()
        ),
        (2, 1)
    );
    let no_gain = &moves.non_recommended_datastore_pair[0];
    assert_eq!(
        (&no_gain.datastore1, &no_gain.datastore2),
        (&vmfs, &datastore("datastore-21-nfs"))
    );
    let all = manager
        .storage_containers(&QueryStorageContainerRequest::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(all.storage_container.len(), 2);
    let one = StorageContainerSpec::default().with_container_id(vec![all.storage_container[0].uuid.clone()]);
    let request = QueryStorageContainerRequest::default().with_container_spec(one);
    let found = manager.storage_containers(&request).await.unwrap().unwrap();
    assert_eq!(found.storage_container, all.storage_container[..1]);
}

#[tokio::test(start_paused = true)]
async fn fault_domains_lead_to_the_provider_that_is_active_and_to_their_peers() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let domains = west.client.fault_domains(Some("uid-west-1")).await.unwrap();
    assert_eq!(domains[0].array.as_deref(), Some(ARRAY));
    assert_eq!(
        (domains[1].id.as_str(), &domains[1].provider),
        ("fd-east-1", &None)
    );
    let manager = west.client.storage_manager().await.unwrap();
    let raw = manager
        .fault_domains(&QueryFaultDomainRequest::default())
        .await
        .unwrap();
    assert_eq!(raw.len(), 4);
    let active = west.client.active_provider("fd-west-1").await.unwrap();
    assert_eq!(active.as_ref(), Some(&west.providers[0]));
    assert!(
        pair.simulator
            .world()
            .sms_mut()
            .activate("fd-west-1", west.providers[1].as_str())
    );
    let active = west.client.active_provider("fd-west-1").await.unwrap();
    assert_eq!(active.as_ref(), Some(&west.providers[1]));
    let peers = west
        .client
        .peers(
            &west.providers[0],
            &["fd-west-1".to_owned(), "fd-none".to_owned()],
        )
        .await
        .unwrap();
    assert_eq!(peers[0].targets, ["fd-east-1"]);
    assert_eq!(GroupFault::of(&peers[1].faults[0]), GroupFault::NotFound);
}

#[tokio::test(start_paused = true)]
async fn groups_are_told_by_the_storage_manager_without_naming_a_provider() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let manager = west.client.storage_manager().await.unwrap();
    let filter = ReplicationGroupFilter::default()
        .with_group_id(vec![wire("fd-west-1", "rt-001"), wire("fd-west-2", "rt-002")]);
    let found = manager
        .replication_groups(&QueryReplicationGroupInfoRequest::new(filter))
        .await
        .unwrap();
    // As ids, not as they are written: a fault domain may come without the name of its type.
    let groups: Vec<GroupId> = found
        .iter()
        .map(|entry| {
            let told = entry.downcast::<QueryReplicationGroupSuccessResult>();
            let id = told.unwrap().unwrap().group_id;
            GroupId::new(id.fault_domain_id.base().unwrap().id, id.device_group_id.id)
        })
        .collect();
    let wanted = [
        GroupId::new("fd-west-1", "rt-001"),
        GroupId::new("fd-west-2", "rt-002"),
    ];
    assert_eq!(groups, wanted);
}

#[tokio::test(start_paused = true)]
async fn alarms_of_all_pages_come_as_one_list() {
    let mut spec = VasaSpec::default();
    spec.alarms_per_page = 2;
    let pair = Pair::new(spec);
    let west = pair.site("vc-west").await;
    let provider = &west.providers[0];
    {
        let alarm = AlarmSpec {
            alarm_type: "ObjectAlarm".to_owned(),
            status: "Yellow".to_owned(),
            entity_type: "StorageLunEntity".to_owned(),
            entity_id: "lun-west-1-1".to_owned(),
            message_id: "sim.alarm.lun".to_owned(),
        };
        let mut world = pair.simulator.world();
        for _ in 0..5 {
            assert!(world.sms_mut().raise_alarm(provider.as_str(), &alarm, 0));
        }
    }
    let lun = Any::boxed("string", "lun-west-1-1").unwrap();
    let filter = AlarmFilter::default()
        .with_alarm_status("Yellow")
        .with_alarm_type("ObjectAlarm")
        .with_entity_type("StorageLunEntity")
        .with_entity_id(vec![lun]);
    let found = west.client.alarms(provider, &filter).await.unwrap();
    assert_eq!(
        found.iter().map(|alarm| alarm.alarm_id).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    let page = west
        .client
        .at(provider)
        .active_alarms(&QueryActiveAlarmRequest::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.storage_alarm.len(), 2);
    assert!(page.page_marker.is_some());
    let none = AlarmFilter::default().with_alarm_status("Red");
    assert_eq!(west.client.alarms(provider, &none).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_task_shows_its_info_and_its_result() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    let work = west
        .client
        .start_sync(&west.providers[0], &groups[..1], "p")
        .await
        .unwrap();
    let task = west.client.vim().object::<SmsTask>(&work.id().id);
    assert_eq!(task.info().await.unwrap().state, "queued");
    assert_eq!(task.result().await.unwrap(), None);
    pair.done(work).await;
    assert_eq!(task.info().await.unwrap().state, "success");
    let result = task.result().await.unwrap().unwrap();
    assert_eq!(result.elements().unwrap().len(), 1);
    assert_eq!(Some(result), task.info().await.unwrap().result);
}
