//! `operations.toml`: what is generated, and what the API documents do not say about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One `operations.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Where the full document comes from; goes into the README.
    pub origin: String,
    /// Which dialect of request and error the operations speak: a variant of `farside_wire::Service`.
    pub service: String,
    /// The model crates, in the order in which a schema's path prefix is compared.
    pub crates: Vec<CrateRule>,
    /// Types written by hand in the wire runtime: schema name to Rust path.
    #[serde(default)]
    pub external: BTreeMap<String, String>,
    /// Named lists for [`OperationRule::refused`].
    #[serde(default)]
    pub refused: BTreeMap<String, Vec<String>>,
    /// The operations to generate, by `operationId`.
    pub operations: BTreeMap<String, OperationRule>,
    /// What is said about single schemas, by schema name.
    #[serde(default)]
    pub types: BTreeMap<String, TypeRule>,
}

/// A crate that is generated from the document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrateRule {
    /// Folder below `crates`, for example `models-vim`.
    pub folder: String,
    /// The service's name: the folder below `generated`, unless the tags name one.
    pub service: String,
    /// Schemas and paths under this prefix belong to the crate; empty takes what no other crate takes.
    #[serde(default)]
    pub prefix: String,
}

/// How often an operation may be sent.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// It changes nothing that matters.
    Harmless,
    /// It acts.
    OnlyIfNeverSent,
}

/// What the document does not say about an operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationRule {
    /// First sentence of its documentation.
    #[serde(default)]
    pub doc: String,
    /// Whether it may be sent again; may be left out for a GET, which is harmless.
    pub repeat: Option<Repeat>,
    /// Errors which mean that nothing was done: names, or `@list`.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// What the document does not say about a schema.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRule {
    /// Generate it although no operation leads to it: it comes in an open place, or in an `Any`.
    #[serde(default)]
    pub wanted: bool,
    /// File it goes into; else that of the one resource that uses it, or `common`.
    pub group: Option<String>,
    /// Rust name, where the made one is clumsy.
    pub rename: Option<String>,
    /// First sentence of its documentation.
    pub doc: Option<String>,
    /// Own members to generate; all others stay in `extra`.
    pub members: Option<Vec<String>>,
    /// Sentences on members, by wire name.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

impl Overlay {
    /// Reads `operations.toml` of a product folder.
    ///
    /// # Errors
    /// If it cannot be read, has an unknown key, or names a list of refusals that it does not define.
    pub fn read(product: &Path) -> Result<Self> {
        let path = product.join("operations.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Parses the text of an `operations.toml`.
    ///
    /// # Errors
    /// As [`Overlay::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let overlay: Self = toml::from_str(text)?;
        for (id, rule) in &overlay.operations {
            overlay
                .expand(&rule.refused)
                .with_context(|| format!("operation `{id}`"))?;
        }
        Ok(overlay)
    }

    /// The rule for `schema`, if there is one.
    pub fn type_rule(&self, schema: &str) -> Option<&TypeRule> {
        self.types.get(schema)
    }

    /// Names with each `@list` replaced by its content, which may name lists in turn; sorted and without repeats.
    ///
    /// # Errors
    /// If a list is not defined.
    pub fn expand(&self, names: &[String]) -> Result<Vec<String>> {
        let mut expanded = BTreeSet::new();
        let mut lists = BTreeSet::new();
        let mut todo: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(name) = todo.pop() {
            match name.strip_prefix('@') {
                None => _ = expanded.insert(name.to_owned()),
                Some(list) => match self.refused.get(list) {
                    Some(content) if lists.insert(list) => todo.extend(content.iter().map(String::as_str)),
                    Some(_) => {}
                    None => bail!("the list `@{list}` is not defined under [refused]"),
                },
            }
        }
        Ok(expanded.into_iter().collect())
    }
}
