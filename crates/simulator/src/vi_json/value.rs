//! Values in the form of VI JSON.

use serde_json::{Value, json};

use super::fault::MEDIA_TYPE;
use crate::core::Core;
use crate::exchange::Answer;

/// A managed object reference.
pub(crate) fn reference(type_name: &str, mo_id: &str) -> Value {
    json!({"_typeName": "ManagedObjectReference", "type": type_name, "value": mo_id})
}

/// A primitive or an array in a position of type `Any`.
pub(crate) fn boxed(type_name: &str, value: Value) -> Value {
    // Moved, as `json!` copies what it is given.
    let mut boxed = json!({"_typeName": type_name});
    boxed["_value"] = value;
    boxed
}

/// A point of world time as the clock of an endpoint shows it.
pub(crate) fn date_time(core: &Core, endpoint: &str, world_ms: i64) -> String {
    core.server_time(endpoint, world_ms)
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}

/// A value as an answer; `null` for an optional result that is not there.
pub(crate) fn answer(value: &Value) -> Answer {
    Answer::json(200, MEDIA_TYPE, value)
}
