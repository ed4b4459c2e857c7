//! Changes inside a property, for filters that want no more than what differs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::property::{Found, key_of};
use super::super::types::{self, Member};
use super::update::change;

/// The changes from one value of a property to another: of members by their paths, of elements of arrays by their keys. What
/// cannot be told apart that way is assigned as a whole.
pub(super) fn changes(path: &str, before: &Found, now: &Found, changes: &mut Vec<Value>) {
    let member = Member {
        name: "",
        type_name: now.type_name(),
        array: now.is_array(),
        optional: true,
    };
    between(path, member, before.value(), now.value(), changes);
}

fn between(path: &str, member: Member, before: &Value, now: &Value, changes: &mut Vec<Value>) {
    if before == now {
        return;
    }
    let assign = |changes: &mut Vec<Value>| {
        changes.push(change(
            path,
            "assign",
            Some(Found::new(now.clone(), member.type_name, member.array)),
        ));
    };
    match (before, now) {
        (Value::Array(before), Value::Array(now)) => match (by_key(before), by_key(now)) {
            (Some(before), Some(now)) => elements(path, member, &before, &now, changes),
            _ => assign(changes),
        },
        (Value::Object(before), Value::Object(now))
            if before.get("_typeName") == now.get("_typeName") && types::is_data(own_type(now)) =>
        {
            members(path, before, now, changes);
        }
        _ => assign(changes),
    }
}

fn own_type(object: &Map<String, Value>) -> &str {
    object
        .get("_typeName")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn members(path: &str, before: &Map<String, Value>, now: &Map<String, Value>, changes: &mut Vec<Value>) {
    for member in types::members(own_type(now)) {
        let path = format!("{path}.{}", member.name);
        match (before.get(member.name), now.get(member.name)) {
            (None, None) => {}
            (Some(_), None) => changes.push(change(&path, "remove", None)),
            (None, Some(now)) => {
                let found = Found::new(now.clone(), member.type_name, member.array);
                changes.push(change(&path, "assign", Some(found)));
            }
            (Some(before), Some(now)) => between(&path, member, before, now, changes),
        }
    }
}

fn elements(
    path: &str,
    member: Member,
    before: &BTreeMap<String, &Value>,
    now: &BTreeMap<String, &Value>,
    changes: &mut Vec<Value>,
) {
    let one = Member {
        array: false,
        ..member
    };
    let place = |key: &str| {
        if key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            format!("{path}[{key}]")
        } else {
            format!("{path}[\"{key}\"]")
        }
    };
    for key in before.keys().filter(|key| !now.contains_key(*key)) {
        changes.push(change(&place(key), "remove", None));
    }
    for (key, now) in now {
        match before.get(key) {
            Some(before) => between(&place(key), one, before, now, changes),
            None => {
                let found = Found::new((*now).clone(), member.type_name, false);
                changes.push(change(&place(key), "add", Some(found)));
            }
        }
    }
}

/// The elements of an array by their keys; `None` if one has none, or two have the same.
fn by_key(items: &[Value]) -> Option<BTreeMap<String, &Value>> {
    let mut by_key = BTreeMap::new();
    for item in items {
        if by_key.insert(key_of(item)?, item).is_some() {
            return None;
        }
    }
    Some(by_key)
}
