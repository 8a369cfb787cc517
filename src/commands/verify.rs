//! `janus verify`: whether a tape is what was written.

use std::fmt::Write;

use journal::verify::{Report, Verdict};

use super::journal::{LookArgs, or_none};
use super::terminal;
use crate::failure::Failure;
use crate::summary::grouped;

/// Checks every bit of a tape; nothing is written.
///
/// # Errors
/// [`Failure::Check`] where it is broken, [`Failure::Input`] where it cannot be read.
pub(super) fn run(args: &LookArgs) -> Result<(), Failure> {
    let dir = &args.journal.journal;
    let report = journal::verify::verify(dir);
    // where nothing was read the error says it all
    let shown = if report.verdict == Verdict::Unreadable { String::new() } else { text(&report) };
    terminal::report(args.json, &shown, &report)?;
    let Some(bad) = report.first_bad else { return Ok(()) };
    match report.verdict {
        Verdict::Clean => Ok(()),
        Verdict::Broken => Err(Failure::Check(format!(
            "{}: block {} of {}, behind sequence {}, is not as it was written: {}; restore the file from a copy",
            dir.display(),
            bad.block,
            bad.segment,
            bad.sequence,
            bad.why
        ))),
        Verdict::Unreadable => Err(Failure::Input(bad.why)),
    }
}

const SHOWN: &str = "\
This is tamper-evident, not signed: whatever was changed, dropped or inserted shows, unless all behind it
was written anew; a tail cut off or rewritten shows only against a head kept elsewhere, such as this one.
";

fn text(report: &Report) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| _ = writeln!(text, "{name:<10} {value}");
    row("verdict", format!("{:?}", report.verdict).to_lowercase());
    row("good", format!("{} blocks, {} records", grouped(report.blocks), grouped(report.records)));
    row("durable", format!("up to sequence {}", report.durable));
    row("head", or_none(report.head));
    row("anchor", or_none(report.anchored));
    let end = match (report.closed, report.torn_bytes) {
        (true, _) => "closed in order".to_owned(),
        (false, 0) => "open, or left without closing".to_owned(),
        (false, torn) => {
            format!("torn: a crash, or a block under way, left {} bytes behind it", grouped(torn))
        }
    };
    row("end", end);
    text + SHOWN
}
