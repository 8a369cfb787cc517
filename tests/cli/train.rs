//! What is learned, from the command line: small runs of the school, and what it refuses.

use networks::Predicate;

use crate::bad_input::{Desk, good_orders, orders};
use crate::{Run, run};

fn train(args: &[&str]) -> Run {
    run(&[&["train", "--json"], args].concat())
}

#[test]
fn predicates_are_learned_into_folders_that_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().display().to_string();
    let trained = train(&["--task", "predicates", "--seeds", "1", "--epochs", "5", "--out", &out]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let reports = trained.json();
    // the moments of the bundled half hour behind the cut
    for (name, test, test_true) in [("calm", 2830, 2600), ("informed_flow", 1078, 89)] {
        let (report, folder) = (&reports[name], folder.path().join(name));
        let samples = &report["samples"];
        assert_eq!((samples["test"].as_u64(), samples["test_true"].as_u64()), (Some(test), Some(test_true)));
        assert_eq!((&report["chosen_seed"], report["seeds"].as_array().map(Vec::len)), (&1.into(), Some(1)));
        let [card, weights] =
            ["card.json", "weights.safetensors"].map(|file| std::fs::read(folder.join(file)).expect(file));
        let predicate = Predicate::from_files(&card, &weights).expect("a predicate");
        assert_eq!((predicate.card.name.as_str(), &predicate.card.figures), (name, report));
    }
    train(&["--task", "predicates"]).fails(2, &["--out"]);
}

#[test]
fn what_a_rule_is_worth_is_told_for_every_log_rule_and_weight() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().display().to_string();
    let trained = train(&["--task", "logic", "--seeds", "2", "--epochs", "3", "--out", &out]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let report = trained.json();
    assert_eq!((&report["plan"]["seeds"], &report["plan"]["steps"]), (&serde_json::json!([1, 2]), &3.into()));
    // three logs, each without the rule, with four weights of it, and with a wrong one
    assert_eq!(report["arms"].as_array().map(Vec::len), Some(18));
    let best = report["best_utility"].as_f64().expect("a number");
    assert!((best - 0.447).abs() < 5e-4, "{best}");
    let kept = std::fs::read(folder.path().join("report.json")).expect("a report");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&kept).expect("JSON"), report);
}

#[test]
fn soft_rules_that_cannot_be_felt_are_refused() {
    let desk = Desk::new();
    let (feed, out) =
        (desk.write("orders.csv", orders(&good_orders())), desk.path("out").display().to_string());
    let with = |formula: &str| {
        let text = format!(
            "learned chosen over orders \"the share of its side\"\nsoft rule felt: forall o in orders: {formula}\n"
        );
        let rules = desk.write("felt.ltn", text);
        train(&["--out", &out, "--config", desk.config(), "--soft-rules", &rules, &feed])
    };
    with("chosen(o) => forecast_slippage(o) < 1 bp")
        .fails(2, &["felt.ltn: rule `felt` names `forecast_slippage`, which training cannot ground"]);
    with("spread(o.instrument) < 1 bp").fails(2, &["rule `felt` says nothing of `chosen`"]);
    with("chosen(o) => spread(o.instrument) < 1 bp").fails(2, &["the test part has"]);
    train(&["--task", "logic", "--soft-rules", "felt.ltn"])
        .fails(2, &["--soft-rules is for --task next-move"]);
    train(&["--out", &out, "--rule-weight", "1"]).fails(2, &["--soft-rules"]);
}
