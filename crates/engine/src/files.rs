//! Uploaded files and artifacts: bytes in a directory beside the database or in one that is named, under names that no
//! client chose. Where many nodes share a database and no directory, the bytes are in the database, and the directory of
//! each node holds copies of those that it needs.

mod directory;
mod marker;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{DeckError, FieldErrors, FileId, Upload};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::clock;
use crate::deck::Inner;

pub(crate) use directory::FileStore;
#[cfg(feature = "postgres")]
pub(crate) use marker::{NOTE, agree};
pub(crate) use sweep::Sweep;

impl Inner {
    /// Whether the store has the bytes of files, and the directory here copies of some.
    pub(crate) fn keeps_copies(&self) -> bool {
        self.store.is_shared() && self.files.is_temporary()
    }

    /// Where the bytes of a finished file are on this machine; they are fetched when another node wrote them. A copy stays
    /// for a while after this.
    pub(crate) async fn local_file(self: &Arc<Self>, id: FileId) -> std::io::Result<PathBuf> {
        let path = self.files.path(id);
        if !self.store.is_shared() || self.has_file(id).await? {
            return Ok(path);
        }
        // Under a name of its own: two may want it at the same time.
        let new = self.files.new_path(clock::new_file_id(self.clock.now()));
        let got = self.store.get_file(id, &new).await.map_err(std::io::Error::other);
        if !matches!(got, Ok(true)) {
            // There may be a part of it.
            drop(tokio::fs::remove_file(&new).await);
            return got.and(Err(std::io::ErrorKind::NotFound.into()));
        }
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::rename(&new, &path).await?;
        Ok(path)
    }

    async fn has_file(self: &Arc<Self>, id: FileId) -> std::io::Result<bool> {
        if !self.keeps_copies() {
            return tokio::fs::try_exists(self.files.path(id)).await;
        }
        let inner = Arc::clone(self);
        let used = tokio::task::spawn_blocking(move || inner.files.used(id)).await;
        used.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }
}

/// A file in the making; removed again when it is dropped unfinished.
#[derive(Debug)]
pub(crate) struct NewFile {
    inner: Arc<Inner>,
    pub(crate) id: FileId,
    path: PathBuf,
    finished: bool,
}

impl NewFile {
    pub(crate) async fn create(inner: Arc<Inner>) -> std::io::Result<(Self, File)> {
        let id = clock::new_file_id(inner.clock.now());
        let path = inner.files.new_path(id);
        let file = File::create_new(&path).await?;
        Ok((Self { inner, id, path, finished: false }, file))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable, and gives its size.
    pub(crate) async fn keep(mut self) -> std::io::Result<(FileId, u64)> {
        let size = self.inner.files.keep(self.id).await?;
        self.finished = true;
        if self.inner.keeps_copies() {
            let kept = self.inner.store.put_file(self.id, &self.inner.files.path(self.id)).await;
            kept.map_err(std::io::Error::other)?;
        }
        Ok((self.id, size))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // Swept at the next start if this fails.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// An upload as it comes in. Made by [`crate::Client::upload`]; what is dropped unfinished is removed.
#[derive(Debug)]
pub struct UploadWriter {
    new: NewFile,
    file: File,
    inner: Arc<Inner>,
    meta: UploadMeta,
    written: u64,
}

#[derive(Debug)]
pub(crate) struct UploadMeta {
    pub(crate) param: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
    /// The parameter's own limit.
    pub(crate) max_bytes: Option<u64>,
}

fn unavailable(error: &std::io::Error) -> DeckError {
    DeckError::Unavailable { reason: format!("the file could not be stored: {error}") }
}

impl UploadWriter {
    pub(crate) async fn create(inner: Arc<Inner>, meta: UploadMeta) -> Result<Self, DeckError> {
        let (new, file) = NewFile::create(Arc::clone(&inner)).await.map_err(|error| unavailable(&error))?;
        Ok(Self { new, file, inner, meta, written: 0 })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] when the file outgrows its parameter, [`DeckError::TooLarge`] when it outgrows the
    /// deck, [`DeckError::Unavailable`] when the disk does not take it.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DeckError> {
        self.written += bytes.len() as u64;
        if let Some(max) = self.meta.max_bytes.filter(|max| self.written > *max) {
            let mut fields = FieldErrors::default();
            let limit = taskdeck_core::form::bytes(max);
            fields.add(&self.meta.param, format!("The file is too large: at most {limit} are taken."));
            return Err(fields.into());
        }
        let max_bytes = self.inner.settings.max_upload_bytes;
        if self.written > max_bytes {
            return Err(DeckError::TooLarge { what: "the file".to_owned(), max_bytes });
        }
        self.file.write_all(bytes).await.map_err(|error| unavailable(&error))
    }

    /// Makes the upload durable.
    ///
    /// # Errors
    /// [`DeckError::Unavailable`] when the disk or the store does not take it.
    pub async fn finish(mut self) -> Result<Upload, DeckError> {
        self.file.flush().await.map_err(|error| unavailable(&error))?;
        let (id, size) = self.new.keep().await.map_err(|error| unavailable(&error))?;
        let upload = Upload { id, name: self.meta.name, size, media_type: self.meta.media_type };
        self.inner.store.add_file(upload.clone(), self.inner.clock.now()).await?;
        Ok(upload)
    }
}
