//! Rules that make no sense in a world.

use std::cmp::Reverse;

use super::action::FaultAction;
use super::rule::{FaultRule, fits};
use crate::endpoint::EndpointKind;
use crate::routes;
use crate::service::ServiceName;
use crate::world::World;

/// Why a rule does not fit a world. Nothing was added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitRule {
    /// It names something that there is not.
    #[error("there is no {what} {name:?}; there are: {known}")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// What it names.
        name: String,
        /// What there is, the most alike first.
        known: String,
    },
    /// The calls that it names together are nowhere: an operation of another service, a service of another kind of endpoint.
    #[error("there is no {what} at {place}; {known}")]
    Elsewhere {
        /// What it names.
        what: String,
        /// Where that would have to be.
        place: String,
        /// Where it is, or what is there.
        known: String,
    },
    /// A member has a value that means nothing.
    #[error("{member} {wanted}")]
    Value {
        /// The member.
        member: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
}

impl World {
    /// Whether a rule makes sense here: what it names is there, and its numbers mean something.
    ///
    /// # Errors
    /// [`UnfitRule`] with what is wrong first.
    pub fn check_fault(&self, rule: &FaultRule) -> Result<(), UnfitRule> {
        let value = |member, wanted| Err(UnfitRule::Value { member, wanted });
        if rule.nth == 0 {
            return value("nth", "has to be at least 1, which is the first matching call");
        }
        if rule.count == Some(0) {
            return value(
                "count",
                "has to be at least 1; \"all\" hits all calls that follow",
            );
        }
        if !(rule.probability > 0.0 && rule.probability <= 1.0) {
            return value("probability", "has to be above 0 and at most 1");
        }
        if let (Some(from_ms), Some(until_ms)) = (rule.from_ms, rule.until_ms)
            && from_ms >= until_ms
        {
            return value("until_ms", "has to be later than from_ms");
        }
        if rule.for_ms.is_some() && !rule.action.is_condition() {
            return value("for_ms", "is for lose_site, fill_disk and flap_link only");
        }
        if let FaultAction::Refuse { status, .. } = &rule.action
            && !(400..=599).contains(status)
        {
            return value("refuse.status", "has to be a status from 400 to 599");
        }
        self.check_names(rule)?;
        // Not of rules that are there already: a cluster can be removed.
        if let FaultAction::LoseActiveNode { endpoint } = &rule.action
            && self.vcha.cluster(endpoint).is_none()
        {
            return value(
                "lose_active_node.endpoint",
                "has to be a vCenter with a vCenter HA cluster",
            );
        }
        Ok(())
    }

    /// Whether what a rule names is there, and its link does not flap too fast: what holds of each rule of a world, however it came
    /// into it.
    pub(crate) fn check_names(&self, rule: &FaultRule) -> Result<(), UnfitRule> {
        self.check_calls(rule)?;
        self.check_action(&rule.action)
    }

    /// Whether there are such calls as a rule names.
    fn check_calls(&self, rule: &FaultRule) -> Result<(), UnfitRule> {
        let has = |service: &ServiceName, operation: &str| {
            routes::names(*service).any(|name| fits(operation, name))
        };
        let having: Vec<ServiceName> = match &rule.operation {
            None => ServiceName::ALL.to_vec(),
            Some(operation) => ServiceName::ALL
                .into_iter()
                .filter(|service| has(service, operation))
                .collect(),
        };
        if let (Some(operation), true) = (&rule.operation, having.is_empty()) {
            let all = ServiceName::ALL.into_iter().flat_map(routes::names);
            return known("operation", operation, all);
        }
        let kind = match &rule.endpoint {
            None => None,
            Some(name) => {
                self.check_endpoint(name, None)?;
                self.endpoint(name).map(|endpoint| endpoint.kind)
            }
        };
        let operation = rule
            .operation
            .as_ref()
            .map(|operation| format!("operation {operation:?}"));
        if let (Some(service), Some(what)) = (rule.service, &operation)
            && !having.contains(&service)
        {
            return elsewhere(
                what.clone(),
                format!("service {service}"),
                "services that have it",
                &having,
            );
        }
        let (Some(name), Some(kind)) = (&rule.endpoint, kind) else {
            return Ok(());
        };
        let called = |service: &ServiceName| rule.service.is_none_or(|wanted| wanted == *service);
        if having
            .iter()
            .any(|service| called(service) && service.kind() == kind)
        {
            return Ok(());
        }
        let place = format!("endpoint {name:?}");
        match (operation, rule.service) {
            (Some(what), None) => elsewhere(what, place, "services that have it", &having),
            (operation, service) => {
                let of = service.map(|service| format!("service {service}"));
                let what: Vec<String> = operation.into_iter().chain(of).collect();
                let there = ServiceName::ALL
                    .into_iter()
                    .filter(|service| service.kind() == kind);
                let there: Vec<ServiceName> = there.collect();
                elsewhere(what.join(" of "), place, "services there", &there)
            }
        }
    }

