//! A question to the viewer, in the widget that has it.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use crate::{Confirm, Erase};

/// The question, with its two buttons; `Escape` declines. `first` is the button that says yes; where the question is part
/// of a form it submits it (`submits`), and only a no is answered here.
pub(crate) fn ask(
    confirm: Confirm,
    submits: bool,
    first: NodeRef<leptos::html::Button>,
    answer: Callback<bool>,
) -> AnyView {
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            answer.run(false);
        }
    };
    view! {
        <div class="td-widget-ask" role="alertdialog" aria-label=confirm.text.clone() on:keydown=on_key>
            <p class="td-question-text">{confirm.text.clone()}</p>
            <div class="td-form-actions">
                <button
                    type=if submits { "submit" } else { "button" }
                    class="td-button td-button-primary"
                    node_ref=first
                    on:click=move |_| {
                        if !submits {
                            answer.run(true);
                        }
                    }
                >
                    <span class="td-button-text">{confirm.confirm_text}</span>
                </button>
                <button type="button" class="td-button" on:click=move |_| answer.run(false)>
                    <span class="td-button-text">{confirm.cancel_text}</span>
                </button>
            </div>
        </div>
    }
    .erase()
}

/// Gives a button the keyboard in the next frame, when what was just changed is on the page.
pub(crate) fn focus_soon(button: NodeRef<leptos::html::Button>) {
    request_animation_frame(move || {
        if let Some(button) = button.try_get_untracked().flatten() {
            // One that is gone by now takes no notice.
            let _ = button.focus();
        }
    });
}
