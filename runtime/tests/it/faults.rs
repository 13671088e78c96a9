//! Whole sessions over lines with a fault, of both suites, with TLS and without: each ends in the right answers or in a typed error
//! of both parties, in bounded time; the server goes on serving, and descriptors and threads come back.

use crate::support::alone::{Held, alone};
use crate::support::fault::{Fault, mixed};
use crate::support::line::Line;
use crate::support::site::{Kind, Site, is_the_peers};
use std::fmt;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long parties wait for each other.
const PATIENCE: Duration = Duration::from_secs(3);
/// Sessions at a time: most that fail do so by waiting.
const AT_ONCE: usize = 12;

/// A fault in one direction; the parts that the line passes on.
#[derive(Clone, Copy, Debug)]
struct Trial {
    by_client: bool,
    fault: Fault,
    part: usize,
}

/// What became of sessions. Wrong answers panic.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    right: usize,
    failed: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { right, failed } = self;
        write!(
            f,
            "{} faults in as many sessions: {right} right answers, {failed} typed errors, 0 wrong answers",
            right + failed
        )
    }
}

/// One session with its fault.
fn attempt(site: &Site, trial: Trial) -> Tally {
    let Trial { by_client, fault, part } = trial;
    let faults = if by_client { [Some(fault), None] } else { [None, Some(fault)] };
    let line = Line::new(&site.address, faults, part);
    let outcome = site.ask(&line.address);
    line.finish();
    match outcome {
        Ok(()) => Tally { right: 1, failed: 0 },
        Err(error) => {
            assert!(is_the_peers(&error), "{trial:?}: {error:?}");
            assert!(!matches!(fault, Fault::Delay { .. }), "{trial:?}: {error:?}");
            Tally { right: 0, failed: 1 }
        }
    }
}

/// All of them, some at a time.
fn attempt_all(site: &Site, trials: &[Trial]) -> Tally {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        while let Some(&trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            tally += attempt(site, trial);
        }
        tally
    };
    let mut all = Tally::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| all += worker.join().expect("no wrong answer"));
    });
    all
}

/// What an honest session sends, by client and server.
fn honest(site: &Site) -> [u64; 2] {
    let line = Line::new(&site.address, [None, None], 1 << 14);
    site.ask(&line.address).expect("a line without a fault");
    line.finish()
}

/// The `number`-th trial of a site whose sessions have so many bytes.
fn drawn(number: u64, bytes: [u64; 2]) -> Trial {
    let by_client = number.is_multiple_of(2);
    let fault = Fault::drawn(number, bytes[usize::from(!by_client)]);
    Trial { by_client, fault, part: 1 + (mixed(number ^ 0x9a27) % 1460) as usize }
}

/// Sites of both suites, with TLS and without, and one where what sessions leave is kept for those after them; with what their
/// sessions send.
fn sites() -> Vec<(&'static str, Site, [u64; 2])> {
    let kinds = [
        ("blinded", Kind::BLINDED),
        ("blinded, TLS", Kind { tls: true, ..Kind::BLINDED }),
        ("shared", Kind::SHARED),
        ("shared, TLS", Kind { tls: true, ..Kind::SHARED }),
        ("shared, stores", Kind { keeps: true, ..Kind::SHARED }),
    ];
    let started = kinds.map(|(name, kind)| {
        let site = Site::new(kind, PATIENCE);
        let bytes = honest(&site);
        (name, site, bytes)
    });
    started.into()
}

/// Tries what `trials` gives for each site; afterwards each serves on, and nothing is held that was not before.
fn endure(trials: impl Fn(&str, [u64; 2]) -> Vec<Trial> + Sync) {
    let sites = sites();
    thread::sleep(Duration::from_millis(200)); // What the honest sessions held goes back.
    let before = Held::now();
    thread::scope(|scope| {
        for (name, site, bytes) in &sites {
            let trials = &trials;
            scope.spawn(move || {
                println!("{name}: {}", attempt_all(site, &trials(name, *bytes)));
                site.ask_honestly().expect("the next client is served");
            });
        }
    });
    before.comes_back();
    for (name, site, _) in sites {
        assert!(site.departed() > 0);
        assert_eq!(site.recalled() > 0, name.ends_with("stores"), "{name}");
        site.close();
    }
}

#[test]
fn a_few_faults() {
    alone("faults::a_few_faults", || endure(|_, bytes| (0..24).map(|number| drawn(number, bytes)).collect()));
}

/// Without TLS every POPCORN_EVERY-th byte (of suite `blinded` each, of `shared` the 29th) is where the line is cut, in each
/// direction; bits flip at as many places; and POPCORN_FAULTS (1000) drawn faults of all kinds at each site.
#[test]
#[ignore = "minutes"]
fn many_faults() {
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    alone("faults::many_faults", || {
        endure(|name, bytes| {
            let every = number("POPCORN_EVERY", if name.starts_with("blinded") { 1 } else { 29 });
            let systematic =
                [true, false].into_iter().filter(|_| !name.ends_with("TLS")).flat_map(|by_client| {
                    let places = (0..bytes[usize::from(!by_client)]).step_by(every as usize);
                    places.flat_map(move |at| {
                        [Fault::Cut { at }, Fault::Change { at, bits: 1 << (at % 8) }].map(|fault| Trial {
                            by_client,
                            fault,
                            part: 1460,
                        })
                    })
                });
            systematic.chain((0..number("POPCORN_FAULTS", 1000)).map(|number| drawn(number, bytes))).collect()
        });
    });
}
