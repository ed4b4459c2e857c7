//! The inventory of each vCenter: the tree of managed objects from the root folder down, with their properties as the JSON
//! of their declared types, and a count of what has changed.
//!
//! What is stored here is read by the property collector, by property GETs and by updates alike; so a change is one call of
//! [`Inventory::set`], [`Inventory::attach`] or their like, and everybody who watches sees it. Objects that keep their state
//! elsewhere (hosts, switches, tasks) tell of changes with [`Inventory::touch`].

mod annotation;
mod tree;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::annotation::PermissionSpec;
pub(crate) use self::annotation::{available, roles};
pub(crate) use self::tree::{Place, build, everywhere};

use crate::saved::Name;
use crate::vi_json::value::reference;

/// The root folder of every vCenter.
pub(crate) const ROOT_FOLDER: &str = "group-d1";

/// A managed object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entity {
    /// Its own type.
    #[serde(with = "crate::saved::name")]
    pub(crate) type_name: crate::saved::Text,
    properties: BTreeMap<Name, Value>,
}

impl Entity {
    /// A property: `null` if it is known to be unset, `None` if it is not kept here.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    /// The ids that a property refers to.
    pub(crate) fn ids(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(id_of).collect(),
            Some(one) => id_of(one).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// The id in a reference.
pub(crate) fn id_of(reference: &Value) -> Option<String> {
    Some(reference.get("value")?.as_str()?.to_owned())
}

/// The objects of one vCenter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Vcenter {
    entities: BTreeMap<String, Entity>,
    /// When each object changed last, by the count of changes, and the other way round.
    changed: BTreeMap<String, u64>,
    by_change: BTreeMap<u64, String>,
    changes: u64,
    /// The last change of what refers to what.
    structure: u64,
    ids: u32,
}

impl Vcenter {
    fn touch(&mut self, mo_id: &str) {
        self.changes += 1;
        if let Some(before) = self.changed.insert(mo_id.to_owned(), self.changes) {
            self.by_change.remove(&before);
        }
        self.by_change.insert(self.changes, mo_id.to_owned());
    }
}

/// The objects of all vCenters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Inventory {
    vcenters: BTreeMap<String, Vcenter>,
}

impl Inventory {
    /// An object.
    pub(crate) fn entity(&self, vcenter: &str, mo_id: &str) -> Option<&Entity> {
        self.vcenters.get(vcenter)?.entities.get(mo_id)
    }

    /// All objects of a vCenter, by id.
    pub(crate) fn entities(&self, vcenter: &str) -> impl Iterator<Item = (&str, &Entity)> {
        let known = self.vcenters.get(vcenter);
        known
            .into_iter()
            .flat_map(|known| known.entities.iter().map(|(id, entity)| (id.as_str(), entity)))
    }

