//! Building, reading and rewiring a graph.
//!
//! Node ids stay valid until their node is removed, so a pass may collect [`Graph::ids_in_order`]
//! first and edit while it walks the list. Methods panic on an id of a removed node: that is a
//! defect of the caller, never of a model.

use super::{Domain, Graph, Node, NodeId, Op, Real, RealFact, Shape, infer_shape};
use petgraph::Direction::{Incoming, Outgoing};
use petgraph::stable_graph::StableDiGraph;
use petgraph::visit::{EdgeRef, NodeIndexable};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

impl<D: Domain> Graph<D> {
    /// A graph that returns its input.
    pub fn new(name: impl Into<String>, fact: D::Fact) -> Self {
        let mut inner = StableDiGraph::new();
        let input = NodeId(inner.add_node(Node { name: name.into(), op: Op::Input, fact }));
        Self { inner, input, output: input }
    }

    /// Adds a node that reads `inputs`, in this order. Nothing reads it yet.
    pub fn add(&mut self, name: impl Into<String>, op: Op<D>, inputs: &[NodeId], fact: D::Fact) -> NodeId {
        let id = NodeId(self.inner.add_node(Node { name: name.into(), op, fact }));
        self.connect(inputs, id);
        id
    }

    /// The input node, whose value is the preprocessed image.
    pub fn input(&self) -> NodeId {
        self.input
    }

    /// The node whose value the graph returns: the logits.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Makes `id` the value that the graph returns.
    pub fn set_output(&mut self, id: NodeId) {
        self.output = id;
    }

    /// The node `id`.
    pub fn node(&self, id: NodeId) -> &Node<D> {
        &self.inner[id.0]
    }

    /// The node `id`, to be changed in place.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node<D> {
        &mut self.inner[id.0]
    }

    /// What the node `id` computes.
    pub fn op(&self, id: NodeId) -> &Op<D> {
        &self.node(id).op
    }

    /// The shape of the value of `id`.
    pub fn shape(&self, id: NodeId) -> Shape {
        *self.node(id).fact.as_ref()
    }

    /// Number of nodes, those included that nothing reads.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Never true: there is always an input.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// More than any [`NodeId::index`] in the graph.
    pub fn id_bound(&self) -> usize {
        self.inner.node_bound()
    }

    /// Whether `id` has not been removed.
    pub fn contains(&self, id: NodeId) -> bool {
        self.inner.contains_node(id.0)
    }

    /// The values that `id` reads, by position.
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<_> = self.edges_into(id);
        edges.sort_unstable();
        edges.into_iter().map(|(_, producer)| producer).collect()
    }

    /// The only value that `id` reads.
    ///
    /// # Panics
    /// Where it reads none or several.
    pub fn sole_input(&self, id: NodeId) -> NodeId {
        match self.inputs(id)[..] {
            [input] => input,
            ref inputs => panic!("{id} ({}) reads {} values, not one", self.op(id).name(), inputs.len()),
        }
    }

    /// Shapes of the values that `id` reads, by position.
    pub fn input_shapes(&self, id: NodeId) -> Vec<Shape> {
        self.inputs(id).into_iter().map(|input| self.shape(input)).collect()
    }

    /// (consumer, position among its inputs) of everything that reads `id`, in order of id and position.
    pub fn consumers(&self, id: NodeId) -> Vec<(NodeId, usize)> {
        let edges = self.inner.edges_directed(id.0, Outgoing);
        let mut consumers: Vec<_> = edges.map(|edge| (NodeId(edge.target()), *edge.weight())).collect();
        consumers.sort_unstable();
        consumers
    }

    /// The one node that reads `id`, once; `None` where several do, or the graph returns `id`.
    pub fn sole_consumer(&self, id: NodeId) -> Option<NodeId> {
        match self.consumers(id)[..] {
            [(consumer, _)] if id != self.output => Some(consumer),
            _ => None,
        }
    }

    /// Every node after all that it reads, smaller ids first where there is a choice.
    /// Nodes after a cycle (a broken graph, see [`super::verify`]) are left out.
    pub fn ids_in_order(&self) -> Vec<NodeId> {
        let mut waiting = vec![0; self.id_bound()];
        let mut ready = BinaryHeap::new();
        for id in self.ids() {
            waiting[id.index()] = self.edges_into(id).len();
            if waiting[id.index()] == 0 {
                ready.push(Reverse(id));
            }
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(id)) = ready.pop() {
            order.push(id);
            for (consumer, _) in self.consumers(id) {
                waiting[consumer.index()] -= 1;
                if waiting[consumer.index()] == 0 {
                    ready.push(Reverse(consumer));
                }
            }
        }
        order
    }

    /// The ids of all nodes, in rising order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.inner.node_indices().map(NodeId)
    }

    /// (position, producer) of what `id` reads, in no particular order.
    pub(super) fn edges_into(&self, id: NodeId) -> Vec<(usize, NodeId)> {
        let edges = self.inner.edges_directed(id.0, Incoming);
        edges.map(|edge| (*edge.weight(), NodeId(edge.source()))).collect()
    }

    /// Makes `id` read `inputs` instead of what it reads now.
    pub fn set_inputs(&mut self, id: NodeId, inputs: &[NodeId]) {
        let old: Vec<_> = self.inner.edges_directed(id.0, Incoming).map(|edge| edge.id()).collect();
        for edge in old {
            self.inner.remove_edge(edge);
        }
        self.connect(inputs, id);
    }

    /// Makes `id` read `producer` at `position`.
    pub fn set_input(&mut self, id: NodeId, position: usize, producer: NodeId) {
        let mut inputs = self.inputs(id);
        inputs[position] = producer;
        self.set_inputs(id, &inputs);
    }

    /// Whatever read `old`, and the graph's output where it is `old`, reads `new` from now on.
    pub fn reroute(&mut self, old: NodeId, new: NodeId) {
        for (consumer, position) in self.consumers(old) {
            self.set_input(consumer, position, new);
        }
        if self.output == old {
            self.output = new;
        }
    }

    /// Removes a node with one input; what read the node reads its input instead.
    pub fn bypass(&mut self, id: NodeId) {
        let input = self.sole_input(id);
        self.reroute(id, input);
        self.remove(id);
    }

    /// Removes a node that nothing reads.
    ///
    /// # Panics
    /// Where something does, or the node is the graph's input.
    pub fn remove(&mut self, id: NodeId) {
        assert!(id != self.input, "the input cannot be removed");
        assert!(self.consumers(id).is_empty() && id != self.output, "{id} is still read");
        self.inner.remove_node(id.0);
    }

    /// Removes everything that the output does not depend on, except the input.
    pub fn remove_dead(&mut self) {
        for id in self.ids_in_order().into_iter().rev() {
            if self.consumers(id).is_empty() && id != self.output && id != self.input {
                self.remove(id);
            }
        }
    }

    /// The same wiring and ids with every node rewritten, producers first: `convert` is given the
    /// id, the old node and the new nodes that it reads.
    ///
    /// # Errors
    /// The first error of `convert`.
    pub fn convert<T: Domain, E>(
        &self,
        mut convert: impl FnMut(NodeId, &Node<D>, &[&Node<T>]) -> Result<Node<T>, E>,
    ) -> Result<Graph<T>, E> {
        let mut converted: Vec<Option<Node<T>>> = (0..self.id_bound()).map(|_| None).collect();
        for id in self.ids_in_order() {
            let inputs = self.inputs(id);
            let inputs: Vec<&Node<T>> =
                inputs.iter().filter_map(|input| converted[input.index()].as_ref()).collect();
            let node = convert(id, self.node(id), &inputs)?;
            converted[id.index()] = Some(node);
        }
        let inner =
            self.inner.filter_map(|index, _| converted[index.index()].take(), |_, &position| Some(position));
        Ok(Graph { inner, input: self.input, output: self.output })
    }

    fn connect(&mut self, inputs: &[NodeId], id: NodeId) {
        for (position, input) in inputs.iter().enumerate() {
            self.inner.add_edge(input.0, id.0, position);
        }
    }
}

