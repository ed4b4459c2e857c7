//! What was asked of the world and what came of it, per operation and object.
//!
//! An attempt is *open* from its arrival until it is refused, lost, or its work has ended. A second action on an object
//! that has an open one is counted apart: a careful caller never makes one.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One attempt on one object, while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket(u64);

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// It reads, or opens or ends a session: counted, but no times are kept.
    Read,
    /// It is meant to change the object: counted with its times.
    Action,
}

/// What happened to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The request arrived.
    Attempt,
    /// It arrived while an earlier action on the same object was open.
    AttemptWhileUnsettled,
    /// It was answered with an error, or its entry in a batch was.
    Refused,
    /// It was answered with success.
    Accepted,
    /// It was cut before the server acted.
    Lost,
    /// It was acted upon and the answer was dropped.
    AnswerDropped,
    /// State changed because of it.
    Effect,
    /// Its work ended.
    Settled,
}

/// One line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// World time in milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub what: Outcome,
}

/// All attempts of one operation on one object at one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Requests that arrived.
    pub attempts: u64,
    /// Of these, the ones that were refused.
    pub refused: u64,
    /// Of these, the ones that were accepted.
    pub accepted: u64,
    /// How often state changed because of one.
    pub effects: u64,
    /// Actions that arrived while an earlier action on the same object was open.
    pub attempts_while_unsettled: u64,
    /// World time of the last attempt, in milliseconds.
    pub last_ms: i64,
    /// What happened, in order; empty for reads.
    pub log: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    endpoint: String,
    #[serde(with = "crate::saved::name")]
    operation: crate::saved::Text,
    object: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Open {
    key: Key,
    purpose: Purpose,
    answered: bool,
    held: bool,
}

/// The counts of many calls together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests that arrived, counted once for each of their objects.
    pub attempts: u64,
    /// Of these, the ones that were refused.
    pub refused: u64,
    /// Of these, the ones that were accepted.
    pub accepted: u64,
    /// How often state changed because of one.
    pub effects: u64,
}

/// The log of all calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CallLog {
    totals: Totals,
    #[serde(with = "crate::saved::pairs")]
    entries: BTreeMap<Key, Entry>,
    open: BTreeMap<Ticket, Open>,
    by_object: BTreeMap<String, BTreeSet<Ticket>>,
    last: u64,
}

/// One entry with its names, as the administration endpoint shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The endpoint asked.
    pub endpoint: String,
    /// The operation id of the API document.
    pub operation: &'static str,
    /// The object, such as `vm-replications/C4-...`.
    pub object: String,
    /// The counts and times.
    #[serde(flatten)]
    pub entry: Entry,
}

impl CallLog {
    /// Records that a request for `object` arrived.
    pub(crate) fn arrive(
        &mut self,
        at_ms: i64,
        endpoint: &str,
        operation: &'static str,
        purpose: Purpose,
        object: &str,
    ) -> Ticket {
        let key = Key {
            endpoint: endpoint.to_owned(),
            operation,
            object: object.to_owned(),
        };
        self.last += 1;
        self.totals.attempts += 1;
        let ticket = Ticket(self.last);
        let overlaps = purpose == Purpose::Action && self.by_object.contains_key(object);
        let entry = self.entries.entry(key.clone()).or_default();
        entry.attempts += 1;
        entry.last_ms = at_ms;
        if purpose == Purpose::Action {
            entry.log.push(Line {
                at_ms,
                what: Outcome::Attempt,
            });
            if overlaps {
                entry.attempts_while_unsettled += 1;
                entry.log.push(Line {
                    at_ms,
                    what: Outcome::AttemptWhileUnsettled,
                });
            }
            self.by_object
                .entry(object.to_owned())
                .or_default()
                .insert(ticket);
        }
        self.open.insert(
            ticket,
            Open {
                key,
                purpose,
                answered: false,
                held: false,
            },
        );
        ticket
    }

