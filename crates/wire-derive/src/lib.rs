//! The derives of `farside-wire`, which re-exports them: use that crate, not this one.
//!
//! They write what the schema settles about a type, so that generated models say a type in as many lines as it has
//! members. The code they write is plain and short: no closures, nothing generic that need not be, since a models
//! crate has hundreds of types. `farside-wire` documents what it does.
//!
//! | derive | for | attributes of the type, in `#[wire(..)]` | of a field or variant |
//! | --- | --- | --- | --- |
//! | `Structure` | an object | `name`, `bases`, `extends`, `descendants`, `builder` | `name`, `required`, `default` |
//! | `OpenEnum` | an enum of the server | `name` | the text, e.g. `#[wire("poweredOn")]` |
//! | `Union` | a `oneOf` with a discriminator | `name`, `tag` | the tag, e.g. `#[wire("IPV4")]` |
//! | `QueryParameters` | the variable part of a query | | `name`, `repeated`, `comma` |

mod attribute;
mod builder;
mod field;
mod open_enum;
mod query;
mod structure;
#[cfg(test)]
mod tests;
mod union;
mod variant;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `Structure`, `Read`, `Serialize` and `Deserialize`, and `DataType` and `Extends` where `bases` are given.
///
/// Of the type, in `#[wire(..)]`:
/// - `name = "TaskInfo"`: name in the schema. Required.
/// - `bases = ["DataObject", "Any"]`: names of the types it derives from, nearest first. With it, the type is a data
///   type of VI JSON: `_typeName` is written first.
/// - `extends = [Base, ..]`: those of the bases that are types in Rust.
/// - `descendants = ["Sub", ..]`: names of all types that derive from it.
/// - `builder`: a function `new` that takes the required members in order, and a setter `with_..` for each other one.
///
/// A field `Option<T>` is optional: null counts as absent, and absent is not written. A `Vec` or a `BTreeMap` is
/// optional: empty is not written. Every other field is required. Of a field:
/// - `name = "memoryInMB"`: the wire name, where it is not the field's name in camel case.
/// - `required`: a `Vec` or `BTreeMap` that must be sent and is always written.
/// - `default`: what may be absent all the same, and counts as `Default::default()` then; it is always written.
///
/// The last field is `extra: Extra`; it takes the members that the type does not know.
#[proc_macro_derive(Structure, attributes(wire))]
pub fn derive_structure(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), structure::expand)
}

/// Derives `OpenEnum`, `Display`, `Read`, `Serialize` and `Deserialize`.
///
/// The type has `#[wire(name = "TaskInfoState")]`, each variant its text, `#[wire("queued")]`, and the last variant is
/// `Unknown(UnknownValue)`.
#[proc_macro_derive(OpenEnum, attributes(wire))]
pub fn derive_open_enum(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), open_enum::expand)
}

/// Derives `Union`, `Read`, `Serialize` and `Deserialize`, and `From` for each variant's structure.
///
/// The type has `#[wire(name = "IpSpec", tag = "type")]`, each variant holds a structure, boxed or not, and has the
/// text of its tag, `#[wire("IPV4")]`, and the last variant is `Unknown(UnknownVariant)`.
#[proc_macro_derive(Union, attributes(wire))]
pub fn derive_union(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), union::expand)
}

/// Derives `to_query`, a setter `with_..` for each optional parameter, and `new` if there are required ones.
///
/// Parameters are written in the order of the fields. A field `Option<T>` or `Vec<T>` is optional, every other one
/// required; `T` is written by `Display`. Of a field:
/// - `name = "filter.names"`: the name in the query, where it is not the field's name in camel case.
/// - `repeated` or `comma`, for a `Vec`: one parameter for each value, or one with all values between commas.
#[proc_macro_derive(QueryParameters, attributes(wire))]
pub fn derive_query_parameters(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input), query::expand)
}

fn expand(
    input: DeriveInput,
    with: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    with(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
