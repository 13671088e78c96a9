//! Bytes that are encrypted with a passphrase.
//!
//! ```text
//! "popcseal" · version 1 (1 byte) · memory in KiB · passes · lanes (4 bytes each, big-endian) · salt (16) · nonce (12)
//! · ciphertext, as long as the plaintext · tag (16)
//! ```
//!
//! The key is Argon2id's (RFC 9106, version 1.3) of passphrase and salt; the cipher is ChaCha20-Poly1305 (RFC 8439), which
//! authenticates all that stands before the ciphertext, too. Salt and nonce are drawn anew for every file, so that no key
//! encrypts twice. What a file may demand of whoever opens it is bounded ([`Hardness`]), because its header is read before
//! anything is authenticated.

use super::SEALED_MAGIC as MAGIC;
use super::passphrase::Passphrase;
use crate::paillier::RandomnessError;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Magic, version, hardness.
const PARAMETER_BYTES: usize = MAGIC.len() + 1 + 12;
const HEADER_BYTES: usize = PARAMETER_BYTES + SALT_BYTES + NONCE_BYTES;

/// What trying one passphrase takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardness {
    /// Memory in KiB; at least 8 for each lane, at most 1 GiB.
    pub memory: u32,
    /// How often all of it is passed over: 1 to 16, and with all of them at most 4 GiB.
    pub passes: u32,
    /// Independent parts of a pass, 1 to 16.
    pub lanes: u32,
}

/// Why sealed bytes were not opened, or not made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Another format, or too few bytes.
    #[error("it is not encrypted with a passphrase in a way that this version knows")]
    Format,
    /// More than [`Hardness`] allows.
    #[error("it demands {memory} KiB of memory and {passes} passes over it, more than is allowed")]
    Hardness {
        /// Memory in KiB.
        memory: u32,
        /// Passes over it.
        passes: u32,
    },
    /// Another passphrase made it, or it was changed since; nobody can tell which.
    #[error("the passphrase is wrong, or the file was changed")]
    WrongPassphrase,
    /// There is not enough memory.
    #[error("there are no {0} KiB of memory to try the passphrase with")]
    Memory(u32),
    /// The system gives no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

impl Hardness {
    /// 64 MiB, three passes, four lanes: the second choice that RFC 9106 recommends. Some tenths of a second.
    pub const DEFAULT: Self = Self { memory: 64 << 10, passes: 3, lanes: 4 };
    const MAX_MEMORY: u32 = 1 << 20;
    const MAX_PASSED: u64 = 4 << 20;
    const MAX_COUNT: u32 = 16;

    fn is_allowed(self) -> bool {
        let Self { memory, passes, lanes } = self;
        let counts = 1..=Self::MAX_COUNT;
        counts.contains(&passes)
            && counts.contains(&lanes)
            && (8 * lanes..=Self::MAX_MEMORY).contains(&memory)
            && u64::from(memory) * u64::from(passes) <= Self::MAX_PASSED
    }

    /// The key that a passphrase gives.
    fn cipher(self, passphrase: &Passphrase, salt: &[u8]) -> Result<ChaCha20Poly1305, SealError> {
        let Self { memory, passes, lanes } = self;
        let refused = |_| SealError::Hardness { memory, passes };
        if !self.is_allowed() {
            return Err(SealError::Hardness { memory, passes });
        }
        let parameters = Params::new(memory, passes, lanes, Some(KEY_BYTES)).map_err(refused)?;
        let mut blocks = Zeroizing::new(Vec::new());
        blocks.try_reserve_exact(parameters.block_count()).map_err(|_| SealError::Memory(memory))?;
        blocks.resize(parameters.block_count(), Block::default());
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        argon2
            .hash_password_into_with_memory(passphrase.bytes(), salt, &mut *key, &mut blocks[..])
            .map_err(refused)?;
        Ok(ChaCha20Poly1305::new(<&Key>::from(&*key)))
    }
}

/// `plaintext` encrypted with a passphrase, which takes as long as `hardness` says.
///
/// # Errors
/// A hardness that is not allowed, no memory, no randomness.
pub fn seal(plaintext: &[u8], passphrase: &Passphrase, hardness: Hardness) -> Result<Vec<u8>, SealError> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + plaintext.len() + TAG_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    for number in [hardness.memory, hardness.passes, hardness.lanes] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    let mut drawn = [0; SALT_BYTES + NONCE_BYTES];
    getrandom::fill(&mut drawn).map_err(RandomnessError::from)?;
    bytes.extend_from_slice(&drawn);
    let (salt, nonce) = drawn.split_at(SALT_BYTES);
    let cipher = hardness.cipher(passphrase, salt)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| SealError::Format)?;
    let mut body = Zeroizing::new(plaintext.to_vec());
    let tag = cipher.encrypt_inout_detached(&nonce, &bytes, body.as_mut_slice().into());
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(&tag.map_err(|_| SealError::Format)?);
    Ok(bytes)
}

