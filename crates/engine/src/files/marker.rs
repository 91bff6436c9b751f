//! Which deck a named directory of files belongs to, and which of its directories it is: a file in it says so, and the
//! store notes it. So a node that has another directory than the others, such as an empty one where nothing is mounted,
//! is refused, and two decks never share one.

use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use taskdeck_core::DeckId;
use uuid::Uuid;

use crate::BuildError;

/// Under which name a store notes its directory.
pub(crate) const NOTE: &str = "files";
/// The file in the directory.
const NAME: &str = "taskdeck-files";

#[derive(Debug, PartialEq, Eq)]
struct Marker {
    deck: DeckId,
    directory: String,
}

impl Marker {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let deck = lines.next()?.strip_prefix("deck ")?.parse().ok()?;
        let directory = lines.next()?.strip_prefix("directory ")?.to_owned();
        Some(Self { deck, directory })
    }

    fn text(&self) -> String {
        format!("deck {}\ndirectory {}\n", self.deck, self.directory)
    }
}

/// What the directory is called that the deck uses, which must be the `known` one if the store has noted one. A directory
/// that is the first one is marked.
///
/// # Errors
/// When it is of another deck, is not the one that the others use, or cannot be read.
pub(crate) fn agree(root: &Path, deck: DeckId, known: Option<&str>) -> Result<String, BuildError> {
    let refused = |why: String| BuildError::FilesRefused { path: root.display().to_string(), why };
    let failed = |error: Error| refused(error.to_string());
    let found = read(root).map_err(failed)?;
    let found = match (found, known) {
        (Some(found), _) => found,
        (None, None) => make(root, deck).map_err(failed)?,
        (None, Some(_)) => {
            return Err(refused(format!(
                "it has no file {NAME}, so it is not the directory that this deck uses; is it mounted?"
            )));
        }
    };
    if found.deck != deck {
        return Err(refused(format!("it belongs to another deck ({}), and this is {deck}", found.deck)));
    }
    if known.is_some_and(|known| known != found.directory) {
        return Err(refused(
            "it is another directory than the one that this deck uses: all nodes need the same".to_owned(),
        ));
    }
    Ok(found.directory)
}

fn read(root: &Path) -> std::io::Result<Option<Marker>> {
    match std::fs::read_to_string(root.join(NAME)) {
        Ok(text) => {
            let what =
                || Error::new(ErrorKind::InvalidData, format!("{NAME} in it does not say whose it is"));
            Marker::parse(&text).ok_or_else(what).map(Some)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Marks it, if nobody else is quicker.
fn make(root: &Path, deck: DeckId) -> std::io::Result<Marker> {
    std::fs::create_dir_all(root)?;
    let marker = Marker { deck, directory: Uuid::new_v4().to_string() };
    // It has its name only when it is whole, and keeps the first that has it.
    let unnamed = root.join(format!("{NAME}.{}", marker.directory));
    let mut file = std::fs::File::create_new(&unnamed)?;
    file.write_all(marker.text().as_bytes())?;
    file.sync_all()?;
    let named = std::fs::hard_link(&unnamed, root.join(NAME));
    std::fs::remove_file(&unnamed)?;
    match named {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => read(root)?.ok_or_else(|| ErrorKind::NotFound.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deck(n: u128) -> DeckId {
        DeckId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_directory_is_of_one_deck_and_a_deck_has_one_directory() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let marked = agree(first.path(), deck(1), None).unwrap();
        assert_eq!(agree(first.path(), deck(1), Some(&marked)).unwrap(), marked, "another node");
        assert_eq!(agree(first.path(), deck(1), None).unwrap(), marked, "the store of a copy");
        let why = |of| format!("{}", Result::unwrap_err(of));
        assert!(why(agree(first.path(), deck(2), None)).contains("belongs to another deck"));
        let unmounted = why(agree(second.path(), deck(1), Some(&marked)));
        assert!(unmounted.contains("is it mounted?"), "{unmounted}");
        assert!(std::fs::read_dir(second.path()).unwrap().next().is_none(), "nothing is left in it");
        agree(second.path(), deck(1), None).unwrap();
        assert!(why(agree(second.path(), deck(1), Some(&marked))).contains("all nodes need the same"));
        std::fs::write(first.path().join(NAME), "deck of cards").unwrap();
        assert!(why(agree(first.path(), deck(1), Some(&marked))).contains("does not say whose it is"));
    }
}
