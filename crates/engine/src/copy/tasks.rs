//! Comparing tasks, and copying those that differ.

use std::collections::{BTreeMap, HashSet};

use super::end::{End, Head, Id, Row};
use super::tables::{self, OF_TASKS};
use super::{BYTES, Copied, CopyError, CopyProgress, CopyStage};

/// How many tasks are compared at a time, and how many are written in one transaction at the most.
const COMPARED: usize = 4_000;
const WRITTEN: usize = 200;

pub(super) async fn copy(
    from: &mut dyn End,
    to: &mut dyn End,
    copied: &mut Copied,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<(), CopyError> {
    let total = from.count(&OF_TASKS[0]).await?;
    told(CopyProgress { stage: CopyStage::Tasks, done: 0, total });
    let mut after = None;
    loop {
        let here = from.heads(after, None, COMPARED).await?;
        // The last page compares to the end: what the target has beyond it is gone.
        let last = here.last().map(|head| head.id).filter(|_| here.len() == COMPARED);
        let there = to.heads(after, last, usize::MAX).await?;
        let Difference { differ, gone } = difference(&here, &there);
        for ids in gone.chunks(WRITTEN) {
            to.replace(&OF_TASKS, ids.to_vec(), Vec::new()).await?;
        }
        copied.removed += gone.len() as u64;
        let mut done = copied.tasks;
        for ids in differ.chunks(WRITTEN) {
            for ids in within(ids, &sizes(from, ids).await?) {
                let mut rows = Vec::with_capacity(OF_TASKS.len());
                for table in &OF_TASKS {
                    rows.push((table, from.rows_of(table, ids.to_vec()).await?));
                }
                to.replace(&OF_TASKS, ids.to_vec(), rows).await?;
                copied.copied += ids.len() as u64;
                done += ids.len() as u64;
                told(CopyProgress { stage: CopyStage::Tasks, done, total });
            }
        }
        edges(from, to, after, last).await?;
        copied.tasks += here.len() as u64;
        told(CopyProgress { stage: CopyStage::Tasks, done: copied.tasks, total });
        let Some(last) = last else { return Ok(()) };
        after = Some(last);
    }
}

/// How many bytes of long texts each of these tasks has.
async fn sizes(from: &mut dyn End, ids: &[Id]) -> Result<BTreeMap<Id, u64>, CopyError> {
    let mut sizes: BTreeMap<Id, u64> = BTreeMap::new();
    for table in OF_TASKS.iter().filter(|table| table.long().next().is_some()) {
        for (id, size) in from.sizes(table, ids.to_vec()).await? {
            *sizes.entry(id).or_default() += size;
        }
    }
    Ok(sizes)
}

/// Parts of these tasks, none of them longer than a statement should be; a single one may be.
fn within<'a>(ids: &'a [Id], sizes: &BTreeMap<Id, u64>) -> Vec<&'a [Id]> {
    let (mut parts, mut first, mut bytes) = (Vec::new(), 0, 0);
    for (index, id) in ids.iter().enumerate() {
        let size = sizes.get(id).copied().unwrap_or(0);
        if bytes + size > BYTES && index > first {
            parts.push(&ids[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes += size;
    }
    parts.push(&ids[first..]);
    parts
}

/// Brings what runs after what up to date, of tasks that are the same otherwise.
async fn edges(
    from: &mut dyn End,
    to: &mut dyn End,
    after: Option<Id>,
    last: Option<Id>,
) -> Result<(), CopyError> {
    let here = by_task(from.edges(after, last).await?);
    let there = by_task(to.edges(after, last).await?);
    let differs = |id: &&Id| here.get(*id) != there.get(*id);
    let all: HashSet<_> = here.keys().chain(there.keys()).collect();
    let differ: Vec<Id> = all.into_iter().filter(differs).copied().collect();
    for ids in differ.chunks(WRITTEN) {
        let rows = ids.iter().filter_map(|id| here.get(id)).flatten().cloned().collect();
        let table = std::slice::from_ref(tables::edges());
        to.replace(table, ids.to_vec(), vec![(tables::edges(), rows)]).await?;
    }
    Ok(())
}

/// They are in the order of their tasks, and then of what these run after.
fn by_task(rows: Vec<Row>) -> BTreeMap<Id, Vec<Row>> {
    let mut of: BTreeMap<Id, Vec<Row>> = BTreeMap::new();
    for row in rows {
        if let Some(task) = row.get(1).and_then(super::end::Cell::id) {
            of.entry(task).or_default().push(row);
        }
    }
    of
}

/// What is to be done so that both sides have the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) differ: Vec<Id>,
    pub(super) gone: Vec<Id>,
}

/// Both are in the order of their ids.
pub(super) fn difference(here: &[Head], there: &[Head]) -> Difference {
    let mut found = Difference::default();
    let mut others = there.iter().peekable();
    for head in here {
        while let Some(other) = others.next_if(|other| other.id < head.id) {
            found.gone.push(other.id);
        }
        let same = others.next_if(|other| other.id == head.id).is_some_and(|other| other == head);
        if !same || head.runs {
            found.differ.push(head.id);
        }
    }
    found.gone.extend(others.map(|other| other.id));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_at_once_is_bounded_by_its_size() {
        let ids: Vec<Id> = (0..6).map(|n| [n; 16]).collect();
        let of = |sizes: [u64; 6]| {
            let sizes = ids.iter().copied().zip(sizes).collect();
            within(&ids, &sizes).iter().map(|part| part.len()).collect::<Vec<_>>()
        };
        assert_eq!(of([1; 6]), [6]);
        assert_eq!(of([BYTES / 2; 6]), [2, 2, 2]);
        assert_eq!(of([1, BYTES * 3, 1, 1, BYTES, 1]), [1, 1, 2, 1, 1], "one task is never cut");
        assert_eq!(within(&[], &BTreeMap::new()).concat(), Vec::<Id>::new());
    }
}
