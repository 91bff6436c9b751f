//! The bytes of uploads and artifacts.

use std::path::Path;

use sha2::{Digest, Sha256};
use taskdeck_core::{DeckId, FileId};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::end::{Cell, End, Id};
use super::tables::OF_DECK;
use super::{Copied, CopyError, CopyProgress, CopyStage, TableSum, all_rows};
use crate::BuildError;
use crate::files::{FileStore, agree};

/// How the bytes of files are called among what was compared.
const BYTES_OF_FILES: &str = "bytes of files";
/// How many bytes are read at a time.
const READ: usize = 256 * 1024;

/// Copies the bytes of the files that the target has not. Of a deck that runs, files are taken for the same when they are
/// as long; else their bytes are read on both sides, and what was damaged is copied again.
pub(super) async fn copy(
    from: &mut dyn End,
    to: &mut dyn End,
    online: bool,
    copied: &mut Copied,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<Option<TableSum>, CopyError> {
    let [files, ..] = &OF_DECK;
    let rows = all_rows(from, files).await?;
    let total = rows.len() as u64;
    told(CopyProgress { stage: CopyStage::Files, done: 0, total });
    let mut all = Sha256::new();
    for (done, row) in (1..).zip(rows) {
        let (Some(id), Some(Cell::Number(size))) = (row[0].id(), row.get(2)) else { continue };
        let size = u64::try_from(*size).unwrap_or(0);
        if online {
            if to.file_size(id).await? != Some(size) {
                take(from, to, id).await?;
                copied.files += 1;
            }
        } else {
            let sum = from.file_sum(id).await?.filter(|(has, _)| *has == size);
            let sum = sum.ok_or_else(|| failed(id, "its bytes are not in the source, or not all of them"))?;
            if to.file_sum(id).await? != Some(sum) {
                take(from, to, id).await?;
                copied.files += 1;
                if to.file_sum(id).await? != Some(sum) {
                    return Err(CopyError::Differs(BYTES_OF_FILES));
                }
            }
            all.update(id);
            all.update(sum.1);
        }
        told(CopyProgress { stage: CopyStage::Files, done, total });
    }
    let sum = || all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((!online).then(|| TableSum { table: BYTES_OF_FILES, rows: total, sum: sum() }))
}

async fn take(from: &mut dyn End, to: &mut dyn End, id: Id) -> Result<(), CopyError> {
    let file = from.file(id).await?;
    to.keep_file(id, &file.path).await
}

pub(super) fn file_id(file: Id) -> FileId {
    FileId::from_uuid(Uuid::from_bytes(file))
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
pub(super) fn failed(file: Id, why: impl ToString) -> CopyError {
    CopyError::File { file: file_id(file).to_string(), why: why.to_string() }
}

/// A directory as one end of a copy has it.
impl FileStore {
    pub(super) async fn size_of(&self, file: Id) -> Option<u64> {
        tokio::fs::metadata(self.path(file_id(file))).await.ok().map(|known| known.len())
    }

    pub(super) async fn sum_of(&self, file: Id) -> Result<Option<(u64, [u8; 32])>, CopyError> {
        let mut read = match tokio::fs::File::open(self.path(file_id(file))).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| failed(file, error))?,
        };
        let (mut hash, mut size, mut bytes) = (Sha256::new(), 0, vec![0; READ]);
        loop {
            match read.read(&mut bytes).await.map_err(|error| failed(file, error))? {
                0 => return Ok(Some((size, hash.finalize().into()))),
                many => {
                    hash.update(&bytes[..many]);
                    size += many as u64;
                }
            }
        }
    }

    pub(super) async fn take(&self, file: Id, from: &Path) -> Result<(), CopyError> {
        let id = file_id(file);
        // The same directory may be that of both: nothing is written over itself.
        tokio::fs::copy(from, self.new_path(id)).await.map_err(|error| failed(file, error))?;
        self.keep(id).await.map(drop).map_err(|error| failed(file, error))
    }
}

/// The directory of a source, if it has one; `known` is what its store notes.
pub(super) fn of_source(
    named: Option<&Path>,
    deck: Option<&str>,
    known: Option<&str>,
) -> Result<Option<FileStore>, BuildError> {
    match (named, known) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(BuildError::FilesUnnamed),
        (Some(root), None) => Err(BuildError::FilesRefused {
            path: root.display().to_string(),
            why: "the deck that is copied has no directory of its own for its files".to_owned(),
        }),
        (Some(root), Some(_)) => {
            agree(root, id_of(deck), known)?;
            Ok(Some(FileStore::named(root)?))
        }
    }
}

/// The directory of a target, if it is to have one, with what its store is to note.
pub(super) fn of_target(
    named: Option<&Path>,
    deck: Option<&str>,
    known: Option<&str>,
) -> Result<Option<(FileStore, String)>, BuildError> {
    match (named, known) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(BuildError::FilesUnnamed),
        (Some(root), known) => {
            let note = agree(root, id_of(deck), known)?;
            Ok(Some((FileStore::named(root)?, note)))
        }
    }
}

fn id_of(deck: Option<&str>) -> DeckId {
    deck.and_then(|id| id.parse().ok()).unwrap_or_else(|| DeckId::from_uuid(Uuid::nil()))
}
