//! Whether the texts fit the document, and whether they say all that they have to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::graph::{Graph, operations, uses};
use super::model::{Field, Item, Model, Struct};
use super::read::{Body, Document, Member, Operation, Schema, Shape};
use crate::schemas::nearest;
use crate::schemas::overlay::{OperationDoc, Overlay, TypeDoc};

/// What the texts name that the document does not have: operations, parameters, types, members, and errors; each with its
/// line.
pub(super) fn fits(document: &Document, overlay: &Overlay) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, doc) in &overlay.docs.operations {
        match document.operations.iter().find(|operation| operation.id == *id) {
            Some(operation) => parameters_fit(operation, doc, &mut wrong),
            None => wrong.push(format!(
                "{}: `operations.{id}`: {} has no such operation{}",
                doc.place,
                document.name,
                nearest::hint(id, document.operations.iter().map(|one| one.id.as_str()))
            )),
        }
    }
    for (name, doc) in &overlay.docs.types {
        type_fits(document, name, doc, &mut wrong);
    }
    errors_fit(document, overlay, &mut wrong);
    secrets_fit(document, overlay, &mut wrong);
    let tags: BTreeSet<&str> = document.operations.iter().map(|one| one.tag.as_str()).collect();
    for tag in &overlay.documented_tags {
        if !tags.contains(tag.as_str()) {
            wrong.push(format!(
                "`documented_tags`: no operation has the tag `{tag}`{}",
                nearest::hint(tag, tags.iter().copied())
            ));
        }
    }
    wrong
}

fn parameters_fit(operation: &Operation, doc: &OperationDoc, wrong: &mut Vec<String>) {
    let mut known: Vec<&str> = operation.parameters.iter().map(|one| one.name.as_str()).collect();
    if let Some(Body::Inline(object)) = &operation.body {
        known.extend(object.members.iter().map(|member| member.name.as_str()));
    }
    for (name, said) in &doc.parameters {
        if !known.contains(&name.as_str()) {
            wrong.push(format!(
                "{}: `operations.{}.parameters.{name}`: no such parameter{}",
                said.place,
                operation.id,
                nearest::hint(name, known.iter().copied())
            ));
        }
    }
}

fn type_fits(document: &Document, name: &str, doc: &TypeDoc, wrong: &mut Vec<String>) {
    let Some(known) = members(document, name) else {
        let names = document.schemas.iter().map(|named| named.name.as_str());
        wrong.push(format!(
            "{}: `types.{name}`: {} has no such type{}",
            doc.place,
            document.name,
            nearest::hint(name, names)
        ));
        return;
    };
    for (member, said) in &doc.fields {
        if !known.contains(member.as_str()) {
            wrong.push(format!(
                "{}: `types.{name}.fields.{member}`: no such member{}",
                said.place,
                nearest::hint(member, known.iter().copied())
            ));
        }
    }
}

/// Members of a type and its bases, values of an enum, or tags of a union; `None` if there is no such type.
pub(super) fn members<'a>(document: &'a Document, name: &str) -> Option<BTreeSet<&'a str>> {
    let find = |name: &str| {
        document
            .schemas
            .iter()
            .find(|named| match &named.schema {
                Schema::Object(object) => {
                    named.name == name || object.generic.as_ref().is_some_and(|(of, _)| of == name)
                }
                Schema::Enum(_) | Schema::Union { .. } => named.name == name,
            })
            .map(|named| &named.schema)
    };
    let mut known = BTreeSet::new();
    let mut next = Some(find(name)?);
    let mut levels = 0;
    while let Some(schema) = next.filter(|_| levels <= document.schemas.len()) {
        levels += 1;
        next = match schema {
            Schema::Object(object) => {
                known.extend(object.members.iter().map(|member| member.name.as_str()));
                object.base.as_deref().and_then(find)
            }
            Schema::Enum(values) => {
                known.extend(values.iter().map(String::as_str));
                None
            }
            Schema::Union { variants, .. } => {
                known.extend(variants.iter().map(|(tag, _)| tag.as_str()));
                None
            }
        };
    }
    Some(known)
}

/// Members that are said to be secret are there, and are texts that are not secret by themselves.
fn secrets_fit(document: &Document, overlay: &Overlay, wrong: &mut Vec<String>) {
    for (name, rule) in &overlay.types {
        let Some(known) = members(document, name) else {
            continue;
        };
        for secret in &rule.secrets {
            let problem = match own_member(document, name, secret) {
                _ if !known.contains(secret.as_str()) => {
                    format!("no such member{}", nearest::hint(secret, known.iter().copied()))
                }
                Some(member) if member.shape == Shape::Secret => "the document marks it already".to_owned(),
                Some(member) if member.shape == Shape::String => continue,
                Some(_) => "it is no text".to_owned(),
                None => "say it at the base that declares it".to_owned(),
            };
            wrong.push(format!(
                "{}: `types.{name}.secrets`: `{secret}`: {problem}",
                rule.place
            ));
        }
    }
}

