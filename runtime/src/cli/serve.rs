//! `popcorn serve`: answers clients until it is told to end.

use super::catalogue;
use super::ending::{Asked, Signals, tell_ready, tell_stopping};
use super::log::{self, Log};
use super::memory;
use super::stored::ServerStore;
use super::transport::ServerTransport;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use runtime::admin::{Metrics, Stock};
use runtime::roles::server::{Allowance, Budgets, Limits, Offer};
use runtime::store::{Holding, Store};
use runtime::{Error, Result, Running, Server};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Status of a server that cut connections off when it ended.
const CUT: u8 = 3;

/// Answer clients over TCP, any number at a time up to a limit
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn serve model.plan                                  # to clients on this machine
  popcorn serve model.plan --listen 0.0.0.0:7000 --tls-cert server.crt --tls-key server.key --max-clients 8
  popcorn serve plans/ --tokens clients.txt                 # several plans, to clients with tokens
  popcorn certificate --self-signed localhost               # a certificate to try it with")]
pub(crate) struct Serve {
    /// The plan, from `popcornc compile`; or a folder, of which all files *.plan are served, called like their files. At SIGHUP plans
    /// and tokens are read again, and sessions go on
    #[arg(value_name = "PLAN|FOLDER")]
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
    /// Memory for what all clients together have prepared, such as 8GB; who asks for more is told to come again later. By default as
    /// much as --max-clients and --max-prepared allow
    #[arg(long, value_name = "SIZE", value_parser = memory::parse_size)]
    max_memory: Option<u64>,
    /// Begin nothing more while what is under way takes so many core-seconds, as predicted from the plan; who asks then is told to come
    /// again later, and `popcorn infer` does (--retry). By default anything is begun that a client with a place asks for
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    max_core_seconds: Option<u32>,
    /// Prepare at most so many inferences a day (UTC) for each client, known by its token, its certificate, or its address
    #[arg(long, value_name = "N")]
    budget_preparations: Option<u64>,
    /// Answer at most so many images a day for each client
    #[arg(long, value_name = "N")]
    budget_inferences: Option<u64>,
    /// The file in which the day's budgets are kept, so that a new start forgives nothing. What was written on a day that is still to
    /// come, because a clock was wrong, counts for today
    #[arg(long, value_name = "FILE")]
    budgets: Option<PathBuf>,
    /// Connections from one address at the same time; further ones are closed. By default 32 more than --max-clients
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_per_address: Option<u16>,
    /// Give a client up that takes longer than this over TLS's handshake, hello and key
    #[arg(long, default_value_t = Limits::DEFAULT.handshake.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    handshake: u64,
    /// Give a client up that takes longer than this over a message, computing included; or, if that is less, than half a minute and
    /// what a slow client would take over what it has asked for
    #[arg(long, default_value_t = Limits::DEFAULT.message.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    timeout: u64,
    /// Give a client up that asks for nothing for so long
    #[arg(long, default_value_t = Limits::DEFAULT.idle.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    idle: u64,
    /// Let a session begin nothing more after so long
    #[arg(long, default_value_t = Limits::DEFAULT.age.as_secs(), value_name = "SECONDS", value_parser = seconds())]
    max_age: u64,
    /// How long a server that is told to end (SIGTERM, or Ctrl-C once) may take: it lets nobody else in, finishes what clients have
    /// asked for, puts what they have left into its store, tells them, and after so long cuts off those that are left. At a second signal it ends at once
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=u64::from(u32::MAX)))]
    drain: u64,
    /// Serve clients alone that show one of the tokens whose hashes stand in this file (`popcorn token`)
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Tell operators over HTTP at this address how the server stands: /healthz, /readyz, and /metrics for Prometheus. Whoever
    /// reaches the address may read these
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// How the lines on standard error are written, which say what was done for which client and how sessions ended
    #[arg(long, default_value = "text", value_name = "FORM")]
    log: log::Form,
    #[command(flatten)]
    store: ServerStore,
    #[command(flatten)]
    transport: ServerTransport,
}

