//! The worlds that the wire fixtures tell of: how the arrays are, and what was done before the exchange.

use serde_json::{Value, json};

use super::{EAST, FAILOVER, WEST, call, failover, ids, target_call, test_start, told_array};
use crate::sms::{EntryFault, ProviderSpec, ResultForm, VasaSpec};
use crate::spec::WorldSpec;
use crate::testbench::{Bench, Fixture};

/// Names of a fixture, and what they are called in its world.
pub(super) struct Telling {
    names: Vec<(String, String)>,
}

impl Telling {
    /// A path or body with the names of the world.
    pub(super) fn translated(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

/// Groups have odd numbers here: those are at provider 1, which the fixtures ask.
fn names(bench: &Bench, fixture: &Fixture, task: Option<String>) -> Vec<(String, String)> {
    let asked = fixture.request["path"].as_str().unwrap();
    let mut names = Vec::new();
    let mut name = |from: &str, to: &str| names.push((format!("\"{from}\""), format!("\"{to}\"")));
    if fixture.name.contains("invalid-function-target") {
        // Each side is asked for the group as the other one knows it.
        name("fd-west", "fd-east-1");
        name("rg-201", "rg-001");
        name("fd-east", "fd-west-1");
        name("rg-101", "rt-001");
    } else if fixture.name.contains("inactive-provider") {
        name("fd-west", "fd-west-2");
        name("rg-201", "rt-002");
        name("fd-east", "fd-east-2");
        name("rg-101", "rg-002");
    }
    name("fd-west", "fd-west-1");
    name("fd-east", "fd-east-1");
    for (index, number) in (1..=9).step_by(2).enumerate() {
        name(&format!("rg-10{}", index + 1), &format!("rg-00{number}"));
        name(&format!("rg-20{}", index + 1), &format!("rt-00{number}"));
    }
    name("rg-301", "rt-001");
    name("rg-999", "rt-999");
    name("pit-7001", "pit-001-1");
    // The world begins with the year, and its first replicas lie before it.
    name("2025-03-01T00:00:00Z", "2025-12-31T00:00:00Z");
    name("2025-03-02T00:00:00Z", "2026-01-02T00:00:00Z");
    names.extend(told_array::names(bench, fixture));
    if let (Some(task), Some(key)) = (task, asked.split('/').find(|part| part.starts_with("smsTask-"))) {
        names.push((key.to_owned(), task));
    }
    names
}

/// The arrays of a fixture's world.
fn arrays(fixture: &Fixture) -> VasaSpec {
    let told = |text: &str| fixture.name.contains(text);
    let batch = fixture.response["body"]["maxBatchSize"].as_i64();
    let batch = batch.or_else(|| fixture.response["body"]["error"]["maxBatchSize"].as_i64());
    let limit = batch.or_else(|| (told("too-many-entr") || told("too-many-no-limit")).then_some(1));
    let provider = |number: usize| ProviderSpec {
        max_batch_size: limit.or_else(|| (number == 1 && !told("no-batch-size")).then_some(8)),
        lists_ids_only: told("ids-only"),
        self_reversing: told("already-reversed"),
        test_results: told("with-result"),
        supports_force: !told("not-supported-by-provider"),
        test_leftovers: told("not-clean"),
        continuous: told("summary"),
        promote_capable: !told("promote-not-implemented"),
        host_based: told("file-path-devices"),
        loses_device: told("device-error") || told("device-missing"),
        alarms: told_array::alarms(fixture),
        unregistered_at: if told("register-provider-certificate")
            || told("storage-manager/register-provider.")
            || told("info-register-provider")
        {
            vec![WEST.to_owned()]
        } else {
            Vec::new()
        },
        offline_at: if told("provider-unavailable") || told("status-fault") {
            vec![EAST.to_owned(), WEST.to_owned()]
        } else {
            Vec::new()
        },
        ..ProviderSpec::default()
    };
    let fails = |group: &str, fault: Value| EntryFault {
        group: group.to_owned(),
        operation: None,
        times: None,
        fault,
        acted: false,
    };
    let ongoing = crate::vi_json::value::reference("SmsTask", "smsTask-80");
    let invalid = json!({
        "_typeName": "InvalidReplicationState",
        "currentState": "SOURCE",
        "desiredState": ["TARGET"],
    });
    let mixed = vec![
        fails("group-003", invalid),
        fails("group-005", json!({"_typeName": "SyncOngoing", "task": ongoing})),
        fails("group-007", json!({"_typeName": "TooMany", "maxBatchSize": 2})),
    ];
    VasaSpec {
        providers: if is_empty_world(fixture) {
            Vec::new()
        } else {
            vec![provider(1), provider(2)]
        },
        groups_with_devices: if told("minimal") { 0 } else { 10 },
        already_done: told("failover-mixed"),
        limits_queries: told("too-many-entr"),
        refuses_in_task: fixture.response["body"]["state"] == "error",
        hides_active: told("no-mapping") || told("prepare-failover-inactive-provider."),
        hides_limit: told("no-limit"),
        result_form: if told("box-named-after-subtype") {
            ResultForm::Subtype
        } else {
            ResultForm::Declared
        },
        untrusted_certificates: told("not-trusted"),
        alarms_per_page: if told("last-page") { 1 } else { 50 },
        entry_faults: if told("failover-mixed") { mixed } else { Vec::new() },
        ..VasaSpec::default()
    }
}

/// Whether a fixture tells of a vCenter without providers.
fn is_empty_world(fixture: &Fixture) -> bool {
    [
        "query-provider-null",
        "query-array-null",
        "query-fault-domain-null",
        "query-storage-container-null",
    ]
    .iter()
    .any(|name| fixture.name.contains(name))
}

/// Calls an operation of provider 1 on groups and gives the task.
fn start(bench: &mut Bench, vcenter: &str, verb: &str, numbers: &[u32]) -> String {
    let (method, body) = match verb {
        "failover" | "check" => (FAILOVER, failover(vcenter, numbers, true, verb == "check")),
        "test" => (
            "VasaProvider_TestFailoverReplicationGroupStart_Task",
            test_start(vcenter, numbers),
        ),
        "promote" => (
            "VasaProvider_PromoteReplicationGroup_Task",
            json!({"promoteParam": {
                "_typeName": "PromoteParam",
                "isPlanned": true,
                "replicationGroupsToPromote": ids(vcenter, numbers),
            }}),
        ),
        "prepare" => (
            "VasaProvider_PrepareFailoverReplicationGroup_Task",
            json!({"groupId": ids(vcenter, numbers)}),
        ),
        "reverse" => (
            "VasaProvider_ReverseReplicateGroup_Task",
            json!({"groupId": ids(vcenter, numbers)}),
        ),
        "stop" => (
            "VasaProvider_TestFailoverReplicationGroupStop_Task",
            target_call("TestFailoverReplicationGroupStop_Task", numbers),
        ),
        _ => (
            "VasaProvider_SyncReplicationGroup_Task",
            target_call("SyncReplicationGroup_Task", numbers),
        ),
    };
    let method = method.trim_start_matches("VasaProvider_");
    let started = call(bench, vcenter, 1, method, &body);
    assert_eq!(started.status, 200, "{verb}: {}", started.value());
    started.value()["value"].as_str().unwrap().to_owned()
}

/// Does one thing after the other, each to its end, and gives the task of the last one.
fn run(bench: &mut Bench, vcenter: &str, verbs: &[&str], numbers: &[u32]) -> Option<String> {
    let mut task = None;
    for verb in verbs {
        task = Some(start(bench, vcenter, verb, numbers));
        bench.pass(10_000);
    }
    task
}

/// What was done before a fixture's exchange; gives the task that it asks for.
fn before(bench: &mut Bench, fixture: &Fixture) -> Option<String> {
    let (folder, rest) = fixture.name.split_once('/').unwrap();
    let name = rest.trim_end_matches(".json");
    if folder == "sms-task" {
        return before_query(bench, name.trim_start_matches("query-sms-task-"));
    }
    let target = fixture.request["path"].as_str().unwrap().contains("-west-");
    match name {
        "reverse-replicate" => run(bench, WEST, &["failover"], &[1]),
        "promote" => run(bench, WEST, &["test"], &[1]),
        "promote-peer-not-reachable" => {
            run(bench, WEST, &["test"], &[1]);
            lose(bench, EAST)
        }
        "promote-unplanned-batch" => run(bench, WEST, &["test"], &[1, 3, 5]),
        "test-failover-stop" | "test-failover-stop-force" => run(bench, WEST, &["test"], &[1]),
        "prepare-failover-invalid-replication-state" => run(bench, WEST, &["failover"], &[1]),
        "failover-invalid-replication-state"
        | "sync-invalid-replication-state"
        | "test-failover-start-invalid-replication-state"
        | "query-replication-group-target-intest" => run(bench, WEST, &["test"], &[1]),
        "query-replication-group-target-failedover"
        | "query-replication-group-target-failedover-device-missing"
        | "query-replication-group-source-remote-failedover" => run(bench, WEST, &["failover"], &[1]),
        "query-replication-group-after-reverse-source" => run(bench, WEST, &["failover", "reverse"], &[1]),
        "query-replication-group-all-full" => run(bench, WEST, &["failover", "reverse"], &[3]),
        "reverse-replicate-peer-not-reachable" => {
            run(bench, WEST, &["failover"], &[1]);
            lose(bench, EAST)
        }
        "sync-sync-ongoing" => Some(start(bench, WEST, "sync", &[1])),
        name if name.ends_with("peer-not-reachable") => lose(bench, if target { EAST } else { WEST }),
        name if name.ends_with("provider-busy") && !name.starts_with("query") => {
            Some(start(bench, WEST, "test", &[1]))
        }
        name if name.ends_with("no-valid-replica") || name.ends_with("no-replica") => there_and_back(bench),
        name => {
            told_array::before(bench, name);
            None
        }
    }
}

fn lose(bench: &mut Bench, vcenter: &str) -> Option<String> {
    assert!(bench.world.set_reachable(vcenter, false));
    None
}

/// A group that came back and has not been copied again has no replicas.
fn there_and_back(bench: &mut Bench) -> Option<String> {
    run(bench, WEST, &["failover", "reverse"], &[1]);
    bench.pass(60_000);
    run(bench, EAST, &["failover", "reverse"], &[1])
}

/// What was done before a task is asked for.
fn before_query(bench: &mut Bench, name: &str) -> Option<String> {
    match name {
        "info-queued" => Some(start(bench, WEST, "failover", &[1])),
        "info-running" => {
            let task = start(bench, WEST, "failover", &[1]);
            bench.pass(200);
            Some(task)
        }
        "info-failover-mixed" => {
            // Faults of the groups make the others; this one was failed over before.
            run(bench, WEST, &["failover"], &[9]);
            run(bench, WEST, &["failover"], &[1, 3, 5, 7, 9])
        }
        "info-failover-check-only" => {
            run(bench, WEST, &["failover", "reverse"], &[3]);
            run(bench, WEST, &["check"], &[1, 3])
        }
        "info-prepare-success" => run(bench, EAST, &["prepare"], &[1]),
        "info-reverse-success" => run(bench, WEST, &["failover", "reverse"], &[1]),
        "info-promote-success" => run(bench, WEST, &["test", "promote"], &[1]),
        "info-promote-mixed" => {
            run(bench, WEST, &["test"], &[1]);
            run(bench, WEST, &["promote"], &[1, 3])
        }
        "info-sync-success" => run(bench, WEST, &["sync"], &[1]),
        "info-test-start-void" | "info-test-start-with-result" | "result-null" => {
            run(bench, WEST, &["test"], &[1])
        }
        "info-test-stop-void" | "info-test-stop-not-clean" => run(bench, WEST, &["test", "stop"], &[1]),
        name if name.starts_with("info-failover-") || name == "result" => {
            run(bench, WEST, &["failover"], &[1])
        }
        name => told_array::task(bench, name),
    }
}

/// The world of a fixture at the time of its exchange.
pub(super) fn tell(fixture: &Fixture) -> (Bench, Telling) {
    let groups = if fixture.name.ends_with("query-replication-group-null.json") {
        0
    } else {
        10
    };
    let spec = WorldSpec::pair(3)
        .groups(groups)
        .replications(0)
        .vasa(arrays(fixture));
    let mut bench = Bench::new(&spec);
    let task = if groups == 0 || spec_has_no_work(fixture) {
        None
    } else {
        before(&mut bench, fixture)
    };
    let names = names(&bench, fixture, task);
    (bench, Telling { names })
}

/// Whether nothing can have been done before, as there is no provider or none that answers.
fn spec_has_no_work(fixture: &Fixture) -> bool {
    let body: &Value = &fixture.response["body"];
    body["_typeName"] == "ProviderUnavailable" || is_empty_world(fixture)
}
