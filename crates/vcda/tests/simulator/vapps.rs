//! vApp replications: every method with all that it takes.

use std::collections::BTreeMap;

use farside_models_vcda::{
    C4ReplicationReconfigureSettings, DataConnectionType, RecoveryState, ReplicationDestination,
    ReplicationDestinationVcloud, ReplicationSource, ReplicationSourceVapp, SiteType, SnapshotOptions,
    TargetDiskType, VappReplicationInfo, VappReplicationStartSettings, VappReplicationsListQuery,
};
use farside_simulator::WorldSpec;
use farside_simulator::vcda::VcdaSpec;
use farside_vcda::{
    CloudOptions, Power, Target, VappFailover, VappFailoverTest, VappNetworks, VappReplication,
    VappReplicationId, VappTestFrom, VmReplicationId, joined,
};
use farside_wire::{EpochMillis, RawJson, Secret};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::Site;
use crate::vms::{changes, policy};

/// A world with vApps of two VMs.
struct Bench {
    site: Site,
    vapp: VappReplication,
    members: Vec<VmReplicationId>,
}

impl Bench {
    fn new(change: impl FnOnce(&mut VcdaSpec)) -> Self {
        let mut vcda = VcdaSpec::default();
        vcda.vms_per_vapp = 2;
        change(&mut vcda);
        let spec = WorldSpec::pair(7).groups(0).replications(4).vcda(vcda);
        let site = Site::naming_its_site(&spec);
        let (id, members) = {
            let world = site.simulator.world();
            let vapp = world.vcda().vapps().next().unwrap();
            let members = vapp.members.iter();
            let members = members.map(|id| VmReplicationId::parse(id.as_str()).unwrap());
            (vapp.id.clone(), members.collect())
        };
        let vapp = site
            .client
            .vapp_replication(&VappReplicationId::parse(id).unwrap());
        Self { site, vapp, members }
    }

    async fn states(&self) -> Vec<RecoveryState> {
        states(&self.vapp.get().await.unwrap())
    }
}

