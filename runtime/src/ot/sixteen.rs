//! One of sixteen short messages of the sender's, of up to 8 bits.
//!
//! Takes four OTs: the choice c in 0 … 15 has bits c_0, c_1, c_2, c_3, lowest first. A block has 16 bytes,
//! one for each message: no hash is needed.
//!
//! ```text
//! receiver (choice c)                              sender (m_0, …, m_15)
//! 1  (choose.rs), bits c_t of the four OTs t ──▶
//!                                            ◀──   2 e_i = m_i ⊕ Σ_t (byte i of s_t,b for bit b = i_t of i)
//! 3  m_c = e_c ⊕ Σ_t (byte c of s_t,c_t)
//! ```
//!
//! (Naor and Pinkas, "Oblivious Transfer and Polynomial Evaluation", STOC 1999, with blocks in place of a
//! pseudo-random function of them; the leaves of CrypTFlow2's comparison, eprint 2020/1002.)
//!
//! # Who learns what
//!
//! The receiver: m_c. Every i ≠ c differs from c in a bit t, so byte i of an unknown block is in e_i and in
//! no other message: the e_i for i ≠ c are uniform together. The sender: as in [`super::choose`].

use super::bits::{Width, pack, unpack};
use super::block::Block;
use super::choose::{ChosenOts, OfferedOts, departure_bytes, receive_departures, send_departures};
use super::pool::{ReceivedOts, SentOts};
use super::wire::{self, Cost, Frame, Sent};
use crate::channel::{Connection, Transport};
use crate::error::Result;

/// Messages to choose from.
pub const MESSAGES: usize = 16;

/// OTs that one choice takes.
pub const OTS: usize = 4;

/// Per OT: all bits of the bytes of messages whose number has that bit.
const WITH_BIT: [Block; OTS] = {
    let mut masks = [[0; MESSAGES]; OTS];
    let mut place = 0;
    while place < OTS * MESSAGES {
        let (t, message) = (place / MESSAGES, place % MESSAGES);
        masks[t][message] = if message >> t & 1 == 1 { u8::MAX } else { 0 };
        place += 1;
    }
    masks
};

/// Bytes of step 2's message for `count` choices.
pub const fn masked_bytes(count: usize, width: Width) -> u64 {
    width.bytes(MESSAGES * count)
}

/// What [`send`] and [`receive`] send each other for `count` choices, of 4 OTs each.
pub const fn cost(count: usize, width: Width) -> Cost {
    Cost {
        by_sender: Sent::frame(masked_bytes(count, width)),
        by_receiver: Sent::frame(departure_bytes(OTS * count)),
    }
}

/// The bits of choices, as [`ReceivedOts::choose`] takes them.
///
/// # Panics
/// If a choice is 16 or more.
pub fn choice_bits(choices: &[u8]) -> Vec<bool> {
    let bits = |&choice: &u8| {
        assert!(usize::from(choice) < MESSAGES, "choices are below 16");
        std::array::from_fn::<_, OTS, _>(|t| choice >> t & 1 == 1)
    };
    choices.iter().flat_map(bits).collect()
}

impl OfferedOts {
    /// Step 2: the message about sixteen messages per four OTs, of each the low bits.
    ///
    /// # Panics
    /// If messages have more than 8 bits, or there are more or fewer than OTs for them.
    pub fn mask_sixteen(self, width: Width, messages: &[[u8; MESSAGES]]) -> Vec<u8> {
        check(width, messages.len(), self.blocks.len());
        let pads = self.blocks.as_chunks().0.iter().map(pads);
        let masked: Vec<Block> = messages
            .iter()
            .zip(pads)
            .map(|(messages, pads)| std::array::from_fn(|i| messages[i] ^ pads[i]))
            .collect();
        pack(width, masked.as_flattened().iter().map(|&byte| byte.into()))
    }
}

impl ChosenOts {
    /// Step 3: one message per four OTs.
    ///
    /// # Errors
    /// The peer's message has another length than [`masked_bytes`].
    ///
    /// # Panics
    /// If messages have more than 8 bits, or the number of OTs is no multiple of 4.
    pub fn unmask_sixteen(self, width: Width, message: &[u8]) -> Result<Vec<u8>> {
        let count = self.blocks.len() / OTS;
        check(width, count, self.blocks.len());
        let mut masked = unpack(Frame::Masked.name(), message, width, MESSAGES * count)?;
        let halves = self.choices.as_chunks::<OTS>().0.iter().zip(self.blocks.as_chunks::<OTS>().0);
        let choose = |(bits, blocks): (&[bool; OTS], &[Block; OTS])| {
            let choice = bits.iter().rev().fold(0, |choice, &bit| choice << 1 | usize::from(bit));
            let sixteen: Block = std::array::from_fn(|_| masked.next().unwrap_or_default() as u8);
            let pad = blocks.iter().fold(0, |pad, block| pad ^ block[choice]);
            sixteen[choice] ^ (pad & width.mask() as u8)
        };
        Ok(halves.map(choose).collect())
    }
}

