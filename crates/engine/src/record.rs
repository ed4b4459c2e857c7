//! What has happened. Records are the run: they are appended to the journal and folded into the state, and nothing
//! else changes it. The enum is closed and without defaults: a reader that meets a record it does not know stops.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Outcome;
use crate::id::{ActionRef, BatchKey, CallId, ItemId, RunId, Timestamp};
use crate::plan::ResolvedPlan;

/// One fact of a run's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The run exists. Always the first record.
    RunStarted {
        /// When.
        at: Timestamp,
        /// Its name.
        run: RunId,
        /// All it will do; a resume uses this, never the file.
        plan: Box<ResolvedPlan>,
    },
    /// A process took the run up again: every call that was intended and not accepted must be looked at.
    RunOpened {
        /// When.
        at: Timestamp,
    },
    /// No new work is started until the run is opened again.
    RunStopped {
        /// When.
        at: Timestamp,
    },
    /// No item that has not begun will begin; what is under way is seen to its end.
    AbortRequested {
        /// When.
        at: Timestamp,
    },
    /// A person decided not to wait for the settle time (disaster runs only).
    SettleCut {
        /// When.
        at: Timestamp,
    },
    /// An action's turn has come: the world is looked at.
    ActionStarted {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
    },
    /// The look could not decide; it is repeated at `again_at`.
    LookDeferred {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
        /// The time of the next look.
        again_at: Timestamp,
        /// Why.
        reason: String,
        /// What was seen, in the kind's words: the settle time begins anew when it changes.
        #[serde(deserialize_with = "Option::deserialize")]
        seen: Option<String>,
    },
    /// The look says that the action may be sent, and with what.
    ActionReady {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
        /// What is about to be asked and what will be seen when it worked; opaque.
        intent: Value,
    },
    /// So many actions fit into one call of this batch key.
    LimitLearned {
        /// When.
        at: Timestamp,
        /// Whose limit.
        batch: BatchKey,
        /// At least one.
        limit: u32,
    },
    /// A call is about to be sent. Durable before the first byte leaves.
    CallIntended {
        /// When.
        at: Timestamp,
        /// Its number.
        call: CallId,
        /// The actions it carries, at least one.
        members: Vec<ActionRef>,
    },
    /// The server took the call and named the work.
    CallAccepted {
        /// When.
        at: Timestamp,
        /// Its number.
        call: CallId,
        /// Identifier of the remote work; opaque.
        operation: Value,
    },
    /// A look found remote work that is this action's: it is waited for under a number of its own.
    CallAdopted {
        /// When.
        at: Timestamp,
        /// Its number.
        call: CallId,
        /// The action.
        action: ActionRef,
        /// Identifier of the remote work; opaque.
        operation: Value,
    },
    /// Nobody knows what became of the call: each of its open actions is looked at.
    CallLost {
        /// When.
        at: Timestamp,
        /// Its number.
        call: CallId,
        /// Why.
        reason: String,
    },
    /// The action did not happen and may be tried again: it is looked at anew, not before `not_before`.
    ActionPutBack {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
        /// Why.
        reason: String,
        /// Earliest time of the next look.
        not_before: Timestamp,
    },
    /// The action's share of its call is not known although the call ended: it is looked at.
    ActionUnsettled {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
        /// Why.
        reason: String,
    },
    /// The action is over.
    ActionEnded {
        /// When.
        at: Timestamp,
        /// Which.
        action: ActionRef,
        /// How.
        outcome: Outcome,
    },
    /// The item will not be (further) worked on.
    ItemSkipped {
        /// When.
        at: Timestamp,
        /// Which.
        item: ItemId,
        /// Why.
        reason: String,
    },
    /// All items have ended.
    RunEnded {
        /// When.
        at: Timestamp,
    },
}

impl Record {
    /// When it was decided.
    pub fn at(&self) -> Timestamp {
        match self {
            Record::RunStarted { at, .. }
            | Record::RunOpened { at }
            | Record::RunStopped { at }
            | Record::AbortRequested { at }
            | Record::SettleCut { at }
            | Record::ActionStarted { at, .. }
            | Record::LookDeferred { at, .. }
            | Record::ActionReady { at, .. }
            | Record::LimitLearned { at, .. }
            | Record::CallIntended { at, .. }
            | Record::CallAccepted { at, .. }
            | Record::CallAdopted { at, .. }
            | Record::CallLost { at, .. }
            | Record::ActionPutBack { at, .. }
            | Record::ActionUnsettled { at, .. }
            | Record::ActionEnded { at, .. }
            | Record::ItemSkipped { at, .. }
            | Record::RunEnded { at } => *at,
        }
    }
}
