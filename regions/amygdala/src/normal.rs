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
    /// A trip is on, or a signal beyond its limit: mean and covariance stand still.
    pub alarmed: bool,
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

    /// Folds a state in that was scored before: afterwards it would mask itself.
    pub fn learn(&mut self, state: &[f64], lesson: Lesson, params: &AmygdalaParams) {
        self.calibrate(lesson, params);
        if !self.freeze.holds(lesson.alarmed, params.freeze_max) {
            self.moments.update(state, params.alpha);
        }
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
