//! Uploaded files and artifacts: bytes in a directory beside the database, under names that no client chose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{DeckError, FieldErrors, FileId, Upload};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::clock;
use crate::deck::Inner;

/// A directory of files, each named by its id.
#[derive(Debug)]
pub(crate) struct FileStore {
    root: PathBuf,
    /// For a deck in memory: the directory goes when the deck goes.
    temporary: bool,
}

impl FileStore {
    /// That of a SQLite file: in the directory `<file>.files` beside it.
    pub(crate) fn beside(database: &Path) -> std::io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push(".files");
        Self::open(PathBuf::from(name), false)
    }

    pub(crate) fn open(root: PathBuf, temporary: bool) -> std::io::Result<Self> {
        std::fs::create_dir_all(root.join("new"))?;
        Ok(Self { root, temporary })
    }

    /// Where a finished file is.
    pub(crate) fn path(&self, id: FileId) -> PathBuf {
        self.root.join(relative(id))
    }

    /// Where a finished file is in an archive of the deck.
    pub(crate) fn archive_name(&self, id: FileId) -> String {
        format!("files/{}", relative(id))
    }

    /// Where a file is while it is written.
    pub(crate) fn new_path(&self, id: FileId) -> PathBuf {
        self.root.join("new").join(id.as_uuid().simple().to_string())
    }

    /// Makes a written file durable and puts it in its place.
    pub(crate) async fn keep(&self, id: FileId) -> std::io::Result<u64> {
        let (from, to) = (self.new_path(id), self.path(id));
        let file = File::open(&from).await?;
        file.sync_all().await?;
        let size = file.metadata().await?.len();
        if let Some(folder) = to.parent() {
            tokio::fs::create_dir_all(folder).await?;
            tokio::fs::rename(&from, &to).await?;
            // The name is durable only when its folder is.
            File::open(folder).await?.sync_all().await?;
        }
        Ok(size)
    }

    /// Removes files whose rows are gone already. One that stays is only space.
    pub(crate) async fn remove(&self, ids: &[FileId]) {
        for id in ids {
            if let Err(error) = tokio::fs::remove_file(self.path(*id)).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(file = %id, %error, "a file that no task refers to could not be removed");
            }
        }
    }

    /// Removes what a crash left half written.
    pub(crate) fn sweep_unfinished(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.root.join("new"))? {
            std::fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

impl Inner {
    /// Where the bytes of a finished file are on this machine; they are fetched when another node wrote them.
    pub(crate) async fn local_file(&self, id: FileId) -> std::io::Result<PathBuf> {
        let path = self.files.path(id);
        if !self.store.is_shared() || tokio::fs::try_exists(&path).await? {
            return Ok(path);
        }
        // Under a name of its own: two may want it at the same time.
        let new = self.files.new_path(clock::new_file_id());
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
}

/// A folder of two digits, then the id. The last digits of a UUIDv7 are random; the first ones are the time.
fn relative(id: FileId) -> String {
    let name = id.as_uuid().simple().to_string();
    format!("{}/{name}", &name[30..])
}

impl Drop for FileStore {
    fn drop(&mut self) {
        if self.temporary {
            // Nothing in it is wanted any more.
            drop(std::fs::remove_dir_all(&self.root));
        }
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
        let id = clock::new_file_id();
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
        let kept = self.inner.store.put_file(self.id, &self.inner.files.path(self.id)).await;
        kept.map_err(std::io::Error::other)?;
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