    /// Keeps an attempt open after its answer, until [`Self::settle`]: its work goes on.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.held = true;
        }
    }

    /// Counts a refusal, unless the attempt is answered already, and closes it.
    pub(crate) fn refuse(&mut self, ticket: Ticket, at_ms: i64) {
        let fresh = self
            .open
            .get_mut(&ticket)
            .is_some_and(|open| !std::mem::replace(&mut open.answered, true));
        if fresh {
            self.note(ticket, at_ms, Outcome::Refused);
        }
        self.close(ticket);
    }

    /// Counts an acceptance, unless the attempt is answered already, and closes it unless it is held.
    pub(crate) fn accept(&mut self, ticket: Ticket, at_ms: i64) {
        let Some(open) = self.open.get_mut(&ticket) else {
            return;
        };
        let fresh = !std::mem::replace(&mut open.answered, true);
        let held = open.held;
        if fresh {
            self.note(ticket, at_ms, Outcome::Accepted);
        }
        if !held {
            self.close(ticket);
        }
    }

    /// Records that the request was cut before the server acted, and closes it.
    pub(crate) fn lose(&mut self, ticket: Ticket, at_ms: i64) {
        self.note(ticket, at_ms, Outcome::Lost);
        self.close(ticket);
    }

    /// Records that the caller will not hear the answer.
    pub(crate) fn drop_answer(&mut self, ticket: Ticket, at_ms: i64) {
        self.note(ticket, at_ms, Outcome::AnswerDropped);
    }

    /// Records that state changed because of this attempt.
    pub(crate) fn effect(&mut self, ticket: Ticket, at_ms: i64) {
        self.note(ticket, at_ms, Outcome::Effect);
    }

    /// Closes an attempt whose work has ended.
    pub(crate) fn settle(&mut self, ticket: Ticket, at_ms: i64) {
        self.note(ticket, at_ms, Outcome::Settled);
        self.close(ticket);
    }

    /// All entries, by endpoint, operation and object.
    pub fn entries(&self) -> Vec<Calls> {
        let named = self.entries.iter().map(|(key, entry)| Calls {
            endpoint: key.endpoint.clone(),
            operation: key.operation,
            object: key.object.clone(),
            entry: entry.clone(),
        });
        named.collect()
    }

    /// The counts over all entries.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The counts of an operation, over all endpoints and objects; zeros for one that nobody has called.
    pub fn of(&self, operation: &str) -> Totals {
        self.sum(|key| key.operation == operation)
    }

    /// The counts of all calls at an endpoint.
    pub fn at(&self, endpoint: &str) -> Totals {
        self.sum(|key| key.endpoint == endpoint)
    }

    fn sum(&self, counts: impl Fn(&Key) -> bool) -> Totals {
        let counted = self.entries.iter().filter(|(key, _)| counts(key));
        counted.fold(Totals::default(), |sum, (_, entry)| Totals {
            attempts: sum.attempts + entry.attempts,
            refused: sum.refused + entry.refused,
            accepted: sum.accepted + entry.accepted,
            effects: sum.effects + entry.effects,
        })
    }

    fn note(&mut self, ticket: Ticket, at_ms: i64, what: Outcome) {
        let Some(open) = self.open.get(&ticket) else {
            return;
        };
        let entry = self.entries.entry(open.key.clone()).or_default();
        match what {
            Outcome::Refused => {
                entry.refused += 1;
                self.totals.refused += 1;
            }
            Outcome::Accepted => {
                entry.accepted += 1;
                self.totals.accepted += 1;
            }
            Outcome::Effect => {
                entry.effects += 1;
                self.totals.effects += 1;
            }
            Outcome::Attempt
            | Outcome::AttemptWhileUnsettled
            | Outcome::Lost
            | Outcome::AnswerDropped
            | Outcome::Settled => {}
        }
        if open.purpose == Purpose::Action {
            entry.log.push(Line { at_ms, what });
        }
    }

    fn close(&mut self, ticket: Ticket) {
        let Some(open) = self.open.remove(&ticket) else {
            return;
        };
        if let Some(tickets) = self.by_object.get_mut(&open.key.object) {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.by_object.remove(&open.key.object);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(log: &mut CallLog, at_ms: i64, operation: &'static str) -> Ticket {
        log.arrive(at_ms, "west", operation, Purpose::Action, "vm-replications/1")
    }

    #[test]
    fn an_attempt_on_an_object_whose_work_goes_on_is_counted_apart() {
        let mut log = CallLog::default();
        let first = arrive(&mut log, 1, "failover");
        log.hold(first);
        log.accept(first, 1);
        let second = arrive(&mut log, 2, "failover");
        log.refuse(second, 2);
        log.effect(first, 5);
        log.settle(first, 5);
        let third = arrive(&mut log, 6, "failover");
        log.accept(third, 6);

        let entries = log.entries();
        let entry = &entries[0].entry;
        assert_eq!((entry.attempts, entry.accepted, entry.refused), (3, 2, 1));
        assert_eq!((entry.effects, entry.attempts_while_unsettled), (1, 1));
        let counts = log.of("failover");
        assert_eq!(
            (counts.attempts, counts.accepted, counts.refused, counts.effects),
            (3, 2, 1, 1)
        );
        assert_eq!(
            (log.of("reverse"), log.at("nowhere")),
            (Totals::default(), Totals::default())
        );
        assert_eq!(log.at(&entries[0].endpoint), log.totals());
    }

    #[test]
    fn another_operation_on_the_same_object_overlaps_too() {
        let mut log = CallLog::default();
        let first = arrive(&mut log, 1, "failover");
        log.hold(first);
        log.accept(first, 1);
        let second = arrive(&mut log, 2, "reverse");
        log.refuse(second, 2);
        let reverse = log
            .entries()
            .into_iter()
            .find(|calls| calls.operation == "reverse");
        assert_eq!(reverse.map(|calls| calls.entry.attempts_while_unsettled), Some(1));
    }

    #[test]
    fn a_read_is_counted_without_times_and_never_overlaps() {
        let mut log = CallLog::default();
        for at_ms in 0..3 {
            let ticket = log.arrive(at_ms, "west", "get", Purpose::Read, "vm-replications/1");
            log.accept(ticket, at_ms);
        }
        let entry = &log.entries()[0].entry;
        assert_eq!((entry.attempts, entry.accepted, entry.last_ms), (3, 3, 2));
        assert!(entry.log.is_empty());
    }
}
