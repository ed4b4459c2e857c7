//! The fields of a structure, and of a set of query parameters.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{
    Data, DeriveInput, Error, Expr, ExprLit, Fields, GenericArgument, Ident, Lit, Meta, PathArguments,
    Result, Type,
};

/// What a field's type says about its member.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// Must be there.
    Plain,
    /// `Option`: may be absent.
    Optional(&'a Type),
    /// `Vec`.
    List,
    /// `BTreeMap`.
    Map,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(ty: &'a Type) -> Self {
        match outer(ty) {
            Some((name, Some(inner))) if name == "Option" => Self::Optional(inner),
            Some((name, _)) if name == "Vec" => Self::List,
            Some((name, _)) if name == "BTreeMap" => Self::Map,
            _ => Self::Plain,
        }
    }
}

/// Last name in a path, and its first type argument.
fn outer(ty: &Type) -> Option<(&Ident, Option<&Type>)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let inner = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    };
    Some((&last.ident, inner))
}

/// The type in `Box<T>`.
pub(crate) fn unboxed(ty: &Type) -> Option<&Type> {
    match outer(ty) {
        Some((name, inner)) if name == "Box" => inner,
        _ => None,
    }
}

/// The fields by name.
pub(crate) fn named(input: &DeriveInput) -> Result<Vec<&syn::Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().collect()),
            Fields::Unnamed(_) | Fields::Unit => {
                Err(Error::new(input.ident.span(), "its fields have no names"))
            }
        },
        Data::Enum(_) | Data::Union(_) => Err(Error::new(input.ident.span(), "it is not a struct")),
    }
}

/// The name of a field; only tuples have fields without.
pub(crate) fn ident(field: &syn::Field) -> Result<&Ident> {
    let ident = field.ident.as_ref();
    ident.ok_or_else(|| Error::new(field.span(), "the field has no name"))
}

/// Whether it is the field for what is unknown.
pub(crate) fn is_extra(field: &syn::Field) -> bool {
    outer(&field.ty).is_some_and(|(name, _)| name == "Extra")
}

/// The wire name that belongs to a field's name: `memory_in_mb` is `memoryInMb`, `type_` is `type`.
pub(crate) fn camel_case(ident: &Ident) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for character in bare(ident).chars() {
        if character == '_' {
            upper = !camel.is_empty();
        } else if std::mem::take(&mut upper) {
            camel.extend(character.to_uppercase());
        } else {
            camel.push(character);
        }
    }
    camel
}

/// A field's name without what makes it differ from a keyword.
fn bare(ident: &Ident) -> String {
    let name = ident.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    name.trim_end_matches('_').to_owned()
}

/// Name of the function that sets a field.
pub(crate) fn setter(ident: &Ident) -> Ident {
    Ident::new(&format!("with_{}", bare(ident)), Span::call_site())
}

/// Type of a parameter that a field of type `ty` is set from, and the value made of the parameter called `name`.
pub(crate) fn parameter(ty: &Type, name: &Ident) -> (TokenStream, TokenStream) {
    if matches!(outer(ty), Some((outer, None)) if outer == "String") {
        return (
            quote!(impl ::core::convert::Into<::std::string::String>),
            quote!(#name.into()),
        );
    }
    match unboxed(ty) {
        Some(inner) => (quote!(#inner), quote!(::std::boxed::Box::new(#name))),
        None => (quote!(#ty), quote!(#name)),
    }
}

/// What the documentation of a setter says: which field, and the first line about it.
pub(crate) fn setter_doc(field: &syn::Field, ident: &Ident) -> String {
    match first_doc_line(field) {
        Some(line) => format!("Sets `{ident}`: {line}"),
        None => format!("Sets `{ident}`."),
    }
}

fn first_doc_line(field: &syn::Field) -> Option<String> {
    field.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Span, camel_case, setter};
    use syn::Ident;

    fn ident(name: &str) -> Ident {
        syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site()))
    }

    #[test]
    fn wire_name_is_the_field_in_camel_case() {
        for (field, wire) in [
            ("key", "key"),
            ("memory_in_mb", "memoryInMb"),
            ("type_", "type"),
            ("r#type", "type"),
            ("ipv4_address", "ipv4Address"),
        ] {
            assert_eq!(camel_case(&ident(field)), wire);
        }
        assert_eq!(setter(&ident("type_")), "with_type");
    }
}
