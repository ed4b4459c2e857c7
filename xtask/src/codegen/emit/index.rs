//! The files that tie a crate together.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::super::model::Refused;
use super::super::names;
use super::exports::{self, Export};
use super::page::Page;
use super::parts::Module;
use super::types::WIRE;
use super::{Scope, cfg, docs, listing};

/// `mod.rs` at the root and in each service's folder, the list of operations, the lists of refusals, and the ancestry of
/// faults; by path.
///
/// # Errors
/// If an operation uses a list of refusals that is not defined, or there are more operations than one crate can list.
pub(super) fn files(scope: Scope<'_>, modules: &[Module]) -> Result<Vec<(String, String)>> {
    let mut services: BTreeMap<&str, Vec<&Module>> = BTreeMap::new();
    for module in modules {
        services.entry(&module.place.service).or_default().push(module);
    }
    let mut files = Vec::new();
    for (service, modules) in &services {
        files.push((format!("{service}/mod.rs"), folder(modules)));
    }
    let lists = used_lists(scope)?;
    if !lists.is_empty() {
        files.push(("refused.rs".to_owned(), refused(scope, &lists)?));
    }
    if !scope.content()?.fault_ancestry.is_empty() {
        files.push(("ancestry.rs".to_owned(), ancestry(scope)?));
    }
    files.extend(listing::files(scope, modules)?);
    let mut text = root(scope, services.keys().copied(), !lists.is_empty())?;
    let exports = services
        .values()
        .flatten()
        .filter(|module| !module.types.is_empty());
    let exports: Vec<Export> = exports.map(|module| Export::new(module, &module.types)).collect();
    let parts = exports::parts(&exports, Export::lines);
    if let [all] = parts[..] {
        text.extend(all.iter().map(|export| export.text("")));
    } else {
        for (number, part) in (1..).zip(parts) {
            text.push_str(&format!("mod types_{number};\npub use types_{number}::*;\n"));
            let text = part.iter().map(|export| export.text("super::")).collect();
            files.push((format!("types_{number}.rs"), text));
        }
    }
    files.push(("mod.rs".to_owned(), text));
    Ok(files)
}

/// The root, without the types.
fn root<'a>(scope: Scope<'_>, services: impl Iterator<Item = &'a str>, refused: bool) -> Result<String> {
    let has_ancestry = !scope.content()?.fault_ancestry.is_empty();
    let mut text = String::new();
    if has_ancestry {
        text.push_str("mod ancestry;\n");
    }
    for service in services {
        text.push_str(&format!("mod {service};\n"));
    }
    text.push_str("\n/// Request descriptions, one for each operation.\n");
    text.push_str(&absent(scope));
    text.push_str(&any_call(scope));
    text.push_str("pub mod operation;\n");
    if refused {
        text.push_str("/// Lists of errors which mean that nothing was done.\npub mod refused;\n");
    }
    text.push('\n');
    if has_ancestry {
        text.push_str("pub use ancestry::FAULT_ANCESTRY;\n");
    }
    Ok(text)
}

fn folder(modules: &[&Module]) -> String {
    let lines = modules.iter().map(|module| {
        let cfg = cfg(&module.place.features);
        format!("{cfg}pub(super) mod {};\n", module.place.group)
    });
    lines.collect()
}

/// Documentation of the errors that any call can answer.
fn any_call(scope: Scope<'_>) -> String {
    if scope.model.any_call.is_empty() {
        return String::new();
    }
    let mut page = Page::of_operation("");
    page.line("///\n/// # Errors of any call\n///");
    for failure in &scope.model.any_call {
        page.doc(0, &docs::error(failure, false));
    }
    page.text().to_owned()
}

/// Documentation of the operations that cannot be called.
fn absent(scope: Scope<'_>) -> String {
    if scope.model.absent.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("///\n/// Absent, since they are known to exist and nobody has read their path:\n///\n");
    for operation in &scope.model.absent {
        let method = operation.method.as_ref();
        let method = method.map(|method| format!(", a `{method}`")).unwrap_or_default();
        let confidence = operation.confidence.as_ref();
        let confidence = confidence.map(|text| format!(" ({text})")).unwrap_or_default();
        text.push_str(&format!("/// - `{}`{method}{confidence}\n", operation.id));
    }
    text
}

/// Names of the lists of refusals that a crate's operations use.
fn used_lists<'a>(scope: Scope<'a>) -> Result<BTreeSet<&'a str>> {
    let operations = scope.content()?.files.values().flat_map(|file| &file.operations);
    let lists = operations.filter_map(|operation| match &operation.refused {
        Refused::List(name) => Some(name.as_str()),
        Refused::Names(_) => None,
    });
    Ok(lists.collect())
}

fn refused(scope: Scope<'_>, lists: &BTreeSet<&str>) -> Result<String> {
    let mut text = String::new();
    for list in lists {
        let names = scope.model.refused.get(*list);
        let names = names.with_context(|| format!("no list `{list}` of refusals"))?;
        text.push_str(&format!(
            "/// The list `{list}` of `operations.toml`.\npub const {}: &[&str] = &{names:?};\n\n",
            names::screaming(list)
        ));
    }
    Ok(text)
}

fn ancestry(scope: Scope<'_>) -> Result<String> {
    let mut text = format!("use {WIRE}::Ancestry;\n\n");
    text.push_str("/// Every fault of the schema with its base, sorted by fault, generated here or not.\n");
    text.push_str("pub const FAULT_ANCESTRY: Ancestry = Ancestry::new(&[\n");
    for (name, base) in &scope.content()?.fault_ancestry {
        text.push_str(&format!("    ({name:?}, {base:?}),\n"));
    }
    Ok(text + "]);\n")
}
