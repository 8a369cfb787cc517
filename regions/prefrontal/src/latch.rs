//! The latch (G5): while it is set only cancels and reductions pass.

use market::Timestamp;
use serde::{Deserialize, Serialize};
use synapse::{CommandKind, LatchCause, Threat, ThreatLevel};

/// The latch's state: folded from verdicts and sequenced inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    cause: Option<LatchCause>,
    calm_since: Option<Timestamp>,
    /// The cause of a trip whose restart has not come: until it does, the latch is set.
    restart_pending: Option<LatchCause>,
}

impl Latch {
    /// Why it is set, if it is.
    pub const fn cause(&self) -> Option<LatchCause> {
        match self.cause {
            Some(cause) => Some(cause),
            None => self.restart_pending,
        }
    }

    /// Folds what the amygdala says of a regular sample; true where its trip sets the latch now.
    ///
    /// A trip while a restart is pending adds none. After `rearm_after_ns` of calm an amygdala's
    /// latch clears itself; 0 turns that rule off.
    pub fn appraise(&mut self, threat: &Threat, time: Timestamp, rearm_after_ns: i64) -> bool {
        if let Some(signal) = threat.tripped_by.filter(|_| threat.trip_begins) {
            self.calm_since = None;
            // an operator's latch is stronger: it is not to clear itself
            let cause = LatchCause::Amygdala(signal);
            self.cause = self.cause.or(Some(cause));
            return self.restart_pending.replace(cause).is_none();
        }
        if threat.level != ThreatLevel::Calm {
            self.calm_since = None;
            return false;
        }
        let since = *self.calm_since.get_or_insert(time);
        let rested = rearm_after_ns > 0 && time.since(since) >= rearm_after_ns;
        if rested && self.restart_pending.is_none() && matches!(self.cause, Some(LatchCause::Amygdala(_))) {
            self.cause = None;
        }
        false
    }

    /// Folds an operator's command.
    pub fn command(&mut self, kind: CommandKind) {
        self.cause = match kind {
            CommandKind::Halt | CommandKind::Flatten => Some(LatchCause::Operator),
            CommandKind::Arm => None,
        };
    }

    /// Sets it for a cause other than a trip. It is stronger than a trip's, which may clear itself.
    pub fn set(&mut self, cause: LatchCause) {
        let stronger = self.cause.filter(|before| !matches!(before, LatchCause::Amygdala(_)));
        self.cause = stronger.or(Some(cause));
    }

    /// Folds the protective restart.
    pub fn restarted(&mut self) {
        self.restart_pending = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use synapse::Signal;

    fn threat(level: ThreatLevel, trip_begins: bool) -> Threat {
        let tripped_by = (level == ThreatLevel::Tripped).then_some(Signal::Spread);
        Threat { level, tripped_by, trip_begins, ..scenes::threat() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_ns(second * 1_000_000_000)
    }

    const REARM_NS: i64 = 60_000_000_000;

    #[test]
    fn a_trip_latches_until_calm_has_lasted() {
        let mut latch = Latch::default();
        assert!(latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), REARM_NS));
        assert!(
            !latch.appraise(&threat(ThreatLevel::Tripped, true), at(1), REARM_NS),
            "a restart is pending"
        );
        latch.restarted();
        for second in 2..62 {
            latch.appraise(&threat(ThreatLevel::Calm, false), at(second), REARM_NS);
            assert!(latch.cause().is_some(), "second {second}");
        }
        latch.appraise(&threat(ThreatLevel::Calm, false), at(62), REARM_NS);
        assert_eq!(latch.cause(), None);
    }

    #[test]
    fn wariness_restarts_the_calm() {
        let mut latch = Latch::default();
        latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), REARM_NS);
        latch.restarted();
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1), REARM_NS);
        latch.appraise(&threat(ThreatLevel::Wary, false), at(50), REARM_NS);
        latch.appraise(&threat(ThreatLevel::Calm, false), at(70), REARM_NS);
        assert!(latch.cause().is_some());
    }

    #[test]
    fn only_an_operator_clears_an_operators_latch() {
        let mut latch = Latch::default();
        latch.command(CommandKind::Halt);
        latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), REARM_NS);
        latch.restarted();
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1), REARM_NS);
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1000), REARM_NS);
        assert_eq!(latch.cause(), Some(LatchCause::Operator));
        latch.command(CommandKind::Arm);
        assert_eq!(latch.cause(), None);
    }

    #[test]
    fn what_others_conclude_during_a_trip_outlasts_its_calm() {
        let mut latch = Latch::default();
        latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), REARM_NS);
        latch.set(LatchCause::Reconciliation);
        latch.set(LatchCause::Faults);
        latch.restarted();
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1), REARM_NS);
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1000), REARM_NS);
        assert_eq!(latch.cause(), Some(LatchCause::Reconciliation));
    }

    #[test]
    fn an_arm_before_the_restart_waits_for_it() {
        let mut latch = Latch::default();
        latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), 0);
        latch.command(CommandKind::Arm);
        assert!(latch.cause().is_some());
        latch.restarted();
        assert_eq!(latch.cause(), None);
    }

    #[test]
    fn without_the_rule_it_stays() {
        let mut latch = Latch::default();
        latch.appraise(&threat(ThreatLevel::Tripped, true), at(0), 0);
        latch.restarted();
        latch.appraise(&threat(ThreatLevel::Calm, false), at(1), 0);
        latch.appraise(&threat(ThreatLevel::Calm, false), at(100_000), 0);
        assert_eq!(latch.cause(), Some(LatchCause::Amygdala(Signal::Spread)));
    }
}
