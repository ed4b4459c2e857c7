//! Objects of a vCenter, of whatever kind, with their properties one by one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::types;
use super::value::reference;
use crate::dpu;
use crate::vm;
use crate::world::World;

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Its vCenter.
    pub(crate) vcenter: String,
    /// Its own type.
    #[serde(with = "crate::saved::name")]
    pub(crate) type_name: crate::saved::Text,
    /// Its id.
    pub(crate) mo_id: String,
}

impl Object {
    /// The object of this id, whatever its type.
    pub(crate) fn find(world: &World, vcenter: &str, mo_id: &str) -> Option<Self> {
        let type_name = type_of(world, vcenter, mo_id)?;
        Some(Self {
            vcenter: vcenter.to_owned(),
            type_name,
            mo_id: mo_id.to_owned(),
        })
    }

    /// The object of this id, which has to be of a type or a subtype of it.
    pub(crate) fn named(world: &World, vcenter: &str, type_name: &str, mo_id: &str) -> Result<Self, Fault> {
        Self::find(world, vcenter, mo_id)
            .filter(|object| types::is_a(object.type_name, type_name))
            .ok_or_else(|| Fault::no_such_object(type_name, mo_id))
    }

    /// The object that a reference of a request is about.
    pub(crate) fn referred(world: &World, vcenter: &str, reference: &Value) -> Result<Self, Fault> {
        let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
        Self::named(world, vcenter, text("type"), text("value"))
    }

    /// A reference to it, with its own type.
    pub(crate) fn reference(&self) -> Value {
        reference(self.type_name, &self.mo_id)
    }

    /// The value of a property of its type: `null` if it is not set, `None` if the simulator does not know.
    pub(crate) fn property(&self, world: &World, name: &str) -> Option<Value> {
        let entity = world.inventory.entity(&self.vcenter, &self.mo_id);
        if let Some(value) = entity.and_then(|entity| entity.get(name)) {
            return Some(value.clone());
        }
        match self.type_name {
            "HostSystem" | "HostNetworkSystem" | "VmwareDistributedVirtualSwitch" => {
                let value = dpu::property(world, &self.vcenter, &self.mo_id, name);
                value
                    .or_else(|| self.common(world, name))
                    .or_else(|| self.recent(world, name))
            }
            "VirtualMachine" | "Datastore" | "Network" | "DistributedVirtualPortgroup" | "OpaqueNetwork" => {
                let value = vm::property(world, &self.mo_id, name);
                value
                    .or_else(|| self.common(world, name))
                    .or_else(|| self.recent(world, name))
            }
            "Task" => super::task::property(world, &self.vcenter, &self.mo_id, name),
            "ServiceInstance"
            | "AuthorizationManager"
            | "SessionManager"
            | "TaskManager"
            | "ContainerView"
            | "ListView"
            | "InventoryView"
            | "PropertyFilter"
            | "TaskHistoryCollector" => super::manager::property(world, self, name),
            _ => self.common(world, name).or_else(|| self.recent(world, name)),
        }
    }

    fn recent(&self, world: &World, name: &str) -> Option<Value> {
        let wanted = name == "recentTask" && types::is_a(self.type_name, "ManagedEntity");
        wanted.then(|| super::task_call::recent(world, &self.vcenter, Some(&self.mo_id)))
    }

    /// What is the same for all entities of the inventory.
    fn common(&self, world: &World, name: &str) -> Option<Value> {
        let of_entity = types::is_a(self.type_name, "ManagedEntity");
        match name {
            "overallStatus" | "configStatus" if of_entity => Some(json!("green")),
            "alarmActionsEnabled" if of_entity => Some(json!(true)),
            // The role of an administrator.
            "effectiveRole" if of_entity => Some(json!([-1])),
            "configIssue"
            | "customValue"
            | "declaredAlarmState"
            | "disabledMethod"
            | "parent"
            | "permission"
            | "tag"
            | "triggeredAlarmState"
                if of_entity =>
            {
                Some(Value::Null)
            }
            "availableField" => Some(crate::inventory::available(world, &self.vcenter, self.type_name)),
            "value" => Some(Value::Null),
            _ => None,
        }
    }
}

fn type_of(world: &World, vcenter: &str, mo_id: &str) -> Option<&'static str> {
    let entity = world.inventory.entity(vcenter, mo_id);
    entity
        .map(|entity| entity.type_name)
        .or_else(|| dpu::type_of(world, vcenter, mo_id))
        .or_else(|| world.vi_json.tasks.get(vcenter, mo_id).map(|_| "Task"))
        .or_else(|| super::manager::type_of(world, vcenter, mo_id))
}
