//! Whether what an operations file names fits the document: errors that refuse, types, members, and names in Rust.

use std::collections::BTreeSet;

use super::documented::members;
use super::names;
use super::names::legal::{self, Use};
use super::read::{Body, Document, Operation, ParameterPlace, Schema};
use super::resolve::{COMMON, by_hand, is_box};
use crate::schemas::nearest;
use crate::schemas::overlay::{OperationRule, Overlay, Placed, TypeRule};

/// What does not fit, and what the document cannot tell; each with its line.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) wrong: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Notes what does not fit.
pub(super) fn fits(document: &Document, overlay: &Overlay) -> Notes {
    let mut notes = Notes::default();
    let lists = overlay.refused.values().flatten();
    let of_operations = overlay.operations.values().flat_map(|rule| &rule.refused);
    for error in lists.chain(of_operations) {
        refusal_fits(document, error, &mut notes);
    }
    for (schema, path) in &overlay.external {
        if !legal::is_path(&path.text) {
            notes.wrong.push(format!(
                "{}: `external.{schema}`: `{}` is no path to a type, such as `my_crate::{}`",
                path.place,
                path.text,
                names::type_name(schema)
            ));
        }
    }
    for operation in &document.operations {
        if let Some(rule) = overlay.operations.get(&operation.id) {
            operation_fits(document, operation, rule, &mut notes);
        }
    }
    for (schema, rule) in &overlay.types {
        type_fits(document, overlay, schema, rule, &mut notes);
    }
    notes
}

fn refusal_fits(document: &Document, error: &Placed, notes: &mut Notes) {
    let name = &error.text;
    if name.starts_with('@') {
        return;
    }
    let near = || nearest::hint(name, document.errors.iter());
    match document.errors.has(name) {
        Some(true) => {}
        Some(false) => notes.wrong.push(format!(
            "{}: `refused`: {} has no error `{name}`{}",
            error.place,
            document.name,
            near()
        )),
        None => notes.warnings.push(format!(
            "{}: `refused`: {} does not name the error `{name}`, and may not name all{}",
            error.place,
            document.name,
            near()
        )),
    }
}

fn operation_fits(document: &Document, operation: &Operation, rule: &OperationRule, notes: &mut Notes) {
    let id = &operation.id;
    let made = |id: &str| legal::wrong(&names::operation_name(id), Use::Constant);
    match &rule.rename {
        Some(rename) => {
            if let Some(why) = made(&rename.text) {
                notes.wrong.push(format!(
                    "{}: operation `{id}`: `rename`: `{}`, which is made of `{}`, {why}",
                    rename.place,
                    names::operation_name(&rename.text),
                    rename.text
                ));
            }
        }
        None => {
            if let Some(why) = made(id) {
                notes.wrong.push(format!(
                    "{}: operation `{id}`: its name in Rust, `{}`, {why}; give it a `rename`",
                    rule.place,
                    names::operation_name(id)
                ));
            }
        }
    }
    let query = operation.parameters.iter();
    let query = query.filter(|one| one.place == ParameterPlace::Query);
    let mut known: Vec<&str> = query.map(|one| one.name.as_str()).collect();
    if let Some(Body::Inline(object)) = &operation.body {
        known.extend(object.members.iter().map(|member| member.name.as_str()));
    }
    for (wire, name) in &rule.names {
        if !known.contains(&wire.as_str()) {
            notes.wrong.push(format!(
                "{}: `operations.{id}.names`: no query parameter or member of an unnamed body is called `{wire}`{}",
                name.place,
                nearest::hint(wire, known.iter().copied())
            ));
        } else if let Some(why) = legal::wrong(&name.text, Use::Field) {
            let place = &name.place;
            notes
                .wrong
                .push(format!("{place}: `operations.{id}.names`: `{}` {why}", name.text));
        }
    }
    let parts = operation.tag.split('.');
    if parts.map(names::snake).any(|part| part.is_empty()) {
        notes.wrong.push(format!(
            "{}:{}: operation `{id}`: no file can be called after its tag `{}`, which lacks letters",
            document.name, operation.line, operation.tag
        ));
    }
}

fn type_fits(document: &Document, overlay: &Overlay, schema: &str, rule: &TypeRule, notes: &mut Notes) {
    let place = &rule.place;
    let found = document.schemas.iter().find(|named| named.name == schema);
    if let Some(path) = by_hand(overlay, schema) {
        notes.wrong.push(format!(
            "{place}: `types.{schema}`: nothing is generated of it, since it is written by hand as `{path}`; take the \
             entry out"
        ));
        return;
    }
    if found.is_some_and(|named| is_box(overlay, &named.schema)) {
        notes.wrong.push(format!(
            "{place}: `types.{schema}`: nothing is generated of it, since it only says how a value travels in an `Any`, \
             which is written by hand as `farside_wire::Any`; take the entry out"
        ));
        return;
    }
    if let Some(rename) = &rule.rename
        && let Some(why) = legal::wrong(&rename.text, Use::Type)
    {
        notes.wrong.push(format!(
            "{}: `types.{schema}.rename`: `{}` {why}; choose another name",
            rename.place, rename.text
        ));
    }
    if let Some(tag) = rule.tag.as_deref().filter(|_| rule.wanted) {
        let tags = document.operations.iter().map(|operation| operation.tag.as_str());
        if tag != COMMON && !tags.clone().any(|known| known == tag) {
            notes.wrong.push(format!(
                "{place}: `types.{schema}`: no operation has the tag `{tag}`{}",
                nearest::hint(tag, tags.collect::<BTreeSet<&str>>())
            ));
        }
    }
    let Some(known) = members(document, schema) else {
        if rule.wanted {
            notes.wrong.push(format!(
                "{place}: `types.{schema}`: nothing is generated of it, since it is but another name for a text, a \
                 number, an array or a map; take the entry out"
            ));
        } else {
            let text = format!("{place}: `types.{schema}` changes nothing, since the type is not generated");
            notes.warnings.push(text);
        }
        return;
    };
    let purpose = match found.map(|named| &named.schema) {
        Some(Schema::Enum(_) | Schema::Union { .. }) => Use::Variant,
        Some(Schema::Object(_)) | None => Use::Field,
    };
    for (wire, name) in &rule.names {
        let place = &name.place;
        if !known.contains(wire.as_str()) {
            let near = nearest::hint(wire, known.iter().copied());
            notes.wrong.push(format!(
                "{place}: `types.{schema}.names`: nothing in it is called `{wire}`{near}"
            ));
        } else if let Some(why) = legal::wrong(&name.text, purpose) {
            let text = format!(
                "{place}: `types.{schema}.names`: `{}` {why}; choose another name",
                name.text
            );
            notes.wrong.push(text);
        }
    }
}
