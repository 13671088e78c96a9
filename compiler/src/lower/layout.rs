//! How linear steps of suite `shared` are evaluated under encryption: tiles, slots, masks, replies.
//!
//! Narrow slots (one mask for a whole ciphertext) where everything that reads the step drops the lowest bit. Of all
//! tiles whose slots fit a ciphertext, and all numbers of results that fit a reply, those are taken that are predicted
//! to take the fewest seconds: products, packing and rerandomisations at the server, encryptions and decryptions at the
//! client, bytes both ways.

use crate::error::{Diagnostic, Error, Result};
use runtime::paillier::{Count, TermPlace, shifted_sum_count, weighted_sums_count};
use runtime::plan::{
    Cost, KeyBits, Layout, Linear, Masks, Op, Plan, Shape, SharedParameters, Step, StepId, Suite,
    Tiling, UnitCosts, Window,
    largest_norm,
};
use runtime::protocol::shared::tiles::TiledConv;

/// `plan`, with a layout for every step that needs one.
///
/// # Errors
/// [`Error::Unsupported`] with a step whose slots do not fit a ciphertext.
pub(super) fn lay_out(mut plan: Plan) -> Result<Plan> {
    let Suite::Shared(parameters) = plan.suite else { return Ok(plan) };
    let linear = |(id, step): (StepId, &Step)| step.op.weights().map(|_| id);
    let linear: Vec<StepId> = plan.steps().filter_map(linear).collect();
    for id in linear {
        let layout = choose(&plan, id, parameters).ok_or_else(|| too_wide(&plan, id))?;
        plan.steps[id.index()].layout = Some(layout);
    }
    Ok(plan)
}

fn too_wide(plan: &Plan, id: StepId) -> Error {
    let step = plan.step(id);
    let what = format!("its sums of {} bits do not fit a key of {} bits", step.bits, plan.key_bits);
    let hint = "use longer keys (--key-bits) or narrower weights (--weight-bits)".into();
    Error::Unsupported(vec![Diagnostic { node: step.name.clone(), op: step.op.name().into(), what, hint }])
}

/// The masks that the readers of step `id` allow.
fn masks(plan: &Plan, id: StepId) -> Masks {
    if drop_lowest_bit(plan, id) { Masks::PerCiphertext } else { Masks::PerSlot }
}

/// Whether everything that reads step `id`, through pools, drops the lowest bit.
fn drop_lowest_bit(plan: &Plan, id: StepId) -> bool {
    let mut readers = plan.steps().filter(|(_, step)| step.inputs.contains(&id));
    readers.all(|(reader, step)| match step.op {
        Op::Relu | Op::ReluRescale { .. } | Op::Rescale { .. } | Op::Sign => true,
        Op::MaxPool(_) => drop_lowest_bit(plan, reader),
        _ => false,
    })
}

/// The cheapest layout of step `id`, a linear one; `None` where its slots do not fit a ciphertext.
fn choose(plan: &Plan, id: StepId, parameters: SharedParameters) -> Option<Layout> {
    let (step, masks) = (plan.step(id), masks(plan, id));
    let weights = step.op.weights()?;
    let norm = largest_norm(weights, weights.len() / step.shape.channels);
    let slot_bits = Layout::slot_bits(step.bits, masks, norm);
    let layout = Layout { tile: [1, 1], slot_bits, masks, results: 1 };
    let layer = Layer::new(plan, id, layout, parameters)?;
    let layouts = layer.tiles().into_iter().filter_map(|tile| layer.fullest(tile));
    let layouts = layouts.flat_map(|full| (1..=full.results).map(move |results| Layout { results, ..full }));
    let priced = layouts.filter_map(|layout| Some((layer.seconds(&layout)?, layout)));
    priced.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, layout)| layout)
}

/// A linear layer whose layout is to be chosen.
struct Layer {
    window: Option<Window>,
    from: Shape,
    to: Shape,
    /// Of all layouts.
    layout: Layout,
    parameters: SharedParameters,
    key: KeyBits,
    /// Sums of all channels at one position.
    position: Count,
}

impl Layer {
    fn new(plan: &Plan, id: StepId, layout: Layout, parameters: SharedParameters) -> Option<Self> {
        let step = plan.step(id);
        let window = match &step.op {
            Op::Conv2d(conv) => Some(conv.window),
            _ => None,
        };
        let from = plan.step(step.inputs[0]).shape;
        let linear = Linear { window, layout };
        let tiling = linear.tiling(from)?;
        let inputs = linear.masks(from, &tiling);
        let channels = inputs / tiling.planes();
        let position = weighted_sums_count(inputs, &TiledConv::new(&step.op, channels, &tiling));
        Some(Self { window, from, to: step.shape, layout, parameters, key: plan.key_bits, position })
    }

    /// Sizes of tiles: the smallest for each number of rows and columns.
    fn tiles(&self) -> Vec<[usize; 2]> {
        let sizes = |length: usize| {
            let mut sizes: Vec<usize> = (1..=length).map(|count| length.div_ceil(count)).collect();
            sizes.dedup();
            sizes
        };
        let columns = sizes(self.to.width);
        sizes(self.to.height).into_iter().flat_map(|row| columns.iter().map(move |&column| [row, column])).collect()
    }

    fn tiling(&self, tile: [usize; 2]) -> Option<Tiling> {
        Linear { window: self.window, layout: Layout { tile, ..self.layout } }.tiling(self.from)
    }

    /// With as many results in a reply as fit; `None` where not one does.
    fn fullest(&self, tile: [usize; 2]) -> Option<Layout> {
        let results = self.layout.capacity(self.parameters, self.key) / self.tiling(tile)?.slots();
        (results > 0).then_some(Layout { tile, results, ..self.layout })
    }

    fn seconds(&self, layout: &Layout) -> Option<f64> {
        Some(self.cost(layout)?.seconds(&UnitCosts::typical(self.key)))
    }

    /// What the layer costs before the image is known, frame headers left out.
    fn cost(&self, layout: &Layout) -> Option<Cost> {
        let linear = Linear { window: self.window, layout: *layout };
        let tiling = linear.tiling(self.from)?;
        let (up, down) = (linear.masks(self.from, &tiling), linear.products(self.to.channels, &tiling));
        let work = self.position.times(tiling.results() as u64) + self.packing(layout, &tiling);
        let bytes = |ciphertexts: usize| (ciphertexts * self.key.ciphertext_bytes()) as u64;
        Some(Cost {
            products: work.products,
            squarings: work.squarings,
            inversions: work.inversions,
            rerandomisations: down as u64,
            encryptions: up as u64,
            decryptions: down as u64,
            bytes_up: bytes(up),
            bytes_down: bytes(down),
            ..Cost::default()
        })
    }

    /// Of replies that are full, and of the last one.
    fn packing(&self, layout: &Layout, tiling: &Tiling) -> Count {
        let sums = self.to.channels * tiling.results();
        let width = tiling.slots() as u32 * layout.stride(self.parameters);
        let fraction = layout.masks.fraction();
        let reply = |sums: usize| {
            let place = move |sum| TermPlace { multiplier_bits: 1, shift: sum * width + fraction };
            shifted_sum_count((0..sums as u32).map(place))
        };
        let (full, rest) = (sums / layout.results, sums % layout.results);
        let last = if rest > 0 { reply(rest) } else { Count::default() };
        reply(layout.results.min(sums)).times(full as u64) + last
    }
}
