//! Powers of one base, many times: a table of its powers by windows of the exponent.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use rayon::prelude::*;
use rug::Integer;
use zeroize::{Zeroize, Zeroizing};

use super::count::Count;
use super::limbs::Limb;
use super::modular::{Scratch, SquareModulus, SquareModulusPair};
use super::window::digit;

/// A table never takes more memory than this. Microseconds that a randomiser takes at 3072 bits, by window and
/// megabytes (one core of an Intel Xeon, Sapphire Rapids; the holder has two tables; powers not fetched ahead, holder's
/// products not in pairs; measured when exponents had 1536 bits at the holder and 3136 at the server, where they have 256 and
/// some 730 now, so that wider windows fit):
///
/// | window | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 |
/// |---|---|---|---|---|---|---|---|---|
/// | holder: µs | 407 | 372 | 316 | 286 | **261** | 259 | 258 | 227 |
/// | MB | 6 | 9 | 16 | 27 | 47 | 84 | 151 | 275 |
/// | server: µs | 1230 | 1025 | **858** | 767 | 678 | 625 | 587 | 526 |
/// | MB | 12 | 19 | 32 | 55 | 96 | 172 | 309 | 561 |
///
/// The bold ones are the widest within the limit. Beyond it the holder gains nothing for twice the memory; the
/// server, which holds a table for each client and needs a randomiser for every twenty comparisons, an eighth.
const MAX_TABLE_BYTES: usize = 32 << 20;

/// Widest window worth a look; memory decides earlier.
const MAX_WINDOW: u32 = 10;

/// So many products before its own a power is fetched from memory, which takes longer than one product.
const AHEAD: u32 = 2;

/// Limbs of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE_LIMBS: usize = 8;

/// The powers base^(d·2^(w·j)) for all digits d < 2^w of all windows j.
///
/// A power costs one product per window, whatever the exponent, and no squaring. Which entries are
/// read depends on the exponent, so a neighbour on the same processor's caches might see
/// something of it. Overwritten on drop, because the modulus may be secret.
pub(crate) struct FixedBaseTable {
    powers: Vec<Limb>,
    /// Limbs of one power.
    length: usize,
    window: u32,
    windows: u32,
}

impl FixedBaseTable {
    /// A table for exponents of at most `bits` bits, with the window that makes building the table
    /// plus `uses` powers cheapest within the memory limit.
    pub(crate) fn new(ring: &SquareModulus, base: &[Limb], bits: u32, uses: usize) -> Self {
        let window = window_for(bits, uses, size_of_val(base));
        let windows = bits.div_ceil(window);
        let row = ring.element_limbs() << window;
        let mut powers = vec![0; row * windows as usize];
        let mut generator = base.to_vec();
        let mut scratch = ring.scratch();
        for row in powers.chunks_exact_mut(row) {
            // The generator of each window goes where its first power belongs.
            row[ring.element_limbs()..][..generator.len()].copy_from_slice(&generator);
            (0..window).for_each(|_| ring.square_assign(&mut generator, &mut scratch));
        }
        generator.zeroize();
        powers
            .par_chunks_exact_mut(row)
            .for_each_init(|| ring.scratch(), |scratch, row| fill_row(ring, row, scratch));
        Self { powers, length: ring.element_limbs(), window, windows }
    }

    /// `out` = base^`exponent`.
    ///
    /// # Panics
    /// If the exponent is negative or has more bits than the table is for.
    pub(crate) fn pow(
        &self,
        ring: &SquareModulus,
        out: &mut [Limb],
        exponent: &Integer,
        scratch: &mut Scratch,
    ) {
        self.expect(exponent);
        (0..AHEAD).for_each(|index| prefetch(self.power(exponent, index)));
        out.copy_from_slice(ring.one());
        for index in 0..self.windows {
            prefetch(self.power(exponent, index + AHEAD));
            ring.mul_assign(out, self.power(exponent, index), scratch);
        }
    }

