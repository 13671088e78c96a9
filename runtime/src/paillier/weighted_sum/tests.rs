use proptest::prelude::*;
use rug::Integer;

use super::*;
use crate::paillier::count::instrument::measure;
use crate::paillier::encrypt::encrypt;
use crate::paillier::randomiser::PublicRandomisers;
use crate::paillier::randomness::TestRng;
use crate::paillier::test_keys;

/// Bundles of equally many rows, whose positions follow each other like those of a convolution.
#[derive(Debug)]
struct Matrix {
    bundles: Vec<Weights>,
    biases: Vec<i64>,
}

#[derive(Debug)]
struct Weights {
    inputs: Vec<usize>,
    rows: Vec<Vec<i64>>,
}

impl Rows for Matrix {
    fn len(&self) -> usize {
        self.bundles.iter().map(|bundle| bundle.rows.len()).sum()
    }

    fn bundles(&self) -> usize {
        self.bundles.len()
    }

    fn bundle(&self, bundle: usize) -> Bundle {
        Bundle { first: bundle, stride: self.bundles.len(), len: self.bundles[bundle].rows.len() }
    }

    fn inputs(&self, bundle: usize, out: &mut Vec<usize>) {
        out.extend(&self.bundles[bundle].inputs);
    }

    fn weights(&self, bundle: usize, row: usize, out: &mut Vec<i64>) {
        out.extend(&self.bundles[bundle].rows[row]);
    }

    fn first_alike(&self, bundle: usize) -> usize {
        let alike = |other: &usize| {
            let biased =
                |bundle| self.biases.iter().skip(bundle).step_by(self.bundles.len()).map(|bias| *bias != 0);
            self.bundles[*other].rows == self.bundles[bundle].rows && biased(*other).eq(biased(bundle))
        };
        (0..bundle).find(alike).unwrap_or(bundle)
    }

    fn bias(&self, row: usize) -> Integer {
        Integer::from(self.biases[row])
    }
}

impl Matrix {
    /// Rows over all inputs.
    fn dense(rows: Vec<Vec<i64>>) -> Self {
        let biases = vec![0; rows.len()];
        let inputs = (0..rows.first().map_or(0, Vec::len)).collect();
        Self { bundles: vec![Weights { inputs, rows }], biases }
    }

    /// `count` rows of `columns` weights each.
    fn random(count: usize, columns: usize, mut weight: impl FnMut() -> i64) -> Self {
        Self::dense((0..count).map(|_| (0..columns).map(|_| weight()).collect()).collect())
    }

    fn nonzero(&self) -> usize {
        let rows = self.bundles.iter().flat_map(|bundle| &bundle.rows);
        rows.flatten().filter(|weight| **weight != 0).count()
    }

    fn times(&self, values: &[i64]) -> Vec<Integer> {
        (0..self.len())
            .map(|row| {
                let Weights { inputs, rows } = &self.bundles[row % self.bundles.len()];
                let weights = &rows[row / self.bundles.len()];
                let products = inputs.iter().zip(weights).map(|(&i, &w)| Integer::from(w) * values[i]);
                products.sum::<Integer>() + self.biases[row]
            })
            .collect()
    }
}

/// Values and cost agree with plain arithmetic and with what was counted.
fn check(matrix: &Matrix, inputs: &[i64]) {
    let mut rng = TestRng::new(17);
    let key = test_keys::shared(512);
    let source = PublicRandomisers::for_uses(key.public(), inputs.len());
    let values: Vec<_> = inputs.iter().map(|value| Integer::from(*value)).collect();
    let (first, second) = values.split_at(inputs.len() / 3);
    let batches = [first, second].map(|values| encrypt(&source, values, &mut rng).unwrap());
    let (sums, counted) = measure(|| weighted_sums(key.public(), &batches.each_ref(), matrix));
    assert_eq!(key.decrypt_signed(&sums), matrix.times(inputs));
    assert_eq!(counted, weighted_sums_count(inputs.len(), matrix));
}

/// Weights of every kind that occurs: small, ternary, 8 bits, wide, zero.
fn weight() -> impl Strategy<Value = i64> {
    prop_oneof![
        -1i64..=1,
        -127i64..=127,
        Just(0),
        -(1i64 << 40)..=1 << 40,
        (0u32..40).prop_map(|shift| -1 << shift),
    ]
}

