use serde_json::{Value, json};

use crate::fault::{FaultAction, FaultRule};
use crate::sms::VasaSpec;

use super::{
    WEST, bench, call, fault_of, ids, pair, refused, run, state, states, target_call, test_start,
    with_provider,
};

#[test]
fn a_test_leaves_the_source_alone_and_has_a_result_in_one_reading_only() {
    for test_results in [false, true] {
        let mut bench = bench(with_provider(|provider| provider.test_results = test_results));
        let start = run(
            &mut bench,
            WEST,
            1,
            "TestFailoverReplicationGroupStart_Task",
            &test_start(WEST, &[1]),
        );
        assert_eq!(start.len(), usize::from(test_results));
        assert_eq!(states(&mut bench, 1), pair("SOURCE", "INTEST"));
        let stop = "TestFailoverReplicationGroupStop_Task";
        let entries = run(&mut bench, WEST, 1, stop, &target_call(stop, &[1]));
        assert_eq!(entries.len(), usize::from(test_results));
        assert_eq!(states(&mut bench, 1), pair("SOURCE", "TARGET"));
    }
}

#[test]
fn a_test_with_volumes_in_use_needs_force_which_not_every_provider_has() {
    let stop = "TestFailoverReplicationGroupStop_Task";
    let mut bench = bench(with_provider(|provider| provider.test_leftovers = true));
    run(
        &mut bench,
        WEST,
        1,
        "TestFailoverReplicationGroupStart_Task",
        &test_start(WEST, &[1]),
    );
    let entries = run(&mut bench, WEST, 1, stop, &target_call(stop, &[1]));
    assert_eq!(fault_of(&entries[0]), "InvalidReplicationState");
    let force = json!({"groupId": ids(WEST, &[1]), "force": true});
    assert_eq!(run(&mut bench, WEST, 1, stop, &force), Vec::<Value>::new());
    assert_eq!(state(&mut bench, WEST, 1), "TARGET");
    let mut bench = super::bench(with_provider(|provider| provider.supports_force = false));
    assert_eq!(
        refused(&call(&mut bench, WEST, 1, stop, &force)),
        "NotSupportedByProvider"
    );
}

#[test]
fn an_array_without_room_makes_no_copies_but_fails_over() {
    let mut bench = bench(VasaSpec::default());
    let full = FaultAction::FillDisk {
        site: "west".to_owned(),
    };
    let full = bench.world.add_fault(FaultRule::any(full)).unwrap();
    let start = "TestFailoverReplicationGroupStart_Task";
    let sync = "SyncReplicationGroup_Task";
    for (method, body) in [(start, test_start(WEST, &[1])), (sync, target_call(sync, &[1]))] {
        let entries = run(&mut bench, WEST, 1, method, &body);
        assert_eq!(fault_of(&entries[0]), "ProviderOutOfResource", "{method}");
    }
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "TARGET"));
    let failover = "FailoverReplicationGroup_Task";
    run(
        &mut bench,
        WEST,
        1,
        failover,
        &super::failover(WEST, &[3], false, false),
    );
    assert_eq!(state(&mut bench, WEST, 3), "FAILEDOVER");
    bench.world.remove_fault(full);
    run(&mut bench, WEST, 1, start, &test_start(WEST, &[1]));
    assert_eq!(states(&mut bench, 1), pair("SOURCE", "INTEST"));
}
