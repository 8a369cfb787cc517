//! A second reckoning, share by share and over all trades at once: whole shares, whole amounts a share, no
//! lots, no queues, no incremental state. It shares no code with the subject but the numbers and dates.

use std::collections::BTreeMap;

use market::tax::{AccountTerms, Returns, TaxParams, Trade, TradeDate, fold};
use market::{Money, Quantity, Side};

use crate::histories::{Draw, History};

/// Faults that are planted, to see that the comparison sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    None,
    /// 29 days before.
    ShortBefore,
    /// 31 days after.
    LongAfter,
    /// A lot replaces itself.
    OwnLot,
    /// A share replaces two.
    UsedTwice,
    /// The basis of an IRA grows.
    IraBasis,
    /// The contested question answered the other way.
    Contested,
    /// The latest purchase first.
    LatestFirst,
    /// Purchases before the sale are not looked at.
    OnlyAfter,
    /// What is sold by then replaces too.
    GoneReplaces,
    /// The original basis decides whether it is a loss.
    Unadjusted,
    /// Securities that are identical are not.
    NotIdentical,
    /// Fees are left out.
    NoFees,
    /// The holding period starts anew.
    NoTacking,
}

const FLAWS: [Flaw; 13] = [
    Flaw::ShortBefore,
    Flaw::LongAfter,
    Flaw::OwnLot,
    Flaw::UsedTwice,
    Flaw::IraBasis,
    Flaw::Contested,
    Flaw::LatestFirst,
    Flaw::OnlyAfter,
    Flaw::GoneReplaces,
    Flaw::Unadjusted,
    Flaw::NotIdentical,
    Flaw::NoFees,
    Flaw::NoTacking,
];

/// One share from its purchase to its sale.
#[derive(Clone)]
struct Share {
    /// The trade it was bought by.
    bought: usize,
    day: i32,
    symbol: String,
    account: String,
    /// In units of 1e-9.
    cost: i128,
    carried: i128,
    held_from: i32,
    /// The trade it was sold by.
    sold: Option<usize>,
    used: bool,
}

/// What a share was sold with: the trade, its loss, what is disallowed, and what of that is lost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct SaleSum {
    proceeds: i128,
    basis: i128,
    loss: i128,
    disallowed: i128,
    lost: i128,
}

/// By trade; and of each purchase the basis and the day of each share that is left.
type Reckoning = (BTreeMap<usize, SaleSum>, BTreeMap<usize, Vec<(i128, i32)>>);

struct Oracle<'a> {
    history: &'a History,
    flaw: Flaw,
    shares: Vec<Share>,
}

impl Oracle<'_> {
    fn group(&self, symbol: &str) -> &'static str {
        match symbol {
            "A" | "B" if self.flaw != Flaw::NotIdentical => "A",
            "A" => "A",
            "B" => "B",
            _ => "C",
        }
    }

    fn fee(&self, trade: &Trade) -> i128 {
        if self.flaw == Flaw::NoFees { 0 } else { trade.fee.units() / whole(trade.quantity) as i128 }
    }

    fn reckon(mut self) -> Reckoning {
        for (at, trade) in self.history.trades.iter().enumerate().filter(|(_, t)| t.side == Side::Buy) {
            for _ in 0..whole(trade.quantity) {
                self.shares.push(Share {
                    bought: at,
                    day: trade.date.day(),
                    symbol: trade.symbol.clone(),
                    account: trade.account.clone(),
                    cost: i128::from(trade.price.units()) + self.fee(trade),
                    carried: 0,
                    held_from: trade.date.day(),
                    sold: None,
                    used: false,
                });
            }
        }
        let mut sales = BTreeMap::new();
        for (at, trade) in self.history.trades.iter().enumerate().filter(|(_, t)| t.side == Side::Sell) {
            let sum = self.sell(at, trade);
            if trade.account != "ira" {
                sales.insert(at, sum);
            }
        }
        let mut left: BTreeMap<usize, Vec<(i128, i32)>> = BTreeMap::new();
        for share in self.shares.iter().filter(|share| share.sold.is_none()) {
            left.entry(share.bought).or_default().push((share.cost + share.carried, share.held_from));
        }
        (sales, left)
    }

    fn sell(&mut self, at: usize, trade: &Trade) -> SaleSum {
        let wanted = |share: &Share| {
            let named = trade
                .lots
                .first()
                .is_none_or(|lot| self.history.trades[share.bought].lots.first() == Some(lot));
            let mine = share.symbol == trade.symbol && share.account == trade.account;
            mine && named && share.sold.is_none() && share.bought < at
        };
        let gone: Vec<usize> =
            (0..self.shares.len()).filter(|k| wanted(&self.shares[*k])).take(whole(trade.quantity)).collect();
        assert_eq!(gone.len(), whole(trade.quantity), "the history sells what is held");
        for &k in &gone {
            self.shares[k].sold = Some(at);
        }
        let mut sum = SaleSum::default();
        for &k in &gone {
            let share = self.shares[k].clone();
            let proceeds = i128::from(trade.price.units()) - self.fee(trade);
            let basis = share.cost + share.carried;
            let loss = basis - proceeds;
            sum.proceeds += proceeds;
            sum.basis += basis;
            let seen = if self.flaw == Flaw::Unadjusted { share.cost - proceeds } else { loss };
            sum.loss += loss.max(0);
            if trade.account == "ira" || seen <= 0 || loss <= 0 || self.group(&trade.symbol) == "C" {
                continue;
            }
            if let Some(other) = self.replacement(at, trade.date.day(), &share) {
                sum.disallowed += loss;
                let held = trade.date.day() - share.held_from;
                let replacing = &mut self.shares[other];
                replacing.used = true;
                let is_ira = replacing.account == "ira";
                sum.lost += if is_ira { loss } else { 0 };
                if !is_ira || self.flaw == Flaw::IraBasis {
                    replacing.carried += loss;
                }
                if !is_ira && self.flaw != Flaw::NoTacking {
                    replacing.held_from = if replacing.day > trade.date.day() {
                        replacing.day - held
                    } else {
                        replacing.day.min(share.held_from)
                    };
                }
            }
        }
        sum
    }

    fn replacement(&self, at: usize, day: i32, sold: &Share) -> Option<usize> {
        let (before, after) = match self.flaw {
            Flaw::ShortBefore => (29, 30),
            Flaw::LongAfter => (30, 31),
            _ => (30, 30),
        };
        let exempt = self.history.exempt != (self.flaw == Flaw::Contested);
        let fits = |share: &&Share| {
            self.group(&share.symbol) == self.group(&sold.symbol)
                && (day - before..=day + after).contains(&share.day)
                && (share.bought > at || self.flaw != Flaw::OnlyAfter)
                && (share.bought != sold.bought || self.flaw == Flaw::OwnLot)
                && (!share.used || self.flaw == Flaw::UsedTwice)
                && (share.sold.is_none() || self.flaw == Flaw::GoneReplaces)
                && (!exempt || share.day >= sold.day)
        };
        let mut all = (0..self.shares.len()).filter(|k| fits(&&self.shares[*k]));
        if self.flaw == Flaw::LatestFirst { all.next_back() } else { all.next() }
    }
}

