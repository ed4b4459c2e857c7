//! The texts of `docs/*.toml`: what is said in our own words about operations, errors, types and members.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Spanned;

use super::place::{Place, Source};

/// All texts of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// By `operationId`.
    pub operations: BTreeMap<String, OperationDoc>,
    /// General meaning of an error, by fault name, `error_type` or code.
    pub errors: BTreeMap<String, Said>,
    /// By schema name, or by the name of a generic.
    pub types: BTreeMap<String, TypeDoc>,
}

/// What is said about an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationDoc {
    /// What it does; empty if nothing is said.
    pub doc: String,
    /// What the answer or the task's result is, where its type does not say it.
    pub result: Option<String>,
    /// What an error means for the caller of this operation.
    pub errors: BTreeMap<String, Said>,
    /// On query and header parameters, and on members of a body that has no name.
    pub parameters: BTreeMap<String, Said>,
    /// Where it stands.
    pub place: Place,
}

/// What is said about a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeDoc {
    /// What it is.
    pub doc: Option<String>,
    /// On members, by wire name.
    pub fields: BTreeMap<String, Said>,
    /// Where it stands.
    pub place: Place,
}

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Markdown for rustdoc.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// A file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    operations: BTreeMap<Spanned<String>, OperationText>,
    #[serde(default)]
    errors: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    types: BTreeMap<Spanned<String>, TypeText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationText {
    #[serde(default)]
    doc: String,
    result: Option<String>,
    #[serde(default)]
    errors: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    parameters: BTreeMap<Spanned<String>, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeText {
    doc: Option<String>,
    #[serde(default)]
    fields: BTreeMap<Spanned<String>, String>,
}

impl Docs {
    /// Reads all `*.toml` of a folder; without the folder there are no texts.
    ///
    /// # Errors
    /// If a file cannot be read or has an unknown key, or an entry stands in two files.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut docs = Self::default();
        if !folder.is_dir() {
            return Ok(docs);
        }
        let context = || format!("listing {}", folder.display());
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder).with_context(context)? {
            files.push(entry.with_context(context)?.path());
        }
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let mut doubles = Vec::new();
        for path in files {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            doubles.extend(docs.merge(&crate::schemas::shown(&path), &text)?);
        }
        if !doubles.is_empty() {
            bail!(doubles.join("\n"));
        }
        Ok(docs)
    }

    /// Takes in the text of one file; says which entries stand twice.
    ///
    /// # Errors
    /// If it is no TOML, or has an unknown key.
    pub(crate) fn merge(&mut self, file: &str, text: &str) -> Result<Vec<String>> {
        let mut doubles = Vec::new();
        let source = Source::new(file, text);
        let read: FileText = toml::from_str(text).with_context(|| format!("in {file}"))?;
        for (id, operation) in read.operations {
            let doc = OperationDoc {
                doc: operation.doc,
                result: operation.result,
                errors: said(&source, operation.errors),
                parameters: said(&source, operation.parameters),
                place: source.place(&id),
            };
            doubles.extend(put(&mut self.operations, "operations", id, doc, |doc| &doc.place));
        }
        for (name, text) in read.errors {
            let said = Said {
                text,
                place: source.place(&name),
            };
            doubles.extend(put(&mut self.errors, "errors", name, said, |said| &said.place));
        }
        for (name, said_of) in read.types {
            let doc = TypeDoc {
                doc: said_of.doc,
                fields: said(&source, said_of.fields),
                place: source.place(&name),
            };
            doubles.extend(put(&mut self.types, "types", name, doc, |doc| &doc.place));
        }
        Ok(doubles)
    }
}

fn said(source: &Source<'_>, texts: BTreeMap<Spanned<String>, String>) -> BTreeMap<String, Said> {
    let entries = texts.into_iter().map(|(name, text)| {
        let place = source.place(&name);
        (name.into_inner(), Said { text, place })
    });
    entries.collect()
}

/// Adds an entry, or says where it stands already.
fn put<T>(
    all: &mut BTreeMap<String, T>,
    table: &str,
    name: Spanned<String>,
    entry: T,
    place: impl Fn(&T) -> &Place,
) -> Option<String> {
    match all.entry(name.into_inner()) {
        Entry::Vacant(vacant) => {
            vacant.insert(entry);
            None
        }
        Entry::Occupied(other) => Some(format!(
            "{}: `{table}.{}` stands twice; it is at {} already",
            place(&entry),
            other.key(),
            place(other.get())
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::Docs;

    #[test]
    fn an_entry_that_stands_twice_is_named_with_both_lines() {
        let mut docs = Docs::default();
        let first = "[types.A]\ndoc = \"x\"\n\n[errors]\nE = \"x\"\n";
        assert!(docs.merge("a.toml", first).unwrap().is_empty());
        let second = "[errors]\nE = \"y\"\nF = \"y\"\n[types.A]\nfields = { b = \"y\" }\n[operations.A]\ndoc = \"y\"\n";
        assert_eq!(
            docs.merge("b.toml", second).unwrap(),
            [
                "b.toml:2: `errors.E` stands twice; it is at a.toml:5 already",
                "b.toml:4: `types.A` stands twice; it is at a.toml:1 already",
            ]
        );
        assert_eq!(docs.errors["F"].place.to_string(), "b.toml:3");
        assert_eq!(docs.operations["A"].place.to_string(), "b.toml:6");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = "[operations.A]\ndoc = \"x\"\nresults = \"y\"\n";
        let error = Docs::default().merge("a.toml", text).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("a.toml") && error.contains("line 3") && error.contains("results"),
            "{error}"
        );
    }
}