    /// base^`exponent` modulo M, for an exponent of at most `bits` bits.
    ///
    /// # Panics
    /// As [`pow`](Self::pow).
    pub(crate) fn pow_residue(
        &self,
        ring: &SquareModulus,
        exponent: &Integer,
        bits: u32,
        scratch: &mut Scratch,
    ) -> Zeroizing<Vec<Limb>> {
        self.expect(exponent);
        assert!(exponent.significant_bits() <= bits, "the exponent does not have {bits} bits");
        let factor = |index| ring.residue(self.power(exponent, index));
        (0..AHEAD).for_each(|index| prefetch(factor(index)));
        let mut out = Zeroizing::new(ring.residue(ring.one()).to_vec());
        for index in 0..bits.div_ceil(self.window) {
            prefetch(factor(index + AHEAD));
            ring.mul_residue_assign(&mut out, factor(index), scratch);
        }
        out
    }

    /// `out` = base^exponent, for two tables of two rings, together.
    ///
    /// # Panics
    /// As [`pow`](Self::pow).
    pub(crate) fn pow_pair(
        tables: [&Self; 2],
        rings: &SquareModulusPair,
        [out_p, out_q]: [&mut [Limb]; 2],
        exponents: [&Integer; 2],
        scratch: &mut [Scratch; 2],
    ) {
        let [p, q] = tables;
        let [exponent_p, exponent_q] = exponents;
        p.expect(exponent_p);
        q.expect(exponent_q);
        let powers = |index| [p.power(exponent_p, index), q.power(exponent_q, index)];
        (0..AHEAD).for_each(|index| powers(index).into_iter().for_each(prefetch));
        out_p.copy_from_slice(rings.rings()[0].one());
        out_q.copy_from_slice(rings.rings()[1].one());
        for index in 0..p.windows.max(q.windows) {
            powers(index + AHEAD).into_iter().for_each(prefetch);
            rings.mul_assign([&mut *out_p, &mut *out_q], powers(index), scratch);
        }
    }

    fn expect(&self, exponent: &Integer) {
        assert!(
            !exponent.is_negative() && exponent.significant_bits() <= self.window * self.windows,
            "the exponent is longer than the table"
        );
    }

    /// The factor of base^`exponent` for one window, which is 1 beyond the last.
    fn power(&self, exponent: &Integer, index: u32) -> &[Limb] {
        let digit = digit(exponent, index * self.window, self.window);
        let row = index.min(self.windows - 1) as usize;
        &self.powers[((row << self.window) + digit) * self.length..][..self.length]
    }
}

impl Drop for FixedBaseTable {
    fn drop(&mut self) {
        self.powers.as_mut_slice().zeroize();
    }
}

