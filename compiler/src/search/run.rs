//! The search itself.

use super::channels::Channels;
use super::labelled::Labelled;
use super::ladder::{Ladder, LogMultiplier, dense};
use super::outcome::{self, lost_channels, mean_bits, mean_value_bits};
use super::setting::{Setting, Tried};
use super::verdict::verdict;
use super::{Budget, CHANNEL_SHARES, Event, Found, INPUT_SHARE, Trial, input};
use crate::activation::ranges;
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::from_onnx::Model;
use crate::graph::dequantized;
use crate::graph::{Graph, Real};
use crate::options::CompileOptions;
use crate::passes::{Precision, Preparation};
use crate::pipeline::{self, Context, Silent};
use runtime::plan::{InputSpec, ValidPlan};
use std::collections::BTreeMap;

/// Least multiplier that is tried, and largest.
const LOG_MULTIPLIERS: (LogMultiplier, LogMultiplier) = (-6.0, 14.0);
/// Bisections of the multiplier that all layers share.
const BISECTIONS: u32 = 6;
/// Single layers that are tried, and by how much their multiplier is lowered, in turn.
const SINGLE: usize = 16;
const LOWER_BY: [LogMultiplier; 3] = [2.0, 1.0, 0.5];

/// Finds the cheapest plan of `model` whose accuracy on the images of `budget` is at most its points
/// below the float model's. `options` say everything but widths and zeros; without calibration data of
/// their own, the images of the budget serve. `watch` is told what is being done and of every plan that
/// is tried.
///
/// # Errors
/// [`Error::Budget`] where no plan tried is good enough; whatever is wrong with data, options or model.
pub fn search(
    model: &Model,
    options: &CompileOptions,
    budget: &Budget,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Found> {
    options.check()?;
    budget.check()?;
    if !matches!(&model.outputs[..], [output] if !output.is_map()) {
        let what = "an accuracy budget needs a model that gives one score for each class; compile names one output (--model-output)";
        return Err(Error::Option(what.into()));
    }
    let fine = model.input_spec(&options.input)?;
    let images = |input: &InputSpec| Labelled::new(&budget.data, budget.images, input);
    let labelled = images(&fine)?;
    let shown = Calibration::new(
        options.calibration.as_ref().unwrap_or(&budget.data),
        options.calibration_images,
        &model.graph,
        &fine,
    )?;
    let seen = ranges(&model.graph, shown.images());
    let context = Context { options, input: &fine, calibration: Some(&shown), ranges: &seen };
    let graph = pipeline::simplify_seen(model.graph.clone(), &context, &mut Silent)?;
    watch(Event::Working("running the float model"));
    let float = labelled.of_classes(&graph)?.accuracy(&model.graph);
    let within = |share: f64| budget.least(float, share);
    if within(1.0) <= 0.0 {
        let what = format!(
            "the float model gets {:.2} % of the images right: any plan is within {} points; are labels and preprocessing those of the model?",
            100.0 * float,
            budget.points
        );
        return Err(Error::Option(what));
    }
    watch(Event::Working("looking how coarse the image may be"));
    let coarse = input::coarsest(model, &graph, options, images, |accuracy| accuracy >= within(INPUT_SHARE))?;
    let setting = |input| {
        let labelled = images(input)?;
        Ok::<_, Error>(Setting { model, options, budget, fine: &fine, input, graph: &graph, labelled, float })
    };
    let mut search = Search { setting: &setting(&fine)?, tried: Vec::new(), refused: None, watch };
    search.baseline()?;
    let setting = setting(&coarse)?;
    let calibration = setting.calibration()?;
    let mut search = Search { setting: &setting, ..search };
    (search.watch)(Event::Working("looking which channels can go"));
    let channels = Channels::new(&graph, &calibration, options);
    let (mut counts, mut starts) = (Vec::new(), Vec::new());
    for share in CHANNEL_SHARES {
        (search.watch)(Event::Working("taking channels out"));
        let count = channels.most(|thin| setting.labelled.accuracy(thin) >= within(share))?;
        if !counts.contains(&count) {
            starts.extend(search.shared_multiplier(channels.without(count)?, &calibration)?);
            counts.push(count);
        }
    }
    if let Some(start) = starts.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
        search.single_layers(&start, &calibration)?;
    }
    let Search { tried, refused, watch, .. } = search;
    verdict(&setting, tried, refused, watch)
}

/// A graph for whose layers one multiplier has been found.
struct Start {
    graph: Graph<Real>,
    ladder: Ladder,
    multiplier: LogMultiplier,
    /// Predicted seconds of its plan.
    seconds: f64,
}

