use super::*;
use crate::error::Effect;
use crate::testing::fault::{FaultCount, Pattern, Probability};
use crate::testing::operations::{LOG_IN, READ, WRITE, call};
use crate::testing::{Answer, PausedClock, ScriptedTransport};

/// A server that answers everything, the faults before it, and their clock.
struct Bench {
    server: Arc<ScriptedTransport>,
    clock: Arc<PausedClock>,
    faults: Faults,
    network: FaultyTransport,
}

fn bench() -> Bench {
    bench_on(ScriptedTransport::with(|_, _| Answer::json(200, "{}")))
}

fn bench_on(server: ScriptedTransport) -> Bench {
    let server = Arc::new(server);
    let clock = Arc::new(PausedClock::auto_advancing());
    let faults = Faults::new();
    let network = FaultyTransport::new(server.clone(), clock.clone(), faults.clone());
    Bench {
        server,
        clock,
        faults,
        network,
    }
}

impl Bench {
    /// The effect of the error that a call meets, or `None`, and how many calls the server has got by then.
    async fn write(&self) -> (Option<Effect>, usize) {
        let outcome = self.network.send(call(&WRITE)).await;
        (
            outcome.err().map(|error| error.effect()),
            self.server.count(&WRITE),
        )
    }

    async fn status(&self, operation: &'static farside_wire::Operation) -> Option<u16> {
        let error = self.network.send(call(operation)).await.err()?;
        error.status().map(|status| status.as_u16())
    }
}

fn until_login() -> FaultAction {
    FaultAction::EndSessionUntil {
        login: Pattern::new(LOG_IN.id),
    }
}

#[tokio::test]
async fn without_a_rule_calls_go_through() {
    let bench = bench();
    assert_eq!(bench.write().await, (None, 1));
    assert_eq!(format!("{:?}", bench.network), "faults(0) > ScriptedTransport");
}

#[tokio::test]
async fn a_dropped_answer_is_unknown_and_the_server_has_acted() {
    let bench = bench();
    let guard = bench
        .faults
        .add(FaultRule::new(WRITE.id, FaultAction::DropAnswer));
    assert_eq!(bench.write().await, (Some(Effect::Unknown), 1));
    assert_eq!(
        bench.write().await,
        (None, 2),
        "one call is hit unless the rule says more"
    );
    assert_eq!((guard.counts().matched, guard.counts().hits), (2, 1));
}

#[tokio::test]
async fn a_refusal_can_be_dropped_and_a_failure_below_http_cannot() {
    let failure = || CallErrorKind::Connect {
        endpoint: "vc-east:443".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    };
    let server = ScriptedTransport::new()
        .answer(&WRITE, Answer::empty(404))
        .answer(&WRITE, Answer::fail(failure()));
    let bench = bench_on(server);
    let rule = FaultRule::any(FaultAction::DropAnswer).times(FaultCount::All);
    let _guard = bench.faults.add(rule);
    assert_eq!(bench.write().await, (Some(Effect::Unknown), 1));
    assert_eq!(bench.write().await, (Some(Effect::NotSent), 2));
}

#[tokio::test]
async fn a_cut_before_sending_is_not_sent() {
    let bench = bench();
    let _guard = bench.faults.add(FaultRule::any(FaultAction::CutBeforeSending));
    assert_eq!(bench.write().await, (Some(Effect::NotSent), 0));
}

#[tokio::test]
async fn a_cut_while_sending_is_unknown_whether_the_call_got_there_or_not() {
    let bench = bench();
    for (reached, calls) in [(false, 0), (true, 1)] {
        let _guard = bench
            .faults
            .add(FaultRule::any(FaultAction::CutWhileSending { reached }));
        assert_eq!(bench.write().await, (Some(Effect::Unknown), calls));
    }
}

