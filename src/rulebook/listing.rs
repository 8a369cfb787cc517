//! The rules of a file as a list.

use comfy_table::{ContentArrangement, Table, presets};
use rules::{Rule, RuleSet};
use serde::Serialize;

/// A rule as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleRow {
    /// Its name, which is the code of its refusals.
    pub name: String,
    /// Whether it refuses.
    pub hard: bool,
    /// Whether a violation latches.
    pub latching: bool,
    /// How much it counts, where it is soft.
    pub weight: Option<f64>,
    /// The instruments it is for; all where there is none.
    pub instruments: Vec<String>,
    /// The account it is for; all where there is none.
    pub account: Option<String>,
    /// The first day it is in force.
    pub from: Option<String>,
    /// The last day it is in force.
    pub until: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// Why it refuses.
    pub reason: String,
    /// Its formula, as the file has it.
    pub formula: String,
}

impl RuleRow {
    fn of(rules: &RuleSet, rule: &Rule) -> Self {
        let name = |symbol| rules.name_of(symbol).unwrap_or_default().to_owned();
        let formula = rules.text().get(rule.formula.clone()).unwrap_or_default();
        Self {
            name: rule.name.clone(),
            hard: rule.is_hard(),
            latching: rule.latching,
            weight: (!rule.is_hard()).then_some(rule.weight),
            instruments: rule.instruments.iter().map(|symbol| name(*symbol)).collect(),
            account: rule.account.map(name),
            from: rule.from.map(|day| day.to_string()),
            until: rule.until.map(|day| day.to_string()),
            source: rule.source.clone(),
            reason: rule.reason.clone(),
            formula: formula.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    fn force(&self) -> String {
        match (self.hard, self.weight) {
            (true, _) if self.latching => "hard, latches".to_owned(),
            (true, _) => "hard".to_owned(),
            (false, weight) => format!("soft, weight {}", weight.unwrap_or_default()),
        }
    }

    fn scope(&self) -> String {
        let account = self.account.iter().map(|name| format!("account {name}"));
        let scope: Vec<String> = self.instruments.iter().cloned().chain(account).collect();
        if scope.is_empty() { "all".to_owned() } else { scope.join(", ") }
    }

    fn dates(&self) -> String {
        match (&self.from, &self.until) {
            (None, None) => "always".to_owned(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(until)) => format!("until {until}"),
            (Some(from), Some(until)) => format!("{from} to {until}"),
        }
    }
}

/// Every rule of a set, in the order of the file.
pub fn rows(rules: &RuleSet) -> Vec<RuleRow> {
    rules.rules().iter().map(|rule| RuleRow::of(rules, rule)).collect()
}

/// The same for people; of what is so for all of them nothing is told.
pub fn table(rows: &[RuleRow]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["rule", "force", "scope", "in force", "source", "reason"]);
    for row in rows {
        let (name, source, reason) = (row.name.clone(), row.source.clone(), row.reason.clone());
        table.add_row([name, row.force(), row.scope(), row.dates(), source, reason]);
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_force_scope_dates_and_where_it_comes_from() {
        let text = "hard rule small \"RTS 6 art. 15\" for instrument BTCUSD from 2026-01-01 latching\n    \
                    because \"too much\":\n    forall o in orders:\n        quantity(o) <= 3 units\n\
                    soft rule calm weight 2.5: forall o in orders: quantity(o) <= 2 units\n";
        let rules = RuleSet::compile("r.ltn", text).expect("sound");
        let rows = rows(&rules);
        let small = &rows[0];
        assert_eq!((small.force(), small.scope()), ("hard, latches".into(), "BTCUSD".into()));
        assert_eq!(small.dates(), "from 2026-01-01");
        assert_eq!((small.source.as_str(), small.reason.as_str()), ("RTS 6 art. 15", "too much"));
        assert_eq!(small.formula, "forall o in orders: quantity(o) <= 3 units");
        let calm = &rows[1];
        assert_eq!(
            (calm.force(), calm.scope(), calm.dates()),
            ("soft, weight 2.5".into(), "all".into(), "always".into())
        );
        let listed = table(&rows);
        assert!(listed.lines().count() == 3 && listed.contains("too much"), "{listed}");
    }
}
