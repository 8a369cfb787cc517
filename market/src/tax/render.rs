//! A report as files tell it: one object, rows, and Form 8949. Amounts are exact decimals, as text.

use serde::Serialize;

use crate::num::Money;
use crate::tax::date::{TradeDate, WINDOW_DAYS};
use crate::tax::disposal::{Disposal, OpenLot, Replacement};
use crate::tax::report::{DoNotBuy, Report, Totals};

impl Report {
    /// The report as one object.
    pub fn object(&self) -> impl Serialize + use<> {
        ReportObject {
            year: self.year.year,
            from: self.year.first.to_string(),
            to: self.year.last.to_string(),
            policy: PolicyObject {
                contested: self.terms.earlier.to_string(),
                securities: self.terms.securities.to_string(),
                lots: "earliest first",
                window_days: WINDOW_DAYS,
            },
            assumptions: self.assumptions(),
            trades: self.returns.trades,
            disposals: self.disposals().map(DisposalObject::of).collect(),
            lots_as_of: self.returns.last.map(|day| day.to_string()),
            lots: self.returns.lots.iter().map(LotObject::of).collect(),
            do_not_buy: self.do_not_buy().into_iter().map(DoNotBuyObject::of).collect(),
            short: self.totals(Some(false)).into(),
            long: self.totals(Some(true)).into(),
            totals: self.totals(None).into(),
        }
    }

    /// Disposals and lots as CSV, one row each, told apart by `record`.
    pub fn csv(&self) -> String {
        let disposals = self.disposals().map(CsvRow::disposal);
        rows(disposals.chain(self.returns.lots.iter().map(CsvRow::lot)))
    }

    /// The rows of Form 8949 as CSV, part I (short-term) before part II, columns (a) to (h). Amounts are in
    /// cents, and gain = proceeds − basis + adjustment on every row.
    pub fn form_8949(&self) -> String {
        let part = |long_term: bool| self.disposals().filter(move |it| it.is_long_term() == long_term);
        rows(part(false).chain(part(true)).map(FormRow::of))
    }
}

/// CSV of rows that tell their own header; without a row it is the header alone.
fn rows<T: Serialize + Default>(rows: impl Iterator<Item = T>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut count = 0;
    for row in rows {
        // a vector takes everything, and the rows are flat
        _ = writer.serialize(row);
        count += 1;
    }
    if count == 0 {
        _ = writer.serialize(T::default());
    }
    let bytes = writer.into_inner().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = if count == 0 { 1 } else { usize::MAX };
    text.split_inclusive('\n').take(lines).collect()
}

#[derive(Serialize)]
struct ReportObject {
    year: i64,
    from: String,
    to: String,
    policy: PolicyObject,
    assumptions: Vec<String>,
    trades: usize,
    disposals: Vec<DisposalObject>,
    lots_as_of: Option<String>,
    lots: Vec<LotObject>,
    /// As of the last trade.
    do_not_buy: Vec<DoNotBuyObject>,
    short: TotalsObject,
    long: TotalsObject,
    totals: TotalsObject,
}

#[derive(Serialize)]
struct PolicyObject {
    contested: String,
    securities: String,
    lots: &'static str,
    window_days: i32,
}

#[derive(Serialize)]
struct TotalsObject {
    disposals: usize,
    proceeds: String,
    basis: String,
    loss: String,
    allowed: String,
    disallowed: String,
    lost: String,
    gain_or_loss: String,
}

impl From<Totals> for TotalsObject {
    fn from(sum: Totals) -> Self {
        Self {
            disposals: sum.disposals,
            proceeds: sum.proceeds.to_string(),
            basis: sum.basis.to_string(),
            loss: sum.loss.to_string(),
            allowed: sum.allowed.to_string(),
            disallowed: sum.disallowed.to_string(),
            lost: sum.lost.to_string(),
            gain_or_loss: sum.reported.to_string(),
        }
    }
}

#[derive(Serialize)]
struct DisposalObject {
    instrument: String,
    account: String,
    lot: Option<String>,
    acquired: String,
    held_from: String,
    sold: String,
    short_since: Option<String>,
    quantity: String,
    proceeds: String,
    basis: String,
    /// Proceeds − basis.
    gain: String,
    loss: String,
    allowed: String,
    disallowed: String,
    /// The part of `disallowed` that is in no basis.
    lost: String,
    code: &'static str,
    /// The gain that counts, or the loss where negative.
    gain_or_loss: String,
    term: &'static str,
    replacements: Vec<ReplacementObject>,
}

const fn term(it: bool) -> &'static str {
    if it { "long" } else { "short" }
}

