use super::*;
use crate::channel::memory;
use crate::channel::tcp;
use crate::channel::{Limit, frame::HEADER_BYTES};
use std::time::Instant;

/// What must take no time, however busy the machine.
const NO_TIME: Duration = Duration::from_secs(5);

fn over_memory(link: &str) -> Ends {
    connect(memory::pair(), link.parse().unwrap(), None).unwrap()
}

fn over_tcp(link: &str) -> Ends {
    let patience = Duration::from_secs(60);
    connect(tcp::pair(patience).unwrap(), link.parse().unwrap(), Some(patience)).unwrap()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7 % 251) as u8).collect()
}

fn receive(connection: &mut Connection) -> Option<Vec<u8>> {
    let header = connection.receive_header("a frame").unwrap()?;
    Some(connection.receive_body(header, Limit::AtMost(1 << 30), "a frame").unwrap())
}

/// Sends a frame of `length` bytes at 80 Mbit/s, 100 ns a byte, with a delay of 30 ms.
fn a_frame_takes_its_time((mut ours, mut theirs): Ends, length: usize) {
    let start = Instant::now();
    ours.send(1, "a frame", pattern(length)).unwrap();
    assert_eq!(receive(&mut theirs), Some(pattern(length)));
    let took = start.elapsed();
    let least = Duration::from_millis(30) + Duration::from_nanos(100) * (HEADER_BYTES + length) as u32;
    assert!(took >= least, "{length} bytes arrived after {took:?}, {least:?} is right");
    assert!(took < least + least / 2 + Duration::from_millis(500), "{length} bytes took {took:?}");
}

#[test]
fn a_frame_takes_the_delay_and_the_time_of_its_bytes() {
    for length in [0, 1, 4 << 20] {
        a_frame_takes_its_time(over_memory("80/60"), length);
        a_frame_takes_its_time(over_tcp("80/60"), length);
    }
}

fn ping_pong_takes_round_trips((mut ours, mut theirs): Ends) {
    const TIMES: u32 = 8;
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(body) = receive(&mut theirs) {
                theirs.send(1, "pong", body).unwrap();
            }
        });
        for round in 0..TIMES {
            ours.send(1, "ping", vec![round as u8]).unwrap();
            assert_eq!(receive(&mut ours), Some(vec![round as u8]));
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(20) * TIMES, "{took:?}");
        assert!(took < Duration::from_millis(20) * TIMES + Duration::from_secs(1), "{took:?}");
        ours.close();
    });
}

#[test]
fn questions_and_answers_take_a_round_trip_each() {
    ping_pong_takes_round_trips(over_memory("1000/20"));
    ping_pong_takes_round_trips(over_tcp("1000/20"));
}

#[test]
fn a_sender_does_not_wait_for_the_delay() {
    let (mut ours, mut theirs) = over_memory("1000/2000");
    let start = Instant::now();
    // Each waits until the one before is written.
    for frame in 0..100 {
        ours.send(frame, "a frame", vec![frame; 10]).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    for frame in 0..100 {
        assert_eq!(receive(&mut theirs), Some(vec![frame; 10]));
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_sender_waits_for_the_speed() {
    let (mut ours, _theirs) = over_memory("80/0");
    let start = Instant::now();
    ours.send(1, "a frame", vec![0; 2 << 20]).unwrap();
    let _ = ours.begin(2, "the next", 0).unwrap();
    let least = Duration::from_nanos(100) * ((2 << 20) - (64 << 10));
    assert!(start.elapsed() >= least, "{:?}", start.elapsed());
}

fn both_directions_at_once((mut ours, mut theirs): Ends) {
    let bodies = [0, 1, 4095, 4096, 300_000, 5, 100_000].map(pattern);
    let exchange = |connection: &mut Connection| {
        for body in &bodies {
            connection.send(1, "a frame", body.clone()).unwrap();
            assert_eq!(receive(connection).as_ref(), Some(body));
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| exchange(&mut theirs));
        exchange(&mut ours);
    });
}

#[test]
fn bytes_keep_their_order_and_both_directions_work_at_once() {
    both_directions_at_once(over_memory("100/1"));
    both_directions_at_once(over_tcp("100/1"));
}

fn what_was_sent_last_arrives((mut ours, mut theirs): Ends) {
    thread::scope(|scope| {
        scope.spawn(move || {
            ours.send(1, "the last", pattern(200_000)).unwrap();
            ours.close();
        });
        assert_eq!(receive(&mut theirs), Some(pattern(200_000)));
        assert_eq!(receive(&mut theirs), None);
    });
}

#[test]
fn a_stream_ends_after_its_last_byte() {
    what_was_sent_last_arrives(over_memory("100/100"));
    what_was_sent_last_arrives(over_tcp("100/100"));
}

fn giving_up_takes_no_time((mut ours, mut theirs): Ends) {
    ours.send(1, "a flood", vec![0; 8 << 20]).unwrap();
    let start = Instant::now();
    drop(ours);
    while matches!(theirs.receive_last_header("anything"), Ok(Some(_))) {}
    assert!(start.elapsed() < NO_TIME, "{:?}", start.elapsed());
}

#[test]
fn a_peer_is_given_up_at_once_and_sees_it() {
    // A minute and more for the flood.
    giving_up_takes_no_time(over_memory("1/0"));
    giving_up_takes_no_time(over_tcp("1/0"));
}

fn a_peer_that_is_gone_is_noticed((mut ours, theirs): Ends) {
    drop(theirs);
    let start = Instant::now();
    while ours.send(1, "a frame", vec![0; 1000]).is_ok() {
        assert!(start.elapsed() < NO_TIME);
    }
    assert!(ours.send(1, "a frame", vec![0; 1000]).is_err());
}

#[test]
fn sending_to_nobody_fails() {
    a_peer_that_is_gone_is_noticed(over_memory("100/10"));
    a_peer_that_is_gone_is_noticed(over_tcp("100/10"));
}
