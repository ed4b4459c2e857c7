//! Open enums.

use super::super::model::Enum;
use super::super::names;
use super::docs;
use super::page::{Argument, Page};
use super::types::WIRE;

/// An enum that keeps values it does not know.
pub(super) fn page(item: &Enum) -> Page {
    let mut page = Page::of_type(&item.rust, names::words(&item.wire));
    page.imports(WIRE, &["OpenEnum", "UnknownValue"]);
    docs::described(&mut page, item.doc.as_deref(), &item.wire);
    page.line("#[derive(Clone, Debug, PartialEq, Eq, Hash, OpenEnum)]");
    page.attribute("wire", &[Argument::Value("name", format!("{:?}", item.rust))]);
    page.line("#[non_exhaustive]");
    page.line(&format!("pub enum {} {{", item.rust));
    for value in &item.values {
        match &value.doc {
            Some(doc) => page.doc(4, &format!("{doc} On the wire `{}`.", value.wire)),
            None => page.doc(4, &format!("`{}`", value.wire)),
        }
        page.line(&format!("    #[wire({:?})]\n    {},", value.wire, value.rust));
    }
    page.line("    /// A value that these models do not know.\n    Unknown(UnknownValue),\n}");
    page
}
