//! What the server renders: whole, escaped, the same whenever it is rendered, and without a style or a handler.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

#[path = "../src/sample.rs"]
mod sample;

use leptos::prelude::*;
use taskdeck_core::{
    Answer, CancelInfo, Choice, Definition, ErrorInfo, FieldErrors, Kind, LogLevel, LogLine, LogPage,
    OpenQuestion, Param, ParamKind, Question, QuestionOutcome, Status, Step, Upload, UserId,
};
use taskdeck_ui::{
    Access, CardList, FormDraft, ProgressRow, TaskButton, TaskCards, TaskConfirmation, TaskForm, TaskLog,
    TaskProgress, provide_base, provide_live,
};

use self::sample::{T0, task};

const HOSTILE: &str = "<script>alert(1)</script>";

/// The HTML, one element a line.
fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let owner = Owner::new();
    let html = owner.with(|| {
        provide_live();
        view().into_view().to_html()
    });
    let html = html.replace("<!>", "").replace("><", ">\n<");
    assert!(!html.contains(" style="), "{html}");
    let handler =
        |rest: &str| rest.find('=').is_some_and(|end| rest[..end].bytes().all(|b| b.is_ascii_lowercase()));
    assert!(!html.split(" on").skip(1).any(handler), "{html}");
    assert!(!html.contains("<script"), "{html}");
    html
}

#[test]
fn a_running_task_is_a_card_with_all_that_is_known() {
    let mut task = task(Status::Running);
    task.progress.set_done(1_234, 5_000);
    task.progress.unit = Some("rows".to_owned());
    task.progress.step = Some(Step { name: "Read".to_owned(), number: 2, of: 8 });
    task.progress.message = Some(HOSTILE.to_owned());
    task.progress.eta_ms = Some(12_000);
    insta::assert_snapshot!(html(move || view! { <TaskProgress task=task.id state=task/> }));
}

#[test]
fn a_task_that_is_being_cancelled_says_since_when_and_by_whom() {
    let mut task = task(Status::Running);
    task.cancel = Some(CancelInfo {
        requested_at: T0.plus_millis(5_000),
        by: UserId::new("ann").ok(),
        reason: Some("wrong file".to_owned()),
    });
    let html = html(move || view! { <TaskProgress task=task.id state=task/> });
    assert!(html.contains("since 00:00:05 UTC") && html.contains("by ann, because: wrong file"), "{html}");
    assert!(!html.contains("cancel_task"), "it is cancelled once");
}

#[test]
fn a_failed_task_shows_its_error_and_offers_a_retry() {
    let mut task = task(Status::Failed);
    task.ended_at = Some(T0.plus_millis(8_000));
    task.error = Some(ErrorInfo { code: "error".to_owned(), message: HOSTILE.to_owned() });
    insta::assert_snapshot!(html(move || {
        provide_base("/deck");
        view! { <TaskProgress task=task.id state=task/> }
    }));
}

#[test]
fn a_row_has_a_bar_while_it_runs_and_a_note_when_it_does_not() {
    let mut running = task(Status::Running);
    running.progress.set_fraction(0.42);
    insta::assert_snapshot!(html(move || view! { <ProgressRow state=running/> }));
    let mut failed = task(Status::Failed);
    failed.error = Some(ErrorInfo { code: "error".to_owned(), message: "no such table".to_owned() });
    let html = html(move || view! { <ProgressRow state=failed/> });
    assert!(!html.contains("<progress") && html.contains("no such table"), "{html}");
}

#[test]
fn the_compact_form_has_bar_percent_and_status_in_every_status() {
    for status in Status::ALL {
        let mut task = task(status);
        task.progress.set_fraction(0.42);
        let html = html(move || view! { <TaskProgress task=task.id state=task compact=true/> });
        let percent = if status == Status::Completed { "100 %" } else { "42 %" };
        assert!(
            html.contains("<progress") && html.contains(percent) && html.contains(status.title()),
            "{html}"
        );
        assert!(html.contains("td-progress-message") && html.contains("td-progress-note"), "{html}");
    }
}