fn states(vapp: &VappReplicationInfo) -> Vec<RecoveryState> {
    let infos = vapp.vm_replications.iter();
    let infos = infos.map(|vm| {
        vm.destination_state
            .as_ref()
            .unwrap()
            .recovery_info
            .as_ref()
            .unwrap()
    });
    infos.map(|info| info.recovery_state.clone().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn vapps_are_found_by_each_filter_and_counted() {
    let Bench { site, vapp, .. } = Bench::new(|_| {});
    let shown = vapp.get().await.unwrap();
    assert_eq!(shown.vm_replications.len(), 2);
    let (source, destination) = (shown.source.clone().unwrap(), shown.destination.clone().unwrap());
    let exact = VappReplicationsListQuery::default()
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
        .with_ids(joined([vapp.id()]))
        .with_vapp_id(source.vapp_id.unwrap())
        .with_vapp_name(shown.descriptor.clone().unwrap().name.unwrap())
        .with_offset(0)
        .with_limit(10)
        .with_sort("name-");
    let found: Vec<VappReplicationInfo> = site
        .client
        .stream_vapp_replications(exact.clone())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found, [shown]);
    let none = exact.with_vapp_name("somebody else's");
    assert_eq!(
        site.client.list_vapp_replications(&none).await.unwrap().total,
        Some(0)
    );
    let summary = site.client.vapp_summary().await.unwrap();
    assert_eq!(summary.member("total").unwrap().get(), "2");
}

#[tokio::test(start_paused = true)]
async fn all_vms_of_a_vapp_are_reconfigured_paused_resumed_and_synchronised_together() {
    let Bench { site, vapp, members } = Bench::new(|_| {});
    let profile = C4ReplicationReconfigureSettings::default().with_sla_profile_id("sla-1");
    for settings in [profile, changes()] {
        let work = vapp.start_reconfigure(&settings).await.unwrap();
        site.done(&work).await.unwrap();
    }
    let work = vapp.start_pause().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    for vm in &shown.vm_replications {
        assert_eq!(
            (vm.is_paused, vm.settings.as_ref().unwrap().rpo),
            (Some(true), Some(30))
        );
    }
    let work = vapp.start_resume().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert!(shown.vm_replications.iter().all(|vm| vm.is_paused == Some(false)));
    let newest = async |id: &VmReplicationId| {
        let instances = site.client.vm_replication(id).instances().await.unwrap();
        instances[0].as_ref().unwrap().key.clone()
    };
    let before = newest(&members[1]).await;
    let work = vapp.start_sync().await.unwrap();
    site.done(&work).await.unwrap();
    assert_ne!(newest(&members[1]).await, before);

    let disks = RawJson::of(&json!({"disks": [2000]})).unwrap();
    let work = vapp.start_reconfigure_disks(&disks).await.unwrap();
    site.done(&work).await.unwrap();
    let world = site.simulator.world();
    let kept = world.vcda().vapps().find(|known| known.id == vapp.id().as_str());
    assert_eq!(kept.unwrap().disks, Some(json!({"disks": [2000]})));
}

#[tokio::test(start_paused = true)]
async fn a_vapp_is_tested_and_failed_over_with_all_it_takes() {
    let bench = Bench::new(|vcda| {
        "4.7".clone_into(&mut vcda.api_version);
        vcda.null_networks_disconnect = true;
    });
    let Bench { site, vapp, members } = &bench;
    let told = vapp.network_settings().await.unwrap();
    assert_eq!(
        VappNetworks::set_up(&told.failover_test_settings.unwrap()).unwrap(),
        None
    );
    let set_up = VappNetworks::set_up(&told.failover_settings.unwrap()).unwrap();
    let networks = set_up.unwrap();
    assert!(matches!(&networks, VappNetworks::Explicit { cards, vapp: Some(_) } if cards.len() == 2));
    let options = CloudOptions {
        placement_policy: Some("pp-1".to_owned()),
        sizing_policy: Some("szp-1".to_owned()),
        copy_security_tags: Some(false),
    };
    let instances = site.client.vm_replication(&members[0]).instances().await.unwrap();
    let oldest = instances[3].as_ref().unwrap().key.clone().unwrap();
    let from = VappTestFrom::Instances(BTreeMap::from([(members[0].clone(), oldest.clone())]));
    let test = VappFailoverTest::at_vcloud(options.clone(), Power::Off, networks.clone(), from);
    let work = vapp.start_failover_test(&test).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(states(&shown), [RecoveryState::Test, RecoveryState::Test]);
    let work = vapp.start_test_cleanup().await.unwrap();
    site.done(&work).await.unwrap();
    assert_eq!(
        bench.states().await,
        [RecoveryState::NotStarted, RecoveryState::NotStarted]
    );

    let settings = VappFailover::to_vcloud(options, Power::On, networks)
        .instance(members[0].clone(), oldest.as_str())
        .consolidate()
        .snapshots(SnapshotOptions::Consolidate);
    let work = vapp.start_failover(&settings).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(states(&shown), [RecoveryState::Complete, RecoveryState::Complete]);
    assert!(shown.destination.unwrap().recovered_vapp_id.is_some());
    {
        let world = site.simulator.world();
        let first = world.vcda().replication(members[0].as_str()).unwrap();
        let copy = first.destination_vm.as_ref().unwrap();
        assert_eq!(
            (copy.instance.as_deref(), copy.powered_on),
            (Some(oldest.as_str()), true)
        );
        // Also where the service takes silence for "disconnected".
        assert_eq!(copy.network.as_deref(), Some("org-net-destination"));
        assert_eq!(
            copy.network_settings.as_ref().unwrap()["nics"][0]["nicIndex"],
            json!(0)
        );
    }
    let work = vapp.start_reverse().await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(shown.destination.unwrap().site.as_deref(), Some("east"));
}

#[tokio::test(start_paused = true)]
async fn a_vapp_is_recovered_at_a_vcenter_site() {
    let bench = Bench::new(|vcda| vcda.vcenter_destinations = 4);
    let Bench { site, vapp, .. } = &bench;
    let vms: Vec<String> = vapp
        .get()
        .await
        .unwrap()
        .vm_replications
        .into_iter()
        .filter_map(|vm| vm.vm_id)
        .collect();
    let networks = VappNetworks::Disconnected {
        cards: vms.into_iter().map(|vm| (vm, 1)).collect(),
    };
    let test = VappFailoverTest::at_vcenter(Power::Off, networks.clone(), VappTestFrom::Synchronised);
    let work = vapp.start_failover_test(&test).await.unwrap();
    site.done(&work).await.unwrap();
    let work = vapp.start_test_cleanup().await.unwrap();
    site.done(&work).await.unwrap();
    let settings = VappFailover::to_vcenter(Power::Off, networks).snapshots(SnapshotOptions::DoNothing);
    let work = vapp.start_failover(&settings).await.unwrap();
    site.done(&work).await.unwrap();
    assert_eq!(
        bench.states().await,
        [RecoveryState::Complete, RecoveryState::Complete]
    );
}

#[tokio::test(start_paused = true)]
async fn a_vapp_is_migrated_and_one_that_is_not_ready_as_a_whole_is_refused() {
    let bench = Bench::new(|_| {});
    let Bench { site, vapp, members } = &bench;
    let one = site.client.vm_replication(&members[0]);
    let work = one.start_failover(&crate::support::failover()).await.unwrap();
    site.done(&work).await.unwrap();
    let refused = vapp.start_migrate(Target::Vcloud).await.unwrap_err();
    assert!(refused.service_error().is_some());
    assert_eq!(
        bench.states().await,
        [RecoveryState::Complete, RecoveryState::NotStarted]
    );

    let other = {
        let world = site.simulator.world();
        world.vcda().vapps().nth(1).unwrap().id.clone()
    };
    let other = site
        .client
        .vapp_replication(&VappReplicationId::parse(other).unwrap());
    let work = other.start_migrate(Target::Vcloud).await.unwrap();
    let shown = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(states(&shown), [RecoveryState::Complete, RecoveryState::Complete]);
}

#[tokio::test(start_paused = true)]
async fn a_vapp_is_deleted_and_another_one_protected() {
    let Bench { site, vapp, members } = Bench::new(|_| {});
    let work = vapp.start_delete().await.unwrap();
    assert!(site.done(&work).await.unwrap().result.is_some());
    assert_eq!(vapp.get().await.unwrap_err().status().unwrap().as_u16(), 404);
    let gone = site.client.vm_replication(&members[0]).get().await;
    assert!(gone.is_err());

    let free = {
        let world = site.simulator.world();
        let free = world.vcda().free_vms().find(|free| free.name == "free-001");
        free.unwrap().vm.vapp_id.clone()
    };
    let source = ReplicationSourceVapp::default()
        .with_vapp_id(free)
        .with_site("east");
    let destination = ReplicationDestinationVcloud::default()
        .with_site("west")
        .with_vdc("vdc-west-1");
    let settings = VappReplicationStartSettings::default()
        .with_source(ReplicationSource::from(source))
        .with_destination(ReplicationDestination::from(destination))
        .with_description("two VMs")
        .with_rpo(60)
        .with_sla_profile_id("sla-1")
        .with_data_connection_type(DataConnectionType::Encrypted)
        .with_quiesced(false)
        .with_retention_policy(policy())
        .with_target_disk_type(TargetDiskType::Thin)
        .with_initial_sync_time(EpochMillis(0))
        .with_is_migration(false);
    let secret = Secret::new("on-prem");
    let work = site
        .client
        .start_vapp_replication(&settings, Some(&secret))
        .await
        .unwrap();
    let begun = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(begun.vm_replications.len(), 2);
    assert_eq!(begun.owner.as_deref(), Some("tenant-a@west"));
    let broken = Secret::new("two\nlines");
    let unsent = site
        .client
        .start_vapp_replication(&settings, Some(&broken))
        .await
        .unwrap_err();
    assert_eq!(unsent.effect(), farside_transport::Effect::NotSent);
}
