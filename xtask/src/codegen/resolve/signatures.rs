//! Request descriptions, and the types of query parameters.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::super::model::{Failure, Field, Item, Operation, Query, Refused};
use super::super::names;
use super::super::names::legal::Use;
use super::super::read::{self, Document, Parameter, ParameterPlace, Schema, Shape};
use super::Resolver;
use super::clashes::{Name, at, distinct};
use super::items::inline_key;
use crate::schemas::cut::FAULT_ROOTS;
use crate::schemas::overlay::Placed;

/// Marks the key of a type of query parameters; the id of the first operation that has them follows.
const QUERY: &str = "query of ";
/// So many parameters may make up the name of a shared type.
const NAMED_BY_PARAMETERS: usize = 2;

/// Which operations take which query parameters. They share a type if name, type and form of all parameters agree.
pub(super) struct Queries<'a> {
    /// Operations by the key of the type.
    by_key: BTreeMap<String, Vec<&'a read::Operation>>,
    /// Keys by operation.
    keys: BTreeMap<&'a str, String>,
}

impl<'a> Queries<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let mut queries = Self {
            by_key: BTreeMap::new(),
            keys: BTreeMap::new(),
        };
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for operation in &document.operations {
            let parameters: Vec<String> = query_parameters(operation)
                .map(|one| format!("{} {:?} {} {:?}", one.name, one.shape, one.required, one.style))
                .collect();
            if parameters.is_empty() {
                continue;
            }
            let new = || format!("{QUERY}{}", operation.id);
            let key = known.entry(parameters.join(", ")).or_insert_with(new);
            queries.by_key.entry(key.clone()).or_default().push(operation);
            queries.keys.insert(&operation.id, key.clone());
        }
        queries
    }

    /// The operations whose query parameters have this key; none if it is the key of something else.
    pub(super) fn operations(&self, key: &str) -> &[&'a read::Operation] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }
}

fn query_parameters(operation: &read::Operation) -> impl Iterator<Item = &Parameter> {
    operation
        .parameters
        .iter()
        .filter(|one| one.place == ParameterPlace::Query)
}

