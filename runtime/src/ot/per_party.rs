//! Both parties' things.

use crate::message::Role;

/// One thing for each party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerParty<T> {
    /// The one for the client.
    pub client: T,
    /// The one for the server.
    pub server: T,
}

impl<T> PerParty<T> {
    /// The one for `role`.
    pub const fn get(&self, role: Role) -> &T {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// The one for `role`, to be changed.
    pub const fn get_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}