#[test]
fn a_task_that_asks_leads_to_its_page_and_an_interrupted_one_is_resumed() {
    let shown = |status, compact: bool, actions: bool| {
        let task = task(status);
        html(move || {
            provide_base("/deck");
            view! { <TaskProgress task=task.id state=task compact actions/> }
        })
    };
    for compact in [false, true] {
        let asks = shown(Status::WaitingConfirmation, compact, true);
        assert!(
            asks.contains("It waits for an answer.") && asks.contains("href=\"/deck/tasks/019b"),
            "{asks}"
        );
        let no_link = shown(Status::WaitingConfirmation, compact, false);
        assert!(no_link.contains("It waits for an answer.") && !no_link.contains("href="), "{no_link}");
    }
    let interrupted = shown(Status::Interrupted, false, true);
    assert!(
        interrupted.contains(">Resume</span>") && !interrupted.contains(">Retry</span>"),
        "{interrupted}"
    );
}

#[test]
fn a_widget_is_shown_and_hidden_as_the_page_says() {
    let shown = |show_if: bool, hide_if: bool| {
        let task = task(Status::Running);
        html(move || view! { <TaskProgress task=task.id state=task show_if hide_if/> })
    };
    assert!(shown(true, false).contains("td-progress"));
    for (show_if, hide_if) in [(false, false), (true, true), (false, true)] {
        assert!(!shown(show_if, hide_if).contains("td-progress"), "{show_if} {hide_if}");
    }
}

#[test]
fn a_widget_is_for_those_who_have_its_permissions() {
    let shown = |own: &[&str]| {
        let task = task(Status::Running);
        let permissions = Some(own.iter().map(|name| (*name).to_owned()).collect());
        html(move || {
            provide_context(Access { operate: true, permissions });
            view! { <TaskProgress task=task.id state=task required_permissions=vec!["money".to_owned()]/> }
        })
    };
    assert!(shown(&["money"]).contains("td-progress"));
    assert!(!shown(&[]).contains("td-progress"));
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct PayOut {
    amount: u32,
    note: String,
}

impl taskdeck_core::Task for PayOut {
    const KIND: &'static str = "pay_out";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.title = "Pay out".to_owned();
        definition.danger = Some("Moves money.".to_owned());
        definition.params = vec![Param::of::<u32>("amount"), Param::of::<String>("note")];
        definition
    }
}

#[test]
fn a_button_is_a_plain_form_that_does_not_confirm_a_danger_by_itself() {
    let params = PayOut { amount: 7, note: HOSTILE.to_owned() };
    let html = html(move || view! { <TaskButton params=params key="one" label="Wages of May"/> });
    for field in [
        r#"name="_kind" value="pay_out""#,
        r#"name="amount" value="7""#,
        r#"name="_key" value="one""#,
        r#"name="_label" value="Wages of May""#,
        "/_taskdeck/start_task",
        "Pay out",
    ] {
        assert!(html.contains(field), "{field} in {html}");
    }
    assert!(!html.contains("_confirm") && !html.contains("alertdialog"), "{html}");
}

#[test]
fn cards_are_in_the_page_that_the_server_sends() {
    let task = task(Status::Completed);
    let cards = html(move || {
        view! { <TaskCards list=CardList::new(vec![task]) empty="Nothing yet."/> }
    });
    assert!(cards.contains("Import flights.csv") && !cards.contains("Nothing yet."), "{cards}");
    let none = html(|| view! { <TaskCards list=CardList::new(Vec::new()) empty="Nothing yet."/> });
    assert!(none.contains("Nothing yet."));
}

fn definition() -> Definition {
    let options = |values: &[&str]| {
        let choice = |value: &&str| Choice { value: (*value).to_owned(), title: value.to_uppercase() };
        ParamKind::Choice { options: values.iter().map(choice).collect() }
    };
    let mut definition = Definition::new(Kind::new("import_csv").unwrap());
    definition.danger = Some("Replaces the table.".to_owned());
    definition.params = vec![
        Param::of::<Upload>("file")
            .title("File")
            .help("The file to import.")
            .accept(".csv")
            .max_bytes(50_000_000),
        Param::of::<String>("table").default_of("flights"),
        Param::of::<Option<u32>>("limit"),
        Param::of::<bool>("header").default_of(true),
        Param::new("mode", options(&["append", "replace"])),
        Param::new("encoding", options(&["utf8", "latin1", "ascii", "utf16", "cp1252"])),
        Param::of::<serde_json::Value>("options").default_of(serde_json::json!({"a": 1})),
        Param::of::<Option<String>>("note").multiline(),
    ];
    definition
}

