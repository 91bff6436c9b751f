//! The fields of a cron expression as they are written, for saying them in words. The engine reads the same texts into
//! calendars of its own (`schedule/cron`), and a test there holds the two to the same.

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
    /// Whether a field of days begins with a star.
    pub(crate) stars_days: bool,
}

/// What a field may hold.
struct Bounds {
    least: u8,
    most: u8,
    /// Names for the numbers from `least` on.
    names: &'static [&'static str],
}

const SECONDS: Bounds = Bounds { least: 0, most: 59, names: &[] };
const HOURS: Bounds = Bounds { least: 0, most: 23, names: &[] };
const MONTH_DAYS: Bounds = Bounds { least: 1, most: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0, and 7 too.
const WEEK_DAYS: Bounds =
    Bounds { least: 0, most: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Expression {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = match text.trim().to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *".to_owned(),
            "@daily" | "@midnight" => "0 0 * * *".to_owned(),
            "@weekly" => "0 0 * * 0".to_owned(),
            "@monthly" => "0 0 1 * *".to_owned(),
            "@yearly" | "@annually" => "0 0 1 1 *".to_owned(),
            other => other.to_owned(),
        };
        let fields: Vec<_> = text.split_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            rest => ("0", rest),
        };
        let [minute, hour, month_day, month, week_day] = rest else { return None };
        let (month_days, special_month_days) = month_days(month_day)?;
        let (week_days, special_week_days) = week_days(week_day)?;
        Some(Self {
            seconds: SECONDS.field(second)?,
            minutes: SECONDS.field(minute)?,
            hours: HOURS.field(hour)?,
            month_days,
            special_month_days,
            months: MONTHS.field(month)?,
            week_days,
            special_week_days,
            stars_days: month_day.starts_with('*') || week_day.starts_with('*'),
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

fn month_days(text: &str) -> Option<(Field, Vec<MonthDay>)> {
    let mut plain = Vec::new();
    let mut special = Vec::new();
    for item in text.split(',') {
        match (item, item.strip_suffix('w')) {
            ("l", _) => special.push(MonthDay::Last),
            ("lw", _) => special.push(MonthDay::LastWeekday),
            (_, Some(day)) => special.push(MonthDay::Nearest(MONTH_DAYS.number(day)?)),
            _ => plain.extend(MONTH_DAYS.item(item)?),
        }
    }
    Some((field(plain, 31, step_of(text)), special))
}

fn week_days(text: &str) -> Option<(Field, Vec<WeekDay>)> {
    // For a reader the week begins on Monday.
    let from_monday = |day: u8| if day.is_multiple_of(7) { 7 } else { day };
    let mut plain = Vec::new();
    let mut special = Vec::new();
    for item in text.split(',') {
        if let Some((day, nth)) = item.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
            special.push(WeekDay::Nth(from_monday(WEEK_DAYS.number(day)?), nth));
        } else if let Some(day) = item.strip_suffix('l').filter(|day| !day.is_empty()) {
            special.push(WeekDay::Last(from_monday(WEEK_DAYS.number(day)?)));
        } else {
            plain.extend(WEEK_DAYS.item(item)?.into_iter().map(from_monday));
        }
    }
    Some((field(plain, 7, None), special))
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
    fn field(&self, text: &str) -> Option<Field> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item)?);
        }
        let of = usize::from(self.most - self.least) + 1;
        // "Every 7 minutes" is not so from 56 to 0.
        let step = step_of(text).filter(|step| of.is_multiple_of(usize::from(*step)));
        Some(field(values, of, step))
    }

    /// `*`, `5`, `1-5`, and each of them with `/2`.
    fn item(&self, item: &str) -> Option<Vec<u8>> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (self.least, self.most),
            (_, Some((first, last))) => {
                let (first, last) = (self.number(first)?, self.number(last)?);
                // A week may end on Sunday, whatever its number.
                if last == 0 && self.most == 7 && first > 0 { (first, 7) } else { (first, last) }
            }
            (first, None) => {
                let first = self.number(first)?;
                (first, if step.is_some() { self.most } else { first })
            }
        };
        let step = match step.map(str::parse::<u8>) {
            None => 1,
            Some(Ok(step)) if (1..=self.most).contains(&step) => step,
            Some(_) => return None,
        };
        (first <= last).then(|| (first..=last).step_by(step.into()).collect())
    }

    fn number(&self, text: &str) -> Option<u8> {
        if let Some(index) = self.names.iter().position(|name| *name == text) {
            return u8::try_from(index).ok().map(|index| self.least + index);
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| is_number && (self.least..=self.most).contains(number))
    }
}
