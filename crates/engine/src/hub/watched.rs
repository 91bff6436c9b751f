//! What the hub's readers watch, for those who look at the store on their behalf.

use taskdeck_core::{LIST_ANNOUNCE_LIMIT, ListQuery, TaskId};

use super::Hub;

/// All that is watched, each once.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) tasks: Vec<TaskId>,
    pub(crate) logs: Vec<TaskId>,
    pub(crate) lists: Vec<ListQuery>,
    pub(crate) counts: bool,
}

impl Hub {
    pub(crate) fn watched(&self) -> Watched {
        let hub = self.lock();
        let mut lists: Vec<ListQuery> = Vec::new();
        for list in hub.lists.values() {
            if !lists.contains(list) {
                lists.push(list.clone());
            }
        }
        Watched {
            tasks: hub.tasks.keys().copied().collect(),
            logs: hub.logs.keys().copied().collect(),
            lists,
            counts: !hub.counts.is_empty(),
        }
    }

    /// Tells those who watch a list of what is new in it.
    pub(crate) fn announce(&self, list: &ListQuery, new: &[TaskId]) {
        if new.is_empty() {
            return;
        }
        let hub = self.lock();
        let readers = hub.lists.iter().filter(|(_, of)| *of == list);
        for subscriber in readers.filter_map(|(id, _)| hub.all.get(id)) {
            subscriber.note(|pending| {
                for id in new {
                    if pending.new.len() < LIST_ANNOUNCE_LIMIT && !pending.new.contains(id) {
                        pending.new.push(*id);
                    }
                }
            });
        }
    }

    /// Tells those who watch the counters that they are others now.
    pub(crate) fn counts_changed(&self) {
        Self::tell_counts(&self.lock());
    }
}
