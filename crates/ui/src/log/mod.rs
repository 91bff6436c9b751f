//! `<TaskLog/>`: the log of a task, as a terminal shows it.

mod window;

use leptos::either::Either;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{LogLine, LogPage, TaskId};

use self::window::{FOLLOWED, Window};
use crate::{ApiError, Erase, Icon, ansi, api, browser, format, use_live};

/// How many lines a press on "load earlier" brings.
const EARLIER: u64 = 1_000;
/// Lines of one request of the download.
const DOWNLOAD_CHUNK: u32 = 5_000;

/// The log of a task: its last lines, and those to come. It follows the newest line until the reader scrolls up.
#[component]
pub fn TaskLog(
    /// The task.
    task: TaskId,
    /// Its last lines, as the page got them (`log_tail`).
    initial: LogPage,
) -> impl IntoView {
    let since = initial.lines.last().map_or(initial.last_seq, |line| line.seq);
    let view = View {
        task,
        lines: RwSignal::new(Window::of(initial)),
        follow: RwSignal::new(true),
        by_hand: StoredValue::new(false),
        list: NodeRef::new(),
    };
    let View { lines, follow, by_hand, list, .. } = view;
    let wrap = RwSignal::new(true);
    // Local times once the view is hydrated.
    let local = RwSignal::new(false);
    Effect::new(move |_| local.set(true));

    let live = use_live();
    // A log goes on for as long as its task does.
    let watch = live.watch(task);
    let ended = Memo::new(move |_| {
        watch.state.with(|state| state.as_ref().is_some_and(|task| task.status.has_ended()))
    });
    live.watch_log(task, since, move |new| {
        let following = follow.try_get_untracked().unwrap_or_default();
        lines.try_update(|lines| lines.append(new, following));
    });
    Effect::new(move |_| {
        lines.track();
        if follow.get() {
            scroll_to_end(list);
        }
    });

    let is_empty = Memo::new(move |_| lines.with(|lines| lines.lines.is_empty()));
    let rows = view! {
        <For each=move || lines.with(|lines| lines.lines.clone()) key=|line| line.seq let:line>
            {row(&line, local)}
        </For>
    };
    view! {
        <section class="td-log" aria-label="Log">
            {bar(view, wrap)}
            {earlier(view)}
            <ol
                class=move || if wrap.get() { "td-log-lines td-log-wrap" } else { "td-log-lines" }
                role="log"
                aria-live="off"
                aria-label="Lines of the log"
                tabindex="0"
                hidden=move || is_empty.get()
                node_ref=list
                on:wheel=move |_| by_hand.set_value(true)
                on:touchmove=move |_| by_hand.set_value(true)
                on:keydown=move |_| by_hand.set_value(true)
                on:mousedown=move |event| by_hand.update_value(|by_hand| *by_hand |= is_on_scrollbar(list, &event))
                on:scroll=move |_| {
                    if by_hand.get_value()
                        && let Some(at_end) = is_at_end(list)
                    {
                        follow.set(at_end);
                        by_hand.set_value(!at_end);
                    }
                }
            >
                {rows}
            </ol>
            <p class="td-log-empty" hidden=move || !is_empty.get()>
                {move || if ended.get() { "This task wrote no log." } else { "Nothing is written yet." }}
            </p>
        </section>
    }
    .erase()
}

/// What the parts of the widget share.
#[derive(Clone, Copy)]
struct View {
    task: TaskId,
    lines: RwSignal<Window>,
    /// Whether the newest line is kept in view.
    follow: RwSignal<bool>,
    /// Whether the reader scrolls. New lines scroll the list too, and must not be taken for it.
    by_hand: StoredValue<bool>,
    list: NodeRef<html::Ol>,
}

fn scroll_to_end(list: NodeRef<html::Ol>) {
    // With the next frame the new lines are laid out.
    request_animation_frame(move || {
        if let Some(list) = list.try_get_untracked().flatten() {
            list.set_scroll_top(list.scroll_height());
        }
    });
}

fn is_at_end(list: NodeRef<html::Ol>) -> Option<bool> {
    let list = list.get_untracked()?;
    // A line that came meanwhile, and fractions of a pixel, do not count.
    Some(list.scroll_top() + list.client_height() >= list.scroll_height() - 32)
}

fn is_on_scrollbar(list: NodeRef<html::Ol>, event: &MouseEvent) -> bool {
    list.get_untracked().is_some_and(|list| event.offset_x() >= list.client_width())
}

/// One line. What it holds does not change, but for its time, which is local after hydration.
fn row(line: &LogLine, local: RwSignal<bool>) -> impl IntoView + use<> {
    let at = line.at;
    let time = if local.get_untracked() {
        Either::Left(browser::local_time(at))
    } else {
        Either::Right(move || if local.get() { browser::local_time(at) } else { format::utc_time(at) })
    };
    let level = line.level.name();
    view! {
        <li class="td-log-line" data-level=level>
            <span class="td-log-seq">{line.seq.to_string()}</span>
            <time class="td-log-time" datetime=at.to_string()>{time}</time>
            <span class="td-log-level">{level.to_uppercase()}</span>
            <span class="td-log-text">{coloured(&line.text)}</span>
        </li>
    }
}

