//! Second stage: what is generated, in terms of Rust, independent of both the document and the text.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Style, WithoutPath};
use crate::schemas::overlay::{Layout, Repeat};

/// Everything that comes out of one document.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) origin: Origin,
    pub(super) service: String,
    pub(super) layout: Layout,
    pub(super) crates: Vec<Crate>,
    /// Every generated type, by schema name.
    pub(super) index: BTreeMap<String, Home>,
    /// Errors that any call can answer; none of them refuses as such.
    pub(super) any_call: Vec<Failure>,
    /// Named lists of refusals, expanded.
    pub(super) refused: BTreeMap<String, Vec<String>>,
    /// Operations that are known to exist and cannot be called.
    pub(super) absent: Vec<WithoutPath>,
}

/// The document, for the header of each file.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) digest: String,
}

/// Where a type is generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// Index into [`Model::crates`].
    pub(super) krate: usize,
    pub(super) rust: String,
}

/// One model crate.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) folder: String,
    pub(super) files: BTreeMap<Place, File>,
    /// Fault and base, sorted by fault.
    pub(super) fault_ancestry: Vec<(String, String)>,
}

/// A file below `generated`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) service: String,
    pub(super) group: String,
    /// Features of which one must be on for the file to be there; without any it is always there.
    pub(super) features: Vec<String>,
}

/// Content of a file, in schema order.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) operations: Vec<Operation>,
    pub(super) items: Vec<Item>,
}

/// A generated type.
#[derive(Debug)]
pub(super) enum Item {
    Struct(Struct),
    Enum(Enum),
    Union(Union),
    Query(Query),
}

/// An object type with the members of its bases, those of the farthest base first.
#[derive(Debug, PartialEq)]
pub(super) struct Struct {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    pub(super) since: Option<String>,
    /// The operation whose body it is, if the body has no schema of its own.
    pub(super) body_of: Option<String>,
    /// It carries `_typeName`.
    pub(super) typed: bool,
    /// Names of its bases, nearest first.
    pub(super) bases: Vec<String>,
    /// Names of the types that derive from it, sorted.
    pub(super) descendants: Vec<String>,
    pub(super) fields: Vec<Field>,
    /// It has a type parameter, `T`: the schemas of its instances, each with its argument.
    pub(super) instances: Vec<(String, Type)>,
    /// It occurs in requests, so callers make values of it.
    pub(super) input: bool,
}

/// A member of a [`Struct`], or a parameter of a [`Query`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) ty: Type,
    pub(super) required: bool,
    pub(super) deprecated: bool,
    pub(super) doc: Option<String>,
    pub(super) since: Option<String>,
    /// Managed type that a reference points to, or resource that an identifier belongs to.
    pub(super) target: Option<String>,
    /// How well it is known, if anything is said about that.
    pub(super) confidence: Option<String>,
    /// How an array travels; only in a [`Query`].
    pub(super) style: Option<Style>,
}

/// An open enum.
#[derive(Debug)]
pub(super) struct Enum {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    pub(super) values: Vec<Value>,
}

/// A value of an [`Enum`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
}

/// An open union of structures, told apart by a tag.
#[derive(Debug)]
pub(super) struct Union {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    pub(super) tag: String,
    /// Text of the tag, Rust variant, schema.
    pub(super) variants: Vec<(String, String, String)>,
    /// What is said about variants, by text of the tag.
    pub(super) docs: BTreeMap<String, String>,
}

/// The query parameters of one operation, or of several that take the same.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) rust: String,
    /// Ids of the operations.
    pub(super) operations: Vec<String>,
    pub(super) fields: Vec<Field>,
}

/// A request description.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    /// What the answer or the task's result is, in words.
    pub(super) result: Option<String>,
    pub(super) method: String,
    pub(super) path: String,
    /// Fixed part of the query.
    pub(super) query: String,
    pub(super) repeat: Repeat,
    pub(super) since: Option<String>,
    pub(super) privileges: Vec<String>,
    pub(super) faults: Vec<String>,
    /// Faults that can come in the place of a declared one, since they derive from it.
    pub(super) families: Vec<String>,
    pub(super) refused: Refused,
    pub(super) anonymous: bool,
    pub(super) deprecated: bool,
    /// Schema of its [`Query`].
    pub(super) parameters: Option<String>,
    /// Header parameters, each with what is said about it.
    pub(super) headers: Vec<(String, Option<String>)>,
    pub(super) body: Option<Type>,
    pub(super) answer: Option<Type>,
    /// What the answer may be, where it is one of several; `answer` is any JSON then.
    pub(super) alternatives: Vec<Type>,
    /// The answer is a task, whose result this is.
    pub(super) task_result: Option<Type>,
    /// The answer is a task that has no result.
    pub(super) void_task: bool,
    pub(super) errors: Vec<Failure>,
    /// How well it is known: `documented` or `inferred`.
    pub(super) confidence: Option<String>,
    /// How well its errors are known.
    pub(super) errors_confidence: Option<String>,
    /// Wire names of the secret members in its request and answer.
    pub(super) secrets: Vec<String>,
}

/// An error that an operation can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) name: String,
    pub(super) meaning: Option<String>,
    /// It means that nothing was done.
    pub(super) refused: bool,
}

/// Errors that mean that nothing was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// One named list.
    List(String),
    /// Names.
    Names(Vec<String>),
}

/// The Rust type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    F64,
    String,
    Secret,
    Timestamp,
    EpochMillis,
    Binary,
    /// Any JSON.
    Raw,
    /// `Any` of VI JSON.
    Any,
    /// A path to a hand-written type.
    External(String),
    /// A generated type, by schema.
    Named(String),
    /// Any type that derives from a generated one.
    Object(String),
    /// Any fault.
    Fault,
    /// A generic, by schema, and its argument.
    Generic(String, Box<Type>),
    /// The type parameter.
    Parameter,
    List(Box<Type>),
    Map(Box<Type>),
    /// Behind a pointer, since the type contains itself.
    Boxed(Box<Type>),
}

impl Type {
    /// Whether absent and empty are the same.
    pub(super) fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Schemas of the generated types in it.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Named(name) | Self::Object(name) => BTreeSet::from([name.as_str()]),
            Self::Generic(name, inner) => {
                let mut names = inner.names();
                names.insert(name);
                names
            }
            Self::List(inner) | Self::Map(inner) | Self::Boxed(inner) => inner.names(),
            _ => BTreeSet::new(),
        }
    }
}

impl Struct {
    /// It has a type parameter.
    pub(super) fn is_generic(&self) -> bool {
        !self.instances.is_empty()
    }

    /// Whether every member may be absent, so that there is a value with none.
    pub(super) fn has_default(&self) -> bool {
        !self.is_generic() && self.fields.iter().all(|field| !field.required)
    }
}

impl Item {
    /// The name in Rust.
    pub(super) fn rust(&self) -> &str {
        match self {
            Self::Struct(item) => &item.rust,
            Self::Enum(item) => &item.rust,
            Self::Union(item) => &item.rust,
            Self::Query(item) => &item.rust,
        }
    }

    /// Schemas of the generated types that its members have.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Struct(Struct { fields, .. }) | Self::Query(Query { fields, .. }) => {
                fields.iter().flat_map(|field| field.ty.names()).collect()
            }
            Self::Enum(_) => BTreeSet::new(),
            Self::Union(item) => item
                .variants
                .iter()
                .map(|(_, _, schema)| schema.as_str())
                .collect(),
        }
    }
}
