//! The examples of the gallery.

#![expect(unreachable_pub, reason = "`#[component]` makes the props of a private component public")]

use leptos::prelude::*;
use taskdeck::ui::{
    CardList, Confirm, Erase, EventAction, StartTask, TaskButton, TaskCallbacks, TaskCards, TaskConfirmation,
    TaskForm, TaskLog, TaskProgress, use_base, use_questions, use_task,
};
use taskdeck::{LogPage, Secret, Started, Task, TaskEvent, TaskId, TaskState};

use crate::tasks::{DemoDay, DemoEnding, DemoForm, DemoQuestion, DemoSize, DemoSteps};

/// What widgets called back with, the last below.
#[derive(Clone, Copy)]
struct Heard(RwSignal<Vec<String>>);

impl Heard {
    fn new() -> Self {
        Self(RwSignal::new(Vec::new()))
    }

    fn note(self, event: &TaskEvent) {
        let mut line = event.event.name().to_owned();
        let more = match (&event.notice, &event.result, &event.error) {
            (Some(notice), ..) => Some(notice.text.clone()),
            (None, Some(result), _) => Some(result.to_string()),
            (None, None, Some(error)) => Some(error.message.clone()),
            _ => None,
        };
        if let Some(more) = more {
            line = format!("{line}: {more}");
        }
        self.0.update(|lines| lines.push(line));
    }

    fn action(self) -> EventAction {
        EventAction::new(move |event| self.note(&event))
    }

    fn view(self) -> AnyView {
        let lines = move || {
            let lines = self.0.get();
            lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()
        };
        view! {
            <div class="gallery-heard">
                <h3>"Called back"</h3>
                <ol aria-live="polite">{lines}</ol>
            </div>
        }
        .erase()
    }
}

const fn demo(steps: u32, step_ms: u64, ending: DemoEnding) -> DemoSteps {
    DemoSteps { steps, step_ms, ending, log_lines: 1 }
}

/// A start button of the page's own, which says why nothing was started.
fn button<T: Task>(text: &'static str, start: StartTask<T>, params: impl Fn() -> T + 'static) -> AnyView {
    face(text, start.pending(), start.error(), move || start.dispatch(&params()))
}

fn face(
    text: &'static str,
    pending: Signal<bool>,
    error: Signal<Option<String>>,
    go: impl Fn() + 'static,
) -> AnyView {
    view! {
        <div class="td-start">
            <button
                type="button"
                class="td-button"
                aria-busy=move || pending.get().then_some("true")
                on:click=move |_| go()
            >
                <span class="td-button-text">{text}</span>
            </button>
            <p class="td-action-error" role="alert" hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
    }
    .erase()
}

/// Where there is no task to show: one is started here.
#[component]
pub(super) fn First(
    /// Whether the page's address names one.
    named: bool,
) -> impl IntoView {
    let start = StartTask::<DemoSteps>::new();
    let text = match named {
        true => "There is no such task (any more).",
        false => "There is no task yet.",
    };
    let shown = move || match start.started().get() {
        Some(state) => view! { <Shown state/> }.erase(),
        None => view! { <p class="td-cards-empty">{text}</p> }.erase(),
    };
    view! {
        {shown}
        <div hidden=move || start.started().with(Option::is_some)>
            {button("Start one", start, || demo(20, 500, DemoEnding::Complete))}
        </div>
    }
    .erase()
}

/// A task as a card and in a row.
#[component]
pub(super) fn Shown(
    /// The task, as the page got it.
    state: TaskState,
) -> impl IntoView {
    let heard = Heard::new();
    let id = state.id;
    let how_far = RwSignal::new(0);
    view! {
        <TaskProgress
            task=id
            state=state
            on_started=heard.action()
            on_progress=move |event: TaskEvent| how_far.set(event.progress.percent().unwrap_or_default())
            on_completed=heard.action()
            on_error=heard.action()
            on_confirmation=heard.action()
            on_update=heard.action()
            on_finish=heard.action()
            on_event_notification=heard.action()
        />
        <TaskProgress task=id compact=true/>
        {heard.view()}
        <p class="gallery-typed" hidden=move || how_far.get() == 0>
            {move || format!("on_progress: {} %", how_far.get())}
        </p>
    }
    .erase()
}

/// A widget that the page shows and hides.
#[component]
pub(super) fn When() -> impl IntoView {
    let (heard, open) = (Heard::new(), RwSignal::new(true));
    let start = StartTask::<DemoSteps>::new();
    let show = move |state: TaskState| {
        let id = state.id;
        let ask = Confirm::new("It ended. Note it?").buttons("Note it", "Leave it");
        view! {
            <label class="td-check">
                <input type="checkbox" checked=true on:change=move |_| open.update(|open| *open = !*open)/>
                " Shown"
            </label>
            <TaskProgress task=id state is_new=true show_if=open on_finish=heard.action().confirm(ask)/>
            <TaskProgress task=id required_permissions=vec!["reports".to_owned()] compact=true/>
        }
        .erase()
    };
    view! {
        {button("Start one to hide", start, || demo(4, 500, DemoEnding::Complete))}
        {once_started(start.started(), show)}
        {heard.view()}
    }
    .erase()
}

