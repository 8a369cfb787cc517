//! `janus report execution`, as a user runs it.

use crate::run;

#[test]
fn what_was_foretold_is_set_against_what_was_paid() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let demo = run(&["demo", "--json", "--journal", &at("journal")]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    let args = ["report", "execution", "--journal", &at("journal"), "--plot", &at("plot.png"), "--json"];
    let report = run(&args);
    assert_eq!(report.code, 0, "{}", report.stderr);
    let told = report.json();
    let judged = told["all"]["n"].as_u64().expect("a count");
    let styles = told["by_style"].as_array().expect("styles");
    assert_eq!(styles.iter().filter_map(|style| style["n"].as_u64()).sum::<u64>(), judged, "{told}");
    assert!(judged > 5 && judged <= demo.json()["orders"].as_u64().expect("a count"), "{told}");
    assert!(told["all"]["mae_law_bp"]["value"].as_f64() > Some(0.0), "{told}");
    let plot = std::fs::read(folder.path().join("plot.png")).expect("a plot");
    assert!(plot.starts_with(b"\x89PNG"), "it is a picture");
    run(&["report", "execution", "--journal", &at("nowhere")]).fails(2, &["nowhere"]);
}
