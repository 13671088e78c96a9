//! Trying again where a server could not be reached, had no place, or was lost.
//!
//! # What is tried again, and why that is safe
//!
//! A client tries again on a *fresh connection with fresh randomness*: a new handshake, new base OTs, new masks, new correlations.
//! What was prepared on the lost connection and given to an inference is dropped with its session and never used again; what nothing
//! was asked of yet may be kept in both parties' stores ([`crate::protocol::shared::keeping`]). It is used once, or not at all. So what
//! a server has seen of the lost attempt and what it sees of the next one are independent given the plan, whatever the image is,
//! as with any two inferences:
//!
//! * before the online phase nothing that was sent depends on an image;
//! * in suite `shared` the online phase tells the server x − r, and bits under masks; the next attempt tells it x − r′, r′ being drawn anew
//!   and uniform. x − r and x − r′ together are uniform, too.
//! * in suite `blinded` the image goes out encrypted, with fresh randomisers each time.
//!
//! So an inference whose online phase has begun is asked again, too. The server learns that the client asks once more, and
//! the client gets one answer; the server has answered twice, and may count both.
//!
//! *Whether* the client tries again must not depend on what is secret, or a server that deviates would read it from that. It
//! depends on what the server and the line did, which these know already: they refused, closed, or said so in the clear
//! (what a refusal says). What a client finds out with its key is no reason, neither for nor against: a fault among the
//! plaintexts ([`Deferred`](crate::message::Deferred)) is forgotten with a connection that is lost before the last message, or kept with
//! what was prepared until that is used. Faults
//! that are visible, such as changed bytes, are never tried again: somebody is at work there. Nor is silence, for which a
//! client has waited long enough.
//!
//! The same plan is insisted on, so that an image is not answered by another network than the one that was greeted.

use crate::channel::CancellationToken;
use crate::error::{Error, PeerFault, Result};
use crate::message::COME_AGAIN;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

/// The first pause at most; each is at most twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a cancelled pause may go on.
const SLICE: Duration = Duration::from_millis(50);

/// How long it is tried again, and how long it has been.
pub struct Patience {
    total: Duration,
    /// When it ends, and the next pause at most, from the first failure on.
    outage: Option<(Instant, Duration)>,
    tell: fn(&Error, Duration),
}

impl Patience {
    /// Tries again for `total` after a failure; with zero never.
    pub const fn new(total: Duration) -> Self {
        Self { total, outage: None, tell: |_, _| () }
    }

    /// Calls `tell` with the first error of an outage and how long it will be tried again.
    pub const fn telling(self, tell: fn(&Error, Duration)) -> Self {
        Self { tell, ..self }
    }

    /// What `attempt` gives, which is repeated after pauses.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn keep_trying<T>(
        &mut self,
        token: &CancellationToken,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => self.pause(error, token)?,
            }
        }
    }

    /// Waits after `error` until it is time for another attempt. Pauses double, and are cut by up to a half at random, so that clients
    /// that a server has lost together do not come back together.
    ///
    /// # Errors
    /// `error` itself, where another attempt would be of no use or of danger (see the module), or is not made in time;
    /// [`Error::Cancelled`].
    pub fn pause(&mut self, error: Error, token: &CancellationToken) -> Result<()> {
        if !may_pass(&error) || self.total.is_zero() {
            return Err(error);
        }
        let is_first = self.outage.is_none();
        let (until, longest) = *self.outage.get_or_insert((Instant::now() + self.total, FIRST_PAUSE));
        let pause = longest.mul_f64(1.0 - 0.5 * fraction());
        let wake = Instant::now() + pause;
        if wake > until {
            return Err(error);
        }
        if is_first {
            (self.tell)(&error, self.total);
        }
        self.outage = Some((until, (2 * longest).min(LONGEST_PAUSE)));
        while let left @ 1.. = wake.saturating_duration_since(Instant::now()).as_nanos() {
            if token.is_cancelled() {
                return Err(Error::Cancelled);
            }
            thread::sleep(SLICE.min(Duration::from_nanos(left.try_into().unwrap_or(u64::MAX))));
        }
        Ok(())
    }

    /// Something was achieved: the next failure begins an outage of its own. Without it time runs on from the first failure, so
    /// that a server that always fails at the same place is not asked for ever.
    pub const fn reset(&mut self) {
        self.outage = None;
    }
}

