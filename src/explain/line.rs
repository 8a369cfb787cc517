//! Each record on one line, for people; and as one JSON object, for machines.

use journal::{Note, Record, RestartStep};
use market::event::EventKind;
use market::order::{Report, ReportKind};
use market::{InstrumentId, MarketEvent, Side, Timestamp};
use serde_json::{Value, json};
use synapse::{Input, InputKind, NoticeKind, Outcome};

use super::words::{World, requests, words};

/// What kind of record, as `--kind` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Whatever entered at the door: the five that follow.
    Input,
    /// An input: a market event.
    Market,
    /// An input: a moment of the sampling grid.
    Tick,
    /// An input: a venue's word on an order.
    Report,
    /// An input: an operator's word.
    Command,
    /// An input: any other.
    Notice,
    /// A decision.
    Decision,
    /// The gate let the requests of a decision go.
    Released,
    /// A snapshot was taken.
    Marker,
    /// What happened to the journal.
    Note,
}

impl Kind {
    /// The kind of a record, the narrowest that fits.
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Input(input) => match &input.kind {
                InputKind::Market(_) => Self::Market,
                InputKind::Tick(_) => Self::Tick,
                InputKind::Notice(NoticeKind::Report(_)) => Self::Report,
                InputKind::Notice(NoticeKind::Command(_)) => Self::Command,
                InputKind::Notice(_) => Self::Notice,
            },
            Record::Decision(_) => Self::Decision,
            Record::Released(_) => Self::Released,
            Record::Marker(_) => Self::Marker,
            Record::Note(_) => Self::Note,
        }
    }

    /// Whether a record is of it.
    pub fn holds(self, record: &Record) -> bool {
        Self::of(record) == self || (self == Self::Input && matches!(record, Record::Input(_)))
    }

    /// Its name.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// The sequence number and the event time of a record; a note has none.
pub fn place_of(record: &Record) -> Option<(u64, Timestamp)> {
    Some(match record {
        Record::Input(input) => (input.sequence, input.time),
        Record::Decision(decision) => (decision.record.sequence, decision.record.time),
        Record::Released(released) => (released.sequence, released.time),
        Record::Marker(marker) => (marker.sequence, marker.time),
        Record::Note(_) => return None,
    })
}

/// The instrument that a record is about, where it is one.
pub fn instrument_of(record: &Record) -> Option<InstrumentId> {
    match record {
        Record::Input(Input { kind: InputKind::Market(event), .. }) => Some(event.instrument),
        Record::Input(Input { kind: InputKind::Notice(notice), .. }) => match notice {
            NoticeKind::Report(report) => Some(report.id.instrument),
            NoticeKind::Lapsed(id) | NoticeKind::CancelSent(id) => Some(id.instrument),
            NoticeKind::Quarantine { instrument, .. } => *instrument,
            _ => None,
        },
        Record::Decision(decision) => Some(decision.record.instrument),
        Record::Released(released) => Some(released.instrument),
        _ => None,
    }
}

/// One line of text: sequence, time, instrument, kind, content.
pub fn text(record: &Record, world: &World) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let place = place_of(record);
    format!(
        "{:>9}  {:<30}  {:<10}  {:<8}  {}",
        or_dash(place.map(|(sequence, _)| sequence.to_string())),
        or_dash(place.map(|(_, time)| time.to_string())),
        or_dash(instrument_of(record).map(|id| world.name(id))),
        Kind::of(record).name(),
        content(record, world)
    )
}

fn content(record: &Record, world: &World) -> String {
    match record {
        Record::Input(input) => match &input.kind {
            InputKind::Market(market) => event(market),
            InputKind::Tick(tick) => {
                let names = |ids: &[InstrumentId]| {
                    ids.iter().map(|id| world.name(*id)).collect::<Vec<_>>().join(", ")
                };
                let stale = if tick.stale.is_empty() { "" } else { "; gone stale: " };
                format!("sample {}{stale}{}", names(&tick.fresh), names(&tick.stale))
            }
            InputKind::Notice(word) => notice(word),
        },
        Record::Decision(decision) => {
            let late = if decision.late { "late: " } else { "" };
            let end = match &decision.record.verdict.outcome {
                Outcome::Act(all) => requests(all),
                Outcome::Rest(reason) => format!("{}: {reason}", reason.name()),
            };
            format!("{late}{end}")
        }
        Record::Released(released) if released.late => "too late: its new orders lapse".to_owned(),
        Record::Released(_) => "the gate released its requests".to_owned(),
        Record::Marker(marker) => format!("snapshot of state {}", marker.state),
        Record::Note(note) => note_text(note),
    }
}

/// A market event in words.
pub(super) fn event(event: &MarketEvent) -> String {
    let side = |side: &Side| if *side == Side::Buy { "bid" } else { "ask" };
    match &event.kind {
        EventKind::Add { id, side: of, price, quantity } => {
            format!("order {id} appears, {} {quantity} at {price}", side(of))
        }
        EventKind::Change { id, quantity } => format!("order {id} has {quantity} left"),
        EventKind::Delete { id } => format!("order {id} is gone"),
        EventKind::Clear => "the book is cleared".to_owned(),
        EventKind::Levels(levels) => format!("{} levels change", levels.len()),
        EventKind::Snapshot(levels) => format!("the whole book, {} levels", levels.len()),
        EventKind::Quote { bid, ask } => {
            format!("quote, bid {} at {}, ask {} at {}", bid.1, bid.0, ask.1, ask.0)
        }
        EventKind::Trade { price, quantity, aggressor, .. } => {
            let by = aggressor.map_or(String::new(), |side| format!(", taken by a {side} order"));
            format!("trade, {quantity} at {price}{by}")
        }
        EventKind::Bar(bar) => {
            let market::event::Bar { open, high, low, close, volume, .. } = bar;
            format!("bar, open {open} high {high} low {low} close {close}, volume {volume}")
        }
        EventKind::Halt => "trading stops".to_owned(),
        EventKind::Resume => "trading goes on".to_owned(),
        EventKind::Gap => "the feed missed something".to_owned(),
    }
}

