//! The closure of the wanted operations and types over a full document, without its prose.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::nearest;
use super::operation::whole;
use super::overlay::Overlay;
use super::slim::{slim_map, slim_operation, slim_schema, slim_tag};
use crate::json::{Json, Object, Value};

const SCHEMA: &str = "#/components/schemas/";
const PARAMETER: &str = "#/components/parameters/";
pub(super) const FAULT_BASE: &str = "MethodFault";
/// Faults of which every other one can come in the place: to generate those would be to generate all.
pub(crate) const FAULT_ROOTS: [&str; 3] = [FAULT_BASE, "RuntimeFault", "VimFault"];
const OPEN: &str = "x-farside-open";
pub(super) const ANCESTRY: &str = "x-farside-fault-ancestry";

/// The schemas of a document.
pub(crate) fn schemas(document: &Json) -> Option<&Json> {
    document
        .get("components")
        .and_then(|components| components.get("schemas"))
}

/// Cuts `full`, which messages call `name`, to what `overlay` lists.
///
/// # Errors
/// If an operation, type or member that the overlay names is not in the document, or a reference leads nowhere: all of
/// these, each with its line.
pub(crate) fn cut(name: &str, full: &Json, overlay: &Overlay) -> Result<Json> {
    let source = Source::new(full).with_context(|| name.to_owned())?;
    let mut problems = Vec::new();
    let (paths, tags) = source.paths(name, full, overlay, &mut problems);
    let paths = Json::from(Value::Object(paths));
    let mut seeds = References::default();
    seeds.collect(&paths);
    for (schema, rule) in &overlay.types {
        match source.schemas.get(schema.as_str()) {
            None => problems.push(format!(
                "{}: type `{schema}` is not in {name}{}",
                rule.place,
                nearest::hint(schema, source.order.iter().copied())
            )),
            Some(_) if rule.wanted => _ = seeds.schemas.insert(schema.clone(), 0),
            Some(_) => {}
        }
    }
    // What the dialect has by hand is not in every document; what somebody wrote down should be.
    let told = overlay.external.iter().filter(|(_, path)| path.place.line > 0);
    for (schema, path) in told.filter(|(schema, _)| !source.schemas.contains_key(schema.as_str())) {
        problems.push(format!(
            "{}: `external.{schema}`: {name} has no such type{}",
            path.place,
            nearest::hint(schema, source.order.iter().copied())
        ));
    }
    source.families(&paths, &mut seeds);
    let kept = source.closure(name, seeds.schemas, overlay, &mut problems);
    if !problems.is_empty() {
        bail!(problems.join("\n"));
    }
    source.assemble(full, paths, &tags, kept, &seeds.parameters)
}

