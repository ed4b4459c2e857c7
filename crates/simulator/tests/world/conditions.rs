//! Conditions: a lost site, full storage, at the sites of VMware Cloud Director Availability; answers that are cut.

use farside_simulator::exchange::Reply;
use farside_simulator::{FaultAction, FaultRule, Loss};
use http::Method;
use serde_json::json;

use crate::support::{Action, Pair, answer};

const MINUTE_MS: i64 = 60_000;

fn lose(site: &str, how: Loss) -> FaultRule {
    FaultRule::any(FaultAction::LoseSite {
        site: site.to_owned(),
        how,
    })
}

fn fill(site: &str) -> FaultRule {
    FaultRule::any(FaultAction::FillDisk {
        site: site.to_owned(),
    })
}

fn list(pair: &mut Pair, site: &str) -> Reply {
    pair.send(site, Method::GET, "/vm-replications", None).reply
}

#[test]
fn an_answer_is_cut_after_so_many_bytes_and_the_server_has_acted() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let rule = FaultRule::new(
        "vmReplications.failover",
        FaultAction::CutAnswer { after_bytes: 10 },
    );
    pair.world.add_fault(rule).expect("a rule");
    let body = json!({"type": "vcloud"});
    let path = format!("/vm-replications/{id}/failover");
    let reply = pair.send("west", Method::POST, &path, Some(&body)).reply;
    assert!(
        matches!(&reply, Reply::Part(answer, 10) if answer.status == 202),
        "{reply:?}"
    );
    pair.pass(5_000);
    assert_eq!(pair.recovery_state("west", &id), "COMPLETE");
    assert_eq!(pair.counts("vmReplications.failover", &id), [1, 0, 1, 1, 0]);
}

#[test]
fn the_last_byte_of_an_answer_that_is_cut_never_arrives_and_one_without_a_body_is_dropped() {
    let mut pair = Pair::new(1, 1);
    let rule = FaultRule::any(FaultAction::CutAnswer {
        after_bytes: 1_000_000,
    });
    pair.world.add_fault(rule.times(None)).expect("a rule");
    let reply = list(&mut pair, "west");
    assert!(matches!(&reply, Reply::Part(answer, bytes) if *bytes + 1 == answer.body.len()));
    assert_eq!(
        pair.send("west", Method::DELETE, "/sessions", None).reply,
        Reply::Cut
    );
}

#[test]
fn a_lost_site_drops_packets_for_its_time_and_is_back() {
    let mut pair = Pair::new(1, 1);
    let from_ms = pair.world.now_ms() + 1_000;
    let rule = lose("west", Loss::Dropped).between(from_ms, Some(from_ms + 2_000));
    let id = pair.world.add_fault(rule).expect("a rule");
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
    pair.pass(1_000);
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    let vcenter = farside_simulator::exchange::Request::new(Method::GET, "/api/session");
    assert_eq!(pair.world.handle("vc-west", &vcenter).reply, Reply::Dropped);
    assert!(matches!(list(&mut pair, "east"), Reply::Answer(_)));
    let fault = pair.world.faults().get(id).expect("the rule").clone();
    assert_eq!((fault.holds_since_ms, fault.over), (Some(from_ms), false));
    pair.pass(2_000);
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
    assert!(pair.world.faults().get(id).expect("the rule").over);
}

#[test]
fn a_lost_site_may_refuse_and_is_back_when_its_rule_is_removed() {
    let mut pair = Pair::new(1, 1);
    let id = pair.world.add_fault(lose("west", Loss::Refused)).expect("a rule");
    assert_eq!(list(&mut pair, "west"), Reply::Unreachable);
    let second = pair.world.add_fault(lose("west", Loss::Dropped)).expect("a rule");
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    assert!(pair.world.remove_fault(id));
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    assert!(pair.world.remove_fault(second));
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
}

/// An operator takes an endpoint off the net while its site is lost, and finds it back when the site is.
#[test]
fn an_endpoint_that_was_lost_by_hand_stays_so_when_its_site_is_back() {
    for how in [Loss::Dropped, Loss::Refused] {
        let mut pair = Pair::new(1, 1);
        assert!(pair.world.set_reachable("west", false));
        let id = pair.world.add_fault(lose("west", how)).expect("a rule");
        let lost = match how {
            Loss::Dropped => Reply::Dropped,
            Loss::Refused => Reply::Unreachable,
        };
        assert_eq!(list(&mut pair, "west"), lost);
        assert!(pair.world.remove_fault(id));
        assert_eq!(list(&mut pair, "west"), Reply::Unreachable);
        assert!(pair.world.endpoint("vc-west").expect("it is there").reachable);
        assert!(pair.world.set_reachable("west", true));
        assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
    }
}

