//! What a step costs: counts that are exact before anything runs.

use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::AddAssign;

/// Counts of one step, or of a whole inference. Times are not predicted here: a machine's speed is not the plan's.
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
    /// Bytes from client to server, frame headers included.
    pub bytes_up: u64,
    /// Bytes from server to client, frame headers included.
    pub bytes_down: u64,
    /// Times that the client sends and then waits for the server.
    pub rounds: u64,
}

impl Cost {
    /// All counts, in the order of the fields.
    pub const fn counts(&self) -> [u64; 9] {
        [
            self.products,
            self.squarings,
            self.inversions,
            self.rerandomisations,
            self.encryptions,
            self.decryptions,
            self.bytes_up,
            self.bytes_down,
            self.rounds,
        ]
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
