//! `#[derive(Choices)]`: the variants of an enum as the options of a select.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Meta, Path};

use crate::errors::Errors;
use crate::{docs, names, setting};

/// What `#[derive(Choices)]` makes of this item.
pub(crate) fn expand(item: TokenStream) -> syn::Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let mut errors = Errors::default();
    let taskdeck = taskdeck(&item, &mut errors);
    let name = &item.ident;
    if !item.generics.params.is_empty() {
        errors.say(&item.generics.params, "an enum of choices cannot be generic");
    }
    let variants = match &item.data {
        Data::Enum(data) => data.variants.iter().collect(),
        Data::Struct(_) | Data::Union(_) => Vec::new(),
    };
    if variants.is_empty() {
        errors.say(name, "#[derive(Choices)] goes on an enum with at least one variant: each is an option");
    }
    let mut options = Vec::new();
    for variant in variants {
        if !matches!(variant.fields, Fields::Unit) {
            let message = "an option of a select carries no data: leave the fields out";
            errors.say(&variant.fields, message);
        }
        let ident = &variant.ident;
        let title = docs::title(&variant.attrs).unwrap_or_else(|| names::words(&ident.unraw().to_string()));
        options.push(quote!((#name::#ident, #title)));
    }
    errors.into_result(quote! {
        #[automatically_derived]
        impl #taskdeck::__private::Choices for #name {
            fn choices() -> ::std::vec::Vec<#taskdeck::__private::Choice> {
                #taskdeck::__private::choices([#(#options),*])
            }
        }

        #[automatically_derived]
        impl #taskdeck::__private::ParamType for #name {
            fn param_kind() -> #taskdeck::__private::ParamKind {
                #taskdeck::__private::ParamKind::Choice {
                    options: <Self as #taskdeck::__private::Choices>::choices(),
                }
            }
        }
    })
}

/// Where the facade is, by `#[choices(crate = path)]`.
fn taskdeck(item: &DeriveInput, errors: &mut Errors) -> Path {
    let mut path = None;
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("choices")) {
        let list = match &attribute.meta {
            Meta::List(list) => setting::parse(list.tokens.clone()),
            other => Err(syn::Error::new_spanned(other, "write `#[choices(crate = path)]`, or leave it out")),
        };
        let list = errors.take(list).unwrap_or_default();
        setting::each(&list, "#[choices]", &["crate"], errors, |_, setting| {
            path = Some(setting.path("path::to::taskdeck")?);
            Ok(())
        });
    }
    path.unwrap_or_else(|| syn::parse_quote!(::taskdeck))
}
