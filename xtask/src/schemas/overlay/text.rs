//! The text of an `operations.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

use super::place::Source;
use super::{CrateRule, Docs, Layout, OperationRule, Overlay, Placed, Repeat, TypeRule};

/// The list of refusals that counts for an operation that names none.
const DEFAULT_LIST: &str = "default";
/// The dialects: the variants of `farside_wire::Service`.
const SERVICES: [&str; 3] = ["ViJson", "VcenterRest", "Vcda"];

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverlayText {
    #[serde(default)]
    origin: String,
    service: Option<Spanned<String>>,
    #[serde(default)]
    crates: Vec<CrateRule>,
    #[serde(default)]
    documented: bool,
    #[serde(default)]
    documented_tags: BTreeSet<String>,
    #[serde(default)]
    documented_types: BTreeSet<String>,
    #[serde(default)]
    external: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    any_call: Vec<Spanned<String>>,
    #[serde(default)]
    refused: BTreeMap<String, Vec<Spanned<String>>>,
    operations: BTreeMap<Spanned<String>, OperationText>,
    #[serde(default)]
    types: BTreeMap<Spanned<String>, TypeText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationText {
    repeat: Option<Repeat>,
    refused: Option<Vec<Spanned<String>>>,
    rename: Option<Spanned<String>>,
    #[serde(default)]
    names: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeText {
    #[serde(default)]
    wanted: bool,
    tag: Option<String>,
    group: Option<String>,
    rename: Option<Spanned<String>>,
    #[serde(default)]
    names: BTreeMap<Spanned<String>, Spanned<String>>,
    members: Option<Vec<String>>,
    #[serde(default)]
    secrets: Vec<String>,
}

/// Reads the text of a file; the lists of refusals that it names are not looked at.
///
/// # Errors
/// If it has an unknown key, or a dialect that does not exist.
pub(super) fn parse(file: &str, text: &str) -> Result<Overlay> {
    let source = Source::new(file, text);
    let read: OverlayText = toml::from_str(text).with_context(|| format!("in {file}"))?;
    if let Some(service) = &read.service
        && !SERVICES.contains(&service.get_ref().as_str())
    {
        bail!(
            "{}: `service` is one of {}",
            source.place(service),
            SERVICES.join(", ")
        );
    }
    let has_default = read.refused.contains_key(DEFAULT_LIST);
    let operations = read.operations.into_iter();
    let types = read.types.into_iter();
    let refused = read.refused.into_iter();
    let refused = refused.map(|(list, names)| (list, placed(&source, names)));
    Ok(Overlay {
        origin: read.origin,
        service: read.service.map(Spanned::into_inner).unwrap_or_default(),
        crates: read.crates,
        layout: Layout::Crates,
        documented: read.documented,
        documented_tags: read.documented_tags,
        documented_types: read.documented_types,
        external: names(&source, read.external),
        any_call: read
            .any_call
            .into_iter()
            .map(|name| source.placed(name))
            .collect(),
        refused: refused.collect(),
        operations: operations
            .map(|(id, rule)| operation(&source, id, rule, has_default))
            .collect(),
        types: types
            .map(|(name, rule)| named_type(&source, name, rule))
            .collect(),
        docs: Docs::default(),
    })
}

fn operation(
    source: &Source<'_>,
    id: Spanned<String>,
    rule: OperationText,
    has_default: bool,
) -> (String, OperationRule) {
    let place = source.place(&id);
    let default = || {
        let list = has_default.then(|| Placed {
            text: format!("@{DEFAULT_LIST}"),
            place: place.clone(),
        });
        list.into_iter().collect()
    };
    let refused = rule.refused.map(|names| placed(source, names));
    let rule = OperationRule {
        repeat: rule.repeat,
        refused: refused.unwrap_or_else(default),
        rename: rule.rename.map(|name| source.placed(name)),
        names: names(source, rule.names),
        place,
    };
    (id.into_inner(), rule)
}

fn placed(source: &Source<'_>, words: Vec<Spanned<String>>) -> Vec<Placed> {
    words.into_iter().map(|word| source.placed(word)).collect()
}

/// Names by wire name, each with the place of the entry.
fn names(source: &Source<'_>, names: BTreeMap<Spanned<String>, Spanned<String>>) -> BTreeMap<String, Placed> {
    let entries = names.into_iter();
    entries
        .map(|(wire, name)| (wire.into_inner(), source.placed(name)))
        .collect()
}

fn named_type(source: &Source<'_>, name: Spanned<String>, rule: TypeText) -> (String, TypeRule) {
    let rule = TypeRule {
        wanted: rule.wanted,
        tag: rule.tag,
        group: rule.group,
        rename: rule.rename.map(|name| source.placed(name)),
        names: names(source, rule.names),
        members: rule.members,
        secrets: rule.secrets,
        place: source.place(&name),
    };
    (name.into_inner(), rule)
}

#[cfg(test)]
mod tests {
    use super::super::{Overlay, Repeat};

    #[test]
    fn every_key_but_operations_may_be_left_out() {
        let overlay = Overlay::parse("[operations]\nThing_act = {}\n").unwrap();
        assert_eq!((overlay.service.as_str(), overlay.crates.len()), ("", 0));
        let rule = &overlay.operations["Thing_act"];
        assert!(rule.refused.is_empty());
        assert_eq!(rule.place.to_string(), "operations.toml:2");
        assert_eq!(overlay.repeat("Thing_act", "post"), Repeat::OnlyIfNeverSent);
        assert_eq!(overlay.repeat("Thing_act", "get"), Repeat::Harmless);
        assert!(Overlay::parse("service = \"ViJson\"\n").is_err());
    }

    #[test]
    fn an_operation_that_names_no_refusals_has_the_list_default() {
        let text = "[refused]\ndefault = [\"A\"]\nmore = [\"@default\", \"B\"]\n\
                    [operations]\na = {}\nb = { refused = [] }\nc = { refused = [\"@more\"], repeat = \"harmless\" }\n";
        let overlay = Overlay::parse(text).unwrap();
        for (id, expected) in [("a", &["A"][..]), ("b", &[]), ("c", &["A", "B"])] {
            let refused = overlay.expand(&overlay.operations[id].refused).unwrap();
            assert_eq!(refused, expected, "{id}");
        }
        assert_eq!(overlay.repeat("c", "post"), Repeat::Harmless);
    }

    #[test]
    fn a_list_that_is_not_defined_is_named_with_the_line() {
        let error = Overlay::parse("[operations]\na = {}\nb = { refused = [\"@none\"] }\n").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "operations.toml:3: operation `b`: the list `@none` is not defined under [refused]"
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Overlay::parse("[operations]\na = { repeats = \"harmless\" }\n").unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("operations.toml") && error.contains("line 2") && error.contains("repeats"),
            "{error}"
        );
    }
}
