//! How long a peer may keep us waiting over one frame.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// Bytes a second that a peer must send or take at least, beside its patience, for a frame to arrive in time.
const SLOWEST_RATE: u64 = 16 << 10;

/// Waiting time that is left for a frame; `None` for ever. Only waiting uses it up, not what happens
/// between two parts of the frame on our side.
pub(super) struct Allowance(Option<Duration>);

impl Allowance {
    /// For `length` bytes: `patience`, and what they take at the slowest rate.
    pub(super) fn new(patience: Option<Duration>, length: u64) -> Self {
        Self(patience.map(|patience| patience.saturating_add(Duration::from_secs(length / SLOWEST_RATE))))
    }

    /// Runs `call`, which moves some bytes or none, until it moves some or fails; an interrupted call is
    /// repeated.
    pub(super) fn spend(&mut self, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let start = Instant::now();
            let result = call();
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(moved) => return self.deduct(start.elapsed()).map(|()| moved),
            }
            self.deduct(start.elapsed())?;
        }
    }

    fn deduct(&mut self, waited: Duration) -> io::Result<()> {
        let Some(left) = &mut self.0 else { return Ok(()) };
        *left = left.checked_sub(waited).ok_or(ErrorKind::TimedOut)?;
        Ok(())
    }
}
