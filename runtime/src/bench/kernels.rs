//! The operations of Paillier on one core, each beside what programs without kernels of their own do.

use super::bug;
use super::paper_style::PaperStyle;
use super::timing::seconds;
use crate::error::{Error, Result};
use crate::paillier::{
    Bundle, CiphertextRef, Ciphertexts, HolderKey, PublicRandomisers, Rows, SecretKey, SecureRng,
    rerandomise, weighted_sums,
};
use crate::plan::{BlindedParameters, Exchange, ExchangeKind, KeyBits};
use crate::protocol::blinded::ServerContext;
use crate::protocol::blinded::answer::Answering;
use crate::protocol::blinded::round::Round;
use rug::Integer;
use serde::Serialize;
use std::time::Duration;

/// Ciphertexts under a weighted sum, and rows that share inversions.
const COLUMNS: usize = 1024;
const ROWS: usize = 16;
/// Values that are encrypted, decrypted or compared together.
const BATCH: usize = 64;
/// Width of the values that are compared.
const VALUE_BITS: u32 = 32;
/// Encryptions for which tables are made.
const USES: usize = 1 << 16;

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kernel {
    /// `product`, `square`, `weighted_sum_1` to `weighted_sum_8`, `encrypt`, `rerandomise`, `decrypt`, `relu`.
    pub name: String,
    /// Of N² for the products and sums, of N for the last four.
    pub bits: u32,
    /// Nanoseconds: of one product, one row of 1024 weights, one value.
    pub ours_ns: f64,
    /// What it is compared with.
    pub baseline: &'static str,
    /// The same work, that way.
    pub baseline_ns: f64,
    /// Baseline ÷ ours.
    pub ratio: f64,
}

/// Everything at one key size.
pub struct Kernels {
    secret: SecretKey,
    holder: HolderKey,
    context: ServerContext,
    rng: SecureRng,
    budget: Duration,
}

