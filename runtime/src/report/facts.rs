//! What the plan is: its borders, its size, how close it is to its model, and what is left to chance.

use super::figures::{bytes, grouped, percent};
use super::markup::{Element, classed, element};
use crate::cost::preparation::{PreparationErrors, PreparedMemory};
use crate::plan::{
    Check, CheckImages, Colours, InputSpec, OutputPart, OutputSpec, Postprocessing, ValidPlan,
    describe_elements, describe_names, describe_revealed, describe_suite,
};

/// How to learn what no plan holds.
const PER_LAYER: &str = "The plan holds the total alone; popcornc compare MODEL.onnx --data test.npz says which layer loses how much.";

/// A list of terms with what they are.
pub(super) fn facts(plan: &ValidPlan) -> Element {
    let inner = plan.plan();
    let list = classed("dl", "facts")
        .children(fact("suite", [describe_suite(inner.suite)]))
        .children(fact("client's key", [format!("{} bits", inner.key_bits)]))
        .children(fact("input", input(&inner.input)))
        .children(fact("output", inner.output.parts.iter().flat_map(|part| output(&inner.output, part))))
        .children(fact("size", [size(plan)]))
        .children(fact("against the model", check(inner.check.as_ref())));
    let errors = PreparationErrors::of_plan(plan);
    let memory = PreparedMemory::of_plan(plan);
    let list = if errors.is_empty() {
        list
    } else {
        list.children(fact("left to chance", errors.iter().map(ToString::to_string)))
    };
    list.children(memory.into_iter().flat_map(|memory| fact("prepared inference", [of_memory(memory)])))
        .children(fact("digest", [plan.id().to_string()]))
}

/// A term, and a line for each of its sentences.
fn fact(term: &str, lines: impl IntoIterator<Item = String>) -> Vec<Element> {
    let lines = lines.into_iter().map(|line| element("p").text(line));
    vec![element("dt").text(term), element("dd").children(lines)]
}

fn input(input: &InputSpec) -> Vec<String> {
    let preprocessing = &input.preprocessing;
    let (low, high) = preprocessing.raw_range;
    let colours = match preprocessing.colours {
        Colours::Rgb => "",
        Colours::Bgr => ", blue first",
    };
    let numbers = |numbers: &[f64]| {
        const SHOWN: usize = 4;
        let shown: Vec<String> = numbers.iter().take(SHOWN).map(|&number| decimal(number)).collect();
        shown.join(", ") + if numbers.len() > SHOWN { ", .." } else { "" }
    };
    vec![
        format!("{}{colours}, raw pixels from {low} to {high}", input.shape),
        format!(
            "(raw × {} − mean) ÷ std; mean {}; std {}",
            decimal(preprocessing.scale),
            numbers(&preprocessing.mean),
            numbers(&preprocessing.std)
        ),
    ]
}

/// Six digits after the point at most; in powers of ten what is less.
fn decimal(number: f64) -> String {
    if number != 0.0 && number.abs() < 1e-4 {
        return format!("{number:.3e}");
    }
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn output(output: &OutputSpec, part: &OutputPart) -> Vec<String> {
    let name = if output.parts.len() > 1 { format!("{}: ", part.name) } else { String::new() };
    let then = match part.postprocessing {
        Postprocessing::None => String::new(),
        other => format!(", then {}", other.name()),
    };
    let what = format!("{name}{}{then}{}", describe_elements(part), describe_revealed(part, output.revealed));
    let classes = (!part.names.is_empty()).then(|| format!("classes {}", describe_names(&part.names)));
    [what].into_iter().chain(classes).collect()
}

fn size(plan: &ValidPlan) -> String {
    let weights = || plan.plan().steps.iter().filter_map(|step| step.op.weights());
    let count: usize = weights().map(<[i32]>::len).sum();
    let zeros: usize = weights().map(|weights| weights.iter().filter(|&&weight| weight == 0).count()).sum();
    let constants: usize = plan.plan().steps.iter().map(|step| step.op.bias().len()).sum();
    let zero = if count > 0 { zeros as f64 / count as f64 } else { 0.0 };
    format!(
        "{} steps; {} weights, {} of them zero ({}); {} constants",
        grouped(plan.plan().steps.len() as u64),
        grouped(count as u64),
        grouped(zeros as u64),
        percent(zero),
        grouped(constants as u64)
    )
}

fn check(check: Option<&Check>) -> Vec<String> {
    let Some(check) = check else {
        return vec!["The compiler has not compared it with its model. popcornc eval does.".into()];
    };
    let warning = match check.source {
        CheckImages::HeldBack => None,
        CheckImages::Calibration | CheckImages::Synthetic => {
            Some("These images say little; compile with more calibration images (--calibration).".into())
        }
    };
    [check.to_string()].into_iter().chain(warning).chain([PER_LAYER.into()]).collect()
}

fn of_memory(memory: PreparedMemory) -> String {
    let PreparedMemory { client, server, client_file, server_file } = memory;
    let [client, server, client_file, server_file] = [client, server, client_file, server_file].map(bytes);
    format!(
        "takes {client} of memory at the client, {server} at the server; in a store {client_file} and {server_file}"
    )
}
