//! The first OTs, from Paillier; the receiver holds the key.
//!
//! ```text
//! receiver (key)                                   sender
//! 1  random bits b_i; [2^(128 s_i)·b_i]      ──▶
//!                                                  2 random blocks m_i0, m_i1
//!                                            ◀──   3 [Σ_i 2^(128 s_i)·(m_i0 + b_i·(m_i1 − m_i0))], as
//!                                                    many i as fit, re-randomised
//! 4  decrypt, unpack m_i,b_i
//! ```
//!
//! s_i is the slot of OT i in its ciphertext: because the receiver puts its bits there, step 3 is one
//! multi-exponentiation per ciphertext ([`shifted_sum`]) with exponents of 128 bits. Where m_i1 < m_i0 it takes
//! [−2^(128 s_i)·b_i] and the difference's magnitude, so that a slot is m_i0 or m_i1 exactly, an integer below 2^128.
//!
//! # Who learns what
//!
//! The receiver: the slots, one after the other without carries, are exactly the blocks m_i,b_i: no mask is
//! needed. The other blocks m_i,1−b_i are independent of these and enter nothing else; the randomness of
//! the ciphertext is the sender's own and fresh. (With differences modulo 2^128 instead the carry would
//! tell whether m_i0 > m_i1.) The sender: encryptions under the receiver's key. What stands above the slots
//! is ignored: an abort would tell the sender what its ciphertext decrypts to.

use super::block::{BLOCK_BITS, Block};
use super::cost::{OtMessages, Sent};
use super::pool::{ReceivedOts, SentOts};
use crate::channel::{Connection, Limit};
use crate::error::{Error, PeerFault, Result};
use crate::message::{self, Deferred, Message};
use crate::paillier::{
    Ciphertext, Ciphertexts, Count, HolderKey, PublicKey, Randomisers, SecretInteger, SecureRng, ShiftedTerm,
    SlotWidths, TermPlace, invert_all, invert_count, shifted_sum, shifted_sum_count, wipe_integer,
};
use crate::plan::KeyBits;
use rayon::prelude::*;
use rug::{Integer, integer::Order};
use zeroize::Zeroizing;

const SLOT_BITS: u32 = BLOCK_BITS as u32;

/// Blocks in a ciphertext: their sum is below 2^(|N| − 1) < N.
const fn capacity(bits: KeyBits) -> usize {
    ((bits.get() - 1) / SLOT_BITS) as usize
}

/// What [`send`] and [`receive`] send each other for `count` OTs.
pub fn cost(count: usize, bits: KeyBits) -> OtMessages {
    let frame = |ciphertexts: usize| Sent::frame((ciphertexts * bits.ciphertext_bytes()) as u64);
    OtMessages { by_sender: frame(packed(count, bits)), by_receiver: frame(count) }
}

/// Ciphertexts from sender to receiver for `count` OTs.
pub const fn packed(count: usize, bits: KeyBits) -> usize {
    count.div_ceil(capacity(bits))
}

/// What [`send`] computes for `count` OTs, without drawing randomisers.
pub fn work(count: usize, bits: KeyBits) -> Count {
    let packs = (0..count).step_by(capacity(bits)).map(|start| capacity(bits).min(count - start));
    let packing: Count = packs.map(|slots| shifted_sum_count((0..slots).map(|_| DIFFERENCE))).sum();
    packing + invert_count(count)
}

/// How a difference of blocks enters a ciphertext: the bit that it is multiplied with is in its slot already.
const DIFFERENCE: TermPlace = TermPlace { multiplier_bits: SLOT_BITS, shift: 0 };

