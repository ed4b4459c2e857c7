//! The checked-in API document, as the tests read it: on their own, without the code generator.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;

const SCHEMA: &str = "#/components/schemas/";

/// JSON that keeps the order of its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Node {
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(IndexMap<String, Node>),
    Null(()),
}

impl Node {
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Map(members) => members.get(name),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Node::as_text)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self, name: &str) -> &[Node] {
        match self.get(name) {
            Some(Self::List(elements)) => elements,
            _ => &[],
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.list(name).iter().filter_map(Node::as_text).collect()
    }

    pub(crate) fn members(&self, name: &str) -> Vec<(&str, &Node)> {
        match self.get(name) {
            Some(Self::Map(members)) => members.iter().map(|(name, node)| (name.as_str(), node)).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::Bool(true)))
    }

    /// Name of the schema that is referred to, directly or through a one-element `allOf`.
    pub(crate) fn reference(&self) -> Option<&str> {
        let direct = self.text("$ref").and_then(|target| target.strip_prefix(SCHEMA));
        let enumeration = || self.text("x-farside-enum");
        let wrapped = || match self.list("allOf") {
            [one] if self.get("properties").is_none() => one.reference(),
            _ => None,
        };
        direct.or_else(wrapped).or_else(enumeration)
    }
}

/// One operation of the document.
#[derive(Debug)]
pub(crate) struct Operation<'d> {
    path: &'d str,
    pub(crate) body: Option<&'d Node>,
}

impl Operation<'_> {
    /// `/sms` or `/pbm` for what lies below it, else empty.
    pub(crate) fn prefix(&self) -> &'static str {
        ["/sms", "/pbm"]
            .into_iter()
            .find(|prefix| {
                self.path
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
            .unwrap_or_default()
    }
}

/// The checked-in document of a product.
#[derive(Debug)]
pub(crate) struct Document {
    root: Node,
}

impl Document {
    /// Reads `xtask/schemas/<product>/<product>.json`.
    pub(crate) fn read(product: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/schemas");
        let path = folder.join(product).join(format!("{product}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let root = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { root }
    }

    /// The schema called `name`; for the id of an operation, its body's.
    pub(crate) fn schema(&self, name: &str) -> &Node {
        let schemas = self.root.get("components").and_then(|parts| parts.get("schemas"));
        let named = schemas.and_then(|schemas| schemas.get(name));
        let inline = || {
            self.operations()
                .remove(name)
                .and_then(|operation| operation.body)
        };
        named
            .or_else(inline)
            .unwrap_or_else(|| panic!("the document has no schema {name}"))
    }

    pub(crate) fn has_schema(&self, name: &str) -> bool {
        let schemas = self.root.get("components").and_then(|parts| parts.get("schemas"));
        schemas.is_some_and(|schemas| schemas.get(name).is_some())
    }

    /// The operations by id.
    pub(crate) fn operations(&self) -> BTreeMap<&str, Operation<'_>> {
        let mut found = BTreeMap::new();
        for (path, item) in self.root.members("paths") {
            let Node::Map(methods) = item else { continue };
            for operation in methods.values() {
                let content = operation.get("requestBody").and_then(|body| body.get("content"));
                let body = match content {
                    Some(Node::Map(kinds)) => kinds.values().next().and_then(|kind| kind.get("schema")),
                    _ => None,
                };
                if let Some(id) = operation.text("operationId") {
                    found.insert(id, Operation { path, body });
                }
            }
        }
        found
    }

    /// Members of a type in wire order, inherited ones first, each with whether it is required.
    pub(crate) fn members<'d>(&'d self, schema: &'d Node) -> Vec<(&'d str, &'d Node, bool)> {
        let mut members = match self.base(schema) {
            Some(base) => self.members(self.schema(base)),
            None => Vec::new(),
        };
        let required = schema.texts("required");
        for (name, node) in schema.members("properties") {
            let is_required = required.contains(&name) && !node.flag("x-farside-may-be-absent");
            // An instance of a generic says once more what its result is.
            match members.iter_mut().find(|(known, _, _)| *known == name) {
                Some(known) => *known = (name, node, is_required),
                None => members.push((name, node, is_required)),
            }
        }
        members
    }

    /// The base of an object type: the `allOf` beside its `properties`.
    pub(crate) fn base<'d>(&self, schema: &'d Node) -> Option<&'d str> {
        match schema.list("allOf") {
            [one] => one.reference(),
            _ => None,
        }
    }

    /// Whether values of the type carry `_typeName`.
    pub(crate) fn is_tagged(&self, name: &str) -> bool {
        name == "Any"
            || (self.has_schema(name)
                && self
                    .base(self.schema(name))
                    .is_some_and(|base| self.is_tagged(base)))
    }
}
