//! What is normal for one instrument: mean and covariance of its state (40), and the distance that
//! calm samples keep (41).

use serde::{Deserialize, Serialize};
use synapse::Phase;

use crate::counter::Freeze;
use crate::covariance::Moments;
use crate::mahalanobis::standardised_distance;
use crate::params::AmygdalaParams;
use crate::quantile::danger_threshold;
use crate::senses::Senses;

/// How far the threshold is (R6): warm-up, calibration, armed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Calibration {
    WarmingUp { left: u32 },
    Collecting { scores: Vec<f64> },
    Armed { tau: f64 },
}

/// What is normal for one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normal {
    senses: Senses,
    moments: Moments,
    calibration: Calibration,
    freeze: Freeze,
}

/// What a scored sample has to teach.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// Its distance; `None` for the first state, which is far from nothing.
    pub distance: Option<f64>,
    /// Neither spread, volatility nor drawdown was beyond its limit.
    pub calm: bool,
    /// A trip is on.
    pub tripped: bool,
}

impl Normal {
    /// Nothing is known yet.
    pub fn new(senses: Senses, params: &AmygdalaParams) -> Self {
        Self {
            senses,
            moments: Moments::new(senses.entries().len()),
            calibration: Calibration::WarmingUp { left: params.warm_up },
            freeze: Freeze::default(),
        }
    }

    /// By what the instrument is seen.
    pub const fn senses(&self) -> Senses {
        self.senses
    }

    /// Whether a state was ever folded in.
    pub fn is_known(&self) -> bool {
        self.moments.count() > 0
    }

    /// τ, once it stands.
    pub const fn tau(&self) -> Option<f64> {
        match self.calibration {
            Calibration::Armed { tau } => Some(tau),
            _ => None,
        }
    }

    /// How far the calibration is, before the sample at hand.
    pub fn phase(&self, params: &AmygdalaParams) -> Phase {
        match &self.calibration {
            Calibration::WarmingUp { left } => Phase::WarmingUp { left: *left },
            Calibration::Collecting { scores } => {
                Phase::Calibrating { left: params.calibration.saturating_sub(scores.len() as u32) }
            }
            Calibration::Armed { .. } => Phase::Armed,
        }
    }

    /// D_M of a state (40); `None` where there is none, which is as alarming as a large one.
    pub fn score(&self, state: &[f64], params: &AmygdalaParams) -> Option<f64> {
        let scored = standardised_distance(&self.moments, state, &self.senses.floors(), params.shrinkage);
        scored.map(|distance| distance.value)
    }

    /// Folds a state in that was scored before: afterwards it would mask itself. While a trip is on,
    /// or the sample is not calm, mean and covariance stand still, but not for ever.
    pub fn learn(&mut self, state: &[f64], lesson: Lesson, params: &AmygdalaParams) {
        if !self.freeze.holds(lesson.tripped || !lesson.calm, params.freeze_max) {
            match self.drawn_in(state, lesson.distance) {
                Some(nearer) => self.moments.update(&nearer, params.alpha),
                None => self.moments.update(state, params.alpha),
            }
        }
        self.calibrate(lesson, params);
    }

    /// A state beyond τ counts as one at τ. Left out, the tail of what is normal would be missing, and
    /// calm samples would alarm more often than p; as it is, two would hide the third.
    fn drawn_in(&self, state: &[f64], distance: Option<f64>) -> Option<Vec<f64>> {
        let (tau, distance) = self.tau().zip(distance).filter(|(tau, distance)| distance > tau)?;
        let nearer = |(x, mean): (&f64, &f64)| mean + (x - mean) * (tau / distance);
        Some(state.iter().zip(self.moments.mean()).map(nearer).collect())
    }

    fn calibrate(&mut self, lesson: Lesson, params: &AmygdalaParams) {
        match &mut self.calibration {
            Calibration::WarmingUp { left } => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.calibration = Calibration::Collecting { scores: Vec::new() };
                }
            }
            Calibration::Collecting { scores } => {
                scores.extend(lesson.distance.filter(|_| lesson.calm));
                if scores.len() >= params.calibration as usize
                    && let Some(tau) = danger_threshold(self.moments.dimension(), scores, params.p)
                {
                    self.calibration = Calibration::Armed { tau };
                }
            }
            Calibration::Armed { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Lesson = Lesson { distance: Some(1.0), calm: true, tripped: false };

    fn params() -> AmygdalaParams {
        AmygdalaParams { warm_up: 1, calibration: 1, p: 0.5, freeze_max: 3, ..AmygdalaParams::default() }
    }

    /// Armed on a tape that stands still.
    fn armed() -> Normal {
        let mut normal = Normal::new(Senses::Tape, &params());
        normal.learn(&[0.0; 4], Lesson { distance: None, ..CALM }, &params());
        assert_eq!(normal.phase(&params()), Phase::Calibrating { left: 1 });
        normal.learn(&[0.0; 4], CALM, &params());
        assert_eq!(normal.phase(&params()), Phase::Armed);
        normal
    }

    #[test]
    fn a_state_beyond_the_threshold_teaches_what_one_at_it_would() {
        let state = [9.0, 0.0, -6.0, 0.0];
        let mut normal = armed();
        let (distance, tau) = (normal.score(&state, &params()), normal.tau().expect("armed"));
        let at_tau = state.map(|x| x * tau / distance.expect("a distance"));
        let mut other = normal.clone();
        normal.learn(&state, Lesson { distance, ..CALM }, &params());
        other.learn(&at_tau, Lesson { distance: other.score(&at_tau, &params()), ..CALM }, &params());
        let difference = normal.moments.deviation(other.moments.mean());
        assert!(difference.iter().all(|delta| delta.abs() < 1e-12), "{difference:?}");
        assert!(normal.moments.mean()[0] > 0.0);
    }

    #[test]
    fn unrest_and_a_trip_teach_nothing_until_they_last_too_long() {
        for unrest in [Lesson { calm: false, ..CALM }, Lesson { tripped: true, ..CALM }] {
            let mut normal = armed();
            let before = normal.moments.clone();
            for _ in 0..3 {
                normal.learn(&[1.0; 4], unrest, &params());
                assert_eq!(normal.moments, before);
            }
            normal.learn(&[1.0; 4], unrest, &params());
            assert_ne!(normal.moments, before);
        }
    }
}
