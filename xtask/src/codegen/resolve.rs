//! From the document to the model: which types are generated, what their members are, and where they go.

mod clashes;
mod closure;
mod items;
mod places;
mod secrets;
mod signatures;

pub(super) use places::COMMON;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::model::{Crate, Failure, Home, Item, Model, Origin};
use super::names;
use super::read::{Document, Named, Operation, Schema};
use crate::schemas::overlay::Overlay;

/// Base of all faults.
const FAULT: &str = "MethodFault";
/// Bases without members, which nothing is declared with.
const ROOTS: [&str; 2] = ["Any", "DataObject"];
/// The service whose objects carry the name of their type, so that they have a root.
const TYPED: &str = "ViJson";
/// What is read where a root is declared.
const ANY: &str = "farside_wire::Any";

/// Makes the model of a document.
///
/// # Errors
/// If the overlay does not fit the document, or a schema or an operation cannot be generated: all of these, each with its
/// line.
pub(super) fn resolve(document: &Document, overlay: &Overlay) -> Result<Model> {
    let resolver = Resolver::new(document, overlay);
    let mut wrong = Vec::new();
    let items = resolver.items(&mut wrong);
    let mut model = Model {
        origin: Origin {
            name: document.name.clone(),
            version: document.version.clone(),
            digest: document.digest.clone(),
        },
        service: overlay.service.clone(),
        layout: overlay.layout,
        crates: crates(document, overlay),
        index: BTreeMap::new(),
        any_call: any_call(overlay),
        refused: refused(overlay)?,
        absent: document.without_path.clone(),
    };
    places::put(&resolver, items, &mut model, &mut wrong);
    if wrong.is_empty() {
        return Ok(model);
    }
    let wrong: Vec<String> = wrong
        .iter()
        .map(|error| clashes::located(&document.name, error))
        .collect();
    bail!(wrong.join("\n"))
}

/// Whether the schema is a root of all types.
fn is_root(overlay: &Overlay, schema: &str) -> bool {
    overlay.service == TYPED && ROOTS.contains(&schema)
}

/// The path of what is written by hand in place of a schema.
pub(crate) fn by_hand<'a>(overlay: &'a Overlay, schema: &str) -> Option<&'a str> {
    if is_root(overlay, schema) {
        return Some(ANY);
    }
    overlay.external.get(schema).map(|path| path.text.as_str())
}

/// Whether the schema is no type, but says how a value travels in an `Any`.
pub(super) fn is_box(overlay: &Overlay, schema: &Schema) -> bool {
    match schema {
        Schema::Object(object) => {
            let based = object.base.as_deref().is_some_and(|base| is_root(overlay, base));
            based && matches!(&object.members[..], [only] if only.name == "_value")
        }
        Schema::Enum(_) | Schema::Union { .. } => false,
    }
}

/// The crates, still empty; the first one has the ancestry of all faults.
fn crates(document: &Document, overlay: &Overlay) -> Vec<Crate> {
    let crates = overlay.crates.iter().enumerate().map(|(index, rule)| Crate {
        folder: rule.folder.clone(),
        files: BTreeMap::new(),
        fault_ancestry: if index == 0 {
            document.fault_ancestry.clone()
        } else {
            Vec::new()
        },
    });
    crates.collect()
}

/// Errors that any call can answer.
fn any_call(overlay: &Overlay) -> Vec<Failure> {
    let failures = overlay.any_call.iter().map(|name| Failure {
        name: name.text.clone(),
        meaning: overlay.docs.errors.get(&name.text).map(|said| said.text.clone()),
        refused: false,
    });
    failures.collect()
}

/// The named lists of refusals, expanded.
fn refused(overlay: &Overlay) -> Result<BTreeMap<String, Vec<String>>> {
    let lists = overlay.refused.iter();
    lists
        .map(|(list, names)| Ok((list.clone(), overlay.expand(names)?)))
        .collect()
}

/// The document and its overlay, with what is looked up often.
struct Resolver<'a> {
    document: &'a Document,
    overlay: &'a Overlay,
    schemas: BTreeMap<&'a str, &'a Named>,
    operations: BTreeMap<&'a str, &'a Operation>,
    /// Name of each generic that occurs, with the schema of its first instance.
    generics: BTreeMap<&'a str, &'a str>,
    queries: signatures::Queries<'a>,
    /// The member that tells a schema from the other variants of a union, by schema: the union reads and writes it.
    tags: BTreeSet<(&'a str, &'a str)>,
}

