use super::super::ledger::{LedgerFile, Opened, Storage};
use super::*;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle, scope, yield_now};
use std::time::{Duration, Instant};

const DAY: u64 = 9;
/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Written,
    /// After half of it.
    Fails,
    Panics,
}

/// A file of which each write tells that it has begun, and waits for its fate.
struct Staged {
    file: LedgerFile,
    path: PathBuf,
    begun: Sender<()>,
    fates: Receiver<Fate>,
    syncs: Arc<AtomicUsize>,
}

impl Staged {
    fn write(&mut self, text: &str, write: impl FnOnce(&mut LedgerFile) -> Result<()>) -> Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        // A test that has ended lets everything be written.
        let _ = self.begun.send(());
        let fate = self.fates.recv().unwrap_or(Fate::Written);
        if matches!(fate, Fate::Written) {
            return write(&mut self.file);
        }
        let mut half = File::options().append(true).open(&self.path).unwrap();
        half.write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
        assert!(matches!(fate, Fate::Fails), "a write that panics");
        Err(Error::io("cannot write budgets", io::ErrorKind::StorageFull.into()))
    }
}

impl Storage for Staged {
    fn append(&mut self, lines: &str) -> Result<()> {
        self.write(lines, |file| file.append(lines))
    }

    fn replace(&mut self, text: &str) -> Result<()> {
        self.write(text, |file| file.replace(text))
    }
}

/// Who says what becomes of writes. When it is dropped, all that are left are written.
struct Director {
    begun: Receiver<()>,
    fates: Sender<Fate>,
}

impl Director {
    /// Waits until a write has begun.
    fn wait(&self) {
        self.begun.recv_timeout(PATIENCE).expect("a write begins");
    }

    fn decide(&self, fate: Fate) {
        self.fates.send(fate).unwrap();
    }
}

/// Groups over a staged file, who directs it, and how often it was written.
fn staged(path: &Path) -> (Groups, Director, Arc<AtomicUsize>) {
    let (tell, begun) = channel();
    let (fates, script) = channel();
    let syncs = Arc::new(AtomicUsize::new(0));
    let file = LedgerFile::lock(path).unwrap();
    let storage = Staged { file, path: path.into(), begun: tell, fates: script, syncs: syncs.clone() };
    let mut today = Today::default();
    today.turn_to(DAY);
    let groups = Groups::new(today, Some(Ledger::new(Box::new(storage))));
    (groups, Director { begun, fates }, syncs)
}

fn ask(groups: &Groups, day: u64, client: &str) -> Result<()> {
    groups.count(day, client, Spent { preparations: 0, inferences: 1 }, |_| Ok(()))
}

/// Waits until so many have joined the group that is written next, for which nobody who writes holds the lock.
fn wait_for(groups: &Groups, members: usize) {
    let start = Instant::now();
    while groups.book.try_lock().map_or(0, |book| book.next.members.len()) < members {
        assert!(start.elapsed() < PATIENCE, "{members} join a group");
        yield_now();
    }
}

fn asked(today: &Today, client: &str) -> u64 {
    today.spent(client).unwrap_or_default().inferences
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    groups: &'scope Groups,
    client: &'static str,
) -> ScopedJoinHandle<'scope, Result<()>> {
    scope.spawn(move || ask(groups, DAY, client))
}

/// Requests that are of one group, while another is written.
fn spawn_all<'scope, const N: usize>(
    scope: &'scope Scope<'scope, '_>,
    groups: &'scope Groups,
    clients: [&'static str; N],
) -> [ScopedJoinHandle<'scope, Result<()>>; N] {
    let threads = clients.map(|client| spawn(scope, groups, client));
    wait_for(groups, N);
    threads
}

fn join(thread: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap()
}

#[test]
fn one_sync_serves_all_who_ask_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets");
    let (groups, director, syncs) = staged(&path);
    let groups = &groups;
    scope(|scope| {
        let director = director;
        let first = scope.spawn(|| ask(groups, DAY, "token 0"));
        director.wait();
        let others: Vec<_> =
            (1..16).map(|n| scope.spawn(move || ask(groups, DAY, &format!("token {}", n % 4)))).collect();
        wait_for(groups, others.len());
        assert!(!first.is_finished(), "it begins when it is written down");
        director.decide(Fate::Written);
        director.wait();
        join(first).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2, "the first alone is written");
        assert!(others.iter().all(|other| !other.is_finished()), "these are not");
        director.decide(Fate::Written);
        others.into_iter().for_each(|other| join(other).unwrap());
    });
    assert_eq!(syncs.load(Ordering::Relaxed), 2, "for 16 requests");
}