impl Kernels {
    /// A fresh key of `bits`; each figure takes about `budget`.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn new(bits: KeyBits, budget: Duration) -> Result<Self> {
        let mut rng = SecureRng::from_os()?;
        let secret = SecretKey::generate(bits, &mut rng);
        let copy = SecretKey::from_bytes(&secret.to_bytes());
        let copy = copy.map_err(|error| Error::Bug(format!("a fresh key is refused: {error}")))?;
        let context = ServerContext {
            key: secret.public().clone(),
            randomisers: Box::new(PublicRandomisers::for_uses(secret.public(), USES, &mut rng)),
            parameters: BlindedParameters::default(),
        };
        Ok(Self { holder: HolderKey::without_pool(copy, USES)?, secret, context, rng, budget })
    }

    /// All of them; batches by rayon's threads, of which there should be one. `watch` is told each.
    ///
    /// # Errors
    /// A defect of this library.
    pub fn run(&mut self, watch: &mut dyn FnMut(&Kernel)) -> Result<Vec<Kernel>> {
        let mut kernels = Vec::new();
        let mut add = |kernel: Kernel| {
            watch(&kernel);
            kernels.push(kernel);
        };
        add(self.product());
        add(self.square());
        for bits in [1, 2, 4, 8] {
            add(self.weighted_sum(bits)?);
        }
        add(self.encrypt()?);
        add(self.rerandomise()?);
        add(self.decrypt()?);
        add(self.relu()?);
        Ok(kernels)
    }

    fn kernel(&self, name: &str, squared: bool, ours: f64, baseline: &'static str, theirs: f64) -> Kernel {
        let bits = self.secret.public().bits().get() * if squared { 2 } else { 1 };
        let (ours_ns, baseline_ns) = (ours * 1e9, theirs * 1e9);
        Kernel { name: name.into(), bits, ours_ns, baseline, baseline_ns, ratio: theirs / ours }
    }

    fn product(&mut self) -> Kernel {
        let (ring, mut scratch) = (self.context.key.ring(), self.context.key.scratch());
        let [mut x, y] = [(); 2].map(|()| self.rng.integer_below(self.context.key.modulus_squared()));
        let [mut ours, factor] = [&x, &y].map(|value| {
            let mut limbs = vec![0; ring.element_limbs()];
            ring.encode(&mut limbs, value, &mut scratch);
            limbs
        });
        let time = seconds(self.budget, || ring.mul_assign(&mut ours, &factor, &mut scratch));
        let square = self.context.key.modulus_squared();
        let theirs = seconds(self.budget, || {
            x *= &y;
            x %= square;
        });
        self.kernel("product", true, time, "rug: a *= b; a %= n", theirs)
    }

    fn square(&mut self) -> Kernel {
        let (ring, mut scratch) = (self.context.key.ring(), self.context.key.scratch());
        let mut x = self.rng.integer_below(self.context.key.modulus_squared());
        let mut ours = vec![0; ring.element_limbs()];
        ring.encode(&mut ours, &x, &mut scratch);
        let time = seconds(self.budget, || ring.square_assign(&mut ours, &mut scratch));
        let square = self.context.key.modulus_squared();
        let theirs = seconds(self.budget, || {
            x.square_mut();
            x %= square;
        });
        self.kernel("square", true, time, "rug: a.square_mut(); a %= n", theirs)
    }

    fn weighted_sum(&mut self, bits: u32) -> Result<Kernel> {
        let inputs = self.encrypted(COLUMNS)?;
        let matrix = Matrix::random(bits, &mut self.rng);
        let key = &self.context.key;
        let ours = seconds(self.budget, || drop(weighted_sums(key, &[&inputs], &matrix))) / ROWS as f64;
        let style = PaperStyle::new(&self.secret);
        let plain: Vec<Integer> = inputs.iter().map(|input| self.number(input)).collect();
        let theirs = seconds(Duration::ZERO, || drop(style.weighted_sum(&plain, &matrix.weights[..COLUMNS])));
        Ok(self.kernel(
            &format!("weighted_sum_{bits}"),
            true,
            ours,
            "rug: pow_mod and product per weight",
            theirs,
        ))
    }

    fn encrypt(&mut self) -> Result<Kernel> {
        let plaintexts = vec![Integer::from(1) << VALUE_BITS; BATCH];
        let (holder, rng) = (&self.holder, &mut self.rng);
        let mut outcome = Ok(());
        let ours = seconds(self.budget, || {
            outcome = holder.encrypt(&plaintexts, rng).map(drop).map_err(bug);
        });
        outcome?;
        let style = PaperStyle::new(&self.secret);
        let theirs = seconds(self.budget, || drop(style.encrypt(&plaintexts[0], rng)));
        Ok(self.kernel("encrypt", false, ours / BATCH as f64, "rug: r^N by the CRT, pow_mod", theirs))
    }

    fn rerandomise(&mut self) -> Result<Kernel> {
        let mut batch = self.encrypted(BATCH)?;
        let (context, rng) = (&self.context, &mut self.rng);
        let ours = seconds(self.budget, || rerandomise(&context.randomisers, &mut batch, rng));
        let style = PaperStyle::new(&self.secret);
        let plain = self.number(batch.get(0));
        let theirs = seconds(self.budget, || drop(style.rerandomise(&plain, &mut self.rng)));
        Ok(self.kernel("rerandomise", false, ours / BATCH as f64, "rug: r^N mod N^2, pow_mod", theirs))
    }

    fn decrypt(&mut self) -> Result<Kernel> {
        let batch = self.encrypted(BATCH)?;
        let ours = seconds(self.budget, || drop(self.holder.decrypt(&batch)));
        let plain = self.number(batch.get(0));
        let style = PaperStyle::new(&self.secret);
        let theirs = seconds(self.budget, || drop(style.decrypt_securely(&plain)));
        Ok(self.kernel("decrypt", false, ours / BATCH as f64, "rug: two secure_pow_mod halves", theirs))
    }

    fn relu(&mut self) -> Result<Kernel> {
        let exchange = Exchange { kind: ExchangeKind::Relu, count: BATCH, bits: VALUE_BITS };
        let values = self.encrypted(BATCH)?;
        let (holder, context, rng) = (&self.holder, &self.context, &mut self.rng);
        let mut outcome = Ok(());
        let ours = seconds(self.budget, || {
            let mut round = Round::new(context, exchange, values.clone(), rng);
            let mut answering = Answering::new(holder, context.parameters, &exchange);
            if let Some(question) = round.ask(usize::MAX, rng) {
                outcome = answering.part(&question, rng).map(|answer| round.finish(&answer));
            }
        });
        outcome?;
        let style = PaperStyle::new(&self.secret);
        let plain = self.number(values.get(0));
        let theirs = seconds(self.budget, || drop(style.relu(&plain, &mut self.rng)));
        Ok(self.kernel(
            "relu",
            false,
            ours / BATCH as f64,
            "rug: blinded one by one, as in the paper",
            theirs,
        ))
    }

    /// The number modulo N² that others compute with.
    fn number(&self, ciphertext: CiphertextRef<'_>) -> Integer {
        self.context.key.ring().decode(ciphertext.limbs(), &mut self.context.key.scratch())
    }

    /// So many small numbers.
    fn encrypted(&mut self, count: usize) -> Result<Ciphertexts> {
        let plaintexts: Vec<Integer> = (0..count).map(Integer::from).collect();
        self.holder.encrypt(&plaintexts, &mut self.rng).map_err(bug)
    }
}

/// Random weights: −1 and 1, or all integers of the width.
struct Matrix {
    weights: Vec<i64>,
}

impl Matrix {
    fn random(bits: u32, rng: &mut SecureRng) -> Self {
        let largest = (1i64 << (bits - 1)) - 1;
        let weight = |rng: &mut SecureRng| match largest {
            0 => 2 * i64::from(rng.bool()) - 1,
            _ => rng.u64_below(2 * largest as u64 + 1) as i64 - largest,
        };
        Self { weights: (0..ROWS * COLUMNS).map(|_| weight(rng)).collect() }
    }
}

impl Rows for Matrix {
    fn len(&self) -> usize {
        ROWS
    }

    fn bundles(&self) -> usize {
        1
    }

    fn bundle(&self, _: usize) -> Bundle {
        Bundle { first: 0, stride: 1, len: ROWS }
    }

    fn inputs(&self, _: usize, inputs: &mut Vec<usize>) {
        inputs.extend(0..COLUMNS);
    }

    fn weights(&self, _: usize, row: usize, weights: &mut Vec<i64>) {
        weights.extend(&self.weights[row * COLUMNS..][..COLUMNS]);
    }

    fn bias(&self, _: usize) -> Integer {
        Integer::new()
    }
}
