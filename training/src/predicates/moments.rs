//! What a predicate learns from: the regular samples of one instrument.

use market::features::FeatureVector;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// What is known at one regular sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Its time, in nanoseconds of the epoch.
    pub time_ns: i64,
    /// Twice the mid (best bid + best ask), exact in the instrument's smallest unit.
    pub mid2: i64,
    /// Best ask less best bid, in the same unit.
    pub spread: i64,
    /// The features, as the brainstem makes them.
    pub features: FeatureVector,
}

/// The samples of one instrument, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// They.
    pub moments: Vec<Moment>,
}

impl Moments {
    /// Tests that every moment can be learnt from.
    ///
    /// # Errors
    /// The first that is out of order, without a mid, or crossed.
    pub fn check(&self) -> Result<(), TrainError> {
        for (at, moment) in self.moments.iter().enumerate() {
            let wrong = |why: String| Err(TrainError::Row { row: at, why });
            if at > 0 && moment.time_ns <= self.moments[at - 1].time_ns {
                let (time, before) = (moment.time_ns, self.moments[at - 1].time_ns);
                return wrong(format!("time {time} is not after {before}, that of the row before"));
            }
            if moment.mid2 <= 0 || moment.spread <= 0 {
                let Moment { mid2, spread, .. } = moment;
                return wrong(format!("twice the mid is {mid2}, the spread {spread}; both must be above 0"));
            }
        }
        Ok(())
    }

    /// The BLAKE3 hash of all moments, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for Moment { time_ns, mid2, spread, features } in &self.moments {
            [time_ns, mid2, spread].iter().for_each(|x| _ = hasher.update(&x.to_le_bytes()));
            for feature in features.0 {
                // an absent one has bits that no number has
                hasher.update(&feature.map_or(u32::MAX, f32::to_bits).to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What came in the `count` samples after a moment; `None` where one of them is missing.
    pub(super) fn after(&self, at: usize, count: usize, period_ns: i64) -> Option<&[Moment]> {
        let after = self.moments.get(at + 1..at + 1 + count)?;
        let last = self.moments[at].time_ns.checked_add(period_ns.checked_mul(count as i64)?)?;
        after.last().is_some_and(|moment| moment.time_ns == last).then_some(after)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use market::features::Feature;

    use super::*;

    const QUARTER_NS: i64 = 250_000_000;

    /// As many moments as the bundled session has, a mid that moves every hundredth one, flow in every other one.
    pub(crate) fn session(count: usize) -> Moments {
        let moment = |i: usize| {
            let mut features = FeatureVector::default();
            features[Feature::OrderFlowImbalance] = Some((i % 2) as f32);
            Moment {
                time_ns: 1_777_689_380_750_000_000 + i as i64 * QUARTER_NS,
                mid2: 1_000_000 + 4 * (i as i64 / 100),
                spread: 2,
                features,
            }
        };
        Moments { moments: (0..count).map(moment).collect() }
    }

    #[test]
    fn bad_moments_are_refused_by_name() {
        let refused = |spoil: fn(&mut Moment)| {
            let mut moments = session(200);
            spoil(&mut moments.moments[7]);
            moments.check().expect_err("refused").to_string()
        };
        assert!(refused(|m| m.time_ns = 0).contains("row 7: time 0 is not after"));
        assert!(refused(|m| m.mid2 = 0).contains("twice the mid is 0"));
        assert!(refused(|m| m.spread = -1).contains("the spread -1"));
    }
}
