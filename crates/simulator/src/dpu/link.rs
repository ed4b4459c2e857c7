//! Links of network cards, and what the loss of them leads to.

use super::failover::DpuEvent;
use super::view::UPLINKS;
use super::{Host, HostTrouble};
use crate::event::Event;
use crate::world::World;

/// How long after it lost all its links the switch leaves a DPU, in milliseconds.
const FAILOVER_MS: std::ops::Range<i64> = 600..2_500;

impl Host {
    /// Whether the link of a network card is up.
    pub fn has_link(&self, card: &str) -> bool {
        !self.links_down.contains(card)
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

    /// Whether its switch would be better off at the other DPU.
    pub(super) fn has_to_move(&self) -> bool {
        let offloaded = !self.troubles.contains(&HostTrouble::NotOffloaded);
        offloaded && !self.is_linked(self.active) && self.is_linked(1 - self.active)
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
    let moves = found.has_to_move();
    hosts.changes += 1;
    if moves {
        let wait_ms = core.work_ms("dpu-link-down", host, FAILOVER_MS);
        let event = DpuEvent::LeavesLinkless {
            host: host.to_owned(),
        };
        core.schedule_in(wait_ms, Event::Dpu(event));
    }
}
