//! Which types are generated: the closure over what operations and overlay ask for.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use anyhow::{Context, Error, Result};

use super::super::model::{Item, Type};
use super::super::read::{Body, Operation};
use super::clashes::at;
use super::places::COMMON;
use super::{Items, Resolver, items};

/// Schemas to generate, each with the tag that asks for it.
type Todo = Vec<(String, String)>;

impl Resolver<'_> {
    /// Every type that the operations and the wanted types lead to.
    pub(super) fn items(&self, wrong: &mut Vec<Error>) -> Items {
        let mut items = Items::new();
        self.follow(self.seeds(wrong), &mut items, wrong);
        // A fault that one tag raises may derive from one that another tag raises.
        loop {
            let missing = missing_fault_bases(&items);
            if missing.is_empty() {
                break;
            }
            self.follow(missing, &mut items, wrong);
        }
        self.mark_inputs(&mut items);
        items::box_cycles(&mut items);
        items
    }

    /// Adds what `todo` leads to.
    fn follow(&self, mut todo: Todo, items: &mut Items, wrong: &mut Vec<Error>) {
        let mut refused = BTreeSet::new();
        while let Some((name, user)) = todo.pop() {
            let (item, users) = match items.entry(name) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) if refused.contains(entry.key()) => continue,
                Entry::Vacant(entry) => {
                    let item = self.item(entry.key()).with_context(|| shown(entry.key()));
                    match item {
                        Ok(item) => entry.insert((item, BTreeSet::new())),
                        Err(error) => {
                            wrong.push(at(self.line(entry.key()), error));
                            refused.insert(entry.into_key());
                            continue;
                        }
                    }
                }
            };
            if !users.insert(user.clone()) {
                continue;
            }
            let next = item.names().into_iter().map(str::to_owned);
            todo.extend(next.map(|name| (name, user.clone())));
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

    /// What the operations and the overlay ask for.
    fn seeds(&self, wrong: &mut Vec<Error>) -> Todo {
        let mut seeds = Todo::new();
        for operation in &self.document.operations {
            let context = || format!("operation `{}`", operation.id);
            let mut names = match self.signature(operation).with_context(context) {
                Ok(names) => names,
                Err(error) => {
                    wrong.push(at(operation.line, error));
                    continue;
                }
            };
            names.extend(
                operation
                    .faults
                    .iter()
                    .filter(|fault| self.is_generated(fault))
                    .cloned(),
            );
            names.extend(self.families(operation));
            seeds.extend(names.into_iter().map(|name| (name, operation.tag.clone())));
        }
        for (name, rule) in self.overlay.types.iter().filter(|(_, rule)| rule.wanted) {
            let tag = rule.tag.as_deref().unwrap_or(COMMON);
            seeds.push((name.clone(), tag.to_owned()));
        }
        seeds
    }

    /// The generated types in an operation's signature.
    fn signature(&self, operation: &Operation) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let answers = operation.answer.iter().chain(&operation.alternatives);
        for shape in answers.chain(&operation.task_result) {
            found.extend(owned(&self.ty(shape, "")?));
        }
        found.extend(self.body(operation)?.iter().flat_map(owned));
        found.extend(self.query_of(operation).map(str::to_owned));
        found.retain(|name| self.is_generated(name));
        Ok(found)
    }

    /// The type of an operation's body.
    pub(super) fn body(&self, operation: &Operation) -> Result<Option<Type>> {
        match &operation.body {
            Some(Body::Shape(shape)) => self.ty(shape, "").map(Some),
            Some(Body::Inline(_)) => Ok(Some(Type::Named(items::inline_key(&operation.id)))),
            None => Ok(None),
        }
    }

    /// Marks what occurs in requests: bodies, their members, and subtypes for the open places among those.
    fn mark_inputs(&self, items: &mut Items) {
        let mut todo: Vec<String> = Vec::new();
        for operation in &self.document.operations {
            // A body that cannot be read was told of before.
            if let Ok(Some(body)) = self.body(operation) {
                todo.extend(owned(&body));
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(name) = todo.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let Some((item, _)) = items.get_mut(&name) else {
                continue;
            };
            if let Item::Struct(item) = item {
                item.input = true;
            }
            todo.extend(item.names().into_iter().map(str::to_owned));
            let below = items
                .iter()
                .filter(|(_, (item, _))| matches!(item, Item::Struct(item) if item.bases.contains(&name)));
            todo.extend(below.map(|(name, _)| name.clone()));
        }
    }
}

/// A key in words: what somebody who reads the document knows it by.
fn shown(key: &str) -> String {
    if key.contains(' ') {
        key.to_owned()
    } else {
        format!("schema `{key}`")
    }
}

fn owned(ty: &Type) -> Vec<String> {
    ty.names().into_iter().map(str::to_owned).collect()
}

/// Generated bases of generated faults that are not there for every tag that has the fault.
fn missing_fault_bases(items: &Items) -> Todo {
    let mut missing = Todo::new();
    for (item, users) in items.values() {
        let Item::Struct(item) = item else { continue };
        if !items::is_fault(item) {
            continue;
        }
        for base in &item.bases {
            if let Some((_, base_users)) = items.get(base) {
                let lacking = users.difference(base_users);
                missing.extend(lacking.map(|user| (base.clone(), user.clone())));
            }
        }
    }
    missing
}
