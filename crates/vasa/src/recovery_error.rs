//! Why what comes after a recovery was not seen to its end.

use std::time::Duration;

use farside_transport::CallError;
use farside_vim::WorkError;
use farside_wire::Fault;

use crate::files::Contradiction;
use crate::id::GroupId;
use crate::policy::VmPart;

/// Why what comes after a recovery was not seen to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// A call failed; its effect says what the server can have done.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Work on a machine or a datastore did not come to its end.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The provider does not show a group at this side.
    #[error("the provider does not show group {group}")]
    NotShown {
        /// The group.
        group: GroupId,
        /// Why, if it says so.
        faults: Vec<Fault>,
    },
    /// What is told of the volumes cannot all be true.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The policies were assigned, and policy-based management tells of others for these parts.
    #[error("after {} s policy-based management still told of other policies for {} parts", .limit.as_secs(), .parts.len())]
    NotAssigned {
        /// The parts.
        parts: Vec<VmPart>,
        /// The time that it was given.
        limit: Duration,
    },
    /// The time was up. What was asked for may still happen.
    #[error("it was not done after {} s", .limit.as_secs())]
    Late {
        /// The time that it was given.
        limit: Duration,
    },
}
