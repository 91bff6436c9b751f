//! Parameters: what a kind takes, as data that a form can be drawn from and a value checked by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FileId;

/// One option of a select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The stored value.
    pub value: String,
    /// What a person reads.
    pub title: String,
}

/// What kind of value a parameter takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamKind {
    /// Text.
    Text {
        /// Whether it may have more than one line.
        #[serde(default)]
        multiline: bool,
        /// The least number of characters.
        #[serde(default)]
        min_len: Option<u64>,
        /// The greatest number of characters.
        #[serde(default)]
        max_len: Option<u64>,
        /// The regular expression (regex-lite) that the whole text must match.
        #[serde(default)]
        pattern: Option<String>,
    },
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: u64,
    },
    /// A number.
    Float {
        /// The least.
        #[serde(default)]
        min: Option<f64>,
        /// The greatest.
        #[serde(default)]
        max: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// One of a few.
    Choice {
        /// Which.
        options: Vec<Choice>,
    },
    /// An uploaded file.
    File {
        /// Endings (`.csv`) and media types (`text/csv`) that are taken; any when empty.
        #[serde(default)]
        accept: Vec<String>,
        /// The greatest size in bytes.
        #[serde(default)]
        max_bytes: Option<u64>,
    },
    /// Any JSON value.
    Json,
}

impl ParamKind {
    /// Any text.
    #[must_use]
    pub const fn text() -> Self {
        Self::Text { multiline: false, min_len: None, max_len: None, pattern: None }
    }

    /// Any file.
    #[must_use]
    pub const fn file() -> Self {
        Self::File { accept: Vec::new(), max_bytes: None }
    }

    /// Whether it takes a file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "an integer",
            Self::Float { .. } => "a number",
            Self::Boolean => "a boolean",
            Self::Choice { .. } => "a choice",
            Self::File { .. } => "a file",
            Self::Json => "JSON",
        }
    }
}

/// One parameter of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name in code, forms and the API.
    pub name: String,
    /// What a person reads beside it.
    pub title: String,
    /// A sentence of help.
    #[serde(default)]
    pub help: String,
    /// Whether a value must be given (there is no default and it is no `Option`).
    pub required: bool,
    /// The value when none is given.
    #[serde(default)]
    pub default: Option<Value>,
    /// What kind of value it takes.
    #[serde(flatten)]
    pub kind: ParamKind,
    /// What is wrong with its definition; the registry refuses a kind with such a param.
    #[serde(skip)]
    pub faults: Vec<String>,
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
        let title = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
        Self {
            name: name.to_owned(),
            title: title.unwrap_or_default(),
            help: String::new(),
            required: true,
            default: None,
            kind,
            faults: Vec::new(),
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
        match &mut self.kind {
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
        match &mut self.kind {
            ParamKind::Integer { max, .. } => *max = greatest as u64,
            ParamKind::Float { max, .. } => *max = Some(greatest),
            _ => self.misfit("max"),
        }
        self
    }

    /// Sets the least number of characters.
    #[must_use]
    pub fn min_len(mut self, least: u64) -> Self {
        match &mut self.kind {
            ParamKind::Text { min_len, .. } => *min_len = Some(least),
            _ => self.misfit("min_len"),
        }
        self
    }

    /// Sets the greatest number of characters.
    #[must_use]
    pub fn max_len(mut self, greatest: u64) -> Self {
        match &mut self.kind {
            ParamKind::Text { max_len, .. } => *max_len = Some(greatest),
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
        match &mut self.kind {
            ParamKind::Text { pattern, .. } => *pattern = Some(expression.to_owned()),
            _ => self.misfit("pattern"),
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
        self.faults.push(format!("{}: `{attribute}` does not fit {}", self.name, self.kind.name()));
    }
}

/// A Rust type that a parameter can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a task's parameter",
    label = "no form field is known for this type",
    note = "use text, a number, bool, Upload, an Option of one of them, an enum with #[derive(Choices)], or mark the parameter #[param(json)]"
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: FileId,
    /// The name it had where it came from; for showing, never for a path.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type, as the client said.
    #[serde(default)]
    pub media_type: String,
}
