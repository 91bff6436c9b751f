//! Files: uploads and artifacts, the tasks that refer to them, and their bytes, so that every node has them.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{FileId, TaskId, Timestamp, Upload};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::fault::Fault;
use super::look_with;
use super::pool::Pool;
use super::query::query;
use super::rows::{big, text};
use crate::store::Walked;

/// How many bytes of a file are one row.
const CHUNK: usize = 256 * 1024;

/// Keeps the bytes of a file. Each chunk is a transaction of its own, so a large file holds nobody up; what was written
/// is taken back when it does not come to its end.
pub(super) async fn put(pool: &Pool, id: FileId, from: &Path) -> Result<(), Fault> {
    let done = put_chunks(pool, id, from).await;
    if done.is_err()
        && let Err(fault) = pool.with(|conn| remove_chunks(conn, vec![*id.as_uuid()]).boxed()).await
    {
        tracing::warn!(file = %id, ?fault, "some bytes of a file that nobody has stay for a day");
    }
    done
}

async fn put_chunks(pool: &Pool, id: FileId, from: &Path) -> Result<(), Fault> {
    let mut file = File::open(from).await.map_err(sqlx_core::Error::Io)?;
    for n in 0_i32.. {
        let mut bytes = Vec::with_capacity(CHUNK);
        (&mut file).take(CHUNK as u64).read_to_end(&mut bytes).await.map_err(sqlx_core::Error::Io)?;
        if bytes.is_empty() {
            break;
        }
        let bytes = Arc::new(bytes);
        // Written again when the connection is lost, whether or not it was written then.
        let written = look_with(pool, move |conn| {
            let bytes = Arc::clone(&bytes);
            let sql = "INSERT INTO taskdeck.file_chunks (file, n, bytes) VALUES ($1, $2, $3)
                ON CONFLICT (file, n) DO UPDATE SET bytes = excluded.bytes";
            let insert = query(sql).bind(*id.as_uuid()).bind(n).bind(bytes);
            async move { Ok(insert.execute(conn).await.map(drop)?) }.boxed()
        });
        written.await?;
    }
    Ok(())
}

/// Writes the bytes of a file to a new file; false when it is not known.
pub(super) async fn get(pool: &Pool, id: FileId, to: &Path) -> Result<bool, Fault> {
    let known = look_with(pool, |conn| {
        let known = query("SELECT size FROM taskdeck.files WHERE id = $1").bind(*id.as_uuid());
        async move { Ok(known.fetch_optional(conn).await?) }.boxed()
    });
    let Some(row) = known.await? else { return Ok(false) };
    let size: i64 = row.try_get(0)?;
    let mut file = File::create_new(to).await.map_err(sqlx_core::Error::Io)?;
    let (mut n, mut written) = (0_i32, 0_i64);
    while let Some(bytes) = chunk(pool, id, n).await? {
        file.write_all(&bytes).await.map_err(sqlx_core::Error::Io)?;
        written += big(bytes.len());
        n += 1;
    }
    file.flush().await.map_err(sqlx_core::Error::Io)?;
    if written == size { Ok(true) } else { Err(Fault::unreadable("file", &"some of its bytes are missing")) }
}

