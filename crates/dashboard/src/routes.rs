//! Which page is where.

use leptos::prelude::*;
use leptos::{ev, task::spawn_local};
use leptos_router::components::{ParentRoute, Route};
#[cfg(not(feature = "ssr"))]
use leptos_router::params::ParamsMap;
use leptos_router::{MatchNestedRoutes, SsrMode, path};
use taskdeck_ui::{Connection, use_base, use_live};
use wasm_bindgen::JsCast;

use crate::code::PageCode;
use crate::layout::Layout;
use crate::pages;

// Each page is a file of its own. What pages share is in it too: a page takes one request, whatever it shares.
crate::page!(OVERVIEW, overview, pages::overview::OverviewPage);
crate::page!(TASKS, tasks, pages::tasks::TasksPage);
crate::page!(BULK, bulk, pages::bulk::BulkPage);
crate::page!(INBOX, inbox, pages::inbox::InboxPage);
crate::page!(TASK, task, pages::task::TaskPage);
crate::page!(START, start, pages::start::StartPage);
crate::page!(START_KIND, start_kind, pages::start_kind::StartKindPage);
crate::page!(NEW_SCHEDULE, new_schedule, pages::new_schedule::NewSchedulePage);
crate::page!(SCHEDULE, schedule, pages::schedule::SchedulePage);
crate::page!(QUEUES, queues, pages::queues::QueuesPage);
crate::page!(SCHEDULES, schedules, pages::schedules::SchedulesPage);
crate::page!(WORKERS, workers, pages::workers::WorkersPage);
crate::page!(SETTINGS, settings, pages::settings::SettingsPage);

/// The page at a path below the base path; none where its code is not apart, or there is no page.
pub(crate) fn page_at(path: &str) -> Option<&'static PageCode> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let (first, second) = (segments.next(), segments.next());
    if segments.next().is_some() {
        return None;
    }
    let page = match (first, second) {
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

/// What the path of a page says besides which page it is, by the names in [`DashboardRoutes`].
#[cfg(not(feature = "ssr"))]
pub(crate) fn params_at(path: &str) -> ParamsMap {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut params = ParamsMap::new();
    let name = match segments.next() {
        Some("tasks") => "id",
        Some("start") => "kind",
        Some("schedules") => "name",
        _ => return params,
    };
    if let Some(value) = segments.next() {
        params.insert(name, value.to_owned());
    }
    params
}

/// The name under which a build that splits the WASM keeps the code of the page at a path below the base path. For servers
/// that name these files in the page's head, so that they are on their way together with the rest.
#[must_use]
pub fn page_name(path: &str) -> Option<&'static str> {
    page_at(path).map(PageCode::name)
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
    let connection = use_live().connection();
    let bring = move |event: &web_sys::Event| {
        // Nothing can be had of a server that is away.
        if matches!(connection.try_get_untracked(), Some(Connection::Offline { .. })) {
            return;
        }
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
    Effect::new(move |_| {
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
            ("/tasks", "tasks"),
            ("/tasks/x", "task"),
            ("/tasks/bulk", "bulk"),
            ("/start/", "start"),
            ("/start/import_csv", "start_kind"),
            ("/", "overview"),
            ("", "overview"),
            ("/queues", "queues"),
            ("/schedules", "schedules"),
            ("/schedules/_new", "new_schedule"),
            ("/schedules/new", "schedule"),
            ("/workers", "workers"),
            ("/inbox", "inbox"),
            ("/settings", "settings"),
        ] {
            assert_eq!(page_name(path), Some(name), "{path}");
        }
        assert_eq!(page_name("/tasks/x/y"), None);
        assert_eq!(page_name("/queues/x"), None);
        assert_eq!(page_name("/nowhere"), None);
    }
}
