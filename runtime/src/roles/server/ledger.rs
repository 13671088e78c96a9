//! The file in which the day's counts are kept, which one process has. Lines are added to it, many at once, and now and then it is
//! written anew. A line that was cut off when the process ended belongs to a request that was never begun.

use super::today::Today;
use crate::error::{Error, InvalidInput, Result};
use crate::files::{lock, replace_private};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Lines beyond two for each client after which the file is written anew.
const SPARE_LINES: usize = 1000;
/// Bytes of the file at most: more than two lines for each of as many clients as are counted.
const MOST_BYTES: u64 = 64 << 20;

/// Where the text of a ledger lies. What was written is on the disk when a call returns; of a call that failed, a part may be.
pub(super) trait Storage: Send {
    /// Adds lines, with one sync of the disk.
    fn append(&mut self, lines: &str) -> Result<()>;

    /// Writes another text instead: whoever reads it finds the old one or the new one.
    fn replace(&mut self, text: &str) -> Result<()>;
}

/// What is written down, and where.
pub(super) struct Ledger {
    storage: Box<dyn Storage>,
    /// What is there; `None` if it is to be written anew.
    extent: Option<Extent>,
}

/// How much is written.
#[derive(Clone, Copy)]
struct Extent {
    day: u64,
    lines: usize,
}

/// What is to be written, and what is there afterwards.
pub(super) struct Entry {
    text: String,
    is_whole: bool,
    then: Extent,
}

/// A ledger that was opened.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    /// What it says.
    pub(super) today: Today,
    /// Days from today to the one that it was written on, where that one is still to come.
    pub(super) days_ahead: u64,
}

impl Ledger {
    /// What the file says, and the file; empty if there is none. What was written on a day after `day` counts for `day`, so that a
    /// clock that was set back gives nobody a new budget.
    ///
    /// # Errors
    /// Another process has it, it is no such file, or it cannot be read or written.
    pub(super) fn open(path: &Path, day: u64) -> Result<Opened> {
        let file = LedgerFile::lock(path)?;
        let mut today = file.read()?;
        let days_ahead = today.day.saturating_sub(day);
        today.day = today.day.min(day);
        let mut ledger = Self::new(Box::new(file));
        ledger.write(&Entry::whole(&today))?; // better now than before the first client
        Ok(Opened { ledger, today, days_ahead })
    }

    /// A ledger in which everything is still to be written.
    pub(super) fn new(storage: Box<dyn Storage>) -> Self {
        Self { storage, extent: None }
    }

    /// What is to be written after these clients have asked for something: a line for each of them, or everything.
    pub(super) fn entry(&self, today: &Today, clients: &BTreeSet<&str>) -> Entry {
        let most = 2 * today.clients() + SPARE_LINES;
        match self.extent.map(|Extent { day, lines }| Extent { day, lines: lines + clients.len() }) {
            Some(then) if then.day == today.day && then.lines <= most => {
                Entry { text: today.lines(clients.iter().copied()), is_whole: false, then }
            }
            _ => Entry::whole(today),
        }
    }

    /// Writes it down, on the disk when this returns. After what failed everything is written anew.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&mut self, entry: &Entry) -> Result<()> {
        self.extent = None; // until it is whole
        if entry.is_whole {
            self.storage.replace(&entry.text)?;
        } else {
            self.storage.append(&entry.text)?;
        }
        self.extent = Some(entry.then);
        Ok(())
    }
}

impl Entry {
    fn whole(today: &Today) -> Self {
        let then = Extent { day: today.day, lines: today.clients() };
        Self { text: today.to_text(), is_whole: true, then }
    }
}

/// The file that one process has.
pub(super) struct LedgerFile {
    path: PathBuf,
    _lock: File,
}

