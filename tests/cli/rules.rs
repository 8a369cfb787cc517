//! The rules that orders are held to, read, tested, explained and compared.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::{Run, run, write};

const SHIPPED: &str = include_str!("../../config/compliance.ltn");
/// A rule that no order of the demo keeps.
const TIGHT: &str = "\nhard rule tight \"the house\" because \"a test\":\n    \
                     forall o in orders: quantity(o) <= 0.00001 units\n";

/// A rule that says nothing of collars.
const LARGE: &str = "hard rule large: forall o in orders: quantity(o) <= 5_000_000 units\n";

/// A tape of the demo, made once.
static TAPE: LazyLock<String> = LazyLock::new(|| {
    let dir = crate::SCRATCH.join("rules").display().to_string();
    let demo = run(&["demo", "--json", "--journal", &dir]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    dir
});

fn rules(args: &[&str]) -> Run {
    run(&[&["rules"], args].concat())
}

fn tape(args: &[&str]) -> Run {
    rules(&[args, &["--journal", &*TAPE]].concat())
}

/// The rules that ship, and these.
fn with(folder: &Path, more: &str) -> String {
    write(folder, "more.ltn", format!("{SHIPPED}{more}"))
}

fn names(of: &Value) -> Vec<&str> {
    of.as_array().expect("a list").iter().map(|it| it.as_str().expect("a name")).collect()
}

/// The number of a list.
fn count(of: &Value) -> usize {
    of.as_array().unwrap_or_else(|| panic!("no list: {of}")).len()
}

#[test]
fn what_ships_stands_and_its_examples_come_out_as_they_say() {
    let check = rules(&["check", "--json"]);
    assert_eq!((check.code, &check.json()["verdict"]), (0, &"ok".into()), "{}", check.stderr);
    assert!(check.json()["hard"].as_u64() >= Some(7), "a rule for each limit: {}", check.json());
    let test = rules(&["test", "--json"]);
    assert_eq!((test.code, count(&test.json()["tested"]["failing"])), (0, 0), "{}", test.stderr);
    assert!(test.json()["tested"]["examples"].as_u64() >= Some(20), "{}", test.json());
    let all = rules(&["show", "--json"]).json();
    assert_eq!(Some(count(&all["rules"]) as u64), check.json()["rules"].as_u64());
    let listed = rules(&["show"]);
    for limit in ["order_size", "position", "notional", "capital", "collar", "rate", "duplicate"] {
        assert!(listed.stdout.contains(limit), "{limit}: {}", listed.stdout);
    }
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("hard rule tight: forall o in orders: quantity(o) <= 3 s", "seconds"),
        ("hard rule tight: forall o in orders: quantty(o) <= 3 units", "quantity"),
        ("hard rule tight: forall o in orders quantity(o) <= 3 units", "expected"),
    ];
    for (rule, words) in cases {
        let file = with(folder.path(), &format!("\n{rule}\n"));
        let check = rules(&["check", "--json", &file]);
        check.fails(2, &["more.ltn", "1 error", words, "hard rule tight"]);
        let found = &check.json()["findings"][0];
        let line = SHIPPED.lines().count() as u64 + 2;
        assert_eq!((&found["severity"], found["line"].as_u64()), (&"error".into(), Some(line)), "{found}");
    }
    rules(&["check", "nowhere.ltn"]).fails(2, &["nowhere.ltn", "name a rule file"]);
}

#[test]
fn a_file_must_enforce_every_limit_unless_it_is_a_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "part.ltn", LARGE);
    rules(&["check", &file]).fails(2, &["collar", "not enforced"]);
    let part = rules(&["check", "--part", &file]);
    assert_eq!(part.code, 0, "{}", part.stderr);
    assert!(part.stdout.contains("part.ltn: ok, 1 rule (1 hard, 0 soft)"), "{}", part.stdout);
}

#[test]
fn an_example_that_comes_out_otherwise_is_told_with_its_facts() {
    let folder = tempfile::tempdir().expect("a folder");
    let table =
        "examples for tight:\n    refuse \"one\": quantity = 1 units\n    pass \"two\": quantity = 2 units\n";
    let file = with(folder.path(), &format!("{TIGHT}{table}"));
    let test = rules(&["test", &file]);
    test.fails(1, &["more.ltn", "1 of "]);
    for words in ["tight: expected pass, got refuse: pass \"two\": quantity = 2 units", "1 not"] {
        assert!(test.stdout.contains(words), "`{words}` is not in: {}", test.stdout);
    }
    assert!(!test.stdout.contains("\"one\""), "{}", test.stdout);
}

