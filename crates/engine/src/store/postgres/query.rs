//! A statement of the store.

use std::cell::Cell;

use sqlx_core::query::Query;
use sqlx_core::sql_str::SqlSafeStr;
use sqlx_postgres::{PgArguments, Postgres};

/// A statement with what it is given.
pub(super) type Bound = Query<'static, Postgres, PgArguments>;

thread_local! {
    static UNNAMED: Cell<bool> = const { Cell::new(false) };
}

tokio::task_local! {
    static UNPREPARED: bool;
}

/// A statement, which its connection prepares once; on threads of a store behind a pooler anew each time, since the next
/// time it may be another session.
pub(super) fn query(sql: impl SqlSafeStr) -> Bound {
    let unnamed = UNNAMED.get() || UNPREPARED.try_with(|unnamed| *unnamed).unwrap_or(false);
    sqlx_core::query::query(sql).persistent(!unnamed)
}

/// Runs something that may be behind a pooler, on a thread that is not only for that.
pub(super) async fn unprepared<R>(pooler: bool, run: impl Future<Output = R>) -> R {
    UNPREPARED.scope(pooler, run).await
}

/// Says that this thread is of a store behind a pooler.
pub(super) fn prepare_nothing() {
    UNNAMED.set(true);
}
