//! Every operation, with every parameter, and what it does to the world.

use farside_models_vcenter::{CisTaskStatus, VchaIpSpec, VchaPlacementSpec};
use farside_models_vcenter::{
    CisTasksFilterSpec, CisTasksGetQuery, CisTasksGetSpec, CisTasksListRequest, DynamicId,
    VchaClusterActiveGetRequest, VchaClusterConfigState, VchaClusterDeploymentTypeType,
    VchaClusterGetRequest, VchaClusterModeClusterMode, VchaClusterPassiveCheckSpec,
    VchaClusterPassiveRedeploySpec, VchaClusterState, VchaClusterUndeploySpec, VchaClusterWitnessCheckSpec,
    VchaClusterWitnessRedeploySpec, VchaCredentialsSpec,
};
use farside_simulator::vcha::{AfterSwitch, Deployment as Made, Mode, VchaSpec};
use farside_vcha::{
    Deployment, Machine, ManagementVcenter, NodeAddress, PeerCertificate, Placement, PortGroup, Removal,
    Trust,
};
use farside_wire::Secret;

use crate::support::{Site, WEST};

fn address(last: u8) -> NodeAddress {
    NodeAddress::v4([10, 9, 2, last].into(), 24)
}

fn placement(name: &str) -> Placement {
    Placement::new(name, "group-v4")
        .host("host-29")
        .resource_pool("resgroup-9")
        .ha_network(PortGroup::Distributed("dvportgroup-19".to_owned()))
        .datastore("datastore-29")
}

fn deployment() -> Deployment {
    let network = PortGroup::Standard("network-12".to_owned());
    Deployment::automatic(
        address(1),
        (address(2), placement("vc-22").management_network(network)),
        (address(3), placement("vc-23")),
    )
    .ha_network(PortGroup::Distributed("dvportgroup-19".to_owned()))
}

fn management(trust: Option<Trust>) -> ManagementVcenter {
    let known = VchaSpec::default().management;
    let vcenter =
        ManagementVcenter::new(known.hostname, known.username, Secret::new(known.password)).port(443);
    match trust {
        Some(trust) => vcenter.trusting(trust),
        None => vcenter,
    }
}

fn trusted() -> VchaCredentialsSpec {
    let pem = VchaSpec::default().management.certificate;
    management(Some(Trust::Certificate(pem))).into()
}

#[tokio::test(start_paused = true)]
async fn the_greeting_agrees_on_a_release_without_a_session() {
    let site = Site::new(|_| {});
    let hello = site.client.hello(&["9.9.9.9", "8.0.2.0"]).await.unwrap();
    assert_eq!(hello.as_deref(), Some("8.0.2.0"));
    assert_eq!(site.client.hello(&["9.9.9.9"]).await.unwrap(), None);
    assert_eq!(site.calls("Cis.Session_create").0, 0);
    assert_eq!(site.client.hello(&[]).await.unwrap_err().status().unwrap(), 400);
}

