//! Plans in files.

use super::key::require_secure;
use crate::error::{Error, InvalidInput, Result};
use crate::plan::{ValidPlan, codec};
use std::fs::File;
use std::io::Read;
use std::path::Path;

impl ValidPlan {
    /// The plan in a file that `popcornc compile` or [`write`](Self::write) made.
    ///
    /// # Errors
    /// The file cannot be read, is no plan of this version, or wants keys that protect nothing.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(codec::MAX_PLAN_BYTES).read_to_end(&mut bytes));
        read.map_err(|error| Error::cannot("read", path, error))?;
        let plan = codec::decode(&bytes).map_err(|error| InvalidInput::file(path, error))?;
        require_secure(plan.plan().key_bits)?;
        Ok(plan)
    }

    /// Writes the plan to a file, over one that is there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let written = std::fs::write(path, codec::encode(self));
        written.map_err(|error| Error::cannot("write", path, error))
    }
}
