//! What is shown where there is no page.

use leptos::Title;
use leptos::prelude::*;
use taskdeck_ui::Erase;

use crate::layout::Frame;
use crate::parts::notice::EmptyState;
use crate::{paths, status_code};

/// The page that says there is no such page (404), in the dashboard's frame: for the `fallback` of `<Routes>`.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    status_code::set(404);
    view! {
        <Frame>
            <Title text="Not found"/>
            <NotFound
                title="There is no such page"
                text="The address may be mistyped, or the page may have moved."
            />
        </Frame>
    }
    .erase_waiting()
}

/// Something of this address is not there, and where to go instead.
#[component]
pub(crate) fn NotFound(
    /// What is not there.
    #[prop(into)]
    title: String,
    /// Why that may be.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <div class="dash-page">
            <EmptyState icon="circle-question-mark" title text whole_page=true>
                <a class="td-button td-button-primary" href=paths::tasks("")>"All tasks"</a>
                <a class="td-button" href=paths::start()>"Start a task"</a>
            </EmptyState>
        </div>
    }
    .erase()
}
