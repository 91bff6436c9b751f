//! What can go wrong in a transaction.

use std::borrow::Cow;
use std::io;

use sqlx_core::Error;

use crate::store::StoreError;

/// The database, or what it holds.
#[derive(Debug)]
pub(super) enum Fault {
    Database(Error),
    Unreadable { what: &'static str, why: String },
}

impl Fault {
    pub(super) fn unreadable(what: &'static str, why: &impl ToString) -> Self {
        Self::Unreadable { what, why: why.to_string() }
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        let Self::Database(Error::Database(error)) = self else { return None };
        error.code()
    }

    /// Whether others were in the way: a deadlock, or two that took the same key in the same moment. Nothing of the
    /// transaction is left then, and it is run again, on what the others made.
    pub(super) fn is_clash(&self) -> bool {
        // serialization_failure, deadlock_detected, unique_violation
        self.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "23505"))
    }

    /// Whether somebody else's transaction held for long what this one needs (`lock_not_available`). Nothing of it is left,
    /// and it may be run again.
    pub(super) fn is_held_up(&self) -> bool {
        self.code().is_some_and(|code| code == "55P03")
    }

    /// Whether the server took longer for a statement than it may: it lives, and asking again would make it slower.
    fn is_slow(&self) -> bool {
        self.code().is_some_and(|code| code == "57014")
            || matches!(self, Self::Database(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What a use came to that took too long though the server answered all the time.
    pub(super) fn slow() -> Self {
        let why = "the database takes too long for what it was asked";
        Self::Database(Error::Io(io::Error::new(io::ErrorKind::WouldBlock, why)))
    }

    /// Whether pauses or limits changed since a node claimed by them (`rows::if_fresh`).
    pub(super) fn is_stale(&self) -> bool {
        self.code().is_some_and(|code| code == "22P02")
    }

    /// Whether the server takes no writes any more: it was the primary when we connected to it, and is not now.
    pub(super) fn is_demoted(&self) -> bool {
        self.code().is_some_and(|code| code == "25006")
    }

    /// Whether it may be the fault of one of those who share a transaction, and not of the way to the server.
    pub(super) fn is_of_one(&self) -> bool {
        let of_server = self.is_lost()
            || self.is_slow()
            || matches!(self, Self::Database(Error::PoolTimedOut | Error::PoolClosed));
        !of_server
    }

    /// Whether the connection went away: the server was restarted, or an operator ended the session. One to a server that
    /// takes no writes is as good as lost.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Database(Error::Io(_)) if self.is_slow() => false,
            Self::Database(Error::Io(_) | Error::Protocol(_) | Error::Tls(_) | Error::WorkerCrashed) => true,
            Self::Database(Error::Database(error)) => {
                // 25P03: we were silent in the middle of a transaction, and the server let it go.
                let lost = |code: &str| code.starts_with("57P") || code.starts_with("08") || code == "25P03";
                self.is_demoted() || error.code().is_some_and(|code| lost(&code))
            }
            _ => false,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Database(Error::PoolClosed) => Self::Closed,
            Fault::Database(Error::ColumnDecode { index, source }) => {
                Self::Unreadable { what: "row", why: format!("column {index}: {source}") }
            }
            Fault::Database(Error::Decode(why)) => Self::Unreadable { what: "row", why: why.to_string() },
            Fault::Database(error) => Self::Database(error.to_string()),
            Fault::Unreadable { what, why } => Self::Unreadable { what, why },
        }
    }
}
