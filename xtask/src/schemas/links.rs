//! What leads to what in a whole document.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cut::{References, base, schemas};
use super::operation::whole;
use super::slim::{slim_operation, slim_schema};
use crate::json::Json;

/// The references of a document.
pub(crate) struct Links<'a> {
    document: &'a Json,
    /// Schemas by a schema that they refer to.
    users: BTreeMap<String, BTreeSet<&'a str>>,
    /// Operations by a schema that they refer to.
    operations: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Links<'a> {
    pub(crate) fn new(document: &'a Json) -> Self {
        let mut links = Self {
            document,
            users: BTreeMap::new(),
            operations: BTreeMap::new(),
        };
        for (name, schema) in schemas(document).map(Json::members).unwrap_or_default() {
            for target in targets(&slim_schema(schema)) {
                links.users.entry(target).or_default().insert(name);
            }
        }
        for (_, item) in document.get("paths").map(Json::members).unwrap_or_default() {
            for (_, operation) in item.members() {
                let Some(id) = operation.text("operationId") else {
                    continue;
                };
                let operation = whole(operation, item, document, &mut Vec::new());
                for target in targets(&slim_operation(&operation)) {
                    links.operations.entry(target).or_default().insert(id);
                }
            }
        }
        links
    }

    /// Names of all schemas.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        let all = schemas(self.document).map(Json::members).unwrap_or_default();
        all.iter().map(|(name, _)| name.as_str())
    }

    /// The base of a schema.
    pub(crate) fn base(&self, name: &str) -> Option<&'a str> {
        schemas(self.document)?.get(name).and_then(base)
    }

    /// The operations that lead to a schema, those that name it themselves first; each with how many schemas lie
    /// between.
    pub(crate) fn operations(&self, schema: &str) -> Vec<(usize, &'a str)> {
        let mut seen = BTreeSet::from([schema]);
        let mut named = BTreeSet::new();
        let mut found = Vec::new();
        let mut todo = VecDeque::from([(0, schema)]);
        while let Some((between, name)) = todo.pop_front() {
            for id in self.operations.get(name).into_iter().flatten() {
                if named.insert(*id) {
                    found.push((between, *id));
                }
            }
            for user in self.users.get(name).into_iter().flatten() {
                if seen.insert(user) {
                    todo.push_back((between + 1, user));
                }
            }
        }
        found
    }
}

fn targets(value: &Json) -> impl Iterator<Item = String> {
    let mut references = References::default();
    references.collect(value);
    references.schemas.into_keys()
}
