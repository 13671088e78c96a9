//! Every kernel that the processor has, against plain arithmetic.

use proptest::prelude::*;
use rug::integer::Order;

use super::kernel::PairKernel;
use super::textbook::Textbook;
use super::*;
use crate::paillier::randomness::TestRng;

/// A kernel, and what tests must know of it.
pub(super) struct Tested {
    pub(super) name: &'static str,
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) constant_time: bool,
    /// The multiples of M that its low and high digits stay below.
    bounds: [u32; 2],
}

/// All kernels that the processor has.
pub(super) fn kernels(base: &Integer) -> Vec<Tested> {
    let portable = |operands| Some(choice::portable(base, operands));
    let textbook: Box<dyn Kernel> = Box::new(Textbook::new(base));
    let mut kernels = vec![
        ("textbook", Some(textbook), false, [1, 1]),
        ("portable, public operands", portable(Operands::Public), false, [2, 2]),
        ("portable, secret operands", portable(Operands::Secret), true, [2, 2]),
    ];
    #[cfg(target_arch = "x86_64")]
    {
        kernels.push(("ADX", choice::adx(base), true, [2, 2]));
        kernels.push(("AVX-512 IFMA", ifma::kernel(base), true, [2, 3]));
    }
    let present = kernels.into_iter().filter_map(|(name, kernel, constant_time, bounds)| {
        if kernel.is_none() {
            println!("no {name} here: its kernel is not tested");
        }
        Some(Tested { name, kernel: kernel?, constant_time, bounds })
    });
    present.collect()
}

fn rings(base: &Integer) -> Vec<(SquareModulus, [u32; 2])> {
    let ring = |tested: Tested| (SquareModulus::with_kernel(base, tested.kernel), tested.bounds);
    kernels(base).into_iter().map(ring).collect()
}

/// An odd modulus base of exactly `bits` bits made of the digits given.
fn base(bits: u32, digits: &[u64]) -> Integer {
    let mut base = Integer::from_digits(digits, Order::Lsf).keep_bits(bits);
    base.set_bit(0, true);
    base.set_bit(bits - 1, true);
    base
}

fn power_of_two(exponent: u32) -> Integer {
    Integer::from(1) << exponent
}

/// Numbers where carries, negative brackets and final subtractions happen.
fn edges(base: &Integer, radix_bits: u32) -> Vec<Integer> {
    let square = Integer::from(base * base);
    let r = power_of_two(radix_bits);
    let mut edges = vec![Integer::new(), Integer::from(1), r.clone(), Integer::from(&r - 1)];
    for near in [base, &square, &Integer::from(base << 1), &Integer::from(&r * base)] {
        edges.extend([-1, 0, 1].map(|offset| Integer::from(near + offset)));
    }
    edges.into_iter().map(|edge| edge.modulo(&square)).collect()
}

fn encoded(ring: &SquareModulus, value: &Integer) -> Vec<Limb> {
    let mut limbs = vec![0; ring.element_limbs()];
    ring.encode(&mut limbs, value, &mut ring.scratch());
    limbs
}

fn check(ring: &SquareModulus, x: &Integer, y: &Integer) {
    let square = Integer::from(ring.base().square_ref());
    let mut scratch = ring.scratch();
    let [mut x_limbs, y_limbs] = [x, y].map(|value| encoded(ring, value));
    assert_eq!(ring.decode(&x_limbs, &mut scratch), *x);
    let mut product = vec![0; ring.element_limbs()];
    ring.mul(&mut product, &x_limbs, &y_limbs, &mut scratch);
    let expected = Integer::from(x * y) % &square;
    assert_eq!(ring.decode(&product, &mut scratch), expected, "{x} times {y}");
    let mut residue = ring.residue(&x_limbs).to_vec();
    ring.mul_residue_assign(&mut residue, ring.residue(&y_limbs), &mut scratch);
    assert_eq!(*ring.decode_residue(&residue, &mut scratch), expected % ring.base());
    ring.square_assign(&mut x_limbs, &mut scratch);
    let expected = Integer::from(x * x) % &square;
    assert_eq!(ring.decode(&x_limbs, &mut scratch), expected, "the square of {x}");
}

