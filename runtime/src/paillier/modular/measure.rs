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

/// Batches of which the quickest counts.
const BATCHES: u32 = 200;

/// What is measured, and its least time so far.
struct Measured<'a> {
    name: &'a str,
    call: Box<dyn FnMut() + 'a>,
    least: Duration,
}

impl<'a> Measured<'a> {
    fn new(name: &'a str, call: impl FnMut() + 'a) -> Self {
        Self { name, call: Box::new(call), least: Duration::MAX }
    }
}

/// Prints the least times of one call, and the rates beside the first; batches take turns, so that a busy machine slows
/// all alike.
fn compare(mut measured: Vec<Measured<'_>>, calls: u32) {
    for _ in 0..BATCHES {
        for Measured { call, least, .. } in &mut measured {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            *least = start.elapsed().div_f64(calls.into()).min(*least);
        }
    }
    let baseline = measured[0].least.as_secs_f64();
    for Measured { name, least, .. } in measured {
        println!("    {name}: {least:.2?}, ratio {:.2}", baseline / least.as_secs_f64());
    }
}

/// A base of exactly so many bits, its square, and an element of the ring.
fn example(bits: u32, rng: &mut TestRng) -> [Integer; 3] {
    let base = rng.integer_of_bits(bits) | 1u32 | Integer::from(Integer::u_pow_u(2, bits - 1));
    let square = Integer::from(base.square_ref());
    let x = rng.integer_below(&square);
    [base, square, x]
}

fn rings(base: &Integer) -> Vec<(&'static str, SquareModulus)> {
    let ring = |tested: tests::Tested| (tested.name, SquareModulus::with_kernel(base, tested.kernel));
    tests::kernels(base).into_iter().map(ring).collect()
}

fn encoded(ring: &SquareModulus, x: &Integer) -> Vec<Limb> {
    let mut limbs = vec![0; ring.element_limbs()];
    ring.encode(&mut limbs, x, &mut ring.scratch());
    limbs
}

#[test]
#[ignore = "a measurement"]
fn products_and_squares() {
    let mut rng = TestRng::new(40);
    for bits in [2048, 3072, 4096] {
        let [base, square, x] = example(bits, &mut rng);
        let rings = rings(&base);
        let (mut a, mut b) = (x.clone(), x.clone());
        let mut products = vec![Measured::new("rug", || {
            a *= &x;
            a %= &square;
        })];
        let mut squares = vec![Measured::new("rug", || {
            b.square_mut();
            b %= &square;
        })];
        for (name, ring) in &rings {
            let (mut a, y, mut scratch) = (encoded(ring, &x), encoded(ring, &x), ring.scratch());
            products.push(Measured::new(name, move || ring.mul_assign(&mut a, &y, &mut scratch)));
            let (mut b, mut scratch) = (encoded(ring, &x), ring.scratch());
            squares.push(Measured::new(name, move || ring.square_assign(&mut b, &mut scratch)));
        }
        println!("N of {bits} bits\n  product mod N²");
        compare(products, 60);
        println!("  square mod N²");
        compare(squares, 60);
    }
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "the baseline")]
fn powers_with_secret_exponents() {
    let mut rng = TestRng::new(41);
    for bits in [1024, 1536, 2048] {
        let [base, square, x] = example(bits, &mut rng);
        let exponent = Integer::from(&base - 1u32);
        let pairs = SquareModulusPair::secret_on_all_kernels([&base, &base]);
        let mut powers = vec![Measured::new("rug's secure_pow_mod, twice", || {
            for _ in 0..2 {
                drop(black_box(x.clone().secure_pow_mod(&exponent, &square)));
            }
        })];
        for (name, rings) in &pairs {
            let (exponent, mut scratch) = (&exponent, rings.scratch());
            let [p, q] = rings.encode(&x, &mut scratch);
            powers.push(Measured::new(name, move || {
                drop(black_box(secret_pow(rings, [&p, &q], [exponent; 2], bits, &mut scratch)));
            }));
        }
        println!("two powers modulo squares of primes of {bits} bits");
        compare(powers, 1);
    }
}