/// The generated types by schema, each with the tags that lead to it.
type Items = BTreeMap<String, (Item, BTreeSet<String>)>;

impl<'a> Resolver<'a> {
    fn new(document: &'a Document, overlay: &'a Overlay) -> Self {
        let mut generics = BTreeMap::new();
        for named in &document.schemas {
            if let Schema::Object(object) = &named.schema
                && let Some((of, _)) = &object.generic
            {
                generics.entry(of.as_str()).or_insert(named.name.as_str());
            }
        }
        let unions = document.schemas.iter().filter_map(|named| match &named.schema {
            Schema::Union { tag, variants } => Some((tag, variants)),
            Schema::Object(_) | Schema::Enum(_) => None,
        });
        let tags = unions.flat_map(|(tag, variants)| {
            let variants = variants.iter();
            variants.map(move |(_, schema)| (schema.as_str(), tag.as_str()))
        });
        let schemas = document.schemas.iter();
        let operations = document.operations.iter();
        Self {
            tags: tags.collect(),
            document,
            overlay,
            schemas: schemas.map(|named| (named.name.as_str(), named)).collect(),
            operations: operations
                .map(|operation| (operation.id.as_str(), operation))
                .collect(),
            generics,
            queries: signatures::Queries::of(document),
        }
    }

    /// Whether the schema becomes a type of a model crate.
    fn is_generated(&self, schema: &str) -> bool {
        by_hand(self.overlay, schema).is_none()
    }

    /// Index of the crate that things under `prefix` go into.
    fn krate(&self, prefix: &str) -> Result<usize> {
        let exact = self.overlay.crates.iter().position(|rule| rule.prefix == prefix);
        let rest = || self.overlay.crates.iter().position(|rule| rule.prefix.is_empty());
        exact
            .or_else(rest)
            .with_context(|| format!("no crate takes what is under `{prefix}`"))
    }

    /// Index of the crate that an operation with this path goes into.
    fn operation_crate(&self, path: &str) -> Result<usize> {
        let prefixed = self.overlay.crates.iter().find(|rule| {
            let rest = path.strip_prefix(rule.prefix.as_str());
            !rule.prefix.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
        });
        self.krate(prefixed.map_or("", |rule| rule.prefix.as_str()))
    }

    /// The operation after which a type with this key is named, if the type has no schema.
    fn operation_of(&self, key: &str) -> Option<&str> {
        let inline = key
            .strip_prefix(items::INLINE)
            .and_then(|id| self.operations.get(id));
        let operation = inline.or_else(|| self.queries.operations(key).first());
        operation.map(|operation| operation.id.as_str())
    }

    /// Where the document has what a type with this key is made of.
    fn line(&self, key: &str) -> usize {
        if let Some(named) = self.schemas.get(self.instance(key)) {
            return named.line;
        }
        let operation = self.operation_of(key).and_then(|id| self.operations.get(id));
        operation.map_or(0, |operation| operation.line)
    }

    /// The first instance of a generic; any other schema itself.
    fn instance<'s>(&'s self, schema: &'s str) -> &'s str {
        self.generics.get(schema).copied().unwrap_or(schema)
    }

    /// Where a type is generated, and what it is called.
    fn home(&self, key: &str) -> Result<Home> {
        if let Some(id) = key.strip_prefix(items::INLINE) {
            let operation = self.operations.get(id).context("no such operation")?;
            return Ok(Home {
                krate: self.operation_crate(&operation.path)?,
                rust: names::inline_body_name(self.naming(id)),
            });
        }
        let operations = self.queries.operations(key);
        if let Some(first) = operations.first() {
            return Ok(Home {
                krate: self.operation_crate(&first.path)?,
                rust: self.query_rust(operations),
            });
        }
        let prefix = self
            .schemas
            .get(self.instance(key))
            .map_or("", |named| named.prefix.as_str());
        let rename = self.overlay.type_rule(key).and_then(|rule| rule.rename.as_ref());
        Ok(Home {
            krate: self.krate(prefix)?,
            rust: rename.map_or_else(|| names::type_name(key), |name| name.text.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
