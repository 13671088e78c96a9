//! What encrypts a file.

use super::read_private;
use crate::error::{InvalidInput, Result};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest passphrase, in bytes.
const MAX_BYTES: usize = 1024;

/// A passphrase: 1 to 1024 bytes, overwritten when it is dropped. It has neither `Clone` nor `Debug`.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The text's bytes as they are.
    ///
    /// # Errors
    /// [`InvalidInput::Passphrase`] where it is empty or longer than 1024 bytes.
    pub fn new(text: Zeroizing<String>) -> Result<Self> {
        Self::of_bytes(text.as_bytes())
    }

    /// The first line of a file, without its end, so that an editor may have written it. Nobody but the file's owner may read it.
    ///
    /// # Errors
    /// As [`read_private`], and as [`new`](Self::new).
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_private(path, MAX_BYTES as u64 + 2)?;
        let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        Self::of_bytes(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() || bytes.len() > MAX_BYTES {
            return Err(InvalidInput::Passphrase { most: MAX_BYTES }.into());
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// Whether it is the same, in a time that depends on the lengths alone.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&*other.0).fold(0, |sum, (a, b)| sum | (a ^ b));
        self.0.len() == other.0.len() && difference == 0
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_private;

    #[test]
    fn the_first_line_of_a_file_counts() {
        let folder = tempfile::tempdir().unwrap();
        let read = |index: usize, text: &[u8]| {
            let path = folder.path().join(index.to_string());
            write_private(&path, text).unwrap();
            Passphrase::read(&path).map(|passphrase| passphrase.bytes().to_vec()).ok()
        };
        let texts: [&[u8]; 6] = [b"a b ", b"a b \n", b"a b \r\n", b"a b \nmore\n", b"", b"\nmore"];
        let expected = [Some(b"a b ".to_vec()), Some(b"a b ".to_vec()), Some(b"a b ".to_vec())];
        let found: Vec<_> = texts.into_iter().enumerate().map(|(index, text)| read(index, text)).collect();
        assert_eq!(found[..3], expected);
        assert_eq!(found[3..], [Some(b"a b ".to_vec()), None, None]);
        assert_eq!(read(6, &[b'x'; MAX_BYTES + 1]), None);
        assert_eq!(read(7, &[b'x'; MAX_BYTES]), Some(vec![b'x'; MAX_BYTES]));
    }

    #[test]
    fn passphrases_are_compared_whole() {
        let of = |text: &str| Passphrase::new(Zeroizing::new(text.into())).unwrap();
        assert!(of("abc").is_same_as(&of("abc")));
        assert!(!of("abc").is_same_as(&of("abd")) && !of("abc").is_same_as(&of("ab")));
        assert!(Passphrase::new(Zeroizing::new(String::new())).is_err());
    }
}
