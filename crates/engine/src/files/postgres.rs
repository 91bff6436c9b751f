//! Nodes that share a database and a directory of files.

use std::path::Path;

use taskdeck_core::{Actor, FileId, StartRequest, Status, TaskId, Upload};
use tokio::io::AsyncReadExt;

use crate::nodes::postgres::Copy;
use crate::store::postgres::testing::Database;
use crate::{BuildError, Client, Deck, DeckBuilder, Settings};

fn builder(database: &Database, worker: bool) -> DeckBuilder {
    let settings = Settings { worker, max_concurrent: 2, ..Settings::default() };
    Deck::builder().register::<Copy>().settings(settings).postgres(database.url())
}

async fn upload(client: &Client, bytes: &[u8]) -> Upload {
    let mut upload = client.upload("copy", "file", "rows.csv", "text/csv").await.unwrap();
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap()
}

async fn run(client: &Client, file: &Upload) -> TaskId {
    let request = StartRequest { params: serde_json::json!({"file": file}), ..StartRequest::default() };
    let id = client.start("copy", request).await.unwrap().task.id;
    let mut watch = client.watch(id).await;
    while let Some(state) = watch.next().await {
        if state.status.has_ended() {
            assert_eq!(state.status, Status::Completed, "{:?}", state.error);
            return id;
        }
    }
    panic!("{id} has no end");
}

async fn artifact(client: &Client, id: TaskId) -> Vec<u8> {
    let (_, mut file) = client.artifact(id, "copy").await.unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn chunks(database: &Database) -> i64 {
    let mut conn = database.connect().await;
    let count = sqlx_core::query::query("SELECT count(*) FROM taskdeck.file_chunks");
    let row = count.fetch_one(&mut conn).await.unwrap();
    sqlx_core::row::Row::get(&row, 0)
}

async fn refused(builder: DeckBuilder) -> String {
    let refused = builder.build().await.unwrap_err();
    assert!(matches!(refused, BuildError::FilesRefused { .. } | BuildError::FilesUnnamed), "{refused:?}");
    refused.to_string()
}

fn files_in(folder: &Path) -> usize {
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_files = folders.filter(|path| path.is_dir() && !path.ends_with("new"));
    of_files.map(|path| std::fs::read_dir(path).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn nodes_with_one_directory_share_files_and_keep_none_in_the_database() {
    let database = Database::new().await;
    let (shared, unmounted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // From before there was a directory.
    let before = builder(&database, false).build().await.unwrap();
    let old = upload(&before.as_actor(Actor::local()), &[7; 300_000]).await;
    before.shutdown().await;
    assert_eq!(chunks(&database).await, 2);

    let web = builder(&database, false).files(shared.path()).build().await.unwrap();
    let worker = builder(&database, true).files(shared.path()).build().await.unwrap();
    let client = web.as_actor(Actor::local());
    let bytes: Vec<u8> = (0..700_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    let new = upload(&client, &bytes).await;
    let (first, second) = (run(&client, &new).await, run(&client, &old).await);
    assert_eq!(artifact(&client, first).await, bytes);
    assert_eq!(artifact(&client, second).await, [7; 300_000], "what was in the database is read from there");
    assert_eq!(chunks(&database).await, 2, "nothing new is in the database");
    assert_eq!(files_in(shared.path()), 4);

    // A node that does not have the same directory does not begin.
    let other = refused(builder(&database, false).files(unmounted.path())).await;
    assert!(other.contains("is it mounted?"), "{other}");
    assert!(refused(builder(&database, false)).await.contains("TASK_FILES"));
    let stranger = Database::new().await;
    let stranger_refused = refused(builder(&stranger, false).files(shared.path())).await;
    assert!(stranger_refused.contains("belongs to another deck"), "{stranger_refused}");
    stranger.end().await;

    // What a dead node left half written stays with what living ones write; what never got a row goes after a day.
    let half = shared.path().join("new").join("half");
    std::fs::write(&half, "a part of it").unwrap();
    let day = std::time::Duration::from_secs(25 * 60 * 60);
    let now = crate::clock::system();
    let made = [-25, -1].map(|hours| FileId::from_parts(now.plus_millis(hours * 60 * 60 * 1_000), [7; 10]));
    let inner = web.inner();
    for id in made {
        std::fs::write(inner.files.new_path(id), "stray").unwrap();
        inner.files.keep(id).await.unwrap();
        let file = std::fs::File::options().append(true).open(inner.files.path(id)).unwrap();
        file.set_modified(std::time::SystemTime::now() - day).unwrap();
        inner
            .remove_stray_of(id.as_uuid().as_bytes()[15], now.plus_millis(-super::sweep::LOOSE))
            .await
            .unwrap();
    }
    assert_eq!(made.map(|id| inner.files.path(id).exists()), [false, true]);
    let again = builder(&database, false).files(shared.path()).build().await.unwrap();
    assert!(half.exists(), "another node may be writing it");

    for id in [first, second] {
        client.delete(id).await.unwrap();
    }
    assert_eq!((files_in(shared.path()), chunks(&database).await), (1, 0), "they went with their tasks");
    for deck in [web, worker, again] {
        deck.shutdown().await;
    }
    database.end().await;
}
