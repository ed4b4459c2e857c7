//! The closure of the wanted operations and types over a full document, without its prose.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::overlay::Overlay;
use crate::json::{Json, Object};

const SCHEMA: &str = "#/components/schemas/";
const PARAMETER: &str = "#/components/parameters/";
const FAULT_BASE: &str = "MethodFault";

/// The schemas of a document.
pub(super) fn schemas(document: &Json) -> Option<&Json> {
    document
        .get("components")
        .and_then(|components| components.get("schemas"))
}

/// Cuts `full` to what `overlay` lists.
///
/// # Errors
/// If an operation, type or member that the overlay names is not in the document, or a reference leads nowhere.
pub(super) fn cut(full: &Json, overlay: &Overlay) -> Result<Json> {
    let source = Source::new(full)?;
    let (paths, tags) = source.paths(full, overlay)?;
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for (name, rule) in &overlay.types {
        if !source.schemas.contains_key(name.as_str()) {
            bail!("`types.{name}` is not a schema of the document");
        }
        if rule.wanted {
            wanted.insert(name);
        }
    }
    let paths = Json::Object(paths);
    let mut seeds = References::default();
    seeds.collect(&paths);
    seeds.schemas.extend(wanted.iter().map(|name| (*name).to_owned()));
    let kept = source.closure(&seeds, overlay)?;
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
    fn paths(&self, full: &Json, overlay: &Overlay) -> Result<(Object, BTreeSet<String>)> {
        let mut left: BTreeSet<&str> = overlay.operations.keys().map(String::as_str).collect();
        let mut tags = BTreeSet::new();
        let mut kept: Object = Vec::new();
        for (path, item) in full.get("paths").map(Json::members).unwrap_or_default() {
            let mut methods: Object = Vec::new();
            for (method, operation) in item.members() {
                if operation.text("operationId").is_some_and(|id| left.remove(id)) {
                    tags.extend(operation.strings("tags"));
                    methods.push((method.clone(), slim_operation(operation)));
                }
            }
            if !methods.is_empty() {
                kept.push((path.clone(), Json::Object(methods)));
            }
        }
        if !left.is_empty() {
            bail!(
                "not in the document: operations {}",
                left.into_iter().collect::<Vec<_>>().join(", ")
            );
        }
        Ok((kept, tags))
    }

    /// Every schema that the seeds lead to, cut to its wanted members.
    fn closure(&self, seeds: &References, overlay: &Overlay) -> Result<BTreeMap<String, Json>> {
        let mut kept = BTreeMap::new();
        let mut todo: Vec<String> = seeds.schemas.iter().cloned().collect();
        while let Some(name) = todo.pop() {
            if kept.contains_key(&name) {
                continue;
            }
            let schema = self
                .schemas
                .get(name.as_str())
                .with_context(|| format!("a reference leads to `{name}`, which is no schema"))?;
            let members = overlay.type_rule(&name).and_then(|rule| rule.members.as_deref());
            let mut schema = slim_schema(schema);
            if let Some(members) = members {
                keep_members(&mut schema, members).with_context(|| format!("`types.{name}.members`"))?;
            }
            if name != "Any" && self.subtypes.contains_key(name.as_str()) && is_typed(&self.schemas, &name) {
                push(&mut schema, "x-farside-open", Json::Bool(true));
                if !self.is_fault(&name) {
                    push(
                        &mut schema,
                        "x-farside-subtypes",
                        Json::Array(self.descendants(&name)),
                    );
                }
            }
            let mut references = References::default();
            references.collect(&schema);
            todo.extend(references.schemas);
            kept.insert(name, schema);
        }
        Ok(kept)
    }

    /// Whether the type derives from the base of all faults, or is it. Faults have a table of their own.
    fn is_fault(&self, name: &str) -> bool {
        let mut name = name;
        while name != FAULT_BASE {
            match self.schemas.get(name).and_then(|schema| base(schema)) {
                Some(up) => name = up,
                None => return false,
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
                found.insert((*name).to_owned(), Json::from(base));
                todo.push(name);
            }
        }
        found.into_iter().collect()
    }

    fn assemble(
        &self,
        full: &Json,
        paths: Json,
        tags: &BTreeSet<String>,
        mut kept: BTreeMap<String, Json>,
        parameters: &BTreeSet<String>,
    ) -> Result<Json> {
        let ordered: Object = self
            .order
            .iter()
            .filter_map(|name| kept.remove_entry(*name))
            .collect();
        let components = full
            .get("components")
            .context("the document has no `components`")?;
        let mut parts: Object = vec![("schemas".into(), Json::Object(ordered))];
        for (name, value) in components.members() {
            match name.as_str() {
                "schemas" => {}
                "parameters" => parts.push((name.clone(), pick(value, parameters))),
                "securitySchemes" => parts.push((name.clone(), value.clone())),
                _ => {}
            }
        }
        let mut document: Object = Vec::new();
        for (name, value) in full.members() {
            let value = match name.as_str() {
                "paths" => paths.clone(),
                "components" => Json::Object(parts.clone()),
                "tags" => Json::Array(
                    value
                        .elements()
                        .iter()
                        .filter(|tag| tag.text("name").is_some_and(|name| tags.contains(name)))
                        .map(slim_tag)
                        .collect(),
                ),
                "openapi" | "info" | "servers" | "x-farside-media-type" => value.clone(),
                _ => continue,
            };
            document.push((name.clone(), value));
        }
        let ancestry = self.fault_ancestry();
        if !ancestry.is_empty() {
            document.push(("x-farside-fault-ancestry".into(), Json::Object(ancestry)));
        }
        Ok(Json::Object(document))
    }
}

