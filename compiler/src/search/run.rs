//! The search itself.

use super::channels::Channels;
use super::examples::Examples;
use super::ladder::{Care, Ladder};
use super::outcome::{self, exact_accuracy, lost_channels, mean_bits, weights, weights_left};
use super::{Budget, CHANNEL_SHARES, Event, Found, INPUT_SHARE, LayerOutcome, Trial, input};
use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::from_onnx::Imported;
use crate::graph::{Graph, Real};
use crate::options::CompileOptions;
use crate::passes::{Choices, LayerChoice, Preparation};
use crate::pipeline;
use crate::reference::twin;
use runtime::plan::{InputSpec, UnitCosts, ValidPlan};
use std::collections::BTreeMap;

/// Least care that is tried, and most.
const CARES: (Care, Care) = (-6.0, 14.0);
/// Bisections of the care that all layers have in common.
const BISECTIONS: u32 = 6;
/// Single layers that are tried, and with how much less care, in turn.
const SINGLE: usize = 16;
const LESS_CARE: [Care; 3] = [2.0, 1.0, 0.5];

/// Finds the cheapest plan of `model` whose accuracy on the images of `budget` is at most its points
/// below the float model's. `options` say everything but widths and zeros; without calibration data of
/// their own, the images of the budget serve. `watch` is told what is being done and of every plan that
/// is tried.
///
/// # Errors
/// [`Error::Budget`] where no plan tried is good enough; whatever is wrong with data, options or model.
pub fn search(
    model: &Imported,
    options: &CompileOptions,
    budget: &Budget,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Found> {
    options.check()?;
    budget.check()?;
    let graph = pipeline::simplify(model.graph.clone(), options.activations)?;
    let fine = model.input_spec(&options.input)?;
    let examples = |input: &InputSpec| Examples::new(&budget.data, budget.images, input);
    watch(Event::Working("running the float model"));
    let float = examples(&fine)?.accuracy(&model.graph);
    let within = |share: f64| float - share * budget.points / 100.0;
    watch(Event::Working("looking how coarse the image may be"));
    let coarse =
        input::coarsest(model, &graph, options, examples, |accuracy| accuracy >= within(INPUT_SHARE))?;
    let setting = |input| {
        let examples = examples(input)?;
        Ok::<_, Error>(Setting { model, options, budget, fine: &fine, input, graph: &graph, examples, float })
    };
    let mut search = Search { setting: &setting(&fine)?, tried: Vec::new(), watch };
    search.baseline()?;
    let setting = setting(&coarse)?;
    let calibration = setting.calibration()?;
    let mut search = Search { setting: &setting, ..search };
    (search.watch)(Event::Working("looking which channels can go"));
    let channels = Channels::new(&graph, &calibration, options);
    let (mut counts, mut starts) = (Vec::new(), Vec::new());
    for share in CHANNEL_SHARES {
        (search.watch)(Event::Working("taking channels out"));
        let count = channels.most(|thin| setting.examples.accuracy(thin) >= within(share))?;
        if !counts.contains(&count) {
            starts.extend(search.common_care(channels.without(count)?, &calibration)?);
            counts.push(count);
        }
    }
    if let Some(start) = starts.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)) {
        search.single_layers(&start, &calibration)?;
    }
    search.finish()
}

/// What does not change during a search.
struct Setting<'a> {
    model: &'a Imported,
    options: &'a CompileOptions,
    budget: &'a Budget,
    /// As the options say.
    fine: &'a InputSpec,
    /// As candidates are to take images.
    input: &'a InputSpec,
    graph: &'a Graph<Real>,
    examples: Examples,
    float: f64,
}

impl Setting<'_> {
    fn calibration(&self) -> Result<Calibration> {
        let data = self.options.calibration.as_ref().unwrap_or(&self.budget.data);
        Calibration::new(data, self.options.calibration_images, self.graph, self.input)
    }
}

/// A graph whose layers all got the same care.
struct Start {
    graph: Graph<Real>,
    ladder: Ladder,
    care: Care,
    /// Of the plan, predicted.
    seconds: f64,
}

/// A plan that was tried.
struct Tried {
    trial: Trial,
    plan: ValidPlan,
    layers: Vec<LayerOutcome>,
}

struct Search<'a> {
    setting: &'a Setting<'a>,
    tried: Vec<Tried>,
    watch: &'a mut dyn FnMut(Event<'_>),
}

