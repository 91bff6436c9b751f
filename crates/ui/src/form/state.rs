//! What a form knows about itself: which fields were touched, what is wrong with them, and why it was refused.

use leptos::prelude::*;
use taskdeck_core::{Definition, FieldErrors, Param};
use wasm_bindgen::JsCast;

use super::check;
use crate::ApiError;

/// What a form knows about itself. Fields that are shown on their own share one by being given the same.
#[derive(Clone, Copy, Debug)]
pub struct FormState {
    /// Goes before the ids of its fields, so that two forms can be on a page.
    scope: StoredValue<String>,
    /// The name of a field, and what is wrong with it. (A form has few; to take one out of a map is much code.)
    errors: RwSignal<Vec<(String, String)>>,
    touched: RwSignal<Vec<String>>,
    refusal: RwSignal<Option<Refusal>>,
}

/// Why a form was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    problem: Option<String>,
    /// The id of the field, its title, and what is wrong.
    pub(super) fields: Vec<(String, String, String)>,
}

impl Refusal {
    pub(super) fn title(&self) -> String {
        match (&self.problem, self.fields.len()) {
            (Some(problem), _) => format!("Not started. {problem}"),
            (None, 1) => "Not started: one field needs another look.".to_owned(),
            (None, count) => format!("Not started: {count} fields need another look."),
        }
    }
}

impl FormState {
    /// The state of a new form; `scope` (the kind, say) goes before the ids of its fields.
    #[must_use]
    pub fn new(scope: &str) -> Self {
        Self {
            scope: StoredValue::new(scope.to_owned()),
            errors: RwSignal::default(),
            touched: RwSignal::default(),
            refusal: RwSignal::default(),
        }
    }

    /// The element id of a field.
    pub(super) fn id(self, name: &str) -> String {
        self.scope.with_value(|scope| format!("td-{scope}-{name}"))
    }

    /// What is wrong with a field.
    pub(super) fn error(self, name: &str) -> Memo<Option<String>> {
        let name = name.to_owned();
        Memo::new(move |_| {
            self.errors.with(|errors| Some(errors.iter().find(|(field, _)| *field == name)?.1.clone()))
        })
    }

    pub(super) fn refusal(self) -> RwSignal<Option<Refusal>> {
        self.refusal
    }

    /// Notes what is wrong with a field, or that nothing is.
    pub(super) fn set(self, name: &str, error: Option<String>) {
        if self.is_gone() {
            return;
        }
        self.errors.maybe_update(|errors| {
            let place = errors.iter().position(|(field, _)| field == name);
            match (place, error.clone()) {
                (None, None) => return false,
                (None, Some(error)) => errors.push((name.to_owned(), error)),
                (Some(place), None) => drop(errors.swap_remove(place)),
                (Some(place), Some(error)) => {
                    let known = &mut errors[place].1;
                    let is_new = *known != error;
                    *known = error;
                    return is_new;
                }
            }
            true
        });
        // The summary tells what is still to be done: a field that is right leaves it, and the last takes it along.
        let id = self.id(name);
        self.refusal.maybe_update(|refusal| {
            let Some(known) = refusal else { return false };
            let Some(place) = known.fields.iter().position(|(field, ..)| *field == id) else { return false };
            match error {
                Some(error) => known.fields[place].2 = error,
                None => drop(known.fields.remove(place)),
            }
            if known.fields.is_empty() && known.problem.is_none() {
                *refusal = None;
            }
            true
        });
    }

    /// Looks what is wrong with a text that was typed, once the checks are here.
    pub(super) fn look(self, param: &Param, text: &str) {
        let (param, text) = (param.clone(), text.to_owned());
        check::with(Box::new(move |checks| self.set(&param.name, (checks.text)(&param, &text))));
    }

    /// The reader is through with a field: from now on it is checked as they type.
    pub(super) fn touch(self, name: &str) {
        if self.is_gone() || self.is_touched(name) {
            return;
        }
        self.touched.update(|touched| touched.push(name.to_owned()));
    }

    /// A field is wrong from the start.
    pub(super) fn fault(self, name: &str, fault: String) {
        self.touch(name);
        self.set(name, Some(fault));
    }

    pub(super) fn is_touched(self, name: &str) -> bool {
        let is_touched = |touched: &Vec<String>| touched.iter().any(|touched| touched == name);
        self.touched.try_with_untracked(is_touched).unwrap_or(false)
    }

    /// Whether the form was taken away. Its fields are left once more then: the browser says so as it removes them.
    fn is_gone(self) -> bool {
        self.touched.is_disposed()
    }

    pub(crate) fn clear(self) {
        self.errors.set(Vec::new());
        self.refusal.set(None);
    }

    /// The form was refused: the faults go to their fields and into the summary.
    pub(super) fn refuse(self, definition: &Definition, errors: &FieldErrors, problem: Option<String>) {
        let named = definition.params.iter().map(|param| (param.name.as_str(), param.title.as_str()));
        let own = [(check::CONFIRM, "Confirmation")];
        let fields = named.chain(own).filter_map(|(name, title)| {
            let message = errors.get(name)?;
            Some((self.id(name), title.to_owned(), message.to_owned()))
        });
        let fields: Vec<_> = fields.collect();
        let known = |name: &str| name == check::CONFIRM || definition.param(name).is_some();
        // A fault of what is no field of the form has no other place than the summary.
        let stray =
            errors.0.iter().find(|(name, _)| !known(name)).map(|(name, text)| format!("{name}: {text}"));
        self.touched
            .update(|touched| touched.extend(definition.params.iter().map(|param| param.name.clone())));
        let as_known = |(name, text): (&String, &String)| (name.clone(), text.clone());
        self.errors.set(errors.0.iter().map(as_known).collect());
        self.refusal.set(Some(Refusal { problem: problem.or(stray), fields }));
    }

    pub(crate) fn refuse_by(self, definition: &Definition, error: &ApiError) {
        match error.fields() {
            Some(fields) => self.refuse(definition, fields, None),
            None => self.refuse(definition, &FieldErrors::default(), Some(error.to_string())),
        }
    }
}

/// Moves the focus to a field, or to the first thing in it that takes it.
pub(super) fn focus_field(id: &str) {
    let Some(element) = document().get_element_by_id(id) else { return };
    let inner = element.query_selector("input, select, textarea").ok().flatten();
    let target = inner.unwrap_or(element);
    if let Some(target) = target.dyn_ref::<web_sys::HtmlElement>() {
        target.scroll_into_view();
        let _ = target.focus();
    }
}
