//! How much room the rings of a finished graph leave.

use crate::graph::{Graph, Integer, Room};
use crate::lower::shorten;
use runtime::plan::Headroom;

/// The chance that an image leaves any ring, and the ring that is most at risk; `None` where integers cannot leave any,
/// or there are too few images to say.
pub(crate) fn headroom(graph: &Graph<Integer>) -> Option<Headroom> {
    let rooms = graph.ids_in_order().into_iter().filter_map(|id| {
        let Room { taken, overflow } = graph.node(id).fact.room?;
        Some((id, taken, overflow?))
    });
    let rooms: Vec<_> = rooms.collect();
    let (id, taken, _) = rooms.iter().max_by(|a, b| a.2.total_cmp(&b.2).then(a.1.total_cmp(&b.1)))?;
    let overflow = rooms.iter().map(|(_, _, overflow)| overflow).sum::<f64>().min(1.0);
    Some(Headroom { node: shorten(&graph.node(*id).name), taken: *taken, overflow })
}
