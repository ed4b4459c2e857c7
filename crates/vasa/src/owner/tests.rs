use farside_models_sms::ReplicationState;
use farside_models_vim::ObjectContent;
use farside_wire::decode_str;

use super::*;
use crate::group::GroupSide;
use crate::id::GroupId;

const CONTENT: &str = r#"{
    "_typeName": "ObjectContent",
    "obj": {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-12"},
    "propSet": [
        {"_typeName": "DynamicProperty", "name": "config.instanceUuid",
         "val": {"_typeName": "string", "_value": "50AA0000-1111-4222-8333-000000000001"}},
        {"_typeName": "DynamicProperty", "name": "config.files.vmPathName",
         "val": {"_typeName": "string", "_value": "[vvol east] rfc4122.AAAA0000-1111-4222-8333-000000000001/db.vmx"}},
        {"_typeName": "DynamicProperty", "name": "config.hardware.device",
         "val": {"_typeName": "ArrayOfVirtualDevice", "_value": [
            {"_typeName": "VirtualCdrom", "key": 3000},
            {"_typeName": "VirtualDisk", "key": 2000, "capacityInKB": 1,
             "backing": {"_typeName": "VirtualDiskFlatVer2BackingInfo", "fileName": "[vvol east] db.vmdk", "diskMode": "persistent",
                         "backingObjectId": "rfc4122.bbbb0000-1111-4222-8333-000000000002"}}]}},
        {"_typeName": "DynamicProperty", "name": "layoutEx",
         "val": {"_typeName": "VirtualMachineFileLayoutEx", "file": [
            {"_typeName": "VirtualMachineFileLayoutExFileInfo", "key": 1, "name": "db-000001.vmdk", "type": "diskExtent", "size": 1,
             "backingObjectId": "rfc4122.cccc0000-1111-4222-8333-000000000003"},
            {"_typeName": "VirtualMachineFileLayoutExFileInfo", "key": 2, "name": "db.vmdk", "type": "diskExtent", "size": 1,
             "backingObjectId": "BBBB0000111142228333000000000002"}], "timestamp": "2025-03-01T00:00:00Z"}}
    ]
}"#;

fn volumes() -> VmVolumes {
    let content: ObjectContent = decode_str(CONTENT).expect("an object of the collector");
    VmVolumes::of(&ObjectProperties::from(content))
}

fn volume(id: &str) -> Device {
    Device::Volume(VvolId::new(id))
}

#[test]
fn ids_of_volumes_are_compared_without_case_dashes_and_prefix() {
    let sent = VvolId::new("rfc4122.AAAA0000-1111-4222-8333-000000000001");
    assert_eq!(sent, VvolId::new("aaaa0000111142228333000000000001"));
    assert_ne!(sent, VvolId::new("aaaa0000111142228333000000000002"));
    assert_eq!(
        sent.as_str(),
        "rfc4122.AAAA0000-1111-4222-8333-000000000001",
        "it goes back as it came"
    );
}

#[test]
fn the_volumes_of_a_machine_are_its_directory_its_disks_and_its_other_files() {
    let volumes = volumes();
    let parts: Vec<VmPart> = volumes.parts.keys().copied().collect();
    assert_eq!(parts, [VmPart::Home, VmPart::Disk(2000)]);
    assert_eq!(
        volumes.others.len(),
        1,
        "a file on the volume of a disk is no other one"
    );
}

#[test]
fn devices_of_every_kind_lead_to_their_machine() {
    let vm = volumes();
    let part = |device: Device| vm.part_of(&device);
    assert_eq!(
        part(volume("AAAA0000111142228333000000000001")),
        Some(VmPart::Home)
    );
    assert_eq!(
        part(volume("rfc4122.bbbb0000-1111-4222-8333-000000000002")),
        Some(VmPart::Disk(2000))
    );
    assert_eq!(
        part(volume("rfc4122.cccc0000-1111-4222-8333-000000000003")),
        Some(VmPart::Home)
    );
    assert_eq!(part(volume("rfc4122.dddd")), None);
    let uuid = "50aa0000-1111-4222-8333-000000000001".to_owned();
    assert_eq!(part(Device::Vm(uuid.clone())), Some(VmPart::Home));
    let disk = Device::Disk {
        vm_instance_uuid: uuid,
        key: 2001,
    };
    assert_eq!(part(disk), Some(VmPart::Disk(2001)));
    let disk_of = |vm: &str| Device::DiskOf {
        vm: vm.to_owned(),
        key: "2000".to_owned(),
        vcenter_uuid: None,
    };
    assert_eq!(part(disk_of("vm-12")), Some(VmPart::Disk(2000)));
    assert_eq!(part(disk_of("vm-13")), None);
}

#[test]
fn owners_are_told_by_the_volumes_of_the_side_that_was_asked() {
    let vms = [volumes()];
    let mut device = GroupDevice::new(volume("rfc4122.eeee"));
    device.recovered = Some(volume("rfc4122.bbbb0000-1111-4222-8333-000000000002"));
    let id = || GroupId::new("fd", "g");
    let target = Group::new(
        id(),
        ReplicationState::Failedover,
        GroupSide::Target { source: None },
        vec![device.clone()],
    );
    let found = owners(&target, &vms);
    assert_eq!(
        found[0].1.map(|(vm, part)| (vm.value.as_str(), part)),
        Some(("vm-12", VmPart::Disk(2000)))
    );
    let source = Group::new(
        id(),
        ReplicationState::Source,
        GroupSide::Source { targets: Vec::new() },
        vec![device],
    );
    assert_eq!(owners(&source, &vms)[0].1, None);
}

/// The volumes of a machine of which these two properties are told.
fn with(path: &str, object: Option<&str>) -> VmVolumes {
    let text = |name: &str, value: &str| {
        serde_json::json!({"_typeName": "DynamicProperty", "name": name,
            "val": {"_typeName": "string", "_value": value}})
    };
    let mut set = vec![text("config.files.vmPathName", path)];
    set.extend(object.map(|object| text("config.vmStorageObjectId", object)));
    let content = serde_json::json!({
        "_typeName": "ObjectContent",
        "obj": {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-12"},
        "propSet": set,
    });
    let content: ObjectContent = decode_str(&content.to_string()).expect("an object of the collector");
    VmVolumes::of(&ObjectProperties::from(content))
}

#[test]
fn a_directory_that_people_have_named_is_no_volume() {
    let home = |path: &str, object| with(path, object).parts.get(&VmPart::Home).cloned();
    assert_eq!(home("[local] db-01/db-01.vmx", None), None);
    let id = "aaaa0000-1111-4222-8333-000000000001";
    for directory in [
        id.to_owned(),
        id.replace('-', ""),
        format!("rfc4122.{id}"),
        format!("RFC4122.{}", id.to_uppercase()),
    ] {
        let path = format!("[vvol] {directory}/db-01.vmx");
        assert_eq!(home(&path, None), Some(VvolId::new(id)), "{path}");
    }
    assert!(home("[vvol] naa.600a098/db-01.vmx", None).is_some());
    assert_eq!(
        home("[vvol] db-01/db-01.vmx", Some("rfc4122.aaaa")),
        Some(VvolId::new("rfc4122.aaaa")),
        "what the configuration names goes before"
    );
}

#[test]
fn a_machine_of_which_nothing_is_told_is_told_from_one_without_volumes() {
    assert!(volumes().is_told());
    assert!(!with("[local] db-01/db-01.vmx", None).is_told());
}
