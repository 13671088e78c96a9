//! A line between two parties over TCP, whatever they speak: passes on what each sends, in parts of a size that is given, with a
//! fault in each direction.

use super::fault::{Fault, Faulty};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long nobody reads, at most: whoever is not read gives up much earlier.
const DEAF: Duration = Duration::from_secs(60);

/// A line for one connection.
pub(crate) struct Line {
    /// Where the client connects.
    pub(crate) address: String,
    passing: JoinHandle<[u64; 2]>,
}

impl Line {
    /// To `server`; `faults` of what the client and the server send, `part`: bytes that are passed on at once, at most.
    pub(crate) fn new(server: &str, faults: [Option<Fault>; 2], part: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = server.to_owned();
        let passing = thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server = TcpStream::connect(server).expect("a server");
            [&client, &server].into_iter().for_each(|end| end.set_nodelay(true).expect("an option"));
            pass(&client, &server, faults, part)
        });
        Self { address: format!("localhost:{port}"), passing }
    }

    /// Waits until both have hung up: the bytes that client and server sent.
    pub(crate) fn finish(self) -> [u64; 2] {
        self.passing.join().expect("no panic")
    }
}

fn pass(client: &TcpStream, server: &TcpStream, faults: [Option<Fault>; 2], part: usize) -> [u64; 2] {
    let ended = AtomicBool::new(false);
    let [up, down] = faults;
    thread::scope(|scope| {
        let upward = scope.spawn(|| pump(client, server, up, part, &ended));
        let downward = pump(server, client, down, part, &ended);
        [upward.join().expect("no panic"), downward]
    })
}

/// One direction, until it ends; the bytes that were sent.
fn pump(mut from: &TcpStream, to: &TcpStream, fault: Option<Fault>, part: usize, ended: &AtomicBool) -> u64 {
    let most = if let Some(Fault::Deaf { at }) = fault { at } else { u64::MAX };
    let mut to = Faulty::new(to, fault);
    let mut buffer = vec![0; part];
    let whole = loop {
        if to.position() >= most {
            wait_for(ended);
            break false;
        }
        let room = buffer.len().min(usize::try_from(most - to.position()).unwrap_or(usize::MAX));
        match from.read(&mut buffer[..room]) {
            Ok(length @ 1..) if to.write_all(&buffer[..length]).is_ok() => {}
            outcome => break matches!(outcome, Ok(0)),
        }
    };
    // Where one end has said all, the other may still speak; either may be gone.
    let _ = if whole {
        to.inner().shutdown(Shutdown::Write)
    } else {
        to.inner().shutdown(Shutdown::Both).and_then(|()| from.shutdown(Shutdown::Both))
    };
    ended.store(true, Ordering::Release);
    to.position()
}

fn wait_for(ended: &AtomicBool) {
    let start = Instant::now();
    while !ended.load(Ordering::Acquire) && start.elapsed() < DEAF {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn lines_pass_on_what_is_sent() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address").to_string();
    let echo = thread::spawn(move || {
        let (mut stream, _) = server.accept().expect("a client");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("all");
        stream.write_all(&heard).expect("sent");
    });
    let line = Line::new(&address, [Some(Fault::Change { at: 1, bits: 1 }), None], 2);
    let mut client = TcpStream::connect(&line.address).expect("a line");
    client.write_all(b"abcde").expect("sent");
    client.shutdown(Shutdown::Write).expect("said all");
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).expect("an answer");
    drop(client);
    assert_eq!((heard, line.finish()), (b"accde".to_vec(), [5, 5]));
    echo.join().expect("no panic");
}
