//! Panics inside tract, turned into errors: the last resort against files that it does not expect.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `action`; a panic inside becomes its message, and nothing is printed.
pub(crate) fn quietly<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    silence_this_thread_on_demand();
    let before = QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(action));
    QUIET.set(before);
    outcome.map_err(|payload| {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        format!("the model cannot be interpreted ({message})")
    })
}

/// Installs, once, a hook that leaves the panics of quiet threads unprinted and passes on all others.
fn silence_this_thread_on_demand() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                previous(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages() {
        assert_eq!(quietly(|| 7), Ok(7));
        let nothing: Vec<u8> = Vec::new();
        let message = quietly(|| nothing[3]).unwrap_err();
        assert!(message.contains("index out of bounds"), "{message}");
    }
}
