//! What the world has to show of items that a run calls done: asked of the simulator itself, not of a client.

use std::collections::BTreeMap;

use farside_engine::{Item, ItemResult, Mode, Run};
use farside_simulator::World;
use farside_simulator::sms::GroupState;
use farside_simulator::vcda::{RecoveryState, Replication};

/// Where each protected item serves: a vCenter of a group, a site of a replication.
pub type Serving = BTreeMap<String, String>;

/// Where the items of a world serve at this moment: at the side that was recovered, or else at the source.
pub fn serving(world: &World) -> Serving {
    let is_here = |state| matches!(state, GroupState::FailedOver | GroupState::Source);
    // Where one side was failed over and the other one has not heard of it, both may call themselves the source's.
    let mut groups: Vec<_> = world.sms().groups().filter(|side| is_here(side.state)).collect();
    groups.sort_by_key(|side| side.state == GroupState::FailedOver);
    let groups = groups.into_iter().map(|side| (side.name, side.vcenter));
    let replications = world.vcda().replications().map(|one| {
        let at = match one.recovery {
            RecoveryState::Complete => &one.destination,
            _ => &one.source,
        };
        (one.id.clone(), at.site.clone())
    });
    groups.chain(replications).collect()
}

/// Complaints about a run of the sample plan: what it calls done and the world does not show, and what did not end well without a
/// word about why. `before` is where the items served before it.
pub fn complaints(world: &World, run: &Run, mode: Mode, before: &Serving) -> Vec<String> {
    let mut found = Vec::new();
    for (item, progress) in run.items() {
        let told = match progress.result() {
            Some(ItemResult::Done) => untrue(world, item, mode, before),
            Some(_) => {
                let ends = progress.actions.iter().filter_map(|action| match &action.state {
                    farside_engine::ActionState::Ended(outcome) => outcome.note.as_deref(),
                    _ => None,
                });
                let is_told = progress.skipped.is_some() || ends.into_iter().any(|note| !note.is_empty());
                (!is_told).then(|| "it did not end well, and nobody says why".to_owned())
            }
            None => Some("it has no end".to_owned()),
        };
        found.extend(told.map(|told| format!("{mode}: {}: {:?}: {told}", item.id, progress.result())));
    }
    found
}

/// What is not so of an item that is called done.
fn untrue(world: &World, item: &Item, mode: Mode, before: &Serving) -> Option<String> {
    let text = |pointer: &str| item.payload.pointer(pointer).and_then(serde_json::Value::as_str);
    match item.kind.as_str() {
        "vasa" => {
            let [home, away] = ["/pair/source/endpoint", "/pair/target/endpoint"].map(text);
            group(world, item.id.as_str(), mode, [home?, away?], before)
        }
        "vcda" => replication(world.vcda().replication(text("/replication")?)?, mode, before),
        "vcha" => {
            let cluster = world.vcha().cluster(text("/endpoint")?)?;
            let right = match mode {
                Mode::Planned => Some(cluster.active_ip()) == text("/activate"),
                Mode::Reprotect => cluster.is_healthy(),
                Mode::Test | Mode::Cleanup | Mode::Disaster | Mode::Failback => true,
            };
            (!right).then(|| {
                format!(
                    "{} is active, healthy: {}",
                    cluster.active_ip(),
                    cluster.is_healthy()
                )
            })
        }
        "dpu" => {
            let host = world.hosts().host(text("/host")?)?;
            let active = host.dpus.get(host.active).map(|dpu| dpu.id.as_str());
            let moves = matches!(mode, Mode::Planned | Mode::Disaster);
            let wrong = moves && (active != text("/target_dpu") || host.moving > 0);
            wrong.then(|| format!("{active:?} is active, {} moves are under way", host.moving))
        }
        other => Some(format!("nobody knows what is true of a {other}")),
    }
}

fn group(world: &World, name: &str, mode: Mode, [home, away]: [&str; 2], before: &Serving) -> Option<String> {
    let state = |vcenter: &str| world.sms().group(vcenter, name).map(|side| side.state);
    let states = [state(home), state(away)];
    let recovered = |state| matches!(state, Some(GroupState::FailedOver | GroupState::Source));
    let replicates = |from: &str, to: &str| {
        state(from) == Some(GroupState::Source) && state(to) == Some(GroupState::Target)
    };
    let right = match mode {
        Mode::Test => states[1] == Some(GroupState::InTest),
        Mode::Cleanup => states[1] == Some(GroupState::Target),
        Mode::Planned | Mode::Disaster => recovered(states[1]),
        Mode::Failback => recovered(states[0]),
        Mode::Reprotect if before.get(name).is_some_and(|at| at == away) => replicates(away, home),
        Mode::Reprotect => replicates(home, away),
    };
    (!right).then(|| {
        format!(
            "the group is {:?} at {home} and {:?} at {away}",
            states[0], states[1]
        )
    })
}

fn replication(one: &Replication, mode: Mode, before: &Serving) -> Option<String> {
    let copy = one.destination_vm.as_ref();
    let state = one.recovery;
    let served = before.get(&one.id) == Some(&one.source.site);
    let serves = copy.is_some_and(|copy| copy.powered_on && copy.network.is_some());
    let right = match mode {
        Mode::Test => {
            let isolated = copy.is_some_and(|copy| copy.powered_on && copy.network.is_none());
            state == RecoveryState::Test && isolated && served
        }
        Mode::Cleanup => state == RecoveryState::NotStarted && copy.is_none() && served,
        Mode::Planned | Mode::Failback => {
            let source_is_on = one.source_vm.as_ref().is_some_and(|source| source.powered_on);
            state == RecoveryState::Complete && serves && !source_is_on
        }
        Mode::Disaster => state == RecoveryState::Complete && serves,
        Mode::Reprotect => state == RecoveryState::NotStarted && served,
    };
    (!right).then(|| {
        format!(
            "it leads from {} to {}, {}, with {copy:?} at its end",
            one.source.site,
            one.destination.site,
            state.as_str()
        )
    })
}
