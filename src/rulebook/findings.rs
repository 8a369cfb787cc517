//! What a checker has found in a rule file, for machines.

use rules::Report;
use serde::Serialize;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The file that it is in.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

/// Everything in a report, in its order.
pub fn findings(report: &Report) -> Vec<Finding> {
    let of = |found: &rules::Diagnostic| {
        let (line, column) = report.position(found.span.start);
        let severity = if found.is_error() { "error" } else { "warning" };
        let file = report.file_of(found.span.start).to_owned();
        Finding { severity, file, line, column, message: found.message.clone(), help: found.help.clone() }
    };
    report.diagnostics.iter().map(of).collect()
}

/// So many of something, in words.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::{RuleSet, RulesError};

    #[test]
    fn what_is_found_has_its_place() {
        let text = "hard rule small:\n    forall o in orders: quantity(o) <= 3 s\n";
        let Err(RulesError::Invalid(report)) = RuleSet::compile("r.ltn", text) else {
            panic!("seconds are no quantity");
        };
        let found = findings(&report);
        assert_eq!((found.len(), found[0].severity, found[0].line), (1, "error", 2), "{found:?}");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "rule")), ["0 rules", "1 rule", "2 rules"]);
    }
}
