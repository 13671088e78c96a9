use super::*;
use crate::channel::memory;
use crate::roles::hall::{Bounds, Hall};
use crate::roles::server::Allowance;

#[test]
fn who_is_over_budget_keeps_nothing_from_others() {
    let hall = Hall::within(Bounds { places: 1, core_seconds: 9.0, prepared_bytes: 9 });
    let (ours, _theirs) = memory::pair();
    let (guest, mut connection) = hall.enter(Connection::new(ours, None).unwrap());
    let allowance = Allowance { preparations: Some(1), inferences: None };
    let budgets = Budgets::open(allowance, None).unwrap();
    let visit = Visit::of(guest, Limits::DEFAULT, Caller::default(), Observers::default());
    let mut visit = visit.within(Some(Arc::new(budgets)));
    visit.account.each = 1;
    let mut ask = |count| {
        let expected = Expected { core_seconds: 5.0, ..Expected::NOTHING };
        visit.work(&mut connection, Done::Prepared(count), expected)
    };
    assert!(matches!(ask(2), Err(Error::OverBudget(_))));
    assert_eq!((hall.standing().core_seconds, hall.standing().working), (0.0, 0));
    ask(1).unwrap();
    assert_eq!(hall.standing().core_seconds, 5.0);
}
