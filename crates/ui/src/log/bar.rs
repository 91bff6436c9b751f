//! The bar above the lines of a log.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::find::find;
use super::lines::Lines;
use super::view::{Loading, View};
use crate::{Erase, Icon, browser, format};

pub(super) fn bar(view: View, wrap: RwSignal<bool>) -> AnyView {
    let View { task, lines, follow, by_hand, loading, .. } = view;
    let count = Memo::new(move |_| lines.with(Lines::count));
    let said = move || match loading.get() {
        Loading::All(known) => format!("Loading {} of {}", format::thousands(known), lines_of(count.get())),
        _ => lines_of(count.get()),
    };
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let text = lines.with_untracked(Lines::text);
        spawn_local(async move {
            let done = browser::copy(text).await;
            copied.try_set(Some(done));
            set_timeout(
                move || {
                    copied.try_set(None);
                },
                std::time::Duration::from_secs(2),
            );
        });
    };
    let download = move |_| {
        spawn_local(async move {
            if view.load_all().await
                && let Some(text) = lines.try_with_untracked(Lines::text)
                && browser::download(&format!("task-{task}.log"), &text).is_err()
            {
                loading.try_set(Loading::Failed("The browser did not take the file.".to_owned()));
            }
        });
    };
    let set_follow = move |event| {
        let on = event_target_checked(&event);
        follow.set(on);
        by_hand.set_value(!on);
    };
    let problem = Memo::new(move |_| match loading.get() {
        Loading::Failed(why) => why,
        _ => String::new(),
    });
    let busy = Memo::new(move |_| loading.with(|loading| matches!(loading, Loading::All(_))));
    view! {
        <div class="td-log-bar">
            <span class="td-log-count">{said}</span>
            {find(view)}
            <label class="td-toggle">
                <input type="checkbox" checked prop:checked=move || follow.get() on:change=set_follow/>
                "Follow"
            </label>
            <label class="td-toggle">
                <input
                    type="checkbox"
                    checked
                    prop:checked=move || wrap.get()
                    on:change=move |event| wrap.set(event_target_checked(&event))
                />
                "Wrap"
            </label>
            <button type="button" class="td-button td-button-quiet" on:click=copy>
                <Icon name=Signal::derive(move || {
                    if copied.get() == Some(true) { "check" } else { "copy" }.to_owned()
                })/>
                <span class="td-button-text" aria-live="polite">
                    {move || match copied.get() {
                        None => "Copy",
                        Some(true) => "Copied",
                        Some(false) => "Not copied",
                    }}
                </span>
            </button>
            <button
                type="button"
                class="td-button td-button-quiet"
                aria-busy=move || busy.get().then_some("true")
                on:click=download
            >
                <Icon name=Signal::derive(move || if busy.get() { "loader" } else { "download" }.to_owned())/>
                <span class="td-button-text">"Download"</span>
            </button>
            <p class="td-field-error" role="alert" hidden=move || problem.with(String::is_empty)>
                {move || problem.get()}
            </p>
        </div>
    }
    .erase()
}

fn lines_of(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{} lines", format::thousands(count)) }
}