/// The full document with an index.
struct Source<'a> {
    schemas: BTreeMap<&'a str, &'a Json>,
    order: Vec<&'a str>,
    /// Direct subtypes, boxes left out.
    subtypes: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Source<'a> {
    fn new(full: &'a Json) -> Result<Self> {
        let all = schemas(full)
            .context("the document has no `components.schemas`")?
            .members();
        let mut subtypes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, schema) in all {
            if let (Some(base), false) = (base(schema), is_box(schema)) {
                subtypes.entry(base).or_default().push(name);
            }
        }
        Ok(Self {
            schemas: all.iter().map(|(name, schema)| (name.as_str(), schema)).collect(),
            order: all.iter().map(|(name, _)| name.as_str()).collect(),
            subtypes,
        })
    }

    /// The wanted operations under their paths, and the tags they carry.
    fn paths(
        &self,
        document: &str,
        full: &Json,
        overlay: &Overlay,
        problems: &mut Vec<String>,
    ) -> (Object, BTreeSet<String>) {
        let mut left = overlay.operations.clone();
        let mut tags = BTreeSet::new();
        let mut kept: Object = Vec::new();
        let mut known = Vec::new();
        for (path, item) in full.get("paths").map(Json::members).unwrap_or_default() {
            let mut methods: Object = Vec::new();
            for (method, operation) in item.members() {
                let Some(id) = operation.text("operationId") else {
                    continue;
                };
                known.push(id);
                let Some(rule) = overlay.operations.get(id) else {
                    continue;
                };
                if left.remove(id).is_none() {
                    problems.push(format!(
                        "{document}:{}: path `{path}`, {method}: another operation has the id `{id}` too ({})",
                        operation.line, rule.place
                    ));
                    continue;
                }
                tags.extend(operation.strings("tags"));
                let mut nowhere = Vec::new();
                let operation = whole(operation, item, full, &mut nowhere);
                let nowhere = nowhere.into_iter();
                problems.extend(
                    nowhere.map(|(line, what)| format!("{document}:{line}: operation `{id}`: {what}")),
                );
                methods.push((method.clone(), slim_operation(&operation)));
            }
            if !methods.is_empty() {
                kept.push((path.clone(), item.with(Value::Object(methods))));
            }
        }
        for (id, rule) in left {
            problems.push(format!(
                "{}: operation `{id}` is not in the document{}",
                rule.place,
                nearest::hint(&id, known.iter().copied())
            ));
        }
        (kept, tags)
    }

    /// Every schema that the seeds lead to, cut to its wanted members. The number of a seed is the line that names it.
    fn closure(
        &self,
        document: &str,
        seeds: BTreeMap<String, usize>,
        overlay: &Overlay,
        problems: &mut Vec<String>,
    ) -> BTreeMap<String, Json> {
        let mut kept = BTreeMap::new();
        let mut todo: Vec<(String, usize)> = seeds.into_iter().collect();
        let mut missing = BTreeSet::new();
        while let Some((name, line)) = todo.pop() {
            if kept.contains_key(&name) {
                continue;
            }
            let Some(schema) = self.schemas.get(name.as_str()) else {
                if missing.insert(name.clone()) {
                    problems.push(format!(
                        "{document}:{line}: a reference leads to `{name}`, which is no schema{}",
                        nearest::hint(&name, self.order.iter().copied())
                    ));
                }
                continue;
            };
            let mut schema = slim_schema(schema);
            if let Some((rule, members)) = overlay
                .type_rule(&name)
                .and_then(|rule| Some((rule, rule.members.as_deref()?)))
                && let Err(error) = keep_members(&mut schema, members)
            {
                problems.push(format!("{}: `types.{name}.members`: {error}", rule.place));
            }
            self.open(&name, &mut schema);
            let mut references = References::default();
            references.collect(&schema);
            todo.extend(references.schemas);
            kept.insert(name, schema);
        }
        kept
    }

    /// Adds the faults that derive from those that operations declare, unless that is any fault.
    fn families(&self, paths: &Json, seeds: &mut References) {
        let operations = paths.members().iter().flat_map(|(_, item)| item.members());
        let faults = operations.flat_map(|(_, operation)| operation.strings("x-farside-faults"));
        let declared: BTreeSet<String> = faults.collect();
        for fault in declared
            .iter()
            .filter(|fault| !FAULT_ROOTS.contains(&fault.as_str()))
        {
            let line = seeds.schemas.get(fault).copied().unwrap_or_default();
            for name in self.descendants(fault) {
                seeds.schema(name.as_str().unwrap_or_default(), line);
            }
        }
    }

    /// Says of a type with subtypes that it has them, unless the document is a cut one, which does.
    fn open(&self, name: &str, schema: &mut Json) {
        if name == "Any"
            || schema.get(OPEN).is_some()
            || !self.subtypes.contains_key(name)
            || !is_typed(&self.schemas, name)
        {
            return;
        }
        push(schema, OPEN, Value::Bool(true));
        if !self.is_fault(name) {
            push(schema, "x-farside-subtypes", Value::Array(self.descendants(name)));
        }
    }

    /// Whether the type derives from the base of all faults, or is it. Faults have a table of their own.
    fn is_fault(&self, name: &str) -> bool {
        let mut name = name;
        let mut seen = BTreeSet::new();
        while name != FAULT_BASE {
            match self.schemas.get(name).and_then(|schema| base(schema)) {
                Some(up) if seen.insert(up) => name = up,
                _ => return false,
            }
        }
        true
    }

    /// Names of all types below `name`, sorted.
    fn descendants(&self, name: &str) -> Vec<Json> {
        let mut found = BTreeSet::new();
        let mut todo = vec![name];
        while let Some(base) = todo.pop() {
            for subtype in self
                .subtypes
                .get(base)
                .into_iter()
                .flatten()
                .filter(|subtype| found.insert(**subtype))
            {
                todo.push(subtype);
            }
        }
        found.into_iter().map(Json::from).collect()
    }

    /// Each fault type with its base, sorted by type.
    fn fault_ancestry(&self) -> Object {
        let mut found = BTreeMap::new();
        let mut todo = vec![FAULT_BASE];
        while let Some(base) = todo.pop() {
            for name in self.subtypes.get(base).into_iter().flatten() {
                if found.insert((*name).to_owned(), Json::from(base)).is_none() {
                    todo.push(name);
                }
            }
        }
        found.into_iter().collect()
    }

    /// The components that are kept, schemas in the document's order.
    fn components(
        &self,
        full: &Json,
        mut kept: BTreeMap<String, Json>,
        parameters: &BTreeSet<String>,
    ) -> Result<Object> {
        let ordered: Object = self
            .order
            .iter()
            .filter_map(|name| kept.remove_entry(*name))
            .collect();
        let components = full
            .get("components")
            .context("the document has no `components`")?;
        let mut parts: Object = vec![("schemas".into(), Value::Object(ordered).into())];
        for (name, value) in components.members() {
            match name.as_str() {
                "parameters" => parts.push((name.clone(), slim_map(&pick(value, parameters)))),
                "securitySchemes" => parts.push((name.clone(), slim_map(value))),
                _ => {}
            }
        }
        Ok(parts)
    }

    fn assemble(
        &self,
        full: &Json,
        paths: Json,
        tags: &BTreeSet<String>,
        kept: BTreeMap<String, Json>,
        parameters: &BTreeSet<String>,
    ) -> Result<Json> {
        let parts = self.components(full, kept, parameters)?;
        let mut document: Object = Vec::new();
        for (name, value) in full.members() {
            let value = match name.as_str() {
                "paths" => paths.clone(),
                "components" => value.with(Value::Object(parts.clone())),
                "tags" => value.with(Value::Array(
                    value
                        .elements()
                        .iter()
                        .filter(|tag| tag.text("name").is_some_and(|name| tags.contains(name)))
                        .map(slim_tag)
                        .collect(),
                )),
                "info" => keep(value, &["title", "version"]),
                "openapi" | "x-farside-media-type" | "x-farside-operations-without-path" => value.clone(),
                "servers" => slim_schema(value),
                _ => continue,
            };
            document.push((name.clone(), value));
        }
        if let Some(ancestry) = full.get(ANCESTRY) {
            document.push((ANCESTRY.into(), ancestry.clone()));
            return Ok(Value::Object(document).into());
        }
        let ancestry = self.fault_ancestry();
        if !ancestry.is_empty() {
            document.push((ANCESTRY.into(), Value::Object(ancestry).into()));
        }
        Ok(Value::Object(document).into())
    }
}

