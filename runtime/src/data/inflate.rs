//! Decompression of deflated data (RFC 1951), bounded and without panics.

/// What is wrong with compressed data.
type Fault = &'static str;

/// Code lengths never exceed this.
const MAX_CODE: usize = 15;
const ENDS_EARLY: Fault = "compressed data ends too early";
/// The order in which a block lists the lengths of the code for code lengths.
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Match lengths of symbols 257 to 285: base and number of extra bits.
const LENGTHS: [(usize, u32); 29] = [
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2), (23, 2),
    (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5),
    (195, 5), (227, 5), (258, 0),
];
/// Match distances of symbols 0 to 29: base and number of extra bits.
const DISTANCES: [(usize, u32); 30] = [
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4), (65, 5), (97, 5),
    (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9), (2049, 10), (3073, 10), (4097, 11),
    (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13),
];

/// The `size` bytes that `compressed` stands for; an error if they are more or fewer.
pub(super) fn inflate(compressed: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
    let mut bits = Bits { bytes: compressed, at: 0, buffer: 0, count: 0 };
    // Deflate shrinks by at most a factor of 1032, so a false size cannot reserve much.
    let mut out = Output { bytes: Vec::with_capacity(size.min(compressed.len().saturating_mul(1032))), size };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored_block(&mut bits, &mut out)?,
            1 => coded_block(&mut bits, &mut out, &fixed_codes()?)?,
            2 => {
                let codes = read_codes(&mut bits)?;
                coded_block(&mut bits, &mut out, &codes)?;
            }
            _ => return Err("compressed data has a block of unknown type"),
        }
        if last {
            break;
        }
    }
    if out.bytes.len() == size { Ok(out.bytes) } else { Err("compressed data is shorter than it says") }
}

/// Decompressed bytes, never more than `size`.
struct Output {
    bytes: Vec<u8>,
    size: usize,
}

impl Output {
    fn room(&self, more: usize) -> Result<(), Fault> {
        if more <= self.size - self.bytes.len() { Ok(()) } else { Err("compressed data is longer than it says") }
    }

    /// `length` bytes from `distance` back; the two may overlap.
    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), Fault> {
        self.room(length)?;
        let start = self.bytes.len().checked_sub(distance).ok_or("compressed data refers to before its start")?;
        for i in start..start + length {
            self.bytes.push(self.bytes[i]);
        }
        Ok(())
    }
}

/// Bits, least significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56 && self.at < self.bytes.len() {
            self.buffer |= u64::from(self.bytes[self.at]) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    fn drop(&mut self, bits: u32) -> Result<(), Fault> {
        self.count = self.count.checked_sub(bits).ok_or(ENDS_EARLY)?;
        self.buffer >>= bits;
        Ok(())
    }

    fn take(&mut self, bits: u32) -> Result<usize, Fault> {
        self.fill();
        let value = self.buffer & ((1 << bits) - 1);
        self.drop(bits)?;
        Ok(value as usize)
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, Fault> {
        self.fill();
        let (symbol, length) = code.table[(self.buffer & 0x7fff) as usize];
        if length == 0 {
            return Err("compressed data has an unknown code");
        }
        self.drop(u32::from(length))?;
        Ok(usize::from(symbol))
    }

    fn table_value(&mut self, table: &[(usize, u32)], symbol: usize) -> Result<usize, Fault> {
        let &(base, extra) = table.get(symbol).ok_or("compressed data has an unknown symbol")?;
        Ok(base + self.take(extra)?)
    }
}

/// A prefix code: for every 15 bits to come, the symbol that they begin with and its length (0: none).
struct Code {
    table: Vec<(u16, u8)>,
}

