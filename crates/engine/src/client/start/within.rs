//! Starting tasks in a transaction of the program's own.

use sqlx_postgres::PgConnection;
use taskdeck_core::{DeckError, StartRequest, Started};

use super::{Asked, Client};
use crate::origin::Origin;
use crate::store::StoreError;

impl Client {
    /// As [`Client::start`], in a transaction of the caller's own on the same PostgreSQL database: the task is there if
    /// and only if that is committed, and no node begins it before. Layers around starts are not asked.
    ///
    /// After an error of the database the transaction can only be rolled back.
    ///
    /// # Errors
    /// As [`Client::start`]; [`DeckError::Unavailable`] when the deck is not on PostgreSQL.
    pub async fn start_in(
        &self,
        transaction: &mut PgConnection,
        kind: &str,
        request: StartRequest,
    ) -> Result<Started, DeckError> {
        let unique = request.unique;
        self.within_rate(1).await?;
        let new = self.new_task(kind, request, &Origin::actor(&self.actor), 0).await?;
        let asked = Asked::of(&new, unique);
        let mut outcomes = self.inner.store.start_in(transaction, vec![new]).await?;
        self.started(&asked, outcomes.pop().ok_or(StoreError::Closed)?)
    }
}
