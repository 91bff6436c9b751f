//! Says when the page is not live.

use leptos::prelude::*;

use crate::{Connection, Duration, Erase, Icon, browser, use_live};

/// Says when the page does not hear of changes at once, or was overtaken by a newer server. Empty and hidden while
/// all is well.
#[component]
pub fn ConnectionNotice() -> impl IntoView {
    let live = use_live();
    live.has_notice();
    let (connection, outdated, has_socket) = (live.connection(), live.is_outdated(), live.has_socket());
    let state = move || match connection.get() {
        Connection::Connecting => "connecting",
        Connection::Live => "live",
        Connection::Polling { .. } => "polling",
        Connection::Offline { .. } => "offline",
    };
    let since = Memo::new(move |_| match connection.get() {
        Connection::Polling { since } | Connection::Offline { since } => Some(since),
        Connection::Connecting | Connection::Live => None,
    });
    let offline = Memo::new(move |_| matches!(connection.get(), Connection::Offline { .. }));
    let lost = move |since| {
        let live = live.clone();
        view! {
            <Icon name="wifi-off"/>
            <span class="td-connection-text">
                {move || {
                    if offline.get() {
                        "Not live: the server does not answer; trying again."
                    } else if has_socket {
                        "Not live: updates come every few seconds until the line is back."
                    } else {
                        "Not live: updates come every few seconds, since this server has no live line."
                    }
                }}
            </span>
            <span>"for " <Duration from=Signal::stored(since) away=true/></span>
            <button type="button" class="td-button td-button-quiet" on:click=move |_| live.try_now()>
                "Try now"
            </button>
        }
    };
    let newer = || {
        view! {
            <Icon name="refresh-cw"/>
            <span class="td-connection-text">"The server was updated since this page was loaded."</span>
            <button type="button" class="td-button td-button-quiet" on:click=|_| browser::reload()>
                "Reload"
            </button>
        }
    };
    view! {
        <div
            class="td-connection"
            role="status"
            data-connection=state
            hidden=move || since.get().is_none() && !outdated.get()
        >
            {move || match since.get() {
                Some(since) => lost(since).erase(),
                None if outdated.get() => newer().erase(),
                None => ().erase(),
            }}
        </div>
    }
    .erase()
}
