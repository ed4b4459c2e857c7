//! Structures.

use anyhow::Result;

use super::super::model::Struct;
use super::super::names;
use super::page::{Argument, Page};
use super::types::{self, WIRE};
use super::{Scope, docs};

/// A structure.
///
/// # Errors
/// If the type of a field is not generated.
pub(super) fn page(scope: Scope<'_>, item: &Struct) -> Result<Page> {
    let mut page = Page::of_type(&item.rust, names::words(&item.wire));
    page.imports(WIRE, &["Extra", "Structure"]);
    docs::structure(scope, &mut page, item);
    let default = if item.has_default() { ", Default" } else { "" };
    page.line(&format!("#[derive(Clone, Debug{default}, PartialEq, Structure)]"));
    let arguments = arguments(scope, &mut page, item)?;
    page.attribute("wire", &arguments);
    if !item.input {
        page.line("#[non_exhaustive]");
    }
    let parameter = if item.is_generic() { "<T>" } else { "" };
    page.line(&format!("pub struct {}{parameter} {{", item.rust));
    for field in &item.fields {
        page.doc(4, &docs::field(field));
        types::field(scope, &mut page, field)?;
    }
    page.line("    /// Members that these models do not know.\n    pub extra: Extra,\n}");
    Ok(page)
}

/// What the derive must know.
fn arguments(scope: Scope<'_>, page: &mut Page, item: &Struct) -> Result<Vec<Argument>> {
    let name = item.body_of.as_ref().map_or(&item.wire, |_| &item.rust);
    let mut arguments = vec![Argument::Value("name", format!("{name:?}"))];
    if item.typed {
        arguments.push(Argument::List("bases", quoted(&item.bases)));
        let extends = extends(scope, page, item)?;
        if !extends.is_empty() {
            arguments.push(Argument::List("extends", extends));
        }
        if !item.descendants.is_empty() {
            arguments.push(Argument::List("descendants", quoted(&item.descendants)));
        }
    }
    if item.input && !item.is_generic() && !item.fields.is_empty() {
        arguments.push(Argument::Flag("builder"));
    }
    Ok(arguments)
}

fn quoted(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}")).collect()
}

/// The bases that are Rust types: generated ones, and that of all faults.
fn extends(scope: Scope<'_>, page: &mut Page, item: &Struct) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for base in &item.bases {
        if base == "MethodFault" {
            names.push(page.import(WIRE, base));
        } else if scope.model.index.contains_key(base) {
            names.push(types::named(scope, page, base)?);
        }
    }
    Ok(names)
}
