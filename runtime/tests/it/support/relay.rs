//! A line between client and server that breaks where it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of a connection after so many bytes of the server's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Nothing more comes, and it stays open.
    Silent,
    /// It ends, both ways.
    Cut,
}

/// Passes connections on, the first ones as long as they may last, later ones for ever.
pub(crate) struct Relay {
    pub(crate) address: String,
    /// What was carried of each connection, in the order in which they came.
    carried: Arc<Mutex<Vec<Carried>>>,
}

/// What was carried of a connection.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    /// Bytes of the client's.
    pub(crate) up: Vec<u8>,
    /// Number of the server's.
    pub(crate) down: usize,
}

impl Relay {
    /// To the server at `target`; of each of the first connections the server's bytes until the end, and its fate then.
    pub(crate) fn new(target: String, fates: &[(usize, Fate)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let carried: Arc<Mutex<Vec<Carried>>> = Arc::default();
        let (fates, theirs) = (fates.to_vec(), Arc::clone(&carried));
        thread::spawn(move || {
            for index in 0.. {
                let Ok((client, _)) = listener.accept() else { return };
                theirs.lock().expect("no panic").push(Carried::default());
                let fate = fates.get(index).copied().unwrap_or((usize::MAX, Fate::Cut));
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let [ours, back] = [&client, &server].map(|end| end.try_clone().expect("a stream"));
                let (up, down) = (Arc::clone(&theirs), Arc::clone(&theirs));
                thread::spawn(move || {
                    carry(client, server, (usize::MAX, Fate::Cut), |bytes| {
                        up.lock().expect("no panic")[index].up.extend_from_slice(bytes);
                    });
                });
                thread::spawn(move || {
                    carry(back, ours, fate, |bytes| {
                        down.lock().expect("no panic")[index].down += bytes.len()
                    });
                });
            }
        });
        Self { address, carried }
    }

    /// What was carried so far.
    pub(crate) fn carried(&self) -> Vec<Carried> {
        self.carried.lock().expect("no panic").clone()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, (mut left, fate): (usize, Fate), record: impl Fn(&[u8])) {
    let mut bytes = [0; 4096];
    let cuts = fate == Fate::Cut;
    while !(cuts && left == 0) {
        let Ok(count @ 1..) = from.read(&mut bytes) else { break };
        let count = count.min(left);
        left -= count;
        record(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    if cuts || left > 0 {
        [from, to].iter().for_each(|end| drop(end.shutdown(Shutdown::Both)));
    }
}
