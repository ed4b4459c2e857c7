//! Puts the layers of a client together, in the one order that is right.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

use crate::call::{Call, DEFAULT_CALL_LIMIT, Transport};
use crate::clock::Clock;
use crate::error::CallError;
use crate::limit::Limited;
use crate::retry::{RetryPolicy, Retrying};
use crate::session::{Authenticated, SessionScheme};
use crate::trace::Traced;

/// Calls in flight at one endpoint, unless the builder is told otherwise.
pub const DEFAULT_CALLS_IN_FLIGHT: usize = 32;

/// Builds a [`Stack`].
#[derive(Debug)]
#[must_use]
pub struct StackBuilder {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    endpoint: Arc<str>,
    scheme: Option<Arc<dyn SessionScheme>>,
    limit: usize,
    policy: RetryPolicy,
    call_limit: Duration,
}

impl StackBuilder {
    /// Starts on top of `inner`, which sends single calls (an HTTP transport, the simulator, a user's own).
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            endpoint: "".into(),
            scheme: None,
            limit: DEFAULT_CALLS_IN_FLIGHT,
            policy: RetryPolicy::default(),
            call_limit: DEFAULT_CALL_LIMIT,
        }
    }

    /// Names the endpoint in trace events.
    pub fn endpoint(mut self, name: &str) -> Self {
        self.endpoint = name.into();
        self
    }

    /// Sends calls within sessions of this scheme.
    pub fn session(mut self, scheme: Arc<dyn SessionScheme>) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Bounds the calls in flight; at least one.
    pub fn limit(mut self, calls_in_flight: usize) -> Self {
        self.limit = calls_in_flight;
        self
    }

    /// Sets when failed calls are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Limits calls that bring no deadline of their own, all attempts together; by default 60 s.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// Builds the stack: trace, retry, session, limit, and the transport last.
    ///
    /// Retry lies outside the session, so that each attempt gets a session that is alive; the session lies
    /// outside the limit, so that callers which wait for a login do not take the places of the calls that bring
    /// it about.
    #[must_use]
    pub fn build(self) -> Arc<Stack> {
        let Self {
            inner,
            clock,
            endpoint,
            scheme,
            limit,
            policy,
            call_limit,
        } = self;
        let limited: Arc<dyn Transport> = Arc::new(Limited::new(inner, Arc::clone(&clock), limit));
        let session = scheme.map(|scheme| {
            Arc::new(Authenticated::new(
                Arc::clone(&limited),
                scheme,
                Arc::clone(&clock),
            ))
        });
        let in_session: Arc<dyn Transport> = match &session {
            Some(session) => Arc::clone(session) as _,
            None => limited,
        };
        let retrying = Arc::new(Retrying::new(in_session, Arc::clone(&clock), policy));
        Arc::new(Stack {
            outermost: Traced::new(retrying, clock, endpoint),
            session,
            call_limit,
        })
    }
}

/// The layers of one client, as one transport.
///
/// `Debug` prints their order, for example `trace > retry(4) > session > limit(32) > HttpTransport { .. }`.
pub struct Stack {
    outermost: Traced,
    session: Option<Arc<Authenticated>>,
    call_limit: Duration,
}

impl Stack {
    /// Logs out, if there is a session, and refuses all further calls that need one. Dropping a stack does not
    /// log out.
    ///
    /// # Errors
    /// Whatever the log-out met; the server then ends the session by its idle time.
    pub async fn close(&self) -> Result<(), CallError> {
        match &self.session {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.outermost, f)
    }
}

#[async_trait]
impl Transport for Stack {
    async fn send(&self, mut call: Call) -> Result<Response<Bytes>, CallError> {
        call.deadline.get_or_insert(self.call_limit);
        self.outermost.send(call).await
    }
}

#[cfg(test)]
mod tests {
    use farside_wire::Secret;
    use http::Request;

    use super::*;
    use crate::clock::SystemClock;
    use crate::session::SessionToken;
    use crate::testing::operations::{READ, WRITE, call};
    use crate::testing::{NeverAnswers, ScriptedTransport};

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

    #[test]
    fn without_a_scheme_there_is_no_session_layer() {
        assert_eq!(
            format!("{:?}", builder().build()),
            "trace > retry(4) > limit(32) > ScriptedTransport"
        );
    }
}
