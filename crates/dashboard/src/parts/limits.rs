//! The limits of a queue or a kind: in words, and the form that sets them.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use taskdeck_core::{LaneLimits, LaneOf, Rate};
use taskdeck_ui::format::span;
use taskdeck_ui::{Erase, Icon, PostForm, PostState, manage};

use crate::browser;
use crate::parts::press::Refusal;

/// What limits say; `set` is whether a person set them.
pub(crate) fn limits_in_words(limits: &LaneLimits, set: bool) -> String {
    let mut said = Vec::new();
    said.extend(limits.concurrency.map(|most| format!("At most {most} at the same time")));
    said.extend(limits.rate.map(rate_in_words));
    said.extend(limits.partition_concurrency.map(|most| format!("{most} of a partition at the same time")));
    let words = if said.is_empty() { "Not limited".to_owned() } else { said.join(" · ") };
    if set { format!("{words} · set here") } else { words }
}

fn rate_in_words(rate: Rate) -> String {
    let per = match rate.per_ms {
        1_000 => "a second".to_owned(),
        60_000 => "a minute".to_owned(),
        3_600_000 => "an hour".to_owned(),
        86_400_000 => "a day".to_owned(),
        other => format!("in {}", span(other)),
    };
    format!("{} {per}", rate.count)
}

/// The button that opens the form of limits.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn LimitsButton(
    /// A queue or a kind.
    of: LaneOf,
    /// Its name.
    name: String,
    /// Its limits.
    limits: LaneLimits,
    /// Whether a person set them.
    is_set: bool,
    /// Asks for the limits again.
    ask: Callback<()>,
) -> impl IntoView {
    let about = manage::about_lane(of, &name);
    let state = PostState::new(manage::LimitLane::PATH, &about);
    // Without JavaScript the form is closed by then; with it, each field says what is wrong with it.
    let left_in_url = state.error.with_untracked(Option::is_some);
    let other = Memo::new(move |_| {
        state
            .error
            .with(|error| error.as_ref().filter(|error| error.fields().is_none()).map(ToString::to_string))
    });
    let popover = format!("limits-{about}");
    let hide = popover.clone();
    let done = Callback::new(move |_| {
        browser::close_popover(&hide);
        ask.run(());
    });
    let field = |field: &'static str, title: &'static str, help: &'static str, value: Option<String>| {
        let id = format!("{field}-{about}");
        let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
        let described = format!("{help_id} {error_id}");
        let wrong = Memo::new(move |_| {
            state.error.with(|error| error.as_ref()?.fields()?.get(field).map(ToOwned::to_owned))
        });
        view! {
            <div class=move || if wrong.with(Option::is_some) { "td-field td-field-invalid" } else { "td-field" }>
                <label class="td-label" for=id.clone()>{title}</label>
                <input
                    class="td-input"
                    type="text"
                    id=id
                    name=field
                    value=value
                    placeholder="No limit"
                    autocomplete="off"
                    aria-describedby=described
                    aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                />
                <p class="td-help" id=help_id>{help}</p>
                <p class="td-field-error" id=error_id hidden=move || wrong.with(Option::is_none)>
                    {move || wrong.get().unwrap_or_default()}
                </p>
            </div>
        }
        .erase()
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let fields = [
        field(
            "concurrency",
            "At the same time",
            "How many of its tasks run at once, over all nodes.",
            number(limits.concurrency),
        ),
        field(
            "rate",
            "Rate",
            "How often its tasks begin, such as 10/1s or 100/5m.",
            limits.rate.map(|rate| rate.to_string()),
        ),
    ];
    let partition = (of == LaneOf::Kind).then(|| {
        let help = "How many tasks of one partition run at once.";
        field("partition_concurrency", "Of a partition", help, number(limits.partition_concurrency))
    });
    let program = is_set.then(|| {
        view! {
            <button type="submit" class="td-button" name="program" value="true">"As the program says"</button>
        }
    });
    let title = format!("Limits of {name}");
    let (named, opens, id) = (title.clone(), popover.clone(), popover.clone());
    let label = title.clone();
    view! {
        <div class="td-action">
            <button type="button" class="td-button" popovertarget=opens aria-label=named>
                <Icon name="settings"/>
                <span class="td-button-text">"Limits"</span>
            </button>
            <div class="td-ask dash-limits" id=id popover="auto" role="dialog" aria-label=label>
                <h2 class="dash-limits-title">{title}</h2>
                <PostForm state on_done=done>
                    <input type="hidden" name="of" value=of.name()/>
                    <input type="hidden" name="name" value=name/>
                    <div class="dash-limits-fields">
                        {fields} {partition}
                        <p class="td-field-error" role="alert" hidden=move || other.with(Option::is_none)>
                            {move || other.get().unwrap_or_default()}
                        </p>
                    </div>
                    {program}
                    <button type="button" class="td-button" popovertarget=popover popovertargetaction="hide">"Close"</button>
                    <button
                        type="submit"
                        class="td-button td-button-primary"
                        aria-busy=move || state.pending.get().then_some("true")
                    >
                        "Save"
                    </button>
                </PostForm>
            </div>
            {left_in_url.then(|| view! { <Refusal state/> })}
        </div>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_said_in_words() {
        let limits = |concurrency, rate: Option<&str>| LaneLimits {
            concurrency,
            rate: rate.map(|rate| rate.parse().unwrap()),
            partition_concurrency: None,
        };
        assert_eq!(limits_in_words(&limits(None, None), false), "Not limited");
        assert_eq!(
            limits_in_words(&limits(Some(2), Some("10/1m")), false),
            "At most 2 at the same time · 10 a minute"
        );
        assert_eq!(limits_in_words(&limits(None, Some("3/90s")), true), "3 in 1 min 30 s · set here");
    }
}
