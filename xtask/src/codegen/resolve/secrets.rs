//! Which members of an operation's request and answer are secret.

use std::collections::BTreeSet;

use super::super::model::{Item, Operation, Struct, Type};
use super::Items;
use super::items::is_fault;

/// Wire names of the secret members in what the operation sends and answers, declared faults included, at any depth,
/// sorted.
pub(super) fn of(operation: &Operation, items: &Items) -> Vec<String> {
    let single = [&operation.body, &operation.answer, &operation.task_result];
    let types = single.into_iter().flatten().chain(&operation.alternatives);
    let mut todo: Vec<&str> = types.flat_map(Type::names).collect();
    todo.extend(operation.faults.iter().map(String::as_str));
    let mut seen = BTreeSet::new();
    let mut secrets = BTreeSet::new();
    while let Some(name) = todo.pop() {
        let Some((item, _)) = items.get(name).filter(|_| seen.insert(name)) else {
            continue;
        };
        todo.extend(item.names());
        if let Item::Struct(item) = item {
            let fields = item.fields.iter().filter(|field| is_secret(&field.ty));
            secrets.extend(fields.map(|field| field.wire.clone()));
            if !item.descendants.is_empty() && !is_fault(item) {
                todo.extend(below(item, items));
            }
        }
    }
    secrets.into_iter().collect()
}

/// Generated types that can stand where `base` is declared.
fn below<'i>(base: &'i Struct, items: &'i Items) -> impl Iterator<Item = &'i str> {
    items.iter().filter_map(|(name, (item, _))| match item {
        Item::Struct(item) if item.bases.contains(&base.wire) => Some(name.as_str()),
        _ => None,
    })
}

fn is_secret(ty: &Type) -> bool {
    match ty {
        Type::Secret => true,
        Type::List(inner) | Type::Map(inner) | Type::Boxed(inner) => is_secret(inner),
        _ => false,
    }
}
