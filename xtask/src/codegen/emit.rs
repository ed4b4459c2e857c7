//! Fourth stage: the model as Rust text.

mod docs;
mod enums;
mod exports;
mod index;
mod listing;
mod manifest;
mod operations;
mod page;
mod parts;
mod queries;
mod registry;
mod structs;
mod types;
mod unions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};

use super::Files;
use super::format::Formatter;
use super::model::{Crate, Item, Model};
use crate::schemas::overlay::Layout;
use page::Page;
use parts::Module;

/// Longest generated file.
pub(super) const MAX_LINES: usize = 1000;

/// A crate of the model, while its text is written.
#[derive(Clone, Copy)]
struct Scope<'a> {
    model: &'a Model,
    krate: usize,
}

impl<'a> Scope<'a> {
    /// Where the types of the crate are, as its files name it.
    fn root(self) -> &'static str {
        match self.model.layout {
            Layout::Crates => "crate",
            Layout::Module => "super::super",
        }
    }

    /// Where the generated modules are, as the crate's files name it.
    fn modules(self) -> &'static str {
        match self.model.layout {
            Layout::Crates => "crate::generated",
            Layout::Module => "super::super",
        }
    }

    fn content(self) -> Result<&'a Crate> {
        self.model
            .crates
            .get(self.krate)
            .context("a crate that does not exist")
    }
}

/// Generated lines of each crate.
pub(super) fn lines_by_crate(files: &Files) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    for (path, text) in files {
        let (krate, generated) = match path.split_once("/src/generated/") {
            Some((krate, _)) => (krate.trim_start_matches("crates/"), true),
            // The registry for the tests and the manifest are no code of the crate.
            None => (".", !path.starts_with("crates/")),
        };
        if generated {
            *lines.entry(krate).or_default() += text.lines().count();
        }
    }
    lines
}

/// All files of a model: path and formatted text. With a crate for each service these are its modules, the
/// registry for its tests, and its manifest with the table of features, below the root of the workspace; else the modules
/// alone, below the folder that is asked for.
///
/// # Errors
/// If rustfmt fails, or a manifest of the workspace cannot be read.
pub(super) fn files(model: &Model, formatter: &Formatter) -> Result<Files> {
    let mut files = Files::new();
    for krate in 0..model.crates.len() {
        let scope = Scope { model, krate };
        let folder = match model.layout {
            Layout::Crates => format!("crates/{}/src/generated/", scope.content()?.folder),
            Layout::Module => String::new(),
        };
        for (name, text) in modules(scope, formatter)? {
            files.insert(format!("{folder}{name}"), text);
        }
        if model.layout == Layout::Crates {
            files.extend(around(scope, formatter)?);
        }
    }
    Ok(files)
}

/// The modules of one crate, by path below its generated folder.
fn modules(scope: Scope<'_>, formatter: &Formatter) -> Result<BTreeMap<String, String>> {
    let mut modules: Vec<Module> = Vec::new();
    for (place, file) in &scope.content()?.files {
        let named = || format!("{}/{}.rs", place.service, place.group);
        let operations = file
            .operations
            .iter()
            .map(|operation| Ok(operations::page(scope, operation)));
        let items = file.items.iter().map(|item| page(scope, item));
        let pages = operations.chain(items).collect::<Result<Vec<_>>>();
        let parts = pages.and_then(|pages| parts::modules(scope, place, &pages, formatter));
        modules.extend(parts.with_context(named)?);
    }
    let mut files = BTreeMap::new();
    for (name, text) in index::files(scope, &modules)? {
        let text = formatter.format(&(header(scope.model) + &text));
        files.insert(name.clone(), text.with_context(|| name)?);
    }
    for module in modules {
        let name = format!("{}/{}.rs", module.place.service, module.place.group);
        if files.insert(name.clone(), module.text).is_some() {
            bail!("two groups of types or operations go into one file, {name}; give the types a `group`");
        }
    }
    Ok(files)
}

/// What a crate has beside its modules: the registry for its tests, and its manifest.
fn around(scope: Scope<'_>, formatter: &Formatter) -> Result<Files> {
    let folder = format!("crates/{}", scope.content()?.folder);
    let registry = format!("{folder}/tests/generated/types.rs");
    let text = header(scope.model) + &registry::text(scope)?;
    let text = formatter.format(&text).with_context(|| registry.clone())?;
    let manifest = format!("{folder}/Cargo.toml");
    let old = fs::read_to_string(formatter.root().join(&manifest))
        .with_context(|| format!("reading {manifest}"))?;
    let new = manifest::with_features(&old, &features(scope)?).with_context(|| manifest.clone())?;
    Ok(Files::from([(registry, text), (manifest, new)]))
}

/// The features of a crate.
fn features(scope: Scope<'_>) -> Result<BTreeSet<&str>> {
    let places = scope.content()?.files.keys();
    Ok(places
        .flat_map(|place| &place.features)
        .map(String::as_str)
        .collect())
}

fn page(scope: Scope<'_>, item: &Item) -> Result<Page> {
    match item {
        Item::Struct(item) => structs::page(scope, item).with_context(|| format!("schema `{}`", item.wire)),
        Item::Enum(item) => Ok(enums::page(item)),
        Item::Union(item) => unions::page(scope, item).with_context(|| format!("schema `{}`", item.wire)),
        Item::Query(item) => queries::page(scope, item).with_context(|| item.rust.clone()),
    }
}

fn header(model: &Model) -> String {
    let origin = &model.origin;
    format!(
        "//! Generated by `cargo xtask codegen`, do not edit by hand.\n//!\n//! Schema: {} {}, sha256 {}.\n\n",
        origin.name, origin.version, origin.digest
    )
}

/// The folder of a crate as Rust writes it: `models-vim` becomes `farside_models_vim`.
fn crate_path(krate: &Crate) -> String {
    format!("farside_{}", krate.folder.replace('-', "_"))
}

/// The line that leaves out what follows it without one of the features.
fn cfg(features: &[String]) -> String {
    let features: Vec<String> = features.iter().map(|one| format!("feature = {one:?}")).collect();
    match &features[..] {
        [] => String::new(),
        [only] => format!("#[cfg({only})]\n"),
        several => format!("#[cfg(any({}))]\n", several.join(", ")),
    }
}

#[cfg(test)]
mod tests;
