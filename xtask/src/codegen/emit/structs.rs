//! Structures: declaration, constructors, reading and writing.

use anyhow::Result;

use super::super::model::{Field, Model, Struct, Type};
use super::page::Page;
use super::types::{self, WIRE};

/// A structure with all its implementations.
pub(super) fn page(model: &Model, krate: usize, item: &Struct) -> Result<Page> {
    let mut page = Page::of_type(&item.rust);
    page.imports(
        "serde",
        &["Deserialize", "Deserializer", "Serialize", "Serializer"],
    );
    page.import("serde::de", "MapAccess");
    page.import("serde::ser", "SerializeMap");
    let runtime = [
        "Extra",
        "MemberReader",
        "MemberWriter",
        "Structure",
        "read_structure",
        "write_structure",
    ];
    page.imports(WIRE, &runtime);
    declare(model, krate, &mut page, item)?;
    if item.input && !item.generic {
        construct(model, krate, &mut page, item)?;
    }
    structure(&mut page, item);
    serde(&mut page, item);
    if item.typed {
        data_type(model, krate, &mut page, item)?;
    }
    Ok(page)
}

/// Whether every member may be absent, so that there is a value with none.
fn has_default(item: &Struct) -> bool {
    !item.generic && item.fields.iter().all(|field| !field.required)
}

fn declare(model: &Model, krate: usize, page: &mut Page, item: &Struct) -> Result<()> {
    if let Some(doc) = &item.doc {
        page.doc(0, doc);
        page.line("///");
    }
    let since = item
        .since
        .as_ref()
        .map(|since| format!(", since {since}"))
        .unwrap_or_default();
    let base = item
        .bases
        .first()
        .filter(|base| *base != "Any" && *base != "DataObject");
    let base = base
        .map(|base| format!("; derives from `{base}`"))
        .unwrap_or_default();
    let what = if item.typed { "Wire name" } else { "Schema" };
    page.doc(0, &format!("{what} `{}`{base}{since}.", item.wire));
    let default = if has_default(item) { ", Default" } else { "" };
    page.line(&format!("#[derive(Clone, Debug{default}, PartialEq)]"));
    if !item.input {
        page.line("#[non_exhaustive]");
    }
    page.line(&format!(
        "pub struct {}{} {{",
        item.rust,
        if item.generic { "<T>" } else { "" }
    ));
    for field in &item.fields {
        page.doc(4, &field_doc(model, krate, field));
        let ty = types::field(model, krate, page, field)?;
        page.line(&format!("    pub {}: {ty},", field.rust));
    }
    page.doc(4, "Members that these models do not know.");
    page.line("    pub extra: Extra,\n}\n");
    Ok(())
}

fn field_doc(model: &Model, krate: usize, field: &Field) -> String {
    let mut facts = Vec::new();
    if field.doc.is_none() {
        let mut ty = types::link(model, krate, &field.ty);
        if let Some(target) = &field.target {
            ty.push_str(&format!(" to a `{target}`"));
        }
        facts.push(ty);
    }
    if let Some(since) = &field.since {
        facts.push(format!("since {since}"));
    }
    let facts = facts.join(", ");
    match &field.doc {
        Some(doc) if facts.is_empty() => format!("{doc} Wire name `{}`.", field.wire),
        Some(doc) => format!("{doc} Wire name `{}`, {facts}.", field.wire),
        None => format!("`{}`: {facts}.", field.wire),
    }
}

