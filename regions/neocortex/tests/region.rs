//! The neocortex as the line meets it: what is recalled of each candidate action (36).

use neocortex::schema::{Rewards, Schema, unit};
use neocortex::search::SchemaSet;
use neocortex::{Neocortex, NeocortexParams};
use proptest::prelude::*;
use synapse::{Encoded, Recall, Region, SampleKind, Sensed, Startle};

fn encoded(kind: SampleKind, codes: [&[f32]; 3]) -> Encoded {
    scenes::encoded(Sensed { kind, ..scenes::sensed() }, codes)
}

fn schema(id: u32, direction: &[f64], mean: f64, deviation: f64) -> Schema {
    let direction = unit(direction).expect("a direction");
    Schema { id, direction, concentration: 1.0, rewards: Rewards { count: 9, mean, deviation } }
}

fn knowing(schemas: impl IntoIterator<Item = Schema>, top_k: u32) -> Neocortex {
    let mut set = SchemaSet::default();
    for schema in schemas {
        set.upsert(schema).expect("a sound schema");
    }
    Neocortex::new(NeocortexParams { top_k }).with_schemas(set)
}

fn recall(neocortex: &Neocortex, code: &[f32]) -> Recall {
    let recalled = neocortex.peek(encoded(SampleKind::Regular, [code, &[], &[]])).expect("no fault");
    assert_eq!(recalled.recall[1], Recall::default());
    recalled.recall[0].clone()
}

#[test]
fn nothing_was_learned_and_it_says_so() {
    let mut neocortex = Neocortex::new(NeocortexParams::default());
    let code = [0.5; 8];
    let recalled = neocortex.step(encoded(SampleKind::Regular, [&code, &code, &code])).expect("no fault");
    assert_eq!((recalled.schemas, recalled.recall), (0, Default::default()));
}

#[test]
fn the_nearest_schemas_say_what_to_expect() {
    let schemas = [
        schema(4, &[1.0, 0.0], 2.0, 1.0),
        schema(7, &[1.0, 1.0], -1.0, 0.5),
        schema(9, &[-1.0, 0.0], 50.0, 0.0),
    ];
    let two = recall(&knowing(schemas.clone(), 2), &[2.0, 0.0]);
    let [first, second] = two.nearest[..] else { panic!("{two:?}") };
    assert_eq!((first.schema, second.schema, first.cosine), (4, 7, 1.0));
    let w = 0.5_f64.sqrt();
    assert!((f64::from(second.cosine) - w).abs() < 1e-6);
    let mean = (2.0 - w) / (1.0 + w);
    let variance = ((1.0 + (2.0 - mean).powi(2)) + w * (0.25 + (-1.0 - mean).powi(2))) / (1.0 + w);
    assert!((f64::from(two.reward_bp.expect("a reward")) - mean).abs() < 1e-6);
    assert!((f64::from(two.reward_std_bp.expect("a spread")) - variance.sqrt()).abs() < 1e-6);
    assert_eq!(two.confidence, 1.0);
    // What points the other way has no say.
    let three = recall(&knowing(schemas, 3), &[2.0, 0.0]);
    assert_eq!(three.nearest.len(), 3);
    assert_eq!((three.reward_bp, three.reward_std_bp), (two.reward_bp, two.reward_std_bp));
}

#[test]
fn schemas_are_changed_while_it_goes_on() {
    let mut neocortex = knowing([schema(1, &[1.0, 0.0], 3.0, 1.0)], 1);
    let before = recall(&neocortex, &[1.0, 0.0]);
    let mut others = SchemaSet::default();
    others.upsert(schema(2, &[1.0, 0.0], -3.0, 1.0)).expect("a sound schema");
    neocortex.set_schemas(others);
    let after = recall(&neocortex, &[1.0, 0.0]);
    assert_eq!((before.reward_bp, after.reward_bp), (Some(3.0), Some(-3.0)));
}

