//! Trades from a CSV file.

use std::io::Read;

use crate::error::Place;
use crate::feed::TimeColumn;
use crate::instrument::Side;
use crate::num::{Money, Price, Quantity};
use crate::tax::date::TradeDate;
use crate::tax::error::TaxError;
use crate::tax::trade::{MAIN_ACCOUNT, Trade};
use crate::time::{SECOND_NS, Timestamp};

/// How many bad rows are named.
const NAMED: usize = 10;
/// How much of a value a message repeats.
const SHOWN_CHARS: usize = 48;
/// The columns, the usual names of each, and whether they are needed.
const COLUMNS: [(&str, &[&str], bool); 9] = [
    ("time", &["time", "date", "timestamp", "datetime", "trade_date", "trade date"], true),
    ("instrument", &["instrument", "symbol", "ticker"], true),
    ("side", &["side", "action"], true),
    ("quantity", &["quantity", "qty", "shares"], true),
    ("price", &["price"], true),
    ("fee", &["fee", "fees", "commission"], false),
    ("account", &["account"], false),
    ("lot", &["lot", "lots"], false),
    ("order", &["order", "order_id"], false),
];
const BUYS: [&str; 4] = ["buy", "b", "bought", "purchase"];
const SELLS: [&str; 4] = ["sell", "s", "sold", "sale"];

/// What a file of trades holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeFile {
    /// In the order of the file, or the other way round where that is newest first.
    pub trades: Vec<Trade>,
    /// What a reader of the report should know of the file.
    pub notes: Vec<String>,
}

/// Reads trades: a header that names `time`, `instrument`, `side`, `quantity`, `price`, and if need be `fee`,
/// `account`, `lot` and `order`, in any order, and a row a trade. A time without a zone is of the clock whose
/// days are the trade dates, `utc_offset_min` ahead of UTC.
///
/// # Errors
/// [`TaxError`] for a file that cannot be read, a column that is missing, and rows that are no trades.
pub fn read_trades(name: &str, input: impl Read, utc_offset_min: i64) -> Result<TradeFile, TaxError> {
    let unreadable = |reason: String| TaxError::Read { file: name.to_owned(), reason };
    let mut bytes = Vec::new();
    let mut input = input;
    input.read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let header = rows.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let columns = Columns::find(name, &header)?;
    let mut reader = RowReader { columns, clock: TimeColumn::new("time"), utc_offset_min };
    let (mut trades, mut bad) = (Vec::new(), Vec::new());
    for row in rows.records() {
        let row = row.map_err(|error| unreadable(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let place = Place { file: name.to_owned(), line };
        match reader.read(&row, header.len(), place.clone()) {
            Ok(trade) => trades.push(trade),
            Err(what) => bad.push(format!("{place}: {what}")),
        }
    }
    if !bad.is_empty() {
        let more = bad.len().saturating_sub(NAMED);
        bad.truncate(NAMED);
        if more > 0 {
            bad.push(format!("{name}: and {more} more rows are no trades"));
        }
        return Err(TaxError::Rows { rows: bad });
    }
    let mut notes = reader.columns.notes(&header);
    if is_newest_first(&trades) {
        trades.reverse();
        notes.push("the file is newest first: trades of one moment are taken from its end".to_owned());
    }
    Ok(TradeFile { trades, notes })
}

/// The delimiter that stands most often in the first line that is not a comment; the comma where none does.
fn delimiter(text: &[u8]) -> u8 {
    let mut lines = text.split(|byte| *byte == b'\n');
    let first =
        lines.find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#")).unwrap_or_default();
    let count = |by: u8| first.iter().filter(|byte| **byte == by).count();
    [b'\t', b';', b','].into_iter().max_by_key(|by| count(*by)).unwrap_or(b',')
}

/// Whether times go down, and never up.
fn is_newest_first(trades: &[Trade]) -> bool {
    let ends = trades.first().zip(trades.last());
    ends.is_some_and(|(first, last)| last.time < first.time)
        && trades.windows(2).all(|pair| pair[1].time <= pair[0].time)
}

/// Where each column stands.
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn find(name: &str, header: &csv::StringRecord) -> Result<Self, TaxError> {
        let expected = COLUMNS.map(|(column, _, _)| column).join(", ");
        if header.iter().all(str::is_empty) {
            return Err(TaxError::Empty { file: name.to_owned(), expected });
        }
        let mut found = [None; COLUMNS.len()];
        for (at, (column, usual, is_needed)) in found.iter_mut().zip(COLUMNS) {
            let is_it = |title: &str| usual.iter().any(|name| title.eq_ignore_ascii_case(name));
            let mut all = header.iter().enumerate().filter(|(_, title)| is_it(title)).map(|(k, _)| k);
            *at = all.next();
            let problem = match (*at, all.next()) {
                (None, _) if is_needed => "is missing",
                (Some(_), Some(_)) => "stands twice",
                _ => continue,
            };
            return Err(TaxError::Column {
                place: Place { file: name.to_owned(), line: 1 },
                column,
                problem,
                header: header.iter().map(shown).collect::<Vec<_>>().join(", "),
                remedy: match problem {
                    "is missing" => format!("name it one of {}", usual.join(", ")),
                    _ => format!("keep one of {}", usual.join(", ")),
                },
            });
        }
        Ok(Self(found))
    }

    /// What the columns leave open.
    fn notes(&self, header: &csv::StringRecord) -> Vec<String> {
        let unread = header.iter().enumerate().filter(|(at, _)| !self.0.contains(&Some(*at)));
        let unread: Vec<String> = unread.map(|(_, title)| shown(title)).collect();
        let mut notes = Vec::new();
        if !unread.is_empty() {
            notes.push(format!("columns that are not read: {}", unread.join(", ")));
        }
        if self.0[5].is_none() {
            notes.push("the file has no column `fee`: fees are taken for 0".to_owned());
        }
        notes
    }

    /// The text of a column; empty where there is none.
    fn text<'a>(&self, row: &'a csv::StringRecord, column: &str) -> &'a str {
        let place = COLUMNS.iter().position(|(name, _, _)| *name == column).and_then(|at| self.0[at]);
        place.and_then(|at| row.get(at)).unwrap_or_default()
    }
}

