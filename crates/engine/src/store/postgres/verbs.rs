//! The verbs of the store, each with the module that does it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use sqlx_postgres::PgConnection;
use taskdeck_core::{
    Attempt, Batch, BatchId, Bucket, Counts, DeckId, FileId, Kind, LeaseToken, ListQuery, LogPage, Notice,
    OpenQuestion, Rate, SessionId, Stats, Status, TaskId, Timestamp, Upload, UserId,
};

use super::begin::Begun;
use super::work::Work;
use super::{
    PostgresStore, begin, change, claim, commit, control, copying, deltas, files, held, list, look,
    look_with, looks, meta, notices, open, read, remove, rows, signal, start,
};
use crate::store::{
    Applied, Change, ClaimRequest, Claimed, Control, Heard, LaneCount, LaneWait, LogWrite, Moved, NewTask,
    News, Oldest, Payload, ProgressWrite, Record, RemoveWhich, Removed, Said, Scope, SessionRow,
    StartOutcome, Store, StoreError, StoreInfo, Tally, TaskFile, Walked,
};

#[async_trait]
impl Store for PostgresStore {
    fn deck_id(&self) -> DeckId {
        self.shared.deck_id
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn heard(&self) -> Heard {
        self.shared.signal.heard().await
    }

    fn room_freed(&self) {
        self.shared.signal.committed(signal::News { queued: true, ..signal::News::default() });
    }

    async fn clock_ahead_ms(&self) -> Result<i64, StoreError> {
        look!(self, conn, [], open::clock_ahead_ms(conn).await)
    }

    async fn start(&self, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        let group = if start::are_plain(&tasks) { &self.plain_starts } else { &self.starts };
        let begun = group.call(tasks).await?;
        if begun.iter().all(|one| matches!(one, Begun::Done(_))) {
            return begin::all_begun(self.starts.clone(), begun).await;
        }
        // To its end also when the caller goes away.
        let all = self.handle.spawn(begin::all_begun(self.starts.clone(), begun));
        all.await.map_err(|_| StoreError::Closed)?
    }

    async fn start_in(
        &self,
        transaction: &mut PgConnection,
        tasks: Vec<NewTask>,
    ) -> Result<Vec<StartOutcome>, StoreError> {
        let mut work = Work::within(transaction);
        let outcomes = start::start(&mut work, &tasks, start::Tried::No).await?;
        work.finish().await?;
        held::hold(work.conn(), &outcomes).await?;
        let news = work.news;
        self.shared.signal.committing(work.conn(), news).await?;
        Ok(outcomes)
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, StoreError> {
        // Most looks find nothing, and need no transaction for it.
        let lanes = look!(self, conn, [], claim::lanes(conn).await)?;
        if !lanes.iter().any(|lane| lane.is_for(&request)) {
            return Ok(Vec::new());
        }
        commit!(self, work, [request, lanes], claim::claim(work, &request, &lanes).await)
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.changes.call(changes).await
    }

    async fn due(&self, now: Timestamp, max: usize) -> Result<Vec<Moved>, StoreError> {
        commit!(self, work, [], change::due(work, now, max).await)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        look!(self, conn, [], read::next_due(conn).await)
    }

    async fn rescue(&self, session: SessionId, now: Timestamp) -> Result<Vec<Moved>, StoreError> {
        commit!(self, work, [], change::rescue(work, session, now).await)
    }

    async fn rescue_dead(
        &self,
        session: SessionId,
        beat: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Vec<Moved>>, StoreError> {
        commit!(self, work, [], change::rescue_dead(work, session, beat, now).await)
    }

    async fn beat(&self, session: SessionId, beat: u64) -> Result<bool, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.on_own(async move {
            let pooler = shared.pooler;
            look_with(&shared.beats, move |conn| copying::beat(conn, session, beat, pooler).boxed()).await
        })
        .await
    }

    async fn say(&self, session: SessionId, said: Said) -> Result<(), StoreError> {
        let (shared, said) = (Arc::clone(&self.shared), Arc::new(said));
        let say = async move {
            look_with(&shared.beats, move |conn| {
                let said = Arc::clone(&said);
                async move { control::say(conn, session, &said).await }.boxed()
            })
            .await
        };
        self.on_own(say).await
    }

    async fn rate_used(&self, scope: Scope, name: String) -> Result<(Bucket, u64), StoreError> {
        look!(self, conn, [name], control::rate_used(conn, scope, &name).await)
    }

    async fn take_starts(
        &self,
        user: &UserId,
        starts: usize,
        rate: Rate,
    ) -> Result<Option<Result<(), u64>>, StoreError> {
        let user = user.clone();
        let taken = look!(self, conn, [user], control::take_starts(conn, &user, starts, rate).await);
        taken.map(Some)
    }

    async fn join(&self, session: SessionRow) -> Result<(), StoreError> {
        let (shared, session) = (Arc::clone(&self.shared), Arc::new(session));
        let joined = self.on_own(async move {
            let pooler = shared.pooler;
            look_with(&shared.beats, move |conn| {
                let session = Arc::clone(&session);
                async move { control::join(conn, &session, pooler).await }.boxed()
            })
            .await
        });
        if joined.await? { Ok(()) } else { Err(StoreError::Database(copying::IN_PROGRESS.to_owned())) }
    }

    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        look!(self, conn, [], control::sessions(conn).await)
    }

    async fn holders(&self) -> Result<Vec<SessionId>, StoreError> {
        look!(self, conn, [], control::holders(conn).await)
    }

    async fn held_by(&self, session: SessionId) -> Result<Vec<(TaskId, LeaseToken)>, StoreError> {
        look!(self, conn, [], control::held_by(conn, session).await)
    }

    async fn controls(&self) -> Result<Vec<Control>, StoreError> {
        look!(self, conn, [], control::controls(conn).await)
    }

    async fn controls_version(&self) -> Result<u64, StoreError> {
        look!(self, conn, [], control::controls_version(conn).await)
    }

    async fn set_control(&self, control: Control) -> Result<(), StoreError> {
        commit!(self, work, [control], {
            work.news.running = true;
            control::set_control(work.conn(), &control).await
        })
    }

    async fn start_batch(&self, batch: Batch, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        commit!(self, work, [batch, tasks], start::start_batch(work, &batch, &tasks).await)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        look!(self, conn, [], control::batch(conn, id).await)
    }

    async fn questions(&self, id: TaskId) -> Result<Vec<OpenQuestion>, StoreError> {
        look!(self, conn, [], control::questions(conn, id).await)
    }

    async fn after(&self, id: TaskId) -> Result<Vec<TaskId>, StoreError> {
        look!(self, conn, [], control::after(conn, id).await)
    }

    async fn set_params(
        &self,
        id: TaskId,
        kind_version: u32,
        params: String,
        uploads: Vec<(String, FileId)>,
    ) -> Result<bool, StoreError> {
        commit!(self, work, [params, uploads], {
            change::set_params(work, id, kind_version, &params, &uploads).await
        })
    }

    async fn save_progress(&self, writes: Vec<ProgressWrite>) -> Result<(), StoreError> {
        commit!(self, work, [writes], {
            work.news.tasks = true;
            notices::save_progress(work.conn(), &writes).await
        })
    }

    async fn checkpoint(&self, id: TaskId, token: LeaseToken, value: String) -> Result<bool, StoreError> {
        look!(self, conn, [value], notices::checkpoint(conn, id, token, &value).await)
    }

    async fn append_logs(&self, logs: Vec<LogWrite>) -> Result<Vec<bool>, StoreError> {
        commit!(self, work, [logs], notices::append_logs(work, &logs).await)
    }

    async fn remove(&self, which: RemoveWhich, max: usize) -> Result<Removed, StoreError> {
        commit!(self, work, [which], remove::remove(work, &which, max).await)
    }

    async fn oldest(
        &self,
        status: Status,
        kind: String,
        from: Option<TaskId>,
        max: usize,
    ) -> Result<Vec<Oldest>, StoreError> {
        look!(self, conn, [kind], read::oldest(conn, status, &kind, from, max).await)
    }

    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        look!(self, conn, [], Ok(rows::find(conn, &[id]).await?.pop()))
    }