/// Names that something refers to.
#[derive(Default)]
struct References {
    schemas: BTreeSet<String>,
    parameters: BTreeSet<String>,
}

impl References {
    fn collect(&mut self, value: &Json) {
        for element in value.elements() {
            self.collect(element);
        }
        for (name, inner) in value.members() {
            match (name.as_str(), inner) {
                ("x-farside-enum", Json::String(schema)) => {
                    self.schemas.insert(schema.clone());
                }
                ("x-farside-faults", faults) => {
                    self.schemas.extend(
                        faults
                            .elements()
                            .iter()
                            .filter_map(Json::as_str)
                            .map(str::to_owned),
                    );
                }
                (_, Json::String(text)) => self.reference(text),
                _ => self.collect(inner),
            }
        }
    }

    /// Takes `text` if it is a reference: in `$ref`, or in the mapping of a discriminator.
    fn reference(&mut self, text: &str) {
        if let Some(name) = text.strip_prefix(SCHEMA) {
            self.schemas.insert(name.to_owned());
        } else if let Some(name) = text.strip_prefix(PARAMETER) {
            self.parameters.insert(name.to_owned());
        }
    }
}

fn base(schema: &Json) -> Option<&str> {
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
    while let Some(up) = all.get(name).and_then(|schema| base(schema)) {
        name = up;
    }
    name == "Any"
}

fn push(schema: &mut Json, name: &str, value: Json) {
    if let Json::Object(members) = schema {
        members.push((name.to_owned(), value));
    }
}

fn pick(value: &Json, names: &BTreeSet<String>) -> Json {
    Json::Object(
        value
            .members()
            .iter()
            .filter(|(name, _)| names.contains(name))
            .cloned()
            .collect(),
    )
}

fn keep_members(schema: &mut Json, wanted: &[String]) -> Result<()> {
    let Json::Object(parts) = schema else {
        bail!("the schema is not an object")
    };
    let mut left: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    for (name, value) in parts.iter_mut() {
        match (name.as_str(), value) {
            ("properties", Json::Object(members)) => {
                members.retain(|(member, _)| left.remove(member.as_str()))
            }
            ("required", Json::Array(members)) => {
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

fn slim_operation(operation: &Json) -> Json {
    let mut slim: Object = Vec::new();
    for (name, value) in operation.members() {
        match name.as_str() {
            "description" | "summary" | "externalDocs" => {}
            "responses" => slim.push((name.clone(), slim_responses(value))),
            "requestBody" | "parameters" | "x-farside-task-result" => {
                slim.push((name.clone(), slim_schema(value)))
            }
            _ => slim.push((name.clone(), value.clone())),
        }
    }
    Json::Object(slim)
}

/// Answers with a value are kept whole; of the others only what was said about their errors. Their schemas are
/// the error models, which the wire runtime reads for every operation alike.
fn slim_responses(responses: &Json) -> Json {
    let mut slim: Object = Vec::new();
    for (status, response) in responses.members() {
        let good = status.starts_with('2');
        let parts = response
            .members()
            .iter()
            .filter(|(name, _)| good || name == "description" || name.starts_with("x-"));
        slim.push((
            status.clone(),
            Json::Object(parts.map(|(name, value)| (name.clone(), value.clone())).collect()),
        ));
    }
    Json::Object(slim)
}

fn slim_tag(tag: &Json) -> Json {
    Json::Object(
        tag.members()
            .iter()
            .filter(|(name, _)| name != "description")
            .cloned()
            .collect(),
    )
}

/// A schema without prose, and without the list of boxes, which nothing generates.
fn slim_schema(schema: &Json) -> Json {
    match schema {
        Json::Array(elements) => Json::Array(elements.iter().map(slim_schema).collect()),
        Json::Object(members) => {
            let mut slim: Object = Vec::new();
            for (name, value) in members {
                let value = match (name.as_str(), value) {
                    ("description" | "title" | "summary" | "externalDocs" | "example" | "examples", _) => {
                        continue;
                    }
                    ("properties", Json::Object(inner)) => Json::Object(
                        inner
                            .iter()
                            .map(|(name, schema)| (name.clone(), slim_schema(schema)))
                            .collect(),
                    ),
                    ("discriminator", _) if value.text("propertyName") == Some("_typeName") => {
                        Json::Object(vec![("propertyName".into(), Json::from("_typeName"))])
                    }
                    _ => slim_schema(value),
                };
                slim.push((name.clone(), value));
            }
            Json::Object(slim)
        }
        _ => schema.clone(),
    }
}
