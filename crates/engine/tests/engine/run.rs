//! The schedule of a run: who begins when, which actions share a call, and what ends it.

use farside_engine::{
    BatchKey, EndpointId, Input, Item, ItemId, ItemResult, Mode, PlanError, Record, Rejected, Resend,
    ResolvedPlan, Run, RunId, RunState, Submitted, Timestamp, Waited,
};
use serde_json::json;

use crate::support::bench::{
    Bench, accepted, answer_lost, busy, done, ends, failed, found_done, look_failed, not_yet, ready, too_many,
};
use crate::support::plan::{action, action_of, batch_of, batched, item, plan, single};

fn thing(name: &str) -> Item {
    item(name, vec![action(Resend::WhenSeen)])
}

fn after(name: &str, wanted: &[&str]) -> Item {
    Item {
        depends_on: wanted.iter().map(|name| ItemId::new(*name)).collect(),
        ..thing(name)
    }
}

fn of_group(name: &str, priority: u32) -> Item {
    Item {
        priority,
        ..thing(name)
    }
}

fn at(endpoint: &str, name: &str) -> Item {
    let mut item = thing(name);
    item.actions[0].endpoints = vec![EndpointId::new(endpoint)];
    item
}

fn alone_at(endpoint: &str, name: &str) -> Item {
    Item {
        exclusive_on: vec![EndpointId::new(endpoint)],
        ..at(endpoint, name)
    }
}

fn refusal(plan: ResolvedPlan) -> PlanError {
    Run::start(Timestamp(0), RunId::new("run-1"), plan).unwrap_err()
}

/// Ends the item's first action at its first look.
fn finish(bench: &mut Bench, item: &str) {
    bench.look(item, found_done());
}

fn fail(bench: &mut Bench, item: &str) {
    let refused = farside_engine::Finding::Refused {
        reason: "the provider is offline".to_owned(),
    };
    bench.look(item, refused);
}

#[test]
fn item_begins_with_a_look_then_the_intent_then_the_call() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    assert_eq!(bench.wants(), ["look a"]);
    let records = bench.look("a", ready());
    assert!(matches!(
        records[..],
        [Record::ActionReady { .. }, Record::CallIntended { .. }]
    ));
    assert_eq!(bench.wants(), ["submit 1: a"]);
    bench.answer(1, accepted());
    assert_eq!(bench.wants(), ["wait 1"]);
    bench.waited(1, Waited::Settled(ends(&[("a", done())])));
    assert_eq!(bench.run.state(), RunState::Ended);
    assert_eq!(bench.run.ended(), Some(bench.now));
}

#[test]
fn actions_of_an_item_go_one_after_the_other() {
    let two = vec![action(Resend::WhenSeen), action(Resend::WhenSeen)];
    let mut bench = Bench::start(plan(vec![item("a", two)]));
    assert_eq!(bench.wants(), ["look a"]);
    finish(&mut bench, "a");
    assert_eq!(bench.result("a"), None);
    assert_eq!(bench.wants(), ["look a"]);
    finish(&mut bench, "a");
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
}

#[test]
fn failed_action_is_the_last_of_its_item() {
    let two = vec![action(Resend::WhenSeen), action(Resend::WhenSeen)];
    let mut bench = Bench::start(plan(vec![item("a", two)]));
    fail(&mut bench, "a");
    assert_eq!(bench.result("a"), Some(ItemResult::Failed));
    assert_eq!(bench.note("a"), "the provider is offline");
    assert_eq!(bench.run.state(), RunState::Ended);
}

#[test]
fn priority_group_waits_for_the_one_before_even_when_that_failed() {
    let mut bench = Bench::start(plan(vec![
        of_group("late", 2),
        of_group("a", 1),
        of_group("b", 1),
    ]));
    assert_eq!(bench.wants(), ["look a", "look b"]);
    finish(&mut bench, "a");
    assert_eq!(bench.wants(), ["look b"]);
    fail(&mut bench, "b");
    assert_eq!(bench.wants(), ["look late"]);
}

#[test]
fn item_waits_for_what_it_depends_on() {
    let mut bench = Bench::start(plan(vec![after("b", &["a"]), thing("a")]));
    assert_eq!(bench.wants(), ["look a"]);
    finish(&mut bench, "a");
    assert_eq!(bench.wants(), ["look b"]);
}

