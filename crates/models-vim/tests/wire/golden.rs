//! The generated types against the wire fixtures, which were written from the wire rules alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::document::Document;
use crate::suite::Types;

/// One exchange; the README beside the fixtures explains the members.
pub(crate) struct Fixture {
    pub(crate) path: PathBuf,
    pub(crate) operation: String,
    pub(crate) result: String,
    pub(crate) request: Value,
    pub(crate) answer: Value,
}

/// All fixtures below `tests/fixtures` of the crate under test, sorted by path.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let mut paths = Vec::new();
    list(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"),
        &mut paths,
    );
    paths.sort();
    assert!(!paths.is_empty(), "no fixtures");
    paths.into_iter().map(read).collect()
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of fixtures can be listed") {
        let path = entry.expect("the folder of fixtures can be listed").path();
        if path.is_dir() {
            list(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn read(path: PathBuf) -> Fixture {
    let json: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a fixture can be read"))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = |name: &str| {
        json[name]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no {name}", path.display()))
            .to_owned()
    };
    Fixture {
        operation: text("operation"),
        result: text("result"),
        request: json["request"]["body"].clone(),
        answer: json["response"]["body"].clone(),
        path,
    }
}

/// Every request body and answer is written back as it was read, and so is every object in it whose type is generated.
pub(crate) fn fixtures_survive(types: &Types, document: &Document) {
    let operations = document.operations();
    for fixture in fixtures() {
        let operation = operations
            .get(fixture.operation.as_str())
            .unwrap_or_else(|| panic!("{}: no operation {}", fixture.path.display(), fixture.operation));
        if !fixture.request.is_null() {
            let body = operation
                .body
                .unwrap_or_else(|| panic!("{}: the operation takes no body", fixture.path.display()));
            match body.reference() {
                Some(schema) => survives(types, &fixture, schema, &fixture.request),
                None if types.find(&fixture.operation).is_some() => {
                    survives(types, &fixture, &fixture.operation, &fixture.request);
                }
                // An array or a map: its elements are what has a type.
                None => {}
            }
        }
        if !fixture.answer.is_null() {
            answer_survives(types, &fixture);
        }
        walk(types, &fixture, &fixture.request);
        walk(types, &fixture, &fixture.answer);
    }
}

fn answer_survives(types: &Types, fixture: &Fixture) {
    match fixture.result.as_str() {
        "none" => panic!("{}: an answer of a kind that has none", fixture.path.display()),
        "string" | "boolean" | "int" | "long" | "dateTime" | "Any" => {}
        result if result.starts_with("ArrayOf:") => match result.trim_start_matches("ArrayOf:") {
            "string" | "int" | "long" | "boolean" => {}
            schema => {
                let elements = fixture.answer.as_array();
                let elements = elements.unwrap_or_else(|| panic!("{}: no array", fixture.path.display()));
                for element in elements {
                    survives(types, fixture, schema, element);
                }
            }
        },
        schema => survives(types, fixture, schema, &fixture.answer),
    }
}

fn survives(types: &Types, fixture: &Fixture, schema: &str, body: &Value) {
    let place = fixture.path.display();
    let Some(entry) = types.find(schema) else {
        panic!("{place}: {schema} is not generated")
    };
    let printed = entry
        .reprint(&body.to_string())
        .unwrap_or_else(|error| panic!("{place}: {error}"));
    let back: Value = serde_json::from_str(&printed).expect("what was printed is JSON");
    assert_eq!(filled(body), filled(&back), "{place}: printed as {printed}");
    assert_eq!(
        entry.reprint(&printed).as_ref(),
        Ok(&printed),
        "{place}: printed again"
    );
}

/// Objects below an open place are kept as text; each is held against its own type here.
fn walk(types: &Types, fixture: &Fixture, value: &Value) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| walk(types, fixture, element)),
        Value::Object(members) => {
            let name = members.get("_typeName").and_then(Value::as_str);
            // A box has a `_value` and is no type of its own.
            if let Some(name) =
                name.filter(|name| !members.contains_key("_value") && types.find(name).is_some())
            {
                survives(types, fixture, name, value);
            }
            members.values().for_each(|member| walk(types, fixture, member));
        }
        _ => {}
    }
}

/// Each operation of the document has an exchange, and each exchange an operation.
pub(crate) fn operations_have_fixtures(prefix: &str, document: &Document) {
    let shown: BTreeSet<String> = fixtures().into_iter().map(|fixture| fixture.operation).collect();
    let missing: Vec<&str> = document
        .operations()
        .into_iter()
        .filter(|(id, operation)| operation.prefix() == prefix && !shown.contains(*id))
        .map(|(id, _)| id)
        .collect();
    assert!(missing.is_empty(), "operations without a fixture: {missing:?}");
}

/// The value without members that are null or empty: on all three services null and absent are the same, and in these
/// models so are an empty array or map and an absent one.
pub(crate) fn filled(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let filled = members.iter().map(|(name, value)| (name.clone(), filled(value)));
            Value::Object(filled.filter(|(_, value)| !is_unset(value)).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(filled).collect()),
        _ => value.clone(),
    }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
