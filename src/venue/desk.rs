//! The counter at which orders are taken: who may say what, and who gets to hear what came of it.

use market::order::NewOrder;

use super::faults::{Faults, Heard};
use super::floor::Floor;
use super::outlet::Item;
use super::traders::Traders;
use super::wire::{Answer, OrderName, ToVenue, Told, is_run};
use crate::sockets::to_line;

/// The floor, behind a connection that may be bad.
pub(super) struct Desk {
    pub(super) floor: Floor,
    pub(super) faults: Faults,
    pub(super) traders: Traders,
    /// How many orders came.
    pub(super) orders: u64,
}

impl Desk {
    pub(super) fn new(floor: Floor, faults: Faults) -> Self {
        Self { floor, faults, traders: Traders::default(), orders: 0 }
    }

    /// Takes what a connection said.
    pub(super) fn on_said(&mut self, number: u64, said: Result<ToVenue, String>) {
        if let Err(error) = said.and_then(|said| self.take(number, said)) {
            self.traders.answer(number, &Answer::Error(error));
        }
    }

    fn take(&mut self, number: u64, said: ToVenue) -> Result<(), String> {
        let run = self.traders.run(number);
        let told = match said {
            ToVenue::Hello { run, instruments } => {
                self.check_hello(&run, &instruments)?;
                self.traders.greet(number, &run);
                self.traders.answer(number, &Answer::Welcome { run });
                return Ok(());
            }
            ToVenue::Query { since_execution } => {
                check_run(run.as_deref(), None)?;
                if self.faults.slows() {
                    self.traders.pause(number);
                }
                let state = self.floor.state(&run.unwrap_or_default(), since_execution);
                self.traders.answer(number, &Answer::State(state));
                return Ok(());
            }
            ToVenue::Place { id, side, kind, price, quantity } => {
                check_run(run.as_deref(), Some(&id))?;
                self.orders += 1;
                let order = NewOrder { id: id.id, side, kind, price, quantity };
                let refuse = !self.floor.knows(&id) && self.faults.rejects();
                self.floor.place(id, &order, refuse)
            }
            ToVenue::Cancel { id } => {
                check_run(run.as_deref(), Some(&id))?;
                self.floor.cancel(id)
            }
            ToVenue::Replace { id, price, total } => {
                check_run(run.as_deref(), Some(&id))?;
                self.floor.replace(id, price, total)
            }
        };
        self.tell(told);
        if self.floor.is_over() {
            let told = self.floor.hurry();
            self.tell(told);
            self.flush();
        }
        Ok(())
    }

    fn check_hello(&self, run: &str, instruments: &[String]) -> Result<(), String> {
        let own: Vec<&String> = self.floor.instruments().iter().map(|(_, i)| &i.name).collect();
        if !is_run(run) {
            return Err("a run is named by 1 to 64 letters, digits, - and _; name yours so".into());
        }
        if own.iter().copied().ne(instruments) {
            return Err(format!(
                "the instruments here are {own:?}, and yours {instruments:?}; give both the same configuration"
            ));
        }
        Ok(())
    }

    /// Tells the runs what happened to their orders, as far as they get to hear it.
    pub(super) fn tell(&mut self, told: impl IntoIterator<Item = Told>) {
        for told in told {
            let heard = self.faults.hear(told);
            self.hear(heard);
        }
    }

    /// Tells what was held back, when nothing more will come.
    pub(super) fn flush(&mut self) {
        let late = self.faults.flush();
        self.hear(late);
    }

    fn hear(&mut self, heard: Vec<Heard>) {
        for heard in heard {
            match heard {
                Heard::Told(told) => {
                    let run = told.id.run.clone();
                    self.traders.tell(&run, &Item::Lines(to_line(&Answer::Report(told)).into()));
                }
                Heard::Pause(run) => self.traders.tell(&run, &Item::Pause),
                Heard::Cut(run) => self.traders.cut(&run),
            }
        }
    }
}

/// Whether a connection may speak, and of that order.
fn check_run(run: Option<&str>, order: Option<&OrderName>) -> Result<(), String> {
    match (run, order) {
        (None, _) => {
            Err("nothing is heard before a hello; say {\"hello\":{\"run\":…,\"instruments\":[…]}}".into())
        }
        (Some(run), Some(order)) if order.run != run => {
            Err(format!("{order} is an order of another run than {run}; say hello as that run"))
        }
        _ => Ok(()),
    }
}
