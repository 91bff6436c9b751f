//! The type of a column, as its first values suggest. SQLite converts what fits the type and keeps the rest as it is:
//! a text in a column of numbers stays that text.

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Affinity {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
    /// Numbers where values look like them: for a column that has no value among its first.
    Numeric,
    /// Text.
    Text,
}

impl Affinity {
    /// The type in SQL.
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Numeric => "NUMERIC",
            Self::Text => "TEXT",
        }
    }

    /// The type of a column that was of this type and has a further value.
    pub(crate) fn with(self, value: &str) -> Self {
        match (self, Self::of(value)) {
            (Self::Numeric, of) => of,
            (Self::Text, _) | (_, Self::Text) => Self::Text,
            (Self::Integer, of) => of,
            (Self::Real, _) => Self::Real,
        }
    }

    /// The narrowest type that gives the same value back (of a decimal fraction, its first 15 digits). What a number
    /// would change is text: `007`, `+49`, an integer of 20 digits.
    fn of(value: &str) -> Self {
        let digits = value.strip_prefix('-').unwrap_or(value);
        let has_leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        let is_plain = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
        if has_leading_zero || !is_plain || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Self::Text;
        }
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            return if value.parse::<i64>().is_ok() { Self::Integer } else { Self::Text };
        }
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Real,
            _ => Self::Text,
        }
    }
}

/// Whether a field says that there is no value.
pub(crate) fn is_missing(field: &str) -> bool {
    matches!(field.trim_ascii(), "" | "NA")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Affinity {
        values.iter().fold(Affinity::Numeric, |affinity, value| affinity.with(value))
    }

    #[test]
    fn the_type_is_the_narrowest_that_keeps_every_value() {
        assert_eq!(of(&["1", "-2", "0", "9223372036854775807"]), Affinity::Integer);
        assert_eq!(of(&["1", "2.5"]), Affinity::Real);
        assert_eq!(of(&["2.5", "1", "-0.5", "1e-3", ".5"]), Affinity::Real);
        assert_eq!(of(&["1", "x"]), Affinity::Text);
        assert_eq!(of(&["x", "1"]), Affinity::Text);
        assert_eq!(of(&[]), Affinity::Numeric);
    }

    #[test]
    fn what_a_number_would_change_is_text() {
        for value in [
            "007",
            "-01",
            "+49123",
            "12345678901234567890",
            "inf",
            "nan",
            "1e999",
            "0x10",
            "1_000",
            "-",
            "1-2",
            "2013-01-01",
        ] {
            assert_eq!(of(&[value]), Affinity::Text, "{value}");
        }
    }

    #[test]
    fn na_and_nothing_are_missing() {
        assert!(["", "NA", " ", " NA "].into_iter().all(is_missing));
        assert!(!["0", "na", "N/A", "NULL"].into_iter().any(is_missing));
    }
}
