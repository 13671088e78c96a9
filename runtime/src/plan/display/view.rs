//! What the client is given, as text.

use super::{Table, describe, describe_suite, write_borders};
use crate::plan::{ClientPlan, Exchange, ExchangeKind, Exchanges, KeyBits, Schedule, Work};
use std::fmt;

impl fmt::Display for ClientPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "view    {}", self.id.short())?;
        write_borders(f, &self.input, &self.output)?;
        writeln!(f, "suite   {}, {} bit key", describe_suite(self.suite), self.key_bits)?;
        writeln!(f)?;
        match &self.work {
            Work::Exchanges(work) => write!(f, "{}", rounds(work, self.key_bits)),
            Work::Schedule(schedule) => write!(f, "{}{}", steps(schedule), batches(schedule)),
        }
    }
}

/// `inferences prepared together: 4, 16, 64`
fn batches(schedule: &Schedule) -> String {
    let sizes: Vec<String> = schedule.batches.iter().map(|batch| batch.inferences.to_string()).collect();
    if sizes.is_empty() {
        String::new()
    } else {
        format!("\ninferences prepared together: {}\n", sizes.join(", "))
    }
}

fn rounds(work: &Exchanges, key: KeyBits) -> Table {
    let mut table = Table::new(&["round", "asks", "values", "bits", "ciphertexts down", "up"]);
    (0..6).filter(|&column| column != 1).for_each(|column| table.align_right(column));
    for (round, exchange) in (1..).zip(&work.rounds) {
        table.row(row(work, key, round, exchange));
    }
    let reveal = &work.reveal;
    let numbers =
        [reveal.count.to_string(), reveal.bits.to_string(), reveal.ciphertexts(key).to_string(), "0".into()];
    let [count, bits, down, up] = numbers;
    table.row([(work.rounds.len() + 1).to_string(), "reveal".into(), count, bits, down, up]);
    table
}

fn row(work: &Exchanges, key: KeyBits, round: usize, exchange: &Exchange) -> [String; 6] {
    let kind = match exchange.kind {
        ExchangeKind::Relu => "relu",
        ExchangeKind::Sign => "sign",
        ExchangeKind::Rescale { .. } => "rescale",
    };
    let down = exchange.packed_ciphertexts(work.parameters, key);
    let numbers = [exchange.count, exchange.bits as usize, down, exchange.reply_ciphertexts()];
    let [count, bits, down, up] = numbers.map(|number| number.to_string());
    [round.to_string(), kind.into(), count, bits, down, up]
}

fn steps(schedule: &Schedule) -> Table {
    let mut table = Table::new(&["step", "computes", "shape", "ring"]);
    table.align_right(3);
    for (id, step) in schedule.steps() {
        let ring = schedule.share_ring(id).bits().to_string();
        let computes = describe(&step.op, &step.inputs, step.layout);
        table.row([id.to_string(), computes, step.shape.to_string(), ring]);
    }
    table
}
