//! Plain methods with all their parameters, and what else they read and change.

use std::sync::Arc;

use farside_models_vim::{
    CreateFolderRequest, FindAllByIpRequest, FindAllByUuidRequest, FindByIpRequest, FindByUuidRequest,
    NetworkSummary, OpaqueNetworkSummary, OptionValue, ReconfigVMRequest, ReconfigureDvsRequest,
    RenameRequest, ResourceAllocationInfo, VMwareDVSConfigInfo, VMwareDVSConfigSpec, VirtualDeviceConfigSpec,
    VirtualDeviceConfigSpecOperation, VirtualMachineConfigSpec, VirtualMachineDefinedProfileSpec,
    VmwareDistributedVirtualSwitchDpuFailoverPolicy, VmwareDistributedVirtualSwitchNetworkOffloadConfig,
};
use farside_simulator::WorldSpec;
use farside_simulator::dpu::DpuSpec;
use farside_simulator::vm::VmSpec;
use farside_transport::testing::PausedClock;
use farside_vim::{
    Datastore, DistributedVirtualSwitch, Folder, HostSystem, ManagedEntity, ManagedObject, Network,
};
use farside_wire::{Any, Object};

use crate::support::{Bench, LONG, fault};

#[tokio::test]
async fn a_machine_is_renamed_and_its_files_keep_their_names() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let entity = ManagedEntity::of_object(&vm);
    bench
        .done(entity.rename(&RenameRequest::new("renamed")).await.unwrap())
        .await
        .unwrap();
    assert_eq!(bench.seen(&vm).name, "renamed");
    let config = vm.config().await.unwrap().unwrap();
    assert!(config.name == "renamed" && config.files.vm_path_name.unwrap().ends_with("/east-01.vmx"));
    for (name, code) in [
        ("east-02", "DuplicateName"),
        ("", "InvalidName"),
        ("a/b", "InvalidName"),
    ] {
        let error = entity.rename(&RenameRequest::new(name)).await.unwrap_err();
        assert_eq!(error.fault().unwrap().type_name(), code);
    }
}

#[tokio::test]
async fn folders_are_made_once_and_found_again() {
    let bench = Bench::new(VmSpec::default());
    let folder = bench.vm_folder(&bench.east);
    let made = folder.subfolder("recovered").await.unwrap();
    assert_eq!(folder.subfolder("recovered").await.unwrap().id(), made.id());
    let below = Folder::of(
        &bench.east,
        made.create_folder(&CreateFolderRequest::new("deep"))
            .await
            .unwrap(),
    );
    assert_ne!(below.id(), made.id());
    let error = folder.subfolder("east-01").await.unwrap_err();
    assert_eq!(fault(&error), "DuplicateName", "what has the name is no folder");
    bench
        .done(
            ManagedEntity::of_object(&made)
                .rename(&RenameRequest::new("later"))
                .await
                .unwrap(),
        )
        .await
        .unwrap();
    assert_ne!(folder.subfolder("recovered").await.unwrap().id(), made.id());
}

#[tokio::test]
async fn main_facts_of_hosts_datastores_and_networks() {
    let bench = Bench::new(VmSpec::default());
    let host: HostSystem = bench.east.object("host-11");
    let summary = host.summary().await.unwrap();
    let runtime = host.runtime().await.unwrap();
    let summed_up = summary.runtime.unwrap();
    assert_eq!(summed_up.connection_state, runtime.connection_state);
    let modes: Vec<_> = runtime
        .partial_maintenance_mode
        .iter()
        .map(|mode| mode.key.as_str())
        .collect();
    assert_eq!(modes, ["quickPatchPartialMM"]);
    assert_eq!(
        summed_up.partial_maintenance_mode,
        runtime.partial_maintenance_mode
    );
    let datastore: Datastore = bench.east.object("datastore-11");
    assert!(datastore.summary().await.unwrap().accessible);
    bench
        .simulator
        .world()
        .vms_mut()
        .set_accessible("datastore-11", false);
    let lost = datastore.summary().await.unwrap();
    assert!(!lost.accessible && lost.url.is_empty());
    let network = Network::of(&bench.east, bench.network(&bench.east, "segment-east"));
    let summary: Object<NetworkSummary> = network.summary().await.unwrap();
    assert_eq!(
        summary
            .downcast::<OpaqueNetworkSummary>()
            .unwrap()
            .unwrap()
            .opaque_network_id,
        "segment-east"
    );
}

