use super::*;
use crate::paillier::count::instrument::measure;
use crate::paillier::randomness::TestRng;
use crate::paillier::{Ciphertext, PublicRandomisers, test_keys};
use crate::plan::{
    Conv2d, Dense, InferenceBatch, KeyBits, Public, PublicStep, Reach, SharedParameters, Window,
};
use proptest::prelude::*;

/// A linear layer over an image, and the schedule of it alone.
struct Case {
    op: Op,
    schedule: Schedule,
}

impl Case {
    /// `None` where nothing fits.
    fn new(
        op: Op,
        (from, to): (Shape, Shape),
        (bits, fraction): (u32, u32),
        (tile, stacked): ([usize; 2], usize),
    ) -> Option<Self> {
        Self::together(op, (from, to), (bits, fraction), (tile, stacked), [1, 1])
    }

    /// Of several inferences, with so many images in a ciphertext.
    fn together(
        op: Op,
        (from, to): (Shape, Shape),
        (bits, fraction): (u32, u32),
        (tile, stacked): ([usize; 2], usize),
        [inferences, images]: [usize; 2],
    ) -> Option<Self> {
        let weights = op.weights().unwrap();
        let slot_bits =
            Layout::slot_bits(bits, fraction, Reach::from_weights(weights, weights.len() / to.channels));
        let parameters = SharedParameters::default();
        let mut layout = Layout { tile, slot_bits, fraction, results: 1, stacked, images };
        let window = match &op {
            Op::Conv2d(conv) => Some(conv.window),
            _ => None,
        };
        let tiling = Linear { window, layout }.tiling(from)?;
        layout.results =
            layout.capacity(parameters, KeyBits::try_from(512).unwrap()) / layout.width(tiling.slots());
        let step = |op, inputs, shape, bits, layout| PublicStep { op, inputs, shape, bits, layout };
        let input = step(Op::Input, vec![], from, bits + 3, None);
        let linear: Op<Public> = match window {
            Some(window) => Op::Conv2d(Conv2d { window, groups: (), weights: (), bias: () }),
            None => Op::Dense(Dense { weights: (), bias: () }),
        };
        let steps = vec![input, step(linear, vec![StepId::new(0)], to, bits, Some(layout))];
        let mut schedule = Schedule::new(parameters, steps);
        schedule.batches =
            vec![InferenceBatch { inferences, layouts: vec![layout], transfers: parameters.transfers }];
        (layout.results > 0).then_some(Self { op, schedule: schedule.for_batch(inferences)? })
    }

    /// W·r by its definition, modulo 2^64.
    fn product(&self, r: &[i64]) -> Vec<u64> {
        let (from, to) = (self.schedule.steps[0].shape, self.schedule.steps[1].shape);
        crate::roles::plain::weighted_sums(&self.op, r.to_vec(), from, to).iter().map(|&x| x as u64).collect()
    }

