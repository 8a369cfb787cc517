//! Graphs of somebody's own that cannot be run: each is named, with what is wrong.

use janus::inference::{InferenceError, models};
use networks::{Card, Graphs, Network, Shape, Weights, onnx};

use super::kind;

fn error(change: impl FnOnce(&mut Graphs)) -> String {
    let shape = Shape::default();
    let mut graphs = onnx::graphs(&shape, &Weights::random(&shape, 5));
    change(&mut graphs);
    let network = Network::with_graphs(Card::random(&shape), graphs).expect("a network");
    let error = models(&network, &kind()).err().expect("a refusal");
    assert!(matches!(error, InferenceError::Graph { .. } | InferenceError::Signature { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_graph_of_other_lengths_is_refused_with_both() {
    let swapped = error(|graphs| std::mem::swap(&mut graphs.frame, &mut graphs.heads));
    assert!(swapped.starts_with("frame.onnx: its input is ") && swapped.contains("[1, 3072]"), "{swapped}");
    let narrow = Shape { actions: 2, ..Shape::default() };
    let outputs = error(|graphs| graphs.heads = onnx::graphs(&narrow, &Weights::random(&narrow, 5)).heads);
    assert!(outputs.starts_with("heads.onnx: its output is ") && outputs.contains("[1, 9]"), "{outputs}");
}

#[test]
fn bytes_that_are_cut_off_are_refused_wherever_they_end() {
    let whole = onnx::graphs(&Shape::default(), &Weights::random(&Shape::default(), 5)).temporal.len();
    for length in [0, 1, 7, 100, whole / 2, whole - 40, whole - 1] {
        let text = error(|graphs| graphs.temporal.truncate(length));
        assert!(text.starts_with("temporal.onnx: "), "{length}: {text}");
    }
}

#[test]
fn an_operator_that_nobody_knows_is_refused_by_name() {
    let text = error(|graphs| {
        let at = graphs.fusion.windows(7).position(|name| name == b"Sigmoid").expect("the operator");
        let last = graphs.fusion.windows(7).rposition(|name| name == b"Sigmoid").expect("the operator");
        for at in at..=last {
            if graphs.fusion[at..].starts_with(b"Sigmoid") {
                graphs.fusion[at] = b'Z';
            }
        }
    });
    assert!(text.starts_with("fusion.onnx: ") && text.contains("Zigmoid"), "{text}");
}
