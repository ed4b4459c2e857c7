use std::io;

use http::StatusCode;

use super::*;
use crate::clock::SystemClock;
use crate::error::{CallErrorKind, Effect, Sent};
use crate::testing::operations::{READ, WRITE, call};
use crate::testing::{Answer, ScriptedTransport};

fn cut(sent: Sent) -> Answer {
    Answer::fail(CallErrorKind::Cut {
        sent,
        source: io::Error::other("cut"),
    })
}

fn refused_connection() -> Answer {
    let source = io::Error::from(io::ErrorKind::ConnectionRefused);
    Answer::fail(CallErrorKind::Connect {
        endpoint: "vc:443".into(),
        source,
    })
}

struct Set {
    server: Arc<ScriptedTransport>,
    clock: Arc<SystemClock>,
    retrying: Retrying,
}

fn set(server: ScriptedTransport, policy: RetryPolicy) -> Set {
    let (server, clock) = (Arc::new(server), Arc::new(SystemClock::new()));
    let retrying = Retrying::new(server.clone(), clock.clone(), policy.with_seed(7));
    Set {
        server,
        clock,
        retrying,
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_again_until_it_is_answered() {
    let server = ScriptedTransport::new()
        .answer(&READ, refused_connection())
        .answer(&READ, cut(Sent::Whole))
        .answer(&READ, Answer::json(503, ""))
        .answer(&READ, Answer::json(200, "{}"));
    let set = set(server, RetryPolicy::default());
    assert!(set.retrying.send(call(&READ)).await.is_ok());
    assert_eq!(set.server.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_the_last_error_is_returned() {
    let set = set(
        ScriptedTransport::with(|_, _| Answer::json(504, "")),
        RetryPolicy::default(),
    );
    let error = set.retrying.send(call(&READ)).await.expect_err("504");
    assert_eq!(error.status(), Some(StatusCode::GATEWAY_TIMEOUT));
    assert_eq!(set.server.calls().len(), 4);
    // Three pauses of at most 200, 400 and 800 ms.
    assert!(
        set.clock.elapsed() <= Duration::from_millis(1400),
        "{:?}",
        set.clock.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_of_an_action_is_never_repeated() {
    for policy in [RetryPolicy::default(), RetryPolicy::default().with_writes()] {
        for answer in [
            cut(Sent::Whole),
            Answer::json(500, ""),
            Answer::json(503, "").with_header("retry-after", "1"),
        ] {
            let set = set(ScriptedTransport::new().answer(&WRITE, answer), policy);
            let error = set.retrying.send(call(&WRITE)).await.expect_err("scripted");
            assert_eq!(error.effect(), Effect::Unknown);
            assert_eq!(set.server.count(&WRITE), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_was_not_sent_is_repeated_only_when_the_policy_says_so() {
    let script = || {
        ScriptedTransport::new()
            .answer(&WRITE, refused_connection())
            .answer(&WRITE, cut(Sent::Part))
            .answer(&WRITE, Answer::json(200, "{}"))
    };
    let by_default = set(script(), RetryPolicy::default());
    assert!(by_default.retrying.send(call(&WRITE)).await.is_err());
    assert_eq!(by_default.server.count(&WRITE), 1);

    let with_writes = set(script(), RetryPolicy::default().with_writes());
    assert!(with_writes.retrying.send(call(&WRITE)).await.is_ok());
    assert_eq!(with_writes.server.count(&WRITE), 3);
}

#[tokio::test(start_paused = true)]
async fn the_delay_that_the_server_asks_for_is_honoured() {
    let server = ScriptedTransport::new()
        .answer(&READ, Answer::json(503, "").with_header("retry-after", "20"))
        .answer(&READ, Answer::json(200, "{}"));
    let set = set(server, RetryPolicy::default());
    assert!(set.retrying.send(call(&READ)).await.is_ok());
    assert!(set.clock.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn no_pause_outlasts_the_deadline() {
    let server =
        ScriptedTransport::new().answer(&READ, Answer::json(503, "").with_header("retry-after", "20"));
    let set = set(server, RetryPolicy::default());
    let outcome = set
        .retrying
        .send(call(&READ).with_deadline(Duration::from_secs(10)))
        .await;
    assert!(outcome.is_err());
    assert_eq!(set.clock.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_gets_only_the_time_that_is_left() {
    let server = ScriptedTransport::new()
        .answer(&READ, cut(Sent::Whole).delayed(Duration::from_secs(4)))
        .answer(&READ, Answer::json(200, "{}"));
    let set = set(server, RetryPolicy::default());
    assert!(
        set.retrying
            .send(call(&READ).with_deadline(Duration::from_secs(10)))
            .await
            .is_ok()
    );
    let deadlines: Vec<_> = set
        .server
        .calls()
        .iter()
        .filter_map(|call| call.deadline)
        .collect();
    assert_eq!(deadlines.first(), Some(&Duration::from_secs(10)));
    assert!(
        deadlines
            .get(1)
            .is_some_and(|left| *left <= Duration::from_secs(6)),
        "{deadlines:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_endpoint_bounds_all_its_callers_together() {
    let set = set(
        ScriptedTransport::with(|_, _| Answer::json(503, "")),
        RetryPolicy::default(),
    );
    let calls = (0..100).map(|_| set.retrying.send(call(&READ)));
    assert!(
        futures_util::future::join_all(calls)
            .await
            .iter()
            .all(Result::is_err)
    );
    // 20 repeats in store, and what a few seconds refill.
    let repeats = set.server.calls().len() - 100;
    assert!((20..=24).contains(&repeats), "{repeats}");

    set.clock.sleep(Duration::from_secs(60)).await;
    let before = set.server.calls().len();
    assert!(set.retrying.send(call(&READ)).await.is_err());
    assert_eq!(set.server.calls().len() - before, 4, "the budget has refilled");
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_pauses() {
    let mut times = Vec::new();
    for _ in 0..2 {
        let set = set(
            ScriptedTransport::with(|_, _| Answer::json(503, "")),
            RetryPolicy::default(),
        );
        assert!(set.retrying.send(call(&READ)).await.is_err());
        times.push(set.clock.elapsed());
    }
    assert_eq!(times.first(), times.get(1));
    assert_ne!(times.first(), Some(&Duration::ZERO));
}
