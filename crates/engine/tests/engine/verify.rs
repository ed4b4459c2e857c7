//! What is done about a call that may have happened, or was refused.

use farside_engine::{
    ActionState, Again, CallId, CallState, Input, ItemResult, MemberEnd, Mode, Record, Rejected, Resend,
    ResolvedPlan, Submitted, Waited,
};
use serde_json::json;

use crate::support::bench::{
    Bench, accepted, answer_lost, busy, cannot_tell, done, ends, failed, found_done, found_running,
    look_failed, not_yet, ready,
};
use crate::support::plan::{DEADLINE, SETTLE, action, action_of, batch_of, item, plan, single};

/// A run of one item `a` whose first call was sent and got no answer.
fn lost(resend: Resend) -> Bench {
    lost_in(single(resend))
}

fn lost_in(plan: ResolvedPlan) -> Bench {
    let mut bench = Bench::start(plan);
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["submit 1: a"]);
    bench.answer(1, answer_lost());
    bench
}

fn wait_lost() -> Waited {
    Waited::Lost {
        reason: "the server does not know the task".to_owned(),
    }
}

#[test]
fn lost_answer_is_verified_before_it_is_sent_again() {
    let mut bench = lost(Resend::WhenSeen);
    assert_eq!(bench.wants(), ["look a after 1"]);
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["look a"]);
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["submit 2: a"]);
}

#[test]
fn lost_answer_of_a_call_that_happened_is_not_sent_again() {
    let mut bench = lost(Resend::WhenSeen);
    bench.look("a", found_done());
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
    assert_eq!(bench.run.calls().count(), 1);
}

#[test]
fn guarded_action_waits_for_the_settle_time() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    let first_seen = bench.now;
    while bench.now.since(first_seen) < SETTLE {
        assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
        bench.wake();
        bench.look("a", cannot_tell("TARGET"));
    }
    assert_eq!(bench.now.since(first_seen), SETTLE);
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["submit 2: a"]);
}

#[test]
fn settle_time_restarts_when_what_is_seen_changes() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("INTEST"));
    bench.after(SETTLE - 1);
    bench.look("a", cannot_tell("INTEST"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
    bench.wake();
    bench.look("a", cannot_tell("INTEST"));
    assert!(matches!(bench.state("a"), ActionState::Looking { .. }));
}

#[test]
fn settle_time_restarts_after_the_world_was_in_between() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE / 2);
    bench.look("a", not_yet());
    bench.after(SETTLE / 2);
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
}

#[test]
fn settle_time_restarts_after_a_look_that_failed() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE / 2);
    bench.look("a", look_failed());
    bench.after(SETTLE / 2);
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Looking { .. }));
}

#[test]
fn settle_time_is_at_least_the_longest_such_work_of_the_run() {
    let mut slow = item("slow", vec![action(Resend::Guarded)]);
    slow.priority = 0;
    let mut bench = Bench::start(plan(vec![slow, item("a", vec![action(Resend::Guarded)])]));
    bench.look("slow", ready());
    bench.answer(1, accepted());
    bench.after(3 * SETTLE);
    bench.waited(1, Waited::Settled(ends(&[("slow", done())])));
    bench.look("a", ready());
    bench.answer(2, answer_lost());
    bench.look("a", cannot_tell("TARGET"));
    bench.after(3 * SETTLE - 1);
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
    bench.after(1);
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Looking { .. }));
}

#[test]
fn what_is_never_seen_to_settle_ends_as_unknown() {
    let mut bench = lost(Resend::Guarded);
    let looks = bench.until_over("a", |bench, look| {
        bench.look("a", cannot_tell(&format!("{look} percent")));
    });
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
    assert!(looks < 50, "{looks} looks");
}

#[test]
fn harmless_action_goes_again_at_once() {
    let mut bench = lost(Resend::Harmless);
    bench.look("a", cannot_tell("nothing"));
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["submit 2: a"]);
}

#[test]
fn action_that_must_be_seen_stays_unknown_after_the_settle_time() {
    let mut bench = lost(Resend::WhenSeen);
    bench.look("a", cannot_tell("no active node"));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("no active node"));
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
}

#[test]
fn settle_time_can_be_cut_in_a_disaster_only() {
    let mut disaster = single(Resend::Guarded);
    disaster.mode = Mode::Disaster;
    let mut bench = lost_in(disaster);
    bench.give(Input::CutSettle);
    assert_eq!(bench.give(Input::CutSettle), []);
    bench.look("a", cannot_tell("TARGET"));
    assert_eq!(bench.wants(), ["look a"]);
    for mode in Mode::ALL.into_iter().filter(|mode| *mode != Mode::Disaster) {
        let mut bench = lost_in(ResolvedPlan {
            mode,
            ..single(Resend::Guarded)
        });
        assert_eq!(bench.give_in_vain(Input::CutSettle), Rejected::SettleIsFixed);
    }
}

