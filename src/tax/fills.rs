//! The fills on a tape, as trades.

use std::collections::BTreeSet;

use journal::{JournalError, Record};
use market::error::Place;
use market::order::{Fill, Report, ReportKind};
use market::tax::{Trade, TradeDate};
use synapse::{Input, InputKind, NoticeKind};

use crate::explain::World;

/// Collects fills, record by record.
#[derive(Debug)]
pub struct Fills<'a> {
    world: &'a World,
    /// What the tape is called in messages.
    tape: String,
    utc_offset_min: i64,
    /// The executions there were: each counts once.
    seen: BTreeSet<u64>,
    trades: Vec<Trade>,
}

impl<'a> Fills<'a> {
    /// None yet. A trade date is the day that a clock so far ahead of UTC shows at the venue's time.
    pub fn new(world: &'a World, tape: String, utc_offset_min: i64) -> Self {
        Self { world, tape, utc_offset_min, seen: BTreeSet::new(), trades: Vec::new() }
    }

    /// All trades of a tape, in the order they were reported.
    ///
    /// # Errors
    /// Where a record cannot be read.
    pub fn collect(
        mut self,
        records: impl Iterator<Item = Result<Record, JournalError>>,
    ) -> Result<Vec<Trade>, JournalError> {
        for record in records {
            if let Record::Input(input) = record? {
                self.note(&input);
            }
        }
        Ok(self.trades)
    }

    /// A quarantined input counts too: the market happened, whatever became of the thought.
    fn note(&mut self, input: &Input) {
        let InputKind::Notice(NoticeKind::Report(report)) = &input.kind else { return };
        if let ReportKind::Filled(fill) = &report.kind
            && self.seen.insert(fill.execution)
        {
            let trade = self.trade(input.sequence, report, fill);
            self.trades.push(trade);
        }
    }

    fn trade(&self, sequence: u64, report: &Report, fill: &Fill) -> Trade {
        let id = report.id.instrument;
        let mut trade = Trade::new(report.time, &self.world.name(id), fill.side, fill.quantity, fill.price);
        trade.date = TradeDate::of(report.time, self.utc_offset_min);
        trade.fee = fill.fee;
        trade.order = Some(report.id.to_string());
        trade.place = Place { file: self.tape.clone(), line: sequence };
        if let Some(facts) = self.world.facts.as_ref().filter(|facts| id.index() < facts.len()) {
            trade.multiplier = facts.get(id).multiplier;
        }
        trade
    }
}

#[cfg(test)]
mod tests {
    use market::order::{ClientId, Liquidity};
    use market::{InstrumentId, Money, Quantity, Side, Timestamp};

    use super::*;

    fn filled(sequence: u64, execution: u64, time: &str) -> Record {
        let time = Timestamp::parse_civil(time).expect("a time");
        let fill = Fill {
            execution,
            side: Side::Buy,
            price: "80000".parse().expect("a price"),
            quantity: "0.5".parse().expect("a quantity"),
            fee: "1.25".parse().expect("money"),
            liquidity: Liquidity::Taker,
            remaining: Quantity::ZERO,
        };
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        let kind = NoticeKind::Report(Report { id, time, kind: ReportKind::Filled(fill) });
        Record::Input(Input { sequence, time, kind: InputKind::Notice(kind) })
    }

    #[test]
    fn each_execution_is_a_trade_once() {
        let world = World { names: vec!["BTCUSD".to_owned()], ..World::default() };
        let records = [
            filled(5, 1, "2026-05-02 02:36:20"),
            filled(9, 1, "2026-05-02 02:36:20"),
            filled(12, 2, "2026-05-02 12:00"),
        ];
        let fills = Fills::new(&world, "tape".to_owned(), -240);
        let trades = fills.collect(records.into_iter().map(Ok)).expect("records");
        let [night, noon] = trades.as_slice() else { panic!("{trades:?}") };
        assert_eq!((night.symbol.as_str(), night.place.to_string()), ("BTCUSD", "tape:5".to_owned()));
        assert_eq!(
            (night.date.to_string(), noon.date.to_string()),
            ("2026-05-01".into(), "2026-05-02".into())
        );
        assert_eq!(
            (night.amount().to_string(), night.fee),
            ("40000".to_owned(), "1.25".parse::<Money>().expect("money"))
        );
        assert_eq!(night.order, noon.order, "two executions of one order");
    }
}
