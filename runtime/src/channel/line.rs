//! One direction of a slow line: bytes wait for their turn, then travel.

use super::Link;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that travel together, at most.
pub(super) const PACKET: usize = 4 << 10;

/// Bytes that may wait for the line, beside those that travel.
const BUFFER: usize = 64 << 10;

/// What is between a writer and the thread that [delivers](Self::deliver).
pub(super) struct Line {
    /// Seconds that a byte keeps the line busy.
    byte: f64,
    latency: Duration,
    /// Bytes that have been accepted and have not arrived are no more than these, as with the buffer of a socket:
    /// so many that the line is never idle for want of bytes.
    window: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    packets: VecDeque<Packet>,
    /// Of the packets, and of the one that is being delivered.
    bytes: usize,
    /// When the line has taken the last packet.
    free: Instant,
    /// Nothing more will be sent.
    ended: bool,
    /// Nothing more will arrive.
    broken: bool,
    /// Why, until somebody has been told.
    error: Option<io::Error>,
}

struct Packet {
    arrival: Instant,
    bytes: Vec<u8>,
}

impl Line {
    /// An idle line with the rate of `link` and half its round trip.
    pub(super) fn new(link: Link) -> Self {
        let latency = link.round_trip() / 2.0;
        let state = State {
            packets: VecDeque::new(),
            bytes: 0,
            free: Instant::now(),
            ended: false,
            broken: false,
            error: None,
        };
        Self {
            byte: link.byte(),
            latency: Duration::from_secs_f64(latency),
            window: BUFFER.saturating_add((latency / link.byte()) as usize),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Accepts the first of `bytes`, and says how many; waits while the window is full.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let packet = &bytes[..bytes.len().min(PACKET)];
        let full = |state: &mut State| !state.broken && state.bytes + packet.len() > self.window;
        let mut state = self.wait_while(full);
        state.check()?;
        let departure = state.free.max(Instant::now()) + self.busy(packet.len());
        state.free = departure;
        state.bytes += packet.len();
        state.packets.push_back(Packet { arrival: departure + self.latency, bytes: packet.to_vec() });
        self.changed.notify_all();
        Ok(packet.len())
    }

    /// How long a packet keeps the line busy.
    fn busy(&self, length: usize) -> Duration {
        Duration::from_secs_f64(self.byte * length as f64)
    }

    /// Tells why nothing arrives any more, if that is so.
    pub(super) fn check(&self) -> io::Result<()> {
        self.lock().check()
    }

    /// Nothing more will be sent; what has been still arrives.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Nothing more will arrive: what is under way is dropped, and later sends fail.
    pub(super) fn give_up(&self) {
        self.break_off(None);
    }

    fn break_off(&self, error: Option<io::Error>) {
        let mut state = self.lock();
        state.broken = true;
        state.error = error;
        self.changed.notify_all();
    }

    /// Hands every packet to `far` when it arrives, until the line has ended or is broken.
    pub(super) fn deliver(&self, mut far: impl Write) {
        while let Some(packet) = self.next() {
            match far.write_all(&packet).and_then(|()| far.flush()) {
                Ok(()) => self.arrived(packet.len()),
                Err(error) => return self.break_off(Some(error)),
            }
        }
    }

    /// The next packet, when it arrives; `None` when there will be none.
    fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        while !state.broken {
            state = match state.packets.front() {
                None if state.ended => return None,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(packet) => {
                    let left = packet.arrival.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return state.packets.pop_front().map(|packet| packet.bytes);
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        None
    }

    fn arrived(&self, length: usize) {
        self.lock().bytes -= length;
        self.changed.notify_all();
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.lock(), condition).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&mut self) -> io::Result<()> {
        if self.broken {
            Err(self.error.take().unwrap_or_else(|| ErrorKind::BrokenPipe.into()))
        } else {
            Ok(())
        }
    }
}
