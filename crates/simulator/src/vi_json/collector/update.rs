//! Filters and what has changed in them since the caller looked last.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::fault::Fault;
use super::super::object::Object;
use super::super::property::{self, Found};
use super::super::value::reference;
use super::content::{self, Content};
use super::partial;
use super::select;
use super::spec::FilterSpec;
use crate::world::World;

/// How many objects one answer tells of at most.
const MOST_UPDATES: usize = 500;

/// A property collector of one session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Collector {
    /// The version of the last answer; none was given at zero.
    version: u64,
    pub(crate) filters: BTreeMap<String, Filter>,
    /// Grows with each wait and cancel; a wait that began at another count is cancelled.
    pub(crate) waits: u64,
}

/// A filter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Filter {
    spec: FilterSpec,
    partial: bool,
    /// The count of changes up to which `dirty` is complete; `None` before the first look.
    seen: Option<u64>,
    hosts_seen: u64,
    selected: BTreeMap<String, Object>,
    missing: BTreeMap<String, (Value, Fault)>,
    reported: BTreeMap<String, (Object, Content)>,
    missing_reported: BTreeSet<String>,
    dirty: BTreeSet<String>,
    /// What was reported before the last answer, to take it back.
    undo: Vec<(String, Option<(Object, Content)>)>,
}

impl Filter {
    pub(super) fn new(spec: FilterSpec, partial: bool) -> Self {
        Self {
            spec,
            partial,
            seen: None,
            hosts_seen: 0,
            selected: BTreeMap::new(),
            missing: BTreeMap::new(),
            reported: BTreeMap::new(),
            missing_reported: BTreeSet::new(),
            dirty: BTreeSet::new(),
            undo: Vec::new(),
        }
    }

    /// The filter as it was described.
    pub(crate) fn raw(&self) -> &Value {
        &self.spec.raw
    }

    /// Whether changes inside a property are told of by themselves.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Forgets what was reported: everything comes anew.
    fn start_over(&mut self) {
        self.reported.clear();
        self.missing_reported.clear();
        self.undo.clear();
        self.seen = None;
    }

    /// Takes the last answer back, as its receiver did not get it.
    fn take_back(&mut self) {
        for (id, before) in std::mem::take(&mut self.undo).into_iter().rev() {
            self.dirty.insert(id.clone());
            match before {
                Some(before) => self.reported.insert(id, before),
                None => self.reported.remove(&id),
            };
        }
    }

    /// Learns which objects may have changed.
    fn look(&mut self, world: &World, vcenter: &str) {
        let inventory = &world.inventory;
        let seen = self.seen;
        if seen.is_none_or(|seen| inventory.structure(vcenter) > seen) {
            self.select(world, vcenter);
        }
        for id in inventory.changed_after(vcenter, seen.unwrap_or(0)) {
            if self.selected.contains_key(id) || self.reported.contains_key(id) {
                if Object::find(world, vcenter, id).is_none() {
                    self.selected.remove(id);
                }
                self.dirty.insert(id.to_owned());
            }
        }
        // Hosts and switches keep their state elsewhere and tell of changes all together.
        let hosts = world.hosts.changes();
        if self.hosts_seen != hosts {
            let elsewhere = self.selected.values().filter(|object| {
                matches!(
                    object.type_name,
                    "HostSystem" | "HostNetworkSystem" | "VmwareDistributedVirtualSwitch"
                )
            });
            self.dirty.extend(elsewhere.map(|object| object.mo_id.clone()));
        }
        self.hosts_seen = hosts;
        self.seen = Some(inventory.changes(vcenter));
    }

    fn select(&mut self, world: &World, vcenter: &str) {
        let spec = FilterSpec {
            tolerant: true,
            ..self.spec.clone()
        };
        let selected = select::select(world, vcenter, &spec).unwrap_or_default();
        let now: BTreeMap<_, _> = selected
            .objects
            .into_iter()
            .map(|object| (object.mo_id.clone(), object))
            .collect();
        let entered = now.keys().filter(|id| !self.reported.contains_key(*id));
        let left = self.reported.keys().filter(|id| !now.contains_key(*id));
        self.dirty.extend(entered.chain(left).cloned());
        let missing = selected.missing.into_iter().filter(|_| self.spec.tolerant);
        self.missing = missing
            .filter_map(|(object, fault)| Some((crate::inventory::id_of(&object)?, (object, fault))))
            .collect();
        self.selected = now;
    }

    /// The next updates, at most `left` of them.
    fn updates(&mut self, world: &World, left: &mut usize) -> Vec<Value> {
        let mut updates = Vec::new();
        while *left > 0 {
            let Some(id) = self.dirty.pop_first() else { break };
            if let Some(update) = self.update(world, &id) {
                updates.push(update);
                *left -= 1;
            }
        }
        updates
    }

