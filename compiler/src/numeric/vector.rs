//! Sums and differences of rows of numbers.

/// Numbers that are summed side by side; fixed, so that sums do not depend on the machine.
const LANES: usize = 8;

/// y += a·x.
#[inline(always)]
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// y −= Σ aₖ·xₖ.
///
/// # Panics
/// Where an x is shorter than y.
#[inline(always)]
pub fn subtract<const N: usize>(a: [f64; N], x: [&[f64]; N], y: &mut [f64]) {
    let x = x.map(|x| &x[..y.len()]);
    for j in 0..y.len() {
        let mut value = y[j];
        for k in 0..N {
            value -= a[k] * x[k][j];
        }
        y[j] = value;
    }
}

/// Σ x·y.
#[inline(always)]
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; LANES];
    for (x, y) in xs.zip(ys) {
        (0..LANES).for_each(|lane| lanes[lane] += x[lane] * y[lane]);
    }
    lanes.iter().sum::<f64>() + rest
}

/// The median of `values`, of an even number the upper one; `None` of none.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
