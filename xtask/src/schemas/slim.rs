//! Leaves out of a document what nothing generates: prose, and the schemas of errors.

use crate::json::{Json, Object, Value};

/// An operation without prose.
pub(super) fn slim_operation(operation: &Json) -> Json {
    let mut slim: Object = Vec::new();
    for (name, value) in operation.members() {
        match name.as_str() {
            "description" | "summary" | "externalDocs" => {}
            "responses" => slim.push((name.clone(), slim_responses(value))),
            "requestBody" | "parameters" | "x-farside-task-result" => {
                slim.push((name.clone(), slim_schema(value)))
            }
            _ => slim.push((name.clone(), value.clone())),
        }
    }
    operation.with(Value::Object(slim))
}

/// Answers with a value are kept; of the others only what was said about their errors. Their schemas are the error
/// models, which the wire runtime reads for every operation alike.
fn slim_responses(responses: &Json) -> Json {
    let mut slim: Object = Vec::new();
    for (status, response) in responses.members() {
        let good = status.starts_with('2');
        let mut parts: Object = Vec::new();
        for (name, value) in response.members() {
            match name.as_str() {
                "description" => parts.push((name.clone(), status_text(status).into())),
                "content" | "headers" if good => parts.push((name.clone(), slim_map(value))),
                name if name.starts_with("x-") => parts.push((name.to_owned(), value.clone())),
                _ => {}
            }
        }
        slim.push((status.clone(), response.with(Value::Object(parts))));
    }
    responses.with(Value::Object(slim))
}

/// What stands for a response's description, without which it would be no OpenAPI.
fn status_text(status: &str) -> &'static str {
    match status {
        "200" => "OK",
        "204" => "No Content",
        status if status.starts_with('2') => "Success",
        _ => "Error",
    }
}

pub(super) fn slim_tag(tag: &Json) -> Json {
    tag.with(Value::Object(
        tag.members()
            .iter()
            .filter(|(name, _)| name != "description")
            .cloned()
            .collect(),
    ))
}

/// A schema without prose, and without the list of boxes, which nothing generates.
pub(super) fn slim_schema(schema: &Json) -> Json {
    match &schema.value {
        Value::Array(elements) => schema.with(Value::Array(elements.iter().map(slim_schema).collect())),
        Value::Object(members) => {
            let mut slim: Object = Vec::new();
            for (name, value) in members {
                let value = match (name.as_str(), &value.value) {
                    ("description" | "title" | "summary" | "externalDocs" | "example" | "examples", _) => {
                        continue;
                    }
                    ("properties" | "mapping" | "variables" | "headers", Value::Object(_)) => slim_map(value),
                    ("discriminator", _) if value.text("propertyName") == Some("_typeName") => value.with(
                        Value::Object(vec![("propertyName".into(), Json::from("_typeName"))]),
                    ),
                    _ => slim_schema(value),
                };
                slim.push((name.clone(), value));
            }
            schema.with(Value::Object(slim))
        }
        _ => schema.clone(),
    }
}

/// Schemas by name: each without prose, whatever its name.
pub(super) fn slim_map(map: &Json) -> Json {
    let members = map.members().iter();
    map.with(Value::Object(
        members
            .map(|(name, schema)| (name.clone(), slim_schema(schema)))
            .collect(),
    ))
}
