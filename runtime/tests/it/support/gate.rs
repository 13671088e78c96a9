//! A client whose reading can be held up, so that something is under way at the server for as long as a test likes.

use runtime::channel::Transport;
use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Lets bytes through while it is open, which it is at first. Copies are the same gate.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

struct Gated {
    stream: TcpStream,
    gate: Gate,
}

impl Gate {
    /// A stream to `address`, on which no call waits longer than a minute. What reads through it waits before the next byte while
    /// it is closed.
    pub(crate) fn connect(&self, address: &str) -> Transport {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("an option");
        let writer = stream.try_clone().expect("a stream");
        Transport::new(Gated { stream, gate: self.clone() }, writer)
    }

    pub(crate) fn close(&self) {
        *self.0.0.lock().expect("no panic") = true;
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("no panic") = false;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.0.lock().expect("no panic");
        drop(self.0.1.wait_while(closed, |closed| *closed).expect("no panic"));
    }
}

impl Read for Gated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.gate.pass();
        self.stream.read(buffer)
    }
}
