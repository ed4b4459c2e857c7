//! `OpenEnum`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Ident, LitStr, Result};

use crate::attribute;
use crate::structure::exchange;
use crate::variant::{self, Variant};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut name: Option<LitStr> = None;
    attribute::entries(&input.attrs, |meta| {
        if meta.path.is_ident("name") {
            attribute::once(&meta, &mut name, attribute::text(&meta)?)
        } else {
            Err(meta.error("expected `name`"))
        }
    })?;
    let ident = &input.ident;
    let missing = || {
        Error::new(
            ident.span(),
            "`#[wire(name = \"..\")]` is missing: its name in the schema",
        )
    };
    let name = name.ok_or_else(missing)?;
    let variants = variant::known(input)?;
    if let Some(variant) = variants.iter().find(|variant| variant.content.is_some()) {
        return Err(Error::new(
            variant.ident.span(),
            "a value of an enum holds nothing",
        ));
    }
    let implementation = implementation(ident, &name, &variants);
    let exchange = exchange(
        ident,
        &input.generics,
        &quote!(::farside_wire::read_enum(reader)),
        &quote!(::farside_wire::read_enum_with_serde(deserializer)),
        &quote!(::farside_wire::write_enum(self, serializer)),
    );
    Ok(quote!(#implementation #exchange))
}

fn implementation(ident: &Ident, name: &LitStr, variants: &[Variant<'_>]) -> TokenStream {
    let (idents, wires): (Vec<_>, Vec<_>) = variants
        .iter()
        .map(|variant| (variant.ident, &variant.wire))
        .unzip();
    quote! {
        #[automatically_derived]
        impl ::farside_wire::OpenEnum for #ident {
            const NAME: &'static str = #name;
            const VALUES: &'static [Self] = &[#(Self::#idents),*];

            fn as_wire(&self) -> &str {
                match self {
                    #(Self::#idents => #wires,)*
                    Self::Unknown(value) => value.as_str(),
                }
            }

            fn unknown(value: ::farside_wire::UnknownValue) -> Self {
                Self::Unknown(value)
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.write_str(::farside_wire::OpenEnum::as_wire(self))
            }
        }
    }
}
