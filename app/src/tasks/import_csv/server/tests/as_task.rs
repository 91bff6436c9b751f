//! The kind as its users meet it: by a deck.

use super::*;

/// Uploads the file to a deck and imports it as its users do.
async fn import_as_task(
    deck: &Deck,
    content: &[u8],
) -> (taskdeck::TaskId, Result<taskdeck::ResultBody, DeckError>) {
    let client = deck.as_actor(Actor::System);
    let mut upload = client.upload(ImportCsv::KIND, "file", "my rows.csv", "text/csv").await.unwrap();
    upload.write(content).await.unwrap();
    let params = serde_json::json!({ "file": upload.finish().await.unwrap() });
    let started =
        client.start(ImportCsv::KIND, StartRequest { params, ..StartRequest::default() }).await.unwrap();
    let id = started.task.id;
    (id, client.result(id, Some(std::time::Duration::from_secs(30))).await)
}

#[tokio::test]
async fn a_task_with_rows_left_out_completes_in_part_and_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::builder().memory().register_linked();
    let deck = install(deck, &folder.path().join("data.db")).unwrap().build().await.unwrap();
    let (id, result) = import_as_task(&deck, b"a,b\n1,NA\n2\n").await;
    let body = result.unwrap();
    assert!(body.partial);
    assert_eq!(body.problem_count, 1);
    assert_eq!(
        (body.problems[0].part.as_str(), body.problems[0].message.as_str()),
        ("line 3", "1 field instead of 2")
    );
    let expected = serde_json::json!({
        "table": "my_rows", "rows": 1, "skipped": 1, "columns": 2, "missing": { "a": 0, "b": 1 }
    });
    assert_eq!(body.result, expected);
    let log = deck.as_actor(Actor::System).log(id, 0, 100).await.unwrap();
    assert!(log.lines.iter().any(|line| line.text == "Line 3: 1 field instead of 2"), "{log:?}");
    deck.shutdown().await;
}

#[tokio::test]
async fn a_task_whose_file_is_refused_fails_at_once_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::builder().memory().register_linked();
    let deck = install(deck, &folder.path().join("data.db")).unwrap().build().await.unwrap();
    let (id, result) = import_as_task(&deck, b"a;b\n1;2\n").await;
    let Err(DeckError::TaskFailed { error, message }) = result else { panic!("{result:?}") };
    assert_eq!(error, "wrong_delimiter");
    assert!(message.ends_with("Choose Semicolon and import it again."), "{message}");
    assert_eq!(deck.as_actor(Actor::System).get(id).await.unwrap().attempt, 1);
    deck.shutdown().await;
}
