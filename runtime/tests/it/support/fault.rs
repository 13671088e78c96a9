//! What may happen to bytes on their way: a writer that does one of it, at a place that is given.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// What happens to a stream, once, at byte `at` (from 0) of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// These bits of the byte change.
    Change { at: u64, bits: u8 },
    /// It and all that follow are lost, and the stream ends.
    Cut { at: u64 },
    /// So many bytes are lost, what follows moves up.
    Lose { at: u64, count: u64 },
    /// So many bytes come twice.
    Repeat { at: u64, count: u64 },
    /// So many bytes come after as many that follow them.
    Swap { at: u64, count: u64 },
    /// It and all that follow come later.
    Delay { at: u64, time: Duration },
    /// It and all that follow are lost, though the stream seems to go on.
    Mute { at: u64 },
    /// It and all that follow are never read ([`super::line::Line`] alone).
    Deaf { at: u64 },
}

impl Fault {
    /// The fault number `seed` of all kinds, in a stream of so many bytes.
    pub(crate) fn drawn(seed: u64, bytes: u64) -> Self {
        let (kind, at) = (mixed(seed) % 8, mixed(seed ^ 0x5bd1) % bytes.max(1));
        let count = 1 + mixed(seed ^ 0xa11) % 40;
        match kind {
            0 => Self::Change { at, bits: 1 << (mixed(seed ^ 0xb17) % 8) },
            1 => Self::Cut { at },
            2 => Self::Lose { at, count },
            3 => Self::Repeat { at, count },
            4 => Self::Swap { at, count },
            5 => Self::Delay { at, time: Duration::from_millis(count) },
            6 => Self::Mute { at },
            _ => Self::Deaf { at },
        }
    }
}

/// A number that looks random, by `seed` alone (SplitMix64).
pub(crate) const fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Writes to another with one fault, or none.
pub(crate) struct Faulty<W> {
    inner: W,
    fault: Option<Fault>,
    /// Bytes that came.
    position: u64,
    /// Bytes that come again, or later.
    held: Vec<u8>,
}

impl<W: Write> Faulty<W> {
    pub(crate) const fn new(inner: W, fault: Option<Fault>) -> Self {
        Self { inner, fault, position: 0, held: Vec::new() }
    }

    /// Bytes that came.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    pub(crate) const fn inner(&self) -> &W {
        &self.inner
    }

    /// What becomes of the next byte; an error ends the stream.
    fn pass(&mut self, byte: u8, out: &mut Vec<u8>) -> io::Result<()> {
        let here = self.position;
        let within = |at: u64, count: u64| (at..at.saturating_add(count)).contains(&here);
        match self.fault {
            Some(Fault::Cut { at }) if here >= at => {
                self.inner.write_all(out)?;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Some(Fault::Change { at, bits }) if here == at => out.push(byte ^ bits),
            Some(Fault::Lose { at, count }) if within(at, count) => {}
            Some(Fault::Mute { at }) if here >= at => {}
            Some(Fault::Repeat { at, count }) if within(at, count) => {
                out.push(byte);
                self.held.push(byte);
                if here + 1 == at + count {
                    out.append(&mut self.held);
                }
            }
            Some(Fault::Swap { at, count }) if within(at, count) => self.held.push(byte),
            Some(Fault::Swap { at, count }) if here + 1 == at + 2 * count => {
                out.push(byte);
                out.append(&mut self.held);
            }
            Some(Fault::Delay { at, time }) if here == at => {
                self.inner.write_all(out)?;
                out.clear();
                thread::sleep(time);
                out.push(byte);
            }
            _ => out.push(byte),
        }
        self.position += 1;
        Ok(())
    }
}

impl<W: Write> Write for Faulty<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = Vec::with_capacity(bytes.len());
        bytes.iter().try_for_each(|&byte| self.pass(byte, &mut out))?;
        self.inner.write_all(&out)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[test]
fn faults_do_what_they_are_called() {
    let through = |fault| {
        let mut faulty = Faulty::new(Vec::new(), Some(fault));
        let outcome = [&b"abc"[..], b"defgh"].into_iter().try_for_each(|part| faulty.write_all(part));
        (String::from_utf8(faulty.inner).expect("text"), outcome.is_ok())
    };
    let whole = |fault| through(fault).0;
    assert_eq!(whole(Fault::Change { at: 2, bits: 1 }), "abbdefgh");
    assert_eq!(through(Fault::Cut { at: 4 }), ("abcd".into(), false));
    assert_eq!(whole(Fault::Lose { at: 2, count: 2 }), "abefgh");
    assert_eq!(whole(Fault::Repeat { at: 2, count: 2 }), "abcdcdefgh");
    assert_eq!(whole(Fault::Swap { at: 1, count: 3 }), "aefgbcdh");
    assert_eq!(whole(Fault::Swap { at: 7, count: 3 }), "abcdefg");
    assert_eq!(whole(Fault::Delay { at: 3, time: Duration::from_millis(1) }), "abcdefgh");
    assert_eq!(whole(Fault::Mute { at: 3 }), "abc");
}
