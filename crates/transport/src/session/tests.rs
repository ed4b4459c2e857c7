use std::io;

use futures_util::future::join_all;
use http::HeaderValue;

use std::sync::Mutex;

use super::*;
use crate::clock::{SystemClock, within};
use crate::error::{CallErrorKind, Phase};
use crate::metrics::{Metrics, SessionEvent};
use crate::testing::operations::{LOG_IN, LOG_OUT, READ, WRITE, call};
use crate::testing::{Answer, ScriptedTransport};

mod extension;
mod life;
mod storm;

/// Logs in by a call whose answer's body is the token. An answer may bring another one in a header.
#[derive(Debug, Default)]
struct Scheme {
    keep_alive_every: Option<Duration>,
    lifetime: Option<Duration>,
}

#[async_trait]
impl SessionScheme for Scheme {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let answer = via.send(call(&LOG_IN)).await?;
        let token = String::from_utf8_lossy(answer.body()).into_owned();
        Ok(SessionToken::new(Secret::new(token)))
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        let mut value = HeaderValue::from_str(token.expose()).expect("the test's tokens are header values");
        value.set_sensitive(true);
        request.headers_mut().insert("x-session", value);
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        match outcome {
            Ok(answer) => answer.body().as_ref() == b"\"dead\"",
            Err(error) => {
                let code = error.service_error().map(farside_wire::ServiceError::code);
                error.status().is_some_and(|status| status == 401) || code == Some("NotAuthenticated")
            }
        }
    }

    fn renewed_token(&self, answer: &Response<Bytes>) -> Option<SessionToken> {
        let token = answer.headers().get("x-session")?.to_str().ok()?;
        Some(SessionToken::new(Secret::new(token)))
    }

    fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    fn keep_alive_every(&self) -> Option<Duration> {
        self.keep_alive_every
    }

    async fn keep_alive(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let mut ping = call(&READ);
        self.authorize(token, &mut ping.request);
        via.send(ping).await.map(|_answer| ())
    }

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let mut farewell = call(&LOG_OUT);
        self.authorize(token, &mut farewell.request);
        via.send(farewell).await.map(|_answer| ())
    }
}

/// A server whose logins give the tokens 0, 1, 2, ... and that accepts those for which `alive` holds.
fn server(alive: impl Fn(&str) -> bool + Send + Sync + 'static) -> ScriptedTransport {
    ScriptedTransport::with(move |call, nth| {
        let pause = Duration::from_millis(50);
        if call.operation.id == LOG_IN.id {
            return Answer::json(200, nth.to_string()).delayed(pause);
        }
        let answer = if token_of(call).is_some_and(&alive) {
            Answer::json(200, "{}")
        } else {
            Answer::json(401, "")
        };
        answer.delayed(pause)
    })
}

fn session_over(server: &Arc<ScriptedTransport>) -> (Authenticated, Arc<SystemClock>) {
    session_with(server, Scheme::default())
}

fn session_with(server: &Arc<ScriptedTransport>, scheme: Scheme) -> (Authenticated, Arc<SystemClock>) {
    let (session, clock, _) = observed(server, scheme);
    (session, clock)
}

/// Writes down what happens to sessions.
#[derive(Debug, Default)]
struct Events(Mutex<Vec<SessionEvent>>);

impl Events {
    fn seen(&self) -> Vec<SessionEvent> {
        self.0.lock().expect("events").clone()
    }
}

impl Metrics for Events {
    fn session_changed(&self, endpoint: &str, event: SessionEvent) {
        assert_eq!(endpoint, "vc-east");
        self.0.lock().expect("events").push(event);
    }
}

fn observed(
    server: &Arc<ScriptedTransport>,
    scheme: Scheme,
) -> (Authenticated, Arc<SystemClock>, Arc<Events>) {
    let (clock, events) = (Arc::new(SystemClock::new()), Arc::new(Events::default()));
    let mut parts = parts(&clock);
    parts.observer = Observer::new("vc-east".into(), Some(events.clone()));
    let session = Authenticated::new(server.clone(), Standing::Session, Arc::new(scheme), parts);
    (session, clock, events)
}

fn parts(clock: &Arc<SystemClock>) -> SessionParts {
    SessionParts {
        clock: clock.clone(),
        observer: Observer::new("".into(), None),
        hold_off: LOGIN_HOLD_OFF,
        keep_alive_every: None,
    }
}