impl DisposalObject {
    fn of(it: &Disposal) -> Self {
        Self {
            instrument: it.symbol.clone(),
            account: it.account.clone(),
            lot: it.lot.clone(),
            acquired: it.acquired.to_string(),
            held_from: it.held_from.to_string(),
            sold: it.sold.to_string(),
            short_since: it.short_since.map(|day| day.to_string()),
            quantity: it.quantity.to_string(),
            proceeds: it.proceeds.to_string(),
            basis: it.basis.to_string(),
            gain: it.gain().to_string(),
            loss: it.loss().to_string(),
            allowed: it.allowed().to_string(),
            disallowed: it.disallowed().to_string(),
            lost: it.lost().to_string(),
            code: it.code(),
            gain_or_loss: it.reported().to_string(),
            term: term(it.is_long_term()),
            replacements: it.replacements.iter().map(ReplacementObject::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct ReplacementObject {
    instrument: String,
    account: String,
    lot: Option<String>,
    acquired: String,
    quantity: String,
    disallowed: String,
    /// `basis`, or `lost`.
    into: &'static str,
}

impl ReplacementObject {
    fn of(it: &Replacement) -> Self {
        Self {
            instrument: it.symbol.clone(),
            account: it.account.clone(),
            lot: it.lot.clone(),
            acquired: it.acquired.to_string(),
            quantity: it.quantity.to_string(),
            disallowed: it.amount.to_string(),
            into: if it.is_lost { "lost" } else { "basis" },
        }
    }
}

#[derive(Serialize)]
struct DoNotBuyObject {
    instrument: String,
    until: String,
    loss: String,
}

impl DoNotBuyObject {
    fn of(it: DoNotBuy) -> Self {
        Self { instrument: it.symbol, until: it.until.to_string(), loss: it.loss.to_string() }
    }
}

#[derive(Serialize)]
struct LotObject {
    instrument: String,
    account: String,
    lot: Option<String>,
    acquired: String,
    held_from: String,
    quantity: String,
    basis: String,
    /// Whether it has replaced shares that were sold at a loss.
    replaces: bool,
}

impl LotObject {
    fn of(it: &OpenLot) -> Self {
        Self {
            instrument: it.symbol.clone(),
            account: it.account.clone(),
            lot: it.lot.clone(),
            acquired: it.piece.acquired.to_string(),
            held_from: it.piece.held_from.to_string(),
            quantity: it.piece.quantity.to_string(),
            basis: it.piece.basis.to_string(),
            replaces: it.piece.replaces,
        }
    }
}

/// A row of the CSV; what a lot has not is empty.
#[derive(Default, Serialize)]
struct CsvRow {
    record: &'static str,
    instrument: String,
    account: String,
    lot: String,
    quantity: String,
    acquired: String,
    held_from: String,
    sold: String,
    term: &'static str,
    proceeds: String,
    basis: String,
    allowed: String,
    disallowed: String,
    code: &'static str,
    gain_or_loss: String,
}

impl CsvRow {
    fn disposal(it: &Disposal) -> Self {
        Self {
            record: "disposal",
            instrument: it.symbol.clone(),
            account: it.account.clone(),
            lot: it.lot.clone().unwrap_or_default(),
            quantity: it.quantity.to_string(),
            acquired: it.acquired.to_string(),
            held_from: it.held_from.to_string(),
            sold: it.sold.to_string(),
            term: term(it.is_long_term()),
            proceeds: it.proceeds.to_string(),
            basis: it.basis.to_string(),
            allowed: it.allowed().to_string(),
            disallowed: it.disallowed().to_string(),
            code: it.code(),
            gain_or_loss: it.reported().to_string(),
        }
    }

    fn lot(it: &OpenLot) -> Self {
        Self {
            record: "lot",
            instrument: it.symbol.clone(),
            account: it.account.clone(),
            lot: it.lot.clone().unwrap_or_default(),
            quantity: it.piece.quantity.to_string(),
            acquired: it.piece.acquired.to_string(),
            held_from: it.piece.held_from.to_string(),
            basis: it.piece.basis.to_string(),
            ..Self::default()
        }
    }
}

/// A row of Form 8949, with the letters of its columns.
#[derive(Default, Serialize)]
struct FormRow {
    part: &'static str,
    #[serde(rename = "(a) description")]
    description: String,
    #[serde(rename = "(b) date acquired")]
    acquired: String,
    #[serde(rename = "(c) date sold")]
    sold: String,
    #[serde(rename = "(d) proceeds")]
    proceeds: String,
    #[serde(rename = "(e) basis")]
    basis: String,
    #[serde(rename = "(f) code")]
    code: &'static str,
    #[serde(rename = "(g) adjustment")]
    adjustment: String,
    #[serde(rename = "(h) gain or loss")]
    gain: String,
}

impl FormRow {
    fn of(it: &Disposal) -> Self {
        let (proceeds, basis, gain) = (it.proceeds.rounded(2), it.basis.rounded(2), it.reported().rounded(2));
        // what makes the row add up in cents; a sale that is wholly washed then has a gain of 0
        let adjustment = gain - proceeds + basis;
        let is_washed = !it.code().is_empty();
        Self {
            part: if it.is_long_term() { "II" } else { "I" },
            description: format!("{} sh. {}", it.quantity, it.symbol),
            acquired: american(it.acquired),
            sold: american(it.sold),
            proceeds: cents(proceeds),
            basis: cents(basis),
            code: it.code(),
            adjustment: if is_washed { cents(adjustment) } else { String::new() },
            gain: cents(if is_washed { gain } else { proceeds - basis }),
        }
    }
}

/// As the form wants a day.
fn american(date: TradeDate) -> String {
    let (year, month, day) = date.civil();
    format!("{month:02}/{day:02}/{year:04}")
}

/// An amount with two decimals.
fn cents(amount: Money) -> String {
    let text = amount.rounded(2).to_string();
    match text.split_once('.') {
        None => format!("{text}.00"),
        Some((_, decimals)) if decimals.len() == 1 => format!("{text}0"),
        Some(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_two_decimals() {
        for (amount, text) in [("400", "400.00"), ("-0.5", "-0.50"), ("1.255", "1.26"), ("0", "0.00")] {
            assert_eq!(cents(amount.parse().expect("money")), text);
        }
    }
}
