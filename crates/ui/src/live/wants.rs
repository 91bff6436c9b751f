//! What is wanted of the feed, what is known of it, and what the server was told. Pure.

use taskdeck_core::{ClientMessage, Known, ListQuery, Rev, TaskId, TaskState};

use super::sight::Sight;
use super::small_map::{SmallMap, SmallSet};

/// How many tasks one message names, so that it stays below the server's limit of 64 KB.
const SUBSCRIBE_CHUNK: usize = 400;

/// What to ask for in a poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PollFor {
    pub(crate) tasks: Vec<TaskId>,
    pub(crate) logs: Vec<(TaskId, u64)>,
    pub(crate) list: Option<ListQuery>,
    pub(crate) counts: bool,
}

#[derive(Debug, Default)]
struct Watched {
    /// How many watch it.
    by: u32,
    /// The newest state that is known.
    rev: Rev,
    /// Whether it has ended or is gone, so that nothing is to be expected of it.
    still: bool,
}

#[derive(Debug, Default)]
struct Log {
    by: u32,
    /// The last line that every watcher has.
    since: u64,
    /// Whether it was read after its task ended.
    drained: bool,
}

/// What the server was told on the open line.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What it was told to send, and whether it was told that nobody sees it.
    tasks: SmallMap<TaskId, bool>,
    logs: SmallSet<TaskId>,
    /// Boxed: the line that it belongs to is closed most of the time of some pages.
    list: Option<Box<ListQuery>>,
    counts: bool,
}

/// What is wanted. Each change of it is followed by the plan's `Event::Changed`.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    tasks: SmallMap<TaskId, Watched>,
    logs: SmallMap<TaskId, Log>,
    list: Option<ListQuery>,
    /// Whether nothing can have come into the list unseen since the page loaded it.
    list_is_whole: bool,
    counts: u32,
    /// What is watched by rows, and which of them are in sight.
    pub(super) sight: Sight,
}

impl Wants {
    pub(crate) fn watch(&mut self, id: TaskId, known: Option<&TaskState>) {
        let watched = self.tasks.get_or_insert_with(id, Watched::default);
        watched.by += 1;
        if let Some(known) = known {
            self.saw(known);
        }
    }

    pub(crate) fn unwatch(&mut self, id: TaskId) {
        if let Some(watched) = self.tasks.get_mut(id) {
            watched.by -= 1;
            if watched.by == 0 {
                self.tasks.remove(id);
            }
        }
    }

    pub(crate) fn is_watched(&self, id: TaskId) -> bool {
        self.tasks.contains(id)
    }

    pub(crate) fn watch_log(&mut self, id: TaskId, since: u64) {
        let log = self.logs.get_or_insert_with(id, || Log { since, ..Log::default() });
        log.by += 1;
        log.drained = false;
        // One that has less than the others needs the lines between; they are told to it by a refill of its own.
    }

    pub(crate) fn unwatch_log(&mut self, id: TaskId) {
        if let Some(log) = self.logs.get_mut(id) {
            log.by -= 1;
            if log.by == 0 {
                self.logs.remove(id);
            }
        }
    }

    /// Watches a list that the page has just loaded; or none any longer.
    pub(crate) fn watch_list(&mut self, query: Option<ListQuery>) {
        self.list = query;
        self.list_is_whole = false;
    }

    /// Whether the list is to be asked for, where the server tells of it already.
    pub(crate) fn catch_up(&mut self) -> bool {
        self.list.is_some() && !std::mem::replace(&mut self.list_is_whole, true)
    }

    pub(crate) fn watch_counts(&mut self) {
        self.counts += 1;
    }

    pub(crate) fn unwatch_counts(&mut self) {
        self.counts = self.counts.saturating_sub(1);
    }

    // What became known, by whatever way.

    /// Says whether a task that had ended goes on (somebody retried it): then `Event::Changed` is to follow.
    pub(crate) fn saw(&mut self, state: &TaskState) -> bool {
        let Some(watched) = self.tasks.get_mut(state.id) else { return false };
        if state.rev() < watched.rev {
            return false;
        }
        let awoke = watched.still && !state.status.has_ended();
        watched.rev = state.rev();
        watched.still = state.status.has_ended();
        if awoke && let Some(log) = self.logs.get_mut(state.id) {
            log.drained = false;
        }
        awoke
    }

