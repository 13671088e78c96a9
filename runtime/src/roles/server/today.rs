//! What clients have asked for on a day, and the text of it: the day, then lines, of which a client's last one holds.

use std::collections::HashMap;

/// What was asked for on a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Today {
    /// Since 1970.
    pub(super) day: u64,
    spent: HashMap<String, Spent>,
}

/// Of how many inferences something was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) preparations: u64,
    pub(super) inferences: u64,
}

impl Today {
    /// What `client` has asked for, if it has asked for anything.
    pub(super) fn spent(&self, client: &str) -> Option<Spent> {
        self.spent.get(client).copied()
    }

    /// Clients that have asked for something.
    pub(super) fn clients(&self) -> usize {
        self.spent.len()
    }

    /// Begins anew where `day` is a later one. An earlier one changes nothing.
    pub(super) fn turn_to(&mut self, day: u64) {
        if day > self.day {
            *self = Self { day, spent: HashMap::new() };
        }
    }

    /// Counts what `client` asks for.
    pub(super) fn add(&mut self, client: &str, asked: Spent) {
        let spent = self.spent(client).unwrap_or_default().plus(asked);
        self.spent.insert(client.to_owned(), spent);
    }

    /// Counts no more what was [added](Self::add).
    pub(super) fn take_back(&mut self, client: &str, asked: Spent) {
        let Some(spent) = self.spent.get_mut(client) else { return };
        *spent = spent.minus(asked);
        if *spent == Spent::default() {
            self.spent.remove(client);
        }
    }

    /// The day, and a line for each client.
    pub(super) fn to_text(&self) -> String {
        let lines = self.spent.iter().map(|(client, &spent)| line(client, spent));
        std::iter::once(format!("{}\n", self.day)).chain(lines).collect()
    }

    /// The lines of these clients.
    pub(super) fn lines<'a>(&self, clients: impl Iterator<Item = &'a str>) -> String {
        clients.filter_map(|client| Some(line(client, self.spent(client)?))).collect()
    }

    /// Reads a text, without what follows the last end of a line.
    pub(super) fn parse(text: &str) -> Option<Self> {
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

impl Spent {
    /// Both together, as far as numbers go.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            preparations: self.preparations.saturating_add(other.preparations),
            inferences: self.inferences.saturating_add(other.inferences),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            preparations: self.preparations.saturating_sub(other.preparations),
            inferences: self.inferences.saturating_sub(other.inferences),
        }
    }
}

/// Preparations, inferences, who.
fn line(client: &str, Spent { preparations, inferences }: Spent) -> String {
    format!("{preparations} {inferences} {client}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Spent = Spent { preparations: 1, inferences: 2 };

    #[test]
    fn texts_are_read_up_to_the_last_whole_line() {
        let mut today = Today { day: 9, ..Today::default() };
        today.add("token alice", ONE);
        let before = today.to_text();
        assert_eq!(before, "9\n1 2 token alice\n");
        today.add("token alice", ONE);
        let text = before.clone() + &today.lines(["token alice", "token bob"].into_iter());
        assert_eq!(text, "9\n1 2 token alice\n2 4 token alice\n");
        assert_eq!(Today::parse(&text).unwrap(), today, "a client's last line holds");
        for end in before.len()..text.len() {
            let cut = Today::parse(&text[..end]).unwrap();
            assert_eq!(cut.spent("token alice"), Some(ONE), "cut to {end}");
        }
        let senseless = ["", "9", "x\n", "9\nnonsense\n", "9\n1 x\n", "9\n1 x y\n"];
        assert!(senseless.iter().all(|text| Today::parse(text).is_none()));
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let mut today = Today::default();
        today.turn_to(9);
        let before = today.clone();
        today.add("token alice", ONE);
        today.add("token alice", ONE);
        today.take_back("token alice", ONE);
        assert_eq!(today.spent("token alice"), Some(ONE));
        today.take_back("token alice", ONE);
        today.take_back("token bob", ONE);
        assert_eq!(today, before);
    }

    #[test]
    fn days_only_go_on() {
        let mut today = Today::default();
        today.turn_to(9);
        today.add("token alice", ONE);
        for day in [9, 8, 0] {
            today.turn_to(day);
            assert_eq!((today.day, today.clients()), (9, 1));
        }
        today.turn_to(10);
        assert_eq!((today.day, today.clients()), (10, 0));
    }
}
