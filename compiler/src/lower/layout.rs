//! How linear steps of suite `shared` are evaluated under encryption: tiles, slots, replies.
//!
//! Among all tiles whose slots fit a ciphertext, and all numbers of results that fit a reply, those with the least predicted
//! time are chosen: of products, packing and rerandomisations at the server, of encryptions and decryptions at the
//! client, and of the bytes both ways. For inferences that are prepared together ([`batches`](super::batches)) the images in a
//! ciphertext are chosen with these.

use super::fraction;
use crate::error::{Diagnostic, Error, Result};
use runtime::cost::{Count, Packed, UnitCosts, layer};
use runtime::plan::{
    InferenceBatch, KeyBits, Layout, Linear, Op, Plan, Reach, Shape, SharedParameters, StepId, Suite, Window,
};

/// Tiles whose products are counted, after all have been weighed by those of one position.
const SHORTLIST: usize = 3;

/// `plan`, with a layout for every step that needs one.
///
/// # Errors
/// [`Error::Unsupported`] with a step whose slots do not fit a ciphertext.
pub(super) fn lay_out(mut plan: Plan, unit: &UnitCosts) -> Result<Plan> {
    if !matches!(plan.suite, Suite::Shared(_)) {
        return Ok(plan);
    }
    plan = fraction::drop_where_needed(plan);
    for (index, fraction) in fraction::least_bits(&plan).into_iter().enumerate() {
        let id = StepId::new(index);
        if plan.step(id).op.is_linear() {
            let layout = choose(&plan, id, fraction, 1, unit).ok_or_else(|| too_wide(&plan, id))?;
            plan.steps[index].layout = Some(layout);
        }
    }
    Ok(plan)
}

fn too_wide(plan: &Plan, id: StepId) -> Error {
    let step = plan.step(id);
    let what = format!("its sums of {} bits do not fit a key of {} bits", step.bits, plan.key_bits);
    let hint = "use longer keys (--key-bits) or narrower weights (--weight-bits)".into();
    Error::Unsupported(vec![Diagnostic { node: step.name.clone(), op: step.op.name().into(), what, hint }])
}

/// The cheapest layout of step `id`, a linear one, with so many fraction bits, for so many inferences; `None` where its slots do
/// not fit a ciphertext, or a batch takes too many ciphertexts.
pub(super) fn choose(
    plan: &Plan,
    id: StepId,
    fraction: u32,
    inferences: usize,
    unit: &UnitCosts,
) -> Option<Layout> {
    let (step, Suite::Shared(parameters)) = (plan.step(id), plan.suite) else { return None };
    let weights = step.op.weights()?;
    let reach = Reach::from_weights(weights, weights.len() / step.shape.channels);
    let slot_bits = Layout::slot_bits(step.bits, fraction, reach);
    let layout = Layout { tile: [1, 1], slot_bits, fraction, results: 1, stacked: 1, images: 1 };
    let layer = Layer::new(plan, id, (layout, inferences), parameters, unit)?;
    let mut best: Vec<Priced> = layer.tiles().into_iter().flat_map(|tile| layer.best_replies(tile)).collect();
    best.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let counted = best.iter().take(SHORTLIST).filter_map(|priced| layer.counted(&step.op, priced.layout));
    counted.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).map(|priced| priced.layout)
}

/// A layout and its predicted seconds.
struct Priced {
    layout: Layout,
    seconds: f64,
}

/// A linear layer whose layout is to be chosen.
struct Layer<'u> {
    window: Option<Window>,
    from: Shape,
    to: Shape,
    bits: u32,
    /// The slot width and the fraction bits, which all layouts share; the rest is the simplest layout.
    layout: Layout,
    inferences: usize,
    parameters: SharedParameters,
    key: KeyBits,
    unit: &'u UnitCosts,
    /// The sums of all channels at one position, if they are alone.
    position: Count,
}

impl<'u> Layer<'u> {
    fn new(
        plan: &Plan,
        id: StepId,
        (layout, inferences): (Layout, usize),
        parameters: SharedParameters,
        unit: &'u UnitCosts,
    ) -> Option<Self> {
        let step = plan.step(id);
        let window = if let Op::Conv2d(conv) = &step.op { Some(conv.window) } else { None };
        let from = plan.step(step.inputs[0]).shape;
        let (to, bits, key, position) = (step.shape, step.bits, plan.key_bits, Count::default());
        let mut layer = Self { window, from, to, bits, layout, inferences, parameters, key, unit, position };
        layer.position = layer.packed(layer.layout)?.sums(&step.op);
        Some(layer)
    }

    /// Sizes of tiles: the smallest for each number of rows and columns.
    fn tiles(&self) -> Vec<[usize; 2]> {
        let columns = smallest(self.to.width);
        smallest(self.to.height)
            .into_iter()
            .flat_map(|row| columns.iter().map(move |&column| [row, column]))
            .collect()
    }

    fn packed(&self, layout: Layout) -> Option<Packed> {
        let linear = Linear { window: self.window, layout };
        Packed::new(linear, [self.from, self.to], self.bits, self.inferences)
    }

    /// Numbers of images in a ciphertext: the smallest for each number of passes.
    fn images(&self) -> Vec<usize> {
        smallest(self.inferences)
    }

