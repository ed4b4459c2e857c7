//! The sites and replications with which a world begins.

use std::collections::BTreeMap;

use super::replication::{Copying, Place, RecoveryState, Replication, TargetKind, Vm};
use super::{FreeVm, Site, VappReplication, Vcda, VcdaEvent, VcdaSpec};
use crate::core::Core;
use crate::event::Event;
use crate::random::Random;
use crate::spec::WorldSpec;
use crate::spec::site::{self, SiteSpec};

impl Vcda {
    /// The sites, and replications from those that are recovered, named `vm-001` and so on.
    pub(crate) fn build(core: &mut Core, world: &WorldSpec) -> Self {
        let spec = &world.vcda;
        let site = |site: &SiteSpec| {
            (
                site.name.clone(),
                Site {
                    name: site.name.clone(),
                    org: "tenant-a".to_owned(),
                },
            )
        };
        let pairs = site::pairs(&world.sites);
        let name = |index: usize| world.sites.get(index).map_or("", |site| &site.name);
        let replications = if pairs.is_empty() { 0 } else { world.replications };
        let mut vcda = Self {
            spec: spec.clone(),
            sites: world.sites.iter().map(site).collect(),
            paired: Vec::new(),
            replications: BTreeMap::new(),
            vapps: BTreeMap::new(),
            free: BTreeMap::new(),
            plans: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tasks_about: BTreeMap::new(),
        };
        let mut open: Vec<Option<(VappReplication, String)>> = vec![None; pairs.len()];
        for number in 1..=replications {
            let turn = number as usize - 1;
            let pair = turn % pairs.len();
            let (source, destination) = pairs[pair];
            let sites = (name(source), name(destination));
            let mut replication = protect(core, spec, number, sites);
            let first = (turn / pairs.len()).is_multiple_of(spec.vms_per_vapp.max(1) as usize);
            let (whole, source) = match open[pair].take().filter(|_| !first) {
                Some(same) => same,
                None => (vapp_of(&replication), source_vapp(&replication)),
            };
            replication.vapp.clone_from(&whole.id);
            if let Some(vm) = &mut replication.source_vm {
                vm.vapp_id.clone_from(&source);
            }
            let kept = vcda
                .vapps
                .entry(whole.id.clone())
                .or_insert_with(|| whole.clone());
            kept.members.push(replication.id.clone());
            open[pair] = Some((whole, source));
            vcda.replications.insert(replication.id.clone(), replication);
        }
        for number in 0..spec.unprotected {
            let free = unprotected(core, number, name(pairs.first().map_or(0, |(source, _)| *source)));
            vcda.free.insert(free.vm.id.clone(), free);
        }
        vcda
    }
}

fn vapp_of(first: &Replication) -> VappReplication {
    VappReplication {
        id: first.id.replacen("C4-", "C4VAPP-", 1),
        name: first.vm_name.replacen("vm-", "vapp-", 1),
        members: Vec::new(),
        disks: None,
    }
}

fn source_vapp(first: &Replication) -> String {
    first
        .source_vm
        .as_ref()
        .map(|vm| vm.vapp_id.clone())
        .unwrap_or_default()
}

/// A VM at a site that nothing protects; two of them are a vApp.
fn unprotected(core: &mut Core, number: u32, site: &str) -> FreeVm {
    let name = format!("free-{:03}", number + 1);
    let mut random = core.random("free vm", &name);
    FreeVm {
        vm: Vm {
            id: random.uuid(),
            vapp_id: Random::keyed(core.seed, &["free vapp", &(number / 2).to_string()]).uuid(),
            powered_on: true,
            instance: None,
            network_settings: None,
            network: Some("net-a".to_owned()),
        },
        site: site.to_owned(),
        name,
    }
}

/// A replication that has run for a while: four instances, the newest one younger than its RPO.
fn protect(
    core: &mut Core,
    spec: &VcdaSpec,
    number: u32,
    (source, destination): (&str, &str),
) -> Replication {
    let vm_name = format!("vm-{number:03}");
    let mut random = core.random("replication", &vm_name);
    let source_vm = Vm {
        id: random.uuid(),
        vapp_id: random.uuid(),
        powered_on: true,
        instance: None,
        network_settings: None,
        network: Some("net-a".to_owned()),
    };
    let rpo_minutes = 15;
    let interval_ms = i64::from(rpo_minutes) * 60_000;
    let mut replication = Replication {
        id: format!("C4-{}", random.uuid()),
        vm_name,
        owner: format!("tenant-a@{destination}"),
        source: place(source),
        destination: place(destination),
        recovery: RecoveryState::NotStarted,
        is_reversed: false,
        copying: Copying::usual(rpo_minutes),
        is_paused: false,
        is_migration: false,
        is_moving: false,
        target: if number <= spec.vcenter_destinations {
            TargetKind::Vcenter
        } else {
            TargetKind::Vcloud
        },
        origin: TargetKind::Vcloud,
        storage_profile: format!("sp-{destination}"),
        vapp: String::new(),
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

pub(super) fn place(site: &str) -> Place {
    Place {
        site: site.to_owned(),
        org: "tenant-a".to_owned(),
        vdc_id: format!("vdc-{site}-1"),
        vdc_name: format!("vdc-{site}"),
    }
}
