//! The unit of transport: `tag: u8 · length: u64 little-endian · body`.

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = 9;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_wire() {
        let header = Header { tag: 7, length: 0x0102_0304_0506_0708 };
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
    }
}
