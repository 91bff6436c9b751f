//! A directory of files, each named by its id.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use taskdeck_core::FileId;
use tokio::fs::File;

use super::marker;
use crate::BuildError;
use crate::store::Store;

/// How the names of temporary directories begin.
const TEMPORARY: &str = "taskdeck-";
const LOCK: &str = "lock";
/// Where files are while they are written.
const NEW: &str = "new";

/// A directory of files, each named by its id.
#[derive(Debug)]
pub(crate) struct FileStore {
    root: PathBuf,
    /// For a deck in memory, and for copies: the directory goes when the deck goes. Who holds its lock lives.
    temporary: Option<std::fs::File>,
    /// Held while a copy is noted as used, and while one that was not used is removed.
    uses: Mutex<()>,
}

impl FileStore {
    fn at(root: PathBuf, temporary: Option<std::fs::File>) -> Self {
        Self { root, temporary, uses: Mutex::default() }
    }

    /// That of a SQLite file: in the directory `<file>.files` beside it.
    pub(crate) fn beside(database: &Path) -> std::io::Result<Self> {
        let root = path_beside(database);
        std::fs::create_dir_all(root.join(NEW))?;
        Ok(Self::at(root, None))
    }

    /// One that somebody named. Whose it is was looked at before: see [`marker`].
    pub(crate) fn named(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root.join(NEW))?;
        Ok(Self::at(root.to_owned(), None))
    }

    /// One that goes with this, among the system's temporary files. Those that killed processes have left go too.
    pub(crate) fn temporary() -> std::io::Result<Self> {
        Self::temporary_in(&std::env::temp_dir())
    }

    fn temporary_in(parent: &Path) -> std::io::Result<Self> {
        remove_left_behind(parent);
        let root = parent.join(format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(root.join(NEW))?;
        // It has its name only when it is locked: nobody takes this for one that was left.
        let unnamed = root.join("lock.new");
        let lock = std::fs::File::create_new(&unnamed)?;
        lock.try_lock()?;
        std::fs::rename(unnamed, root.join(LOCK))?;
        Ok(Self::at(root, Some(lock)))
    }

    /// The directory of a deck: the one that is named, else the one beside its file, else one for a while. Where nodes
    /// share a named one, each must have the same.
    pub(crate) async fn of(
        store: &dyn Store,
        named: Option<&Path>,
        database: Option<&Path>,
    ) -> Result<Self, BuildError> {
        let answer = |error: crate::store::StoreError| BuildError::Answer(error.to_string());
        let known = store.noted(marker::NOTE).await.map_err(answer)?;
        let Some(root) = named else {
            if known.is_some() {
                return Err(BuildError::FilesUnnamed);
            }
            return Ok(match database {
                Some(database) => Self::beside(database)?,
                None => Self::temporary()?,
            });
        };
        if known.is_none() {
            refuse_left_beside(root, database)?;
        }
        let marked = marker::agree(root, store.deck_id(), known.as_deref())?;
        // Of nodes that are the first at the same time, one is noted.
        let known = store.secret(marker::NOTE, marked).await.map_err(answer)?;
        marker::agree(root, store.deck_id(), Some(&known))?;
        Ok(Self::named(root)?)
    }

    /// Whether it goes with the deck.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Files that have been here since before a time, in one of the folders.
    pub(crate) fn kept_since(&self, folder: u8, before: SystemTime) -> std::io::Result<Vec<FileId>> {
        let mut found = Vec::new();
        let entries = match std::fs::read_dir(self.root.join(format!("{folder:02x}"))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for file in entries {
            let file = file?;
            let id = file.file_name().to_str().and_then(|name| uuid::Uuid::try_parse(name).ok());
            if let Some(id) = id
                && is_older(&file, before)?
            {
                found.push(FileId::from_uuid(id));
            }
        }
        Ok(found)
    }

    /// Notes that a file is used now, and says whether it is here. After it no copy is removed for a while.
    pub(crate) fn used(&self, id: FileId) -> std::io::Result<bool> {
        let _uses = self.uses();
        match std::fs::File::options().append(true).open(self.path(id)) {
            Ok(file) => file.set_modified(SystemTime::now()).map(|()| true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes those of the files that nobody has used since a time.
    pub(crate) fn remove_unused(&self, ids: &[FileId], before: SystemTime) -> std::io::Result<()> {
        for id in ids {
            let path = self.path(*id);
            let _uses = self.uses();
            match path.metadata().and_then(|known| known.modified()) {
                Ok(used) if used < before => std::fs::remove_file(path)?,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn uses(&self) -> MutexGuard<'_, ()> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.root.join(NEW).join(id.as_uuid().simple().to_string())
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

    /// Removes what was left half written, and has not been written to since a time.
    pub(crate) fn sweep_unfinished(&self, before: Option<SystemTime>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.root.join(NEW))? {
            let entry = entry?;
            if before.is_none_or(|before| is_older(&entry, before).unwrap_or(false)) {
                // Another node may remove it too.
                match std::fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn is_older(entry: &std::fs::DirEntry, before: SystemTime) -> std::io::Result<bool> {
    match entry.metadata().and_then(|known| known.modified()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        modified => Ok(modified? < before),
    }
}

fn path_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".files");
    PathBuf::from(name)
}

/// Refuses to leave files behind that are beside the database.
fn refuse_left_beside(root: &Path, database: Option<&Path>) -> Result<(), BuildError> {
    let Some(beside) = database.map(path_beside) else { return Ok(()) };
    let is_folder = |entry: std::fs::DirEntry| entry.file_name().len() == 2;
    let left = std::fs::read_dir(&beside).is_ok_and(|mut entries| entries.any(|of| of.is_ok_and(is_folder)));
    let same =
        std::fs::canonicalize(&beside).ok().is_some_and(|of| std::fs::canonicalize(root).ok() == Some(of));
    if !left || same {
        return Ok(());
    }
    let why =
        format!("the files of this deck are in {}: move what is in there to it first", beside.display());
    Err(BuildError::FilesRefused { path: root.display().to_string(), why })
}

/// Removes temporary directories whose processes are dead. One that stays is only space.
fn remove_left_behind(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
        if id.is_none_or(|id| uuid::Uuid::try_parse(id).is_err()) {
            continue;
        }
        let Ok(lock) = std::fs::File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

/// A folder of two digits, then the id. The last digits of a UUIDv7 are random; the first ones are the time.
fn relative(id: FileId) -> String {
    let name = id.as_uuid().simple().to_string();
    format!("{}/{name}", &name[30..])
}

impl Drop for FileStore {
    fn drop(&mut self) {
        if self.temporary.is_some() {
            // Nothing in it is wanted any more.
            drop(std::fs::remove_dir_all(&self.root));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_start_and_what_lives_stays() {
        let parent = tempfile::tempdir().unwrap();
        let lives = FileStore::temporary_in(parent.path()).unwrap();
        let mut killed = FileStore::temporary_in(parent.path()).unwrap();
        std::fs::write(killed.root.join(NEW).join("half"), "a part of it").unwrap();
        let other = parent.path().join("taskdeck-notes");
        std::fs::create_dir(&other).unwrap();
        // Its lock is given back, and nothing else of it is done.
        killed.temporary = None;
        let next = FileStore::temporary_in(parent.path()).unwrap();
        assert!(!killed.root.exists());
        for stays in [&lives.root, &next.root, &other] {
            assert!(stays.exists(), "{stays:?}");
        }
        let gone = next.root.clone();
        drop(next);
        assert!(!gone.exists());
    }

    #[tokio::test]
    async fn a_copy_that_is_used_is_not_removed_even_when_it_was_to_be() {
        let files = FileStore::temporary().unwrap();
        let id = FileId::from_uuid(uuid::Uuid::now_v7());
        let folder = id.as_uuid().as_bytes()[15];
        std::fs::write(files.new_path(id), "bytes").unwrap();
        files.keep(id).await.unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(10_000);
        let fetched = std::fs::File::options().append(true).open(files.path(id)).unwrap();
        fetched.set_modified(long_ago).unwrap();
        assert_eq!(files.kept_since(folder, long_ago).unwrap(), []);
        let before = long_ago + Duration::from_secs(1);
        assert_eq!(
            files.kept_since(folder, before).unwrap(),
            [id],
            "it was fetched before, and not used since"
        );
        // Between the look and the removal somebody needs it.
        assert!(files.used(id).unwrap());
        files.remove_unused(&[id], before).unwrap();
        assert!(files.path(id).exists());
        fetched.set_modified(long_ago).unwrap();
        files.remove_unused(&[id], before).unwrap();
        assert!(!files.used(id).unwrap());
    }
}
