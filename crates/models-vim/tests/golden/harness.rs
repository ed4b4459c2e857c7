//! Holds generated types against the wire fixtures: what is read must be written back equal. Shared by the tests of the
//! four model crates.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One exchange; the README beside the fixtures explains the members.
pub(crate) struct Fixture {
    pub(crate) path: PathBuf,
    pub(crate) operation: String,
    pub(crate) result: String,
    pub(crate) request: Value,
    pub(crate) answer: Value,
}

/// All fixtures below `tests/fixtures` of the crate under test, sorted by path.
pub(crate) fn fixtures(crate_folder: &str) -> Vec<Fixture> {
    let mut paths = Vec::new();
    list(&Path::new(crate_folder).join("tests/fixtures"), &mut paths);
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
        .expect("a fixture is JSON");
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

/// Reads `body` as a `T`, writes it back, and gives what was read.
///
/// Null and absent are the same on all three services, and so are an empty array or map and an absent one in these models.
pub(crate) fn read_back<T: Serialize + DeserializeOwned + Debug + PartialEq>(
    fixture: &Fixture,
    body: &Value,
) -> T {
    let place = fixture.path.display();
    let value: T = serde_json::from_str(&body.to_string()).unwrap_or_else(|error| panic!("{place}: {error}"));
    let written = serde_json::to_string(&value).expect("a value that was read can be written");
    let back: Value = serde_json::from_str(&written).expect("what was written is JSON");
    assert_eq!(filled(body), filled(&back), "{place}: written back as {written}");
    assert_eq!(
        serde_json::from_str::<T>(&written).expect("what was written can be read again"),
        value,
        "{place}: read again"
    );
    value
}

/// As [`read_back`], for what is not looked at any further.
pub(crate) fn round_trip<T: Serialize + DeserializeOwned + Debug + PartialEq>(
    fixture: &Fixture,
    body: &Value,
) {
    read_back::<T>(fixture, body);
}

/// The value without members that are null or empty.
fn filled(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !is_unset(value));
            Value::Object(kept.map(|(name, value)| (name.clone(), filled(value))).collect())
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
