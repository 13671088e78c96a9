//! The server asks for the signs of n blinded values, many to a ciphertext.
//!
//! Notation: x_i the values, |x_i| < 2^a; K, s, κ the parameters of [`BlindedParameters`];
//! F = a + s; `[m]` an encryption of m. (Popcorn, arXiv 2107.01786, section 4; packing, noise and
//! permutation are ours.)
//!
//! ```text
//! server                                                         client
//! 1  for each i: sign ε_i = ±1, scale τ_i log-uniform in
//!    [2^F, 2^(F+K)), noise ρ_i in [0, τ_i), mask r_i in [0, 2^(a+κ))
//!    y_i = ε_i(τ_i·x_i + ρ_i)       v_i = x_i + r_i + 2^a
//! 2  permute all n pairs with a fresh secret permutation
//! 3  pack the pairs, y offset by 2^(a+F+K), into as few
//!    ciphertexts as fit, re-randomise                     ──▶    (answer.rs)
//! ```
//!
//! x ≥ 0 ⇔ τx + ρ ≥ 0 because 0 ≤ ρ < τ: the sign is exact. Where only signs are wanted
//! ([`Sign`](crate::plan::ExchangeKind::Sign)) no v is sent, and no y where only masked values are
//! ([`Rescale`](crate::plan::ExchangeKind::Rescale)).
//!
//! # Who learns what
//!
//! The client: n, a, and in random order with random sign |τ_i·x_i + ρ_i| = τ_i·(|x_i| + u_i) with u_i
//! uniform in [0, 1): on a logarithmic scale the magnitude shifted by a uniform amount of K octaves.
//! Two magnitudes x < x′ are told apart in one observation with advantage (m(x′) − m(x))/K + 2^−s at
//! most, m(x) being the mean of log2(x + u): about log2(x′/x)/K, and 2/K between 0 and 1. The scales
//! are integers; because they begin at 2^s times the largest value, every y is reached from at least
//! 2^s of them (a test computes the advantage exactly). What many observations tell stands in SECURITY.md. v_i is within statistical distance
//! 2^−κ of a number independent of x_i. The server: nothing.

use super::ServerContext;
use crate::paillier::{
    Ciphertext, CiphertextRef, Ciphertexts, Randomisers, SecretInteger, SecureRng, ShiftedTerm, TermPlace,
    shifted_sum,
};
use crate::plan::{BlindedParameters, Exchange};
use rayon::prelude::*;
use rug::Integer;

/// How one value is hidden.
pub(super) struct Blinding {
    /// Whether ε = −1.
    pub(super) flipped: bool,
    /// τ, in [2^F, 2^(F+K)).
    scale: SecretInteger,
    /// ρ, in [0, τ).
    noise: SecretInteger,
    /// r + 2^a: all that is added to x in v.
    pub(super) mask: SecretInteger,
}

impl Blinding {
    /// Step 1 for one value: draws ε, τ, ρ and r.
    pub(super) fn draw(exchange: &Exchange, parameters: BlindedParameters, rng: &mut SecureRng) -> Self {
        let scale = log_uniform(exchange.scale_floor(parameters), parameters.scale_bits, rng);
        let noise = rng.integer_below(&scale);
        let mask =
            rng.integer_of_bits(exchange.bits + parameters.mask_bits) + (Integer::from(1) << exchange.bits);
        Self { flipped: rng.bool(), scale: scale.into(), noise: noise.into(), mask: mask.into() }
    }

    /// The product ε·ρ.
    fn signed_noise(&self) -> Integer {
        if self.flipped { Integer::from(-&*self.noise) } else { Integer::from(&*self.noise) }
    }
}

/// ⌊2^u⌋ for u uniform in [floor, floor + octaves): an octave, a leading part of 53 bits that is
/// log-uniform in it, and uniform bits below.
fn log_uniform(floor: u32, octaves: u32, rng: &mut SecureRng) -> Integer {
    const LEADING: u32 = 53;
    let octave = floor + rng.u64_below(u64::from(octaves)) as u32;
    let fraction = rng.u64_below(1 << LEADING) as f64 / (1u64 << LEADING) as f64;
    let leading = (fraction.exp2() * (1u64 << (LEADING - 1)) as f64) as u64;
    let leading = Integer::from(leading.min((1 << LEADING) - 1));
    match octave.checked_sub(LEADING - 1) {
        Some(below) => (leading << below) + rng.integer_of_bits(below),
        None => leading >> (LEADING - 1 - octave),
    }
}