#[test]
fn dependents_of_a_failed_item_are_skipped() {
    let mut bench = Bench::start(plan(vec![
        thing("a"),
        after("b", &["a"]),
        after("c", &["b"]),
        thing("d"),
    ]));
    fail(&mut bench, "a");
    assert_eq!(bench.result("b"), Some(ItemResult::Skipped));
    assert_eq!(bench.note("b"), "depends on a, which failed");
    assert_eq!(bench.note("c"), "depends on b, which was skipped");
    assert_eq!(bench.wants(), ["look d"]);
}

#[test]
fn dependents_of_an_item_the_plan_skips_go_on_in_a_rehearsal_and_in_a_disaster_only() {
    for mode in Mode::ALL {
        let skipped = Item {
            skip: Some("a vCenter cluster has no test".to_owned()),
            ..thing("a")
        };
        let bench = Bench::start(ResolvedPlan {
            mode,
            ..plan(vec![skipped, after("b", &["a"])])
        });
        assert_eq!(bench.result("a"), Some(ItemResult::Skipped));
        assert_eq!(bench.note("a"), "a vCenter cluster has no test");
        if matches!(mode, Mode::Test | Mode::Disaster) {
            assert_eq!(bench.wants(), ["look b"], "{mode}");
        } else {
            assert_eq!(bench.note("b"), "depends on a, which was skipped", "{mode}");
        }
    }
}

#[test]
fn item_that_the_plan_skips_is_not_called_done_for_having_no_actions() {
    let skipped = Item {
        skip: Some("not testable".to_owned()),
        ..item("a", Vec::new())
    };
    let bench = Bench::start(plan(vec![skipped]));
    assert_eq!(bench.result("a"), Some(ItemResult::Skipped));
    assert_eq!(bench.run.state(), RunState::Ended);
}

#[test]
fn item_without_actions_is_done_at_once() {
    let bench = Bench::start(plan(vec![item("a", Vec::new()), after("b", &["a"])]));
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
    assert_eq!(bench.wants(), ["look b"]);
}

#[test]
fn cycle_is_named() {
    let error = refusal(plan(vec![
        after("a", &["b"]),
        after("b", &["c"]),
        thing("x"),
        after("c", &["x", "b"]),
    ]));
    assert_eq!(error.to_string(), "dependency cycle: b -> c -> b");
    assert_eq!(
        refusal(plan(vec![after("a", &["a"])])).to_string(),
        "dependency cycle: a -> a"
    );
}

#[test]
fn plan_that_cannot_be_run_is_refused() {
    let mut later = of_group("a", 1);
    later.depends_on = vec![ItemId::new("b")];
    assert_eq!(
        refusal(plan(vec![later, of_group("b", 2)])).to_string(),
        "item a depends on b, whose priority group starts later"
    );
    assert_eq!(
        refusal(plan(vec![after("a", &["ghost"])])).to_string(),
        "item a depends on ghost, which is not in the plan"
    );
    assert_eq!(
        refusal(plan(vec![thing("a"), thing("a")])).to_string(),
        "item a is listed twice"
    );
    let mut shut = single(Resend::WhenSeen);
    shut.limits.insert(EndpointId::new("east"), 0);
    assert_eq!(refusal(shut), PlanError::ZeroLimit(EndpointId::new("east")));
}

#[test]
fn exclusive_item_drains_its_endpoint_first() {
    let mut bench = Bench::start(plan(vec![
        of_group("early", 0),
        at("east", "a"),
        alone_at("east", "switch"),
        at("west", "b"),
    ]));
    finish(&mut bench, "early");
    assert_eq!(bench.wants(), ["look switch", "look b"]);
    finish(&mut bench, "switch");
    assert_eq!(bench.wants(), ["look a", "look b"]);
}

#[test]
fn exclusive_item_waits_for_what_is_under_way_and_lets_nothing_else_begin() {
    let mut waiting = alone_at("east", "switch");
    waiting.depends_on = vec![ItemId::new("gate")];
    let mut second = at("east", "b");
    second.depends_on = vec![ItemId::new("gate")];
    let mut bench = Bench::start(plan(vec![at("east", "a"), at("west", "gate"), second, waiting]));
    assert_eq!(bench.wants(), ["look a", "look gate"]);
    finish(&mut bench, "gate");
    assert_eq!(bench.wants(), ["look a"]);
    finish(&mut bench, "a");
    assert_eq!(bench.wants(), ["look switch"]);
    bench.look("switch", ready());
    bench.answer(1, answer_lost());
    assert_eq!(bench.wants(), ["look switch after 1"]);
    bench.look("switch", found_done());
    assert_eq!(bench.wants(), ["look b"]);
}

