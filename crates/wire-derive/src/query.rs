//! `QueryParameters`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Ident, Result};

use crate::attribute;
use crate::builder::setter;
use crate::field::{self, Shape};

/// One parameter of a query.
struct Parameter<'a> {
    field: &'a syn::Field,
    ident: &'a Ident,
    shape: Shape<'a>,
    name: String,
    /// All values between commas, instead of one parameter for each.
    comma: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    attribute::entries(&input.attrs, |meta| {
        Err(meta.error("query parameters have no attributes of their own"))
    })?;
    let parameters = field::named(input)?
        .into_iter()
        .map(parameter)
        .collect::<Result<Vec<_>>>()?;
    let (ident, vis) = (&input.ident, &input.vis);
    let writes = parameters.iter().map(write);
    let setters = parameters
        .iter()
        .filter(|parameter| !is_required(parameter))
        .map(|parameter| setter(vis, parameter.field, parameter.ident, parameter.shape));
    let new = parameters
        .iter()
        .any(is_required)
        .then(|| new(input, &parameters));
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics #ident #arguments #conditions {
            #new

            /// The parameters as they stand in the query, without those that are unset.
            #vis fn to_query(&self) -> ::farside_wire::Query {
                let query = ::farside_wire::Query::new();
                #(#writes)*
                query
            }

            #(#setters)*
        }
    })
}

fn parameter(field: &syn::Field) -> Result<Parameter<'_>> {
    let ident = field::ident(field)?;
    let (mut name, mut repeated, mut comma) = (None, None, None);
    attribute::entries(&field.attrs, |meta| match meta.path.get_ident() {
        Some(entry) if entry == "name" => attribute::once(&meta, &mut name, attribute::text(&meta)?),
        Some(entry) if entry == "repeated" => attribute::once(&meta, &mut repeated, entry.span()),
        Some(entry) if entry == "comma" => attribute::once(&meta, &mut comma, entry.span()),
        _ => Err(meta.error("expected `name`, `repeated` or `comma`")),
    })?;
    let shape = Shape::of(&field.ty);
    match (shape, repeated, comma) {
        (Shape::Map, ..) => return Err(Error::new(ident.span(), "a map is no query parameter")),
        (Shape::List, None, None) => {
            return Err(Error::new(
                ident.span(),
                "a list needs `#[wire(repeated)]` or `#[wire(comma)]`",
            ));
        }
        (Shape::List, Some(_), Some(span)) => {
            return Err(Error::new(span, "a list is either `repeated` or `comma`"));
        }
        (Shape::Plain | Shape::Optional(_), Some(span), _)
        | (Shape::Plain | Shape::Optional(_), _, Some(span)) => {
            return Err(Error::new(span, "`repeated` and `comma` are for a `Vec`"));
        }
        _ => {}
    }
    Ok(Parameter {
        field,
        ident,
        shape,
        name: name.map_or_else(|| field::camel_case(ident), |name: syn::LitStr| name.value()),
        comma: comma.is_some(),
    })
}

fn is_required(parameter: &Parameter<'_>) -> bool {
    matches!(parameter.shape, Shape::Plain)
}

fn write(parameter: &Parameter<'_>) -> TokenStream {
    let Parameter {
        ident,
        name,
        shape,
        comma,
        ..
    } = parameter;
    match shape {
        Shape::Plain => quote!(let query = query.with(#name, &self.#ident);),
        Shape::Optional(_) => quote!(let query = query.with_some(#name, self.#ident.as_ref());),
        Shape::List | Shape::Map if *comma => quote!(let query = query.with_list(#name, &self.#ident);),
        Shape::List | Shape::Map => quote!(let query = query.with_each(#name, &self.#ident);),
    }
}

fn new(input: &DeriveInput, parameters: &[Parameter<'_>]) -> TokenStream {
    let vis = &input.vis;
    let arguments = parameters
        .iter()
        .filter(|parameter| is_required(parameter))
        .map(|parameter| {
            let (ty, _) = field::parameter(&parameter.field.ty, parameter.ident);
            let ident = parameter.ident;
            quote!(#ident: #ty)
        });
    let values = parameters.iter().map(|parameter| {
        let ident = parameter.ident;
        if is_required(parameter) {
            let (_, value) = field::parameter(&parameter.field.ty, ident);
            quote!(#ident: #value,)
        } else {
            quote!(#ident: ::core::default::Default::default(),)
        }
    });
    quote! {
        /// The parameters that must be given.
        #vis fn new(#(#arguments),*) -> Self {
            Self { #(#values)* }
        }
    }
}
