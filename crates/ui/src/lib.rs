//! Leptos components and server functions of Taskdeck, and the live store that keeps a page true.
//!
//! A page that shows tasks does three things: it calls [`provide_live`] once (at the top of the app), it gives what
//! the server rendered to the store ([`LiveStore::seed`]; the components do it with their props), and it puts the
//! components where they belong. Everything else (one socket a page, reconnect, polling, clean-up) is the store's.
//!
//! The components hold no clock, no locale and no chance in what they render first, so that the server's HTML and
//! the browser's first view are the same; after hydration they tick. Where a name of a task's making is shown, it is
//! a text node. Nothing uses a `style` attribute or an inline handler.
//!
//! # Contexts
//!
//! | context | who provides it | what for |
//! |---|---|---|
//! | [`LiveStore`] | the app: [`provide_live`] | live states, logs, lists, counts; made on demand when absent |
//! | [`BasePath`] | the app, when it is not mounted at `/`: [`provide_base`]; for server functions also in the request's extensions; the shell writes `<meta name="taskdeck-base" content="/deck">` | every link, form action and request |
//! | [`Access`] | the app, once there is sign-in | hides what the viewer may not do; absent means everything (the server checks) |
//! | [`Toasts`] | the app: [`provide_toasts`], with a [`ToastList`] where they are shown | says what was started; absent means nothing is said |
//! | [`FormDraft`] | the server, when it renders a start form again | what was typed, and what is wrong with it. Such a page is not hydrated, or the browser's app provides the same draft |
//!
//! A page that says when it was made (`<meta name="taskdeck-now" content=page_clock()>`, see [`server`]) shows the same
//! times before and after it comes alive.
//!
//! A server without a socket says so by `<meta name="taskdeck-socket" content="off">`; its pages poll from the start.
//!
//! # Components, their props and the classes they emit
//!
//! Props in brackets are optional; `S<T>` takes a `T` or any signal of it. Every class starts with `td-`.
//!
//! - **[`TaskProgress`]** `task: TaskId`, `[state: Option<TaskState>]` (the seed), `[compact: bool]`,
//!   `[actions: bool = true]`, `[on_started, on_progress, on_completed, on_error, on_confirmation, on_update, on_finish,
//!   on_event_notification: EventAction]` (a closure that takes a `TaskEvent`, or one with a question before it),
//!   `[on: TaskCallbacks]`, `[show_if, hide_if: S<bool>]`, `[required_permissions: Vec<String>]`.
//!   Card: `section.td-progress[data-status]` (`data-partial` as on the badge) > `header.td-progress-head` (`div.td-progress-label`, badge),
//!   `progress.td-bar`, `div.td-progress-facts` (`.td-progress-percent`, `-done`, `-step`, `-elapsed`, `-eta`, `-tries`,
//!   `p.td-progress-stall`: a running task that says nothing), `div.td-progress-foot` (`p.td-progress-message`,
//!   `p.td-progress-note` + `.td-note-error`, `.td-note-cancel`, `.td-note-partial` (also: it asks), `.td-note-away`,
//!   `div.td-progress-actions`), `p.td-sr-only[aria-live]`. The facts, the message and the note are always there,
//!   and `:empty` when there is nothing to say; the message has the note's place. It says when the page is not live,
//!   unless there is a [`ConnectionNotice`]. `data-status` is `gone` for a task that was deleted before its end was seen.
//!   Compact: `div.td-progress-compact[data-status]` > `progress.td-bar`, `.td-progress-percent`, badge,
//!   `div.td-progress-foot` (message or note, in one line): of one height in every state.
//!   A question before a callback: `div.td-widget-asks[aria-live]` > `div.td-widget-ask[role=alertdialog]` >
//!   `p.td-question-text`, `div.td-form-actions`.
//! - **[`ProgressRow`]** `state: TaskState`, `[shown: Signal<bool>]`: for a list that shows the status elsewhere:
//!   `div.td-progress-row[data-status]` > `progress.td-bar`, `.td-progress-percent`, `.td-progress-message` while it
//!   runs, else `p.td-progress-note`.
//! - **[`TaskCards`]** `list: CardList`, `[on: TaskCallbacks]`, `[actions]`, `[empty: String]`: `p.td-cards-empty`,
//!   `ol.td-cards` > `li` > a card.
//! - **[`TaskButton`]** `params: T`, `[text]`, `[confirm: Confirm]`, `[key]`, `[on_started: Callback<Started>]`,
//!   `[on: TaskCallbacks]`, `[bar: bool = true]`: `div.td-start` > `form` > `button.td-button.td-button-primary`, or
//!   `div.td-widget-ask`; `p.td-action-error`, a compact `TaskProgress`.
//! - **[`StatusBadge`]** `status: S<Status>`, `[partial: S<bool>]`: `span.td-badge[data-status]` > icon,
//!   `.td-badge-text`; `data-partial` when parts were left out.
//! - **[`Icon`]** `name: S<String>` (of Lucide; an unknown one is a circle), `[label: String]`: `svg.td-icon` (24 by 24,
//!   `currentColor`; a `loader` also has `.td-spin`). [`status_icon`] names a status's.
//! - **[`TimeAgo`]** `at: S<Timestamp>`: `time.td-time[datetime][title]`.
//! - **[`Duration`]** `from: S<Timestamp>`, `[until: S<Option<Timestamp>>]` (ticks while it is `None`): `span.td-duration`.
//! - **[`ConnectionNotice`]**: `div.td-connection[role=status][data-connection=live|connecting|polling|offline]` (empty
//!   and `hidden` while all is well) > icon, `.td-connection-text`, `.td-duration`, `button.td-button.td-button-quiet`.
//! - **[`CancelButton`]** `task`, `[label: S<String>]` (what a person calls the task), `[on_done: Callback<()>]`,
//!   `[compact: bool]`; **[`RetryButton`]** also `[text: &'static str]`; **[`DeleteButton`]** also `[back: String]` (the path under the base
//!   to go to afterwards; needed on the task's own page).
//!   `div.td-action` > `p.td-action-error[role=alert]` after either `form` > `button.td-button` (nothing is lost), or
//!   `button.td-button` that opens `div.td-ask[popover]` > `p.td-ask-text`, `form` (keep, do). Buttons are
//!   `button.td-button` + `.td-button-primary`, `-danger`, `-quiet`, `-icon` (compact: the text in `.td-sr-only`), with
//!   `.td-button-text`; pending: `[aria-busy=true]`.
//! - **[`TaskConfirmation`]** `task`, `questions: S<Vec<OpenQuestion>>`: for each one that is open
//!   `form.td-form.td-question` > `p.td-question-text`, fields, `p.td-action-error[role=alert]`,
//!   `div.td-form-actions`; for an answered one `div.td-question` > `p.td-question-text`, `p.td-help`.
//! - **[`TaskForm`]** `definition: Definition`, `[action: String]` (where a form without JavaScript posts;
//!   `{base}/_taskdeck/start_task` when not said), `[on_started: Callback<Started>]` (else it goes to `/tasks/{id}`),
//!   `[on_run: Callback<Started>]` (a second button, which starts and stays), `[initial: Vec<(String, String)>]` (values to begin with),
//!   `[retries: Option<TaskId>]` (the failed task that is given these params and tried again, where none is started). `form.td-form` > `div.td-form-summary[role=alert]` (`p`,
//!   `ul`), `div.td-danger`, fields, `div.td-form-actions`, `div.td-upload` (`progress.td-bar`, `.td-upload-text`).
//! - **[`FieldInput`]** (one field) `param: Param`, `[form: FormState]`, `[value: String]`: `div.td-field[data-type]` +
//!   `.td-field-invalid` > `label.td-label` (or `fieldset > legend.td-label`) + `.td-required`, `p.td-help`, `.td-input`,
//!   `.td-textarea`, `.td-select`, `label.td-check` or `.td-radios > label.td-radio`, `p.td-field-error`; a file:
//!   `div.td-drop` + `.td-drop-over` > icon, `input.td-file`, `.td-drop-text`.
//!   Several: `fieldset > .td-radios > label.td-check`; a time: `div.td-date` > `input.td-input`, `.td-date-zone`.
//! - **[`ToastList`]**: `div.td-toasts[role=status]` > `div.td-toast` > icon, `.td-toast-text`, `a.td-toast-link`, a button.
//! - **[`PostForm`]** `state: PostState`, `on_done: Callback<Value>`, `[class]`, `[novalidate: bool]`, children: a plain `form`
//!   to a server function that takes one; with scripts it is sent without leaving the page.
//! - **[`TaskLog`]** `task: TaskId`, `initial: LogPage` (its tail), `[problem: Option<String>]` (why there is none): `section.td-log` > `div.td-log-bar`
//!   (`.td-log-count`, `label.td-toggle`, buttons, a link to `{base}/api/tasks/{id}/log.txt`, `.td-field-error`), `ol.td-log-lines` +
//!   `.td-log-wrap` > `li.td-log-line[data-level]` > `.td-log-seq`, `time.td-log-time`, `.td-log-level`, `.td-log-text` >
//!   `span` with `td-ansi-{black,red,green,yellow,blue,magenta,cyan,white}`, `td-ansi-bright-*`, `td-ansi-bg-*`,
//!   `td-ansi-bg-bright-*`, `td-ansi-{bold,dim,italic,underline,inverse,strike}`; `p.td-log-empty`.
//!
//! # Style
//!
//! [`STYLE`] is the style of all of these, for a page that has none of Taskdeck's own: nothing else of the page is touched,
//! and every colour and size is a custom property (`--td-accent`, `--td-radius`, ..) that the page may set.
//!
//! # Without a widget
//!
//! [`StartTask`] starts tasks of a kind from an event handler, [`use_task`] is a task with its typed output,
//! [`use_questions`] what a task asks. Whatever watches the same task shares one subscription.
//!
//! # Server
//!
//! The server functions are in [`api`], those for queues, schedules and settings in [`manage`]. Each takes the `Client` from the request's extensions, where the guard of
//! `taskdeck-axum` puts it. [`server`]`::start_from_form` (with `ssr`) starts a task from a multipart form and gives
//! back what was typed when it is refused.

