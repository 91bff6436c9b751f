//! Compresses with brotli, once for each content.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::hash::Hash;

/// The best there is: it takes seconds, and the result is sent for as long as the file lives.
const QUALITY: u32 = 11;
/// The largest window that every browser accepts.
const WINDOW: u32 = 22;

/// Compressed files by the hash of what they hold. What a build did not ask for is dropped at its end.
pub(crate) struct Cache {
    folder: PathBuf,
    used: Mutex<HashSet<String>>,
    parts: AtomicUsize,
}

impl Cache {
    /// Opens the cache in a folder, which is made if it is not there.
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, used: Mutex::default(), parts: AtomicUsize::new(0) })
    }

    /// The compressed form of `bytes`: from the cache, or made now.
    pub(crate) fn compress(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let name = format!("{}.br", Hash::of([bytes]).full());
        let path = self.folder.join(&name);
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        if let Ok(known) = fs::read(&path) {
            return Ok(known);
        }
        let compressed = compress(bytes)?;
        // Renamed into place: a build that is interrupted must not leave half a file under a good name.
        // Two files may hold the same, and be compressed at the same time.
        let part = path.with_extension(format!("part{}", self.parts.fetch_add(1, Ordering::Relaxed)));
        fs::write(&part, &compressed).and_then(|()| fs::rename(&part, &path))?;
        Ok(compressed)
    }

    /// Forgets what was not asked for.
    pub(crate) fn close(self) -> Result<()> {
        let used = self.used.into_inner().unwrap_or_else(PoisonError::into_inner);
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !used.contains(entry.file_name().to_string_lossy().as_ref()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, QUALITY, WINDOW);
    writer.write_all(bytes)?;
    writer.flush()?;
    Ok(writer.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_can_be_read_again_and_is_cached() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = b"a text that says the same, says the same, says the same".repeat(40);
        let cache = Cache::open(folder.path().join("br")).expect("a cache");
        let first = cache.compress(&text).expect("it compresses");
        assert!(first.len() < text.len() / 10);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut first.as_slice(), &mut plain).expect("it is brotli");
        assert_eq!(plain, text);

        assert_eq!(cache.compress(&text).expect("it is known"), first);
        cache.close().expect("it closes");
        assert_eq!(fs::read_dir(folder.path().join("br")).expect("a folder").count(), 1);
        Cache::open(folder.path().join("br")).expect("a cache").close().expect("it closes");
        assert_eq!(fs::read_dir(folder.path().join("br")).expect("a folder").count(), 0);
    }
}
