//! Two rings modulo secret squares, whose products are computed together where that is quicker.

use rug::Integer;
use zeroize::Zeroizing;

use super::super::limbs::Limb;
use super::super::wipe::SecretInteger;
use super::choice;
use super::kernel::PairKernel;
use super::{Scratch, SquareModulus};

/// The rings modulo p² and q² for the secret primes of a key.
///
/// A pair of elements is one of each ring. Products take constant time.
pub(crate) struct SquareModulusPair {
    rings: [SquareModulus; 2],
    /// Both products in one, where the processor gains by it.
    together: Option<Box<dyn PairKernel>>,
}

impl SquareModulusPair {
    /// The rings modulo the squares of two secret bases.
    ///
    /// # Panics
    /// If one is even or below 3.
    pub(crate) fn secret(bases: [&Integer; 2]) -> Self {
        Self { rings: bases.map(SquareModulus::secret), together: choice::together(bases) }
    }

    /// The pair once for each kernel that this processor has, with its name: first those of single rings.
    #[cfg(test)]
    pub(crate) fn secret_on_all_kernels(bases: [&Integer; 2]) -> Vec<(&'static str, Self)> {
        let [p, q] = bases.map(SquareModulus::secret_on_all_kernels);
        let apart =
            p.into_iter().zip(q).map(|((name, p), (_, q))| (name, Self { rings: [p, q], together: None }));
        apart.chain([("the process's, together", Self::secret(bases))]).collect()
    }

    /// The ring modulo p² and the ring modulo q².
    pub(crate) fn rings(&self) -> &[SquareModulus; 2] {
        &self.rings
    }

    /// Fresh working memory for both rings.
    pub(crate) fn scratch(&self) -> [Scratch; 2] {
        self.rings.each_ref().map(SquareModulus::scratch)
    }

    /// The elements that stand for an integer modulo p² and modulo q².
    pub(crate) fn encode(&self, value: &Integer, scratch: &mut [Scratch; 2]) -> [Zeroizing<Vec<Limb>>; 2] {
        self.encode_each([value, value], scratch)
    }

    /// A residue of its own in each ring.
    pub(crate) fn encode_each(
        &self,
        [p, q]: [&Integer; 2],
        scratch: &mut [Scratch; 2],
    ) -> [Zeroizing<Vec<Limb>>; 2] {
        let [mut x_p, mut x_q] = self.zeros();
        self.rings[0].encode(&mut x_p, p, &mut scratch[0]);
        self.rings[1].encode(&mut x_q, q, &mut scratch[1]);
        [x_p, x_q]
    }

    /// Room for a pair of elements.
    pub(crate) fn zeros(&self) -> [Zeroizing<Vec<Limb>>; 2] {
        self.rings.each_ref().map(|ring| Zeroizing::new(vec![0; ring.element_limbs()]))
    }

    /// The residues that a pair stands for.
    pub(crate) fn decode(
        &self,
        x: &[Zeroizing<Vec<Limb>>; 2],
        scratch: &mut [Scratch; 2],
    ) -> [SecretInteger; 2] {
        let [p, q] = [0, 1].map(|index| self.rings[index].decode(&x[index], &mut scratch[index]));
        [SecretInteger::new(p), SecretInteger::new(q)]
    }

    /// The low and the high digit of each residue.
    pub(crate) fn decode_digits(
        &self,
        x: &[Zeroizing<Vec<Limb>>; 2],
        scratch: &mut [Scratch; 2],
    ) -> [[SecretInteger; 2]; 2] {
        [0, 1].map(|index| self.rings[index].decode_digits(&x[index], &mut scratch[index]))
    }

    /// `x = x · y`, in each ring.
    pub(crate) fn mul_assign(&self, x: [&mut [Limb]; 2], y: [&[Limb]; 2], scratch: &mut [Scratch; 2]) {
        let Some(kernel) = &self.together else {
            let [x_p, x_q] = x;
            self.rings[0].mul_assign(x_p, y[0], &mut scratch[0]);
            return self.rings[1].mul_assign(x_q, y[1], &mut scratch[1]);
        };
        #[cfg(test)]
        super::super::count::instrument::record(|count| count.products += 2);
        kernel.mul_assign(x, y);
    }

    /// `x = x²`, in each ring.
    pub(crate) fn square_assign(&self, x: [&mut [Limb]; 2], scratch: &mut [Scratch; 2]) {
        let Some(kernel) = &self.together else {
            let [x_p, x_q] = x;
            self.rings[0].square_assign(x_p, &mut scratch[0]);
            return self.rings[1].square_assign(x_q, &mut scratch[1]);
        };
        #[cfg(test)]
        super::super::count::instrument::record(|count| count.squarings += 2);
        kernel.square_assign(x);
    }
}