impl Search<'_> {
    fn baseline(&mut self) -> Result<()> {
        let setting = self.setting;
        let calibration = setting.calibration()?;
        let choices = Choices::uniform(LayerChoice { bits: 8, sparsity: 0.0 });
        let preparation =
            Preparation::for_choices(setting.graph, setting.input, Some(&calibration), &choices)?;
        self.try_out("dense, 8 bits".into(), &preparation, &choices).map(drop)
    }

    /// The least care for all layers of `graph` that is within the budget; `None` where there is none.
    fn common_care(&mut self, graph: Graph<Real>, calibration: &Calibration) -> Result<Option<Start>> {
        (self.watch)(Event::Working("measuring how much of each layer's error reaches the logits"));
        let preparation = Preparation::new(&graph, self.setting.input, Some(calibration))?;
        let ladder = Ladder::new(&preparation, &self.setting.examples, self.setting.options)?;
        let (mut low, mut high, mut within) = (CARES.0, CARES.1, None);
        for _ in 0..BISECTIONS {
            let care = (low + high) / 2.0;
            let choices = ladder.choices(care, &BTreeMap::new());
            if let Some(seconds) =
                self.try_out(format!("all layers, care {care:.2}"), &preparation, &choices)?
            {
                high = care;
                within = Some((care, seconds));
            } else {
                low = care;
            }
        }
        Ok(within.map(|(care, seconds)| Start { graph, ladder, care, seconds }))
    }

    /// Takes care from one layer after the other.
    fn single_layers(&mut self, start: &Start, calibration: &Calibration) -> Result<()> {
        let preparation = Preparation::new(&start.graph, self.setting.input, Some(calibration))?;
        let (ladder, mut own) = (&start.ladder, BTreeMap::new());
        for less in LESS_CARE {
            for id in ladder.dearest_first(start.care, &own).into_iter().take(SINGLE) {
                let mut less_care = own.clone();
                less_care.insert(id, own.get(&id).unwrap_or(&start.care) - less);
                let choices = ladder.choices(start.care, &less_care);
                let step = format!("less care for {}", start.graph.node(id).name);
                if choices != ladder.choices(start.care, &own)
                    && self.try_out(step, &preparation, &choices)?.is_some()
                {
                    own = less_care;
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
        choices: &Choices,
    ) -> Result<Option<f64>> {
        let setting = self.setting;
        (self.watch)(Event::Working(&step));
        let integers = pipeline::integers(preparation, choices, setting.options)?;
        let accuracy = setting.examples.accuracy(&twin(&integers.graph));
        let graph = pipeline::finish(integers.graph, setting.input, setting.options)?;
        let plan = pipeline::plan(graph, &setting.model.name, setting.input, setting.options)?;
        let layers = outcome::layers(setting.graph, preparation.graph(), choices);
        let cost = plan.plan().total_cost();
        let within = accuracy >= setting.float - setting.budget.points / 100.0;
        let trial = Trial {
            step,
            bits: mean_bits(preparation.graph(), choices),
            sparsity: 1.0 - weights_left(&plan) as f64 / weights(setting.graph) as f64,
            channels: lost_channels(&layers),
            accuracy,
            cost,
            seconds: cost.seconds(&UnitCosts::typical(setting.options.key_bits)),
            within,
        };
        (self.watch)(Event::Tried(&trial));
        let seconds = within.then_some(trial.seconds);
        self.tried.push(Tried { trial, plan, layers });
        Ok(seconds)
    }

    /// The cheapest plan that is within the budget on all images, in exact integers.
    fn finish(self) -> Result<Found> {
        let setting = self.setting;
        (self.watch)(Event::Working("running the cheapest plans on all images, in exact integers"));
        let data = &setting.budget.data;
        let float = if data.len() == setting.examples.len() {
            setting.float
        } else {
            Examples::new(data, usize::MAX, setting.fine)?.accuracy(&setting.model.graph)
        };
        let least = float - setting.budget.points / 100.0;
        let mut order: Vec<usize> = (0..self.tried.len()).filter(|&i| self.tried[i].trial.within).collect();
        order.sort_by(|&a, &b| {
            self.tried[a].trial.seconds.total_cmp(&self.tried[b].trial.seconds).then(a.cmp(&b))
        });
        for index in order {
            let accuracy = exact_accuracy(&self.tried[index].plan, data)?;
            if accuracy >= least {
                let chosen = &self.tried[index];
                return Ok(Found {
                    plan: chosen.plan.clone(),
                    images: data.len(),
                    float_accuracy: float,
                    accuracy,
                    layers: chosen.layers.clone(),
                    chosen: chosen.trial.clone(),
                    trials: self.tried.into_iter().map(|tried| tried.trial).collect(),
                });
            }
        }
        Err(self.nothing_found())
    }

    fn nothing_found(&self) -> Error {
        let best = self.tried.iter().max_by(|a, b| a.trial.accuracy.total_cmp(&b.trial.accuracy));
        let found = best.map_or_else(String::new, |best| {
            format!(
                "; the best found, {}, loses {:.2}",
                best.trial.step,
                100.0 * (self.setting.float - best.trial.accuracy)
            )
        });
        Error::Budget(format!("no plan tried loses at most {} points{found}", self.setting.budget.points))
    }
}
