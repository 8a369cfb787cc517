//! From trades to disposals and open lots: the names around the books.

use std::collections::{BTreeMap, BTreeSet};

use crate::instrument::Side;
use crate::num::{Money, Quantity};
use crate::tax::books::{Books, Deal, Effects, Sold, Wash};
use crate::tax::date::TradeDate;
use crate::tax::disposal::{Disposal, OpenLot, OpenShort, Replacement};
use crate::tax::error::TaxError;
use crate::tax::params::WashTerms;
use crate::tax::rules::WashRules;
use crate::tax::trade::{Trade, is_ira_name};

/// No sum grows beyond this, in units of 1e-9, so that none can overflow.
const LARGEST: i128 = 10_i128.pow(35);

/// What is said of accounts, beside the terms.
#[derive(Debug, Clone, Default)]
pub struct AccountTerms {
    /// Accounts that are IRAs whatever their names.
    pub iras: BTreeSet<String>,
    /// Whether a sale of more than is held is a short sale, and not an error.
    pub shorts: bool,
}

/// All that trades came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returns {
    /// In the order of disposition.
    pub disposals: Vec<Disposal>,
    /// What is held after the last trade, in the order of acquisition.
    pub lots: Vec<OpenLot>,
    /// What is short after the last trade.
    pub shorts: Vec<OpenShort>,
    /// The accounts that are IRAs.
    pub iras: Vec<String>,
    /// The instruments to which the rule does not apply.
    pub exempt: Vec<String>,
    /// How many trades there were.
    pub trades: usize,
    /// The day of the last one.
    pub last: Option<TradeDate>,
}

/// Folds trades, whatever their order, into disposals and lots.
///
/// # Errors
/// [`TaxError`] for a sale of what is not held, and amounts too large to add up.
pub fn fold(mut trades: Vec<Trade>, terms: &WashTerms, accounts: &AccountTerms) -> Result<Returns, TaxError> {
    trades.sort_by_key(|trade| (trade.date, trade.time));
    let names = Names::of(&trades, terms, accounts)?;
    let mut desk = Desk {
        books: Books::new(names.rules.clone()),
        names,
        shorts: accounts.shorts,
        disposals: Vec::new(),
        acquired: Vec::new(),
        orders: BTreeMap::new(),
        booked: 0,
        total: 0,
    };
    for trade in &trades {
        desk.book(trade)?;
    }
    Ok(desk.finish(&trades))
}

/// Symbols and accounts by number.
struct Names<'a> {
    symbols: Vec<String>,
    accounts: Vec<String>,
    rules: WashRules,
    terms: &'a WashTerms,
}

impl<'a> Names<'a> {
    fn of(trades: &[Trade], terms: &'a WashTerms, accounts: &AccountTerms) -> Result<Self, TaxError> {
        let mut names =
            Self { symbols: Vec::new(), accounts: Vec::new(), rules: WashRules::new(terms.earlier), terms };
        let mut groups: BTreeMap<&str, u16> = BTreeMap::new();
        for trade in trades {
            let symbols = names.symbols.len();
            let symbol = number(&mut names.symbols, &trade.symbol, "instrument", trade)?;
            if names.symbols.len() > symbols {
                let group = *groups.entry(terms.identical.group(&trade.symbol)).or_insert(symbol);
                names.rules.add_symbol(group, terms.securities.hold(&trade.symbol));
            }
            let known = names.accounts.len();
            number(&mut names.accounts, &trade.account, "account", trade)?;
            if names.accounts.len() > known {
                let is_ira = accounts.iras.contains(&trade.account) || is_ira_name(&trade.account);
                names.rules.add_account(is_ira);
            }
        }
        Ok(names)
    }

    /// The numbers of account and symbol of a trade that was among those the names are of.
    fn key(&self, trade: &Trade) -> (u16, u16) {
        let at =
            |list: &[String], name: &str| list.iter().position(|it| it == name).unwrap_or_default() as u16;
        (at(&self.accounts, &trade.account), at(&self.symbols, &trade.symbol))
    }