#[tokio::test(start_paused = true)]
async fn the_session_says_whose_it_is() {
    let site = Site::new(|_| {});
    let session = site.client.session().await.unwrap();
    assert_eq!(session.user, "operator@vsphere.local");
    site.client.close().await.unwrap();
    assert_eq!(site.calls("Cis.Session_delete"), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_read_needs_whoever_manages_the_machines_to_be_trusted() {
    for (thumbprints_only, omits_error_types) in [(false, false), (true, false), (true, true)] {
        let site = Site::new(|spec| {
            spec.thumbprints_only = thumbprints_only;
            spec.omits_error_types = omits_error_types;
            spec.management.is_another = true;
        });
        let get = |trust| {
            VchaClusterGetRequest::default()
                .with_partial(false)
                .with_vc_spec(VchaCredentialsSpec::from(management(trust)))
        };
        let error = site.client.cluster_get(&get(None)).await.unwrap_err();
        let peer = PeerCertificate::of(&error).unwrap();
        assert_eq!(peer.thumbprint, VchaSpec::default().management.sha256);
        assert_eq!(peer.certificate.is_none(), thumbprints_only);
        let trust = peer.into_trust();
        let full = site.client.cluster_get(&get(Some(trust.clone()))).await.unwrap();
        let placement = full.node2.unwrap().runtime.unwrap().placement.unwrap();
        assert_eq!(placement.vm_name, "vc-22");
        let request = VchaClusterActiveGetRequest::default()
            .with_partial(false)
            .with_vc_spec(VchaCredentialsSpec::from(management(Some(trust))));
        let active = site.client.active(&request).await.unwrap();
        assert_eq!(active.placement.unwrap().vm_name, "vc-21");
        assert_eq!(active.management.dns_servers, ["192.0.2.53"]);
        assert_eq!(active.ha.unwrap().ipv4.unwrap().address, "10.9.2.1");
        let cluster = site.client.cluster().await.unwrap();
        assert_eq!(cluster.config_state, Some(VchaClusterConfigState::Configured));
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_nowhere_to_be_seen() {
    let spec: VchaCredentialsSpec = trusted();
    let shown = format!("{:?} {spec:?}", management(None));
    assert!(!shown.contains("sim-management"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_deployed_and_removed_with_its_machines() {
    let site = Site::bare(|_| {});
    let none = site.client.deployment_type().await.unwrap();
    assert_eq!(none.deployment_type, VchaClusterDeploymentTypeType::None);
    assert_eq!(site.client.mode().await.unwrap_err().status().unwrap(), 400);
    let spec = deployment()
        .failover_address(address(20))
        .managed_by(trusted())
        .into();
    let task = site.client.start_deploy(&spec).await.unwrap();
    let info = site.done(task).await;
    assert_eq!(info.operation, "deploy$task");
    let auto = site.client.deployment_type().await.unwrap();
    assert_eq!(auto.deployment_type, VchaClusterDeploymentTypeType::Auto);
    assert_eq!(
        site.client.mode().await.unwrap(),
        VchaClusterModeClusterMode::Enabled
    );
    let cluster = site.simulator.world().vcha().cluster(WEST).unwrap().clone();
    assert_eq!(
        (cluster.deployment, cluster.nodes[1].vm.name.as_str()),
        (Made::Auto, "vc-22")
    );
    let machine = |vm: &farside_simulator::vcha::Vm| Machine {
        id: vm.id.clone(),
        bios_uuid: vm.bios_uuid.clone(),
    };
    let removal = Removal::DeleteMachines {
        passive: machine(&cluster.nodes[1].vm),
        witness: machine(&cluster.witness.vm),
    };
    let spec = VchaClusterUndeploySpec::from(removal).with_vc_spec(trusted());
    let task = site.client.start_undeploy(&spec).await.unwrap();
    site.done(task).await;
    assert!(site.simulator.world().vcha().cluster(WEST).is_none());
    assert!(site.simulator.world().vcha().machines(WEST).is_empty());
    assert_eq!(site.calls("Vcenter.Vcha.Cluster_deploy$Task"), (1, 1, 1));
    assert_eq!(site.calls("Vcenter.Vcha.Cluster_undeploy$Task"), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_made_by_hand_keeps_its_machines() {
    let site = Site::bare(|_| {});
    let v6 = |last: u16| NodeAddress::v6([0x2001, 0xdb8, 9, 0, 0, 0, 0, last].into(), 64);
    let spec = Deployment::manual(v6(1), v6(2), v6(3)).into();
    let task = site.client.start_deploy(&spec).await.unwrap();
    site.done(task).await;
    assert_eq!(site.active(), "2001:db8:9::1");
    let made = site.client.deployment_type().await.unwrap();
    assert_eq!(made.deployment_type, VchaClusterDeploymentTypeType::Manual);
    let task = site
        .client
        .start_undeploy(&Removal::ForceDelete.into())
        .await
        .unwrap();
    site.done(task).await;
    assert_eq!(site.simulator.world().vcha().machines(WEST).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn machines_stay_unless_their_end_is_asked_for() {
    let site = Site::new(|_| {});
    let task = site
        .client
        .start_undeploy(&Removal::KeepMachines.into())
        .await
        .unwrap();
    site.done(task).await;
    assert_eq!(site.simulator.world().vcha().machines(WEST).len(), 2);
    let cluster = site.client.cluster().await.unwrap();
    assert_eq!(cluster.config_state, Some(VchaClusterConfigState::Notconfigured));
}

#[tokio::test(start_paused = true)]
async fn the_mode_is_changed_and_a_change_without_a_way_is_refused() {
    let site = Site::new(|_| {});
    let task = site
        .client
        .start_mode_set(VchaClusterModeClusterMode::Maintenance)
        .await
        .unwrap();
    assert_eq!(site.done(task).await.operation, "set$task");
    assert_eq!(
        site.client.mode().await.unwrap(),
        VchaClusterModeClusterMode::Maintenance
    );
    site.simulator.world().vcha_mut().set_mode(WEST, Mode::Disabled);
    let refused = site
        .client
        .start_mode_set(VchaClusterModeClusterMode::Maintenance)
        .await;
    assert_eq!(refused.unwrap_err().status().unwrap(), 500);
    assert_eq!(
        site.client.mode().await.unwrap(),
        VchaClusterModeClusterMode::Disabled
    );
}

#[tokio::test(start_paused = true)]
async fn lost_nodes_are_checked_for_and_made_anew() {
    let site = Site::new(|_| {});
    let placement = || VchaPlacementSpec::from(placement("vc-29").host("host-21"));
    let check = VchaClusterPassiveCheckSpec::new(placement()).with_vc_spec(trusted());
    let error = site.client.passive_check(&check).await.unwrap_err();
    assert_eq!(
        error.service_error().unwrap().code(),
        "NOT_ALLOWED_IN_CURRENT_STATE"
    );
    site.simulator.world().vcha_mut().set_passive(WEST, false);
    site.simulator.world().vcha_mut().set_witness(WEST, false);
    let hurt = site.client.cluster().await.unwrap().health_warnings;
    let hurt: Vec<_> = hurt.iter().map(|warning| warning.error.id.as_str()).collect();
    assert!(hurt.contains(&"sim.vcha.passive.down"), "{hurt:?}");
    let same_host = "Host host-21 has the active node already.";
    let checked = site.client.passive_check(&check).await.unwrap();
    assert_eq!((checked.warnings.len(), checked.errors.len()), (1, 0));
    assert_eq!(checked.warnings[0].default_message, same_host);
    let check = VchaClusterWitnessCheckSpec::new(placement()).with_vc_spec(trusted());
    let checked = site.client.witness_check(&check).await.unwrap();
    assert_eq!(checked.warnings.len(), 1);
    assert_eq!(checked.warnings[0].default_message, same_host);
    let passive = VchaClusterPassiveRedeploySpec::new(placement())
        .with_vc_spec(trusted())
        .with_ha_ip(VchaIpSpec::from(address(22)))
        .with_failover_ip(VchaIpSpec::from(NodeAddress::v4([198, 51, 100, 20].into(), 24)));
    let task = site.client.start_passive_redeploy(&passive).await.unwrap();
    site.done(task).await;
    let witness = VchaClusterWitnessRedeploySpec::new(placement())
        .with_vc_spec(trusted())
        .with_ha_ip(VchaIpSpec::from(address(33)));
    let task = site.client.start_witness_redeploy(&witness).await.unwrap();
    site.done(task).await;
    site.sleep(20).await;
    let cluster = site.client.cluster().await.unwrap();
    assert_eq!(cluster.health_state, Some(VchaClusterState::Healthy));
    assert_eq!(cluster.node2.unwrap().ha_ip.ipv4.unwrap().address, "10.9.2.22");
    assert_eq!(cluster.witness.unwrap().ha_ip.ipv4.unwrap().address, "10.9.2.33");
}

#[tokio::test(start_paused = true)]
async fn tasks_are_read_and_listed_by_all_that_tells_them_apart() {
    let site = Site::new(|spec| spec.after_switch = AfterSwitch::Succeeded);
    let task = site.client.start_failover(true).await.unwrap();
    site.sleep(30).await;
    let query = CisTasksGetQuery::default()
        .with_return_all(true)
        .with_exclude_result(false);
    let info = site.client.task_with(&task.id, &query).await.unwrap();
    assert_eq!(
        (info.status, info.target.unwrap().id.as_str()),
        (CisTaskStatus::Succeeded, "vm-21")
    );
    let filter = CisTasksFilterSpec::default()
        .with_tasks(vec![task.id.clone()])
        .with_services(vec!["com.vmware.vcenter.vcha.cluster".to_owned()])
        .with_operations(vec!["failover$task".to_owned()])
        .with_status(vec![CisTaskStatus::Succeeded])
        .with_targets(vec![DynamicId::new("VirtualMachine", "vm-21")])
        .with_users(vec!["operator@vsphere.local".to_owned()]);
    let list = |filter| {
        let result = CisTasksGetSpec::default()
            .with_return_all(true)
            .with_exclude_result(true);
        CisTasksListRequest::default()
            .with_filter_spec(filter)
            .with_result_spec(result)
    };
    let found = site.client.list_tasks(&list(filter)).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&task.id]);
    let info = found[&task.id].as_ref().unwrap();
    assert_eq!(
        (&info.status, info.operation.as_str(), info.user.as_deref()),
        (
            &CisTaskStatus::Succeeded,
            "failover$task",
            Some("operator@vsphere.local")
        )
    );
    let error = site
        .client
        .list_tasks(&list(CisTasksFilterSpec::default()))
        .await
        .unwrap_err();
    assert_eq!(error.service_error().unwrap().code(), "INVALID_ARGUMENT");
}