#[test]
fn an_order_that_is_made_up_is_explained_part_by_part() {
    let calm = rules(&["explain", "--json", "--order", "side = buy"]);
    assert_eq!((calm.code, count(&calm.json()["refused_by"])), (0, 0), "{}", calm.stderr);
    let many = rules(&["explain", "--json", "--order", "quantity = 1_000_000 units, side = sell"]);
    assert_eq!(many.code, 0, "{}", many.stderr);
    assert!(names(&many.json()["refused_by"]).contains(&"order_size"), "{}", many.json());
    let one = rules(&["explain", "--rule", "order_size", "--json", "--order", "quantity = 1_000_000 units"]);
    let got = one.json();
    assert_eq!((count(&got["rules"]), &got["rules"][0]["verdict"]), (1, &"refuses".into()), "{got}");
    let tree = &got["rules"][0]["tree"];
    assert_eq!(tree["crisp"], false, "{tree}");
    let soft = |key: &str| tree[key].as_f64().expect("a truth");
    assert!(soft("product") < 0.5 && soft("lukasiewicz") < 0.5, "{tree}");
    assert!(count(&tree["parts"]) > 0, "{tree}");
    let text = rules(&["explain", "--rule", "order_size", "--order", "quantity = 1_000_000 units"]).stdout;
    assert!(text.contains("order_size (hard") && text.contains("refuses"), "{text}");

    rules(&["explain", "--order", "quantty = 3 units"]).fails(2, &["--order:1:1", "quantty"]);
    rules(&["explain", "--order", "quantity = 3 s"]).fails(2, &["--order:1:12", "seconds"]);
    rules(&["explain", "--order", "side = buy", "--rule", "nothing"])
        .fails(2, &["no rule `nothing`", "collar"]);
    rules(&["explain"]).fails(2, &["--order"]);
}

