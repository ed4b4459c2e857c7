//! How an action ends for a group.

use std::sync::Arc;

use farside_models_sms::ReplicationState;
use farside_transport::{CallError, WaitError};
use farside_wire::Fault;

use crate::action::Unfit;
use crate::batch::{GroupSuccess, is_already_done};
use crate::id::GroupId;

/// What became of one group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupEnded {
    /// The group, as it was asked for.
    pub group: GroupId,
    /// How it ended.
    pub end: GroupEnd,
}

/// How an action ended for one group.
#[derive(Clone, Debug)]
#[must_use]
pub enum GroupEnd {
    /// It worked, or had been done before: see [`GroupEnd::was_there_already`].
    Succeeded {
        /// What it brought.
        success: GroupSuccess,
        /// What went wrong without failing it.
        warnings: Vec<Fault>,
    },
    /// The provider refused it, or it failed there. The group's state shows what of it was done.
    Failed {
        /// Why; can be empty if the server said so little.
        faults: Vec<Fault>,
    },
    /// No call was made for it, or none that the provider took up: it is as it was.
    NotStarted {
        /// Why.
        reason: NotStarted,
    },
    /// It may have been done, or be under way. Nothing further was sent for it: a look at the group has to tell.
    Unknown {
        /// Why.
        doubt: Doubt,
    },
}

impl GroupEnd {
    /// Whether it worked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        match self {
            Self::Succeeded { .. } => true,
            Self::Failed { .. } | Self::NotStarted { .. } | Self::Unknown { .. } => false,
        }
    }

    /// Whether it worked because nothing was to be done: the provider said `AlreadyDone`.
    #[must_use]
    pub fn was_there_already(&self) -> bool {
        match self {
            Self::Succeeded { warnings, .. } => is_already_done(warnings),
            Self::Failed { .. } | Self::NotStarted { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// Why no work was begun on a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotStarted {
    /// It does not belong into the call.
    Unfit(Unfit),
    /// The provider does not show it.
    NotShown {
        /// What it says instead.
        faults: Vec<Fault>,
    },
    /// The call did not go out, or was refused without a fault, and would be again.
    Call(CallError),
    /// Time was up before its turn came, or while it was put off.
    OutOfTime {
        /// Why the provider put it off, if it did: the last reason.
        faults: Vec<Fault>,
        /// Why the last call with it did not go out, if it did not.
        not_sent: Option<CallError>,
    },
}

/// Why it is not known what became of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Doubt {
    /// The call may have been taken up, and its answer is lost or says so little.
    Call(CallError),
    /// The task was not seen to its end, or failed as a whole after it had begun.
    Wait(Arc<WaitError>),
    /// The provider became unavailable over it, and up to the end of the time the group's state did not show that it was done.
    Unsettled {
        /// What the provider said of the group, or of its call.
        faults: Vec<Fault>,
        /// The state, if it could be read.
        state: Option<ReplicationState>,
    },
    /// The task succeeded without a word about the group, and the group's state does not show it either.
    NotMentioned {
        /// The state, if it could be read.
        state: Option<ReplicationState>,
    },
}
