//! Numbers and times as people read them. Pure: no clock, no locale, so that server and browser write the same.

use crate::{Progress, Timestamp};

/// A whole number with separators: `1,234,567`.
///
/// ```
/// assert_eq!(taskdeck_core::format::thousands(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time, to the second: `4 s`, `3 m 05 s`, `2 h 07 m`, `5 d 03 h`. When `exact` (a time that no longer
/// runs) below ten seconds with one decimal, and below one in milliseconds.
#[must_use]
pub fn duration(millis: u64, exact: bool) -> String {
    let seconds = millis / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if exact && millis < 1_000 {
        format!("{millis} ms")
    } else if exact && millis < 10_000 {
        format!("{}.{} s", seconds, millis % 1_000 / 100)
    } else if minutes == 0 {
        format!("{seconds} s")
    } else if hours == 0 {
        format!("{minutes} m {:02} s", seconds % 60)
    } else if days == 0 {
        format!("{hours} h {:02} m", minutes % 60)
    } else {
        format!("{days} d {:02} h", hours % 24)
    }
}

/// A length of time that somebody set, such as a limit: exact, however many parts it has, `5 min`, `16 h 40 min`,
/// `1 d 30 s`. What has elapsed may be rounded, a setting may not.
#[must_use]
pub fn span(millis: u64) -> String {
    let (mut text, mut left) = (String::new(), millis);
    for (size, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")] {
        let number = left / size;
        left %= size;
        if number > 0 || (size == 1 && text.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&number.to_string());
            text.push(' ');
            text.push_str(unit);
        }
    }
    text
}

/// How far `at` lies from `now`: `just now`, `4 min ago`, `in 2 h`.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let ahead = at > now;
    let seconds = if ahead { at.millis_since(now) } else { now.millis_since(at) } / 1_000;
    let (number, unit) = match seconds {
        0 => return "just now".to_owned(),
        1..5 if !ahead => return "just now".to_owned(),
        1..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    if ahead { format!("in {number} {unit}") } else { format!("{number} {unit} ago") }
}

/// The absolute time, to the second, in UTC: `2026-01-31 08:00:00 UTC`.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// The time of day in UTC: `08:00:00`.
#[must_use]
pub fn utc_time(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// What is done, with its unit: `1,234 / 5,000 rows`, `31.1 / 50.0 MB`; none when it is not known.
#[must_use]
pub fn done(progress: &Progress) -> Option<String> {
    let done = progress.done?;
    let unit = progress.unit.as_deref().unwrap_or_default();
    let number = |count| if unit == "bytes" { crate::form::bytes(count) } else { thousands(count) };
    let mut text = number(done);
    if let Some(total) = progress.total {
        text.push_str(" / ");
        text.push_str(&number(total));
    }
    if !unit.is_empty() && unit != "bytes" {
        text.push(' ');
        text.push_str(unit);
    }
    Some(text)
}

/// The step, with its name: `Step 2 of 8: Read`; none when it is not known.
#[must_use]
pub fn step(progress: &Progress) -> Option<String> {
    let step = progress.step.as_ref()?;
    let place = format!("Step {} of {}", step.number, step.of);
    Some(if step.name.is_empty() { place } else { format!("{place}: {}", step.name) })
}

/// A number with so many decimals. It is written by way of a whole number: `f64`'s own way of writing is twenty
/// kilobytes of WASM.
///
/// ```
/// assert_eq!(taskdeck_core::format::decimal(0.25, 1), "0.3");
/// assert_eq!(taskdeck_core::format::decimal(-12.0625, 3), "-12.063");
/// assert_eq!(taskdeck_core::format::decimal(7.6, 0), "8");
/// ```
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what pages draw and count is small"
)]
pub fn decimal(number: f64, decimals: u32) -> String {
    let scale = 10_u64.pow(decimals);
    let scaled = (number.abs() * scale as f64).round() as u64;
    let sign = if number < 0.0 && scaled > 0 { "-" } else { "" };
    let whole = scaled / scale;
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    let (part, width) = (scaled % scale, decimals as usize);
    format!("{sign}{whole}.{part:0width$}")
}