/// The same task as a custom element.
#[component]
pub(super) fn Element() -> impl IntoView {
    let start = StartTask::<DemoSteps>::new();
    let show = |state: TaskState| {
        let known = serde_json::to_string(&state).unwrap_or_default();
        let (card, row) = (state.id.to_string(), state.id.to_string());
        view! {
            <task-progress task=card state=known></task-progress>
            <task-progress task=row compact=""></task-progress>
        }
        .erase()
    };
    view! {
        <script type="module" src=use_base().join("/embed/task-progress.js")></script>
        {button("Start one for the element", start, || demo(8, 600, DemoEnding::Complete))}
        {once_started(start.started(), show)}
    }
    .erase()
}

/// A kind that is a danger.
fn dangerous() -> DemoForm {
    DemoForm {
        name: "From the gallery".to_owned(),
        region: "eu-west-1".to_owned(),
        notes: None,
        copies: 1,
        share: 0.5,
        tell: false,
        size: DemoSize::Medium,
        rest: None,
        days: vec![DemoDay::Monday],
        at: None,
        key: Secret::new("none at all"),
        hosts: Vec::new(),
        ports: vec![443],
        settings: serde_json::Value::Null,
        file: None,
        fails: false,
    }
}

/// Buttons that start tasks.
#[component]
pub(super) fn Buttons() -> impl IntoView {
    let confirm = Confirm::new("Start a task that fails?").buttons("Start it", "Leave it");
    view! {
        <TaskButton params=demo(8, 800, DemoEnding::Complete) text="Process 8 steps" key="gallery"/>
        <TaskButton params=demo(2, 300, DemoEnding::Fail) text="Fail after 2 steps" confirm/>
        <TaskButton params=dangerous() text="Start what is a danger"/>
    }
    .erase()
}

/// Cards that starts add to.
#[component]
pub(super) fn Cards() -> impl IntoView {
    let heard = Heard::new();
    let cards = CardList::new(Vec::new());
    let added = move |started: Started| cards.append(started);
    let start = StartTask::<DemoSteps>::new().on_started(added);
    let fail = StartTask::<DemoSteps>::new().label("A demo that fails").on_started(added);
    let noted = heard.action().context(serde_json::json!({"source": "gallery"}));
    let on = TaskCallbacks::new()
        .on_started(heard.action())
        .on_completed(noted)
        .on_error(
            heard.action().confirm(Confirm::new("The demo failed. Note it?").buttons("Note it", "Leave it")),
        )
        .on_finish(heard.action());
    view! {
        <div class="gallery-buttons">
            {button("Start one that completes", start, || demo(4, 500, DemoEnding::Complete))}
            {button("Start one that fails", fail, || demo(2, 300, DemoEnding::Fail))}
        </div>
        <TaskCards list=cards on empty="Nothing was started yet."/>
        {heard.view()}
    }
    .erase()
}

/// What a start answered, shown by `show` once there is one.
fn once_started(
    started: Signal<Option<TaskState>>,
    show: impl Fn(TaskState) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    (move || started.get().map(&show)).erase()
}

/// A task that asks.
#[component]
pub(super) fn Questions() -> impl IntoView {
    let start = StartTask::<DemoQuestion>::new();
    let heard = Heard::new();
    let show = move |state: TaskState| {
        let id = state.id;
        view! {
            <TaskProgress
                task=id
                state=state
                is_new=true
                on_confirmation=heard.action()
                on_update=heard.action()
                on_event_notification=heard.action()
            />
            <TaskConfirmation task=id questions=use_questions(id)/>
        }
        .erase()
    };
    view! {
        <div class="gallery-buttons">
            {button("Start one that asks", start, || DemoQuestion { question: "Shall the demo go on?".to_owned() })}
        </div>
        {once_started(start.started(), show)}
        {heard.view()}
    }
    .erase()
}

/// The form of a kind.
#[component]
pub(super) fn Form() -> impl IntoView {
    let cards = CardList::new(Vec::new());
    let on_started = Callback::new(move |started: Started| cards.append(started));
    view! {
        <TaskForm definition=DemoSteps::definition() on_started=on_started/>
        <TaskCards list=cards/>
    }
    .erase()
}

/// The log of a task that this example starts.
#[component]
pub(super) fn Log() -> impl IntoView {
    let start = StartTask::<DemoSteps>::new();
    let show = |state: TaskState| view! { <TaskLog task=state.id initial=LogPage::default()/> }.erase();
    view! {
        <div class="gallery-buttons">
            {button("Start one that talks", start, || demo(20, 250, DemoEnding::Complete))}
        </div>
        {once_started(start.started(), show)}
    }
    .erase()
}

/// A task as signals.
#[component]
pub(super) fn Typed() -> impl IntoView {
    let start = StartTask::<DemoSteps>::new();
    view! {
        <div class="gallery-buttons">
            {button("Count some steps", start, || demo(3, 400, DemoEnding::Complete))}
        </div>
        {once_started(start.started(), |state| view! { <Count id=state.id/> }.erase())}
    }
    .erase()
}

/// What a demo returned, in words of our own.
#[component]
fn Count(
    /// The task.
    id: TaskId,
) -> impl IntoView {
    let demo = use_task::<DemoSteps>(id);
    let words = move || match demo.output.get() {
        Some(Ok(summary)) => format!("It returned {} steps.", summary.processed),
        Some(Err(why)) => why.to_string(),
        None => {
            let done = demo.state.with(|state| state.as_ref().and_then(|state| state.progress.done));
            let done = done.unwrap_or(0);
            format!("{done} step{} until now", if done == 1 { "" } else { "s" })
        }
    };
    view! { <p class="gallery-typed" aria-live="polite">{words}</p> }.erase()
}