/// Asks the processor for memory that will be read soon, where there is an instruction for that.
fn prefetch(limbs: &[Limb]) {
    #[cfg(target_arch = "x86_64")]
    for line in limbs.chunks(LINE_LIMBS) {
        // SAFETY: every x86-64 processor has the instruction, and it only hints.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = limbs;
}

/// Fills a row whose entry 1 is there already.
fn fill_row(ring: &SquareModulus, row: &mut [Limb], scratch: &mut Scratch) {
    let length = ring.element_limbs();
    row[..length].copy_from_slice(ring.one());
    for digit in 2..row.len() / length {
        let (done, rest) = row.split_at_mut(digit * length);
        let previous = &done[(digit - 1) * length..];
        ring.mul(&mut rest[..length], previous, &done[length..2 * length], scratch);
    }
}

/// More uses than this choose no other window.
const MAX_USES: u64 = 1 << 32;

/// How many products a power by exponents of `bits` takes from a table for many uses.
pub(crate) fn power_products(bits: u32, element_bytes: usize) -> u64 {
    u64::from(bits.div_ceil(window_for(bits, usize::MAX, element_bytes)))
}

/// How many products and squarings a table for `uses` exponents of `bits` takes.
pub(crate) fn table_count(bits: u32, uses: usize, element_bytes: usize) -> Count {
    let window = window_for(bits, uses, element_bytes);
    let windows = u64::from(bits.div_ceil(window));
    let entries = (1u64 << window).saturating_sub(2);
    Count { products: windows * entries, squarings: windows * u64::from(window), inversions: 0 }
}

/// The window that minimises products: 2^w per window to build, one per window for each use.
fn window_for(bits: u32, uses: usize, element_bytes: usize) -> u32 {
    let cost = |window: u32| u64::from(bits.div_ceil(window)) * ((1 << window) + (uses as u64).min(MAX_USES));
    let bytes = |window: u32| (bits.div_ceil(window) as usize * element_bytes) << window;
    (1..=MAX_WINDOW)
        .filter(|&window| window == 1 || bytes(window) <= MAX_TABLE_BYTES)
        .min_by_key(|&window| cost(window))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn powers_agree_with_plain_exponentiation() {
        let mut rng = TestRng::new(10);
        let modulus = rng.integer_of_bits(300) | 1u32;
        let square = Integer::from(modulus.square_ref());
        let ring = SquareModulus::public(&modulus);
        let mut scratch = ring.scratch();
        let base = rng.integer_below(&square);
        let mut encoded = vec![0; ring.element_limbs()];
        ring.encode(&mut encoded, &base, &mut scratch);
        for (bits, uses) in [(1, 1), (7, 3), (64, 10), (128, 100), (200, 10_000)] {
            let table = FixedBaseTable::new(&ring, &encoded, bits, uses);
            let all_ones = Integer::from(Integer::u_pow_u(2, bits)) - 1u32;
            for exponent in [Integer::new(), Integer::from(1), all_ones, rng.integer_of_bits(bits)] {
                let mut out = vec![0; ring.element_limbs()];
                table.pow(&ring, &mut out, &exponent, &mut scratch);
                let expected = base.clone().pow_mod(&exponent, &square).unwrap();
                assert_eq!(ring.decode(&out, &mut scratch), expected);
            }
        }
    }

    /// Also of tables with different windows.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
    fn powers_of_pairs_agree_with_plain_exponentiation() {
        let mut rng = TestRng::new(11);
        let primes = [(); 2].map(|()| rng.integer_of_bits(299) * 2u32 + 1u32);
        let squares = primes.each_ref().map(|prime| Integer::from(prime.square_ref()));
        let bases = squares.each_ref().map(|square| rng.integer_below(square));
        let bits = 100;
        let all_ones = Integer::from(Integer::u_pow_u(2, bits)) - 1u32;
        for (_, rings) in SquareModulusPair::secret_on_all_kernels(primes.each_ref()) {
            let mut scratch = rings.scratch();
            for uses in [[100, 100], [1, 10_000]] {
                let tables = [0, 1].map(|i| {
                    let ring = &rings.rings()[i];
                    let mut encoded = vec![0; ring.element_limbs()];
                    ring.encode(&mut encoded, &bases[i], &mut scratch[i]);
                    FixedBaseTable::new(ring, &encoded, bits, uses[i])
                });
                for exponents in
                    [[all_ones.clone(), Integer::new()], [(); 2].map(|()| rng.integer_of_bits(bits))]
                {
                    let [mut p, mut q] = rings.rings().each_ref().map(|ring| vec![0; ring.element_limbs()]);
                    let out = [&mut *p, &mut *q];
                    FixedBaseTable::pow_pair(
                        tables.each_ref(),
                        &rings,
                        out,
                        exponents.each_ref(),
                        &mut scratch,
                    );
                    for (i, out) in [p, q].iter().enumerate() {
                        let expected = bases[i].clone().pow_mod(&exponents[i], &squares[i]).unwrap();
                        assert_eq!(rings.rings()[i].decode(out, &mut scratch[i]), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn the_window_grows_with_use_until_memory_ends() {
        assert_eq!(window_for(1536, 0, 768), 1);
        assert!(window_for(1536, 100, 768) < window_for(1536, 1000, 768));
        let widest = window_for(1536, 1_000_000, 768);
        assert!(((1536u32.div_ceil(widest) as usize) * 768) << widest <= MAX_TABLE_BYTES);
    }
}
