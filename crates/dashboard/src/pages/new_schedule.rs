//! A new schedule: of which kind, then its form.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};
use taskdeck_core::Definition;
use taskdeck_ui::manage::Explained;
use taskdeck_ui::{Erase, Icon, api, load, own_time_zone};

use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::schedule_form::{Schedules, show_form, typed};
use crate::parts::schedule_rule::explain;
use crate::{browser, part, paths};

// It is the largest that there is; the server has shown it already.
part!(FORM, used_new_schedule_form, Schedules, show_form);

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    kinds: Vec<Definition>,
    /// What the rule means that the address says.
    told: Explained,
}

/// A rule whose zone the address does not say is in the reader's own, which only the browser knows: it is put into the
/// field. Whether the server has told of times in another zone.
fn own_zone(address: &ParamsMap) -> impl Fn() -> bool + Copy + 'static {
    let says = |name: &str| address.get(name).is_some_and(|text| !text.trim().is_empty());
    let (says_rule, says_zone) = (says("cron"), says("time_zone"));
    let own = move || own_time_zone().filter(|own| own != "UTC" && !says_zone);
    Effect::new(move |_| {
        if let Some(own) = own() {
            browser::fill("[name='time_zone']", &own);
        }
    });
    move || says_rule && own().is_some()
}

/// The page that makes a schedule.
#[component]
pub(crate) fn NewSchedulePage() -> impl IntoView {
    let query = use_query_map();
    let kind = Memo::new(move |_| query.with(|query| query.get("kind").unwrap_or_default()));
    let typed_rule = move || {
        query
            .with(|query| (query.get("cron").unwrap_or_default(), query.get("time_zone").unwrap_or_default()))
    };
    let loaded = load(typed_rule, |(cron, zone)| async move {
        let kinds = api::kinds().await?;
        Ok(Loaded { kinds, told: explain(cron, zone).await.unwrap_or_default() })
    });
    let content = move || {
        let kind = kind.get();
        Suspend::new(async move {
            match loaded.await {
                Ok(Loaded { kinds, told }) => {
                    match kinds.iter().find(|definition| definition.kind.as_str() == kind) {
                        Some(definition) => {
                            let definition = definition.clone();
                            let initial = query.with_untracked(|query| typed(query, &definition, None));
                            let is_told_elsewhere = own_zone(&query.get_untracked());
                            view! {
                            <p class="dash-callout">
                                <Icon name=definition.icon.clone()/>
                                <span>
                                    "It will start “" {definition.title.clone()} "”. "
                                    <a href=paths::new_schedule("")>"Another kind"</a>
                                </span>
                            </p>
                            {definition.danger.clone().map(|danger| view! {
                                <p class="dash-callout dash-callout-bad">
                                    <Icon name="triangle-alert"/>
                                    <span>{danger} " A schedule starts it without asking again."</span>
                                </p>
                            })}
                            <div class="dash-start-form">{FORM.when_used((definition, initial, told, None), is_told_elsewhere)}</div>
                        }
                        .erase()
                        }
                        None => view! { <Kinds kinds/> }.erase(),
                    }
                }
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the kinds" error again=paths::new_schedule("") retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="New schedule"/>
        <div class="dash-page dash-page-narrow">
            <header class="dash-page-head"><h1>"New schedule"</h1></header>
            <Transition fallback=|| view! { <Loading lines=4/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

/// The kinds that a schedule can start: all but those that cannot do without a file.
#[component]
fn Kinds(
    /// All of them.
    kinds: Vec<Definition>,
) -> impl IntoView {
    let needs_file = |definition: &Definition| {
        definition.params.iter().any(|param| param.required && param.kind.is_file())
    };
    let (with_file, fit): (Vec<_>, Vec<_>) = kinds.into_iter().partition(needs_file);
    if fit.is_empty() {
        return view! {
            <EmptyState
                icon="layers"
                title="No kind fits a schedule"
                text="A schedule can start a kind that needs no file. Link one into the server's program."
            >
                <a class="td-button" href=paths::schedules()>"Back to the schedules"</a>
            </EmptyState>
        }
        .erase();
    }
    let choices = fit.into_iter().map(|definition| {
        let first = definition.description.lines().next().unwrap_or_default().to_owned();
        view! {
            <li class="dash-entry dash-choice">
                <span class="dash-card-icon"><Icon name=definition.icon.clone()/></span>
                <div class="dash-entry-what">
                    <p class="dash-entry-title">
                        <a class="dash-row-link" href=paths::new_schedule(&format!("?kind={}", definition.kind))>
                            {definition.title.clone()}
                        </a>
                    </p>
                    <p class="dash-entry-text">{first}</p>
                </div>
                <Icon name="chevron-right"/>
            </li>
        }
    });
    let choices = choices.collect_view();
    let left_out = (!with_file.is_empty()).then(|| {
        let titles: Vec<_> = with_file.iter().map(|definition| definition.title.as_str()).collect();
        format!("Left out, since a schedule holds no file: {}.", titles.join(", "))
    });
    view! {
        <h2 class="dash-section-title">"What should it start?"</h2>
        <ul class="dash-entries" aria-label="Kinds">{choices}</ul>
        {left_out.map(|text| view! { <p class="dash-section-text">{text}</p> })}
    }
    .erase()
}
