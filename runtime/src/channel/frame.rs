//! The unit of transport: `tag: u8 · length: u64 little-endian · body · seal: 16 bytes`.
//!
//! The seal is the beginning of BLAKE3 of all headers and bodies of this direction so far, so that a byte that was changed, lost,
//! repeated or moved on the way is noticed at the end of its frame. It is no secret: against somebody who means it, there is
//! TLS.

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = 9;
/// Bytes of a seal.
pub const SEAL_BYTES: usize = 16;
/// Bytes of a frame beside its body.
pub const FRAME_BYTES: usize = HEADER_BYTES + SEAL_BYTES;

/// What stands before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which message it is; the protocol's business.
    pub tag: u8,
    /// Length of the body in bytes.
    pub length: u64,
}

impl Header {
    /// The header's bytes, in the order in which they are sent.
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [self.tag; HEADER_BYTES];
        bytes[1..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// Reads a header from its bytes.
    pub fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        let [tag, length @ ..] = bytes;
        Self { tag, length: u64::from_le_bytes(length) }
    }
}

/// All frames of one direction so far.
#[derive(Default)]
pub(super) struct Transcript(blake3::Hasher);

impl Transcript {
    /// The next bytes of a header or a body.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The seal of the frame that ends here.
    pub(super) fn seal(&self) -> [u8; SEAL_BYTES] {
        let mut seal = [0; SEAL_BYTES];
        self.0.finalize_xof().fill(&mut seal);
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_are_of_all_that_came_before() {
        let seal = |parts: &[&[u8]]| {
            let mut transcript = Transcript::default();
            parts.iter().for_each(|part| transcript.add(part));
            transcript.seal()
        };
        assert_eq!(seal(&[b"ab", b"c"]), seal(&[b"abc"]));
        assert_eq!(seal(&[b"abc"])[..], blake3::hash(b"abc").as_bytes()[..SEAL_BYTES]);
        assert_ne!(seal(&[b"abc"]), seal(&[b"acb"]));
    }

    #[test]
    fn headers_survive_the_wire() {
        let header = Header { tag: 7, length: 0x0102_0304_0506_0708 };
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
    }
}
