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
use crate::metrics::{Metrics, Observer};
use crate::operation::Turns;
use crate::quota::{EndpointQuota, RetryBudget};
use crate::random::process_seed;
use crate::retry::{RetryPolicy, Retrying};
use crate::session::{Authenticated, LOGIN_HOLD_OFF, SessionParts, SessionScheme, Standing};
use crate::trace::{BodyTrace, ServerName, Traced};

/// Calls in flight at one endpoint, unless the builder is told otherwise.
pub const DEFAULT_CALLS_IN_FLIGHT: usize = 32;

/// What a user may want to settle about the layers of a client, whichever service it is for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackSettings {
    /// Calls in flight; at least one. By default [`DEFAULT_CALLS_IN_FLIGHT`].
    pub calls_in_flight: usize,
    /// Time for calls that bring no deadline of their own, all attempts together. By default 60 s.
    pub call_timeout: Duration,
    /// When failed calls are sent again.
    pub retry: RetryPolicy,
    /// How many repeats all calls together get.
    pub retry_budget: RetryBudget,
    /// Seed of the pauses before repeats. By default another one in each process.
    pub retry_seed: u64,
    /// Shares places and repeats with other stacks to the same endpoint, in place of `calls_in_flight` and
    /// `retry_budget`.
    pub quota: Option<Arc<EndpointQuota>>,
    /// How long a login that the server refused is not tried again. By default [`LOGIN_HOLD_OFF`].
    pub login_hold_off: Duration,
    /// The time without calls after which a session is used to keep it alive, below the server's idle limit. By default
    /// what the service's session scheme says; [`Duration::MAX`] lets idle sessions end.
    pub keep_alive_every: Option<Duration>,
    /// Also writes bodies into trace events. By default not.
    pub bodies: Option<BodyTrace>,
    /// Counts calls and what happens to sessions.
    pub metrics: Option<Arc<dyn Metrics>>,
}

impl Default for StackSettings {
    fn default() -> Self {
        Self {
            calls_in_flight: DEFAULT_CALLS_IN_FLIGHT,
            call_timeout: DEFAULT_CALL_LIMIT,
            retry: RetryPolicy::default(),
            retry_budget: RetryBudget::default(),
            retry_seed: process_seed(),
            quota: None,
            login_hold_off: LOGIN_HOLD_OFF,
            keep_alive_every: None,
            bodies: None,
            metrics: None,
        }
    }
}

/// Builds a [`Stack`].
#[derive(Debug)]
#[must_use]
pub struct StackBuilder {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    endpoint: Arc<str>,
    server: Option<ServerName>,
    /// The session's, then those that widen it.
    schemes: Vec<(Standing, Arc<dyn SessionScheme>)>,
    settings: StackSettings,
}

impl StackBuilder {
    /// Starts on top of `inner`, which sends single calls (an HTTP transport, the simulator, a user's own).
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            endpoint: "".into(),
            server: None,
            schemes: Vec::new(),
            settings: StackSettings::default(),
        }
    }

    /// Names the endpoint in trace events (`peer.service`) and metrics, and its server (`server.address`) too unless
    /// [`StackBuilder::server`] does.
    pub fn endpoint(mut self, name: &str) -> Self {
        self.endpoint = name.into();
        self
    }

    /// Names the server in trace events: `server.address` and `server.port`.
    pub fn server(mut self, host: &str, port: u16) -> Self {
        self.server = Some(ServerName {
            address: host.into(),
            port: Some(port),
        });
        self
    }

    /// Sends calls within sessions of this scheme.
    pub fn session(mut self, scheme: Arc<dyn SessionScheme>) -> Self {
        self.schemes
            .retain(|(standing, _)| *standing != Standing::Session);
        self.schemes.insert(0, (Standing::Session, scheme));
        self
    }

    /// Widens the session for the calls that this scheme [covers](SessionScheme::covers), before the first of them: to
    /// another site, for instance. The scheme's own calls go out within the session, and an extension is lazy, shared,
    /// made again once it is lost, and held off once it is refused as a session is.
    pub fn extension(mut self, scheme: Arc<dyn SessionScheme>) -> Self {
        self.schemes.push((Standing::Extension, scheme));
        self
    }

    /// Replaces all settings; those made one by one come after it.
    pub fn settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Bounds the calls in flight; at least one.
    pub fn limit(mut self, calls_in_flight: usize) -> Self {
        self.settings.calls_in_flight = calls_in_flight;
        self
    }

    /// Sets when failed calls are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Sets how many repeats all calls together get.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.settings.retry_budget = budget;
        self
    }

    /// Draws the pauses before repeats from a sequence that depends on this seed alone.
    pub fn retry_seed(mut self, seed: u64) -> Self {
        self.settings.retry_seed = seed;
        self
    }

    /// Shares places and repeats with other stacks to the same endpoint; [`StackBuilder::limit`] and
    /// [`StackBuilder::retry_budget`] then have no effect.
    pub fn quota(mut self, quota: Arc<EndpointQuota>) -> Self {
        self.settings.quota = Some(quota);
        self
    }

    /// Limits calls that bring no deadline of their own, all attempts together; by default 60 s.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.settings.call_timeout = limit;
        self
    }

    /// Sets how long a login that the server refused is not tried again; by default [`LOGIN_HOLD_OFF`].
    pub fn login_hold_off(mut self, hold_off: Duration) -> Self {
        self.settings.login_hold_off = hold_off;
        self
    }

    /// Also writes bodies, with secrets struck out, into trace events of level TRACE.
    pub fn trace_bodies(mut self, bodies: BodyTrace) -> Self {
        self.settings.bodies = Some(bodies);
        self
    }

    /// Tells `metrics` about calls and sessions.
    pub fn metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.settings.metrics = Some(metrics);
        self
    }

    /// Builds the stack: trace, retry, extensions of the session, session, limit, and the transport last.
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
            server,
            schemes,
            settings,
        } = self;
        let observer = Observer::new(Arc::clone(&endpoint), settings.metrics);
        let server = server.unwrap_or(ServerName {
            address: endpoint,
            port: None,
        });
        let quota = settings.quota.unwrap_or_else(|| {
            let (limit, budget) = (settings.calls_in_flight, settings.retry_budget);
            Arc::new(EndpointQuota::new(limit, budget, Arc::clone(&clock)))
        });
        let turns = Turns::new(quota.calls_in_flight());

        let limited: Arc<dyn Transport> =
            Arc::new(Limited::new(inner, Arc::clone(&clock), Arc::clone(&quota)));
        let parts = SessionParts {
            clock: Arc::clone(&clock),
            observer: observer.clone(),
            hold_off: settings.login_hold_off,
            keep_alive_every: settings.keep_alive_every,
        };
        let mut sessions = Vec::new();
        let mut in_session = limited;
        for (standing, scheme) in schemes {
            let layer = Arc::new(Authenticated::new(in_session, standing, scheme, parts.clone()));
            in_session = Arc::clone(&layer) as _;
            sessions.push(layer);
        }
        let retrying = Retrying::new(
            in_session,
            Arc::clone(&clock),
            settings.retry,
            quota,
            settings.retry_seed,
            observer.clone(),
        );
        Arc::new(Stack {
            outermost: Traced::new(Arc::new(retrying), clock, observer, server, settings.bodies),
            sessions,
            call_limit: settings.call_timeout,
            turns,
        })
    }
}

