//! Replications that are begun, and the VMs that nothing protects.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{ApiError, Refusal};
use super::pair::place;
use super::replication::{Copying, Place, RecoveryState, Replication, TargetKind, Vm};
use super::task::{Outcome, Resource, Task};
use super::vapp::{self, VappReplication};
use super::work::{self, GIVE_UP_MS, Level};
use super::{Vcda, VcdaEvent, body, view};
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

/// A VM that nothing protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeVm {
    /// Its name.
    pub name: String,
    /// The site it runs at.
    pub site: String,
    /// The VM.
    pub vm: Vm,
}

impl Vcda {
    /// The VMs that nothing protects, by id.
    pub fn free_vms(&self) -> impl Iterator<Item = &FreeVm> {
        self.free.values()
    }

    /// Lets go of the VMs of a replication that is no more; a vApp replication without VMs goes with it.
    pub(super) fn release(&mut self, replication: Replication) {
        let recovered = replication
            .destination_vm
            .filter(|_| !self.spec.stop_deletes_recovered);
        let ends = [
            (replication.source.site, replication.source_vm),
            (replication.destination.site, recovered),
        ];
        for (site, vm) in ends {
            if let Some(vm) = vm {
                let name = replication.vm_name.clone();
                self.free.insert(vm.id.clone(), FreeVm { name, site, vm });
            }
        }
        if let Some(vapp) = self.vapps.get_mut(&replication.vapp) {
            vapp.members.retain(|member| *member != replication.id);
            if vapp.members.is_empty() {
                self.vapps.remove(&replication.vapp);
            }
        }
    }
}

/// What is going to be set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    task: String,
    vms: Vec<String>,
    vapp: Option<String>,
    source: Place,
    destination: Place,
    storage_profile: String,
    copying: Copying,
    is_migration: bool,
}

const VAPP_SOURCE: Shape = Shape::Object(&[
    required("type", Shape::Text),
    required("vappId", Shape::Text),
    required("site", Shape::Text),
]);
const CLOUD: Shape = Shape::Object(&[
    required("type", Shape::Text),
    required("site", Shape::Text),
    required("vdc", Shape::Text),
    optional("storageProfile", Shape::Text),
]);

/// `POST /vm-replications` and `POST /vapp-replications`, at either site.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
    level: Level,
) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    body::START.check(&body)?;
    let vms = source(&world.vcda, &body["source"], level)?;
    let (destination, storage_profile) = destination(&world.vcda, &body["destination"])?;
    let first = vms.first().and_then(|id| world.vcda.free.get(id));
    let (source, name) = first
        .map(|free| (place(&free.site), free.name.clone()))
        .ok_or_else(|| Refusal::bad_request("The vApp has no VM.", &["source"]))?;
    if source.site == destination.site
        || ![&source.site, &destination.site].contains(&&incoming.endpoint.to_owned())
    {
        let msg = "Source and destination have to be two sites, one of them the one that is asked.";
        return Err(Refusal::bad_request(msg, &[&source.site, &destination.site]));
    }
    let kind = match level {
        Level::Vm => "vmReplication",
        Level::Vapp => "vappReplication",
    };
    let resource = Resource {
        kind,
        id: None,
        name: None,
    };
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, "start", resource);
    task.source_org.clone_from(&source.org);
    task.destination_org.clone_from(&destination.org);
    let range_ms = if core.is_reachable(&source.site) {
        2_000..6_000
    } else {
        GIVE_UP_MS
    };
    task.ends_in(core.work_ms("start", &name, range_ms));
    let setup = Setup {
        task: task.id.clone(),
        vms,
        vapp: (level == Level::Vapp).then_some(name),
        source,
        destination,
        storage_profile,
        copying: copying(&body),
        is_migration: body::flag(&body, "isMigration", false),
    };
    core.schedule_in(
        task.ends_ms - core.now_ms(),
        Event::Vcda(VcdaEvent::SetsUp(Box::new(setup))),
    );
    Ok(task.accepted(core, vcda, incoming))
}

/// The VMs that are named. Of a VM as a source no member but `type` and `site` is documented: any other text that is the id
/// of a VM names it (our assumption).
fn source(vcda: &Vcda, given: &Value, level: Level) -> Result<Vec<String>, Refusal> {
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let site = text("site");
    if !vcda.sites.contains_key(site) {
        return Err(Refusal::no_site(site));
    }
    match (text("type"), level) {
        ("vm", Level::Vm) => {
            let members = given.as_object().into_iter().flatten();
            let named = members.filter_map(|(_, value)| value.as_str());
            let found = named.filter_map(|id| Some((id, vcda.free.get(id)?)));
            let mut found = found.filter(|(_, free)| free.site == site);
            let (id, _) = found
                .next()
                .ok_or_else(|| Refusal::bad_request("No unprotected VM is named.", &["source"]))?;
            Ok(vec![id.to_owned()])
        }
        ("vapp", Level::Vapp) => {
            VAPP_SOURCE.check(given)?;
            let vapp = text("vappId");
            let here = vcda.free.iter();
            let here = here.filter(|(_, free)| free.site == site && free.vm.vapp_id == vapp);
            Ok(here.map(|(id, _)| id.clone()).collect())
        }
        (other, _) => Err(Refusal::not_simulated(&format!("a source of type {other}"))),
    }
}