/// The plaintext of what [`seal`] made.
///
/// # Errors
/// [`SealError`] says what is wrong; a wrong passphrase and a changed file look the same.
pub fn unseal(bytes: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(SealError::Format)?;
    let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(SealError::Format)?;
    let (hardness, drawn) = parameters(header)?;
    let (salt, nonce) = drawn.split_at(SALT_BYTES);
    let cipher = hardness.cipher(passphrase, salt)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| SealError::Format)?;
    let mut plaintext = Zeroizing::new(body.to_vec());
    cipher
        .decrypt_inout_detached(&nonce, header, plaintext.as_mut_slice().into(), &Tag::from(*tag))
        .map_err(|_| SealError::WrongPassphrase)?;
    Ok(plaintext)
}

/// What a header demands, and its salt and nonce.
fn parameters(header: &[u8]) -> Result<(Hardness, &[u8]), SealError> {
    let (parameters, drawn) = header.split_at_checked(PARAMETER_BYTES).ok_or(SealError::Format)?;
    let numbers = parameters.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(&[VERSION]));
    let (numbers, _) = numbers.ok_or(SealError::Format)?.as_chunks::<4>();
    let &[memory, passes, lanes] = numbers else { return Err(SealError::Format) };
    let [memory, passes, lanes] = [memory, passes, lanes].map(u32::from_be_bytes);
    Ok((Hardness { memory, passes, lanes }, drawn))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Hardness = Hardness { memory: 16, passes: 1, lanes: 2 };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.into())).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_with_its_passphrase_alone() {
        for plaintext in [&b""[..], b"a secret", &[3; 3000]] {
            let sealed = seal(plaintext, &passphrase("right"), QUICK).unwrap();
            assert_eq!(sealed.len(), HEADER_BYTES + plaintext.len() + TAG_BYTES);
            assert_eq!(**unseal(&sealed, &passphrase("right")).unwrap(), *plaintext);
            assert!(matches!(unseal(&sealed, &passphrase("wrong")), Err(SealError::WrongPassphrase)));
        }
        let [one, other] = [(); 2].map(|()| seal(b"a secret", &passphrase("right"), QUICK).unwrap());
        assert!(one[PARAMETER_BYTES..] != other[PARAMETER_BYTES..]);
    }

    #[test]
    fn a_change_of_any_byte_and_a_cut_anywhere_are_noticed() {
        let sealed = seal(b"a secret", &passphrase("right"), QUICK).unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(unseal(&changed, &passphrase("right")).is_err(), "byte {index}");
            assert!(unseal(&sealed[..index], &passphrase("right")).is_err(), "{index} bytes");
        }
    }

    #[test]
    fn no_file_demands_much_memory_or_time() {
        let sealed = seal(b"a secret", &passphrase("right"), QUICK).unwrap();
        let with = |memory: u32, passes: u32, lanes: u32| {
            let mut changed = sealed.clone();
            for (place, number) in changed[MAGIC.len() + 1..].chunks_mut(4).zip([memory, passes, lanes]) {
                place.copy_from_slice(&number.to_be_bytes());
            }
            unseal(&changed, &passphrase("right"))
        };
        for (memory, passes, lanes) in [
            (u32::MAX, 1, 1),
            ((1 << 20) + 1, 1, 1),
            (1 << 20, 5, 1),
            (16, 17, 1),
            (16, u32::MAX, 1),
            (1 << 10, 1, u32::MAX),
            (15, 1, 2),
            (16, 0, 1),
            (16, 1, 0),
        ] {
            let refused = with(memory, passes, lanes);
            assert!(matches!(refused, Err(SealError::Hardness { .. })), "{memory} {passes} {lanes}");
        }
        assert!(matches!(with(17, 1, 2), Err(SealError::WrongPassphrase)));
    }

    /// Made with Argon2's reference implementation and OpenSSL: a file of today is read for ever.
    #[test]
    fn a_file_of_version_1_is_read() {
        let sealed = include_bytes!("sealed-1.bin");
        assert_eq!(**unseal(sealed, &passphrase("correct horse")).unwrap(), *b"popcorn");
    }
}
