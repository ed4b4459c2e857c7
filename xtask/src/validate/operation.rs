//! The operations of a document, and which one a request is for.

use serde_json::Value;

use super::schema::{Dialect, Document};

/// An operation of a document.
#[derive(Debug)]
pub(super) struct Operation<'d> {
    pub(super) id: &'d str,
    pub(super) method: String,
    segments: Vec<&'d str>,
    /// Query parameters that belong to the path.
    fixed: Vec<&'d str>,
    /// Names of the other ones.
    pub(super) query: Vec<&'d str>,
    pub(super) json: &'d Value,
}

/// All operations of a document.
pub(super) fn of(document: &Document) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in document.json["paths"].as_object().into_iter().flatten() {
        let (path, fixed) = path.split_once('?').unwrap_or((path, ""));
        for (method, json) in item.as_object().into_iter().flatten() {
            let Some(id) = json["operationId"].as_str() else {
                continue;
            };
            operations.push(Operation {
                id,
                method: method.to_ascii_uppercase(),
                segments: path.trim_start_matches('/').split('/').collect(),
                fixed: fixed.split('&').filter(|pair| !pair.is_empty()).collect(),
                query: query(document, json),
                json,
            });
        }
    }
    // What is fixed in most of its query is looked at first.
    operations.sort_by_key(|operation| std::cmp::Reverse(operation.fixed.len()));
    operations
}

fn query<'d>(document: &'d Document, operation: &'d Value) -> Vec<&'d str> {
    let components = &document.json["components"];
    let last = |target: &'d str| target.rsplit('/').next().unwrap_or_default();
    let mut names = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let target = parameter["$ref"].as_str();
        let parameter = target.map_or(parameter, |target| &components["parameters"][last(target)]);
        if parameter["in"] != "query" {
            continue;
        }
        // The members of an exploded object are parameters of their own.
        let members = parameter["schema"]["$ref"]
            .as_str()
            .map(|target| &components["schemas"][last(target)]["properties"]);
        match members.and_then(Value::as_object) {
            Some(members) if parameter["explode"] == true => names.extend(members.keys().map(String::as_str)),
            _ => names.extend(parameter["name"].as_str()),
        }
    }
    names
}

/// Path and query below the base of a dialect's paths; `None` if the path is another dialect's.
pub(super) fn below(dialect: Dialect, target: &str) -> Option<(&str, &str)> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match dialect {
        Dialect::ViJson => path.strip_prefix("/sdk/vim25/")?.split_once('/')?.1,
        Dialect::Rest => path.strip_prefix("/api/")?,
        Dialect::Vcda if path.starts_with("/sdk/") || path.starts_with("/api/") => return None,
        Dialect::Vcda => path.strip_prefix('/')?,
    };
    Some((path, query))
}

impl<'d> Operation<'d> {
    /// Type and name of the property that it reads, if it reads one of a managed object.
    pub(super) fn property(&self) -> Option<(&'d str, &'d str)> {
        match self.segments[..] {
            [type_name, "{moId}", name] if self.method == "GET" => Some((type_name, name)),
            _ => None,
        }
    }

    /// Whether it is what a request asks for.
    pub(super) fn fits(&self, method: &str, path: &str, query: &str) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        let pairs: Vec<&str> = query.split('&').collect();
        self.method == method
            && self.segments.len() == segments.len()
            && self.segments.iter().zip(&segments).all(|(own, given)| {
                if own.starts_with('{') {
                    !given.is_empty()
                } else {
                    own == given
                }
            })
            && self.fixed.iter().all(|pair| pairs.contains(pair))
    }

    /// The names in a query that the operation does not have.
    pub(super) fn strange<'q>(&self, query: &'q str) -> Vec<&'q str> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .filter(|pair| !self.fixed.contains(pair))
            .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
            .filter(|name| !self.query.contains(name))
            .collect()
    }

    /// What the document says of answers with this status.
    pub(super) fn response(&self, status: u16) -> Option<&'d Value> {
        self.json["responses"].get(status.to_string())
    }
}
