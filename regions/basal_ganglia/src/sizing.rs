//! From an action to a target position: a volatility-scaled budget, a share of the Kelly bet at most,
//! and where there is something to fear no more than is held.

use market::num::SCALE;
use market::{Instrument, Money, Quantity};
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
    /// The greatest share of the Kelly bet; 0 where the bet does not limit the position.
    pub kelly_fraction: f64,
}

/// What is known of the outcome of an action, and the means to bet on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// μ, the return to expect of a position of that direction, bp; none where nothing that learned tells
    /// it. What an order costs is weighed later, by the cerebellum.
    pub edge_bp: Option<f64>,
    /// σ, the standard deviation of that return, bp.
    pub deviation_bp: Option<f64>,
    /// What the account is worth.
    pub equity: Money,
}

impl Outlook {
    /// The notional of the position under which equity grows fastest in the long run, equity × μ/σ²
    /// (Kelly 1956; Thorp 2006 for returns that are continuous): nothing where no return is to be
    /// expected or nothing is there to bet. None where it cannot be told: without a finite μ and a finite
    /// σ above 0.
    #[must_use]
    pub fn kelly_notional(&self) -> Option<f64> {
        let edge = self.edge_bp.filter(|edge| edge.is_finite())? / 1e4;
        let deviation = self.deviation_bp.filter(|d| d.is_finite() && *d > 0.0)? / 1e4;
        let equity = self.equity.to_f64();
        if edge <= 0.0 || equity <= 0.0 {
            return Some(0.0);
        }
        // in this order: what is too small or too large to square ends at infinity, not at no number
        Some(equity * (edge / deviation / deviation))
    }
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

    /// The notional to aim for: the budget's share at that volatility, and no more than its part of the
    /// Kelly bet. Where the bet is to limit it but cannot be told, it is the least share.
    #[must_use]
    pub fn notional(&self, volatility_bp: Option<f32>, reference: Money, outlook: &Outlook) -> f64 {
        let (budget, share) = (reference.to_f64() * self.budget_share, self.share(volatility_bp));
        if self.kelly_fraction <= 0.0 {
            return budget * share;
        }
        match outlook.kelly_notional() {
            Some(bet) => (budget * share).min(self.kelly_fraction * bet),
            None => budget * share.min(self.min_share),
        }
    }

    /// The position to aim for in whole lots, negative for a short one, where one unit of price
    /// and quantity is marked at `mark`; nothing for holding, or where the mark is not positive.
    #[must_use]
    pub fn target(
        &self,
        action: Action,
        volatility_bp: Option<f32>,
        outlook: &Outlook,
        mark: f64,
        instrument: &Instrument,
    ) -> Quantity {
        let notional = self.notional(volatility_bp, instrument.reference_notional, outlook);
        let quantity = notional / (mark * instrument.multiplier.to_f64());
        if !(mark > 0.0 && quantity >= 0.0) {
            return Quantity::ZERO;
        }
        // The cast saturates: beyond fixed point is the most there is, for the limits to refuse.
        let size = Quantity::from_units((quantity * SCALE as f64) as i64).floor_to(instrument.lot);
        action.side().map_or(Quantity::ZERO, |side| side.signed(size))
    }
}

