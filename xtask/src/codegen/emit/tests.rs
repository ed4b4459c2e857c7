//! Goldens: a made-up document with each construct, in both layouts.

use std::fs;
use std::path::Path;

use super::super::Files;
use super::super::format::Formatter;
use super::super::model::Model;
use super::super::{read, resolve, workspace};
use super::{lines_by_crate, modules};
use crate::document;
use crate::schemas::overlay::{Layout, Overlay};

const DOCUMENT: &str = include_str!("golden/document.json");
const OVERLAY: &str = include_str!("golden/operations.toml");
const DOCS: &str = include_str!("golden/docs.toml");

fn model(layout: Layout) -> Model {
    let mut overlay = Overlay::parse(OVERLAY).unwrap();
    overlay.docs.merge("docs.toml", DOCS).unwrap();
    overlay.layout = layout;
    let document = document::parse("document.json", DOCUMENT.as_bytes()).unwrap();
    let document = read::document("document.json", "0123", &document).unwrap();
    resolve::resolve(&document, &overlay).unwrap()
}

fn scope(model: &Model) -> super::Scope<'_> {
    super::Scope { model, krate: 0 }
}

/// Files as one text, each after a line with its path.
fn joined(files: impl IntoIterator<Item = (String, String)>) -> String {
    files
        .into_iter()
        .map(|(path, text)| format!("==> {path}\n{text}\n"))
        .collect()
}

/// Compares with a checked-in text, or rewrites it where `UPDATE_GOLDEN` is set.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/codegen/emit/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let line = golden.lines().zip(text.lines()).position(|(old, new)| old != new);
    assert!(
        golden == text,
        "{} differs in line {}; see whether `UPDATE_GOLDEN=1` makes it right:\n{text}",
        path.display(),
        line.map_or("past the shorter one's end".to_owned(), |line| (line + 1)
            .to_string())
    );
}

#[test]
fn a_crate_is_what_a_careful_person_would_write() {
    let model = model(Layout::Crates);
    let mut files = modules(scope(&model), &Formatter::new(&workspace())).unwrap();
    files.insert(
        "types.rs of the tests".to_owned(),
        super::registry::text(scope(&model)).unwrap(),
    );
    check("crate.txt", &joined(files));
}

#[test]
fn a_module_names_nothing_by_where_it_stands() {
    let model = model(Layout::Module);
    let files = modules(scope(&model), &Formatter::new(&workspace())).unwrap();
    for (path, text) in &files {
        for absolute in ["crate::", "#[cfg", "farside_models"] {
            assert!(!text.contains(absolute), "{path} has `{absolute}`:\n{text}");
        }
    }
    assert!(files["made_up/thing.rs"].contains("use super::super::"));
    assert!(files["made_up/thing.rs"].contains("[`ActRequest`](super::super::ActRequest)"));
}

#[test]
fn the_features_of_a_crate_are_its_tags() {
    let model = model(Layout::Crates);
    let features = super::features(scope(&model)).unwrap();
    assert_eq!(Vec::from_iter(features), ["other", "thing"]);
}

#[test]
fn only_code_counts_as_generated_lines() {
    let files = [
        ("crates/models-x/src/generated/mod.rs", "a\nb\n"),
        ("crates/models-x/src/generated/x/y.rs", "a\n"),
        ("crates/models-x/tests/generated/types.rs", "a\n"),
        ("crates/models-x/Cargo.toml", "a\n"),
        ("crates/models-y/src/generated/mod.rs", "a\n"),
    ];
    let files: Files = files
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
    let lines = lines_by_crate(&files);
    assert_eq!(Vec::from_iter(lines), [("models-x", 3), ("models-y", 1)]);
}
