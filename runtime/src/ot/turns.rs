//! Who sends which flight of corrections: parties take turns, and the client begins.

use crate::message::Role;

/// The sender of a flight.
pub(super) const fn sender(flight: usize) -> Role {
    if flight.is_multiple_of(2) { Role::Client } else { Role::Server }
}

/// The first flight that a party sends.
pub(super) const fn first(role: Role) -> usize {
    match role {
        Role::Client => 0,
        Role::Server => 1,
    }
}
