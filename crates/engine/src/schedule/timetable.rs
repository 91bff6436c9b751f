//! A cron expression in a time zone: when it comes next.

use jiff::tz::{AmbiguousOffset, TimeZone};
use taskdeck_core::Timestamp;

use super::cron::{Cron, CronError};

/// Why a time zone cannot be used, in words for the one who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is no time zone `{0}`: write a name such as Europe/Berlin, or UTC.")]
pub(crate) struct ZoneError(String);

/// The time zone of an IANA name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, ZoneError> {
    TimeZone::get(name).map_err(|_| ZoneError(name.to_owned()))
}

/// When a schedule comes.
#[derive(Clone, Debug)]
pub(crate) struct Timetable {
    cron: Cron,
    zone: TimeZone,
}

/// Both may be wrong, and each is told for itself.
#[derive(Debug)]
pub(crate) struct TimetableError {
    pub(crate) cron: Option<CronError>,
    pub(crate) zone: Option<ZoneError>,
}

impl Timetable {
    pub(crate) fn read(cron: &str, time_zone: &str) -> Result<Self, TimetableError> {
        match (cron.parse(), zone(time_zone)) {
            (Ok(cron), Ok(zone)) => Ok(Self { cron, zone }),
            (cron, zone) => Err(TimetableError { cron: cron.err(), zone: zone.err() }),
        }
    }

    /// The first time after `after`.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // Times are whole seconds.
        let next_second = after.as_millis().div_euclid(1000).checked_add(1)?;
        let from = jiff::Timestamp::from_second(next_second).ok()?;
        let found = if self.cron.follows_clock() { self.on_the_clock(from) } else { self.once_a_day(from) }?;
        Some(Timestamp::from_millis(found.as_millisecond()))
    }

    /// The times after `after`, one after another.
    pub(crate) fn times(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }

    /// A time as a clock in the zone shows it: `Mon 2026-03-02 03:00`, with seconds where there are some.
    pub(crate) fn local(&self, at: Timestamp) -> String {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return at.to_string() };
        let shown = at.to_zoned(self.zone.clone());
        let seconds = if shown.second() == 0 { "" } else { ":%S" };
        shown.strftime(&format!("%a %Y-%m-%d %H:%M{seconds}")).to_string()
    }

    /// "Every so often": what the clock shows counts. Between two changes of the clock the offset stays the same, so
    /// each such stretch is a calendar of its own.
    fn on_the_clock(&self, mut from: jiff::Timestamp) -> Option<jiff::Timestamp> {
        loop {
            let offset = self.zone.to_offset(from);
            let shown = self.cron.first_from(offset.to_datetime(from))?;
            let found = offset.to_timestamp(shown).ok()?;
            match self.zone.following(from).next() {
                Some(change) if change.timestamp() <= found => from = change.timestamp(),
                _ => return Some(found),
            }
        }
    }

    /// "At that time": once, also on the day that has it twice, and right after the change on the day that has it
    /// never.
    fn once_a_day(&self, from: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut shown = self.zone.to_datetime(from);
        // A change that has just leapt over times is met at its end, which shows a later time than those.
        if let Some(change) =
            self.zone.preceding(from.checked_add(jiff::SignedDuration::from_secs(1)).ok()?).next()
            && change.timestamp() == from
        {
            let before = change.timestamp().checked_sub(jiff::SignedDuration::from_secs(1)).ok()?;
            shown = shown.min(self.zone.to_datetime(before));
        }
        loop {
            shown = self.cron.first_from(shown)?;
            let found = match self.zone.to_ambiguous_timestamp(shown).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok()?,
                AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok()?,
                AmbiguousOffset::Gap { after, .. } => {
                    let just_before = after.to_timestamp(shown).ok()?;
                    self.zone.following(just_before).next()?.timestamp()
                }
            };
            if found >= from {
                return Some(found);
            }
            shown = shown.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
        }
    }
}

#[cfg(test)]
mod tests;
