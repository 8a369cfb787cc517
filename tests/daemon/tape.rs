//! What is read off a tape and proved of it, and tapes that end where they are wanted to.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use janus::venue::StateAnswer;
use journal::{BlockAt, Entry, Hash, Head, Journal, Note, Options, Reader, Record, RestartStep};
use market::order::{Fill, NewOrder, Report, ReportKind, Request};
use market::{MarketEvent, Side};
use synapse::{DecisionRecord, Input, InputKind, NoticeKind, Outcome};

use super::common::{replay, verify};

/// Every record of a tape.
pub fn records(journal: &Path) -> Vec<Record> {
    let reader = Reader::open(journal).expect("a tape");
    reader.records().map(|record| record.expect("whole")).collect()
}

/// Its inputs that are notices, by their numbers.
pub fn notices(records: &[Record]) -> impl Iterator<Item = (u64, &NoticeKind)> {
    records.iter().filter_map(|record| match record {
        Record::Input(Input { sequence, kind: InputKind::Notice(notice), .. }) => Some((*sequence, notice)),
        _ => None,
    })
}

/// What took effect, each with the input that let it.
pub fn activations(records: &[Record]) -> Vec<(u64, Hash)> {
    let effect = |(sequence, kind): (u64, &NoticeKind)| Some((sequence, Hash(kind.activates()?)));
    notices(records).filter_map(effect).collect()
}

/// How many notices are as wanted.
pub fn count(records: &[Record], is_it: impl Fn(&NoticeKind) -> bool) -> usize {
    notices(records).filter(|(_, notice)| is_it(notice)).count()
}

/// Its inputs from the market.
pub fn events(records: &[Record]) -> impl Iterator<Item = &MarketEvent> {
    records.iter().filter_map(|record| match record {
        Record::Input(Input { kind: InputKind::Market(event), .. }) => Some(event),
        _ => None,
    })
}

/// Its decisions, late ones too.
pub fn decisions(records: &[Record]) -> impl Iterator<Item = &DecisionRecord> {
    records.iter().filter_map(|record| match record {
        Record::Decision(decision) => Some(&decision.record),
        _ => None,
    })
}

/// The steps of protective restarts, each with the input that tripped.
pub fn restart_steps(records: &[Record]) -> Vec<(u64, RestartStep)> {
    let steps = records.iter().filter_map(|record| match record {
        Record::Note(Note::Restart { trip, step }) => Some((*trip, *step)),
        _ => None,
    });
    steps.collect()
}

/// The orders that a decision places.
pub fn placed(decision: &DecisionRecord) -> impl Iterator<Item = &NewOrder> {
    let requests = match &decision.verdict.outcome {
        Outcome::Act(requests) => &requests[..],
        Outcome::Rest(_) => &[],
    };
    requests.iter().filter_map(|request| match request {
        Request::Place(order) => Some(order),
        _ => None,
    })
}

/// The tape, after `verify` and `replay` have found nothing.
pub fn proved(journal: &Path) -> Vec<Record> {
    let (proof, again) = (verify(journal), replay(journal));
    assert_eq!(proof["verdict"], "clean", "{proof}");
    assert_eq!(again["verdict"], "identical", "{again}");
    let records = records(journal);
    assert_whole(&records);
    records
}

/// What the fills of a tape add up to, by whole numbers of 1e-9.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The executions.
    pub executions: BTreeSet<u64>,
    /// How many of them entered again.
    pub repeated: usize,
    /// What was bought, less what was sold.
    pub position: i64,
    /// The change of cash, fees included.
    pub cash: i128,
}

impl Books {
    /// Of a tape.
    pub fn of(records: &[Record]) -> Self {
        let mut books = Self::default();
        for (_, notice) in notices(records) {
            if let NoticeKind::Report(Report { kind: ReportKind::Filled(fill), .. }) = notice {
                books.repeated += usize::from(!books.executions.insert(fill.execution));
                books.book(fill);
            }
        }
        books
    }

    /// Of a venue.
    pub fn at(state: &StateAnswer) -> Self {
        let mut books = Self { cash: state.cash.units(), ..Self::default() };
        state.fills.iter().for_each(|it| _ = books.executions.insert(it.fill.execution));
        books.position = state.positions.values().map(|quantity| quantity.units()).sum();
        books
    }

    fn book(&mut self, fill: &Fill) {
        let quantity = match fill.side {
            Side::Buy => fill.quantity.units(),
            Side::Sell => -fill.quantity.units(),
        };
        self.position += quantity;
        self.cash -= i128::from(fill.price.units()) * i128::from(quantity) / 1_000_000_000 + fill.fee.units();
    }
}

/// Asserts that the inputs of a tape are numbered from 1 on, none missing, none twice; how many.
pub fn assert_whole(records: &[Record]) -> u64 {
    let mut last = 0;
    for record in records {
        if let Record::Input(input) = record {
            assert_eq!(input.sequence, last + 1, "inputs are numbered one by one");
            last = input.sequence;
        }
    }
    last
}

/// A journal of the same run that a crash has left behind the first `records` of its records, the
/// `last` of which stand in a block of their own. Snapshots stay behind.
pub fn cut(from: &Path, to: &Path, records: usize, last: usize) -> PathBuf {
    let reader = Reader::open(from).expect("a tape");
    fs::create_dir_all(to.join("artefacts")).expect("a folder");
    for artefact in fs::read_dir(from.join("artefacts")).expect("a folder") {
        let artefact = artefact.expect("a file");
        fs::copy(artefact.path(), to.join("artefacts").join(artefact.file_name())).expect("copied");
    }
    let journal = Journal::create(to, reader.manifest(), &Options::default()).expect("a journal");
    let mut head = Head::default();
    for (at, record) in reader.records().take(records).enumerate() {
        if at + last == records {
            journal.wait().expect("written");
        }
        match record.expect("whole") {
            Record::Input(input) => {
                (head.sequence, head.time_ns) = (input.sequence, input.time.ns());
                journal.append(Entry::Input(&input), head);
            }
            Record::Decision(decision) => {
                let bytes = decision.record.to_bytes();
                head.digest.push(&bytes);
                head.latched = decision.record.verdict.latch.is_some();
                journal.append(Entry::Decision { late: decision.late, bytes: &bytes }, head);
            }
            Record::Released(released) => journal.append(Entry::Released(&released), head),
            Record::Marker(marker) => journal.append(Entry::Marker(&marker), head),
            // whoever writes says himself when he began and ended
            Record::Note(_) => {}
        }
    }
    journal.wait().expect("written");
    to.to_owned()
}

/// Where the first record stands that is as wanted.
pub fn place_of(records: &[Record], what: &str, is_it: impl Fn(&Record) -> bool) -> usize {
    records.iter().position(is_it).unwrap_or_else(|| panic!("no {what} on the tape"))
}

/// Whether a record is a decision to ask something of the venue.
pub fn acts(record: &Record) -> bool {
    matches!(record, Record::Decision(decision) if matches!(decision.record.verdict.outcome, Outcome::Act(_)))
}

/// Writes over a block, from a byte of it on.
pub fn overwrite(journal: &Path, block: &BlockAt, from: u64, bytes: &[u8]) {
    let file =
        fs::OpenOptions::new().write(true).open(journal.join("tape").join(block.file())).expect("a file");
    file.write_all_at(bytes, block.offset + from).expect("written");
}
