//! Suite `blinded`: the protocols of the Popcorn paper (arXiv 2107.01786), Paillier only.
//!
//! Every element of a value is one ciphertext under the client's key. The server alone evaluates
//! [`linear`] steps. For the others it asks the client, whose answers are fresh encryptions:
//!
//! * [`question`] and [`answer`]: the signs of blinded values, the core of all others; [`round`]: both, part
//!   by part, at the server;
//! * [`relu`], [`sign`], [`max_pool`]: activations, exactly equal to the reference;
//! * [`rescale`]: narrower numbers, equal to the reference or one beside it;
//! * [`reveal`]: the logits.
//!
//! # Who learns what
//!
//! Both parties follow the protocol (semi-honest). The server sees ciphertexts under the client's
//! key and nothing else. The client sees, besides its logits, what [`question`] states.

pub mod answer;
pub mod cost;
pub mod linear;
pub mod max_pool;
pub mod question;
pub mod relu;
pub mod rescale;
pub mod reveal;
pub mod round;
pub mod sign;

use crate::paillier::{PublicKey, Randomisers};
use crate::plan::BlindedParameters;

/// What the server needs to evaluate protocols with one client.
pub struct ServerContext {
    /// The client's public key.
    pub key: PublicKey,
    /// Fresh randomness for every ciphertext that leaves; its base is the server's own.
    pub randomisers: Box<dyn Randomisers + Send>,
    /// How strongly values are hidden.
    pub parameters: BlindedParameters,
}