    fn check(&self, seed: u64) {
        let mut rng = SecureRng::from_os().unwrap();
        let (key, id) = (test_keys::holder(512), StepId::new(1));
        let packed = Packed::from_step(&self.schedule, id).unwrap();
        let from = self.schedule.steps[0].shape.elements();
        let ring = self.schedule.steps[0].ring();
        let mut draws = TestRng::new(seed);
        let mut mask = || -> Vec<u64> { (0..from).map(|_| ring.reduce(draws.u64())).collect() };
        let masks: Vec<Vec<u64>> = (0..self.schedule.inferences()).map(|_| mask()).collect();
        let slices: Vec<&[u64]> = masks.iter().map(Vec::as_slice).collect();
        let plaintexts: Vec<Integer> = (0..packed.masks()).map(|index| packed.pack(&slices, index)).collect();
        let encrypted = key.encrypt(&plaintexts, &mut rng).unwrap();
        let randomisers = PublicRandomisers::for_uses(key.public(), 10);
        let (_, draw) = measure(|| randomisers.draw(&mut SecureRng::from_os().unwrap()));
        let ((reply, ours), counted) =
            measure(|| evaluate(&packed, &self.op, key.public(), &randomisers, &encrypted, &mut rng));
        assert_eq!(reply.len(), packed.products());
        assert_eq!(counted, packed.count(&self.op) + draw.times(reply.len() as u64));
        let theirs = packed.open(&key.decrypt(&reply).plaintexts);
        let (shares, fraction) = (self.schedule.share_ring(id), self.schedule.fraction(id).bits);
        assert_eq!([ours.len(), theirs.len()], [masks.len(); 2]);
        for ((mask, ours), theirs) in masks.iter().zip(ours).zip(theirs) {
            let signed: Vec<i64> = mask.iter().map(|&r| r as i64).collect();
            for ((expected, a), b) in self.product(&signed).into_iter().zip(ours).zip(theirs) {
                let rest = shares.reduce(a.wrapping_add(b).wrapping_sub(expected << fraction));
                assert!(rest <= 1, "{a} and {b} share {expected} wrongly");
            }
        }
    }
}

/// All passes.
fn evaluate(
    packed: &Packed,
    op: &Op,
    key: &PublicKey,
    randomisers: &PublicRandomisers,
    masks: &Ciphertexts,
    rng: &mut SecureRng,
) -> (Ciphertexts, Vec<Vec<u64>>) {
    let (mut replies, mut hiding) = (Ciphertexts::new(key), Vec::new());
    for pass in 0..packed.passes() {
        let (of_pass, mut more) = packed.evaluate(op, key, randomisers, (masks, pass), rng);
        replies.append(&of_pass);
        hiding.append(&mut more);
    }
    let shares = packed.server_shares(&hiding);
    (replies, shares)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn shares_of_convolutions(
        (fraction, bits, groups) in (1u32..=9, 3u32..=20, 1usize..=2),
        (kernel, stride, pad) in ([1usize..=3, 1..=3], [1usize..=2, 1..=2], [0usize..=1, 0..=1]),
        size in [3usize..=7, 3..=7],
        (tile, stacked) in ([1usize..=4, 1..=4], 1usize..=3),
        (inferences, images) in (1usize..=5, 1usize..=3),
        weights in prop::collection::vec(-127i32..=127, 6 * 9),
        seed: u64,
    ) {
        let window = Window { kernel, stride, pad_before: pad, pad_after: [1; 2], ..Window::dense([1; 2]) };
        let Some([height, width]) = window.output(size) else { return Ok(()) };
        let inputs = 2 / groups;
        let outputs = groups * (3 / groups);
        let weights = weights[..outputs * inputs * kernel[0] * kernel[1]].to_vec();
        let op = Op::Conv2d(Conv2d { window, groups, weights, bias: vec![] });
        let shapes = (Shape::new(2, size[0], size[1]), Shape::new(outputs, height, width));
        let batch = [inferences, images.min(inferences)];
        if let Some(case) = Case::together(op, shapes, (bits, fraction), (tile, stacked), batch) {
            case.check(seed);
        }
    }

    #[test]
    fn shares_of_dense_layers(
        (fraction, bits) in (1u32..=9, 3u32..=20),
        (outputs, stacked) in (1usize..=12, 1usize..=4),
        (inferences, images) in (1usize..=5, 1usize..=5),
        weights in prop::collection::vec(-127i32..=127, 12 * 12),
        seed: u64,
    ) {
        let op = Op::Dense(Dense { weights: weights[..outputs * 12].to_vec(), bias: vec![] });
        let shapes = (Shape::new(3, 2, 2), Shape::vector(outputs));
        let batch = [inferences, images.min(inferences)];
        if let Some(case) = Case::together(op, shapes, (bits, fraction), ([1, 1], stacked), batch) {
            case.check(seed);
        }
    }
}

