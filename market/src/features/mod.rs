//! The features of a market state (W7, eq. 43): f_t, and what the context c_t is made of.
//!
//! Each is declared once in [`FEATURES`]. [`FeatureState`] computes them incrementally and from the
//! past alone. What is not known, such as a mid without a book, is absent, never NaN.

mod flow;
mod state;

use serde::{Deserialize, Serialize};

pub use flow::{OrderFlow, TradeFlow};
pub use state::{FeatureState, VOLATILITY_SAMPLES};

/// How many features there are.
pub const FEATURE_COUNT: usize = 14;

/// The name of a feature and its place in a [`FeatureVector`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// The middle of the best bid and ask, or the last price where there is no book.
    Mid,
    /// The mid weighted towards the side that is thinner.
    Microprice,
    /// Best ask less best bid.
    Spread,
    /// The spread in parts of the mid.
    SpreadBp,
    /// What more rests at the best bid than at the best ask, of both.
    #[serde(rename = "imbalance_1")]
    Imbalance1,
    /// The same over the best five levels.
    #[serde(rename = "imbalance_5")]
    Imbalance5,
    /// The same over the best ten levels.
    #[serde(rename = "imbalance_10")]
    Imbalance10,
    /// Net arrival of quantity at the best prices.
    OrderFlowImbalance,
    /// Bought less sold by those who took.
    TradeFlow,
    /// The return of the mid.
    ReturnMid,
    /// The return of the microprice.
    ReturnMicro,
    /// The volatility of the mid.
    RealisedVol,
    /// What traded.
    Volume,
    /// What we hold.
    Inventory,
}

/// What a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSpec {
    /// Which.
    pub feature: Feature,
    /// Its name in configuration, records and displays.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// Where the formula is from.
    pub source: &'static str,
}

macro_rules! features {
    ($($feature:ident $name:literal [$unit:literal] $formula:literal, $source:literal;)*) => {
        /// All features, in the order of a [`FeatureVector`].
        pub static FEATURES: [FeatureSpec; FEATURE_COUNT] = [
            $(FeatureSpec {
                feature: Feature::$feature,
                name: $name,
                unit: $unit,
                formula: $formula,
                source: $source,
            },)*
        ];
    };
}

features! {
    Mid "mid" ["currency"]
        "(bid + ask) / 2; without a book the last trade or close",
        "eq. 44, 45";
    Microprice "microprice" ["currency"]
        "(bid·ask_quantity + ask·bid_quantity) / (bid_quantity + ask_quantity)",
        "Gatheral and Oomen 2010";
    Spread "spread" ["currency"]
        "ask − bid",
        "eq. 43";
    SpreadBp "spread_bp" ["bp"]
        "10000·(ask − bid) / mid",
        "eq. 43";
    Imbalance1 "imbalance_1" ["1"]
        "(qB − qA) / (qB + qA) at the best prices",
        "Cont, Kukanov and Stoikov 2014";
    Imbalance5 "imbalance_5" ["1"]
        "(ΣqB − ΣqA) / (ΣqB + ΣqA) over the best 5 levels there are",
        "Cont, Kukanov and Stoikov 2014";
    Imbalance10 "imbalance_10" ["1"]
        "(ΣqB − ΣqA) / (ΣqB + ΣqA) over the best 10 levels there are",
        "Cont, Kukanov and Stoikov 2014";
    OrderFlowImbalance "order_flow_imbalance" ["instrument units"]
        "Σ since the last regular sample of [b ≥ b']·q − [b ≤ b']·q' − [a ≤ a']·r + [a ≥ a']·r', \
         b and a best bid and ask, q and r what rests there, ' before the change",
        "Cont, Kukanov and Stoikov 2014, eq. 4";
    TradeFlow "trade_flow" ["instrument units"]
        "Σ since the last regular sample of quantity, + bought and − sold by the aggressor",
        "eq. 43";
    ReturnMid "return_mid" ["bp"]
        "10000·ln(mid / mid at the last regular sample)",
        "eq. 43";
    ReturnMicro "return_micro" ["bp"]
        "10000·ln(microprice / microprice at the last regular sample)",
        "eq. 43";
    RealisedVol "realised_vol" ["bp a sample"]
        "√(mean of return_mid² over the last 240 regular samples that have one)",
        "Andersen and Bollerslev 1998";
    Volume "volume" ["instrument units"]
        "Σ since the last regular sample of what traded",
        "eq. 43";
    Inventory "inventory" ["instrument units"]
        "the signed position",
        "eq. 43";
}

impl Feature {
    /// What it is.
    pub fn spec(self) -> &'static FeatureSpec {
        &FEATURES[self as usize]
    }

    /// Whether it changes its sign, and nothing else, when buyers and sellers change places.
    pub const fn is_odd(self) -> bool {
        match self {
            Self::Imbalance1
            | Self::Imbalance5
            | Self::Imbalance10
            | Self::OrderFlowImbalance
            | Self::TradeFlow
            | Self::ReturnMid
            | Self::ReturnMicro
            | Self::Inventory => true,
            Self::Mid
            | Self::Microprice
            | Self::Spread
            | Self::SpreadBp
            | Self::RealisedVol
            | Self::Volume => false,
        }
    }

    /// The feature of that name.
    pub fn find(name: &str) -> Option<Self> {
        FEATURES.iter().find(|spec| spec.name == name).map(|spec| spec.feature)
    }
}

/// The features of one instrument at one moment; an absent one is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureVector(pub [Option<f32>; FEATURE_COUNT]);

impl std::ops::Index<Feature> for FeatureVector {
    type Output = Option<f32>;
    fn index(&self, feature: Feature) -> &Option<f32> {
        &self.0[feature as usize]
    }
}

impl std::ops::IndexMut<Feature> for FeatureVector {
    fn index_mut(&mut self, feature: Feature) -> &mut Option<f32> {
        &mut self.0[feature as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_stands_at_its_place_and_under_its_own_name() {
        for (at, spec) in FEATURES.iter().enumerate() {
            assert_eq!(spec.feature as usize, at, "{}", spec.name);
            assert_eq!(Feature::find(spec.name), Some(spec.feature));
            assert_eq!(serde_json::to_value(spec.feature).expect("a name"), spec.name);
            assert!(!spec.formula.is_empty() && !spec.source.is_empty() && !spec.unit.is_empty());
        }
        assert_eq!(Feature::find("no_such_feature"), None);
    }
}
