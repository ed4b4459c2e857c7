//! A virtual machine in the inventory.
//!
//! | from | by | to |
//! | --- | --- | --- |
//! | off | `PowerOnVM_Task`, `PowerOnMultiVM_Task` | on; a question may hold it up |
//! | on | `PowerOffVM_Task` | off, not cleanly |
//! | on, Tools running | `ShutdownGuest` | off, cleanly, after a while |
//! | off | `UnregisterVM` | not in the inventory, files left |
//! | off | `Destroy_Task` | not in the inventory, files deleted |

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::Place;

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its id, such as `vm-1001`.
    pub id: String,
    /// Its vCenter.
    pub vcenter: String,
    /// Its name in the inventory.
    pub name: String,
    /// The id of its folder.
    pub folder: String,
    /// The id of its resource pool; a template has none.
    pub pool: Option<String>,
    /// The id of its host.
    pub host: String,
    /// Where its files are.
    pub place: Place,
    /// The name of its configuration file, which is known also when the file is not there.
    pub file: String,
    /// Whether it runs.
    pub on: bool,
    /// What its guest does.
    pub guest: Guest,
    /// How it was switched off last.
    pub clean_power_off: Option<bool>,
    /// World time of the last start, in milliseconds.
    pub booted_ms: Option<i64>,
    /// How often it was started; what was to happen in an earlier run does not happen any more.
    pub boots: u32,
    /// What it asks before it goes on.
    pub question: Option<Question>,
    /// The task that is at work on it.
    pub busy: Option<String>,
}

/// What a guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guest {
    /// Nothing: the machine is off.
    NotRunning,
    /// It boots; its Tools do not run.
    Boots,
    /// Its Tools run; it has no address.
    Runs,
    /// It has an address.
    HasAddress,
    /// It shuts itself down.
    ShutsDown,
}

impl Guest {
    /// Whether Tools run in it.
    pub(super) fn has_tools(self) -> bool {
        matches!(self, Self::Runs | Self::HasAddress | Self::ShutsDown)
    }
}

/// A question of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// Whether it asks if it was moved or copied; otherwise it asks something else.
    pub about_uuid: bool,
    /// Whether it was answered and the machine has not gone on yet.
    pub answered: bool,
    /// What it is on the wire.
    pub(super) shown: Value,
}

/// The keys of the choices of the question whether a machine was moved or copied.
pub(super) const CANCEL: &str = "0";
pub(super) const MOVED: &str = "1";
pub(super) const COPIED: &str = "2";