    /// What had ended is asked for once more: somebody may have tried it again.
    pub(crate) fn look_again(&mut self) {
        for (_, watched) in self.tasks.iter_mut() {
            watched.still = false;
        }
    }

    pub(crate) fn saw_gone(&mut self, id: TaskId) {
        if let Some(watched) = self.tasks.get_mut(id) {
            watched.still = true;
        }
        self.drained(id);
    }

    pub(crate) fn saw_log(&mut self, id: TaskId, last_seq: u64) {
        if let Some(log) = self.logs.get_mut(id) {
            log.since = log.since.max(last_seq);
        }
    }

    /// The log was read to its end after its task had ended.
    pub(crate) fn drained(&mut self, id: TaskId) {
        let still = self.tasks.get(id).is_none_or(|watched| watched.still);
        if let Some(log) = self.logs.get_mut(id) {
            log.drained = still;
        }
    }

    /// What a poll is to ask for: tasks that go on, their logs, the list and the counts if they are shown.
    pub(crate) fn poll(&self) -> PollFor {
        PollFor {
            tasks: self.tasks.iter().filter(|(_, task)| !task.still).map(|(id, _)| id).collect(),
            logs: self.logs.iter().filter(|(_, log)| !log.drained).map(|(id, log)| (id, log.since)).collect(),
            list: self.list.clone(),
            counts: self.counts > 0,
        }
    }

    pub(crate) fn list(&self) -> Option<&ListQuery> {
        self.list.as_ref()
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.tasks.is_empty() && self.logs.is_empty() && self.list.is_none() && self.counts == 0
    }

    /// What the server does not know yet: the difference between what is wanted and what it was told.
    pub(crate) fn news(&self, told: &mut Told) -> Vec<ClientMessage> {
        let mut news = Vec::new();
        // First: see `Plan::tell_server`.
        if told.list.as_deref() != self.list.as_ref() {
            told.list = self.list.clone().map(Box::new);
            let message = self
                .list
                .clone()
                .map_or(ClientMessage::Unlist, |query| ClientMessage::List { query: Box::new(query) });
            news.push(message);
        }
        let dropped: Vec<TaskId> =
            told.tasks.iter().map(|(id, _)| id).filter(|id| !self.tasks.contains(*id)).collect();
        if !dropped.is_empty() {
            told.tasks.retain(|id| self.tasks.contains(id));
            for ids in dropped.chunks(SUBSCRIBE_CHUNK) {
                news.push(ClientMessage::Unsubscribe { tasks: ids.to_vec() });
            }
        }
        let added: Vec<Known> = self
            .tasks
            .iter()
            .filter(|(id, _)| !told.tasks.contains(*id))
            .map(|(id, task)| Known { id, version: task.rev.version, tick: task.rev.tick })
            .collect();
        for known in &added {
            told.tasks.insert(known.id, false);
        }
        for known in added.chunks(SUBSCRIBE_CHUNK) {
            news.push(ClientMessage::Subscribe { tasks: known.to_vec() });
        }
        let (mut came, mut left) = (Vec::new(), Vec::new());
        for (id, unseen) in told.tasks.iter_mut() {
            let is_out = self.sight.is_out(id);
            if is_out != *unseen {
                *unseen = is_out;
                if is_out { left.push(id) } else { came.push(id) }
            }
        }
        for tasks in came.chunks(SUBSCRIBE_CHUNK) {
            news.push(ClientMessage::InSight { tasks: tasks.to_vec() });
        }
        for tasks in left.chunks(SUBSCRIBE_CHUNK) {
            news.push(ClientMessage::OutOfSight { tasks: tasks.to_vec() });
        }
        for (task, ()) in told.logs.iter().filter(|(id, ())| !self.logs.contains(*id)) {
            news.push(ClientMessage::Unlog { task });
        }
        told.logs.retain(|id| self.logs.contains(id));
        for (task, log) in self.logs.iter() {
            if !told.logs.contains(task) {
                told.logs.insert(task, ());
                news.push(ClientMessage::Log { task, since: log.since });
            }
        }
        let counts = self.counts > 0;
        if told.counts != counts {
            told.counts = counts;
            news.push(ClientMessage::Counts { on: counts });
        }
        news
    }
}
