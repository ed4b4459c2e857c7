//! Faults as data: which calls they hit and what becomes of these calls, and conditions that hold for a while.
//!
//! A rule of a call waits for calls that match. A rule of a *condition* (a lost site, full storage, a link that flaps) that
//! names no calls holds by itself; one that names calls begins to hold with the first call that it hits. It holds until its
//! time is over or the rule is removed.

mod action;
mod condition;
pub mod file;
mod rule;
mod strike;
#[cfg(test)]
pub(crate) mod tests;
mod unfit;

pub use self::action::{FaultAction, Loss};
pub(crate) use self::condition::{FaultEvent, happen};
pub use self::rule::FaultRule;
pub(crate) use self::strike::part;
pub use self::unfit::UnfitRule;

use crate::service::ServiceName;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// A rule in force, with its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// The number by which it can be removed.
    pub id: u32,
    /// Calls that matched.
    pub matched: u32,
    /// Calls that were hit.
    pub hits: u32,
    /// World time since which its condition holds, in milliseconds; `None` if it is of no condition, or that does not hold.
    pub holds_since_ms: Option<i64>,
    /// Whether its condition has held and does not any more.
    pub over: bool,
    /// The rule.
    pub rule: FaultRule,
}

/// A call, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSeen<'a> {
    pub(crate) now_ms: i64,
    pub(crate) service: ServiceName,
    pub(crate) endpoint: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) objects: &'a [String],
}

/// A rule that hits a call, and what it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) fault: u32,
    pub(crate) action: FaultAction,
}

/// The rules in force. The first one that hits a call decides; all that match count it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults {
    active: Vec<ActiveFault>,
    last: u32,
}

/// The fault rules of a world, to add or remove some where a rule that makes no sense is a mistake of the caller's.
#[derive(Debug)]
pub struct FaultsMut<'w>(&'w mut World);

impl<'w> FaultsMut<'w> {
    pub(crate) fn of(world: &'w mut World) -> Self {
        Self(world)
    }

    /// Adds a rule and gives its number, as [`World::add_fault`]. Beyond that it takes numbers that hit nothing, and a
    /// [`FaultAction::Refuse`] with any status, for tests that have a server say what it would not.
    ///
    /// # Panics
    /// If the rule names what there is not: an operation, a service that lacks it, an endpoint, a site, a host, a card; or a link
    /// flaps faster than [`FaultAction::LEAST_FLAP_MS`].
    pub fn add(&mut self, rule: FaultRule) -> u32 {
        if let Err(unfit) = self.0.check_names(&rule) {
            panic!("a fault rule that fits no world like this: {unfit}");
        }
        self.0.put_fault(rule)
    }

    /// Removes a rule and ends its condition; `false` if there is none of that number.
    pub fn remove(&mut self, id: u32) -> bool {
        self.0.remove_fault(id)
    }
}

impl Faults {
    /// Adds a rule, whatever it names, and gives its number. The world has to be told of a condition that holds by itself.
    fn add(&mut self, rule: FaultRule) -> u32 {
        self.last += 1;
        self.active.push(ActiveFault {
            id: self.last,
            matched: 0,
            hits: 0,
            holds_since_ms: None,
            over: false,
            rule,
        });
        self.last
    }

    /// Removes a rule and gives it, if there is one of that number. The world has to be told if its condition held.
    fn remove(&mut self, id: u32) -> Option<ActiveFault> {
        let index = self.active.iter().position(|fault| fault.id == id)?;
        Some(self.active.remove(index))
    }

    /// The rules with their counts, in the order in which they were added.
    pub fn active(&self) -> &[ActiveFault] {
        &self.active
    }

    /// The rule of this number.
    pub fn get(&self, id: u32) -> Option<&ActiveFault> {
        self.active.iter().find(|fault| fault.id == id)
    }

    /// Whether the storage of a site is full.
    pub fn is_full(&self, site: &str) -> bool {
        self.holding()
            .any(|action| matches!(action, FaultAction::FillDisk { site: full } if full == site))
    }

    /// The conditions that hold.
    fn holding(&self) -> impl Iterator<Item = &FaultAction> {
        let holding = self.active.iter().filter(|fault| fault.holds_since_ms.is_some());
        holding.map(|fault| &fault.rule.action)
    }

    /// Whether a call is hit; `draw` gives a number below a million for a rule.
    pub(crate) fn judge(
        &mut self,
        call: CallSeen<'_>,
        mut draw: impl FnMut(&ActiveFault) -> i64,
    ) -> Option<Verdict> {
        let mut verdict = None;
        for fault in &mut self.active {
            if !fault.rule.matches(call) {
                continue;
            }
            fault.matched += 1;
            let due =
                fault.matched >= fault.rule.nth && fault.rule.count.is_none_or(|count| fault.hits < count);
            // A draw is made whatever other rules do, so that they do not change what this one hits.
            if due && fault.rule.is_drawn(|| draw(fault)) && verdict.is_none() {
                fault.hits += 1;
                verdict = Some(Verdict {
                    fault: fault.id,
                    action: fault.rule.action.clone(),
                });
            }
        }
        verdict
    }
}
