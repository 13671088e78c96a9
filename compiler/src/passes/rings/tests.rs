use super::{all_of, rings};
use crate::calibration::{Batch, Calibration};
use crate::graph::{Add, Conv, Dense, Graph, Integer, IntegerFact, Op, Range, Rescale, Scale, Shape, Window};
use crate::options::{CompileOptions, InputOptions};
use crate::reference::integer;
use runtime::plan::{InputSpec, Revealed, Ring};

fn options() -> CompileOptions {
    CompileOptions { margin_bits: Some(1), ..CompileOptions::default() }
}

fn spec(shape: Shape) -> InputSpec {
    InputOptions::default().spec(shape).unwrap()
}

fn fact(shape: Shape, scale: f64) -> IntegerFact {
    let range = vec![Range { low: i128::MIN, high: i128::MAX }; shape.channels];
    IntegerFact { shape, scale: Scale::PerTensor(scale), range, ring: None, compared: None, room: None }
}

fn pointwise(weights: Vec<i32>, bias: Vec<i128>) -> Op<Integer> {
    Op::Conv(Conv { window: Window::dense([1, 1]), groups: 1, weights, bias })
}

/// One image whose pixels all have one value.
fn grey(shape: Shape, pixel: f32) -> Calibration {
    Calibration::from_images(Batch::new(shape, vec![pixel; shape.elements()]))
}

/// The pixels, through a convolution that loses two bits before its ReLU, added to themselves.
fn residual_block() -> Graph<Integer> {
    let shape = Shape::new(1, 2, 2);
    let mut graph = Graph::new("image", fact(shape, 1.0));
    let input = graph.input();
    let conv = graph.add("conv", pointwise(vec![3], vec![-40]), &[input], fact(shape, 1.0));
    let rescale = graph.add("relu", Op::Rescale(Rescale { bits: 2 }), &[conv], fact(shape, 4.0));
    let relu = graph.add("relu", Op::Relu, &[rescale], fact(shape, 4.0));
    let sum = graph.add("sum", Op::Add(Add { multipliers: vec![4, 1] }), &[relu, input], fact(shape, 1.0));
    let pool = Window { stride: [2, 2], ..Window::dense([2, 2]) };
    let pool = graph.add("pool", Op::MaxPool(pool), &[sum], fact(Shape::new(1, 1, 1), 1.0));
    let flat = graph.add("flat", Op::Flatten, &[pool], fact(Shape::vector(1), 1.0));
    let dense = Op::Dense(Dense { weights: vec![1, -1], bias: vec![0, 0] });
    let logits = graph.add("logits", dense, &[flat], fact(Shape::vector(2), 1.0));
    graph.set_output(logits);
    graph
}

