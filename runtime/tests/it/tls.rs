//! TLS between the parties: whom they trust, and what becomes of bytes that are changed, cut or never sent.

use crate::support::certificates::{Certificates, authority, fingerprint};
use runtime::channel::tls::{Acceptor, Connector, Identity, Trust};
use runtime::channel::{Connection, Limit};
use runtime::error::PeerFault;
use runtime::{Error, Result};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes up one connection, and does `serve` with it.
fn listen<T: Send + 'static>(
    acceptor: Acceptor,
    patience: Duration,
    serve: impl FnOnce(Result<Connection>) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        serve(acceptor.accept(stream, patience, patience))
    });
    (format!("localhost:{port}"), serving)
}

/// Both ends of a connection, or what each says instead.
fn meet(acceptor: &Acceptor, connector: &Connector) -> [Result<Connection>; 2] {
    let (address, serving) = listen(acceptor.clone(), PATIENCE, |connection| connection);
    let mut ours = connector.connect(&address, PATIENCE);
    // In TLS 1.3 a client learns with the first bytes whether it was let in.
    if let Ok(connection) = &mut ours
        && let Err(error) = connection.receive_header("a word")
    {
        ours = Err(error);
    }
    [ours, serving.join().expect("no panic")]
}

/// The same, where the server greets at once.
fn greeted(acceptor: &Acceptor, connector: &Connector) -> [Result<()>; 2] {
    let (address, serving) = listen(acceptor.clone(), PATIENCE, |connection| {
        let mut connection = connection?;
        connection.send(1, "a word", vec![7; 3])?;
        connection.close();
        Ok(())
    });
    let heard = connector.connect(&address, PATIENCE).and_then(|mut connection| {
        let header = connection.receive_header("a word")?.expect("a word");
        let mut body = connection.receive(header, Limit::Exactly(3), "a word")?;
        assert_eq!(connection.pull(&mut body, 3)?, [7; 3]);
        assert!(connection.receive_header("the end")?.is_none());
        Ok(())
    });
    [heard, serving.join().expect("no panic")]
}

#[test]
fn a_client_speaks_to_whom_it_trusts_alone() {
    let certificates = Certificates::new();
    let (own, other) = (certificates.make("localhost,127.0.0.1"), certificates.make("example.com"));
    let acceptor = Acceptor::new(&own, None).expect("a certificate");
    for trust in [authority(&own), Trust::Pinned(fingerprint(&own))] {
        let connector = Connector::new(&trust, None).expect("trust");
        for outcome in greeted(&acceptor, &connector) {
            outcome.expect("a greeting");
        }
    }
    for trust in [authority(&other), Trust::Pinned(fingerprint(&other)), Trust::System] {
        let Ok(connector) = Connector::new(&trust, None) else { continue }; // a system without authorities
        let [ours, _] = meet(&acceptor, &connector);
        let error = ours.err().expect("no trust");
        assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Untrusted(_))), "{error}");
    }
    // A certificate of a trusted authority for another name.
    let elsewhere = Acceptor::new(&other, None).expect("a certificate");
    let [ours, _] = meet(&elsewhere, &Connector::new(&authority(&other), None).expect("trust"));
    let error = ours.err().expect("another name");
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Untrusted(_))), "{error}");
}

#[test]
fn a_server_lets_in_whom_it_trusts_alone() {
    let certificates = Certificates::new();
    let (own, friend, stranger) =
        (certificates.make("localhost"), certificates.make("friend"), certificates.make("stranger"));
    let acceptor = Acceptor::new(&own, Some(&friend.certificate)).expect("certificates");
    let connector = |identity| Connector::new(&authority(&own), identity).expect("trust");
    for outcome in greeted(&acceptor, &connector(Some(&friend))) {
        outcome.expect("a greeting");
    }
    for identity in [None, Some(&stranger)] {
        let [ours, theirs] = meet(&acceptor, &connector(identity));
        assert!(ours.is_err());
        let error = theirs.err().expect("no trust");
        let refused =
            matches!(&error, Error::PeerMisbehaved(PeerFault::Untrusted(_) | PeerFault::Protocol(_)));
        assert!(refused, "{error}");
    }
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let certificates = Certificates::new();
    let own = certificates.make("localhost");
    let absent = PathBuf::from("/nowhere.crt");
    let swapped = Identity { certificate: own.key.clone(), key: own.certificate.clone() };
    let of_another = Identity { key: certificates.make("other").key, ..own.clone() };
    let failures = [
        Acceptor::new(&swapped, None).err(),
        Acceptor::new(&of_another, None).err(),
        Acceptor::new(&own, Some(&absent)).err(),
        Acceptor::new(&own, Some(&own.key)).err(),
        Connector::new(&Trust::Authorities(absent), None).err(),
    ];
    for error in failures {
        let error = error.expect("an error");
        assert!(matches!(error, Error::InvalidInput(_)) && error.to_string().contains('/'), "{error}");
    }
}

