//! Lengths of time as people write them.

use std::time::Duration;

/// The text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a length of time such as 30, 30s, 500ms, 2m, 1h or 7d")]
pub struct ParseDurationError;

/// The length of time that a text says: plain seconds, or a number with `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// When it says none, or more than a `u64` of milliseconds can hold.
///
/// ```
/// use std::time::Duration;
/// use taskdeck_axum::parse_duration;
/// assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
/// assert_eq!(parse_duration("1.5"), Ok(Duration::from_millis(1500)));
/// assert!(parse_duration("soon").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit.trim_start() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(ParseDurationError),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| ParseDurationError)?;
    let mut millis = whole.checked_mul(unit_ms).ok_or(ParseDurationError)?;
    if number.contains('.') {
        // Nine digits are more than a millisecond of a day needs.
        let digits =
            u32::try_from(part.len()).ok().filter(|n| (1..=9).contains(n)).ok_or(ParseDurationError)?;
        let part: u64 = part.parse().map_err(|_| ParseDurationError)?;
        millis = millis.checked_add(part * unit_ms / 10_u64.pow(digits)).ok_or(ParseDurationError)?;
    }
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_plain_seconds_are_read() {
        for (text, millis) in [
            ("30", 30_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("2 m", 120_000),
            ("0.25s", 250),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in
            ["", "s", "-1", "1.", ".5", "1.2.3", "5 minutes", "99999999999999999999", "20000000000000000m"]
        {
            assert_eq!(parse_duration(text), Err(ParseDurationError), "{text}");
        }
    }
}
