//! No half is given out twice, whatever happens to the process or to the files.

use super::*;
use crate::error::{Error, InvalidInput};
use crate::plan::PlanId;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

const SERVER: StoreId = StoreId::from_bytes([9; 16]);

fn owner(client: u8) -> Owner {
    Owner { plan: PlanId::from_bytes([1; 32]), client: ClientId::of(&[client]) }
}

fn label(client: u8, name: u8) -> Label {
    Label { owner: owner(client), server: SERVER, name: Name::from_bytes([name; 32]) }
}

fn half(name: u8) -> Vec<u8> {
    (0..20 + name).map(|index| index ^ name).collect()
}

fn opened(folder: &Path) -> Store {
    Store::open(folder, None, Quota::DEFAULT).expect("a store")
}

fn halves(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "half" || ending == "new")).collect()
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::InvalidInput(InvalidInput::File { what, .. }) if what.contains("damaged"))
}

#[test]
fn halves_outlive_the_process_and_are_given_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    for name in 0..5 {
        assert!(store.put(&label(name % 2, name), &half(name)).unwrap());
    }
    assert!(!store.put(&label(0, 4), &half(4)).unwrap(), "one has this name already");
    let id = store.id();
    drop(store);
    let store = opened(folder.path());
    assert_eq!((store.id(), store.count(&owner(0), SERVER), store.count(&owner(1), SERVER)), (id, 3, 2));
    assert_eq!(store.holdings().iter().map(|holding| holding.halves).collect::<Vec<_>>(), [5]);
    assert!(store.take(&label(1, 2)).unwrap().is_none(), "another client's");
    let other_plan = Owner { plan: PlanId::from_bytes([2; 32]), ..owner(0) };
    assert!(store.take(&Label { owner: other_plan, ..label(0, 2) }).unwrap().is_none());
    assert!(store.next(&owner(0), StoreId::NONE).unwrap().is_none(), "of another server");
    assert_eq!(*store.take(&label(0, 2)).unwrap().unwrap(), half(2));
    assert!(store.take(&label(0, 2)).unwrap().is_none());
    let mut left = Vec::new();
    while let Some((found, bytes)) = store.next(&owner(0), SERVER).unwrap() {
        assert!(found == label(0, found.name.as_bytes()[0]));
        assert_eq!(*bytes, half(found.name.as_bytes()[0]));
        left.push(found.name.as_bytes()[0]);
    }
    left.sort_unstable();
    assert_eq!((left, halves(folder.path()).len()), (vec![0, 4], 2));
}

#[test]
fn large_halves_come_back() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("identity.new"), b"of a process that died").unwrap();
    let large: Vec<u8> = (0..300_000u32).map(|index| (index % 251) as u8).collect();
    assert!(opened(folder.path()).put(&label(0, 0), &large).unwrap());
    assert!(*opened(folder.path()).take(&label(0, 0)).unwrap().unwrap() == large);
}

#[test]
fn one_process_has_a_folder_open_and_only_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let second = Store::open(folder.path(), None, Quota::DEFAULT).err().unwrap();
    assert!(second.to_string().contains("somebody else"), "{second}");
    store.put(&label(0, 0), &half(0)).unwrap();
    drop(store);
    let other = folder.path().join("other.key");
    let refused = Store::open(folder.path(), Some(&other), Quota::DEFAULT).err().unwrap();
    assert!(matches!(refused, Error::InvalidInput(InvalidInput::File { .. })), "{refused}");
    fs::write(&other, [0; 31]).unwrap();
    let short = Store::open(folder.path(), Some(&other), Quota::DEFAULT).err().unwrap();
    assert!(matches!(short, Error::InvalidInput(InvalidInput::File { .. })), "{short}");
    assert_eq!(*opened(folder.path()).take(&label(0, 0)).unwrap().unwrap(), half(0));
}

#[test]
fn no_byte_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.put(&label(0, 0), &half(0)).unwrap();
    let path = halves(folder.path()).remove(0);
    let written = fs::read(&path).unwrap();
    drop(store);
    for index in 0..written.len() {
        let mut bytes = written.clone();
        bytes[index] ^= 1 << (index % 8);
        // While the folder is open, and before it is.
        fs::write(&path, &written).unwrap();
        let store = opened(folder.path());
        fs::write(&path, &bytes).unwrap();
        assert!(is_damage(&store.take(&label(0, 0)).unwrap_err()), "byte {index}");
        assert!(store.take(&label(0, 0)).unwrap().is_none() && !path.exists());
        drop(store);
        fs::write(&path, &bytes).unwrap();
        let taken = opened(folder.path()).take(&label(0, 0));
        assert!(matches!(&taken, Ok(None)) || taken.is_err_and(|error| is_damage(&error)), "byte {index}");
        assert!(!path.exists());
    }
}

