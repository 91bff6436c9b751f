//! Cron expressions: read, and matched against the calendar. No time zone and no clock here: those are the
//! timetable's.
//!
//! Our own and not the crate `cronexpr`, which 1.7 passes every December by for `L`, skips a fixed time on the day
//! that the clock is set forward and meets it twice when it is set back, looks four years ahead only, and knows no
//! seconds. In the tests it is the witness for all that is common to both.

mod expression;
mod words;

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Weekday, date};

use expression::{Expression, Field, MonthDay, WeekDay};

pub(crate) use expression::CronError;

/// How far ahead a time is looked for. The rarest days, such as a fifth Monday in February, come every 28 years, and
/// every 40 around a century that leaves out its leap day.
const YEARS: i16 = 41;

/// A set of small numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u64);

impl Set {
    fn of(field: &Field) -> Self {
        let mut set = Self::default();
        field.values.iter().for_each(|number| set.add(*number));
        set
    }

    fn add(&mut self, number: u8) {
        self.0 |= 1 << number;
    }

    fn has(self, number: i8) -> bool {
        u8::try_from(number).is_ok_and(|number| self.0 >> number & 1 == 1)
    }

    /// The least number that is not below `from`.
    fn from(self, from: i8) -> Option<i8> {
        let rest = self.0.checked_shr(u32::try_from(from).ok()?)?;
        (rest != 0).then(|| from + i8::try_from(rest.trailing_zeros()).unwrap_or(i8::MAX))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct MonthDays {
    plain: Set,
    /// `L`
    last: bool,
    /// `15W`
    nearest_weekday: Set,
    /// `LW`
    last_weekday: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct WeekDays {
    /// From Sunday, 0.
    plain: Set,
    /// `5L`
    last: Set,
    /// `1#2`: the second Monday at `[1]`.
    nth: [Set; 5],
}

/// What a cron expression says, as a person would: `Monday to Friday at 09:30`. None for what is no cron expression.
pub(crate) fn in_words(cron: &str) -> Option<String> {
    Expression::read(cron).ok().map(|read| read.in_words())
}

/// A cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    seconds: Set,
    minutes: Set,
    hours: Set,
    month_days: MonthDays,
    months: Set,
    week_days: WeekDays,
    /// Whether both fields of days must hold, or one of them.
    both_days: bool,
    follows_clock: bool,
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let read = Expression::read(text)?;
        let cron = Self {
            seconds: Set::of(&read.seconds),
            minutes: Set::of(&read.minutes),
            hours: Set::of(&read.hours),
            month_days: MonthDays::of(&read),
            months: Set::of(&read.months),
            week_days: WeekDays::of(&read),
            both_days: read.stars_days,
            follows_clock: read.follows_clock,
        };
        // The calendar repeats itself; from 1999 on the rarest day comes soon enough.
        match cron.first_from(date(1999, 1, 1).at(0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }
}

impl Cron {
    /// Whether minutes or hours begin with `*`: "every so often" rather than "at that time".
    pub(crate) fn follows_clock(&self) -> bool {
        self.follows_clock
    }

    /// The first time on the calendar that is not before `from`, if there is one in the next decades.
    pub(crate) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let (mut date, mut after) = (from.date(), Some(from));
        let last_year = date.year().saturating_add(YEARS);
        while date.year() < last_year {
            if !self.months.has(date.month()) {
                date = date.last_of_month().tomorrow().ok()?;
                after = None;
                continue;
            }
            if self.has_day(date) {
                let (hour, minute, second) =
                    after.map_or((0, 0, 0), |at| (at.hour(), at.minute(), at.second()));
                if let Some((hour, minute, second)) = self.first_in_day(hour, minute, second) {
                    return Some(date.at(hour, minute, second, 0));
                }
            }
            date = date.tomorrow().ok()?;
            after = None;
        }
        None
    }

    fn first_in_day(&self, hour: i8, minute: i8, second: i8) -> Option<(i8, i8, i8)> {
        let (first_minute, first_second) = (self.minutes.from(0)?, self.seconds.from(0)?);
        if self.hours.has(hour) {
            if self.minutes.has(minute)
                && let Some(second) = self.seconds.from(second)
            {
                return Some((hour, minute, second));
            }
            if let Some(minute) = self.minutes.from(minute + 1) {
                return Some((hour, minute, first_second));
            }
        }
        Some((self.hours.from(hour + 1)?, first_minute, first_second))
    }

    /// Both fields of days must hold when one of them begins with `*`, else one of them: as in every cron.
    fn has_day(&self, date: Date) -> bool {
        if self.both_days {
            self.month_days.has(date) && self.week_days.has(date)
        } else {
            self.month_days.has(date) || self.week_days.has(date)
        }
    }
}

impl MonthDays {
    fn of(read: &Expression) -> Self {
        let mut days = Self { plain: Set::of(&read.month_days), ..Self::default() };
        for day in &read.special_month_days {
            match day {
                MonthDay::Last => days.last = true,
                MonthDay::LastWeekday => days.last_weekday = true,
                MonthDay::Nearest(day) => days.nearest_weekday.add(*day),
            }
        }
        days
    }

    fn has(&self, date: Date) -> bool {
        let (day, last) = (date.day(), date.days_in_month());
        let is_weekday = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        // Only the days up to two away can have this one as their nearest weekday.
        let is_nearest = || {
            (day - 2..=day + 2)
                .any(|wanted| self.nearest_weekday.has(wanted) && nearest_weekday(date, wanted) == Some(day))
        };
        self.plain.has(day)
            || (self.last && day == last)
            || (is_weekday && is_nearest())
            || (self.last_weekday && nearest_weekday(date, last) == Some(day))
    }
}

/// The weekday nearest to a day of this month, within the month.
fn nearest_weekday(month: Date, day: i8) -> Option<i8> {
    let last = month.days_in_month();
    let wanted = month.with().day(day).build().ok()?;
    Some(match wanted.weekday() {
        Weekday::Saturday if day == 1 => 3,
        Weekday::Saturday => day - 1,
        Weekday::Sunday if day == last => day - 2,
        Weekday::Sunday => day + 1,
        _ => day,
    })
}

impl WeekDays {
    fn of(read: &Expression) -> Self {
        let mut days = Self::default();
        read.week_days.values.iter().for_each(|day| days.plain.add(day % 7));
        for day in &read.special_week_days {
            match day {
                WeekDay::Last(day) => days.last.add(day % 7),
                WeekDay::Nth(day, nth) => {
                    if let Some(nth) = days.nth.get_mut(usize::from(*nth - 1)) {
                        nth.add(day % 7);
                    }
                }
            }
        }
        days
    }

    fn has(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let nth = usize::try_from((date.day() - 1) / 7).unwrap_or(0);
        self.plain.has(weekday)
            || (self.last.has(weekday) && date.day() + 7 > date.days_in_month())
            || self.nth.get(nth).is_some_and(|nth| nth.has(weekday))
    }
}

#[cfg(test)]
mod tests;
