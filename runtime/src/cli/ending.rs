//! How a server is told to end or to read its plans again, and tells systemd how it stands.

/// What a signal asks for.
pub(crate) enum Asked {
    /// SIGTERM, SIGINT.
    End,
    /// SIGHUP.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    Reload,
}

#[cfg(unix)]
mod system {
    use super::Asked;
    use runtime::{Error, Result};
    use sd_notify::{NotifyState, notify};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator;
    use std::process;
    use std::thread;

    /// SIGTERM, SIGINT and SIGHUP, which end the process no more.
    pub(crate) struct Signals(iterator::Signals);

    impl Signals {
        /// Takes them from now on.
        ///
        /// # Errors
        /// The system refuses.
        pub(crate) fn take() -> Result<Self> {
            let signals = iterator::Signals::new([SIGTERM, SIGINT, SIGHUP]);
            signals.map(Self).map_err(|error| Error::io("cannot take signals", error))
        }

        /// Waits for one of them.
        pub(crate) fn wait(&mut self) -> Asked {
            match self.0.forever().next() {
                Some(SIGHUP) => Asked::Reload,
                _ => Asked::End,
            }
        }

        /// Lets another one end the process at once, with the status that it would have had without us: 128 and its number.
        ///
        /// # Errors
        /// The system gives no thread.
        pub(crate) fn end_at_the_next(mut self) -> Result<()> {
            let waiting = thread::Builder::new().spawn(move || {
                if let Some(signal) = self.0.forever().find(|&signal| signal != SIGHUP) {
                    process::exit(128 + signal);
                }
            });
            waiting.map(drop).map_err(|error| Error::io("cannot start a thread", error))
        }
    }

    /// Tells systemd, where it asks (`Type=notify`), that clients are served.
    pub(crate) fn tell_ready() {
        // A manager that does not listen learns it from the process's state.
        let _ = notify(&[NotifyState::Ready]);
    }

    /// The same, that the server ends.
    pub(crate) fn tell_stopping() {
        let _ = notify(&[NotifyState::Stopping]);
    }
}

/// Elsewhere the system ends the process, and nobody is told.
#[cfg(not(unix))]
mod system {
    use runtime::Result;
    use std::thread;

    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn take() -> Result<Self> {
            Ok(Self)
        }

        pub(crate) fn wait(&mut self) -> super::Asked {
            loop {
                thread::park();
            }
        }

        pub(crate) fn end_at_the_next(self) -> Result<()> {
            Ok(())
        }
    }

    pub(crate) fn tell_ready() {}

    pub(crate) fn tell_stopping() {}
}

pub(crate) use system::{Signals, tell_ready, tell_stopping};
