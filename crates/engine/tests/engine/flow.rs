//! Tasks that belong together: chains, batches, children, questions; and what holds tasks back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use taskdeck_core::{
    Actor, AnswerRequest, BatchRequest, DeckError, Definition, LaneLimits, Param, Question, QueueName, Role,
    StartRequest, Status, Task, TaskError, TaskId, User, UserId,
};
use taskdeck_engine::testing::TestDeck;
use taskdeck_engine::{Client, Deck, Settings, TaskBody, TaskContext};
use tempfile::TempDir;

use crate::support::{Act, Gate, Scripted, memory_deck, reaches};

/// How many bodies run at once, and the most there were.
#[derive(Debug, Default)]
struct Meter {
    now: AtomicUsize,
    most: AtomicUsize,
    runs: AtomicU32,
}

impl Meter {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.runs.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Adds up its children's numbers.
#[derive(Debug, Serialize, Deserialize)]
struct Parent {
    children: u64,
}

/// Doubles a number.
#[derive(Debug, Serialize, Deserialize)]
struct Double {
    number: u64,
}

/// Asks whether to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Careful {}

fn definition<T: Task>(params: Vec<Param>) -> Definition {
    let mut definition = Definition::new(T::kind());
    definition.params = params;
    definition
}

impl Task for Parent {
    const KIND: &'static str = "parent";
    type Output = u64;
    fn definition() -> Definition {
        definition::<Self>(vec![Param::of::<u64>("children")])
    }
}

impl TaskBody for Parent {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        let mut sum = 0;
        #[expect(clippy::cast_precision_loss, reason = "a few children")]
        let share = 1.0 / self.children as f64;
        for number in 0..self.children {
            let child = ctx.child(format!("child {number}"), Double { number }).share(share).await?;
            sum += child.result().await?;
        }
        Ok(sum)
    }
}

impl Task for Double {
    const KIND: &'static str = "double";
    type Output = u64;
    fn definition() -> Definition {
        let mut definition = definition::<Self>(vec![Param::of::<u64>("number")]);
        definition.limits.partition_concurrency = Some(1);
        definition
    }
}

impl TaskBody for Double {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        let meter = ctx.get::<Arc<Meter>>()?;
        meter.enter();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        meter.leave();
        Ok(self.number * 2)
    }
}

impl Task for Careful {
    const KIND: &'static str = "careful";
    type Output = String;
    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

impl TaskBody for Careful {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let done = ctx.restore::<u32>()?.unwrap_or(0);
        ctx.checkpoint(&(done + 1)).await?;
        let question = Question::new("go_on", "Delete 1,204 rows?").field(Param::of::<String>("reason"));
        let answer = ctx.confirm(question).await?;
        let by = answer.by.map(|by| by.to_string()).unwrap_or_default();
        let reason = answer.fields["reason"].as_str().unwrap_or_default();
        Ok(format!("{} by {by}: {reason}; run {}", answer.approved, done + 1))
    }
}