/// The layers of one client, as one transport.
///
/// `Debug` prints their order, for example `trace > retry(4) > session > limit(32) > HttpTransport { .. }`.
///
/// # A transport or a wrapper of one's own
/// Whatever implements [`Transport`] can take the place of HTTPS at the bottom. A wrapper around that sees each single
/// attempt, logins too, with the session in its headers; a wrapper around the stack sees each call once:
///
/// ```
/// use std::fmt;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use bytes::Bytes;
/// use farside_transport::{Call, CallError, StackBuilder, SystemClock, Transport};
///
/// /// Counts what goes through it.
/// struct Counting {
///     inner: Arc<dyn Transport>,
///     count: AtomicU64,
/// }
///
/// #[async_trait::async_trait]
/// impl Transport for Counting {
///     async fn send(&self, call: Call) -> Result<http::Response<Bytes>, CallError> {
///         self.count.fetch_add(1, Ordering::Relaxed);
///         self.inner.send(call).await
///     }
/// }
///
/// impl fmt::Debug for Counting {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "count > {:?}", self.inner)
///     }
/// }
///
/// # use farside_transport::CallErrorKind;
/// # #[derive(Debug)]
/// # struct Https;
/// # #[async_trait::async_trait]
/// # impl Transport for Https {
/// #     async fn send(&self, call: Call) -> Result<http::Response<Bytes>, CallError> {
/// #         Err(call.context().error(CallErrorKind::Closed))
/// #     }
/// # }
/// # let https = Arc::new(Https);
/// let attempts = Arc::new(Counting { inner: https, count: AtomicU64::new(0) });
/// let stack = StackBuilder::new(attempts, Arc::new(SystemClock::new())).build();
/// let calls = Counting { inner: stack, count: AtomicU64::new(0) };
/// assert_eq!(format!("{calls:?}"), "count > trace > retry(4) > limit(32) > count > Https");
/// ```
pub struct Stack {
    outermost: Traced,
    /// Innermost first.
    sessions: Vec<Arc<Authenticated>>,
    call_limit: Duration,
    turns: Turns,
}

impl Stack {
    /// Turns for looks at pieces of remote work that are asked for one by one: as many at once as this stack has calls in
    /// flight. Other calls need none.
    #[must_use]
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Logs out, if there is a session, and refuses all further calls that need one. Takes at most 10 s, after a login
    /// that is under way has ended.
    ///
    /// A stack that is dropped unclosed logs out too, on the runtime that it is dropped within: in a task of its own,
    /// which takes at most 10 s and whose failure nobody hears of. Outside a runtime, and where the runtime ends before
    /// that task, the session is left to its idle time.
    ///
    /// # Errors
    /// Whatever the log-out met; the server then ends the session by its idle time.
    pub async fn close(&self) -> Result<(), CallError> {
        let mut outcome = Ok(());
        for session in self.sessions.iter().rev() {
            outcome = outcome.and(session.close().await);
        }
        outcome
    }

    /// Gives up the session, if there is one, without a word to the server; the next call logs in. For when it is known
    /// that the server has lost its sessions: after a switch of a vCenter HA cluster, for instance.
    pub fn invalidate_session(&self) {
        for session in &self.sessions {
            session.invalidate();
        }
    }

    /// Lets a login that the server refused be tried again at once: after an account was unlocked, for instance.
    pub fn lift_login_hold_off(&self) {
        for session in &self.sessions {
            session.lift_hold_off();
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
mod tests;
