//! The same arithmetic in wider registers, where the processor has them.

/// A hot loop that is compiled for narrow and for wide registers.
///
/// Compilers neither reorder nor fuse the operations on floating-point numbers that are written down,
/// so both give the same bits.
pub trait Kernel {
    /// What it computes.
    type Output;

    /// The loop. Has to be `#[inline(always)]`, like what it calls, or it stays narrow.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` in wide registers, where this processor has them.
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function needs.
            return unsafe { with_avx2(kernel) };
        }
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::pattern;
    use crate::numeric::dot;

    struct Norm<'a>(&'a [f64]);

    impl Kernel for Norm<'_> {
        type Output = f64;

        #[inline(always)]
        fn run(self) -> f64 {
            dot(self.0, self.0)
        }
    }

    #[test]
    fn both_widths_give_the_same_bits() {
        let x: Vec<f64> = pattern(1001).into_iter().map(|x| f64::from(x).exp()).collect();
        let narrow = Norm(&x).run();
        assert_eq!(run(Norm(&x)), narrow);
    }
}
