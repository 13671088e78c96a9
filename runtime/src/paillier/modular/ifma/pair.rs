//! Products in two rings at the same time.
//!
//! A product waits for its quotient lanes; those of two products that do not depend on each other are on their way
//! together. A pair takes 0.77 of the time of two for primes of 1024 bits, 0.8 for 1536 and 0.95 for 2048; a pair of
//! squares 0.73, 0.78 and 0.83 (Sapphire Rapids). Longer digits spill so many registers that there is nothing to gain.

use rug::Integer;

use super::super::super::limbs::Limb;
use super::super::kernel::PairKernel;
use super::{Digit, Ifma, LANES, Modulus, available, broadcast, lanes_for, load_element, store_element};

/// Two rings with digits of one length.
struct Pair<const V: usize>([Ifma<V>; 2]);

/// The kernel for the rings modulo the squares of two bases, if the processor has the instructions and the bases take
/// equally many lanes, in five vectors at most.
pub(in super::super) fn pair_kernel(bases: [&Integer; 2]) -> Option<Box<dyn PairKernel>> {
    let [lanes, others] = bases.map(lanes_for);
    if !available() || lanes != others {
        return None;
    }
    Some(match lanes.div_ceil(LANES) {
        1 => Box::new(Pair::<1>::new(bases, lanes)),
        2 => Box::new(Pair::<2>::new(bases, lanes)),
        3 => Box::new(Pair::<3>::new(bases, lanes)),
        4 => Box::new(Pair::<4>::new(bases, lanes)),
        5 => Box::new(Pair::<5>::new(bases, lanes)),
        _ => return None,
    })
}

impl<const V: usize> Pair<V> {
    fn new(bases: [&Integer; 2], lanes: usize) -> Self {
        Self(bases.map(|base| Ifma::new(base, lanes)))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply(&self, [x, u]: [&mut [Limb]; 2], [y, v]: [&[Limb]; 2]) {
        let [x0, x1] = load_element::<V>(x);
        let [u0, u1] = load_element::<V>(u);
        let [p, q] = [self.modulus(0), self.modulus(1)];
        let [mut x_low, mut x_high, mut u_low, mut u_high] = [Digit::zero(); 4];
        let (y0, y1) = y.split_at(V * LANES);
        let (v0, v1) = v.split_at(V * LANES);
        for (((&y0, &y1), &v0), &v1) in y0.iter().zip(y1).zip(v0).zip(v1).take(self.0[0].lanes) {
            let (y0, y1) = (broadcast(y0), broadcast(y1));
            let (v0, v1) = (broadcast(v0), broadcast(v1));
            x_high.subtract_lowest(p.short_step(&mut x_low, [(&x0, y0)]));
            u_high.subtract_lowest(q.short_step(&mut u_low, [(&u0, v0)]));
            p.short_step(&mut x_high, [(&x0, y1), (&x1, y0)]);
            q.short_step(&mut u_high, [(&u0, v1), (&u1, v0)]);
        }
        store_element(x, &x_low.carried(), &p.plus_base(x_high));
        store_element(u, &u_low.carried(), &q.plus_base(u_high));
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn square(&self, [x, u]: [&mut [Limb]; 2]) {
        let [x0, x1] = load_element::<V>(x);
        let [u0, u1] = load_element::<V>(u);
        let (twice_x1, twice_u1) = (x1.doubled(), u1.doubled());
        let [p, q] = [self.modulus(0), self.modulus(1)];
        let [mut x_low, mut x_high, mut u_low, mut u_high] = [Digit::zero(); 4];
        for (&x_lane, &u_lane) in x.iter().zip(&*u).take(self.0[0].lanes) {
            let (x_lane, u_lane) = (broadcast(x_lane), broadcast(u_lane));
            x_high.subtract_lowest(p.short_step(&mut x_low, [(&x0, x_lane)]));
            u_high.subtract_lowest(q.short_step(&mut u_low, [(&u0, u_lane)]));
            p.short_step(&mut x_high, [(&twice_x1, x_lane)]);
            q.short_step(&mut u_high, [(&twice_u1, u_lane)]);
        }
        store_element(x, &x_low.carried(), &p.plus_base(x_high));
        store_element(u, &u_low.carried(), &q.plus_base(u_high));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn modulus(&self, index: usize) -> Modulus<V> {
        Modulus::new(&self.0[index].base, self.0[index].negative_inverse)
    }
}

impl<const V: usize> PairKernel for Pair<V> {
    fn mul_assign(&self, x: [&mut [Limb]; 2], y: [&[Limb]; 2]) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { self.multiply(x, y) }
    }

    fn square_assign(&self, x: [&mut [Limb]; 2]) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { self.square(x) }
    }
}
