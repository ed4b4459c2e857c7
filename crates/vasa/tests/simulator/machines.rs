//! Which machines and disks belong to which group.

use farside_models_pbm::{
    PbmCapabilityProfile, PbmProfileId, PbmProfileResourceType, PbmQueryAssociatedEntitiesRequest,
    PbmQueryAssociatedEntityRequest, PbmQueryAssociatedProfileRequest, PbmQueryAssociatedProfilesRequest,
    PbmQueryProfileRequest, PbmRetrieveContentRequest, PbmServerObjectRef,
};
use farside_simulator::WorldSpec;
use farside_simulator::pbm::{MachineSpec, PartSpec, PbmSpec};
use farside_simulator::sms::VasaSpec;
use farside_vasa::{Agreement, Recovery};
use farside_vasa::{Device, GroupId, PbmProfileManager, VmPart, pair, parts_by_group};
use farside_wire::ManagedObjectReference;

use crate::support::{Pair, Site, ids};

fn world(change: impl FnOnce(&mut PbmSpec)) -> WorldSpec {
    let part = |group: Option<&str>| PartSpec {
        group: group.map(str::to_owned),
        plain: group.is_none(),
    };
    let mut pbm = PbmSpec::default();
    pbm.machines = vec![MachineSpec {
        vcenter: "vc-east".to_owned(),
        vm: "vm-13".to_owned(),
        home: part(Some("group-003")),
        disks: vec![(2000, part(Some("group-005"))), (2001, part(None))],
    }];
    change(&mut pbm);
    let mut vasa = VasaSpec::default();
    vasa.groups_with_devices = 12;
    WorldSpec::pair(7).groups(12).vasa(vasa).pbm(pbm)
}

fn vm(id: &str) -> ManagedObjectReference {
    ManagedObjectReference::new("VirtualMachine", id)
}

fn source(number: u32) -> GroupId {
    GroupId::new("fd-east-1", format!("rg-{number:03}"))
}

#[tokio::test(start_paused = true)]
async fn policies_tell_the_group_of_each_part_of_a_machine() {
    let pair = Pair::of(&world(|_| {}));
    let east = pair.site("vc-east").await;
    let asked = [vm("vm-1001"), vm("vm-13"), vm("vm-999")];
    let found = east.client.groups_of_vms(&asked).await.unwrap().unwrap();
    assert_eq!(found[0].groups().into_iter().collect::<Vec<_>>(), [&source(1)]);
    let parts: Vec<_> = found[1]
        .parts
        .iter()
        .map(|(part, group)| (*part, group.clone()))
        .collect();
    assert_eq!(
        parts,
        [
            (VmPart::Home, Some(source(3))),
            (VmPart::Disk(2000), Some(source(5))),
            (VmPart::Disk(2001), None)
        ]
    );
    assert_eq!(found[1].groups().len(), 2, "both have to be failed over together");
    assert_eq!(found[2].faults[0].type_name(), "PbmFaultNotFound");
    let by_group = parts_by_group(&found);
    assert_eq!(by_group[&source(5)], [(vm("vm-13"), VmPart::Disk(2000))]);
    assert_eq!(by_group[&source(1)].len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_left_out_of_the_answer_are_not_in_a_group() {
    let pair = Pair::of(&world(|spec| spec.omits_unreplicated = true));
    let east = pair.site("vc-east").await;
    let found = east.client.groups_of_vms(&[vm("vm-13")]).await.unwrap().unwrap();
    assert_eq!(found[0].groups().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_without_a_replication_manager_cannot_tell() {
    let pair = Pair::of(&world(|spec| spec.no_replication_manager = true));
    let east = pair.site("vc-east").await;
    assert_eq!(east.client.groups_of_vms(&[vm("vm-13")]).await.unwrap(), None);
}

async fn profiles(site: &Site) -> (PbmProfileManager, Vec<PbmProfileId>) {
    let manager = site.client.profile_manager().await.unwrap();
    let storage = PbmProfileResourceType::new("STORAGE");
    let request = PbmQueryProfileRequest::new(storage).with_profile_category("REQUIREMENT");
    let found = manager.profiles(&request).await.unwrap();
    (manager, found)
}

#[tokio::test(start_paused = true)]
async fn profiles_are_found_by_entity_and_entities_by_profile() {
    let pair = Pair::of(&world(|_| {}));
    let east = pair.site("vc-east").await;
    let content = east.client.policies().retrieve_content().await.unwrap();
    assert_eq!(content, east.client.policies().content().await.unwrap());
    let (manager, ids) = profiles(&east).await;
    let [gold, plain] = &ids[..] else {
        panic!("{ids:?}")
    };
    let contents = manager
        .profile_contents(&PbmRetrieveContentRequest::new(ids.clone()))
        .await
        .unwrap();
    let names: Vec<String> = contents
        .iter()
        .map(|profile| profile.downcast::<PbmCapabilityProfile>().unwrap().unwrap().name)
        .collect();
    assert_eq!(names, ["Gold replicated", "Plain"]);

    let disk = PbmServerObjectRef::new("virtualDiskId", "vm-13:2001");
    let of_disk = manager
        .profiles_of_entity(&PbmQueryAssociatedProfileRequest::new(disk.clone()))
        .await
        .unwrap();
    assert_eq!(&of_disk[..], std::slice::from_ref(plain));
    let home = PbmServerObjectRef::new("virtualMachine", "vm-13");
    let request = PbmQueryAssociatedProfilesRequest::new(vec![disk.clone(), home]);
    let each = manager.profiles_of_entities(&request).await.unwrap();
    assert_eq!(&each[1].profile_id[..], std::slice::from_ref(gold));
    let request = PbmQueryAssociatedEntityRequest::new(plain.clone()).with_entity_type("virtualDiskId");
    assert_eq!(manager.entities_of_profile(&request).await.unwrap(), [disk]);
    let request = PbmQueryAssociatedEntitiesRequest::default().with_profiles(ids.clone());
    let entities = manager.entities_of_profiles(&request).await.unwrap();
    assert_eq!(entities.len(), 24 + 3);
    assert!(
        entities
            .iter()
            .all(|entity| entity.profile_id.len() == 1 && ids.contains(&entity.profile_id[0])),
        "{entities:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn devices_have_the_same_volumes_on_both_sides_and_name_what_was_recovered() {
    let world = Pair::of(&world(|_| {}));
    let (east, west) = (world.site("vc-east").await, world.site("vc-west").await);
    let (sources, targets) = (east.all(0).await, west.all(0).await);
    let pairs = pair(&sources, &targets);
    assert!(pairs.len() == 6 && pairs.iter().all(|pair| pair.agreement == Agreement::Both));
    let volumes = |group: &farside_vasa::Group| -> Vec<_> {
        group
            .devices
            .iter()
            .map(|device| device.source.volume().unwrap().clone())
            .collect()
    };
    assert_eq!(volumes(&sources[0]), volumes(&targets[0]));
    assert_eq!(
        sources[0].devices[0].replicas[0].1,
        targets[0].devices[0].replicas[0].1
    );
    assert_eq!(targets[0].devices[0].recovered, None);
    let recoveries: Vec<Recovery> = ids(&targets).into_iter().map(Recovery::newest).collect();
    let work = west
        .client
        .start_test(&west.providers[0], &recoveries)
        .await
        .unwrap();
    world.done(work).await;
    let tested = west.all(0).await;
    let device = &tested[0].devices[0];
    assert!(matches!(device.recovered, Some(Device::Volume(_))));
    assert_eq!(device.datastore.as_ref().unwrap().value, "datastore-21");
}
