//! Property paths: walking into an object, and boxing what is found.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::object::Object;
use super::types::{self, Member};
use super::value::boxed;
use crate::world::World;

/// What a path leads to: a value with its declared type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    value: Value,
    #[serde(with = "crate::saved::name")]
    type_name: crate::saved::Text,
    array: bool,
}

impl Found {
    /// The value as a bare answer.
    pub(crate) fn bare(self) -> Value {
        self.value
    }

    /// The value, bare.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The declared type of the value, or of the elements of an array.
    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Whether the value is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.array
    }

    /// A value of a declared type.
    pub(crate) fn new(value: Value, type_name: &'static str, array: bool) -> Self {
        Self {
            value,
            type_name,
            array,
        }
    }

    /// The value in a position of type `Any`: primitives, enums and arrays are boxed.
    pub(crate) fn any(self) -> Value {
        if self.array {
            return boxed(&types::array_name(self.type_name), self.value);
        }
        if self.value.is_object() {
            self.value
        } else {
            boxed(types::boxed_name(self.type_name), self.value)
        }
    }
}

/// A step of a path: a member, and the key of one of its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step<'a> {
    name: &'a str,
    key: Option<&'a str>,
}

/// The steps of a path such as `config.hardware.device[4000].key`; a key may be quoted and then hold anything but a quote.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        let (key, after) = match after.strip_prefix('[') {
            Some(inner) => {
                let (key, after) = match inner.strip_prefix('"') {
                    Some(quoted) => quoted.split_once("\"]")?,
                    None => inner.split_once(']')?,
                };
                (Some(key), after)
            }
            None => (None, after),
        };
        steps.push(Step { name, key });
        if after.is_empty() {
            return Some(steps);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// Reads a path of an object; `None` if an optional member on the way is not set.
pub(crate) fn read(world: &World, object: &Object, path: &str) -> Result<Option<Found>, Fault> {
    Reading::new(world, object).read(path)
}

/// Reads paths of one object. The property that several of them begin with is made once.
pub(crate) struct Reading<'a> {
    world: &'a World,
    object: &'a Object,
    properties: BTreeMap<&'static str, Value>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(world: &'a World, object: &'a Object) -> Self {
        Self {
            world,
            object,
            properties: BTreeMap::new(),
        }
    }

    /// As [`read`].
    pub(crate) fn read(&mut self, path: &str) -> Result<Option<Found>, Fault> {
        let steps = steps(path).ok_or_else(|| invalid(path))?;
        let (first, rest) = steps.split_first().ok_or_else(|| invalid(path))?;
        let type_name = self.object.type_name;
        let member = types::member(type_name, first.name).ok_or_else(|| invalid(path))?;
        // A path that no value of the type can have is refused before anything is looked at.
        let subtypes = self.world.hosts.walks_into_subtypes();
        if !subtypes {
            declared(member, first.key, rest).ok_or_else(|| invalid(path))?;
        }
        if let Some(fault) = self.world.hosts.hides(&self.object.mo_id, first.name) {
            return Err(fault);
        }
        let property = match self.properties.entry(member.name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let value = self.object.property(self.world, first.name);
                let unknown = || format!("property {} of {type_name}", first.name);
                place.insert(value.ok_or_else(|| Fault::not_simulated(&unknown()))?)
            }
        };
        let value = (!property.is_null()).then_some(&*property);
        let found = walk(member, first.key, value, rest, subtypes).ok_or_else(|| invalid(path))?;
        let (member, value) = found;
        if types::is_partial(member.type_name) {
            return Err(Fault::not_simulated(&format!("the whole of {path}")));
        }
        Ok(value.map(|value| Found::new(value.clone(), member.type_name, member.array)))
    }
}

/// Checks a path against the declared types alone.
pub(crate) fn check(type_name: &str, path: &str, subtypes: bool) -> Result<(), Fault> {
    let steps = steps(path).ok_or_else(|| invalid(path))?;
    let (first, rest) = steps.split_first().ok_or_else(|| invalid(path))?;
    let member = types::member(type_name, first.name).ok_or_else(|| invalid(path))?;
    if subtypes || declared(member, first.key, rest).is_some() {
        Ok(())
    } else {
        Err(invalid(path))
    }
}

/// A member of which one element is chosen is that element.
fn element(member: Member, key: Option<&str>) -> Option<Member> {
    match key {
        None => Some(member),
        Some(_) if member.array => Some(Member {
            array: false,
            optional: true,
            ..member
        }),
        Some(_) => None,
    }
}

