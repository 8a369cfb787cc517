//! The golden vectors of vision and fusion through every model of a back end.

use std::collections::BTreeMap;

use janus::inference::{Kind, models};
use networks::{Card, Models, Network, Shape, Weights};
use serde_json::Value;
use support::golden::{cases, floats, rows};
use synapse::Model;

use super::kind;

type Tensors = BTreeMap<String, Vec<f32>>;

/// Both sides: our kernels, and the graphs.
fn sides(shape: &Shape, tensors: &Tensors) -> [Models; 2] {
    let weights = Weights::new(shape, tensors.clone()).expect("weights");
    let network = Network::new(Card::random(shape), weights).expect("a network");
    [Kind::Native, kind()].map(|kind| models(&network, &kind).expect("models"))
}

/// Weights of a shape that are all zero, to be filled.
fn zeros(shape: &Shape) -> Tensors {
    shape.tensors().into_iter().map(|(name, sizes)| (name, vec![0.0; sizes.iter().product()])).collect()
}

/// The numbers of a matrix, its rows padded with zeros to `columns`.
fn padded(value: &Value, columns: usize) -> Vec<f32> {
    let row = |row: Vec<f64>| row.into_iter().chain(std::iter::repeat(0.0)).take(columns).collect::<Vec<_>>();
    rows(value).into_iter().flat_map(row).map(|x| x as f32).collect()
}

fn single(value: &Value) -> Vec<f32> {
    floats(value).into_iter().map(|x| x as f32).collect()
}

/// What a model makes of an input, as the vectors have numbers.
fn run(model: &dyn Model, input: &[f32]) -> Vec<f64> {
    let mut output = vec![0.0; model.outputs()];
    model.infer(input, &mut output).expect("an output");
    output.into_iter().map(f64::from).collect()
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&x| x as f32).collect()
}

/// A block's tensors under our names.
fn fill_block(tensors: &mut Tensors, name: &str, block: &Value) {
    for (ours, theirs) in [
        ("ln1.weight", "ln1_gamma"),
        ("ln1.bias", "ln1_beta"),
        ("attn.in.weight", "in_proj_weight"),
        ("attn.in.bias", "in_proj_bias"),
        ("attn.out.weight", "out_proj_weight"),
        ("attn.out.bias", "out_proj_bias"),
        ("ln2.weight", "ln2_gamma"),
        ("ln2.bias", "ln2_beta"),
        ("mlp.in.weight", "mlp_w1"),
        ("mlp.in.bias", "mlp_b1"),
        ("mlp.out.weight", "mlp_w2"),
        ("mlp.out.bias", "mlp_b2"),
    ] {
        tensors.insert(format!("{name}.{ours}"), single(&block[theirs]));
    }
}

/// The whole encoder; channels that the case has not, our frames having two a feature, have no weights.
#[test]
fn a_video_gives_the_tokens_and_v_of_the_reference() {
    for case in cases("04_").into_iter().filter(|case| case.name.starts_with("full_factorised")) {
        let case = case.single_precision();
        let video: Vec<Vec<f64>> = rows(&case.inputs["video"]);
        let (frames, patch) = (video.len(), case.number("p") as usize);
        let channels = case.inputs["video"][0].as_array().expect("channels").len();
        let blocks = |part: &str| case.inputs[part].as_array().expect("blocks").clone();
        let (spatial, temporal) = (blocks("spatial_blocks"), blocks("temporal_blocks"));
        let width = rows(&case.inputs["embed_weight"]).len();
        let shape = Shape {
            features: channels.div_ceil(2),
            window: (video[0].len() / channels).isqrt(),
            patch,
            frames,
            width,
            heads: case.number("heads") as usize,
            spatial_blocks: spatial.len(),
            temporal_blocks: temporal.len(),
            mlp: rows(&spatial[0]["mlp_w1"]).len() / width,
            ..Shape::default()
        };
        let mut tensors = zeros(&shape);
        tensors.insert("frame.embed.weight".into(), padded(&case.inputs["embed_weight"], shape.patch_len()));
        for (ours, theirs) in [
            ("frame.embed.bias", "embed_bias"),
            ("frame.pos", "pos_spatial"),
            ("temporal.pos", "pos_temporal"),
            ("temporal.ln.weight", "final_ln_gamma"),
            ("temporal.ln.bias", "final_ln_beta"),
        ] {
            tensors.insert(ours.to_owned(), single(&case.inputs[theirs]));
        }
        for (part, blocks) in [("frame", spatial), ("temporal", temporal)] {
            let named = blocks.iter().enumerate();
            named.for_each(|(i, block)| fill_block(&mut tensors, &format!("{part}.blocks.{i}"), block));
        }
        for models in sides(&shape, &tensors) {
            let token = |image: &Vec<f64>| {
                let mut image = narrow(image);
                image.resize(shape.frame_len(), 0.0);
                run(&*models.frame, &image)
            };
            let tokens: Vec<Vec<f64>> = video.iter().map(token).collect();
            for (got, want) in
                tokens.iter().zip(case.expected["spatial_tokens_last"].as_array().expect("frames"))
            {
                case.check_value("frame token", got, &mean_of_rows(want).into());
            }
            case.check("pooled_v", &run(&*models.temporal, &narrow(&tokens.concat())));
            let reversed: Vec<f64> = tokens.iter().rev().flatten().copied().collect();
            case.check("pooled_v_frames_reversed", &run(&*models.temporal, &narrow(&reversed)));
        }
    }
}

