use proptest::prelude::*;

use super::*;
use crate::paillier::count::instrument::measure;
use crate::paillier::encrypt::encrypt;
use crate::paillier::randomiser::PublicRandomisers;
use crate::paillier::randomness::TestRng;
use crate::paillier::test_keys;

struct Matrix {
    rows: Vec<Vec<(usize, i64)>>,
    biases: Vec<i64>,
}

impl Rows for Matrix {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn terms(&self, row: usize, out: &mut Vec<(usize, i64)>) {
        out.extend(&self.rows[row]);
    }

    fn bias(&self, row: usize) -> Integer {
        Integer::from(self.biases[row])
    }
}

impl Matrix {
    fn unbiased(rows: Vec<Vec<(usize, i64)>>) -> Self {
        Self { biases: vec![0; rows.len()], rows }
    }

    fn times(&self, inputs: &[i64]) -> Vec<Integer> {
        let product = |&(index, weight): &(usize, i64)| Integer::from(weight) * inputs[index];
        let rows = self.rows.iter().zip(&self.biases);
        rows.map(|(terms, bias)| terms.iter().map(product).sum::<Integer>() + bias).collect()
    }
}

/// Values and cost agree with plain arithmetic and with what was counted.
fn check(matrix: &Matrix, inputs: &[i64]) {
    let mut rng = TestRng::new(17);
    let key = test_keys::shared(512);
    let source = PublicRandomisers::for_uses(key.public(), inputs.len(), &mut rng);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn sums_agree_with_plain_arithmetic(
        rows in prop::collection::vec(prop::collection::vec((0usize..12, weight()), 0..20), 0..8),
        biases in prop::collection::vec(prop_oneof![Just(0), any::<i64>()], 8),
        inputs in prop::collection::vec(-(1i64 << 30)..1 << 30, 12),
    ) {
        let biases = biases[..rows.len()].to_vec();
        check(&Matrix { rows, biases }, &inputs);
    }

    #[test]
    fn layers_of_small_weights_agree_with_plain_arithmetic(
        weights in prop::collection::vec(prop::collection::vec(-127i64..=127, 30), 1..40),
        inputs in prop::collection::vec(-255i64..256, 30),
    ) {
        let dense = |row: Vec<i64>| row.into_iter().enumerate().collect();
        check(&Matrix::unbiased(weights.into_iter().map(dense).collect()), &inputs);
    }
}

#[test]
fn rows_at_the_edges() {
    let wide = 1i64 << 40;
    let rows = vec![
        vec![],
        vec![(0, -1)],
        vec![(1, wide)],
        vec![(2, -wide)],
        vec![(0, -3), (1, -5), (2, -5)],
        vec![(0, 0), (1, 0)],
        vec![(0, 7), (0, -7)],
        vec![(3, i64::MIN), (3, i64::MAX)],
    ];
    let inputs = [5, -6, 1 << 30, -1];
    check(&Matrix::unbiased(rows.clone()), &inputs);
    check(&Matrix { biases: vec![-9; rows.len()], rows }, &inputs);
}

#[test]
fn more_rows_than_a_block() {
    let rows = (0..BLOCK + 40).map(|row| vec![(row % 3, row as i64 - 500), (2, -2)]).collect();
    check(&Matrix::unbiased(rows), &[1, -20, 300]);
}

#[test]
fn no_rows_and_no_inputs() {
    check(&Matrix::unbiased(vec![]), &[]);
    check(&Matrix::unbiased(vec![vec![]]), &[]);
}

#[test]
fn inverted_inputs_serve_many_rows_and_sides_apart_serve_few() {
    let weights: Vec<(usize, i64)> = (0..20).map(|i| (i, i as i64 * 13 % 255 - 127)).collect();
    let many = Matrix::unbiased(vec![weights.clone(); 50]);
    let few = Matrix::unbiased(vec![weights]);
    assert_eq!(plan(20, &many).0, Negatives::InvertedInputs);
    assert_eq!(plan(20, &few).0, Negatives::Apart);
    check(&many, &(0..20).collect::<Vec<i64>>());
}

#[test]
fn a_row_costs_little_more_than_its_terms() {
    let dense: Vec<i64> = (0..784).map(|i| i * 37 % 255 - 127).collect();
    let cost = products_for_row(&dense, Negatives::Apart);
    assert!(cost.products < 784 + 2 * 127 && cost.squarings < 200, "{cost:?}");
    let kernel: Vec<i64> = (0..25).map(|i| i * 101 % 255 - 127).collect();
    let cost = products_for_row(&kernel, Negatives::InvertedInputs);
    assert!(cost.products + cost.squarings < 90, "{cost:?}");
    assert_eq!(products_for_row(&[0, 0], Negatives::Apart), Count::default());
}
