//! The groups of an action between its calls: which are due, which wait, and how each ended. No call is made here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use farside_transport::{CallError, Retry};
use farside_wire::{Fault, Repeat};

use super::{Called, Doubt, GroupEnd, GroupEnded, NO_SESSION, NotStarted};
use crate::action::{Action, Recovery, Unfit};
use crate::batch::{GroupOutcome, GroupSuccess};
use crate::fault::GroupFault;
use crate::group::GroupView;
use crate::id::{GroupId, ProviderRef};

/// The first pause after a provider was busy; each further one of a group is twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a group waits for work that the provider names.
const MOST_WAITS: u32 = 5;
/// How often a group goes to another provider.
const MOST_MOVES: u32 = 2;
/// How often a group goes out again after it was turned away for want of a session, though there had been a log-in for it.
const MOST_SESSIONS: u32 = 5;

/// A group whose turn comes.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(super) recovery: Recovery,
    provider: ProviderRef,
    /// No call with it holds more groups.
    most: usize,
    seen: bool,
    moves: u32,
    waits: u32,
    pauses: u32,
    turned_away: u32,
    not_before: Duration,
    after: Option<String>,
    put_off: Vec<Fault>,
    /// Why the last call with it did not go out, if it did not.
    not_sent: Option<CallError>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    action: Action,
    asked: Vec<GroupId>,
    open: VecDeque<Item>,
    /// How many groups each provider takes at once, as far as that is known.
    limits: BTreeMap<ProviderRef, Option<usize>>,
    /// Providers that have taken a whole call: one that has named a limit can have another one for the groups inside it.
    proven: BTreeSet<ProviderRef>,
    doubtful: BTreeMap<ProviderRef, Vec<(GroupId, Vec<Fault>)>>,
    ends: BTreeMap<GroupId, GroupEnd>,
    twice: BTreeSet<usize>,
    /// Tasks whose ends somebody waits for already.
    followed: BTreeSet<String>,
}

impl Queue {
    pub(super) fn new(action: Action, members: Vec<Recovery>, provider: &ProviderRef) -> Self {
        let asked: Vec<GroupId> = members.iter().map(|member| member.group.clone()).collect();
        let mut known = BTreeSet::new();
        let twice = (0..asked.len())
            .filter(|index| !known.insert(&asked[*index]))
            .collect::<BTreeSet<_>>();
        let items = members
            .into_iter()
            .enumerate()
            .filter(|(index, _)| !twice.contains(index));
        let open = items.map(|(_, recovery)| Item {
            recovery,
            provider: provider.clone(),
            most: usize::MAX,
            seen: false,
            moves: 0,
            waits: 0,
            pauses: 0,
            turned_away: 0,
            not_before: Duration::ZERO,
            after: None,
            put_off: Vec::new(),
            not_sent: None,
        });
        Self {
            action,
            open: open.collect(),
            asked,
            limits: BTreeMap::new(),
            proven: BTreeSet::new(),
            doubtful: BTreeMap::new(),
            ends: BTreeMap::new(),
            twice,
            followed: BTreeSet::new(),
        }
    }

    /// Groups that have not been looked at, of one provider.
    pub(super) fn unseen(&self) -> Option<(ProviderRef, Vec<GroupId>)> {
        let provider = &self.open.iter().find(|item| !item.seen)?.provider;
        let own = self
            .open
            .iter()
            .filter(|item| !item.seen && item.provider == *provider);
        Some((
            provider.clone(),
            own.map(|item| item.recovery.group.clone()).collect(),
        ))
    }

    /// What a look before the first call showed.
    pub(super) fn seen(&mut self, groups: &[GroupId], views: Vec<GroupView>) {
        let mut views: BTreeMap<&GroupId, GroupView> = groups.iter().zip(views).collect();
        for mut item in std::mem::take(&mut self.open) {
            let Some(view) = views.remove(&item.recovery.group) else {
                self.open.push_back(item);
                continue;
            };
            item.seen = true;
            let reason = match view {
                GroupView::Known(group) => match self.action.fits(&group) {
                    Ok(()) => None,
                    Err(unfit) => Some(NotStarted::Unfit(unfit)),
                },
                GroupView::Failed { faults } => match meaning(&faults) {
                    GroupFault::Inactive { mapping } if item.goes_by(&mapping) => {
                        item.seen = false;
                        None
                    }
                    _ => Some(NotStarted::NotShown { faults }),
                },
                GroupView::Missing => Some(NotStarted::NotShown { faults: Vec::new() }),
            };
            match reason {
                None => self.open.push_back(item),
                Some(reason) => self.end(&item, GroupEnd::NotStarted { reason }),
            }
        }
    }

