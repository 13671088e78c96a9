//! Honest clients for a long time, beside others that disturb the server: none of the honest fails or is told a wrong answer, and
//! memory, threads and descriptors do not grow.

use crate::support::alone::{Held, alone, forget_peak, memory, peak_memory};
use crate::support::fault::{Fault, mixed};
use crate::support::line::Line;
use crate::support::site::{IMAGES, Kind, Site, is_the_peers};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long parties wait for each other.
const PATIENCE: Duration = Duration::from_secs(5);
/// Honest clients at a time.
const HONEST: usize = 4;
/// Memory that may stay after the first round: what allocators keep.
const SLACK: u64 = 16 << 20;

/// What disturbs the server.
#[derive(Clone, Copy, Debug)]
enum Attack {
    Nothing,
    /// Sessions over lines with a fault each.
    Faults,
    /// Connections that say nothing.
    Silent,
    /// Clients that stop reading, each at another byte.
    Unread,
    /// Connections that send random bytes.
    Garbage,
}

/// Each as often as it is done at a time.
const ATTACKS: [(&str, &[(Attack, usize)]); 6] = [
    ("nothing", &[(Attack::Nothing, 0)]),
    ("lines with faults", &[(Attack::Faults, 8)]),
    ("silent connections", &[(Attack::Silent, 40)]),
    ("clients that do not read", &[(Attack::Unread, 16)]),
    ("garbage", &[(Attack::Garbage, 8)]),
    ("all of these", &[(Attack::Faults, 8), (Attack::Silent, 24), (Attack::Unread, 8), (Attack::Garbage, 8)]),
];

/// What was counted under one attack.
#[derive(Default)]
struct Count {
    latencies: Mutex<Vec<Duration>>,
    disturbances: AtomicUsize,
    peak: AtomicU64,
}

impl Attack {
    /// The `number`-th of its kind, until it has ended.
    fn strike(self, site: &Site, number: u64, over: &AtomicBool) {
        let through = |faults| {
            let line = Line::new(&site.address, faults, 1 + (mixed(number) % 1460) as usize);
            if let Err(error) = site.ask(&line.address) {
                assert!(is_the_peers(&error), "{error:?}");
            }
            line.finish();
        };
        // Longer than what sessions send: some faults come too late.
        let fault = Some(Fault::drawn(number, 150_000));
        match self {
            Self::Nothing => {}
            Self::Faults if number.is_multiple_of(2) => through([fault, None]),
            Self::Faults => through([None, fault]),
            Self::Unread => through([None, Some(Fault::Deaf { at: mixed(number) % 30_000 })]),
            Self::Silent => {
                let stream = TcpStream::connect(&site.address).expect("a connection");
                stream.set_read_timeout(Some(Duration::from_millis(100))).expect("an option");
                while !over.load(Ordering::Relaxed)
                    && matches!(stream.peek(&mut [0]), Err(error) if is_waiting(&error))
                {}
            }
            Self::Garbage => {
                let mut stream = TcpStream::connect(&site.address).expect("a connection");
                let bytes: Vec<u8> = (0..4096).map(|place| mixed(number << 16 ^ place) as u8).collect();
                let _ = stream.write_all(&bytes); // Where the server has hung up already.
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn is_waiting(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Honest clients beside attacks for `time`.
fn under(attacks: &[(Attack, usize)], site: &Site, time: Duration, count: &Count) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    forget_peak();
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        for &(attack, at_once) in attacks {
            for _ in 0..at_once {
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        attack.strike(site, NUMBER.fetch_add(1, Ordering::Relaxed), over);
                        count.disturbances.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        let honest: Vec<_> = (0..HONEST)
            .map(|_| {
                scope.spawn(|| {
                    let begun = Instant::now();
                    while begun.elapsed() < time {
                        let start = Instant::now();
                        site.ask_honestly().expect("honest clients are answered");
                        count.latencies.lock().expect("no panic").push(start.elapsed());
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = honest.into_iter().map(|client| client.join()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok), "an honest client failed");
    });
    count.peak.fetch_max(peak_memory(), Ordering::Relaxed);
}

fn line(name: &str, count: &Count) {
    let mut latencies = std::mem::take(&mut *count.latencies.lock().expect("no panic"));
    latencies.sort_unstable();
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!(
        "| {name} | {} | {} | {} | {:.0} | {:.0} | {} |",
        latencies.len(),
        latencies.len() * IMAGES,
        count.disturbances.load(Ordering::Relaxed),
        at(50),
        at(99),
        count.peak.load(Ordering::Relaxed) >> 20,
    );
}

/// POPCORN_SOAK_SECONDS (60) in all, in rounds through all attacks.
#[test]
#[ignore = "a minute"]
fn honest_clients_are_served_whatever_others_do() {
    alone("soak::honest_clients_are_served_whatever_others_do", || {
        let seconds =
            std::env::var("POPCORN_SOAK_SECONDS").map_or(60, |text| text.parse().expect("a number"));
        let rounds = (seconds / 60).clamp(2, 20);
        let each = Duration::from_secs(seconds).div_f64((rounds * ATTACKS.len() as u64) as f64);
        let site = Site::new(Kind { keeps: true, ..Kind::SHARED }, PATIENCE);
        site.ask_honestly().expect("an answer");
        thread::sleep(Duration::from_millis(200)); // What that session held goes back.
        let before = Held::now();
        let counts: [Count; ATTACKS.len()] = std::array::from_fn(|_| Count::default());
        let mut first = 0;
        for round in 0..rounds {
            for ((_, attacks), count) in ATTACKS.iter().zip(&counts) {
                under(attacks, &site, each, count);
                before.comes_back();
                site.departed();
            }
            if round == 0 {
                first = memory();
            }
        }
        println!("| beside | honest sessions | images | disturbances | median ms | p99 ms | peak MB |");
        println!("|---|---|---|---|---|---|---|");
        ATTACKS.iter().zip(&counts).for_each(|((name, _), count)| line(name, count));
        let last = memory();
        println!(
            "{rounds} rounds; {before:?} after each attack; memory {} MB after the first round, {} MB at the end; no honest session failed, no wrong answer",
            first >> 20,
            last >> 20
        );
        assert!(last <= first + SLACK, "memory grew from {first} to {last}");
        site.close();
    });
}
