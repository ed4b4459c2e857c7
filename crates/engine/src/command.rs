//! What is to be done: derived from the state, so that recovery needs no path of its own.

use crate::id::{ActionRef, CallId};

/// An order to the driver. Equal commands are the same piece of work: the driver starts each once and keeps it
/// until its input has come back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Look at the world, change nothing.
    Look {
        /// For which action.
        action: ActionRef,
        /// The call whose outcome is to be found out; none before the first call.
        after: Option<CallId>,
    },
    /// Send the call, once.
    Submit {
        /// Which.
        call: CallId,
    },
    /// Wait for accepted remote work.
    Wait {
        /// Which.
        call: CallId,
    },
}
