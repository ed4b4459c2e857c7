//! What is generated, and what the API documents do not say about it: `operations.toml`, and the texts in `docs/*.toml`
//! beside it.

mod docs;
mod place;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

pub use docs::{Docs, OperationDoc, Said, TypeDoc};
pub use place::{Place, Placed};

/// One `operations.toml` with its texts.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// Where the full document comes from; goes into the README.
    pub origin: String,
    /// Which dialect of request and error the operations speak: a variant of `farside_wire::Service`. Empty if the
    /// file does not say it; then the document tells.
    pub service: String,
    /// The model crates, in the order in which a schema's path prefix is compared.
    pub crates: Vec<CrateRule>,
    /// What the generated files are part of.
    pub layout: Layout,
    /// Every operation must have a text, and every error that one names.
    pub documented: bool,
    /// Tags of which every field of every type needs a text too.
    pub documented_tags: BTreeSet<String>,
    /// Types of which every field needs a text too, whatever leads to them.
    pub documented_types: BTreeSet<String>,
    /// Types written by hand, in the wire runtime or elsewhere: schema name to Rust path.
    pub external: BTreeMap<String, Placed>,
    /// Errors that any call can answer, whether its operation names them or not.
    pub any_call: Vec<Placed>,
    /// Named lists for [`OperationRule::refused`].
    pub refused: BTreeMap<String, Vec<Placed>>,
    /// The operations to generate, by `operationId`.
    pub operations: BTreeMap<String, OperationRule>,
    /// What is said about single schemas, by schema name.
    pub types: BTreeMap<String, TypeRule>,
    /// The texts.
    pub docs: Docs,
}

/// What the generated files are part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The model crates of the workspace, with a feature for each tag.
    #[default]
    Crates,
    /// A module that stands anywhere in somebody's crate: all of it is always there, and its files name each other
    /// relative to it.
    Module,
}

/// A crate that is generated from the document.
#[derive(Clone, Debug, Default, Deserialize)]
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
#[derive(Clone, Debug, Default)]
pub struct OperationRule {
    /// Whether it may be sent again, if the file says so.
    pub repeat: Option<Repeat>,
    /// Errors which mean that nothing was done: names, or `@list`.
    pub refused: Vec<Placed>,
    /// The id of which its Rust names are made, where those of its own are taken.
    pub rename: Option<Placed>,
    /// Rust names of query parameters, and of members of a body that has no name, by wire name.
    pub names: BTreeMap<String, Placed>,
    /// Where it stands.
    pub place: Place,
}

/// What the document does not say about a schema.
#[derive(Clone, Debug, Default)]
pub struct TypeRule {
    /// Generate it although no operation leads to it: it comes in an open place, or in an `Any`.
    pub wanted: bool,
    /// The tag that a wanted type belongs to; without it, it is there for all.
    pub tag: Option<String>,
    /// File it goes into; else that of the one resource that uses it, or `common`.
    pub group: Option<String>,
    /// Rust name, where the made one is clumsy or taken.
    pub rename: Option<Placed>,
    /// Rust names of members, of an enum's values, or of a union's variants, by wire name, where the made ones are clumsy
    /// or taken.
    pub names: BTreeMap<String, Placed>,
    /// Own members to generate; all others stay in `extra`.
    pub members: Option<Vec<String>>,
    /// Own members that are secret although the document does not mark them.
    pub secrets: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl Overlay {
    /// Reads `operations.toml` of a product folder, and the texts in `docs/*.toml` beside it.
    ///
    /// # Errors
    /// If a file cannot be read, has an unknown key, says something twice, or names a list of refusals that is not
    /// defined.
    pub fn read(product: &Path) -> Result<Self> {
        Self::read_file(&product.join("operations.toml"))
    }

    /// Reads an operations file of any name, and the texts in the folder `docs` beside it, if there is one.
    ///
    /// # Errors
    /// As [`Overlay::read`].
    pub fn read_file(path: &Path) -> Result<Self> {
        let mut overlay = Self::parse_file(path)?;
        let folder = path.parent().unwrap_or(Path::new("")).join("docs");
        overlay.docs = Docs::read(&folder)?;
        Ok(overlay)
    }

    /// Reads `operations.toml` of a product folder without the texts.
    ///
    /// # Errors
    /// As [`Overlay::read`].
    pub fn read_rules(product: &Path) -> Result<Self> {
        Self::parse_file(&product.join("operations.toml"))
    }

    fn parse_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse_named(&super::shown(path), &text)
    }

