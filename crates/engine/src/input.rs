//! What the world said. Inputs are facts brought by the driver; whether they fit is the run's judgement.

use serde_json::Value;

use crate::id::{ActionRef, CallId};

/// News for a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed: let the schedule go on.
    Tick,
    /// A look at the world has an answer.
    Looked {
        /// Whom it was for.
        action: ActionRef,
        /// The call it was to verify; none before the first call.
        after: Option<CallId>,
        /// What was seen.
        finding: Finding,
    },
    /// The answer to a call, or what became of it.
    Submitted {
        /// Which call.
        call: CallId,
        /// What became of it.
        result: Submitted,
    },
    /// The end of accepted remote work.
    Waited {
        /// Which call.
        call: CallId,
        /// What became of it.
        result: Waited,
    },
    /// A person wants nothing further to begin.
    Abort,
    /// The process is to end soon: nothing new is started.
    Stop,
    /// A person will not wait for the settle time (disaster runs only).
    CutSettle,
}

/// What a look at the world showed, for one action.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// It is done, by whomever.
    Done {
        /// For the report.
        note: Option<String>,
        /// What later actions, runs and the report need; opaque.
        data: Value,
    },
    /// It has not happened and may be sent. After a lost answer only where that is certain.
    Ready {
        /// What will be asked, and what will be seen when it worked; opaque.
        intent: Value,
        /// Actions that fit into one call, where the server says; none or zero: no limit is known.
        limit: Option<u32>,
    },
    /// Remote work is under way that is this action's.
    Running {
        /// Its identifier; opaque.
        operation: Value,
    },
    /// Not the time yet; look again.
    NotYet {
        /// Why.
        reason: String,
    },
    /// It may have happened and nothing shows it.
    CannotTell {
        /// Why.
        reason: String,
        /// What was seen, in the kind's words; a change of it starts the settle time anew.
        seen: String,
    },
    /// It cannot be done, and it did not happen.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// The look itself failed.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// The server took it and works on it.
    Accepted {
        /// Identifier of the remote work; opaque.
        operation: Value,
    },
    /// It is over; each member has its end.
    Settled(Vec<MemberResult>),
    /// The server did not act: nothing was sent, or it answered that it did nothing.
    Refused {
        /// Why.
        reason: String,
        /// Whether to try again.
        again: Again,
    },
    /// It may have happened.
    Lost {
        /// Why nobody knows.
        reason: String,
    },
}

/// Whether a refused call is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// No: the refusal is final.
    Never,
    /// Yes, after a wait.
    Later,
    /// Yes, with fewer actions in one call.
    Smaller {
        /// The limit the server named; none, zero or less means one.
        limit: Option<u32>,
    },
}

/// What became of accepted remote work.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited {
    /// It is over; each member has its end.
    Settled(Vec<MemberResult>),
    /// It cannot be followed any longer: unknown to the server, or the deadline has passed.
    Lost {
        /// Why.
        reason: String,
    },
}

/// One action's share of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberResult {
    /// Which action.
    pub action: ActionRef,
    /// How it ended.
    pub end: MemberEnd,
}

/// How a call ended for one of its actions.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberEnd {
    /// It worked.
    Done {
        /// For the report.
        note: Option<String>,
        /// What later actions, runs and the report need; opaque.
        data: Value,
    },
    /// The server refused it or failed at it, for good.
    Failed {
        /// Why.
        reason: String,
    },
    /// The server did not do it and it may be tried again.
    Again {
        /// Why.
        reason: String,
        /// Set when the call was too large: the limit the server named.
        smaller: Option<Option<u32>>,
    },
    /// Other remote work does it; wait for that.
    Running {
        /// Its identifier; opaque.
        operation: Value,
    },
    /// Nobody knows: look.
    Unknown {
        /// Why.
        reason: String,
    },
}
