//! Which page is where.

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route};
use leptos_router::{MatchNestedRoutes, SsrMode, path};

use crate::layout::Layout;
use crate::pages::new_schedule::NewSchedulePage;
use crate::pages::overview::OverviewPage;
use crate::pages::queues::QueuesPage;
use crate::pages::schedule::SchedulePage;
use crate::pages::schedules::SchedulesPage;
use crate::pages::settings::SettingsPage;
use crate::pages::start::StartPage;
use crate::pages::start_kind::StartKindPage;
use crate::pages::task::TaskPage;
use crate::pages::tasks::TasksPage;
use crate::pages::workers::WorkersPage;

/// The dashboard's routes, to be put inside `<Routes>`: `/` is the overview; `/tasks`, `/tasks/{id}`, `/start`,
/// `/start/{kind}`, `/queues`, `/schedules`, `/schedules/{name}`, `/schedules/_new`, `/workers` and `/settings` are the
/// other pages.
///
/// Every page waits for its data on the server, so that the first HTML is complete and its status code right.
#[component(transparent)]
pub fn DashboardRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
            <Route path=path!("") view=OverviewPage ssr=SsrMode::Async/>
            <Route path=path!("tasks") view=TasksPage ssr=SsrMode::Async/>
            <Route path=path!("tasks/:id") view=TaskPage ssr=SsrMode::Async/>
            <Route path=path!("start") view=StartPage ssr=SsrMode::Async/>
            <Route path=path!("start/:kind") view=StartKindPage ssr=SsrMode::Async/>
            <Route path=path!("queues") view=QueuesPage ssr=SsrMode::Async/>
            <Route path=path!("schedules") view=SchedulesPage ssr=SsrMode::Async/>
            <Route path=path!("schedules/_new") view=NewSchedulePage ssr=SsrMode::Async/>
            <Route path=path!("schedules/:name") view=SchedulePage ssr=SsrMode::Async/>
            <Route path=path!("workers") view=WorkersPage ssr=SsrMode::Async/>
            <Route path=path!("settings") view=SettingsPage ssr=SsrMode::Async/>
        </ParentRoute>
    }
    .into_inner()
}
