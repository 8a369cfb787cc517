//! What the amygdala holds for danger, and how long it looks before it judges (R6).

use crate::counter::Persistence;
use crate::spread::SpreadRule;
use crate::volatility::VolatilityRule;

market::params! {
    /// What the amygdala holds for danger (R6).
    pub struct AmygdalaParams in "amygdala" {
        /// Weight of the newest sample in the mean and covariance of the state.
        alpha: f64 = 0.01, "1", 1e-6, 1.0;
        /// Share of calm samples whose distance may pass the threshold.
        p: f64 = 0.001, "1", 1e-9, 0.5;
        /// Samples in which mean and covariance settle.
        warm_up: u32 = 240, "samples", 1.0, 1e6;
        /// Calm scores the threshold is counted from; at least 1/p − 1.
        calibration: u32 = 999, "samples", 1.0, 1e6;
        /// A signal beyond its limit in so many of the last n samples trips.
        m: u32 = 3, "samples", 1.0, 64.0;
        /// Samples that are looked back at; so many calm ones in a row end a trip.
        n: u32 = 8, "samples", 1.0, 64.0;
        /// How far the correlation matrix is drawn towards none.
        shrinkage: f64 = 0.1, "1", 0.0, 1.0;
        /// What is normal stands still for at most so many alarmed samples in a row.
        freeze_max: u32 = 240, "samples", 0.0, 1e6;
        /// The spread's deviation counts as at least this.
        spread_floor_ticks: f64 = 1.0, "ticks", 1e-6, 1e6;
        /// The return's deviation counts as at least this.
        return_floor_bp: f64 = 0.1, "bp", 1e-6, 1e4;
        /// The imbalance's deviation counts as at least this.
        imbalance_floor: f64 = 0.1, "1", 1e-6, 1.0;
        /// The deviation of flows and volume counts as at least this.
        flow_floor: f64 = 1.0, "reference notionals", 1e-9, 1e9;
        /// The volatility's baseline and its deviation count as at least this.
        volatility_floor_bp: f64 = 0.3, "bp a sample", 1e-6, 1e4;
        /// So many times the baseline is too much volatility.
        volatility_multiple: f64 = 3.0, "1", 1.0, 1e6;
        /// Weight of the past in the present volatility.
        volatility_fast_decay: f64 = 0.94, "1", 0.0, 1.0;
        /// Weight of the past in the baseline of volatility.
        volatility_slow_decay: f64 = 0.999, "1", 0.0, 1.0;
        /// Returns before volatility has a limit.
        volatility_warm_up: u32 = 20, "samples", 0.0, 1e6;
        /// The share of the peak of equity that may be lost.
        drawdown_max: f64 = 0.05, "1", 1e-6, 1.0;
        /// So many times the median spread is too wide.
        spread_multiple: f64 = 10.0, "1", 1.0, 1e6;
        /// Quotes the median spread is taken of.
        spread_window: u32 = 240, "samples", 1.0, 1e5;
        /// Valid spreads among them before there is a limit.
        spread_min_history: u32 = 20, "samples", 1.0, 1e5;
    }
}

/// Parameters that do not go together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnsoundParams {
    /// No quantile so rare can be counted from so few scores.
    #[error("amygdala.calibration is {calibration}, and must be at least 1/p − 1 = {needed} for p = {p}")]
    Calibration {
        /// The calm scores.
        calibration: u32,
        /// The rate.
        p: f64,
        /// The scores it takes.
        needed: f64,
    },
    /// More excesses are asked for than samples are looked at.
    #[error("amygdala.m is {m}, and must be at most amygdala.n = {n}")]
    Persistence {
        /// The excesses.
        m: u32,
        /// The samples.
        n: u32,
    },
    /// The baseline would move faster than what is held against it.
    #[error(
        "amygdala.volatility_fast_decay is {fast}, and must be below amygdala.volatility_slow_decay = {slow}"
    )]
    Decay {
        /// Of the present volatility.
        fast: f64,
        /// Of the baseline.
        slow: f64,
    },
    /// The window never holds the spreads that are asked for.
    #[error(
        "amygdala.spread_min_history is {min_history}, and must be at most amygdala.spread_window = {window}"
    )]
    History {
        /// Valid spreads before there is a limit.
        min_history: u32,
        /// Spreads that are kept.
        window: u32,
    },
}

impl AmygdalaParams {
    /// Whether the values go together.
    ///
    /// # Errors
    /// [`UnsoundParams`] naming the keys.
    pub fn check(&self) -> Result<(), UnsoundParams> {
        let needed = (1.0 / self.p - 1.0 - 1e-9).ceil();
        if f64::from(self.calibration) < needed {
            return Err(UnsoundParams::Calibration { calibration: self.calibration, p: self.p, needed });
        }
        if self.m > self.n {
            return Err(UnsoundParams::Persistence { m: self.m, n: self.n });
        }
        let (fast, slow) = (self.volatility_fast_decay, self.volatility_slow_decay);
        if fast >= slow {
            return Err(UnsoundParams::Decay { fast, slow });
        }
        let (min_history, window) = (self.spread_min_history, self.spread_window);
        if min_history > window {
            return Err(UnsoundParams::History { min_history, window });
        }
        Ok(())
    }

    pub(crate) const fn persistence(&self) -> Persistence {
        Persistence { m: self.m, n: self.n }
    }

    pub(crate) fn volatility_rule(&self) -> VolatilityRule {
        VolatilityRule {
            fast_decay: self.volatility_fast_decay,
            slow_decay: self.volatility_slow_decay,
            floor: self.volatility_floor_bp,
            multiple: self.volatility_multiple,
            warm_up: u64::from(self.volatility_warm_up),
            frozen_at_most: self.freeze_max,
        }
    }

    pub(crate) const fn spread_rule(&self) -> SpreadRule {
        SpreadRule {
            window: self.spread_window as usize,
            min_history: self.spread_min_history as usize,
            multiple: self.spread_multiple,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_go_together() {
        assert_eq!(AmygdalaParams::default().check(), Ok(()));
        let busy = AmygdalaParams { warm_up: 50, p: 0.02, calibration: 49, ..Default::default() };
        assert_eq!(busy.check(), Ok(()));
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let sound = AmygdalaParams::default;
        for (params, message) in [
            (
                AmygdalaParams { calibration: 998, ..sound() },
                "amygdala.calibration is 998, and must be at least 1/p − 1 = 999 for p = 0.001",
            ),
            (AmygdalaParams { m: 9, ..sound() }, "amygdala.m is 9, and must be at most amygdala.n = 8"),
            (
                AmygdalaParams { volatility_fast_decay: 0.999, ..sound() },
                "amygdala.volatility_fast_decay is 0.999, and must be below amygdala.volatility_slow_decay = 0.999",
            ),
            (
                AmygdalaParams { spread_window: 19, ..sound() },
                "amygdala.spread_min_history is 20, and must be at most amygdala.spread_window = 19",
            ),
        ] {
            assert_eq!(params.check().expect_err("unsound").to_string(), message);
        }
    }
}
