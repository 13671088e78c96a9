//! A folder of sealed halves; the module above says what is in it.

use super::disk::{Disk, Unwritten};
use super::header::Header;
use super::identity;
use super::index::{Entry, Holding, Index};
use super::key::{FileId, StoreKey, random};
use super::label::{Label, Name, Origin, Owner, StoreId};
use super::names::{file_id, file_name, temporary_name};
use super::quota::Quota;
use super::seal::{self, Unsealed};
use super::{HalfBytes, Shelf};
use crate::error::{Error, InvalidInput, Result};
use crate::plan::PlanId;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What the key's file is called, unless it is elsewhere.
const KEY: &str = "store.key";

/// A folder in which a party keeps its halves of prepared inferences, sealed; this process alone has it open. What no crash and no
/// thief may do with it, and what they may, the module's documentation says.
pub struct Store {
    pub(super) disk: Disk,
    key: StoreKey,
    id: StoreId,
    quota: Quota,
    index: Mutex<Index>,
}

impl Store {
    /// Opens a folder, making it where there is none; what is too old in it, was being written or cannot be a half is removed. The
    /// key's file is `key`, or `store.key` in the folder; it is made where there is none.
    ///
    /// # Errors
    /// [`InvalidInput::File`]: another process uses the folder, or it was filled under another key. Or the system's.
    pub fn open(folder: &Path, key: Option<&Path>, quota: Quota) -> Result<Self> {
        let disk = Disk::open(folder)?;
        let in_folder = disk.path(KEY);
        let key = StoreKey::read_or_create(key.unwrap_or(&in_folder))?;
        let id = identity::read_or_create(&disk, &key)?;
        let store = Self { disk, key, id, quota, index: Mutex::default() };
        store.scan()?;
        Ok(store)
    }

    /// What it holds, plan by plan.
    pub fn holdings(&self) -> Vec<Holding> {
        self.index().holdings()
    }

    /// Nothing panics while it holds the lock.
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scan(&self) -> Result<()> {
        let names = self.disk.names().map_err(|error| self.failed("read", "", error))?;
        for name in names {
            let Some((stem, ending)) = name.split_once('.') else { continue };
            let Some(id) = file_id(stem) else { continue };
            let entry = if ending == "half" { self.entry(&name)? } else { None };
            match entry.filter(|entry| !entry.is_over(&self.quota, now())) {
                Some(entry) => self.index().insert(id, entry),
                None if ["half", "new"].contains(&ending) => self.remove(&name)?,
                None => {}
            }
        }
        Ok(())
    }

