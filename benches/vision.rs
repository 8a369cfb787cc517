//! Pictures a second: both Gramian angular fields of one window, without normalisation.
//!
//! `cargo bench --bench vision`. An element is an image: cosines and sines of a window of values in
//! [-1, 1], then its GASF and its GADF.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use visual_cortex::gaf;

/// Windows drawn one after another, so that no picture is the one before.
const WINDOWS: usize = 64;

fn fields(c: &mut Criterion) {
    let mut group = c.benchmark_group("gaf");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for side in [16, 32] {
        let windows = windows(side);
        let (mut cos, mut sin) = (vec![0.0; side], vec![0.0; side]);
        let (mut sum, mut difference) = (vec![0.0; side * side], vec![0.0; side * side]);
        group.throughput(Throughput::Elements(WINDOWS as u64));
        group.bench_function(format!("gasf and gadf {side}x{side}"), |b| {
            b.iter(|| {
                for window in &windows {
                    gaf::polar(black_box(window), &mut cos, &mut sin).expect("values in range");
                    gaf::gasf(&cos, &sin, &mut sum);
                    gaf::gadf(&cos, &sin, &mut difference);
                    black_box((&sum, &difference));
                }
            });
        });
    }
    group.finish();
}

/// Windows of a wave that is no two times the same.
fn windows(side: usize) -> Vec<Vec<f64>> {
    let value = |at: usize| libm::sin(0.37 * at as f64) * libm::cos(0.011 * at as f64);
    (0..WINDOWS).map(|window| (0..side).map(|t| value(window * side + t)).collect()).collect()
}

criterion_group!(benches, fields);
criterion_main!(benches);
