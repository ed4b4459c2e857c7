//! One remote call and the actions it carries.
//!
//! | state | record | next |
//! | --- | --- | --- |
//! | (none) | `CallIntended` | Intended |
//! | (none) | `CallAdopted` | Accepted |
//! | Intended | `CallAccepted` | Accepted |
//! | Intended, Accepted | `CallLost`, `RunOpened` (Intended only) | Lost: its open actions are verified |
//! | Intended, Accepted | last open action settled or put back | Settled |
//! | Lost | last open action settled or put back | Settled |

use serde_json::Value;

use crate::id::{ActionRef, CallId, Timestamp};

/// A call of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// The actions it carries.
    pub members: Vec<ActionRef>,
    /// How far it is.
    pub state: CallState,
    /// When it was intended; when it goes on with the work of an earlier call, when that was.
    pub at: Timestamp,
    /// Members whose share is not settled.
    pub open: usize,
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub enum CallState {
    /// It is about to be sent, or its answer is awaited.
    Intended,
    /// The server works on it.
    Accepted {
        /// Identifier of the remote work; opaque.
        operation: Value,
    },
    /// Nobody follows it; its open actions are looked at.
    Lost,
    /// Nothing of it is open.
    Settled,
}

impl Call {
    /// Whether the server took it and its end is waited for.
    pub fn is_accepted(&self) -> bool {
        match self.state {
            CallState::Accepted { .. } => true,
            CallState::Intended | CallState::Lost | CallState::Settled => false,
        }
    }

    /// Whether it counts against the limits of its endpoints: the server may be working on it.
    pub fn is_open(&self) -> bool {
        match self.state {
            CallState::Intended | CallState::Accepted { .. } | CallState::Lost => true,
            CallState::Settled => false,
        }
    }
}
