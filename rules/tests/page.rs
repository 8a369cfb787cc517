//! `docs/rules.md`: its examples are rules, and its tables are what the code and the files declare.
//!
//! `JANUS_WRITE_REFERENCE=1 cargo test -p rules --test page` writes the tables anew.

use std::fmt::Write;

use rules::facts::facts_of;
use rules::vocabulary::{FactInfo, Type};
use rules::{Kind, RuleSet, RulesError, Sort, WindowFact};

fn path() -> std::path::PathBuf {
    support::root().join("docs/rules.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).unwrap_or_else(|e| panic!("{}: {e}", path().display()))
}

/// How the unit of a fact is told: that of a number, or the symbols it can be.
fn unit(kind: Type) -> String {
    match kind {
        Type::Number(unit) => match unit.symbol() {
            "" => "1".to_owned(),
            symbol => symbol.to_owned(),
        },
        Type::Date => "date".to_owned(),
        Type::Flag => "true, false".to_owned(),
        Type::Symbol(Kind::Name) => "name".to_owned(),
        Type::Symbol(kind) => kind.symbols().unwrap_or_default().join(", "),
        Type::Instrument => "instrument".to_owned(),
    }
}

fn range(info: &FactInfo) -> String {
    match (info.min.is_finite(), info.max.is_finite()) {
        (true, true) => format!("{:e} to {:e}", info.min, info.max).replace("e0", ""),
        _ => String::new(),
    }
}

fn row(text: &mut String, name: &str, info: &FactInfo) {
    _ = writeln!(text, "| `{name}` | {} | {} | {} |", unit(info.kind), range(info), info.meaning);
}

fn vocabulary() -> String {
    let mut text = String::new();
    for sort in Sort::ALL {
        let of = if sort.is_single() { "the" } else { "an" };
        _ = writeln!(text, "\n### Of {of} {}\n", sort.name());
        text.push_str("| fact | unit or values | range | meaning |\n|---|---|---|---|\n");
        for info in facts_of(sort) {
            row(&mut text, info.name, info);
        }
        if sort == Sort::Instrument {
            for fact in WindowFact::ALL {
                row(&mut text, &format!("{}(i, w)", fact.info().name), &fact.info());
            }
        }
    }
    text.push('\n');
    text
}

fn codes() -> String {
    let mut text = String::from("\n| code | file | source | meaning |\n|---|---|---|---|\n");
    for name in ["compliance.ltn", "luld.ltn"] {
        let file = support::root().join("config").join(name);
        let source = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let rules = RuleSet::compile(name, &source).unwrap_or_else(|e| panic!("{e}"));
        for rule in rules.rules().iter().filter(|rule| rule.is_hard()) {
            let latches = if rule.latching { "; latches" } else { "" };
            _ = writeln!(text, "| `{}` | {name} | {} | {}{latches} |", rule.name, rule.source, rule.reason);
        }
    }
    text.push('\n');
    text
}

/// The page with the text between a mark and the next end replaced.
fn replaced(page: &str, mark: &str, text: &str) -> String {
    let start = page.find(mark).map(|at| at + mark.len()).unwrap_or_else(|| panic!("no {mark}"));
    let end = page[start..]
        .find("<!-- end -->")
        .map(|at| at + start)
        .unwrap_or_else(|| panic!("{mark} has no end"));
    format!("{}{text}{}", &page[..start], &page[end..])
}

#[test]
fn the_tables_are_what_is_declared() {
    let written = page();
    let generated = replaced(&written, "<!-- vocabulary -->\n", &vocabulary());
    let generated = replaced(&generated, "<!-- codes -->\n", &codes());
    if std::env::var_os("JANUS_WRITE_REFERENCE").is_some() {
        std::fs::write(path(), &generated).expect("docs/rules.md");
        return;
    }
    assert!(written == generated, "docs/rules.md is not what is declared; see rules/tests/page.rs");
}

#[test]
fn the_twenty_examples_are_rules() {
    let page = page();
    let examples: Vec<&str> =
        page.split("```ltn\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(rest)).collect();
    assert_eq!(examples.len(), 20);
    for text in examples {
        let rules = RuleSet::compile("docs/rules.md", text)
            .unwrap_or_else(|RulesError::Invalid(report)| panic!("{}", report.render()));
        let broken: Vec<String> =
            rules.run_examples().iter().filter(|o| !o.is_kept()).map(ToString::to_string).collect();
        assert!(broken.is_empty() && !rules.rules().is_empty(), "{text}\n{broken:?}");
    }
}
