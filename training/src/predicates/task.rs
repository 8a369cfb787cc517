//! What the predicates that ship say, exactly.

use market::features::Feature;
use networks::predicate::Turn;

use super::moments::Moment;
use crate::evaluate::sign;

/// How far ahead both look: a second of samples at 250 ms, as far as the network that forecasts the next move.
const HORIZON_SAMPLES: u32 = 4;

/// An input of a predicate before its law is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The feature.
    pub feature: Feature,
    /// How it is turned.
    pub turn: Turn,
    /// Whether it is compressed.
    pub log: bool,
}

const fn input(feature: Feature, turn: Turn) -> Input {
    Input { feature, turn, log: matches!(feature, Feature::OrderFlowImbalance) }
}

/// A predicate that can be learned.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Its name in rules.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// What exactly its label is.
    pub label_text: &'static str,
    /// How many regular samples ahead it looks.
    pub horizon_samples: u32,
    /// The feature that gives a moment its direction; a moment without one is no sample.
    pub along: Option<Feature>,
    /// What it is told.
    pub inputs: [Input; 8],
    /// Which input alone makes the one-feature rule beside it.
    pub rule_input: usize,
    label: fn(way: i64, now: &Moment, after: &[Moment]) -> bool,
}

impl Task {
    /// Whether the predicate was true of a moment, by what came after; `None` where it is not asked.
    #[must_use]
    pub fn label(&self, now: &Moment, after: &[Moment]) -> Option<bool> {
        let way = match self.along {
            Some(feature) => {
                now.features[feature].map(|x| sign(f64::from(x)).into()).filter(|way| *way != 0)?
            }
            None => 1,
        };
        Some((self.label)(way, now, after))
    }
}

/// All of them, in the order that they are trained in. Each is told what the book alone says, so that it has a truth
/// before the first trade.
pub static TASKS: [Task; 2] = [
    Task {
        name: "calm",
        about: "nothing much will happen within a second",
        label_text: "at each of the next 4 regular samples the mid is where it is now and the spread no wider",
        horizon_samples: HORIZON_SAMPLES,
        along: None,
        inputs: [
            input(Feature::SpreadBp, Turn::Plain),
            input(Feature::Imbalance1, Turn::Size),
            input(Feature::Imbalance5, Turn::Size),
            input(Feature::Imbalance10, Turn::Size),
            input(Feature::OrderFlowImbalance, Turn::Size),
            input(Feature::ReturnMid, Turn::Size),
            input(Feature::ReturnMicro, Turn::Size),
            input(Feature::RealisedVol, Turn::Plain),
        ],
        rule_input: 7,
        label: |_, now, after| after.iter().all(|later| later.mid2 == now.mid2 && later.spread <= now.spread),
    },
    Task {
        name: "informed_flow",
        about: "the mid will follow the order flow of the last quarter second within a second",
        label_text: "4 regular samples later the mid is further the way that order_flow_imbalance points than half \
                     the spread is wide now; only moments with flow are asked",
        horizon_samples: HORIZON_SAMPLES,
        along: Some(Feature::OrderFlowImbalance),
        inputs: [
            input(Feature::SpreadBp, Turn::Plain),
            input(Feature::Imbalance1, Turn::Along),
            input(Feature::Imbalance5, Turn::Along),
            input(Feature::Imbalance10, Turn::Along),
            input(Feature::OrderFlowImbalance, Turn::Size),
            input(Feature::ReturnMid, Turn::Along),
            input(Feature::ReturnMicro, Turn::Along),
            input(Feature::RealisedVol, Turn::Plain),
        ],
        rule_input: 4,
        // twice the move against the spread: exact in whole numbers
        label: |way, now, after| after.last().is_some_and(|then| way * (then.mid2 - now.mid2) > now.spread),
    },
];

#[cfg(test)]
mod tests {
    use market::features::FeatureVector;

    use super::*;

    fn moment(mid2: i64, spread: i64, flow: Option<f32>) -> Moment {
        let mut features = FeatureVector::default();
        features[Feature::OrderFlowImbalance] = flow;
        Moment { time_ns: 0, mid2, spread, features }
    }

    #[test]
    fn it_is_calm_where_the_mid_stays_and_the_spread_does_not_widen() {
        let calm = |after: [(i64, i64); 4]| {
            TASKS[0].label(&moment(100, 4, None), &after.map(|(mid2, spread)| moment(mid2, spread, None)))
        };
        assert_eq!(calm([(100, 4), (100, 2), (100, 4), (100, 4)]), Some(true));
        assert_eq!(calm([(100, 4), (101, 4), (100, 4), (100, 4)]), Some(false), "it moved and came back");
        assert_eq!(calm([(100, 4), (100, 4), (100, 4), (100, 6)]), Some(false), "it widened");
    }

    #[test]
    fn flow_is_informed_where_the_mid_follows_it_beyond_half_the_spread() {
        let informed = |flow: Option<f32>, then: i64| {
            let after =
                [moment(90, 4, None), moment(100, 4, None), moment(100, 4, None), moment(then, 4, None)];
            TASKS[1].label(&moment(100, 4, flow), &after)
        };
        assert_eq!(informed(Some(2.0), 105), Some(true));
        assert_eq!(informed(Some(2.0), 104), Some(false), "just half the spread");
        assert_eq!(informed(Some(-0.1), 95), Some(true));
        assert_eq!(informed(Some(-0.1), 105), Some(false));
        assert_eq!((informed(Some(0.0), 105), informed(None, 105)), (None, None), "there is no flow");
    }
}
