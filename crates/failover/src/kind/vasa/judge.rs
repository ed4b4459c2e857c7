//! What the state of a group means for an action: pure, one table for each action, before a call and after a lost one.

use farside_engine::Finding;
use farside_vasa::{Group, GroupFault, ReplicationState};
use farside_wire::Fault;
use serde_json::{Value, json};

use super::outcome::machines;
use super::payload::{Pair, Side, Step, Verb};

/// How long a prepare that may be under way is left alone. Nothing shows whether it is.
const PREPARE_REST_MS: i64 = 60_000;

/// What the state says before the first call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Before {
    /// The call may be sent.
    Ready,
    /// Somebody has done it.
    Done(String),
    /// A reverse that nobody has to ask for: the replicator did it.
    Reversed,
    /// It cannot be done.
    Refused(String),
}

/// The table before a call. `there` is the other side, asked for a reverse, and for a prepare where it can be seen.
pub(super) fn before(step: &Step, here: &Group, there: Option<&Group>) -> Before {
    if let Some(reason) = unpaired(step, here) {
        return Before::Refused(reason);
    }
    let verdict = match step.verb {
        Verb::Reverse { again } => reverse(step, again, here, there),
        Verb::Prepare => prepare(&here.state, there.map(|group| &group.state)),
        Verb::TestStop => test_stop(&here.state),
        Verb::TestStart => test_start(&here.state),
        // A source need not say that it was failed over to the other side (vVol recovery rules 11, inferred).
        Verb::FailOver { .. } if step.failed_back && here.state == ReplicationState::Source => Verdict::No(
            "it was failed back and not reprotected since, so that what is here may be old, and the other side is not asked; \
             reprotect first, or leave it out with --only",
        ),
        Verb::Sync | Verb::FailOver { .. } => move_here(&here.state),
    };
    match verdict {
        Verdict::Ready if step.verb.needs_machines_off() && !here.devices.is_empty() => {
            Before::Refused(format!(
                "{} holds {} devices: shutting down and registering virtual machines is not part of this version, and moving \
             storage under running ones loses data",
                step.here,
                here.devices.len()
            ))
        }
        Verdict::Ready => Before::Ready,
        Verdict::Reversed => Before::Reversed,
        Verdict::Done(what) => Before::Done(format!("{what}; nothing was sent")),
        Verdict::No(what_to_do) => Before::Refused(format!("{} is {}: {what_to_do}", step.here, here.state)),
    }
}

