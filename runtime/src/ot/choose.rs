//! Random choices become the receiver's own.
//!
//! ```text
//! receiver (bit b, block r_b, choice c)            sender (r_0, r_1)
//! 1  d = c ⊕ b, one bit per OT               ──▶   2 s_0 = r_d, s_1 = r_(1 ⊕ d)
//! ```
//!
//! The receiver knows s_c = r_b. (Beaver, "Precomputing Oblivious Transfer", CRYPTO 1995.)
//!
//! # Who learns what
//!
//! The sender: d, which b hides perfectly. The receiver: nothing new.

use super::bits::{Width, pack_bits, unpack_bits};
use super::block::Block;
use super::pool::{ReceivedOts, SentOts};
use super::wire::{self, Frame};
use crate::channel::{Connection, Transport};
use crate::error::Result;
use zeroize::Zeroizing;

/// The sender's halves of OTs that the receiver has chosen in. Used once: no `Clone`.
pub struct OfferedOts {
    /// s_0 and s_1.
    pub(super) blocks: Zeroizing<Vec<[Block; 2]>>,
}

/// The receiver's halves of OTs that it has chosen in. Used once: no `Clone`.
pub struct ChosenOts {
    /// c.
    pub(super) choices: Zeroizing<Vec<bool>>,
    /// s_c.
    pub(super) blocks: Zeroizing<Vec<Block>>,
}

/// Bytes of step 1's message for `count` OTs.
pub const fn departure_bytes(count: usize) -> u64 {
    Width::BIT.bytes(count)
}

impl ReceivedOts {
    /// Step 1 with one choice per OT, and its message.
    ///
    /// # Panics
    /// If there are more or fewer choices than OTs.
    pub fn choose(self, choices: &[bool]) -> (ChosenOts, Vec<u8>) {
        assert_eq!(choices.len(), self.len(), "one choice per OT");
        let message = pack_bits(self.choices.iter().zip(choices).map(|(b, c)| b ^ c));
        (ChosenOts { choices: Zeroizing::new(choices.to_vec()), blocks: self.blocks }, message)
    }
}

impl SentOts {
    /// Step 2 with the receiver's message.
    ///
    /// # Errors
    /// The message has another length than [`departure_bytes`].
    pub fn offer(mut self, message: &[u8]) -> Result<OfferedOts> {
        let departures = unpack_bits(Frame::Departures.name(), message, self.len())?;
        for (pair, departs) in self.blocks.iter_mut().zip(departures) {
            // The peer knows d: it may decide.
            if departs {
                pair.swap(0, 1);
            }
        }
        Ok(OfferedOts { blocks: self.blocks })
    }
}

/// Step 1, and the sender's masked messages, `masked_bytes` of them, that come back.
///
/// # Errors
/// The peer's frame is another one or has another length, or it hung up.
pub(super) fn send_departures<T: Transport>(
    connection: &mut Connection<T>,
    ots: ReceivedOts,
    choices: &[bool],
    masked_bytes: u64,
) -> Result<(ChosenOts, Vec<u8>)> {
    let (chosen, departures) = ots.choose(choices);
    wire::send(connection, Frame::Departures, departures)?;
    Ok((chosen, wire::receive(connection, Frame::Masked, masked_bytes)?))
}

/// Step 2, from the connection.
///
/// # Errors
/// As [`send_departures`].
pub(super) fn receive_departures<T: Transport>(
    connection: &mut Connection<T>,
    ots: SentOts,
) -> Result<OfferedOts> {
    let departures = wire::receive(connection, Frame::Departures, departure_bytes(ots.len()))?;
    ots.offer(&departures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::dealt;

    #[test]
    fn the_receiver_has_the_block_that_it_chose() {
        let choices: Vec<bool> = (0..77).map(|i| i % 3 == 0).collect();
        let (sent, received) = dealt(77, 73);
        let (chosen, message) = received.choose(&choices);
        assert_eq!(message.len() as u64, departure_bytes(77));
        let offered = sent.offer(&message).unwrap();
        for (i, pair) in offered.blocks.iter().enumerate() {
            assert_eq!(pair[usize::from(choices[i])], chosen.blocks[i]);
            assert_ne!(pair[usize::from(!choices[i])], chosen.blocks[i]);
        }
        assert!(dealt(77, 73).0.offer(&message[1..]).is_err());
        assert!(dealt(77, 73).0.offer(&[0; 11]).is_err());
    }

    /// d is 1 as often for choice 0 as for choice 1.
    #[test]
    fn departures_do_not_depend_on_the_choices() {
        for choice in [false, true] {
            let (_, message) = dealt(8000, 74).1.choose(&vec![choice; 8000]);
            let ones: u32 = message.iter().map(|byte| byte.count_ones()).sum();
            // ± 6.5 standard deviations of 44.7.
            assert!(ones.abs_diff(4000) < 290, "{ones}");
        }
    }
}
