//! Networks as ONNX graphs on a real back end: ONNX Runtime where `ORT_DYLIB_PATH` names it, else tract.
//!
//! A process has one back end, so all of these tests run on one, and running them twice, with and without the
//! variable, tests both.

mod golden;
mod refused;

use std::sync::Once;

use janus::inference::{InferenceError, InferenceParams, Kind, agree, models, rehearse};
use networks::{Card, Graphs, Network, Shape, Weights, onnx};

/// What runs graphs in this run of the tests.
fn kind() -> Kind {
    static SAID: Once = Once::new();
    let kind = InferenceParams::default().graphs().expect("a back end");
    SAID.call_once(|| match &kind {
        Kind::OnnxRuntime(path) => println!("graphs run on {}", path.display()),
        _ => println!("SKIPPED onnxruntime: ORT_DYLIB_PATH is not set; graphs run on tract"),
    });
    kind
}

fn shapes() -> [Shape; 3] {
    let small = Shape { features: 2, window: 8, width: 8, frames: 3, price_window: 5, ..Shape::default() };
    let bare = Shape { mlp: 0, price_blocks: 0, heads: 1, ..small.clone() };
    let deep = Shape { spatial_blocks: 2, temporal_blocks: 2, price_blocks: 2, ..Shape::default() };
    [Shape::default(), bare, deep]
}

#[test]
fn our_kernels_and_the_graphs_agree() {
    for shape in shapes() {
        let network = Network::random(&shape, 7);
        let native = models(&network, &Kind::Native).expect("our kernels");
        let graphs = models(&network, &kind()).expect("graphs");
        let agreement = agree(&native, &graphs, &shape).expect("agreement");
        println!("{}: {agreement}", kind().name_and_version().expect("a version"));
        assert!(agreement.largest > 0.0 && agreement.windows == 288);
    }
}

#[test]
fn other_weights_do_not_agree() {
    let shape = Shape::default();
    let of = |seed| Network::random(&shape, seed);
    let ours = models(&of(1), &kind()).expect("graphs");
    let others = models(&of(2), &kind()).expect("graphs");
    let error = agree(&ours, &others, &shape).expect_err("other weights");
    assert!(matches!(error, InferenceError::Differ { model: "frame", window: 0, .. }), "{error}");
    assert!(matches!(agree(&ours, &ours, &shape), Err(InferenceError::Same(_))));
}

#[test]
fn graphs_alone_make_a_network() {
    let shape = Shape::default();
    let weights = Weights::random(&shape, 3);
    let graphs: Graphs = onnx::graphs(&shape, &weights);
    let own = Network::with_graphs(Card::random(&shape), graphs).expect("a network");
    let kind = InferenceParams::default().kind(&own).expect("a back end");
    assert_ne!(kind, Kind::Native);
    let models = models(&own, &kind).expect("models");
    rehearse(&models, &shape).expect("finite numbers");
    let wrong = models.heads.infer(&[0.0; 3], &mut [0.0; 9]).expect_err("three numbers").to_string();
    assert!(wrong.contains("3 numbers to 9") && wrong.contains("maps 32 to 9"), "{wrong}");
}

#[test]
fn a_process_has_one_back_end() {
    let version = kind().name_and_version().expect("a version");
    assert!(version.contains(&kind().to_string()) && version.contains('.'), "{version}");
    let other = match kind() {
        Kind::OnnxRuntime(_) => Kind::OrtTract,
        _ => Kind::OnnxRuntime("libonnxruntime.so".into()),
    };
    let error = other.name_and_version().expect_err("a second back end").to_string();
    assert!(error.contains(&version), "{error}");
}
