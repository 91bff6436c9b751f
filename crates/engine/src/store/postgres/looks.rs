//! What happened to users' tasks while they were away, and when they last looked.

use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgRow};
use taskdeck_core::{InboxNotice, Timestamp, UserId};

use super::fault::Fault;
use super::query::query;
use super::rows::{self, columns, count, task_id, time};
use crate::store::News;

type Read<T> = Result<T, sqlx_core::Error>;

pub(super) async fn news(conn: &mut PgConnection, user: &UserId, limit: u32) -> Result<News, Fault> {
    let ended = query(concat!(
        "SELECT ",
        columns!(),
        " FROM taskdeck.tasks WHERE user_id = $1 AND ended_at IS NOT NULL AND parent IS NULL
         ORDER BY ended_at DESC LIMIT $2"
    ));
    let ended = ended.bind(user.as_str()).bind(i64::from(limit)).fetch_all(&mut *conn).await?;
    let notices = query(
        "SELECT n.task, t.label, n.seq, n.at, n.text FROM taskdeck.notices n JOIN taskdeck.tasks t ON t.id = n.task
         WHERE n.user_id = $1 ORDER BY n.at DESC, n.task DESC, n.seq DESC LIMIT $2",
    );
    let notices = notices.bind(user.as_str()).bind(i64::from(limit)).fetch_all(conn).await?;
    let notice = |row: &PgRow| {
        Ok(InboxNotice {
            task: task_id(row, 0)?,
            label: row.try_get(1)?,
            seq: count(row, 2)?,
            at: time(row, 3)?.unwrap_or_default(),
            text: row.try_get(4)?,
        })
    };
    Ok(News { ended: rows::records(&ended)?, notices: notices.iter().map(notice).collect::<Read<_>>()? })
}

pub(super) async fn last(conn: &mut PgConnection, user: &UserId) -> Result<Option<Timestamp>, Fault> {
    let found = query("SELECT at FROM taskdeck.looks WHERE user_id = $1").bind(user.as_str());
    let row = found.fetch_optional(conn).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(Timestamp::from_millis))
}

/// An earlier look than the one that is known changes nothing.
pub(super) async fn note(conn: &mut PgConnection, user: &UserId, at: Timestamp) -> Result<(), Fault> {
    query(
        "INSERT INTO taskdeck.looks (user_id, at) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET at = greatest(looks.at, excluded.at)",
    )
    .bind(user.as_str())
    .bind(at.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}
