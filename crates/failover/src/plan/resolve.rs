//! From the document to what the engine runs, for one mode and a choice of items.

use std::collections::{BTreeMap, BTreeSet};

use farside_engine::{EndpointId, Item, ItemId, LockKey, Mode, ResolvedPlan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{Kinds, WorkRequest};
use crate::plan::document::{Document, ItemDeclaration};
use crate::plan::endpoint::EndpointConfig;
use crate::plan::table::{PlanError, PlanProblem};
use crate::runs::Earlier;

/// What a run needs to reach its servers, as its first record keeps it: a resume does not read the plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSurroundings {
    /// The servers.
    pub endpoints: BTreeMap<EndpointId, EndpointConfig>,
    /// Those that the run may not talk to.
    pub forbidden: Vec<EndpointId>,
}

impl RunSurroundings {
    fn to_value(&self) -> Value {
        // Text, maps with text keys and numbers: there is nothing that JSON cannot hold.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// The surroundings that a run was started with.
    ///
    /// # Errors
    /// They are not of this form: the journal is of another program.
    pub fn of(plan: &ResolvedPlan) -> Result<Self, serde_json::Error> {
        serde_json::from_value(plan.surroundings.clone())
    }
}

/// Which items a run takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of items or priority groups; empty means all.
    pub only: Vec<String>,
}

/// A document that cannot be run in this mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// `--only` names nothing of the plan.
    #[error("neither an item nor a priority group of plan {plan} is called {name}")]
    UnknownName {
        /// The plan.
        plan: String,
        /// The name.
        name: String,
    },
    /// Items wait for each other, or for a later group.
    #[error("plan {plan} cannot be run")]
    Plan {
        /// The plan.
        plan: String,
        /// What is wrong.
        #[source]
        source: farside_engine::PlanError,
    },
}

impl Document {
    /// Checks what the engine will ask of the plan, in every mode.
    ///
    /// # Errors
    /// A dependency cycle or a dependency on a later group, with the place of an item that takes part in it.
    pub fn check(&self, text: &str, kinds: &Kinds) -> Result<(), PlanError> {
        let wrong = |span, message| {
            Err(PlanError::locate(
                &self.path,
                text,
                PlanProblem::new(span, message),
            ))
        };
        match resolve(self, kinds, Mode::Planned, &Selection::default(), &|_| {
            Earlier::default()
        }) {
            Ok(_) => Ok(()),
            Err(ResolveError::Plan { source, .. }) => {
                let item = match &source {
                    farside_engine::PlanError::Cycle(items) => items.first(),
                    farside_engine::PlanError::LaterGroup { item, .. }
                    | farside_engine::PlanError::UnknownDependency { item, .. } => Some(item),
                    farside_engine::PlanError::DuplicateItem(item) => Some(item),
                    _ => None,
                };
                let span = self
                    .items
                    .iter()
                    .find(|known| Some(&known.id) == item)
                    .map_or(0..0, |item| item.span.clone());
                wrong(span, source.to_string())
            }
            Err(error @ ResolveError::UnknownName { .. }) => wrong(0..0, error.to_string()),
        }
    }

    /// The endpoints that a run of this mode may not talk to.
    pub fn forbidden(&self, mode: Mode) -> Vec<EndpointId> {
        if mode != Mode::Disaster {
            return Vec::new();
        }
        let protected = self
            .endpoints
            .iter()
            .filter(|(_, endpoint)| endpoint.site == self.protected_site);
        protected.map(|(id, _)| id.clone()).collect()
    }
}

/// What a run of `mode` does to the chosen items. `earlier` gives what earlier runs left behind for the item that holds
/// these locks.
///
/// # Errors
/// The choice names nothing, or the dependencies cannot be met. No server was asked.
pub fn resolve(
    document: &Document,
    kinds: &Kinds,
    mode: Mode,
    selection: &Selection,
    earlier: &dyn Fn(&[LockKey]) -> Earlier,
) -> Result<ResolvedPlan, ResolveError> {
    let chosen = choose(document, selection)?;
    let forbidden = document.forbidden(mode);
    let items = document
        .items
        .iter()
        .filter(|item| chosen.contains(&item.id))
        .map(|item| {
            let earlier = earlier(&item.protected.locks);
            resolve_item(document, kinds, item, mode, &earlier, &forbidden, &chosen)
        })
        .collect();
    let limits = document
        .endpoints
        .iter()
        .map(|(id, endpoint)| (id.clone(), endpoint.max_calls))
        .collect();
    let surroundings = RunSurroundings {
        endpoints: document.endpoints.clone(),
        forbidden,
    };
    let plan = ResolvedPlan {
        name: document.name.clone(),
        hash: document.hash.clone(),
        mode,
        items,
        limits,
        surroundings: surroundings.to_value(),
    };
    plan.check().map_err(|source| ResolveError::Plan {
        plan: document.name.clone(),
        source,
    })?;
    Ok(plan)
}

fn resolve_item(
    document: &Document,
    kinds: &Kinds,
    item: &ItemDeclaration,
    mode: Mode,
    earlier: &Earlier,
    forbidden: &[EndpointId],
    chosen: &BTreeSet<ItemId>,
) -> Item {
    let request = WorkRequest {
        mode,
        payload: &item.protected.payload,
        reprotected: earlier.reprotected.as_ref(),
        failed_back: earlier.failed_back,
        timing: item.timing,
        forbidden,
    };
    let work = kinds
        .get(item.kind)
        .map(|kind| kind.work(&request))
        .unwrap_or_default();
    Item {
        id: item.id.clone(),
        kind: item.kind.to_owned(),
        group: document
            .groups
            .get(item.group)
            .map(|group| group.name.clone())
            .unwrap_or_default(),
        priority: u32::try_from(item.group).unwrap_or(u32::MAX),
        depends_on: item
            .depends_on
            .iter()
            .filter(|wanted| chosen.contains(wanted))
            .cloned()
            .collect(),
        locks: item.protected.locks.clone(),
        exclusive_on: work.exclusive_on,
        skip: work.skip,
        note: work.note,
        actions: work.actions,
        version: item.protected.version,
        payload: item.protected.payload.clone(),
    }
}

fn choose(document: &Document, selection: &Selection) -> Result<BTreeSet<ItemId>, ResolveError> {
    if selection.only.is_empty() {
        return Ok(document.items.iter().map(|item| item.id.clone()).collect());
    }
    let mut chosen = BTreeSet::new();
    for name in &selection.only {
        let group = document.groups.iter().position(|group| group.name == *name);
        let before = chosen.len();
        let named = document
            .items
            .iter()
            .filter(|item| item.id.as_str() == name || Some(item.group) == group);
        let named: Vec<ItemId> = named.map(|item| item.id.clone()).collect();
        if named.is_empty() && before == chosen.len() {
            return Err(ResolveError::UnknownName {
                plan: document.name.clone(),
                name: name.clone(),
            });
        }
        chosen.extend(named);
    }
    Ok(chosen)
}
