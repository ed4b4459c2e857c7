//! What leads to what in a model.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::model::{Item, Model, Operation, Type};
use crate::schemas::overlay::Overlay;

/// The generated types, each with what leads to it.
pub(super) struct Graph<'a> {
    /// Generated types by key.
    pub(super) items: BTreeMap<&'a str, &'a Item>,
    into: BTreeMap<&'a str, Vec<Edge<'a>>>,
}

/// One way into a type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge<'a> {
    from: From<'a>,
    /// What the type is to it, in words.
    how: String,
}

/// Where a way into a type comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum From<'a> {
    Operation(&'a str),
    Wanted(&'a str),
    Type(&'a str),
}

impl<'a> Graph<'a> {
    pub(super) fn new(model: &'a Model, overlay: &'a Overlay) -> Self {
        let mut graph = Self {
            items: items(model),
            into: BTreeMap::new(),
        };
        for operation in operations(model) {
            for (key, how) in uses(operation) {
                graph.link(From::Operation(&operation.id), key, how.to_owned());
            }
        }
        for (name, _) in overlay.types.iter().filter(|(_, rule)| rule.wanted) {
            graph.link(From::Wanted(name), name, "wants".to_owned());
        }
        for (key, item) in graph.items.clone() {
            for (target, how) in inside(item) {
                graph.link(From::Type(key), target, how);
            }
        }
        graph
    }

    fn link(&mut self, from: From<'a>, key: &'a str, how: String) {
        if self.items.contains_key(key) {
            self.into.entry(key).or_default().push(Edge { from, how });
        }
    }

    /// Ways to a type in words, the shortest one from each operation or wish that leads to it; short ones first.
    pub(super) fn ways(&self, key: &'a str, overlay: &Overlay) -> Vec<String> {
        let mut seen = BTreeSet::from([From::Type(key)]);
        let mut todo = VecDeque::from([(key, String::new())]);
        let mut ways = Vec::new();
        while let Some((name, rest)) = todo.pop_front() {
            for edge in self.into.get(name).into_iter().flatten() {
                if !seen.insert(edge.from) {
                    continue;
                }
                let how = &edge.how;
                let shown = shown(name);
                match edge.from {
                    From::Operation(id) => ways.push(format!("`{id}` {how} {shown}{rest}")),
                    From::Wanted(name) => {
                        let place = overlay.type_rule(name).map(|rule| rule.place.to_string());
                        ways.push(format!("{} {how} {shown}{rest}", place.unwrap_or_default()));
                    }
                    From::Type(from) => todo.push_back((from, format!("; its {how} is {shown}{rest}"))),
                }
            }
        }
        ways
    }

    /// Keys of all types that the operations for which `wanted` holds lead to, or that are wanted under such a tag.
    pub(super) fn reached(&self, seeds: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<&str> = seeds.into_iter().collect();
        while let Some(name) = todo.pop() {
            let Some(item) = self.items.get(name).filter(|_| found.insert(name)) else {
                continue;
            };
            todo.extend(inside(item).into_iter().map(|(target, _)| target));
        }
        found.retain(|name| self.items.contains_key(name));
        found
    }
}

/// All operations of a model.
pub(super) fn operations(model: &Model) -> impl Iterator<Item = &Operation> {
    let files = model.crates.iter().flat_map(|krate| krate.files.values());
    files.flat_map(|file| &file.operations)
}

/// What an operation has to do with types: keys, and what they are to it.
pub(super) fn uses(operation: &Operation) -> Vec<(&str, &'static str)> {
    let shapes = [
        (&operation.body, "takes"),
        (&operation.answer, "answers"),
        (&operation.task_result, "has the task result"),
    ];
    let mut uses: Vec<(&str, &str)> = Vec::new();
    for (ty, how) in shapes {
        uses.extend(ty.iter().flat_map(Type::names).map(|key| (key, how)));
    }
    uses.extend(
        operation
            .parameters
            .iter()
            .map(|key| (key.as_str(), "has the query")),
    );
    uses.extend(operation.faults.iter().map(|key| (key.as_str(), "raises")));
    let families = operation.families.iter();
    uses.extend(families.map(|key| (key.as_str(), "raises, in the place of one that it declares,")));
    uses
}

/// The generated types by key.
fn items(model: &Model) -> BTreeMap<&str, &Item> {
    let keys: BTreeMap<(usize, &str), &str> = model
        .index
        .iter()
        .map(|(key, home)| ((home.krate, home.rust.as_str()), key.as_str()))
        .collect();
    let mut items = BTreeMap::new();
    for (index, krate) in model.crates.iter().enumerate() {
        for item in krate.files.values().flat_map(|file| &file.items) {
            if let Some(key) = keys.get(&(index, item.rust())) {
                items.insert(*key, item);
            }
        }
    }
    items
}

/// The types inside of a type, and what they are to it.
fn inside(item: &Item) -> Vec<(&str, String)> {
    let of_fields = |fields| {
        let mut found = Vec::new();
        for field in fields {
            let field: &super::model::Field = field;
            found.extend(
                field
                    .ty
                    .names()
                    .into_iter()
                    .map(|key| (key, format!("member `{}`", field.wire))),
            );
        }
        found
    };
    match item {
        Item::Struct(item) => {
            let mut found = of_fields(item.fields.iter());
            // The table of ancestry answers for faults.
            if item.typed && !item.bases.iter().any(|base| base == "MethodFault") {
                found.extend(item.bases.iter().map(|base| (base.as_str(), "base".to_owned())));
            }
            found
        }
        Item::Query(item) => of_fields(item.fields.iter()),
        Item::Union(item) => {
            let variants = item.variants.iter();
            variants
                .map(|(tag, _, schema)| (schema.as_str(), format!("variant `{tag}`")))
                .collect()
        }
        Item::Enum(_) => Vec::new(),
    }
}

/// A key in words: a schema's name, or what stands for one.
fn shown(key: &str) -> String {
    if key.contains(' ') {
        key.to_owned()
    } else {
        format!("`{key}`")
    }
}
