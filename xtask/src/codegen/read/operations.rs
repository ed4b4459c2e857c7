//! Operations: what they take and what they answer.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::keywords::{self, Place};
use super::types::{object, shape};
use super::{Body, Operation, Parameter, ParameterPlace, Shape, Style};
use crate::document::Findings;
use crate::json::{Json, Value};

const PARAMETER: &str = "#/components/parameters/";
const KEYWORDS: [&str; 10] = [
    "deprecated",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "summary",
    "tags",
];
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The operations of a path item; it may hold other things beside them.
pub(super) fn methods(item: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let members = item.members().iter();
    members
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| METHODS.contains(name))
}

/// Looks at the keywords of an operation, and of all schemas in it.
pub(super) fn keywords(value: &Json, findings: &mut Findings) {
    for (name, inner) in value.members() {
        if !KEYWORDS.contains(&name.as_str()) && !name.starts_with("x-") {
            findings.warn(inner, format_args!("unknown keyword `{name}` is passed over"));
        }
    }
    answers(value, findings);
    let cookies = value
        .get("parameters")
        .map(Json::elements)
        .unwrap_or_default()
        .iter();
    for cookie in cookies.filter(|one| one.text("in") == Some("cookie")) {
        let name = cookie.text("name").unwrap_or_default();
        findings.warn(
            cookie,
            format_args!("parameter `{name}` is a cookie, which is passed over"),
        );
    }
    let body = value.get("requestBody").and_then(|body| body.get("content"));
    if let Some(schema) = body.and_then(media) {
        keywords::schema(schema, Place::Body, findings);
    }
    for (status, response) in value.get("responses").map(Json::members).unwrap_or_default() {
        let schema = response.get("content").and_then(media);
        if let Some(schema) = schema.filter(|_| is_good(status)) {
            keywords::schema(schema, Place::Answer, findings);
        }
    }
    for parameter in value.get("parameters").map(Json::elements).unwrap_or_default() {
        if let Some(schema) = parameter.get("schema") {
            keywords::schema(schema, Place::Value, findings);
        }
    }
}

/// Looks for answers that are taken for nothing although they are something.
fn answers(value: &Json, findings: &mut Findings) {
    let all = value.get("responses").map(Json::members).unwrap_or_default();
    match all.iter().find(|(status, _)| is_good(status)) {
        None => findings.warn(
            value,
            "no answer with a status 2xx; it is taken for one without content",
        ),
        Some((status, answer)) => {
            let content = answer.get("content").filter(|content| media(content).is_none());
            if let Some((kind, entry)) = content.and_then(|content| content.members().first()) {
                findings.warn(
                    entry,
                    format_args!(
                        "status {status}: `{kind}` is no JSON; the answer is taken for one without content"
                    ),
                );
            }
        }
    }
}

/// Reads an operation.
pub(super) fn operation(components: &Json, path: &str, method: &str, value: &Json) -> Result<Operation> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (answer, alternatives) = answer(value).context("responses")?;
    let task_result = value.get("x-farside-task-result");
    let void_task = task_result.is_some_and(Json::is_null);
    let task_result = task_result.filter(|result| !result.is_null()).map(shape);
    let id = value.text("operationId");
    Ok(Operation {
        id: id.ok_or_else(|| value.refuse("no `operationId`"))?.to_owned(),
        tag: value
            .strings("tags")
            .into_iter()
            .next()
            .ok_or_else(|| value.refuse("no tag"))?,
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        line: value.line,
        parameters: parameters(components, value)?,
        body: value
            .get("requestBody")
            .map(body)
            .transpose()
            .context("requestBody")?,
        answer,
        alternatives,
        task_result: task_result.transpose().context("x-farside-task-result")?,
        void_task,
        since: value.text("x-farside-since").map(str::to_owned),
        privileges: privileges(value),
        faults: value.strings("x-farside-faults"),
        errors: errors(value),
        deprecated: value.flag("deprecated"),
        anonymous: value
            .get("security")
            .is_some_and(|security| needs_no_session(components, security)),
        confidence: value.text("x-farside-confidence").map(str::to_owned),
        errors_confidence: value.text("x-farside-errors-confidence").map(str::to_owned),
    })
}

/// Whether `security` has an alternative without a session: nothing at all, or a name and a password with the call.
fn needs_no_session(components: &Json, security: &Json) -> bool {
    let is_basic = |scheme: &str| {
        let scheme = components.get("securitySchemes").and_then(|all| all.get(scheme));
        scheme.is_some_and(|scheme| scheme.text("scheme") == Some("basic"))
    };
    let mut alternatives = security.elements().iter().map(Json::members);
    security.elements().is_empty() || alternatives.any(|all| all.iter().all(|(scheme, _)| is_basic(scheme)))
}

