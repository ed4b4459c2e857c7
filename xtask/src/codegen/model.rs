//! Second stage: what is generated, in terms of Rust, independent of both the document and the text.

use std::collections::{BTreeMap, BTreeSet};

use crate::schemas::overlay::Repeat;

/// Everything that comes out of one document.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) origin: Origin,
    pub(super) service: String,
    pub(super) crates: Vec<Crate>,
    /// Every generated type, by schema name.
    pub(super) index: BTreeMap<String, Home>,
    /// Named lists of refusals, expanded.
    pub(super) refused: BTreeMap<String, Vec<String>>,
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
}

/// An object type with the members of its bases, those of the farthest base first.
#[derive(Debug, PartialEq)]
pub(super) struct Struct {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    pub(super) since: Option<String>,
    /// It carries `_typeName`.
    pub(super) typed: bool,
    /// Names of its bases, nearest first.
    pub(super) bases: Vec<String>,
    /// Names of the types that derive from it, sorted.
    pub(super) descendants: Vec<String>,
    pub(super) fields: Vec<Field>,
    /// It has a type parameter, `T`.
    pub(super) generic: bool,
    /// It occurs in requests, so callers make values of it.
    pub(super) input: bool,
}

/// A member of a [`Struct`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) ty: Type,
    pub(super) required: bool,
    pub(super) doc: Option<String>,
    pub(super) since: Option<String>,
    pub(super) target: Option<String>,
}

/// An open enum.
#[derive(Debug)]
pub(super) struct Enum {
    pub(super) wire: String,
    pub(super) rust: String,
    pub(super) doc: Option<String>,
    /// Wire text and Rust variant.
    pub(super) values: Vec<(String, String)>,
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
}

/// A request description.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) rust: String,
    pub(super) doc: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) repeat: Repeat,
    pub(super) since: Option<String>,
    pub(super) privileges: Vec<String>,
    pub(super) faults: Vec<String>,
    pub(super) refused: Refused,
    pub(super) anonymous: bool,
    pub(super) body: Option<Type>,
    pub(super) answer: Option<Type>,
    pub(super) task_result: Option<Type>,
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

impl Item {
    /// Schemas of the generated types that its members have.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::Struct(item) => item.fields.iter().flat_map(|field| field.ty.names()).collect(),
            Self::Enum(_) => BTreeSet::new(),
            Self::Union(item) => item
                .variants
                .iter()
                .map(|(_, _, schema)| schema.as_str())
                .collect(),
        }
    }
}
