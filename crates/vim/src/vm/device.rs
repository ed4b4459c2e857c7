//! Devices as they may be sent back: a server may leave out the `_typeName` of what stands in them, and show what is not set as
//! null; the other way round only the whole is sure to be taken (VI JSON wire rules 5.1 and 5.4, inferred).

use farside_models_vim::{VirtualDevice, VirtualDisk};
use farside_wire::{Object, RawJson};
use serde::Serialize;
use serde_json::{Map, Value};

/// The members of a device as they may be sent. `read` is what was read of it, with what its own type has in other types.
pub(super) fn sendable(device: &Object<VirtualDevice>, read: &impl Serialize) -> Option<Map<String, Value>> {
    let mut whole = serde_json::to_value(read).ok()?;
    whole["_typeName"] = Value::from(device.type_name());
    for (member, type_name) in [
        ("deviceInfo", "Description"),
        ("slotInfo", "VirtualDeviceBusSlotInfo"),
    ] {
        if let Some(Value::Object(object)) = whole.get_mut(member) {
            object
                .entry("_typeName")
                .or_insert_with(|| Value::from(type_name));
        }
    }
    leave_out_nulls(&mut whole);
    match whole {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// A disk as it may be sent; `None` if it is another device, or cannot be read.
pub(super) fn sendable_disk(device: &Object<VirtualDevice>) -> Option<Object<VirtualDevice>> {
    let disk = device.downcast::<VirtualDisk>()?.ok()?;
    Object::from_raw(RawJson::of(&sendable(device, &disk)?).ok()?)
}

fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
