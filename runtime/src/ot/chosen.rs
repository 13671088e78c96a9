//! One of two messages of the sender's, of up to 64 bits.
//!
//! ```text
//! receiver (choice c)                              sender (m_0, m_1)
//! 1  (choose.rs)                             ──▶
//!                                            ◀──   2 e_i = m_i ⊕ s_i for i = 0, 1, low bits of s_i
//! 3  m_c = e_c ⊕ s_c
//! ```
//!
//! # Who learns what
//!
//! The receiver: m_c; e_(1−c) is hidden by s_(1−c), which it does not know. The sender: as in
//! [`super::choose`].

use super::bits::{Width, pack, unpack};
use super::block::low_word;
use super::choose::{ChosenOts, OfferedOts, departure_bytes, receive_departures, send_departures};
use super::pool::{ReceivedOts, SentOts};
use super::wire::{self, Cost, Frame, Sent};
use crate::channel::{Connection, Transport};
use crate::error::Result;

/// Bytes of step 2's message for `count` OTs.
pub const fn masked_bytes(count: usize, width: Width) -> u64 {
    width.bytes(2 * count)
}

/// What [`send`] and [`receive`] send each other.
pub const fn cost(count: usize, width: Width) -> Cost {
    Cost {
        by_sender: Sent::frame(masked_bytes(count, width)),
        by_receiver: Sent::frame(departure_bytes(count)),
    }
}

impl OfferedOts {
    /// Step 2: the message about one pair per OT, of each number the low bits.
    ///
    /// # Panics
    /// If there are more or fewer pairs than OTs.
    pub fn mask(self, width: Width, messages: &[[u64; 2]]) -> Vec<u8> {
        assert_eq!(messages.len(), self.blocks.len(), "one pair of messages per OT");
        let pads = self.blocks.as_flattened().iter().map(low_word);
        pack(width, messages.as_flattened().iter().zip(pads).map(|(message, pad)| message ^ pad))
    }
}

impl ChosenOts {
    /// Step 3: one message per OT.
    ///
    /// # Errors
    /// The peer's message has another length than [`masked_bytes`].
    pub fn unmask(self, width: Width, message: &[u8]) -> Result<Vec<u64>> {
        let mut masked = unpack(Frame::Masked.name(), message, width, 2 * self.blocks.len())?;
        let mut pair = || [masked.next().unwrap_or_default(), masked.next().unwrap_or_default()];
        let halves = self.choices.iter().zip(&*self.blocks);
        Ok(halves.map(|(&c, block)| pair()[usize::from(c)] ^ (low_word(block) & width.mask())).collect())
    }
}

/// The sender's half of a batch: one pair of messages per OT.
///
/// # Errors
/// The peer's frame is another one or has another length, or it hung up.
///
/// # Panics
/// If there are more or fewer pairs than OTs.
pub fn send<T: Transport>(
    connection: &mut Connection<T>,
    ots: SentOts,
    width: Width,
    messages: &[[u64; 2]],
) -> Result<()> {
    let offered = receive_departures(connection, ots)?;
    wire::send(connection, Frame::Masked, offered.mask(width, messages))
}

/// The receiver's half of a batch: one choice per OT, one message each.
///
/// # Errors
/// As [`send`].
///
/// # Panics
/// If there are more or fewer choices than OTs.
pub fn receive<T: Transport>(
    connection: &mut Connection<T>,
    ots: ReceivedOts,
    width: Width,
    choices: &[bool],
) -> Result<Vec<u64>> {
    let (chosen, masked) = send_departures(connection, ots, choices, masked_bytes(choices.len(), width))?;
    chosen.unmask(width, &masked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Spent, dealt, extended, together, traffic, uniform};
    use proptest::prelude::*;

    fn run(ots: (SentOts, ReceivedOts), width: Width, messages: &[[u64; 2]], choices: &[bool]) -> Vec<u64> {
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
    fn all_pairs_of_two_bits_and_choices() {
        let cases = (0..32u64).map(|case| ([case & 3, case >> 2 & 3], case >> 4 == 1));
        let (messages, choices): (Vec<_>, Vec<_>) = cases.unzip();
        for seed in 0..20 {
            let received = run(dealt(32, seed), Width::new(2).unwrap(), &messages, &choices);
            for ((pair, &choice), received) in messages.iter().zip(&choices).zip(received) {
                assert_eq!(received, pair[usize::from(choice)]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_chosen_message_arrives(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec((any::<[u64; 2]>(), any::<bool>()), 0..70),
            seed: u64,
        ) {
            let (messages, choices): (Vec<_>, Vec<_>) = batch.iter().copied().unzip();
            let received = run(dealt(batch.len(), seed), width, &messages, &choices);
            for ((pair, choice), received) in batch.into_iter().zip(received) {
                prop_assert_eq!(received, pair[usize::from(choice)] & width.mask());
            }
        }
    }

    /// All that the receiver sees, e and s_c, is spread alike for each unchosen message.
    #[test]
    fn the_other_message_stays_hidden() {
        const COUNT: usize = 20_000;
        let width = Width::new(2).unwrap();
        for (other, choice) in [(0, false), (3, false), (0, true), (1, true)] {
            let (sent, received) = extended(COUNT, 1000 + other);
            let (chosen, departures) = received.choose(&vec![choice; COUNT]);
            let mut messages = [other; 2];
            messages[usize::from(choice)] = 2;
            let message = sent.offer(&departures).unwrap().mask(width, &vec![messages; COUNT]);
            let masked: Vec<u64> = unpack("test", &message, width, 2 * COUNT).unwrap().collect();
            let seen = masked.chunks_exact(2).zip(&*chosen.blocks).map(|(pair, block)| {
                assert_eq!(pair[usize::from(choice)] ^ low_word(block) & 3, 2);
                (pair[usize::from(!choice)] << 2 | low_word(block) & 3) as usize
            });
            uniform(16, seen);
        }
    }
}