/// A part of a file; none after the last.
pub(super) async fn chunk(pool: &Pool, id: FileId, n: i32) -> Result<Option<Vec<u8>>, Fault> {
    let found = look_with(pool, move |conn| {
        let sql = "SELECT bytes FROM taskdeck.file_chunks WHERE file = $1 AND n = $2";
        let chunk = query(sql).bind(*id.as_uuid()).bind(n);
        async move { Ok(chunk.fetch_optional(conn).await?) }.boxed()
    });
    let found = found.await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// Forgets those of the files that no task refers to. Whoever is about to refer to one holds its row until then.
pub(super) async fn forget_loose(conn: &mut PgConnection, files: Vec<FileId>) -> Result<Vec<FileId>, Fault> {
    if files.is_empty() {
        return Ok(files);
    }
    let files: Vec<Uuid> = files.iter().map(|id| *id.as_uuid()).collect();
    query("SELECT id FROM taskdeck.files WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(&files)
        .fetch_all(&mut *conn)
        .await?;
    let gone = query(
        "DELETE FROM taskdeck.files f WHERE f.id = ANY($1)
             AND NOT EXISTS (SELECT 1 FROM taskdeck.task_files l WHERE l.file = f.id) RETURNING f.id",
    );
    let gone = gone.bind(&files).fetch_all(&mut *conn).await?;
    let gone: Vec<Uuid> = gone.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    remove_chunks(conn, gone.clone()).await?;
    Ok(gone.into_iter().map(FileId::from_uuid).collect())
}

pub(super) async fn remove_chunks(conn: &mut PgConnection, of: Vec<Uuid>) -> Result<(), Fault> {
    query("DELETE FROM taskdeck.file_chunks WHERE file = ANY($1)").bind(of).execute(conn).await?;
    Ok(())
}

/// Of these files, up to so many after `from` whose ids were made before a time, the bytes that nobody has added. The
/// chunks of a file are stepped over, not read.
pub(super) async fn remove_stray(
    conn: &mut PgConnection,
    before: Timestamp,
    from: Option<FileId>,
    max: usize,
) -> Result<Walked, Fault> {
    let found = query(
        "WITH RECURSIVE walk AS (
             (SELECT file, 1 AS n FROM taskdeck.file_chunks WHERE file > $1 AND file < $2 ORDER BY file LIMIT 1)
             UNION ALL
             SELECT next.file, walk.n + 1 FROM walk, LATERAL (SELECT c.file FROM taskdeck.file_chunks c
                 WHERE c.file > walk.file AND c.file < $2 ORDER BY c.file LIMIT 1) next
             WHERE walk.n < $3)
         SELECT walk.file, known.id IS NULL FROM walk
         LEFT JOIN LATERAL (SELECT f.id FROM taskdeck.files f WHERE f.id = walk.file LIMIT 1) known ON true
         ORDER BY walk.file",
    );
    let (from, to) = (from.map_or(Uuid::nil(), |id| *id.as_uuid()), first_of(before));
    let found = found.bind(from).bind(to).bind(big(max)).fetch_all(&mut *conn).await?;
    let mut walked = Walked { more: found.len() >= max, ..Walked::default() };
    for row in &found {
        let file = FileId::from_uuid(row.try_get(0)?);
        walked.last = Some(file);
        if row.try_get(1)? {
            walked.removed.push(file);
        }
    }
    if !walked.removed.is_empty() {
        remove_chunks(conn, walked.removed.iter().map(|id| *id.as_uuid()).collect()).await?;
    }
    Ok(walked)
}

/// The least of the ids that are made at a time.
fn first_of(time: Timestamp) -> Uuid {
    Uuid::from_u128(u128::try_from(time.as_millis()).unwrap_or_default() << 80)
}

pub(super) async fn add(conn: &mut PgConnection, file: &Upload, now: Timestamp) -> Result<(), Fault> {
    query("INSERT INTO taskdeck.files (id, name, size, media_type, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(*file.id.as_uuid())
        .bind(text(&file.name))
        .bind(big(file.size))
        .bind(text(&file.media_type))
        .bind(now.as_millis())
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes which uploads the params of tasks name.
pub(super) async fn link_uploads(
    conn: &mut PgConnection,
    uploads: &[(TaskId, &str, FileId)],
) -> Result<(), Fault> {
    if uploads.is_empty() {
        return Ok(());
    }
    let files = || uploads.iter().map(|(.., file)| *file.as_uuid());
    // Whoever removes loose files waits, and then sees that these are not.
    query("SELECT id FROM taskdeck.files WHERE id = ANY($1) ORDER BY id FOR SHARE")
        .bind(files().bind_iter())
        .fetch_all(&mut *conn)
        .await?;
    query(
        "INSERT INTO taskdeck.task_files (task, role, name, file)
         SELECT task, 0, name, file FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS u(task, name, file)",
    )
    .bind(uploads.iter().map(|(task, ..)| *task.as_uuid()).bind_iter())
    .bind(uploads.iter().map(|(_, param, _)| *param).bind_iter())
    .bind(files().bind_iter())
    .execute(&mut *conn)
    .await?;
    Ok(())
}

pub(super) async fn add_artifact(
    conn: &mut PgConnection,
    task: TaskId,
    file: &Upload,
    now: Timestamp,
) -> Result<Option<FileId>, Fault> {
    let id = *task.as_uuid();
    let sql = "SELECT file FROM taskdeck.task_files WHERE task = $1 AND role = 1 AND name = $2 FOR UPDATE";
    let before = query(sql).bind(id).bind(text(&file.name)).fetch_optional(&mut *conn).await?;
    let before: Option<Uuid> = before.as_ref().map(|row| row.try_get(0)).transpose()?;
    add(conn, file, now).await?;
    query(
        "INSERT INTO taskdeck.task_files (task, role, name, file) VALUES ($1, 1, $2, $3)
         ON CONFLICT (task, role, name) DO UPDATE SET file = excluded.file",
    )
    .bind(id)
    .bind(text(&file.name))
    .bind(*file.id.as_uuid())
    .execute(&mut *conn)
    .await?;
    let loose = before.map(FileId::from_uuid).into_iter().collect();
    Ok(forget_loose(conn, loose).await?.pop())
}

pub(super) async fn remove_loose(
    conn: &mut PgConnection,
    before: Timestamp,
    from: Option<FileId>,
    max: usize,
) -> Result<Walked, Fault> {
    // Each by a step in the index of its tasks: the planner would read them all to hash them.
    let found = query(
        "SELECT page.id, page.created_at < $3 AND link.file IS NULL FROM
             (SELECT id, created_at FROM taskdeck.files WHERE id > $1 ORDER BY id LIMIT $2) page
         LEFT JOIN LATERAL (SELECT l.file FROM taskdeck.task_files l WHERE l.file = page.id LIMIT 1) link ON true
         ORDER BY page.id",
    );
    let from = from.map_or(Uuid::nil(), |id| *id.as_uuid());
    let found = found.bind(from).bind(big(max)).bind(before.as_millis()).fetch_all(&mut *conn).await?;
    let (mut walked, mut loose) = (Walked { more: found.len() >= max, ..Walked::default() }, Vec::new());
    for row in &found {
        let file = FileId::from_uuid(row.try_get(0)?);
        walked.last = Some(file);
        if row.try_get(1)? {
            loose.push(file);
        }
    }
    walked.removed = forget_loose(conn, loose).await?;
    Ok(walked)
}
