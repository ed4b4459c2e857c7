//! What a kind of protection is to the rest of the house: it reads its own table of the plan, says which actions a
//! mode needs, looks at the world, sends calls and waits for them. The driver, the reports and the engine carry its
//! payloads and never look into them; a further kind is registered, not matched on.

mod answer;
pub mod dpu;
pub mod vasa;
pub mod vcda;
pub mod vcha;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use farside_engine::{
    Action, ActionRef, CallId, EndpointId, Finding, LockKey, Mode, RunId, Submitted, Waited,
};
use serde::Serialize;
use serde_json::Value;

use crate::connection::Connections;
use crate::plan::{PlanContext, PlanProblem, Table, Timing};

/// A kind of protection.
///
/// Methods that talk to servers are bounded in time by the deadlines of the calls they make, but for [`Kind::wait`], which
/// the driver drops at the action's deadline. Dropping one of their futures leaves running what the server has begun; [`Kind::look`] and [`Kind::check`] change nothing.
#[async_trait]
pub trait Kind: fmt::Debug + Send + Sync {
    /// Name of the kind's table in a plan's item, and of the kind in records and reports.
    fn name(&self) -> &'static str;

    /// The keys that the kind's table may have, in the order in which messages list them.
    fn keys(&self) -> &'static [&'static str];

    /// Reads the kind's table of an item, which has no other keys than [`Kind::keys`]. No server is asked.
    ///
    /// # Errors
    /// Says what is wrong at which place of the plan.
    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem>;

    /// What `mode` makes of the item. No server is asked.
    fn work(&self, request: &WorkRequest<'_>) -> Work;

    /// Asks the servers whether `mode` can be run for these items; one answer for each, in their order.
    async fn check(&self, world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check>;

    /// Looks at the world for these actions; one finding for each, in their order. Changes nothing.
    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding>;

    /// Sends one call, once. Whatever may have happened comes back as [`Submitted::Lost`].
    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted;

    /// Waits for accepted work to end. The driver stops waiting at the action's deadline.
    async fn wait(&self, world: &Connections, call: &CallRequest, operation: &Value) -> Waited;
}

/// What a kind read from an item's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Protected {
    /// What the kind needs to know later; kept in the journal.
    pub payload: Value,
    /// Version of `payload`, as the kind counts.
    pub version: u32,
    /// Canonical names of what is protected, whichever plan or item names it.
    pub locks: Vec<LockKey>,
}

/// The question for [`Kind::work`].
#[derive(Clone, Copy, Debug)]
pub struct WorkRequest<'a> {
    /// What the run is for.
    pub mode: Mode,
    /// The item's payload.
    pub payload: &'a Value,
    /// What the last finished reprotect of this item left behind ([`farside_engine::Outcome::data`] of its last
    /// action), whatever the mode.
    pub reprotected: Option<&'a Value>,
    /// Whether it was failed back since that, or may have been.
    pub failed_back: bool,
    /// Deadlines and settle times of the item.
    pub timing: Timing,
    /// Endpoints that the run may not talk to (the protected site, in a disaster).
    pub forbidden: &'a [EndpointId],
}

/// What a mode makes of an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// The steps in order; empty without `skip` means that there is nothing to do.
    pub actions: Vec<Action>,
    /// Endpoints that the item must have to itself.
    pub exclusive_on: Vec<EndpointId>,
    /// Why the item is skipped in this mode.
    pub skip: Option<String>,
    /// What the report says of the item in any case.
    pub note: Option<String>,
}

impl Work {
    /// Nothing to do, and why.
    pub fn nothing(note: impl Into<String>) -> Self {
        Self {
            note: Some(note.into()),
            ..Self::default()
        }
    }
    /// Not to be done in this mode, and why.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self {
            skip: Some(reason.into()),
            ..Self::default()
        }
    }
}

/// An item that preflight asks about.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckItem {
    /// The item's payload.
    pub payload: Value,
    /// What the last finished reprotect left behind.
    pub reprotected: Option<Value>,
    /// The item's actions in the mode that is checked; empty when there is nothing to do.
    pub actions: Vec<Action>,
}