    fn symbol(&self, number: u16) -> String {
        self.symbols.get(usize::from(number)).cloned().unwrap_or_default()
    }

    fn account(&self, number: u16) -> String {
        self.accounts.get(usize::from(number)).cloned().unwrap_or_default()
    }

    fn exempt(&self) -> Vec<String> {
        self.symbols.iter().filter(|name| !self.terms.securities.hold(name)).cloned().collect()
    }

    fn iras(&self) -> Vec<String> {
        let named = self.accounts.iter().enumerate();
        named.filter(|(at, _)| self.rules.is_ira(*at as u16)).map(|(_, name)| name.clone()).collect()
    }
}

fn number(list: &mut Vec<String>, name: &str, what: &'static str, trade: &Trade) -> Result<u16, TaxError> {
    let at = list.iter().position(|it| it == name).unwrap_or(list.len());
    let most = usize::from(u16::MAX);
    if at >= most {
        return Err(TaxError::TooMany { place: trade.place.clone(), what, count: at + 1, most });
    }
    if at == list.len() {
        list.push(name.to_owned());
    }
    Ok(at as u16)
}

/// A purchase that opened a lot, by the number of the acquisition.
struct Acquired {
    key: (u16, u16),
    date: TradeDate,
    name: Option<String>,
}

/// Where trades are booked.
struct Desk<'a> {
    names: Names<'a>,
    books: Books,
    shorts: bool,
    disposals: Vec<Disposal>,
    acquired: Vec<Acquired>,
    /// The purchase of each order, by account, symbol and order.
    orders: BTreeMap<(u16, u16, String), u64>,
    /// How many trades were booked.
    booked: u64,
    /// Σ of all amounts, in units of 1e-9.
    total: i128,
}

