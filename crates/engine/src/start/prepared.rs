//! A start in a transaction of the program's own on a SQLite file.

use std::marker::PhantomData;

use taskdeck_core::{DeckError, Task};

use super::{Start, TaskHandle};
use crate::client::PreparedStart;

/// A start of which everything was checked that can be checked beforehand. Made by [`Start::prepare`].
#[must_use = "it is started by `start_in`"]
#[derive(Debug)]
pub struct Prepared<T> {
    start: PreparedStart,
    of: PhantomData<fn() -> T>,
}

impl<T: Task> Start<T> {
    /// Checks the start, for a transaction of the program's own on the deck's SQLite file: the task is there if and only if
    /// that is committed.
    ///
    /// ```no_run
    /// # use taskdeck_core::Task;
    /// # use taskdeck_engine::rusqlite::{self, TransactionBehavior};
    /// # async fn order<T: Task>(
    /// #     deck: taskdeck_engine::Deck,
    /// #     mut orders: rusqlite::Connection,
    /// #     invoice: T,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let invoice = deck.start(invoice).key("order 7").prepare().await?;
    /// // A connection to the file that the deck is in, with tables of the program's own.
    /// let transaction = orders.transaction_with_behavior(TransactionBehavior::Immediate)?;
    /// transaction.execute("INSERT INTO orders (number) VALUES (7)", [])?;
    /// let invoice = invoice.start_in(&transaction)?;
    /// transaction.commit()?;
    /// println!("{} will run", invoice.id());
    /// # Ok(()) }
    /// ```
    ///
    /// On PostgreSQL it is one call: `start_in`.
    ///
    /// # Errors
    /// As [`Client::prepare`](crate::Client::prepare).
    pub async fn prepare(self) -> Result<Prepared<T>, DeckError> {
        let (client, request) = self.into_request()?;
        Ok(Prepared { start: client.prepare(T::KIND, request).await?, of: PhantomData })
    }
}

impl<T: Task> Prepared<T> {
    /// Starts it in a transaction: see [`PreparedStart::start_in`].
    ///
    /// # Errors
    /// As [`PreparedStart::start_in`].
    pub fn start_in(self, transaction: &rusqlite::Transaction<'_>) -> Result<TaskHandle<T>, DeckError> {
        let client = self.start.client();
        let started = self.start.start_in(transaction)?;
        Ok(TaskHandle { client, id: started.task.id, of: PhantomData })
    }
}
