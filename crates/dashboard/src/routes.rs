//! Which page is where.

use leptos::prelude::*;
use leptos::{ev, task::spawn_local};
use leptos_router::components::{ParentRoute, Route};
use leptos_router::{MatchNestedRoutes, SsrMode, path};
use taskdeck_ui::use_base;
use wasm_bindgen::JsCast;

use crate::code::{PageCode, page};
use crate::layout::Layout;
use crate::pages;

// Pages that share much, or are gone to from each other, are in one file: each file more cuts what files share into
// more pieces, and a page asks for each of them.
page!(OVERVIEW, lists, pages::overview::OverviewPage);
page!(TASKS, lists, pages::tasks::TasksPage);
page!(BULK, lists, pages::bulk::BulkPage);
page!(INBOX, lists, pages::inbox::InboxPage);
page!(TASK, task, pages::task::TaskPage);
page!(START, forms, pages::start::StartPage);
page!(START_KIND, forms, pages::start_kind::StartKindPage);
page!(NEW_SCHEDULE, forms, pages::new_schedule::NewSchedulePage);
page!(SCHEDULE, forms, pages::schedule::SchedulePage);
page!(QUEUES, manage, pages::queues::QueuesPage);
page!(SCHEDULES, manage, pages::schedules::SchedulesPage);
page!(WORKERS, manage, pages::workers::WorkersPage);
page!(SETTINGS, manage, pages::settings::SettingsPage);

/// The page at a path below the base path; none where its code is not apart, or there is no page.
fn page_at(path: &str) -> Option<&'static PageCode> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let page = match (segments.next(), segments.next()) {
        (None, _) => &OVERVIEW,
        (Some("tasks"), None) => &TASKS,
        (Some("tasks"), Some("bulk")) => &BULK,
        (Some("tasks"), Some(_)) => &TASK,
        (Some("start"), None) => &START,
        (Some("start"), Some(_)) => &START_KIND,
        (Some("queues"), None) => &QUEUES,
        (Some("schedules"), None) => &SCHEDULES,
        (Some("schedules"), Some("_new")) => &NEW_SCHEDULE,
        (Some("schedules"), Some(_)) => &SCHEDULE,
        (Some("workers"), None) => &WORKERS,
        (Some("inbox"), None) => &INBOX,
        (Some("settings"), None) => &SETTINGS,
        _ => return None,
    };
    Some(page)
}

/// The name under which a build that splits the WASM keeps the code of the page at a path below the base path. For servers
/// that name these files in the page's head, so that they are on their way together with the rest.
#[must_use]
pub fn page_name(path: &str) -> Option<&'static str> {
    page_at(path).map(|page| page.name)
}

/// Brings the code of the page that the browser is at, if it is not here yet; whether it is here now. Await it before
/// you hydrate an app that has the dashboard's pages, where the feature `split` is on; elsewhere it does nothing.
pub async fn load_current_page() -> bool {
    let path = location().pathname().unwrap_or_default();
    match page_at(path.strip_prefix(use_base().as_str()).unwrap_or(&path)) {
        Some(page) => page.load().await,
        None => true,
    }
}

/// Brings the code of a page when a person points at a link to it, or reaches it by the keyboard: a moment before they
/// go there.
pub(crate) fn bring_what_is_pointed_at() {
    let bring = |event: &web_sys::Event| {
        let link = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let link = link.and_then(|element| element.closest("a[href]").ok().flatten());
        let Some(href) = link.and_then(|link| link.get_attribute("href")) else { return };
        let path = href.split(['?', '#']).next().unwrap_or_default();
        if let Some(page) = page_at(path.strip_prefix(use_base().as_str()).unwrap_or(path)) {
            spawn_local(async move {
                page.load().await;
            });
        }
    };
    Effect::new(move || {
        let pointed = window_event_listener(ev::pointerover, move |event| bring(&event));
        let reached = window_event_listener(ev::focusin, move |event| bring(&event));
        on_cleanup(move || {
            pointed.remove();
            reached.remove();
        });
    });
}

/// The dashboard's routes, to be put inside `<Routes>`: `/` is the overview; `/tasks`, `/tasks/{id}`, `/start`,
/// `/start/{kind}`, `/queues`, `/schedules`, `/schedules/{name}`, `/schedules/_new`, `/workers`, `/inbox` and `/settings`
/// are the other pages.
///
/// Every page waits for its data on the server, so that the first HTML is complete and its status code right.
#[component(transparent)]
pub fn DashboardRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
            <Route path=path!("") view=|| OVERVIEW.show() ssr=SsrMode::Async/>
            <Route path=path!("tasks") view=|| TASKS.show() ssr=SsrMode::Async/>
            <Route path=path!("tasks/bulk") view=|| BULK.show() ssr=SsrMode::Async/>
            <Route path=path!("tasks/:id") view=|| TASK.show() ssr=SsrMode::Async/>
            <Route path=path!("start") view=|| START.show() ssr=SsrMode::Async/>
            <Route path=path!("start/:kind") view=|| START_KIND.show() ssr=SsrMode::Async/>
            <Route path=path!("queues") view=|| QUEUES.show() ssr=SsrMode::Async/>
            <Route path=path!("schedules") view=|| SCHEDULES.show() ssr=SsrMode::Async/>
            <Route path=path!("schedules/_new") view=|| NEW_SCHEDULE.show() ssr=SsrMode::Async/>
            <Route path=path!("schedules/:name") view=|| SCHEDULE.show() ssr=SsrMode::Async/>
            <Route path=path!("inbox") view=|| INBOX.show() ssr=SsrMode::Async/>
            <Route path=path!("workers") view=|| WORKERS.show() ssr=SsrMode::Async/>
            <Route path=path!("settings") view=|| SETTINGS.show() ssr=SsrMode::Async/>
        </ParentRoute>
    }
    .into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_with_code_of_its_own_is_known_by_its_path() {
        for (path, name) in [
            ("/tasks", "lists"),
            ("/tasks/x", "task"),
            ("/tasks/bulk", "lists"),
            ("/start/", "forms"),
            ("/start/import_csv", "forms"),
            ("/", "lists"),
            ("", "lists"),
            ("/queues", "manage"),
            ("/schedules", "manage"),
            ("/schedules/_new", "forms"),
            ("/schedules/new", "forms"),
            ("/workers", "manage"),
            ("/inbox", "lists"),
            ("/settings", "manage"),
        ] {
            assert_eq!(page_name(path), Some(name), "{path}");
        }
        assert_eq!(page_name("/queues/x"), None);
        assert_eq!(page_name("/nowhere"), None);
    }
}
