use std::io;

use http::StatusCode;

use super::*;
use crate::clock::SystemClock;
use crate::error::{CallErrorKind, Effect, Sent};
use crate::quota::RetryBudget;
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
    set_with(server, policy, 7)
}

fn set_with(server: ScriptedTransport, policy: RetryPolicy, seed: u64) -> Set {
    let (server, clock) = (Arc::new(server), Arc::new(SystemClock::new()));
    let quota = EndpointQuota::new(1, RetryBudget::default(), clock.clone());
    let observer = Observer::new("vc-east".into(), None);
    let retrying = Retrying::new(
        server.clone(),
        clock.clone(),
        policy,
        Arc::new(quota),
        seed,
        observer,
    );
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
async fn a_date_is_honoured_against_that_of_the_answer_or_else_against_the_clock() {
    let answer = || Answer::json(503, "").with_header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
    let dated = answer().with_header("date", "Sun, 06 Nov 1994 08:49:07 GMT");
    let script = |answer| {
        ScriptedTransport::new()
            .answer(&READ, answer)
            .answer(&READ, Answer::json(200, "{}"))
    };
    let relative = set(script(dated), RetryPolicy::default());
    assert!(relative.retrying.send(call(&READ)).await.is_ok());
    let waited = relative.clock.elapsed();
    assert!(
        (Duration::from_secs(30)..Duration::from_secs(31)).contains(&waited),
        "{waited:?}"
    );

    let long_ago = set(script(answer()), RetryPolicy::default());
    assert!(long_ago.retrying.send(call(&READ)).await.is_ok());
    assert!(long_ago.clock.elapsed() < Duration::from_secs(1));

    let far_ahead = Answer::json(503, "").with_header("retry-after", "Fri, 31 Dec 9998 23:59:59 GMT");
    let never = set(script(far_ahead), RetryPolicy::default());
    let error = never.retrying.send(call(&READ)).await.expect_err("too long");
    assert_eq!(
        (error.status(), never.server.calls().len()),
        (Some(StatusCode::SERVICE_UNAVAILABLE), 1)
    );
    assert!(error.retry_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_may_bring_a_policy_of_its_own() {
    let script = || ScriptedTransport::with(|_, _| Answer::json(429, ""));
    let patient = RetryPolicy::default().with_attempts(7).with_writes();
    let by_default = set(script(), RetryPolicy::default());
    let outcome = by_default.retrying.send(call(&WRITE).with_retry(patient)).await;
    assert_eq!((outcome.is_err(), by_default.server.calls().len()), (true, 7));

    let eager = set(script(), patient);
    let outcome = eager
        .retrying
        .send(call(&WRITE).with_retry(RetryPolicy::never()))
        .await;
    assert_eq!((outcome.is_err(), eager.server.calls().len()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn no_policy_repeats_an_action_whose_effect_is_unknown() {
    let set = set(
        ScriptedTransport::with(|_, _| cut(Sent::Whole)),
        RetryPolicy::default(),
    );
    let eager = RetryPolicy::default().with_writes();
    assert!(set.retrying.send(call(&WRITE).with_retry(eager)).await.is_err());
    assert_eq!(set.server.count(&WRITE), 1);
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_their_bound_and_are_spread_over_all_of_it() {
    let policy = RetryPolicy::default()
        .with_attempts(6)
        .with_pauses(Duration::from_secs(1), Duration::from_secs(4));
    let mut longest = [Duration::ZERO; 5];
    let mut shortest = [Duration::MAX; 5];
    for seed in 0..200 {
        let times = Arc::new(std::sync::Mutex::new(Vec::new()));
        let clock = SystemClock::new();
        let seen = Arc::clone(&times);
        let server = ScriptedTransport::with(move |_, _| {
            seen.lock().expect("times").push(clock.elapsed());
            Answer::json(503, "")
        });
        let set = set_with(server, policy, seed);
        assert!(set.retrying.send(call(&READ)).await.is_err());
        let times = times.lock().expect("times");
        for (index, pair) in times.windows(2).enumerate() {
            let pause = pair[1] - pair[0];
            longest[index] = longest[index].max(pause);
            shortest[index] = shortest[index].min(pause);
        }
    }
    // The clock of a paused runtime has a resolution of a millisecond, rounded up.
    for (index, bound) in [1000, 2000, 4000, 4000, 4000].into_iter().enumerate() {
        let bound = Duration::from_millis(bound);
        assert!(longest[index] <= bound + Duration::from_millis(2), "{longest:?}");
        assert!(longest[index] > bound * 9 / 10, "{longest:?}");
        assert!(shortest[index] < bound / 10, "{shortest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_endpoint_bounds_all_its_callers_together() {
    let set = set(
        ScriptedTransport::with(|_, nth| Answer::json(if nth < 500 { 503 } else { 200 }, "{}")),
        RetryPolicy::default(),
    );
    let calls = (0..100).map(|_| set.retrying.send(call(&READ)));
    assert!(
        futures_util::future::join_all(calls)
            .await
            .iter()
            .all(Result::is_err)
    );
    assert_eq!(set.server.calls().len(), 120, "20 repeats for all of them");

    assert!(set.retrying.send(call(&READ)).await.is_err());
    assert_eq!(set.server.calls().len(), 121, "none is left");

    set.clock.sleep(Duration::from_secs(20)).await;
    assert!(set.retrying.send(call(&READ)).await.is_err());
    assert_eq!(set.server.calls().len(), 124, "two came back with time");

    while set.server.calls().len() < 500 {
        assert!(set.retrying.send(call(&READ)).await.is_err());
    }
    for _ in 0..40 {
        assert!(set.retrying.send(call(&READ)).await.is_ok());
    }
    assert_eq!(set.retrying.quota.repeats_left(), 4, "ten successes earn one");
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_pauses_and_others_do_not() {
    let mut times = Vec::new();
    for seed in [7, 7, 8] {
        let server = ScriptedTransport::with(|_, _| Answer::json(503, ""));
        let set = set_with(server, RetryPolicy::default(), seed);
        assert!(set.retrying.send(call(&READ)).await.is_err());
        times.push(set.clock.elapsed());
    }
    assert_eq!(times.first(), times.get(1));
    assert_ne!(times.first(), times.get(2));
    assert_ne!(times.first(), Some(&Duration::ZERO));
}
