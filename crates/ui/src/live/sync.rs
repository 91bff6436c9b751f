//! What the server says over the feed, and what is asked of it by the server functions.

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{DeckError, LogLine, ServerMessage, TaskId};

use super::logs::{Delivery, Refill};
use super::plan::Event;
use super::store::{LiveStore, lock};
use super::ticks::raw_ticks;
use super::wants::PollFor;
use crate::{ApiError, api, browser, json};

/// How many tasks one request asks for.
const STATES_CHUNK: usize = 200;
/// How many lines one request asks for.
const LOG_CHUNK: u32 = 1_000;

impl LiveStore {
    /// Takes in a message of the feed. One that is not understood (of a newer server) is passed over.
    pub(super) fn hear(&self, text: &str) {
        if let Some(ticks) = raw_ticks(text) {
            self.dispatch(Event::Heard);
            self.take_raw_ticks(ticks);
            return;
        }
        let Some(message) = read(text) else {
            self.dispatch(Event::Heard);
            return;
        };
        if let ServerMessage::Hello { build, dev, now, beat_ms } = message {
            let reload = self.hello(build, now.as_millis() - browser::now().as_millis()) && dev;
            if reload {
                browser::reload();
            }
            self.dispatch(Event::Hello(u32::try_from(beat_ms).unwrap_or(u32::MAX)));
            return;
        }
        self.dispatch(Event::Heard);
        match message {
            ServerMessage::States { tasks } => self.take_states(tasks),
            ServerMessage::Ticks { ticks } => self.take_ticks(ticks),
            ServerMessage::Gone { id, .. }
            | ServerMessage::Refused { task: Some(id), error: DeckError::NotFound { .. } } => {
                self.take_gone(id);
            }
            ServerMessage::Log { task, lines } => self.take_log(task, &lines),
            ServerMessage::New { tasks } if tasks.is_empty() => self.dispatch(Event::Listed),
            ServerMessage::New { tasks } => self.take_arrivals(|arrivals| arrivals.told(&tasks)),
            ServerMessage::Counts { counts } => self.0.counts.set(Some(counts)),
            // Refused: the page shows what the viewer may not watch (any more); it stays as it is.
            ServerMessage::Hello { .. }
            | ServerMessage::Beat
            | ServerMessage::Token(_)
            | ServerMessage::Refused { .. } => {}
        }
    }

    /// Notes the server's clock and build; says whether it is another build than before.
    fn hello(&self, build: String, offset: i64) -> bool {
        let other = {
            let mut clock = lock(&self.0.clock);
            clock.offset = Some(offset);
            let other = clock.build.as_ref().is_some_and(|known| *known != build);
            clock.build.get_or_insert(build);
            other
        };
        if other {
            self.0.outdated.set(true);
        }
        other
    }

    fn take_arrivals(&self, take: impl FnOnce(&mut super::arrivals::Arrivals) -> bool) {
        let arrived = {
            let mut arrivals = lock(&self.0.arrivals);
            take(&mut arrivals).then(|| arrivals.arrived().to_vec())
        };
        if let Some(arrived) = arrived {
            self.0.new_tasks.set(arrived);
        }
    }

    fn take_log(&self, task: TaskId, lines: &[LogLine]) {
        let (deliveries, refills) = lock(&self.0.logs).take(task, lines);
        if let Some(newest) = lines.last() {
            lock(&self.0.plan).wants.saw_log(task, newest.seq);
        }
        deliveries.into_iter().for_each(Delivery::hand_over);
        for refill in refills {
            self.refill(refill);
        }
    }

    /// Fetches the lines that a reader misses.
    fn refill(&self, mut refill: Refill) {
        let store = self.clone();
        spawn_local(async move {
            loop {
                let page = api::task_log(refill.task, refill.since, LOG_CHUNK).await.ok();
                let (delivery, missing) = lock(&store.0.logs).refilled(refill, page.map(|page| page.lines));
                if let Some(delivery) = delivery {
                    delivery.hand_over();
                }
                match missing {
                    Some(missing) => refill = missing,
                    None => return,
                }
            }
        });
    }

    /// Asks for what is watched.
    pub(super) fn poll(&self) {
        let store = self.clone();
        spawn_local(async move {
            let reached = store.ask().await;
            store.dispatch(Event::Polled { reached });
        });
    }

    /// Whether the server answered.
    async fn ask(&self) -> bool {
        let PollFor { tasks, logs, list, counts } = lock(&self.0.plan).wants.poll();
        for ids in tasks.chunks(STATES_CHUNK) {
            let answer = api::states(ids.to_vec()).await;
            if !answered(&answer) {
                return false;
            }
            if let Ok(states) = answer {
                let gone = ids.iter().filter(|id| !states.iter().any(|state| state.id == **id));
                gone.for_each(|id| self.take_gone(*id));
                self.take_states(states);
            }
        }
        for (task, since) in logs {
            let answer = api::task_log(task, since, LOG_CHUNK).await;
            if !answered(&answer) {
                return false;
            }
            if let Ok(page) = answer {
                self.take_log(task, &page.lines);
                if !page.more {
                    lock(&self.0.plan).wants.drained(task);
                }
            }
        }
        if let Some(query) = list {
            let answer = api::tasks(query.clone()).await;
            if !answered(&answer) {
                return false;
            }
            if let Ok(page) = answer {
                self.take_list(&query, page.tasks.iter().map(|task| task.id).collect());
            }
        }
        if counts {
            let answer = api::counts().await;
            if !answered(&answer) {
                return false;
            }
            if let Ok(counts) = answer {
                self.0.counts.set(Some(counts));
            }
        }
        true
    }

    /// Asks for the list once: tasks that came before the server told of it were told to nobody.
    pub(super) fn catch_up(&self) {
        let Some(query) = lock(&self.0.plan).wants.list().cloned() else { return };
        let store = self.clone();
        spawn_local(async move {
            if let Ok(page) = api::tasks(query.clone()).await {
                store.take_list(&query, page.tasks.iter().map(|task| task.id).collect());
            }
        });
    }

    fn take_list(&self, query: &taskdeck_core::ListQuery, ids: Vec<TaskId>) {
        // Another list may be shown by now.
        if lock(&self.0.plan).wants.list() == Some(query) {
            self.take_arrivals(|arrivals| arrivals.polled(ids));
        }
    }
}

fn answered<T>(answer: &Result<T, ApiError>) -> bool {
    !matches!(answer, Err(ApiError(DeckError::Unavailable { .. })))
}

/// Reads a message; none when it is of a newer server.
fn read(text: &str) -> Option<ServerMessage> {
    json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Status;

    use super::*;
    use crate::sample::task;

    #[test]
    fn what_is_not_understood_is_no_message() {
        let state = ServerMessage::States { tasks: vec![task(Status::Running)] };
        assert_eq!(read(&serde_json::to_string(&state).unwrap()), Some(state));
        assert_eq!(read(r#"{"type":"of a newer server"}"#), None);
        assert_eq!(read("no JSON"), None);
    }
}
