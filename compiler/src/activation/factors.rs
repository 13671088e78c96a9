//! Activations as products of two functions: x·sigmoid(x) as x times a sigmoid, which takes fewer comparisons where two
//! values can be multiplied, and is exact for x·clip(x).

use super::{Approximation, Fineness, Seen, approximate_all, is_piecewise_linear};
use crate::graph::{Binary, Curve};

/// What a product of two values and its truncation take, in comparisons, about.
const PRODUCT: usize = 4;
/// A product may be so much further off than its tolerance.
const SLACK: f64 = 1.05;
/// Points at which a factor is looked at for its largest magnitude.
const POINTS: i32 = 64;

/// A factor of an activation.
#[derive(Clone, Debug, PartialEq)]
pub enum Factor {
    /// What the activation reads.
    X,
    /// Linear segments that follow a function of it, one for all channels or one each.
    Followed(Vec<Approximation>),
}

/// An activation as a product of two functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Factored {
    /// The functions.
    pub factors: [Factor; 2],
    /// Largest difference from the activation, for values that it reads.
    pub error: f64,
}

/// How an activation is computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// By linear segments, one approximation for all channels or one each.
    Segments(Vec<Approximation>),
    /// As a product of two functions.
    Product(Factored),
}

/// How `curve` over so many channels is computed, its range and tolerance being `seen`: where there may be products of two
/// values (`multiplies`), as one where that takes fewer comparisons.
///
/// # Errors
/// As [`approximate_all`].
pub fn form(
    curve: &Curve,
    channels: usize,
    fineness: Fineness,
    seen: Option<Seen>,
    multiplies: bool,
) -> Result<Form, String> {
    let whole = approximate_all(curve, channels, fineness, seen);
    let most = whole.as_ref().map_or(usize::MAX, |whole| comparisons(whole));
    let product = if multiplies { factored(curve, channels, fineness, seen, most) } else { None };
    product.map_or_else(|| whole.map(Form::Segments), |product| Ok(Form::Product(product)))
}

/// `curve` as a product of two functions that takes fewer comparisons than `most`. A number of segments that was asked for is
/// that of the curve.
fn factored(
    curve: &Curve,
    channels: usize,
    fineness: Fineness,
    seen: Option<Seen>,
    most: usize,
) -> Option<Factored> {
    if fineness != Fineness::Percent {
        return None;
    }
    let factors = factors(curve)?;
    let approximated = factors.iter().filter(|factor| **factor != Curve::X).count() as f64;
    let follow = |factor: &Curve, other: &Curve| match factor {
        Curve::X => Some(Factor::X),
        _ if seen.is_none() && !is_piecewise_linear(factor) => None,
        _ => {
            let seen = seen.map(|seen| Seen {
                tolerance: seen.tolerance / (approximated * largest(other, channels, seen.reach)),
                ..seen
            });
            approximate_all(factor, channels, fineness, seen).ok().map(Factor::Followed)
        }
    };
    let [first, second] = &factors;
    let factors = [follow(first, second)?, follow(second, first)?];
    let product = PRODUCT + factors.iter().map(Factor::comparisons).sum::<usize>();
    let error = seen.map_or(0.0, |seen| error(curve, channels, &factors, seen.reach));
    // Segments that would be too many are fewer and further off.
    let is_close = seen.is_none_or(|seen| error <= SLACK * seen.tolerance);
    (is_close && product < most).then_some(Factored { factors, error })
}

impl Factor {
    /// Linear segments, of the channel that has most.
    pub fn pieces(&self) -> usize {
        self.comparisons() + 1
    }

    fn at(&self, channel: usize, x: f64) -> f64 {
        match self {
            Self::X => x,
            Self::Followed(found) => found[channel % found.len()].pieces.at(x),
        }
    }

    fn comparisons(&self) -> usize {
        match self {
            Self::X => 0,
            Self::Followed(found) => comparisons(found),
        }
    }
}

fn comparisons(found: &[Approximation]) -> usize {
    found.iter().map(|found| found.pieces.bends.len()).max().unwrap_or(0)
}

/// The two factors of a curve that are no constants, the argument first; constants go into the second one.
fn factors(curve: &Curve) -> Option<[Curve; 2]> {
    let (mut constants, mut factors) = (Vec::new(), Vec::new());
    collect(curve, &mut constants, &mut factors);
    let [mut first, mut second] = <[Curve; 2]>::try_from(factors).ok()?;
    if second == Curve::X {
        std::mem::swap(&mut first, &mut second);
    }
    let second =
        constants.into_iter().fold(second, |product, constant| product.binary(Binary::Mul, constant));
    Some([first, second])
}

fn collect(curve: &Curve, constants: &mut Vec<Curve>, factors: &mut Vec<Curve>) {
    match curve {
        _ if curve.is_constant() => constants.push(curve.clone()),
        Curve::Binary(Binary::Mul, parts) => parts.iter().for_each(|part| collect(part, constants, factors)),
        Curve::Binary(Binary::Div, parts) if parts[1].is_constant() => {
            collect(&parts[0], constants, factors);
            constants.push(Curve::number(1.0).binary(Binary::Div, parts[1].clone()));
        }
        _ => factors.push(curve.clone()),
    }
}

