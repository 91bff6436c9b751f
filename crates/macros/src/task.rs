//! `#[task]`: from the attribute and the function to a kind.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::{Ident, LitStr, Path};

use crate::errors::Errors;
use crate::function::{self, Function};
use crate::known;
use crate::param::Param;
use crate::setting::{self, Setting};
use crate::{docs, emit, names, units};

const KNOWN: [&str; 23] = [
    "title",
    "description",
    "category",
    "icon",
    "tags",
    "danger",
    "expensive",
    "requires",
    "timeout",
    "grace",
    "retry",
    "queue",
    "concurrency",
    "partition_concurrency",
    "rate",
    "expires",
    "retention",
    "at_most_once",
    "check",
    "version",
    "upgrade",
    "kind",
    "crate",
];

/// What the attribute says; what it does not say is left to core.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) title: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) category: Option<Ident>,
    pub(crate) icon: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) danger: Option<LitStr>,
    pub(crate) expensive: bool,
    pub(crate) requires: Vec<LitStr>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) grace_ms: Option<u64>,
    pub(crate) retry: Retry,
    pub(crate) queue: Option<LitStr>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) partition_concurrency: Option<u32>,
    pub(crate) rate: Option<Rate>,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) retention_ms: Option<u64>,
    pub(crate) at_most_once: bool,
    /// Asked before a start.
    pub(crate) check: Option<Path>,
    pub(crate) version: Option<u32>,
    /// Makes params of an older version fit.
    pub(crate) upgrade: Option<Path>,
    kind: Option<LitStr>,
    taskdeck: Option<Path>,
}

/// What `retry(..)` says.
#[derive(Default)]
pub(crate) struct Retry {
    pub(crate) max_tries: Option<u32>,
    pub(crate) base_ms: Option<u64>,
    pub(crate) max_ms: Option<u64>,
}

/// What `rate` says.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) count: u32,
    pub(crate) per_ms: u64,
}

/// A kind, ready to be written down.
pub(crate) struct Task<'a> {
    pub(crate) settings: Settings,
    pub(crate) function: &'a Function,
    /// Where the facade is.
    pub(crate) taskdeck: Path,
    /// The name of the struct.
    pub(crate) name: Ident,
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) context: Option<&'a syn::Type>,
    pub(crate) params: Vec<Param<'a>>,
    pub(crate) output: &'a syn::Type,
}

/// What `#[task]` makes of these tokens.
pub(crate) fn expand(settings: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let function: Function = syn::parse2(item)?;
    let mut errors = Errors::default();
    let settings = errors.take(setting::parse(settings)).unwrap_or_default();
    let settings = read(&settings, &mut errors);
    let name = function.signature.ident.unraw();
    let kind = kind(&settings, &name, &mut errors);
    let parts = function::parts(&function.signature, &mut errors);
    let params = parts.arguments.iter().filter_map(|argument| Param::read(argument, &mut errors)).collect();
    let description = match &settings.description {
        Some(text) => text.value(),
        None => docs::text(&function.attributes),
    };
    let camel_case = names::camel_case(&name.to_string());
    if camel_case.is_empty() {
        errors
            .say(&name, "the struct is named after the function, in CamelCase: give it a name with letters");
    }
    let Some(output) = parts.output.filter(|_| !camel_case.is_empty()) else {
        return errors.into_result(TokenStream::new());
    };
    let task = Task {
        taskdeck: settings.taskdeck.clone().unwrap_or_else(|| syn::parse_quote!(::taskdeck)),
        settings,
        function: &function,
        name: Ident::new(&camel_case, name.span()),
        kind,
        description,
        context: parts.context,
        params,
        output,
    };
    errors.into_result(()).map(|()| emit::task(&task))
}

fn kind(settings: &Settings, name: &Ident, errors: &mut Errors) -> String {
    match &settings.kind {
        Some(kind) => {
            if !known::is_identifier(&kind.value()) {
                errors.say(kind, format!("the name of a kind {}", known::IDENTIFIER_RULE));
            }
            kind.value()
        }
        None => {
            if !known::is_identifier(&name.to_string()) {
                let rule = known::IDENTIFIER_RULE;
                errors.say(
                    name,
                    format!("the kind is named after the function, and the name of a kind {rule}: rename the function, or set `kind = \"..\"`"),
                );
            }
            name.to_string()
        }
    }
}

