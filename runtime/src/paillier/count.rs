//! How many modular operations a computation takes: the unit of the cost model.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// How many operations modulo N² there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Products of two different elements.
    pub products: u64,
    /// Squarings, which the products leave out.
    pub squarings: u64,
    /// Modular inversions (each as long as forty products; rare, because they are shared).
    pub inversions: u64,
}

impl Count {
    /// The time in hundredths of a product's, where there is AVX-512 IFMA: a squaring takes 83, an inversion as
    /// long as 40 products. Elsewhere products are slower and inversions are not, about 8 products.
    pub fn hundredths(self) -> u64 {
        100 * self.products + 83 * self.squarings + 4000 * self.inversions
    }

    /// The cost of doing it `n` times.
    pub fn times(self, n: u64) -> Self {
        Self { products: n * self.products, squarings: n * self.squarings, inversions: n * self.inversions }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            products: self.products + other.products,
            squarings: self.squarings + other.squarings,
            inversions: self.inversions + other.inversions,
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// Counts what really happens, per thread.
#[cfg(test)]
pub(crate) mod instrument {
    use std::cell::{Cell, RefCell};

    use super::Count;

    thread_local! {
        static COUNT: RefCell<Count> = RefCell::default();
        /// Products modulo N, which [`Count`] has in products modulo N².
        static RESIDUES: Cell<u64> = Cell::default();
    }

    /// Counts a product modulo N.
    pub(crate) fn record_residue() {
        RESIDUES.set(RESIDUES.get() + 1);
    }

    /// As [`measure`], of products modulo N.
    pub(crate) fn measure_residues<T: Send>(action: impl FnOnce() -> T + Send) -> (T, u64) {
        let ((result, residues), _) = measure(|| (action(), RESIDUES.take()));
        (result, residues)
    }

    /// Changes the count of this thread.
    pub(crate) fn record(change: impl FnOnce(&mut Count)) {
        COUNT.with_borrow_mut(change);
    }

    /// Runs `action` on one fresh thread, rayon's work included, and returns what it counted.
    pub(crate) fn measure<T: Send>(action: impl FnOnce() -> T + Send) -> (T, Count) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let result = action();
            (result, COUNT.take())
        })
    }
}
