//! How true each part of each rule is in one moment.

use rules::{Judgement, Kleene, RuleId, RuleSet, Tree, Truths, World};
use serde_json::{Value, json};

/// The rules of a set in the light of one moment.
#[derive(Debug)]
pub struct Explained {
    rules: Vec<Rule>,
}

/// A rule, and what it comes to.
#[derive(Debug)]
struct Rule {
    name: String,
    source: String,
    reason: String,
    is_hard: bool,
    /// None where it says nothing of this order: outside its dates, or of another instrument or account.
    passed: Option<bool>,
    tree: Tree,
}

/// Explains every rule of a set, or these.
pub fn explain(rules: &RuleSet, only: Option<RuleId>, world: &World) -> Explained {
    let mut judgement = Judgement::default();
    rules.judge(world, &mut judgement);
    let one = |id: RuleId| {
        let rule = rules.rule(id);
        Rule {
            name: rule.name.clone(),
            source: rule.source.clone(),
            reason: rule.reason.clone(),
            is_hard: rule.is_hard(),
            passed: judgement.verdicts.iter().find(|told| told.rule == id).map(|told| told.passed),
            tree: rules.explain(id, world),
        }
    };
    Explained { rules: rules.ids().filter(|id| only.is_none_or(|it| it == *id)).map(one).collect() }
}

impl Rule {
    fn verdict(&self) -> &'static str {
        match (self.passed, self.is_hard) {
            (None, _) => "not in force",
            (Some(true), true) => "passes",
            (Some(false), true) => "refuses",
            (Some(true), false) => "kept",
            (Some(false), false) => "not kept",
        }
    }

    fn text(&self) -> String {
        let force = if self.is_hard { "hard" } else { "soft" };
        let source = if self.source.is_empty() { String::new() } else { format!(", {}", self.source) };
        let reason = match self.passed {
            Some(false) if !self.reason.is_empty() => format!(": {}", self.reason),
            _ => String::new(),
        };
        format!("{} ({force}{source}) {}{reason}\n{}", self.name, self.verdict(), indented(&self.tree))
    }

    fn json(&self) -> Value {
        json!({
            "rule": self.name, "hard": self.is_hard, "source": self.source, "verdict": self.verdict(),
            "passed": self.passed, "tree": json(&self.tree),
        })
    }
}

impl Explained {
    /// The hard rules that refuse.
    pub fn refusing(&self) -> Vec<&str> {
        let refuses = |rule: &&Rule| rule.is_hard && rule.passed == Some(false);
        self.rules.iter().filter(refuses).map(|rule| rule.name.as_str()).collect()
    }

    /// Each rule with its tree: crisp truth, truth in product logic, truth in Łukasiewicz' logic, what is so true.
    pub fn text(&self) -> String {
        let rules: Vec<String> = self.rules.iter().map(Rule::text).collect();
        format!("  crisp   product Łukasiewicz\n{}", rules.join("\n"))
    }

    /// The same for machines.
    pub fn json(&self) -> Value {
        self.rules.iter().map(Rule::json).collect()
    }
}

fn indented(tree: &Tree) -> String {
    tree.to_string().lines().map(|line| format!("  {line}\n")).collect()
}

fn json(tree: &Tree) -> Value {
    let Truths { crisp, product, lukasiewicz } = tree.truths;
    let crisp = match crisp {
        Kleene::True => Some(true),
        Kleene::False => Some(false),
        Kleene::Unknown => None,
    };
    let numbers = tree.numbers.map(|of| {
        let known = |number: f64| number.is_finite().then_some(number);
        json!({
            "value": known(of.value), "relation": of.relation.symbol(), "bound": known(of.bound),
            "unit": of.unit.symbol(),
        })
    });
    json!({
        "text": tree.text, "crisp": crisp, "product": product, "lukasiewicz": lukasiewicz, "numbers": numbers,
        "parts": tree.parts.iter().map(json).collect::<Vec<_>>(),
    })
}
