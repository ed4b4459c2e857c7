//! A transport on which faults happen by rules.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::call::{Call, CallContext, Transport};
use crate::clock::Clock;
use crate::error::{CallError, CallErrorKind, Phase, Sent};
use crate::random::Random;
use crate::testing::fault::{FaultAction, FaultPlan, FaultRule};
use crate::testing::lock;

/// The rules in force, shared by all clones and by the transports that follow them.
///
/// The first rule that hits a call decides what becomes of it; every rule that matches counts it.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    active: Vec<Active>,
    last: u64,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: FaultRule,
    dice: Random,
    counts: FaultCounts,
    /// The rule has ended the session, and no log-in has come since.
    session_ended: bool,
}

/// What a rule has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultCounts {
    /// Calls that matched.
    pub matched: u32,
    /// Calls that were hit.
    pub hits: u32,
    /// Calls that were turned away with 401 since the rule ended the session, those that it hit not counted.
    pub turned_away: u32,
}

/// What becomes of a call.
enum Verdict {
    Pass,
    Hit(FaultAction),
    TurnAway,
}

impl Faults {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules of a file, for good.
    #[must_use]
    pub fn from_plan(plan: FaultPlan) -> Self {
        let faults = Self::new();
        for rule in plan.rules {
            faults.add(rule).keep();
        }
        faults
    }

    /// Puts a rule into force, after all others, for as long as the guard lives.
    pub fn add(&self, rule: FaultRule) -> FaultGuard {
        let mut table = lock(&self.0);
        table.last += 1;
        let id = table.last;
        table.active.push(Active {
            id,
            dice: Random::new(rule.seed),
            rule,
            counts: FaultCounts::default(),
            session_ended: false,
        });
        FaultGuard {
            faults: self.clone(),
            id,
            keep: false,
        }
    }

    /// The rules in force and what they have done, in the order in which they were added.
    #[must_use]
    pub fn rules(&self) -> Vec<(FaultRule, FaultCounts)> {
        let table = lock(&self.0);
        let pair = |active: &Active| (active.rule.clone(), active.counts);
        table.active.iter().map(pair).collect()
    }

    fn judge(&self, call: &Call) -> Verdict {
        let mut verdict = Verdict::Pass;
        for active in &mut lock(&self.0).active {
            let passed = matches!(verdict, Verdict::Pass);
            if active.session_ended && active.rule.action.opened_by(call.operation) == Some(false) {
                if passed {
                    active.counts.turned_away += 1;
                    verdict = Verdict::TurnAway;
                }
                continue;
            }
            if active.hits(call, passed) {
                active.session_ended = active.rule.action.opened_by(call.operation).is_some();
                verdict = Verdict::Hit(active.rule.action.clone());
            }
        }
        verdict
    }

    /// Takes note of a call that has succeeded.
    fn succeeded(&self, context: &CallContext) {
        for active in &mut lock(&self.0).active {
            if active.rule.action.opened_by(context.operation) == Some(true) {
                active.session_ended = false;
            }
        }
    }

    fn counts(&self, id: u64) -> FaultCounts {
        let table = lock(&self.0);
        let active = table.active.iter().find(|active| active.id == id);
        active.map_or_else(FaultCounts::default, |active| active.counts)
    }
}

impl Active {
    /// Counts the call; whether it is hit, if no rule before has hit it.
    fn hits(&mut self, call: &Call, free: bool) -> bool {
        if !self.rule.matches(call) {
            return false;
        }
        self.counts.matched += 1;
        let due = self.rule.is_due(self.counts.matched) && self.rule.count.allows(self.counts.hits);
        // The dice fall for each call that is due, so that other rules cannot change which calls are hit.
        let hit = due && self.rule.probability.hits(self.dice.next()) && free;
        self.counts.hits += u32::from(hit);
        hit
    }
}

/// Keeps a rule in force; dropping it removes the rule, and a session that the rule has ended lives again.
#[must_use = "the rule is removed when the guard is dropped"]
#[derive(Debug)]
pub struct FaultGuard {
    faults: Faults,
    id: u64,
    keep: bool,
}

impl FaultGuard {
    /// What the rule has done so far.
    #[must_use]
    pub fn counts(&self) -> FaultCounts {
        self.faults.counts(self.id)
    }

    /// Leaves the rule in force for good.
    pub fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if !self.keep {
            lock(&self.faults.0).active.retain(|active| active.id != self.id);
        }
    }
}

