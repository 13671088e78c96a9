//! What a server has done, as Prometheus reads it. (Text format 0.0.4, the crate `prometheus-client`.)

use super::registration::Register;
use crate::channel::Traffic;
use crate::error::Error;
use crate::observe::{cpu_time, resident_memory};
use crate::roles::hall::Standing;
use crate::roles::watch::{self, Caller, Departure, Done, PhaseReport, ServerObserver, Session};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A label's name and its value.
type Label = (&'static str, &'static str);

/// Counts what a server does; clones are the same counters. Give one to [`ServerBuilder::observer`](crate::ServerBuilder::observer), and
/// another to [`serve`](super::serve).
#[derive(Clone)]
pub struct Metrics(Arc<Counters>);

/// What a server's store keeps between sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Inferences.
    pub inferences: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What says how full the store is.
type StockTaker = Box<dyn Fn() -> Stock + Send + Sync>;

struct Counters {
    registry: Registry,
    stock: Option<StockTaker>,
    sessions: Counter,
    departures: Family<[Label; 1], Counter>,
    declined: Family<[Label; 1], Counter>,
    prepared: Counter,
    answered: Counter,
    offline: Histogram,
    online: Histogram,
    bytes: Family<[Label; 2], Counter>,
    standing: StandingGauges,
    process: Process,
}

/// How the server stands, as of the last look.
struct StandingGauges {
    places: Gauge,
    sessions: Gauge,
    working: Gauge,
    core_seconds: Gauge<f64, AtomicU64>,
    connections: Gauge,
    prepared: Gauge,
    prepared_bytes: Gauge,
    stored: Gauge,
    stored_bytes: Gauge,
    ready: Gauge,
}

/// What the process takes, likewise.
struct Process {
    memory: Gauge,
    cpu: Counter<f64, AtomicU64>,
}

impl Default for Metrics {
    /// Of a server without a store.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Metrics {
    /// Of a server with a store, of which `stock` says how full it is.
    pub fn of_store(stock: impl Fn() -> Stock + Send + Sync + 'static) -> Self {
        Self::new(Some(Box::new(stock)))
    }

    fn new(stock: Option<StockTaker>) -> Self {
        let registry = &mut Registry::default();
        let counters = Counters {
            stock,
            sessions: registry.add("popcorn_sessions", "Sessions that have begun"),
            departures: registry.add("popcorn_departures", "Connections that have ended, by reason"),
            declined: registry
                .add("popcorn_declined", "What was not done for sessions that went on, by reason"),
            prepared: registry.add("popcorn_preparations", "Inferences that were prepared"),
            answered: registry.add("popcorn_inferences", "Images that were answered"),
            offline: registry.seconds("popcorn_offline_seconds", "Seconds that a preparation takes"),
            online: registry
                .seconds("popcorn_online_seconds", "Seconds from a question about images to the answers"),
            bytes: registry.add("popcorn_bytes", "Bytes sent and received, by phase"),
            standing: StandingGauges::new(registry),
            process: Process {
                memory: registry.add("process_resident_memory_bytes", "Memory that the process holds"),
                cpu: registry
                    .add("process_cpu_seconds", "Seconds that all cores have worked for the process"),
            },
            registry: std::mem::take(registry),
        };
        for phase in PHASES {
            counters.count_bytes(phase, Traffic::default());
        }
        Self(Arc::new(counters))
    }
}

/// When bytes are exchanged; the last is for handshakes and for what failed.
const PHASES: [&str; 3] = ["offline", "online", "other"];

impl StandingGauges {
    fn new(registry: &mut Registry) -> Self {
        Self {
            places: registry.add("popcorn_places", "Clients that may be served at the same time"),
            sessions: registry.add("popcorn_sessions_open", "Clients that are served"),
            core_seconds: registry.add(
                "popcorn_core_seconds_under_way",
                "Core-seconds of what is being done, as predicted when it was begun",
            ),
            working: registry
                .add("popcorn_phases_under_way", "Preparations and questions that are being worked on"),
            connections: registry
                .add("popcorn_connections_open", "Connections, those without a place included"),
            prepared: registry.add("popcorn_prepared_held", "Inferences that are prepared and not used yet"),
            prepared_bytes: registry
                .add("popcorn_prepared_held_bytes", "Memory that prepared inferences take"),
            stored: registry.add("popcorn_stored", "Inferences that the store keeps between sessions"),
            stored_bytes: registry.add("popcorn_stored_bytes", "Bytes that these take on disk"),
            ready: registry.add("popcorn_ready", "1 where a further client would be served, else 0"),
        }
    }

    fn set(&self, standing: &Standing, stock: Stock) {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let large = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.places.set(count(standing.places));
        self.sessions.set(count(standing.sessions));
        self.working.set(count(standing.working));
        self.core_seconds.set(standing.core_seconds);
        self.connections.set(count(standing.connections));
        self.prepared.set(large(standing.prepared));
        self.prepared_bytes.set(large(standing.prepared_bytes));
        self.stored.set(large(stock.inferences));
        self.stored_bytes.set(large(stock.bytes));
        self.ready.set(standing.is_ready().into());
    }
}

impl Metrics {
    /// All of it in Prometheus's text format, of a server that stands so.
    pub fn text(&self, standing: &Standing) -> String {
        let Counters { registry, stock, standing: gauges, process, .. } = &*self.0;
        gauges.set(standing, stock.as_ref().map(|stock| stock()).unwrap_or_default());
        process.memory.set(resident_memory().and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(0));
        let cpu = cpu_time().map_or(0.0, |time| time.as_secs_f64());
        process.cpu.inner().store(cpu.to_bits(), Ordering::Relaxed);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_text::encode(&mut text, registry);
        text
    }
}

impl Counters {
    fn count_bytes(&self, phase: &'static str, traffic: Traffic) {
        for (direction, bytes) in [("sent", traffic.sent), ("received", traffic.received)] {
            self.bytes.get_or_create(&[("direction", direction), ("phase", phase)]).inc_by(bytes);
        }
    }
}

impl ServerObserver for Metrics {
    fn admitted(&self, _: &Caller, _: Session) {
        self.0.sessions.inc();
    }

    fn did(&self, _: &Caller, _: Session, phase: &PhaseReport) {
        let (count, counter, seconds, name) = match phase.done {
            Done::Prepared(count) => (count, &self.0.prepared, &self.0.offline, PHASES[0]),
            Done::Answered(count) => (count, &self.0.answered, &self.0.online, PHASES[1]),
            Done::Kept(_) | Done::Taken(_) => return self.0.count_bytes(PHASES[0], phase.spent.traffic),
        };
        counter.inc_by(count);
        seconds.observe(phase.spent.elapsed.as_secs_f64());
        self.0.count_bytes(name, phase.spent.traffic);
    }

    fn declined(&self, _: &Caller, _: Session, _: Done, error: &Error) {
        self.0.declined.get_or_create(&[("reason", watch::reason(error))]).inc();
    }

    fn departed(&self, departure: &Departure) {
        self.0.departures.get_or_create(&[("reason", departure.end.reason())]).inc();
        self.0.count_bytes(PHASES[2], departure.unreported);
    }
}
