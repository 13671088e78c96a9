//! The operations of Paillier, each twice: our way, and that of programs without kernels of their own.
//!
//! What is timed lives here once, for `popcorn bench` and for the benches of `cargo bench`.

use super::bug;
use super::paper_style::PaperStyle;
use crate::error::{Error, Result};
use crate::message::Deferred;
use crate::paillier::{
    Bundle, CiphertextRef, Ciphertexts, HolderKey, PublicRandomisers, Rows, SecretKey, SecureRng,
    rerandomise, weighted_sums,
};
use crate::plan::{BlindedParameters, Exchange, ExchangeKind, KeyBits};
use crate::protocol::blinded::ServerContext;
use crate::protocol::blinded::answer::Answering;
use crate::protocol::blinded::round::Round;
use rug::Integer;

/// Ciphertexts under a weighted sum.
pub(super) const COLUMNS: usize = 1024;
/// Width of the values that are encrypted and compared.
const VALUE_BITS: u32 = 32;
/// Encryptions for which tables are made.
const USES: usize = 1 << 16;

/// One operation to be timed, our way and another.
pub struct Case<'m> {
    /// `product`, `square`, `weighted_sum_1` to `weighted_sum_8`, `encrypt`, `rerandomise`, `decrypt`, `relu`.
    pub name: String,
    /// Of N² for the products and sums, of N for the others.
    pub bits: u32,
    /// So many rows or values at a time, our way; the baseline does one.
    pub batch: usize,
    /// What it is compared with.
    pub baseline: &'static str,
    /// Our way, all of the batch, on rayon's threads.
    ///
    /// Fails only by a defect of this library.
    pub ours: Action<'m>,
    /// The other way, once, on this thread.
    pub theirs: Action<'m>,
}

/// Something that can be timed.
pub type Action<'m> = Box<dyn FnMut() -> Result<()> + Send + 'm>;

/// A key, its tables, and ciphertexts to work on.
pub struct Material {
    secret: SecretKey,
    holder: HolderKey,
    context: ServerContext,
    inputs: Ciphertexts,
}

