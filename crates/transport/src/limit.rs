//! Bounds the number of calls in flight at one endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use tokio::sync::SemaphorePermit;

use crate::call::{Call, Transport};
use crate::clock::{Clock, Deadline, within};
use crate::error::{CallError, CallErrorKind, Phase, Sent};
use crate::quota::EndpointQuota;

/// How long a call may outlast its deadline before it is given up here. A transport that keeps deadlines by
/// itself is given precedence, since it knows how much of the request has left.
const GRACE: Duration = Duration::from_secs(1);

/// Lets at most as many calls through at a time as the endpoint has places; the others wait, in order, within their
/// deadlines.
pub(crate) struct Limited {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    quota: Arc<EndpointQuota>,
}

impl Limited {
    pub(crate) fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, quota: Arc<EndpointQuota>) -> Self {
        Self { inner, clock, quota }
    }
}

impl Limited {
    async fn wait(&self, limit: Duration) -> Result<SemaphorePermit<'_>, CallErrorKind> {
        match within(&*self.clock, limit, self.quota.places.acquire()).await {
            Ok(place) => place.map_err(|_closed| CallErrorKind::Closed),
            Err(_elapsed) => Err(CallErrorKind::Timeout {
                phase: Phase::Queue,
                limit,
                sent: Sent::Nothing,
            }),
        }
    }
}

impl fmt::Debug for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit({}) > {:?}", self.quota.calls_in_flight(), self.inner)
    }
}

#[async_trait]
impl Transport for Limited {
    async fn send(&self, mut call: Call) -> Result<Response<Bytes>, CallError> {
        let limit = call.time_limit();
        let deadline = Deadline::after(&*self.clock, limit);
        // A place is free only when nobody waits for one, so that this pushes in before nobody. The wait is in a box, as
        // it would make the futures of all calls large.
        let place = match self.quota.places.try_acquire() {
            Ok(place) => Ok(place),
            Err(_none_is_free) => Box::pin(self.wait(limit)).await,
        };
        let _place = place.map_err(|kind| call.context().error(kind))?;
        let left = deadline.left(&*self.clock);
        call.deadline = Some(left);
        let context = call.context();
        let sending = self.inner.send(call);
        let outcome = within(&*self.clock, left.saturating_add(GRACE), sending).await;
        outcome.unwrap_or_else(|_elapsed| {
            let (phase, sent) = (Phase::Call, Sent::Whole);
            Err(context.error(CallErrorKind::Timeout { phase, limit, sent }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::error::Effect;
    use crate::quota::RetryBudget;
    use crate::testing::operations::{READ, call};
    use crate::testing::{Answer, NeverAnswers, ScriptedTransport};

    fn limited(inner: Arc<dyn Transport>, clock: &Arc<SystemClock>, limit: usize) -> Limited {
        let quota = EndpointQuota::new(limit, RetryBudget::default(), clock.clone());
        Limited::new(inner, clock.clone(), Arc::new(quota))
    }

    #[tokio::test(start_paused = true)]
    async fn calls_over_the_limit_wait_their_turn() {
        let clock = Arc::new(SystemClock::new());
        let slow = Arc::new(ScriptedTransport::with(|_, _| {
            Answer::json(200, "{}").delayed(Duration::from_secs(1))
        }));
        let limited = limited(slow.clone(), &clock, 3);
        let answers = futures_util::future::join_all((0..9).map(|_| limited.send(call(&READ)))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(slow.calls().len(), 9);
        assert_eq!(clock.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_gets_its_turn_was_not_sent() {
        let clock = Arc::new(SystemClock::new());
        let limited = limited(Arc::new(NeverAnswers), &clock, 1);
        let waiting = call(&READ).with_deadline(Duration::from_secs(5));
        let stuck = limited.send(call(&READ));
        let error = tokio::select! {
            biased;
            _ = stuck => unreachable!("never answers"),
            outcome = limited.send(waiting) => outcome.expect_err("no place"),
        };
        assert_eq!(error.effect(), Effect::NotSent);
        assert!(matches!(
            error.kind(),
            CallErrorKind::Timeout {
                phase: Phase::Queue,
                ..
            }
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn stacks_that_share_a_quota_share_its_places() {
        let clock = Arc::new(SystemClock::new());
        let quota = Arc::new(EndpointQuota::new(2, RetryBudget::default(), clock.clone()));
        let slow = Arc::new(ScriptedTransport::with(|_, _| {
            Answer::json(200, "{}").delayed(Duration::from_secs(1))
        }));
        let one = Limited::new(slow.clone(), clock.clone(), quota.clone());
        let other = Limited::new(slow, clock.clone(), quota);
        let calls = (0..8).map(|n| if n % 2 == 0 { &one } else { &other }.send(call(&READ)));
        assert!(
            futures_util::future::join_all(calls)
                .await
                .iter()
                .all(Result::is_ok)
        );
        assert_eq!(clock.elapsed(), Duration::from_secs(4));
    }
}
