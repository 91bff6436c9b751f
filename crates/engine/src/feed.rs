//! One reader's view of the deck: what it watches, and what it has not been told yet.

mod unseen;

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{
    Action, Actor, ClientMessage, DeckError, Known, Rev, ServerMessage, Subject, TaskId, TaskState, Tick,
};

use crate::client::Client;
use crate::deck::Inner;
use crate::hub::{Pending, Subscriber, SubscriberId};

use self::unseen::Unseen;

/// How many tasks and logs one reader may watch.
const MAX_WATCHED: usize = 2_000;
/// How many log lines go into one message.
const LOG_LINES: usize = 500;

/// One connection's feed. Made by [`Client::feed`]; it ends when it is dropped.
#[derive(Debug)]
pub struct Feed {
    client: Client,
    inner: Arc<Inner>,
    id: SubscriberId,
    subscriber: Arc<Subscriber>,
    /// What is watched, and the last state of it that was told.
    tasks: HashMap<TaskId, Option<Arc<TaskState>>>,
    /// What the reader had of them when it began to watch. A state that it has may be on its way to the hub just then.
    known: HashMap<TaskId, Rev>,
    /// The last line sent of each log.
    logs: HashMap<TaskId, u64>,
    /// What was taken from the subscriber and is not in `messages` yet: kept here, so that a dropped `next` loses nothing.
    taken: Pending,
    messages: Vec<ServerMessage>,
    ticks: bool,
    unseen: Unseen,
}

impl Feed {
    pub(crate) fn new(client: Client, inner: Arc<Inner>) -> Self {
        let (id, subscriber) = inner.hub.join();
        Self {
            client,
            inner,
            id,
            subscriber,
            tasks: HashMap::new(),
            known: HashMap::new(),
            logs: HashMap::new(),
            taken: Pending::default(),
            messages: Vec::new(),
            ticks: false,
            unseen: Unseen::default(),
        }
    }

    /// The same feed for a reader who keeps the states that it was told: where only the progress changed, it is told
    /// no more than that ([`ServerMessage::Ticks`]).
    #[must_use]
    pub fn with_ticks(mut self) -> Self {
        self.ticks = true;
        self
    }

