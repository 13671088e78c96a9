//! The speed of every kernel that this processor has, beside `rug`:
//!
//! ```text
//! cargo test --release -p runtime --lib -- --ignored --nocapture modular::measure
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::*;
use crate::paillier::randomness::TestRng;
use crate::paillier::secret_pow::secret_pow;

/// Batches to take the least of.
const BATCHES: u32 = 40;

/// The least time of one call among many batches.
fn least(calls: u32, mut call: impl FnMut()) -> Duration {
    let batch = |_| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed() / calls
    };
    (0..BATCHES).map(batch).min().unwrap()
}

fn report(what: &str, time: Duration, baseline: Duration) {
    let ratio = baseline.as_secs_f64() / time.as_secs_f64();
    println!("    {what}: {time:.2?}, {ratio:.2} times the baseline's rate");
}

#[test]
#[ignore = "a measurement"]
fn products_and_squares() {
    let mut rng = TestRng::new(40);
    for bits in [2048, 3072, 4096] {
        let base = rng.integer_of_bits(bits) | 1u32 | Integer::from(Integer::u_pow_u(2, bits - 1));
        let square = Integer::from(base.square_ref());
        let [x, y] = [(); 2].map(|()| rng.integer_below(&square));
        let mut a = x.clone();
        let product = least(300, || {
            a *= &y;
            a %= &square;
        });
        let squared = least(300, || {
            a.square_mut();
            a %= &square;
        });
        println!("N of {bits} bits: rug {product:.2?}, squares {squared:.2?}");
        for tests::Tested { name, kernel, .. } in tests::kernels(&base) {
            let ring = SquareModulus::with_kernel(&base, kernel);
            let mut scratch = ring.scratch();
            let mut limbs = [&x, &y].map(|value| {
                let mut limbs = vec![0; ring.element_limbs()];
                ring.encode(&mut limbs, value, &mut scratch);
                limbs
            });
            let [x, y] = &mut limbs;
            println!("  {name}");
            report("product", least(300, || ring.mul_assign(x, y, &mut scratch)), product);
            report("square", least(300, || ring.square_assign(x, &mut scratch)), squared);
        }
    }
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "the baseline")]
fn powers_with_secret_exponents() {
    let mut rng = TestRng::new(41);
    for bits in [1024, 1536, 2048] {
        let base = rng.integer_of_bits(bits) | 1u32 | Integer::from(Integer::u_pow_u(2, bits - 1));
        let square = Integer::from(base.square_ref());
        let x = rng.integer_below(&square);
        let exponent = Integer::from(&base - 1u32);
        let baseline = least(1, || drop(black_box(x.clone().secure_pow_mod(&exponent, &square))));
        println!("prime of {bits} bits: rug's secure_pow_mod {baseline:.2?}");
        for tests::Tested { name, kernel, .. } in tests::kernels(&base) {
            let ring = SquareModulus::with_kernel(&base, kernel);
            let mut scratch = ring.scratch();
            let mut limbs = vec![0; ring.element_limbs()];
            ring.encode(&mut limbs, &x, &mut scratch);
            let time = least(1, || drop(black_box(secret_pow(&ring, &limbs, &exponent, bits, &mut scratch))));
            report(name, time, baseline);
        }
    }
}