#[test]
fn an_endpoint_that_is_given_back_by_hand_stays_lost_with_its_site() {
    let mut pair = Pair::new(1, 1);
    let rule = lose("west", Loss::Dropped).lasting(1_000);
    pair.world.add_fault(rule).expect("a rule");
    assert!(pair.world.set_reachable("west", false));
    assert!(pair.world.set_reachable("west", true));
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    pair.pass(1_000);
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
}

#[test]
fn a_call_may_begin_a_condition_that_swallows_it() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let rule = FaultRule {
        operation: Some("vmReplications.failover".to_owned()),
        ..lose("west", Loss::Dropped).lasting(500)
    };
    pair.world.add_fault(rule).expect("a rule");
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
    let path = format!("/vm-replications/{id}/failover");
    let body = json!({"type": "vcloud"});
    assert_eq!(
        pair.send("west", Method::POST, &path, Some(&body)).reply,
        Reply::Dropped
    );
    assert_eq!(pair.counts("vmReplications.failover", &id), [1, 0, 0, 0, 0]);
    pair.pass(499);
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    pair.pass(1);
    assert!(matches!(list(&mut pair, "west"), Reply::Answer(_)));
    assert_eq!(pair.act("west", &id, Action::Failover).status, 202);
}

#[test]
fn nothing_is_replicated_from_or_to_a_lost_site_and_calls_that_need_it_fail() {
    for site in ["east", "west"] {
        let mut pair = Pair::new(1, 1);
        let id = pair.id(1);
        let fault = pair.world.add_fault(lose(site, Loss::Dropped)).expect("a rule");
        let newest = |pair: &Pair| {
            let found = pair.world.vcda().replication(&id).expect("the replication");
            found.latest_instance().expect("an instance").taken_ms
        };
        let before_ms = newest(&pair);
        pair.pass(60 * MINUTE_MS);
        assert_eq!(newest(&pair), before_ms, "{site}");
        let found = pair.world.vcda().replication(&id).expect("the replication");
        assert!(found.rpo_violation_minutes(pair.world.now_ms()) >= 45, "{site}");
        if site == "east" {
            pair.log_in_again();
            assert_eq!(
                pair.finish("west", &id, Action::Migrate)["state"],
                json!("FAILED")
            );
        }
        pair.world.remove_fault(fault);
        pair.pass(16 * MINUTE_MS);
        let found = pair.world.vcda().replication(&id).expect("the replication");
        assert_eq!(found.rpo_violation_minutes(pair.world.now_ms()), 0, "{site}");
    }
}

#[test]
fn work_that_needs_room_fails_at_a_site_that_is_full_and_what_needs_none_goes_on() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let fault = pair.world.add_fault(fill("west")).expect("a rule");
    for action in [Action::Test, Action::Failover, Action::Migrate] {
        let task = pair.finish("west", &id, action);
        assert_eq!(task["error"]["code"], json!("GeneralServerFailure"), "{action:?}");
        assert_eq!(task["error"]["args"], json!([id, "west"]));
        assert_eq!(task["error"]["msg"], json!("The storage of site west is full."));
        assert_eq!(pair.recovery_state("west", &id), "NOT_STARTED");
    }
    pair.pass(60 * MINUTE_MS);
    pair.log_in_again();
    let found = pair.world.vcda().replication(&id).expect("the replication");
    assert!(found.rpo_violation_minutes(pair.world.now_ms()) > 30);

    pair.world.remove_fault(fault);
    assert_eq!(
        pair.finish("west", &id, Action::Failover)["state"],
        json!("SUCCEEDED")
    );
    pair.world.add_fault(fill("east")).expect("a rule");
    assert_eq!(
        pair.finish("west", &id, Action::Reverse)["state"],
        json!("FAILED")
    );
}

#[test]
fn room_that_is_made_while_work_runs_is_used() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let rule = fill("west").lasting(1);
    pair.world.add_fault(rule).expect("a rule");
    assert_eq!(
        pair.finish("west", &id, Action::Failover)["state"],
        json!("SUCCEEDED")
    );
}

#[test]
fn a_condition_that_is_added_unseen_holds_until_it_is_removed() {
    let mut pair = Pair::new(1, 1);
    let id = pair.world.faults_mut().add(lose("west", Loss::Dropped));
    assert_eq!(list(&mut pair, "west"), Reply::Dropped);
    assert!(pair.world.faults_mut().remove(id));
    assert_eq!(
        answer(pair.send("west", Method::GET, "/sessions", None)).status,
        200
    );
}