    fn update(&mut self, world: &World, id: &str) -> Option<Value> {
        let object = self.selected.get(id).cloned();
        let now = object.and_then(|object| {
            let content = content::bear(world, &object, &self.spec.wanted)?;
            Some((object, content))
        });
        let before = self.reported.get(id).cloned();
        let update = match (&before, &now) {
            (None, None) => return None,
            (Some((object, _)), None) => Some(object_update("leave", object, Vec::new(), Value::Null)),
            (None, Some((object, content))) => {
                let unset = content.unset.iter().map(|path| change(path, "assign", None));
                let set = content
                    .values
                    .iter()
                    .map(|(path, found)| change(path, "assign", Some(found.clone())));
                Some(object_update(
                    "enter",
                    object,
                    unset.chain(set).collect(),
                    content.missing_json(),
                ))
            }
            (Some((_, before)), Some((_, content))) if before == content => None,
            (Some((_, before)), Some((object, content))) => {
                let changes = self.changes(world, object, before, content);
                let missing = if before.missing == content.missing {
                    Value::Null
                } else {
                    content.missing_json()
                };
                let told = !changes.is_empty() || !missing.is_null();
                told.then(|| object_update("modify", object, changes, missing))
            }
        };
        if update.is_some() {
            self.undo.push((id.to_owned(), before));
            match now {
                Some(now) => self.reported.insert(id.to_owned(), now),
                None => self.reported.remove(id),
            };
        }
        update
    }

    fn changes(&self, world: &World, object: &Object, before: &Content, now: &Content) -> Vec<Value> {
        let mut changes = Vec::new();
        for path in before
            .values
            .keys()
            .filter(|path| !now.values.contains_key(*path))
        {
            let parent = path.rsplit_once('.').map(|(parent, _)| parent);
            let gone = parent.is_some_and(|parent| matches!(property::read(world, object, parent), Ok(None)));
            changes.push(change(path, if gone { "indirectRemove" } else { "remove" }, None));
        }
        for (path, found) in &now.values {
            match before.values.get(path) {
                Some(known) if known == found => {}
                Some(known) if self.partial => partial::changes(path, known, found, &mut changes),
                _ => changes.push(change(path, "assign", Some(found.clone()))),
            }
        }
        changes
    }
}

/// `PropertyChange`.
pub(super) fn change(path: &str, op: &str, found: Option<Found>) -> Value {
    let mut change = json!({"_typeName": "PropertyChange", "name": path, "op": op});
    if let Some(found) = found {
        change["val"] = found.any();
    }
    change
}

fn object_update(kind: &str, object: &Object, changes: Vec<Value>, missing: Value) -> Value {
    let mut update = json!({"_typeName": "ObjectUpdate", "kind": kind, "obj": object.reference()});
    if !changes.is_empty() {
        update["changeSet"] = Value::Array(changes);
    }
    if !missing.is_null() {
        update["missingSet"] = missing;
    }
    update
}

impl Collector {
    /// Begins at the version that a caller has: the last one, the one before it, or none.
    pub(super) fn begin(&mut self, version: &str) -> Result<(), Fault> {
        let known = self.version;
        if version.is_empty() {
            self.filters.values_mut().for_each(Filter::start_over);
        } else if known > 0 && version == known.to_string() {
            self.filters.values_mut().for_each(|filter| filter.undo.clear());
        } else if known > 1 && version == (known - 1).to_string() {
            self.filters.values_mut().for_each(Filter::take_back);
        } else {
            return Err(Fault::new(
                "InvalidCollectorVersion",
                "The version is not the last one.",
            ));
        }
        Ok(())
    }

    /// `UpdateSet` of what has changed since the last answer, at most so many objects; `None` if nothing has.
    pub(super) fn update_set(&mut self, world: &World, vcenter: &str, most: Option<usize>) -> Option<Value> {
        let mut left = most.unwrap_or(MOST_UPDATES).min(MOST_UPDATES);
        let mut sets = Vec::new();
        for (id, filter) in &mut self.filters {
            filter.look(world, vcenter);
            let updates = filter.updates(world, &mut left);
            let missing = filter
                .missing
                .iter()
                .filter(|(id, _)| !filter.missing_reported.contains(*id));
            let missing: Vec<Value> = missing
                .map(|(_, (object, fault))| {
                    json!({"_typeName": "MissingObject", "obj": object, "fault": fault.to_json()})
                })
                .collect();
            filter.missing_reported = filter.missing.keys().cloned().collect();
            let mut set = Map::new();
            set.insert("_typeName".to_owned(), json!("PropertyFilterUpdate"));
            set.insert("filter".to_owned(), reference("PropertyFilter", id));
            if updates.is_empty() && missing.is_empty() {
                continue;
            }
            if !updates.is_empty() {
                set.insert("objectSet".to_owned(), Value::Array(updates));
            }
            if !missing.is_empty() {
                set.insert("missingSet".to_owned(), Value::Array(missing));
            }
            sets.push(Value::Object(set));
        }
        if sets.is_empty() {
            return None;
        }
        self.version += 1;
        let mut update = json!({"_typeName": "UpdateSet", "version": self.version.to_string()});
        // Moved, as `json!` copies what it is given.
        update["filterSet"] = Value::Array(sets);
        if self.filters.values().any(|filter| !filter.dirty.is_empty()) {
            update["truncated"] = json!(true);
        }
        Some(update)
    }
}