/// Reads rows, one after another.
struct RowReader {
    columns: Columns,
    clock: TimeColumn,
    utc_offset_min: i64,
}

impl RowReader {
    fn read(&mut self, row: &csv::StringRecord, fields: usize, place: Place) -> Result<Trade, String> {
        if row.len() != fields {
            return Err(format!(
                "has {} fields, and the header has {fields}; quote what holds a delimiter",
                row.len()
            ));
        }
        let (time, date) = self.time(self.columns.text(row, "time"))?;
        let text = |column: &str| self.columns.text(row, column);
        let symbol = text("instrument");
        if symbol.is_empty() {
            return Err("instrument is empty; name it".to_owned());
        }
        let fee = match text("fee") {
            "" => Money::ZERO,
            fee => {
                fee.parse().map_err(|error| format!("fee `{}` {error}; write it like 1.25", shown(fee)))?
            }
        };
        let named = |list: &str| {
            list.split(';').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let quantity =
            number::<Quantity>("quantity", text("quantity"), |it| it.is_positive(), "greater than 0")?;
        let price = number::<Price>("price", text("price"), |price| *price >= Price::ZERO, "0 or more")?;
        let mut trade = Trade::new(time, symbol, side(text("side"))?, quantity, price);
        trade.date = date;
        trade.fee = fee;
        trade.lots = named(text("lot"));
        trade.order = Some(text("order")).filter(|order| !order.is_empty()).map(str::to_owned);
        trade.account = Some(text("account")).filter(|it| !it.is_empty()).unwrap_or(MAIN_ACCOUNT).to_owned();
        trade.place = place;
        Ok(trade)
    }

    /// The moment and the trade date.
    fn time(&mut self, text: &str) -> Result<(Timestamp, TradeDate), String> {
        let (time, is_day) = self.clock.read(text)?;
        let offset_ns = self.utc_offset_min.saturating_mul(60 * SECOND_NS);
        Ok(if !is_day && is_absolute(text) {
            (time, TradeDate::of(time, self.utc_offset_min))
        } else {
            (time.plus(-offset_ns), TradeDate::of(time, 0))
        })
    }
}

/// Whether a time is one of the whole world: a count since the epoch, or with a zone.
fn is_absolute(text: &str) -> bool {
    let clock = text.split_once([' ', 'T']).map(|(_, clock)| clock);
    match clock {
        Some(clock) => clock.contains(['Z', 'z', '+', '-']),
        None => text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
    }
}

fn side(text: &str) -> Result<Side, String> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match (is(&BUYS), is(&SELLS)) {
        (true, _) => Ok(Side::Buy),
        (_, true) => Ok(Side::Sell),
        _ => Err(format!("side `{}` is unknown; write buy or sell", shown(text))),
    }
}