fn mean_of_rows(value: &Value) -> Vec<f64> {
    let rows = rows(value);
    let column = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(column).collect()
}

/// Fusion of vision, price and text, with no memory; t is what the last normalisation of our price stream
/// adds to nothing.
#[test]
fn modalities_are_fused_as_in_the_reference() {
    for case in cases("05_").into_iter().filter(|case| case.name.starts_with("gated_fusion")) {
        let case = case.single_precision();
        let width = case.input("b_g").len();
        let (v, t, s) = (case.input("v"), case.input("t"), case.input("s"));
        let heads = case.number("heads") as usize;
        let shape = Shape {
            width,
            heads,
            price_numbers: 1,
            price_window: 2,
            price_blocks: 0,
            text: s.len(),
            memory: 1,
            ..Shape::default()
        };
        let fill = |x: &[f64]| narrow(&[x, &vec![0.0; width - x.len()]].concat());
        let mut tensors = zeros(&shape);
        tensors.insert("price.ln.bias".to_owned(), fill(&t));
        for (slot, columns) in [("v", width), ("t", width), ("s", s.len())] {
            let linear = &case.inputs["proj"][slot];
            tensors.insert(format!("fusion.{slot}.weight"), padded(&linear["weight"], columns));
            tensors.insert(format!("fusion.{slot}.bias"), single(&linear["bias"]));
        }
        for (ours, theirs) in [
            ("fusion.ln.weight", "ln_gamma"),
            ("fusion.ln.bias", "ln_beta"),
            ("fusion.attn.in.weight", "in_proj_weight"),
            ("fusion.attn.in.bias", "in_proj_bias"),
            ("fusion.attn.out.weight", "out_proj_weight"),
            ("fusion.attn.out.bias", "out_proj_bias"),
            ("fusion.gate.bias", "b_g"),
        ] {
            tensors.insert(ours.to_owned(), single(&case.inputs[theirs]));
        }
        let gate = rows(&case.inputs["W_g"]).into_iter().flat_map(|row| {
            let (of_v, rest) = row.split_at(v.len());
            let (of_t, of_s) = rest.split_at(t.len());
            [fill(of_v), fill(of_t), narrow(of_s), vec![0.0]].concat()
        });
        tensors.insert("fusion.gate.weight".to_owned(), gate.collect());
        let text = if case.inputs["s_present"] == Value::Bool(true) { 1.0 } else { 0.0 };
        let input = [fill(&v), vec![0.0; 2], narrow(&s), vec![0.0], vec![1.0, 1.0, text, 0.0]].concat();
        for models in sides(&shape, &tensors) {
            let (fused, gate) = (run(&*models.fusion, &input), width);
            case.check("h_fused", &fused[..gate]);
            case.check("gate", &fused[gate..]);
        }
    }
}
