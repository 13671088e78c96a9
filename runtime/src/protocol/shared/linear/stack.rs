//! Inputs that lie one after the other in a ciphertext.
//!
//! A plaintext with the inputs m_0, …, m_{S'−1} in blocks of B bits, times 2^(B·(S' − 1 − s)), has m_s in block S' − 1.
//! Weighted sums of such copies are those of the inputs there, and in the S' − 1 blocks before and the S' − 1 behind it
//! sums with the same weights, or some of them, of other inputs, as large at most: they mean nothing and are masked like
//! the rest. A copy is made once for all rows. (Design of our own; S' = 1 is one input in each ciphertext.)

use crate::paillier::{Ciphertexts, Count, PublicKey, shift_each};
use std::borrow::Cow;

/// How many inputs lie one after the other in a ciphertext, and how far apart.
#[derive(Clone, Copy)]
pub struct Stack {
    /// Number of inputs in all.
    pub inputs: usize,
    /// S': inputs in a ciphertext, at least 1.
    pub stacked: usize,
    /// B: bits of an input's slots together.
    pub block: u32,
}

impl Stack {
    /// The inputs in ciphertext number `index`, lowest block first.
    pub(super) fn inputs_in(&self, index: usize) -> std::ops::Range<usize> {
        index * self.stacked..self.inputs.min((index + 1) * self.stacked)
    }

    /// Bits by which the input farthest from block S' − 1 is brought there.
    pub(super) const fn middle(&self) -> u32 {
        (self.stacked as u32 - 1) * self.block
    }

    /// For every input a ciphertext that has it in block S' − 1.
    pub(super) fn align<'c>(&self, key: &PublicKey, ciphertexts: &'c Ciphertexts) -> Cow<'c, Ciphertexts> {
        if self.stacked == 1 {
            return Cow::Borrowed(ciphertexts);
        }
        // By how many blocks, each copy from the one before.
        let mut copies = vec![ciphertexts.clone()];
        while copies.len() < self.stacked {
            let mut next = copies[copies.len() - 1].clone();
            shift_each(key, &mut next, self.block);
            copies.push(next);
        }
        let copy = |input: usize| copies[self.stacked - 1 - input % self.stacked].get(input / self.stacked);
        Cow::Owned(Ciphertexts::gather(key, (0..self.inputs).map(copy)))
    }

    /// What it takes to bring every input into the middle.
    pub fn align_count(&self) -> Count {
        let shifts = self.inputs.div_ceil(self.stacked) * (self.stacked - 1);
        Count { squarings: shifts as u64 * u64::from(self.block), ..Count::default() }
    }
}
