//! What the times of powers and of decryption tell of their secrets, and which branches and addresses they choose.

use rug::Integer;

use super::ciphertext::Ciphertexts;
use super::limbs::Limb;
use super::modular::{Scratch, SquareModulusPair};
use super::randomness::TestRng;
use super::secret_pow::secret_pow;
use super::test_keys;
use crate::testing::taint;
use crate::testing::timing::{Experiment, on_one_thread};

/// Bits of primes and of exponents here.
const PRIME: u32 = 512;
const EXPONENT: u32 = 256;

/// Powers modulo two squares, on one kernel.
struct Powers {
    name: &'static str,
    rings: SquareModulusPair,
    scratch: [Scratch; 2],
}

impl Powers {
    fn on_all_kernels(rng: &mut TestRng) -> Vec<Self> {
        let top = Integer::from(1) << (PRIME - 1);
        let bases = [(); 2].map(|()| rng.integer_of_bits(PRIME - 1) | 1u32 | &top);
        let pairs = SquareModulusPair::secret_on_all_kernels(bases.each_ref());
        pairs.into_iter().map(|(name, rings)| Self { name, scratch: rings.scratch(), rings }).collect()
    }

    fn element(&mut self, rng: &mut TestRng) -> Vec<Vec<Limb>> {
        let number = rng.integer_of_bits(PRIME);
        self.rings.encode(&number, &mut self.scratch).map(|limbs| limbs.to_vec()).into()
    }

    fn power(&mut self, x: &[Vec<Limb>], exponent: &Integer) -> [zeroize::Zeroizing<Vec<Limb>>; 2] {
        secret_pow(&self.rings, [&x[0], &x[1]], [exponent; 2], EXPONENT, &mut self.scratch)
    }
}

/// A random exponent with its highest bit set, as the number of its limbs shows.
fn exponent(rng: &mut TestRng) -> Integer {
    rng.integer_of_bits(EXPONENT) | Integer::from(1) << (EXPONENT - 1)
}

/// Exponents with as many limbs as others and as few or as many ones as possible.
fn extremes() -> [(&'static str, Integer); 2] {
    let top = Integer::from(1) << (EXPONENT - 1);
    [("of one bit", top.clone()), ("of ones", (top << 1) - 1u32)]
}

#[test]
#[ignore = "a measurement of times"]
fn powers_take_a_time_that_tells_nothing_of_exponents() {
    let mut rng = TestRng::new(50);
    for mut powers in Powers::on_all_kernels(&mut rng) {
        let x = powers.element(&mut rng);
        for (which, fixed) in extremes() {
            let name = &format!("power by an exponent {which}, {}", powers.name);
            let mut secrets = |rng: &mut TestRng| [fixed.clone(), exponent(rng)];
            let experiment = Experiment { name, samples: 10_000, secrets: &mut secrets };
            experiment.takes_constant_time(|_| (), |exponent, ()| powers.power(&x, exponent));
        }
    }
}

#[test]
#[ignore = "a measurement of times"]
fn powers_take_a_time_that_tells_nothing_of_bases() {
    let mut rng = TestRng::new(51);
    for mut powers in Powers::on_all_kernels(&mut rng) {
        let exponent = exponent(&mut rng);
        let elements: Vec<_> = (0..64).map(|_| powers.element(&mut rng)).collect();
        let zero: Vec<Vec<Limb>> = elements[0].iter().map(|limbs| vec![0; limbs.len()]).collect();
        let mut secrets = |rng: &mut TestRng| [zero.clone(), elements[rng.u64_below(64) as usize].clone()];
        let name = &format!("power of zero, {}", powers.name);
        let experiment = Experiment { name, samples: 10_000, secrets: &mut secrets };
        experiment.takes_constant_time(|_| (), |x, ()| powers.power(x, &exponent));
    }
}

/// Of plaintexts of full length, as masked ones are: those of one number and of many, one ciphertext and many. Of short ones the
/// length shows, which is printed.
#[test]
#[ignore = "a measurement of times"]
fn decryption_takes_a_time_that_tells_nothing_of_long_plaintexts() {
    const POOL: usize = 256;
    let mut rng = TestRng::new(52);
    let holder = test_keys::holder(1024);
    let public = holder.public();
    let numbers: Vec<Integer> = (0..POOL).map(|_| rng.integer_below(public.half_modulus())).collect();
    let mut encrypted = |plaintexts: &[Integer]| -> Vec<Vec<u8>> {
        let bytes = holder.encrypt(plaintexts, &mut rng).unwrap().to_bytes(public);
        bytes.chunks(public.ciphertext_bytes()).map(<[u8]>::to_vec).collect()
    };
    let zeros = encrypted(&vec![Integer::new(); POOL]);
    let same = encrypted(&vec![numbers[0].clone(); POOL]);
    let others = encrypted(&numbers);
    let any = |of: &[Vec<u8>], rng: &mut TestRng| of[rng.u64_below(of.len() as u64) as usize].clone();
    let prepare = |bytes: &Vec<u8>| Ciphertexts::receive(public, bytes, 1).unwrap();
    let decrypt = |_: &Vec<u8>, ciphertexts: Ciphertexts| holder.decrypt(&ciphertexts);
    on_one_thread(|| {
        let mut secrets = |rng: &mut TestRng| [any(&zeros, rng), any(&others, rng)];
        let mut experiment =
            Experiment { name: "decryption of 0 (shows)", samples: 5_000, secrets: &mut secrets };
        experiment.statistic(prepare, decrypt);
        for (name, left) in
            [("decryption of one number", &same[..]), ("decryption of one ciphertext", &others[..1])]
        {
            let mut secrets = |rng: &mut TestRng| [any(left, rng), any(&others, rng)];
            let experiment = Experiment { name, samples: 10_000, secrets: &mut secrets };
            experiment.takes_constant_time(prepare, decrypt);
        }
    });
}

/// But for the highest limb of an exponent, of which the number of bits is looked at.
#[test]
#[ignore = "runs under valgrind"]
fn powers_choose_nothing_by_exponents_and_bases() {
    taint::watched("paillier::secrecy::powers_choose_nothing_by_exponents_and_bases", || {
        let mut rng = TestRng::new(53);
        for mut powers in Powers::on_all_kernels(&mut rng) {
            let (x, exponent) = (powers.element(&mut rng), exponent(&mut rng));
            let expected = powers.power(&x, &exponent).map(|limbs| limbs.to_vec());
            let (_, rest) = exponent.as_limbs().split_last().unwrap();
            taint::hide(rest);
            x.iter().for_each(|limbs| taint::hide(limbs));
            let found = powers.power(&x, &exponent).map(|limbs| limbs.to_vec());
            found.iter().for_each(|limbs| taint::show(limbs));
            assert_eq!(found, expected, "{}", powers.name);
            println!("watched: {}", powers.name);
        }
    });
}
