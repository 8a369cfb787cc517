//! Golden vectors of eq. 6–8, 20 and 21 through the functions that the models call.

use std::collections::BTreeMap;

use serde_json::Value;
use support::golden::{Case, cases, floats, rows};

use crate::NetworkError;
use crate::native::attention::{Attention, Packed, Part, attend};
use crate::native::block::{Bench, Block};
use crate::native::fusion::{Cross, Slot};
use crate::native::isa::{Checked, Core, Isa};
use crate::native::linear::{Linear, Norm, Rows, mean};
use crate::native::vision::{Frame, Temporal, patchify};
use crate::shape::Shape;
use crate::weights::Weights;

fn sets() -> impl Iterator<Item = Checked> {
    Isa::available().into_iter().map(|isa| Checked::new(isa).expect("a set of this machine"))
}

fn case(prefix: &str, name: &str) -> Case {
    let all = cases(prefix);
    let names: Vec<String> = all.iter().map(|case| case.name.clone()).collect();
    let case = all.into_iter().find(|case| case.name.starts_with(name));
    case.unwrap_or_else(|| panic!("no case {name}* among {names:?}")).single_precision()
}

fn single(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|&x| x as f32).collect()
}

fn double(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

fn numbers(value: &Value) -> Vec<f32> {
    single(&floats(value))
}

/// Weights that are zero but for those given.
fn weights(shape: &Shape, given: Vec<(String, Vec<f32>)>) -> Weights {
    let zeros = shape.tensors().into_iter().map(|(name, sizes)| (name, vec![0.0; sizes.iter().product()]));
    let mut tensors: BTreeMap<String, Vec<f32>> = zeros.collect();
    tensors.extend(given);
    Weights::new(shape, tensors).expect("weights of the shape")
}

/// The tensors of a block as the vectors name them.
fn block(name: &str, value: &Value) -> Vec<(String, Vec<f32>)> {
    let names = [
        ("ln1.weight", ["ln1_gamma", "ln_gamma"]),
        ("ln1.bias", ["ln1_beta", "ln_beta"]),
        ("attn.in.weight", ["in_proj_weight"; 2]),
        ("attn.in.bias", ["in_proj_bias"; 2]),
        ("attn.out.weight", ["out_proj_weight"; 2]),
        ("attn.out.bias", ["out_proj_bias"; 2]),
        ("ln2.weight", ["ln2_gamma"; 2]),
        ("ln2.bias", ["ln2_beta"; 2]),
        ("mlp.in.weight", ["mlp_w1"; 2]),
        ("mlp.in.bias", ["mlp_b1"; 2]),
        ("mlp.out.weight", ["mlp_w2"; 2]),
        ("mlp.out.bias", ["mlp_b2"; 2]),
    ];
    let tensor = |keys: [&str; 2]| keys.iter().find_map(|key| value.get(key)).map(numbers);
    let named = |(ours, keys)| tensor(keys).map(|tensor| (format!("{name}.{ours}"), tensor));
    names.into_iter().filter_map(named).collect()
}

/// A block without MLP, and the shape it stands in.
fn bare_block(case: &Case, lanes: usize) -> (Block, Shape) {
    let width = case.input("ln_gamma").len();
    let heads = case.number("heads") as usize;
    let shape = Shape { width, heads, mlp: 0, ..Shape::default() };
    let weights = weights(&shape, block("frame.blocks.0", &case.inputs));
    (Block::all(&shape, &weights, "frame", 1, lanes).remove(0), shape)
}

#[test]
fn patches_are_cut_as_eq_6_says() {
    let case = case("04_", "patches");
    let window = case.inputs["frame"][0].as_array().expect("rows").len();
    let image = single(&case.input("frame"));
    let mut patches = vec![0.0; image.len()];
    patchify(&image, window, case.number("p") as usize, &mut patches);
    case.check("patches", &double(&patches));
}

#[test]
fn a_window_that_patches_do_not_divide_is_refused() {
    let case = case("04_", "patch_indivisible");
    let (window, patch) = (case.number("W") as usize, case.number("p") as usize);
    let error = Shape { window, patch, ..Shape::default() }.check().expect_err("an error");
    assert!(matches!(error, NetworkError::Shape { name: "window", .. }), "{error}");
}

fn attention_block(set: Checked) {
    let case = case("04_", "preln_msa");
    let (block, shape) = bare_block(&case, set.lanes());
    let (gain, shift) = (single(&case.input("ln_gamma")), single(&case.input("ln_beta")));
    let x = single(&case.input("x"));
    let tokens = x.len() / shape.width;
    let mut normal = vec![0.0; x.len()];
    Norm::new(&gain, &shift).forward(set, &x, &mut normal);
    case.check("ln", &double(&normal));
    let (mut y, mut bench) = (x.clone(), Bench::new(&shape, tokens, set.lanes()));
    block.forward(set, &mut y, 0, &mut bench);
    case.check("out_eq7", &double(&y));
    let heard: Vec<f64> = y.iter().zip(&x).map(|(y, x)| f64::from(y - x)).collect();
    case.check("msa", &heard);
    let mut shares = vec![0.0; tokens * tokens];
    mean(&bench.desk.shares, &mut shares);
    case.check("attn_mean_over_heads", &double(&shares));
    let mut last = x.clone();
    block.forward(set, &mut last, tokens - 1, &mut bench);
    let from = x.len() - shape.width;
    assert_eq!((&last[..from], &last[from..]), (&x[..from], &y[from..]), "one row asked for alone");
}

#[test]
fn a_block_is_eq_7() {
    sets().for_each(attention_block);
}

#[test]
fn frames_attend_to_each_other_as_eq_8_is_read() {
    let case = case("04_", "temporal_eq8");
    let set = Checked::new(Isa::detect()).expect("a set of this machine");
    let (block, shape) = bare_block(&case, set.lanes());
    let mut tokens: Vec<f32> = Vec::new();
    for frame in case.rows("z") {
        let mut token = vec![0.0; shape.width];
        mean(&single(&frame), &mut token);
        tokens.extend(token);
    }
    let mut bench = Bench::new(&shape, tokens.len() / shape.width, set.lanes());
    block.forward(set, &mut tokens, 0, &mut bench);
    case.check("adopted_factorised_encoder_mean_pool_with_residual", &double(&tokens));
}

/// The encoder of the vectors, which has one channel, as one of ours with an empty second one.
fn encoder(case: &Case) -> (Shape, Weights, Vec<Vec<f32>>) {
    let get = |key: &str| single(&case.input(key));
    let window = case.inputs["video"][0][0].as_array().expect("rows").len();
    let blocks = |key: &str| case.inputs[key].as_array().expect("blocks").clone();
    let (spatial, temporal) = (blocks("spatial_blocks"), blocks("temporal_blocks"));
    let (width, frames) = (get("embed_bias").len(), case.rows("video").len());
    let hidden = spatial[0]["mlp_b1"].as_array().expect("an MLP").len();
    let patch = case.number("p") as usize;
    let shape = Shape {
        features: 1,
        window,
        patch,
        frames,
        width,
        heads: case.number("heads") as usize,
        spatial_blocks: spatial.len(),
        temporal_blocks: temporal.len(),
        mlp: hidden / width,
        ..Shape::default()
    };
    let padded = |row: &[f32]| [row, &vec![0.0; row.len()]].concat();
    let embed: Vec<f32> = get("embed_weight").chunks(patch * patch).flat_map(padded).collect();
    let given = [
        ("frame.embed.weight", embed),
        ("frame.embed.bias", get("embed_bias")),
        ("frame.pos", get("pos_spatial")),
        ("temporal.pos", get("pos_temporal")),
        ("temporal.ln.weight", get("final_ln_gamma")),
        ("temporal.ln.bias", get("final_ln_beta")),
    ];
    let mut given: Vec<(String, Vec<f32>)> = given.map(|(name, x)| (name.to_owned(), x)).into();
    for (part, blocks) in [("frame", spatial), ("temporal", temporal)] {
        let named = |(i, value)| block(&format!("{part}.blocks.{i}"), value);
        given.extend(blocks.iter().enumerate().flat_map(named));
    }
    let video = case.rows("video").iter().map(|frame| padded(&single(frame))).collect();
    (shape.clone(), weights(&shape, given), video)
}

fn whole_encoder(set: Checked) {
    let case = case("04_", "full_factorised_encoder");
    let (shape, weights, mut video) = encoder(&case);
    let (mut frame, mut temporal) =
        (Frame::new(&shape, &weights, set.lanes()), Temporal::new(&shape, &weights, set.lanes()));
    for key in ["pooled_v", "pooled_v_frames_reversed"] {
        let mut tokens = vec![0.0; video.len() * shape.width];
        for (image, token) in video.iter().zip(tokens.chunks_mut(shape.width)) {
            frame.forward(set, image, token).expect("a token");
        }
        let mut v = vec![0.0; shape.width];
        temporal.forward(set, &tokens, &mut v).expect("v");
        case.check(key, &double(&v));
        video.reverse();
    }
    assert_ne!(case.expected["pooled_v"], case.expected["pooled_v_frames_reversed"]);
}

#[test]
fn the_whole_encoder_agrees_both_ways_round() {
    sets().for_each(whole_encoder);
}

#[test]
fn attention_alone_agrees_with_a_key_masked_too() {
    let case = case("05_", "sdpa_basic");
    let set = Checked::new(Isa::detect()).expect("a set of this machine");
    let out = |kept: &[usize]| {
        let [q, k, v] = ["q", "k", "v"].map(|key| case.rows(key));
        let keep = |rows: &[Vec<f64>]| kept.iter().flat_map(|&i| single(&rows[i])).collect::<Vec<f32>>();
        let (numbers, keys, values) = (single(&q.concat()), keep(&k), keep(&v));
        let part = |numbers, width| Part { rows: Rows::dense(numbers, width), width };
        let (head, width) = (k[0].len(), v[0].len());
        let parts = [part(&numbers, head), part(&keys, head), part(&values, width)];
        let (mut shares, mut y) = (vec![0.0; q.len() * kept.len()], vec![0.0; q.len() * width]);
        let mut packed = Packed::new(kept.len(), head.max(width), set.lanes());
        attend(set, parts, &mut packed, &mut shares, (&mut y, width));
        for row in shares.chunks(kept.len()) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
        }
        double(&y)
    };
    case.check("out", &out(&[0, 1, 2]));
    case.check("out_key1_masked", &out(&[0, 2]));
}

