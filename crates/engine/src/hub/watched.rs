//! What the hub's readers watch, for those who look at the store on their behalf.

use std::collections::HashSet;

use taskdeck_core::{ListQuery, TaskId};

use super::{Hub, Subscriptions};

/// All that is watched, each once.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) tasks: HashSet<TaskId>,
    pub(crate) logs: HashSet<TaskId>,
    pub(crate) lists: Vec<ListQuery>,
    pub(crate) counts: bool,
}

impl Hub {
    pub(crate) fn watched(&self) -> Watched {
        let hub = self.lock();
        let mut lists: Vec<ListQuery> = Vec::new();
        for list in hub.lists.values() {
            if !lists.contains(&list.query) {
                lists.push(list.query.clone());
            }
        }
        Watched {
            tasks: hub.tasks.keys().copied().collect(),
            logs: hub.logs.keys().copied().collect(),
            lists,
            counts: !hub.counts.is_empty(),
        }
    }

    /// Tells those who watch a list, which was looked at just now, of what is new in it; and those who do not know yet,
    /// that it is told of.
    pub(crate) fn announce(&self, list: &ListQuery, new: &[TaskId]) {
        let mut hub = self.lock();
        let Subscriptions { lists, all, .. } = &mut *hub;
        for (id, of) in lists.iter_mut().filter(|(_, of)| of.query == *list) {
            let listed = !std::mem::replace(&mut of.is_told, true);
            let Some(subscriber) = all.get(id).filter(|_| listed || !new.is_empty()) else { continue };
            subscriber.note(|pending| {
                pending.listed |= listed;
                new.iter().for_each(|id| pending.arrives(*id));
            });
        }
    }

    /// Tells those who watch the counters that they are others now.
    pub(crate) fn counts_changed(&self) {
        Self::tell_counts(&self.lock());
    }
}
