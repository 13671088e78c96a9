//! No half is given out twice, whatever happens to the process or to the files.

mod faults;
mod room;

use super::*;
use crate::error::{Error, InvalidInput};
use crate::plan::PlanId;
use std::fs;
use std::path::{Path, PathBuf};

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
        assert!(store.put(&label(name % 2, name), &half(name), Origin::Kept).unwrap());
    }
    assert!(!store.put(&label(0, 4), &half(4), Origin::Kept).unwrap(), "one has this name already");
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
    assert!(opened(folder.path()).put(&label(0, 0), &large, Origin::Kept).unwrap());
    assert!(*opened(folder.path()).take(&label(0, 0)).unwrap().unwrap() == large);
}

#[test]
fn one_process_has_a_folder_open_and_only_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let second = Store::open(folder.path(), None, Quota::DEFAULT).err().unwrap();
    assert!(second.to_string().contains("somebody else"), "{second}");
    store.put(&label(0, 0), &half(0), Origin::Kept).unwrap();
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
    store.put(&label(0, 0), &half(0), Origin::Kept).unwrap();
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
    store.put(&label(0, 0), &half(0), Origin::Kept).unwrap();
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
    store.put(&label(0, 0), &half(0), Origin::Kept).unwrap();
    let first = halves(folder.path()).remove(0);
    store.put(&label(0, 1), &half(1), Origin::Kept).unwrap();
    let second = halves(folder.path()).into_iter().find(|path| *path != first).unwrap();
    drop(store);
    fs::copy(&first, &second).unwrap();
    let store = opened(folder.path());
    assert!(is_damage(&store.take(&label(0, 1)).unwrap_err()));
    assert_eq!(*store.take(&label(0, 0)).unwrap().unwrap(), half(0));
}
