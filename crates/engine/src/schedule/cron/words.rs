//! A cron expression in plain English.

use super::expression::{Expression, MonthDay, WeekDay};

/// So many times of day are named one by one.
const MOST_TIMES: usize = 6;

impl Expression {
    /// What it says, as a person would: `Monday to Friday at 09:30`.
    pub(crate) fn in_words(&self) -> String {
        let days = days(self);
        // The months are said with the days of the month, where there are some.
        let months = match (self.months.is_all(), self.names_month_days()) {
            (false, false) => Some(format!("in {}", months(self))),
            _ => None,
        };
        let said = match (times(self), days) {
            (Time::At(times), None) => format!("every day at {}", and(&times)),
            (Time::At(times), Some(days)) => format!("{days} at {}", and(&times)),
            (Time::Every(often), None) => often,
            (Time::Every(often), Some(days)) => format!("{often}, {days}"),
        };
        capital(&[Some(said), months].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

enum Time {
    /// At these times of day.
    At(Vec<String>),
    /// Every so often.
    Every(String),
}

fn times(cron: &Expression) -> Time {
    let (seconds, minutes, hours) = (&cron.seconds, &cron.minutes, &cron.hours);
    let on_the_minute = seconds.values == [0];
    let few = seconds.values.len() * minutes.values.len() * hours.values.len() <= MOST_TIMES;
    if few && !hours.is_all() {
        let mut times = Vec::new();
        for hour in &hours.values {
            for minute in &minutes.values {
                times.extend(seconds.values.iter().map(|second| match on_the_minute {
                    true => format!("{hour:02}:{minute:02}"),
                    false => format!("{hour:02}:{minute:02}:{second:02}"),
                }));
            }
        }
        return Time::At(times);
    }
    if on_the_minute {
        return Time::Every(minutes_and_hours(cron));
    }
    let often = match (seconds.is_all(), seconds.step) {
        (true, _) => "every second".to_owned(),
        (_, Some(step)) => format!("every {step} seconds"),
        _ => {
            return Time::Every(format!(
                "{}, at {}",
                minutes_and_hours(cron),
                numbers("second", &seconds.values)
            ));
        }
    };
    let minutes =
        if minutes.is_all() { String::new() } else { format!(" in {}", numbers("minute", &minutes.values)) };
    Time::Every(format!("{often}{minutes}{}", within(cron)))
}

fn minutes_and_hours(cron: &Expression) -> String {
    let (minutes, hours) = (&cron.minutes, &cron.hours);
    if minutes.is_all() {
        return format!("every minute{}", within(cron));
    }
    if let Some(step) = minutes.step {
        return format!("every {step} minutes{}", within(cron));
    }
    let on_the_hour = minutes.values == [0];
    let at = if on_the_hour { String::new() } else { format!(", at {}", numbers("minute", &minutes.values)) };
    match (hours.is_all(), hours.step, hours.range()) {
        (true, ..) => format!("every hour{at}"),
        (_, Some(step), _) => format!("every {step} hours{at}"),
        (_, _, Some((first, last))) if on_the_hour => {
            format!("every hour from {first:02}:00 to {last:02}:00")
        }
        _ => format!("every hour{}{at}", within(cron)),
    }
}

/// Within which hours, where not in all.
fn within(cron: &Expression) -> String {
    let hours = &cron.hours;
    match (hours.values.as_slice(), hours.range()) {
        _ if hours.is_all() => String::new(),
        ([hour], _) => format!(" from {hour:02}:00 to {hour:02}:59"),
        (_, Some((first, last))) => format!(" from {first:02}:00 to {last:02}:59"),
        _ => format!(" in {}", numbers("hour", &hours.values)),
    }
}

fn numbers(unit: &str, values: &[u8]) -> String {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    let plural = if values.len() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", and(&texts))
}

/// On which days, where not on all.
fn days(cron: &Expression) -> Option<String> {
    match (cron.names_month_days(), cron.names_week_days()) {
        (false, false) => None,
        (true, false) => Some(month_days(cron)),
        (false, true) => Some(week_days(cron)),
        // As in every cron: both must hold when one begins with a star, else one of them.
        (true, true) if cron.stars_days => {
            Some(format!("{} if it is {}", month_days(cron), bare(&week_days(cron))))
        }
        (true, true) => Some(format!("{} and {}", month_days(cron), week_days(cron))),
    }
}

fn bare(days: &str) -> &str {
    days.strip_prefix("on ").unwrap_or(days)
}

fn month_days(cron: &Expression) -> String {
    let of = if cron.months.is_all() { "the month".to_owned() } else { months(cron) };
    let plain = &cron.month_days;
    let mut said = Vec::new();
    match (plain.step, plain.range()) {
        _ if plain.values.is_empty() => {}
        (Some(step), _) => said.push(format!("every {} day", ordinal(step))),
        (_, Some((first, last))) => said.push(format!("the {} to the {}", ordinal(first), ordinal(last))),
        _ => {
            let days: Vec<_> = plain.values.iter().map(|day| ordinal(*day)).collect();
            said.push(format!("the {}", and(&days)));
        }
    }
    said.extend(cron.special_month_days.iter().map(|day| match day {
        MonthDay::Last => "the last day".to_owned(),
        MonthDay::LastWeekday => "the last weekday".to_owned(),
        MonthDay::Nearest(day) => format!("the weekday nearest the {}", ordinal(*day)),
    }));
    format!("on {} of {of}", and(&said))
}

fn week_days(cron: &Expression) -> String {
    const NAMES: [&str; 8] =
        ["", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let name = |day: u8| NAMES.get(usize::from(day)).copied().unwrap_or_default();
    let plain = &cron.week_days;
    if let (Some((first, last)), true) = (plain.range(), cron.special_week_days.is_empty()) {
        return format!("{} to {}", name(first), name(last));
    }
    let mut said: Vec<_> = plain.values.iter().map(|day| name(*day).to_owned()).collect();
    said.extend(cron.special_week_days.iter().map(|day| match day {
        WeekDay::Last(day) => format!("the last {} of the month", name(*day)),
        WeekDay::Nth(day, nth) => {
            let nth = ["first", "second", "third", "fourth", "fifth"][usize::from(*nth - 1).min(4)];
            format!("the {nth} {} of the month", name(*day))
        }
    }));
    format!("on {}", and(&said))
}

fn months(cron: &Expression) -> String {
    const NAMES: [&str; 13] = [
        "",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = |month: u8| NAMES.get(usize::from(month)).copied().unwrap_or_default().to_owned();
    match cron.months.range() {
        Some((first, last)) => format!("{} to {}", name(first), name(last)),
        None => and(&cron.months.values.iter().map(|month| name(*month)).collect::<Vec<_>>()),
    }
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn and(texts: &[String]) -> String {
    match texts.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_said_as_a_person_would() {
        for (cron, words) in [
            ("* * * * *", "Every minute"),
            ("*/5 * * * *", "Every 5 minutes"),
            ("*/7 * * * *", "Every hour, at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56"),
            ("0 * * * *", "Every hour"),
            ("@hourly", "Every hour"),
            ("15 * * * *", "Every hour, at minute 15"),
            ("0,30 * * * *", "Every hour, at minutes 0 and 30"),
            ("0 */2 * * *", "Every 2 hours"),
            ("10 */6 * * *", "Every day at 00:10, 06:10, 12:10 and 18:10"),
            ("0 3 * * *", "Every day at 03:00"),
            ("@daily", "Every day at 00:00"),
            ("0 9,17 * * *", "Every day at 09:00 and 17:00"),
            ("30 9 * * 1-5", "Monday to Friday at 09:30"),
            ("30 9 * * mon,wed,fri", "On Monday, Wednesday and Friday at 09:30"),
            ("0 8 * * 6,0", "On Saturday and Sunday at 08:00"),
            ("0 8 * * 7", "On Sunday at 08:00"),
            ("@weekly", "On Sunday at 00:00"),
            ("0 0 1 * *", "On the 1st of the month at 00:00"),
            ("@yearly", "On the 1st of January at 00:00"),
            ("0 12 1,15 * *", "On the 1st and 15th of the month at 12:00"),
            ("0 12 1-7 * *", "On the 1st to the 7th of the month at 12:00"),
            ("0 12 22 2,3 *", "On the 22nd of February and March at 12:00"),
            ("0 12 * 6-8 *", "Every day at 12:00, in June to August"),
            ("0 6 L * *", "On the last day of the month at 06:00"),
            ("0 6 LW * *", "On the last weekday of the month at 06:00"),
            ("0 6 15W * *", "On the weekday nearest the 15th of the month at 06:00"),
            ("0 6 * * 5L", "On the last Friday of the month at 06:00"),
            ("0 6 * * 1#2", "On the second Monday of the month at 06:00"),
            ("0 6 13 * 5", "On the 13th of the month and on Friday at 06:00"),
            ("0 6 */2 * 5", "On every 2nd day of the month if it is Friday at 06:00"),
            ("*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 to 17:59, Monday to Friday"),
            ("* 9 * * *", "Every minute from 09:00 to 09:59"),
            ("0 9-17 * * *", "Every hour from 09:00 to 17:00"),
            ("5 9-17 * * *", "Every hour from 09:00 to 17:59, at minute 5"),
            ("*/10 * * * * *", "Every 10 seconds"),
            ("* * * * * *", "Every second"),
            ("30 0 3 * * *", "Every day at 03:00:30"),
            ("15 * * * * *", "Every minute, at second 15"),
            ("*/5 0 9 * * *", "Every 5 seconds in minute 0 from 09:00 to 09:59"),
        ] {
            assert_eq!(Expression::read(cron).unwrap().in_words(), words, "{cron}");
        }
    }
}
