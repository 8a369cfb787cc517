//! CPU of each model of the default network at batch 1 on one thread: our kernels, and the graphs.
//!
//! `cargo bench --bench networks`. The graphs run on tract, or on ONNX Runtime where `ORT_DYLIB_PATH` names its
//! library: a process has one of them. Weights are random, which costs what trained ones do.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use janus::inference::{InferenceParams, Kind, agree, models};
use networks::{Network, Shape};
use synapse::Model;
use synapse::random::normal;

fn back_ends(c: &mut Criterion) {
    let shape = Shape::default();
    let network = Network::random(&shape, 1);
    let graphs = InferenceParams::default().graphs().expect("a back end");
    let sides = [Kind::Native, graphs].map(|kind| (kind.name_and_version(), models(&network, &kind)));
    let [native, graphs] = sides.map(|(name, models)| (name.expect("a version"), models.expect("models")));
    println!("{}: {}", graphs.0, agree(&native.1, &graphs.1, &shape).expect("agreement"));
    for (name, models) in [native, graphs] {
        let mut group = c.benchmark_group(name);
        group
            .sample_size(50)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        let parts: [(&str, &dyn Model); 4] = [
            ("frame", &*models.frame),
            ("temporal", &*models.temporal),
            ("price stream and fusion", &*models.fusion),
            ("heads", &*models.heads),
        ];
        for (part, model) in parts {
            let mut input: Vec<f32> = (0..model.inputs() as u64).map(|i| normal(2, i) as f32).collect();
            if part == "price stream and fusion" {
                let mask = input.len() - 4;
                input[mask..].fill(1.0);
            }
            let mut output = vec![0.0; model.outputs()];
            group.bench_function(part, |b| {
                b.iter(|| {
                    model.infer(black_box(&input), &mut output).expect("an output");
                    black_box(&output);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, back_ends);
criterion_main!(benches);
