//! What kinds of values there are, as data.

use serde::{Deserialize, Deserializer, Serialize};

use crate::read::{Fields, read, tagged};

/// One option of a select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The stored value.
    pub value: String,
    /// What a person reads.
    pub title: String,
}

read!(Choice { value, title });

/// What kind of value a parameter takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamKind {
    /// Text.
    Text {
        /// Whether it may have more than one line.
        multiline: bool,
        /// The least number of characters.
        min_len: Option<u64>,
        /// The greatest number of characters.
        max_len: Option<u64>,
        /// The regular expression (regex-lite) that the whole text must match.
        pattern: Option<String>,
        /// What is said when it does not, in place of the expression.
        pattern_help: Option<String>,
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
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// One of a few.
    Choice {
        /// Which.
        options: Vec<Choice>,
    },
    /// Several of a few, each at most once.
    MultiChoice {
        /// Which.
        options: Vec<Choice>,
        /// How many at least.
        min_items: u64,
        /// How many at most.
        max_items: Option<u64>,
    },
    /// A point in time: RFC 3339, in UTC where it does not say otherwise.
    DateTime,
    /// Text that nobody is shown again: see [`Secret`](crate::Secret).
    Secret {
        /// The least number of characters.
        min_len: Option<u64>,
        /// The greatest number of characters.
        max_len: Option<u64>,
    },
    /// Any number of values of one kind: text of a line, numbers or points in time.
    List {
        /// The kind of each.
        of: Box<ParamKind>,
        /// How many at least.
        min_items: u64,
        /// How many at most.
        max_items: Option<u64>,
    },
    /// An uploaded file.
    File {
        /// Endings (`.csv`) and media types (`text/csv`) that are taken; any when empty.
        accept: Vec<String>,
        /// The greatest size in bytes.
        max_bytes: Option<u64>,
    },
    /// Any JSON value.
    Json,
}

impl<'de> Deserialize<'de> for ParamKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged(deserializer, "type", Self::read)
    }
}

impl ParamKind {
    /// The kind of this name, with what belongs to it; none when there is no such kind.
    pub(crate) fn read(name: &str, fields: &mut Fields) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match name {
            "text" => Self::Text {
                multiline: fields.take_or_default("multiline")?,
                min_len: fields.take("min_len")?,
                max_len: fields.take("max_len")?,
                pattern: fields.take("pattern")?,
                pattern_help: fields.take("pattern_help")?,
            },
            "integer" => Self::Integer { min: fields.take("min")?, max: fields.take("max")? },
            "float" => Self::Float { min: fields.take("min")?, max: fields.take("max")? },
            "boolean" => Self::Boolean,
            "choice" => Self::Choice { options: fields.take("options")? },
            "multi_choice" => Self::MultiChoice {
                options: fields.take("options")?,
                min_items: fields.take_or_default("min_items")?,
                max_items: fields.take("max_items")?,
            },
            "date_time" => Self::DateTime,
            "secret" => Self::Secret { min_len: fields.take("min_len")?, max_len: fields.take("max_len")? },
            "list" => Self::List {
                of: Box::new(fields.take("of")?),
                min_items: fields.take_or_default("min_items")?,
                max_items: fields.take("max_items")?,
            },
            "file" => {
                Self::File { accept: fields.take_or_default("accept")?, max_bytes: fields.take("max_bytes")? }
            }
            "json" => Self::Json,
            _ => return Ok(None),
        }))
    }

    /// Any text.
    #[must_use]
    pub const fn text() -> Self {
        Self::Text { multiline: false, min_len: None, max_len: None, pattern: None, pattern_help: None }
    }

    /// Any file.
    #[must_use]
    pub const fn file() -> Self {
        Self::File { accept: Vec::new(), max_bytes: None }
    }

    /// Any number of values of a kind; where they are chosen from a few, each at most once.
    #[must_use]
    pub fn list(of: Self) -> Self {
        match of {
            Self::Choice { options } => Self::MultiChoice { options, min_items: 0, max_items: None },
            of => Self::List { of: Box::new(of), min_items: 0, max_items: None },
        }
    }

    /// Whether it takes a file.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Whether nobody is to read it again.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// Whether it takes several values.
    #[must_use]
    pub const fn is_many(&self) -> bool {
        matches!(self, Self::MultiChoice { .. } | Self::List { .. })
    }

    /// The kind of each value of a list; else the kind itself.
    pub(crate) fn each(&mut self) -> &mut Self {
        match self {
            Self::List { of, .. } => of,
            one => one,
        }
    }

    /// Whether a list of such values can be typed, one a line.
    pub(crate) const fn fits_a_line(&self) -> bool {
        matches!(
            self,
            Self::Text { multiline: false, .. } | Self::Integer { .. } | Self::Float { .. } | Self::DateTime
        )
    }

    /// The name on the wire.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "integer",
            Self::Float { .. } => "float",
            Self::Boolean => "boolean",
            Self::Choice { .. } => "choice",
            Self::MultiChoice { .. } => "multi_choice",
            Self::DateTime => "date_time",
            Self::Secret { .. } => "secret",
            Self::List { .. } => "list",
            Self::File { .. } => "file",
            Self::Json => "json",
        }
    }

    pub(crate) const fn in_words(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer { .. } => "an integer",
            Self::Float { .. } => "a number",
            Self::Boolean => "a boolean",
            Self::Choice { .. } => "a choice",
            Self::MultiChoice { .. } => "choices",
            Self::DateTime => "a point in time",
            Self::Secret { .. } => "a secret",
            Self::List { .. } => "a list",
            Self::File { .. } => "a file",
            Self::Json => "JSON",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        let options = vec![Choice { value: "a".to_owned(), title: "A".to_owned() }];
        for kind in [
            ParamKind::text(),
            ParamKind::Integer { min: i64::MIN, max: u64::MAX },
            ParamKind::Float { min: None, max: Some(0.5) },
            ParamKind::Boolean,
            ParamKind::Choice { options: options.clone() },
            ParamKind::MultiChoice { options, min_items: 1, max_items: Some(3) },
            ParamKind::DateTime,
            ParamKind::Secret { min_len: Some(8), max_len: None },
            ParamKind::list(ParamKind::Integer { min: 0, max: 9 }),
            ParamKind::File { accept: vec![".csv".to_owned()], max_bytes: Some(5) },
            ParamKind::Json,
        ] {
            let text = serde_json::to_string(&kind).unwrap();
            assert!(text.contains(&format!("\"type\":\"{}\"", kind.type_name())), "{text}");
            assert_eq!(serde_json::from_str::<ParamKind>(&text).unwrap(), kind);
        }
        assert!(serde_json::from_str::<ParamKind>(r#"{"type":"picture"}"#).is_err());
    }
}
