//! Copies that are made again: after one that broke off, after changes that no version tells of, and of damaged bytes.

use std::sync::Arc;

use tokio::sync::Notify;

use super::*;

async fn after(client: &Client, act: &str, after: Vec<TaskId>) -> TaskId {
    let request = StartRequest { params: json!({"act": act}), after, ..StartRequest::default() };
    client.start("busy", request).await.unwrap().task.id
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_dependencies_that_were_pruned_between_two_copies_are_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = (folder.path().join("deck.db"), Database::new().await);
    let (from, to) = (Place::Sqlite(file.clone()), Place::Postgres(database.url()));
    let deck = on_file(&file).await;
    let client = deck.as_actor(Actor::local());
    let first = start(&client, "complete").await;
    let second = after(&client, "complete", vec![first]).await;
    reaches(&client, second, Status::Completed).await;
    let failing = start(&client, "fail").await;
    let failed = after(&client, "complete", vec![failing]).await;
    reaches(&client, failed, Status::Failed).await;
    Copy::new(from.clone(), to.clone()).online().run(|_| ()).await.unwrap();

    let version = |of: TaskId| {
        let client = client.clone();
        async move { client.detail(of).await.unwrap().task.version }
    };
    let before = version(second).await;
    client.delete(first).await.unwrap();
    assert_eq!(version(second).await, before, "no version tells of it");
    deck.shutdown().await;
    drop((deck, client));
    // As an end that a dependent does not take is noted.
    let conn = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(conn.execute("UPDATE dependencies SET done = 1 WHERE NOT done", []).unwrap(), 1);
    drop(conn);
    let copied = copy(from.clone(), to.clone()).await.unwrap();
    assert_eq!((copied.copied, copied.removed), (0, 1));
    let edges = copied.verified.iter().find(|table| table.table == "dependencies").unwrap();
    assert_eq!(edges.rows, 1);
    database.end().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_a_copy_that_broke_off_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = (folder.path().join("deck.db"), Database::new().await);
    let (from, to) = (Place::Sqlite(file.clone()), Place::Postgres(database.url()));
    let deck = on_file(&file).await;
    fill(&deck.as_actor(Actor::local())).await;
    deck.shutdown().await;
    drop(deck);
    let stopped = Arc::new(Notify::new());
    let stop = Arc::clone(&stopped);
    // In the middle of the files, and then in the middle of the tasks.
    for (stage, enough) in [(CopyStage::Files, 100), (CopyStage::Tasks, 200)] {
        let stop = Arc::clone(&stop);
        let run = Copy::new(from.clone(), to.clone()).run(move |at| {
            if at.stage == stage && at.done >= enough && at.done < at.total {
                stop.notify_one();
            }
        });
        tokio::select! {
            biased;
            () = stopped.notified() => {}
            done = run => panic!("it was to break off: {done:?}"),
        }
    }
    let finished = copy(from, to).await.unwrap();
    assert_eq!((finished.tasks, finished.files), (305, 0), "the files were there");
    assert!(finished.copied < 305 && finished.copied > 0, "{}", finished.copied);
    let deck = on_server(&database.url()).await;
    deck.shutdown().await;
    database.end().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_bytes_that_were_damaged_are_copied_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("deck.db"), folder.path().join("back.db"));
    let database = Database::new().await;
    let (from, to) = (Place::Sqlite(file.clone()), Place::Postgres(database.url()));
    let deck = on_file(&file).await;
    let client = deck.as_actor(Actor::local());
    let task = start(&client, "complete").await;
    reaches(&client, task, Status::Completed).await;
    let files = deck.inner().store.task_files(Some(task)).await.unwrap();
    let path = deck.inner().files.path(files[0].file.id);
    deck.shutdown().await;
    drop((deck, client));
    copy(from.clone(), to.clone()).await.unwrap();
    let mut conn = database.connect().await;
    let damage = "UPDATE taskdeck.file_chunks SET bytes = set_byte(bytes, 3, 0)";
    sqlx_core::query::query(damage).execute(&mut conn).await.unwrap();
    drop(conn);
    let mended = copy(from.clone(), to.clone()).await.unwrap();
    assert_eq!((mended.files, mended.copied), (1, 0), "as long, and not the same");
    assert_eq!(mended.verified.last().map(|sum| (sum.table, sum.rows)), Some(("bytes of files", 1)));
    // The same from there to a file.
    let back = Place::Sqlite(back);
    assert_eq!(copy(to.clone(), back.clone()).await.unwrap().files, 1);
    assert_eq!(copy(to, back).await.unwrap().files, 0);
    // What the source has lost cannot be copied.
    std::fs::write(path, "made").unwrap();
    let lost = copy(from, Place::Postgres(database.url())).await;
    assert!(matches!(lost, Err(CopyError::File { .. })), "{lost:?}");
    database.end().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_files_are_copied_to_directories_that_are_named_and_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("deck.db"), folder.path().join("back.db"));
    let [own, shared] = ["own", "shared"].map(|name| folder.path().join(name));
    let database = Database::new().await;
    let deck = Deck::builder().sqlite(&file).files(&own).register::<Busy>().settings(settings());
    let deck = deck.build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    let task = start(&client, "complete").await;
    reaches(&client, task, Status::Completed).await;
    deck.shutdown().await;
    drop((deck, client));
    let (from, to) = (Place::Sqlite(file), Place::Postgres(database.url()));
    let unnamed = copy(from.clone(), to.clone()).await;
    assert!(unnamed.as_ref().is_err_and(|error| error.to_string().contains("--from-files")), "{unnamed:?}");
    let there = Copy::new(from, to.clone()).from_files(&own).to_files(&shared).run(|_| ()).await.unwrap();
    assert_eq!(there.files, 1);
    let mut conn = database.connect().await;
    let chunks = sqlx_core::query::query("SELECT 1 FROM taskdeck.file_chunks").fetch_all(&mut conn).await;
    assert_eq!(chunks.unwrap().len(), 0);
    drop(conn);
    let on_server = || Deck::builder().postgres(database.url()).register::<Busy>().settings(settings());
    assert!(on_server().files(&own).build().await.is_err(), "that is the one of the source");
    let deck = on_server().files(&shared).build().await.unwrap();
    let (_, mut artifact) = deck.as_actor(Actor::local()).artifact(task, "out.txt").await.unwrap();
    let mut text = String::new();
    artifact.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "made by it");
    deck.shutdown().await;
    drop(deck);
    let returned = Copy::new(to, Place::Sqlite(back)).from_files(&shared).run(|_| ()).await.unwrap();
    assert_eq!((returned.files, returned.copied), (1, 1));
    database.end().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_what_a_transaction_started_after_tasks_that_ended_before_its_commit_goes_on_in_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (database, file) = (Database::new().await, folder.path().join("deck.db"));
    let deck = on_server(&database.url()).await;
    let client = deck.as_actor(Actor::local());
    let asks = start(&client, "ask").await;
    reaches(&client, asks, Status::WaitingConfirmation).await;
    let (mut conn, mut waiting) = (database.connect().await, Vec::new());
    let mut open = sqlx_core::connection::Connection::begin(&mut conn).await.unwrap();
    for _ in 0..2 {
        let busy = Busy { act: "complete".to_owned(), file: None };
        waiting.push(deck.start(busy).after(asks).start_in(&mut open).await.unwrap().id());
    }
    let answer = AnswerRequest { key: Some("sure".to_owned()), approved: true, ..AnswerRequest::default() };
    client.answer(asks, answer).await.unwrap();
    reaches(&client, asks, Status::Completed).await;
    deck.shutdown().await;
    drop((deck, client));
    // No node sees the commit.
    open.commit().await.unwrap();
    drop(conn);
    copy(Place::Postgres(database.url()), Place::Sqlite(file.clone())).await.unwrap();
    let deck = on_file(&file).await;
    let client = deck.as_actor(Actor::local());
    for task in waiting {
        reaches(&client, task, Status::Completed).await;
    }
    deck.shutdown().await;
    database.end().await;
}
