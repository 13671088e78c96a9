//! Not more than a few lines a second, however many there are to write.

use std::time::{Duration, Instant};

/// Lines of a window.
const LINES: u32 = 10;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets [`LINES`] lines through in each second, and counts the others.
pub(crate) struct Flood {
    since: Instant,
    left: u32,
    missed: u64,
}

impl Flood {
    /// None so far.
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, left: LINES, missed: 0 }
    }

    /// Whether a line may be written at this time.
    pub(crate) fn lets_through(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.left) = (now, LINES);
        }
        let lets = self.left > 0;
        self.left -= u32::from(lets);
        self.missed += u64::from(!lets);
        lets
    }

    /// How many lines were not written since this was asked last, if a second is over; `None` where there were none.
    pub(crate) fn missed(&mut self, now: Instant) -> Option<u64> {
        let is_over = now.saturating_duration_since(self.since) >= WINDOW;
        if is_over { self.rest() } else { None }
    }

    /// The same at any time.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.missed)).filter(|&missed| missed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_a_few_a_second_are_counted_once() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut flood = Flood::new(start);
        let written = (0..500).filter(|&line| flood.lets_through(at(line))).count();
        assert_eq!((written, flood.missed(at(999))), (10, None));
        assert_eq!((flood.missed(at(1000)), flood.missed(at(1000))), (Some(490), None));
        assert!(flood.lets_through(at(1001)));
        assert_eq!(flood.missed(at(60_000)), None);
        assert_eq!((0..11).filter(|_| flood.lets_through(at(1002))).count(), 9);
        assert_eq!((flood.rest(), flood.rest()), (Some(2), None));
    }
}
