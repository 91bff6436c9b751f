//! Whether a schedule can do what it says: decided from the registry, without the store.

use std::sync::Arc;

use taskdeck_core::{Action, Actor, Definition, FieldErrors, ScheduleSpec, Subject, authorise, form};

use super::timetable::{Timetable, TimetableError};
use crate::registry::Registry;

const LONGEST_TEXT: usize = 200;
const MOST_TAGS: usize = 20;
const LONGEST_TAG: usize = 50;

/// A schedule that can do what it says.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) timetable: Timetable,
    pub(crate) definition: Arc<Definition>,
    /// The params with their defaults.
    pub(crate) params: serde_json::Value,
}

/// What is wrong with each field of a schedule; a param is named `params.<name>`.
pub(crate) fn check(registry: &Registry, spec: &ScheduleSpec) -> Result<Checked, FieldErrors> {
    let mut errors = FieldErrors::default();
    let timetable =
        Timetable::read(&spec.cron, &spec.time_zone).map_err(|wrong| errors = FieldErrors::from(wrong)).ok();
    let text =
        |text: &Option<String>| text.as_ref().is_none_or(|text| (1..=LONGEST_TEXT).contains(&text.len()));
    for (name, value) in [("label", &spec.label), ("key", &spec.key)] {
        if !text(value) {
            errors.add(name, format!("Enter 1 to {LONGEST_TEXT} bytes."));
        }
    }
    if spec.tags.len() > MOST_TAGS || spec.tags.iter().any(|tag| !(1..=LONGEST_TAG).contains(&tag.len())) {
        errors.add("tags", format!("Enter at most {MOST_TAGS} tags of 1 to {LONGEST_TAG} bytes each."));
    }
    let definition = registry.get(spec.kind.as_str()).map(|entry| Arc::clone(&entry.definition));
    let params = match &definition {
        None => {
            errors.add("kind", format!("There is no kind named {}.", spec.kind));
            None
        }
        Some(definition) => params(definition, spec)
            .map_err(|wrong| {
                for (name, why) in wrong.0 {
                    errors.add(&format!("params.{name}"), why);
                }
            })
            .ok(),
    };
    match (timetable, definition, params) {
        (Some(timetable), Some(definition), Some(params)) => {
            errors.into_result(Checked { timetable, definition, params })
        }
        _ => Err(errors),
    }
}

impl From<TimetableError> for FieldErrors {
    fn from(wrong: TimetableError) -> Self {
        let mut errors = Self::default();
        if let Some(why) = wrong.cron {
            errors.add("cron", why.to_string());
        }
        if let Some(why) = wrong.zone {
            errors.add("time_zone", why.to_string());
        }
        errors
    }
}

fn params(definition: &Definition, spec: &ScheduleSpec) -> Result<serde_json::Value, FieldErrors> {
    let params = form::validate(definition, spec.params.clone())?;
    let mut errors = FieldErrors::default();
    for param in definition.params.iter().filter(|param| param.kind.is_file()) {
        if params.get(&param.name).is_some() {
            // An upload goes with the last task that refers to it, and a schedule is no task.
            errors.add(&param.name, "A schedule can hold no file.");
        }
    }
    errors.into_result(params)
}

/// Why the schedule cannot start its task on behalf of this actor, in a sentence or more.
pub(crate) fn check_for(registry: &Registry, spec: &ScheduleSpec, actor: &Actor) -> Result<Checked, String> {
    let checked = check(registry, spec).map_err(|errors| match errors.get("kind") {
        Some(no_kind) => no_kind.to_owned(),
        None => errors.to_string(),
    })?;
    match authorise(actor, Action::Start, Subject::Kind(&checked.definition)) {
        Ok(()) => Ok(checked),
        Err(denied) => Err(format!("Whoever made the schedule may not start its task: {denied}.")),
    }
}
