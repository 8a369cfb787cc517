//! `janus flatten`: stops a daemon's trading, and waits until it holds nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use market::Quantity;
use synapse::{Outcome, Reason};

use super::journal::JournalArgs;
use super::operator::{Signature, done};
use super::terminal::say;
use crate::control::{self, Answer, Ask, Status};
use crate::failure::Failure;

/// How often the daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The reason of what is too little for an order.
const DUST: &str = "below_minimum_size";

/// Arguments of `janus flatten`.
#[derive(Debug, Args)]
pub struct Flatten {
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    signature: Signature,
    /// How long to wait until nothing is held; the daemon goes on after that.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    within: u32,
}

impl Flatten {
    /// Commands it, and tells what it waits for whenever that changes.
    ///
    /// # Errors
    /// [`Failure::Check`] where something is left in the end, [`Failure::Environment`] where no daemon
    /// runs.
    pub fn run(self) -> Result<(), Failure> {
        let (dir, Signature { by, reason }) = (&self.journal.journal, self.signature);
        let sequence = match control::ask(dir, &Ask::Flatten { by, reason })? {
            Answer::Done { sequence: Some(sequence), .. } => sequence,
            other => return done(other),
        };
        let until = Instant::now() + Duration::from_secs(u64::from(self.within));
        let mut told = Vec::new();
        loop {
            let left = look(dir)?;
            for one in left.iter().filter(|one| !told.contains(&one.key)) {
                say(&format!("{}\n", one.text))?;
            }
            if left.iter().all(|one| one.is_dust) {
                let but = if left.is_empty() { "" } else { ", but for what no order can be made of" };
                return say(&format!("flat{but} (input {sequence})\n"));
            }
            if Instant::now() >= until {
                let texts: Vec<String> = left.into_iter().map(|one| one.text).collect();
                return Err(Failure::Check(format!(
                    "not flat within {} s: {}; the daemon goes on, `janus status` tells how far it is",
                    self.within,
                    texts.join("; ")
                )));
            }
            told = left.into_iter().map(|one| one.key).collect();
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Something that is not flat yet.
#[derive(Debug)]
struct Left {
    text: String,
    /// What it comes to, without the numbers that change from look to look.
    key: String,
    /// It is less than an order can be made of, and stays.
    is_dust: bool,
}

/// What is left, and what each waits for.
fn look(dir: &Path) -> Result<Vec<Left>, Failure> {
    match control::ask(dir, &Ask::Status)? {
        Answer::Status(status) if status.latch.is_none() => Err(Failure::Check(
            "somebody has armed the daemon meanwhile: it trades again, and closes nothing; flatten again"
                .to_owned(),
        )),
        Answer::Status(status) => left(&status, |instrument| {
            let instrument = instrument.to_owned();
            control::ask(dir, &Ask::Ask { instrument }).map(awaited)
        }),
        // regions that are busy for long are not looked at
        Answer::Refused { message, .. } => {
            Ok(vec![Left { text: message, key: "refused".to_owned(), is_dust: false }])
        }
        other => done(other).map(|()| Vec::new()),
    }
}

/// What is left; `awaited` tells what a position waits for, in full and in short.
fn left(
    status: &Status,
    awaited: impl Fn(&str) -> Result<(String, String), Failure>,
) -> Result<Vec<Left>, Failure> {
    let away = status.venue.as_ref().map(|venue| &venue.state).filter(|state| *state != "reconciled");
    let at_work = status.working.iter().map(|order| &order.instrument);
    let names: BTreeSet<&String> = status.positions.keys().chain(at_work).collect();
    let one = |name: &String| {
        let orders = status.working.iter().filter(|order| order.instrument == *name).count();
        let held = status.positions.get(name);
        let (why, short) = match (held, away) {
            (_, Some(state)) => (state.clone(), state.clone()),
            (Some(_), None) => awaited(name)?,
            (None, None) => (format!("{orders} orders await their end"), format!("{orders} orders")),
        };
        let held = held.map_or("0", String::as_str);
        Ok(Left {
            is_dust: held.parse().is_ok_and(|held: Quantity| !held.is_zero()) && short == DUST,
            text: format!("{name}: {held} left, {why}, since {}", status.time),
            key: format!("{name} {held} {short}"),
        })
    };
    names.into_iter().map(one).collect()
}

/// What a position waits for, by what is thought of it: in full, and without its numbers.
fn awaited(answer: Answer) -> (String, String) {
    let outcome = match answer {
        Answer::Thought(_, mut thought) => thought["verdict"]["outcome"].take(),
        Answer::Refused { message, .. } => return (message, "refused".to_owned()),
        Answer::Done { .. } | Answer::Status(_) => serde_json::Value::Null,
    };
    // a number that is none does not come through JSON
    let plain = outcome.to_string();
    let (text, short) = match serde_json::from_value(outcome) {
        Ok(Outcome::Act(_)) => ("an order goes with its next sample".to_owned(), "acts".to_owned()),
        // the last fill came behind the status
        Ok(Outcome::Rest(Reason::Latched { .. })) => ("it is closed by now".to_owned(), "closed".to_owned()),
        Ok(Outcome::Rest(reason @ Reason::Refused { rule, .. })) => (reason.to_string(), rule.to_string()),
        Ok(Outcome::Rest(reason)) => (reason.to_string(), reason.name().to_owned()),
        Err(_) => (plain, "unread".to_owned()),
    };
    (text, short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::book::BookState;
    use synapse::{Code, LatchCause, Measured};

    fn told(outcome: Outcome) -> (String, String) {
        let thought = serde_json::json!({ "verdict": { "outcome": outcome } });
        awaited(Answer::Thought(String::new(), thought))
    }

    #[test]
    fn what_is_waited_for_is_told_and_compared_without_its_numbers() {
        let pair = |text: &str, short: &str| (text.to_owned(), short.to_owned());
        let rest = |reason| told(Outcome::Rest(reason));
        let unknown = Reason::StaleBook { book: BookState::Unknown };
        assert_eq!(rest(unknown), pair("the book is Unknown", "stale_book"));
        let refused = |value| {
            rest(Reason::Refused {
                rule: Code::new("duplicate").expect("it is short"),
                value: Measured::from(value),
                bound: Measured::from(500.0),
            })
        };
        assert_eq!(refused(3.0), pair("refused by the rule duplicate: 3 against 500", "duplicate"));
        assert_eq!(refused(4.0).1, refused(3.0).1);
        assert_eq!(
            refused(f64::NAN),
            pair("refused by the rule duplicate: unknown against 500", "duplicate")
        );
        assert_eq!(rest(Reason::Latched { cause: LatchCause::Operator }).1, "closed");
        assert_eq!(told(Outcome::Act([].into_iter().collect())).1, "acts");
        let (size, lot) = (Quantity::from_units(1), Quantity::from_units(100));
        assert_eq!(rest(Reason::BelowMinimumSize { size, lot }).1, DUST);
        assert_eq!(awaited(Answer::refused(70, "slow")), pair("slow", "refused"));
    }
}
