//! What can go wrong in a transaction.

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

    /// Whether others were in the way: a deadlock, or two that took the same key in the same moment. Nothing of the
    /// transaction is left then, and it is run again, on what the others made.
    pub(super) fn is_clash(&self) -> bool {
        let Self::Database(Error::Database(error)) = self else { return false };
        // serialization_failure, deadlock_detected, unique_violation
        error.code().is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "23505"))
    }

    /// Whether it may be the fault of one of those who share a transaction, and not of the way to the server.
    pub(super) fn is_of_one(&self) -> bool {
        let of_server =
            self.is_lost() || matches!(self, Self::Database(Error::PoolTimedOut | Error::PoolClosed));
        !of_server
    }

    /// Whether the connection went away: the server was restarted, or an operator ended the session.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Database(Error::Io(_) | Error::Protocol(_) | Error::Tls(_) | Error::WorkerCrashed) => true,
            Self::Database(Error::Database(error)) => {
                error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
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
