//! One parameter of a task: its type, its help and its `#[param(..)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Meta, Type};

use crate::errors::Errors;
use crate::function::{self, Argument};
use crate::setting::{self, Number, Setting};
use crate::{docs, known};

const KNOWN: [&str; 15] = [
    "title",
    "default",
    "min",
    "max",
    "min_len",
    "max_len",
    "pattern",
    "pattern_help",
    "min_items",
    "max_items",
    "multiline",
    "accept",
    "max_bytes",
    "choices",
    "json",
];

/// The greatest whole number up to which every one is an `f64`, which core's bounds are.
const EXACT: i128 = 1 << 53;

/// The value when none is given.
pub(crate) enum DefaultValue {
    /// That of the type.
    OfType,
    /// A text, which may become the parameter's own type.
    Text(LitStr),
    /// What this expression gives.
    Expression(Box<Expr>),
}

/// What `#[param(..)]` says.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) title: Option<LitStr>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) min: Option<Number>,
    pub(crate) max: Option<Number>,
    pub(crate) min_len: Option<u64>,
    pub(crate) max_len: Option<u64>,
    pub(crate) pattern: Option<LitStr>,
    pub(crate) pattern_help: Option<LitStr>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) multiline: bool,
    pub(crate) accept: Vec<LitStr>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) choices: bool,
    pub(crate) json: bool,
}

/// A parameter, ready to be written down.
pub(crate) struct Param<'a> {
    /// The field's name.
    pub(crate) ident: &'a Ident,
    /// The name in forms and in the API.
    pub(crate) name: String,
    pub(crate) r#type: &'a Type,
    /// The type inside, when it is an `Option`.
    pub(crate) optional: Option<&'a Type>,
    pub(crate) help: String,
    pub(crate) docs: Vec<&'a syn::Attribute>,
    pub(crate) settings: Settings,
}

