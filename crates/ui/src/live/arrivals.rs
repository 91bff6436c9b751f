//! Which tasks of a list are new: not shown, and not told of yet. Pure.

use taskdeck_core::TaskId;

use super::small_map::SmallSet;

/// The tasks that came into a list since it was rendered.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    shown: SmallSet<TaskId>,
    arrived: Vec<TaskId>,
}

impl Arrivals {
    /// A list that shows these tasks.
    pub(crate) fn of(shown: impl IntoIterator<Item = TaskId>) -> Self {
        Self { shown: shown.into_iter().collect(), arrived: Vec::new() }
    }

    pub(crate) fn arrived(&self) -> &[TaskId] {
        &self.arrived
    }

    fn knows(&self, id: TaskId) -> bool {
        self.shown.contains(id) || self.arrived.contains(&id)
    }

    /// The server told of new tasks; says whether that was news.
    pub(crate) fn told(&mut self, ids: &[TaskId]) -> bool {
        let before = self.arrived.len();
        for id in ids {
            if !self.knows(*id) {
                self.arrived.push(*id);
            }
        }
        self.arrived.len() > before
    }

    /// The first page of the list, newest first, as it is now: what stands before the first task that is known came
    /// since. (What stands after it moved up when others were deleted.)
    pub(crate) fn polled(&mut self, page: impl IntoIterator<Item = TaskId>) -> bool {
        let mut new: Vec<TaskId> = page.into_iter().take_while(|id| !self.knows(*id)).collect();
        new.reverse();
        self.told(&new)
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Timestamp;

    use super::*;

    fn ids(numbers: &[u8]) -> Vec<TaskId> {
        let id = |n: &u8| TaskId::from_parts(Timestamp::from_millis(i64::from(*n)), [*n; 10]);
        numbers.iter().map(id).collect()
    }

    #[test]
    fn a_task_is_new_once() {
        let mut arrivals = Arrivals::of(ids(&[1, 2]));
        assert!(arrivals.told(&ids(&[2, 3])));
        assert!(!arrivals.told(&ids(&[3])));
        assert_eq!(arrivals.arrived(), ids(&[3]));
    }

    #[test]
    fn a_poll_finds_what_stands_before_the_known() {
        let mut arrivals = Arrivals::of(ids(&[5, 4, 3]));
        assert!(arrivals.polled(ids(&[7, 6, 5, 4, 2])));
        assert_eq!(arrivals.arrived(), ids(&[6, 7]));
        assert!(!arrivals.polled(ids(&[7, 6, 5])));
    }

    #[test]
    fn in_an_empty_list_everything_is_new() {
        let mut arrivals = Arrivals::default();
        assert!(arrivals.polled(ids(&[2, 1])));
        assert_eq!(arrivals.arrived(), ids(&[1, 2]));
    }
}
