//! The schedule: which items may begin, which actions share a call, and when the run is over.
//!
//! Rules, in order:
//! 1. an aborted run skips every item that has no call under way;
//! 2. an item that depends on one that is not done is skipped; so are those that depend on one that the plan skips,
//!    except in a rehearsal and in a disaster, where there was nothing to wait for;
//! 3. an item begins when all items of smaller priority numbers have ended and its dependencies are done;
//! 4. an item that must have an endpoint to itself waits until every item that has begun and touches the endpoint
//!    has ended, and meanwhile none of them begins;
//! 5. ready actions of one batch key go out together, up to the known limit, as soon as the call is full or no
//!    other look of that key is due; endpoints with a limit on calls hold the rest back.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::ActionState;
use crate::call::CallState;
use crate::id::{ActionRef, BatchKey, CallId, EndpointId, ItemId, Timestamp};
use crate::plan::{Item, Mode};
use crate::record::Record;
use crate::run::{ItemProgress, ItemResult, Run, RunState};

impl Run {
    /// What the passing of time brings: skips, starts, calls, deadlines, the end.
    pub(crate) fn decide_tick(&self, now: Timestamp) -> Vec<Record> {
        if self.state == RunState::Ended {
            return Vec::new();
        }
        let mut records = self.skips(now);
        if !records.is_empty() {
            return records;
        }
        if self.items.iter().all(|item| item.result().is_some()) {
            return vec![Record::RunEnded { at: now }];
        }
        if self.state == RunState::Stopped {
            return records;
        }
        records.extend(self.overdue_calls(now));
        records.extend(self.starts(now));
        if records.is_empty() {
            records.extend(self.calls_to_make(now));
        }
        records
    }

    fn skips(&self, now: Timestamp) -> Vec<Record> {
        let mut records = Vec::new();
        for (item, progress) in self.items() {
            if !progress.can_be_skipped() {
                continue;
            }
            let reason = if self.aborting && progress.result().is_none() {
                if let Some(record) = self.doubt_at_abort(now, item, progress) {
                    records.push(record);
                    continue;
                }
                Some("the run was aborted".to_owned())
            } else if let Some(reason) = &item.skip {
                Some(reason.clone())
            } else if progress.has_started() || progress.result().is_some() {
                None
            } else {
                item.depends_on.iter().find_map(|wanted| self.unmet(wanted))
            };
            if let Some(reason) = reason {
                records.push(Record::ItemSkipped {
                    at: now,
                    item: item.id.clone(),
                    reason,
                });
            }
        }
        records
    }

    /// An action that was to be sent again although an earlier call of it may have happened is not just skipped.
    fn doubt_at_abort(&self, now: Timestamp, item: &Item, progress: &ItemProgress) -> Option<Record> {
        let current = progress.current()?;
        if !progress.actions.get(current)?.in_doubt {
            return None;
        }
        let action = ActionRef {
            item: item.id.clone(),
            action: current,
        };
        let reason = "the run was aborted; an earlier call of it may have happened";
        self.subject(now, &action)
            .map(|subject| subject.unknown(reason.to_owned()))
    }

    /// Why a dependency can no longer be met; none while it can, or is.
    fn unmet(&self, wanted: &ItemId) -> Option<String> {
        let (item, progress) = self.item(wanted)?;
        match progress.result()? {
            ItemResult::Done => None,
            ItemResult::Skipped if self.is_nothing_to_wait_for(item) => None,
            ItemResult::Skipped => Some(format!("depends on {wanted}, which was skipped")),
            ItemResult::Failed => Some(format!("depends on {wanted}, which failed")),
            ItemResult::Unknown => Some(format!("depends on {wanted}, whose outcome is unknown")),
        }
    }

    /// A rehearsal leaves out what cannot be rehearsed, and a disaster run what stands in the lost site; in the other
    /// modes an item that the plan skips is one that should have been moved.
    fn is_nothing_to_wait_for(&self, item: &Item) -> bool {
        item.skip.is_some() && matches!(self.plan.mode, Mode::Test | Mode::Disaster)
    }

    fn overdue_calls(&self, now: Timestamp) -> Vec<Record> {
        let overdue = self.calls.values().filter(|call| match call.state {
            CallState::Accepted { .. } => self.call_deadline(call) <= now,
            CallState::Intended | CallState::Lost | CallState::Settled => false,
        });
        overdue
            .map(|call| Record::CallLost {
                at: now,
                call: call.id,
                reason: "the server still worked on it at the deadline".to_owned(),
            })
            .collect()
    }

    fn starts(&self, now: Timestamp) -> Vec<Record> {
        let mut records = Vec::new();
        let mut busy = Busy::of(self);
        let lowest = self
            .items()
            .filter(|(_, p)| p.result().is_none())
            .map(|(item, _)| item.priority)
            .min();
        let waiting = |wants_endpoint: bool| {
            self.items().filter(move |(item, progress)| {
                progress.result().is_none()
                    && !progress.has_started()
                    && item.exclusive_on.is_empty() != wants_endpoint
                    && Some(item.priority) == lowest
            })
        };
        for (item, progress) in self.items() {
            if progress.result().is_none()
                && progress.has_started()
                && let Some(current) = progress.current()
                && progress.actions[current].state == ActionState::Waiting
            {
                let action = ActionRef {
                    item: item.id.clone(),
                    action: current,
                };
                records.push(Record::ActionStarted { at: now, action });
            }
        }
        for (item, _) in waiting(true).chain(waiting(false)) {
            if !item.depends_on.iter().all(|wanted| self.is_met(wanted)) {
                continue;
            }
            if busy.admit(item) {
                let action = ActionRef {
                    item: item.id.clone(),
                    action: 0,
                };
                records.push(Record::ActionStarted { at: now, action });
            }
        }
        records
    }

