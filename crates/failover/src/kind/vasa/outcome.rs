//! What a task says about a group, as the end of an action: pure.

use farside_engine::MemberEnd;
use farside_models_sms::RecoveredDevice;
use farside_transport::OperationId;
use farside_vasa::{GroupFault, GroupId, GroupOutcome, GroupSuccess, ReplicationState, SMS_TASK};
use farside_wire::{Fault, Operation, ServiceError};
use serde_json::{Value, json};

use super::judge::describe;
use super::payload::{Intent, Step, Verb, Work};

/// What a result says about one action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// It is over.
    Is(MemberEnd),
    /// Only a look can tell.
    Look(String),
    /// The group is reversed, and goes by this id at this side; its pair has to be read.
    Reversed(GroupId),
}

/// What there is to say of the group's virtual machines, where an action is about the group as a whole.
pub(super) fn machines(verb: Verb, devices: usize) -> Option<String> {
    if !verb.speaks_for_the_group() {
        return None;
    }
    Some(match devices {
        0 => "the group holds no VMs".to_owned(),
        _ => format!(
            "the group holds {devices} devices; this version leaves their VMs alone: it registers none and removes none"
        ),
    })
}

/// The end of one action of a task that succeeded as a whole.
pub(super) fn end(step: &Step, intent: &Intent, work: &Work, outcome: GroupOutcome) -> End {
    match outcome {
        GroupOutcome::Missing => End::Look("the task's result does not mention the group".to_owned()),
        GroupOutcome::Succeeded { success, warnings } => succeeded(step, intent, work, success, &warnings),
        // The task of somebody else's work failed, so that work is out of the way.
        GroupOutcome::Failed { faults } if work.named_by_server => End::Is(again(describe(&faults))),
        GroupOutcome::Failed { faults } => failed(step, &faults),
    }
}

fn again(reason: String) -> MemberEnd {
    MemberEnd::Again {
        reason,
        smaller: None,
    }
}

fn succeeded(step: &Step, intent: &Intent, work: &Work, success: GroupSuccess, warnings: &[Fault]) -> End {
    let ours = !work.named_by_server;
    match (step.verb, success) {
        (
            Verb::FailOver { .. } | Verb::TestStart,
            GroupSuccess::Recovered {
                state,
                point,
                time,
                devices,
                ..
            },
        ) if is_reached(step.verb, &state) => {
            let (held, broken) = (intent.devices.max(devices.len()), broken(&devices));
            let mut notes = broken.notes;
            notes.extend(machines(step.verb, held));
            let data = json!({
                "state": state.to_string(),
                "point_in_time": point,
                "time": time.map(|time| time.to_string()),
                "devices": held,
                "devices_not_recovered": broken.ids,
            });
            done(notes, warnings, data)
        }
        (Verb::Sync, GroupSuccess::Synced { point, name, time })
            if name == intent.point_name || (name.is_none() && ours) =>
        {
            let data = json!({"point_in_time": point, "name": intent.point_name, "time": time.to_string()});
            done(Vec::new(), warnings, data)
        }
        (_, GroupSuccess::Synced { .. }) => End::Is(again(
            "another sync of the group kept it from being done".to_owned(),
        )),
        (Verb::Reverse { .. }, GroupSuccess::Reversed { group }) => End::Reversed(group),
        (Verb::Prepare, GroupSuccess::Plain) if ours => done(Vec::new(), warnings, Value::Null),
        (Verb::TestStop, GroupSuccess::Plain) if ours => done(
            machines(step.verb, intent.devices).into_iter().collect(),
            warnings,
            Value::Null,
        ),
        _ => End::Look("the task's result does not say where the group is".to_owned()),
    }
}

/// The state that an action brings about, where it does; a prepare need not (vVol recovery rules 11, inferred).
fn is_reached(verb: Verb, state: &ReplicationState) -> bool {
    use ReplicationState::{Failedover, Intest, RemoteFailedover, Source, Target};
    matches!(
        (verb, state),
        (Verb::FailOver { .. }, Failedover | Source)
            | (Verb::Prepare, RemoteFailedover | Target)
            | (Verb::TestStart, Intest)
            | (Verb::TestStop, Target)
            | (Verb::Reverse { .. }, Source)
    )
}

