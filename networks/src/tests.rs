//! Networks for tests.

use crate::card::{Card, MODALITIES};
use crate::network::Network;
use crate::shape::Shape;
use crate::weights::Weights;

/// A shape in which no two sizes are equal and none is a multiple of a register.
pub(crate) fn odd_shape() -> Shape {
    Shape {
        features: 3,
        window: 15,
        patch: 5,
        stride: 2,
        frames: 7,
        width: 12,
        heads: 4,
        spatial_blocks: 2,
        temporal_blocks: 2,
        mlp: 3,
        price_numbers: 5,
        price_window: 11,
        price_blocks: 2,
        text: 19,
        memory: 6,
        actions: 3,
    }
}

/// A card of a shape.
pub(crate) fn card(shape: &Shape) -> Card {
    let names = |what: &str, count: usize| (0..count).map(|i| format!("{what}_{i}")).collect::<Vec<_>>();
    let features = names("feature", shape.features);
    Card {
        name: "random".to_owned(),
        about: "random weights".to_owned(),
        trained: false,
        task: "next-move".to_owned(),
        features_hash: Card::hash_of(&features),
        features,
        price: names("price", shape.price_numbers),
        modalities: MODALITIES.map(str::to_owned).into(),
        gain: 0.01,
        sampler: "1s".to_owned(),
        shape: shape.clone(),
        data: Vec::new(),
        cut_ns: Some(1_777_690_472_000_000_000),
        priors: [0.3, 0.3, 0.4],
        seeds: vec![1, 2],
        figures: serde_json::json!({ "test": { "up": 1, "d": { "value": 0.1, "lo5": -0.02 } } }),
    }
}

/// A network of a shape with random weights.
pub(crate) fn network(shape: &Shape) -> Network {
    Network::new(card(shape), Weights::random(shape, 7)).expect("a network")
}
