//! `PowerOnMultiVM_Task`: a task whose success says nothing about any machine.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::Placement;
use super::task::{self, Taken};
use super::{Job, Work, power};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::object::Object;
use crate::vi_json::request::Path;
use crate::vi_json::value::{date_time, reference};
use crate::world::World;

/// How long it takes to place machines, in milliseconds.
const PLACE_MS: std::ops::Range<i64> = 100..600;

/// A machine that is to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Start {
    machine: String,
    placement: Placement,
}

/// A machine that is started when somebody applies the recommendation to do so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recommended {
    key: String,
    cluster: String,
    machine: String,
}

/// `ApplyRecommendation`: what it proposes is begun when the call answers, and it can be applied once.
pub(super) fn apply(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    Object::named(world, incoming.endpoint, &path.type_name, &path.mo_id)?;
    let known =
        |recommended: &Recommended| recommended.cluster == path.mo_id && body["key"] == *recommended.key;
    let Some(index) = world.vms.recommended.iter().position(known) else {
        return Err(Fault::invalid_argument(
            Some("key"),
            "There is no such recommendation.",
        ));
    };
    let machine = world.vms.recommended[index].machine.clone();
    power::may_power_on(&world.vms, power::machine(world, incoming.endpoint, &machine)?)?;
    world.vms.recommended.remove(index);
    task::start(world, incoming.endpoint, power::switching_on(&machine), None);
    world.core.calls.effect(incoming.ticket, world.core.now_ms);
    Ok(Answer::empty(204))
}

/// `PowerOnMultiVM_Task`.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let machines = body["vm"].as_array().map_or(&[][..], Vec::as_slice);
    let ids: Vec<String> = machines
        .iter()
        .map(|machine| machine["value"].as_str().unwrap_or_default().to_owned())
        .collect();
    if ids.is_empty() {
        return Err(Fault::invalid_argument(Some("vm"), "No machine is named."));
    }
    let here = |id: &String| power::machine(world, incoming.endpoint, id).is_ok();
    if !ids.iter().all(here) {
        return Err(Fault::invalid_argument(
            Some("vm"),
            "A machine is not in this datacenter.",
        ));
    }
    let placement = placement(world.vms.spec.placement, body)?;
    let start = |machine| Start { machine, placement };
    let taken = Taken {
        method: "PowerOnMultiVM",
        type_name: "Datacenter",
        about: path.mo_id.clone(),
        alone: false,
        work: Work::PowerOnTogether(ids.into_iter().map(start).collect()),
        range_ms: PLACE_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

/// How machines are placed in this call.
fn placement(own: Placement, body: &Value) -> Result<Placement, Fault> {
    let mut placement = own;
    let invalid = || {
        Fault::invalid_argument(
            Some("option"),
            "There is no such option, or it has no such value.",
        )
    };
    for option in body["option"].as_array().map_or(&[][..], Vec::as_slice) {
        let value = &option["value"]["_value"];
        match option["key"].as_str().unwrap_or_default() {
            "OverrideAutomationLevel" => {
                let level = match value.as_str().unwrap_or_default() {
                    "manual" => Placement::Manual,
                    "partiallyAutomated" | "fullyAutomated" => Placement::Automatic,
                    _ => return Err(invalid()),
                };
                // It says nothing where there is no DRS.
                if own != Placement::None {
                    placement = level;
                }
            }
            "ReserveResources" if value.is_boolean() => {}
            _ => return Err(invalid()),
        }
    }
    Ok(placement)
}

/// Each machine is started, left alone with the reason, or left to a recommendation.
pub(super) fn ends(world: &mut World, job: &Job, starts: &[Start]) -> Result<Option<Value>, Fault> {
    let mut attempted = Vec::new();
    let mut refused = Vec::new();
    let mut recommended = Vec::new();
    for Start { machine, placement } in starts {
        let vm = reference("VirtualMachine", machine);
        let found = world.vms.machines.get(machine);
        let may = found.ok_or_else(|| Fault::no_such_object("VirtualMachine", machine));
        let may = may.and_then(|found| power::may_power_on(&world.vms, found));
        if let Err(fault) = may {
            refused
                .push(json!({"_typeName": "ClusterNotAttemptedVmInfo", "vm": vm, "fault": fault.to_json()}));
            continue;
        }
        if *placement == Placement::Manual {
            recommended.push(recommendation(world, job, machine));
            continue;
        }
        let task = task::start(world, &job.vcenter, power::switching_on(machine), None);
        let mut info = json!({"_typeName": "ClusterAttemptedVmInfo", "vm": vm});
        if *placement == Placement::None {
            info["task"] = reference("Task", &task);
        }
        attempted.push(info);
    }
    let mut result = json!({"_typeName": "ClusterPowerOnVmResult"});
    for (name, entries) in [
        ("attempted", attempted),
        ("notAttempted", refused),
        ("recommendations", recommended),
    ] {
        if !entries.is_empty() {
            result[name] = json!(entries);
        }
    }
    Ok(Some(result))
}

/// A recommendation to start a machine, kept by the cluster of its pool.
fn recommendation(world: &mut World, job: &Job, machine: &str) -> Value {
    let key = world.vms.number(&job.vcenter, "recommendation").to_string();
    let World { vms, inventory, .. } = &mut *world;
    let found = vms.machines.get(machine);
    let host = found.map_or_else(String::new, |found| found.host.clone());
    let pool = found.and_then(|found| inventory.entity(&job.vcenter, found.pool.as_deref()?));
    let cluster = pool.and_then(|pool| pool.ids("owner").first().cloned());
    vms.recommended.push(Recommended {
        key: key.clone(),
        cluster: cluster.unwrap_or_default(),
        machine: machine.to_owned(),
    });
    json!({
        "_typeName": "ClusterRecommendation",
        "key": key,
        "type": "V1",
        "time": date_time(&world.core, &job.vcenter, world.core.now_ms()),
        "rating": 4,
        "reason": "powerOnVm",
        "reasonText": "Power on the machine",
        "action": [{
            "_typeName": "ClusterInitialPlacementAction",
            "type": "VmPowerOn",
            "target": reference("VirtualMachine", machine),
            "targetHost": reference("HostSystem", &host),
        }],
    })
}
