//! Many networks at once, and a table of what became of them.

use super::measure::{Measured, Outcome, SUITES, measure};
use super::{FAMILIES, Family, STEADY};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Networks that are named for each family and suite.
const NAMED: usize = 4;

/// Refusals that are listed.
const LISTED: usize = 12;

/// So many networks, of all families in turn, with seeds from `first` on.
pub(crate) fn hunt(families: &[Family], count: usize, first: u64) -> Vec<Measured> {
    let network =
        |index: usize| measure(families[index % families.len()], first + (index / families.len()) as u64);
    (0..count).into_par_iter().map(network).collect()
}

/// A line for each family and suite. `unfair` are refusals though 8 bits suffice, `noise` is what 8 bits bring,
/// `labels` how many different ones networks give, both in the middle.
pub(crate) fn table(found: &[Measured]) -> String {
    let mut lines = vec![format!(
        "{:<16} {:<8} {:>5} {:>7} {:>6} {:>6} {:>6} | {:>8} {:>8} {:>8} | {:>8} | {:>8} {:>6} | worst seeds",
        "family",
        "suite",
        "count",
        "refused",
        "unfair",
        "told",
        "missed",
        "median",
        "95 %",
        "max",
        "agree",
        "noise",
        "labels",
    )];
    for (suite, (suite_name, _)) in SUITES.iter().enumerate() {
        for family in FAMILIES {
            let group: Vec<&Measured> = found.iter().filter(|one| one.family == family.name).collect();
            if !group.is_empty() {
                let worst = worst(&group, suite).join(" ");
                lines.push(format!(
                    "{:<16} {suite_name:<8} {} | {worst}",
                    family.name,
                    numbers(&group, suite)
                ));
            }
        }
        let all: Vec<&Measured> = found.iter().collect();
        lines.push(format!("{:<16} {suite_name:<8} {} |", "all", numbers(&all, suite)));
    }
    lines.join("\n")
}

/// The columns that count.
fn numbers(group: &[&Measured], suite: usize) -> String {
    let outcomes = || group.iter().map(|one| (one.noise, &one.outcomes[suite]));
    let refused = || outcomes().filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    let unfair = refused().filter(|(noise, _)| *noise <= STEADY).count();
    let told = outcomes().filter(|(_, outcome)| matches!(outcome, Outcome::Told(_))).count();
    let missed = outcomes().filter(|(_, outcome)| outcome.is_broken()).count();
    let distances = || outcomes().filter_map(|(_, outcome)| outcome.distance());
    let errors = sorted(distances().map(|far| far.error));
    let agreement = distances().map(|far| far.agreement).sum::<f64>() / errors.len() as f64;
    let noise = sorted(group.iter().map(|one| one.noise));
    let labels = sorted(group.iter().map(|one| one.labels as f64));
    format!(
        "{:>5} {:>7} {unfair:>6} {told:>6} {missed:>6} | {} {} {} | {} | {} {:>6}",
        group.len(),
        refused().count(),
        percent(at(&errors, 0.5)),
        percent(at(&errors, 0.95)),
        percent(at(&errors, 1.0)),
        percent(agreement),
        percent(at(&noise, 0.5)),
        at(&labels, 0.5),
    )
}

/// Seeds whose plans are wrong, the worst first.
fn worst(group: &[&Measured], suite: usize) -> Vec<String> {
    let error = |one: &Measured| one.outcomes[suite].distance().map_or(f64::INFINITY, |far| far.error);
    let mut broken: Vec<_> = group.iter().filter(|one| one.outcomes[suite].is_broken()).collect();
    broken.sort_by(|a, b| error(b).total_cmp(&error(a)));
    broken.iter().take(NAMED).map(|one| one.seed.to_string()).collect()
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The number at this share of a sorted list.
fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(f64::NAN)
}

fn percent(share: f64) -> String {
    if share.is_nan() { format!("{:>8}", "-") } else { format!("{:>7.2}%", 100.0 * share) }
}

/// Refusals and panics, the most frequent first; numbers are taken to be equal.
pub(crate) fn refusals(found: &[Measured]) -> String {
    let mut texts: Vec<(usize, String)> = Vec::new();
    for outcome in found.iter().flat_map(|one| &one.outcomes) {
        let (Outcome::Refused(text) | Outcome::Crashed(text)) = outcome else { continue };
        let text = without_numbers(text);
        match texts.iter_mut().find(|(_, known)| *known == text) {
            Some((count, _)) => *count += 1,
            None => texts.push((1, text)),
        }
    }
    texts.sort_by_key(|(count, _)| Reverse(*count));
    let lines = texts.iter().take(LISTED).map(|(count, text)| format!("{count:>5} × {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn without_numbers(text: &str) -> String {
    let mut shorter = text.replace(|c: char| c.is_ascii_digit(), "#");
    while shorter.contains("##") {
        shorter = shorter.replace("##", "#");
    }
    shorter
}
