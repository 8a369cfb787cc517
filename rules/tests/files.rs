//! The files of rules that ship, and what their examples are worth.

use rules::{ExampleOutcome, Judgement, Report, RuleSet, RulesError, joined};
use support::root;

fn shipped(name: &str) -> RuleSet {
    let path = root().join("config").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    RuleSet::compile(name, &text).unwrap_or_else(|RulesError::Invalid(report)| panic!("{}", report.render()))
}

fn told(report: &Report) -> String {
    report.render()
}

#[test]
fn every_example_that_ships_comes_out_as_it_says() {
    for name in ["compliance.ltn", "luld.ltn"] {
        let outcomes = shipped(name).run_examples();
        let broken: Vec<String> = outcomes.iter().filter(|o| !o.is_kept()).map(ToString::to_string).collect();
        assert!(broken.is_empty(), "{name}:\n{}", broken.join("\n"));
        assert!(outcomes.len() > 30, "{name}: {} examples", outcomes.len());
    }
}

fn both() -> String {
    joined(&["compliance.ltn", "luld.ltn"].map(|name| (name, shipped(name).text().to_owned())))
}

#[test]
fn the_files_that_ship_are_one_set_that_enforces_every_limit() {
    let set = RuleSet::compile("both", &both()).expect("sound");
    assert!(set.check().diagnostics.is_empty(), "{}", told(&set.check()));
    let rules = ["compliance.ltn", "luld.ltn"].map(|name| shipped(name).rules().len());
    assert_eq!(set.rules().len(), rules[0] + rules[1]);
    assert!(set.run_examples().iter().all(ExampleOutcome::is_kept));
    // what is not known of a market hides no gap
    let without = set.without("capital").expect("a rule of that name").check();
    assert!(told(&without).contains("the capital limit is not enforced"), "{}", told(&without));
}

#[test]
fn what_is_wrong_in_one_of_several_files_is_told_in_that_file() {
    let files = [
        ("a.ltn", "# first\nhard rule same: drawdown < 5 %\n"),
        ("b.ltn", "\nhard rule same: drawdown < 6 %\n"),
    ];
    let Err(RulesError::Invalid(report)) = RuleSet::compile("a.ltn, b.ltn", &joined(&files)) else {
        panic!("two rules have one name");
    };
    assert!(report.to_string().starts_with("b.ltn:2:11: error: "), "{report}");
    assert!(
        told(&report).contains("a.ltn:2:11") && told(&report).contains("b.ltn:2:11"),
        "{}",
        told(&report)
    );
    let table = joined(&[
        ("a.ltn", "hard rule low: drawdown < 5 %\n"),
        ("b.ltn", "\nexamples for low:\n    pass: drawdown =\n 6 %"),
    ]);
    let outcome = RuleSet::compile("both", &table).expect("sound").run_examples().remove(0);
    assert_eq!(
        (outcome.file.as_str(), outcome.line, outcome.row.as_str()),
        ("b.ltn", 3, "pass: drawdown = 6 %")
    );
    let gap = RuleSet::compile("both", &table).expect("sound").check();
    assert!(gap.to_string().starts_with("both:1:1: error: the order size limit"), "{gap}");
}

#[test]
fn nothing_is_odd_about_the_files_that_ship() {
    let compliance = shipped("compliance.ltn").check();
    assert!(compliance.diagnostics.is_empty(), "{}", told(&compliance));
    let bands = shipped("luld.ltn").warnings();
    assert!(bands.diagnostics.is_empty(), "{}", told(&bands));
}

#[test]
fn the_configured_limits_come_first_by_their_public_names() {
    let rules = shipped("compliance.ltn");
    let names: Vec<&str> = rules.rules().iter().take(7).map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["order_size", "position", "notional", "capital", "collar", "rate", "duplicate"]);
    assert!(rules.rules()[..7].iter().all(|rule| rule.is_hard() && !rule.latching));
}

#[test]
fn a_calm_harmless_order_passes_every_rule_that_ships() {
    for name in ["compliance.ltn", "luld.ltn"] {
        let rules = shipped(name);
        let mut judgement = Judgement::default();
        rules.judge(&rules.example_world(), &mut judgement);
        let refusing: Vec<&str> =
            judgement.refusals(&rules).map(|v| rules.rule(v.rule).name.as_str()).collect();
        assert!(refusing.is_empty(), "{name}: {refusing:?}");
    }
}

/// Whether the table of a rule shows that nothing but the rule refuses what it refuses.
fn fails_without(rules: &RuleSet, name: &str) -> bool {
    let without = rules.without(name).expect("a rule of that name");
    without.run_examples().iter().any(|outcome| outcome.rule == name && !outcome.is_kept())
}

#[test]
fn an_example_fails_when_any_hard_rule_is_removed() {
    for name in ["compliance.ltn", "luld.ltn"] {
        let rules = shipped(name);
        let hard = rules.rules().iter().filter(|rule| rule.is_hard());
        let idle: Vec<&str> =
            hard.map(|r| r.name.as_str()).filter(|name| !fails_without(&rules, name)).collect();
        assert!(idle.is_empty(), "{name}: no example misses {idle:?}");
    }
}

#[test]
fn a_set_without_a_configured_limit_is_refused() {
    let rules = shipped("compliance.ltn");
    for (name, told) in [
        ("order_size", "the order size limit is not enforced"),
        ("position", "the position limit is not enforced"),
        ("notional", "the notional limit is not enforced"),
        ("capital", "the capital limit is not enforced"),
        ("collar", "the collar is not enforced"),
        ("rate", "the rate limit is not enforced"),
        ("duplicate", "the duplicate limit is not enforced"),
    ] {
        let report = rules.without(name).expect("a rule of that name").check();
        let errors: Vec<&str> =
            report.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect();
        assert!(matches!(errors[..], [error] if error.starts_with(told)), "{name}: {errors:?}");
    }
}

#[test]
fn every_rule_that_ships_has_a_source_a_reason_and_an_example() {
    for name in ["compliance.ltn", "luld.ltn"] {
        let rules = shipped(name);
        let outcomes = rules.run_examples();
        for rule in rules.rules() {
            assert!(!rule.source.is_empty() && !rule.reason.is_empty(), "{name}: {}", rule.name);
            assert!(outcomes.iter().any(|o| o.rule == rule.name && !o.expected), "{name}: {}", rule.name);
            assert!(outcomes.iter().any(|o| o.rule == rule.name && o.expected), "{name}: {}", rule.name);
        }
    }
}
