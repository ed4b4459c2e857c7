//! Schemas: named ones, and the types of values.

use anyhow::{Context, Result};

use super::{Member, Named, Object, SCHEMA, Schema, Shape, reference};
use crate::json::{Json, Value};

/// A schema that is read, before other names for the same shape are replaced.
pub(super) enum Entry {
    /// A type.
    Type(Named),
    /// Another name for a shape, and its line.
    Alias(String, Shape, usize),
}

/// Reads a named schema.
pub(super) fn entry(name: &str, value: &Json) -> Result<Entry> {
    plain(name, value)?;
    let prefix = value.text("x-farside-path-prefix").unwrap_or_default();
    Ok(match schema(value)? {
        Some(schema) => Entry::Type(Named {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            schema,
            line: value.line,
        }),
        None => Entry::Alias(name.to_owned(), shape(value)?, value.line),
    })
}

/// What a schema is; `None` if it only gives a shape another name.
fn schema(value: &Json) -> Result<Option<Schema>> {
    if let Some(discriminator) = value
        .get("discriminator")
        .filter(|_| value.get("oneOf").is_some())
    {
        return union(value, discriminator).map(Some);
    }
    if let Some(list) = value.get("enum").or_else(|| value.get("x-extensible-enum")) {
        return Ok(Some(Schema::Enum(texts(list)?)));
    }
    // An object with an `additionalProperties` only is a map.
    let map = value.get("properties").is_none() && additional(value).is_some();
    if kind(value)? == Some("object") && !map || value.get("properties").is_some() {
        return object(value).map(|object| Some(Schema::Object(object)));
    }
    if value.get("oneOf").is_some() || value.get("anyOf").is_some() {
        return Err(value.refuse("one of several schemas, and no `discriminator` to tell them apart"));
    }
    Ok(None)
}

/// Checks a name that the derives of the wire runtime write into JSON as it is.
///
/// # Errors
/// If it is empty, or JSON would escape it.
fn plain(name: &str, value: &Json) -> Result<()> {
    let escaped = |letter: char| letter == '"' || letter == '\\' || letter < ' ';
    if name.is_empty() || name.contains(escaped) {
        return Err(
            value.refuse("its name is empty or has a character that JSON escapes, which is not supported")
        );
    }
    Ok(())
}

fn union(value: &Json, discriminator: &Json) -> Result<Schema> {
    let tag = discriminator
        .text("propertyName")
        .ok_or_else(|| discriminator.refuse("a discriminator without `propertyName`"))?;
    plain(tag, discriminator).context("discriminator")?;
    let mut variants = Vec::new();
    let mapping = discriminator
        .get("mapping")
        .map(Json::members)
        .unwrap_or_default();
    for (text, target) in mapping {
        variants.push((text.clone(), mapped(target)?));
    }
    for target in value.get("oneOf").map(Json::elements).unwrap_or_default() {
        let name = target_of(target)?;
        // Without a mapping the schema's name is the tag.
        if mapping.is_empty() {
            variants.push((name.clone(), name));
        } else if !variants.iter().any(|(_, known)| *known == name) {
            return Err(target.refuse(format_args!("the mapping has no text for `{name}`")));
        }
    }
    Ok(Schema::Union {
        tag: tag.to_owned(),
        variants,
    })
}

/// The target of a mapping: a reference, or the bare name of a schema.
fn mapped(target: &Json) -> Result<String> {
    let text = target
        .as_str()
        .ok_or_else(|| target.refuse("a mapping that is no text"))?;
    Ok(text.strip_prefix(SCHEMA).unwrap_or(text).to_owned())
}

fn target_of(value: &Json) -> Result<String> {
    match value.text("$ref") {
        Some(text) => reference(value, text),
        None => Err(value.refuse("a choice that is no reference")),
    }
}

/// The values of an enum.
fn texts(list: &Json) -> Result<Vec<String>> {
    let values = list.elements().iter().filter(|value| !value.is_null());
    values
        .map(|value| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| value.refuse("an enum value that is no text; a word like `true` needs quotes"))
        })
        .collect()
}

