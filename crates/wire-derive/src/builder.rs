//! `new`, and the setters.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type, Visibility};

use crate::field::{self, Shape};
use crate::structure::{Member, Structure};

/// The constructor of a structure, and its setters.
pub(crate) fn expand(structure: &Structure<'_>) -> TokenStream {
    let (ident, vis) = (&structure.input.ident, &structure.input.vis);
    let (parameters, arguments, conditions) = structure.input.generics.split_for_impl();
    let new = structure
        .members
        .iter()
        .any(|member| member.required)
        .then(|| new(structure));
    let setters = structure
        .members
        .iter()
        .filter(|member| !member.required)
        .map(|member| setter(vis, member.field, member.ident, member.shape));
    quote! {
        #[automatically_derived]
        impl #parameters #ident #arguments #conditions {
            #new
            #(#setters)*
        }
    }
}

fn new(structure: &Structure<'_>) -> TokenStream {
    let (vis, extra) = (&structure.input.vis, structure.extra);
    let required = structure.members.iter().filter(|member| member.required);
    let parameters = required.map(|Member { ident, field, .. }| {
        let (ty, _) = field::parameter(&field.ty, ident);
        quote!(#ident: #ty)
    });
    let values = structure.members.iter().map(|member| {
        let ident = member.ident;
        if member.required {
            let (_, value) = field::parameter(&member.field.ty, ident);
            quote!(#ident: #value,)
        } else {
            quote!(#ident: ::core::default::Default::default(),)
        }
    });
    quote! {
        /// A value with the required members.
        #[allow(clippy::too_many_arguments, reason = "as many as the schema requires")]
        #vis fn new(#(#parameters),*) -> Self {
            Self { #(#values)* #extra: ::farside_wire::Extra::new() }
        }
    }
}

/// The function that sets one field.
pub(crate) fn setter(vis: &Visibility, field: &syn::Field, ident: &Ident, shape: Shape<'_>) -> TokenStream {
    let (ty, value) = match shape {
        Shape::Optional(inner) => {
            let (ty, value) = field::parameter(inner, ident);
            (ty, quote!(::core::option::Option::Some(#value)))
        }
        Shape::Plain | Shape::List | Shape::Map => {
            let ty: &Type = &field.ty;
            (quote!(#ty), quote!(#ident))
        }
    };
    let name = field::setter(ident);
    let doc = field::setter_doc(field, ident);
    quote! {
        #[doc = #doc]
        #[must_use]
        #vis fn #name(mut self, #ident: #ty) -> Self {
            self.#ident = #value;
            self
        }
    }
}
