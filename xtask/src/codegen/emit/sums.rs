//! Open enums and open unions.

use anyhow::Result;

use super::super::model::{Enum, Model, Union};
use super::page::Page;
use super::types::{self, WIRE};

/// An enum that keeps values it does not know.
pub(super) fn open_enum(item: &Enum) -> Page {
    let mut page = Page::of_type(&item.rust);
    let name = &item.rust;
    page.imports(
        "serde",
        &["Deserialize", "Deserializer", "Serialize", "Serializer"],
    );
    page.imports(WIRE, &["OpenEnum", "UnknownValue", "read_enum", "write_enum"]);
    page.import("std", "fmt");
    described(&mut page, item.doc.as_deref(), &item.wire);
    page.line("#[derive(Clone, Debug, PartialEq, Eq, Hash)]\n#[non_exhaustive]");
    page.line(&format!("pub enum {name} {{"));
    for (wire, rust) in variants(item) {
        page.line(&format!("    /// `{wire}`\n    {rust},"));
    }
    page.line("    /// A value that these models do not know.\n    Unknown(UnknownValue),\n}\n");

    page.line(&format!("impl OpenEnum for {name} {{"));
    page.line(&format!("    const NAME: &'static str = {name:?};"));
    let values: Vec<String> = variants(item).map(|(_, rust)| format!("Self::{rust}")).collect();
    page.line(&format!(
        "    const VALUES: &'static [Self] = &[{}];\n",
        values.join(", ")
    ));
    page.line("    fn as_wire(&self) -> &str {\n        match self {");
    for (wire, rust) in variants(item) {
        page.line(&format!("            Self::{rust} => {wire:?},"));
    }
    page.line("            Self::Unknown(value) => value.as_str(),\n        }\n    }\n");
    page.line("    fn unknown(value: UnknownValue) -> Self {\n        Self::Unknown(value)\n    }\n}\n");

    page.line(&format!("impl fmt::Display for {name} {{"));
    page.line("    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {");
    page.line("        formatter.write_str(self.as_wire())\n    }\n}\n");
    serde(&mut page, name, "enum");
    page
}

/// Wire text and variant of each known value. A server's own word for "unknown" must not be taken for ours.
fn variants(item: &Enum) -> impl Iterator<Item = (&str, &str)> {
    item.values.iter().map(|(wire, rust)| {
        (
            wire.as_str(),
            if rust == "Unknown" {
                "ReportedUnknown"
            } else {
                rust
            },
        )
    })
}

/// An enum of structures that keeps variants it does not know.
///
/// # Errors
/// If a variant is not generated.
pub(super) fn union(model: &Model, krate: usize, item: &Union) -> Result<Page> {
    let mut page = Page::of_type(&item.rust);
    let name = &item.rust;
    page.imports(
        "serde",
        &["Deserialize", "Deserializer", "Serialize", "Serializer"],
    );
    page.import("serde::de", "MapAccess");
    page.import("serde::ser", "SerializeMap");
    page.imports(
        WIRE,
        &[
            "MemberReader",
            "MemberWriter",
            "Union",
            "UnknownVariant",
            "read_union",
            "write_union",
        ],
    );
    let mut variants = Vec::new();
    for (value, variant, schema) in &item.variants {
        variants.push((value, variant, types::named(model, krate, &mut page, schema)?));
    }
    described(&mut page, item.doc.as_deref(), &item.wire);
    page.line("#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]");
    page.line(&format!("pub enum {name} {{"));
    for (value, variant, ty) in &variants {
        page.line(&format!(
            "    /// `{}` is `{value}`.\n    {variant}({ty}),",
            item.tag
        ));
    }
    page.line("    /// A variant that these models do not know.\n    Unknown(UnknownVariant),\n}\n");

    page.line(&format!("impl Union for {name} {{"));
    page.line(&format!(
        "    const NAME: &'static str = {name:?};\n    const TAG: &'static str = {:?};\n",
        item.tag
    ));
    page.line("    fn read<'de, A: MapAccess<'de>>(tag: Option<&str>, members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {");
    page.line("        match tag {");
    for (value, variant, _) in &variants {
        page.line(&format!(
            "            Some({value:?}) => members.variant().map(Self::{variant}),"
        ));
    }
    page.line("            _ => members.unknown_variant(tag).map(Self::Unknown),\n        }\n    }\n");
    page.line("    fn tag(&self) -> Option<&str> {\n        match self {");
    for (value, variant, _) in &variants {
        page.line(&format!("            Self::{variant}(_) => Some({value:?}),"));
    }
    page.line("            Self::Unknown(variant) => variant.tag(),\n        }\n    }\n");
    page.line("    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {\n        match self {");
    for (_, variant, _) in &variants {
        page.line(&format!(
            "            Self::{variant}(variant) => members.structure(variant),"
        ));
    }
    page.line(
        "            Self::Unknown(variant) => members.unknown_variant(variant),\n        }\n    }\n}\n",
    );
    for (_, variant, ty) in &variants {
        page.line(&format!(
            "impl From<{ty}> for {name} {{\n    fn from(variant: {ty}) -> Self {{"
        ));
        page.line(&format!("        Self::{variant}(variant)\n    }}\n}}\n"));
    }
    serde(&mut page, name, "union");
    Ok(page)
}

fn described(page: &mut Page, doc: Option<&str>, wire: &str) {
    if let Some(doc) = doc {
        page.doc(0, doc);
        page.line("///");
    }
    page.doc(0, &format!("Schema `{}`.", wire));
}

fn serde(page: &mut Page, name: &str, kind: &str) {
    page.line(&format!("impl<'de> Deserialize<'de> for {name} {{"));
    page.line("    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {");
    page.line(&format!("        read_{kind}(deserializer)\n    }}\n}}\n"));
    page.line(&format!("impl Serialize for {name} {{"));
    page.line("    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {");
    page.line(&format!("        write_{kind}(self, serializer)\n    }}\n}}\n"));
}
