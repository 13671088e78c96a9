//! How much a server does for each client in a day.
//!
//! Preparations and answers are counted when they are asked for, and written down before they are begun: a server that is started
//! again, or stops anywhere, forgives nothing. Days are those of UTC, as the machine's clock told them when the server began; whoever
//! sets that clock while it runs gives nobody a new budget.

use super::super::watch::{Caller, Done, customer};
use super::clock::Clock;
use super::groups::Groups;
use super::ledger::{Ledger, Opened};
use super::today::{Spent, Today};
use crate::error::{Error, Result};
use crate::plan::Hexadecimal;
use std::path::PathBuf;

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
    clock: Clock,
    groups: Groups,
    days_ahead: u64,
}

impl Budgets {
    /// With what is written at `path`, if there is a file, which is kept up to date; without a path all is forgotten when the
    /// process ends.
    ///
    /// What was written on a day that is still to come ([`days_ahead`](Self::days_ahead)) counts for today.
    ///
    /// # Errors
    /// The file cannot be read or written, is none of these, or another process has it open.
    pub fn open(allowance: Allowance, path: Option<PathBuf>) -> Result<Self> {
        Self::open_by(Clock::of_system(), allowance, path)
    }

    fn open_by(clock: Clock, allowance: Allowance, path: Option<PathBuf>) -> Result<Self> {
        let (groups, days_ahead) = match path {
            None => (Groups::new(Today::default(), None), 0),
            Some(path) => {
                let Opened { ledger, today, days_ahead } = Ledger::open(&path, clock.day())?;
                (Groups::new(today, Some(ledger)), days_ahead)
            }
        };
        Ok(Self { allowance, clock, groups, days_ahead })
    }

    /// Days from today to the one that the file was written on, where that one was still to come when it was opened: this machine's
    /// clock is wrong, or was. Otherwise 0.
    pub const fn days_ahead(&self) -> u64 {
        self.days_ahead
    }

    /// Counts what the client asks for; it is written down when this returns.
    ///
    /// # Errors
    /// [`Error::OverBudget`], or the file cannot be written; nothing is counted then.
    pub(super) fn spend(&self, caller: &Caller, asked: Done) -> Result<()> {
        self.spend_as(&identity(caller), asked)
    }

    /// What is left for the client today.
    pub(super) fn left(&self, caller: &Caller) -> Allowance {
        self.left_as(&identity(caller))
    }

    fn left_as(&self, client: &str) -> Allowance {
        let day = self.clock.day();
        let counted = self.groups.look(|today| today.spent(client).filter(|_| today.day >= day));
        let spent = counted.unwrap_or_default();
        let Allowance { preparations, inferences } = self.allowance;
        Allowance {
            preparations: preparations.map(|most| most.saturating_sub(spent.preparations)),
            inferences: inferences.map(|most| most.saturating_sub(spent.inferences)),
        }
    }

    fn spend_as(&self, client: &str, asked: Done) -> Result<()> {
        let asked = Spent::of(asked);
        if asked == Spent::default() {
            return Ok(());
        }
        self.groups
            .count(self.clock.day(), client, asked, |today| self.allowance.permit(today, client, asked))
    }
}

impl Allowance {
    /// # Errors
    /// [`Error::OverBudget`] where what `client` asks for is too much for today.
    fn permit(&self, today: &Today, client: &str, asked: Spent) -> Result<()> {
        let known = today.spent(client);
        if known.is_none() && today.clients() >= MAX_CLIENTS {
            return Err(Error::OverBudget("new clients"));
        }
        let spent = known.unwrap_or_default().plus(asked);
        let exceeds = |count: u64, most: Option<u64>| most.is_some_and(|most| count > most);
        if exceeds(spent.preparations, self.preparations) {
            return Err(Error::OverBudget("preparations"));
        }
        if exceeds(spent.inferences, self.inferences) {
            return Err(Error::OverBudget("inferences"));
        }
        Ok(())
    }
}

impl Spent {
    /// As far as there is a budget for it.
    const fn of(asked: Done) -> Self {
        let (preparations, inferences) = match asked {
            Done::Prepared(count) => (count, 0),
            Done::Answered(count) => (0, count),
            Done::Kept(_) | Done::Taken(_) => (0, 0),
        };
        Self { preparations, inferences }
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

#[cfg(test)]
mod tests;