#![expect(unreachable_pub, reason = "`#[component]` writes public items into private modules")]

mod actions;
mod again;
pub mod api;
mod ask;
mod badge;
mod browser;
mod button;
mod call;
mod cards;
mod client;
mod codec;
mod connection;
mod context;
mod erase;
mod error;
mod form;
mod go;
mod icon;
mod json;
pub mod live;
mod load;
mod log;
pub mod manage;
mod permission;
mod post;
mod progress;
mod question;
#[cfg(test)]
mod sample;
#[cfg(feature = "ssr")]
mod schedule_form;
pub mod server;
#[cfg(feature = "ssr")]
mod server_view;
pub mod small;
mod start;
#[cfg(feature = "ssr")]
mod start_page;
mod style;
mod time;
mod toast;
mod use_task;

pub use actions::{CancelButton, DeleteButton, RetryButton, START_NOW};
pub use again::until_answered;
pub use badge::StatusBadge;
pub use button::TaskButton;
pub use call::Call;
pub use cards::{CardList, TaskCards};
pub use client::{BaseClient, BaseRequest};
pub use connection::ConnectionNotice;
pub use context::{Access, AnswerDraft, BasePath, FormDraft, provide_base, use_access, use_base};
pub use erase::Erase;
pub use error::ApiError;
pub use form::{FieldInput, FormState, TaskForm};
pub use icon::{Icon, status_icon};
pub use json::{Json, JsonEncoding};
pub use live::{Connection, LiveStore, NewTasks, TaskWatch, provide_live, use_live};
pub use load::{Loaded, load};
pub use log::TaskLog;
pub use permission::{Notification, Permission, ask_for_notifications, notification_permission};
pub use post::{PostForm, PostState};
pub use progress::{Confirm, EventAction, ProgressCard, ProgressRow, TaskCallbacks, TaskProgress};
pub use question::TaskConfirmation;
pub use start::StartTask;
pub use style::STYLE;
/// Numbers and times as people read them.
#[doc(inline)]
pub use taskdeck_core::{ansi, format};
pub use time::{Duration, TimeAgo, own_time_zone, tell_log_times, tell_times};
pub use toast::{ToastList, Toasts, provide_toasts, use_toasts};
pub use use_task::{UseTask, use_questions, use_task};
