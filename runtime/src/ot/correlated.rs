//! Additive shares of a bit of the receiver's times a number of the sender's.
//!
//! In Z_{2^l}, l up to 64:
//!
//! ```text
//! receiver (choice c)                              sender (δ)
//! 1  (choose.rs)                             ──▶
//!                                            ◀──   2 e = s_0 + δ − s_1;  its share is x = s_0
//! 3  y = s_c + c·e
//! ```
//!
//! so that y − x = c·δ (Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.4: correlated OT).
//!
//! # Who learns what
//!
//! The receiver: y and e. For c = 0 it knows s_0, and s_1 hides δ in e; for c = 1 it knows s_1, and s_0
//! does. The sender: as in [`super::choose`]; its share comes from the random OT alone.

use super::bits::{Width, pack, unpack};
use super::block::low_word;
use super::choose::{ChosenOts, OfferedOts, departure_bytes, receive_departures, send_departures};
use super::pool::{ReceivedOts, SentOts};
use super::wire::{self, Cost, Frame, Sent};
use crate::channel::{Connection, Transport};
use crate::error::Result;

/// Bytes of step 2's message for `count` OTs.
pub const fn difference_bytes(count: usize, width: Width) -> u64 {
    width.bytes(count)
}

/// What [`send`] and [`receive`] send each other.
pub const fn cost(count: usize, width: Width) -> Cost {
    Cost {
        by_sender: Sent::frame(difference_bytes(count, width)),
        by_receiver: Sent::frame(departure_bytes(count)),
    }
}

impl OfferedOts {
    /// Step 2 with one δ per OT: the shares x, and the message.
    ///
    /// # Panics
    /// If there are more or fewer numbers than OTs.
    pub fn correlate(self, width: Width, deltas: &[u64]) -> (Vec<u64>, Vec<u8>) {
        assert_eq!(deltas.len(), self.blocks.len(), "one number per OT");
        let pads = || self.blocks.iter().map(|pair| pair.each_ref().map(low_word));
        let shares = pads().map(|[s0, _]| s0 & width.mask()).collect();
        let differences =
            pads().zip(deltas).map(|([s0, s1], &delta)| s0.wrapping_add(delta).wrapping_sub(s1));
        (shares, pack(width, differences))
    }
}

impl ChosenOts {
    /// Step 3: the shares y.
    ///
    /// # Errors
    /// The peer's message has another length than [`difference_bytes`].
    pub fn correlate(self, width: Width, message: &[u8]) -> Result<Vec<u64>> {
        let differences = unpack(Frame::Masked.name(), message, width, self.blocks.len())?;
        let halves = self.choices.iter().zip(&*self.blocks).zip(differences);
        let share = |((&c, block), e): ((&bool, _), u64)| {
            low_word(block).wrapping_add(u64::from(c).wrapping_mul(e)) & width.mask()
        };
        Ok(halves.map(share).collect())
    }
}

/// The sender's half of a batch: one δ per OT; its shares x.
///
/// # Errors
/// The peer's frame is another one or has another length, or it hung up.
///
/// # Panics
/// If there are more or fewer numbers than OTs.
pub fn send<T: Transport>(
    connection: &mut Connection<T>,
    ots: SentOts,
    width: Width,
    deltas: &[u64],
) -> Result<Vec<u64>> {
    let (shares, message) = receive_departures(connection, ots)?.correlate(width, deltas);
    wire::send(connection, Frame::Masked, message)?;
    Ok(shares)
}

/// The receiver's half of a batch: one choice per OT; its shares y.
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
    let bytes = difference_bytes(choices.len(), width);
    let (chosen, message) = send_departures(connection, ots, choices, bytes)?;
    chosen.correlate(width, &message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Spent, dealt, extended, together, traffic, uniform};
    use proptest::prelude::*;

    /// y − x of each OT.
    fn run(ots: (SentOts, ReceivedOts), width: Width, deltas: &[u64], choices: &[bool]) -> Vec<u64> {
        let (sent, received) = ots;
        let ((shares, spent), ours) = together(
            |connection| traffic(connection, |c| send(c, sent, width, deltas).unwrap()),
            |connection| receive(connection, received, width, choices).unwrap(),
        );
        let cost = cost(deltas.len(), width);
        assert_eq!(spent, Spent { sent: cost.by_sender, received: cost.by_receiver });
        assert_eq!(cost.rounds(), 1);
        assert!(shares.iter().chain(&ours).all(|share| *share <= width.mask()));
        ours.iter().zip(shares).map(|(y, x)| y.wrapping_sub(x) & width.mask()).collect()
    }

    #[test]
    fn all_numbers_of_three_bits_and_choices() {
        let (deltas, choices): (Vec<_>, Vec<_>) = (0..16).map(|case| (case & 7, case >> 3 == 1)).unzip();
        for seed in 0..20 {
            let products = run(dealt(16, seed), Width::new(3).unwrap(), &deltas, &choices);
            let expected = deltas.iter().zip(&choices).map(|(&delta, &choice)| delta * u64::from(choice));
            assert!(expected.eq(products));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_differ_by_the_product(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec((any::<u64>(), any::<bool>()), 0..70),
            seed: u64,
        ) {
            let (deltas, choices): (Vec<_>, Vec<_>) = batch.iter().copied().unzip();
            let products = run(dealt(batch.len(), seed), width, &deltas, &choices);
            for ((delta, choice), product) in batch.into_iter().zip(products) {
                prop_assert_eq!(product, if choice { delta & width.mask() } else { 0 });
            }
        }
    }

    /// All that the receiver sees, e and s_c, is spread alike for each δ.
    #[test]
    fn the_number_stays_hidden() {
        const COUNT: usize = 20_000;
        let width = Width::new(2).unwrap();
        for (delta, choice) in [(0, false), (3, false), (0, true), (1, true)] {
            let (sent, received) = extended(COUNT, 2000 + delta);
            let (chosen, departures) = received.choose(&vec![choice; COUNT]);
            let (shares, message) = sent.offer(&departures).unwrap().correlate(width, &vec![delta; COUNT]);
            let differences = unpack("test", &message, width, COUNT).unwrap();
            let seen =
                differences.zip(&*chosen.blocks).map(|(e, block)| (e << 2 | low_word(block) & 3) as usize);
            uniform(16, seen);
            uniform(4, shares.into_iter().map(|share| share as usize));
        }
    }
}
