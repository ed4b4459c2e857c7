//! The world, its plan, and what became of its replications.

use std::fmt::Write as _;

use farside_engine::Mode;
use farside_simulator::WorldSpec;
use farside_simulator::vcda::RecoveryState;

use crate::support::{Bench, Outcome};

pub(crate) fn spec(replications: u32) -> WorldSpec {
    WorldSpec::pair(11).groups(0).replications(replications)
}

/// A plan of all replications of the world, in two priority groups.
pub(crate) fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

pub(crate) fn plan_with(bench: &Bench, more: &str) -> String {
    let mut plan = bench.plan_head();
    for (number, id) in ids(bench).iter().enumerate() {
        let group = if number % 2 == 0 { "first" } else { "second" };
        let _ = write!(
            plan,
            "[[items]]\nname = \"item-{number:02}\"\ngroup = \"{group}\"\n[items.vcda]\nreplication = \"{id}\"\n\
             source = \"vcda-east\"\ndestination = \"vcda-west\"\npower_on = true\nnics = 1\n{more}\n"
        );
    }
    plan
}

pub(crate) fn ids(bench: &Bench) -> Vec<String> {
    let world = bench.world();
    world
        .vcda()
        .replications()
        .map(|replication| replication.id.clone())
        .collect()
}

pub(crate) fn objects(bench: &Bench) -> Vec<String> {
    ids(bench)
        .iter()
        .map(|id| format!("vm-replications/{id}"))
        .collect()
}

/// Recovery state and direction of all replications.
pub(crate) fn states(bench: &Bench) -> Vec<(RecoveryState, String)> {
    let world = bench.world();
    let replications = world.vcda().replications();
    replications
        .map(|one| (one.recovery, one.destination.site.clone()))
        .collect()
}

pub(crate) fn all(bench: &Bench, state: RecoveryState, towards: &str) {
    for (seen, site) in states(bench) {
        assert_eq!((seen, site.as_str()), (state, towards));
    }
}

pub(crate) fn assert_done(outcome: &Outcome, items: usize) {
    assert_eq!(outcome.counts(), [items, 0, 0, 0], "{}", outcome.notes());
}

/// Each mode with the operation that it is made of, in the order of a recovery's life and back.
pub(crate) const LIFE: [(Mode, &str, RecoveryState, &str); 7] = [
    (
        Mode::Test,
        "vmReplications.failoverTest",
        RecoveryState::Test,
        "west",
    ),
    (
        Mode::Cleanup,
        "vmReplications.failoverTestCleanup",
        RecoveryState::NotStarted,
        "west",
    ),
    (
        Mode::Planned,
        "vmReplications.migrate",
        RecoveryState::Complete,
        "west",
    ),
    (
        Mode::Reprotect,
        "vmReplications.reverse",
        RecoveryState::NotStarted,
        "east",
    ),
    (
        Mode::Failback,
        "vmReplications.migrate",
        RecoveryState::Complete,
        "east",
    ),
    (
        Mode::Reprotect,
        "vmReplications.reverse",
        RecoveryState::NotStarted,
        "west",
    ),
    (
        Mode::Disaster,
        "vmReplications.failover",
        RecoveryState::Complete,
        "west",
    ),
];
