//! Providers of different temper.

use serde_json::{Value, json};

use super::{
    EAST, FAILOVER, WEST, bench, call, failover, fault_of, id, ids, info, pair, refused, run, state, states,
};
use super::{test_start, with_provider};
use crate::sms::{FilePaths, GroupState, OtherProvider, ResultForm, VasaSpec};

fn promote(numbers: &[u32], planned: bool) -> Value {
    json!({"promoteParam": {
        "_typeName": "PromoteParam",
        "isPlanned": planned,
        "replicationGroupsToPromote": ids(WEST, numbers),
    }})
}

const METHOD: &str = "FailoverReplicationGroup_Task";

#[test]
fn a_test_that_is_promoted_is_a_failover_of_its_point_in_time() {
    for (stays, source) in [(false, "REMOTE_FAILEDOVER"), (true, "SOURCE")] {
        let mut spec = with_provider(|provider| provider.promote_capable = true);
        spec.planned_source_stays = stays;
        let mut bench = bench(spec);
        let started = run(
            &mut bench,
            WEST,
            1,
            "TestFailoverReplicationGroupStart_Task",
            &test_start(WEST, &[1]),
        );
        assert!(started.is_empty());
        let entries = run(
            &mut bench,
            WEST,
            1,
            "PromoteReplicationGroup_Task",
            &promote(&[1, 3], true),
        );
        assert_eq!(entries[0]["newState"], "FAILEDOVER");
        assert_eq!(fault_of(&entries[1]), "InvalidReplicationState");
        assert_eq!(states(&mut bench, 1), pair(source, "FAILEDOVER"));
    }
}

#[test]
fn a_provider_without_promotion_says_so_of_the_whole_call() {
    let mut bench = bench(VasaSpec::default());
    let answer = call(
        &mut bench,
        WEST,
        1,
        "PromoteReplicationGroup_Task",
        &promote(&[1], false),
    );
    assert_eq!(refused(&answer), "NotImplemented");
}

#[test]
fn a_provider_that_needs_a_preparation_refuses_a_planned_failover_without_one() {
    let mut bench = bench(with_provider(|provider| provider.needs_prepare = true));
    let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[1], true, false));
    assert_eq!(fault_of(&entries[0]), "SmsReplicationFault");
    let body = json!({"groupId": ids(EAST, &[1])});
    run(&mut bench, EAST, 1, "PrepareFailoverReplicationGroup_Task", &body);
    let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[1], true, false));
    assert_eq!(entries[0]["newState"], "FAILEDOVER");
    let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[3], false, false));
    assert_eq!(entries[0]["newState"], "FAILEDOVER", "an unplanned one skips it");
}

#[test]
fn a_busy_provider_takes_a_call_later_and_a_slow_one_its_time() {
    let mut bench = bench(with_provider(|provider| {
        provider.busy_calls = 2;
        provider.slow_percent = 1_000;
        provider.tasks_at_once = Some(1);
    }));
    let body = failover(WEST, &[1], false, false);
    for _ in 0..2 {
        let answer = call(&mut bench, WEST, 1, METHOD, &body);
        assert_eq!(refused(&answer), "ProviderBusy");
    }
    let started = call(&mut bench, WEST, 1, METHOD, &body);
    let second = call(&mut bench, WEST, 1, METHOD, &failover(WEST, &[3], false, false));
    assert_eq!(refused(&second), "ProviderBusy", "one task at once");
    bench.pass(5_000);
    assert_eq!(info(&mut bench, WEST, &started)["state"], "running");
    bench.pass(30_000);
    assert_eq!(info(&mut bench, WEST, &started)["state"], "success");
    assert_eq!(bench.calls(FAILOVER, "groups/fd-west-1/rt-001").effects, 1);
}

#[test]
fn groups_beyond_what_is_worked_on_get_too_many_in_their_entries() {
    let mut bench = bench(with_provider(|provider| provider.group_limit = Some(2)));
    let entries = run(
        &mut bench,
        WEST,
        1,
        METHOD,
        &failover(WEST, &[1, 3, 5], false, false),
    );
    assert_eq!(entries[1]["newState"], "FAILEDOVER");
    assert_eq!(fault_of(&entries[2]), "TooMany");
    assert_eq!(entries[2]["error"][0]["maxBatchSize"], 2);
    assert_eq!(state(&mut bench, WEST, 5), "TARGET");
}

#[test]
fn an_inactive_provider_refuses_its_groups_or_the_whole_call_and_names_the_active_one() {
    for whole in [false, true] {
        let spec = VasaSpec {
            inactive_refuses_call: whole,
            ..VasaSpec::default()
        };
        let mut bench = bench(spec);
        assert!(bench.world.sms_mut().activate("fd-west-1", "vasaProvider-west-2"));
        let body = failover(WEST, &[1], false, false);
        let fault = if whole {
            call(&mut bench, WEST, 1, METHOD, &body).value()
        } else {
            run(&mut bench, WEST, 1, METHOD, &body)[0]["error"][0].clone()
        };
        assert_eq!(fault["_typeName"], "InactiveProvider");
        assert_eq!(
            fault["mapping"][0]["activeProvider"]["value"],
            "vasaProvider-west-2"
        );
        let entries = run(&mut bench, WEST, 2, METHOD, &body);
        assert_eq!(entries[0]["newState"], "FAILEDOVER", "{whole}");
    }
}

