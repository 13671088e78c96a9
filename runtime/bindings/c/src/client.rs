//! A session with a server.

use crate::arguments::{Out, handle};
use crate::border::{Error, Failure, Status, free, guard, wipe_numbers};
use crate::options::Options;
use crate::plan::{Plan, class_names};
use runtime::Client as Session;
use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Mutex;

/// A session with a server. Any thread may use it; calls of several threads come one after the other. The server learns neither
/// images nor answers.
pub struct Client {
    state: Mutex<State>,
    pub(crate) plan: Plan,
    names: Vec<CString>,
}

struct State {
    /// There until the client is freed.
    session: Option<Session>,
    /// Whether the last call failed for another reason than its input.
    is_over: bool,
}

impl Client {
    fn new(session: Session) -> Self {
        let (plan, names) = (session.plan().into(), class_names(session.plan()));
        let state = State { session: Some(session), is_over: false };
        Self { state: Mutex::new(state), plan, names }
    }

    /// What `call` gives, when no other thread has the session.
    ///
    /// # Errors
    /// Those of `call`; an earlier one panicked.
    pub(crate) fn with<T>(
        &self,
        call: impl FnOnce(&mut Session) -> runtime::Result<T>,
    ) -> Result<T, Failure> {
        let poisoned = || Failure::Panic("an earlier call of this client panicked".into());
        let mut state = self.state.lock().map_err(|_| poisoned())?;
        let answer = call(state.session.as_mut().ok_or_else(poisoned)?);
        state.is_over = answer.as_ref().is_err_and(|error| !matches!(error, runtime::Error::InvalidInput(_)));
        Ok(answer?)
    }
}

impl Drop for Client {
    /// What was sent still arrives, and what is left prepared goes to the store; of what goes wrong with that nobody can be told, and no
    /// answer is lost. Nobody waits for the end of a session that is over, or in which a call panicked.
    fn drop(&mut self) {
        if let Ok(State { session, is_over: false }) = self.state.get_mut() {
            let _ = session.take().map(Session::close);
        }
    }
}

/// Connects, learns the server's plan, and gives it the public key. Without a key of the caller's that takes half a second longer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_connect(
    options: *const Options,
    client: *mut *mut Client,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        wipe_numbers();
        // SAFETY: the header's rules for results and structures.
        let (out, options) = unsafe { (Out::for_handle(client, "client")?, handle(options, "options")?) };
        // SAFETY: the header's rules for texts and handles.
        let builder = unsafe { options.builder() }?;
        out.put_handle(Client::new(builder.open()?));
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// What the server showed of its plan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_client_plan(
    client: *const Client,
    plan: *mut Plan,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        // SAFETY: the header's rules for handles and results.
        let (client, out) = unsafe { (handle(client, "client")?, Out::new(plan, "plan")?) };
        out.put(client.plan);
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// What a class is called; valid until the client is freed. NULL where the plan does not say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_client_class_name(
    client: *const Client,
    class_index: usize,
) -> *const c_char {
    // SAFETY: the header's rules: null, or a client that was not freed.
    let client = unsafe { client.as_ref() };
    client.and_then(|client| client.names.get(class_index)).map_or(ptr::null(), |name| name.as_ptr())
}

/// Does ahead what does not depend on the image, until `count` inferences are prepared, or as many as the server allows; `prepared`
/// (NULL where nobody wants to know) is how many are. An image then takes less time. In suite `blinded` nothing can be prepared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_prepare(
    client: *mut Client,
    count: usize,
    prepared: *mut usize,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the header's rules.
    unsafe { counted(client, prepared, error, |session| session.prepare(count)) }
}

/// Prepares inferences for later sessions, until the store holds `count` of this key and plan or the server keeps no more;
/// `stored` (NULL where nobody wants to know) is how many it holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_stock(
    client: *mut Client,
    count: usize,
    stored: *mut usize,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the header's rules.
    unsafe { counted(client, stored, error, |session| session.stock(count)) }
}

/// Does `call`, whose result is a number that the caller may want.
///
/// # Safety
/// The header's rules for handles, results and errors.
unsafe fn counted(
    client: *mut Client,
    count: *mut usize,
    error: *mut *mut Error,
    call: impl FnOnce(&mut Session) -> runtime::Result<usize>,
) -> Status {
    let call = || {
        // SAFETY: as the caller promises.
        let result = unsafe { handle(client, "client") }?.with(call)?;
        if !count.is_null() {
            // SAFETY: as the caller promises.
            unsafe { count.write(result) };
        }
        Ok(())
    };
    // SAFETY: as the caller promises.
    unsafe { guard(error, call) }
}

/// Ends the session and frees the client; NULL is nothing. No other thread uses it any more. It may take two seconds where the
/// server does not close its side. With a store, what is left prepared is put into it before, unless the last call failed: then a
/// server that falls silent is waited for as in calls (`timeout_seconds`), and `popcorn_cancel` ends that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_client_free(client: *mut Client) {
    // SAFETY: the header's rules: null, or a client that was not freed.
    unsafe { free(client) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancellation::Cancellation;
    use crate::key::Key;

    #[test]
    fn any_thread_may_use_handles() {
        fn may_be_shared<T: Send + Sync + 'static>() {}
        may_be_shared::<Client>();
        may_be_shared::<Key>();
        may_be_shared::<Cancellation>();
        may_be_shared::<Error>();
    }
}
