use farside_models_sms::ReplicationState;

use super::*;
use crate::group::GroupSide;

const NUMBER: usize = 50_000;

fn volume(text: String) -> Device {
    Device::Volume(VvolId::new(text))
}

fn source(number: usize) -> Device {
    volume(format!("rfc4122.{number:08X}-aaaa"))
}

fn recovered(number: usize) -> Device {
    volume(format!("rfc4122.{number:08x}-bbbb"))
}

fn datastore(number: usize) -> ManagedObjectReference {
    ManagedObjectReference::new("Datastore", format!("datastore-{}", number % 3))
}

fn device(
    source: Device,
    recovered: Option<Device>,
    datastore: Option<ManagedObjectReference>,
) -> GroupDevice {
    GroupDevice {
        recovered,
        datastore,
        ..GroupDevice::new(source)
    }
}

fn pair(number: usize) -> GroupDevice {
    device(source(number), Some(recovered(number)), Some(datastore(number)))
}

fn groups(devices: Vec<GroupDevice>) -> Vec<Group> {
    let id = GroupId::new("fd-west-1", "rt-001");
    let side = GroupSide::Target { source: None };
    vec![Group::new(id, ReplicationState::Failedover, side, devices)]
}

/// Twice each, the second time in another writing: a look at each for each would not come to an end.
#[test]
fn all_of_very_many_volumes_are_joined() {
    let again = |number: usize| {
        device(
            volume(format!("{number:08x}aaaa")),
            Some(recovered(number)),
            Some(datastore(number)),
        )
    };
    let told = (0..NUMBER).map(pair).chain((0..NUMBER).rev().map(again));
    let lost = (0..NUMBER).map(|number| device(Device::DiskId(number.to_string()), None, None));
    let files = (0..NUMBER).map(|number| {
        let file = Device::File {
            datastore_url: "ds:///vmfs/volumes/1/".to_owned(),
            path: format!("{}/a.vmx", number / 2),
            vcenter_uuid: None,
        };
        device(Device::Vm(number.to_string()), Some(file), None)
    });
    let joined = Recovered::of(&[], &groups(told.chain(lost).chain(files).collect())).unwrap();
    assert_eq!(joined.volumes.len(), 3);
    for (number, (at, volumes)) in joined.volumes.iter().enumerate() {
        assert_eq!(*at, datastore(number));
        let wanted = (0..NUMBER)
            .filter(|of| of % 3 == number)
            .map(|of| RecoveredVolume {
                source: source(of).volume().unwrap().as_str().to_owned(),
                recovered: recovered(of).volume().unwrap().as_str().to_owned(),
            });
        assert!(volumes.iter().cloned().eq(wanted), "{at}");
    }
    assert_eq!(joined.files.len(), NUMBER / 2);
    assert!(
        joined
            .lost
            .iter()
            .enumerate()
            .all(|(number, lost)| lost.source == Device::DiskId(number.to_string()))
    );
    assert_eq!(joined.lost.len(), NUMBER);
}

#[test]
fn one_contradiction_among_very_many_volumes_is_found() {
    for (wrong, first) in [
        // One volume became two; two became one; both at once, and the first that does not fit is told.
        (device(source(7), Some(recovered(NUMBER)), Some(datastore(7))), 7),
        (device(source(7), Some(recovered(7)), Some(datastore(8))), 7),
        (device(source(NUMBER), Some(recovered(9)), Some(datastore(9))), 9),
        (device(source(12), Some(recovered(9)), Some(datastore(9))), 9),
        (device(source(5), Some(recovered(6)), None), 5),
    ] {
        let mut devices: Vec<_> = (0..NUMBER).map(pair).collect();
        devices.push(wrong.clone());
        let error = Recovered::of(&[], &groups(devices)).unwrap_err();
        assert_eq!(Some(&error.source_volume), source(first).volume());
        assert_eq!(Some(&error.other_source), wrong.source.volume());
        assert!(
            error
                .second
                .contains(wrong.recovered.unwrap().volume().unwrap().as_str()),
            "{error}"
        );
    }
    // One volume of the target for each datastore is none.
    let elsewhere = device(source(NUMBER), Some(recovered(9)), Some(datastore(10)));
    let mut devices: Vec<_> = (0..NUMBER).map(pair).collect();
    devices.push(elsewhere);
    assert!(Recovered::of(&[], &groups(devices)).is_ok());
}

#[test]
fn a_volume_whose_datastore_nobody_tells_is_lost_and_does_not_vanish() {
    let lacks = |number| device(source(number), Some(recovered(number)), None);
    let joined = Recovered::of(&[], &groups(vec![lacks(1), lacks(1), lacks(2), pair(2)])).unwrap();
    assert_eq!(joined.volumes.values().map(Vec::len).sum::<usize>(), 1);
    assert_eq!(
        joined.lost,
        [LostDevice {
            source: source(1),
            recovered: Some(recovered(1)),
            fault: None,
        }]
    );
    // Nor does one that became no volume; the file of a replicator is enough.
    let file = Device::File {
        datastore_url: "ds:///vmfs/volumes/1/".to_owned(),
        path: "a/a.vmx".to_owned(),
        vcenter_uuid: None,
    };
    let devices = vec![
        device(
            source(1),
            Some(Device::DiskId("7".to_owned())),
            Some(datastore(1)),
        ),
        device(source(2), Some(file), Some(datastore(1))),
    ];
    let joined = Recovered::of(&[], &groups(devices)).unwrap();
    let lost: Vec<&Device> = joined.lost.iter().map(|lost| &lost.source).collect();
    assert_eq!((lost, joined.files.len()), (vec![&source(1)], 1));
}

#[test]
fn an_id_is_written_as_another_one_is() {
    const PLAIN: &str = "0123456789abcdef0123456789abcdef";
    const DASHED: &str = "01234567-89ab-cdef-0123-456789abcdef";
    let written = |id: &str, other: &str| VvolId::new(id).written_like(other);
    let dashed = format!("rfc4122.{DASHED}");
    for id in [PLAIN, DASHED, &dashed, &dashed.to_uppercase()] {
        let like = "rfc4122.aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
        assert_eq!(written(id, like), dashed);
        assert_eq!(written(id, &like.replace('-', "")), format!("rfc4122.{PLAIN}"));
        assert_eq!(written(id, &like.to_uppercase()), dashed.to_uppercase());
        // What is not written as an id says nothing.
        for other in ["", "app-001", "naa.1"] {
            assert_eq!(written(id, other), id);
        }
    }
}
