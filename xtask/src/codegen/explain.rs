//! `cargo xtask codegen explain TYPE`: why a type is generated, or what would bring it.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::graph::Graph;
use super::model::Model;
use super::resolve::{by_hand, is_box};
use super::source::Source;
use super::{Foreign, read};
use crate::json::Json;
use crate::schemas::links::Links;
use crate::schemas::{self, nearest};

/// How many ways or operations are shown.
const SHOWN: usize = 10;

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Name of a type, in the document or in Rust.
    #[arg(value_name = "TYPE")]
    pub name: String,
    /// Look in this document, not in the checked-in ones.
    #[command(flatten)]
    pub foreign: Foreign,
}

/// Prints why the type is generated.
///
/// # Errors
/// If a document cannot be read or generated, or none has the type.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub(super) fn run(args: &Args) -> Result<()> {
    let name = &args.name;
    if let (Some(from), Some(operations)) = (&args.foreign.from, &args.foreign.operations) {
        print!("{}", explain(&Source::foreign(from, operations, false)?, name)?);
        return Ok(());
    }
    let mut found = false;
    let mut known = BTreeSet::new();
    for product in schemas::products()? {
        let source = Source::without_texts(&product)?;
        if knows(&source, name)? {
            print!("{}", explain(&source, name)?);
            found = true;
        }
        let full = source.full.as_ref().and_then(schemas::cut::schemas);
        known.extend(
            full.map(Json::members)
                .unwrap_or_default()
                .iter()
                .map(|(name, _)| name.clone()),
        );
    }
    if !found {
        bail!(
            "no checked-in document has a type `{name}`{}\n`--from DOCUMENT --operations FILE` looks in a whole one",
            nearest::hint(name, known.iter().map(String::as_str))
        );
    }
    Ok(())
}

fn knows(source: &Source, name: &str) -> Result<bool> {
    let schemas = source.full.as_ref().and_then(schemas::cut::schemas);
    Ok(schemas.is_some_and(|schemas| schemas.get(name).is_some()) || key(&source.model()?, name).is_some())
}

/// The key of a generated type, by its name in the document or in Rust.
fn key<'a>(model: &'a Model, name: &str) -> Option<&'a str> {
    if let Some((key, _)) = model.index.get_key_value(name) {
        return Some(key);
    }
    let mut homes = model.index.iter();
    homes
        .find(|(_, home)| home.rust == name)
        .map(|(key, _)| key.as_str())
}

/// Why a type is generated, in words.
pub(super) fn explain(source: &Source, name: &str) -> Result<String> {
    let model = source.model()?;
    if let Some(key) = key(&model, name) {
        return Ok(generated(source, &model, key));
    }
    if let Some(path) = by_hand(&source.overlay, name) {
        return Ok(format!(
            "`{name}` is not generated: it is written by hand as `{path}`.\n"
        ));
    }
    if let Some(what) = source.full.as_ref().and_then(|full| no_type(source, full, name)) {
        return Ok(format!("`{name}` is not generated: {what}.\n"));
    }
    let generic = source
        .document
        .schemas
        .iter()
        .find_map(|named| match &named.schema {
            read::Schema::Object(object) if named.name == name => object.generic.as_ref(),
            _ => None,
        });
    if let Some((of, argument)) = generic
        && let Some(key) = key(&model, of)
    {
        let why = generated(source, &model, key);
        return Ok(format!("`{name}` is `{of}` of `{argument}`.\n{why}"));
    }
    match &source.full {
        Some(full) => absent(source, &model, full, name),
        None => bail!("{} has no type `{name}`", source.document.name),
    }
}

/// Why a schema of the document is no type, if it is none.
fn no_type(source: &Source, full: &Json, name: &str) -> Option<String> {
    let schema = schemas::cut::schemas(full)?.get(name)?;
    match read::kind(name, schema) {
        Ok(Some(schema)) if is_box(&source.overlay, &schema) => Some(
            "it says how a value travels in an `Any`, which is written by hand as `farside_wire::Any`"
                .to_owned(),
        ),
        Ok(None) => Some(
            "it is but another name for a text, a number, an array or a map, which is used in its place"
                .to_owned(),
        ),
        Ok(Some(_)) | Err(_) => None,
    }
}

fn generated(source: &Source, model: &Model, key: &str) -> String {
    let Some((key, home)) = model.index.get_key_value(key) else {
        return String::new();
    };
    let krate = model.crates.get(home.krate).filter(|_| source.is_ours());
    let krate = krate.map_or_else(String::new, |krate| {
        format!("farside_{}::", krate.folder.replace('-', "_"))
    });
    let line = source.document.schemas.iter().find(|named| named.name == *key);
    let line = line.map_or_else(String::new, |named| {
        format!(" ({}:{})", source.document.name, named.line)
    });
    let mut text = format!("`{key}`{line} is generated as `{krate}{}`:\n", home.rust);
    let ways = Graph::new(model, &source.overlay).ways(key, &source.overlay);
    push_list(&mut text, &ways);
    text
}

fn push_list(text: &mut String, lines: &[String]) {
    for line in lines.iter().take(SHOWN) {
        text.push_str(&format!("- {line}\n"));
    }
    if let Some(more) = lines.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("- and {more} more\n"));
    }
}

/// What would bring a type that is not generated.
fn absent(source: &Source, model: &Model, full: &Json, name: &str) -> Result<String> {
    let links = Links::new(full);
    if !links.names().any(|known| known == name) {
        bail!(
            "{} has no type `{name}`{}",
            source.document.name,
            nearest::hint(name, links.names())
        );
    }
    let mut text = format!("`{name}` is not generated.\n");
    let mut bases = std::iter::successors(links.base(name), |base| links.base(base)).take(SHOWN);
    if let Some(base) = bases.find(|base| model.index.contains_key(*base) || *base == "MethodFault") {
        text.push_str(&format!(
            "It derives from `{base}`: where that is declared it is carried whole, and `is_a` knows it.\n"
        ));
    }
    text.push_str(&format!(
        "`{name} = {{ wanted = true }}` under `[types]` generates it.\n"
    ));
    let operations = links.operations(name);
    let operations: Vec<String> = operations
        .iter()
        .filter(|(_, id)| !source.overlay.operations.contains_key(*id))
        .map(|(between, id)| match between {
            0 => format!("`{id}`, which names it"),
            1 => format!("`{id}`, with one type between"),
            between => format!("`{id}`, with {between} types between"),
        })
        .collect();
    if operations.is_empty() {
        text.push_str("No operation leads to it.\n");
    } else {
        text.push_str("So does an operation that leads to it:\n");
        push_list(&mut text, &operations);
    }
    Ok(text)
}
