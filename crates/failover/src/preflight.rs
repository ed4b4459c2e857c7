//! Preflight: asks the servers whether a mode can be run, and what it would lose. Changes nothing.

use std::collections::BTreeMap;

use farside_engine::{Item, LockKey, ResolvedPlan};
use serde::Serialize;

use crate::connection::Connections;
use crate::kind::{Check, CheckItem, Condition, Kinds, Verdict};
use crate::runs::Earlier;

/// Name and version of the preflight's JSON form.
pub const SCHEMA: &str = "farside.check/1";

/// What preflight found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Preflight {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Name of the plan.
    pub plan: String,
    /// The mode that was asked about.
    pub mode: farside_engine::Mode,
    /// The worst verdict.
    pub verdict: Verdict,
    /// Each item.
    pub items: Vec<ItemCheck>,
}

/// What preflight found out about an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ItemCheck {
    /// Its name.
    pub name: String,
    /// Its kind of protection.
    pub kind: String,
    /// Its priority group.
    pub group: String,
    /// The worst of its conditions.
    pub verdict: Verdict,
    /// Whether a run would skip it; `note` says why.
    pub skipped: bool,
    /// Why the mode skips it or has nothing to do to it.
    pub note: Option<String>,
    /// Conditions and loss.
    #[serde(flatten)]
    pub check: Check,
}

impl Preflight {
    /// Asks about all items of a resolved plan, kind by kind.
    pub async fn run(
        plan: &ResolvedPlan,
        kinds: &Kinds,
        world: &Connections,
        earlier: &dyn Fn(&[LockKey]) -> Earlier,
    ) -> Self {
        let mut by_kind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, item) in plan.items.iter().enumerate() {
            if item.skip.is_none() && !item.actions.is_empty() {
                by_kind.entry(&item.kind).or_default().push(position);
            }
        }
        let mut checks: BTreeMap<usize, Check> = BTreeMap::new();
        for (name, positions) in by_kind {
            let Some(kind) = kinds.get(name) else { continue };
            let items: Vec<CheckItem> = positions
                .iter()
                .filter_map(|position| plan.items.get(*position))
                .map(|item| CheckItem {
                    payload: item.payload.clone(),
                    reprotected: earlier(&item.locks).reprotected,
                    actions: item.actions.clone(),
                })
                .collect();
            let found = kind.check(world, plan.mode, &items).await;
            checks.extend(positions.into_iter().zip(found));
        }
        let items: Vec<ItemCheck> = plan
            .items
            .iter()
            .enumerate()
            .map(|(position, item)| item_check(item, checks.remove(&position)))
            .collect();
        let verdict = items.iter().map(|item| item.verdict).max().unwrap_or(Verdict::Go);
        Self {
            schema: SCHEMA,
            plan: plan.name.clone(),
            mode: plan.mode,
            verdict,
            items,
        }
    }

    /// Everything that the mode would lose or overwrite, item by item.
    pub fn losses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items
            .iter()
            .filter_map(|item| item.check.loss.as_deref().map(|loss| (item.name.as_str(), loss)))
    }

    /// The conditions that are not as they should be, with their items.
    pub fn complaints(&self) -> impl Iterator<Item = (&ItemCheck, &Condition)> {
        self.items.iter().flat_map(|item| {
            item.check
                .conditions
                .iter()
                .filter(|condition| condition.verdict != Verdict::Go)
                .map(move |c| (item, c))
        })
    }
}

fn item_check(item: &Item, check: Option<Check>) -> ItemCheck {
    let idle = item.skip.is_some() || item.actions.is_empty();
    let check = check.unwrap_or_else(|| {
        if idle {
            Check::default()
        } else {
            let lost = Condition::no_go(
                "preflight",
                "the kind of protection gave no answer",
                "report this as a defect",
            );
            Check {
                conditions: vec![lost],
                loss: None,
            }
        }
    });
    ItemCheck {
        name: item.id.to_string(),
        kind: item.kind.clone(),
        group: item.group.clone(),
        verdict: check.verdict(),
        skipped: item.skip.is_some(),
        note: item.skip.clone().or_else(|| item.note.clone()),
        check,
    }
}
