//! An operation with all that it says in other places of the document.

use crate::json::{Json, Object, Value};

/// The operation with the parameters that its path item has for all its operations, and with the bodies and answers that
/// it refers to in their place; says what leads nowhere.
pub(super) fn whole(
    operation: &Json,
    item: &Json,
    document: &Json,
    problems: &mut Vec<(usize, String)>,
) -> Json {
    let own = operation
        .get("parameters")
        .map(Json::elements)
        .unwrap_or_default();
    let shared = item.get("parameters").map(Json::elements).unwrap_or_default();
    let key = |parameter: &Json| {
        let parameter = target(parameter, document).unwrap_or(parameter);
        (
            parameter.text("name").map(str::to_owned),
            parameter.text("in").map(str::to_owned),
        )
    };
    let overridden = |parameter: &&Json| own.iter().any(|other| key(other) == key(parameter));
    let mut parameters: Vec<Json> = shared.iter().filter(|one| !overridden(one)).cloned().collect();
    let mut parts: Object = Vec::new();
    if own.is_empty() && !parameters.is_empty() {
        let parameters = Value::Array(std::mem::take(&mut parameters));
        parts.push(("parameters".into(), operation.with(parameters)));
    }
    for (name, value) in operation.members() {
        let value = match name.as_str() {
            "parameters" => {
                parameters.extend(value.elements().iter().cloned());
                value.with(Value::Array(std::mem::take(&mut parameters)))
            }
            "requestBody" => followed(value, document, problems),
            "responses" => {
                let answers = value.members().iter();
                let answers =
                    answers.map(|(status, answer)| (status.clone(), followed(answer, document, problems)));
                value.with(Value::Object(answers.collect()))
            }
            _ => value.clone(),
        };
        parts.push((name.clone(), value));
    }
    operation.with(Value::Object(parts))
}

/// What a reference leads to, in the line of the reference; anything else itself.
fn followed(value: &Json, document: &Json, problems: &mut Vec<(usize, String)>) -> Json {
    let Some(text) = value.text("$ref") else {
        return value.clone();
    };
    match target(value, document) {
        Some(found) => value.with(found.value.clone()),
        None => {
            problems.push((value.line, format!("`{text}` leads nowhere")));
            value.clone()
        }
    }
}

/// What a reference into the document leads to.
fn target<'a>(value: &Json, document: &'a Json) -> Option<&'a Json> {
    let (kind, name) = value
        .text("$ref")?
        .strip_prefix("#/components/")?
        .split_once('/')?;
    document.get("components")?.get(kind)?.get(name)
}
