use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::Cron;

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn times(text: &str, from: DateTime, many: usize) -> Vec<String> {
    let cron = cron(text);
    let after = |last: &DateTime| last.checked_add(jiff::SignedDuration::from_secs(1)).ok();
    std::iter::successors(cron.first_from(from), |last| after(last).and_then(|from| cron.first_from(from)))
        .take(many)
        .map(|at| at.strftime("%a %F %T").to_string())
        .collect()
}

fn days(text: &str, from: DateTime, many: usize) -> Vec<String> {
    times(text, from, many).iter().map(|time| time[..14].to_owned()).collect()
}

const NEW_YEAR: DateTime = date(2027, 1, 1).at(0, 0, 0, 0);

#[test]
fn each_way_of_writing_is_read() {
    assert_eq!(times("0 3 * * *", NEW_YEAR, 2), ["Fri 2027-01-01 03:00:00", "Sat 2027-01-02 03:00:00"]);
    assert_eq!(
        times("*/25 8-9 * * *", NEW_YEAR, 4).iter().map(|time| &time[15..]).collect::<Vec<_>>(),
        ["08:00:00", "08:25:00", "08:50:00", "09:00:00"]
    );
    assert_eq!(times("*/20 5 0 * * *", NEW_YEAR, 2)[1], "Fri 2027-01-01 00:05:20");
    assert_eq!(days("0 0 1,15 JAN-feb *", NEW_YEAR, 5)[4], "Sat 2028-01-01");
    assert_eq!(days("0 0 * * mon", NEW_YEAR, 1), ["Mon 2027-01-04"]);
    assert_eq!(days("0 0 * * FRI-SUN", NEW_YEAR, 3), ["Fri 2027-01-01", "Sat 2027-01-02", "Sun 2027-01-03"]);
    assert_eq!(cron("0 0 * * 7"), cron("0 0 * * 0"));
    assert_eq!(cron("0 0 * * 0-6"), cron("0 0 * * 1-7"));
    assert_eq!(cron(" @Daily "), cron("0 0 * * *"));
    assert_eq!(cron("5/15 0 1 1 0"), cron("5-59/15 0 1 1 0"));
}

#[test]
fn the_days_that_move_are_found_in_december_too() {
    let autumn = date(2026, 11, 20).at(0, 0, 0, 0);
    assert_eq!(days("0 0 L * *", autumn, 3), ["Mon 2026-11-30", "Thu 2026-12-31", "Sun 2027-01-31"]);
    assert_eq!(days("0 0 * * 5L", autumn, 3), ["Fri 2026-11-27", "Fri 2026-12-25", "Fri 2027-01-29"]);
    assert_eq!(days("0 0 LW * *", autumn, 3), ["Mon 2026-11-30", "Thu 2026-12-31", "Fri 2027-01-29"]);
    assert_eq!(days("0 0 * * MON#2", autumn, 2), ["Mon 2026-12-14", "Mon 2027-01-11"]);
    assert_eq!(days("0 0 * * MON#5", NEW_YEAR, 2), ["Mon 2027-03-29", "Mon 2027-05-31"]);
    // The 15th is a Sunday, then a Saturday; the 1st a Sunday, then a Saturday, the 31st a Sunday.
    assert_eq!(
        days("0 0 15W 11,5 *", date(2026, 11, 1).at(0, 0, 0, 0), 2),
        ["Mon 2026-11-16", "Fri 2027-05-14"]
    );
    assert_eq!(
        days("0 0 1W 11,5 *", date(2026, 11, 1).at(0, 0, 0, 0), 2),
        ["Mon 2026-11-02", "Mon 2027-05-03"]
    );
    assert_eq!(days("0 0 31W * *", NEW_YEAR, 3), ["Fri 2027-01-29", "Wed 2027-03-31", "Mon 2027-05-31"]);
}

#[test]
fn a_leap_day_comes_every_four_years_and_once_in_eight() {
    assert_eq!(days("0 0 29 2 *", NEW_YEAR, 2), ["Tue 2028-02-29", "Sun 2032-02-29"]);
    assert_eq!(days("0 0 29 2 *", date(2096, 3, 1).at(0, 0, 0, 0), 1), ["Fri 2104-02-29"]);
    assert_eq!(days("0 0 * 2 MON#5", NEW_YEAR, 1), ["Mon 2044-02-29"]);
}