async fn metered(slots: usize) -> (TestDeck, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let settings = Settings { max_concurrent: slots, ..Settings::default() };
    let test = TestDeck::new(|deck| {
        let deck = deck.register::<Parent>().register::<Double>().register::<Careful>();
        deck.resource(Arc::clone(&meter)).settings(settings)
    })
    .await;
    (test, meter)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_parents_on_one_slot_wait_for_their_children_without_it() {
    let (test, meter) = metered(1).await;
    let mut parents = Vec::new();
    for _ in 0..100 {
        parents.push(test.client().start_task(Parent { children: 2 }).await.expect("starts"));
    }
    for parent in parents {
        let sum = parent.result(Some(Duration::from_secs(60))).await.expect("completes");
        assert_eq!(sum, 2);
    }
    assert_eq!(meter.most.load(Ordering::SeqCst), 1, "one body at a time");
    assert_eq!(meter.runs.load(Ordering::SeqCst), 200);
    test.shutdown().await;
}

#[tokio::test]
async fn the_progress_of_the_children_adds_up_in_the_parent() {
    let (test, _) = metered(2).await;
    let run = test.run(Parent { children: 4 }).await;
    assert_eq!(run.output(), &12);
    run.assert_progress_rises();
    let list = test.client().list(&taskdeck_core::ListQuery::default()).await.expect("lists");
    let of_parent = list.tasks.iter().filter(|task| task.parent == Some(run.state.id)).count();
    assert_eq!(of_parent, 4);
    test.shutdown().await;
}

fn ann() -> Actor {
    let permissions = ["money".to_owned()].into();
    Actor::User(User { id: UserId::new("ann").expect("a name"), role: Role::Operator, permissions })
}

#[tokio::test]
async fn an_answer_lets_the_task_go_on_from_its_checkpoint_and_costs_no_try() {
    let (test, _) = metered(1).await;
    let asked = test.run(Careful {}).await;
    let id = asked.state.id;
    assert_eq!((asked.state.status, asked.state.questions), (Status::WaitingConfirmation, 1));
    assert_eq!(test.run(Double { number: 4 }).await.output(), &8, "the only slot is free meanwhile");
    let detail = test.client().detail(id).await.expect("is there");
    assert_eq!(detail.questions[0].question.text, "Delete 1,204 rows?");
    let ann = test.deck().as_actor(ann());
    let wrong = ann.answer(id, AnswerRequest { approved: true, ..AnswerRequest::default() }).await;
    assert!(matches!(wrong, Err(DeckError::InvalidParams { fields }) if fields.get("reason").is_some()));
    let answer =
        || AnswerRequest { approved: true, fields: json!({"reason": "old"}), ..AnswerRequest::default() };
    ann.answer(id, answer()).await.expect("is taken");
    let run = test.finish::<String>(id).await;
    assert_eq!(run.output(), "true by ann: old; run 2");
    assert_eq!((run.state.tries, run.state.attempt), (0, 2));
    assert!(matches!(ann.answer(id, answer()).await, Err(DeckError::WrongStatus { .. })));
    test.shutdown().await;
}

#[tokio::test]
async fn a_question_survives_a_restart_and_the_answer_is_found_after_it() {
    let folder = TempDir::new().expect("a folder");
    let open = || Deck::builder().register::<Careful>().sqlite(folder.path().join("deck.db")).build();
    let deck = open().await.expect("opens");
    let id = deck.start(Careful {}).await.expect("starts").id();
    reaches(&deck.as_actor(Actor::local()), id, Status::WaitingConfirmation).await;
    deck.shutdown().await;
    let deck = open().await.expect("opens again");
    let client = deck.as_actor(Actor::local());
    assert_eq!(client.get(id).await.expect("is there").status, Status::WaitingConfirmation);
    client.answer(id, AnswerRequest::default()).await.expect("declined");
    let state = reaches(&client, id, Status::Completed).await;
    assert_eq!(state.endings, 1);
    let result = client.result(id, None).await.expect("a result");
    assert_eq!(result.result, json!("false by local: ; run 2"));
    deck.shutdown().await;
}

#[tokio::test]
async fn a_chain_runs_in_order_and_carries_user_and_trace() {
    let (deck, _, _) = memory_deck().await;
    let client = deck.as_actor(ann());
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let first = client
        .start_task(Scripted { act: Act::Complete })
        .traceparent(header)
        .then(&Scripted { act: Act::Partial })
        .await
        .expect("starts");
    let page = client.list(&taskdeck_core::ListQuery::default()).await.expect("lists");
    let second = page.tasks.iter().find(|task| task.id != first.id()).expect("is there").clone();
    let state = reaches(&client, second.id, Status::Completed).await;
    assert!(state.started_at >= client.get(first.id()).await.expect("is there").ended_at);
    assert_eq!(state.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(state.user.as_ref().map(UserId::as_str), Some("ann"));
    let after = client.detail(second.id).await.expect("is there").after;
    assert_eq!(after.iter().map(|task| task.id).collect::<Vec<_>>(), [first.id()]);
    deck.shutdown().await;
}

#[tokio::test]
async fn an_unknown_dependency_is_an_error_of_its_field() {
    let (deck, client, _) = memory_deck().await;
    let unknown: TaskId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id");
    let refused = client.start_task(Scripted { act: Act::Complete }).after(unknown).await;
    assert!(matches!(refused, Err(DeckError::InvalidParams { fields }) if fields.get("after").is_some()));
    deck.shutdown().await;
}

#[tokio::test]
async fn a_batch_starts_all_of_its_tasks_or_none() {
    let (test, _) = metered(2).await;
    let client = test.client();
    let mut request = BatchRequest { label: Some("monthly".to_owned()), ..BatchRequest::default() };
    for number in 0..50 {
        request = request.task(&Double { number }).expect("JSON");
    }
    let mut wrong = request.clone();
    wrong.tasks[7].request.params = json!({"number": -1});
    let refused = client.start_batch(wrong).await;
    assert!(
        matches!(&refused, Err(DeckError::InvalidParams { fields }) if fields.get("tasks[7].number").is_some()),
        "{refused:?}"
    );
    assert_eq!(client.counts().await.expect("counts").total(), 0);
    let started = client.start_batch(request).await.expect("starts");
    assert_eq!((started.tasks.len(), started.batch.total), (50, 50));
    for task in &started.tasks {
        reaches(client, task.task.id, Status::Completed).await;
    }
    let batch = client.batch(started.batch.id).await.expect("is there");
    assert_eq!((batch.counts.of(Status::Completed), batch.label.as_deref()), (50, Some("monthly")));
    assert!((batch.fraction - 1.0).abs() < f64::EPSILON);
    test.shutdown().await;
}

async fn finish_all(client: &Client, ids: &[TaskId]) {
    for id in ids {
        reaches(client, *id, Status::Completed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_kinds_queues_and_partitions_hold_however_many_slots_there_are() {
    let (test, meter) = metered(16).await;
    let client = test.client();
    let most = |expected: usize| assert!(meter.most.swap(0, Ordering::SeqCst) <= expected);
    let queue = QueueName::new("narrow").expect("a name");
    let two = Some(LaneLimits { concurrency: Some(2), ..LaneLimits::default() });
    client.limit_queue(&queue, two.clone()).await.expect("is set");
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(client.start_task(Double { number }).queue(queue.clone()).await.expect("starts").id());
    }
    finish_all(client, &ids).await;
    most(2);
    client.limit_kind(&Double::kind(), two).await.expect("is set");
    ids.clear();
    for number in 0..40 {
        ids.push(client.start_task(Double { number }).await.expect("starts").id());
    }
    finish_all(client, &ids).await;
    most(2);
    client.limit_kind(&Double::kind(), None).await.expect("is lifted");
    ids.clear();
    for number in 0..40 {
        ids.push(client.start_task(Double { number }).partition("ann").await.expect("starts").id());
    }
    finish_all(client, &ids).await;
    most(1);
    test.shutdown().await;
}

#[tokio::test]
async fn a_pause_is_durable_and_holds_back_only_what_has_not_begun() {
    let folder = TempDir::new().expect("a folder");
    let gate = Arc::<Gate>::default();
    let open = || crate::support::builder(&gate).sqlite(folder.path().join("deck.db")).build();
    let deck = open().await.expect("opens");
    let client = deck.as_actor(Actor::local());
    let running = client.start_task(Scripted { act: Act::WaitForGate }).await.expect("starts").id();
    gate.entered.wait().await;
    let queue = QueueName::default();
    client.pause_queue(&queue).await.expect("is paused");
    let held = client.start_task(Scripted { act: Act::Complete }).await.expect("starts").id();
    gate.open.give();
    reaches(&client, running, Status::Completed).await;
    assert_eq!(client.get(held).await.expect("is there").status, Status::Queued);
    deck.shutdown().await;
    let deck = open().await.expect("opens again");
    let client = deck.as_actor(Actor::local());
    let lane = client.queues().await.expect("lists").into_iter().find(|lane| lane.name == queue.as_str());
    let lane = lane.expect("is there");
    assert!(lane.paused_at.is_some() && lane.paused_by.is_some());
    assert_eq!(client.get(held).await.expect("is there").status, Status::Queued);
    client.resume_queue(&queue).await.expect("goes on");
    reaches(&client, held, Status::Completed).await;
    deck.shutdown().await;
}

#[tokio::test]
async fn a_user_who_starts_too_much_is_told_when_to_come_back() {
    let settings = Settings { user_rate: "3/1h".parse().ok(), ..Settings::default() };
    let test = TestDeck::new(|deck| deck.register::<Careful>().settings(settings)).await;
    let ann = test.deck().as_actor(ann());
    for _ in 0..3 {
        ann.start("careful", StartRequest::default()).await.expect("within the rate");
    }
    let refused = ann.start("careful", StartRequest::default()).await;
    assert!(matches!(refused, Err(DeckError::TooMany { retry_after_ms }) if retry_after_ms > 1_000_000));
    test.client().start("careful", StartRequest::default()).await.expect("another user is not held back");
    test.shutdown().await;
}

#[tokio::test]
async fn a_rate_spreads_the_beginnings_of_a_kind() {
    let (test, meter) = metered(8).await;
    let client = test.client();
    let rate = Some(LaneLimits { rate: "5/200ms".parse().ok(), ..LaneLimits::default() });
    client.limit_kind(&Double::kind(), rate).await.expect("is set");
    let began = std::time::Instant::now();
    let mut ids = Vec::new();
    for number in 0..15 {
        ids.push(client.start_task(Double { number }).await.expect("starts").id());
    }
    finish_all(client, &ids).await;
    // Five at once, then one every 40 ms: the last cannot begin before 400 ms.
    assert!(began.elapsed() >= Duration::from_millis(390), "{:?}", began.elapsed());
    assert_eq!(meter.runs.load(Ordering::SeqCst), 15);
    test.shutdown().await;
}
