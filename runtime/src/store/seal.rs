//! Sealing a file in segments, each of which is bound to its place: a nonce is the segment's number and whether it is the last. Keys
//! are used for one file.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Bytes of plaintext in all segments but the last.
const SEGMENT: usize = 1 << 16;

/// Bytes by which a segment grows.
const TAG: usize = 16;

/// Why a file does not open.
pub(super) enum Unsealed {
    /// Another key, or other bytes than were written.
    Damaged,
    /// The system's error.
    Io(io::Error),
}

/// What `length` bytes are sealed, if that can be counted; there is a segment at least.
pub(super) fn sealed_bytes(length: u64) -> Option<u64> {
    let segments = length.div_ceil(SEGMENT as u64).max(1);
    segments.checked_mul(TAG as u64)?.checked_add(length)
}

/// Seals the parts, one after the other.
///
/// # Errors
/// They cannot be written.
pub(super) fn seal(key: &[u8; 32], parts: &[&[u8]], file: &mut impl Write) -> io::Result<()> {
    let key = Segments::new(key)?;
    let mut left: usize = parts.iter().map(|part| part.len()).sum();
    let mut parts = parts.iter().copied();
    let mut part: &[u8] = &[];
    for number in 0.. {
        let length = left.min(SEGMENT);
        let mut segment = Zeroizing::new(Vec::with_capacity(length + TAG));
        while segment.len() < length {
            if part.is_empty() {
                part = parts.next().unwrap_or_default();
            }
            let (now, later) = part.split_at(part.len().min(length - segment.len()));
            segment.extend_from_slice(now);
            part = later;
        }
        left -= length;
        key.seal(number, left == 0, &mut segment)?;
        file.write_all(&segment)?;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// The `length` bytes that a file was sealed from, of which nothing is left to read then.
///
/// # Errors
/// It was sealed under another key or is not what was written, or cannot be read.
pub(super) fn open(
    key: &[u8; 32],
    length: u64,
    file: &mut impl Read,
) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
    let key = Segments::new(key)?;
    let length = usize::try_from(length).map_err(|_| Unsealed::Damaged)?;
    let mut opened = Zeroizing::new(Vec::with_capacity(length));
    let mut segment = Zeroizing::new(vec![0; length.min(SEGMENT) + TAG]);
    for number in 0.. {
        let now = (length - opened.len()).min(SEGMENT);
        let sealed = &mut segment[..now + TAG];
        file.read_exact(sealed)?;
        let is_last = opened.len() + now == length;
        opened.extend_from_slice(key.open(number, is_last, sealed).ok_or(Unsealed::Damaged)?);
        if is_last {
            break;
        }
    }
    if file.read(&mut [0])? == 0 { Ok(opened) } else { Err(Unsealed::Damaged) }
}

impl From<io::Error> for Unsealed {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Damaged } else { Self::Io(error) }
    }
}

struct Segments(LessSafeKey);

impl Segments {
    fn new(key: &[u8; 32]) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key);
        Ok(Self(LessSafeKey::new(key.map_err(|_| io::Error::other("no key for sealing"))?)))
    }

    fn seal(&self, number: u64, is_last: bool, segment: &mut Vec<u8>) -> io::Result<()> {
        let sealed = self.0.seal_in_place_append_tag(nonce(number, is_last), Aad::empty(), segment);
        sealed.map_err(|_| io::Error::other("a segment is too long to be sealed"))
    }

    fn open<'s>(&self, number: u64, is_last: bool, segment: &'s mut [u8]) -> Option<&'s [u8]> {
        self.0.open_in_place(nonce(number, is_last), Aad::empty(), segment).ok().map(|plain| &*plain)
    }
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce[8] = u8::from(is_last);
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(parts: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        seal(&[7; 32], parts, &mut file).unwrap();
        file
    }

    fn opened(key: u8, length: usize, mut file: &[u8]) -> Option<Vec<u8>> {
        open(&[key; 32], length as u64, &mut file).ok().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn what_was_sealed_opens_whatever_its_length() {
        for length in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT] {
            let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            for split in [0, length / 3, length] {
                let file = sealed(&[&bytes[..split], &bytes[split..]]);
                assert_eq!(file.len() as u64, sealed_bytes(length as u64).unwrap());
                assert!(opened(7, length, &file).unwrap() == bytes);
                assert!(opened(8, length, &file).is_none(), "another key");
            }
        }
        assert!(sealed_bytes(u64::MAX).is_none());
    }

    #[test]
    fn what_is_cut_moved_or_prolonged_does_not_open() {
        let file = sealed(&[&vec![5; 3 * SEGMENT]]);
        let segment = SEGMENT + TAG;
        assert!(opened(7, SEGMENT, &file[..segment]).is_none(), "the first is not the last");
        assert!(opened(7, 2 * SEGMENT, &file[..2 * segment]).is_none());
        let moved = [&file[segment..2 * segment], &file[..segment], &file[2 * segment..]].concat();
        assert!(opened(7, 3 * SEGMENT, &moved).is_none());
        assert!(opened(7, 3 * SEGMENT, &[&file[..], &[0]].concat()).is_none());
        assert!(opened(7, 3 * SEGMENT, &file[..file.len() - 1]).is_none());
    }
}
