//! Microseconds of each model at batch 1 and the default shape, on every set of instructions here.
//!
//! `cargo bench -p networks`. Fusion is timed with the text masked, as without news, and with all there.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use networks::{Isa, Network, Shape, native};
use synapse::Model;

fn models(c: &mut Criterion) {
    let network = Network::random(&Shape::default(), 1);
    let shape = &network.card.shape;
    let mut group = c.benchmark_group("native");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for isa in Isa::available() {
        let models = native(&network, isa).expect("models");
        let whole = fusion_input(shape, [1.0; 4]);
        let silent = fusion_input(shape, [1.0, 1.0, 0.0, 1.0]);
        let cases: [(&str, &dyn Model, Vec<f32>); 5] = [
            ("frame", &*models.frame, wave(models.frame.inputs())),
            ("temporal", &*models.temporal, wave(models.temporal.inputs())),
            ("fusion without text", &*models.fusion, silent),
            ("fusion", &*models.fusion, whole),
            ("heads", &*models.heads, wave(models.heads.inputs())),
        ];
        for (name, model, input) in cases {
            let mut output = vec![0.0; model.outputs()];
            group.bench_function(format!("{name} {isa:?}"), |b| {
                b.iter(|| {
                    model.infer(black_box(&input), &mut output).expect("a result");
                    black_box(&output);
                });
            });
        }
    }
    group.finish();
}

/// Numbers within [-1, 1] that are no two times the same.
fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|i| (0.37 * i as f32).sin()).collect()
}

fn fusion_input(shape: &Shape, mask: [f32; 4]) -> Vec<f32> {
    let mut input = wave(shape.fusion_inputs());
    let from = input.len() - mask.len();
    input[from..].copy_from_slice(&mask);
    input
}

criterion_group!(benches, models);
criterion_main!(benches);
