//! The same answers in another form: what the rules leave open about how a value is written.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::spec::ViJsonSpec;
use super::types;
use crate::exchange::Answer;

const TYPE_NAME: &str = "_typeName";

/// Where faults are members of answers, by type and member.
static FAULTS: &[(&str, &str)] = &[
    ("TaskInfo", "error"),
    ("SmsTaskInfo", "error"),
    ("GroupErrorResult", "error"),
    ("MissingProperty", "fault"),
];

/// An answer as the switches of a world have it. A fault that is the whole body keeps its type, and so does a value.
pub(super) fn formed(spec: &ViJsonSpec, answer: Answer) -> Answer {
    if answer.body == "null" && !spec.null_for_empty {
        return Answer {
            body: Bytes::new(),
            ..answer
        };
    }
    if !spec.changes_answers() || answer.body.is_empty() {
        return answer;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&answer.body) else {
        return answer;
    };
    let body = if value.is_null() {
        answer.body
    } else {
        let value = reformed(spec, value, None);
        if spec.type_names_last {
            let mut text = String::new();
            write(&value, &mut text);
            Bytes::from(text)
        } else {
            Bytes::from(value.to_string())
        }
    };
    Answer { body, ..answer }
}

/// A value at a place that declares a type, if it is known which one.
fn reformed(spec: &ViJsonSpec, value: Value, declared: Option<&str>) -> Value {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| reformed(spec, item, declared))
            .collect(),
        Value::Object(members) => reformed_object(spec, members, declared),
        other => other,
    }
}

fn reformed_object(spec: &ViJsonSpec, mut members: Map<String, Value>, declared: Option<&str>) -> Value {
    let own = members.get(TYPE_NAME).and_then(Value::as_str).map(str::to_owned);
    let type_name = own.as_deref().unwrap_or_default();
    for (name, place) in &mut members {
        let declared = types::member(type_name, name).map(|member| member.type_name);
        let value = reformed(spec, place.take(), declared);
        let wraps = spec.wraps_faults && FAULTS.contains(&(type_name, name.as_str()));
        *place = if wraps { wrapped(value) } else { value };
    }
    if spec.nulls {
        for member in types::members(type_name).filter(|member| member.optional) {
            members.entry(member.name).or_insert(Value::Null);
        }
    }
    // A place of any type, or of a base that nobody is, says nothing about the value.
    if spec.omits_type_names && own.is_some() && own.as_deref() == declared {
        members.remove(TYPE_NAME);
    }
    Value::Object(members)
}

fn wrapped(fault: Value) -> Value {
    match fault {
        Value::Array(faults) => faults.into_iter().map(wrapped).collect(),
        Value::Object(_) => {
            let message = fault["faultMessage"][0]["message"].clone();
            json!({TYPE_NAME: "LocalizedMethodFault", "fault": fault, "localizedMessage": message})
        }
        other => other,
    }
}

/// Writes a value as JSON, the name of each object's type last.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            let last = members.iter().filter(|(name, _)| *name == TYPE_NAME);
            let ordered = members.iter().filter(|(name, _)| *name != TYPE_NAME).chain(last);
            for (index, (name, member)) in ordered.enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", json!(name));
                write(member, text);
            }
            text.push('}');
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut ViJsonSpec), body: &Value) -> String {
        let mut spec = ViJsonSpec::default();
        change(&mut spec);
        let answer = formed(&spec, Answer::json(200, "application/json", body));
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    #[test]
    fn a_name_goes_where_the_place_declares_the_type_and_stays_where_it_does_not() {
        let description = json!({TYPE_NAME: "TaskDescription", "methodInfo": [
            {TYPE_NAME: "ElementDescription", "key": "a", "label": "l", "summary": "s"}]});
        let text = told(|spec| spec.omits_type_names = true, &description);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[TYPE_NAME], "TaskDescription");
        assert_eq!(value["methodInfo"][0].get(TYPE_NAME), None);
        let change = json!({TYPE_NAME: "PropertyChange", "name": "n", "op": "assign",
            "val": {TYPE_NAME: "ManagedObjectReference", "type": "Task", "value": "t"}});
        assert_eq!(
            told(|spec| spec.omits_type_names = true, &change),
            change.to_string()
        );
    }

    #[test]
    fn a_name_may_come_last_at_every_depth() {
        let value = json!({TYPE_NAME: "A", "b": [{TYPE_NAME: "B", "z": "\"q\""}]});
        assert_eq!(
            told(|spec| spec.type_names_last = true, &value),
            r#"{"b":[{"z":"\"q\"","_typeName":"B"}],"_typeName":"A"}"#
        );
    }

    #[test]
    fn what_is_not_set_may_be_null_and_so_may_no_value() {
        let change = json!({TYPE_NAME: "PropertyChange", "name": "n", "op": "remove"});
        let text = told(|spec| spec.nulls = true, &change);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["val"], Value::Null);
        assert!(text.contains("\"val\":null"), "{text}");
        assert_eq!(told(|spec| spec.nulls = true, &Value::Null), "");
        assert_eq!(told(|spec| spec.null_for_empty = true, &Value::Null), "null");
    }

    #[test]
    fn faults_inside_an_answer_may_be_wrapped_and_the_whole_body_never_is() {
        let fault = json!({TYPE_NAME: "Gone", "faultMessage": [{"message": "m"}]});
        let entry = json!({TYPE_NAME: "GroupErrorResult", "error": [fault]});
        let text = told(|spec| spec.wraps_faults = true, &entry);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["error"][0]["fault"], fault);
        assert_eq!(value["error"][0]["localizedMessage"], "m");
        assert_eq!(told(|spec| spec.wraps_faults = true, &fault), fault.to_string());
    }
}
