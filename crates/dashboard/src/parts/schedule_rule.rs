//! The rule in the form of a schedule: the cron expression and its time zone, what is wrong with them, and what they mean.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::Schedule;
use taskdeck_ui::manage::Explained;
use taskdeck_ui::{ApiError, Erase, PostState, TimeAgo, manage, own_time_zone};

use super::fresh::Fresh;

/// Rules that people often want.
const EXAMPLES: [(&str, &str); 5] = [
    ("Every hour", "0 * * * *"),
    ("Every night", "0 3 * * *"),
    ("Weekday mornings", "0 9 * * 1-5"),
    ("Mondays", "0 9 * * 1"),
    ("1st of the month", "0 6 1 * *"),
];
/// Offered to those who do not know how theirs is called; any other of the IANA list will do.
const ZONES: [&str; 18] = [
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Istanbul",
    "Africa/Lagos",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
];
/// What one types is looked at when one stops for so long.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// When: the cron expression and its time zone, and what they mean.
#[component]
pub(crate) fn Rule(
    /// Of the form.
    state: PostState,
    /// What it means.
    told: Explained,
    /// The schedule, if it is there already.
    of: Option<Fresh<Schedule>>,
    /// To begin with.
    cron: String,
    /// To begin with; the reader's own when not said, which only the browser knows.
    zone: Option<String>,
) -> impl IntoView {
    let begins_with_own = zone.is_none();
    let (cron, zone) = (RwSignal::new(cron), RwSignal::new(zone.unwrap_or_else(|| "UTC".to_owned())));
    let known = RwSignal::new(told);
    let is_own = Memo::new(move |_| {
        of.is_some_and(|of| {
            let (cron, zone) = (cron.get(), zone.get());
            of.shown.with(|now| now.spec.cron == cron.trim() && now.spec.time_zone == zone_or_utc(&zone))
        })
    });
    let paused = Memo::new(move |_| of.is_some_and(|of| of.shown.with(|now| now.paused_at.is_some())));
    let asked = StoredValue::new(0_u32);
    let look = move || {
        let Some(this) = asked.try_update_value(|asked| {
            *asked += 1;
            *asked
        }) else {
            return;
        };
        set_timeout(
            move || {
                if asked.try_get_value() != Some(this) {
                    return;
                }
                let (cron, zone) = (cron.get_untracked(), zone.get_untracked());
                spawn_local(async move {
                    let answer = explain(cron, zone).await;
                    // A later question has a later answer.
                    if asked.try_get_value() == Some(this)
                        && let Ok(answer) = answer
                    {
                        known.try_set(answer);
                    }
                });
            },
            PAUSE,
        );
    };
    Effect::new(move |_| {
        let own = own_time_zone().filter(|own| begins_with_own && *own != zone.get_untracked());
        if let Some(own) = own {
            zone.set(own);
            look();
        }
    });
    let cron_field = RuleField::new(known, "cron");
    let zone_field = RuleField::new(known, "time_zone");
    // What the form was refused for is told where it is, as if it had been typed just now.
    Effect::new(move |_| {
        let refused = state.error.with(|error| error.as_ref().and_then(ApiError::fields).cloned());
        let Some(problems) = refused else { return };
        let field = match (problems.get("cron"), problems.get("time_zone")) {
            (Some(_), _) => cron_field,
            (None, Some(_)) => zone_field,
            (None, None) => return,
        };
        known.set(Explained { problems, ..Explained::default() });
        if let Some(input) = field.input.get_untracked() {
            let _ = input.focus();
        }
    });
    let examples = EXAMPLES.map(|(title, rule)| {
        let press = move |_| {
            cron.set(rule.to_owned());
            known.update(|known| drop(known.problems.0.remove("cron")));
            look();
        };
        view! { <button type="button" class="dash-example" on:click=press>{title}</button> }
    });
    let zones = ZONES.map(|zone| view! { <option value=zone></option> });
    view! {
        <div class="td-field" class:td-field-invalid=move || cron_field.is_wrong()>
            <label class="td-label" for="schedule-cron">"When" <span class="td-required" aria-hidden="true">"*"</span></label>
            <input
                class="td-input dash-cron"
                type="text"
                id="schedule-cron"
                name="cron"
                required
                autocomplete="off"
                spellcheck="false"
                placeholder="0 3 * * *"
                aria-describedby="schedule-cron-error schedule-cron-help schedule-preview"
                aria-invalid=move || cron_field.is_wrong().then_some("true")
                node_ref=cron_field.input
                prop:value=move || cron.get()
                value=cron.get_untracked()
                on:input=move |event| {
                    cron.set(event_target_value(&event));
                    cron_field.changed();
                    look();
                }
            />
            <p class="td-help" id="schedule-cron-help">
                "Minute, hour, day of the month, month, day of the week; six fields begin with seconds."
            </p>
            {cron_field.problem("schedule-cron-error")}
            <div class="dash-examples">{examples}</div>
        </div>
        <div class="td-field" class:td-field-invalid=move || zone_field.is_wrong()>
            <label class="td-label" for="schedule-zone">"Time zone"</label>
            <input
                class="td-input"
                type="text"
                id="schedule-zone"
                name="time_zone"
                list="schedule-zones"
                aria-describedby="schedule-zone-error"
                aria-invalid=move || zone_field.is_wrong().then_some("true")
                node_ref=zone_field.input
                autocomplete="off"
                spellcheck="false"
                prop:value=move || zone.get()
                value=zone.get_untracked()
                on:input=move |event| {
                    zone.set(event_target_value(&event));
                    zone_field.changed();
                    look();
                }
            />
            <datalist id="schedule-zones">{zones}</datalist>
            {zone_field.problem("schedule-zone-error")}
        </div>
        <div
            class="dash-preview"
            id="schedule-preview"
            aria-live="polite"
            data-own=move || is_own.get().then_some("")
        >
            <Preview told=known is_own paused/>
        </div>
    }
    .erase()
}