/// A notice in words.
pub(super) fn notice(notice: &NoticeKind) -> String {
    match notice {
        NoticeKind::Report(report) => format!("order {}: {}", report.id, report_text(report)),
        NoticeKind::Command(command) => {
            format!("{} by {}: {}", words(command.kind), command.by, command.reason)
        }
        NoticeKind::Restarted => "restarted after a trip: working memory is cleared".to_owned(),
        NoticeKind::Lapsed(id) => format!("order {id} lapsed: it was not sent"),
        NoticeKind::CancelSent(id) => format!("the gate cancels order {id}"),
        NoticeKind::EndOfStream => "the feeds are at their end".to_owned(),
        NoticeKind::Latch(cause) => format!("latched by {cause}"),
        NoticeKind::Quarantine { input, .. } => format!("input {input} failed twice and is left out"),
        NoticeKind::Activate { hash, by, reason } => {
            format!("artefact {} takes effect, by {by}: {reason}", journal::Hash(*hash))
        }
        NoticeKind::Slept { artefact, activated, reason } => {
            let artefact =
                artefact.map_or(String::new(), |hash| format!(", artefact {}", journal::Hash(hash)));
            let effect = if *activated { " takes effect" } else { "" };
            format!("slept{artefact}{effect}: {reason}")
        }
        NoticeKind::News { instruments, embedding, model } => {
            let (about, numbers, model) = (instruments.len(), embedding.len(), journal::Hash(*model));
            format!("a headline for {about} of the instruments, {numbers} numbers by text model {model}")
        }
    }
}

/// What a venue said.
pub(super) fn report_text(report: &Report) -> String {
    match &report.kind {
        ReportKind::Accepted => "accepted".to_owned(),
        ReportKind::Rejected(why) => format!("rejected ({})", words(why)),
        ReportKind::Filled(fill) => {
            let (quantity, price, fee) = (fill.quantity, fill.price, fill.fee.rounded(6));
            let remaining = fill.remaining;
            format!("filled {quantity} at {price} ({}, fee {fee}), {remaining} left", words(fill.liquidity))
        }
        ReportKind::Cancelled { filled } => format!("cancelled with {filled} filled"),
        ReportKind::Expired { filled } => format!("expired with {filled} filled"),
        ReportKind::Replaced { price, quantity } => format!("moved to {price}, {quantity} left"),
        ReportKind::CancelRejected(why) => format!("cancel refused ({})", words(why)),
        ReportKind::ReplaceRejected(why) => format!("move refused ({})", words(why)),
    }
}

fn note_text(note: &Note) -> String {
    match note {
        Note::Opened { epoch, build, after_crash, wall_ns } => {
            let crash = if *after_crash { ", after a crash" } else { "" };
            format!("epoch {epoch} opened by build {build} at {}{crash}", Timestamp::from_ns(*wall_ns))
        }
        Note::SetAside { file, block, bytes } => {
            format!("torn block {block} of {bytes} bytes set aside in {file}")
        }
        Note::Dropped { segments, block, .. } => format!("{segments} segments dropped, up to block {block}"),
        Note::Reconciled { agreed, findings } => {
            let agreed = if *agreed { "agrees" } else { "differs" };
            let all = findings
                .iter()
                .map(|f| format!("; {}: {} here, {} there: {}", f.rule, f.ours, f.theirs, f.action));
            format!("compared with the venue, which {agreed}{}", all.collect::<String>())
        }
        Note::Restart { trip, step } => {
            let step = match step {
                RestartStep::Closed { cancels } => {
                    format!("the gate is closed, {cancels} orders are being cancelled")
                }
                RestartStep::Durable => "the latch is durable".to_owned(),
                RestartStep::Stopped => "the regions' actors are stopped".to_owned(),
                RestartStep::Proved { decisions } => {
                    format!("the regions are rebuilt, {decisions} decisions proved")
                }
            };
            format!("protective restart after input {trip}: {step}")
        }
        Note::Closed { wall_ns } => format!("closed at {}", Timestamp::from_ns(*wall_ns)),
    }
}

/// One JSON object: `kind`, `sequence`, `time`, `time_ns`, `instrument`, and the record itself, with
/// prices, quantities and money in units of 1e-9.
///
/// # Errors
/// None in practice: every record has a JSON form.
pub fn json(record: &Record, world: &World) -> Result<Value, serde_json::Error> {
    let mut content = match record {
        Record::Input(input) => serde_json::to_value(&input.kind)?,
        Record::Decision(decision) => serde_json::to_value(&decision.record)?,
        Record::Released(_) => Value::Null,
        Record::Marker(marker) => json!({ "state": marker.state }),
        Record::Note(note) => serde_json::to_value(note)?,
    };
    if let Record::Decision(decision) = record {
        content["percept"] = blake3::Hash::from_bytes(decision.record.percept).to_hex().as_str().into();
    }
    let (sequence, time) = place_of(record).unzip();
    let mut object = json!({
        "kind": Kind::of(record).name(),
        "sequence": sequence,
        "time": time.map(|time| time.to_string()),
        "time_ns": time.map(Timestamp::ns),
        "instrument": instrument_of(record).map(|id| world.name(id)),
        "content": content,
    });
    match record {
        Record::Decision(decision) => object["late"] = decision.late.into(),
        Record::Released(released) => object["late"] = released.late.into(),
        _ => {}
    }
    Ok(object)
}
