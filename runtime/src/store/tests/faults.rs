//! Processes that die, and disks that fail, at every step.

use super::*;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

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
            assert!(store.put(&label(0, name), &half(name), Origin::Kept)?);
            self.kept.push(name);
        }
        self.given.extend(store.take(&label(0, 1))?.map(|_| 1));
        assert!(store.put(&label(0, 3), &half(3), Origin::Kept)?);
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

/// Whether a half's party may use it after `put`, and what its folder holds then.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Put {
    Kept,
    /// And nothing is there.
    Free,
    /// Nobody uses it, and it is there or not.
    InDoubt {
        is_there: bool,
    },
}

/// Puts a half on a disk of which a step fails, in a process that goes on, and opens the folder anew.
fn put_on_a_failing_disk(steps: usize, fails_once: bool) -> Put {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path());
    store.disk.fails_once.store(fails_once, Ordering::Relaxed);
    store.disk.left.store(steps, Ordering::Relaxed);
    let put = store.put(&label(0, 0), &half(0), Origin::Kept);
    if put.is_err() {
        store.disk.left.store(usize::MAX, Ordering::Relaxed);
        assert_eq!(store.count(&owner(0), SERVER), 0);
        assert!(
            matches!(store.take(&label(0, 0)), Ok(None)) && matches!(store.next(&owner(0), SERVER), Ok(None))
        );
    }
    drop(store);
    let after = opened(folder.path()).take(&label(0, 0)).expect("a disk that works");
    assert!(after.as_ref().is_none_or(|bytes| **bytes == half(0)));
    match put {
        Ok(is_kept) => {
            assert!(is_kept && after.is_some(), "lost after {steps} steps");
            Put::Kept
        }
        Err(Error::InvalidInput(InvalidInput::File { .. })) => Put::InDoubt { is_there: after.is_some() },
        Err(error) => {
            assert!(matches!(error, Error::Io { .. }), "{error}");
            assert!(after.is_none(), "used twice after {steps} steps");
            Put::Free
        }
    }
}

#[test]
fn what_put_fails_to_keep_is_gone_or_is_used_no_more() {
    let outcomes = |fails_once| {
        let mut seen: Vec<Put> = Vec::new();
        while seen.last() != Some(&Put::Kept) {
            seen.push(put_on_a_failing_disk(seen.len(), fails_once));
        }
        seen.dedup();
        seen
    };
    assert_eq!(outcomes(true), [Put::Free, Put::Kept]);
    let [before, renamed] = [false, true].map(|is_there| Put::InDoubt { is_there });
    assert_eq!(outcomes(false), [Put::Free, before, renamed, Put::Kept]);
}

/// The name may stand for the file of a half that is used no more; that of another takes its place.
#[test]
fn a_half_in_doubt_is_not_given_out_for_another_of_its_label() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let is_named = || halves(folder.path()).iter().any(|path| path.extension().is_some_and(|e| e == "half"));
    for steps in 0.. {
        store.disk.left.store(steps, Ordering::Relaxed);
        assert!(store.put(&label(0, 0), &half(0), Origin::Kept).is_err());
        if is_named() {
            break;
        }
    }
    store.disk.left.store(usize::MAX, Ordering::Relaxed);
    assert!(store.put(&label(0, 0), &half(1), Origin::Kept).unwrap());
    assert_eq!(*store.take(&label(0, 0)).unwrap().unwrap(), half(1));
    drop(store);
    assert!(opened(folder.path()).take(&label(0, 0)).unwrap().is_none());
}

/// A file that cannot be read is reported once, and is there again when the folder is opened anew.
#[test]
fn a_half_that_cannot_be_read_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.put(&label(0, 0), &half(0), Origin::Kept).unwrap();
    let unreadable = halves(folder.path()).remove(0);
    let aside = folder.path().join("aside");
    fs::rename(&unreadable, &aside).unwrap();
    fs::create_dir(&unreadable).unwrap(); // which opens, and does not read
    store.put(&label(0, 1), &half(1), Origin::Kept).unwrap();
    let taken = [(); 3].map(|()| store.next(&owner(0), SERVER));
    let errors = taken.iter().filter(|taken| matches!(taken, Err(Error::Io { .. }))).count();
    let found: Vec<_> = taken.iter().flatten().flatten().map(|(_, bytes)| bytes.to_vec()).collect();
    assert_eq!((errors, found), (1, vec![half(1)]));
    assert!(unreadable.exists() && store.take(&label(0, 0)).unwrap().is_none());
    drop(store);
    fs::remove_dir(&unreadable).unwrap();
    fs::rename(&aside, &unreadable).unwrap();
    assert_eq!(*opened(folder.path()).take(&label(0, 0)).unwrap().unwrap(), half(0));
}