#[test]
fn no_byte_can_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.put(&label(0, 0), &half(0)).unwrap();
    let path = halves(folder.path()).remove(0);
    let written = fs::read(&path).unwrap();
    drop(store);
    for length in 0..written.len() {
        fs::write(&path, &written).unwrap();
        let store = opened(folder.path());
        fs::write(&path, &written[..length]).unwrap();
        assert!(is_damage(&store.take(&label(0, 0)).unwrap_err()), "{length} bytes");
        drop(store);
        fs::write(&path, &written[..length]).unwrap();
        fs::write(path.with_extension("new"), &written[..length]).unwrap();
        let store = opened(folder.path());
        assert!(store.take(&label(0, 0)).unwrap().is_none() && halves(folder.path()).is_empty());
    }
}

#[test]
fn a_file_under_another_name_is_no_other_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.put(&label(0, 0), &half(0)).unwrap();
    let first = halves(folder.path()).remove(0);
    store.put(&label(0, 1), &half(1)).unwrap();
    let second = halves(folder.path()).into_iter().find(|path| *path != first).unwrap();
    drop(store);
    fs::copy(&first, &second).unwrap();
    let store = opened(folder.path());
    assert!(is_damage(&store.take(&label(0, 1)).unwrap_err()));
    assert_eq!(*store.take(&label(0, 0)).unwrap().unwrap(), half(0));
}

#[test]
fn quotas_hold() {
    let folder = tempfile::tempdir().unwrap();
    let open = |quota| Store::open(folder.path(), None, quota).unwrap();
    let store = open(Quota { client_halves: 2, halves: 3, ..Quota::DEFAULT });
    let fits = |store: &Store, client, name| store.put(&label(client, name), &half(0)).unwrap();
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
        store.put(&Label { owner, server: SERVER, name: Name::from_bytes([name; 32]) }, &half(0)).unwrap()
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

/// What became of the halves of a process that died.
#[derive(Default)]
struct Life {
    /// The names of those whose writing ended well.
    kept: Vec<u8>,
    given: Vec<u8>,
}

impl Life {
    /// Until it dies, or all is done.
    fn live(&mut self, store: &Store) -> Result<()> {
        for name in 0..3 {
            assert!(store.put(&label(0, name), &half(name))?);
            self.kept.push(name);
        }
        self.given.extend(store.take(&label(0, 1))?.map(|_| 1));
        assert!(store.put(&label(0, 3), &half(3))?);
        self.kept.push(3);
        let next = store.next(&owner(0), SERVER)?;
        self.given.extend(next.map(|(label, _)| label.name.as_bytes()[0]));
        Ok(())
    }
}

/// Dies before every step that changes the folder, and once after all.
#[test]
fn no_crash_gives_a_half_out_twice_or_loses_one_that_nobody_has() {
    let mut outcomes = BTreeMap::new();
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.disk.left.store(steps, Ordering::Relaxed);
        let mut life = Life::default();
        let died = life.live(&store).is_err();
        drop(store);
        let store = opened(folder.path());
        assert_eq!(halves(folder.path()).len(), store.count(&owner(0), SERVER), "nothing under way is left");
        let mut after = Vec::new();
        for name in 0..4 {
            if let Some(bytes) = store.take(&label(0, name)).unwrap() {
                assert_eq!(*bytes, half(name));
                after.push(name);
            }
        }
        assert!(life.given.iter().all(|name| !after.contains(name)), "used twice after {steps} steps");
        let lost: Vec<u8> = life
            .kept
            .iter()
            .copied()
            .filter(|name| !life.given.contains(name) && !after.contains(name))
            .collect();
        assert!(lost.len() <= usize::from(died), "{lost:?} are lost after {steps} steps");
        *outcomes.entry((life.given.len(), lost.len())).or_insert(0) += 1;
        if !died {
            break;
        }
    }
    let seen: Vec<(usize, usize)> = outcomes.into_keys().collect();
    assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]);
}