    async fn get_many(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError> {
        look!(self, conn, [ids], rows::find(conn, &ids).await)
    }

    async fn list(&self, list: ListQuery) -> Result<(Vec<Record>, Option<String>), StoreError> {
        look!(self, conn, [list], list::page(conn, &list).await)
    }

    async fn tally(&self, list: ListQuery) -> Result<Tally, StoreError> {
        look!(self, conn, [list], list::tally(conn, &list).await)
    }

    async fn params(&self, ids: Vec<TaskId>) -> Result<Vec<String>, StoreError> {
        look!(self, conn, [ids], read::params(conn, &ids).await)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        look!(self, conn, [], control::counts(conn).await)
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCount>, StoreError> {
        look!(self, conn, [], control::lane_counts(conn).await)
    }

    fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn info(&self) -> StoreInfo {
        self.shared.info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn waits(&self) -> Result<Vec<LaneWait>, StoreError> {
        look!(self, conn, [], read::waits(conn).await)
    }

    async fn running(&self, max: usize) -> Result<Vec<Record>, StoreError> {
        look!(self, conn, [], read::running(conn, max).await)
    }

    async fn stats(
        &self,
        kind: Option<Kind>,
        since: Timestamp,
        now: Timestamp,
        step_ms: Option<u64>,
    ) -> Result<Stats, StoreError> {
        look!(self, conn, [kind], deltas::stats(conn, (*kind).as_ref(), since, now, step_ms).await)
    }

    async fn remove_rollups(&self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        commit!(self, work, [], deltas::remove_rollups(work.conn(), before, max).await)
    }

    #[cfg(test)]
    async fn recount(&self) -> Result<Counts, StoreError> {
        look!(self, conn, [], control::recount(conn).await)
    }

    async fn payload(&self, id: TaskId) -> Result<Option<Payload>, StoreError> {
        look!(self, conn, [], read::payload(conn, id).await)
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>, StoreError> {
        look!(self, conn, [], read::attempts(conn, id).await)
    }

    async fn log(&self, id: TaskId, since: u64, limit: u32) -> Result<LogPage, StoreError> {
        look!(self, conn, [], read::log(conn, id, since, limit).await)
    }

    async fn last_log_seq(&self, id: TaskId) -> Result<u64, StoreError> {
        look!(self, conn, [], read::last_log_seq(conn, id).await)
    }

    async fn last_log_seqs(&self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, u64>, StoreError> {
        look!(self, conn, [ids], read::last_log_seqs(conn, &ids).await)
    }

    async fn notify(
        &self,
        id: TaskId,
        token: LeaseToken,
        at: Timestamp,
        text: String,
    ) -> Result<Option<u64>, StoreError> {
        commit!(self, work, [text], {
            work.news.tasks = true;
            notices::add(work.conn(), id, token, at, &text).await
        })
    }

    async fn notices(&self, id: TaskId, since: u64, limit: u32) -> Result<Vec<Notice>, StoreError> {
        look!(self, conn, [], read::notices(conn, id, since, limit).await)
    }

    async fn news(&self, user: UserId, limit: u32) -> Result<News, StoreError> {
        look!(self, conn, [user], looks::news(conn, &user, limit).await)
    }

    async fn last_look(&self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        look!(self, conn, [user], looks::last(conn, &user).await)
    }

    async fn note_look(&self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        commit!(self, work, [user], looks::note(work.conn(), &user, at).await)
    }

    async fn secret(&self, name: &'static str, fresh: String) -> Result<String, StoreError> {
        look!(self, conn, [fresh], meta::secret(conn, name, &fresh).await)
    }

    async fn noted(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        look!(self, conn, [], meta::noted(conn, name).await)
    }

    async fn has_turn(&self, at: &'static str, every: Duration) -> Result<bool, StoreError> {
        look!(self, conn, [], meta::has_turn(conn, at, every).await)
    }

    async fn end_turn(&self, at: &'static str) -> Result<(), StoreError> {
        look!(self, conn, [], meta::end_turn(conn, at).await)
    }

    async fn add_file(&self, file: Upload, now: Timestamp) -> Result<(), StoreError> {
        commit!(self, work, [file], files::add(work.conn(), &file, now).await)
    }

    async fn files(&self, ids: Vec<FileId>) -> Result<Vec<Upload>, StoreError> {
        look!(self, conn, [ids], read::files(conn, &ids).await)
    }

    async fn add_artifact(
        &self,
        task: TaskId,
        file: Upload,
        now: Timestamp,
    ) -> Result<Option<FileId>, StoreError> {
        commit!(self, work, [file], files::add_artifact(work.conn(), task, &file, now).await)
    }

    async fn task_files(&self, task: Option<TaskId>) -> Result<Vec<TaskFile>, StoreError> {
        look!(self, conn, [], read::task_files(conn, task).await)
    }

    async fn put_file(&self, id: FileId, from: &Path) -> Result<(), StoreError> {
        let (shared, from) = (Arc::clone(&self.shared), from.to_owned());
        // As long as it takes: it is not one statement, but one for each chunk.
        let put = self.handle.spawn(async move { files::put(&shared.pool, id, &from).await });
        Ok(put.await.map_err(|_| StoreError::Closed)??)
    }

    async fn get_file(&self, id: FileId, to: &Path) -> Result<bool, StoreError> {
        let (shared, to) = (Arc::clone(&self.shared), to.to_owned());
        let got = self.handle.spawn(async move { files::get(&shared.pool, id, &to).await });
        Ok(got.await.map_err(|_| StoreError::Closed)??)
    }

    async fn remove_loose_files(
        &self,
        before: Timestamp,
        from: Option<FileId>,
        max: usize,
    ) -> Result<Walked, StoreError> {
        commit!(self, work, [], files::remove_loose(work.conn(), before, from, max).await)
    }

    async fn remove_stray_bytes(
        &self,
        before: Timestamp,
        from: Option<FileId>,
        max: usize,
    ) -> Result<Walked, StoreError> {
        commit!(self, work, [], files::remove_stray(work.conn(), before, from, max).await)
    }

    async fn backup_to(&self, _path: &Path) -> Result<(), StoreError> {
        let how = "a PostgreSQL database is backed up with its own tools, such as pg_dump";
        Err(StoreError::Database(how.to_owned()))
    }

    async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let closed = self.on_own(async move {
            shared.beats.close().await;
            shared.pool.close().await;
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the connections to the database did not end well");
        }
    }
}
