//! The replication state machine against a model of it: random operations, legal and illegal, one after the other.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, proptest};
use proptest::test_runner::{Config, TestCaseError};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use super::{EAST, WEST, bench, call, group, info, with_provider};
use crate::testbench::Bench;

const GROUPS: [&str; 3] = ["group-001", "group-003", "group-005"];

/// What is asked of some groups at one side.
#[derive(Debug, Clone)]
struct Step {
    verb: usize,
    east: bool,
    groups: Vec<usize>,
    planned: bool,
    force: bool,
    /// The other site is lost while it happens.
    cut: bool,
    wait_ms: i64,
}

const METHODS: [&str; 7] = [
    "PrepareFailoverReplicationGroup_Task",
    "FailoverReplicationGroup_Task",
    "ReverseReplicateGroup_Task",
    "TestFailoverReplicationGroupStart_Task",
    "TestFailoverReplicationGroupStop_Task",
    "SyncReplicationGroup_Task",
    "PromoteReplicationGroup_Task",
];

fn step() -> impl Strategy<Value = Step> {
    let groups = proptest::collection::vec(0..3_usize, 1..4);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0..8_u8);
    (0..7_usize, flags, groups, 0..40_000_i64).prop_map(|(verb, flags, groups, wait_ms)| {
        let (east, planned, force, cut) = flags;
        Step {
            verb,
            east,
            groups,
            planned,
            force,
            cut: cut == 0,
            wait_ms,
        }
    })
}

/// The states of a group in the east and in the west. All that the model knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Model {
    east: &'static str,
    west: &'static str,
}

impl Model {
    fn at(self, east: bool) -> &'static str {
        if east { self.east } else { self.west }
    }

    fn with(here: &'static str, there: &'static str, east: bool) -> Self {
        if east {
            Self {
                east: here,
                west: there,
            }
        } else {
            Self {
                east: there,
                west: here,
            }
        }
    }

    /// The states after an operation, if it is legal.
    fn after(self, method: &str, east: bool, self_reversing: bool) -> Option<Self> {
        let failed_over = Self::with("FAILEDOVER", "REMOTE_FAILEDOVER", east);
        let turned = Self::with("SOURCE", "TARGET", east);
        match (method, self.at(east)) {
            ("PrepareFailoverReplicationGroup_Task", "SOURCE") | ("SyncReplicationGroup_Task", "TARGET") => {
                Some(self)
            }
            ("FailoverReplicationGroup_Task", "TARGET") if self_reversing => Some(turned),
            ("FailoverReplicationGroup_Task", "TARGET") | ("PromoteReplicationGroup_Task", "INTEST") => {
                Some(failed_over)
            }
            ("ReverseReplicateGroup_Task", "FAILEDOVER") => Some(turned),
            ("TestFailoverReplicationGroupStart_Task", "TARGET") => {
                Some(Self::with("INTEST", "SOURCE", east))
            }
            ("TestFailoverReplicationGroupStop_Task", "INTEST") => Some(Self::with("TARGET", "SOURCE", east)),
            _ => None,
        }
    }
}

fn needs_peer(step: &Step) -> bool {
    match METHODS[step.verb] {
        "TestFailoverReplicationGroupStop_Task" => false,
        "FailoverReplicationGroup_Task"
        | "TestFailoverReplicationGroupStart_Task"
        | "PromoteReplicationGroup_Task" => step.planned,
        _ => true,
    }
}

/// The group's id at a side as it is by now.
fn id_of(bench: &Bench, name: &str, east: bool) -> Value {
    let view = bench
        .world
        .sms()
        .group(if east { EAST } else { WEST }, name)
        .unwrap();
    group::group_id(&view.fault_domain, &view.id)
}

