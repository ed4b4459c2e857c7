//! What an operations file may leave out, told from the document.

use anyhow::{Result, bail};

use super::cut::schemas;
use super::overlay::{CrateRule, Layout, Overlay, Place, Placed};
use crate::json::Json;

/// A dialect: what `farside_wire::Service` calls it, and what the wire runtime has for it.
struct Dialect {
    service: &'static str,
    /// Folder of what no tag names a service for.
    folder: &'static str,
    /// Types written by hand: schema name and Rust path.
    external: &'static [(&'static str, &'static str)],
}

const VI_JSON: Dialect = Dialect {
    service: "ViJson",
    folder: "vim",
    external: &[
        ("KeyAnyValue", "farside_wire::KeyAnyValue"),
        ("LocalizableMessage", "farside_wire::LocalizableMessage"),
        ("ManagedObjectReference", "farside_wire::ManagedObjectReference"),
        ("MethodFault", "farside_wire::MethodFault"),
    ],
};

const VCENTER_REST: Dialect = Dialect {
    service: "VcenterRest",
    folder: "vcenter",
    external: &[("Vapi.Std.LocalizableMessage", "farside_wire::StdMessage")],
};

const VCDA: Dialect = Dialect {
    service: "Vcda",
    folder: "vcda",
    external: &[("ApiError", "farside_wire::ApiError")],
};

/// Fills in what the overlay of a module leaves out.
///
/// # Errors
/// If neither overlay nor document tells the dialect.
pub(crate) fn complete(overlay: &mut Overlay, name: &str, full: &Json) -> Result<()> {
    let dialects = [VI_JSON, VCENTER_REST, VCDA];
    let Some(dialect) = dialects
        .into_iter()
        .find(|dialect| match overlay.service.as_str() {
            "" => speaks(full, dialect),
            told => dialect.service == told,
        })
    else {
        bail!(
            "{name} does not tell which dialect it speaks; say `service = \"ViJson\"`, `\"VcenterRest\"` or `\"Vcda\"`"
        );
    };
    dialect.service.clone_into(&mut overlay.service);
    overlay.layout = Layout::Module;
    overlay.crates = vec![CrateRule {
        folder: String::new(),
        service: dialect.folder.to_owned(),
        prefix: String::new(),
    }];
    for (schema, path) in dialect.external {
        let told = overlay.external.entry((*schema).to_owned());
        told.or_insert_with(|| Placed {
            text: (*path).to_owned(),
            place: Place::default(),
        });
    }
    Ok(())
}

fn speaks(full: &Json, dialect: &Dialect) -> bool {
    let schema = |name| schemas(full).and_then(|schemas| schemas.get(name));
    match dialect.service {
        "ViJson" => schema("Any")
            .and_then(|any| any.get("discriminator"))
            .is_some_and(|discriminator| discriminator.text("propertyName") == Some("_typeName")),
        "VcenterRest" => schemas(full)
            .map(Json::members)
            .unwrap_or_default()
            .iter()
            .any(|(name, _)| name.starts_with("Vapi.Std.")),
        _ => full.get("x-farside-media-type").is_some() || has_versioned_media(full),
    }
}

/// Whether an answer has the versioned media type of VCDA.
fn has_versioned_media(full: &Json) -> bool {
    let items = full.get("paths").map(Json::members).unwrap_or_default().iter();
    let operations = items.flat_map(|(_, item)| item.members());
    let answers = operations.filter_map(|(_, operation)| operation.get("responses"));
    let answers = answers.flat_map(Json::members);
    let mut media = answers
        .filter_map(|(_, answer)| answer.get("content"))
        .flat_map(Json::members);
    media.any(|(name, _)| name.contains("vnd.vmware.h4"))
}
