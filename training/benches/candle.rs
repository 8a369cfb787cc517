//! What the definition that networks are trained with costs at batch 1, variables and all, beside the kernels.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p training`; `benches/peers/networks.py` puts it into one table with the others.

use std::hint::black_box;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use networks::Shape;
use training::net::{Input, Net, Shown};

fn parts(c: &mut Criterion) {
    let shape = Shape::default();
    let net = Net::seeded(&shape, 1, &[0.3, 0.3, 0.4]).expect("a network");
    let draw = |dims: &[usize]| Tensor::randn(0f32, 1.0, dims, &Device::Cpu).expect("a tensor");
    let frames = draw(&[1, 2 * shape.features, shape.window, shape.window]);
    let tokens = draw(&[1, shape.frames, shape.width]);
    let v = draw(&[1, shape.width]);
    let one = || Tensor::ones((1, 1), DType::F32, &Device::Cpu).expect("a tensor");
    let shown = |numbers| Some(Shown { numbers: draw(&[1, numbers]), present: one() });
    let input = Input {
        windows: draw(&[1, shape.window, shape.features]),
        videos: Tensor::zeros(shape.frames, DType::U32, &Device::Cpu).expect("a tensor"),
        price: draw(&[1, shape.price_window, shape.price_numbers]),
        sees: one(),
        text: shown(shape.text),
        memory: shown(shape.memory),
    };
    let mut group = c.benchmark_group("candle");
    group.sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("frame", |b| b.iter(|| net.frame(black_box(&frames)).expect("a token")));
    group.bench_function("temporal", |b| b.iter(|| net.temporal(black_box(&tokens)).expect("a percept")));
    group.bench_function("price stream and fusion", |b| {
        b.iter(|| net.fusion(black_box(&v), black_box(&input)).expect("a state"));
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
