//! The types of a document: their members, inherited ones included, and who derives from whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::schemas;

/// How a service writes its documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Objects say their type; errors are objects like others.
    ViJson,
    /// Errors have an `error_type`.
    Rest,
    /// Errors have a `code`.
    Vcda,
}

/// A checked-in document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) dialect: Dialect,
    pub(super) json: Value,
}

/// All checked-in documents.
pub(super) fn documents() -> Result<Vec<Document>> {
    schemas::products()?
        .iter()
        .map(|product| {
            let path = product.join(schemas::document_name(product)?);
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let json: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
            Ok(Document::new(json))
        })
        .collect()
}

impl Document {
    pub(super) fn new(json: Value) -> Self {
        let schemas = &json["components"]["schemas"];
        let dialect = if schemas.get("Any").is_some() {
            Dialect::ViJson
        } else if schemas.get("Vapi.Std.Errors.Error").is_some() {
            Dialect::Rest
        } else {
            Dialect::Vcda
        };
        Self { dialect, json }
    }
}

/// A type with its bases flattened into it.
#[derive(Debug, Default)]
pub(super) struct Members<'d> {
    pub(super) of: BTreeMap<&'d str, &'d Value>,
    pub(super) required: BTreeSet<&'d str>,
    /// All ancestors, and itself.
    pub(super) line: BTreeSet<&'d str>,
}

/// The types of one document.
#[derive(Debug)]
pub(super) struct Types<'d> {
    pub(super) dialect: Dialect,
    schemas: &'d Value,
    ancestry: &'d Value,
    flat: BTreeMap<&'d str, Members<'d>>,
    /// Bases of managed types.
    managed: BTreeMap<&'d str, Option<&'d str>>,
}

/// What a type's name says where another type is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship<'d> {
    /// It is that type or derives from it, and has members in the document.
    Known,
    /// It derives from it, but the document has only its name; this is the nearest type that has members.
    Beyond(&'d str),
    /// It is something else, or unknown.
    Stranger,
}

impl<'d> Types<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        let schemas = &document.json["components"]["schemas"];
        let names = schemas.as_object().into_iter().flatten();
        let mut flat = BTreeMap::new();
        for (name, schema) in names {
            let mut members = Members::default();
            flatten(schemas, Some(name), schema, &mut members);
            flat.insert(name.as_str(), members);
        }
        let tags = document.json["tags"].as_array().into_iter().flatten();
        let managed = tags
            .filter_map(|tag| Some((tag["name"].as_str()?, tag["x-farside-base"].as_str())))
            .collect();
        Self {
            dialect: document.dialect,
            schemas,
            ancestry: &document.json["x-farside-fault-ancestry"],
            flat,
            managed,
        }
    }

    /// What stands behind references and wrappers, and its name if it has one.
    pub(super) fn resolve(&self, mut schema: &'d Value) -> (Option<&'d str>, &'d Value) {
        let mut name = None;
        loop {
            if let Some(target) = schema["$ref"].as_str() {
                name = target.rsplit('/').next();
                schema = name.map_or(&Value::Null, |name| &self.schemas[name]);
            } else if let Some([one]) = schema["allOf"].as_array().map(Vec::as_slice)
                && schema.get("type").is_none()
            {
                schema = one;
            } else {
                return (name, schema);
            }
        }
    }

    /// The members of a named type.
    pub(super) fn members(&self, name: &str) -> Option<&Members<'d>> {
        self.flat.get(name)
    }

    /// The members of a type that has no name.
    pub(super) fn inline(&self, schema: &'d Value) -> Members<'d> {
        let mut members = Members::default();
        flatten(self.schemas, None, schema, &mut members);
        members
    }

    /// The named schema.
    pub(super) fn named(&self, name: &str) -> Option<&'d Value> {
        self.schemas.get(name)
    }

    /// The type that an object says to be by a member of its own, where subtypes are told so; else the declared one.
    pub(super) fn told(&self, declared: &'d str, schema: &'d Value, members: &Map<String, Value>) -> &'d str {
        let discriminator = &schema["discriminator"];
        let own = discriminator["propertyName"]
            .as_str()
            .and_then(|tag| members.get(tag)?.as_str());
        let target = own.and_then(|own| discriminator["mapping"][own].as_str());
        target
            .and_then(|target| target.rsplit('/').next())
            .unwrap_or(declared)
    }

    /// Whether a type's objects say their type.
    pub(super) fn is_typed(&self, name: &str) -> bool {
        self.members(name)
            .is_some_and(|members| members.line.contains("Any"))
    }

    /// How `own`, which an object says to be, is related to the declared type.
    pub(super) fn kinship(&self, own: &str, declared: &'d str) -> Kinship<'d> {
        if let Some(members) = self.members(own) {
            let akin = members.line.contains(declared);
            return if akin { Kinship::Known } else { Kinship::Stranger };
        }
        let mut fault = own;
        while let Some(base) = self.ancestry[fault].as_str() {
            if let Some((name, members)) = self.flat.get_key_value(base) {
                let akin = members.line.contains(declared);
                return if akin {
                    Kinship::Beyond(name)
                } else {
                    Kinship::Stranger
                };
            }
            fault = base;
        }
        let roots = if declared == "Any" { "DataObject" } else { declared };
        let subtypes = self.schemas[roots]["x-farside-subtypes"].as_array();
        if subtypes.is_some_and(|subtypes| subtypes.iter().any(|name| name == own)) {
            return Kinship::Beyond(declared);
        }
        Kinship::Stranger
    }

    /// The base of a managed type, if the document has both.
    pub(super) fn managed_base(&self, name: &str) -> Option<&'d str> {
        *self.managed.get(name)?
    }

    /// Whether a reference to an object of type `own` may stand where one to a `declared` does; `None` if the document does
    /// not know `own`, or not whether what it derives from derives from `declared`.
    pub(super) fn refers(&self, own: &str, declared: &str) -> Option<bool> {
        self.managed.get(declared)?;
        self.managed.get(own)?;
        let (own, declared) = (self.line(own), self.line(declared));
        if own.contains(&declared[0]) {
            return Some(true);
        }
        let meets = own.iter().any(|name| declared.contains(name));
        let is_whole = own
            .last()
            .is_some_and(|name| self.managed.contains_key(name.as_str()));
        (meets || is_whole).then_some(false)
    }

    /// A managed type and its ancestors, as far as the document has them: the last one may be known by name alone.
    fn line(&self, name: &str) -> Vec<String> {
        let mut line = vec![name.to_owned()];
        while let Some(base) = line.last().and_then(|at| self.managed_base(at)) {
            line.push(base.to_owned());
        }
        line
    }
}

fn flatten<'d>(schemas: &'d Value, name: Option<&'d str>, schema: &'d Value, members: &mut Members<'d>) {
    members.line.extend(name);
    for base in schema["allOf"].as_array().into_iter().flatten() {
        let name = base["$ref"].as_str().and_then(|target| target.rsplit('/').next());
        let base = name.map_or(base, |name| &schemas[name]);
        flatten(schemas, name, base, members);
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    members
        .of
        .extend(own.map(|(name, schema)| (name.as_str(), schema)));
    let required = schema["required"].as_array().into_iter().flatten();
    members.required.extend(required.filter_map(Value::as_str));
}
