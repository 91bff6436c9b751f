//! What stands in an attribute: `key`, `key = value` or `key(values)`, one after another.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Path, Token, UnOp, parenthesized};

use crate::errors::Errors;
use crate::units;

/// One setting of an attribute.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    given: Given,
}

enum Given {
    /// `key`
    Nothing,
    /// `key = value`
    Value(Box<Expr>),
    /// `key(values)`
    List(TokenStream),
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error("expected the name of a setting, as in `title = \"..\"`"));
        }
        let key = Ident::parse_any(input)?;
        let given = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Given::Value(Box::new(input.parse()?))
        } else if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            Given::List(list.parse()?)
        } else {
            Given::Nothing
        };
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error(format!("expected `,` after the setting `{key}`")));
        }
        Ok(Self { key, given })
    }
}

/// The settings that these tokens are.
pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Vec<Setting>> {
    let settings = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens)?;
    Ok(settings.into_iter().collect())
}

/// Hands each setting to `take`; a key that is not `known`, or comes twice, is a fault.
pub(crate) fn each(
    settings: &[Setting],
    attribute: &str,
    known: &[&str],
    errors: &mut Errors,
    mut take: impl FnMut(&str, &Setting) -> syn::Result<()>,
) {
    for (index, setting) in settings.iter().enumerate() {
        let key = setting.key.to_string();
        if !known.contains(&key.as_str()) {
            errors.say(
                &setting.key,
                format!("{attribute} has no setting `{key}`; it has: {}", known.join(", ")),
            );
        } else if settings[..index].iter().any(|earlier| earlier.key == setting.key) {
            errors.say(&setting.key, format!("`{key}` is set twice"));
        } else {
            errors.take(take(&key, setting));
        }
    }
}

impl Setting {
    /// A fault of the value, or else of the key.
    pub(crate) fn fault(&self, message: impl std::fmt::Display) -> syn::Error {
        match &self.given {
            Given::Value(value) => syn::Error::new_spanned(value, message),
            Given::Nothing | Given::List(_) => syn::Error::new_spanned(&self.key, message),
        }
    }

    /// The fault of a setting that is written wrongly; `{}` stands for the key.
    fn expected(&self, how: &str) -> syn::Error {
        self.fault(how.replace("{}", &self.key.to_string()))
    }

    /// The value of `key = value`, if that is how it is written.
    pub(crate) fn value(&self) -> Option<&Expr> {
        match &self.given {
            Given::Value(value) => Some(ungroup(value)),
            Given::Nothing | Given::List(_) => None,
        }
    }

    fn literal(&self) -> Option<&Lit> {
        match self.value()? {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        }
    }

    /// `key`
    pub(crate) fn flag(&self) -> syn::Result<()> {
        match &self.given {
            Given::Nothing => Ok(()),
            Given::Value(_) | Given::List(_) => Err(self.expected("`{}` stands alone, without a value")),
        }
    }

    /// `key` alone
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.given, Given::Nothing)
    }

    /// `key = "text"`, not empty
    pub(crate) fn text(&self) -> syn::Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => not_empty(text),
            _ => Err(self.expected("write `{} = \"..\"`")),
        }
    }

    /// `key = "text"`, where the text is one such as `example`
    pub(crate) fn text_like(&self, example: &str) -> syn::Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => Ok(text.clone()),
            _ => Err(self.expected(&format!("write `{{}} = \"{example}\"`"))),
        }
    }

    /// `key("text", "text")` or `key = "text"`
    pub(crate) fn texts(&self) -> syn::Result<Vec<LitStr>> {
        let wrong = || self.expected("write `{}(\"..\", \"..\")` or `{} = \"..\"`");
        match &self.given {
            Given::Value(_) => match self.literal() {
                Some(Lit::Str(text)) => Ok(vec![not_empty(text)?]),
                _ => Err(wrong()),
            },
            Given::List(list) => {
                let texts = Punctuated::<LitStr, Token![,]>::parse_terminated
                    .parse2(list.clone())
                    .map_err(|error| syn::Error::new(error.span(), wrong()))?;
                if texts.is_empty() { Err(wrong()) } else { texts.iter().map(not_empty).collect() }
            }
            Given::Nothing => Err(wrong()),
        }
    }

    /// `key = "10m"`, in milliseconds
    pub(crate) fn duration_ms(&self) -> syn::Result<u64> {
        match self.literal() {
            Some(Lit::Str(text)) => {
                units::duration_ms(&text.value()).map_err(|why| syn::Error::new_spanned(text, why))
            }
            _ => Err(self.expected("write `{} = \"10m\"`: a whole number and ms, s, m, h or d, in quotes")),
        }
    }

    /// `key = "50MB"` or `key = 50_000_000`
    pub(crate) fn size_bytes(&self) -> syn::Result<u64> {
        match self.literal() {
            Some(Lit::Str(text)) => {
                units::size_bytes(&text.value()).map_err(|why| syn::Error::new_spanned(text, why))
            }
            Some(Lit::Int(bytes)) => bytes.base10_parse(),
            _ => Err(self.expected("write `{} = \"50MB\"` or a number of bytes")),
        }
    }

    /// `key = 5`, at least `least`
    pub(crate) fn count<N>(&self, least: N) -> syn::Result<N>
    where
        N: Copy + std::str::FromStr + std::fmt::Display + PartialOrd,
        N::Err: std::fmt::Display,
    {
        match self.literal() {
            Some(Lit::Int(number)) => match number.base10_parse() {
                Ok(count) if count >= least => Ok(count),
                Ok(_) => Err(syn::Error::new_spanned(number, format!("`{}` is at least {least}", self.key))),
                Err(error) => Err(error),
            },
            _ => Err(self.expected("write `{} = 5`, a whole number")),
        }
    }

    /// `key = -1.5`
    pub(crate) fn number(&self) -> syn::Result<Number> {
        let wrong = || self.expected("write `{} = 5` or `{} = -1.5`, a number");
        let value = self.value().ok_or_else(wrong)?;
        let (is_negative, literal) = match value {
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (true, ungroup(expr)),
            _ => (false, value),
        };
        let Expr::Lit(ExprLit { lit, .. }) = literal else { return Err(wrong()) };
        let (magnitude, whole) = match lit {
            Lit::Int(number) => {
                let whole: i128 = number.base10_parse()?;
                (number.base10_parse::<f64>()?, Some(if is_negative { -whole } else { whole }))
            }
            Lit::Float(number) => (number.base10_parse::<f64>()?, None),
            _ => return Err(wrong()),
        };
        let tokens = value.to_token_stream();
        Ok(Number { value: if is_negative { -magnitude } else { magnitude }, whole, tokens })
    }

    /// `key = path::to::something`
    pub(crate) fn path(&self, example: &str) -> syn::Result<Path> {
        let wrong = || self.expected(&format!("write `{{}} = {example}`"));
        match self.value() {
            Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => text.parse().map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }

    /// `key(settings)`
    pub(crate) fn settings(&self, example: &str) -> syn::Result<Vec<Setting>> {
        match &self.given {
            Given::List(list) if !list.is_empty() => parse(list.clone()),
            _ => Err(self.expected(example)),
        }
    }
}