/// The number that raw digits stand for, which must be below their bounds.
fn read(ring: &SquareModulus, limbs: &[Limb], bounds: [u32; 2]) -> Integer {
    let (low, high) = limbs.split_at(ring.kernel.digit_limbs());
    let [low, high] = [low, high].map(|digit| ring.kernel.read_digit(digit));
    for (digit, bound) in [&low, &high].into_iter().zip(bounds) {
        assert!(*digit < Integer::from(ring.base() * bound), "a digit of {bound} M or more");
    }
    high * ring.base() + low
}

/// `bound` times M, or what the limbs of a digit cannot hold.
fn digit_end(ring: &SquareModulus, bound: u32) -> Integer {
    let limit = power_of_two(Limb::BITS * ring.kernel.digit_limbs() as u32);
    Integer::from(ring.base() * bound).min(limit)
}

/// Digits at the edges below [`digit_end`].
fn edge_digits(ring: &SquareModulus, bound: u32) -> Vec<Integer> {
    let (base, end) = (ring.base(), digit_end(ring, bound));
    let mut digits = vec![Integer::new(), Integer::from(1), Integer::from(&end - 1)];
    digits.extend([-1, 0, 1].map(|offset| Integer::from(base + offset)));
    let bits = end.significant_bits();
    digits.extend([bits, bits - 1, bits / 2].map(|bits| power_of_two(bits) - 1u32));
    digits.retain(|digit| *digit < end);
    digits
}

/// Raw elements with digits at the edges.
fn check_raw_edges(ring: &SquareModulus, bounds: [u32; 2]) {
    check_raw(ring, bounds, bounds.map(|bound| edge_digits(ring, bound)));
}

/// The raw elements, as if already in Montgomery form, with these low and high digits.
fn raw_elements(ring: &SquareModulus, [low, high]: [Vec<Integer>; 2]) -> Vec<Vec<Limb>> {
    low.iter()
        .flat_map(|low| high.iter().map(move |high| (low, high)))
        .map(|(low, high)| {
            let mut limbs = vec![0; ring.element_limbs()];
            let (low_out, high_out) = limbs.split_at_mut(ring.kernel.digit_limbs());
            ring.kernel.write_digit(low_out, low);
            ring.kernel.write_digit(high_out, high);
            limbs
        })
        .collect()
}

/// x·y/R, as raw elements are multiplied.
fn raw_product(ring: &SquareModulus, x: &Integer, y: &Integer) -> Integer {
    let square = Integer::from(ring.base().square_ref());
    let inverse = power_of_two(ring.kernel.radix_bits()).invert(&square).unwrap();
    Integer::from(x * y) * inverse % square
}

/// All pairs of raw elements with these low and high digits.
fn check_raw(ring: &SquareModulus, bounds: [u32; 2], digits: [Vec<Integer>; 2]) {
    let square = Integer::from(ring.base().square_ref());
    let elements = raw_elements(ring, digits);
    let mut scratch = ring.scratch();
    let mut out = vec![0; ring.element_limbs()];
    for x_limbs in &elements {
        let x = read(ring, x_limbs, bounds);
        for y_limbs in &elements {
            ring.mul(&mut out, x_limbs, y_limbs, &mut scratch);
            let expected = raw_product(ring, &x, &read(ring, y_limbs, bounds));
            assert_eq!(read(ring, &out, bounds) % &square, expected);
            let mut residue = ring.residue(x_limbs).to_vec();
            ring.mul_residue_assign(&mut residue, ring.residue(y_limbs), &mut scratch);
            let digit = ring.kernel.read_digit(&residue);
            assert!(digit < Integer::from(ring.base() * bounds[0]), "a residue beyond its bound");
            assert_eq!(digit % ring.base(), expected % ring.base());
        }
        out.copy_from_slice(x_limbs);
        ring.square_assign(&mut out, &mut scratch);
        let expected = raw_product(ring, &x, &x);
        assert_eq!(read(ring, &out, bounds) % &square, expected);
    }
}

