//! A kind in the catalog.

use leptos::prelude::*;
use taskdeck_core::Definition;
use taskdeck_ui::{Erase, Icon};

use crate::paths;

/// A card that leads to the form of a kind.
#[component]
pub(crate) fn KindCard(
    /// The kind.
    definition: Definition,
) -> impl IntoView {
    let href = paths::start_kind(&definition.kind);
    let Definition { kind, title, description, icon, tags, danger, expensive, .. } = definition;
    view! {
        <li class="dash-card">
            <span class="dash-card-icon"><Icon name=icon/></span>
            <div class="dash-card-body">
                <h3 class="dash-card-title">
                    <a href=href>{title}</a>
                </h3>
                <p class="dash-card-text">{first_sentence(&description)}</p>
                <p class="dash-card-facts">
                    <code class="dash-card-kind">{kind.to_string()}</code>
                    <Marks danger=danger.is_some() expensive/>
                    {tags.into_iter().map(|tag| view! { <span class="dash-tag">{tag}</span> }).collect_view()}
                </p>
            </div>
        </li>
    }
    .erase()
}

/// What to know before a task of a kind is started.
#[component]
pub(crate) fn Marks(
    /// Whether it may break something.
    danger: bool,
    /// Whether it costs much.
    expensive: bool,
) -> impl IntoView {
    view! {
        {danger
            .then(|| {
                view! {
                    <span class="dash-mark dash-mark-danger"><Icon name="triangle-alert"/>"Asks first"</span>
                }
            })}
        {expensive
            .then(|| {
                view! { <span class="dash-mark"><Icon name="coins"/>"Expensive"</span> }
            })}
    }
    .erase()
}

/// The first sentence of a description: the rest stands at its form.
fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match paragraph.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => paragraph,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_shows_the_first_sentence() {
        assert_eq!(first_sentence("Imports rows. Then more."), "Imports rows.");
        assert_eq!(first_sentence("One\nline\n\nAnother"), "One line");
        assert_eq!(first_sentence(""), "");
    }
}
