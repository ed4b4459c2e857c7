use farside_wire::Secret;
use http::Request;

use super::*;
use crate::clock::SystemClock;
use crate::session::SessionToken;
use crate::testing::operations::{READ, WRITE, call};
use crate::testing::{Answer, NeverAnswers, ScriptedTransport};

#[derive(Debug)]
struct NoLogin;

#[async_trait]
impl SessionScheme for NoLogin {
    async fn log_in(&self, _via: &dyn Transport) -> Result<SessionToken, CallError> {
        Ok(SessionToken::new(Secret::new("token")))
    }

    fn authorize(&self, _token: &SessionToken, _request: &mut Request<Bytes>) {}

    fn is_dead(&self, _outcome: &Result<Response<Bytes>, CallError>) -> bool {
        false
    }

    async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
        Ok(())
    }
}

fn builder() -> StackBuilder {
    StackBuilder::new(Arc::new(ScriptedTransport::new()), Arc::new(SystemClock::new()))
}

#[test]
fn the_order_of_the_layers_is_fixed_whatever_the_order_of_the_settings() {
    let one = builder()
        .session(Arc::new(NoLogin))
        .limit(8)
        .retry(RetryPolicy::default())
        .build();
    let other = builder()
        .retry(RetryPolicy::default())
        .limit(8)
        .session(Arc::new(NoLogin))
        .build();
    let order = "trace > retry(4) > session > limit(8) > ScriptedTransport";
    assert_eq!(
        (format!("{one:?}"), format!("{other:?}")),
        (order.to_owned(), order.to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_even_over_a_transport_that_never_does() {
    let clock = Arc::new(SystemClock::new());
    let stack = StackBuilder::new(Arc::new(NeverAnswers), clock.clone())
        .call_timeout(Duration::from_secs(7))
        .build();
    let error = stack.send(call(&WRITE)).await.expect_err("never answers");
    assert_eq!(error.effect(), crate::Effect::Unknown);
    assert_eq!(clock.elapsed().as_secs(), 8, "the limit, and a second of grace");
    assert!(
        stack
            .send(call(&READ).with_deadline(Duration::from_secs(1)))
            .await
            .is_err()
    );
    assert!(clock.elapsed().as_secs() < 20);
}

#[tokio::test(start_paused = true)]
async fn settings_reach_the_layers_they_are_for() {
    let settings = StackSettings {
        calls_in_flight: 3,
        call_timeout: Duration::from_secs(7),
        retry: RetryPolicy::never(),
        ..StackSettings::default()
    };
    let clock = Arc::new(SystemClock::new());
    let stack = StackBuilder::new(Arc::new(NeverAnswers), clock.clone())
        .settings(settings)
        .build();
    assert_eq!(format!("{stack:?}"), "trace > retry(1) > limit(3) > NeverAnswers");
    assert!(stack.send(call(&READ)).await.is_err());
    assert_eq!(clock.elapsed().as_secs(), 8, "the limit, and a second of grace");
}

#[tokio::test(start_paused = true)]
async fn stacks_to_one_endpoint_can_share_a_budget() {
    let clock = Arc::new(SystemClock::new());
    let budget = RetryBudget::of(4).with_refill(Duration::MAX);
    let quota = Arc::new(EndpointQuota::new(8, budget, clock.clone()));
    let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(503, "")));
    for expected in [4, 2, 1] {
        let stack = StackBuilder::new(server.clone(), clock.clone())
            .quota(quota.clone())
            .build();
        let before = server.calls().len();
        assert!(stack.send(call(&READ)).await.is_err());
        assert_eq!(server.calls().len() - before, expected);
    }
    let alone = StackBuilder::new(server.clone(), clock.clone()).build();
    let before = server.calls().len();
    assert!(alone.send(call(&READ)).await.is_err());
    assert_eq!(server.calls().len() - before, 4);
}

#[tokio::test(start_paused = true)]
async fn a_stack_without_sessions_has_none_to_close_or_give_up() {
    let stack = builder().build();
    stack.invalidate_session();
    stack.lift_login_hold_off();
    stack.close().await.expect("nothing to do");
}

#[test]
fn without_a_scheme_there_is_no_session_layer() {
    assert_eq!(
        format!("{:?}", builder().build()),
        "trace > retry(4) > limit(32) > ScriptedTransport"
    );
}
