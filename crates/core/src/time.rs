//! Points in time, to the millisecond, as RFC 3339 writes them. By hand: the calendar of a library would be a tenth of
//! what a browser has to load, for two functions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 0000-01-01T00:00:00.000Z
const FIRST: i64 = -62_167_219_200 * SECOND;
/// 9999-12-31T23:59:59.999Z
const LAST: i64 = 253_402_300_800 * SECOND - 1;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. On the wire it is RFC 3339 in UTC.
///
/// ```
/// use taskdeck_core::Timestamp;
/// let at = Timestamp::from_millis(1_700_000_000_123);
/// assert_eq!(at.to_string(), "2023-11-14T22:13:20.123Z");
/// assert_eq!(at.to_string().parse(), Ok(at));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time this many milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time `millis` later (earlier when negative); stays at the ends of the range instead of overflowing.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; never negative, so that a clock that went back shows as 0.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        let gap = self.0.saturating_sub(earlier.0);
        if gap < 0 { 0 } else { gap.unsigned_abs() }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four digits are all that a year has on the wire: what lies beyond is written as the end of what can be.
        let millis = self.0.clamp(FIRST, LAST);
        let (year, month, day) = date_of(millis.div_euclid(DAY));
        let in_day = millis.rem_euclid(DAY);
        let (hour, minute) = (in_day / HOUR, in_day % HOUR / MINUTE);
        let (second, milli) = (in_day % MINUTE / SECOND, in_day % SECOND);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(&mut Reader(text.as_bytes())).map(Self).ok_or(ParseTimestampError)
    }
}

/// The text is no RFC 3339 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-01-31T08:00:00Z")]
pub struct ParseTimestampError;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

// The calendar repeats every 400 years. Within them it is counted from 1 March, so that the day which comes and goes
// is the last of its year.
const DAYS_OF_400_YEARS: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// The year, month and day of a day counted from 1970-01-01.
const fn date_of(day: i64) -> (i64, i64, i64) {
    let day = day + DAYS_TO_1970;
    let (era, of_era) = (day.div_euclid(DAYS_OF_400_YEARS), day.rem_euclid(DAYS_OF_400_YEARS));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// The day of a date, counted from 1970-01-01.
const fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * DAYS_OF_400_YEARS + 365 * of_era + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970
}

/// What is left to be read of a text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// The next byte, when it is one of these.
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// A number of so many digits that lies in the range.
    fn number(&mut self, digits: u32, least: i64, most: i64) -> Option<i64> {
        let mut number = 0;
        for _ in 0..digits {
            number = 10 * number + i64::from(self.one_of(b"0123456789")? - b'0');
        }
        (least..=most).contains(&number).then_some(number)
    }
}

/// The milliseconds that a whole text says.
fn read(text: &mut Reader<'_>) -> Option<i64> {
    let year = text.number(4, 0, 9_999)?;
    text.one_of(b"-")?;
    let month = text.number(2, 1, 12)?;
    text.one_of(b"-")?;
    let day = text.number(2, 1, 31)?;
    let days = day_of(year, month, day);
    // The 31st of a month that has none is a day of the next.
    if date_of(days) != (year, month, day) {
        return None;
    }
    text.one_of(b"Tt ")?;
    let hour = text.number(2, 0, 23)?;
    text.one_of(b":")?;
    let minute = text.number(2, 0, 59)?;
    text.one_of(b":")?;
    // A leap second is told as the second before it, as clocks do that know of none.
    let second = text.number(2, 0, 60)?.min(59);
    let mut millis = 0;
    if text.one_of(b".").is_some() {
        // At least one digit; those after the third are read over.
        let mut worth = 100;
        millis = worth * text.number(1, 0, 9)?;
        while let Some(digit) = text.number(1, 0, 9) {
            worth /= 10;
            millis += worth * digit;
        }
    }
    let ahead = match text.one_of(b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = text.number(2, 0, 23)?;
            text.one_of(b":")?;
            let ahead = hours * HOUR + text.number(2, 0, 59)? * MINUTE;
            if sign == b'-' { -ahead } else { ahead }
        }
        _ => 0,
    };
    let at = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + millis - ahead;
    (text.0.is_empty() && (FIRST..=LAST).contains(&at)).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> Option<i64> {
        text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
    }

    #[test]
    fn every_form_of_rfc_3339_is_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01 00:00:00.5z", 500),
            ("1970-01-01t00:00:00.123456789Z", 123),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T18:30:00.25-05:30", 250),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("0000-01-01T00:00:00Z", FIRST),
            ("9999-12-31T23:59:59.999Z", LAST),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-01-31",
            "2026-01-31T08:00Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00.Z",
            "2026-01-31T08:00:00Z ",
            "2026-01-31T08:00:00+01",
            "2026-01-31T08:00:00+24:00",
            "2026-01-31T24:00:00Z",
            "2026-01-31T08:60:00Z",
            "2026-01-31T08:00:61Z",
            "2026-02-29T08:00:00Z",
            "2026-04-31T08:00:00Z",
            "2026-13-01T08:00:00Z",
            "2026-00-01T08:00:00Z",
            "2026-01-00T08:00:00Z",
            "+2026-01-31T08:00:00Z",
            "12026-01-31T08:00:00Z",
            "2026-1-31T08:00:00Z",
            "٢٠٢٦-01-31T08:00:00Z",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_beyond_all_years_is_written_as_the_last_that_can_be_read() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn it_is_written_and_read_as_the_library_does(millis in FIRST..LAST - DAY) {
            let (ours, theirs) = (Timestamp(millis), jiff::Timestamp::from_millisecond(millis).unwrap());
            let text = ours.to_string();
            prop_assert_eq!(&text, &format!("{theirs:.3}"));
            prop_assert_eq!(text.parse(), Ok(ours));
        }

        #[test]
        fn an_offset_is_read_as_the_library_does(
            millis in FIRST + DAY..LAST - DAY,
            offset in -23 * 60..=23 * 60_i32,
        ) {
            let offset = jiff::tz::Offset::from_seconds(60 * offset).unwrap();
            let at = jiff::Timestamp::from_millisecond(millis).unwrap();
            let text = at.display_with_offset(offset).to_string();
            prop_assert_eq!(text.parse(), Ok(Timestamp(millis)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+:.0-9TZtz ]{0,32}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
