//! Groups whose state has to tell what became of a call with them.

use std::time::Duration;

use farside_models_sms::ReplicationState;
use farside_wire::Fault;

use super::super::end::GroupEnd;
use super::Queue;
use super::item::{Item, Look, WaitsFor, Why};
use crate::action::Action;
use crate::batch::{GroupSuccess, is_already_done};
use crate::fault::GroupFault;
use crate::group::{Group, GroupView};
use crate::id::{GroupId, ProviderRef};
use crate::point::GroupPoints;

/// What a look at a group showed.
#[derive(Clone, Debug)]
pub(in crate::act) enum Seen {
    /// The action is done.
    Done(GroupSuccess),
    /// Nothing of the action.
    NotDone(Option<Box<Group>>),
    /// Nothing, since other providers are active, or may be: the fault domains and their providers, as far as they are named.
    Elsewhere(Vec<(String, String)>),
    /// Nothing at all.
    Nothing,
}

impl Seen {
    /// By its state.
    pub(in crate::act) fn of_view(action: &Action, view: GroupView) -> Self {
        match view {
            GroupView::Known(group) if action.is_reached(&group.state) => {
                Self::Done(GroupSuccess::Seen(Box::new(group)))
            }
            GroupView::Known(group) => Self::NotDone(Some(Box::new(group))),
            GroupView::Failed { faults } => Self::of_faults(&faults),
            GroupView::Missing => Self::Elsewhere(Vec::new()),
        }
    }

    /// By what the provider says instead, of one group or of all.
    pub(in crate::act) fn of_faults<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> Self {
        let elsewhere = faults.into_iter().find_map(|fault| match GroupFault::of(fault) {
            GroupFault::Inactive { mapping } => Some(mapping),
            GroupFault::WrongEnd => Some(Vec::new()),
            _ => None,
        });
        elsewhere.map_or(Self::Nothing, Self::Elsewhere)
    }

    /// Whether the group is elsewhere, and nobody said where.
    pub(in crate::act) fn is_unplaced(&self, group: &GroupId) -> bool {
        let is_named = |known: &(String, String)| known.0 == group.fault_domain;
        matches!(self, Self::Elsewhere(known) if !known.iter().any(is_named))
    }

    /// By its points in time of the name that the sync was given.
    pub(in crate::act) fn of_points(name: &str, points: GroupPoints) -> Self {
        let synced = |point, time| {
            Self::Done(GroupSuccess::Synced {
                point,
                name: Some(name.to_owned()),
                time,
            })
        };
        match &points {
            GroupPoints::Failed { faults } => Self::of_faults(faults),
            GroupPoints::Points(found) => {
                let own = found.iter().filter(|point| point.name == name);
                own.max_by_key(|point| point.time)
                    .map_or(Self::NotDone(None), |point| {
                        synced(Some(point.id.clone()), point.time)
                    })
            }
            // The name was asked for, so that they are of it.
            GroupPoints::Summary { .. } => points
                .newest()
                .map_or(Self::NotDone(None), |time| synced(None, time)),
            GroupPoints::Missing => Self::Elsewhere(Vec::new()),
        }
    }
}

impl Queue {
    /// Groups of one provider that are due to be looked at.
    pub(in crate::act) fn next_look(&mut self, now: Duration) -> Option<(ProviderRef, Vec<Item>)> {
        let first = self.open.iter().find(|item| item.is_to_be_seen(now))?;
        let provider = first.provider.clone();
        let (taken, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition::<Vec<_>, _>(|item| item.is_to_be_seen(now) && item.provider == provider);
        self.open = open.into();
        self.out += taken.len();
        Some((provider, taken))
    }

    /// What a look showed of each of its groups; none at all if it failed.
    pub(in crate::act) fn looked(&mut self, items: Vec<Item>, seen: Vec<Seen>, now: Duration) {
        self.out -= items.len();
        let seen = seen.into_iter().chain(std::iter::repeat(Seen::Nothing));
        for (mut item, seen) in items.into_iter().zip(seen) {
            let look = match std::mem::replace(&mut item.waits_for, WaitsFor::Turn) {
                WaitsFor::Look(look) => look,
                // Nothing else is looked at.
                other => {
                    item.waits_for = other;
                    self.open.push_back(item);
                    continue;
                }
            };
            match seen {
                Seen::Done(success) => self.succeeded(&item, success, look),
                Seen::NotDone(group) => self.not_done(item, look, group, now),
                Seen::Elsewhere(_) | Seen::Nothing if now.saturating_sub(look.seen) >= self.settle() => {
                    let end = look.left();
                    self.end(&item.recovery.group, end);
                }
                Seen::Elsewhere(known) => {
                    item.is_seen_at(&known);
                    self.is_looked_at_again(item, look, now);
                }
                Seen::Nothing => self.is_looked_at_again(item, look, now),
            }
        }
    }

    fn succeeded(&mut self, item: &Item, success: GroupSuccess, look: Look) {
        let warnings = look.faults;
        self.end(&item.recovery.group, GroupEnd::Succeeded { success, warnings });
    }

    fn not_done(&mut self, mut item: Item, mut look: Look, group: Option<Box<Group>>, now: Duration) {
        let state: Option<ReplicationState> = group.as_ref().map(|group| group.state.clone());
        match (look.why, group) {
            // A preparation leaves no trace, and harms nothing.
            (Why::Refused, Some(group))
                if matches!(self.action, Action::Prepare) && is_already_done(&look.faults) =>
            {
                self.succeeded(&item, GroupSuccess::Seen(group), look);
            }
            (Why::Unmentioned | Why::Refused, _) => {
                let end = Look { state, ..look }.left();
                self.end(&item.recovery.group, end);
            }
            (Why::Unavailable, _) => {
                if look.state.is_some() && look.state != state {
                    look.since = now;
                }
                look.state = state;
                look.seen = now;
                if now.saturating_sub(look.since) < self.settle() {
                    self.is_looked_at_again(item, look, now);
                } else {
                    item.put_off = look.faults;
                    item.doubted = true;
                    item.not_before = now;
                    self.open.push_back(item);
                }
            }
        }
    }

    fn is_looked_at_again(&mut self, mut item: Item, look: Look, now: Duration) {
        item.waits_for = WaitsFor::Look(look);
        item.rests(now);
        self.open.push_back(item);
    }

    /// How long a group has to look as if nothing was done before that is believed.
    fn settle(&self) -> Duration {
        self.settle.max(self.longest)
    }
}

/// The groups of items, in their order.
pub(in crate::act) fn groups_of(items: &[Item]) -> Vec<GroupId> {
    items.iter().map(|item| item.recovery.group.clone()).collect()
}
