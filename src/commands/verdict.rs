//! What was wrong with a feed: rows by file and line, and whether it was too much.

use market::book::Applied;
use market::event::EventKind;
use market::feed::{Feed, Merge, RowFault};
use market::{MarketEvent, SourceId};

use crate::config::Config;
use crate::failure::Failure;

/// How many rows of a kind are named.
const KEPT: usize = 10;

/// The rows that the books refused or ignored, and the gaps; what a reader refused it names itself.
#[derive(Debug, Default)]
pub(super) struct Rows {
    files: Vec<File>,
    refused: Vec<(SourceId, RowFault)>,
    ignored: Vec<RowFault>,
    gaps: Vec<RowFault>,
    gap_count: u64,
}

/// One feed, and the line of its newest event.
#[derive(Debug)]
struct File {
    source: SourceId,
    name: String,
    newest: u64,
}

impl Rows {
    /// Of these feeds, nothing yet.
    pub fn of(merge: &Merge) -> Self {
        let file = |feed: &dyn Feed| File { source: feed.source(), name: feed.name().to_owned(), newest: 0 };
        Self { files: merge.feeds().map(file).collect(), ..Self::default() }
    }

    /// Notes what the book made of an event.
    pub fn note(&mut self, event: &MarketEvent, applied: Applied) {
        let Some(file) = self.files.iter_mut().find(|file| file.source == event.source) else { return };
        // the gap with which a broken feed ends is no row, and its fault is named by itself
        let is_row = event.position > file.newest;
        file.newest = file.newest.max(event.position);
        let fault = |what: String| RowFault { file: file.name.clone(), line: event.position, what };
        match (applied, &event.kind) {
            (Applied::Refused(why), _) if self.refused.len() < KEPT => {
                self.refused.push((event.source, fault(why.to_string())));
            }
            (Applied::Ignored(why), _) if self.ignored.len() < KEPT => {
                self.ignored.push(fault(why.to_string()));
            }
            (Applied::Done, EventKind::Gap) if is_row => {
                self.gap_count += 1;
                if self.gaps.len() < KEPT {
                    self.gaps.push(fault(GAP.to_owned()));
                }
            }
            _ => {}
        }
    }

    /// How many gaps the feeds told of.
    pub const fn gap_count(&self) -> u64 {
        self.gap_count
    }

    /// The first rows that were refused, by their reader or their book, feed by feed.
    pub fn refused(&self, merge: &Merge) -> Vec<String> {
        let by_reader = |feed: &dyn Feed| {
            let source = feed.source();
            feed.stats().faults.iter().map(move |fault| (source, fault.clone())).collect::<Vec<_>>()
        };
        let mut all = self.refused.clone();
        all.extend(merge.feeds().flat_map(by_reader));
        all.sort_by_key(|(source, fault)| (*source, fault.line));
        all.iter().take(KEPT).map(|(_, fault)| fault.to_string()).collect()
    }

    /// The first gaps, and the first rows that were ignored.
    pub fn notes(&self) -> Vec<String> {
        self.gaps.iter().chain(&self.ignored).map(ToString::to_string).collect()
    }
}

const GAP: &str = "rows are missing before this one: the book is unknown until the next snapshot; \
                   fetch the file again if it should be whole";

/// The faults that ended feeds.
pub(super) fn stream_faults(merge: &Merge) -> Vec<String> {
    merge.faults().iter().map(ToString::to_string).collect()
}

/// Whether the input was good enough.
///
/// # Errors
/// [`Failure::Input`] where a feed ended by a fault, or more rows were refused than are allowed.
pub(super) fn judge(config: &Config, merge: &Merge, rows: u64, refused: u64) -> Result<(), Failure> {
    let faults = stream_faults(merge);
    if !faults.is_empty() {
        return Err(Failure::Input(faults.join("\njanus: ")));
    }
    let bound = config.run.max_refused;
    if refused as f64 / rows.max(1) as f64 > bound {
        let message = format!(
            "{refused} of {rows} rows were refused, more than run.max_refused = {bound} allows; correct the feed or raise the limit"
        );
        return Err(Failure::Input(message));
    }
    Ok(())
}
