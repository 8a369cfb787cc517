//! The examples of a rule file, and what came of them.

use rules::{ExampleOutcome, RuleSet};
use serde::Serialize;

use super::findings::counted;

/// What came of the examples of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// How many there are.
    pub examples: usize,
    /// Those that came out otherwise than they say.
    pub failing: Vec<Failing>,
    /// The rules that have none.
    pub without: Vec<String>,
}

/// An example that came out otherwise than it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// The rule that it is of.
    pub rule: String,
    /// What the row says of itself.
    pub note: String,
    /// The file that it stands in.
    pub file: String,
    /// The line it stands on.
    pub line: usize,
    /// The row as it is written, with its facts.
    pub row: String,
    /// What the row says: `pass` or `refuse`.
    pub expected: &'static str,
    /// What the rule does.
    pub actual: &'static str,
    /// The hard rules that refuse such an order.
    pub refused_by: Vec<String>,
}

/// Runs the examples of a file.
pub fn test(rules: &RuleSet) -> Tested {
    let outcomes = rules.run_examples();
    let failing = outcomes.iter().filter(|it| !it.is_kept());
    let has_none = |name: &&str| !outcomes.iter().any(|it| it.rule == **name);
    let names = rules.rules().iter().map(|rule| rule.name.as_str());
    Tested {
        examples: outcomes.len(),
        failing: failing.map(Failing::of).collect(),
        without: names.filter(has_none).map(str::to_owned).collect(),
    }
}

impl Failing {
    fn of(outcome: &ExampleOutcome) -> Self {
        let word = |passes| if passes { "pass" } else { "refuse" };
        Self {
            rule: outcome.rule.clone(),
            note: outcome.note.clone(),
            file: outcome.file.clone(),
            line: outcome.line,
            row: outcome.row.clone(),
            expected: word(outcome.expected),
            actual: word(outcome.passed),
            refused_by: outcome.refused_by.clone(),
        }
    }
}

impl Tested {
    /// In words: each failing row with its facts, and the counts.
    pub fn text(&self, name: &str) -> String {
        let mut text = String::new();
        for it in &self.failing {
            let by = match &it.refused_by[..] {
                [] => "no hard rule refuses it".to_owned(),
                all => format!("refused by {}", all.join(", ")),
            };
            text += &format!(
                "{}:{}: {}: expected {}, got {}: {}\n    ({by})\n",
                it.file, it.line, it.rule, it.expected, it.actual, it.row
            );
        }
        let kept = self.examples - self.failing.len();
        let examples = counted(self.examples, "example");
        text += &format!("{name}: {examples}: {kept} as they say, {} not\n", self.failing.len());
        if !self.without.is_empty() {
            text += &format!("without examples: {}\n", self.without.join(", "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "hard rule small: forall o in orders: quantity(o) <= 3 units\n\
                        soft rule calm: forall o in orders: quantity(o) <= 2 units\n\
                        examples for small:\n    pass: quantity = 3 units\n    refuse \"much\": side = sell,\n\
                        \x20       quantity = 2 units\n";

    #[test]
    fn what_comes_out_otherwise_is_told_with_its_facts() {
        let tested = test(&RuleSet::compile("r.ltn", TEXT).expect("sound"));
        assert_eq!((tested.examples, tested.failing.len()), (2, 1), "{tested:?}");
        let failing = &tested.failing[0];
        assert_eq!((failing.line, failing.expected, failing.actual), (5, "refuse", "pass"));
        assert_eq!(failing.row, "refuse \"much\": side = sell, quantity = 2 units");
        assert_eq!(tested.without, ["calm"]);
        let text = tested.text("r.ltn");
        assert!(text.contains("r.ltn:5: small: expected refuse, got pass"), "{text}");
        assert!(text.contains("2 examples: 1 as they say, 1 not"), "{text}");
    }
}
