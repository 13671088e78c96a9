//! What a client shows so that it is let in, where it has no certificate.
//!
//! A token is 32 random bytes, so its hash tells nothing of it and needs no salt: the server keeps hashes alone, and finds a client
//! by the hash of what it shows. Whoever reads the connection learns the token: it is sent inside TLS.

use crate::plan::{Hexadecimal, from_hexadecimal};
use std::fmt;
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 random bytes that a client and nobody else has. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; 32]);

/// BLAKE3 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl Token {
    /// Of these bytes, which are random.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What a server keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(blake3::derive_key("popcorn token of a client", &self.0))
    }

    /// As it stands in a client's file, for its eyes alone.
    pub fn reveal(&self) -> String {
        Hexadecimal(&self.0).to_string()
    }
}

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        parse(text).map(Self)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hexadecimal(&self.0).fmt(f)
    }
}

impl FromStr for TokenHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        parse(text).map(Self)
    }
}

fn parse(text: &str) -> Result<[u8; 32], &'static str> {
    from_hexadecimal(text).ok_or("64 hexadecimal digits are expected")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_they_are_written_and_hashes_differ_from_them() {
        let token = Token::from_bytes(std::array::from_fn(|i| 3 * i as u8));
        assert_eq!(token.reveal().parse::<Token>().unwrap().as_bytes(), token.as_bytes());
        assert_ne!(token.hash().to_string(), token.reveal());
        assert_eq!(token.hash().to_string().parse(), Ok(token.hash()));
        assert_ne!(token.hash(), Token::from_bytes([0; 32]).hash());
        assert!("12".parse::<Token>().is_err() && "x".repeat(64).parse::<TokenHash>().is_err());
    }
}