fn token_of(call: &Call) -> Option<&str> {
    call.request.headers().get("x-session")?.to_str().ok()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_one_login() {
    let server = Arc::new(server(|_| true));
    let (session, _) = session_over(&server);
    let answers = join_all((0..1000).map(|_| session.send(call(&READ)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((server.count(&LOG_IN), server.count(&READ)), (1, 1000));
}

#[tokio::test(start_paused = true)]
async fn a_first_session_that_is_stillborn_is_replaced_once_and_no_call_is_lost() {
    let server = Arc::new(server(|token| token != "0"));
    let (session, _) = session_over(&server);
    let calls = (0..1000).map(|n| session.send(call(if n % 2 == 0 { &READ } else { &WRITE })));
    let answers = join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(
        server.count(&LOG_IN),
        2,
        "the first login, and one for the dead session"
    );
    assert_eq!(
        (server.count(&READ), server.count(&WRITE)),
        (1000, 1000),
        "each call once per session"
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_of_a_dead_session_does_not_end_its_successor() {
    let script = ScriptedTransport::with(|call, nth| match token_of(call) {
        None => Answer::json(200, nth.to_string()),
        Some("0") => Answer::json(401, "").delayed(Duration::from_secs(nth as u64)),
        Some(_) => Answer::json(200, "{}"),
    });
    let server = Arc::new(script);
    let (session, _) = session_over(&server);
    let answers = join_all((0..10).map(|_| session.send(call(&READ)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((server.count(&LOG_IN), server.count(&READ)), (2, 20));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_for_a_thousand_callers_and_not_again_within_the_hold_off() {
    let server = Arc::new(ScriptedTransport::with(|_, _| {
        Answer::json(401, "").delayed(Duration::from_millis(50))
    }));
    let (session, clock) = session_over(&server);
    let answers = join_all((0..1000).map(|_| session.send(call(&READ)))).await;
    assert_eq!((server.count(&LOG_IN), server.count(&READ)), (1, 0));
    for answer in answers {
        let error = answer.expect_err("no session");
        assert_eq!(error.effect(), Effect::NotSent);
        let CallErrorKind::Login(login) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(login.status().map(|status| status.as_u16()), Some(401));
    }

    assert!(session.send(call(&READ)).await.is_err());
    assert_eq!(server.count(&LOG_IN), 1);
    clock.sleep(LOGIN_HOLD_OFF).await;
    assert!(session.send(call(&READ)).await.is_err());
    assert_eq!(server.count(&LOG_IN), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_fault_with_status_500_holds_off_too() {
    let fault = r#"{"code":"InvalidLogin","msg":"no"}"#;
    let server = Arc::new(ScriptedTransport::with(move |_, _| Answer::json(500, fault)));
    let (session, _) = session_over(&server);
    for _ in 0..2 {
        assert!(session.send(call(&READ)).await.is_err());
    }
    assert_eq!(server.count(&LOG_IN), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_met_no_server_is_tried_again_by_the_next_caller() {
    let refused = || {
        let source = io::Error::from(io::ErrorKind::ConnectionRefused);
        Answer::fail(CallErrorKind::Connect {
            endpoint: "vc:443".into(),
            source,
        })
    };
    let script = ScriptedTransport::with(|_, _| Answer::json(200, "7"))
        .answer(&LOG_IN, refused())
        .answer(&LOG_IN, Answer::json(503, ""));
    let server = Arc::new(script);
    let (session, _) = session_over(&server);
    assert!(session.send(call(&READ)).await.is_err());
    assert!(session.send(call(&READ)).await.is_err());
    assert!(session.send(call(&READ)).await.is_ok());
    assert_eq!(server.count(&LOG_IN), 3);
}

#[tokio::test(start_paused = true)]
async fn an_action_is_not_repeated_when_a_dead_session_leaves_its_effect_unknown() {
    let dead = r#"{"code":"NotAuthenticated"}"#;
    let script = server(|_| true)
        .answer(&WRITE, Answer::json(500, dead))
        .answer(&READ, Answer::json(500, dead));
    let server = Arc::new(script);
    let (session, _) = session_over(&server);
    let error = session.send(call(&WRITE)).await.expect_err("unknown");
    assert_eq!((error.effect(), server.count(&WRITE)), (Effect::Unknown, 1));
    assert!(session.send(call(&READ)).await.is_ok(), "a read is repeated");
    assert_eq!((server.count(&READ), server.count(&LOG_IN)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_sent_once_is_not_sent_in_another_session_though_it_was_refused() {
    let server = Arc::new(server(|token| token != "0"));
    let (session, _) = session_over(&server);
    let error = session.send(call(&WRITE).once()).await.expect_err("refused");
    assert_eq!((error.effect(), server.count(&WRITE)), (Effect::Refused, 1));
    assert!(session.send(call(&WRITE).once()).await.is_ok());
    assert_eq!((server.count(&WRITE), server.count(&LOG_IN)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_success_that_hides_a_dead_session_is_repeated_for_a_read_only() {
    let disguised = || Answer::json(200, "\"dead\"");
    let script = server(|_| true)
        .answer(&READ, disguised())
        .answer(&WRITE, disguised());
    let server = Arc::new(script);
    let (session, _) = session_over(&server);
    assert_eq!(
        session.send(call(&READ)).await.expect("repeated").body().as_ref(),
        b"{}"
    );
    assert_eq!(
        session
            .send(call(&WRITE))
            .await
            .expect("as it came")
            .body()
            .as_ref(),
        b"\"dead\""
    );
    assert_eq!((server.count(&READ), server.count(&WRITE)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_repeated_once_only() {
    let server = Arc::new(server(|_| false));
    let (session, _) = session_over(&server);
    let error = session.send(call(&READ)).await.expect_err("refused twice");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!((server.count(&READ), server.count(&LOG_IN)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn anonymous_calls_need_no_session_unless_told_otherwise() {
    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(200, "7")));
    let (session, _) = session_over(&server);
    assert!(session.send(call(&LOG_IN)).await.is_ok());
    assert_eq!(server.calls().len(), 1);
    assert!(session.send(call(&LOG_IN).with_session()).await.is_ok());
    let with_token = server
        .calls()
        .iter()
        .filter(|call| call.request.headers().contains_key("x-session"))
        .count();
    assert_eq!((server.calls().len(), with_token), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_login_to_the_others() {
    let server = Arc::new(server(|_| true));
    let (session, clock) = session_over(&server);
    let first = within(&*clock, Duration::from_millis(10), session.send(call(&READ))).await;
    assert!(first.is_err(), "the first caller gave up during the login");
    assert!(session.send(call(&READ)).await.is_ok());
    assert_eq!(server.count(&LOG_IN), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_stalls_ends_with_the_callers_deadline() {
    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::never()));
    let (session, clock) = session_over(&server);
    let error = session
        .send(call(&READ).with_deadline(Duration::from_secs(3)))
        .await
        .expect_err("stalled");
    assert!(matches!(
        error.kind(),
        CallErrorKind::Timeout {
            phase: Phase::Session,
            ..
        }
    ));
    assert_eq!(
        (error.effect(), clock.elapsed()),
        (Effect::NotSent, Duration::from_secs(3))
    );
}

#[tokio::test(start_paused = true)]
async fn closing_logs_out_and_refuses_further_calls() {
    let server = Arc::new(server(|_| true));
    let (session, _) = session_over(&server);
    assert!(session.send(call(&READ)).await.is_ok());
    session.close().await.expect("logged out");
    session.close().await.expect("nothing left to do");
    let error = session.send(call(&READ)).await.expect_err("closed");
    assert!(matches!(error.kind(), CallErrorKind::Closed));
    assert_eq!((server.count(&LOG_OUT), server.count(&READ)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn closing_during_a_login_leaves_no_session_behind() {
    let server = Arc::new(server(|_| true));
    let (session, clock) = session_over(&server);
    let _ = within(&*clock, Duration::from_millis(10), session.send(call(&READ))).await;
    session.close().await.expect("logged out");
    assert_eq!((server.count(&LOG_IN), server.count(&LOG_OUT)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn closing_without_a_session_sends_nothing() {
    let server = Arc::new(server(|_| true));
    session_over(&server).0.close().await.expect("nothing to do");
    assert!(server.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_kept_alive_and_a_used_one_is_left_alone() {
    let server = Arc::new(server(|_| true));
    let scheme = Scheme {
        keep_alive_every: Some(Duration::from_secs(600)),
        ..Scheme::default()
    };
    let (session, clock) = session_with(&server, scheme);
    assert!(session.send(call(&WRITE)).await.is_ok());
    for _ in 0..10 {
        clock.sleep(Duration::from_secs(300)).await;
        assert!(session.send(call(&WRITE)).await.is_ok());
    }
    assert_eq!(server.count(&READ), 0);
    clock.sleep(Duration::from_secs(3000)).await;
    assert!((4..=5).contains(&server.count(&READ)), "{}", server.count(&READ));

    session.close().await.expect("logged out");
    let before = server.count(&READ);
    clock.sleep(Duration::from_secs(3000)).await;
    assert_eq!(server.count(&READ), before, "a closed session is not kept alive");
}

#[test]
fn a_token_is_never_printed() {
    let token = SessionToken::new(Secret::new("hunter2"));
    assert!(!format!("{token:?}").contains("hunter2"));
}