/// Both send more than any buffer holds before they read.
#[test]
fn both_may_send_at_once() {
    const BYTES: u64 = 24 << 20;
    fn exchange(mut connection: Connection, byte: u8) -> Result<()> {
        let mut outgoing = connection.begin(1, "much", BYTES)?;
        (0..BYTES >> 20).try_for_each(|_| connection.push(&mut outgoing, vec![byte; 1 << 20]))?;
        let header = connection.receive_header_meanwhile("much")?.expect("much");
        let mut body = connection.receive(header, Limit::Exactly(BYTES), "much")?;
        for _ in 0..BYTES >> 20 {
            assert!(connection.pull(&mut body, 1 << 20)?.iter().all(|&other| other == byte ^ 1));
        }
        connection.close();
        Ok(())
    }
    let certificates = Certificates::new();
    let own = certificates.make("localhost");
    let acceptor = Acceptor::new(&own, None).expect("a certificate");
    let (address, serving) = listen(acceptor, PATIENCE, |connection| exchange(connection?, 1));
    let connector = Connector::new(&authority(&own), None).expect("trust");
    exchange(connector.connect(&address, PATIENCE).expect("a connection"), 0).expect("ours");
    serving.join().expect("no panic").expect("theirs");
}

/// What lies between two parties: passes on `bytes` of what the server sends, then does `act`.
fn relay(server: String, bytes: usize, act: fn(&mut TcpStream, &mut TcpStream, &mut [u8])) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut server = TcpStream::connect(server).expect("a server");
        let (mut from, mut to) =
            (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut passed = 0;
        let mut buffer = [0; 512];
        while let Ok(length @ 1..) = server.read(&mut buffer) {
            let part = &mut buffer[..length];
            if (passed..passed + length).contains(&bytes) {
                act(&mut client, &mut server, &mut part[bytes - passed..]);
            }
            passed += length;
            if client.write_all(part).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
    format!("localhost:{port}")
}

/// Whatever byte is changed, or after whichever the line is cut, the client says so and never takes what it got for an answer.
#[test]
fn changed_and_cut_lines_end_in_errors() {
    const SHORT: Duration = Duration::from_millis(700);
    let certificates = Certificates::new();
    let own = certificates.make("localhost");
    let acceptor = Acceptor::new(&own, None).expect("a certificate");
    let connector = Arc::new(Connector::new(&authority(&own), None).expect("trust"));
    let flip: fn(&mut TcpStream, &mut TcpStream, &mut [u8]) = |_, _, bytes| bytes[0] ^= 0x10;
    let cut: fn(&mut TcpStream, &mut TcpStream, &mut [u8]) = |client, server, _| {
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    };
    for (act, every) in [(flip, 61), (cut, 83)] {
        for position in (3..1400).step_by(every) {
            let (address, serving) = listen(acceptor.clone(), SHORT, |connection| {
                let mut connection = connection?;
                connection.send(1, "a word", vec![7; 600])?;
                connection.receive_header("the end").map(drop)
            });
            let way = relay(address, position, act);
            let heard = connector.connect(&way, SHORT).and_then(|mut connection| {
                let header = connection.receive_header("a word")?.ok_or(PeerFault::HungUp("a word"))?;
                let mut body = connection.receive(header, Limit::Exactly(600), "a word")?;
                connection.pull(&mut body, 600)
            });
            match heard {
                Ok(body) => assert!(position > 600 && body == [7; 600], "byte {position}"),
                Err(error) => assert!(matches!(error, Error::PeerMisbehaved(_)), "byte {position}: {error}"),
            }
            let _ = serving.join().expect("no panic");
        }
    }
}

/// A stream that ends without TLS's own end was cut: that is no end between two frames.
#[test]
fn a_cut_is_no_end() {
    let certificates = Certificates::new();
    let own = certificates.make("localhost");
    let acceptor = Acceptor::new(&own, None).expect("a certificate");
    let (address, serving) = listen(acceptor, PATIENCE, |connection| {
        let mut connection = connection?;
        connection.send(1, "a word", Vec::new())?;
        drop(connection); // without `close`
        Ok::<_, Error>(())
    });
    let connector = Connector::new(&authority(&own), None).expect("trust");
    let mut connection = connector.connect(&address, PATIENCE).expect("a connection");
    let mut next = || connection.receive_header("a word");
    let ended = match next() {
        Ok(Some(_)) => next(),
        other => other,
    };
    let error = ended.expect_err("cut");
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp(_))), "{error}");
    serving.join().expect("no panic").expect("sent");
}

#[test]
fn handshakes_end_in_time() {
    let certificates = Certificates::new();
    let own = certificates.make("localhost");
    let acceptor = Acceptor::new(&own, None).expect("a certificate");
    let short = Duration::from_millis(700);
    for drip in [false, true] {
        let (address, serving) = listen(acceptor.clone(), short, |connection| connection.map(drop));
        let mut silent = TcpStream::connect(address.replace("localhost", "127.0.0.1")).expect("a connection");
        let start = Instant::now();
        // The beginning of a record of 512 bytes, byte by byte.
        for byte in [0x16, 3, 1, 2, 0].into_iter().chain([0; 40]).take_while(|_| drip) {
            if silent.write_all(&[byte]).is_err() || serving.is_finished() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let error = serving.join().expect("no panic").expect_err("no handshake");
        let fault = matches!(error, Error::PeerMisbehaved(PeerFault::Silent { .. } | PeerFault::Protocol(_)));
        assert!(fault, "{error}");
        assert!(start.elapsed() < 5 * short, "{:?}", start.elapsed());
    }
    let (address, serving) = listen(acceptor, PATIENCE, |connection| connection.map(drop));
    let mut plain = TcpStream::connect(address.replace("localhost", "127.0.0.1")).expect("a connection");
    plain.write_all(b"POPCORN speaks no TLS here, and says more than a header").expect("sent");
    let error = serving.join().expect("no panic").expect_err("no TLS");
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Protocol(_))), "{error}");
}
