use farside_engine::Finding;
use farside_models_vcda::SingleVmReplicationInfo;
use farside_vcda::Task;
use serde_json::{Value, json};

use super::look::{judge, judge_after};
use super::view::View;
use super::*;

const ID: &str = "C4-0b0b0b0b-1111-4222-8333-444455556666";

fn replica() -> Replica {
    serde_json::from_value(json!({
        "replication": ID, "source": "vcda-east", "destination": "vcda-west", "target": "vcloud",
        "power_on": true, "instance": null, "consolidate": false, "nics": 1,
    }))
    .unwrap()
}

fn step(deed: Deed) -> Step {
    Step {
        deed,
        at: EndpointId::new("vcda-west"),
        turned: false,
        deadline_ms: 60_000,
    }
}

fn replication(state: Value, towards: &str) -> SingleVmReplicationInfo {
    let from = if towards == "west" { "east" } else { "west" };
    serde_json::from_value(json!({
        "id": ID, "vmName": "db01", "vmId": "vm-7",
        "source": {"site": from}, "destination": {"site": towards, "recoveredVappId": "null"},
        "destinationState": {
            "latestInstance": {"key": "replica-1", "timestamp": 1_700_000_000_000_i64},
            "recoveryInfo": {"recoveryState": state},
        },
    }))
    .unwrap()
}

fn task(id: &str, workflow: &str, state: &str, started: i64) -> Task {
    let shown = json!({
        "id": id, "state": state, "startTime": started,
        "workflowInfo": {"type": workflow, "resourceId": ID},
        "error": if state == "FAILED" { json!({"code": "GeneralServerFailure", "msg": "No room."}) } else { Value::Null },
    });
    farside_wire::decode_str(&shown.to_string()).unwrap()
}

fn view(state: &str, towards: &str, tasks: Vec<Task>) -> View {
    View {
        at: EndpointId::new("vcda-west"),
        site: Some("west".to_owned()),
        shown: replication(json!(state), towards),
        tasks,
    }
}

fn intent() -> Intent {
    let before = view(
        "NOT_STARTED",
        "west",
        vec![task("old", "failover", "FAILED", 100)],
    );
    before.intent()
}

/// The short of a finding, with its words.
fn told(finding: &Finding) -> (&'static str, String) {
    match finding {
        Finding::Done { note, .. } => ("done", note.clone().unwrap_or_default()),
        Finding::Ready { .. } => ("ready", String::new()),
        Finding::Running { operation } => {
            ("running", operation["id"].as_str().unwrap_or_default().to_owned())
        }
        Finding::NotYet { reason } => ("not yet", reason.clone()),
        Finding::CannotTell { reason, .. } => ("cannot tell", reason.clone()),
        Finding::Refused { reason } => ("refused", reason.clone()),
        Finding::Failed { reason } => ("failed", reason.clone()),
    }
}

fn before(deed: Deed, view: &View) -> &'static str {
    told(&judge(view, &replica(), &step(deed))).0
}

fn after(deed: Deed, view: &View) -> (&'static str, String) {
    told(&judge_after(view, &replica(), &step(deed), &intent()))
}

#[test]
fn each_state_lets_its_own_actions_begin() {
    let table = [
        ("NOT_STARTED", ["ready", "done", "ready", "ready", "refused"]),
        ("TEST", ["done", "ready", "refused", "refused", "refused"]),
        ("COMPLETE", ["refused", "refused", "done", "done", "ready"]),
        ("IN_PROGRESS", ["not yet"; 5]),
        ("INVENTED", ["refused"; 5]),
    ];
    for (state, wanted) in table {
        let seen = Deed::ALL.map(|deed| before(deed, &view(state, "west", Vec::new())));
        assert_eq!(seen, wanted, "{state}");
    }
}

#[test]
fn a_replication_without_a_state_or_an_instance_is_refused() {
    let mut bare = view("NOT_STARTED", "west", Vec::new());
    bare.shown.destination_state = None;
    assert_eq!(Deed::ALL.map(|deed| before(deed, &bare)), ["refused"; 5]);
    let mut young = view("NOT_STARTED", "west", Vec::new());
    if let Some(state) = &mut young.shown.destination_state {
        state.latest_instance = None;
    }
    let (short, words) = told(&judge(&young, &replica(), &step(Deed::Failover)));
    assert_eq!(short, "refused");
    assert!(words.contains("first synchronisation"), "{words}");
}

#[test]
fn the_other_direction_is_refused_unless_the_service_does_not_tell_its_site() {
    let away = view("NOT_STARTED", "east", Vec::new());
    assert_eq!(before(Deed::Migrate, &away), "refused");
    let untold = View { site: None, ..away };
    assert_eq!(before(Deed::Migrate, &untold), "ready");
}

