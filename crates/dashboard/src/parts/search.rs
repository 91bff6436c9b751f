//! The search box of the list: a plain form, and suggestions while one types.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use taskdeck_core::KindName;
use taskdeck_ui::{Erase, Icon, Loaded};

use crate::filter::{Filter, Suggestion, Values, suggest};
use crate::paths;

const LIST: &str = "search-suggestions";

/// The search box. What it holds is the filter of the URL.
#[component]
pub(crate) fn SearchBox(
    /// What the URL says.
    filter: Memo<Filter>,
    /// The kinds that there are.
    kinds: Loaded<Vec<KindName>>,
    /// The values of the tasks that were listed.
    seen: RwSignal<Values>,
) -> impl IntoView {
    let text = Memo::new(move |_| filter.with(Filter::text));
    // What is typed and not searched for yet.
    let typed = RwSignal::new(text.get_untracked());
    Effect::new(move |_| typed.set(text.get()));
    let open = RwSignal::new(false);
    let chosen = RwSignal::new(None::<usize>);
    let known = RwSignal::new(Vec::<KindName>::new());
    Effect::new(move |_| {
        if let Some(Ok(kinds)) = kinds.get() {
            known.set(kinds);
        }
    });
    let offers = Memo::new(move |_| {
        if !open.get() {
            return Vec::new();
        }
        known.with(|known| seen.with(|seen| suggest(&typed.get(), known, seen)))
    });
    let input = NodeRef::<leptos::html::Input>::new();
    let navigate = use_navigate();
    let go = Callback::new(move |text: String| {
        open.set(false);
        chosen.set(None);
        let to = paths::filtered(&Filter::typed(text.trim()));
        navigate(&to, NavigateOptions { resolve: false, ..NavigateOptions::default() });
    });
    let take = Callback::new(move |suggestion: Suggestion| {
        chosen.set(None);
        let whole = suggestion.text.ends_with(' ');
        typed.set(suggestion.text.clone());
        if let Some(input) = input.get_untracked() {
            // The box keeps the focus, so that one types on.
            let _ = input.focus();
        }
        if whole {
            go.run(suggestion.text);
        }
    });
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        go.run(typed.get_untracked());
    };
    let on_key = move |event: KeyboardEvent| {
        let count = offers.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if count > 0 => {
                event.prevent_default();
                let down = event.key() == "ArrowDown";
                chosen.update(|chosen| {
                    *chosen = match (*chosen, down) {
                        (None, true) => Some(0),
                        (None, false) => Some(count - 1),
                        (Some(at), true) => Some((at + 1) % count),
                        (Some(at), false) => Some((at + count - 1) % count),
                    };
                });
            }
            "Enter" | "Tab" => {
                let picked = chosen.get_untracked();
                if let Some(offer) =
                    picked.and_then(|at| offers.with_untracked(|offers| offers.get(at).cloned()))
                {
                    event.prevent_default();
                    take.run(offer);
                }
            }
            "Escape" => {
                if open.get_untracked() {
                    event.prevent_default();
                    open.set(false);
                } else if let Some(input) = input.get_untracked() {
                    let _ = input.blur();
                }
            }
            _ => open.set(true),
        }
    };
    let choices = move || {
        let offers = offers.get();
        (!offers.is_empty()).then(|| {
            let choices = offers.into_iter().enumerate().map(|(at, offer)| {
                let Suggestion { word, hint, .. } = offer.clone();
                view! {
                    <li
                        id=format!("{LIST}-{at}")
                        role="option"
                        class="dash-offer"
                        aria-selected=move || (chosen.get() == Some(at)).to_string()
                        // Before the box loses the focus.
                        on:mousedown=move |event| {
                            event.prevent_default();
                            take.run(offer.clone());
                        }
                    >
                        <code>{word}</code>
                        <span>{hint}</span>
                    </li>
                }
            });
            view! { <ul class="dash-offers" id=LIST role="listbox" aria-label="Suggestions">{choices.collect_view()}</ul> }
        })
    };
    let fault = move || {
        filter.with(|filter| {
            let (_, error) = filter.fault.as_ref()?;
            let text = taskdeck_ui::format::sentence(&error.to_string());
            Some(view! { <p class="dash-finder-fault" id="search-fault" role="alert">{text}</p> })
        })
    };
    view! {
        <form class="dash-finder" method="get" action=paths::tasks("") role="search" on:submit=on_submit>
            <Icon name="search"/>
            <input
                class="dash-finder-input"
                id="search"
                type="search"
                name="q"
                value=move || text.get()
                prop:value=move || typed.get()
                placeholder="Search: text, an id, status:failed, kind:…, since:2h"
                aria-label="Search tasks"
                aria-describedby=move || filter.with(|filter| filter.fault.is_some()).then_some("search-fault")
                aria-invalid=move || filter.with(|filter| filter.fault.is_some()).then_some("true")
                role="combobox"
                aria-autocomplete="list"
                aria-expanded=move || (!offers.with(Vec::is_empty)).to_string()
                aria-controls=LIST
                aria-activedescendant=move || chosen.get().map(|at| format!("{LIST}-{at}"))
                autocomplete="off"
                spellcheck="false"
                node_ref=input
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    chosen.set(None);
                    open.set(true);
                }
                on:focus=move |_| open.set(true)
                on:blur=move |_| open.set(false)
                on:keydown=on_key
            />
            <kbd class="dash-finder-key" aria-hidden="true">"/"</kbd>
            {choices}
        </form>
        {fault}
    }
    .erase()
}
