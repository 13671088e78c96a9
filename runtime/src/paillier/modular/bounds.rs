//! That no kernel, assembly included, touches memory beyond its operands.

#![cfg(target_os = "linux")]

use rug::Integer;

use super::super::limbs::Limb;
use super::tests::{Tested, kernels};
use crate::paillier::randomness::TestRng;
use crate::testing::guarded::{Flush, Guarded};

/// Changes its first operand by its second, with working memory.
type Operation<'a> = &'a dyn Fn(&mut [Limb], &[Limb], &mut [Limb]);

/// Every operation of a kernel on operands that end where memory does, or begin there, gives what it gives elsewhere.
fn check(tested: &Tested, base: &Integer, flush: Flush, rng: &mut TestRng) {
    let kernel = &tested.kernel;
    let mut element = || {
        let mut limbs = vec![0; 2 * kernel.digit_limbs()];
        let (low, high) = limbs.split_at_mut(kernel.digit_limbs());
        kernel.write_digit(low, &rng.integer_below(base));
        kernel.write_digit(high, &rng.integer_below(base));
        limbs
    };
    let (x, y) = (element(), element());
    let table: Vec<Limb> = (0..5).flat_map(|_| element()).collect();
    let guarded = |limbs: &[Limb]| Guarded::new(limbs, flush);
    let spare = vec![0; kernel.workspace_limbs()];
    let same = |operation: Operation<'_>, x: &[Limb], y: &[Limb]| {
        let mut expected = x.to_vec();
        operation(&mut expected, y, &mut spare.clone());
        let mut found = guarded(x);
        operation(&mut found, &guarded(y), &mut guarded(&spare));
        assert_eq!(*found, *expected, "{}, {flush:?}", tested.name);
    };
    same(&|x, y, spare| kernel.mul_assign(x, y, spare), &x, &y);
    same(&|x, _, spare| kernel.square_assign(x, spare), &x, &y);
    let low = ..kernel.digit_limbs();
    same(&|x, y, spare| kernel.mul_low_assign(x, y, spare), &x[low], &y[low]);
    for index in 0..5 {
        same(&|out, table, _| kernel.select(out, table, index), &x, &table);
    }
}

#[test]
fn kernels_stay_within_their_operands() {
    let mut rng = TestRng::new(34);
    for bits in [60, 256, 412, 512, 700, 1024, 1536, 2048, 3072, 4096] {
        let base = rng.integer_of_bits(bits) | 1u32 | (Integer::from(1) << (bits - 1));
        for tested in kernels(&base) {
            for flush in [Flush::Start, Flush::End] {
                check(&tested, &base, flush, &mut rng);
            }
        }
    }
}