fn body(bench: &Bench, step: &Step) -> Value {
    let ids: Vec<Value> = step
        .groups
        .iter()
        .map(|group| id_of(bench, GROUPS[*group], step.east))
        .collect();
    let data = |id: &Value| json!({"_typeName": "ReplicationGroupData", "groupId": id});
    let failover = |type_name: &str| {
        json!({
            "_typeName": type_name,
            "isPlanned": step.planned,
            "checkOnly": false,
            "replicationGroupsToFailover": ids.iter().map(data).collect::<Vec<_>>(),
        })
    };
    match METHODS[step.verb] {
        "FailoverReplicationGroup_Task" => json!({"failoverParam": failover("FailoverParam")}),
        "TestFailoverReplicationGroupStart_Task" => {
            json!({"testFailoverParam": failover("TestFailoverParam")})
        }
        "TestFailoverReplicationGroupStop_Task" => json!({"groupId": ids, "force": step.force}),
        "SyncReplicationGroup_Task" => json!({"groupId": ids, "pitName": "model"}),
        "PromoteReplicationGroup_Task" => json!({"promoteParam": {
            "_typeName": "PromoteParam",
            "isPlanned": step.planned,
            "replicationGroupsToPromote": ids,
        }}),
        _ => json!({"groupId": ids}),
    }
}

fn seen(bench: &Bench, name: &str) -> (String, String) {
    let state = |vcenter: &str| {
        let view = bench.world.sms().group(vcenter, name).unwrap();
        view.state.as_str().to_owned()
    };
    (state(EAST), state(WEST))
}

/// Takes a step in the world and in the model, and compares.
fn take(bench: &mut Bench, model: &mut [Model; 3], step: &Step, turns: bool) -> Result<(), TestCaseError> {
    let (here, there) = if step.east { (EAST, WEST) } else { (WEST, EAST) };
    bench.world.set_reachable(there, !step.cut);
    let answer = call(bench, here, 1, METHODS[step.verb], &body(bench, step));
    prop_assert!(answer.status == 200, "{}", answer.value());
    bench.pass(5_000);
    bench.world.set_reachable(there, true);
    let ended = info(bench, here, &answer);
    prop_assert_eq!(&ended["state"], "success");
    let entries = ended["result"]["_value"].as_array().cloned().unwrap_or_default();
    let mut done = BTreeSet::new();
    for (position, index) in step.groups.iter().enumerate() {
        let entry = entries.get(position);
        let fault = entry.and_then(|entry| entry["error"][0]["_typeName"].as_str());
        let allowed = model[*index].after(METHODS[step.verb], step.east, turns);
        let expected: &[Option<&str>] = if !done.insert(*index) {
            &[Some("DuplicateEntry")]
        } else if allowed.is_none() {
            &[Some("InvalidReplicationState"), Some("InvalidFunctionTarget")]
        } else if step.cut && needs_peer(step) {
            &[Some("PeerNotReachable")]
        } else {
            // A side that was the source before has no replica until the first copy has come.
            &[None, Some("NoValidReplica")]
        };
        prop_assert!(
            expected.contains(&fault),
            "{:?} at {:?}: {:?}",
            step,
            model,
            fault
        );
        if let (None, Some(after)) = (fault, allowed) {
            model[*index] = after;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 96, ..Config::default() })]

    #[test]
    fn the_world_does_what_the_model_says_and_loses_no_group(
        steps in proptest::collection::vec(step(), 1..30),
        self_reversing in any::<bool>(),
        renames in any::<bool>(),
    ) {
        let mut bench = bench(with_provider(|provider| {
            provider.self_reversing = self_reversing;
            provider.renames_on_reverse = renames;
            provider.promote_capable = true;
        }));
        let start = Model { east: "SOURCE", west: "TARGET" };
        let mut model = [start; 3];
        for step in &steps {
            take(&mut bench, &mut model, step, self_reversing)?;
            bench.pass(step.wait_ms);
            for (group, name) in model.iter().zip(GROUPS) {
                let wanted = (group.east.to_owned(), group.west.to_owned());
                prop_assert_eq!(seen(&bench, name), wanted, "{:?}", step);
            }
        }
        prop_assert_eq!(bench.world.sms().groups().count(), 12);
    }
}
