//! What fills teach: by how much an order that took cost more than its forecast.
//!
//! The forecast of a taking order is the distance of the opposite best and the square-root law of its size.
//! What it cost is the shortfall of its fills against the mid at its decision. The difference is learned on
//! top, when the venue has told the end of the order, for the quantity that was ordered: that may be less
//! than the gap it was forecast for. An order that rests fills at its own price, so that its slippage is
//! known before, and there is nothing to learn.

use std::collections::{BTreeMap, VecDeque};

use market::order::{ClientId, Fill, Liquidity, Report, ReportKind};
use market::{Quantity, Side};
use serde::{Deserialize, Serialize};

use crate::prequential::{Learner, Terms};
use crate::slippage::Measure;

/// Decisions of an instrument whose orders may still be heard of for the first time.
const RECENT: usize = 64;
/// Orders of an instrument that are followed at once.
const FOLLOWED: usize = 64;
/// What a correction depends on.
pub const FEATURES: usize = 6;

/// What is known of an order that takes, before it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Taking {
    /// How much it takes, in units of the instrument.
    pub quantity: f64,
    /// What stands at the opposite best; absent where there is no book.
    pub opposite: Option<f64>,
    /// Distance of the opposite best from the mid, bp.
    pub slippage_bp: f64,
    /// The square-root law of its quantity, bp.
    pub impact_bp: f64,
    /// The imbalance at the best prices, positive where it leans the way of the order; 0 where it is not
    /// known.
    pub imbalance: f64,
    /// The urgency of the proposal.
    pub urgency: f64,
}

impl Taking {
    /// The same order for another quantity.
    #[must_use]
    pub fn of(&self, quantity: f64) -> Self {
        let impact_bp = self.impact_bp * (quantity / self.quantity).sqrt();
        Self { quantity, impact_bp, ..*self }
    }

    /// What it is expected to cost before anything was learned, bp.
    #[must_use]
    pub fn forecast_bp(&self) -> f64 {
        self.slippage_bp + self.impact_bp
    }

    /// What the correction depends on: 1, law, distance, imbalance, urgency, and how much of what stands at
    /// the opposite best it takes, as quantity / (quantity + what stands there).
    #[must_use]
    pub fn features(&self) -> [f64; FEATURES] {
        let depth = self.opposite.map_or(0.0, |opposite| self.quantity / (self.quantity + opposite));
        [1.0, self.impact_bp, self.slippage_bp, self.imbalance, self.urgency, depth]
    }
}

/// What an order would have been told to cost, if a decision has placed one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// The sequence number of the decision's input.
    pub sequence: u64,
    /// The side.
    pub side: Side,
    /// The mid, or mark, at the decision.
    pub arrival: f64,
    /// The order.
    pub taking: Taking,
}

/// An order under way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Followed {
    expected: Expected,
    measure: Measure,
    /// What was ordered: the first fill and what it left.
    ordered: Option<Quantity>,
}

/// What the fills of one instrument have taught.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fills {
    learner: Learner,
    /// The oldest first.
    recent: VecDeque<Expected>,
    followed: BTreeMap<ClientId, Followed>,
}

impl Default for Fills {
    fn default() -> Self {
        Self { learner: Learner::new(FEATURES), recent: VecDeque::new(), followed: BTreeMap::new() }
    }
}

impl Fills {
    /// What is to be added to the forecast of an order, bp; 0 while that has not foretold better than
    /// nothing does.
    #[must_use]
    pub fn correction_bp(&self, taking: &Taking, terms: &Terms) -> f64 {
        self.learner.trusted(&taking.features(), terms)
    }

