//! Schedules: rules that start tasks at certain times. What goes over the wire; times are found by the engine, which
//! knows the time zones.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Kind, QueueName, ScheduleName, Status, Task, TaskId, Timestamp, UserId};

/// What becomes of times that passed while nobody could start a task: the deck was down, or the machine asleep.
///
/// A time that is less than a minute ago is not missed: it is met late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedFires {
    /// Nothing: the next time counts.
    Skip,
    /// One task for all of them.
    #[default]
    Once,
    /// A task for each, the earliest first; the last 1,000 of them when there are more.
    All,
}

impl MissedFires {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Once, Self::All];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

/// What a schedule starts, and when. All but `name`, `kind` and `cron` may be left out.
///
/// ```
/// use taskdeck_core::{Kind, MissedFires, ScheduleName, ScheduleSpec};
/// let nightly = ScheduleSpec {
///     time_zone: "Europe/Berlin".to_owned(),
///     missed: MissedFires::Skip,
///     ..ScheduleSpec::new(
///         ScheduleName::new("nightly-backup").unwrap(),
///         Kind::new("backup_database").unwrap(),
///         "0 3 * * *",
///     )
/// };
/// let json = r#"{"name": "nightly-backup", "kind": "backup_database", "cron": "0 3 * * *",
///     "time_zone": "Europe/Berlin", "missed": "skip"}"#;
/// assert_eq!(serde_json::from_str::<ScheduleSpec>(json).unwrap(), nightly);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Its name.
    pub name: ScheduleName,
    /// The kind of the tasks.
    pub kind: Kind,
    /// Their params, as a JSON object; they may hold no files.
    #[serde(default)]
    pub params: Value,
    /// When: minute, hour, day of the month, month, day of the week; with a field for seconds before them if there
    /// are six. `L` is the last day of the month, `15W` the weekday nearest the 15th, `5L` the last Friday, `1#2` the
    /// second Monday; `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` are short for the obvious.
    pub cron: String,
    /// The IANA name of the time zone that `cron` is read in; `UTC` when not said.
    ///
    /// Where the clock is set forward over a time, it is met right after; where the clock is set back over it, it is
    /// met once. Only a rule whose minutes or hours begin with `*` follows the clock instead: it passes by what does
    /// not come, and meets twice what comes twice.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// What becomes of times that passed while nobody could start a task.
    #[serde(default)]
    pub missed: MissedFires,
    /// What a person calls the tasks; the kind's title when not said.
    #[serde(default)]
    pub label: Option<String>,
    /// Another queue than the kind's.
    #[serde(default)]
    pub queue: Option<QueueName>,
    /// Higher goes first; 0 when not said.
    #[serde(default)]
    pub priority: i32,
    /// Words to find the tasks by, besides `schedule:<name>`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Only one active task of the kind has a key: a time that comes while the task before goes on starts none.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether it starts nothing until somebody resumes it. For a schedule made in code this counts only the first
    /// time; after that it is as people left it.
    #[serde(default)]
    pub paused: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl ScheduleSpec {
    /// The plainest schedule: no params, UTC, one task for what was missed.
    pub fn new(name: ScheduleName, kind: Kind, cron: impl Into<String>) -> Self {
        Self {
            name,
            kind,
            params: Value::Null,
            cron: cron.into(),
            time_zone: utc(),
            missed: MissedFires::default(),
            label: None,
            queue: None,
            priority: 0,
            tags: Vec::new(),
            key: None,
            paused: false,
        }
    }

    /// A schedule that starts this task.
    ///
    /// # Errors
    /// When the params cannot be written as JSON.
    pub fn of<T: Task>(
        name: ScheduleName,
        task: &T,
        cron: impl Into<String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { params: serde_json::to_value(task)?, ..Self::new(name, T::kind(), cron) })
    }

    /// The tag that its tasks carry.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("schedule:{}", self.name)
    }
}

/// Where a schedule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleSource {
    /// From the program: it can be paused, and changed or removed in the program only.
    Code,
    /// Made while the deck ran.
    Made,
}

/// A schedule as everybody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// What it starts, and when.
    #[serde(flatten)]
    pub spec: ScheduleSpec,
    /// Where it comes from.
    pub source: ScheduleSource,
    /// When it starts a task next; none while it is paused.
    pub next_at: Option<Timestamp>,
    /// What its rule says, in plain English: `Every day at 03:00`.
    #[serde(default)]
    pub in_words: String,
    /// The next five times of its rule, which a paused schedule lets pass.
    pub next_five: Vec<Timestamp>,
    /// The same as a clock in its time zone shows them: `Mon 2026-03-02 03:00`.
    #[serde(default)]
    pub next_five_local: Vec<String>,
    /// The last time that it met.
    pub last_at: Option<Timestamp>,
    /// The last task that it started, by the clock or by hand.
    pub last_task: Option<TaskId>,
    /// How that task stands; none when it is gone.
    #[serde(default)]
    pub last_status: Option<Status>,
    /// When it was made.
    pub created_at: Timestamp,
    /// In whose name it starts tasks; none for the program itself.
    pub made_by: Option<UserId>,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Who paused it; none when the program did.
    pub paused_by: Option<UserId>,
    /// Why it is paused, if that was said. The program says it when the params do not fit the kind any more.
    pub pause_reason: Option<String>,
}

/// What a rule would do, before there is a schedule of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextTimes {
    /// What the rule says, in plain English.
    pub in_words: String,
    /// The next five times.
    pub next_five: Vec<Timestamp>,
    /// The same as a clock in the time zone shows them: `Mon 2026-03-02 03:00`.
    pub next_five_local: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_one_flat_object_and_comes_back_as_it_was() {
        let name = ScheduleName::new("nightly-2.0").unwrap();
        let schedule = Schedule {
            spec: ScheduleSpec::new(name, Kind::new("tidy").unwrap(), "@daily"),
            source: ScheduleSource::Code,
            next_at: None,
            in_words: "Every day at 00:00".to_owned(),
            next_five: vec![Timestamp::from_millis(0)],
            next_five_local: vec!["Thu 1970-01-01 00:00".to_owned()],
            last_at: None,
            last_task: None,
            last_status: Some(Status::Failed),
            created_at: Timestamp::from_millis(5),
            made_by: None,
            paused_at: None,
            paused_by: None,
            pause_reason: None,
        };
        let json = serde_json::to_value(&schedule).unwrap();
        assert_eq!((&json["name"], &json["source"]), (&"nightly-2.0".into(), &"code".into()));
        assert_eq!((&json["time_zone"], &json["missed"]), (&"UTC".into(), &"once".into()));
        assert_eq!(serde_json::from_value::<Schedule>(json).unwrap(), schedule);
    }

    #[test]
    fn the_name_of_each_policy_is_the_one_on_the_wire() {
        for missed in MissedFires::ALL {
            assert_eq!(serde_json::to_value(missed).unwrap(), missed.name());
        }
    }
}
