//! The client in suite `shared`.

use super::Session;
use crate::channel::Transport;
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::plan::Schedule;

/// What a session has done ahead.
#[derive(Default)]
pub(super) struct Ahead;

impl Ahead {
    pub(super) fn len(&self) -> usize {
        0
    }
}

impl<T: Transport> Session<'_, T> {
    pub(super) fn prepare_shared(
        &mut self,
        _schedule: &Schedule,
        _observer: &mut dyn Observer,
    ) -> Result<()> {
        Err(Error::Bug("suite shared is being built".into()))
    }

    pub(super) fn infer_shared(
        &mut self,
        _: &Schedule,
        _: &[i64],
        _: &mut dyn Observer,
    ) -> Result<Vec<i128>> {
        Err(Error::Bug("suite shared is being built".into()))
    }
}
