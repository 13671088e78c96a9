//! Many networks at once, and a table of what became of them.

use super::measure::{Measured, Outcome, SUITES, measure};
use super::{FAMILIES, Family};
use rayon::prelude::*;

/// What a plan that follows the network may well be off by; a refusal of such a network helps nobody.
const EASY: f64 = 0.025;

/// Networks that are named for each family and suite.
const NAMED: usize = 4;

/// So many networks, of all families in turn, with seeds from `first` on.
pub(crate) fn hunt(families: &[Family], count: usize, first: u64) -> Vec<Measured> {
    let network =
        |index: usize| measure(families[index % families.len()], first + (index / families.len()) as u64);
    (0..count).into_par_iter().map(network).collect()
}

/// A line for each family and suite, and the worst of all.
pub(crate) fn table(found: &[Measured]) -> String {
    let mut lines = vec![format!(
        "{:<16} {:<8} {:>5} {:>7} {:>6} {:>6} | {:>7} {:>7} {:>7} | {:>6} | {:>6} {:>6} | worst seeds",
        "family",
        "suite",
        "count",
        "refused",
        "easy",
        "missed",
        "median",
        "95 %",
        "max",
        "agree",
        "noise",
        "labels",
    )];
    for (suite, (name, _)) in SUITES.iter().enumerate() {
        for family in FAMILIES {
            let group: Vec<&Measured> = found.iter().filter(|one| one.family == family.name).collect();
            if !group.is_empty() {
                lines.push(line(family.name, name, &group, suite));
            }
        }
        lines.push(line("all", name, &found.iter().collect::<Vec<_>>(), suite));
    }
    lines.join("\n")
}

fn line(family: &str, suite_name: &str, group: &[&Measured], suite: usize) -> String {
    let count = |holds: &dyn Fn(&Measured) -> bool| group.iter().filter(|one| holds(one)).count();
    let refused = count(&|one| matches!(one.outcomes[suite], Outcome::Refused(_)));
    let easy = count(&|one| one.noise <= EASY && matches!(one.outcomes[suite], Outcome::Refused(_)));
    let missed = count(&|one| one.outcomes[suite].is_broken());
    let mut ran: Vec<(f64, f64, u64)> = group
        .iter()
        .filter_map(|one| match one.outcomes[suite] {
            Outcome::Fine(far) | Outcome::SilentMiss(far) => Some((far.error, far.agreement, one.seed)),
            Outcome::Refused(_) | Outcome::Crashed(_) => None,
        })
        .collect();
    ran.sort_by(|a, b| a.0.total_cmp(&b.0));
    let agreement = ran.iter().map(|far| far.1).sum::<f64>() / ran.len().max(1) as f64;
    let errors: Vec<f64> = ran.iter().map(|far| far.0).collect();
    let noise: Vec<f64> = sorted(group.iter().map(|one| one.noise));
    let labels: Vec<f64> = sorted(group.iter().map(|one| one.labels as f64));
    let crashed = group.iter().filter(|one| matches!(one.outcomes[suite], Outcome::Crashed(_)));
    let worst = ran.iter().rev().filter(|far| far.0 > super::measure::PROMISE).map(|far| far.2);
    let worst: Vec<String> =
        crashed.map(|one| one.seed).chain(worst).take(NAMED).map(|seed| seed.to_string()).collect();
    format!(
        "{family:<16} {suite_name:<8} {:>5} {refused:>7} {easy:>6} {missed:>6} | {} {} {} | {:>5.1}% | {} {:>6} | {}",
        group.len(),
        percent(at(&errors, 0.5)),
        percent(at(&errors, 0.95)),
        percent(at(&errors, 1.0)),
        100.0 * agreement,
        percent(at(&noise, 0.5)),
        at(&labels, 0.5),
        worst.join(" "),
    )
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
    format!("{:>6.2}%", 100.0 * share)
}

/// Refusals of networks that plans could well follow, by how often they occur, without what differs from one to
/// the next.
pub(crate) fn refusals(found: &[Measured]) -> String {
    let mut texts: Vec<(usize, String)> = Vec::new();
    for outcome in found.iter().flat_map(|one| &one.outcomes) {
        let (Outcome::Refused(text) | Outcome::Crashed(text)) = outcome else { continue };
        let text: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        match texts.iter_mut().find(|(_, known)| *known == text) {
            Some((count, _)) => *count += 1,
            None => texts.push((1, text)),
        }
    }
    texts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    texts.iter().take(12).map(|(count, text)| format!("{count:>5} × {text}")).collect::<Vec<_>>().join("\n")
}
