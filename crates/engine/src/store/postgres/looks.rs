//! When users last looked at what happened while they were away.

use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;
use taskdeck_core::{Timestamp, UserId};

use super::fault::Fault;

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
