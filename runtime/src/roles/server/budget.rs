//! How much a server does for each client in a day.
//!
//! Preparations and answers are counted when they are asked for, and written down before they are begun: a server that is started
//! again, or stops anywhere, forgives nothing. Days are those of UTC.

use super::super::watch::{Caller, Done, customer};
use crate::error::{Error, InvalidInput, Result};
use crate::files::replace_private;
use crate::plan::Hexadecimal;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_OF_A_DAY: u64 = 86_400;
/// Clients that are counted in a day at most; who comes after them has no budget.
const MAX_CLIENTS: usize = 100_000;

/// What a client may ask for in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Inferences to be prepared (suite `shared`).
    pub preparations: Option<u64>,
    /// Images to be answered.
    pub inferences: Option<u64>,
}

/// What every client has asked for today.
pub struct Budgets {
    allowance: Allowance,
    path: Option<PathBuf>,
    today: Mutex<Today>,
}

#[derive(Default)]
struct Today {
    /// Since 1970.
    day: u64,
    spent: HashMap<String, Spent>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    preparations: u64,
    inferences: u64,
}

impl Budgets {
    /// With what is written at `path`, if there is a file, which is kept up to date; without a path all is forgotten when the
    /// process ends.
    ///
    /// # Errors
    /// The file cannot be read, or is none of these.
    pub fn open(allowance: Allowance, path: Option<PathBuf>) -> Result<Self> {
        let today = match &path {
            Some(path) if path.exists() => {
                let text = std::fs::read_to_string(path);
                let text =
                    text.map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
                Today::parse(&text).ok_or_else(|| InvalidInput::File {
                    path: path.clone(),
                    what: "it is no file of budgets".into(),
                })?
            }
            _ => Today::default(),
        };
        if let Some(path) = &path {
            replace_private(path, today.to_text().as_bytes())?; // better now than before the first client
        }
        Ok(Self { allowance, path, today: Mutex::new(today) })
    }

    /// Counts what the client asks for.
    ///
    /// # Errors
    /// [`Error::OverBudget`], and then nothing is counted; or the file cannot be written.
    pub(super) fn spend(&self, caller: &Caller, asked: Done) -> Result<()> {
        self.spend_on(today(), &identity(caller), asked)
    }

    fn spend_on(&self, day: u64, client: &str, asked: Done) -> Result<()> {
        if !matches!(asked, Done::Prepared(1..) | Done::Answered(1..)) {
            return Ok(());
        }
        let mut today = self.today();
        // A clock that is set back gives nobody a new budget.
        if day > today.day {
            *today = Today { day, spent: HashMap::new() };
        }
        let known = today.spent.get(client).copied();
        if known.is_none() && today.spent.len() >= MAX_CLIENTS {
            return Err(Error::Busy("many clients today"));
        }
        let spent = known.unwrap_or_default().and(asked);
        let exceeds = |count: u64, most: Option<u64>| most.is_some_and(|most| count > most);
        if exceeds(spent.preparations, self.allowance.preparations) {
            return Err(Error::OverBudget("preparations"));
        }
        if exceeds(spent.inferences, self.allowance.inferences) {
            return Err(Error::OverBudget("inferences"));
        }
        today.spent.insert(client.to_owned(), spent);
        match &self.path {
            Some(path) => replace_private(path, today.to_text().as_bytes()),
            None => Ok(()),
        }
    }

    /// Nothing panics while it holds the lock.
    fn today(&self) -> MutexGuard<'_, Today> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    const fn and(self, asked: Done) -> Self {
        let Self { preparations, inferences } = self;
        match asked {
            Done::Prepared(count) => Self { preparations: preparations.saturating_add(count), inferences },
            Done::Answered(count) => Self { preparations, inferences: inferences.saturating_add(count) },
            Done::Kept(_) | Done::Taken(_) => self,
        }
    }
}

impl Today {
    /// The day, then a line for each client: preparations, inferences, who.
    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.day);
        for (client, Spent { preparations, inferences }) in &self.spent {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{preparations} {inferences} {client}");
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (day, clients) = text.split_once('\n')?;
        let line = |line: &str| {
            let (preparations, rest) = line.split_once(' ')?;
            let (inferences, client) = rest.split_once(' ')?;
            let spent =
                Spent { preparations: preparations.parse().ok()?, inferences: inferences.parse().ok()? };
            Some((client.to_owned(), spent))
        };
        Some(Self { day: day.parse().ok()?, spent: clients.lines().map(line).collect::<Option<_>>()? })
    }
}

/// What the client is known by: its token's name, else its certificate, else its [address](customer).
fn identity(caller: &Caller) -> String {
    match caller {
        Caller { name: Some(name), .. } => format!("token {name}"),
        Caller { certificate: Some(sha256), .. } => format!("certificate {}", Hexadecimal(sha256)),
        Caller { address: Some(address), .. } => format!("address {}", customer(address.ip())),
        _ => "a stream".into(),
    }
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / SECONDS_OF_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance { preparations: Some(5), inferences: Some(2) };

    #[test]
    fn budgets_are_spent_by_the_day_and_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets");
        let open = || Budgets::open(ALLOWANCE, Some(path.clone())).unwrap();
        let over = |result: Result<()>| matches!(result, Err(Error::OverBudget(_)));
        let budgets = open();
        budgets.spend_on(9, "token alice", Done::Prepared(4)).unwrap();
        assert!(over(budgets.spend_on(9, "token alice", Done::Prepared(2))), "4 and 2 are more than 5");
        budgets.spend_on(9, "token alice", Done::Prepared(1)).unwrap();
        budgets.spend_on(9, "token alice", Done::Taken(9)).unwrap();
        budgets.spend_on(9, "address 192.0.2.1", Done::Answered(2)).unwrap();
        drop(budgets);
        let again = open();
        assert!(over(again.spend_on(9, "token alice", Done::Prepared(1))));
        assert!(over(again.spend_on(9, "address 192.0.2.1", Done::Answered(1))));
        again.spend_on(9, "token alice", Done::Answered(2)).unwrap();
        again.spend_on(10, "token alice", Done::Answered(2)).unwrap();
        assert!(over(again.spend_on(9, "token alice", Done::Answered(1))), "a clock that was set back");
        std::fs::write(&path, "nonsense").unwrap();
        assert!(Budgets::open(ALLOWANCE, Some(path.clone())).is_err());
    }

    #[test]
    fn clients_are_known_by_what_they_cannot_change_at_will() {
        let caller = Caller { address: Some("[2001:db8:1:2:3::4]:9".parse().unwrap()), ..Caller::default() };
        assert_eq!(identity(&caller), "address 2001:db8:1:2::");
        let mapped = Caller { address: Some("[::ffff:192.0.2.7]:9".parse().unwrap()), ..Caller::default() };
        assert_eq!(identity(&mapped), "address 192.0.2.7");
        let certified = Caller { certificate: Some([0xab; 32]), ..caller };
        assert_eq!(identity(&certified), format!("certificate {}", "ab".repeat(32)));
        assert_eq!(identity(&Caller { name: Some("bob".into()), ..certified }), "token bob");
    }
}
