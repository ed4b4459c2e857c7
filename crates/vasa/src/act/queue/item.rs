//! A group on its way, and what it waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use farside_models_sms::ReplicationState;
use farside_transport::CallError;
use farside_wire::Fault;

use super::super::end::{Doubt, GroupEnd, NotStarted};
use crate::action::{Action, Recovery};
use crate::device::{Device, DeviceKey};
use crate::group::Group;
use crate::id::{GroupId, ProviderRef};

/// The first pause after a provider was busy; each further one of a group is twice as long.
pub(in crate::act) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a group waits for work that the provider names.
const MOST_WAITS: u32 = 5;
/// How often a group goes to another provider.
const MOST_MOVES: u32 = 5;
/// How often a group goes out again after it was turned away for want of a session, though there had been a log-in for it.
const MOST_SESSIONS: u32 = 5;

/// What a group waits for.
#[derive(Clone, Debug)]
pub(super) enum WaitsFor {
    /// To be sent.
    Turn,
    /// For the end of this task of somebody else.
    Task(String),
    /// To be told which provider is active for it.
    Provider {
        /// Whether that has been asked.
        asked: bool,
        /// Whether the refusal can be about nothing but this group.
        alone: bool,
        /// Whether the provider said that it is not active; otherwise it may be another one's, or be at the wrong end.
        is_sure: bool,
    },
    /// To be looked at.
    Look(Look),
}

/// Why a group is looked at after a call with it.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) why: Why,
    /// What the provider said of it.
    pub(super) faults: Vec<Fault>,
    /// Since when it is seen like this.
    pub(super) since: Duration,
    /// How it was seen last.
    pub(super) state: Option<ReplicationState>,
    /// When it was seen last, or when the looks at it began.
    pub(super) seen: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its task did not mention it.
    Unmentioned,
    /// It was refused in a way that goes with its being done.
    Refused,
    /// The provider became unavailable over it.
    Unavailable,
}

/// A group whose turn comes.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(in crate::act) recovery: Recovery,
    pub(super) provider: ProviderRef,
    /// No call with it holds more groups.
    pub(super) most: usize,
    /// Whether it has been looked at before its first call.
    pub(super) seen: bool,
    moves: u32,
    waits: u32,
    pauses: u32,
    turned_away: u32,
    pub(super) not_before: Duration,
    pub(super) waits_for: WaitsFor,
    /// When the last call with it went out.
    pub(super) sent: Option<Duration>,
    /// Why the provider put it off, at last.
    pub(super) put_off: Vec<Fault>,
    /// Why the last call with it did not go out, if it did not.
    pub(super) not_sent: Option<CallError>,
    /// Whether an earlier call with it may have been acted upon, though nothing showed it for long.
    pub(super) doubted: bool,
    /// What a failover has made of its devices, where it is to be reversed: by that it is known under another id.
    made: Vec<Device>,
}

impl Item {
    pub(super) fn new(recovery: Recovery, provider: ProviderRef) -> Self {
        Self {
            recovery,
            provider,
            most: usize::MAX,
            seen: false,
            moves: 0,
            waits: 0,
            pauses: 0,
            turned_away: 0,
            not_before: Duration::ZERO,
            waits_for: WaitsFor::Turn,
            sent: None,
            put_off: Vec::new(),
            not_sent: None,
            doubted: false,
            made: Vec::new(),
        }
    }

    /// What a look before the first call showed of it.
    pub(super) fn was_seen_as(&mut self, action: &Action, group: Group) {
        if matches!(action, Action::Reverse) {
            let made = group.devices.into_iter().filter_map(|device| device.recovered);
            self.made = made.collect();
        }
    }

    /// Whether it can be known under another id.
    pub(in crate::act) fn can_be_renamed(&self) -> bool {
        !self.made.is_empty()
    }

