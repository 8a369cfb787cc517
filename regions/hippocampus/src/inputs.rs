//! What a moment is coded from: the state s and the context c (26), declared once.
//!
//! Each number is taken in relation to something of its own kind (a flow to what rests at the best
//! prices, a return to the volatility), and long tails are compressed by sign(x)·ln(1 + |x|). So all
//! of them are of one order of magnitude for any instrument, without statistics that would make the
//! code of a moment depend on what came before it.

use market::Feature;
use market::book::{BookState, Top};
use market::features::FeatureVector;
use synapse::{Context, DecisionRecord, Sensed};

/// Returns are not held against a volatility below this, bp a sample.
const LEAST_VOLATILITY_BP: f32 = 0.1;

/// What a moment is coded from, whether it is a sample that passes or the record of an old one.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// What the book says of itself.
    pub book: BookState,
    /// The best bid and ask, where both are known.
    pub top: Option<Top>,
    /// Twice the instrument's mark.
    pub mark2: Option<i64>,
    /// The features.
    pub features: &'a FeatureVector,
    /// The surroundings.
    pub context: &'a Context,
}

impl<'a> From<&'a Sensed> for Moment<'a> {
    fn from(sensed: &'a Sensed) -> Self {
        let Sensed { book, top, mark2, features, context, .. } = sensed;
        Self { book: *book, top: *top, mark2: *mark2, features, context }
    }
}

impl<'a> From<&'a DecisionRecord> for Moment<'a> {
    fn from(record: &'a DecisionRecord) -> Self {
        let DecisionRecord { book, top, mark2, features, context, .. } = record;
        Self { book: *book, top: *top, mark2: *mark2, features, context }
    }
}

/// One number of the state or the context.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// It tells of the book; where there is none it is 0.
    of_book: bool,
    value: fn(&Moment<'_>) -> Option<f32>,
}

/// The state s.
pub const STATE: [Input; 7] = [
    Input {
        name: "imbalance_1",
        formula: "imbalance_1",
        of_book: true,
        value: |moment| moment.features[Feature::Imbalance1],
    },
    Input {
        name: "imbalance_5",
        formula: "imbalance_5",
        of_book: true,
        value: |moment| moment.features[Feature::Imbalance5],
    },
    Input {
        name: "imbalance_10",
        formula: "imbalance_10",
        of_book: true,
        value: |moment| moment.features[Feature::Imbalance10],
    },
    Input {
        name: "order_flow",
        formula: "log(order_flow_imbalance / quantity at the best prices)",
        of_book: true,
        value: |moment| Some(log(moment.features[Feature::OrderFlowImbalance]? / depth(moment)?)),
    },
    Input { name: "trade_flow", formula: "trade_flow / volume", of_book: false, value: trade_share },
    Input {
        name: "return_mid",
        formula: "log(return_mid / max(realised_vol, 0.1 bp))",
        of_book: false,
        value: |moment| standardised(moment, Feature::ReturnMid),
    },
    Input {
        name: "return_micro",
        formula: "log(return_micro / max(realised_vol, 0.1 bp))",
        of_book: true,
        value: |moment| standardised(moment, Feature::ReturnMicro),
    },
];

/// The context c.
pub const CONTEXT: [Input; 3] = [
    Input {
        name: "volatility",
        formula: "log(volatility_bp)",
        of_book: false,
        value: |moment| moment.context.volatility_bp.map(log),
    },
    Input {
        name: "spread",
        formula: "log(spread_bp)",
        of_book: true,
        value: |moment| moment.context.spread_bp.map(log),
    },
    Input {
        name: "volume",
        formula: "log(volume / quantity at the best prices)",
        of_book: true,
        value: |moment| Some(log(moment.context.volume.unwrap_or(0.0) / depth(moment)?)),
    },
];

/// The numbers of a moment; `None` where one is absent, nothing has a price, or any value of the
/// sample is no number: the amygdala has tripped then.
pub fn read<const N: usize>(inputs: &[Input; N], moment: &Moment<'_>) -> Option<[f32; N]> {
    moment.mark2?;
    let context = moment.context.entries();
    let mut given =
        moment.features.0.iter().copied().chain(context.iter().map(|(_, value)| *value)).flatten();
    if !given.all(f32::is_finite) {
        return None;
    }
    let has_book = moment.book != BookState::Synthetic;
    let mut numbers = [0.0; N];
    for (number, input) in numbers.iter_mut().zip(inputs) {
        if has_book || !input.of_book {
            *number = (input.value)(moment).filter(|value| value.is_finite())?;
        }
    }
    Some(numbers)
}

fn log(x: f32) -> f32 {
    libm::copysignf(libm::log1pf(x.abs()), x)
}

/// What rests at the best prices, in instrument units.
fn depth(moment: &Moment<'_>) -> Option<f32> {
    let top = moment.top?;
    Some((top.bid.quantity.to_f64() + top.ask.quantity.to_f64()) as f32)
}

/// What share of the trades bought, less what sold; 0 where no trade is told of.
fn trade_share(moment: &Moment<'_>) -> Option<f32> {
    let volume = moment.features[Feature::Volume].unwrap_or(0.0);
    let flow = moment.features[Feature::TradeFlow].unwrap_or(0.0);
    Some(if volume == 0.0 { 0.0 } else { flow / volume })
}

fn standardised(moment: &Moment<'_>, feature: Feature) -> Option<f32> {
    let volatility_bp = moment.features[Feature::RealisedVol]?.max(LEAST_VOLATILITY_BP);
    Some(log(moment.features[feature]? / volatility_bp))
}
