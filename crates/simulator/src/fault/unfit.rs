//! Rules that make no sense in a world.

use std::cmp::Reverse;

use super::action::FaultAction;
use super::rule::{FaultRule, fits};
use crate::endpoint::EndpointKind;
use crate::routes;
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
        if let Some(operation) = &rule.operation
            && !routes::names().any(|name| fits(operation, name))
        {
            return known("operation", operation, routes::names());
        }
        if let Some(endpoint) = &rule.endpoint {
            self.check_endpoint(endpoint, None)?;
        }
        self.check_action(&rule.action)
    }

    fn check_action(&self, action: &FaultAction) -> Result<(), UnfitRule> {
        match action {
            FaultAction::Refuse { status, .. } if !(400..=599).contains(status) => Err(UnfitRule::Value {
                member: "refuse.status",
                wanted: "has to be a status from 400 to 599",
            }),
            FaultAction::SetReachable { endpoint, .. } => self.check_endpoint(endpoint, None),
            FaultAction::RestartVcenter { endpoint, .. } => {
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
