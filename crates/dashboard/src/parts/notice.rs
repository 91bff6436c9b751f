//! What a page says when it has nothing to show, or could not get it.

use leptos::prelude::*;
use taskdeck_core::DeckError;
use taskdeck_ui::{ApiError, Connection, Erase, Icon, use_live};

use crate::status_code;

/// Nothing is here, and what to do about it.
#[component]
pub(crate) fn EmptyState(
    /// The name of an icon.
    icon: &'static str,
    /// What is the case.
    #[prop(into)]
    title: String,
    /// What it means.
    #[prop(into)]
    text: String,
    /// Whether it is all there is on the page, so that its title is the page's.
    #[prop(optional)]
    whole_page: bool,
    /// What to do: links or buttons.
    children: Children,
) -> impl IntoView {
    let title = if whole_page {
        view! { <h1 class="dash-empty-title">{title}</h1> }.erase()
    } else {
        view! { <h2 class="dash-empty-title">{title}</h2> }.erase()
    };
    view! {
        <div class="dash-empty">
            <span class="dash-empty-icon"><Icon name=icon/></span>
            {title}
            <p class="dash-empty-text">{text}</p>
            <div class="dash-empty-actions">{children()}</div>
        </div>
    }
    .erase()
}

/// Something could not be loaded: what happened, and how to try again. The link works without JavaScript; with it
/// only what failed is asked for again.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn CannotLoad(
    /// What could not be loaded, such as `the tasks`.
    what: &'static str,
    /// Why.
    error: ApiError,
    /// The address of this page.
    #[prop(into)]
    again: String,
    /// Asks for it again.
    retry: Callback<()>,
    /// Where to go instead: a link.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    status_code::set(error.0.http_status());
    if error.is_unreachable() {
        // The server is back: the page knows that sooner than its reader.
        let connection = use_live().connection();
        Effect::new(move |was_live: Option<bool>| {
            let is_live = connection.get() == Connection::Live;
            if is_live && was_live == Some(false) {
                retry.run(());
            }
            is_live
        });
    }
    let press = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        retry.run(());
    };
    view! {
        <div class="dash-empty dash-empty-error" role="alert">
            <span class="dash-empty-icon"><Icon name="triangle-alert"/></span>
            <h2 class="dash-empty-title">{format!("Cannot load {what}")}</h2>
            <p class="dash-empty-text">{explain(&error)}</p>
            <div class="dash-empty-actions">
                <a class="td-button" href=again on:click=press>
                    <Icon name="rotate-cw"/>
                    "Try again"
                </a>
                {children.map(|children| children())}
            </div>
        </div>
    }
    .erase()
}

fn explain(error: &ApiError) -> String {
    match &error.0 {
        _ if error.is_unreachable() => error.to_string(),
        DeckError::Unavailable { .. } => format!("{error} It may be back in a moment."),
        DeckError::Internal { .. } => format!("{error} The server's log says more."),
        _ => error.to_string(),
    }
}

/// A place that is being loaded: as high as what will come, so that nothing jumps.
#[component]
pub(crate) fn Loading(
    /// How many lines to hold free.
    lines: usize,
) -> impl IntoView {
    let lines = (0..lines).map(|_| view! { <div class="dash-skeleton"></div> }).collect_view();
    view! {
        <div class="dash-loading" aria-busy="true">
            <span class="td-sr-only" role="status">"Loading"</span>
            {lines}
        </div>
    }
    .erase()
}
