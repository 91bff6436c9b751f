//! A kind, written down as code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, LitStr, Path};

use crate::function;
use crate::param::{self, Param};
use crate::task::{Rate, Task};

/// The attributes of the function, by what they are for.
struct Attributes<'a> {
    /// For everything that is made of the function.
    cfg: Vec<&'a Attribute>,
    /// For the struct, which is what a user sees.
    structs: Vec<&'a Attribute>,
    /// For the body.
    body: Vec<&'a Attribute>,
}

impl<'a> Attributes<'a> {
    fn sort(attributes: &'a [Attribute]) -> Self {
        let mut sorted = Self { cfg: Vec::new(), structs: Vec::new(), body: Vec::new() };
        for attribute in attributes {
            let path = attribute.path();
            if path.is_ident("cfg") {
                sorted.cfg.push(attribute);
            } else if path.is_ident("doc") || path.is_ident("deprecated") {
                sorted.structs.push(attribute);
            } else {
                sorted.body.push(attribute);
            }
        }
        sorted
    }
}

/// All that a task is: its struct and what it implements on both sides, and its body where there is an engine.
pub(crate) fn task(task: &Task<'_>) -> TokenStream {
    let attributes = Attributes::sort(&task.function.attributes);
    let parts = [structure(task, &attributes), implementation(task), defaults(task), signature(task)];
    let cfg = &attributes.cfg;
    let cfg = quote!(#(#cfg)*);
    let items = parts.into_iter().chain([server(task, &attributes)]).filter(|item| !item.is_empty());
    items.flat_map(|item| [cfg.clone(), item]).collect()
}

fn structure(task: &Task<'_>, attributes: &Attributes<'_>) -> TokenStream {
    let taskdeck = &task.taskdeck;
    let serde = quote!(#taskdeck::__private::serde);
    let serde_path = serde.to_string();
    let visibility = &task.function.visibility;
    let name = &task.name;
    let docs = &attributes.structs;
    // `missing_docs` asks for words about whatever is public, and the user cannot give them to the struct itself.
    let own_doc = is_undocumented(docs).then(|| {
        let text =
            task.settings.title.as_ref().map_or_else(|| format!("The task `{}`.", task.kind), LitStr::value);
        quote!(#[doc = #text])
    });
    let fields = task.params.iter().map(|param| {
        let Param { ident, r#type, docs, .. } = param;
        let own_doc = is_undocumented(docs).then(|| {
            let text = format!("The param `{}`.", param.name);
            quote!(#[doc = #text])
        });
        let default = if param.settings.default.is_some() {
            let path = format!("{name}::{}", param::default_name(param));
            Some(quote!(#[serde(default = #path)]))
        } else {
            param.optional.map(|_| quote!(#[serde(default)]))
        };
        quote!(#(#docs)* #own_doc #default #visibility #ident: #r#type,)
    });
    quote! {
        #(#docs)*
        #own_doc
        #[derive(::core::fmt::Debug, ::core::clone::Clone, #serde::Serialize, #serde::Deserialize)]
        #[serde(crate = #serde_path)]
        #visibility struct #name {
            #(#fields)*
        }
    }
}

fn is_undocumented(attributes: &[&Attribute]) -> bool {
    !attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

fn implementation(task: &Task<'_>) -> TokenStream {
    let taskdeck = &task.taskdeck;
    let private = quote!(#taskdeck::__private);
    let Task { name, kind, output, .. } = task;
    let said = said(task, &private);
    let params = task.params.iter().map(|param| definition_of(param, name, &private));
    let params = (!task.params.is_empty()).then(|| quote!(definition.params = ::std::vec![#(#params),*];));
    let body = if said.is_empty() && params.is_none() {
        quote!(#private::Definition::new(<Self as #private::Task>::kind()))
    } else {
        quote! {
            let mut definition = #private::Definition::new(<Self as #private::Task>::kind());
            #said
            #params
            definition
        }
    };
    quote! {
        #[automatically_derived]
        impl #private::Task for #name {
            const KIND: &'static str = #kind;
            type Output = #output;
            fn definition() -> #private::Definition {
                #body
            }
        }
    }
}

/// What is set in the definition: only what differs from core's defaults.
fn said(task: &Task<'_>, private: &TokenStream) -> TokenStream {
    let settings = &task.settings;
    let mut said = TokenStream::new();
    let mut set = |place: TokenStream, value: TokenStream| said.extend(quote!(definition.#place = #value;));
    let text = |text: &dyn ToTokens| quote!(::std::borrow::ToOwned::to_owned(#text));
    let texts = |texts: &[LitStr]| {
        let texts = texts.iter().map(|one| text(one));
        quote!(::std::vec![#(#texts),*])
    };
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));

    if let Some(version) = settings.version {
        set(quote!(version), quote!(#version));
    }
    if let Some(title) = &settings.title {
        set(quote!(title), text(title));
    }
    if !task.description.is_empty() {
        set(quote!(description), text(&task.description));
    }
    if let Some(category) = &settings.category {
        set(quote!(category), quote!(#private::Category::#category));
    }
    if let Some(icon) = &settings.icon {
        set(quote!(icon), text(icon));
    }
    if !settings.tags.is_empty() {
        set(quote!(tags), texts(&settings.tags));
    }
    if let Some(danger) = &settings.danger {
        set(quote!(danger), some(text(danger)));
    }
    if settings.expensive {
        set(quote!(expensive), quote!(true));
    }
    if !settings.requires.is_empty() {
        set(quote!(requires), texts(&settings.requires));
    }
    if let Some(millis) = settings.timeout_ms {
        set(quote!(limits.timeout_ms), some(quote!(#millis)));
    }
    if let Some(millis) = settings.grace_ms {
        set(quote!(limits.grace_ms), some(quote!(#millis)));
    }
    if let Some(tries) = settings.retry.max_tries {
        set(quote!(limits.retry.max_tries), quote!(#tries));
    }
    if let Some(millis) = settings.retry.base_ms {
        set(quote!(limits.retry.base_ms), quote!(#millis));
    }
    if let Some(millis) = settings.retry.max_ms {
        set(quote!(limits.retry.max_ms), quote!(#millis));
    }
    if let Some(queue) = &settings.queue {
        set(quote!(limits.queue), quote!(#private::queue(#queue)));
    }
    if let Some(tasks) = settings.concurrency {
        set(quote!(limits.concurrency), some(quote!(#tasks)));
    }
    if let Some(tasks) = settings.partition_concurrency {
        set(quote!(limits.partition_concurrency), some(quote!(#tasks)));
    }
    if let Some(Rate { count, per_ms }) = settings.rate {
        set(quote!(limits.rate), some(quote!(#private::Rate { count: #count, per_ms: #per_ms })));
    }
    if let Some(millis) = settings.expires_ms {
        set(quote!(limits.expires_ms), some(quote!(#millis)));
    }
    if let Some(millis) = settings.retention_ms {
        set(quote!(limits.retention_ms), some(quote!(#millis)));
    }
    if settings.at_most_once {
        set(quote!(limits.at_most_once), quote!(true));
    }
    said
}

fn definition_of(param: &Param<'_>, task: &Ident, private: &TokenStream) -> TokenStream {
    let Param { name, r#type, settings, .. } = param;
    let is_required = param.optional.is_none();
    let mut made = if settings.json {
        quote!(#private::json_param(#name, #is_required))
    } else if settings.choices {
        let inner = param.optional.unwrap_or(r#type);
        match function::list(inner) {
            Some(one) => quote!(#private::choices_param::<#one>(#name, #is_required)),
            None => quote!(#private::choice_param::<#inner>(#name, #is_required)),
        }
    } else {
        quote!(#private::Param::of::<#r#type>(#name))
    };
    if let Some(title) = &settings.title {
        made.extend(quote!(.title(#title)));
    }
    if !param.help.is_empty() {
        let help = &param.help;
        made.extend(quote!(.help(#help)));
    }
    if let Some(min) = &settings.min {
        let least = min.value;
        made.extend(quote!(.min(#least)));
    }
    if let Some(max) = &settings.max {
        let greatest = max.value;
        made.extend(quote!(.max(#greatest)));
    }
    if let Some(least) = settings.min_len {
        made.extend(quote!(.min_len(#least)));
    }
    if let Some(greatest) = settings.max_len {
        made.extend(quote!(.max_len(#greatest)));
    }
    if let Some(pattern) = &settings.pattern {
        made.extend(quote!(.pattern(#pattern)));
    }
    if let Some(help) = &settings.pattern_help {
        made.extend(quote!(.pattern_help(#help)));
    }
    if let Some(least) = settings.min_items {
        made.extend(quote!(.min_items(#least)));
    }
    if let Some(greatest) = settings.max_items {
        made.extend(quote!(.max_items(#greatest)));
    }
    if settings.multiline {
        made.extend(quote!(.multiline()));
    }
    for what in &settings.accept {
        made.extend(quote!(.accept(#what)));
    }
    if let Some(bytes) = settings.max_bytes {
        made.extend(quote!(.max_bytes(#bytes)));
    }
    if settings.default.is_some() {
        let default = param::default_name(param);
        made.extend(quote!(.default_of(#task::#default())));
    }
    made
}

/// The defaults as functions: serde and the definition take the same one.
fn defaults(task: &Task<'_>) -> TokenStream {
    let functions: Vec<_> = task
        .params
        .iter()
        .filter_map(|param| {
            let value = param::default_expression(param.settings.default.as_ref()?);
            let name = param::default_name(param);
            let r#type = param.r#type;
            Some(quote! {
                fn #name() -> #r#type {
                    #value
                }
            })
        })
        .collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    let name = &task.name;
    quote! {
        #[automatically_derived]
        impl #name {
            #(#functions)*
        }
    }
}

/// The types of the signature, named once on both sides: an import of `TaskContext` is used in the browser too.
fn signature(task: &Task<'_>) -> TokenStream {
    let context = task.context;
    let output = &task.function.signature.output;
    quote! {
        const _: ::core::option::Option<fn(#context) #output> = ::core::option::Option::None;
    }
}

/// The body, and the kind's place among those that are linked into the program. The function stands inside as it was
/// written, so that what the compiler says about it is about the user's own lines.
fn server(task: &Task<'_>, attributes: &Attributes<'_>) -> TokenStream {
    let taskdeck = &task.taskdeck;
    let private = quote!(#taskdeck::__private);
    let name = &task.name;
    let body = &task.function.body;
    let body_attributes = &attributes.body;
    let function = &task.function.signature.ident;
    let inputs = function::bare_inputs(&task.function.signature);
    let output = &task.function.signature.output;
    let context = Ident::new("ctx", Span::mixed_site());
    let (bound, passed) = match task.context {
        Some(_) => (quote!(#context), Some(quote!(#context,))),
        None => (quote!(_), None),
    };
    let fields = task.params.iter().map(|param| param.ident);
    // The compiler points here when the future is not `Send`, or the error type is wrong behind an alias.
    let run = quote_spanned! {Span::call_site().located_at(function.span())=>
        async fn run(
            self,
            #bound: #private::TaskContext,
        ) -> ::core::result::Result<<Self as #private::Task>::Output, #private::TaskError>
    };
    let call = quote_spanned! {Span::call_site().located_at(function.span())=>
        #function(#passed #(self.#fields),*).await
    };
    let check = task.settings.check.as_ref().map(|path| check(path, &private));
    let upgrade = task.settings.upgrade.as_ref().map(|path| upgrade(path, &private));
    quote! {
        #taskdeck::__server! {
            #[automatically_derived]
            impl #private::TaskBody for #name {
                #run {
                    // A task may have many params, and need not await.
                    #[allow(clippy::too_many_arguments, clippy::unused_async)]
                    #(#body_attributes)*
                    async fn #function(#inputs) #output #body
                    #call
                }
                #check
                #upgrade
            }
            #private::inventory::submit! { #private::Linked::of::<#name>() }
        }
    }
}

/// What is asked before a start. The compiler points at the function's name when it has another signature.
fn check(path: &Path, private: &TokenStream) -> TokenStream {
    let call = quote_spanned! {Span::call_site().located_at(path.span())=> #path(self, deck).await };
    let signature = quote_spanned! {Span::call_site().located_at(path.span())=>
        async fn check(
            &self,
            deck: &#private::Deck,
        ) -> ::core::result::Result<(), ::std::string::String>
    };
    quote! {
        const HAS_CHECK: bool = true;
        #signature {
            #call
        }
    }
}

/// What params of an older version are given to.
fn upgrade(path: &Path, private: &TokenStream) -> TokenStream {
    let call = quote_spanned! {Span::call_site().located_at(path.span())=> #path(version, params) };
    quote! {
        fn upgrade(
            version: u32,
            params: #private::Value,
        ) -> ::core::result::Result<#private::Value, ::std::string::String> {
            #call
        }
    }
}