/// The text of a line; each of its looks is a span of its own.
fn coloured(text: &str) -> impl IntoView + use<> {
    let mut spans = ansi::spans(text);
    match spans.as_slice() {
        [] => Either::Left(String::new()),
        [only] if only.class.is_empty() => Either::Left(spans.remove(0).text),
        _ => Either::Right(
            spans
                .into_iter()
                .map(|span| view! { <span class=class_of(span.class)>{span.text}</span> })
                .collect_view(),
        ),
    }
}

fn class_of(class: String) -> Option<String> {
    (!class.is_empty()).then_some(class)
}

/// The bar above the lines.
fn bar(view: View, wrap: RwSignal<bool>) -> impl IntoView {
    let View { task, lines, follow, by_hand, list } = view;
    let count = Memo::new(move |_| lines.with(Window::last));
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let text = lines.with_untracked(Window::text);
        spawn_local(async move {
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
    let loading = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let download = move |_| {
        if loading.get_untracked() {
            return;
        }
        loading.set(true);
        problem.set(None);
        spawn_local(async move {
            let saved = match whole_log(task).await {
                Ok(text) => browser::download(&format!("task-{task}.log"), &text)
                    .map_err(|_| "The browser did not take the file.".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            loading.try_set(false);
            problem.try_set(saved.err());
        });
    };
    let set_follow = move |event| {
        let on = event_target_checked(&event);
        follow.set(on);
        if on {
            by_hand.set_value(false);
            lines.update(|lines| lines.trim(FOLLOWED));
            scroll_to_end(list);
        }
    };
    view! {
        <div class="td-log-bar">
            <span class="td-log-count">
                {move || match count.get() {
                    1 => "1 line".to_owned(),
                    count => format!("{} lines", format::thousands(count)),
                }}
            </span>
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
            <button
                type="button"
                class="td-button td-button-quiet"
                aria-busy=move || loading.get().then_some("true")
                on:click=download
            >
                <Icon name=Signal::derive(move || {
                    if loading.get() { "loader" } else { "download" }.to_owned()
                })/>
                <span class="td-button-text">"Download"</span>
            </button>
            {problem_line(problem)}
        </div>
    }
}

/// What went wrong in the log's own bar.
fn problem_line(problem: RwSignal<Option<String>>) -> impl IntoView {
    view! {
        <p class="td-field-error" role="alert" hidden=move || problem.with(Option::is_none)>
            {move || problem.get().unwrap_or_default()}
        </p>
    }
}

/// All lines of a log, as text.
async fn whole_log(task: TaskId) -> Result<String, ApiError> {
    let mut text = String::new();
    let mut since = 0;
    loop {
        let page = api::task_log(task, since, DOWNLOAD_CHUNK).await?;
        text.push_str(&window::text(&page.lines));
        if !page.more || page.last_seq <= since {
            return Ok(text);
        }
        since = page.last_seq;
    }
}

/// Brings the lines before the first.
fn earlier(view: View) -> impl IntoView {
    let View { task, lines, follow, list, .. } = view;
    let first = Memo::new(move |_| lines.with(Window::first));
    let loading = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let load = move |_| {
        if loading.get_untracked() {
            return;
        }
        let first = first.get_untracked();
        let since = first.saturating_sub(1 + EARLIER);
        let limit = u32::try_from(first - 1 - since).unwrap_or(u32::MAX);
        loading.set(true);
        problem.set(None);
        // Who looks back does not want to be taken to the end again.
        follow.set(false);
        spawn_local(async move {
            let answer = api::task_log(task, since, limit).await;
            loading.try_set(false);
            match answer {
                Ok(page) => {
                    let before = list.try_get_untracked().flatten().map(|list| list.scroll_height());
                    lines.try_update(|lines| lines.prepend(page.lines));
                    keep_place(list, before);
                }
                Err(error) => {
                    problem.try_set(Some(error.to_string()));
                }
            }
        });
    };
    let hidden = move || first.get() <= 1;
    view! {
        <button
            type="button"
            class="td-log-earlier"
            hidden=hidden
            aria-busy=move || loading.get().then_some("true")
            on:click=load
        >
            {move || format!("Load earlier lines ({} before these)", format::thousands(first.get() - 1))}
        </button>
        {problem_line(problem)}
    }
}

/// Keeps the lines that the reader looks at where they are when others come before them.
fn keep_place(list: NodeRef<html::Ol>, height_before: Option<i32>) {
    request_animation_frame(move || {
        if let (Some(list), Some(before)) = (list.try_get_untracked().flatten(), height_before) {
            list.set_scroll_top(list.scroll_top() + list.scroll_height() - before);
        }
    });
}