impl Graph<Real> {
    /// Adds a node whose shape follows from what it reads, and makes it the graph's output.
    ///
    /// # Errors
    /// Those of [`infer_shape`].
    pub fn append(
        &mut self,
        name: impl Into<String>,
        op: Op<Real>,
        inputs: &[NodeId],
    ) -> Result<NodeId, String> {
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.shape(input)).collect();
        let shape = infer_shape(&op, &shapes)?;
        let id = self.add(name, op, inputs, RealFact { shape });
        self.output = id;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Add, Window};

    /// input → relu → pool, and relu + input.
    fn diamond() -> (Graph<Real>, [NodeId; 3]) {
        let mut graph = Graph::new("x", RealFact { shape: Shape::new(1, 2, 2) });
        let input = graph.input();
        let relu = graph.append("r", Op::Relu, &[input]).unwrap();
        let sum = graph.append("s", Op::Add(Add { multipliers: vec![1.0, -1.0] }), &[relu, input]).unwrap();
        (graph, [input, relu, sum])
    }

    #[test]
    fn inputs_keep_their_positions() {
        let (mut graph, [input, relu, sum]) = diamond();
        assert_eq!(graph.inputs(sum), [relu, input]);
        assert_eq!(graph.consumers(input), [(relu, 0), (sum, 1)]);
        graph.set_input(sum, 0, input);
        assert_eq!(graph.inputs(sum), [input, input]);
        assert_eq!(graph.sole_consumer(input), None);
    }

    #[test]
    fn rerouting_takes_over_consumers_and_bypass_gives_them_back() {
        let (mut graph, [input, relu, sum]) = diamond();
        let fact = graph.node(input).fact.clone();
        let new = graph.add("m", Op::MaxPool(Window::dense([1, 1])), &[], fact);
        graph.reroute(input, new);
        graph.set_inputs(new, &[input]);
        assert_eq!(graph.consumers(input), [(new, 0)]);
        assert_eq!(graph.consumers(new), [(relu, 0), (sum, 1)]);
        assert_eq!(graph.ids_in_order(), [input, new, relu, sum]);
        graph.bypass(new);
        assert_eq!(graph.consumers(input), [(relu, 0), (sum, 1)]);
        assert!(!graph.contains(new));
    }

    #[test]
    fn dead_nodes_go_and_ids_stay() {
        let (mut graph, [input, relu, sum]) = diamond();
        graph.set_output(relu);
        graph.remove_dead();
        assert_eq!(graph.ids_in_order(), [input, relu]);
        let copy: Result<Graph<Real>, ()> = graph.convert(|_, node, inputs| {
            assert_eq!(inputs.len(), usize::from(node.op != Op::Input));
            Ok(node.clone())
        });
        assert_eq!(copy.unwrap().ids_in_order(), [input, relu]);
        assert!(!graph.contains(sum));
    }
}
