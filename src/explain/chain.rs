//! The causal chain of one decision: what made it, and each region's part in the line's order.

use market::MarketEvent;
use neocortex::learn::SchemaBook;
use synapse::{DecisionRecord, Input, InputKind, Outcome, SampleKind};

use super::regions;
use super::words::{Columns, World, requests, span, words};

/// Where a decision came from, as far as it is known: a thought that was only asked for has no input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// The input that it was made by.
    pub input: Option<Input>,
    /// The newest market event of its instrument up to there, and its sequence number.
    pub market: Option<(u64, MarketEvent)>,
    /// Whether it was recomputed after a crash, so that nothing of it was sent.
    pub late: bool,
    /// What was learned by then, where something is recalled.
    pub schemas: Option<SchemaBook>,
    /// What the order would wash, or be washed by.
    pub wash: Option<String>,
}

/// A decision in words and numbers: at most a screen.
pub fn decision(record: &DecisionRecord, origin: &Origin, world: &World) -> String {
    let mut text = Columns::default();
    text.line(headline(record, origin, world));
    if origin.late {
        text.line("Recomputed after a crash: nothing of it was sent.");
    }
    text.line("");
    text.rows("input", cause(record, origin));
    regions::brainstem(&mut text, record, world);
    regions::amygdala(&mut text, record);
    regions::memory(&mut text, record, origin.schemas.as_ref());
    regions::sight(&mut text, record);
    regions::basal_ganglia(&mut text, record);
    regions::cerebellum(&mut text, record);
    regions::prefrontal(&mut text, record, world, origin.wash.as_deref());
    text.0
}

fn headline(record: &DecisionRecord, origin: &Origin, world: &World) -> String {
    let (sequence, name, time) = (record.sequence, world.name(record.instrument), record.time);
    let end = match &record.verdict.outcome {
        Outcome::Act(all) => requests(all),
        Outcome::Rest(reason) => format!("no order ({}): {reason}", reason.name()),
    };
    match origin.input {
        Some(_) => format!("Decision {sequence}:{}, {name} at {time}\n{end}", record.instrument.0),
        None => format!("Would decide behind input {sequence}, {name} at {time}\n{end}"),
    }
}

fn cause(record: &DecisionRecord, origin: &Origin) -> Vec<String> {
    let sample = match record.kind {
        SampleKind::Regular => "a regular sample".to_owned(),
        SampleKind::Startle(startle) => format!("a startle ({}): it may only cancel", words(startle)),
    };
    let made_by = match origin.input.as_ref().map(|input| (&input.kind, input.time)) {
        None => String::new(),
        Some((InputKind::Tick(_), time)) => format!(", made by the tick of {time}"),
        Some((InputKind::Market(event), time)) => {
            format!(", made by the market: {} at {time}", super::line::event(event))
        }
        Some((InputKind::Notice(notice), time)) => {
            format!(", made by {} at {time}", super::line::notice(notice))
        }
    };
    let mut lines = vec![format!("{}: {sample}{made_by}", record.sequence)];
    if let Some((sequence, event)) = origin.market.as_ref().filter(|(at, _)| *at != record.sequence) {
        let before = span(record.time.since(event.time));
        lines.push(format!(
            "{sequence}: the market before it, {before} earlier: {}",
            super::line::event(event)
        ));
    }
    lines
}