#[test]
fn running_work_of_the_action_is_taken_over_and_other_work_is_waited_out() {
    let busy = view(
        "IN_PROGRESS",
        "west",
        vec![task("t1", "failover", "RUNNING", 200)],
    );
    let found = told(&judge(&busy, &replica(), &step(Deed::Failover)));
    assert_eq!(found, ("running", "t1".to_owned()));
    assert_eq!(before(Deed::Migrate, &busy), "not yet");
    // A state that these models do not know is a task that goes on.
    let strange = view("COMPLETE", "west", vec![task("t1", "reverse", "QUEUED", 200)]);
    assert_eq!(before(Deed::Reverse, &strange), "running");
    // Work that is none of ours does not matter.
    let paused = view("NOT_STARTED", "west", vec![task("t1", "pause", "RUNNING", 200)]);
    assert_eq!(before(Deed::Migrate, &paused), "ready");
}

#[test]
fn a_test_at_a_vcenter_needs_the_vm_that_its_networks_are_keyed_by() {
    let mut nameless = view("NOT_STARTED", "west", Vec::new());
    nameless.shown.vm_id = None;
    let vcenter = Replica {
        target: TargetKind::Vcenter,
        ..replica()
    };
    let (short, _) = told(&judge(&nameless, &vcenter, &step(Deed::Test)));
    assert_eq!(short, "refused");
    assert_eq!(before(Deed::Test, &nameless), "ready");
}

#[test]
fn a_lost_answer_is_explained_by_the_task_that_was_not_there_before() {
    let old = || task("old", "failover", "FAILED", 100);
    let running = view(
        "IN_PROGRESS",
        "west",
        vec![task("new", "failover", "RUNNING", 150), old()],
    );
    assert_eq!(after(Deed::Failover, &running), ("running", "new".to_owned()));
    let succeeded = view(
        "COMPLETE",
        "west",
        vec![task("new", "failover", "SUCCEEDED", 150), old()],
    );
    assert_eq!(after(Deed::Failover, &succeeded).0, "done");
    let failed = view(
        "NOT_STARTED",
        "west",
        vec![task("new", "failover", "FAILED", 150), old()],
    );
    let (short, words) = after(Deed::Failover, &failed);
    assert_eq!(short, "refused");
    assert!(words.contains("No room."), "{words}");
    // The old failure and other kinds of work say nothing about this call.
    let nothing = view(
        "NOT_STARTED",
        "west",
        vec![task("new", "pause", "SUCCEEDED", 150), old()],
    );
    let (short, words) = after(Deed::Failover, &nothing);
    assert_eq!(short, "cannot tell");
    assert!(words.contains("NOT_STARTED, no task of it"), "{words}");
    // Nor does one that was started before those known, whatever its id.
    let earlier = view(
        "NOT_STARTED",
        "west",
        vec![task("new", "failover", "FAILED", 99), old()],
    );
    assert_eq!(after(Deed::Failover, &earlier).0, "cannot tell");
}

#[test]
fn without_a_task_the_state_decides_after_a_lost_answer() {
    let unseen = |state, towards| view(state, towards, Vec::new());
    assert_eq!(after(Deed::Failover, &unseen("COMPLETE", "west")).0, "done");
    assert_eq!(after(Deed::Failover, &unseen("IN_PROGRESS", "west")).0, "not yet");
    assert_eq!(after(Deed::Failover, &unseen("TEST", "west")).0, "cannot tell");
    // A reversal has happened when the direction has changed, not when the state could also be the one before it.
    assert_eq!(after(Deed::Reverse, &unseen("NOT_STARTED", "east")).0, "done");
    assert_eq!(
        after(Deed::Reverse, &unseen("NOT_STARTED", "west")).0,
        "cannot tell"
    );
    assert_eq!(after(Deed::Reverse, &unseen("COMPLETE", "west")).0, "cannot tell");
    // A success of a task that the state does not bear out is none.
    let odd = view(
        "NOT_STARTED",
        "west",
        vec![task("new", "failover", "SUCCEEDED", 150)],
    );
    assert_eq!(after(Deed::Failover, &odd).0, "cannot tell");
}

#[test]
fn adopted_work_without_an_intent_is_known_by_its_newest_task() {
    let adopted = Intent::read(&Value::Null, &step(Deed::Failover)).unwrap();
    let tasks = vec![
        task("t2", "failover", "RUNNING", 300),
        task("t1", "failover", "FAILED", 200),
    ];
    let found = judge_after(
        &view("IN_PROGRESS", "west", tasks),
        &replica(),
        &step(Deed::Failover),
        &adopted,
    );
    assert_eq!(told(&found), ("running", "t2".to_owned()));
    assert!(Intent::read(&json!({"at": 7}), &step(Deed::Failover)).is_none());
}

