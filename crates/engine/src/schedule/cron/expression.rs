//! The fields of a cron expression as they are written, or what is wrong with them. The calendar is made from them, and
//! so are the words that say what they mean.

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

/// The numbers of a field.
#[derive(Debug, Default)]
pub(crate) struct Field {
    /// Which, upwards, each once.
    pub(crate) values: Vec<u8>,
    /// `*/5`, where that is every five also from the last to the first.
    pub(crate) step: Option<u8>,
    /// How many there are.
    of: usize,
}

impl Field {
    /// Whether nothing is left out.
    pub(crate) fn is_all(&self) -> bool {
        self.values.len() == self.of
    }

    /// The first and the last, where three or more stand side by side.
    pub(crate) fn range(&self) -> Option<(u8, u8)> {
        let (first, last) = (*self.values.first()?, *self.values.last()?);
        (self.values.len() > 2 && usize::from(last - first) + 1 == self.values.len()).then_some((first, last))
    }
}

/// A day of the month that is no number.
#[derive(Debug)]
pub(crate) enum MonthDay {
    Last,
    LastWeekday,
    Nearest(u8),
}

/// A day of the week, from Monday, 1, that does not come every week.
#[derive(Debug)]
pub(crate) enum WeekDay {
    Last(u8),
    Nth(u8, u8),
}

/// A cron expression.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) seconds: Field,
    pub(crate) minutes: Field,
    pub(crate) hours: Field,
    pub(crate) month_days: Field,
    pub(crate) special_month_days: Vec<MonthDay>,
    pub(crate) months: Field,
    /// From Monday, 1.
    pub(crate) week_days: Field,
    pub(crate) special_week_days: Vec<WeekDay>,
    /// Whether a field of days begins with a star: then both must hold, else one of them.
    pub(crate) stars_days: bool,
    /// Whether minutes or hours begin with one: "every so often" rather than "at that time".
    pub(crate) follows_clock: bool,
}

/// What a field may hold.
struct Bounds {
    name: &'static str,
    least: u8,
    most: u8,
    /// Names for the numbers from `least` on.
    names: &'static [&'static str],
}

const SECONDS: Bounds = Bounds { name: "seconds", least: 0, most: 59, names: &[] };
const MINUTES: Bounds = Bounds { name: "minutes", least: 0, most: 59, names: &[] };
const HOURS: Bounds = Bounds { name: "hours", least: 0, most: 23, names: &[] };
const MONTH_DAYS: Bounds = Bounds { name: "days of the month", least: 1, most: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    name: "months",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0, and 7 too.
const WEEK_DAYS: Bounds = Bounds {
    name: "days of the week",
    least: 0,
    most: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Expression {
    pub(crate) fn read(text: &str) -> Result<Self, CronError> {
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
        let (month_days, special_month_days) = month_days(month_day)?;
        let (week_days, special_week_days) = week_days(week_day)?;
        Ok(Self {
            seconds: SECONDS.field(second)?,
            minutes: MINUTES.field(minute)?,
            hours: HOURS.field(hour)?,
            month_days,
            special_month_days,
            months: MONTHS.field(month)?,
            week_days,
            special_week_days,
            stars_days: month_day.starts_with('*') || week_day.starts_with('*'),
            follows_clock: minute.starts_with('*') || hour.starts_with('*'),
        })
    }

    /// Whether the days of the month are narrowed.
    pub(crate) fn names_month_days(&self) -> bool {
        !self.month_days.is_all()
    }

    /// Whether the days of the week are narrowed.
    pub(crate) fn names_week_days(&self) -> bool {
        !self.week_days.is_all()
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

fn month_days(text: &str) -> Result<(Field, Vec<MonthDay>), CronError> {
    let (mut plain, mut special) = (Vec::new(), Vec::new());
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        match (upper.as_str(), upper.strip_suffix('W')) {
            ("L", _) => special.push(MonthDay::Last),
            ("LW", _) => special.push(MonthDay::LastWeekday),
            (_, Some(day)) => special.push(MonthDay::Nearest(MONTH_DAYS.number(day, item)?)),
            _ => plain.extend(MONTH_DAYS.item(item)?),
        }
    }
    Ok((field(plain, 31, step_of(text)), special))
}

fn week_days(text: &str) -> Result<(Field, Vec<WeekDay>), CronError> {
    // For a reader the week begins on Monday.
    let from_monday = |day: u8| if day.is_multiple_of(7) { 7 } else { day };
    let (mut plain, mut special) = (Vec::new(), Vec::new());
    for item in text.split(',') {
        let upper = item.to_ascii_uppercase();
        if let Some((day, nth)) = item.split_once('#') {
            let day = from_monday(WEEK_DAYS.number(day, item)?);
            match nth.parse() {
                Ok(nth @ 1..=5) => special.push(WeekDay::Nth(day, nth)),
                _ => return Err(WEEK_DAYS.fault(item, "after the # stands 1 to 5")),
            }
        } else if let Some(day) = upper.strip_suffix('L').filter(|day| !day.is_empty()) {
            special.push(WeekDay::Last(from_monday(WEEK_DAYS.number(day, item)?)));
        } else {
            plain.extend(WEEK_DAYS.item(item)?.into_iter().map(from_monday));
        }
    }
    Ok((field(plain, 7, None), special))
}

/// The step of `*/5`.
fn step_of(text: &str) -> Option<u8> {
    text.strip_prefix("*/")?.parse().ok().filter(|step| *step > 1)
}

fn field(mut values: Vec<u8>, of: usize, step: Option<u8>) -> Field {
    values.sort_unstable();
    values.dedup();
    Field { values, step, of }
}

impl Bounds {
    fn fault(&self, text: &str, why: impl Into<String>) -> CronError {
        CronError::Field { field: self.name, text: text.to_owned(), why: why.into() }
    }

    fn field(&self, text: &str) -> Result<Field, CronError> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item)?);
        }
        let of = usize::from(self.most - self.least) + 1;
        // "Every 7 minutes" is not so from 56 to 0.
        let step = step_of(text).filter(|step| of.is_multiple_of(usize::from(*step)));
        Ok(field(values, of, step))
    }

    /// `*`, `5`, `1-5`, and each of them with `/2`.
    fn item(&self, item: &str) -> Result<Vec<u8>, CronError> {
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
        Ok((first..=last).step_by(step.into()).collect())
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
