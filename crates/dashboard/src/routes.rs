//! Which page is where.

use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route};
use leptos_router::{MatchNestedRoutes, SsrMode, path};

use crate::layout::Layout;
use crate::pages::bulk::BulkPage;
use crate::pages::start::StartPage;
use crate::pages::start_kind::StartKindPage;
use crate::pages::task::TaskPage;
use crate::pages::tasks::TasksPage;
use crate::{paths, status_code};

/// The dashboard's routes, to be put inside `<Routes>`: `/` goes to `/tasks`; `/tasks`, `/tasks/{id}`, `/start` and
/// `/start/{kind}` are its pages.
///
/// Every page waits for its data on the server, so that the first HTML is complete and its status code right.
#[component(transparent)]
pub fn DashboardRoutes() -> impl MatchNestedRoutes + Clone {
    view! {
        <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
            <Route path=path!("") view=Home ssr=SsrMode::Async/>
            <Route path=path!("tasks") view=TasksPage ssr=SsrMode::Async/>
            <Route path=path!("tasks/bulk") view=BulkPage ssr=SsrMode::Async/>
            <Route path=path!("tasks/:id") view=TaskPage ssr=SsrMode::Async/>
            <Route path=path!("start") view=StartPage ssr=SsrMode::Async/>
            <Route path=path!("start/:kind") view=StartKindPage ssr=SsrMode::Async/>
        </ParentRoute>
    }
    .into_inner()
}

/// There is no page at `/` yet: the list of tasks is the first thing to see.
#[component]
fn Home() -> impl IntoView {
    status_code::redirect(&paths::tasks(""));
}