/// The names of `x-farside-privileges`; an entry may be an object that says when the privilege is needed.
fn privileges(value: &Json) -> Vec<String> {
    let entries = value.get("x-farside-privileges").map(Json::elements);
    let entries = entries.unwrap_or_default().iter();
    entries
        .filter_map(|entry| entry.as_str().or_else(|| entry.text("privilege")))
        .map(str::to_owned)
        .collect()
}

/// Faults, and the `error_type` values and codes of each error status, each name once.
fn errors(value: &Json) -> Vec<String> {
    let mut names = value.strings("x-farside-faults");
    for (_, response) in value.get("responses").map(Json::members).unwrap_or_default() {
        names.extend(response.strings("x-farside-errors"));
        names.extend(response.strings("x-farside-codes"));
    }
    let more = value.get("x-farside-undeclared-errors").map(Json::elements);
    let more = more.unwrap_or_default().iter();
    names.extend(
        more.filter_map(|entry| entry.text("error_type"))
            .map(str::to_owned),
    );
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn is_good(status: &str) -> bool {
    status.starts_with('2')
}

/// The answer, and its alternatives if it is one of several.
fn answer(operation: &Json) -> Result<(Option<Shape>, Vec<Shape>)> {
    for (status, response) in operation.get("responses").map(Json::members).unwrap_or_default() {
        if is_good(status) {
            let Some(schema) = response.get("content").and_then(media) else {
                return Ok((None, Vec::new()));
            };
            let context = || format!("status {status}");
            let alternatives = schema.get("oneOf").map(Json::elements).unwrap_or_default();
            let alternatives = alternatives.iter().map(shape).collect::<Result<Vec<Shape>>>();
            return Ok((
                Some(shape(schema).with_context(context)?),
                alternatives.with_context(context)?,
            ));
        }
    }
    Ok((None, Vec::new()))
}

/// The schema under the one media type that is JSON.
fn media(content: &Json) -> Option<&Json> {
    let (_, entry) = content.members().iter().find(|(name, _)| name.contains("json"))?;
    entry.get("schema")
}

fn body(request: &Json) -> Result<Body> {
    let schema = request
        .get("content")
        .and_then(media)
        .ok_or_else(|| request.refuse("no JSON content"))?;
    if schema.get("$ref").is_none() && schema.get("properties").is_some() {
        return Ok(Body::Inline(object(schema)?));
    }
    Ok(Body::Shape(shape(schema)?))
}

/// Query and header parameters; those in the path stay in the path.
fn parameters(components: &Json, operation: &Json) -> Result<Vec<Parameter>> {
    let mut found = Vec::new();
    for value in operation
        .get("parameters")
        .map(Json::elements)
        .unwrap_or_default()
    {
        let value = match value.text("$ref") {
            None => value,
            Some(target) => target
                .strip_prefix(PARAMETER)
                .and_then(|name| components.get("parameters")?.get(name))
                .ok_or_else(|| value.refuse(format_args!("`{target}` leads to no parameter")))?,
        };
        let name = value
            .text("name")
            .ok_or_else(|| value.refuse("a parameter without `name`"))?;
        found.extend(parameter(name, value).with_context(|| format!("parameter `{name}`"))?);
    }
    Ok(found)
}

/// `None` if it is in the path.
fn parameter(name: &str, value: &Json) -> Result<Option<Parameter>> {
    let place = match value.text("in") {
        Some("path" | "cookie") => return Ok(None),
        Some("query") => ParameterPlace::Query,
        Some("header") => ParameterPlace::Header,
        other => return Err(value.refuse(format_args!("`in` is {other:?}"))),
    };
    let exploded = value
        .get("explode")
        .map(|explode| explode.value == Value::Bool(true));
    let exploded = exploded.unwrap_or(place == ParameterPlace::Query);
    let style = match value.text("style") {
        None | Some("form" | "simple") if exploded => Style::Repeated,
        None | Some("form" | "simple") => Style::Comma,
        Some(other) => return Err(value.refuse(format_args!("style `{other}`"))),
    };
    let schema = value
        .get("schema")
        .ok_or_else(|| value.refuse("a parameter without `schema`"))?;
    Ok(Some(Parameter {
        name: name.to_owned(),
        place,
        shape: shape(schema)?,
        required: value.flag("required"),
        deprecated: value.flag("deprecated"),
        style,
        confidence: value.text("x-farside-confidence").map(str::to_owned),
        line: value.line,
    }))
}