    /// What a file says that it is; `None` if it cannot be a half.
    fn entry(&self, name: &str) -> Result<Option<Entry>> {
        let read = || -> io::Result<_> {
            let mut file = File::open(self.disk.path(name))?;
            let mut header = [0; Header::BYTES];
            file.read_exact(&mut header)?;
            Ok((header, file.metadata()?.len()))
        };
        match read() {
            Ok((header, bytes)) => {
                let header = Header::from_bytes(&header);
                let header = header.filter(|header| header.file_bytes() == Some(bytes));
                Ok(header.map(|header| Entry { header, bytes, is_whole: true }))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(self.failed("read", name, error)),
        }
    }

    /// Removes what is too old.
    fn purge(&self) -> Result<()> {
        let over = self.index().take_over(&self.quota, now());
        over.iter().try_for_each(|id| self.remove(&file_name(id)))
    }

    /// Removes a file for good; it may be gone already.
    fn remove(&self, name: &str) -> Result<()> {
        self.disk.remove(name).map_err(|error| self.failed("remove", name, error))
    }

    /// What is in the file of a half that was taken out of the index, with its label; the file is gone for good then. One that cannot
    /// be read stays, and is looked at again when the folder is opened next.
    fn give_out(&self, id: FileId, entry: &Entry, owner: &Owner) -> Result<Option<(Label, HalfBytes)>> {
        let name = file_name(&id);
        let mut file = match File::open(self.disk.path(&name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", &name, error)),
        };
        let opened = self.unsealed(&mut file, &entry.header);
        drop(file);
        let found = match opened {
            Ok(mut bytes) => bytes.first_chunk().copied().map(Name::from_bytes).map(|name| {
                bytes.drain(..Name::BYTES);
                (Label { owner: *owner, server: entry.header.server, name }, bytes)
            }),
            Err(Unsealed::Damaged) => None,
            Err(Unsealed::Io(error)) => return Err(self.failed("read", &name, error)),
        };
        self.remove(&name)?;
        match found.filter(|(label, _)| self.key.file_id(label) == id) {
            Some(found) => Ok(Some(found)),
            None => Err(InvalidInput::file(self.disk.path(&name), "damaged; it is removed").into()),
        }
    }

    fn unsealed(&self, file: &mut File, header: &Header) -> std::result::Result<HalfBytes, Unsealed> {
        let mut read = [0; Header::BYTES];
        file.read_exact(&mut read)?;
        if read != header.to_bytes() {
            return Err(Unsealed::Damaged);
        }
        seal::open(&self.key.seal(&header.to_bytes()), header.length + Name::BYTES as u64, file)
    }

    /// What is written before a half of `length` bytes now.
    fn header(&self, label: &Label, length: u64, origin: Origin) -> Result<Header> {
        let Label { owner, server, .. } = *label;
        let mut salt = [0; 32];
        random(&mut salt)?;
        let client = self.key.client_tag(&owner.client);
        Ok(Header { plan: owner.plan, client, server, created: now(), length, origin, salt })
    }

    /// Counts a half that is going to be written, unless it is there or there is no room for it, once what gives
    /// way to it has been removed.
    fn makes_room(&self, id: FileId, entry: Entry) -> Result<bool> {
        let mut index = self.index();
        let (client, bytes) = (entry.header.client, entry.bytes);
        let has_room = index.room(&self.quota, client, bytes) > 0;
        let is_new = has_room && !index.contains(&id);
        if !is_new {
            return Ok(false);
        }
        let out = index.take_giving_way(&self.quota, client, bytes);
        index.insert(id, entry);
        drop(index);
        let removed = out.iter().try_for_each(|id| self.remove(&file_name(id)));
        if removed.is_err() {
            self.index().remove(&id);
        }
        removed.map(|()| true)
    }

    fn in_doubt(&self, name: &str, error: &io::Error) -> Error {
        let what =
            format_args!("it may be there or not, since writing it failed ({error}); it is used no more");
        InvalidInput::file(self.disk.path(name), what).into()
    }

    fn failed(&self, what: &str, name: &str, error: io::Error) -> Error {
        Error::cannot(what, &self.disk.path(name), error)
    }
}

impl Shelf for Store {
    fn id(&self) -> StoreId {
        self.id
    }

    fn put(&self, label: &Label, half: &[u8], origin: Origin) -> Result<bool> {
        self.purge()?;
        let header = self.header(label, half.len() as u64, origin)?;
        let Some(bytes) = header.file_bytes() else { return Ok(false) };
        let id = self.key.file_id(label);
        if !self.makes_room(id, Entry { header, bytes, is_whole: false })? {
            return Ok(false);
        }
        let file = file_name(&id);
        let written = self.disk.write(&temporary_name(&id), &file, |mut file| {
            file.write_all(&header.to_bytes())?;
            seal::seal(&self.key.seal(&header.to_bytes()), &[label.name.as_bytes(), half], &mut file)
        });
        let mut index = self.index();
        match written {
            Ok(()) => {
                index.insert(id, Entry { header, bytes, is_whole: true });
                Ok(true)
            }
            Err(Unwritten { error, is_gone }) => {
                index.remove(&id);
                Err(if is_gone { self.failed("write", &file, error) } else { self.in_doubt(&file, &error) })
            }
        }
    }

    fn take(&self, label: &Label) -> Result<Option<HalfBytes>> {
        let id = self.key.file_id(label);
        let Some(entry) = self.index().take(&id) else { return Ok(None) };
        if entry.is_over(&self.quota, now()) {
            return self.remove(&file_name(&id)).map(|()| None);
        }
        Ok(self.give_out(id, &entry, &label.owner)?.map(|(_, half)| half))
    }

    fn next(&self, owner: &Owner, server: StoreId) -> Result<Option<(Label, HalfBytes)>> {
        self.purge()?;
        let client = self.key.client_tag(&owner.client);
        loop {
            let taken = {
                let mut index = self.index();
                index.oldest(owner.plan, client, server).and_then(|id| Some((id, index.take(&id)?)))
            };
            let Some((id, entry)) = taken else { return Ok(None) };
            if let Some(found) = self.give_out(id, &entry, owner)? {
                return Ok(Some(found));
            }
        }
    }

    fn count(&self, owner: &Owner, server: StoreId) -> usize {
        let (index, now) = (self.index(), now());
        let of_owner = index.of(owner.plan, self.key.client_tag(&owner.client));
        let of_server = of_owner.filter(|(_, entry)| entry.header.server == server);
        of_server.filter(|(_, entry)| !entry.is_over(&self.quota, now)).count()
    }

    fn room(&self, owner: &Owner, bytes: u64) -> usize {
        let bytes = Header::bytes_of_file(bytes);
        bytes.map_or(0, |bytes| self.index().room(&self.quota, self.key.client_tag(&owner.client), bytes))
    }

    fn set_offered(&self, plans: Vec<PlanId>) {
        self.index().set_offered(plans);
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
