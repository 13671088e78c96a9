//! Curves that are piecewise linear themselves: their bends follow from the expression.

use super::pieces::{Bend, Pieces};
use crate::graph::{Binary, Curve};

/// Bends closer than this, relative to their size, are one.
const SAME: f64 = 1e-9;
/// Values that differ by less than this, relative to their size, are equal up to the rounding of f32.
const ROUNDING: f64 = 1e-6;

/// The curve's pieces; `None` where it is not piecewise linear, or jumps.
pub(super) fn pieces(curve: &Curve, channel: usize) -> Option<Pieces> {
    let kinks = kinks(curve, channel)?;
    let value = |x| curve.at(channel, x);
    let slope = |a: f64, b: f64| (value(b) - value(a)) / (b - a);
    let (Some(&first), Some(&last)) = (kinks.first(), kinks.last()) else {
        let pieces = Pieces { offset: value(0.0), slope: slope(0.0, 1.0), bends: Vec::new() };
        return is_finite(&pieces).then_some(pieces);
    };
    let before = slope(first - 2.0, first - 1.0);
    let after = slope(last + 1.0, last + 2.0);
    let between = kinks.windows(2).map(|pair| slope(pair[0], pair[1]));
    let slopes: Vec<f64> = std::iter::once(before).chain(between).chain([after]).collect();
    let steepest = slopes.iter().fold(0.0, |steepest: f64, slope| steepest.max(slope.abs()));
    let bends = kinks.iter().zip(slopes.windows(2)).map(|(&at, pair)| Bend { at, change: pair[1] - pair[0] });
    let bends = bends.filter(|bend| bend.change.abs() > SAME * steepest).collect();
    let pieces = Pieces { offset: value(first) - before * first, slope: before, bends };
    is_finite(&pieces).then_some(pieces)
}

fn is_finite(pieces: &Pieces) -> bool {
    let bends = pieces.bends.iter().flat_map(|bend| [bend.at, bend.change]);
    bends.chain([pieces.offset, pieces.slope]).all(f64::is_finite)
}

/// Where the curve may bend, in rising order; `None` where it is curved.
fn kinks(curve: &Curve, channel: usize) -> Option<Vec<f64>> {
    if matches!(curve, Curve::X) || curve.is_constant() {
        return Some(Vec::new());
    }
    let mut found = Vec::new();
    match curve {
        Curve::Binary(Binary::Add | Binary::Sub, _) => {}
        Curve::Binary(Binary::Mul, factors) if factors.iter().any(Curve::is_constant) => {}
        Curve::Binary(Binary::Div, operands) if operands[1].is_constant() => {}
        Curve::Binary(Binary::Max | Binary::Min, operands) => {
            found = crossings(&operands[0], &operands[1], channel)?
        }
        Curve::Choose(parts) => return chosen(parts, channel),
        _ => return None,
    }
    for operand in curve.operands() {
        found.extend(kinks(operand, channel)?);
    }
    Some(sorted(found))
}

/// The kinks of a choice by a comparison; `None` unless its two sides meet wherever the comparison changes.
fn chosen([test, yes, no]: &[Curve; 3], channel: usize) -> Option<Vec<f64>> {
    let Curve::Binary(Binary::Less, sides) = test else { return None };
    let mut found = crossings(&sides[0], &sides[1], channel)?;
    let meet = |&x: &f64| {
        let (a, b) = (yes.at(channel, x), no.at(channel, x));
        (a - b).abs() <= ROUNDING * a.abs().max(b.abs()).max(ROUNDING)
    };
    if !found.iter().all(meet) {
        return None;
    }
    for part in [&sides[0], &sides[1], yes, no] {
        found.extend(kinks(part, channel)?);
    }
    Some(sorted(found))
}

/// The places where two piecewise linear curves meet.
fn crossings(a: &Curve, b: &Curve, channel: usize) -> Option<Vec<f64>> {
    let mut kinks = kinks(a, channel)?;
    kinks.extend(self::kinks(b, channel)?);
    let kinks = sorted(kinks);
    let difference = |x: f64| a.at(channel, x) - b.at(channel, x);
    let root = |from: f64, to: f64| {
        let (low, high) = (difference(from), difference(to));
        Some(from - low * (to - from) / (high - low)).filter(|root| root.is_finite())
    };
    let (Some(&first), Some(&last)) = (kinks.first(), kinks.last()) else {
        return Some(root(0.0, 1.0).into_iter().collect());
    };
    let left = root(first - 1.0, first).filter(|&x| x <= first);
    let right = root(last, last + 1.0).filter(|&x| x >= last);
    let inside = kinks
        .windows(2)
        .filter_map(|pair| root(pair[0], pair[1]).filter(|x| (pair[0]..=pair[1]).contains(x)));
    Some(left.into_iter().chain(inside).chain(right).collect())
}

fn sorted(mut places: Vec<f64>) -> Vec<f64> {
    places.sort_by(f64::total_cmp);
    places.dedup_by(|b, a| (*b - *a).abs() <= SAME * a.abs().max(1.0));
    places
}