impl Serve {
    pub(crate) fn run(self) -> Result<ExitCode> {
        memory::bound_arenas();
        log::begin(self.log);
        let (listener, address) = bind(&self.listen)?;
        let admin = self.admin.as_deref().map(bind).transpose()?;
        let store = self.store.open()?;
        let (metrics, log) = (metrics_of(store.clone()), Log::new());
        let mut server = Server::builder_of(catalogue::read(&self.plan)?)
            .prepared_bytes(self.max_prepared)
            .max_clients(self.max_clients.into())
            .limits(self.limits())
            .acceptance(self.transport.acceptance(address)?)
            .observer(metrics.clone())
            .observer(log.clone());
        if let Some(most) = self.max_per_address {
            server = server.max_per_address(most.into());
        }
        if let Some(bytes) = self.max_memory {
            server = server.max_prepared_bytes(bytes);
        }
        if let Some(seconds) = self.max_core_seconds {
            server = server.max_core_seconds(seconds.into());
        }
        if let Some(budgets) = self.open_budgets()? {
            server = server.budgets(budgets);
        }
        if let Some(path) = &self.tokens {
            server = server.tokens(catalogue::read_tokens(path)?);
        }
        if let Some(store) = store {
            server = server.store(store);
        }
        let server = server.build()?;
        let signals = Signals::take()?;
        let running = server.start(listener)?;
        super::output::print(&(greeting(&server.offers(), address) + &described(&server.offers())))?;
        if let Some((admin, address)) = admin {
            runtime::admin::serve(admin, metrics, running.watcher())?;
            super::output::print(&format!(
                "how the server stands: http://{address}/metrics, /readyz, /healthz\n"
            ))?;
        }
        tell_ready();
        self.end(&server, running, signals, &log)
    }

    /// Ends the server when a signal comes, and reads plans again when another does.
    fn end(&self, server: &Server, running: Running, mut signals: Signals, log: &Log) -> Result<ExitCode> {
        while let Asked::Reload = signals.wait() {
            match self.reload(server) {
                Ok(()) => info!(plans = server.offers().len(), "plans read again"),
                Err(error) => warn!(error = %error, "nothing is changed"),
            }
        }
        tell_stopping();
        signals.end_at_the_next()?;
        let drained = running.drain(Duration::from_secs(self.drain));
        log.finish();
        info!(told = drained.ended, cut_off = drained.cut, "server ended");
        Ok(if drained.cut == 0 { ExitCode::SUCCESS } else { CUT.into() })
    }

    fn open_budgets(&self) -> Result<Option<Budgets>> {
        let (preparations, inferences) = (self.budget_preparations, self.budget_inferences);
        let allowance = Allowance { preparations, inferences };
        let is_asked_for = allowance != Allowance::default() || self.budgets.is_some();
        let budgets = is_asked_for.then(|| Budgets::open(allowance, self.budgets.clone())).transpose()?;
        let days_ahead = budgets.as_ref().map_or(0, Budgets::days_ahead);
        if days_ahead > 0 {
            warn!(days_ahead, "budgets were written on a day that is still to come, and count for today");
        }
        Ok(budgets)
    }

    fn reload(&self, server: &Server) -> Result<()> {
        let tokens = self.tokens.as_deref().map(catalogue::read_tokens).transpose()?;
        server.replace(catalogue::read(&self.plan)?)?;
        server.set_tokens(tokens);
        Ok(())
    }

    fn limits(&self) -> Limits {
        let [handshake, message, idle, age] =
            [self.handshake, self.timeout, self.idle, self.max_age].map(Duration::from_secs);
        Limits { handshake, message, idle, age }
    }
}

/// Counts what a server does, and looks into its store.
fn metrics_of(store: Option<Arc<Store>>) -> Metrics {
    let Some(store) = store else { return Metrics::default() };
    let counted = |stock: Stock, Holding { halves, bytes, .. }: &Holding| Stock {
        inferences: stock.inferences + *halves as u64,
        bytes: stock.bytes + bytes,
    };
    Metrics::of_store(move || store.holdings().iter().fold(Stock::default(), counted))
}

/// A listener on `address`, and which address that is.
fn bind(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let failed = |error| Error::io(format!("cannot listen on {address} (HOST:PORT)"), error);
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A number of seconds.
fn seconds() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=u64::from(u32::MAX))
}

/// The first line, which ends in the address.
fn greeting(offers: &[Offer], address: SocketAddr) -> String {
    match offers {
        [only] => format!("serving {} on {address}\n", identity(only)),
        several => format!("serving {} plans on {address}\n", several.len()),
    }
}

/// A line for each of several plans, and what clients may prepare of each in suite `shared`.
fn described(offers: &[Offer]) -> String {
    let described = |offer: &Offer| {
        let name = if offers.len() > 1 { format!("{}\n", identity(offer)) } else { String::new() };
        name + &prepared(offer)
    };
    offers.iter().map(described).collect()
}

fn identity(Offer { name, server }: &Offer) -> String {
    let plan = server.plan();
    let salt = if plan.plan().salt.is_none() { ", compiled with --reproducible" } else { "" };
    format!("{name} (plan {}, {} bit keys{salt})", plan.id(), plan.plan().key_bits)
}

fn prepared(Offer { server, .. }: &Offer) -> String {
    let (count, each) = (server.max_prepared(), server.bytes_of_prepared());
    match each {
        0 => String::new(),
        _ => {
            let each = each as f64 / 1e6;
            format!("each client may have up to {count} prepared inferences, {each:.2} MB each\n")
        }
    }
}
