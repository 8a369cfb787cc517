//! What a checked file may still get wrong: rules against each other, and rules against the limits.

pub(crate) mod form;
mod probes;

use crate::diagnostic::Report;
use crate::rule_set::RuleSet;

impl RuleSet {
    /// Everything odd about a file that compiles: contradictions and shadowed rules as warnings, limits
    /// that it does not enforce as errors.
    ///
    /// A file that stands beside another one, such as that of the exchange's bands, enforces no limits
    /// and is asked for its [`RuleSet::warnings`] only.
    #[must_use]
    pub fn check(&self) -> Report {
        let mut report = self.warnings();
        report.diagnostics.extend(self.probe());
        report
    }
}
