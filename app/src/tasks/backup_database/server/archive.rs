//! A backup as one compressed archive: the database and the files of its tasks.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::BackupError;

/// A file, and the name it has in the archive.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Writes a gzip-compressed tar archive of the files, and answers the names of those that were gone by the time it was
/// their turn. `look` is told how many of how many bytes are read; its error ends the archive.
pub(crate) fn archive(
    members: &[Member],
    out: &Path,
    mut look: impl FnMut(u64, u64) -> Result<(), BackupError>,
) -> Result<Vec<String>, BackupError> {
    let total =
        members.iter().filter_map(|member| member.path.metadata().ok()).map(|about| about.len()).sum();
    let mut read = 0;
    let mut gone = Vec::new();
    let packed = GzEncoder::new(BufWriter::new(File::create(out)?), Compression::fast());
    let mut tar = tar::Builder::new(packed);
    for member in members {
        // Old tasks are pruned while the backup goes on, and their files with them.
        let file = match File::open(&member.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                gone.push(member.name.clone());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let about = file.metadata()?;
        let mut header = tar::Header::new_gnu();
        header.set_size(about.len());
        header.set_mode(0o600);
        let modified = about.modified()?.duration_since(SystemTime::UNIX_EPOCH);
        header.set_mtime(modified.map(|since| since.as_secs()).unwrap_or_default());
        let mut stopped = None;
        let counted = Counted {
            file: file.take(about.len()),
            each: |bytes| {
                read += bytes;
                look(read, total).map_err(|error| {
                    stopped = Some(error);
                    io::Error::other("stopped")
                })
            },
        };
        let appended = tar.append_data(&mut header, &member.name, counted);
        if let Some(error) = stopped {
            return Err(error);
        }
        appended?;
    }
    let mut out = tar.into_inner()?.finish()?;
    out.flush()?;
    Ok(gone)
}

/// Tells of the bytes as they are read.
struct Counted<R, F> {
    file: R,
    each: F,
}

impl<R: Read, F: FnMut(u64) -> io::Result<()>> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        (self.each)(count as u64)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::BufReader;

    use flate2::read::GzDecoder;

    use super::*;

    fn unpack(path: &Path) -> Vec<(String, Vec<u8>)> {
        let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(path).unwrap())));
        let entries = tar.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (name, content)
        });
        entries.collect()
    }

    #[test]
    fn what_was_packed_is_unpacked_and_what_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let member = |name: &str, content: Option<&[u8]>| {
            let path = folder.path().join(name.replace('/', "-"));
            if let Some(content) = content {
                fs::write(&path, content).unwrap();
            }
            Member { name: name.to_owned(), path }
        };
        let large = vec![7; 300_000];
        let long = format!("files/{}", "x".repeat(200));
        let members = [
            member("taskdeck.db", Some(&large)),
            member("files/gone", None),
            member(&long, Some(b"content")),
            member("files/empty", Some(b"")),
        ];
        let out = folder.path().join("out.tar.gz");
        let mut told = Vec::new();
        let gone = archive(&members, &out, |read, total| {
            told.push((read, total));
            Ok(())
        });
        assert_eq!(gone.unwrap(), ["files/gone"]);
        assert_eq!(
            unpack(&out),
            [
                ("taskdeck.db".to_owned(), large),
                (long, b"content".to_vec()),
                ("files/empty".to_owned(), Vec::new())
            ]
        );
        assert!(told.is_sorted());
        assert_eq!(told.last(), Some(&(300_007, 300_007)));
    }

    #[test]
    fn whoever_watches_can_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![0; 100_000]).unwrap();
        let members = [Member { name: "file".to_owned(), path }];
        let stopped = archive(&members, &folder.path().join("out"), |_, _| Err(BackupError::Stopped));
        assert!(matches!(stopped, Err(BackupError::Stopped)));
    }
}
