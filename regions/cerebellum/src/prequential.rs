//! A forecast that is learned, and used only while it is better than none: each outcome is foretold before
//! it is learned (Dawid's prequential principle, 1984), and both errors are kept score of.

use serde::{Deserialize, Serialize};

use crate::rls::Rls;

/// The variance of a weight at first, in parts of that of the noise.
const PRIOR: f64 = 1.0;
/// Standard errors that a better score must be ahead.
const SURE: f64 = 1.645;

/// How it is learned, and when it may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// By how much an outcome counts less with each that comes after it.
    pub forgetting: f64,
    /// Weight of the newest error in the scores.
    pub gain: f64,
    /// Outcomes before it may be used.
    pub after: u32,
}

/// A linear forecast of a number whose plain forecast is 0, with the scores of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    rls: Rls,
    seen: u64,
    /// The mean square of what was foretold wrong, the newest counting most.
    error_learned: f64,
    /// The same of the plain forecast, 0.
    error_plain: f64,
    /// The mean square of the difference of the two squares.
    difference: f64,
    /// The largest outcome there was.
    largest: f64,
}

impl Learner {
    /// Nothing learned, of so many features.
    #[must_use]
    pub fn new(features: usize) -> Self {
        Self {
            rls: Rls::new(features, PRIOR),
            seen: 0,
            error_learned: 0.0,
            error_plain: 0.0,
            difference: 0.0,
            largest: 0.0,
        }
    }

    /// What it foretells: never more than the largest outcome that it has seen, so that features from
    /// beyond all experience do not make a forecast from beyond it.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> f64 {
        let told = self.rls.predict(features);
        if told.is_nan() { 0.0 } else { told.clamp(-self.largest, self.largest) }
    }

    /// Foretells an outcome, keeps the score, and only then learns it. What is not finite is passed over.
    pub fn learn(&mut self, features: &[f64], outcome: f64, terms: &Terms) {
        let error = outcome - self.predict(features);
        let (learned, plain) = (error * error, outcome * outcome);
        let square = (plain - learned) * (plain - learned);
        if !square.is_finite() || !self.rls.learn(features, outcome, terms.forgetting) {
            return;
        }
        let gain = if self.seen == 0 { 1.0 } else { terms.gain };
        self.error_learned += gain * (learned - self.error_learned);
        self.error_plain += gain * (plain - self.error_plain);
        self.difference += gain * (square - self.difference);
        self.largest = self.largest.max(outcome.abs());
        self.seen += 1;
    }

    /// Whether it is to be used: it has seen enough, and its score is better by more than chance makes it
    /// one time in twenty (Diebold and Mariano, 1995, on the errors that count now).
    #[must_use]
    pub fn is_better(&self, terms: &Terms) -> bool {
        let gained = self.error_plain - self.error_learned;
        // so many errors count, as much as their weights are worth
        let counting = (2.0 / terms.gain - 1.0).min(self.seen as f64);
        let variance = (self.difference - gained * gained).max(0.0) / counting;
        self.seen >= u64::from(terms.after) && gained > SURE * variance.sqrt()
    }

    /// What it foretells where it is to be used, else 0.
    #[must_use]
    pub fn trusted(&self, features: &[f64], terms: &Terms) -> f64 {
        if self.is_better(terms) { self.predict(features) } else { 0.0 }
    }

    /// Outcomes learned.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// The mean square errors, of what was learned and of the plain forecast.
    #[must_use]
    pub const fn scores(&self) -> (f64, f64) {
        (self.error_learned, self.error_plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use synapse::random::normal;

    const TERMS: Terms = Terms { forgetting: 0.99, gain: 0.02, after: 50 };

    fn features(at: u64) -> [f64; 2] {
        [1.0, normal(5, 2 * at)]
    }

    fn noise(at: u64) -> f64 {
        normal(5, 2 * at + 1)
    }

    #[test]
    fn what_can_be_learned_is_used_once_enough_was_seen() {
        let mut learner = Learner::new(2);
        for at in 0..400 {
            assert_eq!(learner.seen(), at);
            assert!(at >= 50 || !learner.is_better(&TERMS), "only {at} were seen");
            let x = features(at);
            learner.learn(&x, 3.0 - 2.0 * x[1] + 0.5 * noise(at), &TERMS);
        }
        assert!(learner.is_better(&TERMS));
        assert!((learner.trusted(&[1.0, 1.0], &TERMS) - 1.0).abs() < 0.2);
        let (learned, plain) = learner.scores();
        assert!(learned < 0.4 && plain > 8.0, "{learned} {plain}");
    }

    #[test]
    fn noise_is_rarely_mistaken_for_a_pattern() {
        let mut learner = Learner::new(2);
        let mut used = 0;
        for at in 0..5_000 {
            learner.learn(&features(at), noise(at), &TERMS);
            used += u32::from(learner.is_better(&TERMS));
        }
        assert!(used < 250, "{used} of 5000");
    }

    #[test]
    fn what_has_ceased_to_be_true_is_dropped() {
        let mut learner = Learner::new(2);
        let mut is_better = Vec::new();
        for at in 0..300 {
            let x = features(at);
            let sign = if at < 200 { 1.0 } else { -1.0 };
            learner.learn(&x, sign * 2.0 * x[1] + 0.1 * noise(at), &TERMS);
            is_better.push(learner.is_better(&TERMS));
        }
        assert!(is_better[199]);
        assert!(is_better[200..240].contains(&false), "it is worse than nothing for a while");
    }

    #[test]
    fn nothing_is_foretold_beyond_what_was_seen() {
        let mut learner = Learner::new(2);
        for at in 0..200 {
            let x = features(at);
            learner.learn(&x, x[1], &TERMS);
        }
        let largest = (0..200).map(|at| features(at)[1].abs()).fold(0.0, f64::max);
        assert_eq!(learner.predict(&[1.0, 1e9]), largest);
        assert_eq!(learner.predict(&[1.0, f64::NAN]), 0.0);
    }

    proptest! {
        #[test]
        fn any_outcome_is_survived(
            outcomes in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 1..100),
        ) {
            let mut learner = Learner::new(2);
            for (a, b, outcome) in outcomes {
                learner.learn(&[a, b], outcome, &TERMS);
                prop_assert!(learner.predict(&[1.0, 1.0]).is_finite());
                let (learned, plain) = learner.scores();
                prop_assert!(learned.is_finite() && plain.is_finite());
            }
        }
    }
}
