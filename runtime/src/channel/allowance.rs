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

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const PATIENCE: Duration = Duration::from_millis(50);

    /// A call that takes a while.
    fn slow() -> io::Result<usize> {
        sleep(PATIENCE / 5);
        Ok(1)
    }

    #[test]
    fn a_peer_that_drips_uses_its_allowance_up() {
        let mut allowance = Allowance::new(Some(PATIENCE), 0);
        let error = (0..6).find_map(|_| allowance.spend(slow).err()).unwrap();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let mut interrupted = || slow().and_then(|_| Err(ErrorKind::Interrupted.into()));
        let error = Allowance::new(Some(PATIENCE), 0).spend(&mut interrupted).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn our_own_time_is_not_the_peer_s_and_longer_frames_may_take_longer() {
        let mut allowance = Allowance::new(Some(PATIENCE), 0);
        for _ in 0..3 {
            sleep(PATIENCE);
            allowance.spend(|| Ok(1)).unwrap();
        }
        let mut longer = Allowance::new(Some(PATIENCE), 60 * SLOWEST_RATE);
        let mut endless = Allowance::new(None, 0);
        for _ in 0..10 {
            longer.spend(slow).unwrap();
            endless.spend(slow).unwrap();
        }
    }
}
