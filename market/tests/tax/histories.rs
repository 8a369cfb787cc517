//! Random histories, and what must hold of any of them.

use market::tax::{Returns, Trade, TradeDate};
use market::{Money, Price, Quantity, Side, Timestamp};

use crate::oracle::returns;

/// How many histories are judged.
const HISTORIES: u64 = 100_000;

/// Numbers that are as good as drawn: splitmix64.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// Trades in order, each with its number as the line and each purchase with a name.
pub struct History {
    pub trades: Vec<Trade>,
    pub exempt: bool,
}

impl History {
    /// Whole shares at whole prices, with fees that are whole a share: A and B identical, C no security.
    pub fn small(draw: &mut Draw) -> Self {
        Self::drawn(draw, |draw| {
            let quantity = 1 + draw.below(6) as i64;
            let fee = i128::from(draw.below(3)) * i128::from(quantity);
            (quantity * 1_000_000_000, (20 + draw.below(12)) as i64 * 1_000_000_000, fee * 1_000_000_000)
        })
    }

    /// Quantities, prices and fees to the last digit, rebates among them.
    fn fine(draw: &mut Draw) -> Self {
        Self::drawn(draw, |draw| {
            let quantity = 1 + draw.below(5_000_000_000) as i64;
            let price = 1 + draw.below(60_000_000_000) as i64;
            (quantity, price, i128::from(draw.below(3_000_000_000)) - 500_000_000)
        })
    }

    fn drawn(draw: &mut Draw, mut size: impl FnMut(&mut Draw) -> (i64, i64, i128)) -> Self {
        let exempt = draw.below(2) == 0;
        let mut history = Self { trades: Vec::new(), exempt };
        let mut day = 20_000;
        for at in 0..4 + draw.below(12) {
            day += [0, 0, 1, 3, 10, 25, 29, 30, 31, 1][draw.below(10) as usize];
            let (quantity, price, fee) = size(draw);
            let date = TradeDate::from_day(day);
            let midnight = Timestamp::parse_civil(&date.to_string()).expect("a day");
            let (quantity, price) = (Quantity::from_units(quantity), Price::from_units(price));
            let symbol = draw.of(&["A", "A", "A", "B", "C"]);
            let mut trade = Trade::new(midnight.plus(at as i64), symbol, Side::Buy, quantity, price);
            trade.account = draw.of(&["main", "main", "main", "ira", "spouse"]).to_owned();
            trade.fee = Money::from_units(fee);
            trade.place.line = at;
            trade.lots = vec![format!("lot {at}")];
            history.trades.push(if draw.below(2) == 0 { history.sale_of(trade, draw) } else { trade });
        }
        history
    }

    /// A sale of what is held, of the earliest lots or of one that is named; the purchase where nothing is held.
    fn sale_of(&self, purchase: Trade, draw: &mut Draw) -> Trade {
        let (account, symbol) = (&purchase.account, &purchase.symbol);
        let mine = self.trades.iter().filter(|it| it.account == *account && it.symbol == *symbol);
        let held: i64 = mine.clone().map(|it| it.side.signed(it.quantity).units()).sum();
        if held == 0 {
            return purchase;
        }
        let quantity = purchase.quantity.units().min(held);
        let fee = Money::from_units(
            purchase.fee.units() / i128::from(purchase.quantity.units()) * i128::from(quantity),
        );
        // the fee stays whole a share where it was
        let fee = if fee.units() == 0 {
            purchase.fee.fraction(i128::from(quantity), i128::from(purchase.quantity.units()))
        } else {
            fee
        };
        let mut sale = Trade {
            side: Side::Sell,
            quantity: Quantity::from_units(quantity),
            fee,
            lots: Vec::new(),
            ..purchase
        };
        if draw.below(3) == 0 {
            let lots = returns(self).lots;
            let mine: Vec<_> =
                lots.iter().filter(|lot| lot.account == sale.account && lot.symbol == sale.symbol).collect();
            let picked = mine[draw.below(mine.len() as u64) as usize];
            let of_lot: i64 =
                mine.iter().filter(|lot| lot.lot == picked.lot).map(|lot| lot.piece.quantity.units()).sum();
            let quantity = sale.quantity.units().min(of_lot);
            sale.fee = sale.fee.fraction(i128::from(quantity), i128::from(sale.quantity.units()));
            sale.quantity = Quantity::from_units(quantity);
            sale.lots = picked.lot.iter().cloned().collect();
        }
        sale
    }
}

/// What was paid in taxed accounts is in the bases of what was sold and of what is left, and what was
/// disallowed is in a basis or lost.
fn conserved(history: &History, returns: &Returns) {
    let taxed = |account: &str| account != "ira";
    let sum = |side: Side| -> Money {
        let of = history.trades.iter().filter(|it| it.side == side && taxed(&it.account));
        of.map(|it| if side == Side::Buy { it.amount() + it.fee } else { it.amount() - it.fee }).sum()
    };
    let disposals = &returns.disposals;
    let disallowed: Money = disposals.iter().map(|it| it.disallowed()).sum();
    let lost: Money = disposals.iter().map(|it| it.lost()).sum();
    let sold: Money = disposals.iter().map(|it| it.basis).sum();
    let left: Money = returns.lots.iter().filter(|it| taxed(&it.account)).map(|it| it.piece.basis).sum();
    assert_eq!(sum(Side::Buy) + disallowed - lost, sold + left, "Σ basis");
    assert_eq!(sum(Side::Sell), disposals.iter().map(|it| it.proceeds).sum(), "Σ proceeds");
    let reported: Money = disposals.iter().map(|it| it.reported()).sum();
    assert_eq!(sum(Side::Sell) - sum(Side::Buy), reported - left - lost, "all that comes in is told once");
}

/// Each disposal and each share is used as the rule allows.
fn lawful(history: &History, returns: &Returns) {
    for it in &returns.disposals {
        assert_eq!(it.allowed() + it.disallowed(), it.loss());
        assert!(it.allowed() >= Money::ZERO && it.disallowed() >= Money::ZERO);
        assert!(it.held_from <= it.acquired && it.acquired <= it.sold);
        assert!(it.symbol != "C" || it.replacements.is_empty(), "no security");
        for by in &it.replacements {
            assert!((-30..=30).contains(&by.acquired.since(it.sold)));
            assert!(by.lot != it.lot, "no lot replaces itself");
            assert_eq!(by.is_lost, by.account == "ira");
            assert!(!history.exempt || by.acquired >= it.acquired);
            assert!(by.quantity.is_positive());
        }
    }
    for trade in history.trades.iter().filter(|it| it.side == Side::Buy) {
        let by = returns.disposals.iter().flat_map(|it| &it.replacements);
        let used: i64 =
            by.filter(|it| it.lot.as_ref() == trade.lots.first()).map(|it| it.quantity.units()).sum();
        assert!(used <= trade.quantity.units(), "a share replaces once");
    }
}

#[test]
fn nothing_is_lost_or_made_over_any_history() {
    let mut draw = Draw::new(1);
    let (mut washed, mut rewashed) = (0, 0);
    for _ in 0..HISTORIES {
        let history = History::fine(&mut draw);
        let returns = returns(&history);
        conserved(&history, &returns);
        lawful(&history, &returns);
        let count = returns.disposals.iter().filter(|it| !it.replacements.is_empty()).count();
        washed += usize::from(count > 0);
        rewashed += usize::from(count > 1);
    }
    eprintln!("of {HISTORIES} histories {washed} with a wash, {rewashed} with several");
    assert!(washed > 20_000 && rewashed > 5_000);
}
