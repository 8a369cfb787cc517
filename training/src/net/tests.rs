use candle_core::backprop::GradStore;
use networks::{Card, Isa, Network, native};
use synapse::random::normal;

use super::*;
use crate::batch::Batch;
use crate::fit::{Fitting, losses};

fn random(seed: u64, purpose: &str, sizes: &[usize]) -> Tensor {
    let seed = seed_for(seed, purpose);
    let values: Vec<f32> =
        (0..sizes.iter().product()).map(|i: usize| normal(seed, i as u64) as f32).collect();
    Tensor::from_vec(values, sizes, &Device::Cpu).expect("a tensor")
}

/// Inputs of `count` samples with all modalities, each video of its own windows.
fn input(shape: &Shape, seed: u64, count: usize) -> Input {
    let windows = count * shape.frames;
    let ones = || Tensor::ones((count, 1), candle_core::DType::F32, &Device::Cpu).expect("ones");
    let shown =
        |what, numbers| Some(Shown { numbers: random(seed, what, &[count, numbers]), present: ones() });
    Input {
        windows: random(seed, "windows", &[windows, shape.window, shape.features]),
        videos: Tensor::arange(0, windows as u32, &Device::Cpu).expect("indices"),
        price: random(seed, "price", &[count, shape.price_window, shape.price_numbers]),
        sees: ones(),
        text: shown("text", shape.text),
        memory: shown("memory", shape.memory),
    }
}

fn gradients(net: &Net, seed: u64) -> GradStore {
    let count = 16;
    let classes: Vec<f32> =
        (0..count).flat_map(|i| [0, 1, 2].map(|c| f32::from(u8::from(i % 3 == c)))).collect();
    let batch = Batch {
        input: input(&net.shape, seed, count),
        classes: Tensor::from_vec(classes, (count, 3), &Device::Cpu).expect("classes"),
        earned_bp: random(seed, "earned", &[count, 3]),
    };
    let output = net.forward(&batch.input).expect("a forward pass");
    let (_, loss) = losses(&output, &batch, &Fitting::default()).expect("a loss");
    loss.backward().expect("a backward pass")
}

/// The variables that get no gradient, one that is 0 everywhere, or one that is not finite.
fn unreached(net: &Net, grads: &GradStore) -> Vec<String> {
    let reaches = |var: &Var| {
        let largest = grads.get(var).map(|grad| grad.abs().and_then(|g| g.max_all()?.to_scalar::<f32>()));
        largest
            .is_some_and(|largest| (f32::MIN_POSITIVE..f32::INFINITY).contains(&largest.expect("a number")))
    };
    net.vars.iter().filter(|(_, var)| !reaches(var)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_variable_gets_a_gradient() {
    for seed in 0..3 {
        let net = Net::seeded(&Shape::default(), seed, &[0.03, 0.04, 0.93]).expect("a network");
        assert_eq!(unreached(&net, &gradients(&net, seed)), [""; 0], "seed {seed}");
    }
}

#[test]
fn a_layer_that_cuts_the_graph_is_noticed() {
    let net = Net::seeded(&Shape::default(), 1, &[0.2, 0.2, 0.6]).expect("a network");
    let input = input(&net.shape, 1, 4);
    let heads = net.part("heads");
    let h = net.forward(&input).expect("a forward pass").h;
    let (gain, bias) = (net.vars["fusion.ln.weight"].as_tensor(), net.vars["fusion.ln.bias"].as_tensor());
    let cut = candle_nn::ops::layer_norm(&h, gain, bias, 1e-5).expect("the fused layer");
    let loss = heads.linear("q", &cut).and_then(|q| q.sqr()?.sum_all()).expect("a loss");
    let names = unreached(&net, &loss.backward().expect("a backward pass"));
    assert!(names.contains(&"frame.embed.weight".to_owned()), "{names:?}");
    assert!(!names.contains(&"heads.q.weight".to_owned()), "{names:?}");
}

#[test]
fn no_unit_of_the_pathways_is_dead_at_the_start() {
    for priors in [[0.03, 0.04, 0.93], [0.5, 0.5, 0.0], [1.0 / 3.0; 3]] {
        let net = Net::seeded(&Shape::default(), 7, &priors).expect("a network");
        for name in ["heads.go.bias", "heads.no_go.bias"] {
            let bias: Vec<f32> = net.vars[name].to_vec1().expect("numbers");
            assert!(bias.iter().all(|b| *b > 0.0), "{name}: {bias:?}");
        }
        let logits = |i: usize| {
            let at = |name: &str| net.vars[name].to_vec1::<f32>().expect("numbers")[i];
            at("heads.go.bias") - at("heads.no_go.bias")
        };
        let powers = [0, 1, 2].map(|i| f64::from(logits(i)).exp());
        if priors[2] > 0.0 {
            let p = powers.map(|power| power / powers.iter().sum::<f64>());
            assert!((0..3).all(|i| (p[i] - priors[i]).abs() < 0.02), "{p:?}, not {priors:?}");
        }
    }
}

#[test]
fn what_is_masked_changes_nothing() {
    let net =
        Net::with(&Shape::default(), &tensors(&Weights::random(&Shape::default(), 3))).expect("a network");
    let mut one = input(&net.shape, 1, 3);
    let mut other = input(&net.shape, 2, 3);
    other.price = one.price.clone();
    for input in [&mut one, &mut other] {
        (input.text, input.memory) = (None, None);
        input.sees = input.sees.zeros_like().expect("zeros");
    }
    let h = |input: &Input| net.forward(input).and_then(|o| o.h.to_vec2::<f32>()).expect("a forward pass");
    assert_eq!(h(&one), h(&other));
    one.sees = one.sees.ones_like().expect("ones");
    assert_ne!(h(&one), h(&other));
}

fn tensors(weights: &Weights) -> BTreeMap<String, Vec<f32>> {
    let named = |(name, _): (String, Vec<usize>)| {
        let tensor = weights.get(&name).to_vec();
        (name, tensor)
    };
    Shape::default().tensors().into_iter().map(named).collect()
}

/// Asserts that two runs agree (D5) and gives their largest difference.
fn agree(what: &str, got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len(), "{what}");
    let mut largest = 0.0f32;
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        assert!((a - b).abs() <= 2e-5 + 1e-4 * b.abs(), "{what}[{i}]: {a} in candle, {b} in our kernels");
        largest = largest.max((a - b).abs());
    }
    largest
}

