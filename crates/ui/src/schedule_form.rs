//! From the fields of the forms for lanes and schedules to what the deck is asked.

use std::collections::BTreeMap;

use serde_json::Value;
use taskdeck_core::{
    DeckError, Definition, FieldErrors, Kind, LaneLimits, LaneOf, MissedFires, Param, QueueName, Rate,
    SECRET_MASK, Schedule, ScheduleName, ScheduleSpec, TaskId, form,
};
use taskdeck_engine::Client;

use crate::ApiError;
use crate::manage::Explained;
use crate::server::{ask_of_danger, refuse_to};

/// A form that is longer in the address of a page comes back without its params.
const LONGEST_QUERY: usize = 4_000;

pub(crate) async fn pause_lane(
    client: &Client,
    of: LaneOf,
    name: &str,
    paused: bool,
) -> Result<(), DeckError> {
    match (of, paused) {
        (LaneOf::Queue, true) => client.pause_queue(&queue(name)?).await,
        (LaneOf::Queue, false) => client.resume_queue(&queue(name)?).await,
        (LaneOf::Kind, true) => client.pause_kind(&kind(name)?).await,
        (LaneOf::Kind, false) => client.resume_kind(&kind(name)?).await,
    }
}

/// Sets what the texts say: how many at the same time, how often, how many of a partition.
pub(crate) async fn limit_lane(
    client: &Client,
    of: LaneOf,
    name: &str,
    texts: &[String; 3],
    program: bool,
) -> Result<(), DeckError> {
    let limits = if program { None } else { Some(limits(texts)?) };
    match of {
        LaneOf::Queue => client.limit_queue(&queue(name)?, limits).await,
        LaneOf::Kind => client.limit_kind(&kind(name)?, limits).await,
    }
}

fn limits([concurrency, rate, partition]: &[String; 3]) -> Result<LaneLimits, FieldErrors> {
    let mut errors = FieldErrors::default();
    let mut number = |field: &str, text: &str| match text.trim() {
        "" => None,
        text => match text.parse::<u32>() {
            Ok(number @ 1..) => Some(number),
            _ => {
                errors.add(field, "Enter a whole number from 1, or nothing for no limit.");
                None
            }
        },
    };
    let mut limits = LaneLimits {
        concurrency: number("concurrency", concurrency),
        rate: None,
        partition_concurrency: number("partition_concurrency", partition),
    };
    if !rate.trim().is_empty() {
        match rate.trim().parse::<Rate>() {
            Ok(rate) => limits.rate = Some(rate),
            Err(error) => errors.add("rate", crate::format::sentence(&error.to_string())),
        }
    }
    errors.into_result(limits)
}

fn queue(name: &str) -> Result<QueueName, DeckError> {
    name.parse().map_err(|_| DeckError::NotFound { what: "Queue".to_owned() })
}

fn kind(name: &str) -> Result<Kind, DeckError> {
    name.parse().map_err(|_| DeckError::NotFound { what: "Kind".to_owned() })
}

/// Starts the task of a schedule now: a danger, once it was said that it is meant.
pub(crate) async fn run_schedule(
    client: &Client,
    name: &str,
    confirm: Option<String>,
) -> Result<TaskId, DeckError> {
    let schedule = client.schedule(name).await?;
    ask_of_danger(client, schedule.spec.kind.as_str(), confirm.as_ref())?;
    client.run_schedule(name).await.map(|started| started.task.id)
}

/// What a rule would do, or what is wrong with it.
pub(crate) fn explain(client: &Client, cron: &str, time_zone: &str) -> Result<Explained, DeckError> {
    match client.next_times(cron, time_zone) {
        Ok(next) => Ok(Explained { next, ..Explained::default() }),
        Err(DeckError::InvalidParams { fields }) => {
            Ok(Explained { problems: fields, ..Explained::default() })
        }
        Err(error) => Err(error),
    }
}

/// The fields of the form of a schedule, as they were typed.
pub(crate) struct ScheduleForm {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    pub(crate) missed: MissedFires,
    pub(crate) label: String,
    pub(crate) queue: String,
    pub(crate) priority: String,
    pub(crate) key: String,
    pub(crate) params: BTreeMap<String, String>,
    /// Whether the schedule is there already.
    pub(crate) change: bool,
}

impl ScheduleForm {
    /// Makes the schedule, or changes it.
    pub(crate) async fn put(&self, client: &Client) -> Result<Schedule, DeckError> {
        let definition = client.kind(&self.kind)?;
        // What is no name is told by the field.
        let before = match self.name.parse::<ScheduleName>() {
            Ok(_) => client.schedule(&self.name).await.map_or_else(
                |error| match error {
                    DeckError::NotFound { .. } => Ok(None),
                    other => Err(other),
                },
                |found| Ok(Some(found)),
            )?,
            Err(_) => None,
        };
        if self.change && before.is_none() {
            return Err(DeckError::NotFound { what: "Schedule".to_owned() });
        }
        let mut errors = FieldErrors::default();
        if !self.change && before.is_some() {
            errors.add("name", "There is a schedule of this name already.");
        }
        let spec = self.spec(definition, before.as_ref(), &mut errors);
        if !errors.is_empty() {
            // All that is wrong is told at once.
            if let Err(DeckError::InvalidParams { fields }) = client.next_times(&self.cron, self.zone()) {
                errors.0.extend(fields.0);
            }
            return Err(errors.into());
        }
        match spec {
            Some(spec) => client.put_schedule(spec).await,
            None => Err(errors.into()),
        }
    }

    fn zone(&self) -> &str {
        if self.time_zone.trim().is_empty() { "UTC" } else { self.time_zone.trim() }
    }

