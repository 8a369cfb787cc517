//! Losses: drawdown from the peak and cumulative loss from the start (9.5).

use serde::{Deserialize, Serialize};

use crate::counter::Reading;

/// Where equity began, its peak and its deepest drawdown since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    start: Option<f64>,
    last: f64,
    peak: f64,
    deepest: f64,
}

/// What one mark of equity says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawdownReading {
    /// (peak − equity)/peak against its limit; the peak includes the start.
    pub from_peak: Reading,
    /// The loss since the start as a fraction of it, 0 where there is none. Never above the drawdown,
    /// so under one limit it cannot be the first to trip.
    pub from_start: f64,
}

impl Drawdown {
    /// The deepest drawdown so far, a fraction of the peak before it.
    #[must_use]
    pub fn deepest(&self) -> f64 {
        self.deepest
    }

    /// Takes the loss for given: the peak is where equity is now. Without it a drawdown beyond the
    /// limit, and flat, could never end.
    pub fn accept(&mut self) {
        self.peak = self.last;
    }

    /// Takes the next mark of equity in; the first is the start. A mark that is not finite, or a
    /// start that is not positive (there is no fraction of it), changes nothing, and its reading is
    /// NaN.
    pub fn observe(&mut self, equity: f64, limit: f64) -> DrawdownReading {
        let start = self.start.unwrap_or(equity);
        if !equity.is_finite() || start <= 0.0 {
            let from_peak = Reading { value: f64::NAN, limit: Some(limit) };
            return DrawdownReading { from_peak, from_start: f64::NAN };
        }
        self.start = Some(start);
        self.last = equity;
        self.peak = self.peak.max(equity);
        let from_peak = (self.peak - equity) / self.peak;
        self.deepest = self.deepest.max(from_peak);
        DrawdownReading {
            from_peak: Reading { value: from_peak, limit: Some(limit) },
            from_start: ((start - equity) / start).max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    #[test]
    fn a_loss_that_is_taken_for_given_is_counted_no_more() {
        let mut drawdown = Drawdown::default();
        drawdown.observe(100.0, 0.05);
        assert!(drawdown.observe(90.0, 0.05).from_peak.exceeded());
        drawdown.accept();
        assert!(!drawdown.observe(90.0, 0.05).from_peak.exceeded());
        assert!(drawdown.observe(85.0, 0.05).from_peak.exceeded(), "a new loss counts from there");
    }

    #[test]
    fn golden_drawdown() {
        for case in golden::cases("16_").iter().filter(|c| c.inputs.get("equity").is_some()) {
            let mut drawdown = Drawdown::default();
            let limit = case.number("L_max");
            let marks = case.input("equity");
            let readings: Vec<DrawdownReading> =
                marks.iter().map(|&equity| drawdown.observe(equity, limit)).collect();
            let of = |f: fn(&DrawdownReading) -> f64| readings.iter().map(f).collect::<Vec<_>>();
            case.check("drawdown", &of(|r| r.from_peak.value));
            case.check("cumulative_loss_from_start", &of(|r| r.from_start));
            case.check("trip", &of(|r| f64::from(u8::from(r.from_peak.exceeded()))));
            case.check("max_drawdown", &[drawdown.deepest()]);
            let first = readings.iter().position(|r| r.from_peak.exceeded());
            let want = case.expected["first_trip"].as_u64().map(|index| index as usize);
            assert_eq!(first, want, "{}: first trip", case.name);
        }
    }

    #[test]
    fn without_a_positive_start_every_mark_is_danger() {
        let mut drawdown = Drawdown::default();
        for equity in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(drawdown.observe(equity, 0.05).from_peak.exceeded());
            assert_eq!(drawdown, Drawdown::default());
        }
        assert!(!drawdown.observe(100.0, 0.05).from_peak.exceeded());
        assert!(drawdown.observe(f64::NAN, 0.05).from_peak.exceeded());
        assert!(drawdown.observe(-50.0, 0.05).from_peak.exceeded());
    }

    proptest! {
        #[test]
        fn the_loss_is_never_above_the_drawdown(
            marks in prop::collection::vec(0.01..1e6f64, 1..100),
        ) {
            let mut drawdown = Drawdown::default();
            for (t, &equity) in marks.iter().enumerate() {
                let reading = drawdown.observe(equity, 0.1);
                let peak = marks[..=t].iter().copied().fold(f64::MIN, f64::max);
                prop_assert_eq!(reading.from_peak.value, (peak - equity) / peak);
                prop_assert!(reading.from_start <= reading.from_peak.value);
                prop_assert!(drawdown.deepest() >= reading.from_peak.value);
                prop_assert!(drawdown.deepest() < 1.0);
            }
        }
    }
}
