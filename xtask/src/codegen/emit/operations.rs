//! Request descriptions.

use super::super::model::{Operation, Refused};
use super::super::names;
use super::page::Page;
use super::types::WIRE;
use super::{Scope, docs};
use crate::schemas::overlay::Repeat;

/// The constant that describes an operation.
pub(super) fn page(scope: Scope<'_>, operation: &Operation) -> Page {
    let mut page = Page::of_operation(&operation.rust);
    page.imports(WIRE, &["Method", "Operation", "Repeat", "Service"]);
    docs::operation(scope, &mut page, operation);
    let repeat = match operation.repeat {
        Repeat::Harmless => "Harmless",
        Repeat::OnlyIfNeverSent => "OnlyIfNeverSent",
    };
    let refused = match &operation.refused {
        Refused::List(name) => {
            let refused = page.import(scope.modules(), "refused");
            format!("{refused}::{}", names::screaming(name))
        }
        Refused::Names(names) => format!("&{names:?}"),
    };
    page.line(&format!("pub const {}: Operation = Operation {{", operation.rust));
    page.line(&format!("    id: {:?},", operation.id));
    page.line(&format!("    service: Service::{},", scope.model.service));
    page.line(&format!(
        "    method: Method::{},",
        names::pascal(&operation.method)
    ));
    page.line(&format!("    path: {:?},", operation.path));
    page.line(&format!("    query: {:?},", operation.query));
    page.line(&format!("    repeat: Repeat::{repeat},"));
    page.line(&format!("    since: {:?},", operation.since));
    page.line(&format!("    privileges: &{:?},", operation.privileges));
    page.line(&format!("    faults: &{:?},", operation.faults));
    page.line(&format!("    refused_before_acting: {refused},"));
    page.line(&format!("    anonymous: {},", operation.anonymous));
    page.line(&format!("    secrets: &{:?},\n}};", operation.secrets));
    page
}
