//! What has happened in a world, for those who watch it: a list of bounded length, the oldest entries of which are lost first.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many entries are kept.
const KEPT: usize = 4_096;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A call that is meant to change something was made.
    Call {
        /// The endpoint asked.
        endpoint: String,
        /// The operation id of the API document.
        operation: &'static str,
        /// The first of its objects.
        object: String,
        /// How many objects it is about.
        objects: usize,
        /// What its caller saw: `accepted`, `refused`, `cut` (in the middle of the answer), `closed` (without one), `silent`.
        outcome: &'static str,
    },
    /// Remote work has begun or ended.
    Task {
        /// The endpoint that runs it.
        endpoint: String,
        /// Its id there.
        task: String,
        /// What it does.
        work: String,
        /// `running`, `succeeded` or `failed`.
        state: &'static str,
    },
    /// A replication group changed its state.
    Group {
        /// Its name.
        name: String,
        /// The state of each side, by the name of its vCenter.
        states: [(String, &'static str); 2],
    },
    /// A VM replication changed its state, or came to be; `GONE` once it is removed.
    Replication {
        /// Its id.
        replication: String,
        /// Its VM.
        vm: String,
        /// Its recovery state.
        state: &'static str,
    },
    /// A vCenter HA cluster has another active node, mode, or health.
    Cluster {
        /// Its vCenter.
        vcenter: String,
        /// The active node, from 1.
        active: usize,
        /// Its mode.
        mode: &'static str,
        /// Whether all members are there and in sync.
        healthy: bool,
    },
    /// A host works with another DPU.
    Dpu {
        /// The id of the host.
        host: String,
        /// The DPU, from 1.
        active: usize,
    },
    /// Links of a host went up or down.
    Links {
        /// The id of the host.
        host: String,
        /// The cards whose links are down.
        down: Vec<String>,
    },
    /// An endpoint is reached, or is not.
    Endpoint {
        /// Its name.
        name: String,
        /// `listening`, `restarting`, `refusing`, `silent` or `idle`.
        state: &'static str,
    },
    /// Another world goes on here.
    World {
        /// `loaded`.
        state: &'static str,
    },
    /// A fault rule was added or removed, or its condition begins or ends.
    Fault {
        /// Its number.
        fault: u32,
        /// `added`, `removed`, `holds` or `over`.
        state: &'static str,
    },
}

impl Happening {
    /// Its kind, as in its JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call { .. } => "call",
            Self::Task { .. } => "task",
            Self::Group { .. } => "group",
            Self::Replication { .. } => "replication",
            Self::Cluster { .. } => "cluster",
            Self::Dpu { .. } => "dpu",
            Self::Links { .. } => "links",
            Self::Endpoint { .. } => "endpoint",
            Self::World { .. } => "world",
            Self::Fault { .. } => "fault",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number; the first one is 1, and none is left out.
    pub id: u64,
    /// World time, in milliseconds.
    pub at_ms: i64,
    /// What has happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// The entries, oldest first. A saved world goes on with the next number and has none of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Chronicle {
    #[serde(skip)]
    entries: VecDeque<Entry>,
    last: u64,
}

impl Chronicle {
    pub(crate) fn note(&mut self, at_ms: i64, what: Happening) {
        self.last += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            id: self.last,
            at_ms,
            what,
        });
    }

    /// The number of the newest entry; 0 if there has been none.
    pub fn newest(&self) -> u64 {
        self.last
    }

    /// The entries after the one of this number that are still there, oldest first, and how many are lost between.
    pub fn after(&self, id: u64) -> (u64, impl Iterator<Item = &Entry>) {
        let oldest = self.entries.front().map_or(self.last + 1, |entry| entry.id);
        let lost = oldest.saturating_sub(id.saturating_add(1));
        let skip = id.saturating_add(1).saturating_sub(oldest);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        (lost, self.entries.iter().skip(skip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(count: u32) -> Chronicle {
        let mut chronicle = Chronicle::default();
        for id in 0..count {
            chronicle.note(
                i64::from(id),
                Happening::Fault {
                    fault: id,
                    state: "added",
                },
            );
        }
        chronicle
    }

    fn ids(chronicle: &Chronicle, after: u64) -> (u64, Vec<u64>) {
        let (lost, entries) = chronicle.after(after);
        (lost, entries.map(|entry| entry.id).collect())
    }

    #[test]
    fn entries_are_numbered_and_read_from_any_of_them_on() {
        let chronicle = noted(3);
        assert_eq!(ids(&chronicle, 0), (0, vec![1, 2, 3]));
        assert_eq!(ids(&chronicle, 2), (0, vec![3]));
        assert_eq!(ids(&chronicle, 3), (0, vec![]));
        assert_eq!(ids(&chronicle, 9), (0, vec![]));
        assert_eq!(ids(&Chronicle::default(), 0), (0, vec![]));
    }

    #[test]
    fn the_oldest_entries_are_lost_and_counted() {
        let chronicle = noted(5_000);
        let (lost, left) = ids(&chronicle, 0);
        assert_eq!((lost, left.len(), left[0]), (904, KEPT, 905));
        assert_eq!(ids(&chronicle, 900).0, 4);
        assert_eq!(ids(&chronicle, 904).0, 0);
    }

    #[test]
    fn an_entry_is_one_flat_object() {
        let chronicle = noted(1);
        let (_, mut entries) = chronicle.after(0);
        let text = serde_json::to_string(entries.next().unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"id":1,"at_ms":0,"kind":"fault","fault":0,"state":"added"}"#
        );
    }
}
