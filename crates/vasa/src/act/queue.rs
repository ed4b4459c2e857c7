//! The groups of an action between its calls: which are due, which wait, and how each ended. No call is made here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use farside_transport::CallError;
use farside_wire::{Fault, Repeat};

use super::called::{Called, can_pass, is_of_provider};
use super::end::{GroupEnd, GroupEnded, NotStarted};
use crate::action::{Action, Recovery, Unfit};
use crate::batch::GroupOutcome;
use crate::fault::GroupFault;
use crate::group::GroupView;
use crate::id::{GroupId, ProviderRef};

mod item;
mod look;

pub(super) use item::{FIRST_PAUSE, Item};
use item::{WaitsFor, Why};
pub(super) use look::{Seen, groups_of};

/// The fault of a call that was turned away for want of a session, and has not come to the provider.
pub(super) const NO_SESSION: &str = "NotAuthenticated";

#[derive(Debug)]
pub(crate) struct Queue {
    action: Action,
    asked: Vec<GroupId>,
    open: VecDeque<Item>,
    /// How many groups are in calls, or being looked at.
    out: usize,
    /// How many calls are under way at each provider.
    calls: BTreeMap<ProviderRef, usize>,
    /// How many groups each provider takes at once, as far as that is known.
    limits: BTreeMap<ProviderRef, Option<usize>>,
    /// Providers that have taken a whole call: one that has named a limit can have another one for the groups inside it.
    proven: BTreeSet<ProviderRef>,
    /// How long a group that may have been acted upon has to look as if it was not, at least.
    settle: Duration,
    /// The longest call so far, with its task.
    longest: Duration,
    ends: BTreeMap<GroupId, GroupEnd>,
    twice: BTreeSet<usize>,
    /// Tasks whose ends somebody waits for already.
    followed: BTreeSet<String>,
}

impl Queue {
    pub(super) fn new(
        action: Action,
        members: Vec<Recovery>,
        provider: &ProviderRef,
        settle: Duration,
    ) -> Self {
        let asked: Vec<GroupId> = members.iter().map(|member| member.group.clone()).collect();
        let mut known = BTreeSet::new();
        let twice = (0..asked.len())
            .filter(|index| !known.insert(&asked[*index]))
            .collect::<BTreeSet<_>>();
        let items = members
            .into_iter()
            .enumerate()
            .filter(|(index, _)| !twice.contains(index));
        let open = items.map(|(_, recovery)| Item::new(recovery, provider.clone()));
        Self {
            action,
            open: open.collect(),
            out: 0,
            calls: BTreeMap::new(),
            asked,
            limits: BTreeMap::new(),
            proven: BTreeSet::new(),
            settle,
            longest: Duration::ZERO,
            ends: BTreeMap::new(),
            twice,
            followed: BTreeSet::new(),
        }
    }

    /// Groups that have not been looked at, of one provider.
    pub(super) fn unseen(&self) -> Option<(ProviderRef, Vec<GroupId>)> {
        let is_unseen = |item: &&Item| !item.seen && item.is_for_turn();
        let provider = &self.open.iter().find(is_unseen)?.provider;
        let own = self
            .open
            .iter()
            .filter(|item| is_unseen(item) && item.provider == *provider);
        Some((
            provider.clone(),
            own.map(|item| item.recovery.group.clone()).collect(),
        ))
    }

    /// What a look before the first call showed; `alone`: of each by itself, not of all of them together.
    pub(super) fn seen(&mut self, groups: &[GroupId], views: Vec<GroupView>, alone: bool, now: Duration) {
        let mut views: BTreeMap<&GroupId, GroupView> = groups.iter().zip(views).collect();
        for mut item in std::mem::take(&mut self.open) {
            let Some(view) = views.remove(&item.recovery.group) else {
                self.open.push_back(item);
                continue;
            };
            item.seen = true;
            let reason = match view {
                GroupView::Known(group) => match self.action.fits(&group) {
                    Ok(()) => {
                        item.was_seen_as(&self.action, group);
                        None
                    }
                    Err(unfit) => Some(NotStarted::Unfit(unfit)),
                },
                GroupView::Failed { faults } => match meaning(&faults) {
                    GroupFault::Inactive { mapping } if item.goes_by(&mapping, alone, now) => {
                        item.seen = false;
                        item.put_off = faults;
                        None
                    }
                    GroupFault::WrongEnd if item.may_be_elsewhere() => {
                        item.seen = false;
                        item.put_off = faults;
                        None
                    }
                    _ => Some(NotStarted::NotShown { faults }),
                },
                GroupView::Missing if item.may_be_elsewhere() => {
                    item.seen = false;
                    item.put_off = Vec::new();
                    None
                }
                GroupView::Missing => Some(NotStarted::NotShown { faults: Vec::new() }),
            };
            match reason {
                None => self.open.push_back(item),
                Some(reason) => self.end(&item.recovery.group, GroupEnd::NotStarted { reason }),
            }
        }
    }

