//! A directory that is named for a deck on a SQLite file.

use taskdeck_core::{Actor, Definition, Param, Task, TaskError, Upload};

use crate::{BuildError, Deck, DeckBuilder, Settings, TaskBody, TaskContext};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Keep {
    file: Upload,
}

impl Task for Keep {
    const KIND: &'static str = "keep";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<Upload>("file")];
        definition
    }
}

impl TaskBody for Keep {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        Ok(())
    }
}

async fn refused(builder: DeckBuilder) -> String {
    let refused = builder.build().await.unwrap_err();
    assert!(matches!(refused, BuildError::FilesRefused { .. } | BuildError::FilesUnnamed), "{refused:?}");
    refused.to_string()
}

#[tokio::test]
async fn a_deck_on_a_file_keeps_its_files_in_the_directory_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, named) = (folder.path().join("deck.db"), folder.path().join("files"));
    let builder = || {
        let settings = Settings { worker: false, ..Settings::default() };
        Deck::builder().sqlite(&path).register::<Keep>().settings(settings)
    };
    let write = async |deck: &Deck| {
        let client = deck.as_actor(Actor::local());
        let mut upload = client.upload("keep", "file", "a.csv", "text/csv").await.unwrap();
        upload.write(b"rows").await.unwrap();
        let file = upload.finish().await.unwrap();
        deck.inner().local_file(file.id).await.unwrap()
    };
    let deck = builder().build().await.unwrap();
    assert!(write(&deck).await.starts_with(folder.path().join("deck.db.files")));
    deck.shutdown().await;
    drop(deck);
    let left = refused(builder().files(&named)).await;
    assert!(left.contains("move what is in there to it first"), "{left}");
    std::fs::rename(folder.path().join("deck.db.files"), &named).unwrap();
    let deck = builder().files(&named).build().await.unwrap();
    assert!(write(&deck).await.starts_with(&named));
    deck.shutdown().await;
    drop(deck);
    assert!(refused(builder()).await.contains("TASK_FILES"));
    let deck = builder().files(&named).build().await.unwrap();
    deck.shutdown().await;
}