/// A part of the whole, as short as it can be written: `0.5`.
#[must_use]
pub fn portion(value: f64) -> String {
    decimal(value, 4).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many units a second the task gets through, as far as the time left tells: `1,200 rows/s`, and below ten with one
/// decimal, `2.0 rows/s`. Nothing for less than that shows, and for less than a byte.
#[must_use]
pub fn rate(progress: &Progress) -> Option<String> {
    let unit = progress.unit.as_deref().filter(|unit| !unit.is_empty())?;
    let left = progress.total?.checked_sub(progress.done?)?;
    let left_ms = progress.eta_ms?;
    // To the nearest: a step of 500 ms takes one or two more.
    let tenths = left.checked_mul(10_000)?.checked_add(left_ms / 2)?.checked_div(left_ms)?;
    let a_second = tenths / 10;
    match (unit, tenths) {
        (_, 0) | ("bytes", ..10) => None,
        ("bytes", _) => Some(format!("{}/s", crate::form::bytes(a_second))),
        (unit, ..100) => Some(format!("{a_second}.{} {unit}/s", tenths % 10)),
        (unit, _) => Some(format!("{} {unit}/s", thousands(a_second))),
    }
}

/// A text as a sentence: its first letter large, a full stop at its end.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut sentence = text.to_owned();
    // Only of ASCII, whose table is small.
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if sentence.ends_with(|last: char| {
        !last.is_ascii() || last.is_ascii_alphanumeric() || matches!(last, '"' | ')' | '`')
    }) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn durations_keep_two_units() {
        assert_eq!(duration(900, false), "0 s");
        assert_eq!(duration(23, true), "23 ms");
        assert_eq!(duration(6_480, true), "6.4 s");
        assert_eq!(duration(59_999, false), "59 s");
        assert_eq!(duration(185_000, true), "3 m 05 s");
        assert_eq!(duration(7_620_000, false), "2 h 07 m");
        assert_eq!(duration(5 * 86_400_000 + 3 * 3_600_000, false), "5 d 03 h");
    }

    #[test]
    fn what_was_set_is_told_exactly() {
        let told = [30_000, 300_000, 3_600_000, 60_000_000].map(span);
        assert_eq!(told, ["30 s", "5 min", "1 h", "16 h 40 min"]);
        assert_eq!(
            [90_061_000, 1_500, 86_430_000, 0].map(span),
            ["1 d 1 h 1 min 1 s", "1 s 500 ms", "1 d 30 s", "0 ms"]
        );
    }

    #[test]
    fn relative_times_go_both_ways() {
        let now = Timestamp::from_millis(1_000_000_000);
        assert_eq!(relative(now, now), "just now");
        assert_eq!(relative(now.plus_millis(-61_000), now), "1 min ago");
        assert_eq!(relative(now.plus_millis(7_200_000), now), "in 2 h");
        assert_eq!(relative(now.plus_millis(-3 * 86_400_000), now), "3 d ago");
    }

    #[test]
    fn absolute_times_are_utc() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(utc(at), "2023-11-14 22:13:20 UTC");
        assert_eq!(utc_time(at), "22:13:20");
    }

    #[test]
    fn bytes_are_told_in_their_own_unit() {
        let mut progress = Progress::default();
        assert_eq!(done(&progress), None);
        progress.set_done(31_100_000, 50_000_000);
        progress.unit = Some("bytes".to_owned());
        assert_eq!(done(&progress).as_deref(), Some("31.1 MB / 50.0 MB"));
        progress.unit = Some("rows".to_owned());
        assert_eq!(done(&progress).as_deref(), Some("31,100,000 / 50,000,000 rows"));
    }

    #[test]
    fn a_sentence_begins_large_and_ends_with_a_stop() {
        assert_eq!(
            sentence("the task has not ended: it is running"),
            "The task has not ended: it is running."
        );
        assert_eq!(sentence("Task not found!"), "Task not found!");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_rate_is_what_is_left_by_the_time_left() {
        let mut progress = Progress { unit: Some("rows".to_owned()), ..Progress::default() };
        progress.set_done(4_000, 10_000);
        assert_eq!(rate(&progress), None, "the time left is not known");
        progress.eta_ms = Some(5_000);
        assert_eq!(rate(&progress).as_deref(), Some("1,200 rows/s"));
        for (left_ms, told) in [
            (3_006_000, Some("2.0 rows/s")),
            (12_000_000, Some("0.5 rows/s")),
            (600_000, Some("10 rows/s")),
            (601_000, Some("10 rows/s")),
            (610_000, Some("9.8 rows/s")),
            (600_000_000, None),
            (0, None),
        ] {
            progress.eta_ms = Some(left_ms);
            assert_eq!(rate(&progress).as_deref(), told, "{left_ms}");
        }
        progress.eta_ms = Some(5_000);
        progress.set_done(0, u64::MAX);
        assert_eq!(rate(&progress), None, "no number is too large");
        progress.set_done(4_000, 10_000);
        progress.unit = Some("bytes".to_owned());
        progress.eta_ms = Some(12_000_000);
        assert_eq!(rate(&progress), None);
        progress.unit = None;
        progress.eta_ms = Some(5_000);
        assert_eq!(rate(&progress), None);
    }
}
