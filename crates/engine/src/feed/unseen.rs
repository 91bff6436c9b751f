//! Of which tasks nobody sees how far they are: a page with a thousand rows shows some twenty of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use taskdeck_core::{TaskId, TaskState};
use tokio::time::{Instant, sleep_until};

/// How often it is told how far such a task is, so that whoever scrolls fast sees at first what was true just now.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// They take turns: to be told of a thousand at once would cost the page a frame.
const LEAST_BETWEEN: Duration = Duration::from_millis(100);

/// The tasks of a feed that nobody sees, and what is not told of them yet: of each the newest state, which differs in
/// nothing but its progress from what was told.
#[derive(Debug)]
pub(super) struct Unseen {
    tasks: HashSet<TaskId>,
    kept: HashMap<TaskId, Arc<TaskState>>,
    /// Whose turn it is; it may name tasks of which nothing is kept any more.
    turns: VecDeque<TaskId>,
    tell_at: Instant,
}

impl Default for Unseen {
    fn default() -> Self {
        Self { tasks: HashSet::new(), kept: HashMap::new(), turns: VecDeque::new(), tell_at: Instant::now() }
    }
}

impl Unseen {
    pub(super) fn out_of_sight(&mut self, tasks: impl Iterator<Item = TaskId>) {
        self.tasks.extend(tasks);
    }

    /// Somebody sees the task; what was not told of it.
    pub(super) fn in_sight(&mut self, task: TaskId) -> Option<Arc<TaskState>> {
        self.tasks.remove(&task);
        self.kept.remove(&task)
    }

    /// The task is watched no more.
    pub(super) fn forget(&mut self, task: TaskId) {
        self.tasks.remove(&task);
        self.kept.remove(&task);
    }

    /// More than the progress of the task changed, and is told at once.
    pub(super) fn overtaken(&mut self, task: TaskId) {
        self.kept.remove(&task);
    }

    /// Keeps the progress of a task that nobody sees, to tell it later; whether it is such a task.
    pub(super) fn keeps(&mut self, state: &Arc<TaskState>) -> bool {
        let unseen = self.tasks.contains(&state.id);
        if unseen {
            if self.kept.is_empty() {
                self.turns.clear();
            }
            if self.kept.insert(state.id, Arc::clone(state)).is_none() {
                self.turns.push_back(state.id);
            }
        }
        unseen
    }

    /// Waits until something that is kept is to be told: for ever while there is nothing.
    pub(super) async fn due(&self) {
        if self.kept.is_empty() {
            return std::future::pending().await;
        }
        sleep_until(self.tell_at).await;
    }

    /// What is to be told by now.
    pub(super) fn take_due(&mut self) -> Vec<Arc<TaskState>> {
        let now = Instant::now();
        if self.kept.is_empty() || now < self.tell_at {
            return Vec::new();
        }
        let share = TELL_EVERY / u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        let between = share.max(LEAST_BETWEEN);
        self.tell_at = now + between;
        // As many as keep up with the others: all of them have had their turn after `TELL_EVERY`.
        let many = between.as_nanos().div_ceil(share.as_nanos().max(1));
        let mut due = Vec::new();
        while due.len() as u128 != many
            && let Some(task) = self.turns.pop_front()
        {
            due.extend(self.kept.remove(&task));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Timestamp;

    use super::*;

    fn id(number: u16) -> TaskId {
        TaskId::from_parts(Timestamp::from_millis(i64::from(number)), [1; 10])
    }

    fn state(number: u16) -> Arc<TaskState> {
        let json = serde_json::json!({
            "id": id(number), "kind": "import_csv", "label": "A",
            "status": "running", "version": 3, "tick": 1, "queue": "default", "priority": 0, "attempt": 1,
            "tries": 0, "max_tries": 3, "progress": {}, "partial": false, "tags": [],
            "created_at": Timestamp::from_millis(5), "starts": 1, "questions": 0, "endings": 0, "notice_seq": 0,
        });
        Arc::new(serde_json::from_value(json).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_take_turns_and_each_has_its_own_within_two_seconds() {
        let mut unseen = Unseen::default();
        unseen.out_of_sight((0..1_000).map(id));
        let begun = Instant::now();
        for number in 0..1_000 {
            assert!(unseen.keeps(&state(number)));
        }
        assert!(!unseen.keeps(&state(1_000)), "somebody sees it");
        let mut told = HashSet::new();
        while told.len() < 1_000 {
            unseen.due().await;
            let due = unseen.take_due();
            assert!(due.len() <= 50, "{} at once", due.len());
            for state in due {
                assert!(told.insert(state.id), "it had its turn");
                // It goes on while the others wait.
                unseen.keeps(&state);
            }
        }
        assert!(begun.elapsed() <= TELL_EVERY, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_one_is_told_every_two_seconds_and_what_was_taken_out_is_not() {
        let mut unseen = Unseen::default();
        unseen.out_of_sight([id(1), id(2)].into_iter());
        let mut told = Vec::new();
        for _ in 0..2 {
            unseen.keeps(&state(1));
            unseen.keeps(&state(2));
            assert_eq!(unseen.in_sight(id(2)).map(|state| state.id), Some(id(2)));
            unseen.out_of_sight([id(2)].into_iter());
            unseen.due().await;
            told.push((Instant::now(), unseen.take_due()));
        }
        assert!(told.iter().all(|(_, due)| due.len() == 1 && due[0].id == id(1)), "{told:?}");
        assert_eq!(told[1].0 - told[0].0, TELL_EVERY);
        unseen.keeps(&state(1));
        unseen.overtaken(id(1));
        assert_eq!(unseen.take_due(), []);
    }
}
