//! The function under `#[task]`: what of it is the context, what the params, what the output.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, FnArg, GenericArgument, Ident, Pat, PatIdent, PatType, PathArguments, ReturnType, Signature,
    Type, Visibility,
};

use crate::errors::Errors;

/// The function as it is written. Its body is not looked at: what is wrong in it is the compiler's to say.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let begin = input.span();
        let signature = input.parse().map_err(|error| match input.fork().parse::<syn::Item>() {
            // The rest is an item, but no function.
            Ok(_) => syn::Error::new(begin, "#[task] goes on an async function"),
            Err(_) => error,
        })?;
        match input.parse()? {
            TokenTree::Group(body) => Ok(Self { attributes, visibility, signature, body }),
            other => Err(syn::Error::new(other.span(), "expected the body of the task in braces")),
        }
    }
}

/// One parameter that is not the context.
pub(crate) struct Argument<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) r#type: &'a Type,
    pub(crate) attributes: &'a [Attribute],
}

/// What a signature says, when it is one of a task.
pub(crate) struct Parts<'a> {
    /// The type of the context, if the body takes one.
    pub(crate) context: Option<&'a Type>,
    pub(crate) arguments: Vec<Argument<'a>>,
    pub(crate) output: Option<&'a Type>,
}

/// Takes a signature apart.
pub(crate) fn parts<'a>(signature: &'a Signature, errors: &mut Errors) -> Parts<'a> {
    check_kind_of_function(signature, errors);
    let mut context = None;
    let mut arguments: Vec<Argument<'a>> = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        let typed = match input {
            FnArg::Typed(typed) => typed,
            FnArg::Receiver(receiver) => {
                errors.say(
                    receiver,
                    "a task is a free function without `self`: take what it needs as parameters",
                );
                continue;
            }
        };
        match context_type(&typed.ty) {
            Context::Value if index == 0 => context = Some(&*typed.ty),
            Context::Value => errors.say(typed, "the context comes first, and once: `ctx: TaskContext`"),
            Context::Reference => errors.say(&typed.ty, "take the context by value: `ctx: TaskContext`"),
            Context::Not => arguments.extend(argument(typed, &arguments, errors)),
        }
    }
    Parts { context, arguments, output: output(signature, errors) }
}

fn check_kind_of_function(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if signature.asyncness.is_none() {
        errors.say(signature.fn_token, format!("a task is async: write `async fn {name}`"));
    }
    let odd: [Option<&dyn ToTokens>; 4] = [
        signature.constness.as_ref().map(|token| token as _),
        signature.unsafety.as_ref().map(|token| token as _),
        signature.abi.as_ref().map(|abi| abi as _),
        signature.variadic.as_ref().map(|dots| dots as _),
    ];
    for token in odd.into_iter().flatten() {
        errors.say(token, "a task is a plain `async fn`: leave this out");
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        errors.say(
            &generics.params,
            "a task cannot be generic: its params are stored, so their types must be known; write a task for each type",
        );
    } else if let Some(clause) = &generics.where_clause {
        errors.say(clause, "a task cannot be generic: leave the `where` out");
    }
}

enum Context {
    Value,
    Reference,
    Not,
}

fn context_type(of: &Type) -> Context {
    match of {
        Type::Reference(reference) => match context_type(&reference.elem) {
            Context::Not => Context::Not,
            Context::Value | Context::Reference => Context::Reference,
        },
        _ if last_name(of).is_some_and(|name| name == "TaskContext") => Context::Value,
        _ => Context::Not,
    }
}

fn argument<'a>(typed: &'a PatType, earlier: &[Argument<'_>], errors: &mut Errors) -> Option<Argument<'a>> {
    match &*typed.ty {
        Type::Reference(reference) => {
            let instead = match &*reference.elem {
                of if last_name(of).is_some_and(|name| name == "str") => "`String`",
                Type::Slice(_) => "a `Vec`",
                _ => "the value itself",
            };
            let message =
                format!("the params of a task are stored, so they cannot be borrowed: take {instead}");
            errors.say(&typed.ty, message);
            return None;
        }
        Type::ImplTrait(generic) => {
            errors.say(generic, "a task cannot be generic: name the type of this parameter");
            return None;
        }
        _ => {}
    }
    let Pat::Ident(PatIdent { by_ref: None, ident: name, subpat: None, .. }) = &*typed.pat else {
        errors.say(
            &typed.pat,
            "a parameter of a task needs a plain name: it is the field's name in forms and in the API",
        );
        return None;
    };
    if name.to_string().starts_with('_') {
        errors.say(
            name,
            "the name of a task's parameter cannot begin with `_`: it is the field's name in forms and in the API \
             (in the body, `let _ = name;` marks it unused)",
        );
        return None;
    }
    if earlier.iter().any(|other| other.name == name) {
        errors.say(name, format!("two parameters are named `{name}`"));
        return None;
    }
    Some(Argument { name, r#type: &typed.ty, attributes: &typed.attrs })
}

fn output<'a>(signature: &'a Signature, errors: &mut Errors) -> Option<&'a Type> {
    const EXPECTED: &str =
        "a task returns `Result<Output, TaskError>`; when it has nothing to tell, `Result<(), TaskError>`";
    let returned = match &signature.output {
        ReturnType::Default => {
            errors.say(&signature.ident, EXPECTED);
            return None;
        }
        ReturnType::Type(_, returned) => ungroup(returned),
    };
    let types = result_types(returned);
    let [output, rest @ ..] = &types[..] else {
        errors.say(returned, EXPECTED);
        return None;
    };
    if let [error] = rest
        && last_name(error).is_none_or(|name| name != "TaskError")
    {
        errors.say(error, "the error of a task is `TaskError`; in the body, `?` makes one of any error");
    }
    Some(output)
}

/// The types in the brackets of a `Result<..>`: one for an alias with a fixed error, else two.
fn result_types(returned: &Type) -> Vec<&Type> {
    let Type::Path(path) = returned else { return Vec::new() };
    match path.path.segments.last() {
        Some(last) if last.ident == "Result" => match &last.arguments {
            PathArguments::AngleBracketed(brackets) if brackets.args.len() <= 2 => brackets
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(of) => Some(ungroup(of)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The type in an `Option<..>`.
pub(crate) fn optional(of: &Type) -> Option<&Type> {
    inside(of, "Option")
}

/// The type inside of a `Vec`.
pub(crate) fn list(of: &Type) -> Option<&Type> {
    inside(of, "Vec")
}

fn inside<'a>(of: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ungroup(of) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(brackets) if brackets.args.len() == 1 => match &brackets.args[0] {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// The last name of a type's path: `u8` of `std::primitive::u8`.
pub(crate) fn last_name(of: &Type) -> Option<&Ident> {
    match ungroup(of) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

/// The type without brackets around it, visible or not.
fn ungroup(mut of: &Type) -> &Type {
    loop {
        of = match of {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return of,
        };
    }
}

/// The function's inputs without what only the macro reads.
pub(crate) fn bare_inputs(signature: &Signature) -> TokenStream {
    let mut inputs = signature.inputs.clone();
    for input in &mut inputs {
        if let FnArg::Typed(typed) = input {
            typed
                .attrs
                .retain(|attribute| !attribute.path().is_ident("doc") && !attribute.path().is_ident("param"));
        }
    }
    quote::quote!(#inputs)
}