/// A target where only a reduction may be done (W6, G2): between nothing and what is held. What would add
/// to the position keeps it, what would turn it closes it.
#[must_use]
pub fn reduced(target: Quantity, position: Quantity) -> Quantity {
    target.max(position.min(Quantity::ZERO)).min(position.max(Quantity::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::Price;
    use proptest::prelude::*;
    use scenes::{instrument, money};

    const SIZING: Sizing = Sizing {
        budget_share: 0.5,
        reference_volatility_bp: 2.0,
        min_share: 0.25,
        max_share: 1.5,
        kelly_fraction: 0.0,
    };
    const CAREFUL: Sizing = Sizing { kelly_fraction: 0.5, ..SIZING };
    const NOTHING_KNOWN: Outlook = Outlook { edge_bp: None, deviation_bp: None, equity: Money::ZERO };

    fn target(action: Action, volatility_bp: Option<f32>, mark: f64) -> String {
        SIZING.target(action, volatility_bp, &NOTHING_KNOWN, mark, &instrument()).to_string()
    }

    fn outlook(edge_bp: f64, deviation_bp: f64) -> Outlook {
        Outlook { edge_bp: Some(edge_bp), deviation_bp: Some(deviation_bp), equity: money(100) }
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
        assert_eq!(SIZING.target(Action::Sell, Some(2.0), &NOTHING_KNOWN, 2.0, &future).to_string(), "-5");
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
        let target =
            |action, volatility, mark| SIZING.target(action, Some(volatility), &NOTHING_KNOWN, mark, &rich);
        let most = target(Action::Buy, 0.0, 1e-9);
        assert_eq!(most, Quantity::MAX.floor_to(lot));
        assert_eq!(target(Action::Sell, 0.0, 1e-9), -most);
        assert!(target(Action::Buy, 1.0, f64::INFINITY).is_zero());
    }

    #[test]
    fn a_kelly_bet_is_the_return_over_its_variance() {
        // 2 bp with a deviation of 100 bp: 0.0002 / 0.0001 = 2 times the equity
        assert!((outlook(2.0, 100.0).kelly_notional().expect("a bet") - 200.0).abs() < 1e-9);
        assert_eq!(outlook(0.0, 100.0).kelly_notional(), Some(0.0));
        assert_eq!(outlook(-2.0, 100.0).kelly_notional(), Some(0.0));
        let broke = Outlook { equity: -money(1), ..outlook(2.0, 100.0) };
        assert_eq!(broke.kelly_notional(), Some(0.0));
        assert_eq!(outlook(1.0, 1e-300).kelly_notional(), Some(f64::INFINITY));
    }

    #[test]
    fn the_kelly_bet_limits_the_budget_and_never_raises_it() {
        let notional = |outlook| CAREFUL.notional(Some(2.0), instrument().reference_notional, &outlook);
        // the budget is 500
        assert!((notional(outlook(2.0, 100.0)) - 100.0).abs() < 1e-9);
        assert_eq!(notional(outlook(2.0, 10.0)), 500.0);
        assert_eq!(notional(outlook(-2.0, 100.0)), 0.0);
        let without = SIZING.notional(Some(2.0), instrument().reference_notional, &outlook(-2.0, 100.0));
        assert_eq!(without, 500.0);
    }

    #[test]
    fn a_bet_that_cannot_be_told_is_the_least_share() {
        let unknown = [
            NOTHING_KNOWN,
            Outlook { edge_bp: None, ..outlook(2.0, 100.0) },
            Outlook { deviation_bp: None, ..outlook(2.0, 100.0) },
            outlook(f64::NAN, 100.0),
            outlook(2.0, f64::NAN),
            outlook(2.0, 0.0),
            outlook(f64::INFINITY, 100.0),
        ];
        for outlook in unknown {
            for volatility_bp in [None, Some(0.0), Some(2.0), Some(1e6)] {
                let notional = CAREFUL.notional(volatility_bp, instrument().reference_notional, &outlook);
                assert_eq!(notional, 125.0, "{outlook:?} at {volatility_bp:?}");
            }
        }
    }

    #[test]
    fn what_only_reduces_keeps_closes_or_lessens() {
        let reduced = |target, position| {
            super::reduced(Quantity::from_units(target), Quantity::from_units(position)).units()
        };
        assert_eq!([9, 5, 3, 0, -7].map(|target| reduced(target, 5)), [5, 5, 3, 0, 0]);
        assert_eq!([-9, -5, -3, 0, 7].map(|target| reduced(target, -5)), [-5, -5, -3, 0, 0]);
        assert_eq!([-9, 0, 9].map(|target| reduced(target, 0)), [0, 0, 0]);
    }

    proptest! {
        #[test]
        fn a_target_is_whole_lots_within_its_budget(
            volatility_bp in prop::option::of(any::<f32>()),
            mark_units in 1i64..,
        ) {
            let (instrument, mark) = (instrument(), Price::from_units(mark_units).to_f64());
            let [long, short] =
                [Action::Buy, Action::Sell].map(|a| SIZING.target(a, volatility_bp, &NOTHING_KNOWN, mark, &instrument));
            prop_assert_eq!(long, -short);
            prop_assert_eq!(long.units() % instrument.lot.units(), 0);
            prop_assert!((0.0..=750.0 * (1.0 + 1e-9)).contains(&(long.to_f64() * mark)));
        }

        #[test]
        fn a_target_is_never_more_than_budget_nor_bet(
            volatility_bp in prop::option::of(any::<f32>()),
            edge_bp in prop::option::of(prop_oneof![any::<f64>(), -100.0f64..100.0]),
            deviation_bp in prop::option::of(prop_oneof![any::<f64>(), 0.0f64..100.0]),
            equity in any::<i64>(),
            kelly_fraction in 1e-6f64..2.0,
            mark_units in 1i64..,
            buys: bool,
        ) {
            let (instrument, mark) = (instrument(), Price::from_units(mark_units).to_f64());
            let action = if buys { Action::Buy } else { Action::Sell };
            let equity = Money::from_units(i128::from(equity));
            let outlook = Outlook { edge_bp, deviation_bp, equity };
            let sizing = Sizing { kelly_fraction, ..SIZING };
            let target = sizing.target(action, volatility_bp, &outlook, mark, &instrument);
            let free = SIZING.target(action, volatility_bp, &outlook, mark, &instrument);
            prop_assert!(target.units().signum() * action.sign() >= 0);
            prop_assert!(target.abs() <= free.abs());
            let most = match outlook.kelly_notional() {
                Some(bet) => kelly_fraction * bet,
                None => 500.0 * 0.25,
            };
            prop_assert!(target.abs().to_f64() * mark <= most * (1.0 + 1e-9), "{target} at {mark}: {most}");
        }

        #[test]
        fn a_reduction_never_adds_and_never_crosses_zero(target: i64, position: i64) {
            let (target, position) = (Quantity::from_units(target), Quantity::from_units(position));
            let reduced = reduced(target, position);
            prop_assert!(reduced.units().unsigned_abs() <= position.units().unsigned_abs());
            prop_assert!(reduced.is_zero() || reduced.units().signum() == position.units().signum());
            // it lies on the way to the target
            let way = i128::from(target.units()) - i128::from(position.units());
            let done = i128::from(reduced.units()) - i128::from(position.units());
            prop_assert!(done.signum() * way.signum() >= 0 && done.abs() <= way.abs());
        }
    }
}