#[test]
fn candle_agrees_with_our_kernels() {
    let shape = Shape::default();
    let weights = Weights::random(&shape, 11);
    let net = Net::with(&shape, &tensors(&weights)).expect("a network");
    let network = Network::new(Card::random(&shape), weights).expect("a network");
    let models = native(&network, Isa::Baseline).expect("kernels");
    let run = |model: &dyn synapse::Model, input: &[f32]| {
        let mut output = vec![0.0; model.outputs()];
        model.infer(input, &mut output).expect("a run");
        output
    };
    let flat = |x: &Tensor| x.flatten_all().and_then(|x| x.to_vec1::<f32>()).expect("numbers");
    let mut largest = 0.0f32;
    // a modality is absent from a whole data set, or from a sample
    let absent = |shown: Option<Shown>, is_data_set: bool| {
        let none = |x: Tensor| x.zeros_like().expect("zeros");
        let Shown { numbers, present } = shown.filter(|_| !is_data_set)?;
        Some(Shown { numbers: none(numbers), present: none(present) })
    };
    for case in 0..16u8 {
        let present = [case & 1, 1, (case >> 1) & 1, (case >> 2) & 1];
        let mut given = input(&shape, u64::from(case), 1);
        given.windows = (given.windows * if case == 0 { 40.0 } else { 1.0 }).expect("saturated");
        given.sees = (given.sees * f64::from(present[0])).expect("a mask");
        if present[2] == 0 {
            given.text = absent(given.text, case < 8);
        }
        if present[3] == 0 {
            given.memory = absent(given.memory, case < 8);
        }
        let out = net.forward(&given).expect("a forward pass");
        let frames =
            gaf::frames(&given.windows, &net.vars["sight.scale"], &net.vars["sight.shift"]).expect("frames");
        let tokens: Vec<f32> = flat(&frames)
            .chunks_exact(shape.frame_len())
            .flat_map(|image| run(&*models.frame, image))
            .collect();
        largest = largest.max(agree("token", &flat(&out.tokens), &tokens));
        let v = run(&*models.temporal, &tokens);
        largest = largest.max(agree("v", &flat(&out.v), &v));
        let or_zeros =
            |x: &Option<Shown>, len: usize| x.as_ref().map_or(vec![0.0; len], |shown| flat(&shown.numbers));
        let parts = [
            v,
            flat(&given.price),
            or_zeros(&given.text, shape.text),
            or_zeros(&given.memory, shape.memory),
            present.map(f32::from).to_vec(),
        ];
        let fused = run(&*models.fusion, &parts.concat());
        largest = largest.max(agree("h", &flat(&out.h), &fused[..shape.width]));
        largest = largest.max(agree("g", &flat(&out.g), &fused[shape.width..]));
        let heads = run(&*models.heads, &fused[..shape.width]);
        let ours = [flat(&out.go), flat(&out.no_go), flat(&out.q)].concat();
        largest = largest.max(agree("heads", &ours, &heads));
    }
    eprintln!("largest difference {largest:e}");
    assert!(largest > 0.0, "one side was compared with itself");
}
