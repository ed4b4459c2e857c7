//! A run that is killed again and again still does everything once.

use std::fs;
use std::process::{Child, Output};
use std::time::Duration;

use farside_tests::judge::{Demand, complaints};
use farside_tests::{Farside, Sim, unattended, until};

/// What a planned run over the sample plan does, each exactly once.
fn demands(groups: usize, replications: usize) -> Vec<Demand> {
    vec![
        Demand::once("vmReplications.migrate", "vm-replications/", replications),
        Demand::once("VasaProvider_SyncReplicationGroup_Task", "groups/", groups),
        Demand::traceless(
            "VasaProvider_PrepareFailoverReplicationGroup_Task",
            "groups/",
            groups,
        ),
        Demand::once("VasaProvider_FailoverReplicationGroup_Task", "groups/", groups),
        Demand::once("Vcenter.Vcha.Cluster_failover$Task", "vcha/", 1),
        Demand::once("HostNetworkSystem_startDpuFailover", "dpu/", 1),
    ]
}

fn kill(mut child: Child) {
    child.kill().expect("the run is killed");
    let _ = child.wait();
}

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("the run ends")
}

/// Effects so far, over all actions of the run.
fn effects(sim: &Sim) -> u64 {
    let calls = sim.get("calls");
    let entries = calls["calls"].as_array().expect("a list of calls");
    entries
        .iter()
        .map(|entry| entry["effects"].as_u64().unwrap_or(0))
        .sum()
}

#[test]
fn a_run_killed_at_five_places_does_everything_once() {
    const GROUPS: usize = 200;
    const REPLICATIONS: usize = 200;
    let user = Farside::new();
    let plan = user.folder().join("plan.toml");
    let sim = Sim::start(
        &user,
        &[
            "--groups",
            "200",
            "--replications",
            "200",
            "--sample-plan",
            plan.to_str().expect("a plain path"),
        ],
    );
    let text = fs::read_to_string(&plan).expect("the sample plan");
    // The simulator's work takes seconds; an unknown outcome need not wait longer than that.
    fs::write(&plan, text.replace("settle = \"20s\"", "settle = \"8s\"")).expect("the plan is writable");

    let mut child = user.start(&unattended("planned", "j.db", &["--run-id", "night"]));
    // From the first effects to the last ones; what is under way at the kill is different each time.
    for enough in [1, 60, 230, 420, 700] {
        until("the run makes progress", Duration::from_secs(120), || {
            effects(&sim) >= enough || child.try_wait().expect("a child").is_some()
        });
        kill(child);
        child = user.start(&["resume", "night", "--journal", "j.db"]);
    }
    let ended = finish(child);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");

    let found = complaints(&sim.get("calls"), &demands(GROUPS, REPLICATIONS));
    assert!(found.is_empty(), "{}", found.join("\n"));
    let state = sim.get("state");
    let replications = state["vcda"]["replications"]
        .as_object()
        .expect("replications by id");
    assert_eq!(replications.len(), REPLICATIONS);
    for (id, replication) in replications {
        assert_eq!(replication["recovery"], "COMPLETE", "{id}");
    }
    assert_eq!(state["vcha"]["clusters"]["vc-west"]["switches"], 1);
    let hosts = state["hosts"]["hosts"].as_array().expect("hosts");
    assert_eq!(
        hosts.iter().filter(|host| host["active"] == 1).count(),
        1,
        "{hosts:#?}"
    );
    for group in state["vasa"]["groups"].as_array().expect("groups") {
        assert_eq!(group["sides"][1]["state"], "FAILEDOVER", "{group:#}");
    }
    let report = user
        .run(&["report", "night", "--journal", "j.db", "--format", "json"])
        .last_json();
    assert_eq!(report["items"]["done"], GROUPS + REPLICATIONS + 2, "{report:#}");
}

#[test]
fn an_answer_lost_once_for_each_kind_of_action_changes_nothing() {
    const GROUPS: usize = 12;
    const REPLICATIONS: usize = 6;
    let user = Farside::new();
    let plan = user.folder().join("plan.toml");
    let sim = Sim::start(
        &user,
        &[
            "--groups",
            "12",
            "--replications",
            "6",
            "--sample-plan",
            plan.to_str().expect("a plain path"),
        ],
    );
    for demand in demands(GROUPS, REPLICATIONS) {
        sim.post(
            "faults",
            &serde_json::json!({"operation": demand.operation, "do": "drop_answer"}),
        );
    }
    let run = user.run(&unattended("planned", "j.db", &["--run-id", "night"]));
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let found = complaints(&sim.get("calls"), &demands(GROUPS, REPLICATIONS));
    assert!(found.is_empty(), "{}", found.join("\n"));
    let report = user
        .run(&["report", "night", "--journal", "j.db", "--format", "json"])
        .last_json();
    assert_eq!(report["items"]["done"], GROUPS + REPLICATIONS + 2, "{report:#}");
    let rules = sim.get("faults");
    let unused = rules["faults"]
        .as_array()
        .expect("rules")
        .iter()
        .filter(|rule| rule["hits"] == 0)
        .count();
    assert_eq!(unused, 0, "a fault never struck: {rules:#}");
}