impl Resolver<'_> {
    /// The id of which the Rust names of an operation are made.
    pub(super) fn naming<'s>(&'s self, id: &'s str) -> &'s str {
        let rename = self
            .overlay
            .operations
            .get(id)
            .and_then(|rule| rule.rename.as_ref());
        rename.map_or(id, |rename| &rename.text)
    }

    /// The Rust name of a type of query parameters.
    pub(super) fn query_rust(&self, operations: &[&read::Operation]) -> String {
        let parameters: Vec<&str> = operations
            .first()
            .map(|first| query_parameters(first).map(|one| one.name.as_str()).collect())
            .unwrap_or_default();
        match operations {
            [only] => names::query_name(self.naming(&only.id)),
            _ if parameters.len() <= NAMED_BY_PARAMETERS => names::shared_query_name(&parameters),
            [first, ..] => names::query_name(self.naming(&first.id)),
            [] => String::new(),
        }
    }

    /// Key of the type of an operation's query parameters.
    pub(super) fn query_of(&self, operation: &read::Operation) -> Option<&str> {
        self.queries.keys.get(operation.id.as_str()).map(String::as_str)
    }

    /// The type of query parameters with this key, if the key is one.
    pub(super) fn query(&self, key: &str) -> Result<Option<Item>> {
        let operations = self.queries.operations(key);
        let Some(first) = operations.first() else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        let mut lines = Vec::new();
        for parameter in query_parameters(first) {
            let more = self.parameter(operations, parameter);
            let more = more.with_context(|| format!("parameter `{}`", parameter.name));
            fields.extend(more.map_err(|error| at(parameter.line, error))?);
            lines.resize(fields.len(), parameter.line);
        }
        let names = fields.iter().zip(lines).map(|(field, line)| Name {
            wire: &field.wire,
            rust: &field.rust,
            line,
        });
        distinct(names, Use::Field, "parameter", &inline_key(&first.id))?;
        Ok(Some(Item::Query(Query {
            rust: self.query_rust(operations),
            operations: operations.iter().map(|one| one.id.clone()).collect(),
            fields,
        })))
    }

    /// The fields of a parameter: itself, or the members of an object, which travel one by one.
    fn parameter(&self, operations: &[&read::Operation], parameter: &Parameter) -> Result<Vec<Field>> {
        let style = Some(parameter.style);
        if let Shape::Reference(schema) = &parameter.shape
            && let Some(named) = self.schemas.get(schema.as_str())
            && let Schema::Object(object) = &named.schema
        {
            let structure = self.structure(schema, String::new(), object, None)?;
            let fields = structure.fields.into_iter();
            return Ok(fields
                .map(|field| Field {
                    required: field.required && parameter.required,
                    style,
                    ..field
                })
                .collect());
        }
        let first = operations.first().context("a query of no operation")?;
        let doc = self.overlay.parameter_doc(&first.id, &parameter.name);
        // They share the type, so that one of them can name what is in it.
        let rules = operations.iter().map(|one| self.overlay.operations.get(&one.id));
        let told = rules.flatten().find_map(|rule| rule.names.get(&parameter.name));
        Ok(vec![Field {
            wire: parameter.name.clone(),
            rust: told.map_or_else(|| names::snake(&parameter.name), |name| name.text.clone()),
            ty: self.ty(&parameter.shape, &parameter.name)?,
            required: parameter.required,
            deprecated: parameter.deprecated,
            doc: doc.map(str::to_owned),
            since: None,
            target: None,
            confidence: parameter.confidence.clone(),
            style,
        }])
    }

    /// The request description of an operation.
    pub(super) fn operation(&self, operation: &read::Operation) -> Result<Operation> {
        let id = operation.id.as_str();
        let rule = self
            .overlay
            .operations
            .get(id)
            .context("not listed in operations.toml")?;
        let said = self.overlay.operation_doc(id);
        let ty = |shape: &Option<Shape>| shape.as_ref().map(|shape| self.ty(shape, "")).transpose();
        let headers = operation
            .parameters
            .iter()
            .filter(|one| one.place == ParameterPlace::Header);
        Ok(Operation {
            id: id.to_owned(),
            rust: names::operation_name(self.naming(id)),
            doc: said.map(|said| said.doc.clone()).filter(|doc| !doc.is_empty()),
            result: said.and_then(|said| said.result.clone()),
            method: operation.method.clone(),
            path: operation.path.clone(),
            query: operation.query.clone(),
            repeat: self.overlay.repeat(id, &operation.method),
            since: operation.since.clone(),
            privileges: operation.privileges.clone(),
            faults: operation.faults.clone(),
            families: self.families(operation),
            refused: self.refused(&rule.refused)?,
            anonymous: operation.anonymous,
            deprecated: operation.deprecated,
            parameters: self.query_of(operation).map(str::to_owned),
            headers: headers
                .map(|one| {
                    let doc = self.overlay.parameter_doc(id, &one.name);
                    (one.name.clone(), doc.map(str::to_owned))
                })
                .collect(),
            body: self.body(operation)?,
            answer: ty(&operation.answer)?,
            alternatives: operation
                .alternatives
                .iter()
                .map(|shape| self.ty(shape, ""))
                .collect::<Result<_>>()?,
            task_result: ty(&operation.task_result)?,
            void_task: operation.void_task,
            errors: self.failures(operation, &rule.refused)?,
            confidence: operation.confidence.clone(),
            errors_confidence: operation.errors_confidence.clone(),
            secrets: Vec::new(),
        })
    }

    /// Faults with a schema that derive from a declared one. What derives from a root is any fault: for those there is the
    /// table of ancestry.
    pub(super) fn families(&self, operation: &read::Operation) -> Vec<String> {
        let declared = operation.faults.iter().map(String::as_str);
        let mut todo: Vec<&str> = declared.filter(|fault| !FAULT_ROOTS.contains(fault)).collect();
        let mut found = BTreeSet::new();
        while let Some(base) = todo.pop() {
            let ancestry = self.document.fault_ancestry.iter();
            let below = ancestry.filter(|(name, up)| up == base && self.schemas.contains_key(name.as_str()));
            todo.extend(
                below
                    .map(|(name, _)| name.as_str())
                    .filter(|name| found.insert(*name)),
            );
        }
        found.into_iter().map(str::to_owned).collect()
    }

    fn refused(&self, names: &[Placed]) -> Result<Refused> {
        Ok(match names {
            [one] if one.text.starts_with('@') => Refused::List(one.text.trim_start_matches('@').to_owned()),
            names => Refused::Names(self.overlay.expand(names)?),
        })
    }

    /// What can go wrong: the declared errors in their order, then what the overlay knows beyond them.
    fn failures(&self, operation: &read::Operation, refused: &[Placed]) -> Result<Vec<Failure>> {
        let refused: BTreeSet<String> = self.overlay.expand(refused)?.into_iter().collect();
        let said = self.overlay.operation_doc(&operation.id);
        let more = said.into_iter().flat_map(|said| said.errors.keys());
        let mut seen = BTreeSet::new();
        let names = operation
            .errors
            .iter()
            .chain(more)
            .filter(|name| seen.insert(name.as_str()));
        let failures = names.map(|name| {
            let meaning = self.overlay.error_doc(&operation.id, name);
            Failure {
                name: name.clone(),
                meaning: meaning.map(str::to_owned),
                refused: refused.contains(name),
            }
        });
        Ok(failures.collect())
    }
}