    /// The name of an object; empty if there is none.
    pub(crate) fn name(&self, vcenter: &str, mo_id: &str) -> String {
        let name = self.entity(vcenter, mo_id).and_then(|entity| entity.get("name"));
        name.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The datacenter that an object is in.
    pub(crate) fn datacenter_of(&self, vcenter: &str, mo_id: &str) -> Option<String> {
        let mut at = mo_id.to_owned();
        loop {
            let entity = self.entity(vcenter, &at)?;
            if entity.type_name == "Datacenter" {
                return Some(at);
            }
            at = entity.ids("parent").pop()?;
        }
    }

    /// The ids of what is in a folder.
    pub(crate) fn children(&self, vcenter: &str, folder: &str) -> Vec<String> {
        let folder = self.entity(vcenter, folder);
        folder.map(|folder| folder.ids("childEntity")).unwrap_or_default()
    }

    /// The ids of all objects of a vCenter, in order.
    #[cfg(test)]
    pub(crate) fn ids(&self, vcenter: &str) -> Vec<String> {
        self.vcenters[vcenter].entities.keys().cloned().collect()
    }

    /// An id that no object of a vCenter has had: `vm-1001`.
    pub(crate) fn new_id(&mut self, vcenter: &str, prefix: &str) -> String {
        let known = self.vcenters.entry(vcenter.to_owned()).or_default();
        known.ids += 1;
        format!("{prefix}{}", 1000 + known.ids)
    }

    /// Adds an object below another one. A folder gets it among its children; other lists are for the caller to
    /// [`attach`](Self::attach) to.
    pub(crate) fn add(
        &mut self,
        vcenter: &str,
        mo_id: &str,
        type_name: &'static str,
        parent: Option<&str>,
        name: &str,
    ) {
        let known = self.vcenters.entry(vcenter.to_owned()).or_default();
        let above = parent.and_then(|id| Some((id.to_owned(), known.entities.get(id)?.type_name)));
        let parent = above
            .as_ref()
            .map_or(Value::Null, |(id, type_name)| reference(type_name, id));
        let properties = BTreeMap::from([(Name("name"), json!(name)), (Name("parent"), parent)]);
        known.entities.insert(
            mo_id.to_owned(),
            Entity {
                type_name,
                properties,
            },
        );
        known.touch(mo_id);
        known.structure = known.changes;
        if let Some((id, "Folder")) = above.as_ref().map(|(id, type_name)| (id, *type_name)) {
            self.attach(vcenter, id, "childEntity", reference(type_name, mo_id));
        }
    }

    /// Takes an object out, and every reference to it that an object has in a list.
    pub(crate) fn remove(&mut self, vcenter: &str, mo_id: &str) {
        let Some(known) = self.vcenters.get_mut(vcenter) else {
            return;
        };
        if known.entities.remove(mo_id).is_none() {
            return;
        }
        known.touch(mo_id);
        known.structure = known.changes;
        let refers = |entity: &Entity| {
            let lists = entity.properties.iter().filter(|(_, value)| value.is_array());
            let named = lists.filter(|(name, _)| entity.ids(name).iter().any(|id| id == mo_id));
            named.map(|(name, _)| name.0).collect::<Vec<_>>()
        };
        let lists: Vec<(String, &'static str)> = known
            .entities
            .iter()
            .flat_map(|(id, entity)| refers(entity).into_iter().map(|list| (id.clone(), list)))
            .collect();
        for (owner, list) in lists {
            self.detach(vcenter, &owner, list, mo_id);
        }
    }

    /// Sets a property; `null` says that it is unset. Whoever watches sees a change only if there is one.
    pub(crate) fn set(&mut self, vcenter: &str, mo_id: &str, property: &'static str, value: Value) {
        let Some(known) = self.vcenters.get_mut(vcenter) else {
            return;
        };
        let Some(entity) = known.entities.get_mut(mo_id) else {
            return;
        };
        if entity.properties.get(property) == Some(&value) {
            return;
        }
        let refers = |value: &Value| {
            let first = value.as_array().map_or(Some(value), |items| items.first());
            first.is_some_and(|first| first["_typeName"] == "ManagedObjectReference")
        };
        let structural = refers(&value);
        let before = entity.properties.insert(Name(property), value);
        known.touch(mo_id);
        if structural || before.as_ref().is_some_and(refers) {
            known.structure = known.changes;
        }
    }

    /// Adds a reference to a list of an object, at its end, unless it is there.
    pub(crate) fn attach(&mut self, vcenter: &str, owner: &str, list: &'static str, member: Value) {
        let Some(known) = self.vcenters.get_mut(vcenter) else {
            return;
        };
        let Some(entity) = known.entities.get_mut(owner) else {
            return;
        };
        let place = entity.properties.entry(Name(list)).or_default();
        if !place.is_array() {
            *place = Value::Array(Vec::new());
        }
        let Some(items) = place.as_array_mut() else {
            return;
        };
        // The newest are asked about most.
        if items.iter().rev().any(|item| *item == member) {
            return;
        }
        items.push(member);
        known.touch(owner);
        known.structure = known.changes;
    }

    /// Takes a reference out of a list of an object; an empty list is unset.
    pub(crate) fn detach(&mut self, vcenter: &str, owner: &str, list: &'static str, mo_id: &str) {
        let Some(entity) = self.entity(vcenter, owner) else {
            return;
        };
        let mut items = entity
            .get(list)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        items.retain(|item| id_of(item).as_deref() != Some(mo_id));
        let left = if items.is_empty() {
            Value::Null
        } else {
            Value::Array(items)
        };
        self.set(vcenter, owner, list, left);
    }

    /// Tells that an object has changed whose properties, or some of them, are kept elsewhere.
    pub(crate) fn touch(&mut self, vcenter: &str, mo_id: &str) {
        self.vcenters.entry(vcenter.to_owned()).or_default().touch(mo_id);
    }

    /// Tells that something refers to other objects than before, without being an object of the inventory.
    pub(crate) fn rearrange(&mut self, vcenter: &str, mo_id: &str) {
        let known = self.vcenters.entry(vcenter.to_owned()).or_default();
        known.touch(mo_id);
        known.structure = known.changes;
    }

    /// How much has changed at a vCenter.
    pub(crate) fn changes(&self, vcenter: &str) -> u64 {
        self.vcenters.get(vcenter).map_or(0, |known| known.changes)
    }

    /// The count of changes at which something last referred to another object than before.
    pub(crate) fn structure(&self, vcenter: &str) -> u64 {
        self.vcenters.get(vcenter).map_or(0, |known| known.structure)
    }

    /// The objects that have changed after a count of changes.
    pub(crate) fn changed_after(&self, vcenter: &str, count: u64) -> impl Iterator<Item = &str> {
        let known = self.vcenters.get(vcenter);
        known
            .into_iter()
            .flat_map(move |known| known.by_change.range(count + 1..).map(|(_, id)| id.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Inventory {
        let mut inventory = Inventory::default();
        inventory.add("vc", ROOT_FOLDER, "Folder", None, "Datacenters");
        inventory.add("vc", "datacenter-2", "Datacenter", Some(ROOT_FOLDER), "east");
        inventory
    }

    #[test]
    fn a_folder_has_its_children_and_a_child_its_parent() {
        let inventory = one();
        let root = inventory.entity("vc", ROOT_FOLDER).unwrap();
        assert_eq!(root.ids("childEntity"), ["datacenter-2"]);
        let below = inventory.entity("vc", "datacenter-2").unwrap();
        assert_eq!(below.get("parent"), Some(&reference("Folder", ROOT_FOLDER)));
        assert!(inventory.entity("other", ROOT_FOLDER).is_none());
    }

    #[test]
    fn only_what_differs_is_a_change_and_the_last_one_counts() {
        let mut inventory = one();
        let before = inventory.changes("vc");
        inventory.set("vc", "datacenter-2", "name", json!("east"));
        assert_eq!(inventory.changes("vc"), before);
        let structure = inventory.structure("vc");
        inventory.set("vc", "datacenter-2", "name", json!("west"));
        inventory.set("vc", "datacenter-2", "name", json!("east"));
        inventory.touch("vc", "task-1");
        assert_eq!(
            inventory.changed_after("vc", before).collect::<Vec<_>>(),
            ["datacenter-2", "task-1"]
        );
        assert_eq!(inventory.structure("vc"), structure);
    }

    #[test]
    fn an_object_that_goes_leaves_no_reference_behind() {
        let mut inventory = one();
        inventory.remove("vc", "datacenter-2");
        let root = inventory.entity("vc", ROOT_FOLDER).unwrap();
        assert_eq!(root.get("childEntity"), Some(&Value::Null));
        assert_eq!(inventory.structure("vc"), inventory.changes("vc"));
        assert_eq!(inventory.new_id("vc", "vm-"), "vm-1001");
        assert_eq!(inventory.new_id("vc", "vm-"), "vm-1002");
    }
}