    /// Whether groups wait to be told which provider is active for them; each time they begin to is told once.
    pub(super) fn asks_for_providers(&mut self) -> bool {
        let mut any = false;
        for item in &mut self.open {
            if let WaitsFor::Provider { asked, .. } = &mut item.waits_for {
                any |= !std::mem::replace(asked, true);
            }
        }
        any
    }

    /// The providers that are active for fault domains, as far as that is known, for the groups that have asked.
    pub(super) fn placed(&mut self, known: &[(String, String)], now: Duration) {
        let mut left = BTreeSet::new();
        for mut item in std::mem::take(&mut self.open) {
            if !matches!(item.waits_for, WaitsFor::Provider { asked: true, .. }) {
                self.open.push_back(item);
                continue;
            }
            let from = item.provider.clone();
            if item.is_placed(known, now) {
                left.insert(from);
                self.open.push_back(item);
                continue;
            }
            let faults = item.put_off;
            let end = match item.sent {
                Some(_) => GroupEnd::Failed { faults },
                None => GroupEnd::NotStarted {
                    reason: NotStarted::NotShown { faults },
                },
            };
            self.end(&item.recovery.group, end);
        }
        for from in left {
            self.others_go_along(&from, known);
        }
    }

    /// Further groups of a provider that is not active for them.
    fn others_go_along(&mut self, from: &ProviderRef, mapping: &[(String, String)]) {
        for item in &mut self.open {
            item.goes_along(from, mapping);
        }
    }

    /// A provider whose limit nobody has asked for.
    pub(super) fn new_provider(&self) -> Option<ProviderRef> {
        let mut items = self.open.iter().filter(|item| item.is_for_turn());
        items
            .find(|item| !self.limits.contains_key(&item.provider))
            .map(|item| item.provider.clone())
    }

