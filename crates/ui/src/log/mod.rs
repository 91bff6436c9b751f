//! `<TaskLog/>`: the log of a task, as a terminal shows it.
//!
//! A log may have 100,000 lines. Only some hundred around what the reader looks at stand in the page, between two
//! spaces as high as the others would be on average; what is not loaded is loaded when it comes into view.

mod bar;
mod find;
mod lines;
mod view;
mod window;

use std::sync::Arc;

use leptos::either::Either;
use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{LogLine, LogPage, TaskId};

use self::bar::bar;
use self::lines::Lines;
use self::view::{Loading, View};
use crate::{Erase, ansi, browser, format, use_live};

/// The log of a task: its last lines, and those to come. It follows the newest line until the reader scrolls up.
#[component]
pub fn TaskLog(
    /// The task.
    task: TaskId,
    /// Its last lines, as the page got them (`log_tail`).
    initial: LogPage,
    /// Why the page did not get them, if so.
    #[prop(optional_no_strip)]
    problem: Option<String>,
) -> impl IntoView {
    let since = initial.lines.last().map_or(initial.last_seq, |line| line.seq);
    let shown_from = initial.lines.first().map_or(1, |line| line.seq);
    let view = View::new(task, Lines::of(initial), shown_from);
    let View { lines, window, follow, found, .. } = view;
    if let Some(why) = problem {
        view.loading.set(Loading::Failed(why));
    }
    let failed = Memo::new(move |_| view.loading.with(|loading| matches!(loading, Loading::Failed(_))));
    let wrap = RwSignal::new(true);
    // Local times once the view is hydrated.
    let local = RwSignal::new(false);

    let live = use_live();
    // A log goes on for as long as its task does.
    let watch = live.watch(task);
    let ended = Memo::new(move |_| {
        watch.state.with(|state| state.as_ref().is_some_and(|task| task.status.has_ended()))
    });
    live.watch_log(task, since, move |new| {
        lines.try_update(|lines| lines.add(new));
    });
    Effect::new(move |_| {
        local.set(true);
        lines.track();
        if follow.get() {
            view.to_end();
        } else {
            view.space();
        }
    });
    Effect::new(move |_| {
        window.track();
        spawn_local(view.load_shown());
    });

    let is_empty = Memo::new(move |_| lines.with(|lines| lines.count() == 0));
    // As many as the number of the last line has.
    let digits =
        Memo::new(move |_| lines.with(|lines| lines.last().checked_ilog10().map_or(1, |log| log + 1)));
    let rows = move || {
        let window = window.get();
        lines.with(|lines| {
            (window.from..window.to).map(|seq| (seq, lines.get(seq).cloned())).collect::<Vec<_>>()
        })
    };
    // A line that was not loaded becomes another row when it is.
    let rows = view! {
        <For each=rows key=|(seq, line)| (*seq, line.is_some()) let((seq, line))>
            {row(seq, line, local, found)}
        </For>
    };
    view! {
        <section class="td-log" aria-label="Log">
            {bar(view, wrap)}
            <div
                class=move || if wrap.get() { "td-log-lines td-log-wrap" } else { "td-log-lines" }
                // Until it is alive, the newest lines are in sight by the style.
                data-still=move || (!local.get()).then_some("")
                data-digits=move || digits.get().to_string()
                role="log"
                aria-live="off"
                aria-label="Lines of the log"
                tabindex="0"
                hidden=move || is_empty.get()
                node_ref=view.scroller
                on:wheel=move |event| if event.delta_y() < 0.0 && !event.ctrl_key() { view.leave_end() }
                on:keydown=move |event| {
                    if matches!(event.key().as_str(), "ArrowUp" | "PageUp" | "Home") {
                        view.leave_end();
                    }
                }
                on:scroll=move |_| view.on_scroll()
            >
                <div node_ref=view.above></div>
                <ol node_ref=view.list>{rows}</ol>
                <div node_ref=view.below></div>
            </div>
            <p class="td-log-empty" hidden=move || !is_empty.get()>
                {move || {
                    if watch.gone.get() {
                        "This task was deleted, and its log with it."
                    } else if failed.get() {
                        "The log cannot be loaded."
                    } else if ended.get() {
                        "This task wrote no log."
                    } else {
                        "Nothing is written yet."
                    }
                }}
            </p>
        </section>
    }
    .erase()
}

/// One line. What it holds does not change, but for its time, which is local after hydration.
fn row(
    seq: u64,
    line: Option<Arc<LogLine>>,
    local: RwSignal<bool>,
    found: RwSignal<u64>,
) -> impl IntoView + use<> {
    let Some(line) = line else {
        return Either::Left(view! {
            <li class="td-log-line td-log-unloaded"><span class="td-log-seq">{seq.to_string()}</span></li>
        });
    };
    let at = line.at;
    let time = if local.get_untracked() {
        Either::Left(browser::local_time(at))
    } else {
        Either::Right(move || if local.get() { browser::local_time(at) } else { format::utc_time(at) })
    };
    let level = line.level.name();
    Either::Right(view! {
        <li class="td-log-line" data-level=level data-found=move || (found.get() == seq).then_some("")>
            <span class="td-log-seq">{seq.to_string()}</span>
            <time class="td-log-time" datetime=at.to_string()>{time}</time>
            <span class="td-log-level">{level.to_ascii_uppercase()}</span>
            <span class="td-log-text">{coloured(&line.text)}</span>
        </li>
    })
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