/// A field of the rule, and what the server says is wrong with it.
#[derive(Clone, Copy)]
struct RuleField {
    input: NodeRef<html::Input>,
    error: Memo<Option<String>>,
}

impl RuleField {
    fn new(known: RwSignal<Explained>, name: &'static str) -> Self {
        let error = Memo::new(move |_| known.with(|known| known.problems.get(name).map(ToOwned::to_owned)));
        let field = Self { input: NodeRef::new(), error };
        // A rule that is known to be wrong is not sent: the browser goes to the field instead.
        Effect::new(move |_| field.hold(&error.get().unwrap_or_default()));
        field
    }

    /// Says to the browser why the form cannot be sent; nothing where it can.
    fn hold(self, why: &str) {
        if let Some(input) = self.input.get_untracked() {
            input.set_custom_validity(why);
        }
    }

    /// What was typed since is not known to be wrong.
    fn changed(self) {
        self.hold("");
    }

    fn is_wrong(self) -> bool {
        self.error.with(Option::is_some)
    }

    fn problem(self, id: &'static str) -> AnyView {
        view! {
            <p class="td-field-error" id=id hidden=move || !self.is_wrong()>
                {move || self.error.get().unwrap_or_default()}
            </p>
        }
        .erase()
    }
}

/// Asks the server what a rule means.
pub(crate) async fn explain(cron: String, zone: String) -> Result<Explained, ApiError> {
    if cron.trim().is_empty() {
        return Ok(Explained::default());
    }
    manage::next_times(cron, zone_or_utc(&zone).to_owned()).await
}

/// What the server takes an empty zone for.
fn zone_or_utc(zone: &str) -> &str {
    if zone.trim().is_empty() { "UTC" } else { zone.trim() }
}

#[component]
fn Preview(
    /// What is known of the rule.
    told: RwSignal<Explained>,
    /// Whether it is the schedule's, whose next times the page shows anyway.
    is_own: Memo<bool>,
    /// Whether nothing comes of it for now.
    paused: Memo<bool>,
) -> impl IntoView {
    move || {
        if is_own.get() {
            return view! { <p class="td-help">"Its rule is this one. Change it, and what it means then is shown here."</p> }
                .erase();
        }
        let Explained { next, problems } = told.get();
        if !problems.is_empty() {
            return view! { <p class="td-help">"What it means is shown here once it is right."</p> }.erase();
        }
        if next.in_words.is_empty() {
            return view! { <p class="td-help">"Write a rule, or press one above: what it means is shown here."</p> }.erase();
        }
        // How soon a time comes is said only of one that will come.
        let paused = paused.get();
        let times = next.next_five.into_iter().zip(next.next_five_local).map(|(at, local)| {
            let soon = (!paused).then(|| view! { <TimeAgo at=at/> });
            view! { <li><span class="num">{local}</span> {soon}</li> }
        });
        let times = times.collect_view();
        view! {
            <p class="dash-words">{next.in_words}</p>
            {paused.then(|| view! { <p class="td-help">"It is paused: until it is resumed, these times pass without a task."</p> })}
            <ol class="dash-times">{times}</ol>
        }
        .erase()
    }
}
