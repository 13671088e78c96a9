//! What a test takes beside encrypting and decrypting what it is about:
//!
//! ```text
//! cargo test --release -p runtime --lib -- --ignored --nocapture membership::measure
//! ```

use std::time::Instant;

use rug::Integer;

use super::super::exponent::ExponentBits;
use super::super::holder_key::HolderKey;
use super::super::modular::Scratch;
use super::super::randomiser::{PublicRandomisers, Randomisers};
use super::super::randomness::TestRng;
use super::super::secret_key::SecretKey;
use super::super::test_keys;
use super::{Prover, Verifier, verification_count};

/// Each figure is the least of so many.
const REPETITIONS: usize = 9;

/// The least time of a run, as the machine may be busy.
fn least<R>(repetitions: usize, mut run: impl FnMut() -> R) -> f64 {
    let times = (0..repetitions).map(|_| {
        let start = Instant::now();
        drop(run());
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn milliseconds<R>(what: &str, count: usize, run: impl FnMut() -> R) {
    let least = least(REPETITIONS, run);
    println!("    {what}: {least:.2} ms, {:.4} ms each", least / count as f64);
}

#[test]
#[ignore = "a measurement"]
fn a_test_beside_its_ciphertexts() {
    let mut rng = TestRng::new(49);
    let secret = SecretKey::from_bytes(&test_keys::shared(3072).to_bytes()).unwrap();
    let key = HolderKey::without_pool(secret, 1 << 14).unwrap();
    let bits = ExponentBits::tested(key.public().bits(), 64);
    let source = PublicRandomisers::with_exponents(key.public(), bits, 1 << 14);
    println!("{} threads", rayon::current_num_threads());
    products(&key, &mut rng);
    for count in [16, 128, 1024] {
        let predicted = verification_count(count, key.public().bits()).products;
        println!("{count} ciphertexts; the verifier is thought to take {predicted} products modulo N²");
        let plaintexts = vec![Integer::from(7); count];
        let provable = key.encrypt_provably(&plaintexts, &mut rng).unwrap();
        milliseconds("encryption", count, || key.encrypt(&plaintexts, &mut rng).unwrap());
        milliseconds("decryption", count, || key.decrypt(&provable.ciphertexts).plaintexts);
        milliseconds("short randomisers", count, || {
            (0..count).map(|_| source.draw(&mut rng)).for_each(drop);
        });
        let mut provables: Vec<_> =
            (0..REPETITIONS).map(|_| key.encrypt_provably(&plaintexts, &mut rng).unwrap()).collect();
        let (mut verifiers, mut proofs) = (Vec::new(), Vec::new());
        milliseconds("prover", count, || {
            let provable = provables.pop().expect("one for each repetition");
            let (prover, commitment) = Prover::commit(&key, provable.exponents, &mut rng);
            let (verifier, challenge) = Verifier::challenge(vec![provable.ciphertexts], commitment, &mut rng);
            verifiers.push(verifier);
            proofs.push(prover.answer(challenge));
        });
        milliseconds("verifier", count, || {
            let verifier = verifiers.pop().expect("one for each repetition");
            let proof = proofs.pop().expect("one for each repetition");
            verifier.verify(&source, &proof).unwrap()
        });
    }
}

/// Products modulo N² and modulo N, and a randomiser's, on one thread.
fn products(key: &HolderKey, rng: &mut TestRng) {
    const BATCH: usize = 60;
    let ring = key.public().ring();
    let mut scratch: Scratch = ring.scratch();
    let mut x = vec![0; ring.element_limbs()];
    ring.encode(&mut x, &rng.integer_below(key.public().modulus_squared()), &mut scratch);
    let y = x.clone();
    let squared = least(500, || (0..BATCH).for_each(|_| ring.mul_assign(&mut x, &y, &mut scratch)));
    let (mut x, y) = (ring.residue(&x).to_vec(), ring.residue(&y).to_vec());
    let plain = least(500, || (0..BATCH).for_each(|_| ring.mul_residue_assign(&mut x, &y, &mut scratch)));
    let [squared, plain] = [squared, plain].map(|time| time * 1e3 / BATCH as f64);
    println!("    products modulo N² and N: {squared:.2} and {plain:.2} microseconds");
}
