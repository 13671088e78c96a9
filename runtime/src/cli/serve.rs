//! `popcorn serve`: answers clients until it is stopped.

use super::memory;
use super::report::megabytes;
use super::stored::ServerStore;
use super::transport::ServerTransport;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use runtime::observe::peak_memory;
use runtime::roles::listener::{Departure, End};
use runtime::roles::server::Limits;
use runtime::{Error, Plan, Result, Server};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

/// Answer clients over TCP, any number at a time up to a limit
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn serve model.plan                                  # to clients on this machine
  popcorn serve model.plan --listen 0.0.0.0:7000 --tls-cert server.crt --tls-key server.key --max-clients 8
  popcorn certificate --self-signed localhost               # a certificate to try it with")]
pub(crate) struct Serve {
    /// The plan, from `popcornc compile`
    plan: PathBuf,
    /// Address and port; port 0 takes a free one and prints it
    #[arg(long, default_value = "127.0.0.1:7000", value_name = "ADDR")]
    listen: String,
    /// Clients served at the same time, counted from their keys on; further ones are told to try again later
    #[arg(long, default_value_t = Server::MAX_CLIENTS as u16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_clients: u16,
    /// Memory for inferences that each client has prepared and not yet asked, such as 200MB or 2GB (suite shared); one
    /// inference is always kept, and 1024 at most. All clients together take --max-clients times as much, and more while
    /// they prepare
    #[arg(long, default_value = "512MiB", value_name = "SIZE", value_parser = memory::parse_size)]
    max_prepared: u64,
    /// Connections from one address at the same time; further ones are closed. By default 32 more than --max-clients
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_per_address: Option<u16>,
    /// Give a client up that takes longer than this over TLS's handshake, hello and key
    #[arg(long, default_value_t = Limits::DEFAULT.handshake.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    handshake: u64,
    /// Give a client up that takes longer than this over a message, computing included
    #[arg(long, default_value_t = Limits::DEFAULT.message.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    timeout: u64,
    /// Give a client up that asks for nothing for so long
    #[arg(long, default_value_t = Limits::DEFAULT.idle.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    idle: u64,
    /// Let a session begin nothing more after so long
    #[arg(long, default_value_t = Limits::DEFAULT.age.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    max_age: u64,
    #[command(flatten)]
    store: ServerStore,
    #[command(flatten)]
    transport: ServerTransport,
}

impl Serve {
    pub(crate) fn run(self) -> Result<()> {
        memory::bound_arenas();
        let listener = TcpListener::bind(&self.listen)
            .map_err(|error| Error::io(format!("cannot listen on {} (HOST:PORT)", self.listen), error))?;
        let address = listener.local_addr().map_err(|error| Error::io("cannot listen", error))?;
        let mut server = Server::builder(Plan::read(&self.plan)?)
            .prepared_bytes(self.max_prepared)
            .max_clients(self.max_clients.into())
            .limits(self.limits())
            .acceptance(self.transport.acceptance(address)?)
            .departed(log);
        if let Some(most) = self.max_per_address {
            server = server.max_per_address(most.into());
        }
        if let Some(store) = self.store.open()? {
            server = server.store(store);
        }
        let server = server.build()?;
        super::output::print(&format!(
            "serving {} (plan {}, {} bit keys) on {address}\n",
            server.plan().plan().name,
            server.plan().id(),
            server.plan().plan().key_bits
        ))?;
        if let Some(prepared) = prepared(&server) {
            super::output::print(&prepared)?;
        }
        server.serve(&listener)
    }

    fn limits(&self) -> Limits {
        let [handshake, message, idle, age] =
            [self.handshake, self.timeout, self.idle, self.max_age].map(Duration::from_secs);
        Limits { handshake, message, idle, age }
    }
}

/// A number of seconds.
fn seconds() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=u64::from(u32::MAX))
}

/// What clients may prepare, in suite `shared`.
fn prepared(server: &Server) -> Option<String> {
    let (count, each) = (server.max_prepared(), server.bytes_of_prepared());
    let each = each as f64 / 1e6;
    (each > 0.0)
        .then(|| format!("each client may have up to {count} prepared inferences, {each:.2} MB each\n"))
}

/// Gives memory back, and writes one line per client on standard error, with the most memory that the process has held so far.
fn log(departure: Departure) {
    memory::give_back();
    let memory = peak_memory()
        .map_or_else(String::new, |bytes| format!(" (memory so far {} at most)", megabytes(bytes)));
    let client = departure.client.map_or_else(|| "a client".into(), |client| client.to_string());
    match departure.end {
        End::Answered(images) => eprintln!("{client}: {images} answered{memory}"),
        End::TurnedAway => eprintln!("{client}: no place (--max-clients, --max-per-address)"),
        End::Failed(error) => eprintln!("{client}: {error}"),
    }
}
