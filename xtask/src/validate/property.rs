//! Properties of managed objects: what the property collector answers, against what the document declares.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::Check;
use super::operation::Operation;
use super::schema::Types;

/// The schemas of the properties of managed objects, by type and name.
#[derive(Debug, Default)]
pub(super) struct Properties<'d>(BTreeMap<(&'d str, &'d str), &'d Value>);

impl<'d> Properties<'d> {
    /// Those that have an operation that reads them.
    pub(super) fn of(operations: &[Operation<'d>]) -> Self {
        let mut found = BTreeMap::new();
        for operation in operations {
            let content = &operation.json["responses"]["200"]["content"]["application/json"];
            if let (Some((type_name, name)), Some(schema)) = (operation.property(), content.get("schema")) {
                found.insert((type_name, name), schema);
            }
        }
        Self(found)
    }

    /// The schema behind a path such as `config.network.pnic` or `device[4000].key`; `None` where the document does not
    /// say.
    fn schema(&self, types: &Types<'d>, type_name: &str, path: &str) -> Option<&'d Value> {
        let mut parts = path.split('.');
        let first = parts.next()?;
        let plain = first.split('[').next()?;
        let (_, mut schema) = self
            .0
            .iter()
            .find(|((own, name), _)| *own == type_name && *name == plain)
            .map(|(key, schema)| (key, *schema))?;
        if first.contains('[') {
            schema = types.resolve(schema).1.get("items")?;
        }
        for part in parts {
            let (name, _) = types.resolve(schema);
            let plain = part.split('[').next()?;
            schema = types.members(name?)?.of.get(plain)?;
            if part.contains('[') {
                schema = types.resolve(schema).1.get("items")?;
            }
        }
        Some(schema)
    }

    /// Checks all values of properties in an answer, wherever they are.
    pub(super) fn check(&self, check: &mut Check<'_, 'd>, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.check(check, item)),
            Value::Object(members) => {
                let type_name = value["obj"]["type"].as_str();
                for list in ["propSet", "changeSet"] {
                    let properties = value[list].as_array().into_iter().flatten();
                    for property in properties {
                        if let (Some(type_name), Some(name)) = (type_name, property["name"].as_str()) {
                            self.property(check, type_name, name, property.get("val"));
                        }
                    }
                }
                members.values().for_each(|member| self.check(check, member));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn property(&self, check: &mut Check<'_, 'd>, type_name: &str, path: &str, value: Option<&Value>) {
        // A name in quotes may hold dots.
        let plain = !path.contains('"');
        let schema = plain.then(|| self.schema(check.types, type_name, path)).flatten();
        let (Some(schema), Some(value)) = (schema, value) else {
            return;
        };
        check.within(&format!("{type_name}.{}", without_keys(path)), |check| {
            if check.types.resolve(schema).0 == Some("Any") {
                return check.any(value);
            }
            let wanted = box_name(schema);
            let own = value["_typeName"].as_str().unwrap_or_default();
            match (wanted, value.get("_value")) {
                (Some(wanted), Some(inner)) => {
                    if !wanted.iter().any(|name| name == own) {
                        check.find(format!("a box called {own} for {}", wanted.join(" or ")));
                    }
                    check.value(schema, inner);
                }
                (Some(wanted), None) => check.find(format!("no box, for {}", wanted.join(" or "))),
                (None, Some(_)) => check.find(format!("a box called {own} for an object")),
                (None, None) => check.value(schema, value),
            }
        });
    }
}

/// The path without the keys of elements.
fn without_keys(path: &str) -> String {
    let mut text = String::new();
    let mut depth = 0_i32;
    for character in path.chars() {
        match character {
            '[' => depth += 1,
            ']' => {
                depth -= 1;
                text.push_str("[]");
            }
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text
}

/// What the box of a value of this schema may be called; `None` for an object, which has none.
fn box_name(schema: &Value) -> Option<Vec<String>> {
    let semantic = schema["x-farside-semantic"].as_str();
    // A schema of this document: the reference is looked at, not followed.
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["allOf"][0]["$ref"].as_str());
    let name = reference.and_then(|target| target.rsplit('/').next());
    if let Some(items) = schema.get("items") {
        let elements = box_name(items).or_else(|| {
            let target = items["$ref"].as_str()?.rsplit('/').next()?;
            Some(vec![target.to_owned()])
        })?;
        let elements = semantic.map(str::to_owned).into_iter().chain(elements);
        return Some(
            elements
                .map(|mut name| {
                    if let Some(first) = name.get_mut(..1) {
                        first.make_ascii_uppercase();
                    }
                    format!("ArrayOf{name}")
                })
                .collect(),
        );
    }
    if let Some(name) = name {
        return name.strip_suffix("_enum").map(|name| vec![name.to_owned()]);
    }
    let names: &[&str] = match (
        schema["type"].as_str()?,
        schema["format"].as_str().unwrap_or_default(),
    ) {
        ("boolean", _) => &["boolean"],
        ("integer", "int32") => &["int"],
        ("integer", "int64") => &["long"],
        ("integer", _) => &["byte", "short"],
        ("number", "float") => &["float"],
        ("number", _) => &["double", "float"],
        ("string", "date-time") => &["dateTime"],
        ("string", "byte") => &["base64Binary"],
        ("string", _) => &["string", "anyURI"],
        _ => return None,
    };
    let names = names.iter().map(|&name| name.to_owned());
    Some(semantic.map(str::to_owned).into_iter().chain(names).collect())
}
