//! Query parameters.

use anyhow::Result;

use super::super::model::Query;
use super::super::names;
use super::page::Page;
use super::types::{self, WIRE};
use super::{Scope, docs};

/// The query parameters of one operation, or of those that share them.
///
/// # Errors
/// If the type of a parameter is not generated.
pub(super) fn page(scope: Scope<'_>, item: &Query) -> Result<Page> {
    let mut page = Page::of_type(&item.rust, names::words(&item.rust));
    page.import(WIRE, "QueryParameters");
    docs::query(scope, &mut page, item);
    let default = if item.fields.iter().all(|field| !field.required) {
        ", Default"
    } else {
        ""
    };
    page.line(&format!(
        "#[derive(Clone, Debug{default}, PartialEq, QueryParameters)]"
    ));
    page.line(&format!("pub struct {} {{", item.rust));
    for field in &item.fields {
        page.doc(4, &docs::field(field));
        types::field(scope, &mut page, field)?;
    }
    page.line("}");
    Ok(page)
}
