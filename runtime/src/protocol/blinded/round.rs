//! One round at the server: it asks about a layer's values and finishes their activation, both part by
//! part, so that the client answers the first part of a question while the server makes the next, and the
//! server uses the first answers while the client makes the last.
//!
//! ```text
//! server                                                 client
//! for each part of the permuted values:
//!   question.rs                                    ──▶     answer.rs
//! for each part of them again:
//!   relu.rs, sign.rs, rescale.rs                   ◀──     as soon as it has a part of the question
//! ```
//!
//! One permutation spans all parts, so that they hide what the whole hides. A question begins when all
//! values are known: the permutation may ask for the last of them first.
//!
//! A result takes the place of the value that it comes from, so that a round holds one ciphertext per value
//! and those of the parts under way.

use super::question::{Blinding, Packer};
use super::{ServerContext, relu, rescale, sign};
use crate::paillier::{Ciphertexts, INVERSION_CHUNK, Permutation, SecureRng, invert_all};
use crate::plan::{Exchange, ExchangeKind};

/// What the server keeps from the first question to the last answer.
pub struct Round<'a> {
    context: &'a ServerContext,
    exchange: Exchange,
    /// In the layer's order; each is replaced by its result.
    values: Ciphertexts,
    order: Permutation,
    /// Of the values asked about so far, in permuted order, as everything below.
    blindings: Vec<Blinding>,
    /// [−x_j] of the next values to be asked about: inversions are shared by chunks, a part may end inside.
    inverses: Ciphertexts,
    finished: usize,
}

impl<'a> Round<'a> {
    /// A round about `values`, as many as `exchange` says.
    ///
    /// # Panics
    /// If these are more or fewer.
    pub fn new(
        context: &'a ServerContext,
        exchange: Exchange,
        values: Ciphertexts,
        rng: &mut SecureRng,
    ) -> Self {
        assert_eq!(values.len(), exchange.count, "the exchange is about other values");
        let values = match exchange.kind {
            ExchangeKind::Sign => sign::odd(context, values),
            ExchangeKind::Relu | ExchangeKind::Rescale { .. } => values,
        };
        let order = Permutation::random(values.len(), rng);
        let inverses = Ciphertexts::new(&context.key);
        Self { context, exchange, values, order, blindings: Vec::new(), inverses, finished: 0 }
    }

    /// The next part of the question, of `packs` ciphertexts or what is left; `None` after the last.
    pub fn ask(&mut self, packs: usize, rng: &mut SecureRng) -> Option<Ciphertexts> {
        let (exchange, parameters) = (self.exchange, self.context.parameters);
        let packer = Packer::new(self.context, &exchange);
        let start = self.blindings.len();
        let end = start.saturating_add(packer.capacity().saturating_mul(packs)).min(self.values.len());
        if start == end {
            return None;
        }
        self.blindings.extend((start..end).map(|_| Blinding::draw(&exchange, parameters, rng)));
        let values = self.values.select(&self.order.sources()[start..end]);
        let inverses = exchange.kind.asks_for_signs().then(|| self.invert(start, end));
        let inverses = inverses.as_ref().unwrap_or(&values);
        Some(packer.pack_all(&values, inverses, &self.blindings[start..], rng))
    }

    /// [−x_j] for `start` ≤ j < `end`.
    fn invert(&mut self, start: usize, end: usize) -> Ciphertexts {
        let (from, to) = (start + self.inverses.len(), end.next_multiple_of(INVERSION_CHUNK));
        if from < end {
            let mut more = self.values.select(&self.order.sources()[from..to.min(self.values.len())]);
            invert_all(&self.context.key, &mut more);
            self.inverses.append(&more);
        }
        self.inverses.take_front(end - start)
    }

    /// Values whose answers [`finish`](Self::finish) should be given at once, to keep rayon's threads busy.
    pub fn values_per_part() -> usize {
        INVERSION_CHUNK * rayon::current_num_threads()
    }

