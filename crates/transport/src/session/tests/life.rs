//! Births, renewals and ends of sessions.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Lets the tasks that were spawned do all they can do at once.
async fn settle(clock: &SystemClock) {
    clock.sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replaced_shortly_before_its_lifetime_ends() {
    let server = Arc::new(server(|_| true));
    let scheme = Scheme {
        lifetime: Some(24 * HOUR),
        ..Scheme::default()
    };
    let (session, clock, events) = observed(&server, scheme);
    assert!(session.send(call(&WRITE)).await.is_ok());
    clock.sleep(24 * HOUR - Duration::from_secs(62)).await;
    assert!(session.send(call(&WRITE)).await.is_ok());
    assert_eq!(server.count(&LOG_IN), 1);
    clock.sleep(Duration::from_secs(2)).await;
    assert!(session.send(call(&WRITE)).await.is_ok());
    assert_eq!((server.count(&LOG_IN), server.count(&WRITE)), (2, 3));
    assert_eq!(
        events.seen(),
        [
            SessionEvent::LoggedIn,
            SessionEvent::Expired,
            SessionEvent::LoggedIn
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_an_answer_brings_is_sent_from_then_on() {
    let script = server(|_| true).answer(&READ, Answer::json(200, "{}").with_header("x-session", "fresh"));
    let server = Arc::new(script);
    let (session, _, events) = observed(&server, Scheme::default());
    for _ in 0..2 {
        assert!(session.send(call(&READ)).await.is_ok());
    }
    session.close().await.expect("logged out");
    let tokens: Vec<_> = server
        .calls()
        .iter()
        .filter_map(|call| token_of(call).map(str::to_owned))
        .collect();
    assert_eq!(tokens, ["0", "fresh", "fresh"]);
    assert_eq!(
        events.seen(),
        [
            SessionEvent::LoggedIn,
            SessionEvent::Renewed,
            SessionEvent::LoggedOut
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn late_answers_of_an_earlier_token_neither_bring_it_back_nor_end_the_session() {
    let script = server(|token| token != "stale")
        .answer(&READ, Answer::json(200, "{}").with_header("x-session", "fresh"))
        .answer(
            &READ,
            Answer::json(200, "{}")
                .with_header("x-session", "0")
                .delayed(Duration::from_secs(1)),
        )
        .answer(&READ, Answer::json(401, "").delayed(Duration::from_secs(2)));
    let server = Arc::new(script);
    let (session, _, events) = observed(&server, Scheme::default());
    let answers = join_all((0..3).map(|_| session.send(call(&READ)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(events.seen(), [SessionEvent::LoggedIn, SessionEvent::Renewed]);
    let last = server.calls().pop().expect("calls");
    assert_eq!(
        token_of(&last),
        Some("fresh"),
        "the refused call is repeated with it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_uses_and_takes_renewed_tokens() {
    let script = server(|_| true)
        .answer(&READ, Answer::json(200, "{}").with_header("x-session", "one"))
        .answer(&READ, Answer::json(200, "{}").with_header("x-session", "two"));
    let server = Arc::new(script);
    let scheme = Scheme {
        keep_alive_every: Some(HOUR),
        ..Scheme::default()
    };
    let (session, clock, events) = observed(&server, scheme);
    assert!(session.send(call(&READ)).await.is_ok());
    clock.sleep(HOUR + Duration::from_secs(10)).await;
    assert!(session.send(call(&WRITE)).await.is_ok());
    let tokens: Vec<_> = server
        .calls()
        .iter()
        .filter_map(|call| token_of(call).map(str::to_owned))
        .collect();
    assert_eq!(tokens, ["0", "one", "two"]);
    assert!(events.seen().contains(&SessionEvent::KeptAlive));
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_that_finds_the_session_dead_ends_it_once() {
    let server = Arc::new(server(|_| true).answer(&READ, Answer::json(401, "")));
    let scheme = Scheme {
        keep_alive_every: Some(HOUR),
        ..Scheme::default()
    };
    let (session, clock, events) = observed(&server, scheme);
    assert!(session.send(call(&WRITE)).await.is_ok());
    clock.sleep(5 * HOUR).await;
    assert_eq!(events.seen(), [SessionEvent::LoggedIn, SessionEvent::Died]);
    assert_eq!(server.count(&READ), 1, "nobody keeps a dead session alive");
    assert!(session.send(call(&WRITE)).await.is_ok());
    assert_eq!((server.count(&LOG_IN), server.count(&WRITE)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_invalidated_session_is_not_used_again() {
    let server = Arc::new(server(|_| true));
    let (session, _, events) = observed(&server, Scheme::default());
    session.invalidate();
    assert!(session.send(call(&WRITE)).await.is_ok());
    session.invalidate();
    session.invalidate();
    assert!(session.send(call(&WRITE)).await.is_ok());
    assert_eq!((server.count(&LOG_IN), server.count(&WRITE)), (2, 2));
    let expected = [
        SessionEvent::LoggedIn,
        SessionEvent::Invalidated,
        SessionEvent::LoggedIn,
    ];
    assert_eq!(events.seen(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_lifted_hold_off_lets_one_login_be_tried() {
    let server = Arc::new(server(|_| true).answer(&LOG_IN, Answer::json(401, "")));
    let (session, _, events) = observed(&server, Scheme::default());
    for _ in 0..2 {
        assert!(session.send(call(&READ)).await.is_err());
    }
    assert_eq!(server.count(&LOG_IN), 1);
    session.lift_hold_off();
    assert!(session.send(call(&READ)).await.is_ok());
    assert_eq!(server.count(&LOG_IN), 2);
    assert_eq!(events.seen(), [SessionEvent::Refused, SessionEvent::LoggedIn]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_is_logged_out_with_the_token_it_has() {
    let server = Arc::new(server(|_| true));
    let (session, clock, events) = observed(&server, Scheme::default());
    assert!(session.send(call(&READ)).await.is_ok());
    drop(session);
    settle(&clock).await;
    assert_eq!(server.count(&LOG_OUT), 1);
    assert_eq!(server.calls().last().and_then(token_of), Some("0"));
    assert_eq!(events.seen(), [SessionEvent::LoggedIn, SessionEvent::LoggedOut]);
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_keeper_is_logged_out_when_it_is_dropped() {
    let server = Arc::new(server(|_| true));
    let scheme = Scheme {
        keep_alive_every: Some(HOUR),
        ..Scheme::default()
    };
    let (session, clock, _) = observed(&server, scheme);
    assert!(session.send(call(&WRITE)).await.is_ok());
    drop(session);
    clock.sleep(10 * HOUR).await;
    assert_eq!((server.count(&LOG_OUT), server.count(&READ)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_during_its_login_is_logged_out_after_it() {
    let server = Arc::new(server(|_| true));
    let (session, clock) = session_over(&server);
    let gone = within(&*clock, Duration::from_millis(10), session.send(call(&READ))).await;
    assert!(gone.is_err());
    drop(session);
    settle(&clock).await;
    assert_eq!((server.count(&LOG_IN), server.count(&LOG_OUT)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_is_logged_out_once() {
    let server = Arc::new(server(|_| true));
    let (session, clock) = session_over(&server);
    assert!(session.send(call(&READ)).await.is_ok());
    session.close().await.expect("logged out");
    drop(session);
    settle(&clock).await;
    assert_eq!(server.count(&LOG_OUT), 1);
}

#[test]
fn a_session_that_is_dropped_outside_a_runtime_is_left_to_its_idle_time() {
    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(200, "7")));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let (session, answer) = runtime.block_on(async {
        let (session, _, _) = observed(&server, Scheme::default());
        let answer = session.send(call(&READ)).await;
        (session, answer)
    });
    assert!(answer.is_ok());
    drop(session);
    runtime.block_on(tokio::task::yield_now());
    assert_eq!(server.count(&LOG_OUT), 0);
}

/// A session over a transport that gives up calls when their time has passed.
fn limited(server: &Arc<ScriptedTransport>) -> (Authenticated, Arc<SystemClock>) {
    let clock = Arc::new(SystemClock::new());
    let quota = crate::EndpointQuota::new(1, crate::RetryBudget::default(), clock.clone());
    let limited = crate::limit::Limited::new(server.clone(), clock.clone(), Arc::new(quota));
    let scheme = Arc::new(Scheme::default());
    let session = Authenticated::new(Arc::new(limited), Standing::Session, scheme, parts(&clock));
    (session, clock)
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_already_is_closed_without_an_error() {
    let server = Arc::new(server(|_| true).answer(&LOG_OUT, Answer::json(401, "")));
    let (session, _) = session_over(&server);
    assert!(session.send(call(&READ)).await.is_ok());
    session.close().await.expect("nothing is left to do");
    assert_eq!(server.count(&LOG_OUT), 1);
}

#[tokio::test(start_paused = true)]
async fn the_pause_before_a_keep_alive_can_be_another_than_the_schemes() {
    for (every, kept_alive) in [(Some(HOUR / 6), 6), (Some(Duration::MAX), 0), (None, 2)] {
        let server = Arc::new(server(|_| true));
        let clock = Arc::new(SystemClock::new());
        let scheme = Arc::new(Scheme {
            keep_alive_every: Some(HOUR / 2),
            ..Scheme::default()
        });
        let mut parts = parts(&clock);
        parts.keep_alive_every = every;
        let session = Authenticated::new(server.clone(), Standing::Session, scheme, parts);
        assert!(session.send(call(&WRITE)).await.is_ok());
        clock.sleep(HOUR + Duration::from_secs(30)).await;
        assert_eq!(server.count(&READ), kept_alive, "{every:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_out_gets_little_time() {
    let server = Arc::new(server(|_| true).answer(&LOG_OUT, Answer::never()));
    let (session, clock) = limited(&server);
    assert!(session.send(call(&READ)).await.is_ok());
    let before = clock.elapsed();
    let error = session.close().await.expect_err("no answer");
    assert!(matches!(error.kind(), CallErrorKind::Timeout { .. }));
    assert!(clock.elapsed() - before <= Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_stalls_fails_with_the_error_of_its_call_and_may_be_tried_again() {
    let server = Arc::new(server(|_| true).answer(&LOG_IN, Answer::never()));
    let (session, clock) = limited(&server);
    let patient = call(&READ).with_deadline(HOUR);
    let error = session.send(patient).await.expect_err("stalled");
    let CallErrorKind::Login(login) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((login.operation().id, error.effect()), ("logIn", Effect::NotSent));
    assert_eq!(clock.elapsed(), Duration::from_secs(61));
    assert!(session.send(call(&READ)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn headers_that_hold_the_token_are_marked_sensitive_whatever_the_scheme_does() {
    /// Forgets the mark.
    #[derive(Debug)]
    struct Careless;

    #[async_trait]
    impl SessionScheme for Careless {
        async fn log_in(&self, _via: &dyn Transport) -> Result<SessionToken, CallError> {
            Ok(SessionToken::new(Secret::new("hunter2")))
        }
        fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
            let value = format!("Bearer {}", token.expose());
            request
                .headers_mut()
                .insert("authorization", value.parse().expect("a header"));
        }
        fn is_dead(&self, _outcome: &Result<Response<Bytes>, CallError>) -> bool {
            false
        }
        async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
            Ok(())
        }
    }

    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(200, "{}")));
    let clock = Arc::new(SystemClock::new());
    let session = Authenticated::new(
        server.clone(),
        Standing::Session,
        Arc::new(Careless),
        parts(&clock),
    );
    assert!(session.send(call(&READ)).await.is_ok());
    let sent = server.calls().pop().expect("a call");
    assert!(sent.request.headers().contains_key("authorization"));
    assert!(!format!("{:?}", sent.request.headers()).contains("hunter2"));
}
