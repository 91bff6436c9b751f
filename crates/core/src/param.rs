//! Parameters: what a kind takes, as data that a form can be drawn from and a value checked by.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::read::{Fields, read};
use crate::{Choice, FileId, ParamKind, Timestamp};

/// One parameter of a kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// Its name in code, forms and the API.
    pub name: String,
    /// What a person reads beside it.
    pub title: String,
    /// A sentence of help.
    pub help: String,
    /// Whether a value must be given (there is no default and it is no `Option`).
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Value>,
    /// What kind of value it takes.
    #[serde(flatten)]
    pub kind: ParamKind,
    /// What is wrong with its definition; the registry refuses a kind with such a param.
    #[serde(skip)]
    pub faults: Vec<String>,
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Fields::deserialize(deserializer)?;
        let mut read = || {
            let kind: String = fields.take("type")?;
            let unknown = || serde_json::Error::custom(format_args!("unknown type `{kind}`"));
            Ok::<_, serde_json::Error>(Self {
                name: fields.take("name")?,
                title: fields.take("title")?,
                help: fields.take_or_default("help")?,
                required: fields.take("required")?,
                default: fields.take("default")?,
                kind: ParamKind::read(&kind, &mut fields)?.ok_or_else(unknown)?,
                faults: Vec::new(),
            })
        };
        read().map_err(D::Error::custom)
    }
}

impl Param {
    /// A required parameter; its title is made from the name.
    ///
    /// ```
    /// use taskdeck_core::{Param, ParamKind};
    /// let param = Param::new("max_rows", ParamKind::text()).min(1.0);
    /// assert_eq!(param.title, "Max rows");
    /// assert_eq!(param.faults, ["max_rows: `min` does not fit text"]);
    /// ```
    #[must_use]
    pub fn new(name: &str, kind: ParamKind) -> Self {
        let words = name.replace('_', " ");
        let mut letters = words.chars();
        let title =
            letters.next().map(|first| std::iter::once(first.to_ascii_uppercase()).chain(letters).collect());
        let faults = match &kind {
            ParamKind::List { of, .. } if !of.fits_a_line() => {
                vec![format!("{name}: a list holds text, numbers or points in time, not {}", of.in_words())]
            }
            _ => Vec::new(),
        };
        Self {
            name: name.to_owned(),
            title: title.unwrap_or_default(),
            help: String::new(),
            required: true,
            default: None,
            kind,
            faults,
        }
    }

    /// The parameter of a Rust type.
    #[must_use]
    pub fn of<T: ParamType>(name: &str) -> Self {
        Self { required: T::REQUIRED, ..Self::new(name, T::param_kind()) }
    }

    /// Sets what a person reads beside it.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Sets the sentence of help.
    #[must_use]
    pub fn help(mut self, help: &str) -> Self {
        help.clone_into(&mut self.help);
        self
    }

    /// Sets the value that is taken when none is given.
    #[must_use]
    pub fn default_value(mut self, value: Value) -> Self {
        if self.kind.is_secret() {
            self.faults.push(format!("{}: a default is shown to everybody, and a secret is not", self.name));
        }
        self.default = Some(value);
        self.required = false;
        self
    }

