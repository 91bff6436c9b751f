//! The backup as a task: a copy of the store, then the file that is made of it.
//!
//! The modules below know nothing of tasks: they turn a SQLite database into SQL, and files into an archive.

mod archive;
mod dump;
mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use taskdeck::ui::format::thousands;
use taskdeck::{Deck, Task, TaskContext, TaskError};

use self::archive::{Member, archive};
use self::dump::dump;
use self::error::BackupError;
use super::{BackupDatabase, BackupFormat, BackupSummary};

/// The steps, and where the bar stands after the first of them.
const STEPS: u32 = 3;
const COPIED: f64 = 0.2;
const WRITTEN: f64 = 0.95;

/// Refuses what could only fail.
#[expect(clippy::unused_async, reason = "a check may await")]
pub(super) async fn check(_: &BackupDatabase, deck: &Deck) -> Result<(), String> {
    if deck.is_shared() {
        return Err("A PostgreSQL database is backed up with its own tools, such as pg_dump.".to_owned());
    }
    Ok(())
}

pub(super) async fn run(ctx: TaskContext, format: BackupFormat) -> Result<BackupSummary, TaskError> {
    ctx.step("Copying the store", 1, STEPS);
    ctx.progress(0.0);
    let (writing, ending, media_type) = match format {
        BackupFormat::Sql => ("Writing SQL", "sql", "application/sql"),
        BackupFormat::Tar => ("Packing the archive", "tar.gz", "application/gzip"),
    };
    let name = format!("taskdeck-{}.{ending}", jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S"));
    // It is never finished: a file beside the others on the same disk, which is removed when it is dropped.
    let copy = ctx.artifact("copy of the store", "application/vnd.sqlite3").await?;
    ctx.deck().backup_to(copy.path()).await?;
    ctx.progress(COPIED);
    if ctx.is_cancelled() {
        return Err(BackupError::Stopped.into());
    }

    ctx.step(writing, 2, STEPS);
    let mut members = vec![Member { name: "taskdeck.db".to_owned(), path: copy.path().to_owned() }];
    if format == BackupFormat::Tar {
        members.extend(files(&ctx).await?);
    }
    let backup = ctx.artifact(&name, media_type).await?;
    let out = backup.path().to_owned();
    ctx.blocking(move |ctx| {
        let written = match format {
            BackupFormat::Sql => write_sql(&ctx, &members[0].path, &out),
            BackupFormat::Tar => write_archive(&ctx, &members, &out),
        };
        Ok(written?)
    })
    .await?;

    ctx.step("Storing the file", 3, STEPS);
    let artifact = backup.finish().await?;
    ctx.progress(1.0);
    ctx.message(format!("{}, {}", artifact.name, taskdeck::form::bytes(artifact.size)));
    Ok(BackupSummary { file: artifact.name, size: artifact.size })
}

/// The uploads and what tasks made, each file once; not earlier backups, or every backup would hold all before it.
async fn files(ctx: &TaskContext) -> Result<Vec<Member>, TaskError> {
    let mut names = BTreeSet::new();
    let stored = ctx.deck().stored_files().await?;
    let wanted = stored
        .into_iter()
        .filter(|file| !(file.is_artifact && file.kind.as_str() == BackupDatabase::KIND))
        .filter(|file| names.insert(file.archive_name.clone()));
    Ok(wanted.map(|file| Member { name: file.archive_name, path: file.path }).collect())
}

fn write_sql(ctx: &TaskContext, copy: &Path, out: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut out = BufWriter::new(File::create(out)?);
    dump(&connection, &mut out, |written, total| {
        ctx.message(format!("{} of {} rows", thousands(written), thousands(total)));
        look(ctx, written, total)
    })?;
    out.flush()?;
    Ok(())
}

fn write_archive(ctx: &TaskContext, members: &[Member], out: &Path) -> Result<(), BackupError> {
    let gone = archive(members, out, |read, total| {
        ctx.message(format!("{} of {}", taskdeck::form::bytes(read), taskdeck::form::bytes(total)));
        look(ctx, read, total)
    })?;
    for name in gone {
        ctx.info(format!("{name} was deleted while the backup was made, and is not in it."));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a bar does not show the last of 2^52 bytes")]
fn look(ctx: &TaskContext, done: u64, total: u64) -> Result<(), BackupError> {
    ctx.progress(COPIED + (WRITTEN - COPIED) * (done as f64 / total.max(1) as f64));
    if ctx.is_cancelled() { Err(BackupError::Stopped) } else { Ok(()) }
}
