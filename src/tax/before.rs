//! Before an order: what it would wash, or be washed by, in the words of the books at that time.

use std::collections::BTreeSet;
use std::path::Path;

use journal::{Reader, Record};
use market::order::{ReportKind, Request};
use market::tax::{TradeDate, WashBook};
use market::{Instruments, Price, Quantity};
use synapse::{DecisionRecord, InputKind, NoticeKind};

use crate::blueprint::read_config;
use crate::explain::World;
use crate::failure::Failure;

/// What the rules `wash_sale` and `wash_purchase` saw in the order of a decision, in words; nothing where it washes
/// nothing, or the run's configuration is not at hand. The books are those of the fills on the tape.
///
/// # Errors
/// A [`Failure`] where a record cannot be read.
pub fn before(
    dir: &Path,
    reader: &Reader,
    world: &World,
    record: &DecisionRecord,
) -> Result<Option<String>, Failure> {
    let loss = |name: &str| {
        let rule = record.verdict.rules.iter().find(|rule| rule.rule.as_str() == name);
        rule.and_then(|rule| rule.value.0).filter(|loss| *loss > 0.0)
    };
    let (sale, purchase) = (loss("wash_sale"), loss("wash_purchase"));
    let (Some(facts), true) = (&world.facts, sale.is_some() || purchase.is_some()) else { return Ok(None) };
    let Ok(config) = read_config(dir, &reader.manifest().config) else { return Ok(None) };
    let terms = config.tax.terms().map_err(|e| Failure::Input(e.to_string()))?;
    let date_of = |time| TradeDate::of(time, config.tax.utc_offset_min);
    let mut book = WashBook::new(facts, &terms);
    let mut seen = BTreeSet::new();
    for next in reader.records() {
        let Record::Input(input) = next? else { continue };
        if input.sequence >= record.sequence {
            break;
        }
        if let InputKind::Notice(NoticeKind::Report(report)) = &input.kind
            && let ReportKind::Filled(fill) = &report.kind
            && seen.insert(fill.execution)
        {
            let order = report.id.sequence << 16 | u64::from(report.id.k);
            book.on_fill(date_of(input.time), report.id.instrument, fill, order);
        }
    }
    let (id, today) = (record.instrument, date_of(record.time));
    let (quantity, price) = candidate(record, facts);
    // of an order that is not known any more only the sum is
    let is_it = |loss: f64, found: f64| (loss - found).abs() < 1e-6;
    let words = match (sale, purchase) {
        (Some(loss), _) => {
            let washed = book.sale_washed_by(id, today, quantity, price);
            if is_it(loss, washed.disallowed.to_f64()) {
                washed.told(|id| world.name(id))
            } else {
                format!("this sale would be washed by purchases already made, {loss} of its loss")
            }
        }
        (None, loss) => {
            let washed = book.purchase_washes(id, today, quantity);
            let told = match loss {
                Some(loss) if !is_it(loss, washed.disallowed.to_f64()) => {
                    format!("this purchase would wash past losses of {loss}")
                }
                _ => washed.told(),
            };
            let ban = book.do_not_buy_until(today).into_iter().find(|ban| ban.instrument == id);
            match ban {
                Some(ban) => format!("{told}; from {} on it would wash nothing", ban.until),
                None => told,
            }
        }
    };
    Ok(Some(words))
}

/// The order that was judged: one that left stands in the record, one that was refused follows from it, unless it was
/// a part of another.
fn candidate(record: &DecisionRecord, facts: &Instruments) -> (Quantity, Price) {
    if let [Request::Place(order)] = record.verdict.requests() {
        return (order.quantity, order.price);
    }
    let (target, position) = (record.proposal.target.units(), record.account.position.units());
    let gap = Quantity::from_units(target.saturating_sub(position).saturating_abs());
    let price = record.execution.chosen().map_or(Price::ZERO, |style| style.price);
    (gap.floor_to(facts.get(record.instrument).lot), price)
}