fn read(list: &[Setting], errors: &mut Errors) -> Settings {
    let mut settings = Settings::default();
    setting::each(list, "#[task]", &KNOWN, errors, |key, setting| {
        match key {
            "title" => settings.title = Some(setting.text()?),
            "description" => settings.description = Some(setting.text()?),
            "category" => settings.category = Some(category(setting)?),
            "icon" => settings.icon = Some(setting.text()?),
            "tags" => settings.tags = setting.texts()?,
            "danger" => settings.danger = Some(setting.text()?),
            "expensive" => {
                setting.flag()?;
                settings.expensive = true;
            }
            "requires" => settings.requires = setting.texts()?,
            "timeout" => settings.timeout_ms = Some(timeout_ms(setting)?),
            "grace" => settings.grace_ms = Some(setting.duration_ms()?),
            "retry" => settings.retry = retry(setting)?,
            "queue" => settings.queue = Some(queue(setting)?),
            "at_most_once" => {
                setting.flag()?;
                settings.at_most_once = true;
            }
            "concurrency" => settings.concurrency = Some(setting.count(1)?),
            "partition_concurrency" => settings.partition_concurrency = Some(setting.count(1)?),
            "rate" => settings.rate = Some(rate(setting)?),
            "expires" => settings.expires_ms = Some(expires_ms(setting)?),
            "retention" => settings.retention_ms = Some(setting.duration_ms()?),
            "check" => settings.check = Some(setting.path("path::to::function")?),
            "version" => settings.version = Some(setting.count(1)?),
            "upgrade" => settings.upgrade = Some(upgrade(setting, list)?),
            "kind" => settings.kind = Some(setting.text()?),
            _ => settings.taskdeck = Some(setting.path("path::to::taskdeck")?),
        }
        Ok(())
    });
    settings
}

fn category(setting: &Setting) -> syn::Result<Ident> {
    let text = setting.text()?;
    let name = text.value();
    match known::CATEGORIES.iter().find(|(known, _)| *known == name) {
        Some((_, variant)) => Ok(Ident::new(variant, proc_macro2::Span::call_site())),
        None => {
            let names = known::CATEGORIES.map(|(name, _)| name).join(", ");
            Err(syn::Error::new_spanned(&text, format!("there is no category `{name}`; there are: {names}")))
        }
    }
}

fn timeout_ms(setting: &Setting) -> syn::Result<u64> {
    match setting.duration_ms()? {
        0 => Err(setting.fault("a timeout of 0 would end every attempt at once")),
        millis => Ok(millis),
    }
}

fn expires_ms(setting: &Setting) -> syn::Result<u64> {
    match setting.duration_ms()? {
        0 => Err(setting.fault("a task that expires at once would never begin")),
        millis => Ok(millis),
    }
}

fn rate(setting: &Setting) -> syn::Result<Rate> {
    let text = setting.text_like("10/1m")?;
    let (count, per_ms) = units::rate(&text.value()).map_err(|why| syn::Error::new_spanned(&text, why))?;
    Ok(Rate { count, per_ms })
}

/// `upgrade`, which is never called while there is one version only.
fn upgrade(setting: &Setting, list: &[Setting]) -> syn::Result<Path> {
    let path = setting.path("path::to::function")?;
    let version = list.iter().find(|other| other.key == "version");
    // A version that cannot be read has its own fault.
    if version.is_some_and(|version| version.count(2_u32).is_ok() || version.count(1_u32).is_err()) {
        Ok(path)
    } else {
        Err(setting
            .fault("`upgrade` makes params of an older version fit: set `version = 2` or a later one too"))
    }
}

fn queue(setting: &Setting) -> syn::Result<LitStr> {
    let text = setting.text()?;
    if known::is_identifier(&text.value()) {
        Ok(text)
    } else {
        Err(syn::Error::new_spanned(&text, format!("the name of a queue {}", known::IDENTIFIER_RULE)))
    }
}

fn retry(setting: &Setting) -> syn::Result<Retry> {
    let mut retry = Retry::default();
    let mut errors = Errors::default();
    let list =
        setting.settings("write `{}(max_tries = 5, base = \"2s\", max = \"5m\")`, or some of these")?;
    setting::each(&list, "`retry`", &["max_tries", "base", "max"], &mut errors, |key, setting| {
        match key {
            "max_tries" => retry.max_tries = Some(setting.count(1)?),
            "base" => retry.base_ms = Some(setting.duration_ms()?),
            _ => retry.max_ms = Some(setting.duration_ms()?),
        }
        Ok(())
    });
    if let Some(base_ms) = retry.base_ms
        && base_ms > retry.max_ms.unwrap_or(known::RETRY_MAX_MS)
    {
        let message = "`base`, the first wait, is longer than `max`, the longest (5m unless set)";
        errors.add(setting.fault(message));
    }
    errors.into_result(retry)
}