/// The largest magnitude of `curve` within `reach`, over all channels.
fn largest(curve: &Curve, channels: usize, reach: f64) -> f64 {
    let channels = if curve.is_uniform() { 1 } else { channels };
    most(channels, reach, |channel, x| curve.at(channel, x))
}

/// How far the product is from `curve` within `reach`, over all channels; rounding apart.
fn error(curve: &Curve, channels: usize, [first, second]: &[Factor; 2], reach: f64) -> f64 {
    let channels = if curve.is_uniform() { 1 } else { channels };
    let found = most(channels, reach, |channel, x| {
        first.at(channel, x) * second.at(channel, x) - curve.at(channel, x)
    });
    let rounding = 1e-9 * largest(curve, channels, reach);
    if found <= rounding { 0.0 } else { found }
}

/// The largest magnitude that `value` has within `reach`; above 0.
fn most(channels: usize, reach: f64, value: impl Fn(usize, f64) -> f64) -> f64 {
    let points = (-POINTS..=POINTS).map(|point| reach * f64::from(point) / f64::from(POINTS));
    let all = (0..channels).flat_map(|channel| points.clone().map(move |x| (channel, x)));
    all.map(|(channel, x)| value(channel, x).abs()).fold(f64::MIN_POSITIVE, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Unary;

    const SEEN: Seen = Seen { reach: 8.0, tolerance: 0.003 };

    fn times(curve: Curve, by: f32) -> Curve {
        curve.binary(Binary::Mul, Curve::number(by))
    }

    fn hard_swish() -> Curve {
        let gate = Curve::X.binary(Binary::Add, Curve::number(3.0));
        let clip = gate.binary(Binary::Max, Curve::number(0.0)).binary(Binary::Min, Curve::number(6.0));
        Curve::X.binary(Binary::Mul, clip).binary(Binary::Div, Curve::number(6.0))
    }

    /// The product that is taken, if one is.
    fn factored(curve: &Curve, channels: usize, fineness: Fineness, seen: Option<Seen>) -> Option<Factored> {
        match form(curve, channels, fineness, seen, true) {
            Ok(Form::Product(product)) => Some(product),
            _ => None,
        }
    }

    /// The product of the factors' segments at x.
    fn at([first, second]: &[Factor; 2], x: f64) -> f64 {
        first.at(0, x) * second.at(0, x)
    }

    #[test]
    fn a_hard_swish_is_exact() {
        for seen in [None, Some(SEEN)] {
            let Factored { factors, error } = factored(&hard_swish(), 4, Fineness::Percent, seen).unwrap();
            assert_eq!(error, 0.0);
            assert_eq!(factors[0], Factor::X);
            assert_eq!(factors[1].comparisons(), 2);
            for x in [-7.0, -3.0, -1.2, 0.0, 2.9, 3.1, 7.5] {
                assert!((at(&factors, x) - hard_swish().at(0, x)).abs() < 1e-6, "{x}");
            }
        }
    }

    #[test]
    fn a_product_is_as_close_as_the_curve_was_to_be() {
        let silu = Curve::X.binary(Binary::Mul, Curve::X.unary(Unary::Sigmoid));
        let seen = Seen { reach: 1.0, tolerance: 1e-4 };
        let Factored { factors, error } = factored(&silu, 1, Fineness::Percent, Some(seen)).unwrap();
        assert!(error > 0.0 && error <= SLACK * seen.tolerance, "{error}");
        let whole = approximate_all(&silu, 1, Fineness::Percent, Some(seen)).unwrap();
        let product = factors[1].comparisons() + PRODUCT;
        assert!(product < comparisons(&whole), "{product} is not less than {}", comparisons(&whole));
        for x in (-20..=20).map(|x| f64::from(x) / 20.0) {
            let error = (at(&factors, x) - silu.at(0, x)).abs();
            assert!(error <= SLACK * seen.tolerance, "at {x} it is off by {error}");
        }
        let finer = Seen { tolerance: 1e-7, ..seen };
        assert_eq!(
            factored(&silu, 1, Fineness::Percent, Some(finer)),
            None,
            "as many segments are not taken"
        );
        assert_eq!(factored(&silu, 1, Fineness::Percent, Some(SEEN)), None, "a sigmoid times 8 is as curved");
    }

    #[test]
    fn what_is_no_product_or_cheap_stays() {
        let sigmoid = Curve::X.unary(Unary::Sigmoid);
        let leaky = Curve::X.binary(Binary::Max, times(Curve::X, 0.1));
        for curve in [sigmoid, leaky, times(Curve::X, 2.0)] {
            assert_eq!(factored(&curve, 1, Fineness::Percent, Some(SEEN)), None, "{curve}");
        }
        assert_eq!(factored(&hard_swish(), 1, Fineness::Pieces(9), Some(SEEN)), None, "what is asked for");
        let coarse = Seen { tolerance: 0.5, ..SEEN };
        assert_eq!(factored(&hard_swish(), 1, Fineness::Percent, Some(coarse)), None, "a few segments do");
    }
}
