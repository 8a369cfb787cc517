//! The page about feeds says what is so.

use market::feed::{CsvBars, CsvTrades, Format, OpenOptions};
use market::params::Section;

use crate::common::read_bytes;

fn page() -> String {
    std::fs::read_to_string(support::root().join("docs/feeds.md")).expect("the page")
}

#[test]
fn every_example_is_read() {
    let page = page();
    let examples = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let examples = examples.expect("a block of examples");
    let outcome = read_bytes("docs/feeds.md", examples.as_bytes(), &OpenOptions::default());
    assert_eq!((outcome.fault, outcome.stats.faults), (None, vec![]));
    assert_eq!(outcome.events.len(), examples.lines().count());
    for event in [
        "add", "change", "delete", "clear", "levels", "snapshot", "quote", "trade", "bar", "halt", "resume",
        "gap",
    ] {
        assert!(examples.contains(&format!("\"type\":\"{event}\"")), "{event}");
    }
}

#[test]
fn every_format_and_key_is_told_of() {
    let page = page();
    for format in Format::ALL {
        assert!(page.contains(&format!("| `{format}` |")), "{format}");
    }
    for key in CsvBars::KEYS.iter().chain(CsvTrades::KEYS) {
        assert!(page.contains(&format!("`{}`", key.name)), "{}", key.name);
    }
}
