//! Policy-based management, called over its wire form.

mod fixture;
mod query;

use serde_json::{Value, json};

use super::{MachineSpec, PartSpec, PbmSpec};
use crate::exchange::Answer;
use crate::sms::VasaSpec;
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const EAST: &str = "vc-east";

/// A part in a replication group.
fn in_group(name: &str) -> PartSpec {
    PartSpec {
        group: Some(name.to_owned()),
        plain: false,
    }
}

/// Machines: `vm-12` in one group, `vm-13` in two and partly in none, `vm-14` in none, all without a device of a group.
fn machines() -> Vec<MachineSpec> {
    let machine = |vm: &str, home: PartSpec, disks: Vec<(i32, PartSpec)>| MachineSpec {
        vcenter: EAST.to_owned(),
        vm: vm.to_owned(),
        home,
        disks,
    };
    vec![
        machine(
            "vm-12",
            in_group("group-001"),
            vec![(2000, in_group("group-001")), (2001, in_group("group-001"))],
        ),
        machine(
            "vm-13",
            in_group("group-001"),
            vec![(2000, in_group("group-003")), (2001, PartSpec::default())],
        ),
        machine("vm-14", PartSpec::default(), vec![(2000, PartSpec::default())]),
    ]
}

fn bench(groups_with_devices: u32, change: impl Fn(&mut PbmSpec)) -> Bench {
    let vasa = VasaSpec {
        groups_with_devices,
        ..VasaSpec::default()
    };
    let mut pbm = PbmSpec {
        machines: machines(),
        ..PbmSpec::default()
    };
    change(&mut pbm);
    let spec = WorldSpec::pair(5).groups(4).replications(0).vasa(vasa).pbm(pbm);
    Bench::new(&spec)
}

fn entity(object_type: &str, key: &str) -> Value {
    json!({"_typeName": "PbmServerObjectRef", "objectType": object_type, "key": key})
}

fn groups(bench: &mut Bench, entities: &[Value]) -> Answer {
    let body = json!({"entities": entities});
    let path = "/pbm/PbmReplicationManager/ReplicationManager/PbmQueryReplicationGroups";
    bench.post(EAST, path, &body)
}

fn profiles(bench: &mut Bench, method: &str, body: &Value) -> Answer {
    let path = format!("/pbm/PbmProfileProfileManager/ProfileManager/{method}");
    bench.post(EAST, &path, body)
}
