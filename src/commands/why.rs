//! `janus why`: the causal chain of a decision, and what became of it.

use clap::{ArgGroup, Args};
use journal::{Decision, Record};
use market::InstrumentId;
use market::order::ClientId;
use serde_json::{Value, json};
use synapse::{Action, DecisionRecord, InputKind, Outcome};

use super::journal::{LookArgs, Tape};
use super::terminal::report;
use crate::explain::{self, Origin, Sequel};
use crate::failure::Failure;
use crate::sleep;
use crate::tax;

/// Arguments of `janus why`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct Why {
    /// A decision, `SEQUENCE` or `SEQUENCE:INSTRUMENT`, or an order, `SEQUENCE:INSTRUMENT:K`.
    #[arg(group = "which")]
    id: Option<String>,
    /// The newest decision that asked something of the venue.
    #[arg(long, group = "which")]
    last: bool,
    /// The newest decision that did not trade although the basal ganglia proposed to.
    #[arg(long, group = "which")]
    not_taken: bool,
    #[command(flatten)]
    look: LookArgs,
}

/// A decision and the block that it stands in.
pub(super) struct Found {
    pub block: usize,
    pub decision: Decision,
}

impl Why {
    /// Explains it.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such decision, [`Failure::Check`] where the tape is damaged.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.look.journal.open()?;
        let found = match &self.id {
            Some(id) => by_id(&tape, id)?,
            None if self.last => newest(&tape, |record| !record.verdict.requests().is_empty())?
                .ok_or_else(|| none("asked anything of the venue", "try --not-taken"))?,
            None => newest(&tape, was_not_taken)?
                .ok_or_else(|| none("rested where the basal ganglia proposed to trade", "try --last"))?,
        };
        let record = &found.decision.record;
        let origin = origin(&tape, &found)?;
        let sequel = sequel(&tape, &found)?;
        let text = explain::decision(record, &origin, &tape.world) + &sequel.text(&tape.world);
        report(self.look.json, &text, &object(&tape, &found.decision, &origin, &sequel)?)
    }
}

fn none(what: &str, hint: &str) -> Failure {
    Failure::Input(format!("no decision on this tape {what}; {hint}"))
}

fn was_not_taken(record: &DecisionRecord) -> bool {
    let proposal = &record.proposal;
    let wants_to_trade = proposal.action != Action::Hold && proposal.target != record.account.position;
    wants_to_trade && matches!(record.verdict.outcome, Outcome::Rest(_))
}

/// The newest decision that passes, looked for from the end.
pub(super) fn newest(
    tape: &Tape,
    passes: impl Fn(&DecisionRecord) -> bool,
) -> Result<Option<Found>, Failure> {
    for block in (0..tape.reader.headers().len()).rev() {
        for record in tape.reader.block(block)?.into_iter().rev() {
            if let Record::Decision(decision) = record
                && passes(&decision.record)
            {
                return Ok(Some(Found { block, decision: *decision }));
            }
        }
    }
    Ok(None)
}

/// The decision of an ID as a user writes it.
pub(super) fn by_id(tape: &Tape, id: &str) -> Result<Found, Failure> {
    let bad = || {
        Failure::Input(format!(
            "`{id}` is no decision; write SEQUENCE, SEQUENCE:INSTRUMENT or an order's SEQUENCE:INSTRUMENT:K"
        ))
    };
    let mut parts = id.splitn(3, ':');
    let sequence = parts.next().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    let instrument = parts.next().map(|name| {
        tape.world.find(name).ok_or_else(|| {
            let known = tape.world.names.join(", ");
            Failure::Input(format!("instrument `{name}` is not on this tape, which has {known}"))
        })
    });
    let instrument = instrument.transpose()?;
    let k: Option<u16> = parts.next().map(|k| k.parse().map_err(|_| bad())).transpose()?;
    let mut found = all_of(tape, sequence, instrument)?;
    let Some(one) = found.pop() else { return Err(missing(tape, sequence, id)?) };
    if !found.is_empty() {
        let names: Vec<String> = found
            .iter()
            .chain([&one])
            .map(|it| format!("{sequence}:{}", tape.world.name(it.decision.record.instrument)))
            .collect();
        return Err(Failure::Input(format!(
            "{} decisions were made by input {sequence}; choose one of {}",
            names.len(),
            names.join(", ")
        )));
    }
    if let Some((instrument, k)) = instrument.zip(k) {
        let order = ClientId { sequence, instrument, k };
        if !one.decision.record.verdict.requests().iter().any(|request| request.id() == order) {
            return Err(Failure::Input(format!(
                "decision {sequence}:{} placed no order {order}; see `janus why {sequence}:{}`",
                instrument.0, instrument.0
            )));
        }
    }
    Ok(one)
}

