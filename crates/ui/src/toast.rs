//! Toasts: a line that says what was just done, with a link to what came of it, and goes by itself.

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use taskdeck_core::Started;

use crate::{Erase, Icon, use_base};

/// How long a toast stays; longer while somebody points at it.
const STAYS: std::time::Duration = std::time::Duration::from_secs(8);
/// More would hide the page.
const MOST: usize = 4;

#[derive(Clone, Debug, PartialEq)]
struct Toast {
    number: u32,
    text: String,
    /// Where it leads, and in which words.
    link: Option<(String, &'static str)>,
}

/// What a page tells in passing. The app provides it ([`provide_toasts`]) and says where it is shown ([`ToastList`]);
/// then whatever starts a task and stays on its page says so.
#[derive(Clone, Copy, Debug)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    last: StoredValue<u32>,
}

/// Makes the page's toasts and provides them as a context. Call it once, in the app.
pub fn provide_toasts() -> Toasts {
    let toasts = Toasts { shown: RwSignal::default(), last: StoredValue::new(0) };
    provide_context(toasts);
    toasts
}

/// The page's toasts, if the app provides them.
#[must_use]
pub fn use_toasts() -> Option<Toasts> {
    use_context()
}

impl Toasts {
    /// Says something. When there are too many the oldest goes.
    pub fn say(self, text: String) {
        self.add(text, None);
    }

    /// Says something, with a link.
    pub fn show(self, text: String, href: String, link: &'static str) {
        self.add(text, Some((href, link)));
    }

    fn add(self, text: String, link: Option<(String, &'static str)>) {
        let Some(number) = self.last.try_update_value(|last| {
            *last += 1;
            *last
        }) else {
            return;
        };
        let _ = self.shown.try_update(|shown| {
            shown.push(Toast { number, text, link });
            if shown.len() > MOST {
                shown.remove(0);
            }
        });
    }

    /// Says that a task was started, with the way to it.
    pub fn started(self, started: &Started) {
        let Started { task, deduplicated } = started;
        let what = if *deduplicated { "Already there" } else { "Started" };
        self.show(format!("{what}: {}", task.label), use_base().task(task.id), "Open the task");
    }

    fn close(self, number: u32) {
        let _ = self.shown.try_update(|shown| shown.retain(|toast| toast.number != number));
    }
}

/// Where the toasts are shown: in a corner, over the page.
#[component]
pub fn ToastList() -> impl IntoView {
    let toasts = use_toasts();
    let each = move || toasts.map(|toasts| toasts.shown.get()).unwrap_or_default();
    view! {
        <div class="td-toasts" role="status" aria-label="What was just done">
            <For each=each key=|toast| toast.number children=move |toast| one(toasts, toast)/>
        </div>
    }
    .erase()
}

fn one(toasts: Option<Toasts>, toast: Toast) -> AnyView {
    let Toast { number, text, link } = toast;
    let close = move || {
        if let Some(toasts) = toasts {
            toasts.close(number);
        }
    };
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let wait = move || timer.set_value(set_timeout_with_handle(close, STAYS).ok());
    let stay = move || {
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    };
    Effect::new(move |_| wait());
    on_cleanup(stay);
    view! {
        <div
            class="td-toast"
            on:pointerenter=move |_| stay()
            on:pointerleave=move |_| wait()
            on:focusin=move |_| stay()
            on:focusout=move |_| wait()
        >
            <Icon name=if link.is_some() { "check" } else { "info" }/>
            <span class="td-toast-text">{text}</span>
            {link.map(|(href, words)| view! { <a class="td-toast-link" href=href>{words}</a> })}
            <button type="button" class="td-button td-button-quiet td-button-icon" aria-label="Close" on:click=move |_| close()>
                <Icon name="x"/>
            </button>
        </div>
    }
    .erase()
}
