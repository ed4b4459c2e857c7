//! Every method and property of `HostNetworkSystem`, and what it does to the host.

use farside_host_network::HostNetworkSystem;
use farside_models_vim::{
    AddPortGroupRequest, AddServiceConsoleVirtualNicRequest, AddVirtualNicRequest, AddVirtualSwitchRequest,
    CustomFieldStringValue, HostDnsConfig, HostIpConfig, HostIpRouteConfig, HostIpRouteEntry, HostIpRouteOp,
    HostIpRouteTableConfig, HostNetworkConfig, HostNetworkInfo, HostNetworkPolicy, HostPortGroupSpec,
    HostVirtualNicConfig, HostVirtualNicSpec, HostVirtualSwitchSpec, PhysicalNicLinkInfo,
    QueryNetworkHintRequest, RemovePortGroupRequest, RemoveServiceConsoleVirtualNicRequest,
    RemoveVirtualNicRequest, RemoveVirtualSwitchRequest, RestartServiceConsoleVirtualNicRequest,
    SetCustomValueRequest, StartDpuFailoverRequest, UpdateConsoleIpRouteConfigRequest,
    UpdateDnsConfigRequest, UpdateIpRouteConfigRequest, UpdateIpRouteTableConfigRequest,
    UpdateNetworkConfigRequest, UpdatePhysicalNicLinkSpeedRequest, UpdatePortGroupRequest,
    UpdateServiceConsoleVirtualNicRequest, UpdateVirtualNicRequest, UpdateVirtualSwitchRequest,
};
use farside_simulator::dpu::DpuSpec;
use farside_transport::Effect;
use farside_wire::Object;

use crate::support::Site;

const CONSOLE_HOST: &str = "networkSystem-22";

fn site() -> Site {
    let mut dpu = DpuSpec::default();
    dpu.service_consoles = vec!["host-22".to_owned()];
    Site::with(dpu)
}

impl Site {
    fn system(&self, id: &str) -> HostNetworkSystem {
        self.vim.object(id)
    }
}

async fn info(system: &HostNetworkSystem) -> HostNetworkInfo {
    system.network_info().await.unwrap().unwrap()
}

fn interface(address: &str) -> HostVirtualNicSpec {
    let ip = HostIpConfig::new(false)
        .with_ip_address(address)
        .with_subnet_mask("255.255.255.0");
    HostVirtualNicSpec::default().with_ip(ip)
}

fn address(spec: &HostVirtualNicSpec) -> &str {
    spec.ip.as_ref().unwrap().ip_address.as_deref().unwrap()
}