#[tokio::test]
async fn a_configuration_is_changed_all_at_once() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let before = vm.config().await.unwrap().unwrap();
    let text = |text: &str| Any::boxed("string", text).unwrap();
    let profile = VirtualMachineDefinedProfileSpec::new("profile-1");
    let spec = VirtualMachineConfigSpec::default()
        .with_change_version(&before.change_version)
        .with_name("changed")
        .with_annotation("recovered")
        .with_num_cp_us(4)
        .with_memory_mb(8192)
        .with_cpu_allocation(ResourceAllocationInfo::default().with_reservation(2000))
        .with_extra_config(vec![Object::new(
            &OptionValue::new("uuid.action").with_value(text("keep")),
        )])
        .with_vm_profile(vec![Object::new(&profile)]);
    bench
        .done(vm.reconfigure(&ReconfigVMRequest::new(spec)).await.unwrap())
        .await
        .unwrap();
    let after = vm.config().await.unwrap().unwrap();
    assert_eq!(
        (after.name.as_str(), after.annotation.as_deref()),
        ("changed", Some("recovered"))
    );
    assert_eq!((after.hardware.num_cpu, after.hardware.memory_mb), (4, 8192));
    assert_eq!(after.cpu_allocation.unwrap().reservation, Some(2000));
    assert_ne!(after.change_version, before.change_version);
    let option = after
        .extra_config
        .iter()
        .filter_map(|option| option.base().ok())
        .find(|option| option.key == "uuid.action");
    assert_eq!(option.unwrap().value.unwrap().as_str().as_deref(), Some("keep"));

    vm.start(None, LONG).await.unwrap();
    let larger = VirtualMachineConfigSpec::default().with_memory_mb(16_384);
    let error = vm.reconfigure(&ReconfigVMRequest::new(larger)).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidPowerState");
}

#[tokio::test]
async fn devices_are_added_and_removed() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let devices = vm.config().await.unwrap().unwrap().hardware.device;
    let of_type = |name: &str| {
        devices
            .iter()
            .find(|device| device.type_name() == name)
            .unwrap()
            .clone()
    };
    let change = |device, operation| {
        let change = VirtualDeviceConfigSpec::new(device).with_operation(operation);
        let spec = VirtualMachineConfigSpec::default().with_device_change(vec![Object::new(&change)]);
        ReconfigVMRequest::new(spec)
    };
    let card = of_type("VirtualVmxnet3");
    let add = change(card.clone(), VirtualDeviceConfigSpecOperation::Add);
    bench.done(vm.reconfigure(&add).await.unwrap()).await.unwrap();
    let cards = vm.cards().await.unwrap();
    assert_eq!(
        cards.iter().map(|card| card.key).collect::<Vec<_>>(),
        [4000, 4001]
    );
    assert_eq!(vm.summary().await.unwrap().config.num_ethernet_cards, Some(2));
    let remove = change(card, VirtualDeviceConfigSpecOperation::Remove);
    bench.done(vm.reconfigure(&remove).await.unwrap()).await.unwrap();
    assert_eq!(vm.cards().await.unwrap().len(), 1);
    let error = vm.reconfigure(&remove).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidDeviceSpec");
}

