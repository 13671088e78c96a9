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
use std::process::ExitCode;
use std::sync::Arc;

/// As it is called from the repository's root.
const PLAN: &str = "testdata/mnist-mlp.plan";
const PORT: &str = "7878";
const USAGE: &str = "usage: draw [PORT] [PLAN]   (7878, testdata/mnist-mlp.plan)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["serve", plan] => server::serve(plan),
        ["-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        [] => client_and_server(PORT, PLAN),
        [port] => client_and_server(port, PLAN),
        [port, plan] => client_and_server(port, plan),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("draw: {error}");
            ExitCode::FAILURE
        }
    }
}

fn client_and_server(port: &str, plan: &str) -> Result<(), Box<dyn Error>> {
    let port = port.parse().map_err(|_| format!("'{port}' is no port: 0 to 65535, 0 for any\n{USAGE}"))?;
    let journal = Arc::new(Journal::default());
    let server = server::Child::start(plan, &journal)?;
    let client = client::start(server.address().to_owned(), Arc::clone(&journal))?;
    http::listen(port, &journal, &client)
}
