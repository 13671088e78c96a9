//! Smooth curves, approximated by linear segments within a tolerance.
//!
//! A curve must become straight on both sides; these two rays are the outermost segments. Between them, each segment
//! starts where the last one ends and goes as far as some slope stays within the tolerance (a search over a grid),
//! until one meets the right ray. Slopes are multiples of 1/64 of the steepest one, so that they are small integers
//! after quantisation and cancel exactly after the last bend.

use super::pieces::{Approximation, Bend, Fineness, PIECES, Pieces};
use crate::graph::Curve;

/// Allowed difference, as a share of the distance between the curve's two limits; where it has none,
/// of the steeper ray's slope.
const TOLERANCE: f64 = 0.01;
/// Fewer pieces than this and the tolerance is halved.
const MIN_PIECES: usize = 4;
/// So often at most.
const HALVINGS: usize = 4;
/// For a given number of pieces tolerances are tried that differ from the usual one by this factor at most.
const COARSER: f64 = 64.0;
/// So many of them.
const BISECTIONS: usize = 24;
/// More bends than this are refused.
const MAX_BENDS: usize = *PIECES.end() - 1;
/// A curve must be straight from here on.
const FURTHEST: f64 = 4096.0;
/// So many powers of two further out it must still be.
const LOOKED_AHEAD: usize = 5;
/// Points between the rays.
const GRID: usize = 1024;
/// Slopes are multiples of the steepest one divided by this.
const SLOPES: i32 = 64;
/// Slopes closer than this share of their unit are one.
const SAME: f64 = 1e-6;

/// The range of an activation's input and the tolerance there, from calibration images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The input lies within −`reach` to `reach`: 1.5 times the largest magnitude seen.
    pub reach: f64,
    /// How far linear segments may be from the curve in this range.
    pub tolerance: f64,
}

/// Linear segments that approximate `curve` in the range that was `seen`, and continue straight from there; `None`
/// where that takes too many.
pub(super) fn pieces_where_seen(curve: &Curve, channel: usize, seen: Seen) -> Option<Approximation> {
    let Seen { reach, tolerance } = seen;
    let slope = |at: f64, towards: f64| {
        (curve.at(channel, at) - curve.at(channel, at * towards)) / (at - at * towards)
    };
    let inside = 1.0 - 1.0 / GRID as f64;
    let continued = |x: f64| {
        let nearest = x.clamp(-reach, reach);
        let beyond = if nearest == x { 0.0 } else { (x - nearest) * slope(nearest, inside) };
        curve.at(channel, nearest) + beyond
    };
    let tube = Tube { tolerance, ..Tube::new(continued, reach) };
    if tube.values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let pieces = tube.follow()?;
    let error = largest_error(curve, channel, &pieces, reach / 4.0);
    (error <= 2.0 * tolerance).then_some(Approximation { pieces, error })
}

/// Pieces for `curve`, as fine as asked.
///
/// # Errors
/// It jumps, does not become straight or needs more pieces, as a sentence.
pub(super) fn pieces(curve: &Curve, channel: usize, fineness: Fineness) -> Result<Approximation, String> {
    let reach = reach(curve, channel).ok_or("it does not become straight towards both sides")?;
    let mut tube = Tube::new(|x| curve.at(channel, x), reach);
    if tube.values.iter().any(|value| !value.is_finite()) {
        return Err("it is not defined everywhere".into());
    }
    let follow = |tube: &Tube| tube.follow().ok_or("it jumps, or needs too many pieces");
    let mut pieces = follow(&tube)?;
    for _ in 0..HALVINGS {
        if pieces.bends.len() + 1 >= MIN_PIECES {
            break;
        }
        tube.tolerance /= 2.0;
        pieces = follow(&tube)?;
    }
    let error = largest_error(curve, channel, &pieces, reach);
    if error > 2.0 * tube.tolerance {
        return Err("it jumps".into());
    }
    let Fineness::Pieces(count) = fineness else { return Ok(Approximation { pieces, error }) };
    let pieces = tube.finest(count).ok_or_else(|| format!("{count} linear segments are too few"))?;
    let error = largest_error(curve, channel, &pieces, reach);
    Ok(Approximation { pieces, error })
}

/// The least power of two beyond which the curve is straight on both sides.
fn reach(curve: &Curve, channel: usize) -> Option<f64> {
    let straight = |x: f64| {
        let [a, b, c] = [1.0, 2.0, 4.0].map(|by| curve.at(channel, by * x));
        let size = TOLERANCE / 10.0 * (a - c).abs().clamp(1e-3, 1.0);
        (b - (a + (c - a) / 3.0)).abs() <= size && a.is_finite() && c.is_finite()
    };
    let powers = |first: f64| std::iter::successors(Some(first), |x| Some(x * 2.0));
    // A bend further out must not be missed; a formula may overflow there.
    let defined = |&x: &f64| curve.at(channel, 4.0 * x).is_finite();
    let stays = |x: f64| powers(1.0).take(LOOKED_AHEAD).map(|by| by * x).take_while(defined).all(straight);
    powers(1.0).take_while(|&x| x <= FURTHEST).find(|&x| straight(x) && straight(-x) && stays(x) && stays(-x))
}

