//! What nodes tell each other: that there is something to look at, and no more. A message that is lost costs time and
//! nothing else, since every node also looks by itself now and then.
//!
//! It is sent after the commit and apart from it, and what happens within ten milliseconds is one message:
//! a NOTIFY in a transaction would make all commits of the database wait for each other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use taskdeck_core::{State, Status, TaskId};
use tokio::sync::Notify;
use uuid::Uuid;

use super::fault::Fault;
use super::pool::Pool;
use super::query::query;
use crate::store::{Heard, Record, StoreError};

const CHANNEL: &str = "taskdeck";
const GATHER: Duration = Duration::from_millis(10);
/// How long the others may say nothing before the server is asked whether it is still there.
const SILENT: Duration = Duration::from_secs(30);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const RECONNECT: Duration = Duration::from_secs(1);
const RECONNECT_LAST: Duration = Duration::from_secs(5);

/// What a transaction did, as far as others are concerned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// Something may be claimed.
    pub(super) queued: bool,
    /// Something has a time.
    pub(super) due: bool,
    /// A schedule has another time.
    pub(super) schedules: bool,
    /// A running task is to stop, or a lane is held back or let go.
    pub(super) running: bool,
    /// A task changed, or its log grew.
    pub(super) tasks: bool,
    /// This node is to look at pauses and limits: they are not those that it knows.
    pub(super) stale: bool,
    /// When this node should look for queued tasks again.
    pub(super) look_again: Option<Duration>,
}

impl News {
    /// Notes a task that is new or changed.
    pub(super) fn moved(&mut self, record: &Record) {
        self.tasks = true;
        match &record.machine.state {
            State::Queued { .. } => self.queued = true,
            State::Scheduled { until: Some(_) } | State::WaitingConfirmation { until: Some(_), .. } => {
                self.due = true;
            }
            State::Running { .. } => self.running |= record.machine.cancel.is_some(),
            _ => {}
        }
        let waits = matches!(record.status(), Status::Queued | Status::Scheduled);
        self.due |= waits && record.machine.expires_at.is_some();
    }

    pub(super) fn logged(&mut self, _task: TaskId) {
        self.tasks = true;
    }

    fn merge(&mut self, other: Self) {
        self.queued |= other.queued;
        self.due |= other.due;
        self.schedules |= other.schedules;
        self.running |= other.running;
        self.tasks |= other.tasks;
    }

    fn text(self) -> String {
        let all = [
            (self.queued, 'q'),
            (self.due, 'd'),
            (self.schedules, 's'),
            (self.running, 'r'),
            (self.tasks, 't'),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, letter)| letter).collect()
    }
}

/// What a message says.
fn heard(text: &str) -> Heard {
    Heard {
        queued: text.contains('q'),
        due: text.contains('d'),
        schedules: text.contains('s'),
        running: text.contains('r'),
        tasks: text.contains('t'),
    }
}

/// Both ways.
#[derive(Debug)]
pub(super) struct Signal {
    /// Which node this is, so that it does not answer itself.
    node: Uuid,
    to_tell: Mutex<News>,
    tell: Notify,
    heard: Mutex<Heard>,
    told: Notify,
}

impl Signal {
    pub(super) fn new() -> Self {
        Self {
            node: Uuid::new_v4(),
            to_tell: Mutex::default(),
            tell: Notify::new(),
            heard: Mutex::default(),
            told: Notify::new(),
        }
    }

    /// Tells the others of a commit, soon.
    pub(super) fn committed(&self, news: News) {
        if !news.text().is_empty() {
            self.to_tell.lock().unwrap_or_else(PoisonError::into_inner).merge(news);
            self.tell.notify_one();
        }
    }

    /// Tells every node, this one too, of a transaction of the program's own, when that is committed.
    pub(super) async fn committing(&self, conn: &mut PgConnection, news: News) -> Result<(), Fault> {
        let text = format!("- {}", news.text());
        query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(conn).await?;
        Ok(())
    }

    /// Notes what this node is to look at.
    pub(super) fn hear(&self, what: Heard) {
        {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            *heard = Heard {
                queued: heard.queued || what.queued,
                due: heard.due || what.due,
                schedules: heard.schedules || what.schedules,
                running: heard.running || what.running,
                tasks: heard.tasks || what.tasks,
            };
        }
        self.told.notify_one();
    }

    /// Has this node look for queued tasks after a time.
    pub(super) fn hear_after(self: &Arc<Self>, wait: Duration) {
        let signal = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            signal.hear(Heard { queued: true, ..Heard::default() });
        });
    }

    /// Waits until there is something to look at.
    pub(super) async fn heard(&self) -> Heard {
        loop {
            let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
            if heard != Heard::default() {
                return heard;
            }
            // What was heard since the look has left a permit.
            self.told.notified().await;
        }
    }

    /// Sends what there is to tell, until the store is closed.
    pub(super) async fn send(&self, pool: &Pool) {
        loop {
            self.tell.notified().await;
            tokio::time::sleep(GATHER).await;
            let news = std::mem::take(&mut *self.to_tell.lock().unwrap_or_else(PoisonError::into_inner));
            let text = format!("{} {}", self.node.simple(), news.text());
            let tell = query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text);
            let told = pool.with(|conn| async move { Ok(tell.execute(conn).await.map(drop)?) }.boxed());
            if let Err(fault) = told.await {
                if pool.is_closed() {
                    return;
                }
                let error = StoreError::from(fault);
                tracing::warn!(%error, "the other nodes could not be told of news; they look by themselves");
            }
        }
    }

    /// Listens to the others, until the store is closed, which the pool says.
    pub(super) async fn listen(&self, pool: &Pool, options: &PgConnectOptions) {
        let mut wait = RECONNECT;
        while !pool.is_closed() {
            let mut listens = false;
            let listen = Box::pin(self.listen_until_lost(options, &mut listens));
            let lost = pool.until_closed(listen).await;
            if listens {
                wait = RECONNECT;
            }
            if let Err(error) = lost
                && !pool.is_closed()
            {
                tracing::warn!(%error, "the other nodes are not heard; this one looks by itself meanwhile");
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RECONNECT_LAST);
        }
    }

    async fn listen_until_lost(
        &self,
        options: &PgConnectOptions,
        listens: &mut bool,
    ) -> Result<(), sqlx_core::Error> {
        // A connection of its own, which goes with what listens: when it is silent, nothing waits for it.
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWERS_WITHIN);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
        answered(listener.listen(CHANNEL)).await?;
        *listens = true;
        // What was said while nobody listened is not known.
        self.hear(Heard::all());
        loop {
            let Ok(message) = tokio::time::timeout(SILENT, listener.try_recv()).await else {
                // Nobody says anything, or the other end is gone.
                answered(query("SELECT 1").execute(&mut listener)).await?;
                continue;
            };
            let Some(message) = message? else { return Ok(()) };
            let Some((node, what)) = message.payload().split_once(' ') else { continue };
            if node != self.node.simple().to_string() {
                self.hear(heard(what));
            }
        }
    }
}

async fn answered<R>(ask: impl Future<Output = Result<R, sqlx_core::Error>>) -> Result<R, sqlx_core::Error> {
    let answer = tokio::time::timeout(ANSWERS_WITHIN, ask).await;
    answer.unwrap_or_else(|elapsed| Err(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed).into()))
}
