//! The kernels on one thread, each beside its baseline. `cargo bench -p runtime -- weighted_sum` runs some.

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use runtime::bench::cases::{Action, Case, Material};
use runtime::bench::kernels::cases;
use runtime::plan::KeyBits;
use std::error::Error;
use std::time::Duration;

const KEY_BITS: [u32; 2] = [2048, 3072];
/// Outputs of a layer of 1024 ternary weights each.
const LAYER: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let time = Duration::from_secs(2);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(time / 4)
        .measurement_time(time)
        .configure_from_args();
    for bits in KEY_BITS {
        let material = Material::new(KeyBits::try_from(bits)?)?;
        for case in cases(&material)? {
            compare(&mut criterion, &case.name.replace("weighted_sum_", "weighted_sum/"), bits, case);
        }
        compare(&mut criterion, "weighted_sum/ternary 1024x128", bits, material.weighted_sum(2, LAYER)?);
    }
    criterion.final_summary();
    Ok(())
}

/// Both ways, at a key of `bits`; their rates are comparable where their batches are not.
fn compare(criterion: &mut Criterion, name: &str, bits: u32, case: Case<'_>) {
    let mut group = criterion.benchmark_group(name);
    measure(&mut group, BenchmarkId::new("popcorn", bits), case.batch, case.ours);
    measure(&mut group, BenchmarkId::new("baseline", bits), 1, case.theirs);
    group.finish();
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, batch: usize, mut action: Action<'_>) {
    group.throughput(Throughput::Elements(batch as u64));
    group.bench_function(id, |bencher| bencher.iter(&mut action));
}