fn done(mut notes: Vec<String>, warnings: &[Fault], data: Value) -> End {
    if !warnings.is_empty() {
        notes.insert(0, format!("with a warning: {}", describe(warnings)));
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    End::Is(MemberEnd::Done { note, data })
}

/// Devices that a group which was recovered has lost.
struct Broken {
    ids: Vec<Value>,
    notes: Vec<String>,
}

fn broken(devices: &[RecoveredDevice]) -> Broken {
    let lost: Vec<&RecoveredDevice> = devices.iter().filter(|device| device.error.is_some()).collect();
    let ids = lost
        .iter()
        .filter_map(|device| serde_json::from_str(device.source_device_id.raw()).ok());
    let faults: Vec<Fault> = lost.iter().filter_map(|device| device.error.clone()).collect();
    let note = format!(
        "{} of its devices were not recovered: {}",
        lost.len(),
        describe(&faults)
    );
    Broken {
        ids: ids.collect(),
        notes: if lost.is_empty() { Vec::new() } else { vec![note] },
    }
}

/// The first fault that there is something to do about.
fn meaning(faults: &[Fault]) -> GroupFault {
    let meanings = faults.iter().map(GroupFault::of);
    meanings
        .into_iter()
        .find(|meaning| *meaning != GroupFault::Other)
        .unwrap_or(GroupFault::Other)
}

/// A group that failed inside a task: the work on it has ended, unless the provider became unavailable over it.
fn failed(step: &Step, faults: &[Fault]) -> End {
    let reason = describe(faults);
    End::Is(match meaning(faults) {
        GroupFault::TooMany { limit } => MemberEnd::Again {
            reason,
            smaller: Some(limit),
        },
        GroupFault::SyncOngoing { task: Some(task) } => MemberEnd::Running {
            operation: ongoing(step, &task),
        },
        GroupFault::SyncOngoing { task: None }
        | GroupFault::Busy
        | GroupFault::OutOfResource
        | GroupFault::PeerNotReachable
        | GroupFault::NoTarget
        | GroupFault::QueryFailed => again(reason),
        // A provider that fails midway says the same, and its work may go on. A preparation leaves no trace, and harms nothing.
        GroupFault::Unavailable => match step.verb {
            Verb::Prepare => again(reason),
            Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } | Verb::Reverse { .. } => {
                MemberEnd::Unknown { reason }
            }
        },
        GroupFault::AlreadyDone => match step.verb {
            Verb::Prepare => MemberEnd::Done {
                note: Some(reason),
                data: Value::Null,
            },
            Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } | Verb::Reverse { .. } => {
                return End::Look(reason);
            }
        },
        GroupFault::InvalidState {
            current: Some(current),
            ..
        } if is_reached(step.verb, &current) => {
            return End::Look(reason);
        }
        _ => MemberEnd::Failed { reason },
    })
}

/// The work that a server named as the reason why it did not act.
pub(super) fn ongoing(step: &Step, task: &str) -> Value {
    json!(Work {
        task: OperationId::new(SMS_TASK, step.here.endpoint.as_str(), task),
        named_by_server: true,
    })
}

/// The end of each action of a task that failed as a whole. Unless the fault says that nothing was begun, some of the
/// groups may have been worked on.
pub(super) fn task_failed(operation: &Operation, work: &Work, error: &ServiceError) -> MemberEnd {
    let reason = format!("the task failed: {error}");
    if work.named_by_server {
        return again(reason);
    }
    let refused = operation.refused_before_acting.contains(&error.code());
    match error.as_fault().map(GroupFault::of) {
        Some(GroupFault::TooMany { limit }) if refused => MemberEnd::Again {
            reason,
            smaller: Some(limit),
        },
        // Not each group of the batch need be busy or in the wrong state: a look tells them apart.
        Some(GroupFault::Busy | GroupFault::InvalidState { .. }) if refused => again(reason),
        _ if refused => MemberEnd::Failed { reason },
        _ => MemberEnd::Unknown { reason },
    }
}
