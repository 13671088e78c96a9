//! The borders, and what a client checks of its view.

use super::schedule::check_schedule;
use super::shapes::fits;
use super::{
    Findings, MAX_AXES, MAX_BITS, MAX_BLINDING_BITS, MAX_ELEMENTS, MAX_EXCHANGES, MAX_INPUT_BITS, MAX_NAME,
    MAX_OUTPUTS, MAX_WORK, Violation,
};
use crate::plan::{
    BlindedParameters, ClientPlan, Exchange, Exchanges, InputSpec, KeyBits, OutputPart, OutputSpec, Revealed,
    Suite, Work, is_deceptive,
};

/// Checks the border from images to integers.
pub(super) fn check_input(input: &InputSpec, found: &mut Findings) {
    let channels = input.shape.channels;
    if !found
        .require(1, None, fits(input.shape), || format!("an input of {} is too large or empty", input.shape))
    {
        return;
    }
    let preprocessing = &input.preprocessing;
    let lengths = [preprocessing.mean.len(), preprocessing.std.len(), input.step.len()];
    let one_each = lengths.iter().all(|&length| length == channels);
    if !found.require(8, None, one_each, || {
        format!("mean, std and step have {lengths:?} entries for {channels} channels")
    }) {
        return;
    }
    let (low, high) = preprocessing.raw_range;
    let finite = low.is_finite() && high.is_finite() && preprocessing.scale.is_finite() && low <= high;
    let positive = |x: &f64| x.is_finite() && *x > 0.0;
    let numbers = finite
        && preprocessing.mean.iter().all(|x| x.is_finite())
        && preprocessing.std.iter().chain(&input.step).all(positive);
    if found.require(8, None, numbers, || "the preprocessing is not finite, or divides by zero".into()) {
        found.require(6, None, input.bits() <= MAX_INPUT_BITS, || {
            format!("inputs of {} bits are too wide", input.bits())
        });
    }
}

/// What a client checks of a view that it was sent; a part of what [`super::ValidPlan`] checks.
pub(in crate::plan) fn view_violations(view: &ClientPlan) -> Vec<Violation> {
    let mut found = Findings::default();
    check_input(&view.input, &mut found);
    check_output(&view.output, &mut found);
    let revealed = match (&view.work, view.suite) {
        (Work::Exchanges(work), Suite::Blinded(parameters)) if work.parameters == parameters => {
            check_exchanges(work, view.key_bits, &mut found);
            Some(work.reveal.count)
        }
        (Work::Schedule(schedule), Suite::Shared(parameters)) if schedule.parameters == parameters => {
            check_schedule(schedule, &view.input, view.key_bits, &mut found);
            // Only shapes that were found sound have a number of elements.
            let last = schedule.steps.last().filter(|_| found.violations.is_empty());
            last.map(|step| step.shape.elements())
        }
        (Work::Exchanges(_) | Work::Schedule(_), Suite::Blinded(_) | Suite::Shared(_)) => {
            found.require(10, None, false, || "the client's part is not that of the suite".into());
            None
        }
    };
    let stated = view.output.revealed_values();
    let revealed = revealed.unwrap_or(stated); // of a view without its part of the suite nothing more is said
    found.require(8, None, revealed == stated, || {
        format!("{stated} numbers of the output are stated, {revealed} revealed")
    });
    found.violations
}

fn check_exchanges(work: &Exchanges, key: KeyBits, found: &mut Findings) {
    let rounds = work.rounds.len();
    let few = found.require(1, None, rounds <= MAX_EXCHANGES, || format!("{rounds} exchanges are too many"));
    let values = work.rounds.iter().map(|exchange| exchange.count).fold(0, usize::saturating_add);
    found.require(13, None, values <= MAX_WORK, || {
        format!("{values} exchanged values in all, at most {MAX_WORK}")
    });
    let reveal = &work.reveal;
    let sane = (1..=MAX_ELEMENTS).contains(&reveal.count) && reveal.bits <= MAX_BITS;
    found.require(1, None, sane, || "the output is empty or too large".into());
    let BlindedParameters { scale_bits, grain_bits, mask_bits } = work.parameters;
    let sane = [scale_bits, grain_bits, mask_bits].iter().all(|bits| (1..=MAX_BLINDING_BITS).contains(bits));
    if few && found.require(8, None, sane, || "the blinding parameters are out of range".into()) {
        for (round, exchange) in (1..).zip(&work.rounds) {
            check_exchange(round, exchange, work.parameters, key, found);
        }
    }
}

fn check_exchange(
    round: usize,
    exchange: &Exchange,
    parameters: BlindedParameters,
    key: KeyBits,
    found: &mut Findings,
) {
    let Exchange { count, bits, .. } = *exchange;
    let handled = found.require(1, None, (1..=MAX_ELEMENTS).contains(&count), || {
        format!("round {round} exchanges {count} values")
    });
    // A pool compares differences, which have one bit more than values, and a sign's question another.
    let narrow =
        found.require(6, None, bits <= MAX_BITS + 1, || format!("round {round} has values of {bits} bits"));
    if handled && narrow {
        found.require(7, None, exchange.per_ciphertext(parameters, key) > 0, || {
            format!(
                "round {round} has values of {bits} bits, which do not fit a key of {key} bits when blinded"
            )
        });
    }
}

fn check_output(output: &OutputSpec, found: &mut Findings) {
    let some = (1..=MAX_OUTPUTS).contains(&output.parts.len());
    let fits = output.parts.iter().all(|part| {
        part.axes.len() <= MAX_AXES
            && part.name.len() <= MAX_NAME
            && !part.name.chars().any(is_deceptive)
            && (1..=MAX_ELEMENTS).contains(&part.elements())
    });
    found.require(1, None, some && fits && output.elements() <= MAX_ELEMENTS, || {
        "the output is empty or too large".into()
    });
    found.require(
        8,
        None,
        output.parts.iter().all(|part| part.scale.is_finite() && part.scale > 0.0),
        || "the output's scale is not positive".into(),
    );
    let sound =
        output.parts.iter().all(|part| part.classes.is_none_or(|classes| classes.are_among(part.axes.len())));
    let labels =
        output.revealed == Revealed::Logits || matches!(&output.parts[..], [part] if part.classes.is_some());
    let alike = some
        && (1..output.parts.len()).any(|index| {
            let names = |part: &OutputPart| part.name == output.parts[index].name;
            output.parts[..index].iter().any(names)
        });
    found.require(8, None, !alike, || "two outputs have one name".into());
    if let Some(what) = output.parts.iter().find_map(|part| part.accepts(&part.names).err()) {
        found.require(8, None, false, || what);
    }
    found.require(8, None, sound && labels, || "the output has no such classes".into());
}