/// The receiver's half of `count` random OTs: steps 1 and 4. Messages that were not made under its key are noted in
/// `faults`.
///
/// # Errors
/// The peer's frame is another one or has another length or holds no ciphertexts, or it hung up.
pub fn receive(
    connection: &mut Connection,
    key: &HolderKey,
    count: usize,
    faults: &mut Deferred,
    rng: &mut SecureRng,
) -> Result<ReceivedOts> {
    let choices = Zeroizing::new((0..count).map(|_| rng.bool()).collect::<Vec<_>>());
    let capacity = capacity(key.public().bits());
    let slots = (0..capacity as u32).cycle();
    let in_slot = |(&choice, slot): (&bool, u32)| Integer::from(choice) << (slot * SLOT_BITS);
    let mut plaintexts: Vec<Integer> = choices.iter().zip(slots).map(in_slot).collect();
    let encrypted = key.encrypt(&plaintexts, rng).map_err(|error| Error::Bug(error.to_string()))?;
    plaintexts.iter_mut().for_each(wipe_integer);
    message::send(connection, Message::BaseChoices, encrypted.to_bytes(key.public()))?;
    let packed = ciphertexts(connection, Message::BaseMessages, key.public(), count.div_ceil(capacity))?;
    let slots = SlotWidths::new(&[SLOT_BITS]);
    let mut blocks = Zeroizing::new(Vec::with_capacity(count));
    for plaintext in faults.decrypt(key, Message::BaseMessages, &packed) {
        let plaintext = SecretInteger::new(plaintext);
        for slot in slots.unpack(&plaintext, capacity.min(count - blocks.len())) {
            let slot = SecretInteger::new(slot);
            let mut block = [0; 16];
            slot.write_digits(&mut block, Order::Lsf);
            blocks.push(block);
        }
    }
    Ok(ReceivedOts { choices, blocks })
}

/// The sender's half of `count` random OTs: steps 2 and 3, with randomisers under the receiver's key.
///
/// # Errors
/// As [`receive`].
pub fn send(
    connection: &mut Connection,
    randomisers: &dyn Randomisers,
    count: usize,
    rng: &mut SecureRng,
) -> Result<SentOts> {
    let key = randomisers.key();
    let choices = ciphertexts(connection, Message::BaseChoices, key, count)?;
    let mut negated = choices.clone();
    invert_all(key, &mut negated);
    let mut blocks = Zeroizing::new(vec![[[0; 16]; 2]; count]);
    rng.fill(blocks.as_flattened_mut().as_flattened_mut());
    let capacity = capacity(key.bits());
    let starts: Vec<(usize, SecureRng)> = (0..count).step_by(capacity).map(|i| (i, rng.split())).collect();
    let packs: Vec<Ciphertext> = starts
        .into_par_iter()
        .map(|(start, mut rng)| {
            let pairs = (start..).zip(blocks[start..].iter().take(capacity));
            pack(randomisers, &choices, &negated, pairs, &mut rng)
        })
        .collect();
    let packed = Ciphertexts::gather(key, packs.iter().map(Ciphertext::as_ref));
    message::send(connection, Message::BaseMessages, packed.to_bytes(key))?;
    Ok(SentOts { blocks })
}

/// Step 3 for one ciphertext, from pairs of blocks with their numbers.
fn pack<'a>(
    randomisers: &dyn Randomisers,
    choices: &Ciphertexts,
    negated: &Ciphertexts,
    pairs: impl Iterator<Item = (usize, &'a [Block; 2])> + Clone,
    rng: &mut SecureRng,
) -> Ciphertext {
    let mut constant = Integer::new();
    let differences: Vec<(bool, SecretInteger)> = (0..)
        .zip(pairs.clone())
        .map(|(slot, (_, pair))| {
            let [m0, m1] = pair.map(u128::from_le_bytes);
            constant += Integer::from(m0) << (slot * SLOT_BITS);
            (m1 < m0, SecretInteger::new(Integer::from(m1.abs_diff(m0))))
        })
        .collect();
    let terms: Vec<ShiftedTerm<'_>> = pairs
        .zip(&differences)
        .map(|((index, _), (negative, magnitude))| ShiftedTerm {
            ciphertext: if *negative { negated.get(index) } else { choices.get(index) },
            multiplier: magnitude,
            place: DIFFERENCE,
        })
        .collect();
    let constant = SecretInteger::new(constant);
    shifted_sum(randomisers.key(), &terms, &constant, randomisers.draw(rng))
}

