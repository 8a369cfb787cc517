//! From an action to a target position: a volatility-scaled budget.

use market::num::SCALE;
use market::{Instrument, Quantity};
use synapse::Action;

/// How large a position to aim for: smaller where the market moves more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizing {
    /// The share of an instrument's reference notional aimed for at the reference volatility.
    pub budget_share: f64,
    /// The volatility at which just that is aimed for, bp a sample.
    pub reference_volatility_bp: f64,
    /// The least share of the budget, however wild the market.
    pub min_share: f64,
    /// The greatest share of the budget, however calm the market.
    pub max_share: f64,
}

impl Sizing {
    /// The share of the budget at a volatility, bp a sample; the least where it is not known, as a
    /// market that cannot be judged may be wild.
    #[must_use]
    pub fn share(&self, volatility_bp: Option<f32>) -> f64 {
        match volatility_bp.map(f64::from).filter(|v| *v >= 0.0 && v.is_finite()) {
            None => self.min_share,
            Some(0.0) => self.max_share,
            // Not `clamp`, which panics on bounds out of order.
            Some(v) => (self.reference_volatility_bp / v).min(self.max_share).max(self.min_share),
        }
    }

    /// The position to aim for in whole lots, negative for a short one, where one unit of price
    /// and quantity is marked at `mark`; nothing for holding, or where the mark is not positive.
    #[must_use]
    pub fn target(
        &self,
        action: Action,
        volatility_bp: Option<f32>,
        mark: f64,
        instrument: &Instrument,
    ) -> Quantity {
        let notional = instrument.reference_notional.to_f64() * self.budget_share * self.share(volatility_bp);
        let quantity = notional / (mark * instrument.multiplier.to_f64());
        if !(mark > 0.0 && quantity >= 0.0) {
            return Quantity::ZERO;
        }
        // The cast saturates: beyond fixed point is the most there is, for the limits to refuse.
        let size = Quantity::from_units((quantity * SCALE as f64) as i64).floor_to(instrument.lot);
        action.side().map_or(Quantity::ZERO, |side| side.signed(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::{Money, Price};
    use proptest::prelude::*;
    use scenes::instrument;

    const SIZING: Sizing =
        Sizing { budget_share: 0.5, reference_volatility_bp: 2.0, min_share: 0.25, max_share: 1.5 };

    fn target(action: Action, volatility_bp: Option<f32>, mark: f64) -> String {
        SIZING.target(action, volatility_bp, mark, &instrument()).to_string()
    }

    #[test]
    fn a_share_shrinks_as_the_market_moves() {
        for (volatility_bp, share) in [(0.0, 1.5), (1e-9, 1.5), (2.0, 1.0), (4.0, 0.5), (1e9, 0.25)] {
            assert_eq!(SIZING.share(Some(volatility_bp)), share, "{volatility_bp}");
        }
    }

    #[test]
    fn what_is_not_known_of_the_volatility_is_feared() {
        for volatility_bp in [None, Some(f32::NAN), Some(f32::INFINITY), Some(-1.0)] {
            assert_eq!(SIZING.share(volatility_bp), 0.25);
        }
    }

    #[test]
    fn a_target_is_the_budget_at_the_mark_in_whole_lots() {
        // half of 1000 at a mark of 100
        assert_eq!(target(Action::Buy, Some(2.0), 100.0), "5");
        assert_eq!(target(Action::Sell, Some(4.0), 100.0), "-2.5");
        assert_eq!(target(Action::Buy, None, 300.0), "0.416");
        assert_eq!(target(Action::Hold, Some(2.0), 100.0), "0");
        let future = Instrument { multiplier: Quantity::from_units(50 * SCALE), ..instrument() };
        assert_eq!(SIZING.target(Action::Sell, Some(2.0), 2.0, &future).to_string(), "-5");
    }

    #[test]
    fn a_mark_that_is_none_has_no_target() {
        for mark in [0.0, -1.0, f64::NAN] {
            assert_eq!(target(Action::Buy, Some(2.0), mark), "0");
        }
    }

    #[test]
    fn a_target_beyond_fixed_point_saturates() {
        let rich = Instrument { reference_notional: Money::from_units(i128::MAX), ..instrument() };
        let lot = rich.lot;
        let most = SIZING.target(Action::Buy, Some(0.0), 1e-9, &rich);
        assert_eq!(most, Quantity::MAX.floor_to(lot));
        assert_eq!(SIZING.target(Action::Sell, Some(0.0), 1e-9, &rich), -most);
        assert!(SIZING.target(Action::Buy, Some(1.0), f64::INFINITY, &rich).is_zero());
    }

    proptest! {
        #[test]
        fn a_target_is_whole_lots_within_its_budget(
            volatility_bp in prop::option::of(any::<f32>()),
            mark_units in 1i64..,
        ) {
            let (instrument, mark) = (instrument(), Price::from_units(mark_units).to_f64());
            let [long, short] =
                [Action::Buy, Action::Sell].map(|a| SIZING.target(a, volatility_bp, mark, &instrument));
            prop_assert_eq!(long, -short);
            prop_assert_eq!(long.units() % instrument.lot.units(), 0);
            prop_assert!((0.0..=750.0 * (1.0 + 1e-9)).contains(&(long.to_f64() * mark)));
        }
    }
}
