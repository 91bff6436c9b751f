//! Large files over connections that are lost.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_large_file_is_kept_and_fetched_though_every_session_is_ended_again_and_again() {
    let database = Database::new().await;
    let store = database.store().await;
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let bytes: Vec<u8> = (0..40_000_003_u32).map(|n| n.to_le_bytes()[1]).collect();
    std::fs::write(&from, &bytes).unwrap();
    let id = clock::new_file_id(clock::system());
    let ended = async |verb: tokio::task::JoinHandle<Result<bool, crate::store::StoreError>>| {
        // Fewer than the times that a store tries: all of them may meet the same part of the file.
        let mut times = 0;
        while !verb.is_finished() && times < 8 {
            database.end_sessions().await;
            times += 1;
        }
        assert!(verb.await.unwrap().unwrap());
        times
    };
    let (other, path) = (Arc::clone(&store), from.clone());
    let kept = ended(tokio::spawn(async move { other.put_file(id, &path).await.map(|()| true) })).await;
    let file =
        Upload { id, name: "rows.csv".to_owned(), size: bytes.len() as u64, media_type: String::new() };
    store.add_file(file, clock::system()).await.unwrap();
    let (other, path) = (Arc::clone(&store), to.clone());
    let fetched = ended(tokio::spawn(async move { other.get_file(id, &path).await })).await;
    assert!(kept > 1 && fetched > 1, "{kept} and {fetched} times in its middle");
    assert!(std::fs::read(&to).unwrap() == bytes, "the same bytes in the same order");
    database.drop(store).await;
}