#[test]
fn settle_time_of_what_no_server_guards_cannot_be_cut() {
    let mut disaster = single(Resend::Unchanged);
    disaster.mode = Mode::Disaster;
    let mut bench = lost_in(disaster);
    assert_eq!(bench.give(Input::CutSettle), []);
    bench.look("a", cannot_tell("the former node is active"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("the former node is active"));
    assert!(matches!(bench.state("a"), ActionState::Looking { .. }));
}

#[test]
fn settle_time_is_counted_anew_when_the_run_is_opened_again() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE);
    bench.reopen();
    bench.look("a", cannot_tell("TARGET"));
    assert!(matches!(bench.state("a"), ActionState::Verifying(_)));
}

#[test]
fn action_that_was_seen_not_to_happen_again_and_again_has_failed() {
    let mut bench = lost(Resend::WhenSeen);
    for call in 2..=5 {
        bench.look("a", ready());
        bench.look("a", ready());
        bench.answer(call, answer_lost());
    }
    bench.look("a", ready());
    assert_eq!(bench.result("a"), Some(ItemResult::Failed));
    assert!(bench.note("a").contains("did not happen"), "{}", bench.note("a"));
}

#[test]
fn action_that_nobody_can_tell_about_again_and_again_is_unknown() {
    let mut bench = lost(Resend::Harmless);
    for call in 2..=5 {
        bench.look("a", cannot_tell("nothing"));
        bench.look("a", ready());
        bench.answer(call, answer_lost());
    }
    bench.look("a", cannot_tell("nothing"));
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
}

/// A server that restarts refuses many connections; each of them says that nothing was sent.
#[test]
fn refused_calls_do_not_use_up_what_a_lost_one_may_need() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    for call in 1..=6 {
        bench.look("a", ready());
        bench.answer(call, Submitted::Settled(ends(&[("a", busy())])));
        bench.wake();
    }
    bench.look("a", ready());
    bench.answer(7, answer_lost());
    bench.look("a", ready());
    assert_eq!(bench.wants(), ["look a"]);
}

#[test]
fn refused_call_is_tried_again_after_longer_and_longer_pauses() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    let mut pauses = Vec::new();
    for call in 1..=7 {
        bench.look("a", ready());
        bench.answer(
            call,
            Submitted::Refused {
                reason: "busy".to_owned(),
                again: Again::Later,
            },
        );
        let from = bench.now;
        bench.wake();
        pauses.push(bench.now.since(from));
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
}

#[test]
fn call_that_is_refused_until_the_deadline_has_failed() {
    let mut bench = Bench::start(single(Resend::WhenSeen));
    bench.look("a", ready());
    bench.answer(1, Submitted::Settled(ends(&[("a", busy())])));
    bench.after(DEADLINE);
    bench.look("a", ready());
    bench.answer(2, Submitted::Settled(ends(&[("a", busy())])));
    assert_eq!(bench.result("a"), Some(ItemResult::Failed));
}

#[test]
fn final_refusal_fails_every_member() {
    let mut bench = Bench::start(batch_of(2));
    bench.all_ready(&["a", "b"]);
    bench.answer(
        1,
        Submitted::Refused {
            reason: "no permission".to_owned(),
            again: Again::Never,
        },
    );
    assert_eq!(bench.result("a"), Some(ItemResult::Failed));
    assert_eq!(bench.note("b"), "no permission");
}

/// The second call of a guarded action says nothing about its first, whose answer was lost.
#[test]
fn failure_of_a_guarded_action_that_was_sent_again_is_unknown() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("TARGET"));
    bench.look("a", ready());
    bench.answer(2, Submitted::Settled(ends(&[("a", failed())])));
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
}

/// What refuses the second call need not have been there when the first one came.
#[test]
fn refusal_of_a_look_at_a_guarded_action_that_was_to_be_sent_again_is_unknown() {
    let mut bench = lost(Resend::Guarded);
    bench.look("a", cannot_tell("TARGET"));
    bench.after(SETTLE);
    bench.look("a", cannot_tell("TARGET"));
    let refused = farside_engine::Finding::Refused {
        reason: "there is no such provider".to_owned(),
    };
    bench.look("a", refused);
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
}

#[test]
fn aborted_action_that_was_to_be_sent_again_is_unknown() {
    for is_ready in [false, true] {
        let mut bench = lost(Resend::Guarded);
        bench.look("a", cannot_tell("TARGET"));
        bench.after(SETTLE);
        bench.look("a", cannot_tell("TARGET"));
        if is_ready {
            bench
                .run
                .apply(&Record::ActionReady {
                    at: bench.now,
                    action: action_of("a", 0),
                    intent: json!(null),
                })
                .unwrap();
            let records = bench.run.advance(bench.now, vec![Input::Abort]).unwrap().0;
            assert!(
                !records
                    .iter()
                    .any(|record| matches!(record, Record::CallIntended { .. }))
            );
        } else {
            bench.give(Input::Abort);
        }
        assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
    }
}

