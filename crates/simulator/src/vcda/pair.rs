//! The sites and replications of the world `pair`.

use std::collections::BTreeMap;

use super::replication::{Place, RecoveryState, Replication, Vm};
use super::{Site, Vcda, VcdaEvent, VcdaSpec};
use crate::core::Core;
use crate::event::Event;

impl Vcda {
    /// Sites `east` and `west`, and replications from the one to the other, named `vm-001` and so on.
    pub(crate) fn pair(core: &mut Core, spec: &VcdaSpec, replications: u32) -> Self {
        let site = |name: &str| {
            (
                name.to_owned(),
                Site {
                    name: name.to_owned(),
                    org: "tenant-a".to_owned(),
                },
            )
        };
        let mut vcda = Self {
            spec: spec.clone(),
            sites: BTreeMap::from([site("east"), site("west")]),
            replications: BTreeMap::new(),
            tasks: BTreeMap::new(),
        };
        for number in 1..=replications {
            let replication = protect(core, number);
            vcda.replications.insert(replication.id.clone(), replication);
        }
        vcda
    }
}

/// A replication that has run for a while: four instances, the newest one younger than its RPO.
fn protect(core: &mut Core, number: u32) -> Replication {
    let vm_name = format!("vm-{number:03}");
    let mut random = core.random("replication", &vm_name);
    let source_vm = Vm {
        id: random.uuid(),
        vapp_id: random.uuid(),
        powered_on: true,
        instance: None,
        network_settings: None,
    };
    let rpo_minutes = 15;
    let interval_ms = i64::from(rpo_minutes) * 60_000;
    let mut replication = Replication {
        id: format!("C4-{}", random.uuid()),
        vm_name,
        owner: "tenant-a@west".to_owned(),
        source: place("east"),
        destination: place("west"),
        recovery: RecoveryState::NotStarted,
        is_reversed: false,
        rpo_minutes,
        instances: Vec::new(),
        source_vm: Some(source_vm),
        destination_vm: None,
        task: None,
        recovered_ms: None,
        last_error: None,
        updated_ms: core.now_ms(),
        next_sequence: random.between(10, 90),
    };
    let age_ms = random.between(1_000, interval_ms);
    for back in (0..4).rev() {
        let key = format!("replica-{}", random.uuid());
        replication.store(
            key,
            -age_ms - back * interval_ms,
            random.between(1_000_000, 50_000_000),
        );
    }
    core.schedule_in(
        interval_ms - age_ms,
        Event::Vcda(VcdaEvent::Copies(replication.id.clone())),
    );
    replication
}

fn place(site: &str) -> Place {
    Place {
        site: site.to_owned(),
        org: "tenant-a".to_owned(),
        vdc_id: format!("vdc-{site}-1"),
        vdc_name: format!("vdc-{site}"),
    }
}