#[test]
fn requests_of_many_threads_are_counted_exactly_and_on_disk_before_they_begin() {
    const THREADS: u64 = 16;
    const REQUESTS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets");
    let Opened { ledger, today, .. } = Ledger::open(&path, DAY).unwrap();
    let groups = Groups::new(today, Some(ledger));
    let permit = |today: &Today| {
        let left = asked(today, "token all") < THREADS * REQUESTS / 2;
        left.then_some(()).ok_or(Error::OverBudget("inferences"))
    };
    let served = AtomicUsize::new(0);
    scope(|scope| {
        for thread in 0..THREADS {
            let (groups, path, served) = (&groups, &path, &served);
            scope.spawn(move || {
                let own = format!("token {thread}");
                for count in 1..=REQUESTS {
                    ask(groups, DAY, &own).unwrap();
                    let text = std::fs::read_to_string(path).unwrap();
                    assert_eq!(asked(&Today::parse(&text).unwrap(), &own), count, "{own}");
                    let one = Spent { preparations: 0, inferences: 1 };
                    served.fetch_add(
                        groups.count(DAY, "token all", one, permit).is_ok().into(),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    let counted = groups.look(Clone::clone);
    drop(groups);
    let Opened { today, .. } = Ledger::open(&path, DAY).unwrap();
    assert_eq!(today, counted);
    assert!((0..THREADS).all(|thread| asked(&today, &format!("token {thread}")) == REQUESTS));
    assert_eq!(asked(&today, "token all"), THREADS * REQUESTS / 2, "no more than is permitted");
    assert_eq!(served.into_inner() as u64, THREADS * REQUESTS / 2);
}

#[test]
fn of_a_group_that_cannot_be_written_nobody_begins_and_nothing_is_counted() {
    for fate in [Fate::Fails, Fate::Panics] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let (groups, director, syncs) = staged(&path);
        let groups = &groups;
        scope(|scope| {
            let director = director;
            let first = spawn(scope, groups, "token alice");
            director.wait();
            let failing = spawn_all(scope, groups, ["token bob", "token alice", "token bob"]);
            director.decide(Fate::Written);
            director.wait();
            let next = spawn_all(scope, groups, ["token carol", "token alice"]);
            director.decide(fate);
            director.wait();
            let counted = groups.look(Clone::clone);
            director.decide(Fate::Written);
            join(first).unwrap();
            for outcome in failing.into_iter().map(join) {
                match (fate, outcome.unwrap_err()) {
                    (Fate::Fails, Error::Io { what, source }) => {
                        assert_eq!(
                            (&*what, source.kind()),
                            ("cannot write budgets", io::ErrorKind::StorageFull)
                        );
                    }
                    (Fate::Panics, Error::Bug(what)) => assert!(what.ends_with("panicked"), "{what}"),
                    (_, error) => panic!("{fate:?}: {error}"),
                }
            }
            next.into_iter().for_each(|next| join(next).unwrap());
            let counts = ["token alice", "token bob", "token carol"].map(|client| asked(&counted, client));
            assert_eq!(counts, [2, 0, 1], "{fate:?}");
        });
        ask(groups, DAY, "token bob").unwrap();
        assert_eq!(syncs.load(Ordering::Relaxed), 4);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(Today::parse(&text).unwrap(), groups.look(Clone::clone), "{fate:?}");
    }
}

#[test]
fn a_day_that_begins_while_somebody_writes_begins_with_its_own_requests() {
    for fate in [Fate::Written, Fate::Fails] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        std::fs::write(&path, "").unwrap();
        let (groups, director, _) = staged(&path);
        let groups = &groups;
        scope(|scope| {
            let director = director;
            let old = scope.spawn(|| ask(groups, DAY, "token alice"));
            director.wait();
            let late = scope.spawn(|| ask(groups, DAY, "token bob"));
            wait_for(groups, 1);
            let new = scope.spawn(|| ask(groups, DAY + 1, "token alice"));
            wait_for(groups, 2);
            director.decide(fate);
            director.wait();
            director.decide(Fate::Written);
            assert_eq!(join(old).is_ok(), matches!(fate, Fate::Written));
            join(late).unwrap();
            join(new).unwrap();
        });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "10\n0 1 token alice\n", "{fate:?}");
        assert_eq!(groups.look(|today| (today.day, asked(today, "token alice"))), (DAY + 1, 1), "{fate:?}");
    }
}

#[test]
fn whole_lines_of_a_group_that_was_cut_off_count() {
    const CLIENTS: [&str; 3] = ["token alice", "token bob", "address 192.0.2.1"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets");
    let (groups, director, _) = staged(&path);
    let groups = &groups;
    let before = scope(|scope| {
        let director = director;
        let first = spawn(scope, groups, "token alice");
        director.wait();
        let others = spawn_all(scope, groups, CLIENTS);
        director.decide(Fate::Written);
        director.wait();
        join(first).unwrap();
        let before = std::fs::read_to_string(&path).unwrap();
        director.decide(Fate::Written);
        others.into_iter().for_each(|other| join(other).unwrap());
        before
    });
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&before));
    let crashed = folder.path().join("crashed");
    for end in before.len()..=after.len() {
        std::fs::write(&crashed, &after[..end]).unwrap();
        let Opened { today, .. } = Ledger::open(&crashed, DAY).unwrap();
        let counted: u64 = CLIENTS.iter().map(|client| asked(&today, client)).sum();
        let whole = after[before.len()..end].matches('\n').count() as u64;
        assert_eq!(counted, 1 + whole, "cut to {end} bytes");
    }
}