/// The three modalities of the vectors.
const NAMES: [&str; 3] = ["v", "t", "s"];

fn cross(case: &Case, lanes: usize) -> Cross {
    let get = |key: &str| single(&case.input(key));
    let (width, heads) = (get("b_g").len(), case.number("heads") as usize);
    let gate = case.rows("W_g");
    let mut from = 0;
    let slots = NAMES.map(|name| {
        let layer = &case.inputs["proj"][name];
        let (weight, bias) = (rows(&layer["weight"]), numbers(&layer["bias"]));
        let (first, inputs) = (from, weight[0].len());
        from += inputs;
        let sizes = [width, inputs];
        Slot {
            project: Linear::from_fn(sizes, lanes, |o, i| weight[o][i] as f32, |o| bias[o]),
            gate: Linear::from_fn(sizes, lanes, |o, i| gate[o][first + i] as f32, |_| 0.0),
        }
    });
    let stacked = ["in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias"].map(get);
    let attention = Attention::new([width, heads, lanes], stacked.each_ref().map(Vec::as_slice));
    let norm = Norm::new(&get("ln_gamma"), &get("ln_beta"));
    Cross::new(slots.into(), 1, (norm, attention, get("b_g")), [heads, lanes])
}

fn fusions(set: Checked) {
    for case in cases("05_").into_iter().filter(|case| case.name.starts_with("gated_fusion")) {
        let case = case.single_precision();
        let mut cross = cross(&case, set.lanes());
        let x = NAMES.map(|name| single(&case.input(name)));
        let text = case.inputs["s_present"] == true;
        let modalities = [Some(&*x[0]), Some(&*x[1]), text.then_some(&*x[2])];
        let width = case.input("b_g").len();
        let (mut h, mut g) = (vec![0.0; width], vec![0.0; width]);
        cross.forward(set, &modalities, &mut h, &mut g).expect("h");
        case.check("h_fused", &double(&h));
        case.check("gate", &double(&g));
        let keys = 2 + usize::from(text);
        let heads = case.number("heads") as usize;
        let mut shares = vec![0.0; NAMES.len()];
        mean(&cross.desk.shares[..heads * keys], &mut shares[..keys]);
        case.check("attn_weights_mean", &double(&shares));
        let error = cross.forward(set, &[None; 3], &mut h, &mut g).expect_err("no price");
        assert!(error.contains("price"), "{error}");
    }
}

#[test]
fn fusion_agrees_with_text_and_without() {
    sets().for_each(fusions);
}