/// A number that is as it must be.
fn number<T>(column: &str, text: &str, is_right: impl Fn(&T) -> bool, must: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err = crate::num::NumberError>,
{
    let number =
        text.parse().map_err(|error| format!("{column} `{}` {error}; write it like 1234.5", shown(text)))?;
    if is_right(&number) { Ok(number) } else { Err(format!("{column} `{}` must be {must}", shown(text))) }
}

/// A value as a message shows it: shortened, on one line.
fn shown(text: &str) -> String {
    let short = text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let more = if text.chars().count() > SHOWN_CHARS { "…" } else { "" };
    short.collect::<String>() + more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TradeFile, String> {
        read_trades("t.csv", text.as_bytes(), -300).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_stand_in_any_order_under_their_usual_names() {
        let file = read(
            "Symbol,Date,Action,Shares,Price,Commission,Account,Lot,note\n\
             XYZ,2026-03-16,BUY,100,10.5,1,Roth IRA,a,x\n\
             XYZ,2026-03-17,sold,50,9,,,a; b,\n",
        )
        .expect("two trades");
        let [bought, sold] = file.trades.as_slice() else { panic!("{file:?}") };
        assert_eq!(
            (bought.side, bought.quantity.to_string(), bought.price.to_string()),
            (Side::Buy, "100".into(), "10.5".into())
        );
        assert_eq!(
            (bought.fee.to_string(), bought.account.as_str(), bought.lots.as_slice()),
            ("1".into(), "Roth IRA", &["a".to_owned()][..])
        );
        assert_eq!((sold.side, sold.account.as_str()), (Side::Sell, MAIN_ACCOUNT));
        assert_eq!(sold.lots, ["a", "b"]);
        assert_eq!((sold.place.line, sold.date.to_string()), (3, "2026-03-17".to_owned()));
        assert_eq!(file.notes, ["columns that are not read: note"]);
    }

    #[test]
    fn the_date_is_the_one_that_is_written_unless_a_zone_says_otherwise() {
        for (time, date) in [
            ("2026-03-16", "2026-03-16"),
            ("2026-03-16 00:10", "2026-03-16"),
            ("2026-03-16T23:59:59", "2026-03-16"),
            ("2026-03-16T01:00:00Z", "2026-03-15"),
            ("2026-03-16T01:00:00-05:00", "2026-03-16"),
            ("03/16/2026", "2026-03-16"),
            ("20260316", "2026-03-16"),
            // 2026-03-16T01:00:00Z
            ("1773622800", "2026-03-15"),
            ("1773622800000", "2026-03-15"),
        ] {
            let file = read(&format!("time,symbol,side,qty,price,fee\n{time},X,buy,1,1,0\n")).expect(time);
            assert_eq!(file.trades[0].date.to_string(), date, "{time}");
        }
    }

    #[test]
    fn bad_rows_are_named_and_nothing_is_reported() {
        let error = read(
            "time,symbol,side,quantity,price,fee\n\
             2026-13-01,X,buy,1,1,0\n\
             2026-01-01,,buy,1,1,0\n\
             2026-01-01,X,hold,1,1,0\n\
             2026-01-01,X,buy,-1,1,0\n\
             2026-01-01,X,buy,1,$5,0\n\
             2026-01-01,X,buy,1,-5,0\n\
             2026-01-01,X,buy,1,1,free\n\
             2026-01-01,X,buy,1\n",
        )
        .expect_err("nothing but bad rows");
        let lines: Vec<&str> = error.lines().collect();
        assert!(lines[0].starts_with("t.csv:2: time `2026-13-01` is no time; it must be"), "{error}");
        assert_eq!(
            lines[1..],
            [
                "t.csv:3: instrument is empty; name it",
                "t.csv:4: side `hold` is unknown; write buy or sell",
                "t.csv:5: quantity `-1` must be greater than 0",
                "t.csv:6: price `$5` is not a decimal number; write it like 1234.5",
                "t.csv:7: price `-5` must be 0 or more",
                "t.csv:8: fee `free` is not a decimal number; write it like 1.25",
                "t.csv:9: has 4 fields, and the header has 6; quote what holds a delimiter",
            ]
        );
        let many = format!("time,symbol,side,quantity,price\n{}", "x,X,buy,1,1\n".repeat(14));
        let error = read(&many).expect_err("all bad");
        assert_eq!(error.lines().count(), NAMED + 1);
        assert!(error.ends_with("t.csv: and 4 more rows are no trades"), "{error}");
    }

    #[test]
    fn a_header_that_lacks_a_column_is_told() {
        assert_eq!(
            read("time,symbol,quantity,price\n").expect_err("no side"),
            "t.csv:1: column `side` is missing; the header has time, symbol, quantity, price; name it one of side, action"
        );
        assert_eq!(
            read("date,time,symbol,side,quantity,price\n").expect_err("two times"),
            "t.csv:1: column `time` stands twice; the header has date, time, symbol, side, quantity, price; keep one of time, date, timestamp, datetime, trade_date, trade date"
        );
        assert!(
            read("")
                .expect_err("nothing")
                .starts_with("t.csv: is empty; give a CSV file with the columns time,")
        );
        let bytes: &[u8] = b"time,symbol,side,quantity,price\n2026-01-01,\xff,buy,1,1\n";
        assert!(read_trades("t.csv", bytes, 0).is_err());
    }

    #[test]
    fn a_file_that_is_newest_first_is_turned() {
        let file = read("time;symbol;side;quantity;price;fee\n2026-01-03;X;sell;1;1;0\n2026-01-02;X;buy;2;1;0\n2026-01-02;X;buy;1;1;0\n").expect("three");
        let quantities: Vec<String> = file.trades.iter().map(|it| it.quantity.to_string()).collect();
        assert_eq!(quantities, ["1", "2", "1"]);
        assert_eq!(file.trades[2].side, Side::Sell);
        assert_eq!(file.notes.len(), 1);
    }
}
