//! How a parent order is divided over time, as data: what is due of it, and nothing else.

use market::Quantity;
use market::num::SCALE;
use serde::{Deserialize, Serialize};

/// The schedule of a parent order, from its start on. It names no price and no style.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Plan {
    /// So much by the clock: slice by slice, the first at the start.
    Trajectory {
        /// From one slice to the next, at least 1.
        period_ns: i64,
        /// What is due with each slice and those before it, in whole lots, never falling; the last is all.
        cumulative: Vec<Quantity>,
    },
    /// A share of what others trade, and the rest at the end.
    Participation {
        /// The share, in (0, 1].
        rate: f64,
        /// When all is due, from the start.
        end_ns: i64,
    },
}

impl Plan {
    /// How much of `total` is due in all, `elapsed_ns` after the start, when `volume` was traded since
    /// then by the market.
    ///
    /// It is in whole lots, except for a total that is not; it is never more than `total`, it does not
    /// fall as time passes and volume comes, and at the end it is `total`, whatever the plan was made for.
    /// What is not a plan (no slice, a rate that is no share) has everything due at once, so that nothing
    /// waits for ever; a volume that is not a number is none.
    #[must_use]
    pub fn due(&self, total: Quantity, elapsed_ns: i64, volume: f64, lot: Quantity) -> Quantity {
        if !total.is_positive() {
            return Quantity::ZERO;
        }
        if elapsed_ns >= self.end_ns() {
            return total;
        }
        let due = match self {
            _ if elapsed_ns < 0 => Quantity::ZERO,
            Self::Trajectory { period_ns, cumulative } => {
                let slice = usize::try_from(elapsed_ns / (*period_ns).max(1)).unwrap_or(usize::MAX);
                cumulative.get(slice).copied().unwrap_or(total)
            }
            // a float becomes the nearest whole number that there is, and NaN none
            Self::Participation { rate, .. } => {
                Quantity::from_units((rate * volume.max(0.0) * SCALE as f64) as i64)
            }
        };
        due.floor_to(lot).max(Quantity::ZERO).min(total)
    }

    /// When all is due, from the start.
    #[must_use]
    pub fn end_ns(&self) -> i64 {
        match self {
            Self::Trajectory { period_ns, cumulative } => {
                let last = i64::try_from(cumulative.len().saturating_sub(1)).unwrap_or(i64::MAX);
                (*period_ns).max(1).saturating_mul(last)
            }
            Self::Participation { rate, end_ns } if *rate > 0.0 && *rate <= 1.0 => *end_ns,
            Self::Participation { .. } => i64::MIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOT: Quantity = Quantity::from_units(1_000_000);

    fn lots(count: i64) -> Quantity {
        Quantity::from_units(count * LOT.units())
    }

    fn trajectory() -> Plan {
        Plan::Trajectory { period_ns: 10, cumulative: [5, 8, 10].map(lots).to_vec() }
    }

    #[test]
    fn a_trajectory_is_due_slice_by_slice() {
        let due = |elapsed| trajectory().due(lots(10), elapsed, 0.0, LOT);
        let seen = [-1, 0, 9, 10, 19, 20, i64::MAX].map(due);
        assert_eq!(seen, [0, 5, 5, 8, 8, 10, 10].map(lots));
        assert_eq!(trajectory().end_ns(), 20);
    }

    #[test]
    fn another_total_than_planned_is_neither_passed_nor_missed() {
        assert_eq!(trajectory().due(lots(7), 10, 0.0, LOT), lots(7));
        assert_eq!(trajectory().due(lots(12), 19, 0.0, LOT), lots(8));
        assert_eq!(trajectory().due(lots(12), 20, 0.0, LOT), lots(12));
        assert_eq!(trajectory().due(-lots(3), 20, 0.0, LOT), Quantity::ZERO);
    }

    #[test]
    fn participation_follows_the_volume_and_ends() {
        let plan = Plan::Participation { rate: 0.25, end_ns: 100 };
        // a lot is 0.001: a quarter of 0.0239 is 5 lots and some
        for (elapsed, volume, due) in [
            (0, 0.0, 0),
            (50, 0.0239, 5),
            (50, 1e30, 10),
            (50, f64::NAN, 0),
            (50, -3.0, 0),
            (99, 0.0, 0),
            (100, 0.0, 10),
        ] {
            assert_eq!(plan.due(lots(10), elapsed, volume, LOT), lots(due), "{elapsed} {volume}");
        }
    }

    #[test]
    fn what_is_no_plan_holds_nothing_back() {
        let empty = Plan::Trajectory { period_ns: 0, cumulative: Vec::new() };
        assert_eq!(empty.due(lots(3), 0, 0.0, LOT), lots(3));
        for rate in [0.0, -1.0, 1.5, f64::NAN] {
            let plan = Plan::Participation { rate, end_ns: 100 };
            assert_eq!(plan.due(lots(3), 0, 0.0, LOT), lots(3), "{rate}");
        }
    }

    fn plans() -> impl Strategy<Value = Plan> {
        let slices = prop::collection::vec(0i64..1_000_000, 1..20);
        let trajectory = (1i64..1_000, slices).prop_map(|(period_ns, slices)| {
            let mut sum = 0;
            let cumulative = slices.iter().map(|slice| {
                sum += slice;
                lots(sum)
            });
            Plan::Trajectory { period_ns, cumulative: cumulative.collect() }
        });
        let participation =
            (1e-6f64..=1.0, 0i64..1_000).prop_map(|(rate, end_ns)| Plan::Participation { rate, end_ns });
        prop_oneof![trajectory, participation]
    }

    proptest! {
        #[test]
        fn what_is_due_never_falls_nor_passes_the_total(
            plan in plans(),
            total in 1i64..10_000_000,
            mut moments in prop::collection::vec((0i64..30_000, 0.0f64..1e6), 1..40),
        ) {
            let total = lots(total);
            moments.sort_by_key(|(elapsed, _)| *elapsed);
            let (mut volume, mut before) = (0.0, Quantity::ZERO);
            for (elapsed, more) in moments {
                volume += more;
                let due = plan.due(total, elapsed, volume, LOT);
                prop_assert!(due >= before && due <= total);
                prop_assert_eq!(due.units() % LOT.units(), 0);
                before = due;
            }
            prop_assert_eq!(plan.due(total, plan.end_ns(), 0.0, LOT), total);
        }
    }
}
