//! Trades as the tests write them: `2026-03-01 buy 100 XYZ @ 50`, then if need be `fee`, `in`, `lot`, `order`.

use market::tax::{AccountTerms, Disposal, Returns, TaxParams, Trade, TradeDate, WashTerms, fold};
use market::{Money, Quantity, Side, Timestamp};

/// The terms of a test, from which it changes what it is about.
#[derive(Clone, Default)]
pub struct Terms {
    pub params: TaxParams,
    pub accounts: AccountTerms,
}

impl Terms {
    pub fn contested(word: &str) -> Self {
        let params = TaxParams { contested: word.to_owned(), ..TaxParams::default() };
        Self { params, ..Self::default() }
    }

    pub fn identical(groups: &str) -> Self {
        let params = TaxParams { identical: groups.to_owned(), ..TaxParams::default() };
        Self { params, ..Self::default() }
    }

    pub fn read(&self) -> WashTerms {
        self.params.terms().expect("terms")
    }
}

/// Reads a story, a trade a line; the line is the minute of its day.
pub fn trades(story: &str) -> Vec<Trade> {
    let lines = story.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.enumerate().map(|(minute, line)| trade(line, minute)).collect()
}

fn trade(line: &str, minute: usize) -> Trade {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [day, side, quantity, symbol, "@", price, rest @ ..] = words.as_slice() else {
        panic!("no trade: {line}");
    };
    let day: TradeDate = day.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    let midnight = Timestamp::parse_civil(&day.to_string()).expect("a day");
    let side = match *side {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => panic!("no side: {line}"),
    };
    let time = midnight.plus(minute as i64 * 60_000_000_000);
    let mut trade = Trade::new(
        time,
        symbol,
        side,
        quantity.parse().expect("a quantity"),
        price.parse().expect("a price"),
    );
    trade.place.line = minute as u64 + 1;
    for pair in rest.chunks(2) {
        match pair {
            ["fee", fee] => trade.fee = fee.parse().expect("money"),
            ["in", account] => trade.account = (*account).to_owned(),
            ["lot", lots] => trade.lots = lots.split(';').map(str::to_owned).collect(),
            ["order", order] => trade.order = Some((*order).to_owned()),
            _ => panic!("unknown: {line}"),
        }
    }
    trade
}

pub fn under(terms: &Terms, story: &str) -> Returns {
    fold(trades(story), &terms.read(), &terms.accounts).unwrap_or_else(|error| panic!("{error}"))
}

pub fn returns(story: &str) -> Returns {
    under(&Terms::default(), story)
}

pub fn money(text: &str) -> Money {
    text.parse().expect("money")
}

pub fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

pub fn date(text: &str) -> TradeDate {
    text.parse().expect("a day")
}

/// Loss, allowed and disallowed of each disposal.
pub fn losses(returns: &Returns) -> Vec<[String; 3]> {
    let of = |it: &Disposal| [it.loss(), it.allowed(), it.disallowed()].map(|money| money.to_string());
    returns.disposals.iter().map(of).collect()
}

/// Acquired, quantity and basis of each open lot.
pub fn lots(returns: &Returns) -> Vec<[String; 3]> {
    returns
        .lots
        .iter()
        .map(|it| [it.piece.acquired.to_string(), it.piece.quantity.to_string(), it.piece.basis.to_string()])
        .collect()
}

/// Where the holding period of each open lot begins.
pub fn held_from(returns: &Returns) -> Vec<String> {
    returns.lots.iter().map(|it| it.piece.held_from.to_string()).collect()
}
