//! What the amygdala says of a sample.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How afraid it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThreatLevel {
    /// Nothing is out of the ordinary.
    Calm,
    /// A signal is beyond its limit, or the market cannot be seen.
    Wary,
    /// A signal was beyond its limit m times of n.
    Tripped,
}

/// How far the calibration is (R6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Mean and covariance settle; so many samples are left.
    WarmingUp {
        /// Samples left.
        left: u32,
    },
    /// Calm scores are collected for τ; so many are left.
    Calibrating {
        /// Samples left.
        left: u32,
    },
    /// τ stands.
    Armed,
}

/// A threat signal (40, 41, 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Mahalanobis distance D_M of the state, against τ.
    Anomaly,
    /// Fast volatility, against a multiple of its baseline.
    Volatility,
    /// Drawdown of equity from its peak.
    Drawdown,
    /// Relative spread, against a multiple of its median.
    Spread,
    /// A value that is not finite.
    NotFinite,
}

impl Signal {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Anomaly, Self::Volatility, Self::Drawdown, Self::Spread, Self::NotFinite];

    /// Its name in reports and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anomaly => "anomaly",
            Self::Volatility => "volatility",
            Self::Drawdown => "drawdown",
            Self::Spread => "spread",
            Self::NotFinite => "not_finite",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One signal's value against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SignalReading {
    /// Which signal.
    pub signal: Signal,
    /// Its value; absent while it cannot be told.
    pub value: Option<f64>,
    /// Its limit; absent while there is none yet.
    pub limit: Option<f64>,
    /// Whether the value is beyond the limit now.
    pub exceeded: bool,
    /// How often it was in the last n samples.
    pub count: u32,
}

/// What the amygdala says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threat {
    /// How afraid it is.
    pub level: ThreatLevel,
    /// How far the calibration is.
    pub phase: Phase,
    /// Each signal, in the order of [`Signal::ALL`].
    pub signals: [SignalReading; 5],
    /// The signal that tripped, while tripped.
    pub tripped_by: Option<Signal>,
    /// Whether the trip began with this sample.
    pub trip_begins: bool,
}

impl Threat {
    /// The reading of one signal.
    pub fn reading(&self, signal: Signal) -> &SignalReading {
        &self.signals[signal as usize]
    }

    /// The first signal beyond its limit.
    pub fn exceeded(&self) -> Option<&SignalReading> {
        self.signals.iter().find(|s| s.exceeded)
    }
}