    /// Does what the reader asks for. What is refused comes out of [`Feed::next`].
    pub async fn apply(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Subscribe { tasks } => self.subscribe(tasks).await,
            ClientMessage::Unsubscribe { tasks } => {
                for task in tasks {
                    self.unseen.forget(task);
                    self.known.remove(&task);
                    if self.tasks.remove(&task).is_some() {
                        self.inner.hub.unwatch(self.id, task);
                    }
                }
            }
            ClientMessage::OutOfSight { tasks } => {
                // What is watched bounds what is remembered.
                let watched = tasks.into_iter().filter(|task| self.tasks.contains_key(task));
                self.unseen.out_of_sight(watched);
            }
            ClientMessage::InSight { tasks } => {
                for state in tasks.into_iter().filter_map(|task| self.unseen.in_sight(task)) {
                    self.subscriber.offer(&state);
                }
            }
            ClientMessage::Log { task, since } => self.subscribe_log(task, since).await,
            ClientMessage::Unlog { task } => {
                if self.logs.remove(&task).is_some() {
                    self.inner.hub.unwatch_log(self.id, task);
                }
            }
            ClientMessage::List { query } => match self.client.may(Action::List, Subject::Deck) {
                Ok(()) => {
                    let query = query.at(self.inner.clock.now());
                    self.inner.hub.set_list(self.id, query, self.inner.store.is_shared());
                }
                Err(error) => self.subscriber.refuse(None, error),
            },
            ClientMessage::Unlist => self.inner.hub.unset_list(self.id),
            ClientMessage::Counts { on } => match self.client.may(Action::List, Subject::Deck) {
                Ok(()) => {
                    self.inner.hub.set_counts(self.id, on);
                    if on {
                        self.subscriber.counts_changed();
                    }
                }
                Err(error) => self.subscriber.refuse(None, error),
            },
        }
    }

    fn has_room(&self, task: TaskId) -> bool {
        let room = self.tasks.len() + self.logs.len() < MAX_WATCHED;
        if !room {
            let reason = format!("one connection may watch {MAX_WATCHED} tasks");
            self.subscriber.refuse(Some(task), DeckError::BadRequest { reason });
        }
        room
    }

    async fn subscribe(&mut self, tasks: Vec<Known>) {
        let mut wanted = Vec::with_capacity(tasks.len());
        for known in tasks {
            if !self.tasks.contains_key(&known.id) {
                if !self.has_room(known.id) {
                    continue;
                }
                // Before the look: a change after it comes by the hub.
                self.tasks.insert(known.id, None);
                self.inner.hub.watch(self.id, known.id);
            }
            self.known.insert(known.id, Rev { version: known.version, tick: known.tick });
            wanted.push(known);
        }
        let ids = wanted.iter().map(|known| known.id).collect();
        let found = match self.inner.store.get_many(ids).await {
            Ok(found) => found,
            Err(error) => {
                let error = DeckError::from(error);
                for known in wanted {
                    self.drop_task(known.id, error.clone());
                }
                return;
            }
        };
        let found: HashMap<_, _> = found.into_iter().map(|record| (record.id, record)).collect();
        for known in wanted {
            let Some(record) = found.get(&known.id) else {
                if known.version > 0 {
                    // It was there when the reader last looked.
                    self.subscriber.pending().gone.insert(known.id, known.version);
                    self.subscriber.ready.notify_one();
                } else {
                    self.drop_task(known.id, DeckError::task_not_found());
                }
                continue;
            };
            let definition = self.inner.definition(&record.kind);
            if let Err(error) = self.client.may(Action::Watch, Subject::Task(known.id, definition)) {
                self.drop_task(known.id, error);
                continue;
            }
            let state = self.inner.current(record);
            if state.rev() > (Rev { version: known.version, tick: known.tick }) {
                self.subscriber.offer(&Arc::new(state));
            }
        }
    }

    fn drop_task(&mut self, task: TaskId, error: DeckError) {
        self.tasks.remove(&task);
        self.known.remove(&task);
        self.unseen.forget(task);
        self.inner.hub.unwatch(self.id, task);
        self.subscriber.pending().states.remove(&task);
        self.subscriber.refuse(Some(task), error);
    }

    async fn subscribe_log(&mut self, task: TaskId, since: u64) {
        if !self.logs.contains_key(&task) && !self.has_room(task) {
            return;
        }
        match self.client.get(task).await {
            Ok(_) => {
                self.logs.insert(task, since);
                self.inner.hub.watch_log(self.id, task);
                self.subscriber.log_changed(task);
            }
            Err(error) => self.subscriber.refuse(Some(task), error),
        }
    }

    /// Waits until there is something to tell, and gives all of it, each task's newest state once. May be dropped
    /// while it waits without losing anything. `None` when the deck shuts down.
    ///
    /// The caller paces: what happens between two calls is coalesced.
    pub async fn next(&mut self) -> Option<Vec<ServerMessage>> {
        loop {
            self.take();
            if self.taken.closed {
                return None;
            }
            self.write().await;
            if !self.messages.is_empty() {
                return Some(std::mem::take(&mut self.messages));
            }
            let subscriber = Arc::clone(&self.subscriber);
            tokio::select! {
                // A notification since `take` has left a permit, so this returns at once then.
                () = subscriber.ready.notified() => {}
                () = self.unseen.due() => {}
            }
        }
    }

    /// Moves what is pending over to `taken`.
    fn take(&mut self) {
        let new = std::mem::take(&mut *self.subscriber.pending());
        let taken = &mut self.taken;
        taken.states.extend(new.states);
        taken.gone.extend(new.gone);
        taken.logs.extend(new.logs);
        taken.new.extend(new.new);
        taken.refused.extend(new.refused);
        taken.listed |= new.listed;
        taken.counts |= new.counts;
        taken.closed |= new.closed;
    }

    /// Makes messages of what was taken. What waits for the store is written first and taken away only then.
    async fn write(&mut self) {
        while let Some(task) = self.taken.logs.iter().next().copied() {
            if let Some(since) = self.logs.get(&task).copied() {
                match self.inner.log_page(task, since, LOG_LINES).await {
                    Ok(page) if !page.lines.is_empty() => {
                        self.logs.insert(task, page.last_seq);
                        self.messages.push(ServerMessage::Log { task, lines: page.lines });
                        if page.more {
                            self.subscriber.log_changed(task);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        self.messages.push(ServerMessage::Refused { task: Some(task), error: error.into() });
                    }
                }
            }
            self.taken.logs.remove(&task);
        }
        if self.taken.counts {
            match self.inner.store.counts().await {
                Ok(counts) => self.messages.push(ServerMessage::Counts { counts }),
                Err(error) => self.messages.push(ServerMessage::Refused { task: None, error: error.into() }),
            }
            self.taken.counts = false;
        }
        let (mut states, mut ticks) = (Vec::new(), Vec::new());
        for (id, state) in self.taken.states.drain() {
            let Some(told) = self.tasks.get_mut(&id) else { continue };
            if self.known.get(&id).is_some_and(|known| state.rev() <= *known) {
                continue;
            }
            match told.as_ref().and_then(|told| Tick::between(told, &state)) {
                Some(_) if self.unseen.keeps(&state) => continue,
                Some(tick) => ticks.push(tick),
                None => {
                    self.unseen.overtaken(id);
                    states.push((*state).clone());
                }
            }
            if self.ticks {
                *told = Some(state);
            }
        }
        for state in self.unseen.take_due() {
            let Some(Some(told)) = self.tasks.get_mut(&state.id) else { continue };
            ticks.extend(Tick::between(told, &state));
            *told = state;
        }
        if !states.is_empty() {
            self.messages.push(ServerMessage::States { tasks: states });
        }
        if !ticks.is_empty() {
            self.messages.push(ServerMessage::Ticks { ticks });
        }
        for (id, version) in self.taken.gone.drain() {
            // Nothing more comes of it, so it takes up no place among what is watched.
            self.unseen.forget(id);
            self.known.remove(&id);
            if self.tasks.remove(&id).is_some() {
                self.inner.hub.unwatch(self.id, id);
            }
            self.messages.push(ServerMessage::Gone { id, version });
        }
        if std::mem::take(&mut self.taken.listed) {
            self.messages.push(ServerMessage::New { tasks: Vec::new() });
        }
        if !self.taken.new.is_empty() {
            self.messages.push(ServerMessage::New { tasks: std::mem::take(&mut self.taken.new) });
        }
        for (task, error) in self.taken.refused.drain(..) {
            self.messages.push(ServerMessage::Refused { task, error });
        }
    }

    /// On whose behalf the feed reads.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        self.client.actor()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.inner.hub.leave(self.id, self.tasks.keys().copied(), self.logs.keys().copied());
    }
}
