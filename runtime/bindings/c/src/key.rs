//! The client's key pair.

use crate::arguments::{Out, handle, optional_text, text};
use crate::border::{Error, Failure, Status, free, guard, wipe_numbers};
use runtime::{ClientKey, KeyBits, Passphrase};
use std::ffi::c_char;
use std::path::Path;
use zeroize::Zeroizing;

/// A Paillier key pair. Whoever has it can decrypt what was sent under it. Any thread may use it, and any number of clients; it is
/// overwritten in memory when it is freed and no client uses it any more.
pub struct Key(pub(crate) ClientKey);

/// Makes a key of `bits` (2048, 3072 or 4096; the plan says which it needs), which takes about half a second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_key_generate(
    bits: u32,
    key: *mut *mut Key,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        wipe_numbers();
        // SAFETY: the header's rules for results.
        let out = unsafe { Out::for_handle(key, "key") }?;
        let bits = KeyBits::try_from(bits)
            .map_err(|error| Failure::Value { what: "bits", why: error.to_string() })?;
        out.put_handle(Key(ClientKey::generate(bits)?));
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// Reads the key in a file that `popcorn_key_write` or `popcorn keygen` made, and that nobody but its owner may read. `passphrase`
/// may be NULL where the file is not encrypted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_key_read(
    path: *const c_char,
    passphrase: *const c_char,
    key: *mut *mut Key,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        wipe_numbers();
        // SAFETY: the header's rules for results and texts.
        let (out, path, passphrase) =
            unsafe { (Out::for_handle(key, "key")?, text(path, "path")?, secret(passphrase)?) };
        let path = Path::new(path);
        let key = match passphrase {
            Some(passphrase) => ClientKey::read_sealed(path, || Ok(passphrase)),
            None => ClientKey::read(path),
        };
        out.put_handle(Key(key?));
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// Writes a new file that only its owner can read, encrypted where `passphrase` is not NULL. A file that is there already is an
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_key_write(
    key: *const Key,
    path: *const c_char,
    passphrase: *const c_char,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        // SAFETY: the header's rules for handles and texts.
        let (key, path, passphrase) =
            unsafe { (handle(key, "key")?, text(path, "path")?, secret(passphrase)?) };
        let path = Path::new(path);
        match passphrase {
            Some(passphrase) => key.0.write_sealed(path, &passphrase)?,
            None => key.0.write(path)?,
        }
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// Frees a key, and overwrites it unless a client uses it still; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_key_free(key: *mut Key) {
    // SAFETY: the header's rules: null, or a key that was not freed.
    unsafe { free(key) }
}

/// A passphrase, if there is one.
///
/// # Safety
/// As for [`optional_text`].
unsafe fn secret(passphrase: *const c_char) -> Result<Option<Passphrase>, Failure> {
    // SAFETY: as the caller promises.
    let text = unsafe { optional_text(passphrase, "passphrase") }?;
    Ok(text.map(|text| Passphrase::new(Zeroizing::new(text.to_owned()))).transpose()?)
}
