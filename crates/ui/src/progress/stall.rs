//! Says when a running task has said nothing for a while.

use leptos::prelude::*;
use taskdeck_core::told::silence;

use crate::live::TaskWatch;
use crate::{Icon, format, use_live};

pub(super) fn stall(watch: TaskWatch, shown: Signal<bool>) -> impl IntoView {
    let now = use_live().now_while(shown);
    let silent = Memo::new(move |_| {
        let now = now.get()?;
        let silent = watch.state.with(|state| silence(state.as_ref()?, now)).filter(|_| !watch.gone.get())?;
        Some(format!("No update for {}", format::duration(silent, false)))
    });
    move || silent.get().map(|text| view! { <p class="td-progress-stall"><Icon name="clock"/>{text}</p> })
}
