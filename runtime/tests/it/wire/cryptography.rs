//! Keys, ciphertexts, slots, and the proof that masks are encryptions: made here from their definitions alone, and given to the code.

use super::document::{Given, Vector, vector};
use rug::Integer;
use rug::integer::Order;
use runtime::paillier::{
    Answer, Ciphertexts, Commitment, ExponentBits, HolderKey, PublicKey, PublicRandomisers, SecretKey,
    SecureRng, Verifier,
};
use runtime::plan::{BlindedParameters, Exchange, ExchangeKind, Layout, Linear, Shape};
use runtime::protocol::blinded::answer::Answering;
use runtime::protocol::message::Deferred;
use runtime::protocol::shared::linear::Packed;

/// Tests of a proof.
const TESTS: u32 = 64;
/// Bytes of a number below N, for a key of 512 bits.
const MODULUS: usize = 64;
/// Bytes of a number below N².
const CIPHERTEXT: usize = 2 * MODULUS;
/// Ciphertexts that the proof of the document is about.
const PROVED: u32 = 3;

pub(super) fn vectors(given: &Given) -> Vec<Vector> {
    let key = holder(given);
    let public = key.public();
    let mask = mask_plaintext();
    let exponent = given.number("exponent");
    let ciphertext = encryption(public, given, &mask, &exponent);
    assert_eq!(decrypted(&key, &ciphertext), std::slice::from_ref(&mask));
    let question = question_plaintext();
    assert_eq!(answered(&key, given, &question), [1, 33, 0, 0]);
    let exponents: Vec<Integer> = (0..PROVED).map(|place| Integer::from(&exponent + place)).collect();
    let challenge = given.bytes("challenge").try_into().expect("32 bytes");
    let proof = Proof::new(public, given, &exponents, challenge);
    check_proof(public, given, &exponents);
    vec![
        vector("public-key", public.to_bytes()),
        vector("mask-plaintext", digits(&mask, 8)),
        vector("mask-ciphertext", ciphertext),
        vector("question-plaintext", digits(&question, 27)),
        vector("subsets", proof.words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()),
        vector("commitment", proof.commitment),
        vector("proof-beginning", &proof.numbers[..64]),
    ]
}

fn digits(number: &Integer, bytes: usize) -> Vec<u8> {
    let mut digits = vec![0; bytes];
    number.write_digits(&mut digits, Order::Msf);
    digits
}

/// The key with the numbers of the document, as its file has them.
fn holder(given: &Given) -> HolderKey {
    let numbers = ["p", "q", "alpha-p", "alpha-q", "hs"].map(|name| given.bytes(name)).concat();
    let file = [&b"popckey\0\x02"[..], &512u32.to_be_bytes(), &numbers].concat();
    HolderKey::new(SecretKey::from_bytes(&file).expect("a sound key"), 10).expect("randomness")
}

/// A power of hs.
#[expect(clippy::disallowed_methods, reason = "the plain power is the definition")]
fn power(given: &Given, exponent: &Integer, modulus: &Integer) -> Integer {
    given.number("hs").pow_mod(exponent, modulus).expect("exponents are not negative")
}

/// (1 + N)^m·hs^r modulo N², as it is sent.
fn encryption(key: &PublicKey, given: &Given, m: &Integer, r: &Integer) -> Vec<u8> {
    let (modulus, square) = (key.modulus(), Integer::from(key.modulus().square_ref()));
    let randomiser = power(given, r, &square);
    digits(&((Integer::from(m * modulus) + 1u32) * randomiser % &square), CIPHERTEXT)
}

fn received(key: &PublicKey, bytes: &[u8]) -> Ciphertexts {
    Ciphertexts::receive(key, bytes, bytes.len() / CIPHERTEXT).expect("ciphertexts")
}

fn decrypted(key: &HolderKey, bytes: &[u8]) -> Vec<Integer> {
    let decrypted = key.decrypt(&received(key.public(), bytes));
    assert_eq!(decrypted.foreign, None);
    decrypted.plaintexts
}

