//! `janus rules diff`: where two rule files differ over the orders of a tape.

use clap::Args;
use serde::Serialize;

use crate::commands::journal::{LookArgs, Tape};
use crate::commands::terminal::{bar, report};
use crate::failure::Failure;
use crate::law::Rules;
use crate::rebuild::{From, Obstacle, Terms, Watched, rebuild_watched};
use crate::rulebook::{Difference, Totals, between};
use crate::summary::grouped;

/// Arguments of `janus rules diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// A rule file, or `compliance` for the rules that ship; several with commas between them are one set.
    a: String,
    /// Another.
    b: String,
    #[command(flatten)]
    look: LookArgs,
}

/// A decision over whose order the two differ.
#[derive(Debug, Serialize)]
struct Row {
    /// `SEQUENCE:INSTRUMENT`, as `janus why` takes it.
    id: String,
    instrument: String,
    order: String,
    #[serde(flatten)]
    difference: Difference,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Compared {
    a: String,
    b: String,
    #[serde(flatten)]
    totals: Totals,
    decisions: Vec<Row>,
    /// What came out differently now than it did then, where the tape is of another build.
    first_difference: Option<String>,
}

impl Diff {
    /// Thinks the tape again, and lets both judge what was judged then; what follows from an order is what
    /// followed then.
    ///
    /// # Errors
    /// [`Failure::Input`] for rules that do not stand, [`Failure::Check`] where the tape cannot be thought again.
    pub fn run(self) -> Result<(), Failure> {
        let watched = [&self.a, &self.b].map(|names| Rules::named(names).map(Watched::Always));
        let watched = watched.into_iter().collect::<Result<Vec<_>, _>>()?;
        let tape = self.look.journal.open()?;
        let compared = self.compare(&tape, watched)?;
        report(self.look.json, &compared.text(), &compared)
    }

    fn compare(&self, tape: &Tape, watched: Vec<Watched>) -> Result<Compared, Failure> {
        let (mut totals, mut decisions) = (Totals::default(), Vec::new());
        let terms = Terms { lenient: true, watched, ..Terms::default() };
        let bar = bar(Some(tape.reader.headers().len() as u64), "blocks");
        let progress = &mut |done, _| bar.set_position(done as u64);
        let rebuilt =
            rebuild_watched(&tape.dir, &tape.reader, From::Beginning, &terms, progress, &mut |heard| {
                let [a, b] = &heard.statements[..] else { return };
                let difference = between(&a.rules, &b.rules);
                totals.note(difference.as_ref());
                let (id, instrument) =
                    (format!("{}:{}", heard.sequence, heard.instrument.0), tape.world.name(heard.instrument));
                let order = format!("{} {} at {}", heard.order.side, heard.order.quantity, heard.order.price);
                decisions.extend(difference.map(|difference| Row { id, instrument, order, difference }));
            });
        bar.finish_and_clear();
        let rebuilt = rebuilt.map_err(Obstacle::into_failure)?;
        let first_difference = rebuilt.rethink.first_difference().map(ToString::to_string);
        let (a, b) = (self.a.clone(), self.b.clone());
        Ok(Compared { a, b, totals, decisions, first_difference })
    }
}

impl Compared {
    fn text(&self) -> String {
        let mut text = format!("A is {}, B is {}\n", self.a, self.b);
        for Row { id, instrument, order, difference } in &self.decisions {
            let (a, b, rules) = (difference.a.verdict(), difference.b.verdict(), difference.rules());
            text += &format!("{id} {instrument}, {order}: A {a}, B {b}; {rules}\n");
        }
        let Totals { candidates, differ, only_b_refuses, only_a_refuses, rules } = &self.totals;
        text += &format!(
            "{} orders were judged by both: {} differ, {} may go by A alone, {} by B alone\n",
            grouped(*candidates),
            grouped(*differ),
            grouped(*only_b_refuses),
            grouped(*only_a_refuses)
        );
        for (rule, count) in rules {
            text += &format!("{rule:<24} {:>9}\n", grouped(*count));
        }
        text += "Each order is judged as it was then; what would have followed is not simulated.\n";
        if let Some(difference) = &self.first_difference {
            text += &format!("The tape comes out differently in this build: {difference}\n");
        }
        text
    }
}
