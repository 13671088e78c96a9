//! Draw a digit in a browser; a server that never sees it says which it is: `draw [PORT] [PLAN]`.
//!
//! This process is the client: it has the drawing, the key and the answer, and shows a page to the browsers of this machine alone.
//! It starts itself once more as the server (`draw serve PLAN`), a process of its own that has the network and is reached over TCP.
//! Both tell everything that crosses the line between them, which the page shows side by side.

mod client;
mod digit;
mod event;
mod frames;
mod http;
mod journal;
mod server;
mod tap;

use journal::Journal;
use std::error::Error;
use std::sync::Arc;

/// As it is called from the repository's root.
const PLAN: &str = "testdata/mnist-mlp.plan";
const PORT: u16 = 7878;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (port, plan) = match arguments[..] {
        ["serve", plan] => return server::serve(plan),
        [] => (PORT, PLAN),
        [port] if !port.starts_with('-') => (port.parse()?, PLAN),
        [port, plan] => (port.parse()?, plan),
        _ => return Err("usage: draw [PORT] [PLAN]".into()),
    };
    let journal = Arc::new(Journal::default());
    let server = server::Child::start(plan, &journal)?;
    let client = client::start(server.address().to_owned(), Arc::clone(&journal))?;
    http::listen(port, &journal, &client)
}
