//! The resolved plan: what a run executes. Everything a file, a selector or a server had to say is in it already.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::PlanError;
use crate::id::{BatchKey, EndpointId, ItemId, LockKey};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Rehearse without touching the protected side.
    Test,
    /// End a rehearsal.
    Cleanup,
    /// Move over in order, both sides alive, nothing lost.
    Planned,
    /// Recover without the protected side.
    Disaster,
    /// Protect the recovered side in the other direction.
    Reprotect,
    /// Move back, planned, after a reprotect.
    Failback,
}

impl Mode {
    /// All modes, in the order of a recovery's life.
    pub const ALL: [Mode; 6] = [
        Mode::Test,
        Mode::Cleanup,
        Mode::Planned,
        Mode::Disaster,
        Mode::Reprotect,
        Mode::Failback,
    ];

    /// The word used on the command line and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Test => "test",
            Mode::Cleanup => "cleanup",
            Mode::Planned => "planned",
            Mode::Disaster => "disaster",
            Mode::Reprotect => "reprotect",
            Mode::Failback => "failback",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plan with nothing left to look up: the run's first record holds it whole. Each member must be there when it is
/// read back, an empty one as `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPlan {
    /// Name of the plan.
    pub name: String,
    /// SHA-256 of the plan file's text, hex; says which file the run was started from.
    pub hash: String,
    /// What the run is for.
    pub mode: Mode,
    /// Protected items; the order breaks ties.
    pub items: Vec<Item>,
    /// Calls that may be under way at once, by endpoint, at least one; an endpoint that is not named has no limit.
    pub limits: BTreeMap<EndpointId, u32>,
    /// What the driver needs to reach the world when the run is taken up again; opaque, and without secrets.
    pub surroundings: Value,
}

/// One protected item and what the run's mode makes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Name, unique in the plan.
    pub id: ItemId,
    /// Kind of protection; the engine only carries it.
    pub kind: String,
    /// Name of the priority group.
    pub group: String,
    /// Position of the priority group: an item starts when all items of smaller numbers have ended.
    pub priority: u32,
    /// Items that must be done before this one starts; when one of them is not done, this one is skipped.
    pub depends_on: Vec<ItemId>,
    /// What the run holds for this item against other runs.
    pub locks: Vec<LockKey>,
    /// Endpoints that this item must have to itself while it is worked on.
    pub exclusive_on: Vec<EndpointId>,
    /// Set when the mode has nothing to do to this item and why it is skipped.
    #[serde(deserialize_with = "Option::deserialize")]
    pub skip: Option<String>,
    /// What the report says of the item whatever happens.
    #[serde(deserialize_with = "Option::deserialize")]
    pub note: Option<String>,
    /// The steps, in order. Empty (and no `skip`): nothing to do, the item is done at once.
    pub actions: Vec<Action>,
    /// Version of `payload`, as its kind counts.
    pub version: u32,
    /// What the kind of protection needs to know; opaque.
    pub payload: Value,
}

/// One step of an item: a remote call, alone or shared with other items' steps of the same batch key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it does, for people: "fail over".
    pub name: String,
    /// Endpoints it talks to.
    pub endpoints: Vec<EndpointId>,
    /// Set when it may share a call.
    #[serde(deserialize_with = "Option::deserialize")]
    pub batch: Option<BatchKey>,
    /// What may be done when nobody can tell whether it happened.
    pub resend: Resend,
    /// How long the world must stay unchanged before an unknown outcome of a guarded action counts as "did not
    /// happen", milliseconds. The longest such action of the run raises it.
    pub settle_ms: u64,
    /// How long the action may take until a call of it is taken, and how long the server may work on that call,
    /// milliseconds. Waiting for an endpoint whose calls are at their limit does not count, nor does time before
    /// the run was last opened.
    pub deadline_ms: u64,
    /// What the kind of protection needs to know; opaque.
    pub payload: Value,
}

/// What may be done with an action that may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resend {
    /// After the settle time, which a person may cut short: the server's own state refuses a second one.
    Guarded,
    /// After the settle time, which nobody may cut short: nothing but a world that was seen unchanged all that time
    /// proves that the first came to nothing.
    Unchanged,
    /// Only when a look proves that it did not happen.
    WhenSeen,
    /// It leaves no trace and does no harm when repeated; a look still comes first.
    Harmless,
}

impl ResolvedPlan {
    /// Checks names, dependencies and limits.
    ///
    /// # Errors
    /// A name that occurs twice, a dependency on an unknown item, a cycle (named in full), or an endpoint that takes
    /// no call at all. Items of a smaller priority number come first, so a dependency on a later group is a cycle
    /// too.
    pub fn check(&self) -> Result<(), PlanError> {
        if let Some((endpoint, _)) = self.limits.iter().find(|(_, limit)| **limit == 0) {
            return Err(PlanError::ZeroLimit(endpoint.clone()));
        }
        let mut index = BTreeMap::new();
        for (position, item) in self.items.iter().enumerate() {
            if index.insert(&item.id, position).is_some() {
                return Err(PlanError::DuplicateItem(item.id.clone()));
            }
        }
        for item in &self.items {
            for wanted in &item.depends_on {
                let Some(&position) = index.get(wanted) else {
                    return Err(PlanError::UnknownDependency {
                        item: item.id.clone(),
                        wanted: wanted.clone(),
                    });
                };
                if self.items[position].priority > item.priority {
                    return Err(PlanError::LaterGroup {
                        item: item.id.clone(),
                        wanted: wanted.clone(),
                    });
                }
            }
        }
        self.find_cycle(&index)
            .map_or(Ok(()), |path| Err(PlanError::Cycle(path)))
    }

    fn find_cycle(&self, index: &BTreeMap<&ItemId, usize>) -> Option<Vec<ItemId>> {
        let mut finished = BTreeSet::new();
        for start in 0..self.items.len() {
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((position, next)) = path.pop() {
                if finished.contains(&position) {
                    continue;
                }
                let Some(wanted) = self.items[position].depends_on.get(next) else {
                    finished.insert(position);
                    continue;
                };
                path.push((position, next + 1));
                let wanted = index[wanted];
                if let Some(from) = path.iter().position(|(p, _)| *p == wanted) {
                    let mut cycle: Vec<ItemId> = path[from..]
                        .iter()
                        .map(|(p, _)| self.items[*p].id.clone())
                        .collect();
                    cycle.push(self.items[wanted].id.clone());
                    return Some(cycle);
                }
                path.push((wanted, 0));
            }
        }
        None
    }
}
