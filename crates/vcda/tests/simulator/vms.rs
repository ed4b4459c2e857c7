//! VM replications: every method with all that it takes.

use std::time::Duration;

use farside_models_vcda::{
    C4ReplicationReconfigureSettings, CustomVirtualHardware, DataConnectionState, DataConnectionType,
    OverallHealth, RecoveryState, ReplicationDestination, ReplicationDestinationVcloud, RetentionPolicy,
    RetentionRule, SingleVmReplicationInfo, SiteType, TargetDiskType, VappNetworkSettings, VmNetworkSettings,
    VmReplicationStartSettings, VmReplicationsListQuery,
};
use farside_simulator::WorldSpec;
use farside_simulator::vcda::VcdaSpec;
use farside_transport::{Clock, Effect};
use farside_vcda::{
    Cards, CloudOptions, Destination, ExplicitNetworks, FailoverSettings, FailoverTestSettings,
    MigrateSettings, Networks, Power, Target, TestDestination, TestFrom, VcenterOptions, VmReplicationId,
    joined,
};
use farside_wire::{EpochMillis, RawJson, Read};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::{Site, failover, recovery_state};

fn newest(replications: u32) -> Site {
    let mut vcda = VcdaSpec::default();
    "4.7".clone_into(&mut vcda.api_version);
    Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(replications).vcda(vcda))
}

pub(crate) fn read<T: Read>(value: &serde_json::Value) -> T {
    farside_wire::decode_str(&value.to_string()).unwrap()
}

pub(crate) fn policy() -> RetentionPolicy {
    let rule = RetentionRule::default()
        .with_number_of_instances(2)
        .with_distance(120);
    RetentionPolicy::default().with_rules(vec![rule])
}

/// Everything that a reconfiguration can say, but for the profile that it would drop.
pub(crate) fn changes() -> C4ReplicationReconfigureSettings {
    let opaque = |member: &str| RawJson::of(&json!({member: 1})).unwrap();
    C4ReplicationReconfigureSettings::default()
        .with_description("database")
        .with_rpo(30)
        .with_quiesced(true)
        .with_data_connection_type(DataConnectionType::Plain)
        .with_retention_policy(policy())
        .with_initial_sync_time(EpochMillis(-1))
        .with_source_reconfigure(opaque("source"))
        .with_destination_reconfigure(opaque("destination"))
}

#[tokio::test(start_paused = true)]
async fn replications_are_found_by_each_filter() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(3));
    let vm = site.client.vm_replication(&site.ids()[1]);
    let profile = C4ReplicationReconfigureSettings::default().with_sla_profile_id("sla-1");
    let work = vm.start_reconfigure(&profile).await.unwrap();
    site.done(&work).await.unwrap();
    let shown = vm.get().await.unwrap();
    let rules = shown.settings.clone().unwrap().retention_policy.unwrap().rules;
    assert_eq!(
        rules
            .iter()
            .map(|rule| (rule.number_of_instances, rule.distance))
            .collect::<Vec<_>>(),
        [(Some(4), Some(15))]
    );
    let (source, destination) = (shown.source.clone().unwrap(), shown.destination.clone().unwrap());
    let place = shown.vim_location.clone().unwrap();
    let all: Vec<SingleVmReplicationInfo> = site
        .client
        .stream_vm_replications(VmReplicationsListQuery::default())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
    // The vCenter of the source is shown by no member; a replication from the west would show it.
    let exact = VmReplicationsListQuery::default()
        .with_owner(shown.owner.clone().unwrap())
        .with_source_vdc_id(source.vdc_id.unwrap())
        .with_source_vdc_name(source.vdc_name.unwrap())
        .with_source_site(source.site.unwrap())
        .with_source_site_type(SiteType::Vcloud)
        .with_source_org(source.org.unwrap())
        .with_destination_org(destination.org.unwrap())
        .with_destination_vdc_id(destination.vdc_id.unwrap())
        .with_destination_vdc_name(destination.vdc_name.unwrap())
        .with_destination_site_type(SiteType::Vcloud)
        .with_ids(joined([vm.id()]))
        .with_vm_id(shown.vm_id.clone().unwrap())
        .with_vm_name(shown.vm_name.clone().unwrap())
        .with_storage_profile(shown.storage_profile.clone().unwrap())
        .with_vim_server_instance_uuid(place.vim_server_instance_uuid.unwrap())
        .with_is_migration(false)
        .with_overall_health(OverallHealth::Green)
        .with_data_connection_state(DataConnectionState::Ok)
        .with_sla_profile_id("sla-1")
        .with_offset(0)
        .with_limit(5)
        .with_sort("vmName-,id");
    let page = site.client.list_vm_replications(&exact).await.unwrap();
    let found: Vec<_> = page.items.into_iter().map(|one| one.unwrap().id).collect();
    assert_eq!(found, [Some(vm.id().to_string())]);
    let elsewhere = exact.with_source_vim_server_uuid("77777777-0000-4000-8000-000000000000");
    let page = site.client.list_vm_replications(&elsewhere).await.unwrap();
    assert_eq!(page.total, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_reconfiguration_changes_what_it_names_and_drops_the_profile() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(1));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let profile = C4ReplicationReconfigureSettings::default().with_sla_profile_id("sla-1");
    let work = vm.start_reconfigure(&profile).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.sla_profile.unwrap().id.as_deref(), Some("sla-1"));
    let work = vm.start_reconfigure(&changes()).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.sla_profile, None);
    let settings = shown.settings.unwrap();
    assert_eq!((settings.rpo, settings.quiesced), (Some(30), Some(true)));
    assert_eq!(settings.description.as_deref(), Some("database"));
    assert_eq!(settings.data_connection_type, Some(DataConnectionType::Plain));
    assert_eq!(settings.retention_policy, Some(policy()));
    let world = site.simulator.world();
    let replication = world.vcda().replication(vm.id().as_str()).unwrap();
    assert_eq!(replication.copying.rpo_minutes, 30);
}

