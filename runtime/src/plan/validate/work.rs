//! What a plan or a view makes its reader do, summed up over all its steps from shapes alone, before any of it is done.
//!
//! Limits of single steps are not enough: tens of kilobytes may hold thousands of steps, each at its limit. Counted is what
//! checking, pricing and preparing do beside the cryptography, in *units* of some nanoseconds: elements that are read once.
//! What ciphertexts and transfers take is bounded apart ([`super::schedule`]), and waits for the peer's.
//!
//! VGG-19 at 224×224, whose values are the largest of the usual networks, takes a seventh of [`MAX_WORK`].

use super::{Findings, MAX_POOL_TERMS, MAX_TILE_READS, MAX_WORK};
use crate::plan::{Knowledge, Linear, MaxPool, Op, Schedule, Shape, SumPool};

/// Units of a step, however small: the correlations and messages of an activation are listed.
const STEP: usize = 1 << 10;
/// Units of the bounds of a channel.
const INTERVAL: usize = 8;

/// What steps make their reader do for an inference, in units.
fn of_steps<'s, K: Knowledge + 's>(steps: impl Iterator<Item = (&'s Op<K>, usize, Shape)>) -> usize {
    let each = steps.map(|(op, inputs, shape)| {
        let pieces = if let Op::Gather(gather) = op { gather.map.pieces() } else { 0 };
        [STEP, inputs, pieces].into_iter().fold(terms(op, inputs, shape), usize::saturating_add)
    });
    each.fold(0, usize::saturating_add)
}

/// What the elements of a result are made of, all together, at most.
fn terms<K: Knowledge>(op: &Op<K>, inputs: usize, Shape { channels, height, width }: Shape) -> usize {
    [channels, height, width].into_iter().fold(reads(op, inputs), usize::saturating_mul)
}

/// What an element of a result is made of, at most.
fn reads<K: Knowledge>(op: &Op<K>, inputs: usize) -> usize {
    match op {
        Op::MaxPool(MaxPool { window, .. }) | Op::SumPool(SumPool { window, .. }) => {
            window.kernel[0].saturating_mul(window.kernel[1])
        }
        Op::Add(_) => inputs,
        Op::Input
        | Op::Conv2d(_)
        | Op::Dense(_)
        | Op::Concat
        | Op::Mul
        | Op::Gather(_)
        | Op::Relu
        | Op::Sign
        | Op::Rescale { .. }
        | Op::ReluRescale { .. }
        | Op::ArgMax(_)
        | Op::Reveal => 1,
    }
}

/// P13 of steps, with how many inputs each has and its shape; whether it holds.
pub(super) fn check_steps<'s, K: Knowledge + 's>(
    steps: impl Iterator<Item = (&'s Op<K>, usize, Shape)>,
    found: &mut Findings,
) -> bool {
    let work = of_steps(steps);
    found.require(13, None, work <= MAX_WORK, || {
        format!("its steps take {work} units of work, at most {MAX_WORK}")
    })
}

/// P13 of the bounds of all values of suite `blinded`, channel by channel; whether it holds.
pub(super) fn check_intervals(steps: impl Iterator<Item = (usize, Shape)>, found: &mut Findings) -> bool {
    let each =
        steps.map(|(inputs, shape)| shape.channels.saturating_mul(inputs.max(1)).saturating_mul(INTERVAL));
    let work = each.fold(0, usize::saturating_add);
    found.require(13, None, work <= MAX_WORK, || {
        format!("the bounds of its channels take {work} units of work, at most {MAX_WORK}")
    })
}

/// P13 of a schedule; whether it holds.
pub(super) fn check_schedule(schedule: &Schedule, found: &mut Findings) -> bool {
    let steps = || schedule.steps.iter().map(|step| (&step.op, step.inputs.len(), step.shape));
    let pools = steps().filter(|(op, ..)| matches!(op, Op::MaxPool(_) | Op::SumPool(_)));
    let pools = pools.map(|(op, inputs, shape)| terms(op, inputs, shape));
    let pools = pools.fold(0, usize::saturating_add);
    let few = found.require(13, None, pools <= MAX_POOL_TERMS, || {
        format!("windows of pools with {pools} pixels in all, at most {MAX_POOL_TERMS}")
    });
    let reads = tile_reads(schedule);
    let short = found.require(13, None, reads <= MAX_TILE_READS, || {
        format!("tiles that read {reads} pixels along their axes, at most {MAX_TILE_READS}")
    });
    check_steps(steps(), found) && few && short
}

/// What the tiles of all linear steps and batches read along their axes.
fn tile_reads(schedule: &Schedule) -> usize {
    let single = schedule.steps().filter_map(|(_, step)| step.linear());
    let batches =
        schedule.batches.iter().flat_map(|batch| schedule.linear_of(batch).map(|(.., linear)| linear));
    let along = |Linear { window, layout }: Linear| {
        let kernel = window.map_or([1, 1], |window| window.kernel);
        let [rows, columns] = [0, 1].map(|axis| layout.tile[axis].saturating_mul(kernel[axis]));
        rows.saturating_add(columns)
    };
    single.chain(batches).map(along).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Add, Public, PublicStep, SharedParameters, StepId, Window};

    /// Steps that each read the one before.
    fn chain(ops: impl IntoIterator<Item = (Op<Public>, Shape)>) -> Schedule {
        let step = |(index, (op, shape)): (usize, (Op<Public>, Shape))| {
            let inputs = index.checked_sub(1).map(StepId::new).into_iter().collect();
            PublicStep { op, inputs, shape, bits: 20, layout: None }
        };
        Schedule::new(SharedParameters::default(), ops.into_iter().enumerate().map(step).collect())
    }

    fn pool() -> Op<Public> {
        let window = Window { stride: [2, 2], ..Window::dense([2, 2]) };
        Op::MaxPool(MaxPool { window, compared: 20 })
    }

    /// VGG-19 over 224×224 pixels, without its dense layers: convolutions are written as the ReLUs behind them, twice.
    fn vgg19() -> Schedule {
        let blocks = [(64, 2usize, 224), (128, 2, 112), (256, 4, 56), (512, 4, 28), (512, 4, 14)];
        let block = |(channels, layers, side)| {
            let relus = std::iter::repeat_n((Op::Relu, Shape::new(channels, side, side)), 2 * layers);
            relus.chain([(pool(), Shape::new(channels, side / 2, side / 2))])
        };
        let image = (Op::Input, Shape::new(3, 224, 224));
        chain([image].into_iter().chain(blocks.into_iter().flat_map(block)))
    }

    #[test]
    fn the_largest_networks_are_far_from_the_bound() {
        let schedule = vgg19();
        let steps = schedule.steps.iter().map(|step| (&step.op, step.inputs.len(), step.shape));
        assert!(check_schedule(&schedule, &mut Findings::default()));
        assert_eq!(MAX_WORK / of_steps(steps), 7);
    }

    #[test]
    fn steps_add_up() {
        let sum = || Op::Add(Add { multipliers: vec![1; 64], bias: () });
        let refused = |count: usize| {
            let mut schedule = chain((0..count).map(|_| (sum(), Shape::vector(1 << 16))));
            schedule.steps.iter_mut().for_each(|step| step.inputs = vec![StepId::new(0); 64]);
            let mut found = Findings::default();
            check_schedule(&schedule, &mut found);
            found.violations.first().map(ToString::to_string)
        };
        assert_eq!(refused(63), None);
        let said = "P13: its steps take 268505088 units of work, at most 268435456";
        assert_eq!(refused(64).as_deref(), Some(said));
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        let huge = Shape::new(usize::MAX, usize::MAX, 2);
        let mut found = Findings::default();
        assert!(!check_schedule(&chain([(Op::Input, huge), (pool(), huge)]), &mut found));
        assert!(!check_intervals([(usize::MAX, huge)].into_iter(), &mut found));
        assert_eq!(found.violations.len(), 3);
    }
}
