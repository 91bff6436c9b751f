//! The door to the checks of a form ([`rules`](super::rules)).
//!
//! With the feature `split` they are a file of their own, which comes when the form is entered, or when the page is live
//! where the form begins with values of the address: no form needs them to be shown, and the server checks all that it is
//! sent, whether the browser has done so or not.

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{DeckError, Definition, FieldErrors, Param};
use web_sys::{File, FormData};

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
pub(super) use here::{here, load};
#[cfg(all(feature = "split", target_arch = "wasm32"))]
pub(super) use split::{here, load};

use super::rules;
use crate::{ApiError, Connection, use_live};

/// The box that says that a danger is meant.
pub(crate) const CONFIRM: &str = "_confirm";
/// What is wrong when it is not.
pub(crate) const UNCONFIRMED: &str = "Confirm that you want this.";

/// The checks.
#[derive(Clone, Copy)]
pub(super) struct Checks {
    /// What is wrong with a whole form.
    pub(super) whole: fn(&Definition, &FormData) -> FieldErrors,
    /// What is wrong with one text field.
    pub(super) text: fn(&Param, &str) -> Option<String>,
    /// What is wrong with one file field, where the last is what it keeps when none is chosen.
    pub(super) file: fn(&Param, Option<&File>, Option<&str>) -> Option<String>,
}

fn all() -> Checks {
    Checks { whole: rules::whole, text: rules::text, file: rules::file }
}

/// Waits until the checks are here, or cannot be had.
pub(crate) async fn wait() {
    load().await;
}

/// What is wrong with a whole form, as the server would say it; nothing where the checks are not here.
pub(crate) fn faults(definition: &Definition, data: &FormData) -> Option<ApiError> {
    let fields = (here()?.whole)(definition, data);
    (!fields.is_empty()).then_some(ApiError(DeckError::InvalidParams { fields }))
}

/// Sees to it that the checks come when the form is entered, or when the page is live if they are wanted before that
/// (`soon`), and does something with them then.
pub(super) fn later(is_entered: RwSignal<bool>, soon: bool, then: Box<dyn FnOnce(Checks)>) {
    let connection = use_live().connection();
    let mut then = Some(then);
    Effect::new(move |_| {
        if (is_entered.get() || soon && connection.get() == Connection::Live)
            && let Some(then) = then.take()
        {
            with(then);
        }
    });
}

/// Does something with the checks: now if they are here, and else when they have come.
pub(super) fn with(then: Box<dyn FnOnce(Checks)>) {
    match here() {
        Some(checks) => then(checks),
        None => spawn_local(async move {
            if let Some(checks) = load().await {
                then(checks);
            }
        }),
    }
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
mod here {
    use super::{Checks, all};

    /// The checks, once they are here.
    #[expect(clippy::unnecessary_wraps, reason = "with the feature `split` they may be on their way")]
    pub(in super::super) fn here() -> Option<Checks> {
        Some(all())
    }

    /// Brings the checks.
    pub(in super::super) async fn load() -> Option<Checks> {
        here()
    }
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod split {
    use std::sync::OnceLock;

    use leptos::wasm_split::SplitLoaderError;

    use super::{Checks, all};

    static HERE: OnceLock<Checks> = OnceLock::new();

    #[leptos::wasm_split::wasm_split(form_checks, wasm_split_path = leptos::wasm_split, fallible)]
    fn code() -> Result<fn() -> Checks, SplitLoaderError> {
        Ok(all)
    }

    /// The checks, once they are here.
    pub(in super::super) fn here() -> Option<Checks> {
        HERE.get().copied()
    }

    /// Brings the checks; none where they cannot be loaded.
    pub(in super::super) async fn load() -> Option<Checks> {
        if here().is_none()
            && let Ok(checks) = code().await
        {
            let _ = HERE.set(checks());
        }
        here()
    }
}
