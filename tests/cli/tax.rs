//! `janus tax report`, as a user runs it.

use serde_json::Value;

use crate::run;

/// Three purchases, and a sale of the first at a loss: Reg. 1.1091-1(h) and Publication 550, a part of it washed.
const PARTIAL: &str = "time,instrument,side,quantity,price,fee\n\
    2025-09-21,ACME,buy,100,50,0\n\
    2025-12-21,ACME,buy,50,55,0\n\
    2025-12-27,ACME,buy,25,45,0\n\
    2026-01-03,ACME,sell,100,40,0\n";

fn trades(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trades.csv");
    std::fs::write(&path, text).expect("written");
    (folder, path.display().to_string())
}

fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64(), |text| text.parse().ok()).expect("a number")
}

#[test]
fn a_loss_is_washed_in_part_and_its_rows_say_so() {
    let (_folder, file) = trades(PARTIAL);
    let report = run(&["tax", "report", "--year", "2026", "--trades", &file, "--json"]);
    assert_eq!(report.code, 0, "{}", report.stderr);
    let told = report.json();
    let disposals = told["disposals"].as_array().expect("disposals");
    let sum = |key: &str| disposals.iter().map(|it| number(&it[key])).sum::<f64>();
    assert_eq!((sum("allowed"), sum("disallowed")), (250.0, 750.0), "{told}");
    let lots = told["lots"].as_array().expect("lots");
    let bases: Vec<f64> = lots.iter().map(|lot| number(&lot["basis"])).collect();
    assert_eq!(bases, [3250.0, 1375.0], "{told}");
    // 250 of the loss are left, and what is bought up to 2 February would disallow them
    assert_eq!(told["do_not_buy"][0]["instrument"], "ACME", "{told}");
    assert_eq!(told["do_not_buy"][0]["until"], "2026-02-03", "{told}");
    assert_eq!(number(&told["do_not_buy"][0]["loss"]), 250.0, "{told}");
    let form = run(&["tax", "report", "--year", "2026", "--trades", &file, "--format", "8949"]);
    assert!(form.stdout.contains(",W,750.00,"), "{}", form.stdout);
    let other = run(&["tax", "report", "--year", "2025", "--trades", &file, "--json"]);
    assert_eq!(other.json()["disposals"].as_array().map(Vec::len), Some(0), "nothing was sold that year");
}

#[test]
fn a_coin_is_no_security_and_a_bad_row_is_named() {
    let (_folder, file) = trades(&PARTIAL.replace("ACME", "BTCUSD"));
    let told = run(&["tax", "report", "--year", "2026", "--trades", &file, "--json"]).json();
    let disposals = told["disposals"].as_array().expect("disposals");
    assert!(disposals.iter().all(|it| number(&it["disallowed"]) == 0.0), "{told}");
    let (_folder, file) = trades(&PARTIAL.replace("sell,100,40", "sell,100,forty"));
    run(&["tax", "report", "--year", "2026", "--trades", &file]).fails(2, &["trades.csv:5", "forty"]);
}