#[test]
fn days_are_added_up_unless_one_field_begins_with_a_star() {
    assert_eq!(days("0 0 13 * 5", NEW_YEAR, 3), ["Fri 2027-01-01", "Fri 2027-01-08", "Wed 2027-01-13"]);
    assert_eq!(days("0 0 */2 * 5", NEW_YEAR, 3), ["Fri 2027-01-01", "Fri 2027-01-15", "Fri 2027-01-29"]);
}

#[test]
fn a_fault_says_what_is_wrong_and_where() {
    let said = |text: &str| text.parse::<Cron>().map_err(|error| error.to_string()).unwrap_err();
    let fields = "Write five fields (minute, hour, day of the month, month, day of the week), or six with seconds \
                  before them; this has ";
    assert_eq!(said(""), format!("{fields}0."));
    assert_eq!(said("0 3 * *"), format!("{fields}4."));
    assert_eq!(said("0 0 3 * * * UTC"), format!("{fields}7."));
    assert_eq!(said("61 3 * * *"), "The minutes cannot be `61`: they go from 0 to 59.");
    assert_eq!(said("0 22-4 * * *"), "The hours cannot be `22-4`: a range goes upwards.");
    assert_eq!(said("0 0 0 * *"), "The days of the month cannot be `0`: they go from 1 to 31.");
    assert_eq!(said("*/0 * * * *"), "The minutes cannot be `*/0`: after the / stands 1 to 59.");
    assert_eq!(said("0 0 * * MON#6"), "The days of the week cannot be `MON#6`: after the # stands 1 to 5.");
    assert_eq!(
        said("0 0 * Janury *"),
        "The months cannot be `Janury`: write *, a number, a name such as feb, a range such as 1-5, a step such as \
         */2, or several with commas."
    );
    assert!(said("1,,2 * * * *").starts_with("The minutes cannot be ``: write *, a number, a range"));
    assert!(said("0 ٣ * * *").starts_with("The hours cannot be `٣`: write"));
    assert_eq!(said("0 0 30 2 *"), "Such a day never comes.");
    assert_eq!(said("@often"), "There is no `@often`: write @hourly, @daily, @weekly, @monthly or @yearly.");
}

/// An item of a field, without what `cronexpr` and we see differently.
fn item(least: u8, most: u8) -> impl Strategy<Value = String> {
    let number = least..=most;
    let range = (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    prop_oneof![
        4 => Just("*".to_owned()),
        1 => (1..=most).prop_map(|step| format!("*/{step}")),
        3 => number.clone().prop_map(|number| number.to_string()),
        1 => (number, 1..=most).prop_map(|(number, step)| format!("{number}/{step}")),
        2 => range.clone(),
        1 => (range, 1..=most).prop_map(|(range, step)| format!("{range}/{step}")),
    ]
}

fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    prop::collection::vec(item(least, most), 1..3).prop_map(|items| items.join(","))
}

fn month_day() -> impl Strategy<Value = String> {
    prop_oneof![4 => field(1, 31), 1 => (1..=31).prop_map(|day| format!("{day}W"))]
}

fn week_day() -> impl Strategy<Value = String> {
    prop_oneof![4 => field(0, 7), 1 => (0..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}"))]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_common_to_both_is_found_as_cronexpr_finds_it(
        (minute, hour, month_day) in (field(0, 59), field(0, 23), month_day()),
        (month, week_day) in (field(1, 12), week_day()),
        second in 0_i64..4_000_000_000,
    ) {
        let text = format!("{minute} {hour} {month_day} {month} {week_day}");
        let after = jiff::Timestamp::from_second(second).unwrap();
        let theirs = cronexpr::parse_crontab(&format!("{text} UTC")).unwrap();
        // It looks four years ahead.
        if let Ok(theirs) = theirs.find_next(after) {
            let from = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(second + 1).unwrap());
            prop_assert_eq!(cron(&text).first_from(from), Some(theirs.datetime()), "{} from {}", text, from);
        }
    }
}
