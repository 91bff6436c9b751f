//! The catalog: what can be started, by category, with a search.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use taskdeck_core::{Category, Definition};
use taskdeck_ui::small::folded;
use taskdeck_ui::{Erase, Icon, api, load};

use crate::filter::escape;
use crate::parts::kind_card::KindCard;
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::paths;

/// The catalog of kinds.
#[component]
pub(crate) fn StartPage() -> impl IntoView {
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let kinds = load(|| (), |()| api::kinds());
    let catalog = move || {
        Suspend::new(async move {
            match kinds.await {
                Ok(kinds) => view! { <Catalog kinds search/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| kinds.refetch());
                    view! { <CannotLoad what="the catalog" error again=paths::start() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Start"/>
        <div class="dash-page dash-start">
            <header class="dash-page-head">
                <h1>"Start a task"</h1>
                <Search search/>
            </header>
            <Transition fallback=|| view! { <Loading lines=3/> }>{catalog}</Transition>
        </div>
    }
    .erase_waiting()
}

/// The search: a form of its own without JavaScript, and as you type with it.
#[component]
fn Search(
    /// What the URL says.
    search: Memo<String>,
) -> impl IntoView {
    let navigate = use_navigate();
    let typed = move |text: &str| {
        let path =
            if text.is_empty() { paths::start() } else { format!("{}?q={}", paths::start(), escape(text)) };
        navigate(
            &path,
            NavigateOptions { replace: true, scroll: false, resolve: false, ..Default::default() },
        );
    };
    let input = NodeRef::<leptos::html::Input>::new();
    // What the URL says holds, as when "Show all" is pressed; but not over what was typed before hydration.
    Effect::new(move |before: Option<()>| {
        let text = search.get();
        if let (Some(()), Some(input)) = (before, input.get_untracked())
            && input.value() != text
        {
            input.set_value(&text);
        }
    });
    view! {
        <form
            class="dash-search"
            role="search"
            method="get"
            action=paths::start()
            on:submit=|event| event.prevent_default()
        >
            <Icon name="search"/>
            <input
                class="td-input"
                type="search"
                name="q"
                placeholder="Search"
                aria-label="Search the catalog"
                autocomplete="off"
                value=search.get_untracked()
                node_ref=input
                on:input=move |event| typed(&event_target_value(&event))
            />
        </form>
    }
    .erase()
}

#[component]
fn Catalog(
    /// The kinds that there are.
    kinds: Vec<Definition>,
    /// What is searched for.
    search: Memo<String>,
) -> impl IntoView {
    let kinds = StoredValue::new(kinds);
    let found = Memo::new(move |_| {
        search.with(|text| {
            kinds.with_value(|kinds| {
                kinds.iter().filter(|kind| kind.matches_folded(text, folded)).cloned().collect::<Vec<_>>()
            })
        })
    });
    move || {
        let found = found.get();
        if found.is_empty() {
            return nothing_found(kinds.with_value(Vec::is_empty), &search.get()).erase();
        }
        Category::ALL
            .into_iter()
            .filter_map(|category| {
                let of_it: Vec<_> = found.iter().filter(|kind| kind.category == category).cloned().collect();
                (!of_it.is_empty()).then(|| view! { <CategoryCards category kinds=of_it/> })
            })
            .collect_view()
            .erase()
    }
}

fn nothing_found(no_kinds: bool, search: &str) -> impl IntoView + use<> {
    if no_kinds {
        view! {
            <EmptyState
                icon="layers"
                title="No kinds are registered"
                text="A kind is an async function with #[task]. Link it into the server's program, and it shows up here."
            >
                ""
            </EmptyState>
        }
        .erase()
    } else {
        view! {
            <EmptyState
                icon="search"
                title=format!("Nothing matches “{search}”")
                text="The search looks at names, titles, descriptions and tags."
            >
                <a class="td-button" href=paths::start()>"Show all"</a>
            </EmptyState>
        }
        .erase()
    }
}

#[component]
fn CategoryCards(
    /// Which.
    category: Category,
    /// Its kinds.
    kinds: Vec<Definition>,
) -> impl IntoView {
    let count = kinds.len();
    let id = format!("category-{}", category.name());
    let labelled_by = id.clone();
    let cards = kinds.into_iter().map(|definition| view! { <KindCard definition/> }).collect_view();
    view! {
        <section class="dash-category" aria-labelledby=labelled_by>
            <h2 class="dash-category-title" id=id>
                {category.title()} " " <span class="dash-category-count">{count}</span>
            </h2>
            <ul class="dash-cards">{cards}</ul>
        </section>
    }
    .erase()
}
