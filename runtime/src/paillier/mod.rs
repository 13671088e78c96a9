//! Paillier encryption: keys, ciphertexts, and the kernels of private inference on them.
//!
//! For N = pq, Enc(m) = (1 + mN)·ρ mod N² with a random N-th residue ρ. Products of ciphertexts add
//! their plaintexts, powers multiply them by integers. The files, lowest layer first:
//!
//! | files | what |
//! |---|---|
//! | `limbs`, `modular`, `window` | numbers as limbs, arithmetic modulo N², powers |
//! | `wipe`, `freed`, `randomness`, `permutation`, `secret_pow` | handling of secrets |
//! | `public_key`, `keygen`, `secret_key`, `holder_key` | keys |
//! | `ciphertext`, `wire` | ciphertexts in memory and as bytes, checked on receipt |
//! | `fixed_base`, `exponent`, `randomiser`, `pool`, `encrypt`, `decrypt` | from plaintexts and back |
//! | `membership` | that a client's ciphertexts are such |
//! | `ops`, `weighted_sum`, `shifted_sum`, `packing` | computing on ciphertexts |
//! | `count` | what that costs |
//!
//! Notation: N the modulus, |N| its bits, p and q its primes, [`SecretKey`] the holder's, everything
//! else anybody's. What is secret never decides which operations run, except where a file says so.

mod ciphertext;
pub(crate) mod count;
mod decrypt;
mod encrypt;
mod exponent;
mod fixed_base;
mod freed;
mod holder_key;
mod keygen;
mod limbs;
mod membership;
mod modular;
mod ops;
mod packing;
mod permutation;
mod pool;
mod public_key;
mod randomiser;
pub(crate) mod randomness;
#[cfg(test)]
mod secrecy;
mod secret_key;
mod secret_pow;
mod shifted_sum;
#[cfg(any(test, feature = "insecure-test-keys"))]
pub mod test_keys;
mod weighted_sum;
mod window;
mod wipe;
mod wire;

pub use ciphertext::{Ciphertext, CiphertextRef, Ciphertexts};
pub use count::Count;
pub use decrypt::Decrypted;
pub use encrypt::{PlaintextTooLarge, Provable, encrypt, rerandomise};
pub use exponent::{ExponentBits, Exponents};
pub use freed::wipe_freed_numbers;
pub use holder_key::HolderKey;
pub use limbs::Limb;
pub use membership::{
    Answer, AnswerLength, COMMITMENT_ENCRYPTIONS, Challenge, Commitment, NotAMember, Prover, Verifier,
    verification_count,
};
pub use modular::{KernelError, KernelKind, Scratch, SquareModulus};
pub(crate) use ops::INVERSION_CHUNK;
pub use ops::{
    add_plain_each, invert_all, invert_count, multiply_each, pow, pow_count, pow_each, shift_each,
};
pub use packing::SlotWidths;
pub use permutation::Permutation;
pub use pool::Pool;
pub use public_key::{KeyError, PublicKey};
pub use randomiser::{HolderRandomisers, PublicRandomisers, Randomiser, Randomisers};
pub use randomness::{RandomnessError, SecureRng};
pub use secret_key::SecretKey;
pub use shifted_sum::{ShiftedTerm, TermPlace, shifted_sum, shifted_sum_count};
pub use weighted_sum::{Bundle, Rows, weighted_sums, weighted_sums_count};
pub(crate) use wipe::{SecretInteger, wipe_integer};
pub use wire::{BadCiphertext, CiphertextError};
