//! Tasks for tests: each waits on signals, never on sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, Definition, Param, RetryPolicy, Status, Task, TaskError, TaskId, TaskState, Upload,
};
use taskdeck_engine::{Client, Deck, DeckBuilder, Settings, TaskBody, TaskContext};
use tokio::sync::Semaphore;

/// Lets the test hold a body and let it go on.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) entered: Signal,
    pub(crate) open: Signal,
    /// How often a body was begun.
    pub(crate) begun: AtomicU32,
}

/// Something that happens a number of times, and can be waited for.
#[derive(Debug)]
pub(crate) struct Signal(Semaphore);

impl Default for Signal {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Signal {
    pub(crate) fn give(&self) {
        self.0.add_permits(1);
    }

    pub(crate) async fn wait(&self) {
        let permit = tokio::time::timeout(Duration::from_secs(20), self.0.acquire()).await;
        permit.expect("the signal comes").expect("is never closed").forget();
    }
}

/// What a scripted body does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// Says hello and returns.
    Complete,
    /// Waits for the gate, unless it is asked to stop.
    WaitForGate,
    /// Goes three steps, each when the gate opens.
    Steps,
    /// Waits for the gate whatever it is asked.
    Stubborn,
    /// Waits for the gate on the blocking pool.
    Block,
    /// Fails; the fault may pass.
    FailOnce,
    /// Fails for good.
    Fail,
    /// Panics.
    Panic,
    /// Panics on the blocking pool.
    PanicAside,
    /// Fails by `?`, with causes beneath.
    Chain,
    /// Leaves parts out.
    Partial,
    /// Talks through `tracing`.
    Talk,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scripted {
    pub(crate) act: Act,
}

impl Task for Scripted {
    const KIND: &'static str = "scripted";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::new("act", taskdeck_core::ParamKind::text())];
        definition.limits.retry = RetryPolicy { max_tries: 2, base_ms: 1, max_ms: 1 };
        definition
    }
}

impl TaskBody for Scripted {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let gate = ctx.get::<Arc<Gate>>()?;
        gate.begun.fetch_add(1, Ordering::SeqCst);
        match self.act {
            Act::Complete => {
                ctx.info("hello");
                Ok(format!("attempt {}", ctx.attempt()))
            }
            Act::WaitForGate => {
                ctx.checkpoint(&7).await?;
                ctx.progress_of(1, 4);
                gate.entered.give();
                tokio::select! {
                    () = gate.open.wait() => Ok("went through".to_owned()),
                    () = ctx.cancelled() => Err(TaskError::transient("asked to stop")),
                }
            }
            Act::Steps => {
                gate.entered.give();
                for step in 1..=3 {
                    gate.open.wait().await;
                    ctx.progress_of(step, 3);
                }
                gate.open.wait().await;
                Ok("went all steps".to_owned())
            }
            Act::Stubborn => {
                gate.entered.give();
                gate.open.wait().await;
                Ok("did not listen".to_owned())
            }
            Act::Block => {
                ctx.blocking(move |_| {
                    gate.entered.give();
                    tokio::runtime::Handle::current().block_on(gate.open.wait());
                    Ok("blocked".to_owned())
                })
                .await
            }
            Act::FailOnce if ctx.attempt() == 1 => Err(TaskError::transient("not yet").code("busy")),
            Act::FailOnce => Ok("second try".to_owned()),
            Act::Fail => Err(TaskError::permanent("the list is empty").code("empty").detail("in row 0")),
            Act::Panic => panic!("out of cheese"),
            Act::PanicAside => ctx.blocking(|_| panic!("out of {}", "bread")).await,
            Act::Chain => Ok(crate::errors::read_config()?),
            Act::Partial => {
                ctx.problem("line 2", "has 3 fields");
                Ok("the rest".to_owned())
            }
            Act::Talk => {
                let inner = tracing::info_span!("inner");
                inner.in_scope(|| tracing::warn!(row = 3, "odd row"));
                let span = tracing::Span::current();
                tokio::spawn(tracing::Instrument::instrument(
                    async { tracing::info!("from a future of its own") },
                    span,
                ))
                .await?;
                Ok(String::new())
            }
        }
    }
}

/// Takes a file and leaves one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Copy {
    pub(crate) file: Upload,
}

impl Task for Copy {
    const KIND: &'static str = "copy";
    type Output = u64;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<Upload>("file").accept(".csv").max_bytes(100)];
        definition
    }
}

impl TaskBody for Copy {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        let mut file = ctx.open(&self.file).await?;
        let copy = ctx.artifact("copy & more.csv", "text/csv").await?;
        let mut to = tokio::fs::File::create(copy.path()).await?;
        let bytes = tokio::io::copy(&mut file, &mut to).await?;
        tokio::io::AsyncWriteExt::flush(&mut to).await?;
        copy.finish().await?;
        Ok(bytes)
    }
}

pub(crate) fn settings() -> Settings {
    Settings { max_concurrent: 2, grace: Duration::from_millis(50), ..Settings::default() }
}

pub(crate) fn builder(gate: &Arc<Gate>) -> DeckBuilder {
    let builder = Deck::builder().register::<Scripted>().register::<Copy>();
    builder.resource(Arc::clone(gate)).settings(settings())
}

/// Gives the deck a store with nothing in it: in memory; or, where `TASK_TEST_STORE` is `postgres`, a database of its
/// own on the server that `TASK_TEST_POSTGRES` names.
pub(crate) async fn on_empty_store(builder: DeckBuilder) -> DeckBuilder {
    #[cfg(feature = "postgres")]
    if std::env::var("TASK_TEST_STORE").is_ok_and(|store| store == "postgres") {
        return builder.postgres(new_database().await);
    }
    builder.memory()
}

#[cfg(feature = "postgres")]
async fn new_database() -> String {
    use sqlx_core::connection::Connection;
    use sqlx_core::{raw_sql::raw_sql, sql_str::AssertSqlSafe};

    let server = std::env::var("TASK_TEST_POSTGRES").expect("names a server");
    let mut conn = sqlx_postgres::PgConnection::connect(&server).await.expect("connects");
    let name = format!("taskdeck_test_{}", uuid::Uuid::new_v4().simple());
    let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    raw_sql(sql).execute(&mut conn).await.expect("makes a database");
    conn.close().await.expect("closes");
    let (host, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{host}/{name}")
}

pub(crate) async fn memory_deck() -> (Deck, Client, Arc<Gate>) {
    let gate = Arc::default();
    let deck = on_empty_store(builder(&gate)).await.build().await.expect("builds");
    let client = deck.as_actor(Actor::local());
    (deck, client, gate)
}

/// The task's state once it has this status.
pub(crate) async fn reaches(client: &Client, id: TaskId, status: Status) -> TaskState {
    let mut feed = client.feed();
    let tasks = vec![taskdeck_core::Known { id, version: 0, tick: 0 }];
    feed.apply(taskdeck_core::ClientMessage::Subscribe { tasks }).await;
    let reached = async {
        loop {
            for message in feed.next().await.expect("the deck lives") {
                if let taskdeck_core::ServerMessage::States { tasks } = message
                    && let Some(state) = tasks.into_iter().find(|state| state.status == status)
                {
                    return state;
                }
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), reached).await {
        Ok(state) => state,
        Err(_) => panic!("is {:?} instead of {status}", client.get(id).await),
    }
}