#[test]
fn where_nothing_is_similar_nothing_is_expected() {
    let neocortex = knowing([schema(1, &[-1.0, 0.0], 3.0, 1.0), schema(2, &[0.0, 1.0], 3.0, 1.0)], 2);
    let nothing = recall(&neocortex, &[1.0, 0.0]);
    assert_eq!((nothing.reward_bp, nothing.reward_std_bp, nothing.confidence), (None, None, 0.0));
    assert_eq!(nothing.nearest.len(), 2);
}

#[test]
fn a_code_without_a_direction_recalls_nothing_but_the_schemas_are_there() {
    let neocortex = knowing([schema(1, &[1.0, 0.0], 3.0, 1.0)], 1);
    let nan = [f32::NAN, 0.0];
    let codes: [&[f32]; 3] = [&[], &[0.0, 0.0], &nan];
    let recalled = neocortex.peek(encoded(SampleKind::Regular, codes)).expect("no fault");
    assert_eq!((recalled.schemas, recalled.recall), (1, Default::default()));
}

#[test]
fn a_code_of_another_size_is_a_fault() {
    let neocortex = knowing([schema(1, &[1.0, 0.0], 3.0, 1.0)], 1);
    let fault = neocortex.peek(encoded(SampleKind::Regular, [&[1.0, 0.0, 0.0], &[], &[]]));
    let message = fault.expect_err("another size").to_string();
    assert_eq!(message, "neocortex: a code has 3 numbers, the schemas have 2");
}

#[test]
fn a_reward_beyond_single_precision_is_a_fault() {
    let neocortex = knowing([schema(1, &[1.0, 0.0], 1e300, 0.0)], 1);
    let fault = neocortex.peek(encoded(SampleKind::Regular, [&[1.0, 0.0], &[], &[]]));
    assert!(fault.expect_err("not finite").to_string().contains("no finite recall"));
}

fn number() -> impl Strategy<Value = f32> {
    -1.0..1.0f32
}

proptest! {
    #[test]
    fn a_step_is_a_peek_and_leaves_no_trace(
        directions in prop::collection::vec((prop::collection::vec(0.1..1.0f64, 6), -9.0..9.0f64, 0.0..5.0f64), 0..12),
        codes in prop::collection::vec(prop::collection::vec(number(), 6), 3),
        startled in prop::bool::ANY,
        top_k in 1..6u32,
    ) {
        let schemas = (0..).zip(&directions).map(|(id, (z, mean, deviation))| schema(id, z, *mean, *deviation));
        let mut neocortex = knowing(schemas, top_k);
        let before = neocortex.digest();
        let kind = if startled { SampleKind::Startle(Startle::Halt) } else { SampleKind::Regular };
        let sample = encoded(kind, [&codes[0], &codes[1], &codes[2]]);
        let peeked = neocortex.peek(sample.clone()).expect("no fault");
        let stepped = neocortex.step(sample.clone()).expect("no fault");
        prop_assert_eq!(neocortex.digest(), before);
        // schemas are handed over, so a state that is put back leaves those there are
        let mut other = knowing([schema(99, &[1.0; 6], 0.0, 0.0)], top_k);
        other.restore(&neocortex.snapshot()).expect("a snapshot");
        prop_assert_eq!(other.peek(sample).expect("no fault").schemas, 1);
        prop_assert_eq!(&stepped, &peeked);
        prop_assert_eq!(stepped.schemas as usize, directions.len());
        for recall in &stepped.recall {
            prop_assert_eq!(recall.nearest.len(), directions.len().min(top_k as usize));
            prop_assert!((0.0..=1.0).contains(&recall.confidence));
            if let Some(reward) = recall.reward_bp {
                let means = || directions.iter().map(|(_, mean, _)| *mean as f32);
                let (low, high) = (means().fold(f32::MAX, f32::min), means().fold(f32::MIN, f32::max));
                prop_assert!((low - 1e-4..=high + 1e-4).contains(&reward));
            }
        }
    }
}
