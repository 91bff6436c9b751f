//! A file: the browser's own input, with a place around it to drop the file on.

use leptos::ev::DragEvent;
use leptos::html;
use leptos::prelude::*;
use taskdeck_core::form::{self, bytes};
use taskdeck_core::{Param, ParamKind, Upload};

use super::check;
use super::field::Field;
use crate::{Erase, Icon, json};

/// The field of a file. `kept` is the file, as JSON, that is taken when none is chosen; nothing for none.
pub(super) fn file_field(field: Field, param: Param, kept: String) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let over = RwSignal::new(false);
    let chosen = RwSignal::new(None::<String>);
    let accept = match &param.kind {
        ParamKind::File { accept, .. } if !accept.is_empty() => Some(accept.join(",")),
        _ => None,
    };
    let kept = Some(kept).filter(|kept| !kept.is_empty());
    let keeps = kept.as_deref().and_then(|kept| json::from_str::<Upload>(kept).ok());
    let hint = match keeps {
        Some(Upload { name, size, .. }) => {
            format!("Takes {name} ({}) again, unless you choose another", bytes(size))
        }
        None => hint(&param),
    };
    let (name, required) = (param.name.clone(), param.required && kept.is_none());
    // A file that need not be there can be left out.
    let keep = kept.clone().map(|kept| {
        let name = form::kept_name(&param.name);
        if param.required {
            view! { <input type="hidden" name=name value=kept/> }.erase()
        } else {
            view! {
                <label class="td-check"><input type="checkbox" name=name value=kept checked/> "Take it again"</label>
            }
            .erase()
        }
    });
    let (state, described_by, invalid) = (field.form, field.described_by(), field.invalid());
    let id = field.id;
    let dropped_on = param.name.clone();
    let look = move || {
        let Some(input) = input.get_untracked() else { return };
        let file = input.files().and_then(|files| files.get(0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
        chosen.set(file.as_ref().map(|file| bytes(file.size() as u64)));
        state.touch(&param.name);
        let (param, kept) = (param.clone(), kept.clone());
        check::with(Box::new(move |checks| {
            state.set(&param.name, (checks.file)(&param, file.as_ref(), kept.as_deref()));
        }));
    };
    let changed = look.clone();
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        let files = event.data_transfer().and_then(|data| data.files()).filter(|files| files.length() > 0);
        if let (Some(files), Some(input)) = (files, input.get_untracked()) {
            if files.length() > 1 {
                state.touch(&dropped_on);
                state.set(&dropped_on, Some(form::ONE_FILE.to_owned()));
                return;
            }
            input.set_files(Some(&files));
            look();
        }
    };
    let over_it = move |event: DragEvent| {
        // Without this the browser would open the file instead.
        event.prevent_default();
        over.set(true);
    };
    view! {
        <div
            class=move || if over.get() { "td-drop td-drop-over" } else { "td-drop" }
            on:dragover=over_it
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            <Icon name="upload"/>
            {keep}
            <input
                class="td-file"
                type="file"
                id=id
                name=name
                accept=accept
                required=required
                node_ref=input
                aria-describedby=described_by
                aria-invalid=invalid
                on:change=move |_| changed()
            />
            <span class="td-drop-text">{move || chosen.get().unwrap_or_else(|| hint.clone())}</span>
        </div>
    }
}

/// What files are taken.
fn hint(param: &Param) -> String {
    let ParamKind::File { accept, max_bytes } = &param.kind else { return String::new() };
    let mut hint = "or drop it here".to_owned();
    if !accept.is_empty() {
        hint.push_str(&format!(" · {}", accept.join(", ")));
    }
    if let Some(max) = max_bytes {
        hint.push_str(&format!(" · at most {}", bytes(*max)));
    }
    hint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_says_which_files_are_taken() {
        let param = Param::of::<Upload>("file").accept(".csv").max_bytes(50_000_000);
        assert_eq!(hint(&param), "or drop it here · .csv · at most 50.0 MB");
        assert_eq!(hint(&Param::of::<Upload>("file")), "or drop it here");
    }
}
