//! What can be wrong with a plan, an input or a journal.

use crate::id::{ActionRef, CallId, EndpointId, ItemId};

/// A resolved plan that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two items have one name.
    #[error("item {0} is listed twice")]
    DuplicateItem(ItemId),
    /// A dependency names nothing.
    #[error("item {item} depends on {wanted}, which is not in the plan")]
    UnknownDependency {
        /// The item with the dependency.
        item: ItemId,
        /// The name that was not found.
        wanted: ItemId,
    },
    /// A dependency on a group that starts later can never be met.
    #[error("item {item} depends on {wanted}, whose priority group starts later")]
    LaterGroup {
        /// The item with the dependency.
        item: ItemId,
        /// The item in the later group.
        wanted: ItemId,
    },
    /// Items wait for each other.
    #[error("dependency cycle: {}", .0.iter().map(ItemId::as_str).collect::<Vec<_>>().join(" -> "))]
    Cycle(Vec<ItemId>),
    /// A call to the endpoint would wait for ever.
    #[error("no call may be under way to endpoint {0}; its limit must be at least one")]
    ZeroLimit(EndpointId),
}

/// An input that does not fit the state: late, repeated, or about nothing of this run. It changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// Nobody waits for this look.
    #[error("no look is awaited for {0}")]
    LookNotAwaited(ActionRef),
    /// The call is not in the state that this news is about.
    #[error("{0} is not waiting for this")]
    CallNotAwaited(CallId),
    /// The run has ended.
    #[error("the run has ended")]
    RunEnded,
    /// Cutting the settle time short is for disaster runs.
    #[error("the settle time can be cut short in disaster mode only")]
    SettleIsFixed,
}

/// Records that are not the history of a run: the journal is damaged or of another program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The first record must be the start.
    #[error("a run begins with its start record")]
    NoStart,
    /// A second start.
    #[error("the run was started already")]
    StartedTwice,
    /// The plan in the start record is broken.
    #[error("the plan in the start record cannot be run")]
    Plan(#[from] PlanError),
    /// The record names an action that the plan does not have.
    #[error("unknown {0}")]
    UnknownAction(ActionRef),
    /// The record names an item that the plan does not have.
    #[error("unknown item {0}")]
    UnknownItem(ItemId),
    /// The record names a call that was never intended, or one that is settled.
    #[error("{0} is not open")]
    UnknownCall(CallId),
    /// The record does not follow from the state before it.
    #[error("{what} does not follow for {action}")]
    Illegal {
        /// The record's kind.
        what: &'static str,
        /// What it is about.
        action: ActionRef,
    },
    /// An item that is over, or that has a call under way, is not skipped.
    #[error("item {0} cannot be skipped where it stands")]
    NotSkippable(ItemId),
    /// The end, although an item is not over.
    #[error("the run cannot end before item {0}")]
    EndedEarly(ItemId),
    /// Nothing comes after the end.
    #[error("a record after the end of the run")]
    AfterEnd,
}
