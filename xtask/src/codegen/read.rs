//! First stage: the cut OpenAPI document as our own structures, in document order.
//!
//! This is a reader of one dialect (`allOf` beside `properties`, one base, `x-farside-*`), not of OpenAPI. What
//! it does not understand it refuses, naming the place.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::json::Json;
use crate::schemas;

const SCHEMA: &str = "#/components/schemas/";

/// A cut document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) digest: String,
    pub(super) operations: Vec<Operation>,
    pub(super) schemas: Vec<Named>,
    /// Fault type and base, sorted by type.
    pub(super) fault_ancestry: Vec<(String, String)>,
}

/// An operation below `paths`.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Option<Body>,
    pub(super) answer: Option<Shape>,
    pub(super) task_result: Option<Shape>,
    pub(super) since: Option<String>,
    pub(super) privileges: Vec<String>,
    pub(super) faults: Vec<String>,
    pub(super) anonymous: bool,
}

/// What an operation takes in its body.
#[derive(Debug)]
pub(super) enum Body {
    /// A named schema, or something made of one.
    Shape(Shape),
    /// An object that only this operation uses.
    Inline(Object),
}

/// A named schema.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    /// Path prefix under which it can be used; empty is no prefix.
    pub(super) prefix: String,
    pub(super) schema: Schema,
}

/// What a named schema is.
#[derive(Debug)]
pub(super) enum Schema {
    Object(Object),
    Enum(Vec<String>),
    Union {
        tag: String,
        variants: Vec<(String, String)>,
    },
}

/// An object schema; the members of its base are not among its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) base: Option<String>,
    pub(super) members: Vec<Member>,
    pub(super) since: Option<String>,
    /// The full document has subtypes of it.
    pub(super) open: bool,
    /// Their names, unless it is a fault.
    pub(super) subtypes: Vec<String>,
    /// Nobody has read its members.
    pub(super) unread: bool,
    /// Instance of a generic: its name and the argument's.
    pub(super) generic: Option<(String, String)>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) since: Option<String>,
    /// Managed type that a reference points to, or resource that an identifier belongs to.
    pub(super) target: Option<String>,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Bool,
    Byte,
    Short,
    Int,
    Long,
    Double,
    String,
    Secret,
    DateTime,
    Binary,
    /// A one-value enum: the tag of a union's variant.
    Constant(String),
    /// Any JSON.
    Anything,
    Reference(String),
    List(Box<Shape>),
    Map(Box<Shape>),
}

/// Reads the cut document of a product folder.
///
/// # Errors
/// If it is missing, or something in it is not of our dialect.
pub(super) fn read(product: &Path) -> Result<Document> {
    let name = schemas::document_name(product)?;
    let path = product.join(&name);
    let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let json: Json = serde_json::from_slice(&bytes).with_context(|| format!("parsing {}", path.display()))?;
    document(&name, &schemas::digest(&bytes), &json).with_context(|| format!("in {name}"))
}

/// Reads a document from its JSON.
///
/// # Errors
/// As [`read`].
pub(super) fn document(name: &str, digest: &str, json: &Json) -> Result<Document> {
    let version = json
        .get("info")
        .and_then(|info| info.text("version"))
        .context("no `info.version`")?;
    let mut operations = Vec::new();
    for (path, item) in json.get("paths").map(Json::members).unwrap_or_default() {
        for (method, value) in item.members() {
            operations
                .push(operation(path, method, value).with_context(|| format!("path `{path}`, {method}"))?);
        }
    }
    let mut found = Vec::new();
    let components = json.get("components").context("no `components`")?;
    for (name, value) in components.get("schemas").map(Json::members).unwrap_or_default() {
        found.push(Named {
            name: name.clone(),
            prefix: value.text("x-farside-path-prefix").unwrap_or_default().to_owned(),
            schema: schema(value).with_context(|| format!("schema `{name}`"))?,
        });
    }
    let ancestry = json
        .get("x-farside-fault-ancestry")
        .map(Json::members)
        .unwrap_or_default();
    Ok(Document {
        name: name.to_owned(),
        version: version.to_owned(),
        digest: digest.to_owned(),
        operations,
        schemas: found,
        fault_ancestry: ancestry
            .iter()
            .map(|(name, base)| (name.clone(), base.as_str().unwrap_or_default().to_owned()))
            .collect(),
    })
}

fn operation(path: &str, method: &str, value: &Json) -> Result<Operation> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let security = value.get("security").map(Json::elements);
    let answer = good_answer(value).context("responses")?;
    let task_result = match value.get("x-farside-task-result") {
        None | Some(Json::Null) => None,
        Some(result) => Some(shape(result).context("x-farside-task-result")?),
    };
    Ok(Operation {
        id: value.text("operationId").context("no `operationId`")?.to_owned(),
        tag: value.strings("tags").into_iter().next().context("no tag")?,
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: value
            .get("requestBody")
            .map(body)
            .transpose()
            .context("requestBody")?,
        answer,
        task_result,
        since: value.text("x-farside-since").map(str::to_owned),
        privileges: privileges(value),
        faults: value.strings("x-farside-faults"),
        anonymous: security
            .is_some_and(|all| all.is_empty() || all.iter().any(|one| one.members().is_empty())),
    })
}

/// The names of `x-farside-privileges`; an entry may be an object that says when the privilege is needed.
fn privileges(value: &Json) -> Vec<String> {
    let entries = value
        .get("x-farside-privileges")
        .map(Json::elements)
        .unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| entry.as_str().or_else(|| entry.text("privilege")))
        .map(str::to_owned)
        .collect()
}