fn group(name: &str, vlan: i32) -> HostPortGroupSpec {
    HostPortGroupSpec::new(name, vlan, "vSwitch1", HostNetworkPolicy::default())
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_added_changed_and_removed() {
    let site = site();
    let system = site.system("networkSystem-21");
    let spec = HostVirtualSwitchSpec::new(64).with_mtu(9000);
    let request = AddVirtualSwitchRequest::new("vSwitch1").with_spec(spec);
    system.add_virtual_switch(&request).await.unwrap();
    let added = info(&system).await.vswitch;
    let names: Vec<&str> = added.iter().map(|switch| switch.name.as_str()).collect();
    assert_eq!(names, ["vSwitch0", "vSwitch1"]);
    assert_eq!((added[1].num_ports, added[1].mtu), (64, Some(9000)));

    let request = UpdateVirtualSwitchRequest::new("vSwitch1", HostVirtualSwitchSpec::new(128));
    system.update_virtual_switch(&request).await.unwrap();
    assert_eq!(info(&system).await.vswitch[1].num_ports, 128);

    let request = RemoveVirtualSwitchRequest::new("vSwitch1");
    system.remove_virtual_switch(&request).await.unwrap();
    assert_eq!(info(&system).await.vswitch.len(), 1);
    let error = system.remove_virtual_switch(&request).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_port_group_and_an_interface_on_it_are_added_changed_and_removed() {
    let site = site();
    let system = site.system("networkSystem-21");
    system
        .add_virtual_switch(&AddVirtualSwitchRequest::new("vSwitch1"))
        .await
        .unwrap();
    let request = AddPortGroupRequest::new(group("backup", 20));
    system.add_port_group(&request).await.unwrap();
    let error = system.add_port_group(&request).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "AlreadyExists");
    assert_eq!(error.effect(), Effect::Refused);

    let request = UpdatePortGroupRequest::new("backup", group("replication", 30));
    system.update_port_group(&request).await.unwrap();
    let groups = info(&system).await.portgroup;
    let found = groups
        .iter()
        .find(|group| group.spec.name == "replication")
        .unwrap();
    assert_eq!((found.spec.vlan_id, groups.len()), (30, 2));

    let request = AddVirtualNicRequest::new("replication", interface("10.8.77.9"));
    let device = system.add_virtual_nic(&request).await.unwrap();
    assert_eq!(device, "vmk1");
    let request = UpdateVirtualNicRequest::new(device.as_str(), interface("10.8.77.10"));
    system.update_virtual_nic(&request).await.unwrap();
    let interfaces = info(&system).await.vnic;
    assert_eq!(
        (interfaces[1].device.as_str(), address(&interfaces[1].spec)),
        ("vmk1", "10.8.77.10")
    );

    let remove = RemovePortGroupRequest::new("replication");
    let error = system.remove_port_group(&remove).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "ResourceInUse");
    system
        .remove_virtual_nic(&RemoveVirtualNicRequest::new(device))
        .await
        .unwrap();
    system.remove_port_group(&remove).await.unwrap();
    let left = info(&system).await;
    assert_eq!((left.vnic.len(), left.portgroup.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_service_console_of_an_old_host_is_configured() {
    let site = site();
    let system = site.system(CONSOLE_HOST);
    let capabilities = system.capabilities().await.unwrap().unwrap();
    assert!(capabilities.uses_service_console_nic);
    let policies = [
        "loadbalance_ip",
        "loadbalance_srcmac",
        "loadbalance_srcid",
        "failover_explicit",
    ];
    assert_eq!(capabilities.nic_teaming_policy, policies);
    let request = AddServiceConsoleVirtualNicRequest::new("service-console", interface("10.8.22.13"));
    let device = system.add_service_console_virtual_nic(&request).await.unwrap();
    assert_eq!(device, "vswif1");
    let request = UpdateServiceConsoleVirtualNicRequest::new(device.as_str(), interface("10.8.22.14"));
    system.update_service_console_virtual_nic(&request).await.unwrap();
    let request = RestartServiceConsoleVirtualNicRequest::new(device.as_str());
    system
        .restart_service_console_virtual_nic(&request)
        .await
        .unwrap();
    // A restart shows nowhere, but it has to have arrived.
    let restart = "HostNetworkSystem_RestartServiceConsoleVirtualNic";
    assert_eq!(site.simulator.world().calls().of(restart).attempts, 1);
    assert_eq!(address(&info(&system).await.console_vnic[1].spec), "10.8.22.14");
    let request = RemoveServiceConsoleVirtualNicRequest::new(device);
    system.remove_service_console_virtual_nic(&request).await.unwrap();
    assert_eq!(info(&system).await.console_vnic.len(), 1);

    let gateway = HostIpRouteConfig::default().with_default_gateway("10.8.22.254");
    let request = UpdateConsoleIpRouteConfigRequest::new(Object::new(&gateway));
    system.update_console_ip_route_config(&request).await.unwrap();
    let read = system.console_ip_route_config().await.unwrap().unwrap();
    assert_eq!(read.base().unwrap(), gateway);

    let recent = site.system("networkSystem-21");
    assert!(recent.console_ip_route_config().await.unwrap().is_none());
    let request = AddServiceConsoleVirtualNicRequest::new("service-console", interface("10.8.22.13"));
    let error = recent
        .add_service_console_virtual_nic(&request)
        .await
        .unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "NotSupported");
}

#[tokio::test(start_paused = true)]
async fn names_and_routes_are_set() {
    let site = site();
    let system = site.system("networkSystem-21");
    let dns = HostDnsConfig::new(false, "esx-21", "far.invalid").with_address(vec!["10.8.0.54".to_owned()]);
    let request = UpdateDnsConfigRequest::new(Object::new(&dns));
    system.update_dns_config(&request).await.unwrap();
    assert_eq!(system.dns_config().await.unwrap().unwrap().base().unwrap(), dns);

    let gateway = HostIpRouteConfig::default().with_default_gateway("10.8.21.254");
    let request = UpdateIpRouteConfigRequest::new(Object::new(&gateway));
    system.update_ip_route_config(&request).await.unwrap();
    assert_eq!(
        system.ip_route_config().await.unwrap().unwrap().base().unwrap(),
        gateway
    );

    let route = HostIpRouteEntry::new("203.0.113.0", 24, "10.8.21.2");
    let added =
        HostIpRouteTableConfig::default().with_ip_route(vec![HostIpRouteOp::new("add", route.clone())]);
    let request = UpdateIpRouteTableConfigRequest::new(added);
    system.update_ip_route_table_config(&request).await.unwrap();
    let table = info(&system).await.route_table_info.unwrap();
    assert_eq!(table.ip_route, [route]);
}

#[tokio::test(start_paused = true)]
async fn many_changes_are_made_at_once() {
    let site = site();
    let system = site.system("networkSystem-21");
    let nic = HostVirtualNicConfig::new("Management Network")
        .with_change_operation("add")
        .with_spec(interface("10.8.77.9"));
    let config = HostNetworkConfig::default().with_vnic(vec![nic]);
    let request = UpdateNetworkConfigRequest::new(config, "modify");
    let result = system.update_network_config(&request).await.unwrap();
    assert_eq!(result.vnic_device, ["vmk1"]);
    let config = system.network_config().await.unwrap().unwrap();
    let devices: Vec<_> = config
        .vnic
        .iter()
        .map(|nic| nic.device.as_deref().unwrap())
        .collect();
    assert_eq!(devices, ["vmk0", "vmk1"]);
}

#[tokio::test(start_paused = true)]
async fn a_card_is_fixed_to_a_speed_and_tells_what_it_has_seen() {
    let site = site();
    let system = site.system("networkSystem-21");
    let speed = PhysicalNicLinkInfo::new(10_000, true);
    let request = UpdatePhysicalNicLinkSpeedRequest::new("vmnic2").with_link_speed(speed.clone());
    system.update_physical_nic_link_speed(&request).await.unwrap();
    let cards = info(&system).await.pnic;
    let card = cards.iter().find(|card| card.device == "vmnic2").unwrap();
    assert_eq!(card.spec.link_speed, Some(speed));

    let request = QueryNetworkHintRequest::default().with_device(vec!["vmnic2".to_owned()]);
    let hints = system.query_network_hint(&request).await.unwrap();
    let devices: Vec<&str> = hints.iter().map(|hint| hint.device.as_str()).collect();
    assert_eq!(devices, ["vmnic2"]);
    let all = system
        .query_network_hint(&QueryNetworkHintRequest::default())
        .await
        .unwrap();
    assert_eq!(all.len(), cards.len());
    assert!(
        system
            .offload_capabilities()
            .await
            .unwrap()
            .unwrap()
            .csum_offload
            .unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_custom_field_is_set_and_read() {
    let site = site();
    let system = site.system("networkSystem-21");
    let fields = system.available_fields().await.unwrap();
    assert_eq!(fields[0].name, "recovery-plan");
    assert!(system.custom_values().await.unwrap().is_empty());
    let request = SetCustomValueRequest::new("recovery-plan", "plan-7");
    system.set_custom_value(&request).await.unwrap();
    let values = system.custom_values().await.unwrap();
    let value = values[0].downcast::<CustomFieldStringValue>().unwrap().unwrap();
    assert_eq!((value.key, value.value.as_str()), (fields[0].key, "plan-7"));
}

#[tokio::test(start_paused = true)]
async fn the_plain_call_of_a_failover_and_a_refresh_go_out_as_they_are() {
    let site = site();
    let system = site.system("networkSystem-21");
    let request = StartDpuFailoverRequest::new("dvs-west").with_target_dpu_alias("vmdpu1");
    system.start_dpu_failover(&request).await.unwrap();
    system.refresh().await.unwrap();
    let made = |operation: &str| site.simulator.world().calls().of(operation).attempts;
    assert_eq!(made("HostNetworkSystem_startDpuFailover"), 1);
    assert_eq!(made("HostNetworkSystem_RefreshNetworkSystem"), 1);
}