/// 2^bits − 1 fills every limb, or just not; with 4 bits more, every lane of 52 bits, or just not.
#[test]
fn edge_operands_agree_with_plain_arithmetic() {
    let mut bases = [3u32, 5, 0xffff_fffb].map(Integer::from).to_vec();
    for bits in [48, 49, 256, 257, 412, 413, 1036, 1037] {
        bases.extend([power_of_two(bits) - 1u32, power_of_two(bits - 1) + 1u32]);
    }
    for base in bases {
        for (ring, bounds) in rings(&base) {
            let edges = edges(&base, ring.kernel.radix_bits());
            for x in &edges {
                for y in &edges {
                    check(&ring, x, y);
                }
            }
            check_raw_edges(&ring, bounds);
        }
    }
}

#[test]
fn encoding_takes_any_integer() {
    for (ring, _) in rings(&Integer::from(1001)) {
        let mut scratch = ring.scratch();
        for value in [-1i64, -1_002_002, 1_002_001, 5_000_000_000] {
            let limbs = encoded(&ring, &Integer::from(value));
            assert_eq!(ring.decode(&limbs, &mut scratch), value.rem_euclid(1_002_001));
        }
        for (multiple, high) in [(0, 0), (-1, 1000), (1002, 1)] {
            let mut limbs = vec![0; ring.element_limbs()];
            ring.encode_one_plus_multiple(&mut limbs, &Integer::from(multiple), &mut scratch);
            let [low_digit, high_digit] = ring.decode_digits(&limbs, &mut scratch);
            assert!(*low_digit == 1 && *high_digit == high);
        }
    }
}

#[test]
fn selection_finds_every_element() {
    let mut rng = TestRng::new(30);
    for bits in [60, 256, 700] {
        let base = rng.integer_of_bits(bits) | 1u32;
        for (ring, _) in rings(&base) {
            let values: Vec<_> = (0..33).map(|_| rng.integer_below(&base)).collect();
            let table: Vec<_> = values.iter().flat_map(|value| encoded(&ring, value)).collect();
            let mut out = vec![Limb::MAX; ring.element_limbs()];
            for (index, value) in values.iter().enumerate() {
                ring.select(&mut out, &table, index);
                assert_eq!(ring.decode(&out, &mut ring.scratch()), *value);
            }
        }
    }
}

/// x → x·y and x → x² in turn, on all kernels at once; digits stay within their bounds.
#[test]
fn long_chains_of_products_agree() {
    let mut rng = TestRng::new(31);
    for bits in [256, 768, 1536] {
        let base = rng.integer_of_bits(bits) | 1u32 | power_of_two(bits - 1);
        let square = Integer::from(base.square_ref());
        let y = rng.integer_below(&square);
        let mut x = y.clone();
        let mut chains: Vec<_> = rings(&base)
            .into_iter()
            .map(|(ring, bounds)| (encoded(&ring, &x), encoded(&ring, &y), ring.scratch(), ring, bounds))
            .collect();
        for _ in 0..5_000 {
            x = x * &y % &square;
            x = x.square() % &square;
            for (x, y, scratch, ring, bounds) in &mut chains {
                ring.mul_assign(x, y, scratch);
                read(ring, x, *bounds);
                ring.square_assign(x, scratch);
                read(ring, x, *bounds);
            }
        }
        for (limbs, _, scratch, ring, _) in &mut chains {
            assert_eq!(ring.decode(limbs, scratch), x);
        }
    }
}

#[test]
fn every_key_size_agrees_with_plain_arithmetic() {
    let mut rng = TestRng::new(32);
    for bits in (512..=4096).step_by(64) {
        let all_ones = power_of_two(bits) - 1u32;
        let random = rng.integer_of_bits(bits) | 1u32 | power_of_two(bits - 1);
        for base in [all_ones, random] {
            let x = rng.integer_below(&Integer::from(base.square_ref()));
            for (ring, bounds) in rings(&base) {
                let extremes = bounds.map(|bound| vec![Integer::new(), digit_end(&ring, bound) - 1u32]);
                check_raw(&ring, bounds, extremes);
                for edge in edges(&base, ring.kernel.radix_bits()) {
                    check(&ring, &x, &edge);
                }
            }
        }
    }
}

