//! `janus rules explain`: the truth of every part of a rule, of an order that was judged or one that is made up.

use clap::{ArgGroup, Args};
use prefrontal::Statement;
use rules::{RuleId, RuleSet};
use serde_json::{Value, json};
use synapse::{DecisionRecord, Outcome};

use crate::commands::journal::{LookArgs, Tape};
use crate::commands::terminal::{bar, report};
use crate::commands::why::by_id;
use crate::failure::Failure;
use crate::law::Rules;
use crate::rebuild::{From, Obstacle, Rebuilt, Terms, Watched, rebuild_watched};
use crate::rulebook::{Explained, explain};
use crate::tax;

/// Arguments of `janus rules explain`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct Explain {
    /// A decision, `SEQUENCE` or `SEQUENCE:INSTRUMENT`: the tape is thought again up to it.
    #[arg(group = "which")]
    id: Option<String>,
    /// Facts of an order that is made up, as in a row of an example table: "side = sell, quantity = 3". What is not
    /// named is as on a calm day.
    #[arg(long, value_name = "FACTS", group = "which")]
    order: Option<String>,
    /// The rule file; several, each with a flag of its own or with commas, are one set. Without it the rules that were
    /// in force, or those that ship.
    #[arg(long, value_name = "FILE")]
    rules: Vec<String>,
    /// Explain this rule alone.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    #[command(flatten)]
    look: LookArgs,
}

impl Explain {
    /// Explains it.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such decision, it judged no order, or the facts do not stand.
    pub fn run(self) -> Result<(), Failure> {
        match (&self.order, &self.id) {
            (Some(facts), _) => self.made_up(facts),
            (None, Some(id)) => self.decided(id),
            (None, None) => Err(Failure::Input("name a decision, or give --order".to_owned())),
        }
    }

    fn made_up(&self, facts: &str) -> Result<(), Failure> {
        let rules = self.chosen()?.map_or_else(Rules::shipped, Ok)?;
        let supposed = rules.set().suppose("--order", facts).map_err(|e| Failure::Input(e.to_string()))?;
        let explained = explain(&supposed.rules, self.only(&supposed.rules)?, &supposed.world);
        self.tell(&format!("An order that is made up: {facts}"), json!({ "order": facts }), &explained)
    }

    fn decided(&self, id: &str) -> Result<(), Failure> {
        let tape = self.look.journal.open()?;
        let record = by_id(&tape, id)?.decision.record;
        let (rebuilt, statement) = self.think_up_to(&tape, &record)?;
        let Some(Statement { world, .. }) = statement else { return Err(untested(&record)) };
        let rules = self.chosen()?.unwrap_or(rebuilt.blueprint.rules);
        let explained = explain(rules.set(), self.only(rules.set())?, &world);
        let id = format!("{}:{}", record.sequence, record.instrument.0);
        let (name, end) = (tape.world.name(record.instrument), end(&record));
        let title = format!("Decision {id}, {name} at {}: {end}", record.time);
        let differs = rebuilt.rethink.first_difference().map(ToString::to_string);
        let title = differs.iter().fold(title, |title, differs| {
            title + &format!("\nThe tape comes out differently in this build: {differs}")
        });
        let wash = tax::before(&tape.dir, &tape.reader, &tape.world, &record)?;
        let title = wash.iter().fold(title, |title, wash| title + "\n" + wash);
        let object = json!({ "id": id, "outcome": end, "first_difference": differs, "wash": wash });
        self.tell(&title, object, &explained)
    }

    /// The brain behind a decision, and what the witness said of its order. What comes out differently now than it
    /// did then is let pass.
    fn think_up_to(
        &self,
        tape: &Tape,
        record: &DecisionRecord,
    ) -> Result<(Rebuilt, Option<Statement>), Failure> {
        let sequence = record.sequence;
        // other rules may look back further than what a snapshot remembers
        let (watched, from) = match self.chosen()? {
            Some(rules) => (Watched::Always(rules), From::Beginning),
            None => (Watched::InForce, From::Snapshot(sequence.saturating_sub(1))),
        };
        let (until, watched) = (Some(sequence), vec![watched]);
        let terms = Terms { until, watched, lenient: true, ..Terms::default() };
        let mut said = None;
        let bar = bar(Some(tape.reader.headers().len() as u64), "blocks");
        let progress = &mut |done, _| bar.set_position(done as u64);
        let rebuilt = rebuild_watched(&tape.dir, &tape.reader, from, &terms, progress, &mut |mut heard| {
            if (heard.sequence, heard.instrument) == (sequence, record.instrument) {
                said = heard.statements.pop();
            }
        });
        bar.finish_and_clear();
        Ok((rebuilt.map_err(Obstacle::into_failure)?, said))
    }

    /// The rules that are named.
    fn chosen(&self) -> Result<Option<Rules>, Failure> {
        let names = self.rules.join(",");
        (!names.is_empty()).then(|| Rules::named(&names)).transpose()
    }

    /// The rule that alone is asked for.
    fn only(&self, rules: &RuleSet) -> Result<Option<RuleId>, Failure> {
        let Some(name) = &self.rule else { return Ok(None) };
        let missing = || {
            let known: Vec<&str> = rules.rules().iter().map(|rule| rule.name.as_str()).collect();
            Failure::Input(format!("there is no rule `{name}`; there are {}", known.join(", ")))
        };
        rules.find(name).ok_or_else(missing).map(Some)
    }

    fn tell(&self, title: &str, mut object: Value, explained: &Explained) -> Result<(), Failure> {
        let refusing = explained.refusing();
        let verdict = match &refusing[..] {
            [] => "No hard rule refuses it.".to_owned(),
            names => format!("Refused by {}.", names.join(", ")),
        };
        object["refused_by"] = json!(refusing);
        object["rules"] = explained.json();
        report(self.look.json, &format!("{title}\n{verdict}\n\n{}", explained.text()), &object)
    }
}

fn end(record: &DecisionRecord) -> String {
    match &record.verdict.outcome {
        Outcome::Act(_) => "act".to_owned(),
        Outcome::Rest(reason) => reason.to_string(),
    }
}

/// Why there is nothing to explain.
fn untested(record: &DecisionRecord) -> Failure {
    let (sequence, instrument, end) = (record.sequence, record.instrument.0, end(record));
    Failure::Input(format!(
        "decision {sequence}:{instrument} had no order to judge ({end}); `janus why {sequence}:{instrument}` tells of it, \
         `janus why --last` names one that traded"
    ))
}
