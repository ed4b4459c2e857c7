//! Request descriptions, and the files that tie a crate together.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::super::model::{Crate, Model, Operation, Refused};
use super::super::names;
use super::Module;
use super::page::Page;
use super::types::{self, WIRE};
use crate::schemas::overlay::Repeat;

/// The constant that describes an operation.
///
/// # Errors
/// If the service is not one of the runtime's.
pub(super) fn operation(model: &Model, krate: usize, operation: &Operation) -> Result<Page> {
    let mut page = Page::of_operation(&operation.rust);
    page.imports(WIRE, &["Method", "Operation", "Repeat", "Service"]);
    page.doc(0, &operation.doc);
    page.line("///");
    page.doc(0, &signature(model, krate, operation));
    page.line(&format!("pub const {}: Operation = Operation {{", operation.rust));
    page.line(&format!("    id: {:?},", operation.id));
    page.line(&format!("    service: Service::{},", model.service));
    page.line(&format!(
        "    method: Method::{},",
        names::pascal(&operation.method)
    ));
    page.line(&format!("    path: {:?},", operation.path));
    page.line(&format!("    query: {:?},", operation.query));
    page.line(&format!(
        "    repeat: Repeat::{},",
        match operation.repeat {
            Repeat::Harmless => "Harmless",
            Repeat::OnlyIfNeverSent => "OnlyIfNeverSent",
        }
    ));
    page.line(&format!("    since: {:?},", operation.since));
    page.line(&format!("    privileges: &{:?},", operation.privileges));
    page.line(&format!("    faults: &{:?},", operation.faults));
    let refused = match &operation.refused {
        Refused::List(name) => page.import("crate::generated::refused", &names::screaming(name)),
        Refused::Names(names) => format!("&{names:?}"),
    };
    page.line(&format!("    refused_before_acting: {refused},"));
    page.line(&format!("    anonymous: {},\n}};", operation.anonymous));
    Ok(page)
}

/// Request line, body and answer of an operation, in words.
fn signature(model: &Model, krate: usize, operation: &Operation) -> String {
    let query = if operation.query.is_empty() {
        String::new()
    } else {
        format!("?{}", operation.query)
    };
    let method = operation.method.to_ascii_uppercase();
    let mut text = format!("`{method} {}{query}`", operation.path);
    if let Some(since) = &operation.since {
        text.push_str(&format!(", since {since}"));
    }
    if let Some(body) = &operation.body {
        text.push_str(&format!("; takes {}", types::link(model, krate, body)));
    }
    match &operation.answer {
        Some(answer) => text.push_str(&format!("; answers {}", types::link(model, krate, answer))),
        None => text.push_str("; answers nothing"),
    }
    if let Some(result) = &operation.task_result {
        text.push_str(&format!(
            ", a task with the result {}",
            types::link(model, krate, result)
        ));
    }
    text.push('.');
    text
}

/// The files that name the others: `mod.rs` at the root and in each service's folder, the lists of refusals, and the
/// ancestry of faults.
///
/// # Errors
/// If an operation uses a list of refusals that is not defined.
pub(super) fn indexes(model: &Model, krate: &Crate, modules: &[Module]) -> Result<Vec<(String, String)>> {
    let mut services: BTreeMap<&str, Vec<&Module>> = BTreeMap::new();
    for module in modules {
        services.entry(&module.place.service).or_default().push(module);
    }
    let lists = used_lists(krate);
    let mut files = vec![("mod.rs".to_owned(), root(krate, &services, !lists.is_empty()))];
    for (service, modules) in &services {
        let mut text = String::new();
        for module in modules {
            text.push_str(&format!("pub(super) mod {};\n", module.place.group));
        }
        files.push((format!("{service}/mod.rs"), text));
    }
    if !lists.is_empty() {
        files.push(("refused.rs".to_owned(), refused(model, &lists)?));
    }
    if !krate.fault_ancestry.is_empty() {
        files.push(("ancestry.rs".to_owned(), ancestry(krate)));
    }
    Ok(files)
}

fn root(krate: &Crate, services: &BTreeMap<&str, Vec<&Module>>, refused: bool) -> String {
    let mut text = String::new();
    if !krate.fault_ancestry.is_empty() {
        text.push_str("mod ancestry;\n");
    }
    if refused {
        text.push_str("mod refused;\n");
    }
    for service in services.keys() {
        text.push_str(&format!("mod {service};\n"));
    }
    text.push('\n');
    if !krate.fault_ancestry.is_empty() {
        text.push_str("pub use ancestry::FAULT_ANCESTRY;\n");
    }
    let mut operations = String::new();
    for module in services.values().flatten() {
        let path = format!("{}::{}", module.place.service, module.place.group);
        if !module.types.is_empty() {
            text.push_str(&format!("pub use {path}::{{{}}};\n", module.types.join(", ")));
        }
        if !module.operations.is_empty() {
            operations.push_str(&format!(
                "    pub use super::{path}::{{{}}};\n",
                module.operations.join(", ")
            ));
        }
    }
    text.push_str(&format!(
        "\n/// Request descriptions, one for each operation.\npub mod operation {{\n{operations}}}\n"
    ));
    text
}

/// Names of the lists of refusals that a crate's operations use.
fn used_lists(krate: &Crate) -> BTreeSet<&str> {
    let operations = krate.files.values().flat_map(|file| &file.operations);
    operations
        .filter_map(|operation| match &operation.refused {
            Refused::List(name) => Some(name.as_str()),
            Refused::Names(_) => None,
        })
        .collect()
}

fn refused(model: &Model, lists: &BTreeSet<&str>) -> Result<String> {
    let mut text = String::new();
    for list in lists {
        let names = model
            .refused
            .get(*list)
            .with_context(|| format!("no list `{list}` of refusals"))?;
        text.push_str(&format!(
            "/// The list `{list}` of `operations.toml`: errors which mean that nothing was done.\n\
             pub(super) const {}: &[&str] = &{names:?};\n\n",
            names::screaming(list)
        ));
    }
    Ok(text)
}

fn ancestry(krate: &Crate) -> String {
    let mut text = format!("use {WIRE}::Ancestry;\n\n");
    text.push_str("/// Every fault of the schema with its base, sorted by fault, generated here or not.\n");
    text.push_str("pub const FAULT_ANCESTRY: Ancestry = Ancestry::new(&[\n");
    for (name, base) in &krate.fault_ancestry {
        text.push_str(&format!("    ({name:?}, {base:?}),\n"));
    }
    text.push_str("]);\n");
    text
}
