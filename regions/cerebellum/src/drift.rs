//! p̂ (24): how far the mid moves until the next regular sample, given the state and the action.

use serde::{Deserialize, Serialize};
use synapse::{Action, Sensed};

use market::Feature;
use market::book::BookState;

use crate::prequential::{Learner, Terms};

/// What the move is foretold from, by name.
pub const FEATURES: [&str; 6] =
    ["1", "imbalance", "micro_edge_bp", "return_bp", "order_flow", "action_impact_bp"];

/// A sample whose outcome is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Awaited {
    mid2: i64,
    features: [f64; FEATURES.len()],
}

/// What the samples of one instrument have taught of the next mid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    learner: Learner,
    awaited: Option<Awaited>,
}

impl Default for Drift {
    fn default() -> Self {
        Self { learner: Learner::new(FEATURES.len()), awaited: None }
    }
}

impl Drift {
    /// Learns how far the mid has come since the last regular sample, now that the next is there.
    pub fn observe(&mut self, sensed: &Sensed, terms: &Terms) {
        if !sensed.is_regular() {
            return;
        }
        if let (Some(awaited), Some(mid2)) = (self.awaited.take(), mid2(sensed)) {
            let moved = i128::from(mid2) - i128::from(awaited.mid2);
            self.learner.learn(&awaited.features, 1e4 * moved as f64 / awaited.mid2 as f64, terms);
        }
    }

    /// What is expected until the next regular sample, bp; absent without a book or before anything was
    /// learned.
    #[must_use]
    pub fn forecast_bp(&self, sensed: &Sensed, action: Action, impact_bp: f64) -> Option<f64> {
        mid2(sensed).filter(|_| self.learner.seen() > 0)?;
        Some(self.learner.predict(&features(sensed, action, impact_bp)?))
    }

    /// Whether it foretells better than that nothing moves.
    #[must_use]
    pub fn is_better(&self, terms: &Terms) -> bool {
        self.learner.is_better(terms)
    }

    /// What was learned.
    #[must_use]
    pub const fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Awaits what becomes of a sample.
    pub fn foretell(&mut self, sensed: &Sensed, action: Action, impact_bp: f64) {
        if sensed.is_regular() {
            let known = mid2(sensed).zip(features(sensed, action, impact_bp));
            self.awaited = known.map(|(mid2, features)| Awaited { mid2, features });
        }
    }

    /// Forgets what is awaited; what was learned stays.
    pub fn restart(&mut self) {
        self.awaited = None;
    }
}

/// Twice the mid of a book with both sides.
fn mid2(sensed: &Sensed) -> Option<i64> {
    let is_known = matches!(sensed.book, BookState::Ok | BookState::Locked);
    sensed.top.map(|top| top.mid2()).filter(|mid2| is_known && *mid2 > 0)
}

