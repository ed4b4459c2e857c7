//! Groups of a simulated world, and plans of them.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fmt::Write as _;

use farside_engine::Mode;
use farside_simulator::WorldSpec;
use farside_simulator::sms::{EntryFault, GroupState, GroupView, ProviderSpec, VasaSpec};
use serde_json::json;

use crate::support::{Bench, Outcome};

pub(crate) const SYNC: &str = "VasaProvider_SyncReplicationGroup_Task";
pub(crate) const PREPARE: &str = "VasaProvider_PrepareFailoverReplicationGroup_Task";
pub(crate) const FAIL_OVER: &str = "VasaProvider_FailoverReplicationGroup_Task";
pub(crate) const REVERSE: &str = "VasaProvider_ReverseReplicateGroup_Task";
pub(crate) const TEST_START: &str = "VasaProvider_TestFailoverReplicationGroupStart_Task";
pub(crate) const TEST_STOP: &str = "VasaProvider_TestFailoverReplicationGroupStop_Task";

/// Each mode with the operations that it is made of, in the order of a recovery's life and back, and the states of the
/// groups in the west and in the east afterwards.
pub(crate) const LIFE: [(Mode, &[&str], [GroupState; 2]); 7] = [
    (
        Mode::Test,
        &[TEST_START],
        [GroupState::InTest, GroupState::Source],
    ),
    (
        Mode::Cleanup,
        &[TEST_STOP],
        [GroupState::Target, GroupState::Source],
    ),
    (
        Mode::Planned,
        &[SYNC, PREPARE, FAIL_OVER],
        [GroupState::FailedOver, GroupState::RemoteFailedOver],
    ),
    (
        Mode::Reprotect,
        &[REVERSE],
        [GroupState::Source, GroupState::Target],
    ),
    (
        Mode::Failback,
        &[SYNC, PREPARE, FAIL_OVER],
        [GroupState::RemoteFailedOver, GroupState::FailedOver],
    ),
    (
        Mode::Reprotect,
        &[REVERSE],
        [GroupState::Target, GroupState::Source],
    ),
    (
        Mode::Disaster,
        &[FAIL_OVER],
        [GroupState::FailedOver, GroupState::RemoteFailedOver],
    ),
];

pub(crate) fn world(groups: u32, vasa: VasaSpec) -> WorldSpec {
    seeded(7, groups, vasa)
}

pub(crate) fn seeded(seed: u64, groups: u32, vasa: VasaSpec) -> WorldSpec {
    WorldSpec::pair(seed).groups(groups).replications(0).vasa(vasa)
}

/// One provider on each side, changed as the test needs it.
pub(crate) fn one_provider(change: impl FnOnce(&mut ProviderSpec)) -> VasaSpec {
    let mut provider = ProviderSpec::default();
    change(&mut provider);
    let mut vasa = VasaSpec::default();
    vasa.providers = vec![provider];
    vasa
}

pub(crate) fn side(group: &GroupView) -> String {
    let (place, number) = (
        group.vcenter.trim_start_matches("vc-"),
        group.provider.rsplit('-').next().unwrap(),
    );
    format!(
        "endpoint = \"{}\"\nprovider = \"uid-{place}-{number}\"\nfault_domain = \"{}\"\ngroup = \"{}\"\n",
        group.vcenter, group.fault_domain, group.id
    )
}

/// A plan of all groups of the world, with `more` in each group's table.
pub(crate) fn plan_with(bench: &Bench, more: &str) -> String {
    let mut plan = bench.plan_head();
    for name in names(bench) {
        let (source, target) = (group(bench, "vc-east", &name), group(bench, "vc-west", &name));
        let _ = write!(
            plan,
            "[[items]]\nname = \"{name}\"\ngroup = \"first\"\n[items.vasa]\n{more}\n[items.vasa.source]\n{}\
             [items.vasa.target]\n{}\n",
            side(&source),
            side(&target)
        );
    }
    plan
}

pub(crate) fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

pub(crate) fn names(bench: &Bench) -> Vec<String> {
    let world = bench.world();
    let mut names: Vec<String> = world.sms().groups().map(|group| group.name).collect();
    names.sort();
    names.dedup();
    names
}

pub(crate) fn group(bench: &Bench, vcenter: &str, name: &str) -> GroupView {
    bench.world().sms().group(vcenter, name).unwrap()
}

/// The states of all groups at a vCenter, each once.
pub(crate) fn states(bench: &Bench, vcenter: &str) -> Vec<GroupState> {
    let mut states: Vec<GroupState> = names(bench)
        .iter()
        .map(|name| group(bench, vcenter, name).state)
        .collect();
    states.dedup();
    states
}

pub(crate) fn effects(bench: &Bench, operation: &str) -> u64 {
    bench.effects(operation).iter().sum()
}

pub(crate) fn assert_done(outcome: &Outcome, items: usize) {
    assert_eq!(outcome.counts(), [items, 0, 0, 0], "{}", outcome.notes());
}

pub(crate) fn assert_states(bench: &Bench, [west, east]: [GroupState; 2]) {
    assert_eq!(
        (states(bench, "vc-west"), states(bench, "vc-east")),
        (vec![west], vec![east])
    );
}

/// The tasks that were made of an operation.
pub(crate) fn tasks(bench: &Bench, verb: &str) -> usize {
    let state = bench.world().state();
    let tasks = state["vasa"]["tasks"].as_array().unwrap();
    tasks
        .iter()
        .filter(|task| task["verb"] == verb && task["check_only"] == false)
        .count()
}

/// A fault of one group's entry, once.
pub(crate) fn fault(group: &str, operation: &str, fault: serde_json::Value) -> EntryFault {
    serde_json::from_value(json!({"group": group, "operation": operation, "times": 1, "fault": fault}))
        .unwrap()
}
