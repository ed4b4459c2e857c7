//! The registry of all types of a crate, for its tests.

use std::collections::BTreeSet;

use anyhow::Result;

use super::super::model::{Item, Struct, Type};
use super::Scope;
use super::page::Page;
use super::types;

/// What the registry calls the crate.
const MODELS: &str = "models";

/// A list with the schema of each type and what reads and prints it: generics with each of their instances, bodies
/// without a schema by the id of their operation. Query parameters have no schema and are only ever printed.
///
/// # Errors
/// If the argument of a generic is not generated.
pub(super) fn text(scope: Scope<'_>) -> Result<String> {
    let mut page = Page::of_type("TYPES", Vec::new());
    let krate = super::crate_path(scope.content()?);
    page.imports("crate::schema", &["Entry", "entry"]);
    page.line("/// Every generated type, by the name of its schema.");
    page.line("pub(crate) const TYPES: &[Entry] = &[");
    let mut lines = BTreeSet::new();
    for item in scope.content()?.files.values().flat_map(|file| &file.items) {
        for (schema, ty) in entries(scope, &mut page, &krate, item)? {
            lines.insert(format!("    entry::<{ty}>({schema:?}),"));
        }
    }
    lines.iter().for_each(|line| page.line(line));
    page.line("];");
    Ok(super::page::join(&[&page], ""))
}

/// Schemas of an item, each with its type.
fn entries(scope: Scope<'_>, page: &mut Page, krate: &str, item: &Item) -> Result<Vec<(String, String)>> {
    let schema = match item {
        Item::Struct(item) if item.is_generic() => return instances(scope, page, krate, item),
        Item::Struct(item) => item.body_of.as_ref().unwrap_or(&item.wire),
        Item::Enum(item) => &item.wire,
        Item::Union(item) => &item.wire,
        Item::Query(_) => return Ok(Vec::new()),
    };
    // By a short path: the names alone would fill a fifth of a file.
    page.import(krate, &format!("self as {MODELS}"));
    Ok(vec![(schema.clone(), format!("{MODELS}::{}", item.rust()))])
}

fn instances(scope: Scope<'_>, page: &mut Page, krate: &str, item: &Struct) -> Result<Vec<(String, String)>> {
    page.import(krate, &item.rust);
    let mut entries = Vec::new();
    for (schema, argument) in &item.instances {
        let argument = outside(scope, page, krate, argument)?;
        entries.push((schema.clone(), format!("{}<{argument}>", item.rust)));
    }
    Ok(entries)
}

/// A type as it is named outside its crate.
fn outside(scope: Scope<'_>, page: &mut Page, krate: &str, ty: &Type) -> Result<String> {
    let mut inner = Page::of_type("", Vec::new());
    let text = types::rust(scope, &mut inner, ty)?;
    for (module, name) in inner.imported() {
        let module = if module == scope.root() { krate } else { module };
        page.import(module, name);
    }
    Ok(text)
}
