//! What a step costs: counts that are exact before anything runs.

use super::suite::KeyBits;
use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::AddAssign;

/// Counts of one step, or of a whole inference. A machine's speed is not the plan's: [`seconds`](Self::seconds) weighs
/// counts by the times of a stated one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Server: products mod N², squarings apart.
    pub products: u64,
    /// Server: squarings mod N².
    pub squarings: u64,
    /// Server: inversions mod N², each shared by many values.
    pub inversions: u64,
    /// Server: fresh randomisers.
    pub rerandomisations: u64,
    /// Client: encryptions.
    pub encryptions: u64,
    /// Client: decryptions.
    pub decryptions: u64,
    /// Random oblivious transfers, of both directions.
    pub ots: u64,
    /// Bytes from client to server, frame headers included.
    pub bytes_up: u64,
    /// Bytes from server to client, frame headers included.
    pub bytes_down: u64,
    /// Times that the client sends and then waits for the server.
    pub rounds: u64,
}

impl Cost {
    /// Of nothing.
    pub const NOTHING: Self = Self {
        products: 0,
        squarings: 0,
        inversions: 0,
        rerandomisations: 0,
        encryptions: 0,
        decryptions: 0,
        ots: 0,
        bytes_up: 0,
        bytes_down: 0,
        rounds: 0,
    };

    /// All counts, in the order of the fields.
    pub const fn counts(&self) -> [u64; 10] {
        [
            self.products,
            self.squarings,
            self.inversions,
            self.rerandomisations,
            self.encryptions,
            self.decryptions,
            self.ots,
            self.bytes_up,
            self.bytes_down,
            self.rounds,
        ]
    }
}

/// Seconds that one of each count takes, for weighing costs of different kinds against each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitCosts {
    /// For a product mod N².
    pub product: f64,
    /// For a squaring mod N².
    pub squaring: f64,
    /// For an inversion mod N².
    pub inversion: f64,
    /// For a fresh randomiser of the server's.
    pub rerandomisation: f64,
    /// For an encryption by the client.
    pub encryption: f64,
    /// For a decryption by the client.
    pub decryption: f64,
    /// For a random oblivious transfer, both parties' work together.
    pub ot: f64,
    /// For a byte to be sent, in either direction.
    pub byte: f64,
    /// For a round trip between the parties.
    pub round: f64,
}

/// The kind of machine that a plan's layouts are chosen for. It runs on any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Processor {
    /// A server of 2023 with AVX-512 IFMA (Intel Sapphire Rapids).
    #[default]
    Ifma,
    /// A server of 2021 without (AMD Zen 3).
    Adx,
}

impl UnitCosts {
    /// One core of a processor with AVX-512 IFMA, keys of 3072 bits.
    const IFMA: Self = Self {
        product: 1.4e-6,
        squaring: 1.15e-6,
        inversion: 55.0e-6,
        rerandomisation: 0.18e-3,
        encryption: 0.06e-3,
        decryption: 0.33e-3,
        ot: 0.15e-6,
        byte: 200.0e-9,
        round: 20.0e-3,
    };
    /// One core without.
    const ADX: Self = Self {
        product: 5.9e-6,
        squaring: 4.4e-6,
        rerandomisation: 0.53e-3,
        encryption: 0.14e-3,
        decryption: 0.97e-3,
        ..Self::IFMA
    };

    /// One core of such a machine, and a customer's link of 40 Mbit/s with 20 ms; for other keys than those of 3072 bits by
    /// powers of their length. Exponents have the same length for all keys. Products are measured on both machines;
    /// what takes exponents was measured without IFMA, and with it is computed from products.
    pub fn typical(key: KeyBits, processor: Processor) -> Self {
        let longer = |seconds: f64| seconds * (f64::from(key.get()) / 3072.0).powf(1.9);
        let unit = match processor {
            Processor::Ifma => Self::IFMA,
            Processor::Adx => Self::ADX,
        };
        Self {
            product: longer(unit.product),
            squaring: longer(unit.squaring),
            inversion: longer(unit.inversion),
            rerandomisation: longer(unit.rerandomisation),
            encryption: longer(unit.encryption),
            decryption: longer(unit.decryption),
            ..unit
        }
    }
}

impl Cost {
    /// How long everything takes, nothing at the same time as anything else.
    pub fn seconds(&self, unit: &UnitCosts) -> f64 {
        let terms = [
            (self.products, unit.product),
            (self.squarings, unit.squaring),
            (self.inversions, unit.inversion),
            (self.rerandomisations, unit.rerandomisation),
            (self.encryptions, unit.encryption),
            (self.decryptions, unit.decryption),
            (self.ots, unit.ot),
            (self.bytes_up + self.bytes_down, unit.byte),
            (self.rounds, unit.round),
        ];
        terms.into_iter().map(|(count, each)| count as f64 * each).sum()
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.products += other.products;
        self.squarings += other.squarings;
        self.inversions += other.inversions;
        self.rerandomisations += other.rerandomisations;
        self.encryptions += other.encryptions;
        self.decryptions += other.decryptions;
        self.ots += other.ots;
        self.bytes_up += other.bytes_up;
        self.bytes_down += other.bytes_down;
        self.rounds += other.rounds;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), |mut total, cost| {
            total += cost;
            total
        })
    }
}