/// What hides each of sixteen messages.
fn pads(blocks: &[[Block; 2]; OTS]) -> Block {
    let mut pads = [0; MESSAGES];
    for ([without, with], mask) in blocks.iter().zip(&WITH_BIT) {
        for (message, pad) in pads.iter_mut().enumerate() {
            *pad ^= without[message] & !mask[message] | with[message] & mask[message];
        }
    }
    pads
}

fn check(width: Width, choices: usize, ots: usize) {
    assert!(width.bits() <= u8::BITS, "one of sixteen messages has 8 bits at most");
    assert_eq!(OTS * choices, ots, "four OTs per choice");
}

/// The sender's half of a batch: sixteen messages per four OTs.
///
/// # Errors
/// The peer's frame is another one or has another length, or it hung up.
///
/// # Panics
/// As [`OfferedOts::mask_sixteen`].
pub fn send<T: Transport>(
    connection: &mut Connection<T>,
    ots: SentOts,
    width: Width,
    messages: &[[u8; MESSAGES]],
) -> Result<()> {
    let offered = receive_departures(connection, ots)?;
    wire::send(connection, Frame::Masked, offered.mask_sixteen(width, messages))
}

/// The receiver's half of a batch: one choice below 16 per four OTs, one message each.
///
/// # Errors
/// As [`send`].
///
/// # Panics
/// If there are more or fewer choices than OTs for them, a choice is 16 or more, or messages have more than
/// 8 bits.
pub fn receive<T: Transport>(
    connection: &mut Connection<T>,
    ots: ReceivedOts,
    width: Width,
    choices: &[u8],
) -> Result<Vec<u8>> {
    let bytes = masked_bytes(choices.len(), width);
    let (chosen, masked) = send_departures(connection, ots, &choice_bits(choices), bytes)?;
    chosen.unmask_sixteen(width, &masked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Spent, dealt, extended, together, traffic, uniform};
    use proptest::prelude::*;

    fn run(ots: (SentOts, ReceivedOts), width: Width, messages: &[[u8; 16]], choices: &[u8]) -> Vec<u8> {
        let (sent, received) = ots;
        let (spent, result) = together(
            |connection| traffic(connection, |c| send(c, sent, width, messages).unwrap()).1,
            |connection| receive(connection, received, width, choices).unwrap(),
        );
        let cost = cost(messages.len(), width);
        assert_eq!(spent, Spent { sent: cost.by_sender, received: cost.by_receiver });
        assert_eq!(cost.rounds(), 1);
        result
    }

    #[test]
    fn every_choice_among_all_messages() {
        let messages: [u8; 16] = std::array::from_fn(|i| i as u8);
        let choices: [u8; 16] = messages;
        for seed in 0..20 {
            let received = run(dealt(64, seed), Width::new(4).unwrap(), &[messages; 16], &choices);
            assert_eq!(received, choices);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_chosen_message_arrives(
            width in (1u32..=8).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec((any::<[u8; 16]>(), 0u8..16), 0..40),
            seed: u64,
        ) {
            let (messages, choices): (Vec<_>, Vec<_>) = batch.iter().copied().unzip();
            let received = run(dealt(4 * batch.len(), seed), width, &messages, &choices);
            for ((messages, choice), received) in batch.into_iter().zip(received) {
                prop_assert_eq!(received, messages[usize::from(choice)] & width.mask() as u8);
            }
        }
    }

    /// Two masked messages that were not chosen, with the pad of the chosen one, are spread alike for each
    /// pair of messages.
    #[test]
    fn the_other_messages_stay_hidden() {
        const COUNT: usize = 10_000;
        let width = Width::new(2).unwrap();
        for (choice, others) in [(5u8, [4, 7]), (5, [10, 13]), (0, [1, 15]), (15, [0, 7]), (8, [9, 0])] {
            for value in [0, 3] {
                let mut messages = [1; 16];
                others.iter().for_each(|&other: &usize| messages[other] = value);
                let (sent, received) = extended(OTS * COUNT, 3000 + u64::from(choice));
                let (chosen, departures) = received.choose(&choice_bits(&vec![choice; COUNT]));
                let message = sent.offer(&departures).unwrap().mask_sixteen(width, &vec![messages; COUNT]);
                let masked: Vec<u64> = unpack("test", &message, width, MESSAGES * COUNT).unwrap().collect();
                let pads = chosen
                    .blocks
                    .chunks_exact(OTS)
                    .map(|four| four.iter().fold(0, |pad, block| pad ^ block[usize::from(choice)]));
                let seen = masked.chunks_exact(MESSAGES).zip(pads).map(|(masked, pad)| {
                    (masked[others[0]] << 4 | masked[others[1]] << 2 | u64::from(pad & 3)) as usize
                });
                uniform(64, seen);
            }
        }
    }

    #[test]
    #[should_panic(expected = "below 16")]
    fn choices_are_numbers_of_messages() {
        choice_bits(&[3, 16]);
    }
}