    /// Uses the next part of the answer. But for the last, parts hold answers for whole chunks of 32 values:
    /// then all parts together take as many inversions as the whole would.
    ///
    /// # Panics
    /// If these are answers to questions that were not asked.
    pub fn finish(&mut self, answer: &Ciphertexts) {
        let end = self.finished + answer.len() / self.exchange.kind.replies();
        let sources = &self.order.sources()[self.finished..end];
        let blindings = &self.blindings[self.finished..end];
        let results = match self.exchange.kind {
            ExchangeKind::Relu => {
                let values = self.values.select(sources);
                relu::finish(self.context, &self.exchange, blindings, &values, answer)
            }
            ExchangeKind::Sign => sign::finish(self.context, blindings, answer),
            ExchangeKind::Rescale { bits } => rescale::finish(self.context, bits, blindings, answer),
        };
        for (result, &source) in results.iter().zip(sources) {
            self.values.replace(source, result);
        }
        self.finished = end;
    }

    /// The results in the layer's order, after the last answer.
    pub fn into_results(self) -> Ciphertexts {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Deferred;
    use crate::paillier::count::instrument::measure;
    use crate::paillier::{Count, PublicRandomisers, Randomisers, test_keys};
    use crate::plan::BlindedParameters;
    use crate::protocol::blinded::answer::Answering;
    use crate::protocol::blinded::cost;
    use rug::Integer;

    const COUNT: i64 = 75;

    /// Questions of one to three ciphertexts at a time, answers of one to three chunks at a time: the same
    /// results and the same work.
    #[test]
    fn parts_of_any_size_give_the_same_results_for_the_same_work() {
        let mut rng = SecureRng::from_os().unwrap();
        let key = test_keys::holder(512);
        let randomisers = PublicRandomisers::for_uses(key.public(), 10);
        let draw = measure(|| randomisers.draw(&mut rng)).1;
        let parameters = BlindedParameters::default();
        let context =
            ServerContext { key: key.public().clone(), randomisers: Box::new(randomisers), parameters };
        let plain: Vec<Integer> = (0..COUNT).map(|i| Integer::from(i * 5 % 31 - 15)).collect();
        let values = key.encrypt(&plain, &mut rng).unwrap();
        for kind in [ExchangeKind::Relu, ExchangeKind::Sign, ExchangeKind::Rescale { bits: 2 }] {
            let exchange = Exchange { kind, count: plain.len(), bits: 5 };
            for (packs, chunks) in [(1, 1), (2, 1), (3, 2), (usize::MAX, 3)] {
                let (mut round, mut counted) =
                    measure(|| Round::new(&context, exchange, values.clone(), &mut rng));
                let mut answering = Answering::new(&key, parameters, &exchange);
                let mut faults = Deferred::default();
                let mut answers = Ciphertexts::new(key.public());
                loop {
                    let (question, count) = measure(|| round.ask(packs, &mut rng));
                    let Some(question) = question else { break };
                    counted += count;
                    answers.append(&answering.part(&question, &mut faults, &mut rng).unwrap());
                }
                while !answers.is_empty() {
                    let part = (chunks * INVERSION_CHUNK * kind.replies()).min(answers.len());
                    let part = answers.take_front(part);
                    counted += measure(|| round.finish(&part)).1;
                }
                let cost = cost::exchange(&exchange, false, parameters, key.public().bits());
                let predicted =
                    Count { products: cost.products, squarings: cost.squarings, inversions: cost.inversions };
                assert_eq!(
                    counted,
                    predicted + draw.times(cost.rerandomisations),
                    "{kind:?}, {packs}, {chunks}"
                );
                faults.report().unwrap();
                let results = key.decrypt(&round.into_results()).plaintexts;
                for (x, result) in plain.iter().zip(results) {
                    let result = key.public().centred(result);
                    match kind {
                        ExchangeKind::Relu => assert_eq!(result, Integer::from(x.max(&Integer::new()))),
                        ExchangeKind::Sign => assert_eq!(result, i32::from(*x > 0)),
                        ExchangeKind::Rescale { bits } => {
                            let least = Integer::from(x >> bits);
                            assert!(result == least || result == least + 1u32, "{x}");
                        }
                    }
                }
            }
        }
    }
}
