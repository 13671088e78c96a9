use std::collections::BTreeMap;

use rug::Integer;
use rug::integer::Order;

use super::super::ciphertext::Ciphertexts;
use super::super::count::instrument::measure_residues;
use super::super::exponent::{ExponentBits, Exponents, answer_bits, blinding_bits, sum_bits};
use super::super::public_key::PublicKey;
use super::super::randomiser::{PublicRandomisers, Randomisers};
use super::super::randomness::{SecureRng, TestRng};
use super::super::test_keys;
use super::subsets::{memberships, subset_products, subset_products_count};
use super::*;
use crate::paillier::HolderKey;

fn source(key: &PublicKey) -> PublicRandomisers {
    PublicRandomisers::with_exponents(key, ExponentBits::tested(key.bits(), 0), 100)
}

fn holder(bits: u32) -> HolderKey {
    let bytes = test_keys::shared(bits).to_bytes();
    let key = super::super::SecretKey::from_bytes(&bytes).unwrap();
    HolderKey::without_pool(key, 100).unwrap()
}

fn received(key: &PublicKey, numbers: &[Integer]) -> Ciphertexts {
    let mut bytes = vec![0; numbers.len() * key.ciphertext_bytes()];
    for (number, block) in numbers.iter().zip(bytes.chunks_exact_mut(key.ciphertext_bytes())) {
        number.write_digits(block, Order::Msf);
    }
    Ciphertexts::receive(key, &bytes, numbers.len()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the plain power is the oracle")]
fn power(base: &Integer, exponent: &Integer, modulus: &Integer) -> Integer {
    base.clone().pow_mod(exponent, modulus).unwrap()
}

/// A client of any N and hs, by the definition and without secrets.
struct Plain<'a> {
    key: &'a PublicKey,
    generator: Integer,
}

impl<'a> Plain<'a> {
    fn new(key: &'a PublicKey) -> Self {
        Self { key, generator: Integer::from_digits(&key.generator_bytes(), Order::Msf) }
    }

    /// (1 + N)^m·hs^r.
    fn encrypt(&self, plaintext: &Integer, exponent: &Integer) -> Integer {
        let square = self.key.modulus_squared();
        let message = power(&Integer::from(self.key.modulus() + 1u32), plaintext, square);
        message * power(&self.generator, exponent, square) % square
    }

    /// What the server says of these ciphertexts, if the client takes these exponents for theirs.
    fn prove(
        &self,
        ciphertexts: &[Integer],
        exponents: &[Integer],
        rng: &mut SecureRng,
    ) -> Result<Vec<Ciphertexts>, NotAMember> {
        let bits = self.key.bits();
        let blindings: Vec<Integer> = (0..TESTS)
            .map(|_| rng.integer_of_bits(blinding_bits(bits)) + (Integer::from(1) << sum_bits(bits)))
            .collect();
        let powers: Vec<SecretInteger> =
            blindings.iter().map(|a| power(&self.generator, a, self.key.modulus()).into()).collect();
        let commitment = Commitment::to_residues(powers.iter(), bits);
        let batches = vec![received(self.key, ciphertexts)];
        let (verifier, challenge) = Verifier::challenge(batches, commitment, rng);
        let words = memberships(challenge, exponents.len());
        let answer = blindings.into_iter().enumerate().map(|(test, blinding)| {
            let members = exponents.iter().zip(&words).filter(|(_, word)| **word >> test & 1 == 1);
            blinding - members.map(|(exponent, _)| exponent).sum::<Integer>()
        });
        let answer = Answer(answer.collect());
        verifier.verify(&source(self.key), &answer)
    }
}

#[test]
fn honest_clients_pass() {
    let mut rng = TestRng::new(40);
    for bits in [512, 768] {
        let key = holder(bits);
        let public = key.public();
        for sizes in [vec![], vec![0], vec![1], vec![2, 0, 3], vec![40, 1, 29], vec![700]] {
            let (mut batches, mut exponents) = (Vec::new(), Exponents::default());
            for size in sizes {
                let plaintexts: Vec<_> = (0..size).map(|_| rng.integer_of_bits(bits - 2)).collect();
                let provable = key.encrypt_provably(&plaintexts, &mut rng).unwrap();
                batches.push(provable.ciphertexts);
                exponents.append(provable.exponents);
            }
            let sent: Vec<_> = batches.iter().map(|batch| batch.to_bytes(public)).collect();
            let (prover, commitment) = Prover::commit(&key, exponents, &mut rng);
            let commitment = Commitment::from_bytes(commitment.to_bytes());
            let (verifier, challenge) = Verifier::challenge(batches, commitment, &mut rng);
            let answer = prover.answer(Challenge::from_bytes(challenge.to_bytes()));
            let answer = Answer::from_bytes(&answer.to_bytes(public.bits()), public.bits()).unwrap();
            let passed = verifier.verify(&source(public), &answer).unwrap();
            assert_eq!(passed.iter().map(|batch| batch.to_bytes(public)).collect::<Vec<_>>(), sent);
        }
    }
}

#[test]
fn the_definition_agrees() {
    let mut rng = TestRng::new(41);
    let key = test_keys::shared(512).public();
    let plain = Plain::new(key);
    let exponents: Vec<_> = (0..9).map(|_| rng.integer_of_bits(key.bits().order_bits())).collect();
    let ciphertexts: Vec<_> = exponents.iter().map(|r| plain.encrypt(&Integer::from(-7), r)).collect();
    assert!(plain.prove(&ciphertexts, &exponents, &mut rng).is_ok());
}

/// One ciphertext of many is another: everything that a client may do to it, exponents as before.
#[test]
fn other_numbers_are_refused() {
    let mut rng = TestRng::new(42);
    let key = test_keys::shared(512).public();
    let (plain, square) = (Plain::new(key), key.modulus_squared());
    let exponents: Vec<_> = (0..20).map(|_| rng.integer_of_bits(key.bits().order_bits())).collect();
    let ciphertexts: Vec<_> = exponents.iter().map(|r| plain.encrypt(&Integer::from(5), r)).collect();
    let changes: [Integer; 3] = [rng.unit_below(square), Integer::from(-1), Integer::from(2)];
    for change in changes {
        let mut changed = ciphertexts.clone();
        changed[7] = (Integer::from(&changed[7] * &change)).modulo(square);
        assert_eq!(plain.prove(&changed, &exponents, &mut rng).err(), Some(NotAMember::Unproved));
    }
    let mut other = exponents.clone();
    other[3] += 1u32;
    assert_eq!(plain.prove(&ciphertexts, &other, &mut rng).err(), Some(NotAMember::Unproved));
}

/// z may have so many bits and no more, whatever H is of.
#[test]
fn answers_beyond_their_bound_are_refused() {
    let mut rng = TestRng::new(43);
    let key = test_keys::shared(512).public();
    let bits = answer_bits(key.bits());
    let largest = (Integer::from(1) << bits) - 1u32;
    for (number, refused) in [(largest.clone(), None), (largest + 1u32, Some(NotAMember::TooLong(TESTS - 1)))]
    {
        let plain = Plain::new(key);
        let mut numbers = vec![Integer::new(); TESTS];
        numbers[TESTS - 1] = number;
        let powers = numbers.iter().map(|z| power(&plain.generator, z, key.modulus()).into());
        let powers: Vec<SecretInteger> = powers.collect();
        let commitment = Commitment::to_residues(powers.iter(), key.bits());
        let (verifier, _) = Verifier::challenge(Vec::new(), commitment, &mut rng);
        assert_eq!(verifier.verify(&source(key), &Answer(numbers)).err(), refused);
    }
}

#[test]
fn commitments_and_answers_are_bound_to_each_other() {
    let mut rng = TestRng::new(44);
    let key = holder(512);
    let public = key.public();
    let mut attempt = |change: &dyn Fn(&mut [u8; 32], &mut Vec<u8>)| {
        let provable = key.encrypt_provably(&[1, 2, 3].map(Integer::from), &mut rng).unwrap();
        let (prover, commitment) = Prover::commit(&key, provable.exponents, &mut rng);
        let mut commitment = commitment.to_bytes();
        change(&mut commitment, &mut Vec::new());
        let commitment = Commitment::from_bytes(commitment);
        let (verifier, challenge) = Verifier::challenge(vec![provable.ciphertexts], commitment, &mut rng);
        let mut answer = prover.answer(challenge).to_bytes(public.bits());
        change(&mut [0; 32], &mut answer);
        let answer = Answer::from_bytes(&answer, public.bits()).unwrap();
        verifier.verify(&source(public), &answer).map(drop)
    };
    assert_eq!(attempt(&|_, _| ()), Ok(()));
    assert_eq!(attempt(&|commitment, _| commitment[31] ^= 1), Err(NotAMember::Unproved));
    let last = |answer: &mut Vec<u8>| answer.last_mut().into_iter().for_each(|byte| *byte ^= 1);
    assert_eq!(attempt(&|_, answer| last(answer)), Err(NotAMember::Unproved));
    assert_eq!(
        attempt(&|_, answer| answer.iter_mut().for_each(|byte| *byte = 0xff)),
        Err(NotAMember::TooLong(0))
    );
}

/// For one challenge, as if the client had foreseen it: what another draws takes no part.
#[test]
fn an_answer_to_another_challenge_is_refused() {
    let mut rng = TestRng::new(45);
    let key = holder(512);
    let provable = key.encrypt_provably(&[1, 2, 3].map(Integer::from), &mut rng).unwrap();
    let (prover, commitment) = Prover::commit(&key, provable.exponents, &mut rng);
    let (_, foreseen) = Verifier::challenge(Vec::new(), commitment, &mut rng);
    let answer = prover.answer(foreseen);
    for _ in 0..3 {
        let (verifier, _) = Verifier::challenge(vec![provable.ciphertexts.clone()], commitment, &mut rng);
        assert_eq!(verifier.verify(&source(key.public()), &answer).err(), Some(NotAMember::Unproved));
    }
}

#[test]
fn answers_of_other_lengths_are_refused() {
    let bits = test_keys::shared(512).public().bits();
    let expected = Answer::bytes(bits);
    for got in [0, expected - 1, expected + 1] {
        let error = Answer::from_bytes(&vec![0; got], bits).err();
        assert_eq!(error, Some(AnswerLength { expected, got }));
    }
}

#[test]
fn subset_products_are_those_of_the_definition_and_cost_what_is_said() {
    let mut rng = TestRng::new(46);
    let key = test_keys::shared(512).public();
    for count in [0, 1, 5, 40, 600] {
        let numbers: Vec<_> = (0..count).map(|_| rng.unit_below(key.modulus_squared())).collect();
        let (one, other) = numbers.split_at(count / 3);
        let batches = [received(key, one), received(key, other)];
        let words = memberships(Challenge([count as u8; 32]), count);
        let (products, counted) = measure_residues(|| subset_products(key, &batches, &words));
        assert_eq!(counted, subset_products_count(count));
        assert_eq!(products.len(), TESTS);
        for (test, product) in products.iter().enumerate() {
            let members = numbers.iter().zip(&words).filter(|(_, word)| **word >> test & 1 == 1);
            let expected = members.fold(Integer::from(1), |product, (c, _)| product * c % key.modulus());
            assert_eq!(*key.ring().decode_residue(product, &mut key.scratch()), expected);
        }
    }
}

/// Half of all ciphertexts are in a subset, and different challenges name different ones.
#[test]
fn subsets_are_fair() {
    let words = memberships(Challenge([1; 32]), 1000);
    let members: u32 = words.iter().map(|word| word.count_ones()).sum();
    assert!((31_000..33_000).contains(&members), "{members} of 64,000");
    assert_ne!(words, memberships(Challenge([2; 32]), 1000));
    assert_eq!(words[..10], memberships(Challenge([1; 32]), 10));
}

/// What the prime factors of P are just above.
const SMALLEST_FACTOR: u32 = 1 << 17;

/// N = P·q of 512 bits for a P of small primes and a prime q with q ≡ 1 mod P, which passes every check of a key.
struct Crafted {
    smooth: Integer,
    prime: Integer,
}

impl Crafted {
    fn new() -> Self {
        let mut factor = Integer::from(SMALLEST_FACTOR);
        let mut smooth = Integer::from(1);
        while smooth.significant_bits() < 200 {
            factor = factor.next_prime();
            smooth *= &factor;
        }
        let least = (Integer::from(1) << 511) / smooth.clone().square();
        // Multiples of 6.
        let cofactors = (1u32..).map(|more| (Integer::from(&least / 6) + more) * 6u32);
        let primes = cofactors.map(|cofactor| cofactor * &smooth + 1u32);
        let mut suitable = primes.filter(|prime| {
            let cofactor = Integer::from(prime - 1u32) / &smooth;
            prime.is_probably_prime(30) != rug::integer::IsPrime::No && cofactor.gcd(&smooth) == 1
        });
        Self { prime: suitable.next().unwrap(), smooth }
    }

    fn modulus(&self) -> Integer {
        Integer::from(&self.smooth * &self.prime)
    }

    fn key(&self, generator: &Integer) -> PublicKey {
        let bits = KeyBits::try_from(512).unwrap();
        let mut bytes = vec![0; bits.public_key_bytes()];
        self.modulus().write_digits(&mut bytes[..bits.modulus_bytes()], Order::Msf);
        generator.write_digits(&mut bytes[bits.modulus_bytes()..], Order::Msf);
        PublicKey::from_bytes(&bytes, bits).expect("a key like any other")
    }

    /// An element of order `order`, a product of primes that divide 6P, modulo N².
    fn element(&self, order: &Integer) -> Integer {
        let [smooth, prime] = [&self.smooth, &self.prime].map(|factor| Integer::from(factor.square_ref()));
        let exponent = Integer::from(&self.prime - 1u32) / order * &self.prime;
        let mut powers = (2u32..).map(|base| power(&Integer::from(base), &exponent, &prime));
        let residue = powers.find(|power| *power != 1).expect("the group is cyclic");
        let inverse = prime.clone().invert(&smooth).unwrap();
        let one = Integer::from(1);
        Integer::from(&*super::super::secret_key::combine([&one, &residue], [&smooth, &prime], &inverse))
    }

    /// What the client finds in a reply: its part of order P modulo q.
    fn projection(&self, reply: &Integer) -> Integer {
        power(reply, &(Integer::from(&self.prime - 1u32) / &self.smooth), &self.prime)
    }
}

/// A random N-th power, which has nothing in the group of order P.
fn ordinary_generator(crafted: &Crafted, rng: &mut SecureRng) -> Integer {
    let (modulus, square) = (crafted.modulus(), crafted.modulus().square());
    power(&rng.unit_below(&modulus), &modulus, &square)
}

/// The attack that the test is there for: (1 + N)^R·hs^t leaves alone what a ciphertext has in the group of order P, so that
/// the reply tells the weight. The test refuses such ciphertexts, of the smallest order too.
#[test]
fn elements_that_no_mask_reaches_are_refused() {
    let mut rng = TestRng::new(47);
    let crafted = Crafted::new();
    let key = crafted.key(&ordinary_generator(&crafted, &mut rng));
    let (plain, square) = (Plain::new(&key), key.modulus_squared());
    let smallest = Integer::from(SMALLEST_FACTOR).next_prime();
    for order in [&crafted.smooth, &smallest] {
        let element = crafted.element(order);
        let exponent = rng.integer_of_bits(100);
        let ciphertext = plain.encrypt(&Integer::from(3), &exponent) * &element % square;
        let weight = Integer::from(1234);
        let mask = plain.encrypt(&rng.integer_below(key.modulus()), &rng.integer_of_bits(700));
        let reply = power(&ciphertext, &weight, square) * mask % square;
        assert_eq!(crafted.projection(&reply), crafted.projection(&power(&element, &weight, square)));
        assert_ne!(crafted.projection(&reply), 1);
        let sent = [plain.encrypt(&Integer::from(1), &exponent), ciphertext];
        let exponents = [exponent.clone(), exponent];
        assert_eq!(plain.prove(&sent, &exponents, &mut rng).err(), Some(NotAMember::Unproved));
    }
}

/// Of whatever order hs is, what passes the test is a power of it, and so are the server's randomisers, evenly.
#[test]
fn bases_of_tiny_order_hide_what_they_let_pass() {
    let mut rng = TestRng::new(48);
    let crafted = Crafted::new();
    for (generator, order) in [(Integer::from(1), 1), (crafted.element(&Integer::from(3)), 3)] {
        let key = crafted.key(&generator);
        let plain = Plain::new(&key);
        let exponent = Integer::from(77);
        let sent = [plain.encrypt(&Integer::from(9), &exponent)];
        assert!(plain.prove(&sent, &[exponent], &mut rng).is_ok());
        let randomisers = PublicRandomisers::with_exponents(&key, ExponentBits::tested(key.bits(), 40), 300);
        let mut seen = BTreeMap::new();
        for _ in 0..300 {
            let power = key.ring().decode(randomisers.draw(&mut rng).limbs(), &mut key.scratch());
            *seen.entry(power).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), order);
        assert!(seen.values().all(|&count| count > 200 / order), "{:?}", seen.values());
    }
}
