//! Rust types as text.

use anyhow::{Context, Result};

use super::super::model::{Field, Type};
use super::super::names;
use super::super::read::Style;
use super::Scope;
use super::page::Page;

/// Module of the hand-written runtime.
pub(super) const WIRE: &str = "farside_wire";

/// The line of a field, with its attributes.
///
/// # Errors
/// If a type in it is not generated.
pub(super) fn field(scope: Scope<'_>, page: &mut Page, field: &Field) -> Result<()> {
    let mut arguments = Vec::new();
    if names::camel_wire(&field.rust) != field.wire {
        arguments.push(format!("name = {:?}", field.wire));
    }
    if field.required && field.style.is_none() && field.ty.is_collection() {
        arguments.push("required".to_owned());
    }
    match field.style.filter(|_| matches!(field.ty, Type::List(_))) {
        Some(Style::Repeated) => arguments.push("repeated".to_owned()),
        Some(Style::Comma) => arguments.push("comma".to_owned()),
        None => {}
    }
    if !arguments.is_empty() {
        page.line(&format!("    #[wire({})]", arguments.join(", ")));
    }
    let ty = rust(scope, page, &field.ty)?;
    let ty = if field.required || field.ty.is_collection() {
        ty
    } else {
        format!("Option<{ty}>")
    };
    page.line(&format!("    pub {}: {ty},", field.rust));
    Ok(())
}

/// A type as text; imports what it needs.
///
/// # Errors
/// If a type in it is not generated.
pub(super) fn rust(scope: Scope<'_>, page: &mut Page, ty: &Type) -> Result<String> {
    let mut runtime = |name: &str| Ok(page.import(WIRE, name));
    match ty {
        Type::Bool => Ok("bool".to_owned()),
        Type::I8 => Ok("i8".to_owned()),
        Type::I16 => Ok("i16".to_owned()),
        Type::I32 => Ok("i32".to_owned()),
        Type::I64 => Ok("i64".to_owned()),
        Type::F64 => Ok("f64".to_owned()),
        Type::String => Ok("String".to_owned()),
        Type::Parameter => Ok("T".to_owned()),
        Type::Secret => runtime("Secret"),
        Type::Timestamp => runtime("Timestamp"),
        Type::EpochMillis => runtime("EpochMillis"),
        Type::Binary => runtime("Binary"),
        Type::Raw => runtime("RawJson"),
        Type::Any => runtime("Any"),
        Type::Fault => runtime("Fault"),
        Type::External(path) => {
            let (module, name) = path
                .rsplit_once("::")
                .with_context(|| format!("`{path}` is no path"))?;
            Ok(page.import(module, name))
        }
        Type::Named(schema) => named(scope, page, schema),
        Type::Object(schema) => {
            let object = runtime("Object")?;
            Ok(format!("{object}<{}>", named(scope, page, schema)?))
        }
        Type::Generic(schema, argument) => {
            let argument = rust(scope, page, argument)?;
            Ok(format!("{}<{argument}>", named(scope, page, schema)?))
        }
        Type::List(inner) => Ok(format!("Vec<{}>", rust(scope, page, inner)?)),
        Type::Map(inner) => {
            let map = page.import("std::collections", "BTreeMap");
            Ok(format!("{map}<String, {}>", rust(scope, page, inner)?))
        }
        Type::Boxed(inner) => Ok(format!("Box<{}>", rust(scope, page, inner)?)),
    }
}

/// The name of a generated type, imported from the root of its crate.
///
/// # Errors
/// If it is not generated.
pub(super) fn named(scope: Scope<'_>, page: &mut Page, schema: &str) -> Result<String> {
    let (module, rust) = home(scope, schema)?;
    Ok(page.import(&module, rust))
}

/// Module and name of a generated type.
///
/// # Errors
/// If it is not generated.
pub(super) fn home<'a>(scope: Scope<'a>, schema: &str) -> Result<(String, &'a str)> {
    let home = scope.model.index.get(schema);
    let home = home.with_context(|| format!("`{schema}` is not generated"))?;
    if home.krate == scope.krate {
        return Ok((scope.root().to_owned(), &home.rust));
    }
    let other = scope.model.crates.get(home.krate);
    let other = other.context("a crate that does not exist")?;
    Ok((super::crate_path(other), &home.rust))
}

/// A type for documentation: links instead of imports.
pub(super) fn link(scope: Scope<'_>, ty: &Type) -> String {
    match ty {
        Type::Named(schema) => named_link(scope, schema),
        Type::Object(schema) => format!("any {}", named_link(scope, schema)),
        Type::Generic(schema, argument) => {
            format!("{} of {}", named_link(scope, schema), link(scope, argument))
        }
        Type::List(inner) => format!("an array of {}", link(scope, inner)),
        Type::Map(inner) => format!("a map of {}", link(scope, inner)),
        Type::Boxed(inner) => link(scope, inner),
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
        Type::Any => format!("[`Any`]({WIRE}::Any)"),
        Type::Fault => format!("a [fault]({WIRE}::Fault)"),
        Type::Parameter => "the type parameter".to_owned(),
    }
}

/// A link to a generated type.
pub(super) fn named_link(scope: Scope<'_>, schema: &str) -> String {
    match home(scope, schema) {
        Ok((module, rust)) => format!("[`{rust}`]({module}::{rust})"),
        Err(_) => format!("`{schema}`"),
    }
}