impl LedgerFile {
    /// # Errors
    /// Another process has it, or the lock beside it cannot be made.
    pub(super) fn lock(path: &Path) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = lock(Path::new(&name), "another process counts in these budgets")?;
        Ok(Self { path: path.into(), _lock: lock })
    }

    fn read(&self) -> Result<Today> {
        let mut text = String::new();
        // Of a file that is too long to be one of budgets, the beginning is read.
        let read = File::open(&self.path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => {
                let today = Today::parse(&text);
                Ok(today.ok_or_else(|| InvalidInput::file(&self.path, "it is no file of budgets"))?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Today::default()),
            Err(error) => Err(Error::cannot("read", &self.path, error)),
        }
    }
}

impl Storage for LedgerFile {
    fn append(&mut self, lines: &str) -> Result<()> {
        // Opened each time, so that nothing is written to a file that was removed.
        let written = File::options().append(true).open(&self.path).and_then(|mut file| {
            file.write_all(lines.as_bytes())?;
            file.sync_data()
        });
        written.map_err(|error| Error::cannot("write", &self.path, error))
    }

    fn replace(&mut self, text: &str) -> Result<()> {
        replace_private(&self.path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::server::today::Spent;

    const ONE: Spent = Spent { preparations: 1, inferences: 1 };

    /// Counts a request of each, and writes it down.
    fn note(ledger: &mut Ledger, today: &mut Today, clients: &[&str]) -> Result<()> {
        clients.iter().for_each(|client| today.add(client, ONE));
        let entry = ledger.entry(today, &clients.iter().copied().collect());
        ledger.write(&entry)
    }

    fn written(path: &Path) -> Today {
        Today::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_file_says_what_was_asked_for_and_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let Opened { mut ledger, mut today, .. } = Ledger::open(&path, 9).unwrap();
        today.turn_to(9);
        for _ in 0..700 {
            note(&mut ledger, &mut today, &["token alice", "token bob", "token alice"]).unwrap();
            assert!(std::fs::read_to_string(&path).unwrap().lines().count() <= SPARE_LINES + 5);
        }
        assert_eq!(written(&path), today);
        let before = std::fs::read_to_string(&path).unwrap();
        note(&mut ledger, &mut today, &["token bob"]).unwrap();
        let after = std::fs::read_to_string(&path).unwrap();
        assert_eq!(after, before + "701 701 token bob\n", "one line for one client");
        // Another day begins with another file.
        today.turn_to(10);
        note(&mut ledger, &mut today, &["token bob"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "10\n1 1 token bob\n");
    }

    #[test]
    fn one_process_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let first = Ledger::open(&path, 9).unwrap();
        assert!(Ledger::open(&path, 9).is_err_and(|error| error.to_string().contains("another process")));
        drop(first);
        assert!(Ledger::open(&path, 9).is_ok());
    }

    #[test]
    fn a_file_of_a_day_to_come_counts_for_today() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        for (text, ahead) in [("12\n1 1 token alice\n", 3), ("9\n1 1 token alice\n", 0)] {
            std::fs::write(&path, text).unwrap();
            let Opened { today, days_ahead, .. } = Ledger::open(&path, 9).unwrap();
            assert_eq!((today.day, today.spent("token alice"), days_ahead), (9, Some(ONE), ahead));
            assert_eq!(written(&path), today);
        }
        std::fs::write(&path, format!("{}\n", u64::MAX)).unwrap();
        assert_eq!(Ledger::open(&path, 9).unwrap().days_ahead, u64::MAX - 9);
        std::fs::write(&path, "8\n1 1 token alice\n").unwrap();
        let Opened { today, days_ahead, .. } = Ledger::open(&path, 9).unwrap();
        assert_eq!((today.day, days_ahead), (8, 0), "of a day that is over");
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let Opened { mut ledger, mut today, .. } = Ledger::open(&path, 9).unwrap();
        std::fs::remove_file(&path).unwrap();
        let failed = note(&mut ledger, &mut today, &["token alice"]);
        assert!(failed.is_err(), "nothing is written to a file that was removed");
        note(&mut ledger, &mut today, &["token bob"]).unwrap();
        assert_eq!(written(&path), today);
    }
}
