//! Links of network cards, and what the loss of them leads to.

use super::failover::DpuEvent;
use super::view::UPLINKS;
use super::{Host, HostTrouble, Hosts, Switch, SwitchTrouble};
use crate::core::Core;
use crate::event::Event;
use crate::world::World;

/// How long after it lost all its links the switch leaves a DPU, in milliseconds.
const FAILOVER_MS: std::ops::Range<i64> = 600..2_500;

impl Host {
    /// Whether the link of a network card is up.
    pub fn has_link(&self, card: &str) -> bool {
        !self.links_down.contains(card)
    }

    /// Its switch is at another DPU from now on; which one it left by itself, if so.
    pub(super) fn move_to(&mut self, dpu: usize, left: Option<usize>) {
        self.active = dpu;
        self.moved += 1;
        self.left = left;
    }

    /// Whether a DPU works.
    pub(super) fn works(&self, dpu: usize) -> bool {
        dpu == self.active || !self.troubles.contains(&HostTrouble::StandbyDown)
    }

    /// Whether a DPU has an uplink whose link is up.
    pub(super) fn is_linked(&self, dpu: usize) -> bool {
        let mut behind = UPLINKS.iter().filter(|(.., of)| *of == dpu);
        self.works(dpu) && behind.any(|(_, _, card, _)| self.has_link(card))
    }
}

impl Hosts {
    /// The switch of a host.
    pub(super) fn switch_of(&self, host: &Host) -> Option<&Switch> {
        let mut switches = self.switches.values();
        switches.find(|switch| switch.vcenter == host.vcenter && switch.name == host.dvs)
    }

    /// Whether a switch of a host may move to a DPU: it is offloaded, one of its uplinks is on standby, and the DPU has a link.
    pub(super) fn may_move(&self, host: &Host, to: usize) -> bool {
        let offloaded = host.is_offloaded();
        let stands_by = self.switch_of(host).is_some_and(Switch::has_standby);
        offloaded && stands_by && host.is_linked(to)
    }

    /// Whether the switch of a host would be better off at the other DPU.
    pub(super) fn has_to_move(&self, host: &Host) -> bool {
        !host.is_linked(host.active) && self.may_move(host, 1 - host.active)
    }
}

impl Hosts {
    /// The DPU that the switch of a host left by itself, if it may go back there by itself.
    pub(super) fn may_go_back(&self, host: &Host) -> Option<usize> {
        let left = host.left.filter(|_| self.spec.moves_back)?;
        (left != host.active && self.may_move(host, left)).then_some(left)
    }
}

impl Switch {
    /// Whether it names a standby uplink; without one nothing moves.
    pub(super) fn has_standby(&self) -> bool {
        let names_none = self.has(SwitchTrouble::NoPolicy) || self.has(SwitchTrouble::NoStandbyUplink);
        !names_none && !self.teaming[1].is_empty()
    }

    /// Whether one of its standby uplinks is behind a DPU.
    pub(super) fn stands_by_at(&self, dpu: usize) -> bool {
        let mut behind = UPLINKS.iter().filter(|(.., of)| *of == dpu);
        behind.any(|(uplink, ..)| self.teaming[1].iter().any(|name| name == uplink))
    }
}

/// The link of a network card of a host goes up or down. A switch whose active DPU has no link left moves to the other one.
pub(crate) fn set_link(world: &mut World, host: &str, card: &str, up: bool) {
    let World { core, hosts, .. } = world;
    let Some(found) = hosts.hosts.get_mut(host) else {
        return;
    };
    let changed = if up {
        found.links_down.remove(card)
    } else {
        found.links_down.insert(card.to_owned())
    };
    if !changed {
        return;
    }
    hosts.changes += 1;
    leave_if_needed(core, hosts, host);
}

/// Lets the switch of a host leave its DPU after a while, if that has no link, or go back to the one that it left.
pub(super) fn leave_if_needed(core: &mut Core, hosts: &Hosts, host: &str) {
    let found = hosts.hosts.get(host);
    if found.and_then(|found| hosts.may_go_back(found)).is_some() {
        let wait_ms = core.work_ms("dpu-link-up", host, FAILOVER_MS);
        let host = host.to_owned();
        core.schedule_in(wait_ms, Event::Dpu(DpuEvent::GoesBack { host }));
        return;
    }
    if hosts
        .hosts
        .get(host)
        .is_some_and(|found| hosts.has_to_move(found))
    {
        let wait_ms = core.work_ms("dpu-link-down", host, FAILOVER_MS);
        let event = DpuEvent::LeavesLinkless {
            host: host.to_owned(),
        };
        core.schedule_in(wait_ms, Event::Dpu(event));
    }
}
