//! `Structure`, and what stands on it.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Error, Generics, Ident, LitStr, Result, Type, parse_quote};

use crate::attribute;
use crate::builder;
use crate::field::{self, Shape};

/// A structure as its attributes describe it.
pub(crate) struct Structure<'a> {
    pub(crate) input: &'a DeriveInput,
    name: LitStr,
    bases: Option<Vec<LitStr>>,
    extends: Vec<Type>,
    descendants: Vec<LitStr>,
    pub(crate) members: Vec<Member<'a>>,
    /// The field for what is unknown.
    pub(crate) extra: &'a Ident,
}

/// A field that is a member on the wire.
pub(crate) struct Member<'a> {
    pub(crate) field: &'a syn::Field,
    pub(crate) ident: &'a Ident,
    pub(crate) shape: Shape<'a>,
    wire: String,
    /// Must be there.
    pub(crate) required: bool,
    /// Is written even if it is empty.
    written: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let (structure, builder) = parse(input)?;
    let implementation = structure.implementation();
    let serde = structure.serde();
    let data_type = structure.data_type();
    let builder = builder.then(|| builder::expand(&structure));
    Ok(quote!(#implementation #serde #data_type #builder))
}

fn parse(input: &DeriveInput) -> Result<(Structure<'_>, bool)> {
    let (mut name, mut bases, mut extends, mut descendants, mut builder) = (None, None, None, None, None);
    attribute::entries(&input.attrs, |meta| match meta.path.get_ident() {
        Some(entry) if entry == "name" => attribute::once(&meta, &mut name, attribute::text(&meta)?),
        Some(entry) if entry == "bases" => attribute::once(&meta, &mut bases, attribute::list(&meta)?),
        Some(entry) if entry == "extends" => attribute::once(&meta, &mut extends, attribute::list(&meta)?),
        Some(entry) if entry == "descendants" => {
            attribute::once(&meta, &mut descendants, attribute::list(&meta)?)
        }
        Some(entry) if entry == "builder" => attribute::once(&meta, &mut builder, ()),
        _ => Err(meta.error("expected `name`, `bases`, `extends`, `descendants` or `builder`")),
    })?;
    let missing = |what| Error::new(input.ident.span(), what);
    let name: LitStr =
        name.ok_or_else(|| missing("`#[wire(name = \"..\")]` is missing: its name in the schema"))?;
    attribute::plain(&name)?;
    let (mut members, mut extra) = (Vec::new(), None);
    for field in field::named(input)? {
        let ident = field::ident(field)?;
        if !field::is_extra(field) {
            members.push(member(field, ident)?);
        } else if extra.replace(ident).is_some() {
            return Err(Error::new(
                ident.span(),
                "one field takes what is unknown already",
            ));
        }
    }
    let structure = Structure {
        input,
        name,
        bases,
        extends: extends.unwrap_or_default(),
        descendants: descendants.unwrap_or_default(),
        members,
        extra: extra
            .ok_or_else(|| missing("the field `extra: Extra` is missing: it takes what is unknown"))?,
    };
    structure.check()?;
    Ok((structure, builder.is_some()))
}

fn member<'a>(field: &'a syn::Field, ident: &'a Ident) -> Result<Member<'a>> {
    let (mut name, mut required, mut default) = (None, None, None);
    attribute::entries(&field.attrs, |meta| match meta.path.get_ident() {
        Some(entry) if entry == "name" => attribute::once(&meta, &mut name, attribute::text(&meta)?),
        Some(entry) if entry == "required" => attribute::once(&meta, &mut required, entry.span()),
        Some(entry) if entry == "default" => attribute::once(&meta, &mut default, entry.span()),
        _ => Err(meta.error("expected `name`, `required` or `default`")),
    })?;
    let shape = Shape::of(&field.ty);
    let collection = matches!(shape, Shape::List | Shape::Map);
    if let Some(span) = required.filter(|_| !collection) {
        return Err(Error::new(
            span,
            "`required` is for a `Vec` or a `BTreeMap`; an `Option` is optional, and anything else is required",
        ));
    }
    if let Some(span) = default.filter(|_| required.is_some() || matches!(shape, Shape::Optional(_))) {
        return Err(Error::new(
            span,
            "`default` is for what is neither `required` nor an `Option`",
        ));
    }
    let plain = matches!(shape, Shape::Plain);
    Ok(Member {
        field,
        ident,
        shape,
        wire: match &name {
            Some(name) => attribute::plain(name)?,
            None => field::camel_case(ident),
        },
        required: required.is_some() || (plain && default.is_none()),
        written: required.is_some() || default.is_some() || plain,
    })
}

/// What one member has in the function that reads all of them.
struct Reading {
    /// Holds the member's value until all are read.
    variable: TokenStream,
    /// Reads the member.
    arm: TokenStream,
    /// Refuses its absence, if it must be there.
    check: TokenStream,
    /// Puts it into the structure.
    field: TokenStream,
}

impl Member<'_> {
    fn read(&self, index: usize, last: bool) -> Reading {
        let option = quote!(::core::option::Option);
        let (field, local) = (self.ident, format_ident!("member_{index}"));
        let index = Literal::usize_unsuffixed(index);
        // The reader names no other index than those of `MEMBERS`.
        let pattern = if last { quote!(_) } else { quote!(#index) };
        let (empty, how) = match self.shape {
            Shape::List if !self.required => (quote!(::std::vec::Vec::new()), quote!(array)),
            Shape::Map if !self.required => (quote!(::std::collections::BTreeMap::new()), quote!(map)),
            _ => (quote!(#option::None), quote!(optional)),
        };
        let check = self.required.then(|| {
            quote! {
                let #option::Some(#local) = #local else {
                    return ::core::result::Result::Err(members.missing(#index));
                };
            }
        });
        Reading {
            variable: quote!(let mut #local = #empty;),
            arm: quote!(#pattern => members.#how(&mut #local),),
            check: check.unwrap_or_default(),
            field: match self.shape {
                Shape::Plain if !self.required => quote!(#field: #local.unwrap_or_default(),),
                _ => quote!(#field: #local,),
            },
        }
    }
}

impl Structure<'_> {
    fn check(&self) -> Result<()> {
        if let (None, Some(base)) = (&self.bases, self.extends.first()) {
            return Err(Error::new_spanned(base, "`extends` is for a type with `bases`"));
        }
        if let (None, Some(name)) = (&self.bases, self.descendants.first()) {
            return Err(Error::new_spanned(
                name,
                "`descendants` is for a type with `bases`",
            ));
        }
        for (index, member) in self.members.iter().enumerate() {
            if self.members[..index]
                .iter()
                .any(|other| other.wire == member.wire)
            {
                let message = format!("another field has the wire name `{}`", member.wire);
                return Err(Error::new(member.ident.span(), message));
            }
        }
        Ok(())
    }

    /// The generics with what a type parameter must be able to do.
    fn bounded(&self) -> Generics {
        let mut generics = self.input.generics.clone();
        for parameter in generics.type_params_mut() {
            parameter.bounds.push(parse_quote!(::farside_wire::Read));
            parameter
                .bounds
                .push(parse_quote!(::farside_wire::derived::serde::Serialize));
        }
        generics
    }

    fn implementation(&self) -> TokenStream {
        let (ident, name, extra) = (&self.input.ident, &self.name, self.extra);
        let generics = self.bounded();
        let (parameters, arguments, conditions) = generics.split_for_impl();
        let tagged = self.bases.is_some();
        let wires = self.members.iter().map(|member| &member.wire);
        let read = self.read();
        let writes = self.members.iter().map(|member| {
            let (field, wire) = (member.ident, &member.wire);
            match (member.written, member.shape) {
                (true, _) | (_, Shape::Plain) => quote!(members.required(#wire, &self.#field)?;),
                (false, Shape::Optional(_)) => quote!(members.optional(#wire, &self.#field)?;),
                (false, Shape::List) => quote!(members.array(#wire, &self.#field)?;),
                (false, Shape::Map) => quote!(members.map(#wire, &self.#field)?;),
            }
        });
        let members = if self.members.is_empty() {
            quote!(_)
        } else {
            quote!(members)
        };
        quote! {
            #[automatically_derived]
            impl #parameters ::farside_wire::Structure for #ident #arguments #conditions {
                const NAME: &'static str = #name;
                const TAGGED: bool = #tagged;
                const MEMBERS: &'static [&'static str] = &[#(#wires),*];

                #read

                fn write_members<M: ::farside_wire::derived::serde::ser::SerializeMap>(
                    &self,
                    #members: &mut ::farside_wire::MemberWriter<M>,
                ) -> ::core::result::Result<(), M::Error> {
                    #(#writes)*
                    ::core::result::Result::Ok(())
                }

                fn extra(&self) -> &::farside_wire::Extra {
                    &self.#extra
                }
            }
        }
    }

    /// One variable for each member, one loop over the members, one look at each that must be there.
    fn read(&self) -> TokenStream {
        let last = self.members.len().saturating_sub(1);
        let members = self.members.iter().enumerate();
        let parts: Vec<_> = members
            .map(|(index, member)| member.read(index, index == last))
            .collect();
        let of = |part: fn(&Reading) -> &TokenStream| parts.iter().map(part);
        let (variables, arms) = (of(|part| &part.variable), of(|part| &part.arm));
        let (checks, fields) = (of(|part| &part.check), of(|part| &part.field));
        let walk = if parts.is_empty() {
            quote!(while members.next_member().is_some() {})
        } else {
            quote! {
                while let ::core::option::Option::Some(member) = members.next_member() {
                    match member { #(#arms)* }
                }
            }
        };
        let extra = self.extra;
        quote! {
            fn read_members(
                members: &mut ::farside_wire::MemberReader<'_, '_>,
            ) -> ::core::result::Result<Self, ::farside_wire::ReadError> {
                #(#variables)*
                #walk
                let extra = members.end()?;
                #(#checks)*
                ::core::result::Result::Ok(Self {
                    #(#fields)*
                    #extra: extra,
                })
            }
        }
    }

    fn serde(&self) -> TokenStream {
        let generics = self.bounded();
        exchange(
            &self.input.ident,
            &generics,
            &quote!(::farside_wire::read_structure(reader)),
            &quote!(::farside_wire::read_with_serde(deserializer)),
            &quote!(::farside_wire::write_structure(self, serializer)),
        )
    }

    fn data_type(&self) -> Option<TokenStream> {
        let bases = self.bases.as_ref()?;
        let (ident, extends, descendants) = (&self.input.ident, &self.extends, &self.descendants);
        let generics = self.bounded();
        let (parameters, arguments, conditions) = generics.split_for_impl();
        let descendants = (!descendants.is_empty()).then(|| {
            quote! {
                fn descendants() -> &'static [&'static str] {
                    &[#(#descendants),*]
                }
            }
        });
        Some(quote! {
            #[automatically_derived]
            impl #parameters ::farside_wire::DataType for #ident #arguments #conditions {
                fn bases() -> &'static [&'static str] {
                    &[#(#bases),*]
                }

                #descendants
            }

            #(
                #[automatically_derived]
                impl #parameters ::farside_wire::Extends<#extends> for #ident #arguments #conditions {}
            )*
        })
    }
}

/// `Read`, `Deserialize` and `Serialize`, each by one call.
pub(crate) fn exchange(
    ident: &Ident,
    generics: &Generics,
    read: &TokenStream,
    deserialize: &TokenStream,
    serialize: &TokenStream,
) -> TokenStream {
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let mut borrowing = generics.clone();
    borrowing.params.insert(0, parse_quote!('de));
    let (with_lifetime, _, _) = borrowing.split_for_impl();
    let serde = quote!(::farside_wire::derived::serde);
    let result = quote!(::core::result::Result);
    quote! {
        #[automatically_derived]
        impl #parameters ::farside_wire::Read for #ident #arguments #conditions {
            fn read(reader: &mut ::farside_wire::Reader<'_>) -> #result<Self, ::farside_wire::ReadError> {
                #read
            }
        }

        #[automatically_derived]
        impl #with_lifetime #serde::Deserialize<'de> for #ident #arguments #conditions {
            fn deserialize<D: #serde::Deserializer<'de>>(deserializer: D) -> #result<Self, D::Error> {
                #deserialize
            }
        }

        #[automatically_derived]
        impl #parameters #serde::Serialize for #ident #arguments #conditions {
            fn serialize<S: #serde::Serializer>(&self, serializer: S) -> #result<S::Ok, S::Error> {
                #serialize
            }
        }
    }
}
