use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, proptest};
use proptest::prop_assert;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use super::{EAST, WEST, bench, call, failover, ids, pair, states, test_start, with_provider};
use crate::sms::AfterPrepare;
use crate::spec::WorldSpec;
use crate::testbench::Bench;

/// A random operation on one group at one side.
#[derive(Debug, Clone)]
struct Step {
    method: &'static str,
    vcenter: &'static str,
    numbers: Vec<u32>,
    planned: bool,
    pause_ms: i64,
    cut_east: bool,
}

const METHODS: [&str; 6] = [
    "PrepareFailoverReplicationGroup_Task",
    "FailoverReplicationGroup_Task",
    "ReverseReplicateGroup_Task",
    "TestFailoverReplicationGroupStart_Task",
    "TestFailoverReplicationGroupStop_Task",
    "SyncReplicationGroup_Task",
];

fn step() -> impl Strategy<Value = Step> {
    let numbers = proptest::collection::vec(1..=3_u32, 1..4);
    (
        0..6_usize,
        any::<bool>(),
        numbers,
        any::<bool>(),
        0..4_000_i64,
        0..8_u8,
    )
        .prop_map(|(method, east, numbers, planned, pause_ms, cut)| Step {
            method: METHODS[method],
            vcenter: if east { EAST } else { WEST },
            numbers: numbers.iter().map(|number| number * 2 - 1).collect(),
            planned,
            pause_ms,
            cut_east: cut == 0,
        })
}

fn body_of(step: &Step) -> Value {
    match step.method {
        "FailoverReplicationGroup_Task" => failover(step.vcenter, &step.numbers, step.planned, false),
        "TestFailoverReplicationGroupStart_Task" => test_start(step.vcenter, &step.numbers),
        "TestFailoverReplicationGroupStop_Task" => {
            json!({"groupId": ids(step.vcenter, &step.numbers), "force": false})
        }
        "SyncReplicationGroup_Task" => json!({"groupId": ids(step.vcenter, &step.numbers), "pitName": "p"}),
        _ => json!({"groupId": ids(step.vcenter, &step.numbers)}),
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]

    #[test]
    fn no_order_of_calls_loses_a_group_or_leads_to_an_illegal_pair_of_states(
        steps in proptest::collection::vec(step(), 1..25),
        self_reversing in any::<bool>(),
        source_stays in any::<bool>(),
        planned_source_stays in any::<bool>(),
        after_prepare in select(vec![
            AfterPrepare::Stays,
            AfterPrepare::RemoteFailedOver,
            AfterPrepare::Target,
        ]),
    ) {
        let mut spec = with_provider(|provider| provider.self_reversing = self_reversing);
        spec.source_stays = source_stays;
        spec.planned_source_stays = planned_source_stays;
        spec.after_prepare = after_prepare;
        let mut bench = bench(spec);
        for step in steps {
            if step.cut_east {
                let reachable = bench.world.endpoint(EAST).is_some_and(|east| east.reachable);
                bench.world.set_reachable(EAST, !reachable);
            }
            let reachable = bench.world.endpoint(EAST).is_some_and(|east| east.reachable);
            if reachable || step.vcenter == WEST {
                let answer = call(&mut bench, step.vcenter, 1, step.method, &body_of(&step));
                prop_assert!(answer.status == 200, "{}", answer.value());
            }
            bench.pass(step.pause_ms);
        }
        bench.world.set_reachable(EAST, true);
        let mut legal = BTreeSet::from([
            pair("SOURCE", "TARGET"),
            pair("SOURCE", "INTEST"),
            pair("REMOTE_FAILEDOVER", "FAILEDOVER"),
            pair("TARGET", "SOURCE"),
            pair("INTEST", "SOURCE"),
            pair("FAILEDOVER", "REMOTE_FAILEDOVER"),
        ]);
        if source_stays || planned_source_stays {
            legal.extend([pair("SOURCE", "FAILEDOVER"), pair("FAILEDOVER", "SOURCE")]);
        }
        let prepared = after_prepare.state().as_str();
        for target in ["TARGET", "INTEST"] {
            legal.extend([pair(prepared, target), pair(target, prepared)]);
        }
        bench.pass(20_000);
        for number in [1, 3, 5] {
            let found = states(&mut bench, number);
            prop_assert!(legal.contains(&found), "{found:?}");
        }
        let state = bench.world.state();
        let groups = state["vasa"]["groups"].as_array().map_or(0, Vec::len);
        prop_assert!(groups == 6);
        for calls in bench.world.calls().entries() {
            prop_assert!(calls.entry.effects <= calls.entry.accepted, "{calls:?}");
            prop_assert!(calls.entry.accepted + calls.entry.refused == calls.entry.attempts, "{calls:?}");
        }
    }
}

#[test]
fn one_seed_gives_one_history() {
    let history = || {
        let mut bench = Bench::new(&WorldSpec::pair(77).groups(12).replications(2));
        let body = failover(WEST, &[1, 3, 5, 7], true, false);
        call(&mut bench, WEST, 1, "FailoverReplicationGroup_Task", &body);
        bench.pass(1_500);
        let half = bench.world.state();
        bench.pass(3_000_000);
        (half, bench.world.state())
    };
    assert_eq!(history(), history());
}