    /// Parses the text of an `operations.toml`.
    ///
    /// # Errors
    /// As [`Overlay::read`].
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_named("operations.toml", text)
    }

    fn parse_named(file: &str, text: &str) -> Result<Self> {
        let overlay = text::parse(file, text)?;
        let of_lists = overlay.refused.iter();
        let of_lists = of_lists.map(|(list, names)| (format!("`refused.{list}`"), names));
        let of_operations = overlay.operations.iter();
        let of_operations = of_operations.map(|(id, rule)| (format!("operation `{id}`"), &rule.refused));
        for (what, names) in of_lists.chain(of_operations) {
            for name in names {
                overlay
                    .expand(std::slice::from_ref(name))
                    .with_context(|| format!("{}: {what}", name.place))?;
            }
        }
        Ok(overlay)
    }

    /// The rule for `schema`, if there is one.
    pub fn type_rule(&self, schema: &str) -> Option<&TypeRule> {
        self.types.get(schema)
    }

    /// Whether the operation may be sent again: what the file says, else a `get` may and nothing else.
    pub fn repeat(&self, id: &str, method: &str) -> Repeat {
        let told = self.operations.get(id).and_then(|rule| rule.repeat);
        told.unwrap_or(if method == "get" {
            Repeat::Harmless
        } else {
            Repeat::OnlyIfNeverSent
        })
    }

    /// What is said about an operation.
    pub fn operation_doc(&self, id: &str) -> Option<&OperationDoc> {
        self.docs.operations.get(id)
    }

    /// What an error means for the caller of an operation: what is said there, else its general meaning.
    pub fn error_doc(&self, id: &str, name: &str) -> Option<&str> {
        let here = self
            .operation_doc(id)
            .and_then(|operation| operation.errors.get(name));
        here.or_else(|| self.docs.errors.get(name))
            .map(|said| said.text.as_str())
    }

    /// What is said about a type.
    pub fn type_doc(&self, schema: &str) -> Option<&str> {
        self.docs.types.get(schema).and_then(|said| said.doc.as_deref())
    }

    /// What is said about a member of `schema`: there, else at `owner`, the base that declares it.
    pub fn field_doc(&self, schema: &str, owner: &str, member: &str) -> Option<&str> {
        let said = |name| self.docs.types.get(name)?.fields.get(member);
        said(schema)
            .or_else(|| said(owner))
            .map(|said| said.text.as_str())
    }

    /// Whether a member is said to be secret, at the type that declares it.
    pub fn is_secret(&self, owner: &str, member: &str) -> bool {
        let rule = self.type_rule(owner);
        rule.is_some_and(|rule| rule.secrets.iter().any(|secret| secret == member))
    }

    /// What is said about a query parameter, a header parameter, or a member of a body without a name.
    pub fn parameter_doc(&self, id: &str, name: &str) -> Option<&str> {
        self.operation_doc(id)?
            .parameters
            .get(name)
            .map(|said| said.text.as_str())
    }

    /// Names with each `@list` replaced by its content, which may name lists in turn; sorted and without repeats.
    ///
    /// # Errors
    /// If a list is not defined.
    pub fn expand(&self, names: &[Placed]) -> Result<Vec<String>> {
        let mut expanded = BTreeSet::new();
        let mut lists = BTreeSet::new();
        let mut todo: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        while let Some(name) = todo.pop() {
            match name.strip_prefix('@') {
                None => _ = expanded.insert(name.to_owned()),
                Some(list) => match self.refused.get(list) {
                    Some(content) if lists.insert(list) => {
                        todo.extend(content.iter().map(|name| name.text.as_str()));
                    }
                    Some(_) => {}
                    None => bail!("the list `@{list}` is not defined under [refused]"),
                },
            }
        }
        Ok(expanded.into_iter().collect())
    }
}