impl Material {
    /// With a fresh key of `bits`.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn new(bits: KeyBits) -> Result<Self> {
        let mut rng = SecureRng::from_os()?;
        let secret = SecretKey::generate(bits, &mut rng);
        let copy = SecretKey::from_bytes(&secret.to_bytes());
        let copy = copy.map_err(|error| Error::Bug(format!("a fresh key is refused: {error}")))?;
        let context = ServerContext {
            key: secret.public().clone(),
            randomisers: Box::new(PublicRandomisers::for_uses(secret.public(), USES)),
            parameters: BlindedParameters::default(),
        };
        let holder = HolderKey::without_pool(copy, USES)?;
        let plaintexts: Vec<Integer> = (0..COLUMNS).map(Integer::from).collect();
        let inputs = holder.encrypt(&plaintexts, &mut rng).map_err(bug)?;
        Ok(Self { secret, holder, context, inputs })
    }

    /// A product modulo N².
    ///
    /// # Errors
    /// The operating system gives no randomness; as all cases.
    pub fn product(&self) -> Result<Case<'_>> {
        let (ring, mut scratch) = (self.context.key.ring(), self.context.key.scratch());
        let square = self.context.key.modulus_squared();
        let mut rng = SecureRng::from_os()?;
        let [mut x, y] = [(); 2].map(|()| rng.integer_below(square));
        let [mut element, factor] = [&x, &y].map(|value| {
            let mut limbs = vec![0; ring.element_limbs()];
            ring.encode(&mut limbs, value, &mut scratch);
            limbs
        });
        let ours = move || ring.mul_assign(&mut element, &factor, &mut scratch);
        let theirs = move || {
            x *= &y;
            x %= square;
        };
        Ok(self.modulo_square("product", 1, "rug: a *= b; a %= n", sure(ours), sure(theirs)))
    }

    /// A squaring modulo N².
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn square(&self) -> Result<Case<'_>> {
        let (ring, mut scratch) = (self.context.key.ring(), self.context.key.scratch());
        let square = self.context.key.modulus_squared();
        let mut x = SecureRng::from_os()?.integer_below(square);
        let mut element = vec![0; ring.element_limbs()];
        ring.encode(&mut element, &x, &mut scratch);
        let ours = move || ring.square_assign(&mut element, &mut scratch);
        let theirs = move || {
            x.square_mut();
            x %= square;
        };
        Ok(self.modulo_square("square", 1, "rug: a.square_mut(); a %= n", sure(ours), sure(theirs)))
    }

    /// So many rows of 1024 weights: −1 and 1 for 1 bit, else all integers −2^(bits−1) < w < 2^(bits−1).
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn weighted_sum(&self, bits: u32, rows: usize) -> Result<Case<'_>> {
        let matrix = Matrix::random(bits, rows, &mut SecureRng::from_os()?);
        let row = matrix.weights[..COLUMNS].to_vec();
        let plain: Vec<Integer> = self.inputs.iter().map(|input| self.number(input)).collect();
        let style = PaperStyle::new(&self.secret);
        let ours = move || drop(weighted_sums(&self.context.key, &[&self.inputs], &matrix));
        let theirs = move || drop(style.weighted_sum(&plain, &row));
        let (name, baseline) = (format!("weighted_sum_{bits}"), "rug: pow_mod and product per weight");
        Ok(self.modulo_square(&name, rows, baseline, sure(ours), sure(theirs)))
    }

    /// The key holder's encryptions.
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn encrypt(&self, batch: usize) -> Result<Case<'_>> {
        let plaintexts = vec![Integer::from(1) << VALUE_BITS; batch];
        let plaintext = plaintexts[0].clone();
        let [mut rng, mut other] = [SecureRng::from_os()?, SecureRng::from_os()?];
        let style = PaperStyle::new(&self.secret);
        let ours = move || self.holder.encrypt(&plaintexts, &mut rng).map(drop).map_err(bug);
        let theirs = move || drop(style.encrypt(&plaintext, &mut other));
        Ok(self.modulo("encrypt", batch, "rug: r^N by the CRT, pow_mod", Box::new(ours), sure(theirs)))
    }

    /// The server's fresh randomness.
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn rerandomise(&self, batch: usize) -> Result<Case<'_>> {
        let mut values = self.encrypted(batch)?;
        let plain = self.number(values.get(0));
        let [mut rng, mut other] = [SecureRng::from_os()?, SecureRng::from_os()?];
        let style = PaperStyle::new(&self.secret);
        let ours = move || rerandomise(&self.context.randomisers, &mut values, &mut rng);
        let theirs = move || drop(style.rerandomise(&plain, &mut other));
        Ok(self.modulo("rerandomise", batch, "rug: r^N mod N^2, pow_mod", sure(ours), sure(theirs)))
    }

    /// Decryptions.
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn decrypt(&self, batch: usize) -> Result<Case<'_>> {
        let values = self.encrypted(batch)?;
        let plain = self.number(values.get(0));
        let style = PaperStyle::new(&self.secret);
        let ours = move || drop(self.holder.decrypt(&values));
        let theirs = move || drop(style.decrypt_securely(&plain));
        Ok(self.modulo("decrypt", batch, "rug: two secure_pow_mod halves", sure(ours), sure(theirs)))
    }

    /// Comparisons with 0, both parties.
    ///
    /// # Errors
    /// As [`Material::product`].
    pub fn relu(&self, batch: usize) -> Result<Case<'_>> {
        let exchange = Exchange { kind: ExchangeKind::Relu, count: batch, bits: VALUE_BITS };
        let values = self.encrypted(batch)?;
        let plain = self.number(values.get(0));
        let [mut rng, mut other] = [SecureRng::from_os()?, SecureRng::from_os()?];
        let style = PaperStyle::new(&self.secret);
        let ours = move || {
            let mut round = Round::new(&self.context, exchange, values.clone(), &mut rng);
            let mut answering = Answering::new(&self.holder, self.context.parameters, &exchange);
            if let Some(question) = round.ask(usize::MAX, &mut rng) {
                round.finish(&answering.part(&question, &mut Deferred::default(), &mut rng)?);
            }
            Ok(())
        };
        let theirs = move || drop(style.relu(&plain, &mut other));
        let baseline = "rug: blinded one by one, as in the paper";
        Ok(self.modulo("relu", batch, baseline, Box::new(ours), sure(theirs)))
    }

    fn modulo_square<'m>(
        &'m self,
        name: &str,
        batch: usize,
        baseline: &'static str,
        ours: Action<'m>,
        theirs: Action<'m>,
    ) -> Case<'m> {
        Case { bits: 2 * self.key_bits(), ..self.modulo(name, batch, baseline, ours, theirs) }
    }

    fn modulo<'m>(
        &'m self,
        name: &str,
        batch: usize,
        baseline: &'static str,
        ours: Action<'m>,
        theirs: Action<'m>,
    ) -> Case<'m> {
        Case { name: name.into(), bits: self.key_bits(), batch, baseline, ours, theirs }
    }

    fn key_bits(&self) -> u32 {
        self.context.key.bits().get()
    }

    /// The number modulo N² that others compute with.
    fn number(&self, ciphertext: CiphertextRef<'_>) -> Integer {
        self.context.key.ring().decode(ciphertext.limbs(), &mut self.context.key.scratch())
    }

    /// So many small numbers.
    fn encrypted(&self, count: usize) -> Result<Ciphertexts> {
        let plaintexts: Vec<Integer> = (0..count).map(Integer::from).collect();
        self.holder.encrypt(&plaintexts, &mut SecureRng::from_os()?).map_err(bug)
    }
}

/// What cannot fail, as an action.
fn sure<'m>(mut action: impl FnMut() + Send + 'm) -> Action<'m> {
    Box::new(move || {
        action();
        Ok(())
    })
}

/// Rows of [`COLUMNS`] random weights each, all over the same inputs.
pub(super) struct Matrix {
    rows: usize,
    weights: Vec<i64>,
}

impl Matrix {
    /// `rows` rows of weights of `bits` bits, sign included: uniform with magnitudes below 2^(`bits` − 1), or ±1 for
    /// one bit.
    pub(super) fn random(bits: u32, rows: usize, rng: &mut SecureRng) -> Self {
        let largest = (1i64 << (bits - 1)) - 1;
        let weight = |rng: &mut SecureRng| match largest {
            0 => 2 * i64::from(rng.bool()) - 1,
            _ => rng.u64_below(2 * largest as u64 + 1) as i64 - largest,
        };
        Self { rows, weights: (0..rows * COLUMNS).map(|_| weight(rng)).collect() }
    }
}

impl Rows for Matrix {
    fn len(&self) -> usize {
        self.rows
    }

    fn bundles(&self) -> usize {
        1
    }

    fn bundle(&self, _: usize) -> Bundle {
        Bundle { first: 0, stride: 1, len: self.rows }
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