impl<'a> Param<'a> {
    /// What these attributes and this type say; nothing when they contradict each other.
    pub(crate) fn read(argument: &Argument<'a>, errors: &mut Errors) -> Option<Self> {
        let mut list = Vec::new();
        let mut docs = Vec::new();
        for attribute in argument.attributes {
            if attribute.path().is_ident("param") {
                list.extend(errors.take(settings_of(attribute)).unwrap_or_default());
            } else if attribute.path().is_ident("doc") {
                docs.push(attribute);
            } else {
                errors.say(attribute, "only doc comments and #[param(..)] can stand on a task's parameter");
            }
        }
        let settings = read(&list, errors);
        let optional = function::optional(argument.r#type);
        check(&settings, optional, argument.r#type, &list, errors);
        Some(Self {
            ident: argument.name,
            name: argument.name.unraw().to_string(),
            r#type: argument.r#type,
            optional,
            help: docs::text(argument.attributes),
            docs,
            settings,
        })
    }
}

fn settings_of(attribute: &syn::Attribute) -> syn::Result<Vec<Setting>> {
    match &attribute.meta {
        Meta::List(list) => setting::parse(list.tokens.clone()),
        other => Err(syn::Error::new_spanned(other, "write `#[param(title = \"..\")]`, or leave it out")),
    }
}

fn read(list: &[Setting], errors: &mut Errors) -> Settings {
    let mut settings = Settings::default();
    setting::each(list, "#[param]", &KNOWN, errors, |key, setting| {
        match key {
            "title" => settings.title = Some(setting.text()?),
            "default" => settings.default = Some(default_value(setting)?),
            "min" => settings.min = Some(setting.number()?),
            "max" => settings.max = Some(setting.number()?),
            "min_len" => settings.min_len = Some(setting.count(0)?),
            "max_len" => settings.max_len = Some(setting.count(1)?),
            "pattern" => settings.pattern = Some(pattern(setting)?),
            "pattern_help" => settings.pattern_help = Some(setting.text()?),
            "min_items" => settings.min_items = Some(setting.count(0)?),
            "max_items" => settings.max_items = Some(setting.count(1)?),
            "multiline" => {
                setting.flag()?;
                settings.multiline = true;
            }
            "accept" => settings.accept = accept(setting)?,
            "max_bytes" => settings.max_bytes = Some(setting.size_bytes()?),
            "choices" => {
                setting.flag()?;
                settings.choices = true;
            }
            _ => {
                setting.flag()?;
                settings.json = true;
            }
        }
        Ok(())
    });
    settings
}

fn default_value(setting: &Setting) -> syn::Result<DefaultValue> {
    match setting.value() {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(DefaultValue::Text(text.clone())),
        Some(value) => Ok(DefaultValue::Expression(Box::new(value.clone()))),
        None if setting.is_alone() => Ok(DefaultValue::OfType),
        None => Err(setting.fault("write `default = value`, or `default` for the type's own")),
    }
}

fn pattern(setting: &Setting) -> syn::Result<LitStr> {
    let text = setting.text()?;
    match known::whole_pattern(&text.value()) {
        Ok(_) => Ok(text),
        Err(error) => Err(syn::Error::new_spanned(&text, format!("this is no regular expression: {error}"))),
    }
}

fn accept(setting: &Setting) -> syn::Result<Vec<LitStr>> {
    let what = setting.texts()?;
    for text in &what {
        let value = text.value();
        let is_ending = value.starts_with('.') && value.len() > 1 && !value.contains(['/', ',']);
        let is_media_type = !value.starts_with('/') && value.contains('/') && !value.contains(',');
        if !is_ending && !is_media_type {
            let message = "write an ending such as \".csv\" or a media type such as \"text/csv\" or \"image/*\"; \
                           several as `accept(\".csv\", \".tsv\")`";
            return Err(syn::Error::new_spanned(text, message));
        }
    }
    Ok(what)
}

/// What core could only find when a value comes in, or never.
fn check(settings: &Settings, optional: Option<&Type>, of: &Type, list: &[Setting], errors: &mut Errors) {
    let mut fault = |key: &str, message: &str| {
        errors.add(match list.iter().find(|setting| setting.key == key) {
            Some(setting) => setting.fault(message),
            None => syn::Error::new_spanned(of, message),
        });
    };
    if settings.default.is_some() && optional.is_some() {
        fault("default", "with a default it is never `None`: leave out the `Option` or the default");
    }
    if settings.choices && settings.json {
        fault("json", "`choices` and `json` cannot both be: leave one out");
    }
    if let (Some(min), Some(max)) = (&settings.min, &settings.max)
        && min.value > max.value
    {
        fault("max", "`max` is less than `min`");
    }
    if let (Some(min), Some(max)) = (settings.min_len, settings.max_len)
        && min > max
    {
        fault("max_len", "`max_len` is less than `min_len`");
    }
    if let (Some(min), Some(max)) = (settings.min_items, settings.max_items)
        && min > max
    {
        fault("max_items", "`max_items` is less than `min_items`");
    }
    if settings.pattern_help.is_some() && settings.pattern.is_none() {
        fault("pattern_help", "there is no `pattern` that it could explain");
    }
    let of = optional.unwrap_or(of);
    if settings.default.is_some() && function::last_name(of).is_some_and(|name| name == "Secret") {
        fault("default", "a default is shown to everybody, and a secret is not: leave it out");
    }
    // The bounds of a list are those of its values.
    let of = function::list(of).unwrap_or(of);
    let name = function::last_name(of).map(ToString::to_string).unwrap_or_default();
    if matches!(&*name, "usize" | "isize" | "u128" | "i128") && !settings.json {
        let message =
            "the whole numbers of params have at most 64 bits, on every machine: take `u64` or `i64`";
        errors.say(of, message);
    }
    if let Some((least, greatest)) = range(&name) {
        for bound in [&settings.min, &settings.max].into_iter().flatten() {
            let message = match bound.whole {
                None => "a bound of a whole number is a whole number".to_owned(),
                Some(whole) if !(least..=greatest).contains(&whole) => {
                    format!("this bound is out of the type's range, {least} to {greatest}")
                }
                Some(whole) if whole.abs() > EXACT => {
                    format!("bounds are exact up to {EXACT} (2^53): leave this one out")
                }
                Some(_) => continue,
            };
            errors.say(&bound.tokens, message);
        }
    }
}

/// The least and the greatest of a type of whole numbers.
fn range(name: &str) -> Option<(i128, i128)> {
    match name {
        "i8" => Some((i8::MIN.into(), i8::MAX.into())),
        "i16" => Some((i16::MIN.into(), i16::MAX.into())),
        "i32" => Some((i32::MIN.into(), i32::MAX.into())),
        "i64" => Some((i64::MIN.into(), i64::MAX.into())),
        "u8" => Some((0, u8::MAX.into())),
        "u16" => Some((0, u16::MAX.into())),
        "u32" => Some((0, u32::MAX.into())),
        "u64" => Some((0, u64::MAX.into())),
        _ => None,
    }
}

/// The path of the function that gives a param's default.
pub(crate) fn default_name(param: &Param<'_>) -> Ident {
    quote::format_ident!("__taskdeck_default_{}", param.name)
}

/// What the default of a param is, as an expression of its type.
pub(crate) fn default_expression(default: &DefaultValue) -> TokenStream {
    match default {
        DefaultValue::OfType => quote::quote!(::core::default::Default::default()),
        DefaultValue::Text(text) => quote::quote_spanned!(text.span()=> ::core::convert::Into::into(#text)),
        DefaultValue::Expression(value) => quote::quote!(#value),
    }
}
