//! The server's randomisers in this suite: of two lengths, because few replies need long exponents.
//!
//! A reply whose sums are not shifted far takes a *short* one; so do base OTs, whose client is semi-honest. Where results or
//! inputs share ciphertexts, shifts make coefficients as long as N, and the reply takes a *long* one, of five times the
//! work. Only a plan with such a layer has a table for these.

use super::linear::Packed;
use crate::error::{Error, Result};
use crate::paillier::{Count, ExponentBits, Pool, PublicKey, PublicRandomisers, Randomisers, SecureRng};
use crate::plan::{KeyBits, Schedule};
use std::sync::Arc;

/// Bits of coefficients that short exponents hide: those of 2^31 for each of 2^20 terms, and a shift of some bits.
const SHORT_COEFFICIENTS: u32 = 64;

/// How long the two kinds of exponents are, and how many replies take each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    short: (ExponentBits, usize),
    long: Option<(ExponentBits, usize)>,
}

/// The randomisers of a session.
pub struct ReplyRandomisers {
    table: Arc<PublicRandomisers>,
    short: Pool<Arc<PublicRandomisers>>,
    long: Option<PublicRandomisers>,
}

impl Lengths {
    /// For the linear layers of a valid schedule, once each, and `others` that may be short.
    pub fn new(schedule: &Schedule, key: KeyBits, others: usize) -> Self {
        let short = ExponentBits::tested(key, SHORT_COEFFICIENTS);
        let mut lengths = Self { short: (short, others), long: None };
        for (_, packed) in Packed::all(schedule) {
            let needed = packed.exponent_bits(key);
            if needed <= short {
                lengths.short.1 += packed.products();
            } else {
                let (longest, uses) = lengths.long.unwrap_or((needed, 0));
                lengths.long = Some((longest.max(needed), uses + packed.products()));
            }
        }
        lengths
    }

    /// What making the table for long exponents takes in a session that has those of `before`.
    pub fn long_table_beyond(&self, before: &Self, key: KeyBits) -> Count {
        let reached = |lengths: &Self| lengths.long.map(|(bits, _)| bits);
        if reached(self) <= reached(before) { Count::default() } else { self.long_table(key) }
    }

    /// What making the table for long exponents takes.
    pub fn long_table(&self, key: KeyBits) -> Count {
        let count = |(bits, uses)| PublicRandomisers::table_count(key, bits, uses);
        self.long.map_or_else(Count::default, count)
    }
}

impl ReplyRandomisers {
    /// Tables of these lengths under `key`, and a pool of short ones.
    pub fn new(key: &PublicKey, lengths: Lengths, rng: &mut SecureRng) -> Self {
        let table = |(bits, uses)| PublicRandomisers::with_exponents(key, bits, uses);
        let short = Arc::new(table(lengths.short));
        let pool = Pool::new(Arc::clone(&short), lengths.short.1, rng);
        Self { table: short, short: pool, long: lengths.long.map(table) }
    }

    /// Makes the long ones longer, where these lengths ask for that.
    pub fn reach(&mut self, key: &PublicKey, lengths: Lengths) {
        let reached = |bits| self.long.as_ref().is_some_and(|long| bits <= long.exponent_bits());
        if let Some((bits, uses)) = lengths.long.filter(|&(bits, _)| !reached(bits)) {
            self.long = Some(PublicRandomisers::with_exponents(key, bits, uses));
        }
    }

    /// The table of short ones.
    pub fn table(&self) -> &PublicRandomisers {
        &self.table
    }

    /// Those for replies whose client is semi-honest.
    pub const fn short(&self) -> &dyn Randomisers {
        &self.short
    }

    /// Those whose exponents have at least so many bits.
    ///
    /// # Errors
    /// The session's schedule has no such layer.
    pub fn with_exponents(&self, needed: ExponentBits) -> Result<&dyn Randomisers> {
        if needed <= self.table.exponent_bits() {
            return Ok(&self.short);
        }
        let long = self.long.as_ref().filter(|long| needed <= long.exponent_bits());
        let long = long.ok_or_else(|| Error::Bug(format!("no randomisers of {} bits", needed.get())))?;
        Ok(long)
    }
}
