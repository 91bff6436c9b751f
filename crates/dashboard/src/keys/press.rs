//! Listens to the keys, and does what they say.

use leptos::ev::{self, KeyboardEvent};
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use taskdeck_ui::{Erase, Icon, use_base};

use super::palette::Palette;
use super::{Command, MAP, Press, command};
use crate::browser;

/// The keyboard map of every page, its help and its palette.
#[component]
pub(crate) fn Keys() -> impl IntoView {
    let help = NodeRef::<Dialog>::new();
    let palette = NodeRef::<Dialog>::new();
    let opened = RwSignal::new(0_u32);
    let after_g = StoredValue::new(false);
    let navigate = use_navigate();
    let base = use_base();
    let open_palette = move || {
        opened.update(|opened| *opened += 1);
        show(palette);
    };
    let on_key = move |event: KeyboardEvent| {
        let typing = browser::is_typing();
        let key = event.key();
        let press =
            Press { key: &key, ctrl: event.ctrl_key() || event.meta_key(), alt: event.alt_key(), typing };
        let (command, is_first) = command(press, after_g.get_value());
        after_g.set_value(is_first);
        let Some(command) = command else { return };
        // A dialog has the keys for itself; Escape closes it by itself.
        if browser::has_dialog() && command != Command::Palette {
            return;
        }
        let done = match command {
            Command::Search => browser::focus("#search"),
            Command::Help => show(help),
            Command::Palette => {
                if palette.get_untracked().is_some_and(|dialog| dialog.open()) {
                    hide(palette)
                } else {
                    open_palette();
                    true
                }
            }
            Command::Go(page) => {
                navigate(&base.join(page), NavigateOptions { resolve: false, ..NavigateOptions::default() });
                true
            }
            Command::Down => browser::step_row(true),
            Command::Up => browser::step_row(false),
            Command::Select => browser::press_in_row(".dash-row-choose input"),
            Command::Cancel => browser::press_action("Cancel"),
            Command::Retry => browser::press_action("Retry"),
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
        <button type="button" class="dash-palette-button" aria-keyshortcuts="Control+K" on:click=move |_| open_palette()>
            <Icon name="search"/>
            <span class="dash-palette-text">"Go to…"</span>
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </button>
        <Palette dialog=palette opened/>
        <dialog class="dash-dialog dash-help" node_ref=help aria-labelledby="help-title">
            <header class="dash-dialog-head">
                <h2 id="help-title">"Keys"</h2>
                <form method="dialog">
                    <button class="td-button td-button-quiet td-button-icon" aria-label="Close"><Icon name="x"/></button>
                </form>
            </header>
            <dl class="dash-keys">{rows.collect_view()}</dl>
        </dialog>
    }
    .erase()
}

fn show(dialog: NodeRef<Dialog>) -> bool {
    // It throws when it is open already.
    dialog.get_untracked().is_some_and(|dialog| dialog.show_modal().is_ok())
}

pub(super) fn hide(dialog: NodeRef<Dialog>) -> bool {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
    true
}