    pub(super) fn set_limit(&mut self, provider: ProviderRef, limit: Option<u32>) {
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX).max(1));
        self.limits.insert(provider, limit);
    }

    /// The groups of the next call, of one provider, unless `at_once` calls are under way. A provider gets one at a time until it has
    /// shown what it takes.
    pub(super) fn next_call(&mut self, now: Duration, at_once: usize) -> Option<(ProviderRef, Vec<Item>)> {
        let callable = self.callable(at_once);
        let first = self
            .open
            .iter()
            .find(|item| item.is_due(now) && callable.contains(&item.provider))?;
        let provider = first.provider.clone();
        let mut most = self
            .limits
            .get(&provider)
            .copied()
            .flatten()
            .unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        for mut item in std::mem::take(&mut self.open) {
            let fits = taken.len() < most.min(item.most);
            if fits && item.is_due(now) && item.provider == provider {
                most = most.min(item.most);
                item.sent = Some(now);
                taken.push(item);
            } else {
                self.open.push_back(item);
            }
        }
        self.out += taken.len();
        *self.calls.entry(provider.clone()).or_default() += 1;
        Some((provider, taken))
    }

    /// The providers that take a further call: not those that have just said that they are not active, before it is known who is.
    fn callable(&self, at_once: usize) -> BTreeSet<ProviderRef> {
        if self.calls.values().sum::<usize>() >= at_once {
            return BTreeSet::new();
        }
        let is_unplaced = |item: &&Item| matches!(item.waits_for, WaitsFor::Provider { .. });
        let unplaced = self.open.iter().filter(is_unplaced);
        let unplaced: BTreeSet<&ProviderRef> = unplaced.map(|item| &item.provider).collect();
        let takes_a_call = |provider: &&ProviderRef| {
            let is_free = self.calls.get(*provider).copied().unwrap_or_default() == 0;
            (is_free || self.proven.contains(*provider)) && !unplaced.contains(*provider)
        };
        let turns = self.open.iter().filter(|item| item.is_for_turn());
        turns
            .map(|item| &item.provider)
            .filter(takes_a_call)
            .cloned()
            .collect()
    }

    /// Whether all groups have ended.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty() && self.out == 0
    }

    /// How long it is until there is something to do for a group that waits for nothing else than time.
    pub(super) fn pause(&self, now: Duration, at_once: usize) -> Option<Duration> {
        let callable = self.callable(at_once);
        let resting = self.open.iter().filter(|item| match item.waits_for {
            WaitsFor::Turn => callable.contains(&item.provider),
            WaitsFor::Look(_) => true,
            WaitsFor::Task(_) | WaitsFor::Provider { .. } => false,
        });
        let moment = resting.map(|item| item.not_before).min()?;
        Some(moment.saturating_sub(now))
    }

    /// Tasks that groups have begun to wait for; each is told once until it [has ended](Self::task_ended).
    pub(super) fn new_tasks(&mut self) -> Vec<String> {
        let mut new = Vec::new();
        for item in &self.open {
            if let WaitsFor::Task(task) = &item.waits_for
                && self.followed.insert(task.clone())
            {
                new.push(task.clone());
            }
        }
        new
    }

    /// A task that groups wait for has ended.
    pub(super) fn task_ended(&mut self, task: &str) {
        self.followed.remove(task);
        for item in &mut self.open {
            if matches!(&item.waits_for, WaitsFor::Task(awaited) if awaited == task) {
                item.waits_for = WaitsFor::Turn;
            }
        }
    }

    /// No further call is made.
    pub(super) fn time_is_up(&mut self) {
        for item in std::mem::take(&mut self.open) {
            let group = item.recovery.group.clone();
            self.end(&group, item.left());
        }
    }

    /// What became of a call.
    pub(super) fn called(&mut self, provider: &ProviderRef, items: Vec<Item>, called: Called, now: Duration) {
        self.out -= items.len();
        if let Some(calls) = self.calls.get_mut(provider) {
            *calls -= 1;
        }
        match called {
            Called::Ended(outcomes) => {
                let sent = items.iter().filter_map(|item| item.sent).min();
                self.longest = self.longest.max(now.saturating_sub(sent.unwrap_or(now)));
                let size = items.len();
                let too_many = |outcome: &GroupOutcome| matches!(outcome, GroupOutcome::Failed { faults } if matches!(meaning(faults), GroupFault::TooMany { .. }));
                if !outcomes.iter().any(too_many) {
                    self.proven.insert(provider.clone());
                }
                for (item, outcome) in items.into_iter().zip(outcomes) {
                    self.ended(provider, item, outcome, size, now);
                }
            }
            Called::Refused(fault) => self.refused(provider, items, &fault, now),
            Called::NotStarted(error) if can_pass(&error, Repeat::OnlyIfNeverSent) => {
                for mut item in items {
                    item.rests(now);
                    item.not_sent = Some(error.clone());
                    self.open.push_back(item);
                }
                self.rest(provider);
            }
            Called::NotStarted(error) => self.refused_for_good(provider, items, &error),
            Called::Unavailable(fault) => {
                let size = items.len();
                for item in items {
                    self.failed(provider, item, vec![fault.clone()], size, false, now);
                }
            }
            Called::InDoubt(doubt) => {
                for item in items {
                    self.end(&item.recovery.group, GroupEnd::Unknown { doubt: doubt.clone() });
                }
            }
        }
    }

    /// It would be the same for all other groups of the provider, or, without a session, for all.
    fn refused_for_good(&mut self, provider: &ProviderRef, items: Vec<Item>, error: &CallError) {
        let of_provider = is_of_provider(error);
        let rest = std::mem::take(&mut self.open);
        for item in items.into_iter().chain(rest) {
            let group = item.recovery.group.clone();
            if of_provider && (item.provider != *provider || !item.is_for_turn()) {
                self.open.push_back(item);
            } else if item.doubted || matches!(item.waits_for, WaitsFor::Look(_)) {
                self.end(&group, item.left());
            } else {
                let reason = NotStarted::Call(error.clone());
                self.end(&group, GroupEnd::NotStarted { reason });
            }
        }
    }

    fn ended(
        &mut self,
        provider: &ProviderRef,
        item: Item,
        outcome: GroupOutcome,
        size: usize,
        now: Duration,
    ) {
        match outcome {
            GroupOutcome::Succeeded { success, warnings } => {
                self.end(&item.recovery.group, GroupEnd::Succeeded { success, warnings });
            }
            GroupOutcome::Missing => self.looks(item, Why::Unmentioned, Vec::new(), now),
            GroupOutcome::Failed { faults } => self.failed(provider, item, faults, size, true, now),
        }
    }

    /// The provider refused one group of a call of `size`, or failed with it; `alone`: not the call as a whole.
    fn failed(
        &mut self,
        provider: &ProviderRef,
        mut item: Item,
        faults: Vec<Fault>,
        size: usize,
        alone: bool,
        now: Duration,
    ) {
        let is_traced = self.action.leaves_a_trace();
        let again = match meaning(&faults) {
            GroupFault::TooMany { limit } if size > 1 => {
                self.lower_limit(provider, limit, size);
                true
            }
            GroupFault::SyncOngoing { task: Some(task) } => item.waits_for(task, now),
            GroupFault::SyncOngoing { task: None } | GroupFault::Busy => {
                item.rests(now);
                true
            }
            GroupFault::Inactive { mapping } => {
                self.others_go_along(provider, &mapping);
                item.goes_by(&mapping, alone, now)
            }
            GroupFault::WrongEnd => item.may_be_elsewhere(),
            // A provider that fails midway says both.
            GroupFault::Unavailable if is_traced => return self.looks(item, Why::Unavailable, faults, now),
            GroupFault::OutOfResource if is_traced => return self.looks(item, Why::Refused, faults, now),
            GroupFault::Unavailable => {
                // It harms nothing twice, but a provider may show that it was done, and refuse it then.
                item.doubted |= matches!(self.action, Action::Prepare);
                item.rests(now);
                true
            }
            GroupFault::AlreadyDone => return self.looks(item, Why::Refused, faults, now),
            GroupFault::InvalidState { .. } if item.doubted => {
                return self.looks(item, Why::Refused, faults, now);
            }
            GroupFault::Other if faults.iter().any(|fault| fault.type_name() == NO_SESSION) => {
                item.logs_in(now)
            }
            _ => false,
        };
        if again {
            item.put_off = faults;
            item.not_sent = None;
            self.open.push_back(item);
        } else {
            self.end(&item.recovery.group, GroupEnd::Failed { faults });
        }
    }

    /// Only a look can tell.
    fn looks(&mut self, mut item: Item, why: Why, faults: Vec<Fault>, now: Duration) {
        item.waits_for_look(why, faults, now);
        self.open.push_back(item);
    }

    /// The provider refused a call before it acted.
    fn refused(&mut self, provider: &ProviderRef, items: Vec<Item>, fault: &Fault, now: Duration) {
        let size = items.len();
        let of_one = match GroupFault::of(fault) {
            GroupFault::TooMany { .. }
            | GroupFault::SyncOngoing { .. }
            | GroupFault::Busy
            | GroupFault::Inactive { .. }
            | GroupFault::Other => false,
            // It can be about any of them: what fits goes on in smaller calls, until the one is alone.
            _ => size > 1,
        };
        if of_one {
            for mut item in items.into_iter().rev() {
                item.most = size.div_ceil(2);
                self.open.push_front(item);
            }
            return;
        }
        for item in items {
            self.failed(provider, item, vec![fault.clone()], size, size == 1, now);
        }
        // What was in one call stays together, though some of it has rested longer before.
        if GroupFault::of(fault) == GroupFault::Busy || fault.type_name() == NO_SESSION {
            self.rest(provider);
        }
    }

    /// Nothing is sent to a provider before its last group is due again.
    fn rest(&mut self, provider: &ProviderRef) {
        let own = |item: &Item| item.provider == *provider && item.is_for_turn();
        let resting = self.open.iter().filter(|item| own(item));
        let until = resting.map(|item| item.not_before).max();
        for item in self.open.iter_mut().filter(|item| own(item)) {
            item.not_before = until.unwrap_or(item.not_before);
        }
    }

    fn lower_limit(&mut self, provider: &ProviderRef, named: Option<u32>, size: usize) {
        let named = named.map_or(1, |named| usize::try_from(named).unwrap_or(usize::MAX));
        // One that is no less than what was too many is not to be believed.
        let limit = if named < size { named } else { size / 2 };
        let known = self.limits.get(provider).copied().flatten().unwrap_or(usize::MAX);
        self.limits
            .insert(provider.clone(), Some(limit.min(known).max(1)));
    }

    fn end(&mut self, group: &GroupId, end: GroupEnd) {
        self.ends.insert(group.clone(), end);
    }

    /// The end of each group asked for, in that order.
    pub(super) fn into_ends(self) -> Vec<GroupEnded> {
        let end = |(index, group): (usize, &GroupId)| {
            let twice = self.twice.contains(&index);
            let end = if twice {
                None
            } else {
                self.ends.get(group).cloned()
            };
            GroupEnded {
                group: group.clone(),
                end: end.unwrap_or(GroupEnd::NotStarted {
                    reason: NotStarted::Unfit(Unfit::Duplicate),
                }),
            }
        };
        self.asked.iter().enumerate().map(end).collect()
    }
}

/// The first fault that there is something to do about.
fn meaning(faults: &[Fault]) -> GroupFault {
    let mut meanings = faults.iter().map(GroupFault::of);
    meanings
        .find(|meaning| *meaning != GroupFault::Other)
        .unwrap_or(GroupFault::Other)
}

#[cfg(test)]
mod tests;
