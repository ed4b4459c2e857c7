//! Bodies of method calls whose parameters are data objects: checked by the type tables.

use serde_json::{Map, Value};

use super::fault::Fault;
use super::request;
use super::types::{self, Member};
use crate::exchange::Request;
use crate::shape::Shape;

/// The base of all faults.
const FAULT: &str = "MethodFault";

/// A parameter of a method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter(Member);

/// A parameter that has to be there.
pub(crate) const fn needed(name: &'static str, type_name: &'static str) -> Parameter {
    Parameter(Member {
        name,
        type_name,
        array: false,
        optional: false,
    })
}

/// A parameter that may be left out.
pub(crate) const fn left_out(name: &'static str, type_name: &'static str) -> Parameter {
    let Parameter(member) = needed(name, type_name);
    Parameter(Member {
        optional: true,
        ..member
    })
}

/// A list that may be left out.
pub(crate) const fn list(name: &'static str, type_name: &'static str) -> Parameter {
    let Parameter(member) = left_out(name, type_name);
    Parameter(Member {
        array: true,
        ..member
    })
}

/// The parameters of a call: what cannot be read, is unknown or of another type is an invalid request; what is missing is an
/// invalid argument.
pub(crate) fn read(request: &Request, parameters: &[Parameter]) -> Result<Value, Fault> {
    let body = request::json(request)?;
    let Some(given) = body.as_object() else {
        return Err(Fault::invalid_request("The body has to be an object."));
    };
    let known = |name: &str| parameters.iter().any(|Parameter(member)| member.name == name);
    if let Some(name) = given.keys().find(|name| *name != "_typeName" && !known(name)) {
        return Err(unknown(name));
    }
    for Parameter(member) in parameters {
        check_member(member.name, *member, given.get(member.name))?;
    }
    Ok(body)
}

fn unknown(path: &str) -> Fault {
    Fault::invalid_request(format!("Unknown member {path}."))
}

fn check_member(path: &str, member: Member, value: Option<&Value>) -> Result<(), Fault> {
    match value {
        None | Some(Value::Null) if member.optional => Ok(()),
        None | Some(Value::Null) => Err(Fault::invalid_argument(
            Some(path),
            format!("Member {path} is missing."),
        )),
        Some(Value::Array(items)) if member.array => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check(&format!("{path}[{index}]"), member.type_name, item))
        }
        Some(_) if member.array => Err(wrong(path, "an array")),
        Some(value) => check(path, member.type_name, value),
    }
}

fn wrong(path: &str, wanted: &str) -> Fault {
    Fault::invalid_request(format!("Member {path} has to be {wanted}."))
}

fn whole(value: &Value, bits: u32) -> bool {
    let bound = 1_i64 << (bits - 1);
    value
        .as_i64()
        .is_some_and(|number| (-bound..bound).contains(&number))
}

/// Whether a value fits a declared type: nested objects name their own type, which is that or derives from it.
fn check(path: &str, type_name: &str, value: &Value) -> Result<(), Fault> {
    let (fits, wanted) = match type_name {
        "boolean" => (value.is_boolean(), "true or false"),
        "byte" => (whole(value, 8), "a whole number of 8 bits"),
        "short" => (whole(value, 16), "a whole number of 16 bits"),
        "int" => (whole(value, 32), "a whole number of 32 bits"),
        "long" => (value.is_i64(), "a whole number"),
        "float" | "double" => (value.is_number(), "a number"),
        "anyType" => return boxed(path, value),
        "ManagedObjectReference" => return reference(path, value),
        other if types::is_data(other) => return object(path, other, value),
        _ => (value.is_string(), "a string"),
    };
    if fits { Ok(()) } else { Err(wrong(path, wanted)) }
}

fn reference(path: &str, value: &Value) -> Result<(), Fault> {
    let text = |name: &str| value.get(name).is_some_and(Value::is_string);
    let mut names = value.as_object().into_iter().flat_map(Map::keys);
    if let Some(name) = names.find(|name| !["_typeName", "type", "value"].contains(&name.as_str())) {
        return Err(unknown(&format!("{path}.{name}")));
    }
    if text("type") && text("value") {
        Ok(())
    } else {
        Err(wrong(path, "a reference"))
    }
}

/// A value of any type: an object that says its type. One of a type that the tables do not have, as a boxed text is, is not looked
/// into.
pub(crate) fn boxed(path: &str, value: &Value) -> Result<(), Fault> {
    Shape::Boxed
        .check(value)
        .map_err(|_| wrong(path, "an object that says its type in _typeName"))?;
    match value.get("_typeName").and_then(Value::as_str) {
        Some("ManagedObjectReference") => reference(path, value),
        Some(own) if types::is_data(own) && !types::is_partial(own) => object(path, own, value),
        _ => Ok(()),
    }
}

/// A fault: of a type that the tables have, which has to be one, or of one that they do not have.
pub(crate) fn fault(path: &str, value: &Value) -> Result<(), Fault> {
    let own = value.get("_typeName").and_then(Value::as_str);
    let other = |own: &str| {
        let known = types::is_data(own) || own == "ManagedObjectReference" || value.get("_value").is_some();
        known && !types::is_a(own, FAULT)
    };
    if own.is_none_or(other) {
        return Err(wrong(path, "a fault, and to say so in _typeName"));
    }
    types::members(FAULT).try_for_each(|member| {
        let path = format!("{path}.{}", member.name);
        match value.get(member.name) {
            Some(cause) if member.type_name == FAULT && !cause.is_null() => fault(&path, cause),
            given => check_member(&path, member, given),
        }
    })
}