    fn check_action(&self, action: &FaultAction) -> Result<(), UnfitRule> {
        match action {
            FaultAction::SetReachable { endpoint, .. } => self.check_endpoint(endpoint, None),
            FaultAction::RestartVcenter { endpoint, .. } | FaultAction::LoseActiveNode { endpoint } => {
                self.check_endpoint(endpoint, Some(EndpointKind::Vcenter))
            }
            FaultAction::LoseSite { site, .. } | FaultAction::FillDisk { site } => {
                let sites = self.sites();
                known("site", site, sites.iter().map(String::as_str))
            }
            FaultAction::FlapLink {
                host,
                card,
                down_ms,
                up_ms,
            } => {
                let ids = self.hosts.hosts().map(|host| host.id.as_str());
                known("host", host, ids)?;
                let cards = self
                    .hosts
                    .host(host)
                    .map(|host| host.card_names())
                    .unwrap_or_default();
                known("card", card, cards.iter().map(String::as_str))?;
                let too_short = |member, wanted| Err(UnfitRule::Value { member, wanted });
                if *down_ms < FaultAction::LEAST_FLAP_MS {
                    return too_short("flap_link.down_ms", "has to be at least 100");
                }
                if (1..FaultAction::LEAST_FLAP_MS).contains(up_ms) {
                    return too_short(
                        "flap_link.up_ms",
                        "has to be at least 100, or 0, with which the link stays down",
                    );
                }
                Ok(())
            }
            FaultAction::DropAnswer
            | FaultAction::CutAnswer { .. }
            | FaultAction::Delay { .. }
            | FaultAction::Refuse { .. }
            | FaultAction::Cut
            | FaultAction::Silence { .. }
            | FaultAction::EndSessions
            | FaultAction::EndExtensions => Ok(()),
        }
    }

    fn check_endpoint(&self, name: &str, kind: Option<EndpointKind>) -> Result<(), UnfitRule> {
        let what = match kind {
            None => "endpoint",
            Some(EndpointKind::Vcenter) => "vCenter",
            Some(EndpointKind::Vcda) => "VCDA site",
        };
        let fitting = self
            .endpoints()
            .filter(|endpoint| kind.is_none_or(|kind| endpoint.kind == kind));
        known(what, name, fitting.map(|endpoint| endpoint.name.as_str()))
    }
}

fn elsewhere(what: String, place: String, which: &str, services: &[ServiceName]) -> Result<(), UnfitRule> {
    let services: Vec<String> = services.iter().map(ServiceName::to_string).collect();
    let known = format!("{which}: {}", services.join(", "));
    Err(UnfitRule::Elsewhere { what, place, known })
}

fn known<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Result<(), UnfitRule> {
    let mut known: Vec<&str> = known.collect();
    if known.contains(&name) {
        return Ok(());
    }
    known.sort_by_cached_key(|known| Reverse(likeness(name, known)));
    // Enough to see how they are named.
    let rest = known.len().saturating_sub(8);
    let mut shown = known.into_iter().take(8).collect::<Vec<_>>().join(", ");
    if rest > 0 {
        shown.push_str(&format!(" and {rest} more"));
    }
    Err(UnfitRule::Unknown {
        what,
        name: name.to_owned(),
        known: shown,
    })
}

/// How many letters two names begin and end with alike, whatever their case; more if one is a part of the other.
fn likeness(one: &str, other: &str) -> usize {
    let (one, other) = (one.trim_end_matches('*').to_lowercase(), other.to_lowercase());
    let begin = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let ends = one.chars().rev().zip(other.chars().rev());
    let end = ends.take_while(|(a, b)| a == b);
    let whole = if other.contains(&one) { one.len() } else { 0 };
    begin.count() + end.count() + whole
}