fn ciphertexts(
    connection: &mut Connection,
    message: Message,
    key: &PublicKey,
    count: usize,
) -> Result<Ciphertexts> {
    let length = (count * key.ciphertext_bytes()) as u64;
    let bytes = message::receive(connection, message, Limit::Exactly(length))?;
    let fault = |error: crate::paillier::CiphertextError| PeerFault::Ciphertext {
        message: message.name(),
        what: error.to_string(),
    };
    Ok(Ciphertexts::receive(key, &bytes, count).map_err(fault)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Memory, Spent, matching, together, traffic};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::{PublicRandomisers, encrypt, test_keys};

    #[test]
    fn the_receiver_has_the_block_that_it_chose() {
        for (bits, counts) in [(512, vec![0, 1, 3, 4, 40]), (1024, vec![128])] {
            let key = test_keys::holder(bits);
            let randomisers = PublicRandomisers::for_uses(key.public(), 50);
            for count in counts {
                let ((sent, spent), received) = together(
                    |c| traffic(c, |c| send(c, &randomisers, count, &mut TestRng::new(51)).unwrap()),
                    |c| receive(c, &key, count, &mut Deferred::default(), &mut TestRng::new(52)).unwrap(),
                );
                assert_eq!(received.len(), count);
                matching(&sent, &received);
                let cost = cost(count, key.public().bits());
                assert_eq!(spent, Spent { sent: cost.by_sender, received: cost.by_receiver });
                assert!(count < 40 || [true, false].iter().all(|choice| received.choices.contains(choice)));
            }
        }
    }

    /// The plaintext is the chosen blocks and nothing else, whatever the others are.
    #[test]
    fn a_ciphertext_holds_the_chosen_blocks_alone() {
        let mut rng = TestRng::new(53);
        let key = test_keys::shared(512);
        let randomisers = PublicRandomisers::for_uses(key.public(), 50);
        let edges = [[0; 16], [1; 16], [0xff; 16], 1u128.to_le_bytes()];
        for seen in edges {
            for other in edges {
                for choices in 0..8 {
                    let bits = [0, 1, 2].map(|slot| choices >> slot & 1);
                    let pairs = bits.map(|bit| if bit == 0 { [seen, other] } else { [other, seen] });
                    let in_slots =
                        [0, 1, 2].map(|slot| Integer::from(bits[slot]) << (slot as u32 * SLOT_BITS));
                    let encrypted = encrypt(&randomisers, &in_slots, &mut rng).unwrap();
                    let mut negated = encrypted.clone();
                    invert_all(key.public(), &mut negated);
                    let pairs = (0..).zip(&pairs);
                    let packed = pack(&randomisers, &encrypted, &negated, pairs, &mut rng);
                    let packed = Ciphertexts::gather(key.public(), [packed.as_ref()].into_iter());
                    let expected = Integer::from_digits([seen; 3].as_flattened(), Order::Lsf);
                    assert_eq!(key.decrypt(&packed).plaintexts, [expected]);
                }
            }
        }
    }

    #[test]
    fn hostile_frames_end_with_a_typed_error() {
        let key = test_keys::holder(512);
        let randomisers = PublicRandomisers::for_uses(key.public(), 1);
        let mut rng = TestRng::new(55);
        for (body, what) in [
            (vec![0; 4 * 128], "invalid ciphertext"),
            (vec![0xff; 4 * 128], "invalid ciphertext"),
            (vec![1; 4 * 128 - 1], "has 511 bytes, not 512"),
            (Vec::new(), "has 0 bytes"),
        ] {
            let ((), error) = together(
                |c| drop(message::send(c, Message::BaseChoices, body)),
                |c| send(c, &randomisers, 4, &mut rng).err().unwrap(),
            );
            assert!(error.to_string().contains(what), "{error}");
        }
        for (body, what) in [(vec![0; 2 * 128], "invalid ciphertext"), (vec![1; 128], "has 128 bytes")] {
            let ((), error) = together(answering(4, body), |c| {
                receive(c, &key, 4, &mut Deferred::default(), &mut rng).err().unwrap()
            });
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    /// A sender that takes `count` choices and answers with these bytes.
    fn answering(count: u64, body: Vec<u8>) -> impl FnOnce(&mut Memory) + Send {
        move |c| {
            message::receive(c, Message::BaseChoices, Limit::Exactly(count * 128)).unwrap();
            drop(message::send(c, Message::BaseMessages, body));
        }
    }

    /// A sender that leaves the protocol gets no abort that would tell what its ciphertext decrypts to.
    #[test]
    fn what_stands_above_the_slots_is_ignored() {
        let key = test_keys::holder(512);
        let large = Integer::from(Integer::u_pow_u(2, 500)) + 7u32;
        let body = key.encrypt(&[large], &mut TestRng::new(56)).unwrap().to_bytes(key.public());
        let ((), received) = together(answering(2, body), |c| {
            receive(c, &key, 2, &mut Deferred::default(), &mut TestRng::new(57)).unwrap()
        });
        assert_eq!(*received.blocks, [7u128.to_le_bytes(), [0; 16]]);
    }
}
