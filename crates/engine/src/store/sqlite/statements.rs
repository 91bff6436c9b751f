//! The statements of what happens thousands of times a second, prepared once.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, Statement};

/// Prepared statements, found by the place of their text in the program: the connection's own cache hashes the text and
/// orders its entries anew each time, which is a good part of what a small statement costs.
pub(super) struct Statements<'c> {
    conn: &'c Connection,
    prepared: RefCell<Vec<(&'static str, Statement<'c>)>>,
    /// Whether any task runs after another, or once did: while none does, an ending need not look for those that wait
    /// for it. Whoever starts tasks is in this process, also in a transaction of the program's own.
    chained: Arc<AtomicBool>,
}

/// Whether any task of a database runs after another.
pub(super) fn any_chained(conn: &Connection) -> bool {
    conn.query_row("SELECT EXISTS (SELECT 1 FROM dependencies)", [], |row| row.get(0)).unwrap_or(true)
}

impl<'c> Statements<'c> {
    /// `chained` is shared with who else starts tasks in the same file.
    pub(super) fn new(conn: &'c Connection, chained: Arc<AtomicBool>) -> Self {
        Self { conn, prepared: RefCell::default(), chained }
    }

    pub(super) fn is_chained(&self) -> bool {
        self.chained.load(Ordering::Acquire)
    }

    /// A task runs after another from now on. It stays so when the commit fails: then somebody looks in vain.
    pub(super) fn chain(&self) {
        self.chained.store(true, Ordering::Release);
    }

    pub(super) fn conn(&self) -> &'c Connection {
        self.conn
    }

    /// Uses the statement of a text, which is one of the program's few: they are kept for ever. `run` does nothing but
    /// that.
    pub(super) fn with<R>(
        &self,
        sql: &'static str,
        run: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<R>,
    ) -> rusqlite::Result<R> {
        let mut prepared = self.prepared.borrow_mut();
        let known = prepared.iter().position(|(text, _)| std::ptr::eq(*text, sql));
        let index = if let Some(index) = known {
            index
        } else {
            prepared.push((sql, self.conn.prepare(sql)?));
            prepared.len() - 1
        };
        run(&mut prepared[index].1)
    }

    pub(super) fn execute(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> rusqlite::Result<usize> {
        self.with(sql, |statement| statement.execute(params))
    }
}
