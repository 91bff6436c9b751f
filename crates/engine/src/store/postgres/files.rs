//! Files: uploads and artifacts, the tasks that refer to them, and their bytes, so that every node has them.

use std::path::Path;

use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgPool};
use taskdeck_core::{FileId, TaskId, Timestamp, Upload};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::{big, text};

/// How many bytes of a file are one row.
const CHUNK: usize = 256 * 1024;

/// Keeps the bytes of a file. Each chunk is a transaction of its own, so a large file holds nobody up; what was written
/// is taken back when it does not come to its end.
pub(super) async fn put(pool: &PgPool, id: FileId, from: &Path) -> Result<(), Fault> {
    let done = put_chunks(pool, id, from).await;
    if done.is_err() {
        let gone = query("DELETE FROM taskdeck.file_chunks WHERE file = $1").bind(*id.as_uuid());
        if let Err(error) = gone.execute(pool).await {
            tracing::warn!(file = %id, %error, "some bytes of a file that nobody has stay in the database");
        }
    }
    done
}

async fn put_chunks(pool: &PgPool, id: FileId, from: &Path) -> Result<(), Fault> {
    let mut file = File::open(from).await.map_err(sqlx_core::Error::Io)?;
    let mut bytes = Vec::with_capacity(CHUNK);
    for n in 0_i32.. {
        bytes.clear();
        (&mut file).take(CHUNK as u64).read_to_end(&mut bytes).await.map_err(sqlx_core::Error::Io)?;
        if bytes.is_empty() {
            break;
        }
        query("INSERT INTO taskdeck.file_chunks (file, n, bytes) VALUES ($1, $2, $3)")
            .bind(*id.as_uuid())
            .bind(n)
            .bind(&bytes)
            .execute(pool)
            .await?;
    }
    Ok(())
}

/// Writes the bytes of a file to a new file; false when it is not known.
pub(super) async fn get(pool: &PgPool, id: FileId, to: &Path) -> Result<bool, Fault> {
    let known = query("SELECT size FROM taskdeck.files WHERE id = $1").bind(*id.as_uuid());
    let Some(row) = known.fetch_optional(pool).await? else { return Ok(false) };
    let size: i64 = row.try_get(0)?;
    let mut file = File::create_new(to).await.map_err(sqlx_core::Error::Io)?;
    let (mut n, mut written) = (0_i32, 0_i64);
    loop {
        let sql = "SELECT bytes FROM taskdeck.file_chunks WHERE file = $1 AND n = $2";
        let Some(row) = query(sql).bind(*id.as_uuid()).bind(n).fetch_optional(pool).await? else { break };
        let bytes: &[u8] = row.try_get(0)?;
        file.write_all(bytes).await.map_err(sqlx_core::Error::Io)?;
        written += big(bytes.len());
        n += 1;
    }
    file.flush().await.map_err(sqlx_core::Error::Io)?;
    if written == size { Ok(true) } else { Err(Fault::unreadable("file", &"some of its bytes are missing")) }
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
    query("DELETE FROM taskdeck.file_chunks WHERE file = ANY($1)").bind(&gone).execute(conn).await?;
    Ok(gone.into_iter().map(FileId::from_uuid).collect())
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

pub(super) async fn remove_loose(conn: &mut PgConnection, before: Timestamp) -> Result<Vec<FileId>, Fault> {
    let found = query(
        "SELECT f.id FROM taskdeck.files f WHERE f.created_at < $1
             AND NOT EXISTS (SELECT 1 FROM taskdeck.task_files l WHERE l.file = f.id) ORDER BY f.id",
    );
    let found = found.bind(before.as_millis()).fetch_all(&mut *conn).await?;
    let found = found.iter().map(|row| row.try_get(0).map(FileId::from_uuid));
    forget_loose(conn, found.collect::<Result<_, _>>()?).await
}