#[test]
fn two_exclusive_items_that_touch_each_other_go_in_turn() {
    let mut first = alone_at("east", "first");
    first.actions[0].endpoints.push(EndpointId::new("west"));
    let mut second = alone_at("west", "second");
    second.actions[0].endpoints.push(EndpointId::new("east"));
    let mut bench = Bench::start(plan(vec![first, second]));
    assert_eq!(bench.wants(), ["look first"]);
    finish(&mut bench, "first");
    assert_eq!(bench.wants(), ["look second"]);
}

#[test]
fn ready_actions_of_one_key_share_a_call_once_no_look_is_out() {
    let mut bench = Bench::start(batch_of(3));
    bench.look("a", ready());
    bench.look("c", ready());
    assert_eq!(bench.wants(), ["look b"]);
    bench.look("b", ready());
    assert_eq!(bench.wants(), ["submit 1: a b c"]);
}

#[test]
fn batch_does_not_wait_for_a_look_that_was_put_off() {
    let mut bench = Bench::start(batch_of(2));
    bench.look("a", ready());
    bench.look("b", not_yet());
    assert_eq!(bench.wants(), ["submit 1: a"]);
}

#[test]
fn full_call_goes_out_while_other_looks_are_under_way() {
    let mut bench = Bench::start(batch_of(3));
    for item in ["a", "b"] {
        let limited = farside_engine::Finding::Ready {
            intent: json!(null),
            limit: Some(2),
        };
        bench.look(item, limited);
    }
    assert_eq!(bench.wants(), ["look c", "submit 1: a b"]);
}

#[test]
fn limit_of_zero_means_that_none_is_known() {
    let mut bench = Bench::start(batch_of(2));
    for item in ["a", "b"] {
        let unlimited = farside_engine::Finding::Ready {
            intent: json!(null),
            limit: Some(0),
        };
        bench.look(item, unlimited);
    }
    assert_eq!(bench.wants(), ["submit 1: a b"]);
}

#[test]
fn actions_without_a_key_or_with_another_go_apart() {
    let mut other = batched(Resend::Guarded);
    other.batch = Some(BatchKey::new("fail over at west"));
    let mut bench = Bench::start(plan(vec![
        item("a", vec![batched(Resend::Guarded)]),
        item("b", vec![other]),
        thing("c"),
    ]));
    bench.all_ready(&["a", "b", "c"]);
    assert_eq!(bench.wants(), ["submit 1: a", "submit 2: b", "submit 3: c"]);
}

/// A limit that the call kept is not believed.
#[test]
fn too_many_halves_the_batch() {
    let names = ["a", "b", "c", "d", "e"];
    let mut bench = Bench::start(batch_of(5));
    bench.all_ready(&names);
    let records = bench.answer(1, refused_as_too_large(Some(50)));
    let learned = Record::LimitLearned {
        at: bench.now,
        batch: BatchKey::new("fail over at east"),
        limit: 2,
    };
    assert_eq!(records.iter().filter(|record| **record == learned).count(), 1);
    bench.all_ready(&names);
    assert_eq!(bench.wants(), ["submit 2: a b", "submit 3: c d", "submit 4: e"]);
}

fn refused_as_too_large(limit: Option<u32>) -> Submitted {
    Submitted::Refused {
        reason: "too many".to_owned(),
        again: farside_engine::Again::Smaller { limit },
    }
}

#[test]
fn too_many_is_cut_to_the_limit_that_the_server_names() {
    let names = ["a", "b", "c", "d"];
    for (named, expected) in [(Some(3), 3), (Some(0), 1), (None, 1)] {
        let mut bench = Bench::start(batch_of(4));
        bench.all_ready(&names);
        bench.answer(1, refused_as_too_large(named));
        bench.all_ready(&names);
        assert_eq!(bench.call(2).members.len(), expected);
    }
}

#[test]
fn too_many_for_one_member_sends_only_that_one_again() {
    let mut bench = Bench::start(batch_of(3));
    bench.all_ready(&["a", "b", "c"]);
    bench.answer(1, accepted());
    let results = ends(&[("b", too_many(Some(2))), ("a", done()), ("c", failed())]);
    bench.waited(1, Waited::Settled(results));
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
    assert_eq!(bench.result("c"), Some(ItemResult::Failed));
    bench.look("b", ready());
    assert_eq!(bench.wants(), ["submit 2: b"]);
}