enum Verdict {
    Ready,
    Done(&'static str),
    Reversed,
    No(&'static str),
}

/// A group whose source is another one than the plan's must not be moved in its name.
fn unpaired(step: &Step, here: &Group) -> Option<String> {
    // After a failover the sides tell apart what they were, after a reverse the plan's ids are void.
    let settled = matches!(here.state, ReplicationState::Source | ReplicationState::Target);
    let is_reverse = matches!(step.verb, Verb::Reverse { .. });
    let peers = here.peers();
    if is_reverse || !settled || peers.is_empty() || peers.contains(&step.there.id()) {
        return None;
    }
    let peers: Vec<String> = peers.iter().map(ToString::to_string).collect();
    Some(format!(
        "{} is paired with {}, not with {}: correct the plan",
        step.here,
        peers.join(", "),
        step.there.id()
    ))
}

const UNKNOWN_STATE: &str = "this version does not know the state, so it does nothing";

fn move_here(state: &ReplicationState) -> Verdict {
    match state {
        ReplicationState::Target => Verdict::Ready,
        ReplicationState::Failedover => Verdict::Done("it has been failed over already"),
        ReplicationState::Source => Verdict::Done("it is the source here already"),
        ReplicationState::Intest => Verdict::No("a test failover is running; end it first (farside cleanup)"),
        ReplicationState::RemoteFailedover => {
            Verdict::No("the other side has been failed over; reprotect first, or leave it out with --only")
        }
        _ => Verdict::No(UNKNOWN_STATE),
    }
}

fn test_start(state: &ReplicationState) -> Verdict {
    match state {
        ReplicationState::Target => Verdict::Ready,
        ReplicationState::Intest => Verdict::Done("a test failover was running already"),
        ReplicationState::Failedover | ReplicationState::Source | ReplicationState::RemoteFailedover => {
            Verdict::No("only a group that is a target can be tested")
        }
        _ => Verdict::No(UNKNOWN_STATE),
    }
}

fn test_stop(state: &ReplicationState) -> Verdict {
    match state {
        ReplicationState::Intest => Verdict::Ready,
        ReplicationState::Target => Verdict::Done("no test failover is running"),
        ReplicationState::Failedover | ReplicationState::Source | ReplicationState::RemoteFailedover => {
            Verdict::No("it has been failed over, so there is no test failover to end")
        }
        _ => Verdict::No(UNKNOWN_STATE),
    }
}

/// A source need not say that the other side was failed over, in a planned way either, and can say it once it is prepared (vVol
/// recovery rules 11, inferred): what the other side says settles it.
fn prepare(state: &ReplicationState, there: Option<&ReplicationState>) -> Verdict {
    use ReplicationState::{Failedover, RemoteFailedover, Source, Target};
    match (state, there) {
        (Source | RemoteFailedover | Target, Some(Failedover)) => {
            Verdict::Done("the other side has been failed over already")
        }
        (Source, _) => Verdict::Ready,
        (RemoteFailedover | Target, Some(Target)) => {
            Verdict::Done("it has been prepared already: no side is the source")
        }
        (RemoteFailedover | Target, Some(Source)) => Verdict::Done("the other side is the source already"),
        (RemoteFailedover | Target, _) => {
            Verdict::Done("it has been prepared or failed over already, which the other side would show")
        }
        (state, _) => unprepared(state),
    }
}

fn unprepared(state: &ReplicationState) -> Verdict {
    match state {
        ReplicationState::Failedover => Verdict::No("it has been failed over to this side; reprotect first"),
        ReplicationState::Intest => Verdict::No("a test failover is running here; end it first"),
        _ => Verdict::No(UNKNOWN_STATE),
    }
}

fn reverse(step: &Step, again: bool, here: &Group, there: Option<&Group>) -> Verdict {
    let Some(there) = there else {
        return Verdict::No("the other side does not show the group, and both arrays are needed");
    };
    match (&here.state, &there.state) {
        // An unplanned failover may not have been told to the old source.
        (ReplicationState::Failedover, ReplicationState::RemoteFailedover | ReplicationState::Source) => {
            Verdict::Ready
        }
        (ReplicationState::Failedover, _) => {
            Verdict::No("the other side is neither failed over from nor a source; look at both arrays")
        }
        (ReplicationState::Source, ReplicationState::Source) => Verdict::No(
            "both sides say SOURCE, so both may have been written to; decide at the arrays which one is right",
        ),
        (ReplicationState::Source, _) => Verdict::Reversed,
        (ReplicationState::Target, ReplicationState::Source)
            if again && here.peers().contains(&step.there.id()) =>
        {
            Verdict::Done("it has been reprotected already and was not failed over since")
        }
        (ReplicationState::Target | ReplicationState::Intest | ReplicationState::RemoteFailedover, _) => {
            Verdict::No("it was not failed over to this side, so there is nothing to reprotect")
        }
        _ => Verdict::No(UNKNOWN_STATE),
    }
}

/// What the state says after a call whose answer was lost.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// It worked.
    Done,
    /// It worked, and the ids have to be read anew.
    Reversed,
    /// It may be under way, or may not have happened.
    CannotTell(&'static str),
    /// It may be under way.
    Wait(&'static str),
}

/// The table after a lost call. `point` says whether the named point in time is there, `age_ms` how long ago the call was
/// intended.
pub(super) fn after(verb: Verb, state: &ReplicationState, point: bool, age_ms: i64) -> After {
    use ReplicationState::{Failedover, Intest, RemoteFailedover, Source, Target};
    match (verb, state) {
        (Verb::FailOver { .. }, Failedover | Source)
        | (Verb::TestStart, Intest)
        | (Verb::TestStop, Target)
        // It was the source before the call, and need not have moved.
        | (Verb::Prepare, RemoteFailedover | Target) => After::Done,
        (Verb::Sync, _) if point => After::Done,
        (Verb::Reverse { .. }, Source) => After::Reversed,
        (Verb::Prepare, _) if age_ms < PREPARE_REST_MS => {
            After::Wait("a prepare leaves no trace, and it may be under way")
        }
        (Verb::Prepare, _) => After::CannotTell("a prepare leaves no trace"),
        (Verb::Sync, _) => After::CannotTell("the point in time is not there (yet)"),
        (Verb::FailOver { .. } | Verb::TestStart | Verb::TestStop | Verb::Reverse { .. }, _) => {
            After::CannotTell("the group's state has not changed (yet)")
        }
    }
}

/// A finding for a group that is where it should be. What a reverse leaves behind is a pair, which later runs begin from.
pub(super) fn done(step: &Step, group: &Group, what: Option<String>) -> Finding {
    let mut notes: Vec<String> = what.into_iter().collect();
    notes.extend(machines(step.verb, group.devices.len()));
    let data = match step.verb {
        Verb::TestStop | Verb::Prepare | Verb::Sync => Value::Null,
        Verb::FailOver { .. } | Verb::TestStart => {
            json!({"state": group.state.to_string(), "devices": group.devices.len()})
        }
        Verb::Reverse { .. } => json!(Pair {
            source: step.there.clone(),
            target: step.here.clone(),
        }),
    };
    Finding::Done {
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        data,
    }
}

/// The pair after a reverse, with the target that lies where the other side was; `None` while the group shows none.
pub(super) fn reversed_pair(here: &Side, there: &Side, group: &Group) -> Option<Pair> {
    let peers = group.peers();
    let target = peers
        .iter()
        .find(|peer| peer.fault_domain == there.fault_domain)
        .or(match peers {
            [only] => Some(only),
            _ => None,
        })?;
    Some(Pair {
        source: here.with(&group.id),
        target: there.with(target),
    })
}

/// Faults in words: what they mean, and what the provider says.
pub(super) fn describe(faults: &[Fault]) -> String {
    let words = faults.iter().map(|fault| {
        let meaning = match GroupFault::of(fault) {
            GroupFault::Other => None,
            meaning => Some(meaning.to_string()),
        };
        match (meaning, fault.message()) {
            (Some(meaning), Some(message)) => format!("{meaning} ({}: {message})", fault.type_name()),
            (Some(meaning), None) => format!("{meaning} ({})", fault.type_name()),
            (None, _) => fault.to_string(),
        }
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return "the provider gave no reason".to_owned();
    }
    words.join("; ")
}
