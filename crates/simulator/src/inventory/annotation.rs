//! What people attach to objects of the inventory: permissions and custom attributes. It goes with the object.

use serde_json::{Value, json};

use super::ROOT_FOLDER;
use crate::vi_json::types;
use crate::vi_json::value::reference;
use crate::world::World;

/// The system roles: id, name.
static ROLES: [(i32, &str); 3] = [(-1, "Admin"), (-2, "ReadOnly"), (-5, "NoAccess")];

/// A permission that is set on an object itself, not inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSpec {
    /// The user or group, such as `SIM.INVALID\operators`.
    pub principal: String,
    /// Whether it is a group.
    pub group: bool,
    /// The id of the role: -1 is `Admin`, -2 `ReadOnly`, -5 `NoAccess`.
    pub role: i32,
    /// Whether it holds for what is below the object.
    pub propagate: bool,
}

impl World {
    /// Gives an object of the inventory these permissions in place of those it had; `false` if there is no such object.
    pub fn set_permissions(&mut self, vcenter: &str, mo_id: &str, permissions: &[PermissionSpec]) -> bool {
        let Some(entity) = self.inventory.entity(vcenter, mo_id) else {
            return false;
        };
        let own = reference(entity.type_name, mo_id);
        let permissions = permissions.iter().map(|permission| {
            json!({
                "_typeName": "Permission",
                "entity": own,
                "principal": permission.principal,
                "group": permission.group,
                "roleId": permission.role,
                "propagate": permission.propagate,
            })
        });
        let value = null_if_empty(permissions.collect());
        self.inventory.set(vcenter, mo_id, "permission", value);
        true
    }

    /// Gives an object of the inventory a value of a custom attribute, which is defined for all of its vCenter if it is not yet;
    /// `false` if there is no such object.
    pub fn set_attribute(&mut self, vcenter: &str, mo_id: &str, name: &str, value: &str) -> bool {
        let Some(entity) = self.inventory.entity(vcenter, mo_id) else {
            return false;
        };
        let mut values = items(entity.get("customValue"));
        let mut defined = attributes(self, vcenter);
        let known = defined.iter().find(|field| field["name"] == name);
        let key = known.map_or(json!(100 + defined.len()), |field| field["key"].clone());
        if known.is_none() {
            defined.push(json!({
                "_typeName": "CustomFieldDef",
                "key": key,
                "name": name,
                "type": "string",
            }));
            self.inventory
                .set(vcenter, ROOT_FOLDER, "availableField", Value::Array(defined));
        }
        values.retain(|value| value["key"] != key);
        values.push(json!({"_typeName": "CustomFieldStringValue", "key": key, "value": value}));
        let values = Value::Array(values);
        self.inventory.set(vcenter, mo_id, "value", values.clone());
        self.inventory.set(vcenter, mo_id, "customValue", values);
        true
    }
}

fn items(list: Option<&Value>) -> Vec<Value> {
    list.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn null_if_empty(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    }
}

/// The custom attributes of a vCenter, which are kept at its root folder: those that any object can have.
fn attributes(world: &World, vcenter: &str) -> Vec<Value> {
    let root = world.inventory.entity(vcenter, ROOT_FOLDER);
    items(root.and_then(|root| root.get("availableField")))
}

/// The attributes that an object can have a value of; `null` if there are none.
pub(crate) fn available(world: &World, vcenter: &str, type_name: &str) -> Value {
    if types::is_a(type_name, "ManagedEntity") {
        null_if_empty(attributes(world, vcenter))
    } else {
        Value::Null
    }
}

/// The roles of a vCenter, without their privileges.
pub(crate) fn roles() -> Value {
    let role = |(id, name): &(i32, &str)| {
        json!({
            "_typeName": "AuthorizationRole",
            "roleId": id,
            "system": true,
            "name": name,
            "info": {"_typeName": "Description", "label": name, "summary": name},
        })
    };
    ROLES.iter().map(role).collect()
}
