//! Nodes for a sum of shifted ReLUs.

use crate::activation::{Bend, Pieces};
use crate::graph::{Add, Affine, Clip, Graph, NodeId, Op, Real, RealFact};

/// The nodes in the making.
pub(super) struct Sum<'a> {
    graph: &'a mut Graph<Real>,
    name: String,
    fact: RealFact,
    /// By channel; all with the same number of bends.
    pieces: Vec<Pieces>,
}

/// Factors below this share of the largest are what floating point leaves of nothing.
const ROUNDING: f64 = 1e-6;

/// A number per channel.
type PerChannel = Vec<f64>;

impl<'a> Sum<'a> {
    /// For the activation `id` with one function for all channels, or one each.
    pub(super) fn new(graph: &'a mut Graph<Real>, id: NodeId, pieces: &[Pieces]) -> Self {
        let (name, fact) = (graph.node(id).name.clone(), graph.node(id).fact.clone());
        let bends = pieces.iter().map(|pieces| pieces.bends.len()).max().unwrap_or(0);
        let mut pieces = match pieces {
            [one] => vec![one.clone(); fact.shape.channels],
            many => many.to_vec(),
        };
        for pieces in &mut pieces {
            let last = pieces.bends.last().map_or(0.0, |bend| bend.at);
            pieces.bends.resize(bends, Bend { at: last, change: 0.0 });
        }
        Self { graph, name, fact, pieces }
    }

    /// c0 + c1·x + Σ aᵢ·ReLU(x − tᵢ).
    pub(super) fn open(&mut self, x: NodeId) -> NodeId {
        let mut terms = vec![(x, self.each(|pieces| pieces.slope))];
        for bend in 0..self.pieces[0].bends.len() {
            let below = self.each(|pieces| -pieces.bends[bend].at);
            let shifted = self.affine(x, &vec![1.0; below.len()], &below);
            terms.push((self.relu(shifted), self.each(|pieces| pieces.bends[bend].change)));
        }
        let offset = self.each(|pieces| pieces.offset);
        self.total(terms, &offset)
    }

    /// Over z = min(max(x − t₀, 0), w): c0 + a₀·z + Σ aᵢ·ReLU(z − (tᵢ − t₀)), for a function that is constant before t₀
    /// and behind t₀ + w.
    pub(super) fn clamped(&mut self, x: NodeId) -> NodeId {
        let last = self.pieces[0].bends.len() - 1;
        let ones = self.each(|_| 1.0);
        let start = self.each(|pieces| -pieces.bends[0].at);
        let high =
            self.pieces.iter().map(|pieces| (pieces.bends[last].at - pieces.bends[0].at) as f32).collect();
        let shifted = self.affine(x, &ones, &start);
        let z = self.graph.add(self.name.clone(), Op::Clip(Clip { high }), &[shifted], self.fact.clone());
        let mut terms = vec![(z, self.each(|pieces| pieces.bends[0].change))];
        for bend in 1..last {
            let below = self.each(|pieces| pieces.bends[0].at - pieces.bends[bend].at);
            let shifted = self.affine(z, &ones, &below);
            terms.push((self.relu(shifted), self.each(|pieces| pieces.bends[bend].change)));
        }
        let offset = self.each(|pieces| pieces.offset);
        self.total(terms, &offset)
    }

    /// Σ factor·term + offset.
    fn total(&mut self, mut terms: Vec<(NodeId, PerChannel)>, offset: &[f64]) -> NodeId {
        let size = |factors: &PerChannel| factors.iter().fold(0f64, |size, factor| size.max(factor.abs()));
        let largest = terms.iter().map(|(_, factors)| size(factors)).fold(0.0, f64::max);
        let counts = |(_, factors): &(NodeId, PerChannel)| size(factors) > ROUNDING * largest;
        if terms.iter().any(counts) {
            terms.retain(counts);
        } else {
            terms.truncate(1); // a constant
        }
        if let [(id, factors)] = &terms[..] {
            return self.affine(*id, factors, offset);
        }
        let (inputs, multipliers): (Vec<NodeId>, Vec<f32>) =
            terms.into_iter().map(|(id, factors)| self.weighted(id, &factors)).unzip();
        let sum = self.graph.add(self.name.clone(), Op::Add(Add { multipliers }), &inputs, self.fact.clone());
        let ones = vec![1.0; offset.len()];
        self.affine(sum, &ones, offset)
    }

    /// A branch of the sum and its multiplier, which is the same for all channels.
    fn weighted(&mut self, id: NodeId, factors: &[f64]) -> (NodeId, f32) {
        if factors.iter().all(|factor| *factor == factors[0]) {
            return (id, factors[0] as f32);
        }
        let zero = vec![0.0; factors.len()];
        (self.affine(id, factors, &zero), 1.0)
    }

    fn each(&self, of: impl Fn(&Pieces) -> f64) -> PerChannel {
        self.pieces.iter().map(of).collect()
    }

    /// scale·x + shift; x itself where that is the same.
    fn affine(&mut self, x: NodeId, scale: &[f64], shift: &[f64]) -> NodeId {
        if scale.iter().all(|&scale| scale == 1.0) && shift.iter().all(|&shift| shift == 0.0) {
            return x;
        }
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        let affine = Affine { scale: narrow(scale), shift: narrow(shift) };
        self.graph.add(self.name.clone(), Op::Affine(affine), &[x], self.fact.clone())
    }

    fn relu(&mut self, x: NodeId) -> NodeId {
        self.graph.add(self.name.clone(), Op::Relu, &[x], self.fact.clone())
    }
}