#[tokio::test]
async fn a_refusal_carries_its_body_and_keeps_the_call_from_the_server() {
    let bench = bench();
    let _guard = bench.faults.add(FaultRule::any(FaultAction::Refuse {
        status: StatusCode::SERVICE_UNAVAILABLE,
        body: Some(serde_json::json!({"code": "ThingIsBusy", "msg": "later"})),
        retry_after: Some(7),
    }));
    let error = bench.network.send(call(&WRITE)).await.expect_err("refused");
    assert_eq!(
        error.service_error().map(|error| error.code()),
        Some("ThingIsBusy")
    );
    assert_eq!(error.effect(), Effect::Refused, "the operation lists the code");
    let CallErrorKind::Status(status) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(status.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(bench.server.count(&WRITE), 0);
}

#[tokio::test]
async fn a_delay_passes_on_the_clock() {
    for request in [false, true] {
        let bench = bench();
        let delay = FaultAction::Delay { ms: 1500, request };
        let _guard = bench.faults.add(FaultRule::any(delay));
        assert_eq!(bench.write().await, (None, 1));
        assert_eq!(bench.clock.elapsed(), Duration::from_millis(1500));
    }
}

#[tokio::test]
async fn a_delay_beyond_the_deadline_is_a_timeout_whose_effect_says_what_was_held_back() {
    for (request, outcome) in [(false, (Effect::Unknown, 1)), (true, (Effect::NotSent, 0))] {
        let bench = bench();
        let delay = FaultAction::Delay { ms: 5000, request };
        let _guard = bench.faults.add(FaultRule::any(delay));
        let late = call(&WRITE).with_deadline(Duration::from_secs(2));
        let error = bench.network.send(late).await.expect_err("too late");
        assert_eq!((error.effect(), bench.server.count(&WRITE)), outcome);
        assert_eq!(bench.clock.elapsed(), Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_request_that_was_held_back_has_the_rest_of_its_time() {
    let bench = bench();
    let delay = FaultAction::Delay {
        ms: 1500,
        request: true,
    };
    let _guard = bench.faults.add(FaultRule::any(delay));
    let in_time = call(&WRITE).with_deadline(Duration::from_secs(2));
    bench.network.send(in_time).await.expect("in time");
    let got = bench.server.calls().pop().expect("a call");
    assert_eq!(got.deadline, Some(Duration::from_millis(500)));
}

#[tokio::test]
async fn an_ended_session_turns_calls_away_until_a_login() {
    let bench = bench();
    let guard = bench.faults.add(FaultRule::any(until_login()).from_nth(2));
    assert_eq!(bench.status(&READ).await, None);
    assert_eq!(bench.status(&READ).await, Some(401), "the rule hits");
    assert_eq!(bench.status(&WRITE).await, Some(401));
    assert_eq!(bench.status(&READ).await, Some(401));
    assert_eq!((bench.server.count(&READ), bench.server.count(&WRITE)), (1, 0));
    assert_eq!(bench.status(&LOG_IN).await, None);
    assert_eq!(bench.status(&READ).await, None);
    let counts = guard.counts();
    assert_eq!((counts.matched, counts.hits, counts.turned_away), (3, 1, 2));
}

#[tokio::test]
async fn a_login_that_fails_does_not_bring_the_session_back() {
    let server = ScriptedTransport::with(|_, _| Answer::json(200, "{}")).answer(&LOG_IN, Answer::empty(503));
    let bench = bench_on(server);
    let guard = bench.faults.add(FaultRule::any(until_login()));
    assert_eq!(bench.status(&READ).await, Some(401));
    assert_eq!(bench.status(&LOG_IN).await, Some(503));
    assert_eq!(bench.status(&READ).await, Some(401));
    drop(guard);
    assert_eq!(
        bench.status(&READ).await,
        None,
        "the session lives again without the rule"
    );
}

#[tokio::test]
async fn the_first_rule_that_hits_decides_and_all_that_match_count() {
    let bench = bench();
    let first = bench
        .faults
        .add(FaultRule::any(FaultAction::CutBeforeSending).from_nth(2));
    let second = bench
        .faults
        .add(FaultRule::new("start*", FaultAction::DropAnswer).times(FaultCount::Times(2)));
    assert_eq!(bench.write().await, (Some(Effect::Unknown), 1));
    assert_eq!(bench.write().await, (Some(Effect::NotSent), 1));
    assert_eq!(bench.write().await, (Some(Effect::Unknown), 2));
    assert_eq!(bench.write().await, (None, 3));
    assert_eq!((first.counts().matched, first.counts().hits), (4, 1));
    assert_eq!((second.counts().matched, second.counts().hits), (4, 2));
}

#[tokio::test]
async fn chance_depends_on_the_seed_alone() {
    let hits = async |seed: u64| {
        let bench = bench();
        let half = Probability::new(0.5).expect("a probability");
        let rule = FaultRule::any(FaultAction::CutBeforeSending)
            .with_probability(half, seed)
            .times(FaultCount::All);
        let _guard = bench.faults.add(rule);
        let mut hits = Vec::new();
        for _ in 0..64 {
            hits.push(bench.write().await.0.is_some());
        }
        hits
    };
    let seven = hits(7).await;
    assert_eq!(seven, hits(7).await);
    assert_ne!(seven, hits(8).await);
    assert!(
        (20..44).contains(&seven.iter().filter(|hit| **hit).count()),
        "{seven:?}"
    );
}

#[tokio::test]
async fn a_rule_goes_with_its_guard_unless_it_is_kept() {
    let bench = bench();
    let every = || FaultRule::any(FaultAction::CutBeforeSending).times(FaultCount::All);
    drop(bench.faults.add(every()));
    assert_eq!(bench.write().await, (None, 1));
    bench.faults.add(every()).keep();
    assert_eq!(bench.write().await, (Some(Effect::NotSent), 1));
    let rules = bench.faults.rules();
    assert_eq!(rules.len(), 1);
    assert_eq!((&rules[0].0, rules[0].1.hits), (&every(), 1));
}

#[tokio::test]
async fn the_rules_of_a_file_are_in_force_for_good() {
    let plan = "[[rules]]\noperation = 'start*'\nevery = 2\ncount = 2\ndo = 'cut_before_sending'";
    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::empty(204)));
    let faults = Faults::from_plan(toml::from_str(plan).expect("a plan"));
    let network = FaultyTransport::new(server, Arc::new(PausedClock::new()), faults);
    let mut hits = Vec::new();
    for _ in 0..6 {
        hits.push(network.send(call(&WRITE)).await.is_err());
    }
    assert_eq!(hits, [true, false, true, false, false, false]);
}
