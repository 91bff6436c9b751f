//! Names for contents: the first hex digits of SHA-256.

use sha2::{Digest, Sha256};

/// The hash of some bytes, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hash(String);

impl Hash {
    /// Hashes the parts one after the other, with their lengths: `["ab", "c"]` is not `["a", "bc"]`.
    pub(crate) fn of<const N: usize>(parts: [&[u8]; N]) -> Self {
        parts.into_iter().collect()
    }

    /// Eight digits: for names of files, where a clash only means an unchanged name.
    pub(crate) fn short(&self) -> &str {
        &self.0[..8]
    }

    /// All digits: for keys of caches, where a clash would be a wrong file.
    pub(crate) fn full(&self) -> &str {
        &self.0
    }
}

impl<'a> FromIterator<&'a [u8]> for Hash {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(parts: I) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_part_ends_matters() {
        assert_ne!(Hash::of([b"ab", b"c"]), Hash::of([b"a", b"bc"]));
        assert_eq!(Hash::of([b"ab"]), Hash::of([b"ab"]));
        assert_eq!(Hash::of([b"ab"]).short().len(), 8);
    }
}
