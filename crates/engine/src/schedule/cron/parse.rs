//! From the text of a cron expression to its sets, with faults that say what is wrong.

use std::str::FromStr;

use jiff::civil::date;

use super::{Cron, MonthDays, Set, WeekDays};

/// Why a text is no cron expression, in words for the one who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CronError {
    #[error(
        "Write five fields (minute, hour, day of the month, month, day of the week), or six with seconds before \
         them; this has {0}."
    )]
    Fields(usize),
    #[error("The {field} cannot be `{text}`: {why}.")]
    Field { field: &'static str, text: String, why: String },
    #[error("There is no `{0}`: write @hourly, @daily, @weekly, @monthly or @yearly.")]
    Alias(String),
    #[error("Such a day never comes.")]
    Never,
}

/// What a field may hold.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    /// Names for the numbers from `least` on.
    names: &'static [&'static str],
}

const SECONDS: Field = Field { name: "seconds", least: 0, most: 59, names: &[] };
const MINUTES: Field = Field { name: "minutes", least: 0, most: 59, names: &[] };
const HOURS: Field = Field { name: "hours", least: 0, most: 23, names: &[] };
const MONTH_DAYS: Field = Field { name: "days of the month", least: 1, most: 31, names: &[] };
const MONTHS: Field = Field {
    name: "months",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0, and 7 too.
const WEEK_DAYS: Field = Field {
    name: "days of the week",
    least: 0,
    most: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = match text.trim() {
            alias if alias.starts_with('@') => expand(alias)?,
            other => other,
        };
        let fields: Vec<_> = text.split_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            rest => ("0", rest),
        };
        let [minute, hour, month_day, month, week_day] = rest else {
            return Err(CronError::Fields(fields.len()));
        };
        let cron = Self {
            seconds: SECONDS.set(second)?,
            minutes: MINUTES.set(minute)?,
            hours: HOURS.set(hour)?,
            month_days: month_days(month_day)?,
            months: MONTHS.set(month)?,
            week_days: week_days(week_day)?,
            follows_clock: minute.starts_with('*') || hour.starts_with('*'),
        };
        // The calendar repeats itself; from 1999 on the rarest day comes soon enough.
        match cron.first_from(date(1999, 1, 1).at(0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }
}

fn expand(alias: &str) -> Result<&'static str, CronError> {
    Ok(match alias.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return Err(CronError::Alias(alias.to_owned())),
    })
}

fn month_days(text: &str) -> Result<MonthDays, CronError> {
    let mut days = MonthDays { starred: text.starts_with('*'), ..MonthDays::default() };
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        match (upper.as_str(), upper.strip_suffix('W')) {
            ("L", _) => days.last = true,
            ("LW", _) => days.last_weekday = true,
            (_, Some(day)) => days.nearest_weekday.add(MONTH_DAYS.number(day, item)?),
            _ => MONTH_DAYS.item(item, &mut days.plain)?,
        }
    }
    Ok(days)
}

fn week_days(text: &str) -> Result<WeekDays, CronError> {
    let mut days = WeekDays { starred: text.starts_with('*'), ..WeekDays::default() };
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        if let Some((day, nth)) = item.split_once('#') {
            let day = WEEK_DAYS.number(day, item)? % 7;
            match nth.parse::<usize>() {
                Ok(nth @ 1..=5) => days.nth[nth - 1].add(day),
                _ => return Err(WEEK_DAYS.fault(item, "after the # stands 1 to 5")),
            }
        } else if let Some(day) = upper.strip_suffix('L').filter(|day| !day.is_empty()) {
            days.last.add(WEEK_DAYS.number(day, item)? % 7);
        } else {
            WEEK_DAYS.item(item, &mut days.plain)?;
        }
    }
    if days.plain.has(7) {
        days.plain = Set(days.plain.0 & 0x7f | 1);
    }
    Ok(days)
}

impl Field {
    fn fault(&self, text: &str, why: impl Into<String>) -> CronError {
        CronError::Field { field: self.name, text: text.to_owned(), why: why.into() }
    }

    fn set(&self, text: &str) -> Result<Set, CronError> {
        let mut set = Set::default();
        text.split(',').try_for_each(|item| self.item(item, &mut set))?;
        Ok(set)
    }

    /// `*`, `5`, `1-5`, and each of them with `/2`.
    fn item(&self, item: &str, set: &mut Set) -> Result<(), CronError> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (self.least, self.most),
            (_, Some((first, last))) => {
                let (first, last) = (self.number(first, item)?, self.number(last, item)?);
                // A week may end on Sunday, whatever its number.
                if last == 0 && self.most == 7 && first > 0 { (first, 7) } else { (first, last) }
            }
            (first, None) => {
                let first = self.number(first, item)?;
                (first, if step.is_some() { self.most } else { first })
            }
        };
        if first > last {
            return Err(self.fault(item, "a range goes upwards"));
        }
        let step = match step.map(str::parse::<u8>) {
            None => 1,
            Some(Ok(step)) if (1..=self.most).contains(&step) => step,
            Some(_) => return Err(self.fault(item, format!("after the / stands 1 to {}", self.most))),
        };
        (first..=last).step_by(step.into()).for_each(|number| set.add(number));
        Ok(())
    }

    /// A number or its name, as part of an item.
    fn number(&self, text: &str, item: &str) -> Result<u8, CronError> {
        let lower = text.to_ascii_lowercase();
        if let Some(index) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.least + u8::try_from(index).unwrap_or(0));
        }
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            let example = self.names.get(1).map_or(String::new(), |name| format!(", a name such as {name}"));
            let why = format!(
                "write *, a number{example}, a range such as 1-5, a step such as */2, or several with commas"
            );
            return Err(self.fault(item, why));
        }
        match text.parse::<u8>() {
            Ok(number) if (self.least..=self.most).contains(&number) => Ok(number),
            _ => Err(self.fault(item, format!("they go from {} to {}", self.least, self.most))),
        }
    }
}
