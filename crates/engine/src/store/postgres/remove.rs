//! Removing tasks that have ended, with all that is theirs.

use std::collections::HashSet;

use taskdeck_core::{FileId, TaskId};
use uuid::Uuid;

use super::fault::Fault;
use super::files;
use super::list;
use super::query::query;
use super::rows::{big, task_id, uuids};
use super::work::Work;
use crate::store::{Record, RemoveWhich, Removed};
use sqlx_core::row::Row;

/// All that is a task's and goes with it.
const THEIRS: [&str; 7] = [
    "DELETE FROM taskdeck.task_files WHERE task = ANY($1)",
    "DELETE FROM taskdeck.log_chunks WHERE task = ANY($1)",
    "DELETE FROM taskdeck.attempts WHERE task = ANY($1)",
    "DELETE FROM taskdeck.payloads WHERE task = ANY($1)",
    "DELETE FROM taskdeck.questions WHERE task = ANY($1)",
    "DELETE FROM taskdeck.notices WHERE task = ANY($1)",
    "DELETE FROM taskdeck.dependencies WHERE task = ANY($1)",
];

pub(super) async fn remove(work: &mut Work<'_>, which: &RemoveWhich, max: usize) -> Result<Removed, Fault> {
    let ids: Vec<TaskId> = match which {
        RemoveWhich::Tasks(ids) => ids.clone(),
        RemoveWhich::OwnTime(now) => {
            let sql = "SELECT id FROM taskdeck.tasks WHERE remove_at IS NOT NULL AND remove_at <= $1
                ORDER BY remove_at LIMIT $2 FOR UPDATE SKIP LOCKED";
            let found = query(sql).bind(now.as_millis()).bind(big(max)).fetch_all(work.conn()).await?;
            found.iter().map(|row| task_id(row, 0)).collect::<Result<_, _>>()?
        }
        RemoveWhich::Matching(of) => {
            list::ended(work.conn(), of, max).await?.into_iter().map(|record| record.id).collect()
        }
    };
    // For themselves alone, unlike `lock`: who starts something after one of them in a transaction of their own holds its row
    // `FOR KEY SHARE`. What is read from here on is read when that is over.
    query("SELECT 1 FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(uuids(&ids))
        .execute(work.conn())
        .await?;
    work.lock(ids.iter().copied(), []).await?;
    let mut seen = HashSet::new();
    let held = ids.iter().filter(|id| seen.insert(**id)).filter_map(|id| work.task(*id));
    let ended = held.filter(|record| record.status().has_ended()).take(max).cloned();
    let mut records: Vec<Record> = ended.collect();
    if records.is_empty() {
        return Ok(Removed::default());
    }
    let waited_for = waited_for(work, &records).await?;
    records.retain(|record| !waited_for.contains(&record.id));
    let gone = uuids(records.iter().map(|record| &record.id));
    let files = files_of(work, &gone).await?;
    for sql in THEIRS {
        query(sql).bind(&gone).execute(work.conn()).await?;
    }
    query("DELETE FROM taskdeck.tasks WHERE id = ANY($1)").bind(&gone).execute(work.conn()).await?;
    // What it did not complete for stays: those that failed with it must not wait for it when they are retried.
    query("DELETE FROM taskdeck.dependencies WHERE after = ANY($1) AND done")
        .bind(&gone)
        .execute(work.conn())
        .await?;
    for record in &records {
        work.deltas.count_removed(record);
        work.news.tasks = true;
    }
    Ok(Removed {
        tasks: records.iter().map(|record| (record.id, record.machine.version)).collect(),
        files: files::forget_loose(work.conn(), files).await?,
    })
}

/// Those of them that a task runs after which has not ended.
async fn waited_for(work: &mut Work<'_>, records: &[Record]) -> Result<HashSet<TaskId>, Fault> {
    let found = query(
        "SELECT DISTINCT d.after FROM taskdeck.dependencies d JOIN taskdeck.tasks t ON t.id = d.task
         WHERE d.after = ANY($1) AND t.status < 4",
    )
    .bind(uuids(records.iter().map(|record| &record.id)))
    .fetch_all(work.conn())
    .await?;
    Ok(found.iter().map(|row| task_id(row, 0)).collect::<Result<_, _>>()?)
}

async fn files_of(work: &mut Work<'_>, tasks: &[Uuid]) -> Result<Vec<FileId>, Fault> {
    let sql = "SELECT DISTINCT file FROM taskdeck.task_files WHERE task = ANY($1) ORDER BY file";
    let found = query(sql).bind(tasks).fetch_all(work.conn()).await?;
    let files = found.iter().map(|row| row.try_get(0).map(FileId::from_uuid));
    Ok(files.collect::<Result<_, _>>()?)
}