/// The decisions made by an input. They stand in its block or behind it, in order.
fn all_of(tape: &Tape, sequence: u64, instrument: Option<InstrumentId>) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let Some(first) = tape.reader.block_of(sequence) else { return Ok(found) };
    for block in first..tape.reader.headers().len() {
        for record in tape.reader.block(block)? {
            let Record::Decision(decision) = record else { continue };
            if decision.record.sequence > sequence {
                return Ok(found);
            }
            if decision.record.sequence == sequence
                && instrument.is_none_or(|wanted| wanted == decision.record.instrument)
            {
                found.push(Found { block, decision: *decision });
            }
        }
    }
    Ok(found)
}

/// Why there is no such decision.
fn missing(tape: &Tape, sequence: u64, id: &str) -> Result<Failure, Failure> {
    let Some(at) = tape.reader.block_of(sequence).filter(|_| sequence > 0) else {
        let last = tape.reader.headers().last().map_or(0, |block| block.header.sequence_last);
        return Ok(Failure::Input(format!(
            "there is no input {sequence} on this tape; its last one is {last}"
        )));
    };
    let is_input = |record: &Record| matches!(record, Record::Input(input) if input.sequence == sequence);
    let records = tape.reader.block(at)?;
    let what =
        records.iter().find(|record| is_input(record)).map_or("not on the tape".to_owned(), |record| {
            format!(
                "`{}`",
                explain::text(record, &tape.world).split_whitespace().collect::<Vec<_>>().join(" ")
            )
        });
    Ok(Failure::Input(format!(
        "no decision {id} was made: input {sequence} is {what}; `janus journal show --kind decision` lists decisions"
    )))
}

/// The input that made a decision, and the newest market event of its instrument up to there.
fn origin(tape: &Tape, found: &Found) -> Result<Origin, Failure> {
    let record = &found.decision.record;
    let recalls = record.recall.iter().any(|recall| !recall.nearest.is_empty());
    let schemas = if recalls { sleep::book_at(&tape.dir, &tape.reader, record.sequence)? } else { None };
    let wash = tax::before(&tape.dir, &tape.reader, &tape.world, record)?;
    let mut origin = Origin { late: found.decision.late, schemas, wash, ..Origin::default() };
    let from = tape.reader.block_of(record.sequence).unwrap_or(found.block);
    for block in (0..=from).rev() {
        for input in tape.reader.block(block)?.into_iter().rev() {
            let Record::Input(input) = input else { continue };
            if let InputKind::Market(event) = &input.kind
                && event.instrument == record.instrument
                && input.sequence <= record.sequence
            {
                origin.market.get_or_insert_with(|| (input.sequence, event.clone()));
            }
            if input.sequence == record.sequence {
                origin.input = Some(input);
            }
            if origin.market.is_some() && origin.input.is_some() {
                return Ok(origin);
            }
        }
    }
    Ok(origin)
}

/// Folds what stands behind a decision, until nothing more can become of it.
fn sequel(tape: &Tape, found: &Found) -> Result<Sequel, Failure> {
    let record = &found.decision.record;
    let mut sequel = Sequel::of(record, &tape.world);
    let mut is_behind = false;
    for next in tape.reader.records_from(found.block) {
        let next = next?;
        if is_behind {
            sequel.fold(&next);
            if sequel.is_over() {
                break;
            }
        } else {
            is_behind = matches!(&next, Record::Decision(it) if it.record == *record);
        }
    }
    Ok(sequel)
}

fn object(
    tape: &Tape,
    decision: &Decision,
    origin: &Origin,
    sequel: &Sequel,
) -> Result<Value, serde_json::Error> {
    let record = &decision.record;
    let (outcome, reason) = match &record.verdict.outcome {
        Outcome::Act(_) => ("act", None),
        Outcome::Rest(reason) => (reason.name(), Some(reason.to_string())),
    };
    let input = origin.input.clone().map(|input| explain::json(&Record::Input(input), &tape.world));
    Ok(json!({
        "id": format!("{}:{}", record.sequence, record.instrument.0),
        "outcome": outcome,
        "reason": reason,
        "input": input.transpose()?,
        "market": origin.market.as_ref().map(|(sequence, event)| json!({ "sequence": sequence, "event": event })),
        "decision": explain::json(&Record::Decision(Box::new(decision.clone())), &tape.world)?,
        "wash": origin.wash,
        "sequel": sequel.json(),
    }))
}