/// A bound of a number.
pub(crate) struct Number {
    pub(crate) value: f64,
    /// The number when it is written as a whole one.
    pub(crate) whole: Option<i128>,
    /// How it is written.
    pub(crate) tokens: TokenStream,
}

fn not_empty(text: &LitStr) -> syn::Result<LitStr> {
    if text.value().trim().is_empty() {
        return Err(syn::Error::new_spanned(text, "this text is empty: write it, or leave the setting out"));
    }
    Ok(text.clone())
}

/// The expression without the invisible brackets that a `macro_rules!` puts around it.
fn ungroup(mut expression: &Expr) -> &Expr {
    while let Expr::Group(group) = expression {
        expression = &group.expr;
    }
    expression
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn setting(tokens: TokenStream) -> Setting {
        parse(tokens).unwrap().remove(0)
    }

    fn said<T>(result: syn::Result<T>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_way_of_writing_is_read() {
        assert!(setting(quote!(expensive)).flag().is_ok());
        assert_eq!(setting(quote!(title = "A")).text().unwrap().value(), "A");
        let texts = |tokens| setting(tokens).texts().unwrap().iter().map(LitStr::value).collect::<Vec<_>>();
        assert_eq!(texts(quote!(tags("a", "b",))), ["a", "b"]);
        assert_eq!(texts(quote!(tags = "a")), ["a"]);
        assert_eq!(setting(quote!(timeout = "1m")).duration_ms().unwrap(), 60_000);
        assert_eq!(setting(quote!(max_bytes = 5)).size_bytes().unwrap(), 5);
        assert_eq!(setting(quote!(version = 2)).count(1_u32).unwrap(), 2);
        assert_eq!(setting(quote!(min = -5)).number().unwrap().whole, Some(-5));
        assert_eq!(setting(quote!(min = -0.5)).number().unwrap().value, -0.5);
        for path in [
            quote!(crate = crate),
            quote!(crate = ::deck),
            quote!(crate = crate::deck),
            quote!(crate = "a::b"),
        ] {
            assert!(setting(path.clone()).path("a::b").is_ok(), "{path}");
        }
    }

    #[test]
    fn each_wrong_way_says_the_right_one() {
        assert_eq!(said(setting(quote!(title)).text()), "write `title = \"..\"`");
        assert_eq!(said(setting(quote!(tags(5))).texts()), "write `tags(\"..\", \"..\")` or `tags = \"..\"`");
        assert_eq!(
            said(setting(quote!(expensive = true)).flag()),
            "`expensive` stands alone, without a value"
        );
        assert_eq!(said(setting(quote!(version = 0)).count(1_u32)), "`version` is at least 1");
        assert_eq!(
            said(setting(quote!(timeout = 5)).duration_ms()),
            "write `timeout = \"10m\"`: a whole number and ms, s, m, h or d, in quotes"
        );
        assert_eq!(said(parse(quote!(title "A"))), "expected `,` after the setting `title`");
    }
}