/// `new` for the required members, a setter for each of the others.
fn construct(model: &Model, krate: usize, page: &mut Page, item: &Struct) -> Result<()> {
    if item.fields.is_empty() {
        return Ok(());
    }
    page.line(&format!("impl {} {{", item.rust));
    if !has_default(item) {
        let mut parameters = Vec::new();
        let mut members = Vec::new();
        for field in &item.fields {
            if field.required {
                let (ty, value) = parameter(model, krate, page, field)?;
                parameters.push(format!("{}: {ty}", field.rust));
                members.push(if value == field.rust {
                    value
                } else {
                    format!("{}: {value}", field.rust)
                });
            } else if types::is_collection(&field.ty) {
                members.push(format!(
                    "{}: {}::new()",
                    field.rust,
                    if matches!(field.ty, Type::List(_)) {
                        "Vec"
                    } else {
                        "BTreeMap"
                    }
                ));
            } else {
                members.push(format!("{}: None", field.rust));
            }
        }
        page.doc(4, "A value with the required members.");
        page.line(&format!("    pub fn new({}) -> Self {{", parameters.join(", ")));
        page.line(&format!(
            "        Self {{ {}, extra: Extra::new() }}\n    }}\n",
            members.join(", ")
        ));
    }
    for field in item.fields.iter().filter(|field| !field.required) {
        let (ty, value) = parameter(model, krate, page, field)?;
        let value = if types::is_collection(&field.ty) {
            value
        } else {
            format!("Some({value})")
        };
        page.doc(4, &format!("Sets `{}`.", field.wire));
        page.line("    #[must_use]");
        let name = field.rust.trim_end_matches('_');
        page.line(&format!(
            "    pub fn with_{name}(mut self, {}: {ty}) -> Self {{",
            field.rust
        ));
        page.line(&format!(
            "        self.{} = {value};\n        self\n    }}\n",
            field.rust
        ));
    }
    page.line("}\n");
    Ok(())
}

/// Type of a parameter that sets `field`, and the value made of it.
fn parameter(model: &Model, krate: usize, page: &mut Page, field: &Field) -> Result<(String, String)> {
    let ty = types::rust(model, krate, page, &field.ty)?;
    Ok(match &field.ty {
        Type::String => ("impl Into<String>".to_owned(), format!("{}.into()", field.rust)),
        Type::Boxed(_) => (
            ty.trim_start_matches("Box<").trim_end_matches('>').to_owned(),
            format!("Box::new({})", field.rust),
        ),
        _ => (ty, field.rust.clone()),
    })
}

fn structure(page: &mut Page, item: &Struct) {
    let (parameters, name) = head(page, item, "");
    page.line(&format!("impl{parameters} Structure for {name} {{"));
    page.line(&format!("    const NAME: &'static str = {:?};", wire_name(item)));
    page.line(&format!("    const TAGGED: bool = {};\n", item.typed));
    page.line(
        "    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {",
    );
    if has_default(item) {
        read_into_default(page, item);
    } else {
        read_into_parts(page, item);
    }
    page.line("    }\n");
    let members = if item.fields.is_empty() {
        "_members"
    } else {
        "members"
    };
    page.line(&format!(
        "    fn write<M: SerializeMap>(&self, {members}: &mut MemberWriter<M>) -> Result<(), M::Error> {{"
    ));
    write_members(page, item);
    page.line("    }\n");
    page.line("    fn extra(&self) -> &Extra {\n        &self.extra\n    }\n}\n");
}

/// The name that error texts and `_typeName` have; request types and inline bodies have no other than Rust's.
fn wire_name(item: &Struct) -> &str {
    if item.typed { &item.wire } else { &item.rust }
}

fn read_into_default(page: &mut Page, item: &Struct) {
    if item.fields.is_empty() {
        page.line("        while let Some(member) = members.next_name()? {\n            members.keep(member)?;\n        }");
        page.line("        Ok(Self { extra: members.extra() })");
        return;
    }
    page.line("        let mut this = Self::default();");
    page.line("        while let Some(member) = members.next_name()? {");
    page.line("            match &*member {");
    for field in &item.fields {
        let empty = if types::is_collection(&field.ty) {
            ".unwrap_or_default()"
        } else {
            ""
        };
        page.line(&format!(
            "                {0:?} => this.{1} = members.value({0:?})?{empty},",
            field.wire, field.rust
        ));
    }
    page.line("                _ => members.keep(member)?,\n            }\n        }");
    page.line("        this.extra = members.extra();\n        Ok(this)");
}