#[tokio::test(start_paused = true)]
async fn a_replica_moves_to_other_storage() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(1));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let work = vm.start_storage_profile(Some("sp-0002")).await.unwrap();
    let moving = vm.get().await.unwrap().destination_state.unwrap();
    assert_eq!(moving.is_moving_replica, Some(true));
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.storage_profile.as_deref(), Some("sp-0002"));
    assert_eq!(shown.destination_state.unwrap().is_moving_replica, Some(false));
    let again = vm.start_storage_profile(None).await.unwrap();
    let shown = site.done(&again).await.unwrap().result.unwrap();
    assert_eq!(shown.storage_profile.as_deref(), Some("sp-0002"));
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_the_instances_age_until_it_is_resumed_and_synchronised() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(1));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let work = vm.start_pause().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.is_paused, Some(true));
    assert_eq!(shown.data_connection_state, Some(DataConnectionState::Paused));
    site.clock.sleep(Duration::from_secs(3600)).await;
    let late = vm.get().await.unwrap().destination_state.unwrap();
    assert!(late.current_rpo_violation.unwrap() > 40);
    let refused = vm.start_sync().await.unwrap_err();
    assert_eq!(refused.effect(), Effect::Refused);

    let work = vm.start_resume().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.is_paused, Some(false));
    let before = vm.instances().await.unwrap().remove(0).unwrap();
    let work = vm.start_sync().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    let state = shown.destination_state.unwrap();
    assert_eq!(state.current_rpo_violation, Some(0));
    assert_ne!(state.latest_instance.unwrap().key, before.key);
}

