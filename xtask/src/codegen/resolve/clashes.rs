//! Names that Rust does not take, or that two things have; and where in the document an error is.

use std::collections::BTreeMap;

use anyhow::Result;

use super::super::names::legal::{self, Use};
use super::items::INLINE;
use crate::json::Refusal;

/// A name in Rust.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    /// The name on the wire that it stands for.
    pub(super) wire: &'a str,
    pub(super) rust: &'a str,
    /// Where the document has it.
    pub(super) line: usize,
}

/// The error with the line of the document that it is about, unless it has one.
pub(super) fn at(line: usize, error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<Refusal>().is_some() {
        return error;
    }
    let text = format!("{error:#}");
    anyhow::Error::new(Refusal { line, text })
}

/// The error in words, with file and line.
pub(super) fn located(file: &str, error: &anyhow::Error) -> String {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => format!("{file}:{}: {error:#}", refusal.line),
        None => format!("{file}: {error:#}"),
    }
}

/// What to say in the operations file of the type with this key; in braces, `content`.
pub(super) fn entry(key: &str, content: &str) -> String {
    match key.strip_prefix(INLINE) {
        Some(id) => of_operation(id, content),
        None => format!("say `{} = {{ {content} }}` under [types]", toml_key(key)),
    }
}

/// What to say in the operations file of an operation.
pub(super) fn of_operation(id: &str, content: &str) -> String {
    format!("say `{} = {{ {content} }}` under [operations]", toml_key(id))
}

fn toml_key(name: &str) -> String {
    let bare = |letter: char| letter == '_' || letter == '-' || letter.is_ascii_alphanumeric();
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

/// Checks the names of the parts of one type: `what` they are, and the key of the type.
///
/// # Errors
/// If one cannot stand in Rust, or two are the same; with the line.
pub(super) fn distinct<'a>(
    names: impl IntoIterator<Item = Name<'a>>,
    purpose: Use,
    what: &str,
    key: &str,
) -> Result<()> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for Name { wire, rust, line } in names {
        let why = match (legal::wrong(rust, purpose), seen.insert(rust, wire)) {
            (Some(why), _) => why.to_owned(),
            (None, Some(other)) => format!("is that of `{other}` too"),
            (None, None) => continue,
        };
        let content = format!("names = {{ {} = \"..\" }}", toml_key(wire));
        let cure = entry(key, &content);
        let text = format!("{what} `{wire}`: its name in Rust, `{rust}`, {why}; {cure}");
        return Err(anyhow::Error::new(Refusal { line, text }));
    }
    Ok(())
}
