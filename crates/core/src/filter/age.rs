//! Lengths of time as filters have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time that is written in one unit: `30s`, `15m`, `2h`, `7d`, `4w`.
///
/// ```
/// use taskdeck_core::Age;
/// assert_eq!("90m".parse::<Age>().unwrap().to_string(), "90m");
/// assert_eq!("48h".parse::<Age>().unwrap().to_string(), "2d");
/// assert!("2 hours".parse::<Age>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub(super) u64);

/// Milliseconds of a unit, the longest first.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Age {
    /// The length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, millis): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*millis);
        let (unit, millis) = UNITS.iter().find(exact).unwrap_or(&("s", 1_000));
        write!(f, "{}{unit}", self.0 / millis)
    }
}

/// The text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a length of time such as 30s, 15m, 2h or 7d")]
pub struct ParseAgeError;

impl FromStr for Age {
    type Err = ParseAgeError;

    fn from_str(text: &str) -> Result<Self, ParseAgeError> {
        let end = text.find(|c: char| !c.is_ascii_digit()).ok_or(ParseAgeError)?;
        let (number, unit) = text.split_at(end);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(ParseAgeError)?;
        let number: u64 = number.parse().map_err(|_| ParseAgeError)?;
        // A year has 3e10 milliseconds: what does not fit is older than any task.
        number.checked_mul(*millis).map(Self).ok_or(ParseAgeError)
    }
}

impl Serialize for Age {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
