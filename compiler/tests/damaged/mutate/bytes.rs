//! Damage to bytes.

/// Flips, removes, repeats or splices bytes.
pub(crate) fn damage(bytes: &mut Vec<u8>, other: &[u8], dice: [u16; 4]) {
    let len = bytes.len().max(1);
    let at = |die: u16, len: usize| (usize::from(die) * 7919) % len.max(1);
    let (from, to) = (at(dice[1], len), at(dice[2], len));
    let (from, to) = (from.min(to), (from.max(to)).min(from.min(to) + 200).min(bytes.len()));
    match dice[0] % 6 {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte ^= 1 << (dice[3] % 8);
            }
        }
        2 => bytes.truncate(from),
        3 => drop(bytes.drain(from..to)),
        4 => {
            let copy = bytes[from..to].to_vec();
            bytes.splice(from..from, copy);
        }
        _ => {
            let start = at(dice[3], other.len());
            let part = other[start..(start + 100).min(other.len())].to_vec();
            bytes.splice(from..to, part);
        }
    }
}
