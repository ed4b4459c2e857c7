//! Open unions.

use anyhow::Result;

use super::super::model::Union;
use super::super::names;
use super::page::{Argument, Page};
use super::types::{self, WIRE};
use super::{Scope, docs};

/// An enum of structures that keeps variants it does not know.
///
/// # Errors
/// If a variant is not generated.
pub(super) fn page(scope: Scope<'_>, item: &Union) -> Result<Page> {
    let mut page = Page::of_type(&item.rust, names::words(&item.wire));
    page.imports(WIRE, &["Union", "UnknownVariant"]);
    docs::described(&mut page, item.doc.as_deref(), &item.wire);
    page.line("#[derive(Clone, Debug, PartialEq, Union)]");
    page.attribute(
        "wire",
        &[
            Argument::Value("name", format!("{:?}", item.rust)),
            Argument::Value("tag", format!("{:?}", item.tag)),
        ],
    );
    page.line("#[non_exhaustive]");
    page.line(&format!("pub enum {} {{", item.rust));
    for (value, variant, schema) in &item.variants {
        let ty = types::named(scope, &mut page, schema)?;
        let doc = item
            .docs
            .get(value)
            .map(|doc| format!("{doc} "))
            .unwrap_or_default();
        page.doc(4, &format!("{doc}`{}` is `{value}`.", item.tag));
        page.line(&format!("    #[wire({value:?})]\n    {variant}({ty}),"));
    }
    page.line("    /// A variant that these models do not know.\n    Unknown(UnknownVariant),\n}");
    Ok(page)
}
