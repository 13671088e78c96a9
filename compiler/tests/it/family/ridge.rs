//! Ridge regression from features to classes.

use super::tensor::{FITTED, Tensor};

/// Weights row by row, and a bias for each row.
pub(crate) struct Rows {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// A row for each class that is 1 for its pictures and else 0, as nearly as rows can be that are held short by
/// `ridge`, in units of the features' size.
pub(crate) fn fit(features: &Tensor, class: impl Fn(usize) -> usize, classes: usize, ridge: f64) -> Rows {
    let means: Vec<f64> = features.statistics().into_iter().map(|(mean, _)| mean.into()).collect();
    let columns = columns(features, &means);
    let mut gram = gram(&columns);
    let size = (0..FITTED).map(|index| gram[index][index]).sum::<f64>() / FITTED as f64;
    (0..FITTED).for_each(|index| gram[index][index] += ridge * size + f64::MIN_POSITIVE);
    let share = 1.0 / classes as f64;
    let target = |index, wanted| f64::from(u8::from(class(index) == wanted)) - share;
    let targets = (0..FITTED).map(|index| (0..classes).map(|wanted| target(index, wanted)).collect());
    let duals = solve(gram, targets.collect());
    let mut rows = Rows { weights: Vec::new(), bias: Vec::new() };
    for class in 0..classes {
        let dual: Vec<f64> = duals.iter().map(|duals| duals[class]).collect();
        let row: Vec<f64> = columns.iter().map(|column| product(column, &dual)).collect();
        rows.bias.push((share - product(&row, &means)) as f32);
        rows.weights.extend(row.into_iter().map(|weight| weight as f32));
    }
    rows
}

/// For each feature what pictures have of it, less its mean.
fn columns(features: &Tensor, means: &[f64]) -> Vec<Vec<f64>> {
    let pictures: Vec<Vec<f32>> = (0..FITTED).map(|index| features.picture(index)).collect();
    let column = |(feature, mean): (usize, &f64)| {
        pictures.iter().map(|picture| f64::from(picture[feature]) - mean).collect()
    };
    means.iter().enumerate().map(column).collect()
}

/// Products of pictures with pictures.
fn gram(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut gram = vec![vec![0.0; FITTED]; FITTED];
    for column in columns {
        for (row, x) in gram.iter_mut().zip(column) {
            row.iter_mut().zip(column).for_each(|(sum, y)| *sum += x * y);
        }
    }
    gram
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The x for which a·x = b, by elimination, for a positive definite.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for pivot in 0..a.len() {
        let (row, target) = (a[pivot].clone(), b[pivot].clone());
        for other in (0..a.len()).filter(|&other| other != pivot) {
            let by = a[other][pivot] / row[pivot];
            a[other].iter_mut().zip(&row).for_each(|(x, y)| *x -= by * y);
            b[other].iter_mut().zip(&target).for_each(|(x, y)| *x -= by * y);
        }
    }
    for (index, row) in b.iter_mut().enumerate() {
        row.iter_mut().for_each(|x| *x /= a[index][index]);
    }
    b
}
