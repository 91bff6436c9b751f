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
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{LogLine, LogPage, TaskId};

use self::bar::bar;
use self::lines::Lines;
use self::view::View;
use crate::{Erase, ansi, browser, format, use_live};

/// The log of a task: its last lines, and those to come. It follows the newest line until the reader scrolls up.
#[component]
pub fn TaskLog(
    /// The task.
    task: TaskId,
    /// Its last lines, as the page got them (`log_tail`).
    initial: LogPage,
) -> impl IntoView {
    let since = initial.lines.last().map_or(initial.last_seq, |line| line.seq);
    let shown_from = initial.lines.first().map_or(1, |line| line.seq);
    let view = View::new(task, Lines::of(initial), shown_from);
    let View { lines, window, follow, by_hand, found, .. } = view;
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
                role="log"
                aria-live="off"
                aria-label="Lines of the log"
                tabindex="0"
                hidden=move || is_empty.get()
                node_ref=view.scroller
                on:wheel=move |_| by_hand.set_value(true)
                on:touchmove=move |_| by_hand.set_value(true)
                on:keydown=move |_| by_hand.set_value(true)
                on:mousedown=move |event| by_hand.update_value(|by_hand| *by_hand |= is_on_scrollbar(view, &event))
                on:scroll=move |_| {
                    if by_hand.get_value()
                        && let Some(at_end) = view.is_at_end()
                    {
                        follow.set(at_end);
                        by_hand.set_value(!at_end);
                    }
                    if !follow.get_untracked() {
                        view.scrolled();
                    }
                }
            >
                <div node_ref=view.above></div>
                <ol node_ref=view.list>{rows}</ol>
                <div node_ref=view.below></div>
            </div>
            <p class="td-log-empty" hidden=move || !is_empty.get()>
                {move || if ended.get() { "This task wrote no log." } else { "Nothing is written yet." }}
            </p>
        </section>
    }
    .erase()
}

fn is_on_scrollbar(view: View, event: &MouseEvent) -> bool {
    view.scroller.get_untracked().is_some_and(|scroller| event.offset_x() >= scroller.client_width())
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
            <span class="td-log-level">{level.to_uppercase()}</span>
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