    /// For each number of images and of stacked inputs the cheapest number of results in a reply, none where not one fits;
    /// products are estimated.
    fn best_replies(&self, tile: [usize; 2]) -> Vec<Priced> {
        let Some(packed) = self.packed(Layout { tile, ..self.layout }) else { return Vec::new() };
        let sums = self.position.times(packed.tiling().results() as u64);
        let room = self.layout.capacity(self.parameters, self.key);
        let best_reply = |images, stacked| {
            let width = Layout { images, stacked, ..self.layout }.width(packed.tiling().slots());
            let replies = (1..=room / width).map(|results| packed.repacked(images, stacked, results));
            let priced =
                replies.filter(|packed| self.is_allowed(packed)).map(|packed| self.priced(&packed, sums));
            priced.min_by(|a, b| a.seconds.total_cmp(&b.seconds))
        };
        let best_replies = |images| (1..=room).map_while(move |stacked| best_reply(images, stacked));
        self.images().into_iter().flat_map(best_replies).collect()
    }

    fn is_allowed(&self, packed: &Packed) -> bool {
        let most = if self.inferences > 1 { InferenceBatch::MAX_CIPHERTEXTS } else { usize::MAX };
        packed.masks().max(packed.products()) <= most
    }

    /// The price of `layout`, with the exact number of products.
    fn counted(&self, op: &Op, layout: Layout) -> Option<Priced> {
        let packed = self.packed(layout)?;
        Some(self.priced(&packed, packed.sums(op)))
    }

    fn priced(&self, packed: &Packed, sums: Count) -> Priced {
        let seconds = layer(packed, sums, self.key).seconds(self.unit);
        Priced { layout: packed.layout(), seconds }
    }
}

/// For each number of equal parts of `length` the smallest size that covers it, largest first.
fn smallest(length: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = (1..=length).map(|count| length.div_ceil(count)).collect();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use runtime::paillier::PublicRandomisers;
    use runtime::plan::{Conv2d, Cost, Processor, ValidPlan, Work};

    /// A convolution of 3×3 with weights of both signs, read as `reader` does.
    fn plan(shape: Shape, channels: usize, reader: Op) -> Plan {
        let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
        let count = channels * shape.channels * 9;
        let weights = (0..count as i32).map(|i| i * 31 % 17 - 8).collect();
        let to = Shape { channels, ..shape };
        let conv = Op::Conv2d(Conv2d { window, groups: 1, weights, bias: Vec::new() });
        testing::plan(vec![
            testing::step(Op::Input, &[], shape),
            testing::step(conv, &[0], to),
            testing::step(reader, &[1], to),
            testing::step(Op::Reveal, &[2], to.flattened()),
        ])
    }

    /// The layout that is chosen for a layer, and what it was thought to take.
    fn chosen(plan: &Plan) -> (Layout, Cost) {
        let parameters = SharedParameters::default();
        let id = StepId::new(1);
        let unit = UnitCosts::typical(plan.key_bits, Processor::Ifma);
        let layout = choose(plan, id, 1, 1, &unit).unwrap();
        let searched = Layer::new(
            plan,
            id,
            (Layout { tile: [1, 1], results: 1, stacked: 1, ..layout }, 1),
            parameters,
            &unit,
        )
        .unwrap();
        let packed = searched.packed(layout).unwrap();
        (layout, layer(&packed, packed.sums(&plan.step(id).op), plan.key_bits))
    }

    #[test]
    fn wide_images_fill_ciphertexts_and_narrow_ones_share_them() {
        let wide = chosen(&plan(Shape::new(3, 32, 32), 16, Op::Relu)).0;
        assert_eq!((wide.tile, wide.stacked, wide.results), ([11, 1], 1, 1));
        let narrow = chosen(&plan(Shape::new(64, 2, 2), 64, Op::Relu)).0;
        assert_eq!((narrow.tile, narrow.stacked, narrow.results), ([1, 1], 1, 22));
    }

    /// Where many inputs have few results, one ciphertext holds several.
    #[test]
    fn inputs_of_a_layer_with_few_results_are_stacked() {
        let stacked = |channels| chosen(&plan(Shape::new(100, 1, 1), channels, Op::Relu)).0.stacked;
        assert_eq!([2, 20, 400].map(stacked), [45, 36, 2]);
    }

    #[test]
    fn the_choice_is_weighed_by_what_the_server_will_do() {
        for shape in [Shape::new(3, 16, 16), Shape::new(40, 2, 3), Shape::new(2, 5, 1), Shape::new(90, 1, 1)]
        {
            let mut plan = plan(shape, 8, Op::Relu);
            let (layout, cost) = chosen(&plan);
            plan.steps[1].layout = Some(layout);
            let op = plan.steps[1].op.clone();
            let valid = ValidPlan::new(plan).unwrap();
            let Work::Schedule(schedule) = &valid.client_view().work else { panic!("suite shared") };
            let packed = Packed::from_step(schedule, StepId::new(1)).unwrap();
            let count = packed.count(&op);
            let key = valid.plan().key_bits;
            let randomisers = PublicRandomisers::further_products(key, packed.exponent_bits(key));
            let products = count.products + packed.products() as u64 * randomisers;
            assert_eq!((cost.products, cost.squarings), (products, count.squarings), "{shape}");
            assert_eq!(
                (cost.encryptions, cost.decryptions),
                (packed.masks() as u64, packed.products() as u64)
            );
        }
    }
}
