//! Products of functions of one value that no sum of ReLUs follows, such as squares, as products of two values.

use super::Translator;
use crate::activation::{Fineness, approximate_all};
use crate::graph::{Affine, Binary, Curve, NodeId, Op};

impl Translator<'_> {
    /// Splits every such product, and what its factors are, as far as that helps.
    pub(super) fn split_products(&mut self) {
        let mut waiting = self.graph.ids_in_order();
        while let Some(id) = waiting.pop() {
            let Op::Activation(curve) = self.graph.op(id) else { continue };
            let channels = self.graph.shape(id).channels;
            if approximate_all(curve, channels, Fineness::Percent, None).is_err()
                && let Some([first, second]) = factors(curve)
            {
                waiting.extend(self.split(id, channels, first, second));
            }
        }
    }

    /// Makes the activation `id` the product of two functions of what it reads; returns the activations that are new.
    fn split(&mut self, id: NodeId, channels: usize, first: Curve, second: Curve) -> Vec<NodeId> {
        let (input, node) = (self.graph.sole_input(id), self.graph.node(id).clone());
        let mut made = Vec::new();
        let mut value = |curve: Curve| match curve {
            Curve::X => input,
            curve => {
                let op = Op::Activation(curve);
                made.push(self.graph.add(node.name.clone(), op, &[input], node.fact.clone()));
                made[made.len() - 1]
            }
        };
        match (first, second) {
            (Curve::Constant(numbers), other) | (other, Curve::Constant(numbers)) => {
                let scale = (0..channels).map(|channel| numbers[channel % numbers.len()]).collect();
                let other = value(other);
                self.graph.set_inputs(id, &[other]);
                self.graph.node_mut(id).op = Op::Affine(Affine { scale, shift: vec![0.0; channels] });
            }
            (first, second) => {
                let inputs = [value(first), value(second)];
                self.graph.set_inputs(id, &inputs);
                self.graph.node_mut(id).op = Op::Mul;
            }
        }
        made
    }
}

/// The factors of a product or a square.
fn factors(curve: &Curve) -> Option<[Curve; 2]> {
    match curve {
        Curve::Binary(Binary::Mul, factors) => Some((**factors).clone()),
        Curve::Binary(Binary::Pow, operands) => {
            let [base, exponent] = &**operands;
            let is_two = matches!(exponent, Curve::Constant(numbers) if numbers.iter().all(|&x| x == 2.0));
            is_two.then(|| [base.clone(), base.clone()])
        }
        _ => None,
    }
}