#[tokio::test(start_paused = true)]
async fn a_failover_with_all_it_takes_recovers_as_it_was_told() {
    let site = newest(1);
    let vm = site.client.vm_replication(&site.ids()[0]);
    let set_up = vm.network_settings().await.unwrap().failover_settings.unwrap();
    let cards: VmNetworkSettings = set_up.vm_network_settings.unwrap().decode().unwrap();
    let vapp: VappNetworkSettings = set_up.vapp_network_settings.unwrap();
    assert_eq!((cards.nics.len(), vapp.network_mappings.len()), (1, 1));
    let oldest = vm.instances().await.unwrap().remove(3).unwrap().key.unwrap();
    let options = CloudOptions {
        placement_policy: Some("pp-1".to_owned()),
        sizing_policy: Some("szp-1".to_owned()),
        copy_security_tags: Some(true),
    };
    let networks = Networks::Explicit(Box::new(ExplicitNetworks {
        vm: String::new(),
        cards: cards.clone(),
        vapp: Some(vapp.clone()),
    }));
    let test = FailoverTestSettings::new(
        TestDestination::Vcloud(options.clone()),
        Power::On,
        networks.clone(),
        TestFrom::Instance(oldest.clone()),
    );
    let work = vm.start_failover_test(&test).await.unwrap();
    site.done(&work).await.unwrap();
    let work = vm.start_test_cleanup().await.unwrap();
    site.done(&work).await.unwrap();

    let settings = FailoverSettings::new(Destination::Vcloud(options), Power::Off, networks)
        .instance(oldest.as_str())
        .consolidate();
    let work = vm.start_failover(&settings).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    let recovery = shown
        .destination_state
        .as_ref()
        .unwrap()
        .recovery_info
        .clone()
        .unwrap();
    assert_eq!(recovery.type_.as_deref(), Some("vcd"));
    let world = site.simulator.world();
    let replication = world.vcda().replication(vm.id().as_str()).unwrap();
    let copy = replication.destination_vm.as_ref().unwrap();
    assert_eq!(recovery.vcd_vm_id.as_deref(), Some(copy.id.as_str()));
    assert_eq!(
        (copy.instance.as_deref(), copy.powered_on),
        (Some(oldest.as_str()), false)
    );
    let told: VmNetworkSettings = read(copy.network_settings.as_ref().unwrap());
    assert_eq!(told, cards);
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_site_takes_hardware_and_networks_by_vm() {
    let mut vcda = VcdaSpec::default();
    vcda.vcenter_destinations = 1;
    let site = Site::of(&WorldSpec::pair(7).groups(0).replications(1).vcda(vcda));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let source = vm.get().await.unwrap().vm_id.unwrap();
    let networks = Networks::Disconnected { vm: source, cards: 1 };
    let test = FailoverTestSettings::new(Target::Vcenter, Power::Off, networks.clone(), TestFrom::Newest);
    let work = vm.start_failover_test(&test).await.unwrap();
    site.done(&work).await.unwrap();
    {
        let world = site.simulator.world();
        let replication = world.vcda().replication(vm.id().as_str()).unwrap();
        let copy = replication.destination_vm.as_ref().unwrap();
        assert_eq!(
            copy.network_settings.as_ref().unwrap()["nics"][0]["isConnected"],
            json!(false)
        );
    }
    let work = vm.start_test_cleanup().await.unwrap();
    site.done(&work).await.unwrap();

    let wrong = vm.start_failover(&failover()).await.unwrap_err();
    assert_eq!(wrong.effect(), Effect::Refused);
    let hardware = CustomVirtualHardware::default()
        .with_num_cpus(4)
        .with_num_cores_per_socket(2)
        .with_memory_in_mb(8192)
        .with_mac_address_policy("KEEP");
    let destination = Destination::Vcenter(VcenterOptions {
        expose_points_in_time: true,
        hardware: Some(hardware),
    });
    let settings = FailoverSettings::new(destination, Power::On, networks);
    let work = vm.start_failover(&settings).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    let recovery = shown.destination_state.unwrap().recovery_info.unwrap();
    assert_eq!(
        (recovery.type_.as_deref(), recovery.vm_id.is_some()),
        (Some("vc"), true)
    );
}

#[tokio::test(start_paused = true)]
async fn a_migration_to_chosen_networks_and_the_way_back() {
    let site = newest(1);
    let id = site.ids().remove(0);
    let vm = site.client.vm_replication(&id);
    let set_up = vm.network_settings().await.unwrap().failover_settings.unwrap();
    let networks = ExplicitNetworks::set_up(&set_up, "").unwrap().unwrap();
    let settings = MigrateSettings::new(Target::Vcloud, Power::On, Cards::Disconnected)
        .networks(networks)
        .consolidate();
    let work = vm.start_migrate(&settings).await.unwrap();
    let done = site.done(&work).await.unwrap();
    assert_eq!(recovery_state(&done.result.unwrap()), RecoveryState::Complete);
    let (recovered, original) = {
        let world = site.simulator.world();
        let replication = world.vcda().replication(id.as_str()).unwrap();
        let original = replication.source_vm.clone().unwrap();
        assert!(!original.powered_on);
        (replication.destination_vm.clone().unwrap(), original)
    };
    let work = vm.start_reverse().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!((shown.is_reversed, shown.vm_id), (Some(true), Some(recovered.id)));
    let world = site.simulator.world();
    let gone = |vm: &str| world.vcda().free_vms().all(|free| free.vm.id != vm);
    assert!(gone(&original.id), "the original is removed");
}

#[tokio::test(start_paused = true)]
async fn a_replication_is_deleted_and_its_vm_protected_anew() {
    let site = Site::naming_its_site(&WorldSpec::pair(7).groups(0).replications(1));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let source = vm.get().await.unwrap().vm_id.unwrap();
    let work = vm.start_delete().await.unwrap();
    let last = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(last.id.as_deref(), Some(vm.id().as_str()));
    let gone = vm.get().await.unwrap_err();
    assert_eq!(gone.service_error().unwrap().code(), "VmReplicationNotFound");

    let destination = ReplicationDestinationVcloud::default()
        .with_site("west")
        .with_vdc("vdc-west-1")
        .with_storage_profile("*");
    let settings = VmReplicationStartSettings::default()
        .with_source(read::<farside_models_vcda::ReplicationSource>(
            &json!({"type": "vm", "site": "east", "vmId": source}),
        ))
        .with_destination(ReplicationDestination::from(destination))
        .with_description("database")
        .with_rpo(60)
        .with_sla_profile_id("sla-1")
        .with_data_connection_type(DataConnectionType::EncryptedCompressed)
        .with_quiesced(true)
        .with_retention_policy(policy())
        .with_target_disk_type(TargetDiskType::Preallocated)
        .with_initial_sync_time(EpochMillis(0))
        .with_is_migration(true);
    let work = site.client.start_vm_replication(&settings).await.unwrap();
    let begun = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(
        (begun.vm_id.as_deref(), begun.is_migration),
        (Some(source.as_str()), Some(true))
    );
    let shown = begun.settings.unwrap();
    assert_eq!(
        (shown.rpo, shown.target_disk_type),
        (Some(60), Some(TargetDiskType::Preallocated))
    );
    let id = VmReplicationId::parse(begun.id.unwrap()).unwrap();
    assert_ne!(id, *vm.id());
    assert_eq!(
        site.client.vm_replication(&id).instances().await.unwrap().len(),
        1
    );
    let again = site.client.start_vm_replication(&settings).await.unwrap_err();
    assert_eq!(again.effect(), Effect::Refused, "it is protected already");
}