fn declared(member: Member, key: Option<&str>, rest: &[Step<'_>]) -> Option<Member> {
    let mut at = element(member, key)?;
    for step in rest {
        if at.array {
            return None;
        }
        at = element(types::member(at.type_name, step.name)?, step.key)?;
    }
    Some(at)
}

/// Walks on from a member with its value. With `subtypes`, a path may step into members that only the value's own type has,
/// not its declared one.
fn walk<'v>(
    member: Member,
    key: Option<&str>,
    value: Option<&'v Value>,
    rest: &[Step<'_>],
    subtypes: bool,
) -> Option<(Member, Option<&'v Value>)> {
    let mut at = element(member, key)?;
    let mut value = value.and_then(|value| chosen(value, key));
    for step in rest {
        if at.array {
            return None;
        }
        let own = value
            .and_then(|value| value.get("_typeName"))
            .and_then(Value::as_str);
        let owner = own.filter(|_| subtypes).unwrap_or(at.type_name);
        at = element(types::member(owner, step.name)?, step.key)?;
        value = value
            .and_then(|value| value.get(step.name))
            .filter(|value| !value.is_null())
            .and_then(|value| chosen(value, step.key));
    }
    Some((at, value))
}

/// The element of an array with this key.
fn chosen<'v>(value: &'v Value, key: Option<&str>) -> Option<&'v Value> {
    let Some(key) = key else { return Some(value) };
    let items = value.as_array()?;
    items.iter().find(|item| key_of(item).as_deref() == Some(key))
}

/// The key of an element of an array, as text.
pub(crate) fn key_of(item: &Value) -> Option<String> {
    match item.get("key")? {
        Value::String(key) => Some(key.clone()),
        Value::Number(key) => Some(key.to_string()),
        _ => None,
    }
}

pub(crate) fn invalid(path: &str) -> Fault {
    Fault::new("InvalidProperty", "The property path is not known.").with("name", path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn any(path: &str, subtypes: bool) -> Result<Option<Value>, String> {
        let switch = json!({
            "name": "dvs",
            "config": {
                "_typeName": "VMwareDVSConfigInfo",
                "numPorts": 4,
                "networkOffloadSpecId": "spec-1",
                "vendorSpecificConfig": [
                    {"_typeName": "DistributedVirtualSwitchKeyedOpaqueBlob", "key": "a.b", "opaqueData": "x"},
                ],
            },
            "runtime": {"_typeName": "DVSRuntimeInfo", "hostMemberRuntime": []},
        });
        let steps = steps(path).ok_or("malformed")?;
        let (first, rest) = steps.split_first().ok_or("empty")?;
        let member = types::member("VmwareDistributedVirtualSwitch", first.name).ok_or("InvalidProperty")?;
        let value = switch.get(first.name);
        let (member, value) = walk(member, first.key, value, rest, subtypes).ok_or("InvalidProperty")?;
        Ok(value.map(|value| Found::new(value.clone(), member.type_name, member.array).any()))
    }

    fn refused(name: &str) -> Result<Option<Value>, String> {
        Err(name.to_owned())
    }

    #[test]
    fn values_are_boxed_by_their_declared_type() {
        assert_eq!(any("name", false), Ok(Some(boxed("string", json!("dvs")))));
        assert_eq!(any("config.numPorts", false), Ok(Some(boxed("int", json!(4)))));
        let array = boxed("ArrayOfHostMemberRuntimeInfo", json!([]));
        assert_eq!(any("runtime.hostMemberRuntime", false), Ok(Some(array)));
        assert_eq!(
            any("config", false).unwrap().unwrap()["_typeName"],
            "VMwareDVSConfigInfo"
        );
    }

    #[test]
    fn unset_is_not_unknown() {
        assert_eq!(any("uuid", false), Ok(None));
        assert_eq!(any("nonsense", false), refused("InvalidProperty"));
        assert_eq!(any("config.nonsense", false), refused("InvalidProperty"));
        assert_eq!(
            any("runtime.hostMemberRuntime.host", false),
            refused("InvalidProperty")
        );
    }

    #[test]
    fn an_element_is_chosen_by_its_key() {
        let blob = any("config.vendorSpecificConfig[\"a.b\"].opaqueData", false);
        assert_eq!(blob, Ok(Some(boxed("string", json!("x")))));
        assert_eq!(any("config.vendorSpecificConfig[c]", false), Ok(None));
        assert_eq!(any("config.numPorts[1]", false), refused("InvalidProperty"));
        for path in ["", ".", "config.", "config[", "config[1]x", ".config"] {
            assert_eq!(steps(path), None, "{path}");
        }
    }

    #[test]
    fn a_member_of_a_subtype_is_reached_in_one_reading_only() {
        assert_eq!(
            any("config.networkOffloadSpecId", false),
            refused("InvalidProperty")
        );
        let reached = any("config.networkOffloadSpecId", true);
        assert_eq!(reached, Ok(Some(boxed("string", json!("spec-1")))));
    }
}
