//! Predicates by hand, at random and with everything that a market can say.

use proptest::prelude::*;
use synapse::random::{normal, seed_for};

use super::*;

fn input(feature: Feature, turn: Turn, log: bool, mean: f32, deviation: f32) -> PredicateInput {
    PredicateInput { feature, turn, log, mean, deviation }
}

fn card(hidden: usize) -> PredicateCard {
    PredicateCard {
        name: "eager".to_owned(),
        about: "somebody is eager".to_owned(),
        label: "they were".to_owned(),
        trained: false,
        along: Some(Feature::OrderFlowImbalance),
        inputs: vec![
            input(Feature::SpreadBp, Turn::Plain, false, 0.5, 0.25),
            input(Feature::Imbalance1, Turn::Along, false, 0.0, 1.0),
            input(Feature::OrderFlowImbalance, Turn::Size, true, 1.0, 2.0),
        ],
        hidden,
        horizon_samples: 4,
        sampler: "grid:250ms".to_owned(),
        data: Vec::new(),
        cut_ns: Some(1_777_690_472_000_000_000),
        base_rate: 0.1,
        seeds: vec![1, 2],
        figures: serde_json::json!({ "brier": 0.1 }),
    }
}

fn weights(inputs: usize, hidden: usize) -> PredicateWeights {
    let drawn = |purpose: &str, count: usize| -> Vec<f32> {
        (0..count).map(|i| normal(seed_for(3, purpose), i as u64) as f32).collect()
    };
    PredicateWeights {
        hidden_weight: drawn("w", hidden * inputs),
        hidden_bias: drawn("b", hidden),
        output_weight: drawn("v", hidden),
        output_bias: drawn("c", 1),
    }
}

fn predicate() -> Predicate {
    Predicate::new(card(16), weights(3, 16)).expect("a predicate")
}

fn features(spread: f32, imbalance: f32, flow: f32) -> FeatureVector {
    let mut features = FeatureVector::default();
    features[Feature::SpreadBp] = Some(spread);
    features[Feature::Imbalance1] = Some(imbalance);
    features[Feature::OrderFlowImbalance] = Some(flow);
    features
}

#[test]
fn the_truth_is_the_formula() {
    let (card, weights) = (card(2), weights(3, 2));
    let predicate = Predicate::new(card, weights.clone()).expect("a predicate");
    let x = [(0.75f64 - 0.5) / 0.25, -0.5, (libm::log1p(3.0) - 1.0) / 2.0];
    let mut logit = f64::from(weights.output_bias[0]);
    for unit in 0..2 {
        let row = &weights.hidden_weight[3 * unit..3 * unit + 3];
        let sum: f64 = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
        logit +=
            f64::from(weights.output_weight[unit]) * libm::tanh(sum + f64::from(weights.hidden_bias[unit]));
    }
    let want = 1.0 / (1.0 + libm::exp(-logit));
    let got = predicate.truth(&features(0.75, 0.5, -3.0)).expect("a truth");
    assert!((f64::from(got) - want).abs() < 1e-6, "{got}, not {want}");
}

#[test]
fn what_is_absent_has_no_truth_and_what_has_no_direction_is_not_true() {
    let predicate = predicate();
    for feature in [Feature::SpreadBp, Feature::Imbalance1, Feature::OrderFlowImbalance] {
        for value in [None, Some(f32::NAN), Some(f32::INFINITY)] {
            let mut features = features(0.75, 0.5, -3.0);
            features[feature] = value;
            assert_eq!(predicate.truth(&features), None, "{feature:?} is {value:?}");
        }
    }
    assert_eq!(predicate.truth(&features(0.75, 0.5, 0.0)), Some(0.0));
    assert_eq!(predicate.truth(&features(0.75, 0.5, -0.0)), Some(0.0));
    let undirected = PredicateCard { along: None, inputs: card(2).inputs[..1].to_vec(), ..card(2) };
    let undirected = Predicate::new(undirected, weights(1, 2)).expect("a predicate");
    assert!(undirected.truth(&features(0.75, 0.5, 0.0)).is_some_and(|truth| truth > 0.0));
}

#[test]
fn bits_are_those_of_every_machine() {
    let truths = [(0.75, 0.5, -3.0), (0.1, -0.9, 40.0), (1e9, 0.0, 1e-3)].map(|(spread, imbalance, flow)| {
        predicate().truth(&features(spread, imbalance, flow)).expect("a truth")
    });
    assert_eq!(truths.map(f32::to_bits), [1_018_484_625, 1_012_105_888, 1_021_905_996], "{truths:?}");
}

