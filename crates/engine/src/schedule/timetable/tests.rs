use taskdeck_core::Timestamp;

use super::Timetable;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The times after one, as the clock of the zone shows them.
fn shown(cron: &str, zone: &str, after: &str, many: usize) -> Vec<String> {
    let timetable = Timetable::read(cron, zone).unwrap();
    let show = |time: Timestamp| {
        let zoned =
            jiff::Timestamp::from_millisecond(time.as_millis()).unwrap().to_zoned(timetable.zone.clone());
        zoned.strftime("%F %T %Z").to_string()
    };
    timetable.times(at(after)).take(many).map(show).collect()
}

#[test]
fn a_time_is_that_of_the_zone_in_winter_and_summer() {
    let timetable = Timetable::read("0 3 * * *", "Europe/Berlin").unwrap();
    assert_eq!(timetable.next(at("2026-01-15T00:00:00Z")), Some(at("2026-01-15T02:00:00Z")));
    assert_eq!(timetable.next(at("2026-07-15T00:00:00Z")), Some(at("2026-07-15T01:00:00Z")));
    assert_eq!(timetable.next(at("2026-07-15T00:59:59.999Z")), Some(at("2026-07-15T01:00:00Z")));
    assert_eq!(timetable.next(at("2026-07-15T01:00:00Z")), Some(at("2026-07-16T01:00:00Z")));
}

#[test]
fn what_the_clock_leaps_over_is_met_right_after() {
    assert_eq!(
        shown("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
        ["2026-03-28 02:30:00 CET", "2026-03-29 03:00:00 CEST", "2026-03-30 02:30:00 CEST"]
    );
    assert_eq!(
        shown("15,45 1-3 8 3 *", "America/New_York", "2026-03-08T05:00:00Z", 5),
        [
            "2026-03-08 01:15:00 EST",
            "2026-03-08 01:45:00 EST",
            "2026-03-08 03:00:00 EDT",
            "2026-03-08 03:15:00 EDT",
            "2026-03-08 03:45:00 EDT"
        ]
    );
    // From the very last moment before the change, and from the change itself.
    let timetable = Timetable::read("30 2 * * *", "Europe/Berlin").unwrap();
    assert_eq!(timetable.next(at("2026-03-29T00:59:59.999Z")), Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(timetable.next(at("2026-03-29T01:00:00Z")), Some(at("2026-03-30T00:30:00Z")));
}

#[test]
fn what_the_clock_shows_twice_is_met_once() {
    assert_eq!(
        shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25 02:30:00 CEST", "2026-10-26 02:30:00 CET"]
    );
    assert_eq!(
        shown("0,30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", 3),
        ["2026-11-01 01:00:00 EDT", "2026-11-01 01:30:00 EDT", "2026-11-02 01:00:00 EST"]
    );
    // Asked in the repeated hour.
    assert_eq!(
        shown("45 1,2 * * *", "America/New_York", "2026-11-01T06:10:00Z", 1),
        ["2026-11-01 02:45:00 EST"]
    );
}

#[test]
fn every_so_often_goes_on_while_the_clock_is_changed() {
    assert_eq!(
        shown("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        ["2026-03-29 01:30:00 CET", "2026-03-29 03:00:00 CEST", "2026-03-29 03:30:00 CEST"]
    );
    assert_eq!(
        shown("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:59:00Z", 6),
        [
            "2026-10-25 02:00:00 CEST",
            "2026-10-25 02:30:00 CEST",
            "2026-10-25 02:00:00 CET",
            "2026-10-25 02:30:00 CET",
            "2026-10-25 03:00:00 CET",
            "2026-10-25 03:30:00 CET"
        ]
    );
    // Half an hour, and a midnight that does not come.
    assert_eq!(
        shown("0 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", 2),
        ["2026-04-05 02:00:00 +1030", "2026-04-05 03:00:00 +1030"]
    );
    assert_eq!(
        shown("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", 1),
        ["2026-09-06 01:00:00 -03"]
    );
}

#[test]
fn a_year_of_times_only_grows_and_has_none_twice() {
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"] {
        for (cron, a_year) in [("30 2 * * *", 365), ("15 * * * *", 8_760), ("0 */2 * * *", 0)] {
            let timetable = Timetable::read(cron, zone).unwrap();
            let times: Vec<_> = timetable
                .times(at("2026-01-01T12:00:00Z"))
                .take_while(|time| *time <= at("2027-01-01T12:00:00Z"))
                .collect();
            assert!(times.is_sorted_by(|a, b| a < b), "{cron} {zone}");
            // On Lord Howe the clock is changed by half an hour, so one 02:15 does not come.
            let leapt = usize::from(zone.ends_with("Howe") && cron == "15 * * * *");
            assert!(a_year == 0 || times.len() + leapt == a_year, "{cron} {zone}: {}", times.len());
        }
    }
}

#[test]
fn each_fault_is_told_for_itself() {
    let wrong = Timetable::read("0 25 * * *", "Europe/Berln").unwrap_err();
    assert!(wrong.cron.unwrap().to_string().contains("`25`"));
    let zone = "There is no time zone `Europe/Berln`: write a name such as Europe/Berlin, or UTC.";
    assert_eq!(wrong.zone.unwrap().to_string(), zone);
    for zone in ["", "+02:00", "local", "../UTC", "EST5EDT4,M3"] {
        assert!(Timetable::read("0 0 * * *", zone).is_err(), "{zone}");
    }
}

#[test]
fn the_zones_are_in_the_program_too() {
    assert!(jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").is_ok());
}