#[test]
fn an_order_that_was_judged_is_explained_as_it_was_judged_then() {
    let why = run(&["why", "--last", "--json", "--journal", &*TAPE]).json();
    let id = why["id"].as_str().expect("an id");
    let explained = tape(&["explain", id, "--json"]);
    assert_eq!(explained.code, 0, "{}", explained.stderr);
    let got = explained.json();
    assert_eq!((&got["id"], &got["first_difference"]), (&id.into(), &Value::Null));
    let told = why["decision"]["content"]["verdict"]["rules"].as_array().expect("rules").clone();
    let explained: Vec<&Value> =
        got["rules"].as_array().expect("rules").iter().filter(|rule| !rule["passed"].is_null()).collect();
    assert!(!told.is_empty() && told.len() == explained.len(), "{got}");
    for (told, explained) in told.iter().zip(explained) {
        assert_eq!((&told["rule"], &told["passed"]), (&explained["rule"], &explained["passed"]));
        let tree = &explained["tree"];
        assert_eq!(tree["crisp"] == true, told["passed"] == true, "{explained}");
        if tree["crisp"].is_boolean() {
            assert_eq!(
                (&told["product"], &told["lukasiewicz"]),
                (&tree["product"], &tree["lukasiewicz"]),
                "the truths that stand on the tape: {explained}"
            );
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let other = tape(&["explain", id, "--json", "--rules", &with(folder.path(), TIGHT), "--rule", "tight"]);
    assert_eq!(
        (other.code, &other.json()["rules"][0]["verdict"]),
        (0, &"refuses".into()),
        "{}",
        other.stderr
    );
}

#[test]
fn a_decision_without_an_order_has_nothing_to_explain() {
    let show = run(&["journal", "show", "--kind", "decision", "--json", "--journal", &*TAPE]).stdout;
    let first: Value = serde_json::from_str(show.lines().next().expect("a decision")).expect("JSON");
    let first = first["sequence"].as_u64().unwrap_or_else(|| panic!("no sequence in {first}")).to_string();
    tape(&["explain", &first]).fails(2, &["had no order to judge", "janus why"]);
    tape(&["explain", "999999999"]).fails(2, &["there is no input 999999999"]);
}

#[test]
fn two_files_are_compared_over_the_orders_of_a_tape() {
    let folder = tempfile::tempdir().expect("a folder");
    let same = tape(&["diff", "compliance", &with(folder.path(), ""), "--json"]);
    assert_eq!((same.code, &same.json()["differ"]), (0, &0.into()), "{}", same.stderr);
    let tight = tape(&["diff", "compliance", &with(folder.path(), TIGHT), "--json"]);
    assert_eq!(tight.code, 0, "{}", tight.stderr);
    let got = tight.json();
    let number = |key: &str| got[key].as_u64().unwrap_or_else(|| panic!("no {key} in {got}"));
    assert_eq!(got["first_difference"], Value::Null, "the witnesses change nothing");
    assert_eq!(got["candidates"], same.json()["candidates"]);
    assert!(number("candidates") >= 20, "{}", number("candidates"));
    assert_eq!((number("differ"), number("only_a_refuses")), (number("candidates"), 0));
    assert_eq!(
        (&got["rules"]["tight"], count(&got["decisions"]) as u64),
        (&got["candidates"], number("differ"))
    );
    let first = &got["decisions"][0];
    assert_eq!(first["b"]["broken"][0]["rule"], "tight", "{first}");
    // those that were refused then are refused by both
    assert!(number("only_b_refuses") > 0 && number("only_b_refuses") <= number("differ"));
    let text = tape(&["diff", "compliance", &with(folder.path(), TIGHT)]).stdout;
    let id = first["id"].as_str().expect("an id");
    assert!(text.lines().any(|line| line.starts_with(id) && line.contains("B refused by tight")), "{text}");
    tape(&["diff", "compliance", "nowhere.ltn"]).fails(2, &["nowhere.ltn"]);
}

#[test]
fn several_files_are_one_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = rules(&["check", "--json", "compliance", "luld"]);
    assert_eq!((check.code, count(&check.json()["findings"])), (0, 0), "{}", check.stderr);
    let alone =
        |name| rules(&["check", "--part", "--json", name]).json()["rules"].as_u64().expect("a number");
    assert_eq!(check.json()["rules"].as_u64(), Some(alone("compliance") + alone("luld")));
    rules(&["check", "luld"]).fails(2, &["not enforced"]);
    assert_eq!(rules(&["test", "compliance,luld"]).code, 0);
    let bad = write(folder.path(), "bad.ltn", "\nhard rule collar: drawdown < 5 %\n");
    let check = rules(&["check", "--json", "compliance", &bad]);
    check.fails(2, &["bad.ltn:2:11", "compliance.ltn"]);
    let found = &check.json()["findings"][0];
    assert!(found["line"] == 2 && found["file"] == bad.as_str(), "{found}");
    let explained = rules(&[
        "explain",
        "--json",
        "--order",
        "index_age = 2 min",
        "--rules",
        "compliance",
        "--rules",
        "luld",
    ]);
    assert_eq!(names(&explained.json()["refused_by"]), ["index_known"], "{}", explained.stderr);
}

#[test]
fn the_line_tells_rules_of_the_market_as_a_whole() {
    let demo = |sets: &[&str]| {
        let args = ["demo", "--json", "--no-journal", "--rules", "compliance", "--rules", "luld"];
        let demo = run(&[&args[..], sets].concat());
        assert_eq!(demo.code, 0, "{}", demo.stderr);
        demo.json()
    };
    let blind = demo(&[]);
    assert!(blind["orders"] == 0 && blind["refusals"]["index_known"].as_u64() > Some(0), "{blind}");
    let index = ["--set", "prefrontal.index=BTCUSD", "--set"];
    let calm = demo(&[&index[..], &["prefrontal.index_close=78000"]].concat());
    assert!(calm["orders"].as_u64() > Some(0) && calm["refusals"]["index_known"].is_null(), "{calm}");
    // it has fallen by more than a fifth
    let fallen = demo(&[&index[..], &["prefrontal.index_close=100000"]].concat());
    assert!(fallen["orders"] == 0 && fallen["refusals"]["market_level_3"].as_u64() > Some(0), "{fallen}");
}

#[test]
fn what_an_order_would_wash_is_told_in_words() {
    let dir = crate::SCRATCH.join("wash").display().to_string();
    let on = |args: &[&str]| run(&[args, &["--journal", dir.as_str()]].concat());
    let demo = on(&["demo", "--json", "--set", "tax.securities=all", "--set", "tax.policy=forbid"]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    let show = on(&["journal", "show", "--kind", "decision", "--json"]).stdout;
    let decisions = show.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let refused = decisions
        .rev()
        .find(|it| it["content"]["verdict"]["outcome"]["Rest"]["Refused"]["rule"] == "wash_purchase")
        .expect("the demo loses, and buys again");
    let id = refused["sequence"].as_u64().expect("a number").to_string();
    for told in [on(&["why", &id]), on(&["rules", "explain", &id])] {
        for words in ["this purchase would wash past losses of", "on it would wash nothing"] {
            assert!(told.stdout.contains(words), "`{words}` is not in: {}{}", told.stdout, told.stderr);
        }
    }
}

#[test]
fn a_run_is_held_to_the_file_that_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = run(&["demo", "--json", "--no-journal", "--rules", &with(folder.path(), TIGHT)]);
    assert_eq!((demo.code, &demo.json()["orders"]), (0, &0.into()), "{}", demo.stderr);
    assert!(demo.json()["refusals"]["tight"].as_u64() > Some(0), "{}", demo.json());
    let part = write(folder.path(), "part.ltn", LARGE);
    run(&["demo", "--no-journal", "--rules", &part]).fails(2, &["not enforced"]);
}

#[test]
fn nothing_is_applied_where_no_daemon_runs_or_the_file_does_not_stand() {
    let signed = ["--by", "ann", "--reason", "a test"];
    let folder = tempfile::tempdir().expect("a folder");
    let bad = with(folder.path(), "\nhard rule tight: 3\n");
    tape(&[&["apply", &bad], &signed[..]].concat()).fails(2, &["more.ltn"]);
    let good = with(folder.path(), TIGHT);
    tape(&[&["apply", &good], &signed[..]].concat()).fails(3, &["no daemon runs here"]);
}