fn destination(vcda: &Vcda, given: &Value) -> Result<(Place, String), Refusal> {
    match given.get("type").and_then(Value::as_str) {
        Some("vcloud") => CLOUD.check(given)?,
        Some(other) => return Err(Refusal::not_simulated(&format!("a destination of type {other}"))),
        None => return Err(Refusal::bad_input("Member type has no known value.", &["type"])),
    }
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let site = text("site");
    if !vcda.sites.contains_key(site) {
        return Err(Refusal::no_site(site));
    }
    let place = place(site);
    if text("vdc") != place.vdc_id {
        return Err(Refusal::bad_request(
            "No such virtual datacenter.",
            &[text("vdc")],
        ));
    }
    let profile = match text("storageProfile") {
        "" | "*" => format!("sp-{site}"),
        named => named.to_owned(),
    };
    Ok((place, profile))
}

fn copying(body: &Value) -> Copying {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let rpo = body.get("rpo").and_then(Value::as_i64).unwrap_or(60);
    let usual = Copying::usual(i32::try_from(rpo).unwrap_or(i32::MAX).max(1));
    Copying {
        description: text("description").unwrap_or_default(),
        quiesced: body::flag(body, "quiesced", false),
        data_connection: text("dataConnectionType").unwrap_or(usual.data_connection),
        retention: body
            .get("retentionPolicy")
            .filter(|policy| !policy.is_null())
            .cloned()
            .unwrap_or(usual.retention),
        sla_profile: text("slaProfileId"),
        disk_type: text("targetDiskType").unwrap_or(usual.disk_type),
        initial_sync: body.get("initialSyncTime").and_then(Value::as_i64),
        rpo_minutes: usual.rpo_minutes,
    }
}

/// Replications are set up, and copied for the first time if it is time.
pub(super) fn set_up(world: &mut World, setup: Setup) {
    let World { core, vcda, .. } = world;
    let site = &setup.source.site;
    let taken = setup.vms.iter().any(|id| !vcda.free.contains_key(id));
    let full = core.is_full(&setup.destination.site);
    if taken || full || !core.is_reachable(site) {
        let msg = if taken {
            "The VM is protected already.".to_owned()
        } else if full {
            format!("The storage of site {} is full.", setup.destination.site)
        } else {
            format!("Site {site} cannot be reached.")
        };
        let error = ApiError::new("GeneralServerFailure", msg, &[site]);
        return work::conclude(core, vcda, &setup.task, Outcome::Failed(error));
    }
    let vapp = VappReplication {
        id: format!("C4VAPP-{}", core.uuid("vapp replication")),
        name: setup.vapp.clone().unwrap_or_default(),
        members: Vec::new(),
        disks: None,
    };
    let mut ids = Vec::new();
    for id in &setup.vms {
        if let Some(free) = vcda.free.remove(id) {
            let replication = protect(core, &setup, &vapp.id, free);
            ids.push(replication.id.clone());
            core.note(work::happening(&replication, replication.recovery.as_str()));
            vcda.replications.insert(replication.id.clone(), replication);
        }
    }
    let first = ids.first().and_then(|id| vcda.replications.get(id));
    let name = first.map_or_else(String::new, |first| first.vm_name.clone());
    let name = setup.vapp.clone().unwrap_or(name);
    let vapp = VappReplication {
        name,
        members: ids.clone(),
        ..vapp
    };
    vcda.vapps.insert(vapp.id.clone(), vapp.clone());
    let Some(task) = vcda.tasks.get(&setup.task) else {
        return;
    };
    let whole = setup.vapp.is_some();
    let (id, result) = if whole {
        (vapp.id.clone(), vapp::shown(core, vcda, &task.site, &vapp))
    } else {
        let shown = ids.first().and_then(|id| vcda.replications.get(id));
        let shown = shown.map(|shown| view::replication(core, &vcda.spec, &task.site, shown));
        (
            ids.first().cloned().unwrap_or_default(),
            shown.unwrap_or(Value::Null),
        )
    };
    if let Some(task) = vcda.tasks.get_mut(&setup.task) {
        task.resource.id = Some(id.clone());
        task.resource.name = Some(vapp.name);
        vcda.task_is_about(&setup.task, &id);
    }
    work::conclude(core, vcda, &setup.task, Outcome::Succeeded(result));
}

fn protect(core: &mut Core, setup: &Setup, vapp: &str, free: FreeVm) -> Replication {
    let site = &setup.destination.site;
    let mut replication = Replication {
        id: format!("C4-{}", core.uuid("replication")),
        vm_name: free.name,
        owner: format!("{}@{site}", setup.destination.org),
        source: setup.source.clone(),
        destination: setup.destination.clone(),
        recovery: RecoveryState::NotStarted,
        is_reversed: false,
        copying: setup.copying.clone(),
        is_paused: false,
        is_migration: setup.is_migration,
        is_moving: false,
        target: TargetKind::Vcloud,
        origin: TargetKind::Vcloud,
        storage_profile: setup.storage_profile.clone(),
        vapp: vapp.to_owned(),
        instances: Vec::new(),
        source_vm: Some(free.vm),
        destination_vm: None,
        task: None,
        recovered_ms: None,
        last_error: None,
        updated_ms: core.now_ms(),
        next_sequence: 1,
    };
    let now = core.server_ms(site, core.now_ms());
    let wait_ms = setup
        .copying
        .initial_sync
        .map_or(0, |time| time.saturating_sub(now).max(0));
    let next_ms = if wait_ms == 0 {
        work::take_instance(core, &mut replication);
        replication.copying.interval_ms()
    } else {
        wait_ms
    };
    core.schedule_in(next_ms, Event::Vcda(VcdaEvent::Copies(replication.id.clone())));
    replication
}
