//! Sessions that are widened for some of their calls.

use super::*;
use crate::stack::{Stack, StackBuilder};
use crate::testing::operations::EXTEND;

/// Widens the session for the calls about things that are elsewhere.
#[derive(Debug)]
struct Elsewhere;

#[async_trait]
impl SessionScheme for Elsewhere {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        via.send(call(&EXTEND)).await?;
        Ok(SessionToken::new(Secret::new("")))
    }

    fn covers(&self, call: &Call) -> bool {
        call.request.uri().query() == Some("elsewhere")
    }

    fn authorize(&self, _token: &SessionToken, _request: &mut Request<Bytes>) {}

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        outcome
            .as_ref()
            .is_err_and(|error| error.status().is_some_and(|status| status == 403))
    }

    async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
        Ok(())
    }
}

fn elsewhere(operation: &'static farside_wire::Operation) -> Call {
    let mut call = call(operation);
    *call.request.uri_mut() = "/things/1?elsewhere".parse().expect("a path");
    call
}

/// A server that knows which sessions are widened, and ends session 0 after some calls.
fn world(ends_after: usize) -> Arc<ScriptedTransport> {
    let state = Mutex::new((0, Vec::<String>::new()));
    Arc::new(ScriptedTransport::with(move |call, nth| {
        let pause = Duration::from_millis(50);
        if call.operation.id == LOG_IN.id {
            return Answer::json(200, nth.to_string()).delayed(pause);
        }
        let (served, widened) = &mut *state.lock().expect("state");
        *served += 1;
        let token = token_of(call).unwrap_or_default().to_owned();
        let status = if token == "0" && *served > ends_after {
            401
        } else if call.operation.id == EXTEND.id {
            widened.push(token);
            200
        } else if call.request.uri().query().is_some() && !widened.contains(&token) {
            403
        } else {
            200
        };
        Answer::json(status, "{}").delayed(pause)
    }))
}

fn stack(server: &Arc<ScriptedTransport>) -> Arc<Stack> {
    StackBuilder::new(server.clone(), Arc::new(SystemClock::new()))
        .extension(Arc::new(Elsewhere))
        .session(Arc::new(Scheme::default()))
        .limit(64)
        .call_timeout(Duration::from_secs(600))
        .build()
}

#[tokio::test(start_paused = true)]
async fn an_extension_is_made_once_and_only_for_the_calls_that_need_it() {
    let server = world(usize::MAX);
    let stack = stack(&server);
    assert_eq!(
        format!("{stack:?}"),
        "trace > retry(4) > extension > session > limit(64) > ScriptedTransport"
    );
    assert!(stack.send(call(&WRITE)).await.is_ok());
    assert_eq!((server.count(&LOG_IN), server.count(&EXTEND)), (1, 0));
    let outcomes = join_all((0..1000).map(|_| stack.send(elsewhere(&WRITE)))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let counts = [&LOG_IN, &EXTEND, &WRITE].map(|operation| server.count(operation));
    assert_eq!(counts, [1, 1, 1001]);
    assert!(
        server
            .calls()
            .iter()
            .skip(1)
            .all(|call| token_of(call) == Some("0"))
    );
    stack.close().await.expect("logged out");
    assert_eq!(server.count(&LOG_OUT), 1);
    let error = stack.send(elsewhere(&READ)).await.expect_err("closed");
    assert!(matches!(error.kind(), CallErrorKind::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_extension_is_made_again_for_the_session_that_replaces_a_dead_one() {
    let server = world(500);
    let stack = stack(&server);
    let outcomes = join_all((0..1000).map(|_| stack.send(elsewhere(&WRITE)))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((server.count(&LOG_IN), server.count(&EXTEND)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_extension_is_held_off_and_leaves_the_session_alone() {
    let server = Arc::new(ScriptedTransport::with(|call, nth| match call.operation.id {
        "logIn" => Answer::json(200, nth.to_string()),
        "extend" => Answer::json(403, "{}"),
        _ => Answer::json(200, "{}"),
    }));
    let stack = stack(&server);
    let outcomes = join_all((0..1000).map(|_| stack.send(elsewhere(&READ)))).await;
    let refused = |outcome: &Result<_, CallError>| match outcome {
        Err(error) => {
            matches!(error.kind(), CallErrorKind::Login(login) if login.operation().id == EXTEND.id)
        }
        Ok(_) => false,
    };
    assert!(outcomes.iter().all(refused));
    assert!(stack.send(call(&WRITE)).await.is_ok());
    assert_eq!((server.count(&LOG_IN), server.count(&EXTEND)), (1, 1));
    stack.lift_login_hold_off();
    assert!(stack.send(elsewhere(&READ)).await.is_err());
    assert_eq!(server.count(&EXTEND), 2);
}
