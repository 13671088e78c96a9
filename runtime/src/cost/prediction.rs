//! What a plan will take, step by step: its counts times what a unit of each takes on a machine.
//!
//! Times are added up as if nothing happened at once. On one machine, whose cores both parties share, that is what
//! it takes; on two like it, it is a bound that they stay below as far as they work at the same time.

use super::profile::Entry;
use crate::channel::Link;
use crate::plan::{Cost, Plan, Processor, StepId, Suite, Table, UnitCosts, ValidPlan, codec};
use crate::protocol::blinded::linear;
use serde::Serialize;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// Predicted seconds, by where they are spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Time in which the server computes.
    pub server: f64,
    /// Time in which the client computes.
    pub client: f64,
    /// Time in which ciphertexts become bytes, travel over the link, and are checked on arrival.
    pub network: f64,
}

/// What a session and an image in it will take.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Tables for powers, once in a session. The client makes its own before it connects.
    pub tables: Seconds,
    /// The handshake and the base OTs, once in a session.
    pub session: Seconds,
    /// For each step of the plan, in order of execution: before the image is known.
    pub offline: Vec<Seconds>,
    /// Likewise, once the image is known.
    pub online: Vec<Seconds>,
}

impl Prediction {
    /// Of `plan`, on the machine that `entry` was measured on; without a link, both parties on it in one process.
    pub fn new(plan: &ValidPlan, entry: &Entry, link: Option<Link>) -> Self {
        let (total, unit) = (plan.plan().total_cost(), entry.unit(plan.plan().suite));
        let tables = Seconds {
            server: entry.set_up(total.rerandomisations, |set_up| set_up.server),
            client: entry.set_up(total.encryptions, |set_up| set_up.client),
            network: 0.0,
        };
        Self { tables, ..Self::from_units(plan, &unit, entry.weight, link) }
    }

    /// Of `plan`, on the machine that plans are compiled for by default ([`UnitCosts::typical`]), where tables and the planning of weights
    /// count nothing; without a link, both parties on it in one process.
    pub fn typical(plan: &ValidPlan, link: Option<Link>) -> Self {
        let unit = UnitCosts::typical(plan.plan().key_bits, Processor::default());
        Self::from_units(plan, &UnitCosts { byte: 0.0, round: 0.0, ..unit }, 0.0, link)
    }

    /// `weight`: seconds in which the server plans what to do with one.
    fn from_units(plan: &ValidPlan, unit: &UnitCosts, weight: f64, link: Option<Link>) -> Self {
        let handshake = Cost {
            bytes_up: plan.plan().key_bits.public_key_bytes() as u64,
            bytes_down: codec::encode_view(plan.client_view()).len() as u64,
            rounds: 1,
            ..Cost::default()
        };
        let of = |cost: &Cost| Seconds::from_cost(cost, unit, link);
        let planning = |id| Seconds {
            server: if weight > 0.0 { weights(plan.plan(), id) as f64 * weight } else { 0.0 },
            ..Seconds::default()
        };
        let seconds = plan.plan().steps().map(|(id, step)| match plan.plan().suite {
            Suite::Shared(_) => (of(&step.offline) + planning(id), of(&step.cost)),
            Suite::Blinded(_) => (of(&step.offline), of(&step.cost) + planning(id)),
        });
        let (offline, online) = seconds.unzip();
        Self { tables: Seconds::default(), session: of(&handshake) + of(&plan.plan().setup), offline, online }
    }

    /// One step of an image.
    ///
    /// # Panics
    /// If the plan has no such step.
    pub fn step(&self, id: StepId) -> Seconds {
        self.offline[id.index()] + self.online[id.index()]
    }

    /// One image, all steps together.
    pub fn image(&self) -> Seconds {
        self.offline.iter().chain(&self.online).copied().sum()
    }

    /// From the first image of a session to its logits, when the client's tables are there.
    pub fn first_answer(&self) -> f64 {
        self.tables.server + self.session.total() + self.image().total()
    }
}

/// Weights of a linear step, in one of all bundles that are alike.
fn weights(plan: &Plan, id: StepId) -> usize {
    let Some(rows) = linear::rows(plan, id) else { return 0 };
    let different = (0..rows.bundles()).filter(|&bundle| rows.first_alike(bundle) == bundle);
    let count = different.map(|bundle| {
        let mut inputs = Vec::new();
        rows.inputs(bundle, &mut inputs);
        inputs.len() * rows.bundle(bundle).len
    });
    count.sum()
}

