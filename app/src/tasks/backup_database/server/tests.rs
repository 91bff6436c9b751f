use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rusqlite::Connection;
use rusqlite::types::Value;
use taskdeck::{Actor, Deck, StartRequest, Task, Upload};

use super::{BackupDatabase, BackupFormat, BackupSummary};
use crate::tasks::{DemoEnding, DemoSteps, ImportCsv, install};

const CSV: &[u8] = b"a,b\n1,it's \"quoted\"\n";

/// A deck in a folder, with some tasks done.
struct Used {
    folder: tempfile::TempDir,
    deck: Deck,
    upload: Upload,
}

impl Used {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let builder = Deck::builder().sqlite(folder.path().join("deck.db")).register_linked();
        let deck = install(builder, &folder.path().join("data.db")).unwrap().build().await.unwrap();
        let client = deck.as_actor(Actor::System);
        let mut writer = client.upload("import_csv", "file", "it's.csv", "text/csv").await.unwrap();
        writer.write(CSV).await.unwrap();
        let upload = writer.finish().await.unwrap();
        let params = serde_json::json!({ "file": upload, "table": "t" });
        let import = StartRequest { params, ..StartRequest::default() };
        client.run(ImportCsv::KIND, import, std::time::Duration::from_secs(30)).await.unwrap();
        let demo = deck
            .start(DemoSteps { steps: 3, step_ms: 0, ending: DemoEnding::Fail, log_lines: 1 })
            .await
            .unwrap();
        demo.result(None).await.unwrap_err();
        Self { folder, deck, upload }
    }

    /// Makes a backup and answers where its file is.
    async fn back_up(&self, format: BackupFormat) -> (BackupSummary, PathBuf) {
        let handle = self.deck.start(BackupDatabase { format }).await.unwrap();
        let summary = handle.result(None).await.unwrap();
        let client = self.deck.as_actor(Actor::System);
        let (artifact, mut file) = client.artifact(handle.id(), &summary.file).await.unwrap();
        assert_eq!((&artifact.name, artifact.size), (&summary.file, summary.size));
        let path = self.folder.path().join(&summary.file);
        let mut copy = tokio::fs::File::create(&path).await.unwrap();
        let copied = tokio::io::copy(&mut file, &mut copy).await.unwrap();
        copy.sync_all().await.unwrap();
        assert_eq!(copied, summary.size);
        (summary, path)
    }

    /// What the backups are compared by: all of the tasks that had ended before.
    fn rows(database: &Path) -> Vec<Vec<Vec<Value>>> {
        let connection = Connection::open(database).unwrap();
        let ended = "(SELECT id FROM tasks WHERE kind <> 'backup_database')";
        let queries = [
            format!("SELECT * FROM tasks WHERE id IN {ended} ORDER BY id"),
            format!("SELECT * FROM payloads WHERE task IN {ended} ORDER BY task"),
            format!("SELECT * FROM attempts WHERE task IN {ended} ORDER BY task, attempt"),
            format!("SELECT * FROM log_chunks WHERE task IN {ended} ORDER BY task, first_seq"),
            format!("SELECT * FROM task_files WHERE task IN {ended} ORDER BY task"),
            "SELECT * FROM meta ORDER BY name".to_owned(),
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name".to_owned(),
            "PRAGMA user_version".to_owned(),
            "PRAGMA integrity_check".to_owned(),
        ];
        let rows_of = |sql: &String| {
            let mut select = connection.prepare(sql).unwrap();
            let width = select.column_count();
            let rows = select.query_map([], |row| (0..width).map(|index| row.get(index)).collect()).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        queries.iter().map(rows_of).collect()
    }
}

#[tokio::test]
async fn the_sql_makes_the_same_rows_in_an_empty_database() {
    let used = Used::new().await;
    let (summary, path) = used.back_up(BackupFormat::Sql).await;
    let stamp = summary.file.strip_prefix("taskdeck-").and_then(|rest| rest.strip_suffix(".sql")).unwrap();
    assert!(stamp.len() == 15 && stamp.as_bytes()[8] == b'-', "{}", summary.file);

    let loaded = used.folder.path().join("loaded.db");
    let sql = std::fs::read_to_string(path).unwrap();
    Connection::open(&loaded).unwrap().execute_batch(&sql).unwrap();
    let expected = Used::rows(&used.folder.path().join("deck.db"));
    assert_eq!(expected[0].len(), 2, "the import and the demo");
    assert_eq!(Used::rows(&loaded), expected);
    used.deck.shutdown().await;
}

#[tokio::test]
async fn the_archive_holds_the_database_and_the_files_but_no_earlier_backup() {
    let used = Used::new().await;
    used.back_up(BackupFormat::Sql).await;
    let (summary, path) = used.back_up(BackupFormat::Tar).await;
    assert!(summary.file.ends_with(".tar.gz"));

    let unpacked = used.folder.path().join("unpacked");
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
    archive.unpack(&unpacked).unwrap();
    let database = unpacked.join("taskdeck.db");
    assert_eq!(Used::rows(&database), Used::rows(&used.folder.path().join("deck.db")));

    let mut files = Vec::new();
    for folder in std::fs::read_dir(unpacked.join("files")).unwrap() {
        files.extend(std::fs::read_dir(folder.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    let [file] = &files[..] else { panic!("one upload: {files:?}") };
    assert_eq!(file.file_name().unwrap().to_str().unwrap(), used.upload.id.as_uuid().simple().to_string());
    let mut content = Vec::new();
    File::open(file).unwrap().read_to_end(&mut content).unwrap();
    assert_eq!(content, CSV);
    used.deck.shutdown().await;
}

#[tokio::test]
async fn a_backup_leaves_nothing_half_written() {
    let used = Used::new().await;
    used.back_up(BackupFormat::Tar).await;
    let handle = used.deck.start(BackupDatabase { format: BackupFormat::Sql }).await.unwrap();
    handle.cancel(None).await.unwrap();
    drop(handle.result(None).await);
    used.deck.shutdown().await;
    let half_written =
        walk(used.folder.path()).into_iter().filter(|path| path.parent().unwrap().ends_with("new"));
    assert_eq!(half_written.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
