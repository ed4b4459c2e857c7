//! From the document to the model: which types are generated, what their members are, and where they go.

mod closure;
mod items;
mod places;
mod secrets;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::model::{Crate, Home, Item, Model, Origin};
use super::names;
use super::read::{Document, Named, Operation, Schema};
use crate::schemas::overlay::Overlay;

/// Base of all faults.
const FAULT: &str = "MethodFault";
/// Bases without members, which nothing is declared with.
const ROOTS: [&str; 2] = ["Any", "DataObject"];

/// Makes the model of a document.
///
/// # Errors
/// If the overlay does not fit the document, or a schema cannot be generated.
pub(super) fn resolve(document: &Document, overlay: &Overlay) -> Result<Model> {
    let resolver = Resolver::new(document, overlay);
    let items = resolver.items()?;
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
        refused: refused(overlay)?,
        absent: document.without_path.clone(),
    };
    places::put(&resolver, items, &mut model)?;
    Ok(model)
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

/// The named lists of refusals, expanded.
fn refused(overlay: &Overlay) -> Result<BTreeMap<String, Vec<String>>> {
    let lists = overlay
        .refused
        .keys()
        .map(|list| Ok((list.clone(), overlay.expand(&[format!("@{list}")])?)));
    lists.collect()
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
        let schemas = document.schemas.iter();
        let operations = document.operations.iter();
        Self {
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
        !ROOTS.contains(&schema) && !self.overlay.external.contains_key(schema)
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
                rust: names::inline_body_name(id),
            });
        }
        let operations = self.queries.operations(key);
        if let Some(first) = operations.first() {
            return Ok(Home {
                krate: self.operation_crate(&first.path)?,
                rust: signatures::query_rust(operations),
            });
        }
        let prefix = self
            .schemas
            .get(self.instance(key))
            .map_or("", |named| named.prefix.as_str());
        let rename = self.overlay.type_rule(key).and_then(|rule| rule.rename.clone());
        Ok(Home {
            krate: self.krate(prefix)?,
            rust: rename.unwrap_or_else(|| names::type_name(key)),
        })
    }
}

#[cfg(test)]
mod tests;