fn read_into_parts(page: &mut Page, item: &Struct) {
    for field in &item.fields {
        page.line(&format!("        let mut {} = None;", local(field)));
    }
    page.line("        while let Some(member) = members.next_name()? {");
    page.line("            match &*member {");
    for field in &item.fields {
        page.line(&format!(
            "                {0:?} => {1} = members.value({0:?})?,",
            field.wire,
            local(field)
        ));
    }
    page.line("                _ => members.keep(member)?,\n            }\n        }");
    page.line("        Ok(Self {");
    for field in &item.fields {
        let (rust, local) = (&field.rust, local(field));
        page.line(&match (field.required, types::is_collection(&field.ty)) {
            (true, _) => format!(
                "            {rust}: members.required({:?}, {local})?,",
                field.wire
            ),
            (false, true) => format!("            {rust}: {local}.unwrap_or_default(),"),
            (false, false) if *rust == local => format!("            {rust},"),
            (false, false) => format!("            {rust}: {local},"),
        });
    }
    page.line("            extra: members.extra(),\n        })");
}

/// The variable that holds a field's value while its object is read.
fn local(field: &Field) -> String {
    match field.rust.as_str() {
        "member" | "members" => format!("{}_", field.rust),
        name => name.to_owned(),
    }
}

fn write_members(page: &mut Page, item: &Struct) {
    if item.fields.is_empty() {
        page.line("        Ok(())");
    }
    for (index, field) in item.fields.iter().enumerate() {
        let how = match (field.required, &field.ty) {
            (true, _) => "required",
            (false, Type::List(_)) => "array",
            (false, Type::Map(_)) => "map",
            (false, _) => "optional",
        };
        let end = if index + 1 < item.fields.len() { "?;" } else { "" };
        page.line(&format!(
            "        members.{how}({:?}, &self.{}){end}",
            field.wire, field.rust
        ));
    }
}

fn serde(page: &mut Page, item: &Struct) {
    let (parameters, name) = head(page, item, "'de, ");
    let parameters = if parameters.is_empty() {
        "<'de>".to_owned()
    } else {
        parameters
    };
    page.line(&format!("impl{parameters} Deserialize<'de> for {name} {{"));
    page.line("    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {");
    page.line("        read_structure(deserializer)\n    }\n}\n");
    let (parameters, name) = head(page, item, "");
    page.line(&format!("impl{parameters} Serialize for {name} {{"));
    page.line("    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {");
    page.line("        write_structure(self, serializer)\n    }\n}\n");
}

/// Parameters and self type of an implementation.
fn head(page: &mut Page, item: &Struct, lifetime: &str) -> (String, String) {
    if !item.generic {
        return (String::new(), item.rust.clone());
    }
    page.import("serde::de", "DeserializeOwned");
    (
        format!("<{lifetime}T: Serialize + DeserializeOwned>"),
        format!("{}<T>", item.rust),
    )
}

fn data_type(model: &Model, krate: usize, page: &mut Page, item: &Struct) -> Result<()> {
    let list = |names: &[String]| {
        names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    page.import(WIRE, "DataType");
    page.line(&format!("impl DataType for {} {{", item.rust));
    page.line("    fn bases() -> &'static [&'static str] {");
    page.line(&format!("        &[{}]\n    }}", list(&item.bases)));
    if !item.descendants.is_empty() {
        page.line("\n    fn descendants() -> &'static [&'static str] {");
        page.line(&format!("        &[{}]\n    }}", list(&item.descendants)));
    }
    page.line("}\n");
    for base in &item.bases {
        let name = match base.as_str() {
            "MethodFault" => page.import(WIRE, "MethodFault"),
            base if model.index.contains_key(base) => types::named(model, krate, page, base)?,
            _ => continue,
        };
        page.import(WIRE, "Extends");
        page.line(&format!("impl Extends<{name}> for {} {{}}", item.rust));
    }
    Ok(())
}