#[test]
fn a_residual_block() {
    let shape = Shape::new(1, 2, 2);
    let graph = rings(residual_block(), &spec(shape), Some(&grey(shape, 100.0)), &options()).unwrap();
    insta::assert_snapshot!(graph, @"
    integer graph, output n7
    n0 = input : 1x2x2 scale 1 range [0, 255] ring 11
    n1 = conv n0 1x1 weights 1x1x1x1 (1 of 1, #9dc49b46) bias 1 (1 of 1, #6f90dd52) : 1x2x2 scale 1 range [-40, 725] ring 11
    n2 = rescale n1 by 2 bits : 1x2x2 scale 4 range [-10, 182] ring 9
    n3 = relu n2 : 1x2x2 scale 4 range [0, 182] ring 11
    n4 = add n3 n0 times 4,1 : 1x2x2 scale 1 range [0, 983] ring 11
    n5 = max_pool n4 2x2 stride 2 : 1 scale 1 range [0, 983] ring 11 compared 11
    n6 = flatten n5 : 1 scale 1 range [0, 983] ring 11
    n7 = dense n6 weights 2x1 (2 of 2, #11ad14b4) bias 0 : 2 scale 1 range [-983, 983] ring 11
    ");
}

/// Two ReLUs read one value: one at once, one after a convolution of it.
#[test]
fn a_value_has_the_ring_of_the_most_demanding_reader() {
    let shape = Shape::new(1, 1, 1);
    let mut graph = Graph::new("image", fact(shape, 1.0));
    let input = graph.input();
    let small = graph.add("small", Op::Relu, &[input], fact(shape, 1.0));
    let large = graph.add("large", pointwise(vec![1000], vec![0]), &[small], fact(shape, 1.0));
    let concat = graph.add("concat", Op::Concat, &[small, large], fact(Shape::new(2, 1, 1), 1.0));
    graph.set_output(concat);
    let graph = rings(graph, &spec(shape), Some(&grey(shape, 10.0)), &options()).unwrap();
    let bits = [input, small, large, concat].map(|id| graph.node(id).fact.bits());
    assert_eq!(bits, [8, 15, 15, 15], "20000 has 15 bits, and is computed from the small value's shares");
}

/// A value has the ring of what is computed from its shares; maxima of it compare what it needs itself.
#[test]
fn maxima_compare_the_bits_of_their_candidates() {
    let shape = Shape::new(1, 2, 2);
    let mut graph = Graph::new("image", fact(shape, 1.0));
    let relu = graph.add("relu", Op::Relu, &[graph.input()], fact(shape, 1.0));
    let window = Window { stride: [2, 2], ..Window::dense([2, 2]) };
    let pool = graph.add("pool", Op::MaxPool(window), &[relu], fact(Shape::vector(1), 1.0));
    let large = graph.add("large", pointwise(vec![1000], vec![0]), &[pool], fact(Shape::vector(1), 1.0));
    graph.set_output(large);
    let graph = rings(graph, &spec(shape), Some(&grey(shape, 10.0)), &options()).unwrap();
    let fact = &graph.node(pool).fact;
    assert_eq!((fact.bits(), fact.compared.unwrap().bits()), (15, 6), "20 has 5 bits, 20000 has 15");
    assert!(fact.room.is_some(), "the image may have pixels that differ by more");
    let result = |image: [i64; 4]| integer::run(&graph, &image)[0];
    assert_eq!([[3, 20, 7, 4], [3, 31, 7, 4]].map(result), [20_000, 31_000]);
    assert_eq!(result([0, 40, 0, 0]), 0, "0 - 40 is 24 modulo 64");
}

#[test]
fn numbers_in_rings_that_are_too_narrow_wrap_around() {
    let shape = Shape::new(1, 2, 2);
    let graph = rings(residual_block(), &spec(shape), Some(&grey(shape, 20.0)), &options()).unwrap();
    let (small, large) = (integer::run(&graph, &[20; 4]), integer::run(&graph, &[255; 4]));
    assert_eq!(small, [40, -40]);
    let bits = graph.node(graph.output()).fact.bits();
    assert_ne!(large, [980, -980], "rings of {} bits are for images of 20", bits + 1);
    assert!(large.iter().all(|&x| x < 1 << bits && x >= -(1 << bits)));
}

#[test]
fn rings_that_no_plan_may_have_are_refused() {
    let shape = Shape::new(1, 1, 1);
    let mut graph = Graph::new("image", fact(shape, 1.0));
    for layer in 0..4 {
        let name = format!("layer {layer}");
        graph.add(name, pointwise(vec![1 << 20], vec![0]), &[graph.output()], fact(shape, 1.0));
        let last = graph.ids_in_order().pop().unwrap();
        graph.set_output(last);
    }
    let refused = |options| rings(graph.clone(), &spec(shape), None, options).unwrap_err().to_string();
    let error = refused(&options());
    assert!(error.contains("node 'layer 2' (conv): its integers need a ring of"), "{error}");
}

#[test]
fn the_label_needs_room_for_differences_and_positions() {
    let shape = Shape::new(1, 2, 2);
    let logits = |reveal| {
        let options = CompileOptions { reveal, ..options() };
        let graph = rings(residual_block(), &spec(shape), Some(&grey(shape, 100.0)), &options).unwrap();
        graph.node(graph.output()).fact.bits()
    };
    assert!(logits(Revealed::Label) > logits(Revealed::Logits));
}

/// What no calibration picture wakes, but brighter ones do, has room.
#[test]
fn brighter_images_have_room() {
    let shape = Shape::new(1, 2, 2);
    let mut graph = Graph::new("image", fact(shape, 1.0));
    let conv = graph.add("conv", pointwise(vec![1], vec![-120]), &[graph.input()], fact(shape, 1.0));
    let relu = graph.add("relu", Op::Relu, &[conv], fact(shape, 1.0));
    let louder = graph.add("louder", pointwise(vec![100], vec![0]), &[relu], fact(shape, 1.0));
    graph.set_output(louder);
    let ring = |options: &CompileOptions| {
        let graph = rings(graph.clone(), &spec(shape), Some(&grey(shape, 100.0)), options).unwrap();
        graph.node(louder).fact.ring.unwrap().bits()
    };
    assert!(ring(&options()) < 12, "what is asked for is what one gets");
    let brighter = integer::run(&graph, &[150; 4])[0];
    assert!(all_of(Ring::new(ring(&CompileOptions::default())).unwrap()).high >= brighter);
}