#[test]
fn bytes_and_files_give_back_the_predicate_and_its_hash() {
    let predicate = predicate();
    let again = Predicate::from_bytes(&predicate.to_bytes()).expect("a predicate");
    assert_eq!((&again, again.hash()), (&predicate, predicate.hash()));
    let (card_json, safetensors) = (predicate.card.to_json(), predicate.safetensors());
    assert_eq!(Predicate::from_files(&card_json, &safetensors).expect("a predicate"), predicate);
    let renamed = PredicateCard { name: "other".to_owned(), ..card(16) };
    assert_ne!(Predicate::new(renamed, weights(3, 16)).expect("a predicate").hash(), predicate.hash());
}

#[test]
fn every_way_of_cutting_bytes_off_is_refused() {
    let whole = predicate().to_bytes();
    for len in 0..whole.len() {
        assert!(Predicate::from_bytes(&whole[..len]).is_err(), "{len} bytes");
    }
    assert!(Predicate::from_bytes(&[&whole[..], &[0]].concat()).is_err());
}

#[test]
fn a_card_that_cannot_be_is_refused() {
    let refusal = |change: fn(&mut PredicateCard)| {
        let mut card = card(16);
        change(&mut card);
        PredicateCard::from_json(&card.to_json()).expect_err("a refusal").to_string()
    };
    assert!(refusal(|c| c.name = "Calm down".to_owned()).contains("`Calm down`"));
    assert!(refusal(|c| c.inputs.clear()).contains("0 inputs"));
    assert!(refusal(|c| c.hidden = 0).contains("hidden is 0"));
    assert!(refusal(|c| c.inputs[0].deviation = 0.0).contains("input spread_bp"));
    assert!(refusal(|c| c.along = None).contains("input imbalance_1 is turned along"));
}

#[test]
fn weights_that_cannot_be_are_refused() {
    let refusal = |change: fn(&mut PredicateWeights)| {
        let mut weights = weights(3, 16);
        change(&mut weights);
        Predicate::new(card(16), weights).expect_err("a refusal").to_string()
    };
    assert!(refusal(|w| w.hidden_bias.truncate(15)).contains("hidden.bias"));
    assert!(refusal(|w| w.output_weight[3] = f32::NAN).contains("holds NaN at 3"));
    assert!(refusal(|w| w.output_bias[0] = 1e9).contains("beyond 1000000"));
    let other = weights(4, 12).to_safetensors(4, 12);
    assert!(
        PredicateWeights::from_safetensors(3, 16, &other).is_err(),
        "as many numbers, standing otherwise"
    );
}

proptest! {
    #[test]
    fn whatever_the_market_says_the_truth_is_a_truth(bits: [u32; 3]) {
        let [spread, imbalance, flow] = bits.map(f32::from_bits);
        let truth = predicate().truth(&features(spread, imbalance, flow));
        prop_assert_eq!(truth.is_some(), [spread, imbalance, flow].iter().all(|x| x.is_finite()));
        prop_assert!(truth.is_none_or(|truth| (0.0..=1.0).contains(&truth)), "{:?}", truth);
    }

    #[test]
    fn the_mirror_image_of_a_market_is_as_true(spread in 0f32..9.0, imbalance in -1f32..1.0, flow in -99f32..99.0) {
        let predicate = predicate();
        let mirrored = predicate.truth(&features(spread, -imbalance, -flow));
        prop_assert_eq!(predicate.truth(&features(spread, imbalance, flow)), mirrored);
    }
}

#[test]
fn the_predicates_that_ship_say_what_they_said_when_they_were_trained() {
    let mut features = FeatureVector::default();
    for (feature, value) in [
        (Feature::SpreadBp, 0.127_683_76),
        (Feature::Imbalance1, 0.754_313_23),
        (Feature::Imbalance5, 0.425_200_4),
        (Feature::Imbalance10, 0.121_392_37),
        (Feature::OrderFlowImbalance, 1.5),
        (Feature::ReturnMid, 0.0),
        (Feature::ReturnMicro, 0.01),
        (Feature::RealisedVol, 0.2),
    ] {
        features[feature] = Some(value);
    }
    let truths = ["calm", "informed_flow"].map(|name| {
        let folder = support::root().join("models/predicates").join(name);
        let [card, weights] = ["card.json", "weights.safetensors"]
            .map(|file| std::fs::read(folder.join(file)).expect("it ships"));
        let predicate = Predicate::from_files(&card, &weights).expect("a predicate");
        let card = &predicate.card;
        assert_eq!((card.name.as_str(), card.trained), (name, true));
        assert_eq!((card.cut_ns, card.horizon_samples), (Some(1_777_690_472_000_000_000), 4));
        predicate.truth(&features).expect("a truth")
    });
    assert_eq!(truths.map(f32::to_bits), [1_059_992_529, 1_051_623_463], "{truths:?}");
}
