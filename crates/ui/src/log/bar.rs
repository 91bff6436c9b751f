//! The bar above the lines of a log.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::find::find;
use super::lines::Lines;
use super::view::{Loading, View};
use crate::{Erase, Icon, browser, format, use_base};

pub(super) fn bar(view: View, wrap: RwSignal<bool>) -> AnyView {
    let View { task, lines, follow, loading, .. } = view;
    let count = Memo::new(move |_| lines.with(Lines::count));
    let said = move || match loading.get() {
        Loading::All(known) => format!("Loading {} of {}", format::thousands(known), lines_of(count.get())),
        _ => lines_of(count.get()),
    };
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        spawn_local(async move {
            // All of it, as the word says, and not only what was looked at.
            if !view.load_all().await {
                return;
            }
            let Some(text) = lines.try_with_untracked(Lines::text) else { return };
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
    // A link, so that the whole log is to be had without JavaScript too.
    let download = use_base().join(&format!("/api/tasks/{task}/log.txt"));
    let set_follow = move |event| follow.set(event_target_checked(&event));
    let problem = Memo::new(move |_| match loading.get() {
        Loading::Failed(why) => why,
        _ => String::new(),
    });
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
            // `rel=external` keeps the router from taking it for a page.
            <a class="td-button td-button-quiet" href=download rel="external" download="">
                <Icon name="download"/>
                <span class="td-button-text">"Download"</span>
            </a>
            <p class="td-field-error" role="alert" hidden=move || problem.with(String::is_empty)>
                {move || problem.get()}
            </p>
            <button
                type="button"
                class="td-button td-button-quiet"
                hidden=move || problem.with(String::is_empty)
                on:click=move |_| spawn_local(view.try_again())
            >
                <Icon name="rotate-cw"/>
                <span class="td-button-text">"Try again"</span>
            </button>
        </div>
    }
    .erase()
}

fn lines_of(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{} lines", format::thousands(count)) }
}
