//! What clients have asked for today, in a file that one process has open: the day, then a line for each request, of which a client's
//! last one holds. A line that was cut off when the process ended belongs to a request that was never begun.

use crate::error::{Error, InvalidInput, Result};
use crate::files::{lock, replace_private};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Lines beyond two for each client after which the file is written anew.
const SPARE_LINES: usize = 1000;
/// Bytes of the file at most: more than two lines for each of as many clients as are counted.
const MOST_BYTES: u64 = 64 << 20;

/// What was asked for on a day.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Today {
    /// Since 1970.
    pub(super) day: u64,
    pub(super) spent: HashMap<String, Spent>,
}

/// What one client has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) preparations: u64,
    pub(super) inferences: u64,
}

/// The file.
pub(super) struct Ledger {
    path: PathBuf,
    _lock: File,
    /// Where lines are added; `None` if the file is to be written anew.
    lines: Option<File>,
    count: usize,
}

impl Ledger {
    /// What the file says, and the file; empty if there is none.
    ///
    /// # Errors
    /// Another process has it, it is no such file, it is of a day after `day`, or it cannot be read or written.
    pub(super) fn open(path: &Path, day: u64) -> Result<(Self, Today)> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = lock(Path::new(&name), "another process counts in these budgets")?;
        let today = match read(path) {
            Ok(text) => {
                Today::parse(&text).ok_or_else(|| InvalidInput::file(path, "it is no file of budgets"))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Today::default(),
            Err(error) => return Err(Error::cannot("read", path, error)),
        };
        // A day is not far: clocks of two machines, or a server that is moved to the next time zone's date.
        if today.day > day + 1 {
            let what = format!(
                "it is {} days ahead of this machine's clock; remove it if the clock was wrong when it was written",
                today.day - day
            );
            return Err(InvalidInput::file(path, what).into());
        }
        let mut ledger = Self { path: path.into(), _lock: lock, lines: None, count: 0 };
        ledger.write(&today)?; // better now than before the first client
        Ok((ledger, today))
    }

    /// Writes down what `client` has asked for by now, on the disk when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn note(&mut self, today: &Today, client: &str) -> Result<()> {
        let Some(file) = self.lines.as_mut().filter(|_| self.count < 2 * today.spent.len() + SPARE_LINES)
        else {
            return self.write(today);
        };
        let line = line(client, today.spent.get(client).copied().unwrap_or_default());
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        self.count += 1;
        written.map_err(|error| {
            self.lines = None; // half a line may be there
            Error::cannot("write", &self.path, error)
        })
    }

    /// The next request writes everything anew.
    #[cfg(test)]
    pub(super) fn forget_file(&mut self) {
        self.lines = None;
    }

    /// Writes everything anew, as on another day.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&mut self, today: &Today) -> Result<()> {
        self.lines = None;
        replace_private(&self.path, today.to_text().as_bytes())?;
        let opened = File::options().append(true).open(&self.path);
        let failed = |error| Error::cannot("open", &self.path, error);
        self.lines = Some(opened.map_err(failed)?);
        self.count = today.spent.len();
        Ok(())
    }
}

impl Today {
    /// The day, then a line for each client.
    fn to_text(&self) -> String {
        let lines = self.spent.iter().map(|(client, &spent)| line(client, spent));
        std::iter::once(format!("{}\n", self.day)).chain(lines).collect()
    }

    /// Reads a file, without what follows the last end of a line.
    fn parse(text: &str) -> Option<Self> {
        let (whole, _) = text.rsplit_once('\n')?;
        let mut lines = whole.split('\n');
        let day = lines.next()?.parse().ok()?;
        let line = |line: &str| {
            let (preparations, rest) = line.split_once(' ')?;
            let (inferences, client) = rest.split_once(' ')?;
            let spent =
                Spent { preparations: preparations.parse().ok()?, inferences: inferences.parse().ok()? };
            Some((client.to_owned(), spent))
        };
        Some(Self { day, spent: lines.map(line).collect::<Option<_>>()? })
    }
}

/// The file's text, or the beginning of one that is too long to be a file of budgets.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Preparations, inferences, who.
fn line(client: &str, Spent { preparations, inferences }: Spent) -> String {
    format!("{preparations} {inferences} {client}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(today: &mut Today, client: &str, inferences: u64) {
        today.spent.insert(client.into(), Spent { preparations: 1, inferences });
    }

    #[test]
    fn requests_are_there_after_any_end_and_the_file_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let (mut ledger, mut today) = Ledger::open(&path, 9).unwrap();
        today.day = 9;
        ledger.write(&today).unwrap();
        for inferences in 0..3000 {
            spent(&mut today, "token alice", inferences);
            ledger.note(&today, "token alice").unwrap();
        }
        spent(&mut today, "token bob", 1);
        ledger.note(&today, "token bob").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() < SPARE_LINES + 10);
        assert_eq!(Today::parse(&text).unwrap(), today);
        // The last request's line is whole or not there.
        let before = text.len() - "1 1 token bob\n".len();
        for end in before..text.len() {
            let cut = Today::parse(&text[..end]).unwrap();
            assert_eq!((cut.spent.len(), cut.day), (1, 9), "cut to {end}");
        }
        assert!(
            ["", "9", "x\n", "9\nnonsense\n", "9\n1 x\n"].iter().all(|text| Today::parse(text).is_none())
        );
    }

    #[test]
    fn one_process_has_the_file_and_it_is_not_of_the_future() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let first = Ledger::open(&path, 9).unwrap();
        assert!(Ledger::open(&path, 9).is_err_and(|error| error.to_string().contains("another process")));
        drop(first);
        std::fs::write(&path, "12\n").unwrap();
        assert!(Ledger::open(&path, 9).is_err_and(|error| error.to_string().contains("3 days ahead")));
        assert!(Ledger::open(&path, 11).is_ok());
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let (mut ledger, mut today) = Ledger::open(&path, 9).unwrap();
        ledger.lines = Some(File::open(&path).unwrap()); // which cannot be written
        spent(&mut today, "token alice", 1);
        assert!(ledger.note(&today, "token alice").is_err());
        spent(&mut today, "token alice", 2);
        ledger.note(&today, "token alice").unwrap();
        assert_eq!(Today::parse(&std::fs::read_to_string(&path).unwrap()).unwrap(), today);
    }
}