#[test]
fn a_form_has_a_field_for_each_param() {
    insta::assert_snapshot!(html(|| view! { <TaskForm definition=definition()/> }));
}

#[test]
fn a_form_that_was_refused_shows_what_was_typed_and_what_is_wrong() {
    let mut errors = FieldErrors::default();
    errors.add("limit", "Enter a whole number.");
    errors.add("file", "Choose a file.");
    let typed = [("table", HOSTILE), ("limit", "many"), ("mode", "replace")];
    let draft = FormDraft {
        kind: Kind::new("import_csv").unwrap(),
        fields: typed.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        errors,
        problem: None,
    };
    let html = html(move || {
        provide_context(draft);
        view! { <TaskForm definition=definition()/> }
    });
    assert!(html.contains("Not started: 2 fields need another look."), "{html}");
    assert!(html.contains("value=\"many\""), "{html}");
    assert!(!html.contains("name=\"header\" checked"), "a box that was off stays off: {html}");
    assert_eq!(html.matches("td-field-invalid").count(), 2, "{html}");
}

#[test]
fn a_log_is_text_with_looks() {
    let line = |seq, level, text: &str| LogLine { seq, at: T0, level, attempt: 1, text: text.to_owned() };
    let lines = vec![
        line(41, LogLevel::Info, "plain"),
        line(42, LogLevel::Warn, "\u{1b}[1;31mred\u{1b}[0m and <b>not bold</b>"),
        line(43, LogLevel::Error, "\u{1b}]8;;javascript:alert(1)\u{1b}\\link\u{1b}]8;;\u{1b}\\"),
        line(44, LogLevel::Debug, ""),
    ];
    let page = LogPage { lines, last_seq: 44, more: false };
    let id = task(Status::Running).id;
    insta::assert_snapshot!(html(move || view! { <TaskLog task=id initial=page/> }));
}

#[test]
fn an_empty_log_says_so() {
    let id = task(Status::Running).id;
    let html = html(move || view! { <TaskLog task=id initial=LogPage::default()/> });
    assert!(html.contains("Nothing is written yet."), "{html}");
}

fn asked(outcome: QuestionOutcome, answer: Option<Answer>) -> OpenQuestion {
    let question = Question::new("go_on", HOSTILE)
        .buttons("Delete them", "Keep them")
        .field(Param::of::<String>("reason"));
    OpenQuestion { question, asked_at: T0, until: None, outcome, answer }
}

#[test]
fn an_open_question_is_a_plain_form_with_two_answers() {
    let id = task(Status::WaitingConfirmation).id;
    let questions = vec![asked(QuestionOutcome::Open, None)];
    let html = html(move || view! { <TaskConfirmation task=id questions=Signal::stored(questions)/> });
    for part in [
        "method=\"post\" action=\"/_taskdeck/answer_task\"",
        "name=\"key\" value=\"go_on\"",
        "name=\"fields[reason]\"",
        "name=\"approved\" value=\"true\"",
        "name=\"approved\" value=\"false\" formnovalidate",
        "Delete them",
        "Keep them",
    ] {
        assert!(html.contains(part), "{part} is missing: {html}");
    }
}

#[test]
fn an_answered_question_says_who_answered_and_what() {
    let by = UserId::new("ann").ok();
    let fields = serde_json::json!({"reason": "old", "rows": 3});
    let answer = Answer { approved: true, fields, by, at: T0 };
    let questions =
        vec![asked(QuestionOutcome::Approved, Some(answer)), asked(QuestionOutcome::TimedOut, None)];
    let id = task(Status::Completed).id;
    let html = html(move || view! { <TaskConfirmation task=id questions=Signal::stored(questions)/> });
    assert!(html.contains("Approved by ann") && html.contains("reason: old, rows: 3"), "{html}");
    assert!(html.contains("Nobody answered in time") && !html.contains("<form"), "{html}");
}
