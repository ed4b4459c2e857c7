//! From the document to the model: which types are generated, what their members are, and where they go.

mod items;
mod places;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::model::{Crate, Home, Item, Model, Operation, Origin, Refused, Type};
use super::names;
use super::read::{self, Body, Document, Named, Schema};
use crate::schemas::overlay::{Overlay, Repeat};

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
        crates: Vec::new(),
        index: BTreeMap::new(),
        refused: BTreeMap::new(),
    };
    for list in overlay.refused.keys() {
        model.refused.insert(
            list.clone(),
            overlay.expand(std::slice::from_ref(&format!("@{list}")))?,
        );
    }
    for rule in &overlay.crates {
        model.crates.push(Crate {
            folder: rule.folder.clone(),
            files: BTreeMap::new(),
            fault_ancestry: Vec::new(),
        });
    }
    if let Some(first) = model.crates.first_mut() {
        first.fault_ancestry.clone_from(&document.fault_ancestry);
    }
    places::put(&resolver, items, &mut model)?;
    Ok(model)
}

/// The document and its overlay, with what is looked up often.
struct Resolver<'a> {
    document: &'a Document,
    overlay: &'a Overlay,
    schemas: BTreeMap<&'a str, &'a Named>,
    /// Name of each generic that occurs, with the schema of its first instance.
    generics: BTreeMap<&'a str, &'a str>,
}

