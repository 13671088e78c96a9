//! Who finds room in a store, and what gives way to whom.

use super::*;
use std::time::Duration;

#[test]
fn quotas_hold() {
    let folder = tempfile::tempdir().unwrap();
    let open = |quota| Store::open(folder.path(), None, quota).unwrap();
    let store = open(Quota { client_halves: 2, halves: 3, ..Quota::DEFAULT });
    let fits = |store: &Store, client, name| store.put(&label(client, name), &half(0), Origin::Kept).unwrap();
    assert!(fits(&store, 0, 0) && fits(&store, 0, 1) && !fits(&store, 0, 2));
    assert!(fits(&store, 1, 3) && !fits(&store, 2, 4), "halves in all");
    let each = fs::metadata(&halves(folder.path())[0]).unwrap().len();
    drop(store);
    let store = open(Quota { bytes: 4 * each, client_bytes: 3 * each - 1, ..Quota::DEFAULT });
    assert!(!fits(&store, 0, 5) && fits(&store, 1, 6) && !fits(&store, 2, 7));
    store.take(&label(0, 0)).unwrap().unwrap();
    assert!(fits(&store, 2, 7));
    drop(store);
    let store = open(Quota { age: Duration::ZERO, ..Quota::DEFAULT });
    assert!(store.holdings().is_empty() && halves(folder.path()).is_empty(), "too old");
    assert!(fits(&store, 0, 0));
    assert!(store.take(&label(0, 0)).unwrap().is_none() && halves(folder.path()).is_empty());
}

/// Halves of plans that nobody can ask for are kept as long as there is room, and make it, oldest first.
#[test]
fn what_is_not_offered_gives_way() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(folder.path(), None, Quota { halves: 3, client_halves: 2, ..Quota::DEFAULT }).unwrap();
    let other = |client| Owner { plan: PlanId::from_bytes([2; 32]), ..owner(client) };
    let put = |owner: Owner, name| {
        store
            .put(&Label { owner, server: SERVER, name: Name::from_bytes([name; 32]) }, &half(0), Origin::Kept)
            .unwrap()
    };
    assert!(put(other(0), 0) && put(other(1), 1) && put(other(0), 2) && !put(owner(2), 3));
    assert_eq!([store.room(&owner(2), 20), store.room(&owner(0), 20)], [0, 0]);
    store.set_offered(vec![owner(0).plan]);
    assert_eq!(store.room(&owner(2), 20), 2, "as many as a client may have");
    assert!(put(owner(2), 3) && halves(folder.path()).len() == 3);
    assert!(put(owner(0), 4), "its own quota is full of what gives way");
    assert!(put(owner(0), 5) && !put(owner(0), 6) && !put(owner(1), 7));
    let left = [other(0), other(1), owner(0), owner(2)].map(|owner| store.count(&owner, SERVER));
    assert_eq!(left, [0, 0, 2, 1]);
    assert_eq!(halves(folder.path()).len(), 3);
    assert_eq!(store.room(&owner(0), u64::MAX), 0);
}

/// What a client's sessions left gives way to its own new halves, and to nobody else's.
#[test]
fn what_sessions_left_gives_way_to_their_own_client() {
    let folder = tempfile::tempdir().unwrap();
    let quota = Quota { halves: 5, client_halves: 3, ..Quota::DEFAULT };
    let open = || Store::open(folder.path(), None, quota).unwrap();
    let store = open();
    let put =
        |store: &Store, client, name, origin| store.put(&label(client, name), &half(0), origin).unwrap();
    assert!(
        put(&store, 0, 0, Origin::Left) && put(&store, 0, 1, Origin::Kept) && put(&store, 0, 2, Origin::Left)
    );
    assert!(put(&store, 1, 3, Origin::Left) && put(&store, 1, 4, Origin::Kept));
    drop(store);
    let store = open(); // origins outlive the process
    let room = || [0, 1, 2].map(|client| store.room(&owner(client), 20));
    assert_eq!(room(), [2, 1, 0]);
    assert!(!put(&store, 2, 5, Origin::Kept), "what others left stays");
    assert!(put(&store, 0, 6, Origin::Kept) && put(&store, 0, 7, Origin::Left));
    assert_eq!((room(), halves(folder.path()).len()), ([1, 1, 0], 5));
    let kept = [0, 1, 2, 6, 7].map(|name| store.take(&label(0, name)).unwrap().is_some());
    assert_eq!(kept, [false, true, false, true, true]);
    assert!(store.take(&label(1, 3)).unwrap().is_some() && store.take(&label(1, 4)).unwrap().is_some());
}