/// Whether another attempt may succeed, judged by what everybody on the line knows.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => matches!(
            source.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::TimedOut
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
        ),
        Error::PeerMisbehaved(PeerFault::HungUp(_)) => true,
        Error::Refused(reason) => COME_AGAIN.iter().any(|ending| reason.ends_with(ending)),
        _ => false,
    }
}

/// In [0, 1), at random; 0 where there is no randomness.
fn fraction() -> f64 {
    getrandom::u32().map_or(0.0, |number| f64::from(number) / 2f64.powi(32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn lost() -> Error {
        PeerFault::HungUp("welcome").into()
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let io = |kind: ErrorKind| Error::io("connect", kind.into());
        let passing = [
            lost(),
            io(ErrorKind::ConnectionRefused),
            Error::Refused("it serves as many clients as it may; try again later".into()),
            Error::Refused("the session lasted longer than 3600 s; open another".into()),
            Error::Refused("it is ending; try another".into()),
        ];
        let lasting = [
            io(ErrorKind::InvalidInput),
            io(ErrorKind::BrokenPipe), // of standard output, say
            io(ErrorKind::PermissionDenied),
            PeerFault::Altered("welcome").into(),
            PeerFault::Silent { expected: "welcome" }.into(),
            PeerFault::OutOfBounds("question").into(),
            Error::Refused("it runs plan 7".into()),
            Error::Refused("try again later, it said".into()),
            Error::Cancelled,
        ];
        assert!(passing.iter().all(may_pass));
        assert!(!lasting.iter().any(may_pass));
    }

    #[test]
    fn it_ends_when_time_is_up_and_begins_anew_after_a_success() {
        let token = CancellationToken::new();
        let mut patience = Patience::new(Duration::from_millis(400));
        let attempts = Cell::new(0);
        let fail_until = |last: u32, patience: &mut Patience| {
            attempts.set(0);
            patience.keep_trying(&token, || {
                attempts.set(attempts.get() + 1);
                if attempts.get() < last { Err(lost()) } else { Ok(()) }
            })
        };
        // Pauses of at least 50, 100 and 200 ms fit, of 400 no more.
        assert!(fail_until(u32::MAX, &mut patience).is_err());
        assert!((2..=4).contains(&attempts.get()), "{attempts:?}");
        assert!(fail_until(2, &mut patience).is_err(), "the same outage");
        patience.reset();
        assert!(fail_until(2, &mut patience).is_ok());
        assert!(fail_until(2, &mut Patience::new(Duration::ZERO)).is_err());
        assert_eq!(attempts.get(), 1);
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_end_when_cancelled() {
        let token = CancellationToken::new();
        let mut patience = Patience::new(Duration::from_secs(3600));
        patience.pause(lost(), &token).unwrap();
        assert_eq!(patience.outage.unwrap().1, 2 * FIRST_PAUSE);
        patience.outage = Some((Instant::now() + Duration::from_secs(3600), 3 * FIRST_PAUSE));
        token.cancel();
        assert!(matches!(patience.pause(lost(), &token), Err(Error::Cancelled)));
        patience.outage = Some((Instant::now() + Duration::from_secs(3600), LONGEST_PAUSE));
        assert!(matches!(patience.pause(lost(), &token), Err(Error::Cancelled)));
        assert_eq!(patience.outage.unwrap().1, LONGEST_PAUSE);
        assert!((0..100).all(|_| (0.0..1.0).contains(&fraction())));
    }

    #[test]
    fn somebody_is_told_once_an_outage() {
        thread_local!(static TOLD: Cell<u32> = const { Cell::new(0) });
        let token = CancellationToken::new();
        let mut patience = Patience::new(Duration::from_secs(3600))
            .telling(|_, _| TOLD.with(|told| told.set(told.get() + 1)));
        for told in [1, 1] {
            patience.pause(lost(), &token).unwrap();
            assert_eq!(TOLD.get(), told);
        }
        patience.reset();
        patience.pause(lost(), &token).unwrap();
        assert_eq!(TOLD.get(), 2);
    }
}