fn good_answer(operation: &Json) -> Result<Option<Shape>> {
    for (status, response) in operation.get("responses").map(Json::members).unwrap_or_default() {
        if status.starts_with('2') {
            let schema = response.get("content").and_then(media);
            return schema
                .map(shape)
                .transpose()
                .with_context(|| format!("status {status}"));
        }
    }
    Ok(None)
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
        .context("no JSON content")?;
    if schema.get("$ref").is_none()
        && schema.text("type") == Some("object")
        && schema.get("properties").is_some()
    {
        return Ok(Body::Inline(object(schema)?));
    }
    Ok(Body::Shape(shape(schema)?))
}

fn schema(value: &Json) -> Result<Schema> {
    if let Some(discriminator) = value
        .get("discriminator")
        .filter(|_| value.get("oneOf").is_some())
    {
        let tag = discriminator
            .text("propertyName")
            .context("a discriminator without `propertyName`")?;
        let mut variants = Vec::new();
        for (tag, target) in discriminator
            .get("mapping")
            .map(Json::members)
            .unwrap_or_default()
        {
            variants.push((
                tag.clone(),
                reference(target.as_str().context("a mapping that is no text")?)?,
            ));
        }
        return Ok(Schema::Union {
            tag: tag.to_owned(),
            variants,
        });
    }
    for list in ["enum", "x-extensible-enum"] {
        if value.get(list).is_some() {
            return Ok(Schema::Enum(value.strings(list)));
        }
    }
    match value.text("type") {
        Some("object") => Ok(Schema::Object(object(value)?)),
        other => bail!("a schema of type {other:?} that is neither object, union nor enum"),
    }
}

fn object(value: &Json) -> Result<Object> {
    let required = value.strings("required");
    let mut members = Vec::new();
    for (name, inner) in value.get("properties").map(Json::members).unwrap_or_default() {
        members.push(Member {
            name: name.clone(),
            shape: shape(inner).with_context(|| format!("member `{name}`"))?,
            required: required.contains(name),
            since: inner.text("x-farside-since").map(str::to_owned),
            target: inner
                .text("x-farside-ref")
                .or_else(|| inner.text("x-farside-id"))
                .map(str::to_owned),
        });
    }
    if let Some(unknown) = required
        .iter()
        .find(|name| !members.iter().any(|member| member.name == **name))
    {
        bail!("`{unknown}` is required and not a member");
    }
    let base = match value.get("allOf").map(Json::elements).unwrap_or_default() {
        [] => None,
        [one] => Some(reference(
            one.text("$ref").context("an `allOf` that is no reference")?,
        )?),
        _ => bail!("more than one base"),
    };
    let generic = value.get("x-farside-generic");
    let generic = generic.and_then(|generic| {
        Some((
            generic.text("of")?.to_owned(),
            generic.text("argument")?.to_owned(),
        ))
    });
    Ok(Object {
        base,
        members,
        since: value.text("x-farside-since").map(str::to_owned),
        open: value.flag("x-farside-open"),
        subtypes: value.strings("x-farside-subtypes"),
        unread: value.flag("x-farside-unread"),
        generic,
    })
}

fn reference(text: &str) -> Result<String> {
    text.strip_prefix(SCHEMA)
        .map(str::to_owned)
        .with_context(|| format!("`{text}` does not refer to a schema"))
}

/// The type of a member, an element, a body or an answer.
fn shape(value: &Json) -> Result<Shape> {
    if let Some(target) = value.text("$ref") {
        return Ok(Shape::Reference(reference(target)?));
    }
    // A member of a schema type with something beside it: not inheritance.
    if let [one] = value.get("allOf").map(Json::elements).unwrap_or_default() {
        return shape(one);
    }
    if let Some(name) = value.text("x-farside-enum") {
        return Ok(Shape::Reference(name.to_owned()));
    }
    if let [only] = &value.strings("enum")[..] {
        return Ok(Shape::Constant(only.clone()));
    }
    match value.text("type") {
        None => Ok(Shape::Anything),
        Some("boolean") => Ok(Shape::Bool),
        Some("integer") => Ok(integer(value)),
        Some("number") => Ok(Shape::Double),
        Some("string") => Ok(match value.text("format") {
            _ if value.flag("x-farside-secret") => Shape::Secret,
            Some("password") => Shape::Secret,
            Some("date-time") => Shape::DateTime,
            Some("byte") => Shape::Binary,
            _ => Shape::String,
        }),
        Some("array") => Ok(Shape::List(Box::new(
            shape(value.get("items").context("an array without `items`")?).context("element")?,
        ))),
        Some("object") => match value.get("additionalProperties") {
            Some(inner) => Ok(Shape::Map(Box::new(shape(inner).context("map value")?))),
            None if value.get("properties").is_none() => Ok(Shape::Anything),
            None => bail!("an object with members in a place where only a reference is expected"),
        },
        Some(other) => bail!("type `{other}`"),
    }
}

fn integer(value: &Json) -> Shape {
    let maximum = match value.get("maximum") {
        Some(Json::Number(number)) => number.as_i64(),
        _ => None,
    };
    match (value.text("format"), maximum) {
        (Some("int32"), _) => Shape::Int,
        (_, Some(127)) => Shape::Byte,
        (_, Some(32767)) => Shape::Short,
        // Without a format the range is not known.
        _ => Shape::Long,
    }
}