impl Desk<'_> {
    fn book(&mut self, trade: &Trade) -> Result<(), TaxError> {
        let (account, symbol) = self.names.key(trade);
        let amount = trade.amount();
        let grown = amount.abs() + trade.fee.abs();
        self.total = self.total.saturating_add(grown.units());
        if self.total > LARGEST {
            return Err(TaxError::TooLarge { place: trade.place.clone() });
        }
        let own = self.booked;
        self.booked += 1;
        let purchase = match &trade.order {
            Some(order) => *self.orders.entry((account, symbol, order.clone())).or_insert(own),
            None => own,
        };
        let (date, quantity, fee) = (trade.date, trade.quantity, trade.fee);
        let deal = Deal { date, account, symbol, quantity, amount, fee, purchase };
        let effects = match trade.side {
            Side::Buy => self.books.buy(&deal),
            Side::Sell => {
                let lots = self.lots(trade, (account, symbol))?;
                self.books.sell(&deal, lots.as_deref())
            }
        };
        if effects.number.is_some() {
            let name = trade.lots.first().cloned();
            self.acquired.push(Acquired { key: (account, symbol), date, name });
        }
        self.note(trade, &deal, effects);
        Ok(())
    }

    /// The numbers of the lots that a sale names; an error where they, or the account, do not hold so much.
    fn lots(&self, trade: &Trade, key: (u16, u16)) -> Result<Option<Vec<u64>>, TaxError> {
        let numbers = (!trade.lots.is_empty())
            .then(|| trade.lots.iter().flat_map(|lot| self.numbers(lot, key)).collect::<Vec<u64>>());
        let held = self.books.held(key.0, key.1, numbers.as_deref());
        if held >= i128::from(trade.quantity.units()) || (numbers.is_none() && self.shorts) {
            return Ok(numbers);
        }
        let held = Quantity::from_units(i64::try_from(held).unwrap_or(i64::MAX));
        let (place, quantity, date) = (trade.place.clone(), trade.quantity, trade.date);
        let (symbol, account) = (trade.symbol.clone(), trade.account.clone());
        Err(match numbers {
            None => TaxError::NotHeld { place, quantity, symbol, account, held, date },
            Some(_) => {
                let lots = trade.lots.join(";");
                TaxError::NotInLots { place, quantity, symbol, lots, account, held, date }
            }
        })
    }

    /// The acquisitions of a name, or else of a day.
    fn numbers(&self, lot: &str, key: (u16, u16)) -> Vec<u64> {
        let of = |wanted: &dyn Fn(&Acquired) -> bool| -> Vec<u64> {
            let all = self.acquired.iter().enumerate();
            all.filter(|(_, it)| it.key == key && wanted(it)).map(|(number, _)| number as u64).collect()
        };
        let named = of(&|it| it.name.as_deref() == Some(lot));
        match lot.parse::<TradeDate>() {
            Ok(date) if named.is_empty() => of(&|it| it.date == date),
            _ => named,
        }
    }

    fn note(&mut self, trade: &Trade, deal: &Deal, effects: Effects) {
        for sold in effects.sold {
            // disposals are numbered in the order they are made
            if sold.disposal.is_some() {
                self.disposals.push(self.disposal(trade, deal, sold));
            }
        }
        for wash in effects.washes {
            let replacement = self.replacement(&wash);
            if let Some(disposal) = self.disposals.get_mut(wash.disposal as usize) {
                disposal.replacements.push(replacement);
            }
        }
    }

    fn disposal(&self, trade: &Trade, deal: &Deal, sold: Sold) -> Disposal {
        let is_judged = self.books.rules().is_security(deal.symbol);
        Disposal {
            symbol: trade.symbol.clone(),
            account: trade.account.clone(),
            lot: self.lot_name(sold.piece.number),
            acquired: sold.piece.acquired,
            held_from: sold.piece.held_from,
            sold: deal.date,
            quantity: sold.piece.quantity,
            proceeds: sold.proceeds,
            basis: sold.piece.basis,
            short_since: sold.short_since,
            is_judged: is_judged && sold.short_since.is_none(),
            replacements: Vec::new(),
            place: trade.place.clone(),
        }
    }

    fn lot_name(&self, number: u64) -> Option<String> {
        usize::try_from(number).ok().and_then(|at| self.acquired.get(at)).and_then(|it| it.name.clone())
    }

    fn replacement(&self, wash: &Wash) -> Replacement {
        Replacement {
            symbol: self.names.symbol(wash.symbol),
            account: self.names.account(wash.account),
            lot: self.lot_name(wash.number),
            acquired: wash.acquired,
            quantity: wash.quantity,
            amount: wash.amount,
            is_lost: wash.is_lost,
        }
    }

    fn finish(self, trades: &[Trade]) -> Returns {
        let (mut lots, mut shorts) = (Vec::new(), Vec::new());
        for ((account, symbol), holding) in self.books.holdings() {
            let (account, symbol) = (self.names.account(*account), self.names.symbol(*symbol));
            lots.extend(holding.pieces.iter().map(|piece| {
                let (account, symbol) = (account.clone(), symbol.clone());
                let lot = self.lot_name(piece.number);
                (piece.number, OpenLot { symbol, account, lot, piece: piece.clone() })
            }));
            shorts.extend(holding.shorts.iter().map(|short| {
                let (account, symbol) = (account.clone(), symbol.clone());
                OpenShort { symbol, account, short: short.clone() }
            }));
        }
        lots.sort_by_key(|(number, _)| *number);
        Returns {
            disposals: self.disposals,
            lots: lots.into_iter().map(|(_, lot)| lot).collect(),
            shorts,
            iras: self.names.iras(),
            exempt: self.names.exempt(),
            trades: trades.len(),
            last: trades.last().map(|trade| trade.date),
        }
    }
}

impl Returns {
    /// The loss on closings of short sales, which is reported as it is.
    pub fn short_losses(&self) -> (usize, Money) {
        let losing = self.disposals.iter().filter(|it| it.short_since.is_some() && it.loss().units() > 0);
        losing.fold((0, Money::ZERO), |(count, sum), it| (count + 1, sum + it.loss()))
    }
}