    /// What was learned.
    #[must_use]
    pub const fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Keeps what is expected of an order that may be placed.
    pub fn await_fills(&mut self, expected: Expected) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(expected);
    }

    /// Folds a venue's word on an order of the instrument; at the end of one, what it cost is learned.
    pub fn report(&mut self, report: &Report, terms: &Terms) {
        if !self.followed.contains_key(&report.id) && !self.follow(report) {
            return;
        }
        if let ReportKind::Filled(fill) = &report.kind
            && !self.fill(report.id, fill)
        {
            self.followed.remove(&report.id);
        }
        if report.kind.is_terminal()
            && let Some(followed) = self.followed.remove(&report.id)
        {
            self.learn(&followed, terms);
        }
    }

    /// Forgets an order that never left.
    pub fn lapse(&mut self, id: ClientId) {
        self.followed.remove(&id);
    }

    /// Forgets what is under way; what was learned stays.
    pub fn restart(&mut self) {
        self.recent.clear();
        self.followed.clear();
    }

    /// Whether an order that is heard of for the first time was foreseen.
    fn follow(&mut self, report: &Report) -> bool {
        let found = self.recent.iter().rfind(|expected| expected.sequence == report.id.sequence);
        let Some(expected) = found else { return false };
        let followed =
            Followed { expected: *expected, measure: Measure::new(expected.arrival), ordered: None };
        if self.followed.len() == FOLLOWED {
            self.followed.pop_first();
        }
        self.followed.insert(report.id, followed);
        true
    }

    /// Adds a fill; false where it is none of the order that was foreseen.
    fn fill(&mut self, id: ClientId, fill: &Fill) -> bool {
        let Some(followed) = self.followed.get_mut(&id) else { return false };
        if fill.side != followed.expected.side || fill.liquidity != Liquidity::Taker {
            return false;
        }
        followed.ordered = followed.ordered.or_else(|| fill.quantity.checked_add(fill.remaining));
        followed.measure.add(fill.price.to_f64(), fill.quantity.to_f64());
        true
    }

    fn learn(&mut self, followed: &Followed, terms: &Terms) {
        let sign = followed.expected.side.sign() as f64;
        if let (Some(shortfall), Some(ordered)) = (followed.measure.shortfall(sign), followed.ordered) {
            let taking = followed.expected.taking.of(ordered.to_f64());
            let beyond_bp = 1e4 * shortfall.slippage - taking.forecast_bp();
            self.learner.learn(&taking.features(), beyond_bp, terms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::order::RejectReason;
    use market::{InstrumentId, Money, Price, Timestamp};
    use synapse::random::uniform;

    const TERMS: Terms = Terms { forgetting: 1.0, gain: 0.02, after: 20 };

    fn taking() -> Taking {
        Taking {
            quantity: 2.0,
            opposite: Some(3.0),
            slippage_bp: 2.0,
            impact_bp: 4.0,
            imbalance: 0.5,
            urgency: 0.75,
        }
    }

    fn expected(sequence: u64) -> Expected {
        Expected { sequence, side: Side::Buy, arrival: 100.0, taking: taking() }
    }

    fn report(sequence: u64, kind: ReportKind) -> Report {
        let id = ClientId { sequence, instrument: InstrumentId(0), k: 0 };
        Report { id, time: Timestamp::from_ns(0), kind }
    }

    fn quantity(whole: i64) -> Quantity {
        Quantity::from_units(whole * scenes::ONE)
    }

    /// A fill at so many bp above 100.
    fn fill(above_bp: f64, whole: i64, remaining: i64) -> Fill {
        Fill {
            execution: 1,
            side: Side::Buy,
            price: Price::from_units(100 * scenes::ONE + (above_bp * 1e7) as i64),
            quantity: quantity(whole),
            fee: Money::ZERO,
            liquidity: Liquidity::Taker,
            remaining: quantity(remaining),
        }
    }

    fn filled(sequence: u64, above_bp: f64, whole: i64, remaining: i64) -> Report {
        report(sequence, ReportKind::Filled(fill(above_bp, whole, remaining)))
    }

    /// What is learned of the one order of decision 1 with these reports.
    fn learned(reports: &[Report]) -> Learner {
        let mut fills = Fills::default();
        fills.await_fills(expected(1));
        reports.iter().for_each(|report| fills.report(report, &TERMS));
        fills.learner
    }

    /// What is learned of an order of such a quantity that cost so much.
    fn told(quantity: f64, cost_bp: f64) -> Learner {
        let taking = taking().of(quantity);
        let mut learner = Learner::new(FEATURES);
        learner.learn(&taking.features(), cost_bp - taking.forecast_bp(), &TERMS);
        learner
    }

    fn is_near(a: &Learner, b: &Learner) -> bool {
        let (x, y) = (a.predict(&taking().features()), b.predict(&taking().features()));
        a.seen() == b.seen() && (x - y).abs() < 1e-6 && y.abs() > 1e-3
    }

    #[test]
    fn a_taking_order_of_four_times_the_quantity_has_twice_the_impact() {
        let four = taking().of(8.0);
        assert_eq!((four.impact_bp, four.slippage_bp, four.forecast_bp()), (8.0, 2.0, 10.0));
        assert_eq!(taking().features(), [1.0, 4.0, 2.0, 0.5, 0.75, 0.4]);
    }

    #[test]
    fn partial_fills_weigh_by_quantity_and_are_learned_at_the_end() {
        let accepted = report(1, ReportKind::Accepted);
        let parts = [accepted, filled(1, 3.0, 1, 3), filled(1, 7.0, 3, 0)];
        assert_eq!(learned(&parts[..2]).seen(), 0, "it is not over");
        assert!(is_near(&learned(&parts), &told(4.0, 6.0)));
        let rest = report(1, ReportKind::Cancelled { filled: quantity(1) });
        assert!(is_near(&learned(&[filled(1, 9.0, 1, 1), rest]), &told(2.0, 9.0)), "an order of 2");
    }

    #[test]
    fn what_was_not_foreseen_teaches_nothing() {
        let maker = Fill { liquidity: Liquidity::Maker, ..fill(3.0, 2, 0) };
        let seller = Fill { side: Side::Sell, ..fill(3.0, 2, 0) };
        for reports in [
            vec![filled(2, 3.0, 2, 0)],
            vec![report(1, ReportKind::Filled(maker))],
            vec![report(1, ReportKind::Filled(seller))],
            vec![report(1, ReportKind::Rejected(RejectReason::Halted))],
            vec![
                report(1, ReportKind::Accepted),
                report(1, ReportKind::Cancelled { filled: Quantity::ZERO }),
            ],
            vec![report(1, ReportKind::Expired { filled: Quantity::ZERO })],
        ] {
            assert_eq!(learned(&reports).seen(), 0, "{reports:?}");
        }
    }

    #[test]
    fn what_lapsed_or_was_under_way_at_a_restart_is_forgotten() {
        let accepted = report(1, ReportKind::Accepted);
        let mut fills = Fills::default();
        fills.await_fills(expected(1));
        fills.report(&accepted, &TERMS);
        fills.lapse(accepted.id);
        assert!(fills.followed.is_empty());
        fills.report(&accepted, &TERMS);
        fills.restart();
        fills.report(&filled(1, 3.0, 2, 0), &TERMS);
        assert_eq!(fills, Fills::default());
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut fills = Fills::default();
        for sequence in 1..=1_000 {
            fills.await_fills(expected(sequence));
            fills.report(&report(sequence, ReportKind::Accepted), &TERMS);
        }
        assert_eq!((fills.recent.len(), fills.followed.len()), (RECENT, FOLLOWED));
        assert!(fills.followed.keys().all(|id| id.sequence > 1_000 - FOLLOWED as u64), "the oldest goes");
    }

    /// Orders of any size that cost so much of the law, and the distance.
    fn taught(share_of_law: f64, count: u64) -> Fills {
        let mut fills = Fills::default();
        for sequence in 1..=count {
            let whole = 1 + (uniform(3, sequence) * 9.0) as i64;
            let order = taking().of(whole as f64);
            fills.await_fills(expected(sequence));
            let cost_bp = order.slippage_bp + share_of_law * order.impact_bp;
            fills.report(&filled(sequence, cost_bp, whole, 0), &TERMS);
        }
        fills
    }

    #[test]
    fn a_market_that_costs_half_the_law_is_learned_and_one_that_obeys_it_is_left_alone() {
        for quantity in [1.0, 4.0, 9.0] {
            let order = taking().of(quantity);
            let correction_bp = taught(0.5, 300).correction_bp(&order, &TERMS);
            assert!((correction_bp + 0.5 * order.impact_bp).abs() < 0.1, "{correction_bp} for {quantity}");
            assert_eq!(taught(0.5, 19).correction_bp(&order, &TERMS), 0.0, "too few");
            assert!(taught(1.0, 300).correction_bp(&order, &TERMS).abs() < 1e-5, "nothing to correct");
        }
    }
}
