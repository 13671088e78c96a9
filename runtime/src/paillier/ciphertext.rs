//! Ciphertexts in memory: checked once, then trusted.

use std::fmt;

use super::limbs::Limb;
use super::public_key::PublicKey;

/// A batch of ciphertexts under one key, in one flat block of memory.
///
/// Elements are in the Montgomery form of the key's [`ring`](PublicKey::ring) and known to be
/// invertible modulo N². They come from [`receive`](Self::receive), from encryption, or from
/// operations on ciphertexts; the batch does not remember its key.
#[derive(Clone)]
pub struct Ciphertexts {
    limbs: Vec<Limb>,
    stride: usize,
}

/// One ciphertext, owned.
#[derive(Clone)]
pub struct Ciphertext {
    limbs: Box<[Limb]>,
}

/// One ciphertext, borrowed from a batch or from a [`Ciphertext`].
#[derive(Clone, Copy)]
pub struct CiphertextRef<'a> {
    limbs: &'a [Limb],
}

impl Ciphertexts {
    /// An empty batch for ciphertexts under `key`.
    pub fn new(key: &PublicKey) -> Self {
        Self::with_capacity(key, 0)
    }

    /// An empty batch with room for `capacity` ciphertexts.
    pub fn with_capacity(key: &PublicKey, capacity: usize) -> Self {
        let stride = key.ring().element_limbs();
        Self { limbs: Vec::with_capacity(capacity * stride), stride }
    }

    /// `len` trivial encryptions of 0 (the number 1): they hide nothing.
    pub(crate) fn ones(key: &PublicKey, len: usize) -> Self {
        Self { limbs: key.ring().one().repeat(len), stride: key.ring().element_limbs() }
    }

    /// Number of ciphertexts.
    pub fn len(&self) -> usize {
        self.limbs.len() / self.stride
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.limbs.is_empty()
    }

    /// Ciphertext `index`.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, index: usize) -> CiphertextRef<'_> {
        CiphertextRef { limbs: &self.limbs[index * self.stride..(index + 1) * self.stride] }
    }

    /// All ciphertexts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CiphertextRef<'_>> + Clone {
        self.limbs.chunks_exact(self.stride).map(|limbs| CiphertextRef { limbs })
    }

    /// Appends a copy of one ciphertext.
    ///
    /// # Panics
    /// If it belongs to a key of another size.
    pub fn push(&mut self, ciphertext: CiphertextRef<'_>) {
        assert_eq!(ciphertext.limbs.len(), self.stride, "a ciphertext of another key");
        self.limbs.extend_from_slice(ciphertext.limbs);
    }

    /// Appends copies of all ciphertexts of `other`.
    ///
    /// # Panics
    /// If they belong to a key of another size.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(other.stride, self.stride, "ciphertexts of another key");
        self.limbs.extend_from_slice(&other.limbs);
    }

    /// Replaces ciphertext `index`.
    ///
    /// # Panics
    /// If there are not so many, or the new one belongs to a key of another size.
    pub fn replace(&mut self, index: usize, ciphertext: CiphertextRef<'_>) {
        self.limbs[index * self.stride..(index + 1) * self.stride].copy_from_slice(ciphertext.limbs);
    }

    /// Removes the first `count` ciphertexts and returns them.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn take_front(&mut self, count: usize) -> Self {
        let rest = self.limbs.split_off(count * self.stride);
        Self { limbs: std::mem::replace(&mut self.limbs, rest), stride: self.stride }
    }

    /// Copies of the ciphertexts with the given indices, in that order; repetitions are allowed.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut limbs = Vec::with_capacity(indices.len() * self.stride);
        for &index in indices {
            limbs.extend_from_slice(self.get(index).limbs);
        }
        Self { limbs, stride: self.stride }
    }

    /// Copies of `ciphertexts` in a new batch.
    ///
    /// # Panics
    /// If one belongs to a key of another size.
    pub fn gather<'a>(key: &PublicKey, ciphertexts: impl Iterator<Item = CiphertextRef<'a>>) -> Self {
        let mut batch = Self::with_capacity(key, ciphertexts.size_hint().0);
        ciphertexts.for_each(|ciphertext| batch.push(ciphertext));
        batch
    }

    /// The block of memory, one element after another.
    pub(crate) fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// The block of memory, for operations that keep every element valid.
    pub(crate) fn limbs_mut(&mut self) -> &mut [Limb] {
        &mut self.limbs
    }

    /// Limbs of one element.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }
}

impl Ciphertext {
    /// Enc(`plaintext`) with the trivial randomness 1: hides nothing until it is re-randomised.
    #[cfg(test)]
    pub(crate) fn trivial(key: &PublicKey, plaintext: &rug::Integer) -> Self {
        let mut limbs = vec![0; key.ring().element_limbs()].into_boxed_slice();
        key.ring().encode_one_plus_multiple(&mut limbs, plaintext, &mut key.scratch());
        Self { limbs }
    }

    /// A ciphertext from an element of the ring that is known to be valid.
    pub(crate) fn from_limbs(limbs: Box<[Limb]>) -> Self {
        Self { limbs }
    }

    /// This ciphertext, borrowed.
    pub fn as_ref(&self) -> CiphertextRef<'_> {
        CiphertextRef { limbs: &self.limbs }
    }
}

impl<'a> CiphertextRef<'a> {
    /// A ciphertext from an element of the ring that is known to be valid.
    pub(crate) fn from_limbs(limbs: &'a [Limb]) -> Self {
        Self { limbs }
    }

    /// The element of the ring.
    pub(crate) fn limbs(self) -> &'a [Limb] {
        self.limbs
    }

    /// An owned copy.
    pub fn to_owned(self) -> Ciphertext {
        Ciphertext { limbs: self.limbs.into() }
    }
}

impl fmt::Debug for Ciphertexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ciphertexts({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::test_keys;
    use rug::Integer;

    #[test]
    fn batches_grow_and_are_selected_from() {
        let key = test_keys::shared(512);
        let public = key.public();
        let mut batch = Ciphertexts::new(public);
        assert!(batch.is_empty());
        for value in 0..4 {
            batch.push(Ciphertext::trivial(public, &Integer::from(value)).as_ref());
        }
        let mut selected = batch.select(&[3, 0, 3]);
        selected.append(&batch);
        assert_eq!(key.decrypt(&selected).plaintexts, [3, 0, 3, 0, 1, 2, 3]);
        assert_eq!(selected.iter().len(), 7);
        let front = selected.take_front(2);
        selected.replace(1, front.get(0));
        assert_eq!(
            [key.decrypt(&front).plaintexts, key.decrypt(&selected).plaintexts].concat(),
            [3, 0, 3, 3, 1, 2, 3]
        );
        assert_eq!(format!("{selected:?}"), "Ciphertexts(5)");
    }
}
