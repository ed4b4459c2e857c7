//! Rust types as text.

use anyhow::{Context, Result};

use super::super::model::{Field, Model, Type};
use super::page::Page;

/// Module of the hand-written runtime.
pub(super) const WIRE: &str = "farside_wire";

/// The type of a field as text; imports what it needs.
pub(super) fn field(model: &Model, krate: usize, page: &mut Page, field: &Field) -> Result<String> {
    let text = rust(model, krate, page, &field.ty)?;
    Ok(if field.required || is_collection(&field.ty) {
        text
    } else {
        format!("Option<{text}>")
    })
}

/// Whether absent and empty are the same.
pub(super) fn is_collection(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(_))
}

/// A type as text; imports what it needs.
pub(super) fn rust(model: &Model, krate: usize, page: &mut Page, ty: &Type) -> Result<String> {
    let plain = |text: &str| Ok(text.to_owned());
    match ty {
        Type::Bool => plain("bool"),
        Type::I8 => plain("i8"),
        Type::I16 => plain("i16"),
        Type::I32 => plain("i32"),
        Type::I64 => plain("i64"),
        Type::F64 => plain("f64"),
        Type::String => plain("String"),
        Type::Parameter => plain("T"),
        Type::Secret => Ok(page.import(WIRE, "Secret")),
        Type::Timestamp => Ok(page.import(WIRE, "Timestamp")),
        Type::EpochMillis => Ok(page.import(WIRE, "EpochMillis")),
        Type::Binary => Ok(page.import(WIRE, "Binary")),
        Type::Raw => Ok(page.import(WIRE, "RawJson")),
        Type::Any => Ok(page.import(WIRE, "Any")),
        Type::Fault => Ok(page.import(WIRE, "Fault")),
        Type::External(path) => {
            let (module, name) = path
                .rsplit_once("::")
                .with_context(|| format!("`{path}` is no path"))?;
            Ok(page.import(module, name))
        }
        Type::Named(schema) => named(model, krate, page, schema),
        Type::Object(schema) => {
            let name = named(model, krate, page, schema)?;
            Ok(format!("{}<{name}>", page.import(WIRE, "Object")))
        }
        Type::Generic(schema, argument) => {
            let argument = rust(model, krate, page, argument)?;
            Ok(format!("{}<{argument}>", named(model, krate, page, schema)?))
        }
        Type::List(inner) => Ok(format!("Vec<{}>", rust(model, krate, page, inner)?)),
        Type::Map(inner) => {
            let inner = rust(model, krate, page, inner)?;
            Ok(format!(
                "{}<String, {inner}>",
                page.import("std::collections", "BTreeMap")
            ))
        }
        Type::Boxed(inner) => Ok(format!("Box<{}>", rust(model, krate, page, inner)?)),
    }
}

/// The name of a generated type, imported from the root of its crate.
pub(super) fn named(model: &Model, krate: usize, page: &mut Page, schema: &str) -> Result<String> {
    let home = model
        .index
        .get(schema)
        .with_context(|| format!("`{schema}` is not generated"))?;
    if home.krate == krate {
        return Ok(page.import("crate", &home.rust));
    }
    let other = model
        .crates
        .get(home.krate)
        .context("a crate that does not exist")?;
    Ok(page.import(&super::crate_path(other), &home.rust))
}

/// A type for documentation: links instead of imports.
pub(super) fn link(model: &Model, krate: usize, ty: &Type) -> String {
    match ty {
        Type::Named(schema) => named_link(model, krate, schema),
        Type::Object(schema) => format!("any {}", named_link(model, krate, schema)),
        Type::Generic(schema, argument) => {
            format!(
                "{} of {}",
                named_link(model, krate, schema),
                link(model, krate, argument)
            )
        }
        Type::List(inner) => format!("an array of {}", link(model, krate, inner)),
        Type::Map(inner) => format!("a map of {}", link(model, krate, inner)),
        Type::Boxed(inner) => link(model, krate, inner),
        Type::External(path) => {
            let name = path.rsplit("::").next().unwrap_or(path);
            format!("[`{name}`]({path})")
        }
        Type::Bool => "a boolean".to_owned(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => "an integer".to_owned(),
        Type::F64 => "a number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::Secret => "a secret string".to_owned(),
        Type::Timestamp => "a time".to_owned(),
        Type::EpochMillis => "milliseconds since 1970".to_owned(),
        Type::Binary => "binary data".to_owned(),
        Type::Raw => "any JSON".to_owned(),
        Type::Any => "[`Any`](farside_wire::Any)".to_owned(),
        Type::Fault => "a [fault](farside_wire::Fault)".to_owned(),
        Type::Parameter => "the type parameter".to_owned(),
    }
}

fn named_link(model: &Model, krate: usize, schema: &str) -> String {
    match model.index.get(schema) {
        Some(home) if home.krate == krate => format!("[`{0}`](crate::{0})", home.rust),
        Some(home) => match model.crates.get(home.krate) {
            Some(other) => format!("[`{0}`]({1}::{0})", home.rust, super::crate_path(other)),
            None => format!("`{}`", home.rust),
        },
        None => format!("`{schema}`"),
    }
}
