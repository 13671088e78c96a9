//! Suite `shared`: how many fraction bits the shares of linear steps have, and where they are dropped by a step of its own
//! ([`Fraction`]).

use petgraph::unionfind::UnionFind;
use runtime::plan::{Cost, Fraction, Op, Plan, Step, StepId};

/// Linear steps have no more fraction bits than this: beyond, a step that drops them is taken in place of wider slots.
const MOST_BITS: u32 = 6;

/// `plan` with steps that drop the fraction of values before linear steps, whose weights would multiply carries, and before
/// sums in which carries would grow beyond [`MOST_BITS`].
pub(super) fn drop_where_needed(plan: Plan) -> Plan {
    let mut dropping = Dropping::default();
    for step in &plan.steps {
        dropping.add(step);
    }
    Plan { steps: dropping.steps, ..plan }
}

#[derive(Default)]
struct Dropping {
    steps: Vec<Step>,
    /// By step here: its fraction, where linear steps have 0 bits.
    carries: Vec<Fraction>,
    /// By step here: the step that has its value without a fraction, where there is one.
    whole: Vec<Option<StepId>>,
    /// By step of the plan before: the step here.
    moved: Vec<StepId>,
}

impl Dropping {
    fn add(&mut self, step: &Step) {
        let moved = step.inputs.iter().map(|input| self.moved[input.index()]);
        let mut inputs: Vec<StepId> = moved.map(|input| self.whole[input.index()].unwrap_or(input)).collect();
        let reads_carries = inputs.iter().any(|input| self.carries[input.index()].carry > 0);
        let grows = self.fraction(&step.op, &inputs).least_bits() > MOST_BITS;
        if step.op.reads_whole_shares() && reads_carries || grows {
            inputs.iter_mut().for_each(|input| *input = self.whole(*input));
        }
        let id = self.push(Step { inputs, ..step.clone() });
        self.moved.push(id);
    }

    fn fraction(&self, op: &Op, inputs: &[StepId]) -> Fraction {
        let inputs: Vec<Fraction> = inputs.iter().map(|input| self.carries[input.index()]).collect();
        Fraction::of_result(op, 0, &inputs)
    }

    /// The step that has the value of `id` without a fraction.
    fn whole(&mut self, id: StepId) -> StepId {
        if self.carries[id.index()].carry == 0 {
            return id;
        }
        let Step { name, shape, bits, .. } = self.steps[id.index()].clone();
        let (layout, offline, cost) = (None, Cost::default(), Cost::default());
        let drop =
            Step { name, op: Op::Rescale { bits: 0 }, inputs: vec![id], shape, bits, layout, offline, cost };
        let whole = self.push(drop);
        self.whole[id.index()] = Some(whole);
        whole
    }

    fn push(&mut self, step: Step) -> StepId {
        self.carries.push(self.fraction(&step.op, &step.inputs));
        self.whole.push(None);
        self.steps.push(step);
        StepId::new(self.steps.len() - 1)
    }
}

/// For each step the fraction bits that its layout needs, if it is linear: as few as keep all carries below 2^f. Linear steps
/// whose results meet in a sum or a concatenation have equally many.
pub(super) fn least_bits(plan: &Plan) -> Vec<u32> {
    // As if all had the same number of bits, which those that meet will have.
    let carries = Fraction::of_steps(plan.steps.iter().map(|step| (&step.op, 0, &*step.inputs)));
    let mut meeting = UnionFind::new(carries.len());
    for (id, step) in plan.steps().filter(|(id, step)| carries[id.index()].carry > 0 && !step.op.is_linear())
    {
        let fractional = step.inputs.iter().filter(|input| carries[input.index()].carry > 0);
        fractional.for_each(|input| {
            meeting.union(id.index(), input.index());
        });
    }
    let groups = meeting.into_labeling();
    let mut least = vec![0; carries.len()];
    for (&group, carry) in groups.iter().zip(&carries) {
        least[group] = carry.least_bits().max(least[group]);
    }
    groups.into_iter().map(|group| least[group]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use runtime::plan::{Dense, Shape};

    /// Steps over vectors of one element.
    fn plan(steps: &[(Op, &[usize])]) -> Plan {
        let one = |(op, inputs): &(Op, &[usize])| testing::step(op.clone(), inputs, Shape::vector(1));
        testing::plan(steps.iter().map(one).collect())
    }

    fn dense() -> Op {
        Op::Dense(Dense { weights: vec![1], bias: vec![] })
    }

    fn sum(multipliers: &[i64]) -> Op {
        Op::Add(multipliers.to_vec().into())
    }

    /// The steps' words, and the fraction bits of linear ones.
    fn fractions(steps: &[(Op, &[usize])]) -> Vec<(&'static str, u32)> {
        let plan = drop_where_needed(plan(steps));
        let bits = least_bits(&plan);
        let described = plan
            .steps()
            .map(|(id, step)| (step.op.name(), if step.op.is_linear() { bits[id.index()] } else { 0 }));
        described.collect()
    }

    #[test]
    fn sums_of_linear_steps_need_more_bits_and_others_one() {
        let both = [
            (Op::Input, &[][..]),
            (dense(), &[0]),
            (dense(), &[0]),
            (sum(&[3, -1]), &[1, 2]),
            (Op::Reveal, &[3]),
        ];
        assert_eq!(fractions(&both)[1..4], [("dense", 3), ("dense", 3), ("add", 0)]);
        let residual = [
            (Op::Input, &[][..]),
            (dense(), &[0]),
            (sum(&[1, 64]), &[1, 0]),
            (Op::Relu, &[2]),
            (dense(), &[3]),
        ];
        assert_eq!(fractions(&residual)[1..], [("dense", 1), ("add", 0), ("relu", 0), ("dense", 1)]);
    }

    #[test]
    fn weights_and_large_multipliers_read_values_alone() {
        let chain = [(Op::Input, &[][..]), (dense(), &[0]), (dense(), &[1]), (Op::Reveal, &[2])];
        let names: Vec<&str> = fractions(&chain).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["input", "dense", "rescale", "dense", "reveal"]);
        let large =
            [(Op::Input, &[][..]), (dense(), &[0]), (sum(&[1, 100]), &[0, 1]), (sum(&[7, 1]), &[1, 2])];
        let expected = [("input", 0), ("dense", 1), ("rescale", 0), ("add", 0), ("add", 0)];
        assert_eq!(fractions(&large), expected);
    }
}