#[test]
fn what_a_reversal_leaves_behind_is_what_a_failback_reads() {
    let reversed = view("NOT_STARTED", "east", Vec::new());
    let Finding::Done { data, .. } = judge_after(&reversed, &replica(), &step(Deed::Reverse), &intent())
    else {
        panic!("the reversal is done");
    };
    assert_eq!(
        data["recovered_vapp"],
        Value::Null,
        "the text null stands for nothing"
    );
    let timing = crate::plan::Timing {
        settle: std::time::Duration::from_secs(1),
        deadline: std::time::Duration::from_secs(2),
    };
    let payload = json!(replica());
    let request = WorkRequest {
        mode: Mode::Failback,
        payload: &payload,
        reprotected: Some(&data),
        failed_back: false,
        timing,
        forbidden: &[],
    };
    let work = Vcda.work(&request);
    assert_eq!(work.skip, None);
    let step: Step = parse(&work.actions[0].payload).unwrap();
    assert_eq!((step.deed, step.at.as_str()), (Deed::Migrate, "vcda-east"));
    let forbidden = [EndpointId::new("vcda-west")];
    let disaster = WorkRequest {
        mode: Mode::Disaster,
        forbidden: &forbidden,
        ..request
    };
    assert!(Vcda.work(&disaster).skip.is_some());
}

/// What a set-up of these cards is a concern for, with two cards in the plan.
fn concern(cards: Value, target: TargetKind, vm: Option<&str>) -> Option<String> {
    let half = serde_json::from_value(json!({"vmNetworkSettings": cards})).unwrap();
    let two = Replica {
        target,
        nics: 2,
        ..replica()
    };
    SetUp::Networks(Box::new(half)).concern(Recovered::of(&two, &two.destination, vm))
}

#[test]
fn each_card_that_is_left_to_the_service_is_a_concern() {
    let card = |index: u32, more: Value| {
        let mut card = json!({"nicIndex": index});
        for (name, value) in more.as_object().unwrap() {
            card[name] = value.clone();
        }
        card
    };
    let on = |index| card(index, json!({"network": "net", "isConnected": true}));
    for (cards, open) in [
        (json!({"nics": [on(0), on(1)]}), None),
        (
            json!({"nics": [on(0), card(1, json!({"isConnected": false}))]}),
            None,
        ),
        (json!({"copySourceNicSettings": true}), None),
        (json!({"nics": [on(0)]}), Some("card 1 of 2")),
        (
            json!({"nics": [on(1), card(0, json!({"isConnected": true}))]}),
            Some("card 0 of 2"),
        ),
        (json!({"nics": []}), Some("card 0, 1 of 2")),
        (json!({}), Some("no networks are set up")),
        (Value::Null, Some("no networks are set up")),
        (json!(7), Some("cannot be read")),
    ] {
        let seen = concern(cards.clone(), TargetKind::Vcloud, None);
        match open {
            None => assert_eq!(seen, None, "{cards}"),
            Some(open) => {
                let seen = seen.unwrap();
                assert!(
                    seen.contains(open) && seen.contains("left to the service"),
                    "{seen}"
                );
            }
        }
    }
    let set_up = || json!({"nics": [on(0), on(1)]});
    assert!(concern(set_up(), TargetKind::Vcenter, None).is_some_and(|seen| seen.contains("id of the VM")));
    assert_eq!(concern(set_up(), TargetKind::Vcenter, Some("vm-7")), None);
    let nothing = SetUp::Nothing
        .concern(Recovered::of(&replica(), &EndpointId::new("vcda-west"), None))
        .unwrap();
    assert!(
        nothing.starts_with("no networks are set up for a failover; "),
        "{nothing}"
    );
}

#[test]
fn what_a_look_found_of_networks_is_in_the_journal_and_an_intent_of_before_is_still_read() {
    let half =
        json!({"vmNetworkSettings": {"nics": [{"nicIndex": 0, "network": "net", "later": 7}]}, "more": 1});
    let known = Intent {
        networks: Some(SetUp::Networks(Box::new(serde_json::from_value(half).unwrap()))),
        ..intent()
    };
    let read: Intent = Intent::read(&json!(known), &step(Deed::Failover)).unwrap();
    assert_eq!(read, known);
    assert!(matches!(
        read.networks
            .unwrap()
            .networks(Recovered::of(&replica(), &read.at, None)),
        farside_vcda::Networks::Explicit(_)
    ));
    let before = json!(intent());
    assert!(before.get("networks").is_none());
    assert_eq!(
        Intent::read(&before, &step(Deed::Failover)).unwrap().networks,
        None
    );
}

// The clean-up of a VM that had been recovered was told to "reprotect it before it can be tested".
#[test]
fn what_stands_in_the_way_of_a_clean_up_is_not_told_as_of_a_test() {
    let recovered = view("COMPLETE", "west", Vec::new());
    let told = |deed| match judge(&recovered, &replica(), &step(deed)) {
        Finding::Refused { reason } => reason,
        other => panic!("{other:?}"),
    };
    let cleanup = told(Deed::Cleanup);
    assert!(
        cleanup.ends_with("so no test of it is left to clean up"),
        "{cleanup}"
    );
    let test = told(Deed::Test);
    assert!(test.ends_with("reprotect it before it can be tested"), "{test}");
}
