//! Bytes on their way to the peer, written by a thread of their own.

use super::allowance::Allowance;
use super::blame::blame;
use super::frame::Header;
use crate::error::{Error, PeerFault, Result};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A queue, and the thread that empties it. What is queued is still written when this is dropped,
/// unless the peer is too slow or was given up.
pub(super) struct Outbox {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Piece>,
    /// The thread holds a piece that it has taken from the queue.
    writing: bool,
    closed: bool,
    failure: Option<Failure>,
}

enum Piece {
    /// The beginning of a frame; the name is for errors.
    Header(Header, &'static str),
    /// The next part of its body.
    Body(Vec<u8>),
}

struct Failure {
    /// Until somebody has been told.
    error: Option<io::Error>,
    frame: &'static str,
}

impl Outbox {
    /// Starts the thread. A frame over which the peer takes longer than `patience`, its length at the
    /// slowest rate not counted, fails.
    pub(super) fn start(writer: impl Write + Send + 'static, patience: Option<Duration>) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("send".into()).spawn(move || theirs.run(writer, patience))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues the beginning of a frame.
    pub(super) fn header(&self, header: Header, frame: &'static str) -> Result<()> {
        self.queue(Piece::Header(header, frame))
    }

    /// Queues the next part of the frame's body.
    pub(super) fn body(&self, bytes: Vec<u8>) -> Result<()> {
        self.queue(Piece::Body(bytes))
    }

    fn queue(&self, piece: Piece) -> Result<()> {
        let mut state = self.shared.lock();
        state.check()?;
        state.queue.push_back(piece);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Waits until everything is written.
    pub(super) fn drain(&self) -> Result<()> {
        let state = self.shared.lock();
        let busy = |state: &mut State| state.failure.is_none() && (state.writing || !state.queue.is_empty());
        let state = self.shared.changed.wait_while(state, busy);
        state.unwrap_or_else(PoisonError::into_inner).check()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        // A thread that panicked has nothing left to write.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl State {
    fn check(&mut self) -> Result<()> {
        match &mut self.failure {
            None => Ok(()),
            Some(Failure { error, frame }) => {
                Err(error.take().map_or_else(|| PeerFault::HungUp(frame).into(), |error| blame(error, frame)))
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut writer: impl Write, patience: Option<Duration>) {
        let (mut allowance, mut frame) = (Allowance::new(patience, 0), "");
        while let Some(piece) = self.next() {
            let bytes = match piece {
                Piece::Header(header, name) => {
                    (allowance, frame) = (Allowance::new(patience, header.length), name);
                    header.to_bytes().to_vec()
                }
                Piece::Body(bytes) => bytes,
            };
            let written = write(&mut writer, &bytes, &mut allowance);
            let failed = written.is_err();
            self.written(written, frame);
            if failed {
                return;
            }
        }
    }

    /// The next piece; `None` when the queue is empty and closed.
    fn next(&self) -> Option<Piece> {
        let nothing = |state: &mut State| state.queue.is_empty() && !state.closed;
        let state = self.changed.wait_while(self.lock(), nothing);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let piece = state.queue.pop_front();
        state.writing = piece.is_some();
        piece
    }

    fn written(&self, result: io::Result<()>, frame: &'static str) {
        let mut state = self.lock();
        state.writing = false;
        if let Err(error) = result {
            state.failure = Some(Failure { error: Some(error), frame });
            state.queue.clear();
        }
        self.changed.notify_all();
    }
}

fn write(writer: &mut impl Write, mut bytes: &[u8], allowance: &mut Allowance) -> io::Result<()> {
    while !bytes.is_empty() {
        match allowance.spend(|| writer.write(bytes))? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    allowance.spend(|| writer.flush().map(|()| 0)).map(drop)
}

/// An error of the system, where no thread can be started.
pub(super) fn no_thread(error: io::Error) -> Error {
    Error::io("cannot start a thread", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Writes one byte for each permission; hands on what it writes.
    struct Gate {
        permissions: Receiver<()>,
        written: Sender<u8>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permissions.recv().map_err(|_| ErrorKind::ConnectionReset)?;
            self.written.send(bytes[0]).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Outbox, Sender<()>, Receiver<u8>) {
        let (permit, permissions) = channel();
        let (written, seen) = channel();
        (Outbox::start(Gate { permissions, written }, None).unwrap(), permit, seen)
    }

    const HEADER: Header = Header { tag: 5, length: 2 };

    #[test]
    fn queueing_never_waits_and_dropping_writes_what_is_queued() {
        let (outbox, permit, seen) = gated();
        outbox.header(HEADER, "input").unwrap();
        outbox.body(vec![8, 9]).unwrap();
        assert!(seen.try_recv().is_err(), "nothing may be written yet");
        (0..11).for_each(|_| permit.send(()).unwrap());
        drop(outbox);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [&HEADER.to_bytes()[..], &[8, 9]].concat());
    }

    #[test]
    fn a_broken_stream_is_told_with_the_frame_and_for_ever_after() {
        let (outbox, permit, _seen) = gated();
        outbox.header(HEADER, "input").unwrap();
        drop(permit);
        for _ in 0..2 {
            let error = outbox.drain().unwrap_err();
            assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp("input"))), "{error}");
        }
        assert!(outbox.body(vec![8, 9]).is_err());
    }

    #[test]
    fn a_peer_that_takes_too_long_is_given_up() {
        struct Slow;
        impl Write for Slow {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                thread::sleep(Duration::from_millis(5));
                Ok(1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let outbox = Outbox::start(Slow, Some(Duration::from_millis(20))).unwrap();
        outbox.header(HEADER, "input").unwrap();
        let error = outbox.drain().unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Silent { expected: "input" })), "{error}");
    }
}