/// Reads an object schema.
pub(super) fn object(value: &Json) -> Result<Object> {
    let required = value.strings("required");
    let mut members = Vec::new();
    for (name, inner) in value.get("properties").map(Json::members).unwrap_or_default() {
        plain(name, inner).with_context(|| format!("member `{name}`"))?;
        members.push(Member {
            name: name.clone(),
            shape: shape(inner).with_context(|| format!("member `{name}`"))?,
            // Old servers leave some out all the same, and null counts as absent.
            required: required.contains(name)
                && !inner.flag("x-farside-may-be-absent")
                && !is_nullable(inner),
            deprecated: inner.flag("deprecated"),
            since: inner.text("x-farside-since").map(str::to_owned),
            target: inner
                .text("x-farside-ref")
                .or_else(|| inner.text("x-farside-id"))
                .map(str::to_owned),
            confidence: inner.text("x-farside-confidence").map(str::to_owned),
            line: inner.line,
        });
    }
    for entry in value.get("required").map(Json::elements).unwrap_or_default() {
        if !members
            .iter()
            .any(|member| Some(member.name.as_str()) == entry.as_str())
        {
            return Err(entry.refuse(format_args!("{} is required and not a member", entry.compact())));
        }
    }
    let generic = value.get("x-farside-generic");
    let generic = generic.and_then(|generic| {
        Some((
            generic.text("of")?.to_owned(),
            generic.text("argument")?.to_owned(),
        ))
    });
    Ok(Object {
        base: base(value)?,
        members,
        since: value.text("x-farside-since").map(str::to_owned),
        open: value.flag("x-farside-open"),
        subtypes: value.strings("x-farside-subtypes"),
        unread: value.flag("x-farside-unread"),
        generic,
    })
}

fn base(value: &Json) -> Result<Option<String>> {
    let Some(all) = value.get("allOf") else {
        return Ok(None);
    };
    match all.elements() {
        [] => Ok(None),
        [one] => match one.text("$ref") {
            Some(text) => reference(one, text).map(Some),
            None => Err(one.refuse("an `allOf` that is no reference")),
        },
        [_, second, ..] => Err(second.refuse("more than one base")),
    }
}

/// The type of a member, an element, a body or an answer.
pub(super) fn shape(value: &Json) -> Result<Shape> {
    if let Some(target) = value.text("$ref") {
        return Ok(Shape::Reference(reference(value, target)?));
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
    match kind(value)? {
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
        Some("array") => {
            let items = value.get("items");
            let items = items.ok_or_else(|| value.refuse("an array without `items`"))?;
            Ok(Shape::List(Box::new(shape(items).context("element")?)))
        }
        Some("object") => match additional(value) {
            _ if value.get("properties").is_some() => {
                Err(value.refuse("an object with members in a place where only a reference is expected"))
            }
            Some(inner) => Ok(Shape::Map(Box::new(shape(inner).context("map value")?))),
            None => Ok(Shape::Anything),
        },
        Some(other) => Err(value.refuse(format_args!("unknown type `{other}`"))),
    }
}

/// What `additionalProperties` says of the values, unless it only forbids them.
fn additional(value: &Json) -> Option<&Json> {
    value
        .get("additionalProperties")
        .filter(|inner| inner.value != Value::Bool(false))
}

/// Whether a value may be null.
fn is_nullable(value: &Json) -> bool {
    let kinds = value.get("type").map(Json::elements).unwrap_or_default();
    value.flag("nullable") || kinds.iter().any(|kind| kind.as_str() == Some("null"))
}

/// The `type`; one of two that are a type and `null` is that type.
fn kind(value: &Json) -> Result<Option<&str>> {
    let Some(kind) = value.get("type") else {
        return Ok(None);
    };
    let mut kinds = kind.elements().iter().filter_map(Json::as_str);
    let one = match kind.as_str() {
        Some(one) => Some(one),
        None => kinds.find(|kind| *kind != "null"),
    };
    if kinds.any(|kind| kind != "null") {
        return Err(kind.refuse("more than one type"));
    }
    one.map(Some).ok_or_else(|| kind.refuse("no type"))
}

fn integer(value: &Json) -> Shape {
    let maximum = match value.get("maximum").map(|maximum| &maximum.value) {
        Some(Value::Number(number)) => number.as_i64(),
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