    fn spec(
        &self,
        definition: Definition,
        before: Option<&Schedule>,
        errors: &mut FieldErrors,
    ) -> Option<ScheduleSpec> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let name =
            self.name.trim().parse::<ScheduleName>().map_err(|error| errors.add("name", said(&error))).ok();
        let queue = given(&self.queue)
            .and_then(|queue| queue.parse().map_err(|error| errors.add("queue", said(&error))).ok());
        let priority = given(&self.priority).map_or(Some(0), |text| text.parse().ok());
        if priority.is_none() {
            errors.add("priority", "Enter a whole number.");
        }
        let kind = definition.kind.clone();
        let known = before.filter(|_| self.change).map(|before| &before.spec.params);
        let params = match params(definition, &self.params, known) {
            Ok(params) => Some(params),
            Err(wrong) => {
                for (name, why) in wrong.0 {
                    errors.add(&format!("params.{name}"), why);
                }
                None
            }
        };
        Some(ScheduleSpec {
            params: params?,
            time_zone: self.zone().to_owned(),
            missed: self.missed,
            label: given(&self.label),
            queue,
            priority: priority?,
            key: given(&self.key),
            // What the form does not show stays.
            tags: before.map(|before| before.spec.tags.clone()).unwrap_or_default(),
            paused: before.is_some_and(|before| before.spec.paused),
            ..ScheduleSpec::new(name?, kind, self.cron.trim())
        })
    }

    /// The refusal: without JavaScript the sender goes to the form's page again, whose address says what was typed.
    pub(crate) fn refuse(&self, client: &Client, path: &str, error: DeckError) -> ApiError {
        let page =
            if self.change { format!("/schedules/{}", self.name) } else { "/schedules/_new".to_owned() };
        let own = [
            ("name", self.name.as_str()),
            ("kind", &self.kind),
            ("cron", &self.cron),
            ("time_zone", &self.time_zone),
            ("missed", self.missed.name()),
            ("label", &self.label),
            ("queue", &self.queue),
            ("priority", &self.priority),
            ("key", &self.key),
        ];
        let mut query: Vec<(String, &str)> = own
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), text))
            .collect();
        let definition = client.kind(&self.kind).ok();
        let shown = self.params.iter().filter(|(name, _)| {
            // `modes:fast` is a box of `modes`.
            let field = name.split(':').next().unwrap_or_default();
            definition.as_ref().is_some_and(|definition| definition.param(field).is_some_and(may_be_shown))
        });
        let params: Vec<_> = shown.map(|(name, text)| (format!("params[{name}]"), text.as_str())).collect();
        if params.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() <= LONGEST_QUERY {
            query.extend(params);
        }
        refuse_to(path, &page, &query, error)
    }
}

/// Whether what was typed may be in the address of a page.
fn may_be_shown(param: &Param) -> bool {
    !param.kind.is_file() && !param.kind.is_secret()
}

/// The params that the fields say. A secret that is not entered anew stays as it is `known`: its mask says so.
fn params(
    definition: Definition,
    fields: &BTreeMap<String, String>,
    known: Option<&Value>,
) -> Result<Value, FieldErrors> {
    let stays = |param: &Param| {
        let is_entered = fields.get(&param.name).is_some_and(|text| !text.is_empty());
        param.kind.is_secret() && !is_entered && known.is_some_and(|known| known.get(&param.name).is_some())
    };
    let kept: Vec<_> =
        definition.params.iter().filter(|param| stays(param)).map(|param| param.name.clone()).collect();
    // A schedule holds no files: a kind that needs one is refused by the deck.
    let entered = definition.params.into_iter().filter(|param| !param.kind.is_file() && !stays(param));
    let definition = Definition { params: entered.collect(), ..Definition::new(definition.kind) };
    let fields: Vec<_> = fields.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
    let mut params = form::decode(&definition, &fields, &BTreeMap::new())?;
    for name in kept {
        params[name] = Value::from(SECRET_MASK);
    }
    Ok(params)
}

fn said(error: &taskdeck_core::IdError) -> String {
    crate::format::sentence(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_not_entered_anew_stays() {
        let mut definition = Definition::new(Kind::new("fetch").unwrap());
        definition.params =
            vec![Param::of::<taskdeck_core::Secret>("key"), Param::of::<Vec<u8>>("pages").min_items(1)];
        let fields = |key: &str| {
            BTreeMap::from([("key".to_owned(), key.to_owned()), ("pages".to_owned(), "1".to_owned())])
        };
        let known = serde_json::json!({"key": SECRET_MASK, "pages": []});
        let read = |key: &str, known| params(definition.clone(), &fields(key), known);
        assert_eq!(read("", Some(&known)).unwrap(), serde_json::json!({"key": SECRET_MASK, "pages": [1]}));
        assert_eq!(read("new", Some(&known)).unwrap()["key"], serde_json::json!({"$secret": "new"}));
        assert_eq!(read("", None).unwrap_err().get("key"), Some("Enter a value."));
    }

    #[test]
    fn limits_are_read_from_what_was_typed() {
        let read = |texts: [&str; 3]| limits(&texts.map(str::to_owned));
        let some = read([" 4 ", "10/1m", ""]).unwrap();
        assert_eq!((some.concurrency, some.partition_concurrency), (Some(4), None));
        assert_eq!(some.rate, "10/1m".parse().ok());
        assert_eq!(read(["", "", ""]).unwrap(), LaneLimits::default());
        let wrong = read(["0", "often", "-1"]).unwrap_err();
        assert_eq!(wrong.0.keys().collect::<Vec<_>>(), ["concurrency", "partition_concurrency", "rate"]);
    }
}