#[test]
fn limit_that_was_learned_is_never_raised() {
    let names = ["a", "b", "c", "d"];
    let mut bench = Bench::start(batch_of(4));
    bench.all_ready(&names);
    let results = ends(&[
        ("a", too_many(Some(3))),
        ("b", too_many(Some(1))),
        ("c", too_many(Some(2))),
        ("d", busy()),
    ]);
    bench.answer(1, Submitted::Settled(results));
    bench.all_ready(&["a", "b", "c"]);
    assert_eq!(bench.call(2).members.len(), 1);
}

#[test]
fn too_many_alone_in_the_call_is_a_failure() {
    let mut bench = Bench::start(batch_of(1));
    bench.look("a", ready());
    bench.answer(1, refused_as_too_large(None));
    assert_eq!(bench.result("a"), Some(ItemResult::Failed));
}

#[test]
fn endpoint_takes_no_more_calls_than_its_limit() {
    let mut crowded = plan(vec![thing("a"), thing("b"), thing("c"), at("west", "d")]);
    crowded.limits.insert(EndpointId::new("east"), 2);
    let mut bench = Bench::start(crowded);
    bench.all_ready(&["a", "b", "c", "d"]);
    assert_eq!(bench.wants(), ["submit 1: a", "submit 2: b", "submit 3: d"]);
    bench.answer(1, answer_lost());
    assert_eq!(bench.wants(), ["look a after 1", "submit 2: b", "submit 3: d"]);
    bench.look("a", found_done());
    assert_eq!(bench.wants(), ["submit 2: b", "submit 3: d", "submit 4: c"]);
}

#[test]
fn abort_lets_nothing_begin_and_sees_calls_to_their_end() {
    let two = vec![action(Resend::WhenSeen), action(Resend::WhenSeen)];
    let mut bench = Bench::start(plan(vec![
        item("sent", two),
        thing("looked"),
        of_group("late", 2),
    ]));
    bench.look("sent", ready());
    bench.answer(1, accepted());
    bench.give(Input::Abort);
    assert_eq!(bench.give(Input::Abort), []);
    assert_eq!(bench.wants(), ["wait 1"]);
    assert_eq!(bench.result("looked"), Some(ItemResult::Skipped));
    assert_eq!(bench.note("late"), "the run was aborted");
    let looked = Input::Looked {
        action: action_of("looked", 0),
        after: None,
        finding: ready(),
    };
    bench.give_in_vain(looked);
    bench.waited(1, Waited::Settled(ends(&[("sent", done())])));
    assert_eq!(bench.result("sent"), Some(ItemResult::Skipped));
    assert_eq!(bench.run.state(), RunState::Ended);
    assert!(bench.run.is_aborting());
}

#[test]
fn aborted_run_still_verifies_a_lost_call() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.look("a", ready());
    bench.give(Input::Abort);
    bench.answer(1, answer_lost());
    bench.look("a", look_failed());
    assert_eq!(bench.run.state(), RunState::Running);
    bench.wake();
    bench.look("a", ready());
    assert_eq!(bench.result("a"), Some(ItemResult::Skipped));
    assert_eq!(bench.run.state(), RunState::Ended);
}

#[test]
fn stopped_run_begins_nothing_and_goes_on_when_opened() {
    let mut bench = Bench::start(plan(vec![thing("a"), thing("b")]));
    bench.look("a", ready());
    bench.give(Input::Stop);
    assert_eq!(bench.give(Input::Stop), []);
    assert_eq!(bench.wants(), Vec::<String>::new());
    assert_eq!(bench.run.wake_at(bench.now), None);
    bench.answer(1, accepted());
    bench.give(Input::Looked {
        action: action_of("b", 0),
        after: None,
        finding: ready(),
    });
    assert_eq!(bench.run.calls().count(), 1);
    bench.reopen();
    assert_eq!(bench.wants(), ["look b", "wait 1"]);
}

#[test]
fn run_that_has_ended_takes_nothing_more() {
    let mut bench = Bench::start(plan(Vec::new()));
    assert_eq!(bench.run.state(), RunState::Ended);
    for input in [Input::Tick, Input::Abort, Input::Stop, Input::CutSettle] {
        assert_eq!(bench.give_in_vain(input), Rejected::RunEnded);
    }
    assert_eq!(bench.run.open(bench.now), Err(Rejected::RunEnded));
}