/// The extremes and random digits of one ring, with those of the other in the opposite order.
fn check_pair(kernel: &dyn PairKernel, rings: [&SquareModulus; 2], rng: &mut TestRng) {
    let bounds = [2, 3];
    let [p, q] = rings.map(|ring| {
        let digits = bounds.map(|bound| {
            let end = digit_end(ring, bound);
            vec![Integer::new(), rng.integer_below(&end), end - 1u32]
        });
        raw_elements(ring, digits)
    });
    let expect = |limbs: &[Vec<Limb>; 2], x: [&Vec<Limb>; 2], y: [&Vec<Limb>; 2]| {
        for (index, ring) in rings.into_iter().enumerate() {
            let [x, y, product] = [x[index], y[index], &limbs[index]].map(|limbs| read(ring, limbs, bounds));
            assert_eq!(product % Integer::from(ring.base().square_ref()), raw_product(ring, &x, &y));
        }
    };
    for x in p.iter().zip(q.iter().rev()).map(|(p, q)| [p, q]) {
        for y in p.iter().zip(q.iter().rev()).map(|(p, q)| [p, q]) {
            let mut out = x.map(Vec::clone);
            kernel.mul_assign(out.each_mut().map(|limbs| &mut **limbs), y.map(|limbs| &**limbs));
            expect(&out, x, y);
        }
        let mut out = x.map(Vec::clone);
        kernel.square_assign(out.each_mut().map(|limbs| &mut **limbs));
        expect(&out, x, x);
    }
}

#[test]
fn pairs_of_every_prime_size_agree_with_plain_arithmetic() {
    let mut rng = TestRng::new(33);
    for bits in [48, 49, 60, 412, 413].into_iter().chain((256..=2048).step_by(64)) {
        let all_ones = power_of_two(bits) - 1u32;
        let random = rng.integer_of_bits(bits) | 1u32 | power_of_two(bits - 1);
        let Some(kernel) = choice::together([&all_ones, &random]) else {
            println!("no AVX-512 IFMA here: pairs of products are not tested");
            return;
        };
        let rings = [&all_ones, &random].map(SquareModulus::secret);
        check_pair(&*kernel, rings.each_ref(), &mut rng);
    }
}

#[test]
fn primes_of_different_sizes_are_multiplied_one_after_the_other() {
    let [short, long] = [48, 49].map(|bits| power_of_two(bits) - 1u32);
    assert!(choice::together([&short, &long]).is_none());
    for (_, rings) in SquareModulusPair::secret_on_all_kernels([&short, &long]) {
        let mut scratch = rings.scratch();
        let [mut p, mut q] = rings.encode(&Integer::from(-3), &mut scratch);
        rings.square_assign([&mut p, &mut q], &mut scratch);
        let y = rings.encode(&Integer::from(7), &mut scratch);
        rings.mul_assign([&mut p, &mut q], [&y[0], &y[1]], &mut scratch);
        assert!(rings.decode(&[p, q], &mut scratch).iter().all(|residue| **residue == 63));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn random_operands_agree_with_plain_arithmetic(
        bits in prop::sample::select(
            vec![48, 49, 60u32, 256, 257, 384, 512, 768, 1000, 1024, 1536, 2048, 3072, 4096, 4200],
        ),
        base_digits in prop::collection::vec(any::<u64>(), 66),
        x in prop::collection::vec(any::<u64>(), 132),
        y in prop::collection::vec(any::<u64>(), 132),
    ) {
        let base = base(bits, &base_digits);
        let square = Integer::from(&base * &base);
        let [x, y] = [x, y].map(|digits| Integer::from_digits(&digits, Order::Lsf) % &square);
        for (ring, bounds) in rings(&base) {
            check(&ring, &x, &y);
            check_raw_edges(&ring, bounds);
            for edge in edges(&base, ring.kernel.radix_bits()) {
                check(&ring, &x, &edge);
            }
        }
    }
}