/// What preflight found out about an item.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Check {
    /// Each thing looked at.
    pub conditions: Vec<Condition>,
    /// What the mode would lose or overwrite, for people; none when nothing can be lost.
    pub loss: Option<String>,
}

/// One thing that preflight looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Condition {
    /// What was looked at: "state of the target group".
    pub name: String,
    /// What was seen.
    pub value: String,
    /// What it means.
    pub verdict: Verdict,
    /// What to do about it; set for everything but `Go`.
    pub hint: Option<String>,
}

/// The judgement of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Go,
    /// Worth knowing; it does not stop a run.
    Warning,
    /// A run of this mode would fail.
    NoGo,
}

impl Condition {
    /// As it should be.
    pub fn go(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            verdict: Verdict::Go,
            hint: None,
        }
    }
    /// Worth knowing.
    pub fn warning(name: impl Into<String>, value: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            verdict: Verdict::Warning,
            hint: Some(hint.into()),
        }
    }
    /// In the way.
    pub fn no_go(name: impl Into<String>, value: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            verdict: Verdict::NoGo,
            hint: Some(hint.into()),
        }
    }
}

impl Check {
    /// The worst verdict.
    pub fn verdict(&self) -> Verdict {
        self.conditions
            .iter()
            .map(|condition| condition.verdict)
            .max()
            .unwrap_or(Verdict::Go)
    }
    /// The check that a finding of [`Kind::look`] for the item's first action amounts to.
    pub fn from_finding(name: &str, finding: &Finding) -> Condition {
        match finding {
            Finding::Done { note, .. } => Condition::warning(
                name,
                note.clone().unwrap_or_else(|| "done already".to_owned()),
                "nothing will be done to it",
            ),
            Finding::Ready { .. } => Condition::go(name, "ready"),
            Finding::Running { .. } => Condition::warning(
                name,
                "already under way",
                "a run would wait for the work that is under way",
            ),
            Finding::NotYet { reason } => Condition::warning(name, reason.clone(), "a run would wait for it"),
            Finding::CannotTell { reason, .. } => {
                Condition::no_go(name, reason.clone(), "look at it by hand")
            }
            Finding::Refused { reason } => Condition::no_go(
                name,
                reason.clone(),
                "mend this, or leave the item out with --only",
            ),
            Finding::Failed { reason } => {
                Condition::no_go(name, reason.clone(), "make the endpoint reachable")
            }
        }
    }
}

/// An action to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct LookRequest {
    /// The run; part of names that must be unique.
    pub run: RunId,
    /// What the run is for.
    pub mode: Mode,
    /// Which action.
    pub action: ActionRef,
    /// The item's payload.
    pub item: Value,
    /// The action's payload.
    pub payload: Value,
    /// The intent of the call whose outcome is to be found out; none before the first call.
    pub after: Option<Value>,
    /// The intent of the action's last call, whatever became of it; none before the first call. A kind whose default
    /// target depends on the state must keep to this one, or a late effect would be undone by the next call.
    pub called: Option<Value>,
    /// What the item's earlier actions left behind, in order.
    pub earlier: Vec<Value>,
}

/// A call to send or to wait for.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRequest {
    /// The run; part of names that must be unique.
    pub run: RunId,
    /// What the run is for.
    pub mode: Mode,
    /// The call's number.
    pub call: CallId,
    /// What it carries; all members have the same kind and batch key.
    pub members: Vec<CallMember>,
}

/// One action of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallMember {
    /// Which action.
    pub action: ActionRef,
    /// The item's payload.
    pub item: Value,
    /// The action's payload.
    pub payload: Value,
    /// What the look before it said to ask for.
    pub intent: Value,
}

/// The kinds that a plan may use, by name.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    kinds: BTreeMap<&'static str, Arc<dyn Kind>>,
}

impl Kinds {
    /// No kind at all.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a kind; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, kind: impl Kind + 'static) -> Self {
        self.kinds.insert(kind.name(), Arc::new(kind));
        self
    }
    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Kind>> {
        self.kinds.get(name)
    }
    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }
}

/// All kinds that come with this crate.
pub fn standard() -> Kinds {
    Kinds::new()
        .with(vcha::Vcha)
        .with(dpu::Dpu)
        .with(vcda::Vcda)
        .with(vasa::Vasa)
}