impl Code {
    /// The canonical code in which symbol i has `lengths[i]` bits, 0 for unused.
    fn new(lengths: &[u8]) -> Result<Self, Fault> {
        let mut table = vec![(0, 0); 1 << MAX_CODE];
        let mut next = 0usize;
        for length in 1..=MAX_CODE {
            next <<= 1;
            for (symbol, _) in lengths.iter().enumerate().filter(|&(_, &l)| usize::from(l) == length) {
                if next >> length != 0 {
                    return Err("compressed data has an overfull code");
                }
                let reversed = next.reverse_bits() >> (usize::BITS as usize - length);
                for entry in table.iter_mut().skip(reversed).step_by(1 << length) {
                    *entry = (symbol as u16, length as u8);
                }
                next += 1;
            }
        }
        Ok(Self { table })
    }
}

/// The codes of a block: for literals and lengths, and for distances.
type Codes = (Code, Code);

fn fixed_codes() -> Result<Codes, Fault> {
    let mut lengths = [8u8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Ok((Code::new(&lengths)?, Code::new(&[5; 30])?))
}

fn read_codes(bits: &mut Bits) -> Result<Codes, Fault> {
    let (literals, distances, listed) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0u8; 19];
    for &position in &LENGTH_ORDER[..listed] {
        lengths[position] = bits.take(3)? as u8;
    }
    let lengths = read_lengths(bits, &Code::new(&lengths)?, literals + distances)?;
    Ok((Code::new(&lengths[..literals])?, Code::new(&lengths[literals..])?))
}

fn read_lengths(bits: &mut Bits, code: &Code, count: usize) -> Result<Vec<u8>, Fault> {
    let mut lengths: Vec<u8> = Vec::with_capacity(count);
    while lengths.len() < count {
        let (length, times) = match bits.symbol(code)? {
            16 => (*lengths.last().ok_or("compressed data repeats nothing")?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.resize(lengths.len() + times, length);
    }
    if lengths.len() == count { Ok(lengths) } else { Err("compressed data repeats past its code") }
}

fn stored_block(bits: &mut Bits, out: &mut Output) -> Result<(), Fault> {
    bits.drop(bits.count % 8)?;
    let (length, complement) = (bits.take(16)?, bits.take(16)?);
    if length != !complement & 0xffff {
        return Err("compressed data has a damaged block");
    }
    out.room(length)?;
    for _ in 0..length {
        out.bytes.push(bits.take(8)? as u8);
    }
    Ok(())
}

fn coded_block(bits: &mut Bits, out: &mut Output, (literals, distances): &Codes) -> Result<(), Fault> {
    loop {
        match bits.symbol(literals)? {
            literal @ 0..256 => {
                out.room(1)?;
                out.bytes.push(literal as u8);
            }
            256 => return Ok(()),
            symbol => {
                let length = bits.table_value(&LENGTHS, symbol - 257)?;
                let symbol = bits.symbol(distances)?;
                let distance = bits.table_value(&DISTANCES, symbol)?;
                out.repeat(distance, length)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fixed_block_with_a_match() {
        // Python: zlib.compress(b'abcabcabcabc' * 3)[2:-4]
        let compressed = [0x4b, 0x4c, 0x4a, 0x4e, 0x24, 0x84, 0x00];
        assert_eq!(inflate(&compressed, 36).as_deref(), Ok(&b"abcabcabcabcabcabcabcabcabcabcabcabc"[..]));
        assert_eq!(inflate(&compressed, 35), Err("compressed data is longer than it says"));
        assert_eq!(inflate(&compressed, 37), Err("compressed data is shorter than it says"));
        assert_eq!(inflate(&compressed[..4], 36), Err(ENDS_EARLY));
    }

    #[test]
    fn a_stored_block() {
        assert_eq!(inflate(&[1, 2, 0, 0xfd, 0xff, 7, 8], 2), Ok(vec![7, 8]));
        assert_eq!(inflate(&[1, 2, 0, 0xfc, 0xff, 7, 8], 2), Err("compressed data has a damaged block"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_inflated(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 0usize..5000) {
            if let Ok(inflated) = inflate(&bytes, size) {
                prop_assert_eq!(inflated.len(), size);
            }
        }
    }
}
