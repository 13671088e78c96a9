//! Average pooling as a sum over windows; the divisor goes into the scale.

use super::{Pool, PoolDivisor, Shape};
use runtime::plan::SumPool;
use runtime::plan::validate::MAX_MULTIPLIER_BITS;

/// A sum over windows and what it must be divided by to be the average.
#[derive(Clone, Debug, PartialEq)]
pub struct DividedSum {
    /// The sum over windows, as plans have it.
    pub sum: SumPool,
    /// Average = sum ÷ divisor, the same for all windows.
    pub divisor: i64,
}

/// The sum for the average `pool` from `image` to `output`.
///
/// Where windows hold different numbers of pixels and each average divides by its own, the sums are
/// balanced to the least common multiple of these numbers.
///
/// # Errors
/// The common multiple is too large, as a sentence.
pub fn sum_pool(pool: &Pool, image: Shape, output: Shape) -> Result<DividedSum, String> {
    let window = pool.window;
    let kernel = window.kernel[0] * window.kernel[1];
    let (balance, divisor) = match (pool.divisor, inside(pool, image, output).as_slice()) {
        (PoolDivisor::Kernel, _) => (None, Some(kernel as i64)),
        (PoolDivisor::Inside, [count]) => (None, Some(*count as i64)),
        (PoolDivisor::Inside, counts) => {
            let common = least_common_multiple(counts);
            (common, common)
        }
    };
    let divisor =
        divisor.ok_or("its windows hold too many different numbers of pixels to average them exactly")?;
    Ok(DividedSum { sum: SumPool { window, balance }, divisor })
}

/// The numbers of pixels inside the image that occur, in rising order.
fn inside(pool: &Pool, image: Shape, output: Shape) -> Vec<usize> {
    let rows = pool.window.tap_counts(0, image.height, output.height);
    let columns = pool.window.tap_counts(1, image.width, output.width);
    let mut counts: Vec<usize> =
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| rows * columns)).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

fn least_common_multiple(counts: &[usize]) -> Option<i64> {
    counts.iter().filter(|&&count| count > 0).try_fold(1i64, |common, &count| {
        let count = i64::try_from(count).ok()?;
        let multiple = common.checked_mul(count / greatest_common_divisor(common, count))?;
        (multiple >> MAX_MULTIPLIER_BITS == 0).then_some(multiple)
    })
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;

    #[test]
    fn padded_averages_are_balanced() {
        let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
        let image = Shape::new(1, 4, 4);
        let sum = |divisor| sum_pool(&Pool { window, divisor }, image, image).unwrap();
        assert_eq!(
            sum(PoolDivisor::Inside),
            DividedSum { sum: SumPool { window, balance: Some(36) }, divisor: 36 }
        );
        assert_eq!(
            sum(PoolDivisor::Kernel),
            DividedSum { sum: SumPool { window, balance: None }, divisor: 9 }
        );
    }

    #[test]
    fn windows_of_one_size_need_no_balance() {
        let pool = Pool { window: Window::dense([2, 2]), divisor: PoolDivisor::Inside };
        let sum = sum_pool(&pool, Shape::new(1, 4, 4), Shape::new(1, 3, 3)).unwrap();
        assert_eq!((sum.sum.balance, sum.divisor), (None, 4));
    }
}