#[tokio::test]
async fn a_running_machine_is_neither_unregistered_nor_deleted() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    let guest = vm.guest_info().await.unwrap().unwrap();
    let ip = guest.ip_address.unwrap();
    assert_eq!(guest.net[0].ip_address, [ip.as_str()]);
    // By what it shows of itself it is found.
    let uuid = vm.config().await.unwrap().unwrap().uuid;
    let search = bench.east.search_index().await.unwrap();
    let by_ip = FindByIpRequest::new(ip.as_str(), true);
    let own = vm.reference().clone();
    assert_eq!(search.find_by_ip(&by_ip).await.unwrap(), Some(own.clone()));
    let by_ip = FindAllByIpRequest::new(ip, true);
    assert_eq!(
        search.find_all_by_ip(&by_ip).await.unwrap(),
        std::slice::from_ref(&own)
    );
    let by_uuid = FindByUuidRequest::new(uuid.as_str(), true);
    assert_eq!(search.find_by_uuid(&by_uuid).await.unwrap(), Some(own.clone()));
    let by_uuid = FindAllByUuidRequest::new(uuid, true);
    assert_eq!(search.find_all_by_uuid(&by_uuid).await.unwrap(), [own]);
    let error = vm.unregister().await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidPowerState");
    assert_eq!(error.effect(), farside_transport::Effect::Refused);
    let error = vm.destroy().await.map(|_| ()).unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidPowerState");
    vm.shutdown_guest().await.unwrap();
    bench.pass(LONG).await;
    let error = vm.shutdown_guest().await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "InvalidPowerState");
    vm.unregister().await.unwrap();
    let error = vm.runtime().await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "ManagedObjectNotFound");
}

#[tokio::test]
async fn a_switch_is_reconfigured_with_the_version_that_was_read() {
    let bench = Bench::new(VmSpec::default());
    let switch: DistributedVirtualSwitch = bench.east.object("dvs-11");
    let read = async || {
        switch
            .config()
            .await
            .unwrap()
            .downcast::<VMwareDVSConfigInfo>()
            .unwrap()
            .unwrap()
    };
    let before = read().await;
    let uplinks = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let policy = VmwareDistributedVirtualSwitchDpuFailoverPolicy::default()
        .with_active_uplink(uplinks(["uplink3", "uplink4"]))
        .with_standby_uplink(uplinks(["uplink1", "uplink2"]));
    let offload =
        VmwareDistributedVirtualSwitchNetworkOffloadConfig::default().with_dpu_failover_policy(policy);
    let spec = VMwareDVSConfigSpec::default()
        .with_config_version(&before.config_version)
        .with_name("dvs-renamed")
        .with_description("recovered")
        .with_max_mtu(1500)
        .with_network_offload_config(offload);
    let request = ReconfigureDvsRequest::new(Object::new(&spec));
    bench
        .done(switch.reconfigure(&request).await.unwrap())
        .await
        .unwrap();
    let after = read().await;
    assert_eq!((after.name.as_str(), after.max_mtu), ("dvs-renamed", 1500));
    let policy = after.network_offload_config.unwrap().dpu_failover_policy.unwrap();
    assert_eq!(policy.active_uplink, ["uplink3", "uplink4"]);
    let runtime = switch.runtime().await.unwrap().unwrap();
    let members = runtime.host_member_runtime.iter();
    let members: Vec<_> = members
        .map(|member| (member.host.value.as_str(), member.status.as_deref()))
        .collect();
    assert_eq!(members, [("host-11", Some("up")), ("host-12", Some("up"))]);
    let error = switch.reconfigure(&request).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "ConcurrentAccess");
}

/// Whether the failover policy can be changed once hosts are on the switch is not known.
#[tokio::test]
async fn a_failover_policy_that_is_locked_is_refused_and_nothing_changes() {
    let mut hosts = DpuSpec::default();
    hosts.locks_policy = true;
    let world = WorldSpec::pair(11).groups(0).replications(0).dpu(hosts);
    let bench = Bench::of(Arc::new(PausedClock::auto_advancing()), world);
    let switch: DistributedVirtualSwitch = bench.east.object("dvs-11");
    let policy = VmwareDistributedVirtualSwitchDpuFailoverPolicy::default()
        .with_active_uplink(vec!["uplink3".to_owned()]);
    let offload =
        VmwareDistributedVirtualSwitchNetworkOffloadConfig::default().with_dpu_failover_policy(policy);
    let spec = VMwareDVSConfigSpec::default()
        .with_max_mtu(1500)
        .with_network_offload_config(offload);
    let request = ReconfigureDvsRequest::new(Object::new(&spec));
    let error = switch.reconfigure(&request).await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "DvsFault");
    assert!(error.to_string().contains("dvs-11"), "{error}");
    let config = switch.config().await.unwrap();
    let config = config.downcast::<VMwareDVSConfigInfo>().unwrap().unwrap();
    assert_eq!(config.max_mtu, 9000);
}