/// A dense layer's masks 1, −1 and 5 of 16 bits, in slots of 20.
fn mask_plaintext() -> Integer {
    let layout = Layout { tile: [1, 1], slot_bits: 20, fraction: 1, results: 1, stacked: 3, images: 1 };
    let linear = Linear { window: None, layout };
    let packed = Packed::new(linear, [Shape::vector(3), Shape::vector(1)], 15, 1).expect("it fits");
    assert_eq!((packed.masks(), packed.products()), (1, 1));
    packed.pack(&[&[1, 0xffff, 5]], 0)
}

const RELU: Exchange = Exchange { kind: ExchangeKind::Relu, count: 2, bits: 5 };

/// A question about two values: (v, y) = (33, 100) and (40, −7).
fn question_plaintext() -> Integer {
    let parameters = BlindedParameters::default();
    let slots = RELU.slots(parameters);
    let pair = |v: u32, y: i32| {
        let offset = Integer::from(1) << (slots.sign_bits - 1);
        ((offset + y) << slots.mask_bits) + v
    };
    pair(33, 100) + (pair(40, -7) << slots.width())
}

/// What the code's client answers.
fn answered(key: &HolderKey, given: &Given, question: &Integer) -> Vec<Integer> {
    let bytes = encryption(key.public(), given, question, &Integer::from(7));
    let (mut faults, mut rng) = (Deferred::default(), SecureRng::from_os().expect("randomness"));
    let mut answering = Answering::new(key, BlindedParameters::default(), &RELU);
    let answer = answering.part(&received(key.public(), &bytes), &mut faults, &mut rng).expect("an answer");
    faults.report().expect("a sound question");
    key.decrypt(&answer).plaintexts
}

/// What a client says about ciphertexts.
struct Proof {
    words: Vec<u64>,
    commitment: [u8; 32],
    numbers: Vec<u8>,
}

impl Proof {
    /// With a_k = 2^184 + k, which an honest client draws.
    fn new(key: &PublicKey, given: &Given, exponents: &[Integer], challenge: [u8; 32]) -> Self {
        let blinding = |test: u32| (Integer::from(1) << 184) + test;
        let mut commitment = blake3::Hasher::new_derive_key("popcorn membership test, commitment");
        for test in 0..TESTS {
            let power = power(given, &blinding(test), key.modulus());
            commitment.update(&digits(&power, MODULUS));
        }
        let words = subsets(challenge, exponents.len());
        let number = |test: u32| {
            let members = exponents.iter().zip(&words).filter(|(_, word)| *word >> test & 1 == 1);
            digits(&members.fold(blinding(test), |number, (exponent, _)| number - exponent), 32)
        };
        let numbers = (0..TESTS).flat_map(number).collect();
        Self { words, commitment: commitment.finalize().into(), numbers }
    }
}

/// For each ciphertext the tests that it is in, by bits.
fn subsets(challenge: [u8; 32], count: usize) -> Vec<u64> {
    let mut bytes = vec![0; 8 * count];
    let mut hasher = blake3::Hasher::new_derive_key("popcorn membership test, subsets");
    hasher.update(&challenge).finalize_xof().fill(&mut bytes);
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// The code's server takes such proofs, whatever its challenge, and no others.
fn check_proof(key: &PublicKey, given: &Given, exponents: &[Integer]) {
    let mut rng = SecureRng::from_os().expect("randomness");
    let source = PublicRandomisers::with_exponents(key, ExponentBits::tested(key.bits(), 8), 10);
    let masks: Vec<u8> =
        exponents.iter().flat_map(|r| encryption(key, given, &Integer::from(3), r)).collect();
    let Proof { commitment, .. } = Proof::new(key, given, exponents, [0; 32]);
    for change in [0, 1] {
        let commitment = Commitment::from_bytes(commitment);
        let (verifier, challenge) = Verifier::challenge(vec![received(key, &masks)], commitment, &mut rng);
        let mut numbers = Proof::new(key, given, exponents, challenge.to_bytes()).numbers;
        numbers[31] ^= change;
        let answer = Answer::from_bytes(&numbers, key.bits()).expect("64 numbers");
        assert_eq!(verifier.verify(&source, &answer).is_ok(), change == 0);
    }
}