/// The members of an object, and the type that it says it is of, which is the declared one or derives from it.
fn typed<'a>(
    path: &str,
    declared: &str,
    value: &'a Value,
) -> Result<(&'a Map<String, Value>, &'a str), Fault> {
    let Some(given) = value.as_object() else {
        return Err(wrong(path, "an object"));
    };
    let own = given.get("_typeName").and_then(Value::as_str);
    let Some(own) = own.filter(|own| types::is_a(own, declared)) else {
        let text = format!("Member {path} has to be a {declared}, and to say so in _typeName.");
        return Err(Fault::invalid_request(text));
    };
    Ok((given, own))
}

/// A part of an object, down to its leaves: what is there fits its type, and anything may be missing. An object that does not name
/// its type is of the declared one: clients send back what they were told, and `vi_json.omits_type_names` tells it like that.
pub(crate) fn part(path: &str, declared: &str, value: &Value) -> Result<(), Fault> {
    let (given, own) = match value.as_object() {
        Some(given) if !given.contains_key("_typeName") => (given, declared),
        _ => typed(path, declared, value)?,
    };
    for (name, value) in given.iter().filter(|(name, _)| *name != "_typeName") {
        let path = format!("{path}.{name}");
        let member = types::member(own, name).ok_or_else(|| unknown(&path))?;
        if value.is_null() {
            continue;
        }
        if !types::is_data(member.type_name) {
            check_member(&path, member, Some(value))?;
        } else if !member.array {
            part(&path, member.type_name, value)?;
        } else {
            let items = value.as_array().ok_or_else(|| wrong(&path, "an array"))?;
            items
                .iter()
                .try_for_each(|item| part(&path, member.type_name, item))?;
        }
    }
    Ok(())
}

fn object(path: &str, declared: &str, value: &Value) -> Result<(), Fault> {
    let (given, own) = typed(path, declared, value)?;
    for name in given.keys().filter(|name| *name != "_typeName") {
        if types::member(own, name).is_none() {
            return Err(unknown(&format!("{path}.{name}")));
        }
    }
    types::members(own).try_for_each(|member| {
        check_member(&format!("{path}.{}", member.name), member, given.get(member.name))
    })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    const PARAMETERS: &[Parameter] = &[
        needed("portgrp", "HostPortGroupSpec"),
        left_out("mtu", "int"),
        list("device", "string"),
    ];

    fn refusal(body: &Value) -> Option<(String, String)> {
        let mut request = Request::new(Method::POST, "/x");
        request
            .headers
            .insert("content-type", http::HeaderValue::from_static("application/json"));
        request.body = body.to_string().into();
        let fault = read(&request, PARAMETERS).err()?.to_json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Some((
            text(&fault["_typeName"]),
            text(&fault["faultMessage"][0]["message"]),
        ))
    }

    fn spec() -> Value {
        json!({
            "_typeName": "HostPortGroupSpec", "name": "pg", "vlanId": 1, "vswitchName": "vSwitch0",
            "policy": {"_typeName": "HostNetworkPolicy"},
        })
    }

    #[test]
    fn what_fits_passes_with_or_without_the_name_of_its_own_type() {
        assert_eq!(refusal(&json!({"portgrp": spec()})), None);
        let body = json!({"_typeName": "X", "portgrp": spec(), "mtu": 1500, "device": ["vmnic0"]});
        assert_eq!(refusal(&body), None);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let mut odd = spec();
        odd["colour"] = json!("red");
        let mut bare = spec();
        bare.as_object_mut().unwrap().remove("_typeName");
        let mut lacking = spec();
        lacking.as_object_mut().unwrap().remove("policy");
        let mut wrong = spec();
        wrong["vlanId"] = json!("1");
        for (body, fault, message) in [
            (json!({}), "InvalidArgument", "Member portgrp is missing."),
            (
                json!({"portgrp": odd}),
                "InvalidRequest",
                "Unknown member portgrp.colour.",
            ),
            (
                json!({"portgrp": bare}),
                "InvalidRequest",
                "Member portgrp has to be a HostPortGroupSpec, and to say so in _typeName.",
            ),
            (
                json!({"portgrp": lacking}),
                "InvalidArgument",
                "Member portgrp.policy is missing.",
            ),
            (
                json!({"portgrp": wrong}),
                "InvalidRequest",
                "Member portgrp.vlanId has to be a whole number of 32 bits.",
            ),
            (
                json!({"portgrp": spec(), "device": "vmnic0"}),
                "InvalidRequest",
                "Member device has to be an array.",
            ),
            (
                json!({"portgrp": spec(), "device": [1]}),
                "InvalidRequest",
                "Member device[0] has to be a string.",
            ),
            (
                json!({"portgrp": spec(), "mtu": 3_000_000_000_i64}),
                "InvalidRequest",
                "Member mtu has to be a whole number of 32 bits.",
            ),
            (
                json!({"portgrp": spec(), "x": 1}),
                "InvalidRequest",
                "Unknown member x.",
            ),
        ] {
            let expected = Some((fault.to_owned(), message.to_owned()));
            assert_eq!(refusal(&body), expected, "{body}");
        }
    }
}
