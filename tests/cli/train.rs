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

#[test]
fn a_network_learns_from_a_tape_what_was_recalled_and_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (tape, out) = (path("tape"), path("out"));
    let [model, news] = ["text-model", "news.jsonl"]
        .map(|name| support::root().join("tests/data").join(name).display().to_string());
    let (model, session) = (format!("news.model={model}"), support::session().display().to_string());
    let config = support::root().join("config/demo.toml").display().to_string();
    let nights = ["--set", "sleep.at=00:00", "--set", "sleep.every_min=6"];
    let lived = ["run", "--once", "--speed", "max", "--untrained", "--config", &config, "--journal", &tape];
    let lived = run(&[&lived, &nights[..], &["--set", &model, "--news", &news, &session]].concat());
    assert_eq!(lived.code, 0, "{}", lived.stderr);

    let trained = train(&["--journal", &tape, "--seeds", "1", "--epochs", "1", "--out", &out]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let test = &trained.json()["test"];
    assert_eq!((&test["up"], &test["down"], &test["flat"]), (&80.into(), &150.into(), &2600.into()));
    let file = |name: &str| std::fs::read(folder.path().join("out").join(name)).expect(name);
    let card = networks::Card::from_json(&file("card.json")).expect("a card");
    assert_eq!(card.modalities, ["vision", "price", "text", "memory"]);
    let book = blake3::hash(&file("schemas.book")).to_hex().to_string();
    assert_eq!(card.schemas.as_deref(), Some(&*book));

    // what is recalled from the beginning on, and what is read, acts
    let digest = |with: &[&str]| {
        let demo = run(&[&["demo", "--json", "--network", &out], with].concat());
        assert_eq!(demo.code, 0, "{}", demo.stderr);
        demo.json()["digest"].clone()
    };
    let journal = path("journal");
    let reads = ["--set", &model, "--news", &news];
    let whole = digest(&[&reads[..], &["--journal", &journal]].concat());
    assert_ne!(whole, digest(&[&reads[..], &["--set", "inference.without=memory", "--no-journal"]].concat()));
    assert_ne!(whole, digest(&["--no-journal"]));
    let told = run(&["brain", "ls", "--journal", &journal]);
    assert!(told.stdout.contains(&book[..16]), "{}", told.stdout);
    let again = run(&["replay", "--journal", &journal, "--json"]);
    assert_eq!((again.code, &again.json()["digest"]), (0, &whole), "{}", again.stderr);

    std::fs::remove_file(folder.path().join("out/schemas.book")).expect("removed");
    run(&["demo", "--network", &out]).fails(2, &["schemas.book"]);
    std::fs::write(folder.path().join("out/schemas.book"), b"another").expect("written");
    run(&["demo", "--network", &out]).fails(2, &["its card names", &book]);
    train(&["--journal", &path("nowhere"), "--out", &out]).fails(2, &["nowhere"]);
    train(&["--task", "predicates", "--journal", &tape, "--out", &out])
        .fails(2, &["--journal is for --task next-move"]);
}
