//! Which instruments a feed may speak of.

use crate::error::MarketError;
use crate::feed::fields::{nearest, shown};
use crate::instrument::{InstrumentId, Instruments};

/// How many instruments a feed may make known by itself, and how long their names may be.
const MOST_NAMES: usize = 10_000;
pub(crate) const LONGEST_NAME: usize = 64;

/// The names of instruments and their ids: those of a run, or whatever a file speaks of.
#[derive(Debug, Clone)]
pub struct Names {
    list: Vec<(String, InstrumentId)>,
    /// Whether a new name is learned.
    learns: bool,
    /// Where the name asked for last stands: rows of one instrument come in a row.
    last: usize,
}

impl Names {
    /// The instruments of a run and no others.
    pub fn of(instruments: &Instruments) -> Self {
        let list = instruments.iter().map(|(id, i)| (i.name.clone(), id));
        Self { list: list.collect(), learns: false, last: 0 }
    }

    /// Whatever comes, numbered as it comes: for looking into a file. The numbers are those of one
    /// feed; feeds of one run share [`Names::of`].
    pub const fn any() -> Self {
        Self { list: Vec::new(), learns: true, last: 0 }
    }

    /// Each name with its id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, InstrumentId)> {
        self.list.iter().map(|(name, id)| (name.as_str(), *id))
    }

    /// The name of an instrument.
    pub fn name(&self, id: InstrumentId) -> Option<&str> {
        self.iter().find(|(_, i)| *i == id).map(|(name, _)| name)
    }

    /// The id of a name; a name that is not known is learned where that is allowed.
    pub(crate) fn resolve(&mut self, name: &str) -> Result<InstrumentId, String> {
        if let Some((known, id)) = self.list.get(self.last)
            && known == name
        {
            return Ok(*id);
        }
        if let Some(at) = self.list.iter().position(|(known, _)| known == name) {
            self.last = at;
            return Ok(self.list[at].1);
        }
        if !self.learns {
            return Err(self.unknown(name));
        }
        self.learn(name)
    }

    /// The instrument of a file that names none: the one that is asked for, the one its name
    /// suggests, or the only one there is.
    pub(crate) fn of_file(
        &mut self,
        file: &str,
        asked: Option<&str>,
        guess: &str,
    ) -> Result<InstrumentId, MarketError> {
        let only = match (self.learns, self.list.as_slice()) {
            (false, [(_, id)]) => Some(*id),
            _ => None,
        };
        let name = asked.unwrap_or(guess);
        match (self.resolve(name), asked, only) {
            (Ok(id), _, _) => Ok(id),
            (Err(_), None, Some(id)) => Ok(id),
            (Err(_), _, _) => Err(MarketError::NoInstrument {
                file: file.to_owned(),
                guess: shown(name.as_bytes()),
                known: self.listing(),
            }),
        }
    }

    fn learn(&mut self, name: &str) -> Result<InstrumentId, String> {
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(format!(
                "instrument `{}` is no name; it must have 1 to {LONGEST_NAME} characters",
                shown(name.as_bytes())
            ));
        }
        if self.list.len() >= MOST_NAMES {
            return Err(format!("instrument `{name}` is one too many; a file may name {MOST_NAMES}"));
        }
        let id = InstrumentId(self.list.len() as u16);
        self.list.push((name.to_owned(), id));
        Ok(id)
    }

    #[cold]
    fn unknown(&self, name: &str) -> String {
        let hint = nearest(name, self.list.iter().map(|(n, _)| n.as_str()))
            .map_or_else(String::new, |n| format!("did you mean `{n}`? "));
        format!("instrument `{}` is unknown; {hint}known are {}", shown(name.as_bytes()), self.listing())
    }

    fn listing(&self) -> String {
        let mut names: Vec<&str> = self.list.iter().take(20).map(|(n, _)| n.as_str()).collect();
        if names.len() < self.list.len() {
            names.push("…");
        }
        if names.is_empty() {
            return "none".to_owned();
        }
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(names: &[&str]) -> Names {
        let mut known = Names::any();
        for name in names {
            known.resolve(name).expect("learned");
        }
        known.learns = false;
        known
    }

    #[test]
    fn names_are_learned_in_the_order_they_come_or_refused() {
        let mut any = Names::any();
        for (name, id) in [("A", 0), ("B", 1), ("A", 0), ("B", 1)] {
            assert_eq!(any.resolve(name), Ok(InstrumentId(id)));
        }
        assert_eq!(any.name(InstrumentId(1)), Some("B"));
        assert!(any.resolve(&"x".repeat(65)).is_err());
        let fault = closed(&["BTCUSDT", "ETHUSDT"]).resolve("BTCUSD");
        assert_eq!(
            fault,
            Err("instrument `BTCUSD` is unknown; did you mean `BTCUSDT`? known are BTCUSDT, ETHUSDT"
                .to_owned())
        );
    }

    #[test]
    fn a_file_without_a_name_belongs_to_the_only_instrument() {
        let mut one = closed(&["SPX"]);
        assert_eq!(one.of_file("sp500.csv", None, "sp500"), Ok(InstrumentId(0)));
        assert!(one.of_file("sp500.csv", Some("NDX"), "sp500").is_err());
        let mut two = closed(&["SPX", "NDX"]);
        assert_eq!(two.of_file("x.csv", Some("NDX"), "x"), Ok(InstrumentId(1)));
        let fault = two.of_file("x.csv", None, "x").expect_err("either of two");
        assert_eq!(
            fault.to_string(),
            "x.csv: says nothing of its instrument, and `x` is not known; name one of SPX, NDX"
        );
    }
}
