//! The shop's pages, with Taskdeck's widgets in them.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use taskdeck::ui::{CardList, StartTask, TaskButton, TaskCards, TaskProgress, api, use_task};
use taskdeck::{Started, TaskId, TaskState};

use crate::albums::{Album, get_album, get_albums};
use crate::tasks::MakeThumbnails;

/// All albums.
#[component]
pub fn AlbumsPage() -> impl IntoView {
    let loaded = Resource::new(|| (), |()| get_albums());
    view! {
        <h1>"Albums"</h1>
        <Suspense>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok((albums, active)) => view! { <AlbumsView albums active/> }.into_any(),
                    Err(error) => view! { <p role="alert">{error.to_string()}</p> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// The albums, as they were loaded. What is started here shows in cards below them.
#[component]
fn AlbumsView(
    /// The albums.
    albums: Vec<Album>,
    /// The tasks that are active already.
    active: Vec<TaskState>,
) -> impl IntoView {
    let cards = CardList::new(active);
    let rows = albums.into_iter().map(|album| view! { <AlbumRow album cards/> }).collect_view();
    view! {
        <ul>{rows}</ul>
        <TaskCards list=cards empty="No thumbnails are being made."/>
    }
}

/// An album in the list, with a start of our own: any event may cause one.
#[component]
fn AlbumRow(
    /// The album.
    album: Album,
    /// Where a card of the started task goes.
    cards: CardList,
) -> impl IntoView {
    let Album { slug, title, .. } = album;
    let address = format!("/albums/{slug}");
    // The key: while thumbnails of this album are being made, a start answers with that task.
    let start = StartTask::<MakeThumbnails>::new()
        .key(slug.clone())
        .label(format!("Thumbnails of {title}"))
        .on_started(move |started| cards.append(started));
    view! {
        <li>
            <a href=address>{title}</a>
            " "
            <button
                disabled=start.pending()
                on:click=move |_| start.dispatch(&MakeThumbnails { album: slug.clone() })
            >
                "Make thumbnails"
            </button>
            <span role="alert">{start.error()}</span>
        </li>
    }
}

/// One album, with the task that makes its thumbnails.
#[component]
pub fn AlbumPage() -> impl IntoView {
    let params = use_params_map();
    let loaded = Resource::new(move || params.read().get("slug").unwrap_or_default(), get_album);
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok((album, last)) => view! { <AlbumView album last/> }.into_any(),
                    Err(error) => view! { <p role="alert">{error.to_string()}</p> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// The album, as it was loaded.
#[component]
fn AlbumView(
    /// The album.
    album: Album,
    /// The last task that made its thumbnails.
    last: Option<TaskState>,
) -> impl IntoView {
    let Album { slug, title, photos } = album;
    let shown = RwSignal::new(last);
    view! {
        <h1>{title}</h1>
        <p>{photos}" photos"</p>
        // A plain form: without JavaScript it leads to the task's page.
        <TaskButton
            params=MakeThumbnails { album: slug.clone() }
            key=slug
            on_started=move |started: Started| shown.set(Some(started.task))
            bar=false
        />
        {move || shown.get().map(|task| view! { <Making task/> })}
    }
}

/// The page of a task.
#[component]
pub fn TaskPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").and_then(|id| id.parse::<TaskId>().ok());
    let loaded = Resource::new(id, |id| api::states(id.into_iter().collect()));
    view! {
        <h1>"Thumbnails"</h1>
        <Suspense>
            {move || Suspend::new(async move {
                match loaded.await.unwrap_or_default().pop() {
                    Some(task) => view! { <Making task/> }.into_any(),
                    None => view! { <p role="alert">"There is no such task."</p> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// How far a task is, and what it made.
#[component]
fn Making(
    /// The task, as the page knows it.
    task: TaskState,
) -> impl IntoView {
    let id = task.id;
    let making = use_task::<MakeThumbnails>(id);
    // What it returned, typed. That it failed is said by the card.
    let made = move || making.output.get()?.ok();
    view! {
        <TaskProgress task=id state=task/>
        {move || made().map(|made| view! { <p>{made.made}" thumbnails, "{made.kilobytes}" kB"</p> })}
    }
}