struct Search<'a> {
    setting: &'a Setting<'a>,
    tried: Vec<Tried>,
    /// Why the first plan that could not be compiled was refused.
    refused: Option<Error>,
    watch: &'a mut dyn FnMut(Event<'_>),
}

impl Search<'_> {
    fn baseline(&mut self) -> Result<()> {
        let setting = self.setting;
        let calibration = setting.calibration()?;
        let precision = dense();
        let preparation =
            Preparation::for_choices(setting.graph, setting.input, Some(&calibration), &precision.choices)?;
        self.try_out(Found::DENSE.into(), &preparation, &precision).map(drop)
    }

    /// The least multiplier, the same for all layers of `graph`, whose plan is within the budget; `None` where there is
    /// none.
    fn shared_multiplier(&mut self, graph: Graph<Real>, calibration: &Calibration) -> Result<Option<Start>> {
        (self.watch)(Event::Working("measuring how much of each layer's error reaches the logits"));
        let preparation = Preparation::new(&graph, self.setting.input, Some(calibration))?;
        let ladder = Ladder::new(&preparation, &self.setting.labelled, self.setting.options)?;
        let (mut low, mut high, mut within) = (LOG_MULTIPLIERS.0, LOG_MULTIPLIERS.1, None);
        for _ in 0..BISECTIONS {
            let multiplier = (low + high) / 2.0;
            let precision = ladder.choices(multiplier, &BTreeMap::new());
            if let Some(seconds) =
                self.try_out(format!("all layers, multiplier 2^{multiplier:.2}"), &preparation, &precision)?
            {
                high = multiplier;
                within = Some((multiplier, seconds));
            } else {
                low = multiplier;
            }
        }
        Ok(within.map(|(multiplier, seconds)| Start { graph, ladder, multiplier, seconds }))
    }

    /// Lowers the multiplier of one layer after the other.
    fn single_layers(&mut self, start: &Start, calibration: &Calibration) -> Result<()> {
        let preparation = Preparation::new(&start.graph, self.setting.input, Some(calibration))?;
        let (ladder, mut own) = (&start.ladder, BTreeMap::new());
        for less in LOWER_BY {
            for id in ladder.dearest_first(start.multiplier, &own).into_iter().take(SINGLE) {
                let mut lowered = own.clone();
                lowered.insert(id, own.get(&id).unwrap_or(&start.multiplier) - less);
                let precision = ladder.choices(start.multiplier, &lowered);
                let step = format!("a smaller multiplier for {}", start.graph.node(id).name);
                if precision != ladder.choices(start.multiplier, &own)
                    && self.try_out(step, &preparation, &precision)?.is_some()
                {
                    own = lowered;
                }
            }
        }
        Ok(())
    }

    /// Compiles, measures and remembers a plan; its seconds where it is within the budget.
    fn try_out(
        &mut self,
        step: String,
        preparation: &Preparation<'_>,
        precision: &Precision,
    ) -> Result<Option<f64>> {
        let setting = self.setting;
        (self.watch)(Event::Working(&step));
        let (plan, accuracy) = match self.compile(preparation, precision) {
            Ok(compiled) => compiled,
            Err(error @ Error::Unsupported(_)) => {
                self.refused.get_or_insert(error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let layers = outcome::layers(setting.graph, preparation.graph(), precision);
        let cost = plan.plan().total_cost();
        let within = accuracy >= setting.budget.least(setting.float, 1.0);
        let trial = Trial {
            step,
            bits: mean_bits(preparation.graph(), &precision.choices),
            value_bits: mean_value_bits(preparation.graph(), precision, setting.options),
            sparsity: outcome::lost_weights(setting.graph, &plan),
            channels: lost_channels(&layers),
            accuracy,
            cost,
            seconds: cost.seconds(&setting.options.unit_costs()),
            within,
        };
        (self.watch)(Event::Tried(&trial));
        let seconds = within.then_some(trial.seconds);
        self.tried.push(Tried { trial, plan: within.then_some(plan), layers });
        Ok(seconds)
    }

    /// A plan, and its accuracy on the labelled images.
    fn compile(&self, preparation: &Preparation<'_>, precision: &Precision) -> Result<(ValidPlan, f64)> {
        let setting = self.setting;
        let integers = pipeline::integers(preparation, precision, setting.options, &mut Silent)?;
        let accuracy = setting.labelled.accuracy(&dequantized(&integers.finished));
        let Model { name, outputs, .. } = setting.model;
        let plan = pipeline::plan(integers.finished, name, outputs, setting.input, setting.options)?;
        Ok((plan, accuracy))
    }
}
