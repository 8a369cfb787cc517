//! What a run has exercised.

use std::collections::BTreeMap;

use market::order::{ReportKind, Request};
use synapse::{NoticeKind, Outcome, Verdict};

/// How often what happened.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Orders that came before the court.
    pub judged: u64,
    /// Those that left, replacements included.
    pub approved: u64,
    /// Of those, children of a parent.
    pub children: u64,
    /// Things that a venue or ledger must not say, each of which was a fault.
    pub faults: u64,
    /// Notices, by kind.
    pub notices: BTreeMap<&'static str, u64>,
    /// Refusals, by rule: whenever it was broken, first or not.
    pub refusals: BTreeMap<String, u64>,
    /// Samples that ended without an order, by reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// Counts what became of a sample.
    pub fn count(&mut self, verdict: &Verdict) {
        self.judged += u64::from(!verdict.rules.is_empty());
        for rule in verdict.rules.iter().filter(|rule| rule.is_hard && !rule.passed) {
            *self.refusals.entry(rule.rule.as_str().to_owned()).or_default() += 1;
        }
        match &verdict.outcome {
            Outcome::Act(requests) => {
                let left = requests.iter().filter(|it| !matches!(it, Request::Cancel(_))).count() as u64;
                self.approved += left;
                self.children += if verdict.parent.is_some() { left } else { 0 };
            }
            Outcome::Rest(reason) => *self.reasons.entry(reason.name()).or_default() += 1,
        }
    }
}

/// The name of what was told.
pub const fn name(kind: &NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Report(report) => match report.kind {
            ReportKind::Accepted => "accepted",
            ReportKind::Rejected(_) => "rejected",
            ReportKind::Filled(_) => "filled",
            ReportKind::Cancelled { .. } => "cancelled",
            ReportKind::Expired { .. } => "expired",
            ReportKind::Replaced { .. } => "replaced",
            ReportKind::CancelRejected(_) => "cancel rejected",
            ReportKind::ReplaceRejected(_) => "replace rejected",
        },
        NoticeKind::Command(_) => "command",
        NoticeKind::Restarted => "restarted",
        NoticeKind::Lapsed(_) => "lapsed",
        NoticeKind::CancelSent(_) => "cancel sent",
        NoticeKind::EndOfStream => "end of stream",
        NoticeKind::Latch(_) => "latch",
        NoticeKind::Quarantine { .. } => "quarantine",
        NoticeKind::Activate { .. } => "activate",
        NoticeKind::Slept { .. } => "slept",
        NoticeKind::News { .. } => "news",
    }
}
