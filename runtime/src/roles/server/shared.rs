//! The server in suite `shared`.

use crate::channel::{Connection, Transport};
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::paillier::{PublicKey, Randomisers, SecureRng};
use crate::plan::{Plan, Schedule};

/// Inferences that a client may prepare ahead.
pub const MAX_PREPARED: usize = 16;

/// One client's session after the handshake.
pub(super) struct Session;

impl Session {
    pub(super) fn new<T: Transport>(
        _: (&Plan, &Schedule),
        _: &mut Connection<T>,
        _: (PublicKey, Box<dyn Randomisers>),
        _: SecureRng,
    ) -> Self {
        Self
    }

    pub(super) fn serve(self, _: &mut dyn Observer) -> Result<u64> {
        Err(Error::Bug("suite shared is being built".into()))
    }
}
