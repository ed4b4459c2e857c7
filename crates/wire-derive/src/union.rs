//! `Union`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{DeriveInput, Error, Ident, LitStr, Result, Type};

use crate::structure::exchange;
use crate::variant::{self, Variant};
use crate::{attribute, field};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let (mut name, mut tag): (Option<LitStr>, Option<LitStr>) = (None, None);
    attribute::entries(&input.attrs, |meta| match meta.path.get_ident() {
        Some(entry) if entry == "name" => attribute::once(&meta, &mut name, attribute::text(&meta)?),
        Some(entry) if entry == "tag" => attribute::once(&meta, &mut tag, attribute::text(&meta)?),
        _ => Err(meta.error("expected `name` or `tag`")),
    })?;
    let ident = &input.ident;
    let missing = || {
        let message = "`#[wire(name = \"..\", tag = \"..\")]` is missing: its name, and the member that tells the variant";
        Error::new(ident.span(), message)
    };
    let (name, tag) = (name.ok_or_else(missing)?, tag.ok_or_else(missing)?);
    attribute::plain(&tag)?;
    let variants = variant::known(input)?;
    let variants = variants.iter().map(content).collect::<Result<Vec<_>>>()?;
    let implementation = implementation(ident, &name, &tag, &variants);
    let conversions = conversions(ident, &variants);
    let exchange = exchange(
        ident,
        &input.generics,
        &quote!(::farside_wire::read_union(reader)),
        &quote!(::farside_wire::read_with_serde(deserializer)),
        &quote!(::farside_wire::write_union(self, serializer)),
    );
    Ok(quote!(#implementation #conversions #exchange))
}

/// A variant's structure.
struct Content<'a> {
    variant: &'a Ident,
    wire: &'a LitStr,
    ty: &'a Type,
    boxed: bool,
}

fn content<'a>(variant: &'a Variant<'a>) -> Result<Content<'a>> {
    let Some(ty) = variant.content else {
        return Err(Error::new(variant.ident.span(), "a variant holds a structure"));
    };
    let unboxed = field::unboxed(ty);
    Ok(Content {
        variant: variant.ident,
        wire: &variant.wire,
        ty: unboxed.unwrap_or(ty),
        boxed: unboxed.is_some(),
    })
}

fn implementation(ident: &Ident, name: &LitStr, tag: &LitStr, variants: &[Content<'_>]) -> TokenStream {
    let reads = variants.iter().map(
        |Content {
             variant, wire, boxed, ..
         }| {
            let boxed = boxed.then(|| quote!(.map(::std::boxed::Box::new)));
            quote!(::core::option::Option::Some(#wire) => variant.known() #boxed .map(Self::#variant),)
        },
    );
    let tags = variants.iter().map(
        |Content { variant, wire, .. }| quote!(Self::#variant(_) => ::core::option::Option::Some(#wire),),
    );
    let writes = variants.iter().map(|Content { variant, boxed, .. }| {
        let unboxed = boxed.then(|| quote!(&**));
        quote!(Self::#variant(variant) => members.structure(#unboxed variant),)
    });
    quote! {
        #[automatically_derived]
        impl ::farside_wire::Union for #ident {
            const NAME: &'static str = #name;
            const TAG: &'static str = #tag;

            fn read_variant(
                tag: ::core::option::Option<&str>,
                variant: ::farside_wire::VariantReader<'_, '_>,
            ) -> ::core::result::Result<Self, ::farside_wire::ReadError> {
                match tag {
                    #(#reads)*
                    _ => variant.unknown(tag).map(Self::Unknown),
                }
            }

            fn tag(&self) -> ::core::option::Option<&str> {
                match self {
                    #(#tags)*
                    Self::Unknown(variant) => variant.tag(),
                }
            }

            fn write_variant<M: ::farside_wire::derived::serde::ser::SerializeMap>(
                &self,
                members: &mut ::farside_wire::MemberWriter<M>,
            ) -> ::core::result::Result<(), M::Error> {
                match self {
                    #(#writes)*
                    Self::Unknown(variant) => members.unknown_variant(variant),
                }
            }
        }
    }
}

/// `From` each structure that is in one variant only.
fn conversions(ident: &Ident, variants: &[Content<'_>]) -> TokenStream {
    let text = |ty: &Type| ty.to_token_stream().to_string();
    let alone = |one: &Content<'_>| {
        variants
            .iter()
            .filter(|other| text(other.ty) == text(one.ty))
            .count()
            == 1
    };
    let conversions = variants.iter().filter(|content| alone(content)).map(|content| {
        let Content {
            variant, ty, boxed, ..
        } = content;
        let value = if *boxed {
            quote!(::std::boxed::Box::new(variant))
        } else {
            quote!(variant)
        };
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<#ty> for #ident {
                fn from(variant: #ty) -> Self {
                    Self::#variant(#value)
                }
            }
        }
    });
    quote!(#(#conversions)*)
}