/// Step 3: packs pairs into ciphertexts.
pub(super) struct Packer<'a> {
    context: &'a ServerContext,
    exchange: &'a Exchange,
    /// Pairs per ciphertext.
    capacity: usize,
    /// 2^(a+F+K), which makes y non-negative.
    offset: Integer,
}

impl<'a> Packer<'a> {
    pub(super) fn new(context: &'a ServerContext, exchange: &'a Exchange) -> Self {
        let parameters = context.parameters;
        let capacity = exchange.per_ciphertext(parameters, context.key.bits());
        let offset = Integer::from(1) << (exchange.bits + exchange.scale_width(parameters));
        Self { context, exchange, capacity, offset }
    }

    /// Pairs per ciphertext.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// A part of the question, from [x_j], [−x_j] and the blindings of some values in permuted order. But
    /// for the last part they fill their ciphertexts.
    pub(super) fn pack_all(
        &self,
        values: &Ciphertexts,
        inverses: &Ciphertexts,
        blindings: &[Blinding],
        rng: &mut SecureRng,
    ) -> Ciphertexts {
        let packs: Vec<(usize, SecureRng)> =
            (0..values.len()).step_by(self.capacity).map(|start| (start, rng.split())).collect();
        let packed: Vec<Ciphertext> = packs
            .into_par_iter()
            .map(|(start, mut rng)| {
                let end = values.len().min(start + self.capacity);
                let pairs = (start..end).map(|j| (values.get(j), inverses.get(j), &blindings[j]));
                self.pack(pairs, &mut rng)
            })
            .collect();
        Ciphertexts::gather(&self.context.key, packed.iter().map(Ciphertext::as_ref))
    }

    /// One ciphertext: Σ_j (v_j + 2^mask_bits·(y_j + offset))·2^(j·width).
    fn pack<'c>(
        &self,
        pairs: impl Iterator<Item = (CiphertextRef<'c>, CiphertextRef<'c>, &'c Blinding)>,
        rng: &mut SecureRng,
    ) -> Ciphertext {
        let one = Integer::from(1);
        let mut terms = Vec::new();
        let mut constant = Integer::new();
        for (j, (value, inverse, blinding)) in pairs.enumerate() {
            let PairPlaces { sign, mask } = PairPlaces::new(self.exchange, self.context.parameters, j);
            if let Some(place) = sign {
                let ciphertext = if blinding.flipped { inverse } else { value };
                terms.push(ShiftedTerm { ciphertext, multiplier: &blinding.scale, place });
                constant += (blinding.signed_noise() + &self.offset) << place.shift;
            }
            if let Some(place) = mask {
                terms.push(ShiftedTerm { ciphertext: value, multiplier: &one, place });
                constant += Integer::from(&*blinding.mask << place.shift);
            }
        }
        let constant = SecretInteger::new(constant);
        shifted_sum(&self.context.key, &terms, &constant, self.context.randomisers.draw(rng))
    }
}

/// Where a pair's terms stand in a packed plaintext.
struct PairPlaces {
    sign: Option<TermPlace>,
    mask: Option<TermPlace>,
}

impl PairPlaces {
    fn new(exchange: &Exchange, parameters: BlindedParameters, pair: usize) -> Self {
        let slots = exchange.slots(parameters);
        let low = pair as u32 * slots.width();
        let place =
            |used: u32, multiplier_bits, shift| (used > 0).then_some(TermPlace { multiplier_bits, shift });
        Self {
            sign: place(slots.sign_bits, exchange.scale_width(parameters), low + slots.mask_bits),
            mask: place(slots.mask_bits, 1, low),
        }
    }
}