#[test]
fn a_provider_that_is_not_active_disowns_its_groups_or_leaves_them_out() {
    for other_provider in [OtherProvider::FunctionTarget, OtherProvider::Silent] {
        let mut bench = bench(VasaSpec {
            other_provider,
            ..VasaSpec::default()
        });
        assert!(bench.world.sms_mut().activate("fd-west-1", "vasaProvider-west-2"));
        let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[1], false, false));
        assert_eq!(fault_of(&entries[0]), "InvalidFunctionTarget");
        let body = json!({"groupId": [id(WEST, 1)]});
        let told = call(&mut bench, WEST, 1, "QueryReplicationGroup", &body).value();
        if other_provider == OtherProvider::Silent {
            assert_eq!(told, Value::Null);
        } else {
            assert_eq!(fault_of(&told[0]), "InvalidFunctionTarget");
        }
        let group = bench.world.sms().group(WEST, "group-001").unwrap();
        assert_eq!(group.state, GroupState::Target);
    }
}

#[test]
fn results_come_in_other_boxes_and_without_one() {
    let result = |form: ResultForm, numbers: &[u32]| {
        let mut bench = bench(VasaSpec {
            result_form: form,
            ..VasaSpec::default()
        });
        let started = call(
            &mut bench,
            WEST,
            1,
            METHOD,
            &failover(WEST, numbers, false, false),
        );
        bench.pass(10_000);
        info(&mut bench, WEST, &started)["result"].clone()
    };
    assert_eq!(
        result(ResultForm::Subtype, &[1])["_typeName"],
        "ArrayOfFailoverSuccessResult"
    );
    assert_eq!(
        result(ResultForm::Bare, &[1])["_typeName"],
        "FailoverSuccessResult"
    );
    assert_eq!(
        result(ResultForm::Bare, &[1, 3])[1]["_typeName"],
        "FailoverSuccessResult"
    );
}

#[test]
fn a_device_without_a_replica_is_missing_although_its_group_succeeded() {
    let mut spec = with_provider(|provider| {
        provider.loses_device = true;
        provider.host_based = true;
    });
    spec.groups_with_devices = 1;
    let mut bench = bench(spec);
    let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[1], false, false));
    let devices = &entries[0]["recoveredDeviceInfo"];
    assert_eq!(
        devices[0]["recoveredDeviceId"]["_typeName"],
        "VirtualMachineFilePath"
    );
    assert_eq!(devices[1]["error"]["_typeName"], "NoValidReplica");
    assert_eq!(devices[1]["recoveredDeviceId"], Value::Null);
}

#[test]
fn a_replicator_on_the_hosts_writes_the_path_of_its_files_in_one_form_or_another() {
    for (file_paths, url_end, path) in [
        (FilePaths::FromUrl, "/", "/app-001/app-001"),
        (FilePaths::Bare, "", "app-001/app-001"),
        (
            FilePaths::FromHost,
            "/",
            "/vmfs/volumes/CONTAINER/app-001/app-001",
        ),
        (
            FilePaths::DatastoreForm,
            "/",
            "[datastore-west-1] app-001/app-001",
        ),
    ] {
        let mut spec = with_provider(|provider| provider.host_based = true);
        spec.groups_with_devices = 1;
        spec.file_paths = file_paths;
        let mut bench = bench(spec);
        let container = bench
            .world
            .vms()
            .datastore("datastore-21")
            .unwrap()
            .container
            .clone()
            .unwrap();
        let path = path.replace("CONTAINER", &container);
        let url = format!("ds:///vmfs/volumes/{container}{url_end}");
        let entries = run(&mut bench, WEST, 1, METHOD, &failover(WEST, &[1], false, false));
        let devices = &entries[0]["recoveredDeviceInfo"];
        let home = &devices[0]["recoveredDeviceId"];
        let disk = &devices[1]["recoveredDiskInfo"][0];
        assert_eq!((&home["dsUrl"], &disk["dsUrl"]), (&json!(url), &json!(url)));
        assert_eq!(home["vmxPath"], format!("{path}.vmx"));
        assert_eq!(disk["diskPath"], format!("{path}.vmdk"));
    }
}

#[test]
fn more_replicas_than_an_answer_holds_are_too_many_for_the_one_group() {
    let mut bench = bench(with_provider(|provider| {
        provider.replica_limit = Some(2);
        provider.continuous = true;
    }));
    let ask = |bench: &mut crate::testbench::Bench, param: Value| {
        let body = json!({"groupId": ids(WEST, &[1]), "queryParam": param});
        call(bench, WEST, 1, "QueryPointInTimeReplica", &body).value()[0].clone()
    };
    let details = json!({"_typeName": "QueryPointInTimeReplicaParam", "preferDetails": true});
    assert_eq!(fault_of(&ask(&mut bench, details)), "TooMany");
    let counts = json!({"_typeName": "QueryPointInTimeReplicaParam"});
    assert_eq!(ask(&mut bench, counts)["intervalResults"][0]["number"], 4);
}