    /// The id that a reverse has given it: that of the one source in its fault domain that holds what a failover had made of its
    /// devices. No device is in two groups.
    pub(in crate::act) fn renamed<'a>(&self, shown: &'a [Group]) -> Option<&'a GroupId> {
        let own = &self.recovery.group;
        let is_it = |group: &&Group| {
            let held: BTreeSet<DeviceKey<'_>> =
                group.devices.iter().map(|device| device.source.key()).collect();
            self.can_be_renamed() && self.made.iter().all(|device| held.contains(&device.key()))
        };
        let others = shown
            .iter()
            .filter(|group| group.id != *own && group.id.fault_domain == own.fault_domain);
        let mut found = others
            .filter(|group| Action::Reverse.is_reached(&group.state))
            .filter(is_it);
        let first = found.next()?;
        found.next().is_none().then_some(&first.id)
    }

    pub(super) fn is_for_turn(&self) -> bool {
        matches!(self.waits_for, WaitsFor::Turn)
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.is_for_turn() && self.not_before <= now
    }

    pub(super) fn is_to_be_seen(&self, now: Duration) -> bool {
        matches!(self.waits_for, WaitsFor::Look(_)) && self.not_before <= now
    }

    /// Goes to the provider that is active for its fault domain, if it is named; otherwise waits to be told. `alone`: the refusal can
    /// be about nothing but this group. `false` if it has moved often enough.
    pub(super) fn goes_by(&mut self, mapping: &[(String, String)], alone: bool, now: Duration) -> bool {
        if self.moves >= MOST_MOVES {
            return false;
        }
        match self.active(mapping) {
            Some(provider) => self.goes_to(provider, alone, now),
            None => {
                self.waits_for = WaitsFor::Provider {
                    asked: false,
                    alone,
                    is_sure: true,
                }
            }
        }
        true
    }

    /// Waits to be told whether another provider is active for its fault domain, since the one that was asked did not know it in
    /// words that do not settle that. `false` if it has moved often enough.
    pub(super) fn may_be_elsewhere(&mut self) -> bool {
        self.waits_for = WaitsFor::Provider {
            asked: false,
            alone: true,
            is_sure: false,
        };
        self.moves < MOST_MOVES
    }

    /// Has been told which providers are active. `false` if none is for its fault domain, or none but the one that was asked and did
    /// not say that it is not; where the refusal can be about others, it is sent by itself first.
    pub(super) fn is_placed(&mut self, known: &[(String, String)], now: Duration) -> bool {
        let waits_for = std::mem::replace(&mut self.waits_for, WaitsFor::Turn);
        let alone = !matches!(waits_for, WaitsFor::Provider { alone: false, .. });
        let is_sure = !matches!(waits_for, WaitsFor::Provider { is_sure: false, .. });
        match self.active(known) {
            Some(provider) if !is_sure && provider == self.provider => return false,
            Some(provider) => self.goes_to(provider, alone, now),
            None if alone => return false,
            None => self.most = 1,
        }
        true
    }

    /// Goes along with others of its provider, if it may.
    pub(super) fn goes_along(&mut self, from: &ProviderRef, mapping: &[(String, String)]) {
        if self.moves < MOST_MOVES
            && self.is_for_turn()
            && self.provider == *from
            && let Some(provider) = self.active(mapping)
            && provider != self.provider
        {
            self.moves += 1;
            self.provider = provider;
        }
    }

    /// A provider that says that it is not active, and is named all the same, is not asked again at once.
    fn goes_to(&mut self, provider: ProviderRef, alone: bool, now: Duration) {
        if provider == self.provider && alone {
            self.rests(now);
        }
        self.moves += 1;
        self.provider = provider;
    }

    /// Is looked at where it is active, if that is known.
    pub(super) fn is_seen_at(&mut self, known: &[(String, String)]) {
        if let Some(provider) = self.active(known) {
            self.provider = provider;
        }
    }

    fn active(&self, mapping: &[(String, String)]) -> Option<ProviderRef> {
        let domain = &self.recovery.group.fault_domain;
        let entry = mapping.iter().find(|(known, _)| known == domain)?;
        Some(ProviderRef::new(&entry.1))
    }

    /// `false` if it has waited often enough.
    pub(super) fn waits_for(&mut self, task: String, now: Duration) -> bool {
        // One that has ended, or that nobody knows, and is named all the same: not again at once.
        if self.waits > 0 {
            self.rests(now);
        }
        self.waits += 1;
        self.waits_for = WaitsFor::Task(task);
        self.waits <= MOST_WAITS
    }

    /// Looked at, at once or after a pause.
    pub(super) fn waits_for_look(&mut self, why: Why, faults: Vec<Fault>, now: Duration) {
        self.waits_for = WaitsFor::Look(Look {
            why,
            faults,
            since: now,
            state: None,
            seen: now,
        });
        self.not_before = now;
        if why == Why::Unavailable {
            self.rests(now);
        }
    }

    /// `false` if it was turned away often enough.
    pub(super) fn logs_in(&mut self, now: Duration) -> bool {
        self.turned_away += 1;
        self.rests(now);
        self.turned_away <= MOST_SESSIONS
    }

    pub(super) fn rests(&mut self, now: Duration) {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(5))
            .min(LONGEST_PAUSE);
        self.pauses += 1;
        self.not_before = now + pause;
    }

    /// Its end if nothing further is done for it.
    pub(super) fn left(self) -> GroupEnd {
        match self.waits_for {
            WaitsFor::Look(look) => look.left(),
            WaitsFor::Turn | WaitsFor::Task(_) | WaitsFor::Provider { .. } if self.doubted => {
                GroupEnd::Unknown {
                    doubt: Doubt::Unsettled {
                        faults: self.put_off,
                        state: None,
                    },
                }
            }
            WaitsFor::Turn | WaitsFor::Task(_) | WaitsFor::Provider { .. } => GroupEnd::NotStarted {
                reason: NotStarted::OutOfTime {
                    faults: self.put_off,
                    not_sent: self.not_sent,
                },
            },
        }
    }
}

impl Look {
    /// The end of the group if it is not looked at any more.
    pub(super) fn left(self) -> GroupEnd {
        let Self { faults, state, .. } = self;
        match self.why {
            Why::Unmentioned => GroupEnd::Unknown {
                doubt: Doubt::NotMentioned { state },
            },
            Why::Refused => GroupEnd::Failed { faults },
            Why::Unavailable => GroupEnd::Unknown {
                doubt: Doubt::Unsettled { faults, state },
            },
        }
    }
}
