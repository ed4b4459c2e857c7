//! Fault rules and what the log of calls says about them; the same seed and the same calls.

use farside_simulator::exchange::Reply;
use farside_simulator::{FaultAction, FaultRule};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Action, Pair};

const FAILOVER: &str = "vmReplications.failover";

fn fail_over(pair: &mut Pair, id: &str) -> Reply {
    let body = json!({"type": "vcloud"});
    pair.send(
        "west",
        Method::POST,
        &format!("/vm-replications/{id}/failover"),
        Some(&body),
    )
    .reply
}

#[test]
fn a_dropped_answer_hides_work_that_is_done() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::DropAnswer));
    assert_eq!(fail_over(&mut pair, &id), Reply::Cut);
    pair.pass(5_000);
    assert_eq!(pair.recovery_state("west", &id), "COMPLETE");
    assert_eq!(pair.counts(FAILOVER, &id), [1, 0, 1, 1, 0]);
}

#[test]
fn a_cut_before_acting_leaves_everything_as_it_was() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::Cut));
    assert_eq!(fail_over(&mut pair, &id), Reply::Cut);
    assert_eq!(pair.recovery_state("west", &id), "NOT_STARTED");
    assert_eq!(pair.counts(FAILOVER, &id), [1, 0, 0, 0, 0]);
    assert!(matches!(fail_over(&mut pair, &id), Reply::Answer(answer) if answer.status == 202));
}

#[test]
fn a_blind_resend_shows_in_the_log_as_an_attempt_while_unsettled() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::DropAnswer));
    fail_over(&mut pair, &id);
    fail_over(&mut pair, &id);
    pair.pass(5_000);
    assert_eq!(pair.counts(FAILOVER, &id), [2, 1, 1, 1, 1]);
}

#[test]
fn a_refusal_comes_in_the_services_form_or_as_the_rule_says() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let plain = FaultAction::Refuse {
        status: 503,
        body: None,
        retry_after: Some(7),
    };
    let own = FaultAction::Refuse {
        status: 400,
        body: Some(json!({"code": "Busy"})),
        retry_after: None,
    };
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, plain).on(&format!("vm-replications/{id}")));
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, own).from_nth(2).at("west"));
    let answer = crate::support::answer(pair.send(
        "west",
        Method::POST,
        &format!("/vm-replications/{id}/failover"),
        None,
    ));
    assert_eq!(
        (answer.status, &answer.value()["code"]),
        (503, &json!("GeneralServerFailure"))
    );
    assert_eq!(answer.header_text("retry-after"), Some("7"));
    let answer = pair.act("west", &id, Action::Failover);
    assert_eq!((answer.status, answer.value()), (400, json!({"code": "Busy"})));
    assert_eq!(pair.counts(FAILOVER, &id), [2, 2, 0, 0, 0]);
    assert_eq!(pair.act("west", &id, Action::Failover).status, 202);
}

#[test]
fn ended_sessions_and_lost_sites_strike_the_call_that_meets_them() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::EndSessions));
    assert_eq!(pair.act("west", &id, Action::Failover).status, 401);
    let mut pair = Pair::new(1, 1);
    let lost = FaultAction::SetReachable {
        endpoint: "west".to_owned(),
        reachable: false,
    };
    pair.world.faults_mut().add(FaultRule::new(FAILOVER, lost));
    assert_eq!(fail_over(&mut pair, &id), Reply::Cut);
    assert_eq!(fail_over(&mut pair, &id), Reply::Unreachable);
    let mut pair = Pair::new(1, 1);
    let lost = FaultAction::SetReachable {
        endpoint: "east".to_owned(),
        reachable: false,
    };
    pair.world
        .faults_mut()
        .add(FaultRule::new("vmReplications.migrate", lost));
    assert_eq!(
        pair.finish("west", &id, Action::Migrate)["state"],
        json!("FAILED")
    );
}

#[test]
fn a_delay_and_silence_act_at_once_and_answer_late_or_never() {
    let mut pair = Pair::new(1, 2);
    let (first, second) = (pair.id(1), pair.id(2));
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::Delay { ms: 900 }));
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::Silence { acted: true }).from_nth(2));
    let body = json!({"type": "vcloud"});
    let handled = pair.send(
        "west",
        Method::POST,
        &format!("/vm-replications/{first}/failover"),
        Some(&body),
    );
    assert_eq!(handled.delay_ms, 900);
    assert_eq!(pair.recovery_state("west", &first), "IN_PROGRESS");
    assert_eq!(fail_over(&mut pair, &second), Reply::Silence);
    assert_eq!(pair.recovery_state("west", &second), "IN_PROGRESS");
}

/// A fixed sequence of calls, and everything that came of it.
fn trace(seed: u64, order: [u32; 3]) -> Vec<Value> {
    let mut pair = Pair::new(seed, 3);
    let mut seen = Vec::new();
    pair.world
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::DropAnswer).from_nth(2));
    for number in order {
        let id = pair.id(number);
        seen.push(json!(format!("{:?}", fail_over(&mut pair, &id))));
    }
    for _ in 0..6 {
        pair.pass(400);
        seen.push(pair.get("west", "/tasks?sort=startTime,id-"));
    }
    seen.push(pair.world.state());
    seen.push(json!(pair.world.calls().entries()));
    seen
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_trace() {
    assert_eq!(trace(11, [1, 2, 3]), trace(11, [1, 2, 3]));
    assert_ne!(trace(11, [1, 2, 3]), trace(12, [1, 2, 3]));
}

#[test]
fn work_on_an_object_takes_as_long_whatever_is_called_before_it() {
    let ends = |order: [u32; 3]| {
        let mut pair = Pair::new(13, 3);
        for number in order {
            let id = pair.id(number);
            fail_over(&mut pair, &id);
        }
        let mut ends: Vec<_> = pair
            .world
            .vcda()
            .tasks()
            .map(|task| (task.resource.name.clone(), task.ends_ms))
            .collect();
        ends.sort();
        ends
    };
    assert_eq!(ends([1, 2, 3]), ends([3, 1, 2]));
}