/// The places of all terms of a pack of `pairs` pairs: what its cost depends on.
pub(super) fn term_places(
    exchange: &Exchange,
    parameters: BlindedParameters,
    pairs: usize,
) -> Vec<TermPlace> {
    let places = (0..pairs).map(|pair| PairPlaces::new(exchange, parameters, pair));
    places.flat_map(|places| [places.sign, places.mask]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExchangeKind;

    const PARAMETERS: BlindedParameters = BlindedParameters { scale_bits: 6, grain_bits: 8, mask_bits: 10 };

    fn exchange(bits: u32) -> Exchange {
        Exchange { kind: ExchangeKind::Relu, count: 1, bits }
    }

    #[test]
    fn blindings_stay_in_their_ranges_and_reach_all_octaves_alike() {
        let mut rng = SecureRng::from_os().unwrap();
        for bits in [1, 20, 60, 100] {
            let exchange = exchange(bits);
            let floor = exchange.scale_floor(PARAMETERS);
            let (mut octaves, mut flipped, mut widest) = ([0; 6], 0, 0);
            for _ in 0..1200 {
                let blinding = Blinding::draw(&exchange, PARAMETERS, &mut rng);
                octaves[(blinding.scale.significant_bits() - 1 - floor) as usize] += 1;
                flipped += u32::from(blinding.flipped);
                assert!(*blinding.noise >= 0 && *blinding.noise < *blinding.scale);
                let mask = &*blinding.mask - (Integer::from(1) << bits);
                assert!(mask >= 0 && mask.significant_bits() <= bits + PARAMETERS.mask_bits);
                widest = widest.max(mask.significant_bits());
            }
            // 200 each, ±6.5 standard deviations; 600, likewise; the widest mask has all its bits but for 2^-1200.
            assert!(octaves.iter().all(|count| (115..285).contains(count)), "{octaves:?}");
            assert!((480..720).contains(&flipped), "{flipped}");
            assert_eq!(widest, bits + PARAMETERS.mask_bits);
        }
    }

    #[test]
    fn equal_values_look_different_each_time() {
        let mut rng = SecureRng::from_os().unwrap();
        let draw = |rng: &mut SecureRng| {
            let blinding = Blinding::draw(&exchange(8), BlindedParameters::default(), rng);
            (Integer::from(&*blinding.scale), Integer::from(&*blinding.mask))
        };
        let (first, second) = (draw(&mut rng), draw(&mut rng));
        assert!(first.0 != second.0 && first.1 != second.1);
    }

    /// Distribution of y = τx + ρ over all τ and ρ, exactly up to rounding; index y.
    fn distribution(x: u64, floor: u32, octaves: u32) -> Vec<f64> {
        let (low, high) = (1u64 << floor, 1u64 << (floor + octaves));
        let mut differences = vec![0.0; (high * (x + 1)) as usize + 1];
        for scale in low..high {
            // P(⌊2^u⌋ = τ)/τ for each of the τ values of ρ.
            let each = ((scale + 1) as f64 / scale as f64).log2() / f64::from(octaves) / scale as f64;
            differences[(scale * x) as usize] += each;
            differences[(scale * (x + 1)) as usize] -= each;
        }
        differences
            .iter()
            .scan(0.0, |sum, difference| {
                *sum += difference;
                Some(*sum)
            })
            .collect()
    }

    /// m(x): the mean of log2(x + u) for u uniform in [0, 1).
    fn mean_logarithm(x: u64) -> f64 {
        let primitive = |x: f64| if x > 0.0 { x * x.log2() } else { 0.0 };
        primitive(x as f64 + 1.0) - primitive(x as f64) - std::f64::consts::LOG2_E
    }

    #[test]
    fn two_magnitudes_are_told_apart_no_better_than_stated() {
        let exchange = exchange(4);
        let (floor, octaves) = (exchange.scale_floor(PARAMETERS), PARAMETERS.scale_bits);
        for (x, y) in [(0, 1), (1, 2), (7, 8), (14, 15), (3, 12)] {
            let (p, q) = (distribution(x, floor, octaves), distribution(y, floor, octaves));
            let padded = p.iter().copied().chain(std::iter::repeat(0.0));
            let distance: f64 = padded.zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
            let ideal = (mean_logarithm(y) - mean_logarithm(x)) / f64::from(octaves);
            let grain = 2f64.powi(-(PARAMETERS.grain_bits as i32));
            assert!(distance <= ideal + grain, "{x} and {y}: {distance} > {ideal} + {grain}");
        }
    }
}
