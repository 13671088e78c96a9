//! Π c^digit over digits of several levels, by buckets: the inner loop of a weighted sum.

use super::recoding::Recoding;
use crate::paillier::limbs::Limb;
use crate::paillier::modular::{Scratch, SquareModulus};

/// The index of a factor and the magnitude of one digit of its weight.
type DigitTerm = (usize, usize);

/// The digits of one side of a row by level, lowest first.
#[derive(Default)]
pub(super) struct Levels {
    levels: Vec<Vec<DigitTerm>>,
    /// Levels in use; those above keep their memory for later rows.
    used: usize,
}

impl Levels {
    pub(super) fn clear(&mut self) {
        self.levels.iter_mut().for_each(Vec::clear);
        self.used = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Adds a nonzero digit.
    pub(super) fn push(&mut self, level: usize, term: DigitTerm) {
        self.used = self.used.max(level + 1);
        if self.levels.len() < self.used {
            self.levels.resize_with(self.used, Vec::new);
        }
        self.levels[level].push(term);
    }
}

/// Working memory for products of powers, for one thread.
pub(super) struct PowerProduct<'r> {
    ring: &'r SquareModulus,
    scratch: Scratch,
    /// Bucket d is the product of all ciphertexts with digit d; bucket 0 stays empty.
    buckets: Vec<Limb>,
    occupied: Vec<bool>,
    /// The product of all buckets from the current one up.
    running: Vec<Limb>,
    power: Vec<Limb>,
}

impl<'r> PowerProduct<'r> {
    pub(super) fn new(ring: &'r SquareModulus) -> Self {
        Self {
            ring,
            scratch: ring.scratch(),
            buckets: Vec::new(),
            occupied: Vec::new(),
            running: vec![0; ring.element_limbs()],
            power: vec![0; ring.element_limbs()],
        }
    }

    /// The working memory for single products.
    pub(super) fn scratch(&mut self) -> &mut Scratch {
        &mut self.scratch
    }

    /// `out` = Π c^(digit·2^(width·level)) over elements c of `factors`, for at least one digit.
    pub(super) fn compute(
        &mut self,
        out: &mut [Limb],
        factors: &[Limb],
        levels: &Levels,
        recoding: Recoding,
    ) {
        debug_assert!(!levels.is_empty());
        let mut started = false;
        for terms in levels.levels[..levels.used].iter().rev() {
            if started {
                (0..recoding.width).for_each(|_| self.ring.square_assign(out, &mut self.scratch));
            }
            self.fill_buckets(factors, terms, recoding.max_digit());
            self.collect_buckets(out, &mut started);
        }
    }

    fn fill_buckets(&mut self, factors: &[Limb], terms: &[DigitTerm], max_digit: usize) {
        let stride = self.ring.element_limbs();
        if self.occupied.len() <= max_digit {
            self.occupied.resize(max_digit + 1, false);
            self.buckets.resize((max_digit + 1) * stride, 0);
        }
        for &(factor, digit) in terms {
            let limbs = &factors[factor * stride..][..stride];
            let bucket = &mut self.buckets[digit * stride..][..stride];
            if std::mem::replace(&mut self.occupied[digit], true) {
                self.ring.mul_assign(bucket, limbs, &mut self.scratch);
            } else {
                bucket.copy_from_slice(limbs);
            }
        }
    }

    /// Multiplies Π bucket_d^d into `out`, or sets it if it has not `started`; empties the buckets.
    ///
    /// With A_i the product of the buckets from the i-th occupied one up, and d_i its digit, that is
    /// Π A_i^(d_i − d_(i−1)).
    fn collect_buckets(&mut self, out: &mut [Limb], started: &mut bool) {
        let stride = self.ring.element_limbs();
        let mut bucket = self.occupied.iter().rposition(|occupied| *occupied);
        let mut first = true;
        while let Some(index) = bucket {
            self.occupied[index] = false;
            let limbs = &self.buckets[index * stride..][..stride];
            if std::mem::replace(&mut first, false) {
                self.running.copy_from_slice(limbs);
            } else {
                self.ring.mul_assign(&mut self.running, limbs, &mut self.scratch);
            }
            bucket = self.occupied[..index].iter().rposition(|occupied| *occupied);
            self.raise_running(index - bucket.unwrap_or(0));
            if std::mem::replace(started, true) {
                self.ring.mul_assign(out, &self.power, &mut self.scratch);
            } else {
                out.copy_from_slice(&self.power);
            }
        }
    }

    /// `power` = `running`^`exponent`, for a positive exponent.
    fn raise_running(&mut self, exponent: usize) {
        self.power.copy_from_slice(&self.running);
        for bit in (0..exponent.ilog2()).rev() {
            self.ring.square_assign(&mut self.power, &mut self.scratch);
            if exponent >> bit & 1 == 1 {
                self.ring.mul_assign(&mut self.power, &self.running, &mut self.scratch);
            }
        }
    }
}