fn largest_error(curve: &Curve, channel: usize, pieces: &Pieces, reach: f64) -> f64 {
    let points = (-8 * GRID as i32..=8 * GRID as i32).map(|i| f64::from(i) / (2 * GRID) as f64 * reach);
    points.map(|x| (curve.at(channel, x) - pieces.at(x)).abs()).fold(0.0, f64::max)
}

/// The curve on a grid, and how far segments may be from it.
struct Tube {
    places: Vec<f64>,
    values: Vec<f64>,
    /// Slopes of the two rays.
    ends: [f64; 2],
    /// Distance of the slopes that are tried.
    unit: f64,
    tolerance: f64,
}

impl Tube {
    fn new(curve: impl Fn(f64) -> f64, reach: f64) -> Self {
        let places: Vec<f64> = (0..=GRID).map(|i| (2.0 * i as f64 / GRID as f64 - 1.0) * reach).collect();
        let values: Vec<f64> = places.iter().map(|&x| curve(x)).collect();
        let step = 2.0 * reach / GRID as f64;
        let steepest = values.windows(2).map(|pair| (pair[1] - pair[0]).abs() / step).fold(0.0, f64::max);
        let unit = steepest / f64::from(SLOPES);
        let end = |side: f64| {
            let slope = (curve(side * 4.0 * reach) - curve(side * 2.0 * reach)) / (side * 2.0 * reach);
            let snapped = (slope / unit).round() * unit;
            if (slope - snapped).abs() * 3.0 * reach < TOLERANCE / 10.0 { snapped } else { slope }
        };
        let ends = [end(-1.0), end(1.0)];
        let limits = values[GRID] - values[0];
        let steeper = ends.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        let tolerance = TOLERANCE * if steeper < unit / 2.0 { limits.abs() } else { steeper };
        Self { places, values, ends, unit, tolerance }
    }

    /// The closest of so many pieces, by bisection of the tolerance; `None` where there are none.
    fn finest(&mut self, count: usize) -> Option<Pieces> {
        let (mut fine, mut coarse) = (self.tolerance / COARSER, self.tolerance * COARSER);
        let mut found = None;
        for _ in 0..BISECTIONS {
            self.tolerance = (fine * coarse).sqrt();
            match self.follow().filter(|pieces| pieces.bends.len() < count) {
                Some(pieces) => (coarse, found) = (self.tolerance, Some(pieces)),
                None => fine = self.tolerance,
            }
        }
        found
    }

    /// Straight pieces from ray to ray; `None` where there would be too many.
    fn follow(&self) -> Option<Pieces> {
        let [left, right] = self.ends;
        let mut here = self.furthest(0, self.values[0], left);
        let mut level = self.values[0] + left * (self.places[here] - self.places[0]);
        let (mut slope, mut bends) = (left, Vec::new());
        while bends.len() < MAX_BENDS {
            if let Some((next, meeting)) = self.last_piece(here, level) {
                bends.push(Bend { at: self.places[here], change: next - slope });
                bends.push(Bend { at: meeting, change: right - next });
                // Slopes are multiples of the unit, but for the rays' and what floating point leaves of a difference.
                bends.retain(|bend| bend.change.abs() > SAME * self.unit);
                return Some(Pieces { offset: self.values[0] - left * self.places[0], slope: left, bends });
            }
            let reach = |slope: &f64| self.furthest(here, level, *slope);
            let next = self.slopes().max_by_key(reach)?;
            let there = self.furthest(here, level, next);
            if there == here {
                return None;
            }
            bends.push(Bend { at: self.places[here], change: next - slope });
            level += next * (self.places[there] - self.places[here]);
            (here, slope) = (there, next);
        }
        None
    }

    fn slopes(&self) -> impl Iterator<Item = f64> + '_ {
        (-SLOPES..=SLOPES).map(|multiple| f64::from(multiple) * self.unit)
    }

    /// The last grid point up to which the line from (`here`, `level`) stays within the tolerance.
    fn furthest(&self, here: usize, level: f64, slope: f64) -> usize {
        let strays = |i: &usize| {
            let line = level + slope * (self.places[*i] - self.places[here]);
            (line - self.values[*i]).abs() > self.tolerance
        };
        (here + 1..=GRID).find(strays).unwrap_or(GRID + 1) - 1
    }

    /// A piece from (`here`, `level`) that meets the right ray, and where: the one that does so first,
    /// beyond the grid too, where the curve is the ray.
    fn last_piece(&self, here: usize, level: f64) -> Option<(f64, f64)> {
        let right = self.ends[1];
        let ray = |x: f64| self.values[GRID] + right * (x - self.places[GRID]);
        let holds = |x: f64| {
            let mut beyond = self.places.iter().zip(&self.values).rev().take_while(|(place, _)| **place >= x);
            beyond.all(|(&place, value)| (ray(place) - value).abs() <= self.tolerance)
        };
        let meeting = |slope: f64| {
            let x = self.places[here] + (ray(self.places[here]) - level) / (slope - right);
            (x.is_finite() && x > self.places[here] && x <= 2.0 * self.places[GRID]).then_some((slope, x))
        };
        self.slopes()
            .filter_map(meeting)
            .filter(|&(slope, x)| {
                let reach = self.furthest(here, level, slope);
                (reach == GRID || self.places[reach + 1] > x) && holds(x)
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
