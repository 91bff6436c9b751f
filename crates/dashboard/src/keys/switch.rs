//! Letters and signs do something on these pages, or not: kept in a cookie, as the theme is.
#![cfg_attr(feature = "ssr", expect(clippy::unused_async, reason = "a server function is async"))]

use leptos::prelude::*;
use taskdeck_ui::{ApiError, BaseClient, Erase};

use crate::{browser, cookies, paths};

/// The cookie that keeps whether letters and signs do something: `on`, as where there is none, or `off`.
pub const KEYS_COOKIE: &str = "taskdeck_keys";

fn says_on(header: &str) -> bool {
    cookies::find(header, KEYS_COOKIE) != Some("off")
}

fn cookie(on: bool) -> String {
    cookies::kept(KEYS_COOKIE, if on { "on" } else { "off" })
}

/// Whether letters and signs do something.
pub(super) fn are_on() -> bool {
    #[cfg(feature = "ssr")]
    return cookies::read(says_on).unwrap_or(true);
    #[cfg(not(feature = "ssr"))]
    return says_on(&browser::cookies());
}

/// Keeps in the cookie whether letters and signs do something, for pages without JavaScript; the answer leads back to
/// where the form was.
///
/// # Errors
/// Never; what is neither `true` nor `false` is refused before.
#[server(prefix = "/_taskdeck", endpoint = "set_keys", client = BaseClient)]
pub async fn set_keys(
    /// Whether they do.
    on: bool,
) -> Result<(), ApiError> {
    cookies::set_and_go_back(&cookie(on));
    Ok(())
}

/// The switch: a button of a form, so that it works without JavaScript.
#[component]
pub(crate) fn KeySwitch() -> impl IntoView {
    let on = RwSignal::new(are_on());
    let turn = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        on.update(|on| *on = !*on);
        browser::keep(&cookie(on.get_untracked()));
    };
    let state = move || match on.get() {
        true => "Single letters and signs do something on these pages, as listed below.",
        false => "Switched off, but for Ctrl K, Enter and Esc.",
    };
    view! {
        <span role="status">{state}</span>
        <form method="post" action=paths::at("/_taskdeck/set_keys")>
            <button
                type="submit"
                name="on"
                value=move || if on.get() { "false" } else { "true" }
                class="td-button"
                on:click=turn
            >
                {move || if on.get() { "Switch the keys off" } else { "Switch the keys on" }}
            </button>
        </form>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_something_unless_the_cookie_says_no() {
        assert!(says_on("") && says_on(&cookie(true)) && says_on("taskdeck_keys=maybe"));
        assert!(!says_on(&format!("a=b; {}", cookie(false))));
    }
}
