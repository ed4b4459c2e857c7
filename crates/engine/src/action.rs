//! The machine of one action.
//!
//! | state | record | next |
//! | --- | --- | --- |
//! | Waiting | `ActionStarted` | Looking |
//! | Looking | `LookDeferred` | Looking, later |
//! | Looking | `ActionReady` | Ready |
//! | Looking | `ActionEnded` (done already, refused, deadline, aborted in doubt) | Ended |
//! | Looking, Verifying | `CallAdopted` | Called |
//! | Ready | `CallIntended` | Called |
//! | Ready | `RunOpened` (the look is from another time) | Looking |
//! | Ready | `ActionEnded` (aborted in doubt) | Ended |
//! | Called | `CallAdopted` (other remote work does it) | Called |
//! | Called | `CallLost`, `ActionUnsettled`, `RunOpened` (call not accepted) | Verifying |
//! | Called | `ActionPutBack` (the server did not act) | Looking, later |
//! | Called | `ActionEnded` | Ended |
//! | Verifying | `LookDeferred` | Verifying, later |
//! | Verifying | `ActionPutBack` (seen, or settled and guarded) | Looking |
//! | Verifying | `ActionEnded` | Ended |
//!
//! A skipped item leaves its actions where they are; they are no longer looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{CallId, Timestamp};

/// How far an action is.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionState {
    /// Its turn has not come.
    Waiting,
    /// The world is looked at before the call.
    Looking {
        /// Earliest time of the look.
        not_before: Timestamp,
    },
    /// It may be sent.
    Ready {
        /// What will be asked; opaque.
        intent: Value,
        /// When the look said so.
        since: Timestamp,
    },
    /// It is part of a call that is on its way or worked on.
    Called {
        /// Which.
        call: CallId,
    },
    /// Its call may have happened; the world is looked at to find out.
    Verifying(Verifying),
    /// It is over.
    Ended(Outcome),
}

/// An action whose call may have happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Verifying {
    /// The call in question.
    pub call: CallId,
    /// Since when its outcome is in doubt.
    pub since: Timestamp,
    /// Earliest time of the next look.
    pub not_before: Timestamp,
    /// Since when the world has looked the same.
    pub unchanged_since: Timestamp,
    /// What was seen last.
    pub seen: Option<String>,
    /// Why verification is needed.
    pub reason: String,
    /// A person decided not to wait for the settle time.
    pub settle_cut: bool,
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The short of it.
    pub result: OutcomeResult,
    /// The long of it, for people. Always set for a failure.
    #[serde(deserialize_with = "Option::deserialize")]
    pub note: Option<String>,
    /// What later actions, runs and the report need; opaque.
    pub data: Value,
}

/// The short of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeResult {
    /// It is as asked.
    Done,
    /// It is not as asked, and the server did not act or said that it failed.
    Failed,
    /// It may have happened; a person must look.
    Unknown,
}

/// An action with its history in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionProgress {
    /// How far it is.
    pub state: ActionState,
    /// When its turn came.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// From when its deadline counts.
    pub counts_from: Timestamp,
    /// Calls that carried it.
    pub attempts: u32,
    /// How often its outcome came into doubt.
    pub doubts: u32,
    /// Whether it counts as not sent although an earlier call of it may have happened: a guarded action is put back
    /// without proof.
    pub in_doubt: bool,
    /// Looks and calls that led nowhere since the last lost answer; sets the pause before the next.
    pub tries: u32,
    /// The last reason for a delay, for people.
    pub waiting_for: Option<String>,
    /// What the last call was to do; kept for its verification.
    pub intent: Value,
}

impl ActionProgress {
    pub(crate) fn new() -> Self {
        Self {
            state: ActionState::Waiting,
            started: None,
            ended: None,
            counts_from: Timestamp(0),
            attempts: 0,
            doubts: 0,
            in_doubt: false,
            tries: 0,
            waiting_for: None,
            intent: Value::Null,
        }
    }

    /// Whether its turn has come and it is not over.
    pub fn is_under_way(&self) -> bool {
        match self.state {
            ActionState::Waiting | ActionState::Ended(_) => false,
            ActionState::Looking { .. }
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Verifying(_) => true,
        }
    }
}
