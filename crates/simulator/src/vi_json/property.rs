//! Property paths: walking into an object, and boxing what is found.

use serde_json::Value;

use super::fault::Fault;
use super::types;
use super::value::boxed;

/// What a path leads to: a value with its declared type, or an optional member that is not set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    value: Value,
    type_name: &'static str,
    array: bool,
}

impl Found {
    /// The value as a bare answer.
    pub(super) fn bare(self) -> Value {
        self.value
    }

    /// The value in a position of type `Any`: primitives, enums and arrays are boxed.
    pub(super) fn any(self) -> Value {
        if self.array {
            let mut letters = self.type_name.chars();
            let first = letters.next().map(|first| {
                // Primitive types are boxed as `ArrayOfString`; names of types keep their case.
                let primitive = matches!(self.type_name, "string" | "int" | "long" | "boolean" | "dateTime");
                if primitive {
                    first.to_ascii_uppercase()
                } else {
                    first
                }
            });
            let name: String = "ArrayOf".chars().chain(first).chain(letters).collect();
            return boxed(&name, self.value);
        }
        if self.value.is_object() {
            self.value
        } else {
            boxed(self.type_name, self.value)
        }
    }
}

/// Walks a path into an object; `None` if an optional member on the way is not set.
///
/// With `subtypes`, a path may step into members that only the value's own type has, not its declared one.
pub(super) fn walk(
    object_type: &str,
    object: &Value,
    path: &str,
    subtypes: bool,
) -> Result<Option<Found>, Fault> {
    let mut type_name = object_type.to_owned();
    let mut value = Some(object);
    let mut found = None;
    for (depth, name) in path.split('.').enumerate() {
        if found.as_ref().is_some_and(|(_, array)| *array) {
            return Err(invalid(path));
        }
        let own = value
            .and_then(|value| value.get("_typeName"))
            .and_then(Value::as_str);
        let owner = own.filter(|_| subtypes).unwrap_or(&type_name);
        let Some((_, declared, array)) = types::member(owner, name) else {
            if depth == 0 && types::is_not_simulated(object_type, name) {
                return Err(Fault::not_simulated(&format!("property {name} of {object_type}")));
            }
            return Err(invalid(path));
        };
        value = value.and_then(|value| value.get(name));
        declared.clone_into(&mut type_name);
        found = Some((declared, array));
    }
    let Some((declared, array)) = found else {
        return Err(invalid(path));
    };
    if types::is_partial(declared) {
        return Err(Fault::not_simulated(&format!("the whole of {path}")));
    }
    Ok(value.map(|value| Found {
        value: value.clone(),
        type_name: declared,
        array,
    }))
}

fn invalid(path: &str) -> Fault {
    Fault::new("InvalidProperty", "The property path is not known.").with("name", path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn any(path: &str, subtypes: bool) -> Result<Option<Value>, String> {
        let switch = json!({
            "name": "dvs",
            "config": {"_typeName": "VMwareDVSConfigInfo", "numPorts": 4, "networkOffloadSpecId": "spec-1"},
            "runtime": {"_typeName": "DVSRuntimeInfo", "hostMemberRuntime": []},
        });
        let found = walk("VmwareDistributedVirtualSwitch", &switch, path, subtypes);
        found
            .map(|found| found.map(Found::any))
            .map_err(|fault| fault.to_json()["_typeName"].to_string())
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
        assert_eq!(any("nonsense", false), Err("\"InvalidProperty\"".to_owned()));
        assert_eq!(
            any("config.nonsense", false),
            Err("\"InvalidProperty\"".to_owned())
        );
        assert_eq!(any("summary", false), Err("\"NotImplemented\"".to_owned()));
        assert_eq!(
            any("runtime.hostMemberRuntime.host", false),
            Err("\"InvalidProperty\"".to_owned())
        );
    }

    #[test]
    fn a_member_of_a_subtype_is_reached_in_one_reading_only() {
        assert_eq!(
            any("config.networkOffloadSpecId", false),
            Err("\"InvalidProperty\"".to_owned())
        );
        assert_eq!(
            any("config.networkOffloadSpecId", true),
            Ok(Some(boxed("string", json!("spec-1"))))
        );
    }
}
