//! The configuration of the cerebellum.

use crate::almgren_chriss::ScheduleError;
use crate::prequential::Terms;
use crate::schedule::{Algorithm, Pace};

market::params! {
    /// What acting is expected to cost, and how it is done.
    pub struct CerebellumParams in "cerebellum" {
        /// Factor Y of the square-root law of impact (42); 0.5 to 1 in most markets.
        impact_coefficient: f64 = 1.0, "1", 0.0, 10.0;
        /// Regular samples in a day, by which the volatility of a sample becomes one of a day;
        /// 345,600 for one each 250 ms around the clock.
        samples_per_day: f64 = 345_600.0, "samples", 1.0, 1e9;
        /// Urgency from which an order takes what is there.
        market_urgency: f32 = 0.5, "1", 0.0, 1.0;
        /// Urgency from which an order rests inside the spread; below it rests at the own best.
        inside_urgency: f32 = 0.25, "1", 0.0, 1.0;
        /// How many ticks beyond the opposite best a taking order may go for what it wants.
        reach_ticks: u32 = 2, "ticks", 0.0, 1000.0;
        /// What a market order is expected to pay beyond the mark where there is no book.
        synthetic_half_spread_bp: f64 = 1.0, "bp", 0.0, 1000.0;
        /// Whether to hold where the expected edge is below the forecast cost, fees included.
        edge_filter: bool = true, "", 0.0, 0.0;
        /// By how much what a fill taught counts less with each fill after it.
        fill_forgetting: f64 = 0.995, "1", 0.9, 1.0;
        /// Fills that took, of an instrument, before what they taught may correct the law; it does only
        /// while it foretold them better than the law did.
        correct_after: u32 = 100, "fills", 1.0, 1e9;
        /// Weight of the newest fill's error in the scores of law and correction.
        fill_score_gain: f64 = 0.01, "1", 0.0001, 1.0;
        /// By how much what a sample taught of the next mid counts less with each sample after it; the mid of a
        /// quiet book moves with one sample in thirty, so that a long memory is needed.
        drift_forgetting: f64 = 0.9999, "1", 0.9, 1.0;
        /// Samples of an instrument before the forecast of the next mid may be used.
        drift_after: u32 = 2_000, "samples", 1.0, 1e9;
        /// Weight of the newest sample's error in the scores of the next mid's forecast and of no change.
        drift_score_gain: f64 = 0.001, "1", 0.00001, 1.0;
        /// Whether the edge is that of the forecast of the next mid (24), instead of the microprice's, while
        /// it foretells better than no change does.
        use_drift: bool = false, "", 0.0, 0.0;
        /// How the way to a target is gone: at_once, or divided over time by twap, almgren_chriss or pov.
        algorithm: Algorithm = Algorithm::AtOnce, "", 0.0, 0.0;
        /// How long an order that is divided may take.
        horizon_s: u32 = 60, "s", 1.0, 86_400.0;
        /// Slices of an order that is divided by the clock.
        slices: u32 = 10, "slices", 1.0, 100.0;
        /// The share of the market's volume that a participating order (pov) takes.
        participation: f64 = 0.1, "1", 0.0001, 1.0;
        /// How much cost a unit of variance is worth, λ of Almgren and Chriss; 0 is twap.
        risk_aversion: f64 = 0.1, "1/currency", 0.0, 1e9;
        /// How far a unit of an instrument moves the price for good, γ of Almgren and Chriss; 0 derives it:
        /// a spread with a tenth of the daily volume.
        perm_impact: f64 = 0.0, "currency", 0.0, 1e9;
        /// How far a unit of an instrument a day moves the price of its own trade, η of Almgren and Chriss;
        /// 0 derives it: a spread for each hundredth of the daily volume a day.
        temp_impact: f64 = 0.0, "currency", 0.0, 1e9;
        /// An order of fewer lots is not divided.
        slice_from_lots: u32 = 10, "lots", 2.0, 4e9;
    }
}

impl CerebellumParams {
    /// Whether the parameters go together.
    ///
    /// # Errors
    /// [`ScheduleError`] where γ and η, which are given both or neither, have no best schedule.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let (permanent, temporary) = (self.perm_impact, self.temp_impact);
        if (permanent > 0.0) != (temporary > 0.0) {
            let name = if permanent > 0.0 { "temp_impact" } else { "perm_impact" };
            let must = "above 0 where the other impact is, or both 0";
            return Err(ScheduleError::Unsound { name, value: 0.0, must });
        }
        let period_days = f64::from(self.horizon_s) / 86_400.0 / f64::from(self.slices.max(1));
        let value = temporary - 0.5 * permanent * period_days;
        if permanent > 0.0 && value <= 0.0 {
            return Err(ScheduleError::NotConvex { value });
        }
        Ok(())
    }

    /// How parent orders are divided.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            algorithm: self.algorithm,
            horizon_s: self.horizon_s,
            slices: self.slices,
            participation: self.participation,
            risk_aversion: self.risk_aversion,
            permanent: self.perm_impact,
            temporary: self.temp_impact,
            least_lots: self.slice_from_lots,
        }
    }

    /// How fills teach.
    pub(crate) fn fill_terms(&self) -> Terms {
        Terms { forgetting: self.fill_forgetting, gain: self.fill_score_gain, after: self.correct_after }
    }

    /// How samples teach of the next mid.
    pub(crate) fn drift_terms(&self) -> Terms {
        Terms { forgetting: self.drift_forgetting, gain: self.drift_score_gain, after: self.drift_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impacts_are_given_both_or_neither_and_have_a_schedule() {
        let with =
            |perm_impact, temp_impact| CerebellumParams { perm_impact, temp_impact, ..Default::default() };
        assert_eq!(with(0.0, 0.0).check(), Ok(()));
        assert_eq!(with(1e-6, 1e-6).check(), Ok(()));
        assert!(with(1e-6, 0.0).check().expect_err("one").to_string().starts_with("temp_impact is 0"));
        assert!(with(0.0, 1e-6).check().expect_err("one").to_string().starts_with("perm_impact is 0"));
        assert!(matches!(with(1.0, 1e-6).check(), Err(ScheduleError::NotConvex { .. })));
    }
}