/// Whatever the weights, what the client decrypts is uniform modulo N: also where what it sends as a mask is no number of the
/// ring, from which a mask of a few bits more than the slots would not hide the weights.
#[test]
fn decrypted_numbers_do_not_depend_on_the_weights() {
    let key = test_keys::holder(512);
    let randomisers = PublicRandomisers::for_uses(key.public(), 500);
    let huge = Integer::from(1) << 500u32;
    for (stacked, extra) in [(1, Integer::new()), (3, Integer::new()), (1, huge)] {
        let eighths = |weight: i32| {
            let op = Op::Dense(Dense { weights: vec![weight; stacked], bias: vec![] });
            let shapes = (Shape::vector(stacked), Shape::vector(1));
            let case = Case::new(op, shapes, (4, 1), ([1, 1], stacked)).unwrap();
            let packed = Packed::from_step(&case.schedule, StepId::new(1)).unwrap();
            let plaintext = packed.pack(&[&vec![5; stacked]], 0) + &extra;
            let encrypted = key.encrypt(&[plaintext], &mut SecureRng::from_os().unwrap()).unwrap();
            let draw = |_| {
                let rng = &mut SecureRng::from_os().unwrap();
                let (reply, _) = packed.evaluate(&case.op, key.public(), &randomisers, (&encrypted, 0), rng);
                let eighth = key.decrypt(&reply).plaintexts.remove(0) * 8u32 / key.public().modulus();
                eighth.to_usize().unwrap()
            };
            let mut counts = [0; 8];
            (0..400).map(draw).for_each(|eighth| counts[eighth] += 1);
            counts
        };
        for weight in [-127, 0, 127] {
            // 50 ± 6 standard deviations of 6.6.
            assert!(
                eighths(weight).iter().all(|count: &usize| count.abs_diff(50) < 40),
                "{stacked}, {extra}"
            );
        }
    }
}

/// A client whose hs is 1 has nothing that re-randomisation hides with: its replies are powers of 1 + N, and the plaintexts
/// uniform whatever the weights are.
#[test]
fn replies_under_a_trivial_base_say_no_more() {
    let key = test_keys::holder(512);
    let bits = key.public().bits();
    let mut bytes = key.public().to_bytes();
    bytes[bits.modulus_bytes()..].fill(0);
    bytes[bits.public_key_bytes() - 1] = 1;
    let public = PublicKey::from_bytes(&bytes, bits).unwrap();
    let randomisers = PublicRandomisers::for_uses(&public, 10);
    for weight in [-127, 0, 127] {
        let op = Op::Dense(Dense { weights: vec![weight], bias: vec![] });
        let case = Case::new(op, (Shape::vector(1), Shape::vector(1)), (4, 1), ([1, 1], 1)).unwrap();
        let packed = Packed::from_step(&case.schedule, StepId::new(1)).unwrap();
        let mut encrypted = Ciphertexts::new(&public);
        encrypted.push(Ciphertext::trivial(&public, &packed.pack(&[&[5]], 0)).as_ref());
        let mut eighths = [0usize; 8];
        for _ in 0..400 {
            let rng = &mut SecureRng::from_os().unwrap();
            let (reply, _) = packed.evaluate(&case.op, &public, &randomisers, (&encrypted, 0), rng);
            let plaintext = key.decrypt(&reply).plaintexts.remove(0);
            let mut alone = Ciphertexts::new(&public);
            alone.push(Ciphertext::trivial(&public, &key.public().centred(plaintext.clone())).as_ref());
            assert_eq!(reply.to_bytes(&public), alone.to_bytes(&public));
            eighths[(plaintext * 8u32 / public.modulus()).to_usize().unwrap()] += 1;
        }
        // 50 ± 6 standard deviations of 6.6.
        assert!(eighths.iter().all(|count| count.abs_diff(50) < 40), "{weight}: {eighths:?}");
    }
}
