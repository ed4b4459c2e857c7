//! How long anything is waited for, and what a run that is opened again makes of the time between.

use farside_engine::{ActionState, EndpointId, ItemResult, Resend, Submitted, Waited};

use crate::support::bench::{Bench, accepted, busy, done, ends, found_running, look_failed, not_yet, ready};
use crate::support::plan::{DEADLINE, action, batch_of, item, plan, single};

#[test]
fn look_that_cannot_be_had_before_the_deadline_fails_the_action() {
    for (finding, reason) in [(not_yet(), "synchronised"), (look_failed(), "no route")] {
        let mut bench = Bench::start(single(Resend::WhenSeen));
        let began = bench.now;
        bench.until_over("a", |bench, _| {
            bench.look("a", finding.clone());
        });
        assert_eq!(bench.result("a"), Some(ItemResult::Failed));
        assert!(bench.note("a").contains(reason), "{}", bench.note("a"));
        let late = bench.now.since(began) - DEADLINE;
        assert!(late < 30_000, "{late} ms after the deadline");
    }
}

#[test]
fn deadline_of_accepted_work_leads_to_a_look() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.look("a", ready());
    bench.answer(1, accepted());
    bench.after(DEADLINE - 1);
    assert_eq!(bench.wants(), ["wait 1"]);
    bench.wake();
    assert_eq!(bench.wants(), ["look a after 1"]);
    bench.look("a", found_running());
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
    assert!(bench.note("a").contains("at the deadline"), "{}", bench.note("a"));
}

#[test]
fn waiting_for_a_full_endpoint_is_not_the_fault_of_the_action() {
    let mut crowded = plan(vec![
        item("a", vec![action(Resend::WhenSeen)]),
        item("b", vec![action(Resend::WhenSeen)]),
    ]);
    crowded.limits.insert(EndpointId::new("east"), 1);
    let mut bench = Bench::start(crowded);
    bench.all_ready(&["a", "b"]);
    bench.answer(1, accepted());
    bench.after(DEADLINE - 1);
    bench.waited(1, Waited::Settled(ends(&[("a", done())])));
    bench.after(10);
    bench.answer(2, Submitted::Settled(ends(&[("b", busy())])));
    assert_eq!(bench.result("b"), None);
    bench.wake();
    bench.look("b", look_failed());
    assert_eq!(bench.result("b"), None);
}

#[test]
fn reopened_run_looks_at_intended_calls() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["submit 1: a"]);
    bench.reopen();
    assert_eq!(bench.wants(), ["look a after 1"]);
}

#[test]
fn reopened_run_waits_for_accepted_calls() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.look("a", ready());
    bench.answer(1, accepted());
    bench.now = bench.now.plus(10 * DEADLINE);
    bench.reopen();
    assert_eq!(bench.wants(), ["wait 1"]);
    bench.after(DEADLINE - 1);
    assert_eq!(bench.wants(), ["wait 1"]);
}

#[test]
fn reopened_run_looks_again_before_it_sends() {
    let mut bench = Bench::start(batch_of(2));
    bench.look("a", ready());
    assert!(matches!(bench.state("a"), ActionState::Ready { .. }));
    bench.reopen();
    assert_eq!(bench.wants(), ["look a", "look b"]);
}

#[test]
fn time_before_a_run_was_reopened_is_nobodys_fault() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.now = bench.now.plus(10 * DEADLINE);
    bench.reopen();
    bench.look("a", look_failed());
    assert_eq!(bench.result("a"), None);
}
