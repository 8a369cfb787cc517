//! What is declared once as data is written down once: `docs/reference.md` is generated from it.
//!
//! `JANUS_WRITE_REFERENCE=1 cargo test reference` writes it anew.

use std::fmt::Write;

use janus::metrics::METRICS;
use market::features::FEATURES;
use market::params::Section;
use prefrontal::Limits;
use synapse::{Limit, Reason};

fn reference() -> String {
    let mut text = String::from(
        "# Reference\n\nGenerated from the declarations in the code; a test keeps it so. The configuration's keys stand\n\
         in [config/janus.toml](../config/janus.toml), the feeds in [feeds.md](feeds.md).\n",
    );
    text.push_str("\n## Features\n\n| name | unit | formula | source |\n|---|---|---|---|\n");
    for feature in &FEATURES {
        _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            feature.name, feature.unit, feature.formula, feature.source
        );
    }
    text.push_str("\n## Why a sample ends without an order\n\n| reason | meaning |\n|---|---|\n");
    for reason in Reason::ALL {
        _ = writeln!(text, "| `{}` | {} |", reason.name, reason.meaning);
    }
    text.push_str("\n## Hard limits\n\nIn the order they are tested. None has a default.\n\n| limit | unit | meaning |\n|---|---|---|\n");
    for limit in Limit::ALL {
        let key = Limits::KEYS.iter().find(|key| key.name == limit.name()).expect("a key a limit");
        _ = writeln!(text, "| `{}` | {} | {} |", key.name, key.unit, key.meaning);
    }
    text.push_str("\n## Metrics\n\nWhat `janus run --http ADDR` tells at `/metrics`; a counter has `_total` behind its name there.\n\n| name | kind | meaning |\n|---|---|---|\n");
    for metric in &METRICS {
        _ = writeln!(text, "| `{}` | {} | {} |", metric.full_name(), metric.kind(), metric.help);
    }
    text
}

#[test]
fn the_reference_is_what_the_code_declares() {
    let path = support::root().join("docs/reference.md");
    let generated = reference();
    if std::env::var_os("JANUS_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &generated).expect("docs/reference.md");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == generated, "docs/reference.md is not what the code declares; see tests/reference.rs");
}
