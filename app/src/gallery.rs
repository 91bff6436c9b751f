//! `/widgets`: every widget of the library, alive, with the code that puts it there.

pub(crate) mod code;
mod examples;

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use taskdeck::dashboard::part;
use taskdeck::ui::{ConnectionNotice, Erase, ToastList, api, load, provide_live, provide_toasts, use_base};
use taskdeck::{TaskId, TaskState};

use examples::{Buttons, Cards, Element, First, Form, Log, Questions, Shown, Typed, When};

/// The page, whose code may be apart.
#[cfg(feature = "ssr")]
pub(crate) fn gallery() -> AnyView {
    code::GALLERY.show()
}

/// The widgets. `?task=` names a task that the first example shows; else it is the newest one.
#[component]
fn Widgets() -> impl IntoView {
    provide_live();
    provide_toasts();
    let query = use_query_map();
    let named = Memo::new(move |_| query.with(|query| query.get("task")?.parse::<TaskId>().ok()));
    let task = load(move || named.get(), newest);
    let shown = move || {
        Suspend::new(async move {
            match task.await {
                Ok(Some(state)) => view! { <Shown state/> }.erase(),
                Ok(None) => FIRST.when_used(named.get_untracked().is_some(), || false),
                Err(error) => view! { <p class="td-cards-empty">{error.to_string()}</p> }.erase(),
            }
        })
    };
    view! {
        <Title text="Widgets"/>
        <main class="gallery">
            <header class="gallery-head">
                <a href=use_base().join("/tasks")>"Taskdeck"</a>
                <h1>"Widgets"</h1>
                <p>
                    "Each of these is one line in a Leptos page. Together they share one live store and one socket; \
                     the server renders them whole, and they go on by polling where there is no socket."
                </p>
                <ConnectionNotice/>
            </header>
            <Example
                title="A task that there is"
                name="TaskProgress"
                text="The card shows a task and never starts one. Its state came with the page, so it is whole before \
                      the WASM is there, and each callback is told once from then on. Beside it is the same task in a \
                      row, by the same subscription."
                code=SHOWN
            >
                <Transition>{shown}</Transition>
            </Example>
            {REST.when_used((), || false)}
            <ToastList/>
        </main>
    }
    .erase_waiting()
}

// Only where there is no task yet.
part!(FIRST, used_widgets_first, bool, first);

fn first(named: bool) -> AnyView {
    view! { <First named/> }.erase()
}

// What one must scroll to comes when one is there.
part!(REST, used_widgets_rest, (), rest);

/// All examples but the first.
fn rest((): ()) -> AnyView {
    view! {
        <Example
            title="When it is shown"
            name="show_if"
            text="A page says when a widget is shown, and to whom. Callbacks are called all the same while it is hidden; \
                  who lacks a permission gets no widget, no callbacks and no question to the server."
            code=WHEN
        >
            <When/>
        </Example>
        <Example
            title="A button that starts"
            name="TaskButton"
            text="The params are a value of the task's own type. While one with the same key is active, another \
                  press shows that one. A question before it starts is optional; a kind that is a danger asks always."
            code=BUTTON
        >
            <Buttons/>
        </Example>
        <Example
            title="Cards that a start adds to"
            name="TaskCards"
            text="The start answers the task's first state, so its card shows at once and misses nothing. \
                  The second kind of end asks before it calls back."
            code=CARDS
        >
            <Cards/>
        </Example>
        <Example
            title="A question and its answer"
            name="TaskConfirmation"
            text="While it waits for a person, a task holds no slot; days and restarts change nothing."
            code=QUESTION
        >
            <Questions/>
        </Example>
        <Example
            title="A form from the params"
            name="TaskForm"
            text="Made from the task's definition, and checked as you type by the code that the server checks with."
            code=FORM
        >
            <Form/>
        </Example>
        <Example
            title="The log of a task"
            name="TaskLog"
            text="The lines come as the task writes them, each once and in order, over reconnects too."
            code=LOG
        >
            <Log/>
        </Example>
        <Example
            title="Without a widget"
            name="use_task"
            text="The state and the typed output as signals, for a page that shows them in its own way."
            code=TYPED
        >
            <Typed/>
        </Example>
        <Example
            title="On any page"
            name="task-progress"
            text="The same widget as a custom element: one script tag, shadow DOM, DOM events, no framework. Pages of \
                  other origins show it with a token; see examples/plain-html."
            code=ELEMENT
        >
            <Element/>
        </Example>
    }
    .erase_waiting()
}