/// Up to four bundles, inputs in any order and repeated; some bundles alike.
fn matrix(inputs: usize) -> impl Strategy<Value = Matrix> {
    (0usize..7, 0usize..20).prop_flat_map(move |(rows, columns)| {
        let row = prop::collection::vec(weight(), columns);
        let weights = prop::collection::vec(prop::collection::vec(row, rows), 2);
        let bundle = (prop::collection::vec(0..inputs, columns), 0usize..2);
        let bundles = prop::collection::vec(bundle, 0..4);
        let bias = prop_oneof![Just(0), any::<i64>()];
        (weights, bundles, prop::collection::vec(bias, 4 * rows)).prop_map(
            move |(weights, bundles, mut biases)| {
                biases.truncate(rows * bundles.len());
                let bundles = bundles.into_iter();
                let bundles =
                    bundles.map(|(inputs, kind)| Weights { inputs, rows: weights[kind].clone() }).collect();
                Matrix { bundles, biases }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn sums_agree_with_plain_arithmetic(
        matrix in matrix(12),
        inputs in prop::collection::vec(-(1i64 << 30)..1 << 30, 12),
    ) {
        check(&matrix, &inputs);
    }

    #[test]
    fn layers_of_small_weights_agree_with_plain_arithmetic(
        (weights, inputs) in (1i64..20).prop_flat_map(|largest| (
            prop::collection::vec(prop::collection::vec(-largest..=largest, 30), 1..40),
            prop::collection::vec(-255i64..256, 30),
        )),
    ) {
        check(&Matrix::dense(weights), &inputs);
    }
}

#[test]
fn rows_at_the_edges() {
    let wide = 1i64 << 40;
    let rows = vec![
        vec![0, 0, 0, 0, 0, 0, 0, 0],
        vec![-1, 0, 0, 0, 0, 0, 0, 0],
        vec![0, wide, 0, 0, 0, 0, 0, 0],
        vec![0, 0, -wide, 0, 0, 0, 0, 0],
        vec![-3, -5, -5, 0, 0, 0, 0, 0],
        vec![7, 0, 0, 0, -7, 0, 0, 0],
        vec![0, 0, 0, -i64::MAX, 0, 0, 0, i64::MAX],
    ];
    let inputs = vec![0, 1, 2, 3, 0, 1, 2, 3];
    for bias in [0, -9] {
        let biases = vec![bias; rows.len()];
        let bundle = Weights { inputs: inputs.clone(), rows: rows.clone() };
        check(&Matrix { bundles: vec![bundle], biases }, &[5, -6, 1 << 30, -1]);
    }
}

#[test]
fn more_rows_than_a_wave() {
    let bundle =
        |index: usize| Weights { inputs: vec![index % 3, 2], rows: vec![vec![index as i64 % 5 - 2, -2]] };
    let bundles: Vec<_> = (0..1100).map(bundle).collect();
    check(&Matrix { biases: vec![0; bundles.len()], bundles }, &[1, -20, 300]);
    let rows = (0..1100).map(|row| vec![row - 500, -2, row % 2]).collect();
    check(&Matrix::dense(rows), &[1, -20, 300]);
}

#[test]
fn no_rows_and_no_inputs() {
    check(&Matrix { bundles: vec![], biases: vec![] }, &[]);
    check(&Matrix::dense(vec![]), &[]);
    check(&Matrix::dense(vec![vec![], vec![]]), &[]);
}

#[test]
fn inverted_inputs_serve_many_rows_and_sides_apart_serve_few() {
    let mut rng = TestRng::new(21);
    let mut row = |count| Matrix::random(count, 20, || rng.u64_below(255) as i64 - 127);
    let (many, few) = (row(50), row(1));
    assert_eq!(Layer::new(&many).choose(20).negatives, Negatives::InvertedInputs);
    assert_eq!(Layer::new(&few).choose(20).negatives, Negatives::Apart);
    check(&many, &(0..20).collect::<Vec<i64>>());
}

/// Products per weight that is not zero, everything counted.
fn products_per_weight(rows: usize, largest: u64) -> f64 {
    let mut rng = TestRng::new(22);
    let matrix = Matrix::random(rows, 1024, || rng.u64_below(2 * largest + 1) as i64 - largest as i64);
    weighted_sums_count(1024, &matrix).hundredths() as f64 / 100.0 / matrix.nonzero() as f64
}

#[test]
fn narrow_weights_cost_less_than_a_product_each() {
    let costs = [(128, 1), (16, 1), (128, 7), (16, 7), (1, 7), (128, 127)];
    let costs = costs.map(|(rows, largest)| products_per_weight(rows, largest));
    let limits = [0.4, 0.45, 0.7, 0.75, 1.15, 1.5];
    assert!(costs.iter().zip(limits).all(|(cost, limit)| *cost < limit), "{costs:?} above {limits:?}");
}

#[test]
fn a_row_costs_little_more_than_its_terms() {
    let dense: Vec<i64> = (0..784).map(|i| i * 37 % 255 - 127).collect();
    let cost = weighted_sums_count(784, &Matrix::dense(vec![dense]));
    assert!(cost.products < 784 + 2 * 127 && cost.squarings < 200, "{cost:?}");
    let zeros = Matrix::dense(vec![vec![0, 0]]);
    assert_eq!(weighted_sums_count(2, &zeros), Count::default());
}
