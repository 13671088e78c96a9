use super::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

const ALLOWANCE: Allowance = Allowance { preparations: Some(5), inferences: Some(2) };
const DAY: Duration = Duration::from_secs(86_400);

/// How many days have passed since the servers of a test were started.
#[derive(Clone, Default)]
struct Passed(Arc<AtomicU64>);

impl Passed {
    fn set(&self, days: u64) {
        self.0.store(days, Ordering::Relaxed);
    }

    /// Budgets of a server that is started on `day`.
    fn open(&self, day: u32, path: Option<&Path>) -> Result<Budgets> {
        let passed = self.0.clone();
        let elapsed = move || Duration::from_secs(passed.load(Ordering::Relaxed) * DAY.as_secs());
        Budgets::open_by(Clock::new(UNIX_EPOCH + DAY * day, elapsed), ALLOWANCE, path.map(Into::into))
    }
}

fn left(preparations: u64, inferences: u64) -> Allowance {
    Allowance { preparations: Some(preparations), inferences: Some(inferences) }
}

fn is_over(result: &Result<()>) -> bool {
    matches!(result, Err(Error::OverBudget(_)))
}

#[test]
fn budgets_are_spent_by_the_day_and_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets");
    let passed = Passed::default();
    let open = || passed.open(9, Some(&path));
    let budgets = open().unwrap();
    budgets.spend_as("token alice", Done::Prepared(4)).unwrap();
    assert!(is_over(&budgets.spend_as("token alice", Done::Prepared(2))), "4 and 2 are more than 5");
    budgets.spend_as("token alice", Done::Prepared(1)).unwrap();
    budgets.spend_as("token alice", Done::Taken(9)).unwrap();
    budgets.spend_as("address 192.0.2.1", Done::Answered(2)).unwrap();
    assert_eq!(budgets.left_as("address 192.0.2.1"), left(5, 0));
    assert!(open().is_err(), "another server has the file");
    drop(budgets);
    let again = open().unwrap();
    assert_eq!(again.left_as("token alice"), left(0, 2));
    assert!(is_over(&again.spend_as("token alice", Done::Prepared(1))));
    assert!(is_over(&again.spend_as("address 192.0.2.1", Done::Answered(1))));
    again.spend_as("token alice", Done::Answered(2)).unwrap();
    passed.set(1);
    assert_eq!(again.left_as("address 192.0.2.1"), ALLOWANCE);
    again.spend_as("token alice", Done::Answered(2)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "10\n0 2 token alice\n");
    drop(again);
    std::fs::write(&path, "nonsense").unwrap();
    assert!(open().is_err());
}

#[test]
fn a_clock_that_was_set_back_gives_nobody_a_new_budget_and_refuses_nobody_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budgets");
    let passed = Passed::default();
    // The machine's clock is ahead, and counts are made.
    let ahead = passed.open(30_000, Some(&path)).unwrap();
    ahead.spend_as("token alice", Done::Answered(2)).unwrap();
    assert_eq!(ahead.days_ahead(), 0);
    drop(ahead);
    let budgets = passed.open(9, Some(&path)).unwrap();
    assert_eq!(budgets.days_ahead(), 29_991);
    assert_eq!(budgets.left_as("token alice"), left(5, 0));
    assert!(is_over(&budgets.spend_as("token alice", Done::Answered(1))));
    budgets.spend_as("token bob", Done::Answered(1)).unwrap();
    drop(budgets);
    let again = passed.open(9, Some(&path)).unwrap();
    assert_eq!(again.days_ahead(), 0, "the operator is told once");
    assert_eq!(again.left_as("token bob"), left(5, 1));
    assert!(is_over(&again.spend_as("token alice", Done::Answered(1))));
    passed.set(1);
    assert_eq!(again.left_as("token alice"), ALLOWANCE);
    again.spend_as("token alice", Done::Answered(1)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "10\n0 1 token alice\n");
}

#[cfg(unix)] // where folders of open files may be renamed
#[test]
fn what_cannot_be_written_down_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("of").join("budgets");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let budgets = Passed::default().open(9, Some(&path)).unwrap();
    budgets.spend_as("token alice", Done::Answered(1)).unwrap();
    let hidden = folder.path().join("hidden");
    std::fs::rename(path.parent().unwrap(), &hidden).unwrap();
    for client in ["token alice", "token bob"] {
        assert!(matches!(budgets.spend_as(client, Done::Answered(1)), Err(Error::Io { .. })), "{client}");
    }
    assert_eq!(budgets.left_as("token alice"), left(5, 1));
    assert_eq!(budgets.left_as("token bob"), ALLOWANCE);
    std::fs::rename(&hidden, path.parent().unwrap()).unwrap();
    budgets.spend_as("token alice", Done::Answered(1)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "9\n0 2 token alice\n");
}

#[test]
fn who_comes_after_too_many_clients_is_told_to_come_tomorrow() {
    let passed = Passed::default();
    let budgets = passed.open(9, None).unwrap();
    for client in 0..MAX_CLIENTS {
        budgets.spend_as(&client.to_string(), Done::Answered(1)).unwrap();
    }
    let error = budgets.spend_as("one more", Done::Answered(1)).unwrap_err();
    assert_eq!(error.to_string(), "the budget of new clients for a day is spent");
    budgets.spend_as("0", Done::Answered(1)).unwrap();
    passed.set(1);
    budgets.spend_as("one more", Done::Answered(1)).unwrap();
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
