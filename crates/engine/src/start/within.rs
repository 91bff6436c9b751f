//! A start in a transaction of the program's own.

use std::marker::PhantomData;

use sqlx_postgres::PgConnection;
use taskdeck_core::{DeckError, Task};

use super::{Start, TaskHandle};

impl<T: Task> Start<T> {
    /// Starts it in a transaction of the program's own, on the deck's PostgreSQL database: the task is there if and only
    /// if that is committed, and no node begins it before.
    ///
    /// ```no_run
    /// # use taskdeck_core::{DeckError, Task};
    /// # async fn order<T: Task>(
    /// #     deck: taskdeck_engine::Deck,
    /// #     mut transaction: taskdeck_engine::PgTransaction<'_>,
    /// #     invoice: T,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// // .. INSERT INTO orders .., with the same transaction
    /// let invoice = deck.start(invoice).key("order 7").start_in(&mut transaction).await?;
    /// transaction.commit().await?;
    /// println!("{} will run", invoice.id());
    /// # Ok(()) }
    /// ```
    ///
    /// The transaction is one of sqlx 0.9. While it is open, a second start with the same key waits for it; other
    /// starts do not.
    ///
    /// # Errors
    /// As [`Client::start_in`](crate::Client::start_in).
    pub async fn start_in(self, transaction: &mut PgConnection) -> Result<TaskHandle<T>, DeckError> {
        let (client, request) = self.into_request()?;
        let started = client.start_in(transaction, T::KIND, request).await?;
        Ok(TaskHandle { client, id: started.task.id, of: PhantomData })
    }
}
