//! The variants of enums and unions.

use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Type};

/// A known variant: its text on the wire, and what it holds.
pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) wire: LitStr,
    pub(crate) content: Option<&'a Type>,
}

/// The known variants. The last variant is `Unknown(..)`, which has no text.
pub(crate) fn known(input: &DeriveInput) -> Result<Vec<Variant<'_>>> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "it is not an enum"));
    };
    let (mut variants, mut unknown) = (Vec::<Variant<'_>>::new(), false);
    for variant in &data.variants {
        let ident = &variant.ident;
        let content =
            content(&variant.fields).ok_or_else(|| Error::new(ident.span(), "it holds one value at most"))?;
        let wire = wire(variant)?;
        match wire {
            None if ident == "Unknown" && content.is_some() => unknown = true,
            None => {
                return Err(Error::new(
                    ident.span(),
                    "`#[wire(\"..\")]` is missing: its text on the wire",
                ));
            }
            Some(wire) => {
                if variants.iter().any(|other| other.wire.value() == wire.value()) {
                    return Err(Error::new(wire.span(), "another variant has the same text"));
                }
                variants.push(Variant { ident, wire, content });
            }
        }
    }
    if !unknown {
        let message = "the variant `Unknown(..)` is missing: it takes what is not known";
        return Err(Error::new(input.ident.span(), message));
    }
    Ok(variants)
}

/// What a variant holds; `None` if it holds more than one value, or names it.
fn content(fields: &Fields) -> Option<Option<&Type>> {
    match fields {
        Fields::Unit => Some(None),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Some(fields.unnamed.first().map(|field| &field.ty))
        }
        Fields::Unnamed(_) | Fields::Named(_) => None,
    }
}

fn wire(variant: &syn::Variant) -> Result<Option<LitStr>> {
    let mut attributes = variant
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("wire"));
    let wire = attributes
        .next()
        .map(|attribute| attribute.parse_args::<LitStr>())
        .transpose()?;
    match attributes.next() {
        None => Ok(wire),
        Some(second) => Err(Error::new_spanned(second, "given twice")),
    }
}