    fn is_met(&self, wanted: &ItemId) -> bool {
        self.item(wanted)
            .is_some_and(|(item, progress)| match progress.result() {
                Some(ItemResult::Done) => true,
                Some(ItemResult::Skipped) => self.is_nothing_to_wait_for(item),
                Some(ItemResult::Failed | ItemResult::Unknown) | None => false,
            })
    }

    fn calls_to_make(&self, now: Timestamp) -> Vec<Record> {
        let mut under_way = self.calls_under_way();
        let mut next = self.next_call();
        let mut records = Vec::new();
        for (batch, ready) in self.ready_actions() {
            let limit = match &batch {
                None => 1,
                Some(batch) => self.limits.get(batch).map_or(usize::MAX, |limit| *limit as usize),
            };
            let hold = batch.as_ref().is_some_and(|batch| self.look_is_due(batch, now));
            for members in ready.chunks(limit.max(1).min(ready.len())) {
                if hold && members.len() < limit {
                    break;
                }
                let endpoints = self.endpoints_of(members);
                let full = endpoints.iter().any(|endpoint| {
                    let most = self.plan.limits.get(endpoint).copied().unwrap_or(u32::MAX);
                    under_way.get(endpoint).copied().unwrap_or(0) >= most
                });
                if full {
                    continue;
                }
                for endpoint in endpoints {
                    *under_way.entry(endpoint).or_insert(0) += 1;
                }
                records.push(Record::CallIntended {
                    at: now,
                    call: next,
                    members: members.to_vec(),
                });
                next = CallId(next.0 + 1);
            }
        }
        records
    }

    /// Ready actions by batch key; those without a key stand alone.
    fn ready_actions(&self) -> Vec<(Option<BatchKey>, Vec<ActionRef>)> {
        let mut groups: Vec<(Option<BatchKey>, Vec<ActionRef>)> = Vec::new();
        let mut positions: BTreeMap<&BatchKey, usize> = BTreeMap::new();
        for (item, progress) in self.items() {
            let (None, Some(current)) = (progress.result(), progress.current()) else {
                continue;
            };
            let ActionState::Ready { .. } = progress.actions[current].state else {
                continue;
            };
            let action = ActionRef {
                item: item.id.clone(),
                action: current,
            };
            match item.actions.get(current).and_then(|step| step.batch.as_ref()) {
                None => groups.push((None, vec![action])),
                Some(batch) => match positions.get(batch) {
                    Some(position) => groups[*position].1.push(action),
                    None => {
                        positions.insert(batch, groups.len());
                        groups.push((Some(batch.clone()), vec![action]));
                    }
                },
            }
        }
        groups
    }

    fn look_is_due(&self, batch: &BatchKey, now: Timestamp) -> bool {
        self.items().any(|(item, progress)| {
            progress.result().is_none()
                && progress.current().is_some_and(|current| {
                    item.actions
                        .get(current)
                        .is_some_and(|step| step.batch.as_ref() == Some(batch))
                        && matches!(
                            progress.actions[current].state,
                            ActionState::Looking { not_before } if not_before <= now
                        )
                })
        })
    }

    fn calls_under_way(&self) -> BTreeMap<EndpointId, u32> {
        let mut under_way = BTreeMap::new();
        for call in self.calls.values().filter(|call| call.is_open()) {
            for endpoint in self.endpoints_of(&call.members) {
                *under_way.entry(endpoint).or_insert(0) += 1;
            }
        }
        under_way
    }

    fn endpoints_of(&self, members: &[ActionRef]) -> BTreeSet<EndpointId> {
        members
            .iter()
            .filter_map(|member| self.action(member))
            .flat_map(|(_, action, _)| action.endpoints.iter().cloned())
            .collect()
    }
}

/// Which endpoints are touched, and which are taken or wanted by one item alone.
struct Busy<'a> {
    touched: BTreeSet<&'a EndpointId>,
    taken: BTreeSet<&'a EndpointId>,
}

impl<'a> Busy<'a> {
    fn of(run: &'a Run) -> Self {
        let mut busy = Busy {
            touched: BTreeSet::new(),
            taken: BTreeSet::new(),
        };
        for (item, progress) in run.items() {
            if progress.result().is_none() && progress.has_started() {
                busy.touched.extend(touched(item));
                busy.taken.extend(&item.exclusive_on);
            }
        }
        busy
    }

    /// Whether the item may begin; an exclusive one that may not keeps its endpoints from the others.
    fn admit(&mut self, item: &'a Item) -> bool {
        let free = touched(item).all(|endpoint| !self.taken.contains(endpoint))
            && item
                .exclusive_on
                .iter()
                .all(|endpoint| !self.touched.contains(endpoint));
        self.taken.extend(&item.exclusive_on);
        if free {
            self.touched.extend(touched(item));
        }
        free
    }
}

fn touched(item: &Item) -> impl Iterator<Item = &EndpointId> {
    item.actions
        .iter()
        .flat_map(|action| &action.endpoints)
        .chain(&item.exclusive_on)
}
