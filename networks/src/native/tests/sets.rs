//! What holds of the four models on every set of instructions.

use proptest::prelude::*;
use synapse::Model;
use synapse::random::{normal, seed_for, uniform};

use crate::NetworkError;
use crate::card::Card;
use crate::graphs::Graphs;
use crate::native::{Isa, Models, native};
use crate::network::Network;
use crate::shape::Shape;
use crate::tests::odd_shape;

fn each(models: &Models) -> [(&'static str, &dyn Model); 4] {
    let Models { frame, temporal, fusion, heads } = models;
    [("frame", &**frame), ("temporal", &**temporal), ("fusion", &**fusion), ("heads", &**heads)]
}

fn infer(model: &dyn Model, input: &[f32]) -> Vec<f32> {
    let mut output = vec![f32::NAN; model.outputs()];
    model.infer(input, &mut output).expect("a result");
    output
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// Draw `i`: ordinary numbers, large ones, saturated images, zeros; the end of fusion's input is a mask.
fn input(name: &str, len: usize, i: u64) -> Vec<f32> {
    let seed = seed_for(i, name);
    let number = |at: usize| match i % 5 {
        0 => normal(seed, at as u64).signum(),
        1 => 500.0 * normal(seed, at as u64),
        2 if i.is_multiple_of(3) => 0.0,
        _ => normal(seed, at as u64),
    };
    let mut input: Vec<f32> = (0..len).map(|at| number(at) as f32).collect();
    if name == "fusion" {
        mask(&mut input, std::array::from_fn(|m| m == 1 || uniform(seed, m as u64) > 0.4));
    }
    input
}

fn mask(input: &mut [f32], there: [bool; 4]) {
    let from = input.len() - 4;
    input[from..].iter_mut().zip(there).for_each(|(to, there)| *to = f32::from(u8::from(there)));
}

fn assert_sets_agree(shape: &Shape, draws: u64) {
    let network = Network::random(shape, 7);
    let sets: Vec<(Isa, Models)> =
        Isa::available().into_iter().map(|isa| (isa, native(&network, isa).expect("models"))).collect();
    for i in 0..draws {
        for (which, (name, baseline)) in each(&sets[0].1).into_iter().enumerate() {
            let input = input(name, baseline.inputs(), i);
            let want = infer(baseline, &input);
            assert!(want.iter().all(|x| x.is_finite()), "{name}, draw {i}: {want:?}");
            for (isa, models) in &sets {
                let got = infer(each(models)[which].1, &input);
                assert_eq!(bits(&got), bits(&want), "{name}, draw {i}, {isa:?}");
            }
        }
    }
}

#[test]
fn every_set_gives_the_same_bits() {
    assert!(Isa::available().contains(&Isa::Baseline) && Isa::available().contains(&Isa::detect()));
    eprintln!("sets compared: {:?}", Isa::available());
    assert_sets_agree(&Shape::default(), 300);
    assert_sets_agree(&odd_shape(), 300);
    let bare = Shape { mlp: 0, spatial_blocks: 0, price_blocks: 0, temporal_blocks: 0, ..odd_shape() };
    assert_sets_agree(&bare, 50);
}

#[test]
fn what_a_model_computed_before_changes_nothing() {
    let models = native(&Network::random(&Shape::default(), 7), Isa::detect()).expect("models");
    for (name, model) in each(&models) {
        let [first, second] = [3, 4].map(|i| input(name, model.inputs(), i));
        let want = infer(model, &first);
        infer(model, &vec![f32::NAN; model.inputs() - 4].into_iter().chain([1.0; 4]).collect::<Vec<_>>());
        assert_ne!(bits(&infer(model, &second)), bits(&want), "{name} looks at its input");
        assert_eq!(bits(&infer(model, &first)), bits(&want), "{name}");
    }
}

#[test]
fn lengths_masks_and_kinds_that_are_wrong_are_named() {
    let shape = Shape::default();
    let models = native(&Network::random(&shape, 7), Isa::Baseline).expect("models");
    let fault = models.frame.infer(&[0.0; 5], &mut [0.0; 32]).expect_err("a short image");
    assert!(fault.what.contains("5 numbers in") && fault.what.contains("3072"), "{fault}");
    let mut input = vec![0.0; shape.fusion_inputs()];
    let mut output = vec![0.0; models.fusion.outputs()];
    let fault = models.fusion.infer(&input, &mut output).expect_err("all masked");
    assert!(fault.what.contains("price"), "{fault}");
    for flag in [0.5, f32::NAN] {
        *input.last_mut().expect("a mask") = flag;
        let fault = models.fusion.infer(&input, &mut output).expect_err("half a mask");
        assert!(fault.what.contains("memory"), "{fault}");
    }
    let graphs = Graphs { frame: vec![1], temporal: vec![2], fusion: vec![3], heads: vec![4] };
    let own = Network::with_graphs(Card::random(&shape), graphs).expect("a network");
    assert!(matches!(native(&own, Isa::Baseline), Err(NetworkError::NoWeights(_))));
}

#[test]
fn a_reversed_video_differs() {
    let shape = Shape::default();
    let models = native(&Network::random(&shape, 7), Isa::detect()).expect("models");
    let tokens = input("temporal", models.temporal.inputs(), 3);
    let reversed: Vec<f32> = tokens.chunks(shape.width).rev().flatten().copied().collect();
    assert_ne!(infer(&*models.temporal, &tokens), infer(&*models.temporal, &reversed));
}

#[test]
fn a_gate_that_is_shut_leaves_the_price() {
    let shape = Shape::default();
    let mut tensors: std::collections::BTreeMap<String, Vec<f32>> = shape
        .tensors()
        .into_iter()
        .map(|(name, _)| {
            (name.clone(), Network::random(&shape, 7).weights().expect("weights").get(&name).to_vec())
        })
        .collect();
    tensors.insert("fusion.gate.bias".to_owned(), vec![-1e4; shape.width]);
    let shut = Network::new(Card::random(&shape), crate::Weights::new(&shape, tensors).expect("weights"))
        .expect("a network");
    let models = native(&shut, Isa::detect()).expect("models");
    let mut full = input("fusion", shape.fusion_inputs(), 3);
    mask(&mut full, [true; 4]);
    let mut alone = full.clone();
    mask(&mut alone, [false, true, false, false]);
    let (full, alone) = (infer(&*models.fusion, &full), infer(&*models.fusion, &alone));
    assert_eq!(bits(&full), bits(&alone), "h is m_t whatever else is there");
    assert!(full[shape.width..].iter().all(|g| *g == 0.0), "{full:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_masked_changes_nothing(draw: u64, there: [bool; 4], junk in prop_oneof![Just(f32::NAN), Just(1e30), -9f32..9.0]) {
        let shape = Shape::default();
        let models = native(&Network::random(&shape, 7), Isa::detect()).expect("models");
        let there = [there[0], true, there[2], there[3]];
        let mut plain = input("fusion", shape.fusion_inputs(), draw / 5 * 5 + 3);
        mask(&mut plain, there);
        let mut other = plain.clone();
        let price = shape.price_window * shape.price_numbers;
        let mut from = 0;
        for (size, there) in [shape.width, price, shape.text, shape.memory].into_iter().zip(there) {
            if !there {
                other[from..from + size].fill(junk);
            }
            from += size;
        }
        let (a, b) = (infer(&*models.fusion, &plain), infer(&*models.fusion, &other));
        prop_assert_eq!(bits(&a), bits(&b));
        prop_assert!(a[shape.width..].iter().all(|g| (0.0..=1.0).contains(g)), "{:?}", a);
    }
}
