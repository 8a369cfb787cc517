use std::collections::BTreeSet;

use prost::Message;

use super::{graphs, proto};
use crate::{Shape, Weights};

fn small() -> Shape {
    let (mlp, price_blocks, spatial_blocks) = (0, 0, 2);
    Shape { features: 1, window: 8, width: 8, mlp, price_blocks, spatial_blocks, ..Shape::default() }
}

fn decoded(shape: &Shape) -> [(proto::Graph, usize, usize); 4] {
    let graphs = graphs(shape, &Weights::random(shape, 7));
    let d = shape.width;
    [
        (&graphs.frame, shape.frame_len(), d),
        (&graphs.temporal, shape.frames * d, d),
        (&graphs.fusion, shape.fusion_inputs(), 2 * d),
        (&graphs.heads, d, 3 * shape.actions),
    ]
    .map(|(bytes, inputs, outputs)| {
        let model = proto::Model::decode(bytes.as_slice()).expect("a model");
        assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
        (model.graph.expect("a graph"), inputs, outputs)
    })
}

#[test]
fn every_graph_has_the_signature_and_takes_only_what_is_there() {
    for shape in [Shape::default(), small()] {
        for (graph, inputs, outputs) in decoded(&shape) {
            assert_eq!(graph.input, [proto::ValueInfo::vector("input", inputs)]);
            assert_eq!(graph.output, [proto::ValueInfo::vector("output", outputs)]);
            let mut known = BTreeSet::from(["input".to_owned()]);
            for tensor in &graph.initializer {
                let size = if tensor.data_type == 1 { 4 } else { 8 };
                let length = size * tensor.dims.iter().product::<i64>() as usize;
                assert_eq!(tensor.raw_data.len(), length, "{}: {}", graph.name, tensor.name);
                assert!(known.insert(tensor.name.clone()), "{}: {} twice", graph.name, tensor.name);
            }
            for node in graph.node {
                for input in &node.input {
                    assert!(known.contains(input), "{}: {} takes {input}", graph.name, node.name);
                }
                for output in node.output {
                    assert!(known.insert(output), "{}: {} is made twice", graph.name, node.name);
                }
            }
            assert!(known.contains("output"), "{}", graph.name);
        }
    }
}

#[test]
fn the_same_weights_give_the_same_bytes_and_others_do_not() {
    let shape = Shape::default();
    let of = |seed| graphs(&shape, &Weights::random(&shape, seed));
    assert_eq!(of(1), of(1));
    let (one, two) = (of(1), of(2));
    for (a, b) in [
        (one.frame, two.frame),
        (one.temporal, two.temporal),
        (one.fusion, two.fusion),
        (one.heads, two.heads),
    ] {
        assert_ne!(a, b);
    }
}

#[test]
fn a_graph_has_few_nodes() {
    let nodes = decoded(&Shape::default()).map(|(graph, ..)| graph.node.len());
    assert_eq!(nodes, [23, 22, 51, 2]);
}