/// The task of this id; without one, the newest.
async fn newest(named: Option<TaskId>) -> Result<Option<TaskState>, taskdeck::ui::ApiError> {
    if let Some(id) = named {
        return Ok(api::states(vec![id]).await?.pop());
    }
    let newest = taskdeck::ListQuery { limit: Some(1), ..taskdeck::ListQuery::default() };
    Ok(api::tasks(newest).await?.tasks.pop())
}

/// One widget: what it is, how it looks, and the code.
#[component]
fn Example(
    /// What it is for.
    title: &'static str,
    /// Its name in the library.
    name: &'static str,
    /// What there is to know.
    text: &'static str,
    /// The code.
    code: &'static str,
    /// The widget.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="gallery-example" id=name aria-label=title>
            <div class="gallery-about">
                <h2>{title}</h2>
                <p>{text}</p>
                <details>
                    <summary>"The code: " <code>{name}</code></summary>
                    <pre><code>{code}</code></pre>
                </details>
            </div>
            <div class="gallery-live">{children()}</div>
        </section>
    }
    .erase_waiting()
}

const SHOWN: &str = "let log = |event: TaskEvent| leptos::logging::log!(\"{event:?}\");

<TaskProgress
    task=state.id
    state=state
    on_progress=log
    on_completed=log
    on_finish=log
/>
<TaskProgress task=id compact=true/>";

const WHEN: &str = "let open = RwSignal::new(true);

<TaskProgress task=id state=state show_if=open on_finish=log/>
<TaskProgress task=id required_permissions=vec![\"reports\".to_owned()]/>";

const BUTTON: &str = "<TaskButton
    params=DemoSteps { steps: 8, step_ms: 800, ending: DemoEnding::Complete, log_lines: 1 }
    text=\"Process 8 steps\"
    key=\"gallery\"
/>";

const CARDS: &str = "let cards = CardList::new(Vec::new());
let start = StartTask::<DemoSteps>::new()
    .on_started(move |started: Started| cards.append(started));
let on = TaskCallbacks::new()
    .on_completed(EventAction::new(log).context(json!({\"source\": \"gallery\"})))
    .on_error(EventAction::new(log)
        .confirm(Confirm::new(\"The demo failed. Note it?\").buttons(\"Note it\", \"Leave it\")));

<button on:click=move |_| start.dispatch(&params)>\"Start\"</button>
<p role=\"alert\">{start.error()}</p>
<TaskCards list=cards on/>";

const QUESTION: &str = "<TaskProgress task=id state=state on_event_notification=log/>
<TaskConfirmation task=id questions=use_questions(id)/>";

const FORM: &str = "let on_started = Callback::new(move |started: Started| cards.append(started));

<TaskForm definition=DemoSteps::definition() on_started/>
<TaskCards list=cards/>";

const LOG: &str = "<TaskLog task=id initial=LogPage::default()/>";

const TYPED: &str = "let demo = use_task::<DemoSteps>(id);
move || match demo.output.get() {
    Some(Ok(summary)) => format!(\"{} steps\", summary.processed),
    Some(Err(why)) => why.to_string(),
    None => \"not yet\".to_owned(),
}";

const ELEMENT: &str = "<script type=\"module\" src=\"https://deck.example/embed/task-progress.js\"></script>
<task-progress task=\"01980a1c-…\" token=\"embed1.…\"></task-progress>";