/// The generated types by schema, each with the tags or groups that lead to it.
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
        let schemas = document
            .schemas
            .iter()
            .map(|named| (named.name.as_str(), named))
            .collect();
        Self {
            document,
            overlay,
            schemas,
            generics,
        }
    }

    /// Every type that the operations and the wanted types lead to.
    fn items(&self) -> Result<Items> {
        let mut items: Items = BTreeMap::new();
        let mut todo: Vec<(String, String)> = self.seeds()?;
        while let Some((name, user)) = todo.pop() {
            let (item, users) = match items.entry(name.clone()) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let item = self.item(&name).with_context(|| format!("schema `{name}`"))?;
                    entry.insert((item, BTreeSet::new()))
                }
            };
            if users.insert(user.clone()) {
                todo.extend(
                    item.names()
                        .into_iter()
                        .map(|name| (name.to_owned(), user.clone())),
                );
                // Bases are flattened into it; only those that `Object` can be asked for are types of their own. For
                // faults the table of ancestry answers that, so that hundreds of siblings need not be listed.
                if let Item::Struct(item) = item
                    && item.typed
                    && !items::is_fault(item)
                {
                    let bases = item.bases.iter().filter(|base| self.is_generated(base));
                    todo.extend(bases.map(|base| (base.clone(), user.clone())));
                }
            }
        }
        self.mark_inputs(&mut items)?;
        items::box_cycles(&mut items);
        Ok(items)
    }

    /// What the operations and the overlay ask for, each with its tag or group.
    fn seeds(&self) -> Result<Vec<(String, String)>> {
        let mut seeds = Vec::new();
        for operation in &self.document.operations {
            let mut types = self
                .signature(operation)
                .with_context(|| format!("operation `{}`", operation.id))?;
            types.extend(operation.faults.iter().map(|fault| Type::Named(fault.clone())));
            let names = types
                .iter()
                .flat_map(Type::names)
                .filter(|name| self.is_generated(name));
            seeds.extend(names.map(|name| (name.to_owned(), operation.tag.clone())));
            if let Some(Body::Inline(_)) = operation.body {
                seeds.push((items::inline_key(&operation.id), operation.tag.clone()));
            }
        }
        for (name, rule) in self.overlay.types.iter().filter(|(_, rule)| rule.wanted) {
            let group = rule.group.clone().unwrap_or_else(|| places::COMMON.to_owned());
            seeds.push((name.clone(), group));
        }
        Ok(seeds)
    }

    /// The types in an operation's signature.
    fn signature(&self, operation: &read::Operation) -> Result<Vec<Type>> {
        let body = match &operation.body {
            Some(Body::Shape(shape)) => Some(shape),
            Some(Body::Inline(_)) | None => None,
        };
        let shapes = [body, operation.answer.as_ref(), operation.task_result.as_ref()];
        shapes
            .into_iter()
            .flatten()
            .map(|shape| self.ty(shape, ""))
            .collect()
    }

    /// Marks what occurs in requests: bodies, their members, and subtypes for the open places among those.
    fn mark_inputs(&self, items: &mut Items) -> Result<()> {
        let mut todo: Vec<String> = Vec::new();
        for operation in &self.document.operations {
            match &operation.body {
                Some(Body::Shape(shape)) => {
                    todo.extend(self.ty(shape, "")?.names().into_iter().map(str::to_owned))
                }
                Some(Body::Inline(_)) => todo.push(items::inline_key(&operation.id)),
                None => {}
            }
        }
        while let Some(name) = todo.pop() {
            let Some((item, _)) = items.get_mut(&name) else {
                continue;
            };
            let first = match item {
                Item::Struct(item) => !std::mem::replace(&mut item.input, true),
                // A union or an enum needs no mark, and a union does not contain itself.
                Item::Enum(_) | Item::Union(_) => true,
            };
            if first {
                todo.extend(item.names().into_iter().map(str::to_owned));
                let below = items.iter().filter(
                    |(_, (item, _))| matches!(item, Item::Struct(item) if item.bases.contains(&name)),
                );
                todo.extend(below.map(|(name, _)| name.clone()));
            }
        }
        Ok(())
    }

    /// Whether the schema becomes a type of a model crate.
    fn is_generated(&self, schema: &str) -> bool {
        !ROOTS.contains(&schema) && !self.overlay.external.contains_key(schema)
    }

    /// The request description of an operation.
    fn operation(&self, operation: &read::Operation) -> Result<Operation> {
        let rule = self
            .overlay
            .operations
            .get(&operation.id)
            .context("not listed in operations.toml")?;
        let repeat = match (rule.repeat, operation.method.as_str()) {
            (Some(repeat), _) => repeat,
            (None, "get") => Repeat::Harmless,
            (None, method) => bail!("a {method} needs `repeat`"),
        };
        let refused = match &rule.refused[..] {
            [one] if one.starts_with('@') => Refused::List(one.trim_start_matches('@').to_owned()),
            names => Refused::Names(self.overlay.expand(names)?),
        };
        if rule.doc.is_empty() {
            bail!("no `doc`");
        }
        let body = match &operation.body {
            Some(Body::Shape(shape)) => Some(self.ty(shape, "")?),
            Some(Body::Inline(_)) => Some(Type::Named(items::inline_key(&operation.id))),
            None => None,
        };
        Ok(Operation {
            id: operation.id.clone(),
            rust: names::operation_name(&operation.id),
            doc: rule.doc.clone(),
            method: operation.method.clone(),
            path: operation.path.clone(),
            query: operation.query.clone(),
            repeat,
            since: operation.since.clone(),
            privileges: operation.privileges.clone(),
            faults: operation.faults.clone(),
            refused,
            anonymous: operation.anonymous,
            body,
            answer: operation
                .answer
                .as_ref()
                .map(|shape| self.ty(shape, ""))
                .transpose()?,
            task_result: operation
                .task_result
                .as_ref()
                .map(|shape| self.ty(shape, ""))
                .transpose()?,
        })
    }

    /// Index of the crate that things under `prefix` go into.
    fn krate(&self, prefix: &str) -> Result<usize> {
        let exact = self.overlay.crates.iter().position(|rule| rule.prefix == prefix);
        let rest = || self.overlay.crates.iter().position(|rule| rule.prefix.is_empty());
        exact
            .or_else(rest)
            .with_context(|| format!("no crate takes what is under `{prefix}`"))
    }

    /// The first instance of a generic; any other schema itself.
    fn instance<'s>(&'s self, schema: &'s str) -> &'s str {
        self.generics.get(schema).copied().unwrap_or(schema)
    }

    /// Where a schema is generated.
    fn home(&self, schema: &str) -> Result<Home> {
        if let Some(id) = schema.strip_prefix(items::INLINE) {
            let operation = self
                .document
                .operations
                .iter()
                .find(|operation| operation.id == id);
            let path = operation.map_or("", |operation| operation.path.as_str());
            return Ok(Home {
                krate: self.operation_crate(path)?,
                rust: names::inline_body_name(id),
            });
        }
        let prefix = self
            .schemas
            .get(self.instance(schema))
            .map_or("", |named| named.prefix.as_str());
        let rename = self
            .overlay
            .type_rule(schema)
            .and_then(|rule| rule.rename.clone());
        Ok(Home {
            krate: self.krate(prefix)?,
            rust: rename.unwrap_or_else(|| names::type_name(schema)),
        })
    }

    /// Index of the crate that an operation with this path goes into.
    fn operation_crate(&self, path: &str) -> Result<usize> {
        let prefixed = self.overlay.crates.iter().find(|rule| {
            let rest = path.strip_prefix(rule.prefix.as_str());
            !rule.prefix.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
        });
        self.krate(prefixed.map_or("", |rule| rule.prefix.as_str()))
    }
}

#[cfg(test)]
mod tests;
