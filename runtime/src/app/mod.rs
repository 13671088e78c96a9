//! What an application holds: a client, its key, a server, a plan in a file. They own what they need, are `Send`, and know
//! nothing of the kind of stream beneath them.

mod client;
mod key;
mod plan;
mod server;

pub use client::{Client, ClientBuilder};
pub use key::ClientKey;
pub use server::{Drained, Running, Server, ServerBuilder};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ValidPlan;

    #[test]
    fn an_application_may_hold_them_in_any_thread() {
        fn may_move<T: Send + 'static>() {}
        may_move::<Client>();
        may_move::<ClientBuilder>();
        may_move::<ServerBuilder>();
        may_move::<Running>();
        fn may_be_shared<T: Clone + Send + Sync + 'static>() {}
        may_be_shared::<ClientKey>();
        may_be_shared::<Server>();
        may_be_shared::<ValidPlan>();
    }
}
