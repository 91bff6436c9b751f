//! Prepares the real data that the browser tests upload.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use crate::hash::Hash;
use crate::workspace::Workspace;

/// Copies `end2end/fixtures` to `target/fixtures`, unpacks what is packed, and returns that folder.
pub(crate) fn prepare(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("fixtures");
    unpack(&workspace.end2end().join("fixtures"), &folder)?;
    Ok(folder)
}

/// Does nothing when the sources are those of the last time.
fn unpack(from: &Path, to: &Path) -> Result<()> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "csv" || end == "gz") {
            let bytes = fs::read(&path)?;
            sources.push((path, bytes));
        }
    }
    sources.sort();
    let key: Hash =
        sources.iter().flat_map(|(path, bytes)| [path.as_os_str().as_encoded_bytes(), bytes]).collect();
    let stamp = to.join(".key");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(key.full()) {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for (path, bytes) in &sources {
        let packed = path.extension().is_some_and(|end| end == "gz");
        let name =
            if packed { path.file_stem() } else { path.file_name() }.context("a file without a name")?;
        if packed {
            let mut file = File::create(to.join(name))?;
            io::copy(&mut GzDecoder::new(bytes.as_slice()), &mut file)
                .with_context(|| format!("cannot unpack {}", path.display()))?;
        } else {
            fs::write(to.join(name), bytes)?;
        }
    }
    fs::write(&stamp, key.full())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn packed_files_are_unpacked_and_others_copied_but_not_the_readme() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir(&from).expect("a folder");
        fs::write(from.join("a.csv"), "x\n1\n").expect("a file");
        fs::write(from.join("README.md"), "what").expect("a file");
        let mut gz =
            GzEncoder::new(File::create(from.join("b.csv.gz")).expect("a file"), Compression::fast());
        gz.write_all(b"y\n2\n").and_then(|()| gz.finish()).expect("it packs");

        unpack(&from, &to).expect("it unpacks");
        assert_eq!(fs::read_to_string(to.join("a.csv")).expect("a file"), "x\n1\n");
        assert_eq!(fs::read_to_string(to.join("b.csv")).expect("a file"), "y\n2\n");
        assert!(!to.join("README.md").exists());

        fs::write(from.join("a.csv"), "x\n3\n").expect("a file");
        unpack(&from, &to).expect("it unpacks again");
        assert_eq!(fs::read_to_string(to.join("a.csv")).expect("a file"), "x\n3\n");
    }
}
