//! Normalisation of the image inside the model: moved to where plans do it, before encryption.
//!
//! Per-channel arithmetic on the image costs the client nothing if it is part of the plan's
//! preprocessing. It stays in the graph where it folds into the layers that read it: unpadded
//! convolutions and dense layers. A padded convolution pads *after* the normalisation, so there
//! folding would change the border.

use crate::graph::{Affine, Graph, NodeId, Op, Real};

/// Takes a normalisation of the image out of the graph, whose input is then the normalised image.
/// `None` where there is none, where it folds, or where it turns a channel round (preprocessing
/// divides by positive numbers only).
pub(super) fn take(graph: &mut Graph<Real>) -> Option<Affine> {
    let id = graph.sole_consumer(graph.input())?;
    let Op::Affine(affine) = graph.op(id) else { return None };
    let affine = affine.clone();
    if affine.scale.iter().any(|&scale| scale <= 0.0) || id == graph.output() || folds_into_readers(graph, id)
    {
        return None;
    }
    graph.bypass(id);
    Some(affine)
}

fn folds_into_readers(graph: &Graph<Real>, id: NodeId) -> bool {
    graph.consumers(id).into_iter().all(|(reader, _)| match graph.op(reader) {
        Op::Dense(_) => true,
        Op::Conv(conv) => conv.window.pad_before == [0; 2] && conv.window.pad_after == [0; 2],
        Op::Flatten => reader != graph.output() && folds_into_readers(graph, reader),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{conv, dense};
    use crate::graph::{RealFact, Shape, Window};

    fn normalized(scale: f32, reader: Op<Real>) -> Graph<Real> {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 4, 4) });
        let affine = Op::Affine(Affine { scale: vec![scale], shift: vec![-1.0] });
        let map = graph.append("normalize", affine, &[graph.input()]).unwrap();
        graph.append("reader", reader, &[map]).unwrap();
        graph
    }

    #[test]
    fn only_what_does_not_fold_is_taken() {
        let padded = || conv(1, 2, Window { pad_before: [1, 1], ..Window::dense([3, 3]) });
        let taken = |mut graph: Graph<Real>| take(&mut graph).map(|_| graph.len());
        assert_eq!(taken(normalized(2.0, padded())), Some(2));
        assert_eq!(taken(normalized(2.0, Op::Relu)), Some(2));
        assert_eq!(taken(normalized(-2.0, padded())), None);
        assert_eq!(taken(normalized(2.0, conv(1, 2, Window::dense([3, 3])))), None);
        assert_eq!(taken(normalized(2.0, dense(16, 2))), None);
    }
}