/// Names that something refers to.
#[derive(Default)]
pub(crate) struct References {
    /// Each with the line that names it first.
    pub(crate) schemas: BTreeMap<String, usize>,
    parameters: BTreeSet<String>,
}

impl References {
    pub(crate) fn collect(&mut self, value: &Json) {
        for element in value.elements() {
            self.collect(element);
        }
        for (name, inner) in value.members() {
            match (name.as_str(), &inner.value) {
                ("x-farside-enum", Value::String(schema)) => {
                    self.schema(schema, inner.line);
                }
                ("x-farside-faults", _) => {
                    for fault in inner.elements() {
                        self.schema(fault.as_str().unwrap_or_default(), fault.line);
                    }
                }
                (_, Value::String(text)) => self.reference(text, inner.line),
                _ => self.collect(inner),
            }
        }
    }

    /// Takes `text` if it is a reference: in `$ref`, or in the mapping of a discriminator.
    fn reference(&mut self, text: &str, line: usize) {
        if let Some(name) = text.strip_prefix(SCHEMA) {
            self.schema(name, line);
        } else if let Some(name) = text.strip_prefix(PARAMETER) {
            self.parameters.insert(name.to_owned());
        }
    }

    fn schema(&mut self, name: &str, line: usize) {
        self.schemas.entry(name.to_owned()).or_insert(line);
    }
}

pub(super) fn base(schema: &Json) -> Option<&str> {
    let all = schema.get("allOf")?.elements();
    all.first()?.text("$ref")?.strip_prefix(SCHEMA)
}

/// A box is how a value travels in a place declared `Any`; it is no type of its own.
fn is_box(schema: &Json) -> bool {
    matches!(schema.get("properties").map(Json::members).unwrap_or_default(), [(only, _)] if only == "_value")
}

/// Whether values of the type carry their type's name, so that a subtype can be told from it.
fn is_typed(all: &BTreeMap<&str, &Json>, name: &str) -> bool {
    let mut name = name;
    let mut seen = BTreeSet::new();
    while let Some(up) = all
        .get(name)
        .and_then(|schema| base(schema))
        .filter(|up| seen.insert(*up))
    {
        name = up;
    }
    name == "Any"
}

fn push(schema: &mut Json, name: &str, value: Value) {
    if let Value::Object(members) = &mut schema.value {
        members.push((name.to_owned(), value.into()));
    }
}

fn pick(value: &Json, names: &BTreeSet<String>) -> Json {
    value.with(Value::Object(
        value
            .members()
            .iter()
            .filter(|(name, _)| names.contains(name))
            .cloned()
            .collect(),
    ))
}

fn keep_members(schema: &mut Json, wanted: &[String]) -> Result<()> {
    let Value::Object(parts) = &mut schema.value else {
        bail!("the schema is not an object")
    };
    let mut left: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    for (name, value) in parts.iter_mut() {
        match (name.as_str(), &mut value.value) {
            ("properties", Value::Object(members)) => {
                members.retain(|(member, _)| left.remove(member.as_str()))
            }
            ("required", Value::Array(members)) => {
                members.retain(|member| {
                    member
                        .as_str()
                        .is_some_and(|name| wanted.iter().any(|wanted| wanted == name))
                });
            }
            _ => {}
        }
    }
    if !left.is_empty() {
        bail!(
            "the schema has no members {}",
            left.into_iter().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(())
}

fn keep(value: &Json, names: &[&str]) -> Json {
    let members = value.members().iter();
    let kept = members.filter(|(name, _)| names.contains(&name.as_str()));
    value.with(Value::Object(kept.cloned().collect()))
}
