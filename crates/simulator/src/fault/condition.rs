//! Conditions in the world: how they begin, hold, and end.

use super::action::{FaultAction, Loss};
use super::rule::FaultRule;
use super::unfit::UnfitRule;
use crate::chronicle::Happening;
use crate::dpu;
use crate::event::Event;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// What happens to conditions by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum FaultEvent {
    /// The condition of a rule begins to hold.
    Begins(u32),
    /// It ends.
    Ends(u32),
    /// The link that it is about goes up or down.
    Link { fault: u32, up: bool },
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: FaultEvent) {
    match event {
        FaultEvent::Begins(fault) => world.begin_condition(fault),
        FaultEvent::Ends(fault) => world.end_condition(fault),
        FaultEvent::Link { fault, up } => world.flap(fault, up),
    }
}

impl World {
    /// Adds a rule and gives its number. A condition that names no calls begins to hold now, or at its time.
    ///
    /// # Errors
    /// [`UnfitRule`] if the rule makes no sense here; nothing is added then.
    pub fn add_fault(&mut self, rule: FaultRule) -> Result<u32, UnfitRule> {
        self.check_fault(&rule)?;
        Ok(self.put_fault(rule))
    }

    /// Adds a rule that has been looked at.
    pub(super) fn put_fault(&mut self, rule: FaultRule) -> u32 {
        let stands = rule.stands();
        let wait_ms = rule
            .from_ms
            .map_or(0, |from_ms| from_ms.saturating_sub(self.core.now_ms));
        let fault = self.core.faults.add(rule);
        self.core.note(Happening::Fault {
            fault,
            state: "added",
        });
        if stands && wait_ms > 0 {
            self.core
                .schedule_in(wait_ms, Event::Fault(FaultEvent::Begins(fault)));
        } else if stands {
            self.begin_condition(fault);
            self.observe();
        }
        fault
    }

    /// Removes a rule and ends its condition; `false` if there is none of that number.
    pub fn remove_fault(&mut self, id: u32) -> bool {
        let Some(removed) = self.core.faults.remove(id) else {
            return false;
        };
        let state = "removed";
        self.core.note(Happening::Fault { fault: id, state });
        if removed.holds_since_ms.is_some() {
            self.settle(&removed.rule.action);
            self.observe();
        }
        true
    }

    /// The condition of a rule begins to hold, if it has not before and its time is not over.
    pub(crate) fn begin_condition(&mut self, id: u32) {
        let now_ms = self.core.now_ms;
        let found = self.core.faults.active.iter_mut().find(|fault| fault.id == id);
        let Some(fault) = found.filter(|fault| fault.holds_since_ms.is_none() && !fault.over) else {
            return;
        };
        let lasts = fault.rule.for_ms.map(|for_ms| now_ms + i64::from(for_ms));
        let until_ms = [lasts, fault.rule.until_ms].into_iter().flatten().min();
        if until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            fault.over = true;
            return;
        }
        fault.holds_since_ms = Some(now_ms);
        let action = fault.rule.action.clone();
        let state = "holds";
        self.core.note(Happening::Fault { fault: id, state });
        if let Some(until_ms) = until_ms {
            self.core
                .schedule_in(until_ms - now_ms, Event::Fault(FaultEvent::Ends(id)));
        }
        if let FaultAction::FlapLink { .. } = action {
            self.flap(id, false);
        } else {
            self.settle(&action);
        }
    }

    fn end_condition(&mut self, id: u32) {
        let found = self.core.faults.active.iter_mut().find(|fault| fault.id == id);
        let Some(fault) = found.filter(|fault| fault.holds_since_ms.is_some()) else {
            return;
        };
        fault.holds_since_ms = None;
        fault.over = true;
        let action = fault.rule.action.clone();
        let state = "over";
        self.core.note(Happening::Fault { fault: id, state });
        self.settle(&action);
    }

    /// What a condition is about becomes as the rules that hold at this moment say; a link that is let go is up.
    fn settle(&mut self, action: &FaultAction) {
        if let FaultAction::LoseSite { site, .. } = action {
            self.settle_site(site);
        } else if let FaultAction::FillDisk { site } = action {
            self.storage_changed(site);
        } else if let FaultAction::FlapLink { host, card, .. } = action {
            dpu::set_link(self, host, card, true);
        }
    }

    /// The endpoints of a site are lost or not, as the rules that hold say.
    fn settle_site(&mut self, site: &str) {
        let ways = self.core.faults.holding().filter_map(|action| {
            if let FaultAction::LoseSite { site: lost, how } = action
                && lost == site
            {
                return Some(*how);
            }
            None
        });
        let ways: Vec<Loss> = ways.collect();
        let lost = if ways.contains(&Loss::Dropped) {
            Some(Loss::Dropped)
        } else {
            ways.first().copied()
        };
        let of_site = self.core.endpoints.values();
        let of_site = of_site.filter(|endpoint| endpoint.site() == site);
        let names: Vec<String> = of_site.map(|endpoint| endpoint.name.clone()).collect();
        for name in names {
            self.core.set_lost(&name, lost);
        }
    }

    /// The datastores of a site show how much room they have.
    fn storage_changed(&mut self, site: &str) {
        let here = self.core.endpoints.values();
        let here = here.filter(|endpoint| endpoint.site() == site);
        let vcenters: Vec<String> = here.map(|endpoint| endpoint.name.clone()).collect();
        for vcenter in vcenters {
            for datastore in self.vms.datastores_of(&vcenter) {
                self.inventory.touch(&vcenter, &datastore);
            }
        }
    }

    /// A link goes up or down, and the other way when its time has come.
    fn flap(&mut self, fault: u32, up: bool) {
        let Some(active) = self
            .core
            .faults
            .get(fault)
            .filter(|active| active.holds_since_ms.is_some())
        else {
            return;
        };
        let FaultAction::FlapLink {
            host,
            card,
            down_ms,
            up_ms,
        } = active.rule.action.clone()
        else {
            return;
        };
        dpu::set_link(self, &host, &card, up);
        if up_ms > 0 {
            let wait_ms = i64::from(if up { up_ms } else { down_ms });
            self.core
                .schedule_in(wait_ms, Event::Fault(FaultEvent::Link { fault, up: !up }));
        }
    }
}
