//! Listens to the keys, and does what they say.

use leptos::ev::{self, KeyboardEvent};
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use taskdeck_ui::{Erase, Icon, use_base, use_toasts};

use super::palette::Palette;
use super::switch::are_on;
use super::{Command, MAP, Press, command};
use crate::browser;

// Few open them: their code comes when somebody does.
crate::page!(DIALOGS, dialogs, Dialogs);

/// The dialogs of the keys: the help and the palette.
#[derive(Clone, Copy)]
struct Opened {
    help: NodeRef<Dialog>,
    palette: NodeRef<Dialog>,
    /// Counts how often the palette was opened.
    times: RwSignal<u32>,
    /// The dialog that is to be shown as soon as it is there.
    asked: RwSignal<Option<NodeRef<Dialog>>>,
}

impl Opened {
    fn ask(self, dialog: NodeRef<Dialog>) -> bool {
        self.asked.set(Some(dialog));
        true
    }

    fn open_palette(self) -> bool {
        self.times.update(|times| *times += 1);
        self.ask(self.palette)
    }
}

/// The keyboard map of every page, its help and its palette.
#[component]
pub(crate) fn Keys() -> impl IntoView {
    let opened = Opened {
        help: NodeRef::new(),
        palette: NodeRef::new(),
        times: RwSignal::new(0),
        asked: RwSignal::new(None),
    };
    provide_context(opened);
    let is_wanted = Memo::new(move |wanted: Option<&bool>| {
        wanted.is_some_and(|wanted| *wanted) || opened.asked.get().is_some()
    });
    let after_g = StoredValue::new(false);
    let navigate = use_navigate();
    let base = use_base();
    let toasts = use_toasts();
    // A key that does nothing says why.
    let no_such = move |what: &str| {
        if browser::has(".dash-row:focus-within, .dash-task-actions")
            && let Some(toasts) = toasts
        {
            toasts.say(format!("This task cannot be {what} as it stands."));
        }
        false
    };
    let on_key = move |event: KeyboardEvent| {
        let typing = browser::is_typing();
        let key = event.key();
        let ctrl = event.ctrl_key() || event.meta_key();
        let press = Press { key: &key, ctrl, alt: event.alt_key(), typing, signs: are_on() };
        let (command, is_first) = command(press, after_g.get_value());
        after_g.set_value(is_first);
        let Some(command) = command else { return };
        // A dialog has the keys for itself; Escape closes it by itself.
        if browser::has_dialog() && command != Command::Palette {
            return;
        }
        let done = match command {
            // A page that has none of its own searches the tasks.
            Command::Search => browser::focus(".dash-main input[type=search]") || opened.open_palette(),
            Command::Help => opened.ask(opened.help),
            Command::Palette => {
                if opened.palette.get_untracked().is_some_and(|dialog| dialog.open()) {
                    hide(opened.palette)
                } else {
                    opened.open_palette()
                }
            }
            Command::Go(page) => {
                navigate(&base.join(page), NavigateOptions { resolve: false, ..NavigateOptions::default() });
                true
            }
            Command::Down => browser::step_row(true),
            Command::Up => browser::step_row(false),
            Command::Select => browser::press_in_row(".dash-row-choose input"),
            Command::Cancel => browser::press_action("Cancel") || no_such("cancelled"),
            Command::Retry => browser::press_action("Retry") || no_such("retried"),
            Command::Escape => browser::press(".dash-bulk button[type=reset]"),
        };
        if done {
            event.prevent_default();
        }
    };
    Effect::new(move |_| {
        let listener = window_event_listener(ev::keydown, on_key.clone());
        on_cleanup(move || listener.remove());
    });
    view! {
        <button type="button" class="dash-palette-button" aria-label="Go to…" aria-keyshortcuts="Control+K" on:click=move |_| { opened.open_palette(); }>
            <Icon name="search"/>
            <span class="dash-palette-text">"Go to…"</span>
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </button>
        {move || is_wanted.get().then(|| DIALOGS.show_part())}
    }
    .erase()
}

/// The dialogs, once one of them is asked for.
#[component]
fn Dialogs() -> impl IntoView {
    let Opened { help, palette, times, asked } = expect_context();
    Effect::new(move |_| {
        // It is tracked whether the dialog is there: at first it comes after it was asked for.
        if let Some(dialog) = asked.get()
            && dialog.get().is_some()
        {
            asked.set(None);
            show(dialog);
        }
    });
    let rows = MAP.iter().map(|(keys, what)| {
        let keys = keys.split(' ').map(|key| {
            if key == "/" && keys.len() > 1 {
                view! { <span>"/"</span> }.erase()
            } else {
                view! { <kbd>{key}</kbd> }.erase()
            }
        });
        view! { <div><dt>{keys.collect_view()}</dt><dd>{*what}</dd></div> }
    });
    view! {
        <Palette dialog=palette opened=times/>
        <dialog class="dash-dialog dash-help" node_ref=help aria-labelledby="help-title">
            <div class="dash-dialog-head">
                <h2 id="help-title">"Keys"</h2>
                <form method="dialog">
                    <button class="td-button td-button-quiet td-button-icon" aria-label="Close"><Icon name="x"/></button>
                </form>
            </div>
            <dl class="dash-keys">{rows.collect_view()}</dl>
        </dialog>
    }
    .erase()
}

fn show(dialog: NodeRef<Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        // It throws when it is open already.
        let _ = dialog.show_modal();
    }
}

pub(super) fn hide(dialog: NodeRef<Dialog>) -> bool {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
    true
}