fn whole(quantity: Quantity) -> usize {
    (quantity.units() / 1_000_000_000) as usize
}

/// What the subject makes of it, in the same form.
fn subject(history: &History) -> Reckoning {
    let returns = returns(history);
    let mut sales: BTreeMap<usize, SaleSum> = BTreeMap::new();
    for it in &returns.disposals {
        let sum = sales.entry(it.place.line as usize).or_default();
        sum.proceeds += it.proceeds.units();
        sum.basis += it.basis.units();
        sum.loss += it.loss().units();
        sum.disallowed += it.disallowed().units();
        sum.lost += it.lost().units();
    }
    let mut left: BTreeMap<usize, Vec<(i128, i32)>> = BTreeMap::new();
    for lot in &returns.lots {
        let name = lot.lot.as_deref().expect("every purchase has a name");
        let bought = history.trades.iter().position(|t| t.side == Side::Buy && t.lots[0] == name);
        let shares = whole(lot.piece.quantity);
        let each = lot.piece.basis.units() / shares as i128;
        assert_eq!(each * shares as i128, lot.piece.basis.units(), "whole amounts a share");
        let entry = left.entry(bought.expect("bought")).or_default();
        entry.extend(std::iter::repeat_n((each, lot.piece.held_from.day()), shares));
    }
    (sales, left)
}

pub fn returns(history: &History) -> Returns {
    let contested = if history.exempt { "exempt" } else { "replace" }.to_owned();
    let params = TaxParams {
        contested,
        identical: "A=B".to_owned(),
        securities: "A,B".to_owned(),
        ..TaxParams::default()
    };
    let terms = params.terms().expect("terms");
    fold(history.trades.clone(), &terms, &AccountTerms::default()).expect("what is sold is held")
}

fn reckon(history: &History, flaw: Flaw) -> Reckoning {
    Oracle { history, flaw, shares: Vec::new() }.reckon()
}

#[test]
fn a_reckoning_share_by_share_agrees() {
    let mut draw = Draw::new(15);
    let (mut washed, mut lost, mut partial, mut carried) = (0, 0, 0, 0);
    for case in 0..20_000 {
        let history = History::small(&mut draw);
        let (sales, left) = reckon(&history, Flaw::None);
        assert_eq!(subject(&history), (sales.clone(), left), "case {case}: {:#?}", history.trades);
        for sum in sales.values() {
            washed += usize::from(sum.disallowed > 0);
            lost += usize::from(sum.lost > 0);
            partial += usize::from(sum.disallowed > 0 && sum.disallowed < sum.loss);
        }
        carried += usize::from(sales.values().filter(|sum| sum.disallowed > 0).count() > 1);
    }
    eprintln!("{washed} washed, {lost} into an IRA, {partial} in part, {carried} histories with several");
    assert!(washed > 5_000 && lost > 500 && partial > 1_000 && carried > 1_000);
}

#[test]
fn planted_faults_are_seen() {
    for flaw in FLAWS {
        let mut draw = Draw::new(16);
        let differ = (0..4_000)
            .filter(|_| {
                let history = History::small(&mut draw);
                subject(&history) != reckon(&history, flaw)
            })
            .count();
        eprintln!("{flaw:?}: {differ} of 4000");
        assert!(differ > 0, "{flaw:?} was not seen");
    }
}

/// The planted mutation on the subject's side: one of its outcomes changed by the least there is.
#[test]
fn an_outcome_that_is_off_by_the_least_is_seen() {
    let mut draw = Draw::new(17);
    let history = std::iter::repeat_with(|| History::small(&mut draw))
        .find(|history| reckon(history, Flaw::None).0.values().any(|sum| sum.disallowed > 0))
        .expect("one in a few");
    let (mut sales, left) = subject(&history);
    let washed = sales.values_mut().find(|sum| sum.disallowed > 0).expect("it has one");
    washed.disallowed -= 1;
    assert_ne!((sales, left), reckon(&history, Flaw::None));
}

#[test]
fn dates_are_the_numbers_that_the_reckoning_takes_them_for() {
    let day: TradeDate = "2026-03-16".parse().expect("a day");
    assert_eq!(day.plus(30).to_string(), "2026-04-15");
    assert_eq!(Money::from_units(1).to_string(), "0.000000001");
}