/// The member that a type declares itself.
fn own_member<'a>(document: &'a Document, schema: &str, member: &str) -> Option<&'a Member> {
    let named = document.schemas.iter().find(|named| named.name == schema)?;
    match &named.schema {
        Schema::Object(object) => object.members.iter().find(|one| one.name == member),
        Schema::Enum(_) | Schema::Union { .. } => None,
    }
}

/// Where the document cannot tell whether an error exists, nothing is wrong.
fn errors_fit(document: &Document, overlay: &Overlay, wrong: &mut Vec<String>) {
    let special = overlay
        .docs
        .operations
        .values()
        .flat_map(|operation| &operation.errors);
    for name in &overlay.any_call {
        if document.errors.has(&name.text) == Some(false) {
            wrong.push(format!(
                "{}: `any_call`: {} has no such error as `{}`{}",
                name.place,
                document.name,
                name.text,
                nearest::hint(&name.text, document.errors.iter())
            ));
        }
    }
    for (name, said) in overlay.docs.errors.iter().chain(special) {
        if document.errors.has(name) == Some(false) {
            wrong.push(format!(
                "{}: `errors.{name}`: {} has no such error{}",
                said.place,
                document.name,
                nearest::hint(name, document.errors.iter())
            ));
        }
    }
}

/// Checks that nothing is missing, where the overlay demands texts.
///
/// # Errors
/// If an operation has no text, an error that one names has no meaning, or a field of a type under one of the
/// `documented_tags`, or one of the `documented_types`, has no text: all of these.
pub(super) fn complete(document: &Document, overlay: &Overlay, model: &Model) -> Result<()> {
    if !overlay.documented {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut without: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for operation in operations(model) {
        if operation.doc.is_none() {
            missing.push(format!("operation `{}` has no `doc`", operation.id));
        }
        for failure in operation
            .errors
            .iter()
            .filter(|failure| failure.meaning.is_none())
        {
            without.entry(&failure.name).or_default().push(&operation.id);
        }
    }
    for failure in model.any_call.iter().filter(|failure| failure.meaning.is_none()) {
        without.entry(&failure.name).or_default().push("any call");
    }
    for (name, users) in without {
        let first = users.first().copied().unwrap_or_default();
        missing.push(match users.len() {
            1 => format!("error `{name}` of `{first}` has no meaning"),
            count => format!(
                "error `{name}` of `{first}` and {} more has no meaning",
                count - 1
            ),
        });
    }
    fields(document, overlay, model, &mut missing);
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "`documented = true`, and {} texts are missing:\n{}",
        missing.len(),
        missing.join("\n")
    )
}

fn fields(document: &Document, overlay: &Overlay, model: &Model, missing: &mut Vec<String>) {
    let tagged = |id: &str| {
        let mut all = document.operations.iter();
        all.any(|one| one.id == id && overlay.documented_tags.contains(&one.tag))
    };
    let graph = Graph::new(model, overlay);
    let of_operations = operations(model)
        .filter(|operation| tagged(&operation.id))
        .flat_map(uses)
        .map(|(key, _)| key);
    let wanted = overlay.types.iter().filter(|(_, rule)| {
        let tag = rule.tag.as_ref();
        rule.wanted && tag.is_some_and(|tag| overlay.documented_tags.contains(tag))
    });
    let seeds = of_operations.chain(wanted.map(|(name, _)| name.as_str()));
    let mut keys = graph.reached(seeds);
    for name in &overlay.documented_types {
        if graph.items.contains_key(name.as_str()) {
            keys.insert(name);
        } else {
            missing.push(format!("`documented_types`: no type `{name}` is generated"));
        }
    }
    for key in keys {
        let fields: &[Field] = match graph.items.get(key) {
            Some(Item::Struct(item)) => &item.fields,
            Some(Item::Query(item)) => &item.fields,
            Some(Item::Enum(_) | Item::Union(_)) | None => &[],
        };
        let inherited = match graph.items.get(key) {
            Some(Item::Struct(item)) => by_hand(document, overlay, item),
            _ => BTreeSet::new(),
        };
        let bare = fields.iter().filter(|field| field.doc.is_none());
        let bare = bare.filter(|field| !inherited.contains(field.wire.as_str()));
        let bare: Vec<&str> = bare.map(|field| field.wire.as_str()).collect();
        if bare.is_empty() {
            continue;
        }
        let bare = bare.join(", ");
        missing.push(match graph.items.get(key) {
            Some(Item::Query(query)) => {
                let first = query.operations.first().map_or("", String::as_str);
                format!("operation `{first}`: no `parameters` for {bare}")
            }
            Some(Item::Struct(Struct {
                body_of: Some(id), ..
            })) => {
                format!("operation `{id}`: no `parameters` for {bare}, members of its body")
            }
            _ => format!("type `{key}`: no `fields` for {bare}"),
        });
    }
}

/// Members that a type has from a base that is written by hand, where they are documented.
fn by_hand<'a>(document: &'a Document, overlay: &Overlay, item: &Struct) -> BTreeSet<&'a str> {
    let bases = item.bases.iter();
    let external = bases.filter(|base| overlay.external.contains_key(*base));
    external
        .filter_map(|base| members(document, base))
        .flatten()
        .collect()
}
