//! Which keywords of a schema are understood, which say nothing that matters here, and which would change its meaning.

use crate::document::Findings;
use crate::json::{Json, Value};

/// Where a schema stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Under a name of its own.
    Named,
    /// In a body; it may be an object without a name.
    Body,
    /// As an answer; it may be one of several.
    Answer,
    /// As the type of a member, an element or a parameter.
    Value,
}

/// Read by this generator.
const UNDERSTOOD: [&str; 12] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "discriminator",
    "enum",
    "format",
    "items",
    "maximum",
    "nullable",
    "properties",
    "required",
    "type",
];

/// Prose, and limits on values that a server checks.
const HARMLESS: [&str; 25] = [
    "$comment",
    "$schema",
    "$id",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "summary",
    "title",
    "xml",
];

/// Harmless too, for readers and writers of other kinds.
const ONE_WAY: [&str; 3] = ["readOnly", "writeOnly", "uniqueItems"];

/// With these a schema is another one than it seems.
const REFUSED: [&str; 24] = [
    "$defs",
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "anyOf",
    "const",
    "contains",
    "contentSchema",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Notes what is not understood in a schema and in all that it contains.
pub(super) fn schema(value: &Json, place: Place, findings: &mut Findings) {
    for (name, inner) in value.members() {
        match name.as_str() {
            "properties" => {
                for (member, inner) in inner.members() {
                    findings.inside(format!("member `{member}`"), |findings| {
                        schema(inner, Place::Value, findings);
                    });
                }
            }
            "items" => findings.inside("element", |findings| schema(inner, Place::Value, findings)),
            "additionalProperties" if !matches!(inner.value, Value::Bool(_)) => {
                findings.inside("map value", |findings| schema(inner, Place::Value, findings));
            }
            "oneOf" if place == Place::Answer => {
                for choice in inner.elements() {
                    schema(choice, Place::Value, findings);
                }
            }
            "oneOf" if place == Place::Named && value.get("discriminator").is_some() => {}
            "oneOf" | "anyOf" if is_open(value) => findings.warn(
                inner,
                format_args!("keyword `{name}`: the value is kept as it is, its type is not known"),
            ),
            name if REFUSED.contains(&name) => {
                findings.refuse(
                    inner,
                    format_args!("unknown keyword `{name}`, which changes what the schema means"),
                );
            }
            name if is_known(name) => {}
            name => findings.warn(inner, format_args!("unknown keyword `{name}` is passed over")),
        }
    }
}

fn is_known(name: &str) -> bool {
    let lists = [&UNDERSTOOD[..], &HARMLESS, &ONE_WAY];
    name.starts_with("x-") || lists.iter().any(|list| list.contains(&name))
}

/// Whether a schema says nothing but that it is one of several.
fn is_open(value: &Json) -> bool {
    let telling = [
        "$ref",
        "allOf",
        "items",
        "properties",
        "type",
        "additionalProperties",
    ];
    !telling.iter().any(|name| value.get(name).is_some())
}