/// Sends calls through another transport, unless a rule has other plans for them.
///
/// In a stack it stands where the network does, as the innermost transport or around it.
///
/// ```
/// use std::sync::Arc;
/// use farside_transport::testing::{Answer, FaultAction, FaultRule, Faults, FaultyTransport};
/// use farside_transport::testing::{PausedClock, ScriptedTransport};
/// use farside_transport::{Call, Effect, Transport};
/// # use farside_wire::Operation;
/// # const START: Operation = Operation { id: "startThing", ..farside_transport::testing::BLANK_OPERATION };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Arc::new(ScriptedTransport::with(|_, _| Answer::empty(204)));
/// let faults = Faults::new();
/// let network = FaultyTransport::new(server.clone(), Arc::new(PausedClock::new()), faults.clone());
/// let call = || Call::new(&START, "thing 1", http::Request::post("/things/1").body(bytes::Bytes::new()).unwrap());
///
/// let guard = faults.add(FaultRule::new("startThing", FaultAction::DropAnswer));
/// let error = network.send(call()).await.unwrap_err();
/// assert_eq!(error.effect(), Effect::Unknown);
/// assert_eq!(server.count(&START), 1, "the server has acted");
/// assert_eq!(guard.counts().hits, 1);
///
/// drop(guard);
/// network.send(call()).await?;
/// # Ok(())
/// # }
/// ```
pub struct FaultyTransport {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    faults: Faults,
}

impl FaultyTransport {
    /// A transport that sends through `inner` what `faults` let through. Delays pass on `clock`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, faults: Faults) -> Self {
        Self { inner, clock, faults }
    }

    async fn pass(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let context = call.context();
        let outcome = self.inner.send(call).await;
        if outcome.is_ok() {
            self.faults.succeeded(&context);
        }
        outcome
    }

    async fn hit(&self, call: Call, action: FaultAction) -> Result<Response<Bytes>, CallError> {
        let context = call.context();
        match action {
            FaultAction::DropAnswer => match self.pass(call).await {
                Err(error) if error.status().is_none() => Err(error),
                Ok(_) | Err(_) => Err(context.error(cut(Sent::Whole))),
            },
            FaultAction::Delay { ms, request } => self.delay(call, Duration::from_millis(ms), request).await,
            FaultAction::CutBeforeSending => Err(context.error(cut(Sent::Nothing))),
            FaultAction::CutWhileSending { reached } => {
                if reached {
                    let _lost = self.pass(call).await;
                }
                Err(context.error(cut(Sent::Whole)))
            }
            FaultAction::Refuse {
                status,
                body,
                retry_after,
            } => context.accept(refusal(status, body, retry_after)),
            FaultAction::EndSession | FaultAction::EndSessionUntil { .. } => unauthorized(&context),
        }
    }

    async fn delay(
        &self,
        mut call: Call,
        delay: Duration,
        before: bool,
    ) -> Result<Response<Bytes>, CallError> {
        let (context, limit) = (call.context(), call.time_limit());
        if before {
            self.clock.sleep(delay.min(limit)).await;
            let left = limit.saturating_sub(delay);
            if left.is_zero() {
                return Err(context.error(timeout(Phase::Connect, limit, Sent::Nothing)));
            }
            call.deadline = Some(left);
            return self.pass(call).await;
        }
        let start = self.clock.elapsed();
        let outcome = self.pass(call).await;
        let left = limit.saturating_sub(self.clock.elapsed().saturating_sub(start));
        self.clock.sleep(delay.min(left)).await;
        if delay < left || left.is_zero() {
            return outcome;
        }
        Err(context.error(timeout(Phase::FirstByte, limit, Sent::Whole)))
    }
}

impl fmt::Debug for FaultyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = lock(&self.faults.0).active.len();
        write!(f, "faults({rules}) > {:?}", self.inner)
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        match self.faults.judge(&call) {
            Verdict::Pass => self.pass(call).await,
            Verdict::Hit(action) => self.hit(call, action).await,
            Verdict::TurnAway => unauthorized(&call.context()),
        }
    }
}

fn cut(sent: Sent) -> CallErrorKind {
    CallErrorKind::Cut {
        sent,
        source: io::ErrorKind::ConnectionReset.into(),
    }
}

fn timeout(phase: Phase, limit: Duration, sent: Sent) -> CallErrorKind {
    CallErrorKind::Timeout { phase, limit, sent }
}

fn unauthorized(context: &CallContext) -> Result<Response<Bytes>, CallError> {
    context.accept(refusal(StatusCode::UNAUTHORIZED, None, None))
}

fn refusal(status: StatusCode, body: Option<Value>, retry_after: Option<u32>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    if let Some(body) = body {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.body_mut() = body.to_string().into();
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

#[cfg(test)]
mod tests;
