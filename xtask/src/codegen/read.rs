//! First stage: the cut OpenAPI document as our own structures, in document order.
//!
//! This is a reader of one dialect (`allOf` beside `properties`, one base), not of OpenAPI. What it does not understand
//! it refuses, naming the line. The `x-farside-*` extensions are used where they are, and nothing needs them.

mod aliases;
mod keywords;
mod operations;
mod types;

use std::path::Path;

use anyhow::{Context, Result};

use crate::document::{self, Findings};
use crate::json::Json;
use crate::schemas::{self, errors::ErrorNames};

const SCHEMA: &str = "#/components/schemas/";

/// A cut document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) digest: String,
    /// What the reader passed over although it may matter: file, line and what it is.
    pub(super) warnings: Vec<String>,
    pub(super) operations: Vec<Operation>,
    pub(super) schemas: Vec<Named>,
    /// Fault type and base, sorted by type.
    pub(super) fault_ancestry: Vec<(String, String)>,
    /// The errors that the document names.
    pub(super) errors: ErrorNames,
    /// Operations that are known to exist and cannot be called.
    pub(super) without_path: Vec<WithoutPath>,
}

/// An operation whose path nobody knows (`x-farside-operations-without-path`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WithoutPath {
    pub(super) id: String,
    /// In capitals, as the document has it.
    pub(super) method: Option<String>,
    pub(super) confidence: Option<String>,
}

/// An operation below `paths`.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Where it stands in the document.
    pub(super) line: usize,
    /// What travels in the query or in a header, in document order.
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) answer: Option<Shape>,
    /// What the answer may be, where it is one of several; [`Operation::answer`] is any JSON then.
    pub(super) alternatives: Vec<Shape>,
    pub(super) task_result: Option<Shape>,
    /// The answer is a task that has no result.
    pub(super) void_task: bool,
    pub(super) since: Option<String>,
    pub(super) privileges: Vec<String>,
    /// Declared faults: data types of VI JSON.
    pub(super) faults: Vec<String>,
    /// Names of every error that is declared: faults, `error_type` values, or codes.
    pub(super) errors: Vec<String>,
    pub(super) anonymous: bool,
    pub(super) deprecated: bool,
    /// How sure the document is of the operation, in its own word.
    pub(super) confidence: Option<String>,
    /// How sure it is of the errors, in its own words.
    pub(super) errors_confidence: Option<String>,
}

/// A parameter of an operation that is not in its path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: ParameterPlace,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) deprecated: bool,
    pub(super) style: Style,
    /// How sure the document is of it, in its own words.
    pub(super) confidence: Option<String>,
    /// Where it stands in the document.
    pub(super) line: usize,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterPlace {
    Query,
    Header,
}

/// How an array travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `name=a&name=b`.
    Repeated,
    /// `name=a,b`.
    Comma,
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
    /// Where it stands in the document.
    pub(super) line: usize,
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
    pub(super) deprecated: bool,
    pub(super) since: Option<String>,
    /// Managed type that a reference points to, or resource that an identifier belongs to.
    pub(super) target: Option<String>,
    /// How sure the document is of it, in its own words.
    pub(super) confidence: Option<String>,
    /// Where it stands in the document.
    pub(super) line: usize,
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
    let file = document::open(&product.join(&name))?;
    document(&name, &file.digest, &file.json)
}

/// Reads a document from its JSON; `name` is what messages call it.
///
/// # Errors
/// If something in it is not of our dialect: every such thing, with its line.
pub(super) fn document(name: &str, digest: &str, json: &Json) -> Result<Document> {
    let info = json.get("info");
    let version = info
        .and_then(|info| info.get("version"))
        .with_context(|| format!("{name}: no `info.version`"))?;
    let components = json
        .get("components")
        .with_context(|| format!("{name}: no `components`"))?;
    let mut findings = Findings::new(name);
    let mut found = Vec::new();
    for (schema, value) in components.get("schemas").map(Json::members).unwrap_or_default() {
        findings.inside(format!("schema `{schema}`"), |findings| {
            keywords::schema(value, keywords::Place::Named, findings);
            findings
                .take(types::entry(schema, value))
                .map(|entry| found.push(entry))
        });
    }
    let mut operations = Vec::new();
    for (path, item) in json.get("paths").map(Json::members).unwrap_or_default() {
        for (method, value) in operations::methods(item) {
            findings.inside(format!("path `{path}`, {method}"), |findings| {
                operations::keywords(value, findings);
                let operation = operations::operation(components, path, method, value);
                findings
                    .take(operation)
                    .map(|operation| operations.push(operation))
            });
        }
    }
    let schemas = findings.take(aliases::resolve(found, &mut operations));
    let warnings = findings.finish()?;
    Ok(Document {
        name: name.to_owned(),
        version: version.as_text().unwrap_or_default(),
        digest: digest.to_owned(),
        warnings,
        operations,
        schemas: schemas.unwrap_or_default(),
        fault_ancestry: fault_ancestry(json),
        errors: ErrorNames::of(json),
        without_path: without_path(json),
    })
}

fn fault_ancestry(json: &Json) -> Vec<(String, String)> {
    let entries = json.get("x-farside-fault-ancestry");
    let entries = entries.map(Json::members).unwrap_or_default();
    entries
        .iter()
        .map(|(name, base)| (name.clone(), base.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn without_path(json: &Json) -> Vec<WithoutPath> {
    let entries = json.get("x-farside-operations-without-path");
    let entries = entries.map(Json::elements).unwrap_or_default().iter();
    let known = entries.filter_map(|entry| {
        Some(WithoutPath {
            id: entry.text("id")?.to_owned(),
            method: entry.text("method").map(str::to_owned),
            confidence: entry
                .text("x-farside-confidence")
                .or_else(|| entry.text("confidence"))
                .map(str::to_owned),
        })
    });
    known.collect()
}

/// What a named schema is; `None` if it only gives a shape another name.
///
/// # Errors
/// If it is not of our dialect.
pub(super) fn kind(name: &str, value: &Json) -> Result<Option<Schema>> {
    Ok(match types::entry(name, value)? {
        types::Entry::Type(named) => Some(named.schema),
        types::Entry::Alias(..) => None,
    })
}

/// The name of the schema that a reference leads to.
fn reference(value: &Json, text: &str) -> Result<String> {
    text.strip_prefix(SCHEMA)
        .map(str::to_owned)
        .ok_or_else(|| value.refuse(format_args!("`{text}` does not refer to a schema")))
}