    /// Sends groups that have not been looked at to the providers that are active for them; `false` if one has nowhere to go.
    pub(super) fn redirect_unseen(&mut self, groups: &[GroupId], mapping: &[(String, String)]) -> bool {
        let mut open = self.open.iter_mut();
        open.all(|item| item.seen || !groups.contains(&item.recovery.group) || item.goes_by(mapping))
    }

    /// A provider whose limit nobody has asked for.
    pub(super) fn new_provider(&self) -> Option<ProviderRef> {
        let mut providers = self.open.iter().map(|item| &item.provider);
        providers
            .find(|provider| !self.limits.contains_key(*provider))
            .cloned()
    }

    pub(super) fn set_limit(&mut self, provider: ProviderRef, limit: Option<u32>) {
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX).max(1));
        self.limits.insert(provider, limit);
    }

    /// How many calls may be under way: one until a provider has shown what it takes.
    pub(super) fn allowed(&self, at_once: usize) -> usize {
        let proven = self
            .open
            .front()
            .is_none_or(|item| self.proven.contains(&item.provider));
        if proven { at_once } else { 1 }
    }

    /// The groups of the next call, of one provider.
    pub(super) fn next_call(&mut self, now: Duration) -> Option<(ProviderRef, Vec<Item>)> {
        let due = |item: &Item| item.after.is_none() && item.not_before <= now;
        let first = self.open.iter().position(due)?;
        let provider = self.open[first].provider.clone();
        let mut most = self
            .limits
            .get(&provider)
            .copied()
            .flatten()
            .unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.open) {
            let fits = taken.len() < most.min(item.most);
            if fits && due(&item) && item.provider == provider {
                most = most.min(item.most);
                taken.push(item);
            } else {
                self.open.push_back(item);
            }
        }
        Some((provider, taken))
    }

    /// Whether all groups that are not in a call have ended.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How long it is until a group is due that waits for no task; `None` if there is no such group.
    pub(super) fn pause(&self, now: Duration) -> Option<Duration> {
        let resting = self.open.iter().filter(|item| item.after.is_none());
        let moment = resting.map(|item| item.not_before).min()?;
        Some(moment.saturating_sub(now))
    }

    /// Tasks that groups have begun to wait for; each is told once until it [has ended](Self::task_ended).
    pub(super) fn new_tasks(&mut self) -> Vec<String> {
        let named = self.open.iter().filter_map(|item| item.after.clone());
        let mut new = Vec::new();
        for task in named {
            if self.followed.insert(task.clone()) {
                new.push(task);
            }
        }
        new
    }

    /// A task that groups wait for has ended.
    pub(super) fn task_ended(&mut self, task: &str) {
        self.followed.remove(task);
        for item in &mut self.open {
            if item.after.as_deref() == Some(task) {
                item.after = None;
            }
        }
    }

    /// No further call is made.
    pub(super) fn time_is_up(&mut self) {
        for item in std::mem::take(&mut self.open) {
            let reason = match item.not_sent.clone() {
                Some(error) => NotStarted::Call(error),
                None => NotStarted::OutOfTime {
                    faults: item.put_off.clone(),
                },
            };
            self.end(&item, GroupEnd::NotStarted { reason });
        }
    }

    /// What became of a call.
    pub(super) fn called(&mut self, provider: &ProviderRef, items: Vec<Item>, called: Called, now: Duration) {
        match called {
            Called::Ended(outcomes) => {
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
            Called::NotStarted(error) if can_pass(&error) => {
                for mut item in items {
                    item.rests(now);
                    item.not_sent = Some(error.clone());
                    self.open.push_back(item);
                }
                self.rest(provider);
            }
            Called::NotStarted(error) => {
                // It would be the same for all others.
                let rest = std::mem::take(&mut self.open);
                for item in items.into_iter().chain(rest) {
                    let reason = NotStarted::Call(error.clone());
                    self.end(&item, GroupEnd::NotStarted { reason });
                }
            }
            Called::InDoubt(doubt) => {
                for item in items {
                    self.end(&item, GroupEnd::Unknown { doubt: doubt.clone() });
                }
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
                self.end(&item, GroupEnd::Succeeded { success, warnings });
            }
            GroupOutcome::Missing => self.doubt(provider, &item, Vec::new()),
            GroupOutcome::Failed { faults } => self.failed(provider, item, faults, size, now),
        }
    }

    /// The provider refused one group of a call of `size`, or failed with it.
    fn failed(
        &mut self,
        provider: &ProviderRef,
        mut item: Item,
        faults: Vec<Fault>,
        size: usize,
        now: Duration,
    ) {
        let again = match meaning(&faults) {
            GroupFault::TooMany { limit } if size > 1 => {
                self.lower_limit(provider, limit, size);
                true
            }
            GroupFault::SyncOngoing { task: Some(task) } => item.waits_for(task),
            GroupFault::SyncOngoing { task: None } | GroupFault::Busy => item.rests(now),
            GroupFault::Inactive { mapping } => item.goes_by(&mapping),
            GroupFault::Other if faults.iter().any(|fault| fault.type_name() == NO_SESSION) => {
                item.turned_away += 1;
                item.turned_away <= MOST_SESSIONS && item.rests(now)
            }
            GroupFault::AlreadyDone => {
                self.doubt(provider, &item, faults);
                return;
            }
            _ => false,
        };
        if again {
            item.put_off = faults;
            item.not_sent = None;
            self.open.push_back(item);
        } else {
            self.end(&item, GroupEnd::Failed { faults });
        }
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
            self.failed(provider, item, vec![fault.clone()], size, now);
        }
        if GroupFault::of(fault) == GroupFault::Busy {
            self.rest(provider);
        }
    }

    /// Nothing is sent to a provider before its last group is due again.
    fn rest(&mut self, provider: &ProviderRef) {
        let own = |item: &&Item| item.provider == *provider;
        let until = self.open.iter().filter(own).map(|item| item.not_before).max();
        for item in self.open.iter_mut().filter(|item| item.provider == *provider) {
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

    fn doubt(&mut self, provider: &ProviderRef, item: &Item, faults: Vec<Fault>) {
        let group = item.recovery.group.clone();
        self.doubtful
            .entry(provider.clone())
            .or_default()
            .push((group, faults));
    }

    /// Groups whose state has to tell, of one provider.
    pub(super) fn doubtful(&self) -> Option<(ProviderRef, Vec<GroupId>)> {
        let (provider, groups) = self.doubtful.iter().next()?;
        Some((
            provider.clone(),
            groups.iter().map(|(group, _)| group.clone()).collect(),
        ))
    }

    /// What a look at them showed; nothing where it failed.
    pub(super) fn looked(&mut self, groups: &[GroupId], views: Vec<GroupView>) {
        let views: BTreeMap<&GroupId, GroupView> = groups.iter().zip(views).collect();
        let Some((_, entries)) = self.doubtful.pop_first() else {
            return;
        };
        for (group, faults) in entries {
            let seen = match views.get(&group) {
                Some(GroupView::Known(seen)) => Some(seen),
                Some(GroupView::Failed { .. } | GroupView::Missing) | None => None,
            };
            // A preparation leaves no trace, and harms nothing.
            let prepared = matches!(self.action, Action::Prepare) && !faults.is_empty();
            let end = match seen.filter(|seen| prepared || self.action.is_reached(&seen.state)) {
                Some(seen) => GroupEnd::Succeeded {
                    success: GroupSuccess::Seen(Box::new(seen.clone())),
                    warnings: faults,
                },
                None if faults.is_empty() => GroupEnd::Unknown {
                    doubt: Doubt::NotMentioned {
                        state: seen.map(|seen| seen.state.clone()),
                    },
                },
                None => GroupEnd::Failed { faults },
            };
            self.ends.insert(group, end);
        }
    }

    fn end(&mut self, item: &Item, end: GroupEnd) {
        self.ends.insert(item.recovery.group.clone(), end);
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

impl Item {
    /// Goes to the provider that is active for its fault domain; `false` if none is named, or it has moved often enough.
    fn goes_by(&mut self, mapping: &[(String, String)]) -> bool {
        let active = mapping
            .iter()
            .find(|(domain, _)| *domain == self.recovery.group.fault_domain);
        match active {
            Some((_, provider)) if self.moves < MOST_MOVES && *provider != self.provider.as_str() => {
                self.provider = ProviderRef::new(provider);
                self.moves += 1;
                true
            }
            _ => false,
        }
    }

    fn waits_for(&mut self, task: String) -> bool {
        self.waits += 1;
        self.after = Some(task);
        self.waits <= MOST_WAITS
    }

    fn rests(&mut self, now: Duration) -> bool {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(5))
            .min(LONGEST_PAUSE);
        self.pauses += 1;
        self.not_before = now + pause;
        true
    }
}

/// Whether a call that has not happened may go out later: nobody listened, not a login or a certificate that is refused.
fn can_pass(error: &CallError) -> bool {
    match error.retry(Repeat::OnlyIfNeverSent) {
        Retry::Now | Retry::After(_) => true,
        Retry::CheckFirst | Retry::Never => false,
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