    /// Sets the default from a value of the parameter's own type.
    #[must_use]
    pub fn default_of<T: Serialize>(mut self, value: T) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.default_value(value),
            Err(error) => {
                self.faults.push(format!("{}: the default cannot be written as JSON: {error}", self.name));
                self
            }
        }
    }

    /// Sets the least number.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a bound written in code; the macro passes whole numbers whole"
    )]
    pub fn min(mut self, least: f64) -> Self {
        match self.kind.each() {
            ParamKind::Integer { min, .. } => *min = least as i64,
            ParamKind::Float { min, .. } => *min = Some(least),
            _ => self.misfit("min"),
        }
        self
    }

    /// Sets the greatest number.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bound written in code")]
    pub fn max(mut self, greatest: f64) -> Self {
        match self.kind.each() {
            ParamKind::Integer { max, .. } => *max = greatest as u64,
            ParamKind::Float { max, .. } => *max = Some(greatest),
            _ => self.misfit("max"),
        }
        self
    }

    /// Sets the least number of characters.
    #[must_use]
    pub fn min_len(mut self, least: u64) -> Self {
        match self.kind.each() {
            ParamKind::Text { min_len, .. } | ParamKind::Secret { min_len, .. } => *min_len = Some(least),
            _ => self.misfit("min_len"),
        }
        self
    }

    /// Sets the greatest number of characters.
    #[must_use]
    pub fn max_len(mut self, greatest: u64) -> Self {
        match self.kind.each() {
            ParamKind::Text { max_len, .. } | ParamKind::Secret { max_len, .. } => *max_len = Some(greatest),
            _ => self.misfit("max_len"),
        }
        self
    }

    /// Sets the regular expression that the whole text must match.
    #[must_use]
    pub fn pattern(mut self, expression: &str) -> Self {
        if let Err(error) = crate::form::whole_pattern(expression) {
            self.faults.push(format!("{}: bad pattern: {error}", self.name));
        }
        match self.kind.each() {
            ParamKind::Text { pattern, .. } => *pattern = Some(expression.to_owned()),
            _ => self.misfit("pattern"),
        }
        self
    }

    /// Sets what is said when the text does not match its pattern, such as `Enter a name such as eu-west-1.`
    #[must_use]
    pub fn pattern_help(mut self, help: &str) -> Self {
        match self.kind.each() {
            ParamKind::Text { pattern_help, .. } => *pattern_help = Some(help.to_owned()),
            _ => self.misfit("pattern_help"),
        }
        self
    }

    /// Sets the least number of values.
    #[must_use]
    pub fn min_items(mut self, least: u64) -> Self {
        match &mut self.kind {
            ParamKind::MultiChoice { min_items, .. } | ParamKind::List { min_items, .. } => {
                *min_items = least;
            }
            _ => self.misfit("min_items"),
        }
        self
    }

    /// Sets the greatest number of values.
    #[must_use]
    pub fn max_items(mut self, greatest: u64) -> Self {
        match &mut self.kind {
            ParamKind::MultiChoice { max_items, .. } | ParamKind::List { max_items, .. } => {
                *max_items = Some(greatest);
            }
            _ => self.misfit("max_items"),
        }
        self
    }

    /// Takes text of several lines.
    #[must_use]
    pub fn multiline(mut self) -> Self {
        match &mut self.kind {
            ParamKind::Text { multiline, .. } => *multiline = true,
            _ => self.misfit("multiline"),
        }
        self
    }

    /// Adds an ending (`.csv`) or a media type (`text/csv`, `image/*`) that a file may have.
    #[must_use]
    pub fn accept(mut self, what: &str) -> Self {
        match &mut self.kind {
            ParamKind::File { accept, .. } => accept.push(what.to_owned()),
            _ => self.misfit("accept"),
        }
        self
    }

    /// Sets the greatest size of a file in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        match &mut self.kind {
            ParamKind::File { max_bytes, .. } => *max_bytes = Some(bytes),
            _ => self.misfit("max_bytes"),
        }
        self
    }

    fn misfit(&mut self, attribute: &str) {
        self.faults.push(format!("{}: `{attribute}` does not fit {}", self.name, self.kind.in_words()));
    }
}

/// A Rust type that a parameter can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a task's parameter",
    label = "no form field is known for this type",
    note = "use text, a number, bool, Timestamp, Secret, Upload, an enum with #[derive(Choices)], an Option or a Vec of one of them, or mark the parameter #[param(json)]"
)]
pub trait ParamType {
    /// Whether a value must be given.
    const REQUIRED: bool = true;

    /// What kind of value it is.
    fn param_kind() -> ParamKind;
}

/// An enum whose variants are the options of a select; `#[derive(Choices)]` writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no choices",
    label = "not an enum with #[derive(Choices)]",
    note = "derive it: #[derive(Clone, Copy, Serialize, Deserialize, Choices)]"
)]
pub trait Choices {
    /// The options, in order.
    fn choices() -> Vec<Choice>;
}

impl ParamType for String {
    fn param_kind() -> ParamKind {
        ParamKind::text()
    }
}

impl ParamType for bool {
    fn param_kind() -> ParamKind {
        ParamKind::Boolean
    }
}

impl ParamType for Upload {
    fn param_kind() -> ParamKind {
        ParamKind::file()
    }
}

impl ParamType for Timestamp {
    fn param_kind() -> ParamKind {
        ParamKind::DateTime
    }
}

impl ParamType for Value {
    fn param_kind() -> ParamKind {
        ParamKind::Json
    }
}

impl<T: ParamType> ParamType for Option<T> {
    const REQUIRED: bool = false;

    fn param_kind() -> ParamKind {
        T::param_kind()
    }
}

/// Of an enum with choices several can be chosen; of all else there is a list.
impl<T: ParamType> ParamType for Vec<T> {
    fn param_kind() -> ParamKind {
        ParamKind::list(T::param_kind())
    }
}

macro_rules! numbers {
    ($variant:ident: $($signed:ty),*; $($unsigned:ty),*; $($float:ty),*) => {
        $(impl ParamType for $signed {
            fn param_kind() -> ParamKind {
                ParamKind::$variant { min: i64::from(<$signed>::MIN), max: <$signed>::MAX.unsigned_abs().into() }
            }
        })*
        $(impl ParamType for $unsigned {
            fn param_kind() -> ParamKind {
                ParamKind::$variant { min: 0, max: u64::from(<$unsigned>::MAX) }
            }
        })*
        $(impl ParamType for $float {
            fn param_kind() -> ParamKind {
                ParamKind::Float { min: None, max: None }
            }
        })*
    };
}
numbers!(Integer: i8, i16, i32, i64; u8, u16, u32, u64; f32, f64);

/// A file that was uploaded for a task: what is known of it. The server reads its bytes with `ctx.open(&upload)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upload {
    /// Its id.
    pub id: FileId,
    /// The name it had where it came from; for showing, never for a path.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type, as the client said.
    pub media_type: String,
}

read!(Upload { id, name, size; default media_type });
