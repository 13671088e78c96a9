//! How much a server does for each client in a day.
//!
//! Preparations and answers are counted when they are asked for, and written down before they are begun: a server that is started
//! again, or stops anywhere, forgives nothing. Days are those of UTC.

use super::super::watch::{Caller, Done, customer};
use super::ledger::{Ledger, Spent, Today};
use crate::error::{Error, Result};
use crate::plan::Hexadecimal;
use std::collections::HashMap;
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
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    today: Today,
    /// Where it is written down.
    ledger: Option<Ledger>,
}

impl Budgets {
    /// With what is written at `path`, if there is a file, which is kept up to date; without a path all is forgotten when the
    /// process ends.
    ///
    /// # Errors
    /// The file cannot be read or written, is none of these, is of a day to come, or another process has it open.
    pub fn open(allowance: Allowance, path: Option<PathBuf>) -> Result<Self> {
        let book = match path {
            None => Book::default(),
            Some(path) => {
                let (ledger, today) = Ledger::open(&path, today())?;
                Book { today, ledger: Some(ledger) }
            }
        };
        Ok(Self { allowance, book: Mutex::new(book) })
    }

    /// Counts what the client asks for.
    ///
    /// # Errors
    /// [`Error::OverBudget`], and then nothing is counted; or the file cannot be written.
    pub(super) fn spend(&self, caller: &Caller, asked: Done) -> Result<()> {
        self.spend_on(today(), &identity(caller), asked)
    }

    /// What is left for the client today.
    pub(super) fn left(&self, caller: &Caller) -> Allowance {
        self.left_on(today(), &identity(caller))
    }

    fn left_on(&self, day: u64, client: &str) -> Allowance {
        let Today { day: counted, spent } = &self.book().today;
        let spent = spent.get(client).filter(|_| *counted >= day).copied().unwrap_or_default();
        let Allowance { preparations, inferences } = self.allowance;
        Allowance {
            preparations: preparations.map(|most| most.saturating_sub(spent.preparations)),
            inferences: inferences.map(|most| most.saturating_sub(spent.inferences)),
        }
    }

    fn spend_on(&self, day: u64, client: &str, asked: Done) -> Result<()> {
        if !matches!(asked, Done::Prepared(1..) | Done::Answered(1..)) {
            return Ok(());
        }
        let Book { today, ledger } = &mut *self.book();
        // A clock that is set back gives nobody a new budget.
        if day > today.day {
            *today = Today { day, spent: HashMap::new() };
            ledger.as_mut().map_or(Ok(()), |ledger| ledger.write(today))?;
        }
        let known = today.spent.get(client).copied();
        if known.is_none() && today.spent.len() >= MAX_CLIENTS {
            return Err(Error::OverBudget("new clients"));
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
        ledger.as_mut().map_or(Ok(()), |ledger| ledger.note(today, client))
    }

    /// Nothing panics while it holds the lock.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
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
        let left = |preparations, inferences| Allowance {
            preparations: Some(preparations),
            inferences: Some(inferences),
        };
        let over = |result: Result<()>| matches!(result, Err(Error::OverBudget(_)));
        let budgets = open();
        budgets.spend_on(9, "token alice", Done::Prepared(4)).unwrap();
        assert!(over(budgets.spend_on(9, "token alice", Done::Prepared(2))), "4 and 2 are more than 5");
        budgets.spend_on(9, "token alice", Done::Prepared(1)).unwrap();
        budgets.spend_on(9, "token alice", Done::Taken(9)).unwrap();
        budgets.spend_on(9, "address 192.0.2.1", Done::Answered(2)).unwrap();
        assert_eq!(budgets.left_on(9, "address 192.0.2.1"), left(5, 0));
        assert_eq!(budgets.left_on(10, "address 192.0.2.1"), ALLOWANCE);
        assert!(Budgets::open(ALLOWANCE, Some(path.clone())).is_err(), "another server has the file");
        drop(budgets);
        let again = open();
        assert_eq!(again.left_on(9, "token alice"), left(0, 2));
        assert!(over(again.spend_on(9, "token alice", Done::Prepared(1))));
        assert!(over(again.spend_on(9, "address 192.0.2.1", Done::Answered(1))));
        again.spend_on(9, "token alice", Done::Answered(2)).unwrap();
        again.spend_on(10, "token alice", Done::Answered(2)).unwrap();
        assert!(over(again.spend_on(9, "token alice", Done::Answered(1))), "a clock that was set back");
        drop(again);
        std::fs::write(&path, "nonsense").unwrap();
        assert!(Budgets::open(ALLOWANCE, Some(path.clone())).is_err());
    }

    #[test]
    fn who_comes_after_too_many_clients_is_told_to_come_tomorrow() {
        let budgets = Budgets::open(ALLOWANCE, None).unwrap();
        for client in 0..MAX_CLIENTS {
            budgets.spend_on(9, &client.to_string(), Done::Answered(1)).unwrap();
        }
        let error = budgets.spend_on(9, "one more", Done::Answered(1)).unwrap_err();
        assert_eq!(error.to_string(), "the budget of new clients for a day is spent");
        budgets.spend_on(9, "0", Done::Answered(1)).unwrap();
        budgets.spend_on(10, "one more", Done::Answered(1)).unwrap();
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