/// State and action in numbers; none where the imbalance or the microprice is not known. A return that is
/// not known is none. The flow is squashed by what stands at the best prices, into (−1, 1).
fn features(sensed: &Sensed, action: Action, impact_bp: f64) -> Option<[f64; FEATURES.len()]> {
    let top = sensed.top?;
    let of = |feature: Feature| sensed.features[feature].map(f64::from);
    let flow = of(Feature::OrderFlowImbalance).unwrap_or(0.0);
    let stands = top.bid.quantity.to_f64() + top.ask.quantity.to_f64();
    let squashed = if flow == 0.0 { 0.0 } else { flow / (flow.abs() + stands) };
    Some([
        1.0,
        of(Feature::Imbalance1)?,
        top.micro_edge_bp()?,
        of(Feature::ReturnMid).unwrap_or(0.0),
        squashed,
        action.sign() as f64 * impact_bp,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scenes::ONE;
    use synapse::random::{normal, uniform};
    use synapse::{SampleKind, Startle};

    const TERMS: Terms = Terms { forgetting: 0.999, gain: 0.01, after: 100 };

    /// A book of 2 wide around a mid, with a lean.
    fn sensed(mid: f64, lean: f64) -> Sensed {
        let mid = (mid * ONE as f64) as i64;
        let mut sensed = scenes::sensed();
        sensed.top = Some(scenes::top(mid - ONE, mid + ONE));
        sensed.features[Feature::Imbalance1] = Some(lean as f32);
        sensed
    }

    /// A market that moves by `strength` × lean bp and noise; how well the end of it was foretold.
    fn taught(strength: f64, noise: f64, samples: u64) -> Drift {
        let (mut drift, mut mid) = (Drift::default(), 1000.0);
        for at in 0..samples {
            let lean = 2.0 * uniform(9, at) - 1.0;
            let sample = sensed(mid, lean);
            drift.observe(&sample, &TERMS);
            drift.foretell(&sample, Action::Hold, 0.0);
            mid *= 1.0 + 1e-4 * (strength * lean + noise * normal(9, 1_000_000 + at));
        }
        drift
    }

    #[test]
    fn a_market_that_follows_its_lean_is_foretold() {
        let drift = taught(0.5, 0.1, 2_000);
        assert!(drift.is_better(&TERMS));
        for lean in [-0.8, 0.0, 0.8] {
            let told = drift.forecast_bp(&sensed(1000.0, lean), Action::Hold, 0.0).expect("a forecast");
            assert!((told - 0.5 * lean).abs() < 0.05, "{told} for {lean}");
        }
    }

    #[test]
    fn a_market_that_wanders_is_told_of_and_not_trusted() {
        let drift = taught(0.0, 0.5, 2_000);
        assert!(!drift.is_better(&TERMS), "{:?}", drift.learner().scores());
        assert!(drift.forecast_bp(&sensed(1000.0, 0.5), Action::Hold, 0.0).is_some());
    }

    #[test]
    fn what_the_own_order_does_is_part_of_it() {
        let (mut drift, mut mid) = (Drift::default(), 1000.0);
        for at in 0..500 {
            let action = Action::ALL[(uniform(4, at) * 2.999) as usize];
            let sample = sensed(mid, 0.0);
            drift.observe(&sample, &TERMS);
            drift.foretell(&sample, action, 3.0);
            mid *= 1.0 + 1e-4 * 0.25 * 3.0 * action.sign() as f64;
        }
        let told = |action| drift.forecast_bp(&sensed(1000.0, 0.0), action, 4.0).expect("a forecast");
        assert!((told(Action::Buy) - 0.75).abs() < 0.02, "no more than there was: {}", told(Action::Buy));
        assert!((told(Action::Sell) + 0.75).abs() < 0.02 && told(Action::Hold).abs() < 0.02);
    }

    #[test]
    fn nothing_is_told_before_anything_was_learned_or_without_a_book() {
        let sample = sensed(1000.0, 0.5);
        let mut drift = Drift::default();
        assert_eq!(drift.forecast_bp(&sample, Action::Buy, 1.0), None);
        drift.foretell(&sample, Action::Buy, 1.0);
        drift.observe(&sensed(1001.0, 0.5), &TERMS);
        assert!(drift.forecast_bp(&sample, Action::Buy, 1.0).is_some());
        for book in [BookState::Synthetic, BookState::Crossed, BookState::Unknown] {
            let blind = Sensed { book, ..sample.clone() };
            assert_eq!(drift.forecast_bp(&blind, Action::Buy, 1.0), None, "{book:?}");
        }
        let bare = Sensed { top: None, ..sample };
        assert_eq!(drift.forecast_bp(&bare, Action::Buy, 1.0), None);
    }

    #[test]
    fn a_lost_book_or_a_restart_between_two_samples_teaches_nothing() {
        let sample = sensed(1000.0, 0.5);
        let blind = Sensed { book: BookState::Unknown, top: None, ..sample.clone() };
        let mut drift = Drift::default();
        drift.foretell(&sample, Action::Buy, 1.0);
        drift.observe(&blind, &TERMS);
        drift.foretell(&blind, Action::Buy, 1.0);
        drift.observe(&sample, &TERMS);
        drift.foretell(&sample, Action::Buy, 1.0);
        drift.restart();
        drift.observe(&sample, &TERMS);
        assert_eq!(drift, Drift::default());
    }

    #[test]
    fn a_startle_teaches_nothing_and_loses_nothing() {
        let sample = sensed(1000.0, 0.5);
        let startle = Sensed { kind: SampleKind::Startle(Startle::Spread), ..sensed(1100.0, 0.0) };
        let mut drift = Drift::default();
        drift.foretell(&sample, Action::Buy, 1.0);
        let before = drift.clone();
        drift.observe(&startle, &TERMS);
        drift.foretell(&startle, Action::Buy, 1.0);
        assert_eq!(drift, before);
    }

    proptest! {
        #[test]
        fn any_book_is_survived(
            books in prop::collection::vec((1i64..i64::MAX / 2, 1i64..i64::MAX / 2, any::<f32>()), 1..50),
        ) {
            let mut drift = Drift::default();
            for (bid, ask, value) in books {
                let mut sample = sensed(1000.0, 0.0);
                sample.top = Some(scenes::top(bid, ask));
                sample.features[Feature::OrderFlowImbalance] = Some(value);
                sample.features[Feature::Imbalance1] = Some(value);
                drift.observe(&sample, &TERMS);
                let told = drift.forecast_bp(&sample, Action::Buy, 1.0);
                prop_assert!(told.is_none_or(f64::is_finite));
                drift.foretell(&sample, Action::Buy, 1.0);
            }
        }
    }
}