#[test]
fn member_missing_from_the_answer_is_looked_at() {
    let mut bench = Bench::start(batch_of(3));
    bench.all_ready(&["a", "b", "c"]);
    bench.answer(1, accepted());
    bench.waited(1, Waited::Settled(ends(&[("c", done()), ("a", done())])));
    assert_eq!(bench.wants(), ["look b after 1"]);
    assert_eq!(bench.call(1).state, CallState::Lost);
    bench.look("b", found_done());
    assert_eq!(bench.call(1).state, CallState::Settled);
    assert_eq!(bench.result("b"), Some(ItemResult::Done));
}

#[test]
fn results_of_strangers_and_second_results_change_nothing() {
    let mut bench = Bench::start(batch_of(1));
    bench.look("a", ready());
    let results = ends(&[("stranger", failed()), ("a", done()), ("a", failed())]);
    bench.answer(1, Submitted::Settled(results));
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
}

#[test]
fn work_that_a_look_finds_is_waited_for() {
    let mut bench = lost(Resend::WhenSeen);
    bench.look("a", found_running());
    assert_eq!(bench.wants(), ["wait 2"]);
    assert_eq!(bench.call(1).state, CallState::Settled);
    bench.waited(2, Waited::Settled(ends(&[("a", done())])));
    assert_eq!(bench.result("a"), Some(ItemResult::Done));
}

#[test]
fn other_work_that_does_it_is_waited_for() {
    let mut bench = Bench::start(single(Resend::Guarded));
    bench.look("a", ready());
    let running = MemberEnd::Running {
        operation: json!("task-9"),
    };
    bench.answer(1, Submitted::Settled(ends(&[("a", running)])));
    assert_eq!(bench.wants(), ["wait 2"]);
}

/// A task list that shows a task which cannot be read: each look finds it, each wait loses it.
#[test]
fn work_that_is_found_and_lost_in_turns_is_not_chased_without_a_pause() {
    let mut bench = lost(Resend::WhenSeen);
    let rounds = bench.until_over("a", |bench, round| {
        bench.look("a", found_running());
        if bench.result("a").is_none() {
            bench.waited(round + 1, wait_lost());
        }
    });
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
    assert!(rounds < 30, "{rounds} rounds");
}

#[test]
fn work_that_hands_on_to_other_work_is_not_followed_without_a_pause() {
    let mut bench = Bench::start(single(Resend::Guarded));
    bench.look("a", ready());
    bench.answer(1, accepted());
    let running = |task: &str| {
        let end = MemberEnd::Running {
            operation: json!(task),
        };
        Waited::Settled(ends(&[("a", end)]))
    };
    bench.waited(1, running("task-2"));
    assert_eq!(bench.wants(), ["wait 2"]);
    bench.waited(2, running("task-3"));
    assert_eq!(bench.wants(), Vec::<String>::new());
    bench.wake();
    assert_eq!(bench.wants(), ["look a after 2"]);
}

#[test]
fn answers_that_come_late_or_twice_are_rejected() {
    let mut bench = Bench::start(single(Resend::Guarded));
    let looked = |after, finding| Input::Looked {
        action: action_of("a", 0),
        after,
        finding,
    };
    let submitted = |result| Input::Submitted {
        call: CallId(1),
        result,
    };
    bench.look("a", not_yet());
    bench.give_in_vain(looked(None, not_yet()));
    bench.give_in_vain(submitted(accepted()));
    bench.wake();
    bench.look("a", ready());
    bench.give_in_vain(looked(None, ready()));
    bench.answer(1, accepted());
    bench.give_in_vain(submitted(answer_lost()));
    bench.waited(1, wait_lost());
    bench.give_in_vain(looked(Some(CallId(1)), found_done()));
    bench.give_in_vain(Input::Waited {
        call: CallId(1),
        result: wait_lost(),
    });
    bench.wake();
    bench.give_in_vain(looked(None, found_done()));
    bench.give_in_vain(looked(Some(CallId(2)), found_done()));
    bench.look("a", found_done());
    bench.give_in_vain(looked(Some(CallId(1)), found_done()));
}

#[test]
fn verification_that_cannot_be_had_ends_as_unknown() {
    let mut bench = lost(Resend::WhenSeen);
    let began = bench.now;
    bench.until_over("a", |bench, _| {
        bench.look("a", look_failed());
    });
    assert_eq!(bench.result("a"), Some(ItemResult::Unknown));
    assert!(bench.now.since(began) >= DEADLINE + SETTLE);
}