impl Seconds {
    fn from_cost(cost: &Cost, unit: &UnitCosts, link: Option<Link>) -> Self {
        let sum = |terms: &[(u64, f64)]| terms.iter().map(|&(count, each)| count as f64 * each).sum();
        let bytes = cost.bytes_up + cost.bytes_down;
        let (byte, round) = link.map_or((0.0, unit.round), |link| (link.byte(), link.round_trip()));
        Self {
            server: sum(&[
                (cost.products, unit.product),
                (cost.squarings, unit.squaring),
                (cost.inversions, unit.inversion),
                (cost.rerandomisations, unit.rerandomisation),
            ]),
            client: sum(&[
                (cost.encryptions, unit.encryption),
                (cost.decryptions, unit.decryption),
                (cost.ots, unit.ot),
            ]),
            network: sum(&[(bytes, unit.byte + byte), (cost.rounds, round)]),
        }
    }

    /// The sum of all three, as if nothing happened at the same time.
    pub fn total(&self) -> f64 {
        self.server + self.client + self.network
    }
}

impl Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            server: self.server + other.server,
            client: self.client + other.client,
            network: self.network + other.network,
        }
    }
}

impl Sum for Seconds {
    fn sum<I: Iterator<Item = Self>>(seconds: I) -> Self {
        seconds.fold(Self::default(), Add::add)
    }
}

/// A line for tables, for the session, for every step that takes any time, and for an image.
impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = ["seconds", "server", "client", "network", "in all"];
        let mut table = Table::new(&headings);
        (1..headings.len()).for_each(|column| table.align_right(column));
        table.row(row("tables".into(), &self.tables));
        table.row(row("session".into(), &self.session));
        let steps = (0..self.offline.len()).map(StepId::new).map(|id| (id, self.step(id)));
        for (id, seconds) in steps.filter(|(_, seconds)| seconds.total() > 0.0) {
            table.row(row(id.to_string(), &seconds));
        }
        table.row(row("image".into(), &self.image()));
        write!(f, "{table}")
    }
}

fn row(name: String, seconds: &Seconds) -> [String; 5] {
    let [server, client, network, total] =
        [seconds.server, seconds.client, seconds.network, seconds.total()].map(|time| format!("{time:.3}"));
    [name, server, client, network, total]
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::cost::profile::SetUp;

    /// Powers of two, so that sums are exact.
    pub(crate) fn entry(key_bits: u32) -> Entry {
        let set_up = |uses: u64| SetUp { uses, server: uses as f64, client: uses as f64 / 2.0 };
        let unit = UnitCosts {
            product: 1.0,
            squaring: 0.5,
            inversion: 32.0,
            rerandomisation: 64.0,
            encryption: 128.0,
            decryption: 256.0,
            ot: 512.0,
            byte: 0.125,
            round: 8.0,
        };
        Entry { key_bits, unit, silent_ot: 256.0, weight: 0.25, set_up: [1, 3, 9].map(set_up).to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::entry;
    use super::*;

    #[test]
    fn counts_are_multiplied_by_units() {
        let cost = Cost {
            products: 3,
            squarings: 5,
            inversions: 1,
            rerandomisations: 2,
            encryptions: 3,
            decryptions: 1,
            ots: 1,
            bytes_up: 100,
            bytes_down: 60,
            rounds: 2,
        };
        let local = Seconds::from_cost(&cost, &entry(512).unit, None);
        assert_eq!(local, Seconds { server: 165.5, client: 1152.0, network: 36.0 });
        assert_eq!(local.total(), 1353.5);
        // 2^-3 seconds a byte on either side of a link of 2^-16 bytes a second.
        let slow: Link = "0.000064/500".parse().unwrap();
        assert_eq!(Seconds::from_cost(&cost, &entry(512).unit, Some(slow)).network, 160.0 * 0.25 + 2.0 * 0.5);
    }

    #[test]
    fn an_image_is_the_sum_of_its_steps_and_the_first_waits_for_the_server() {
        let offline = [1.0, 2.0].map(|server| Seconds { server, client: 3.0, network: 0.0 }).to_vec();
        let online = vec![Seconds { server: 0.0, client: 1.0, network: 0.5 }; 2];
        let tables = Seconds { server: 8.0, client: 99.0, network: 0.0 };
        let session = Seconds { server: 0.5, client: 0.25, network: 1.0 };
        let prediction = Prediction { tables, session, offline, online };
        assert_eq!(prediction.image(), Seconds { server: 3.0, client: 8.0, network: 1.0 });
        assert_eq!(prediction.first_answer(), 21.75);
        assert_eq!(
            prediction.to_string(),
            "seconds  server  client  network   in all\n\
             tables    8.000  99.000    0.000  107.000\n\
             session   0.500   0.250    1.000    1.750\n\
             s0        1.000   4.000    0.500    5.500\n\
             s1        2.000   4.000    0.500    6.500\n\
             image     3.000   8.000    1.000   12.000\n"
        );
    }
}
