//! The wash book of a line that trades: state folded from fills, which knows before an order what it would wash.
//!
//! It cannot know the next 30 days. So it tells two things, and keeps the table of what not to buy until when.

use serde::{Deserialize, Serialize};

use crate::instrument::{InstrumentId, Instruments, Side};
use crate::num::{Money, Price, Quantity, SCALE};
use crate::order::Fill;
use crate::tax::books::{Books, Deal, Effects, Holding, OpenLoss};
use crate::tax::date::TradeDate;
use crate::tax::lot::Piece;
use crate::tax::params::WashTerms;
use crate::tax::preview::{PurchaseWash, WashedSale};
use crate::tax::rules::WashRules;

/// The most lots that are kept apart of an instrument; beyond, the two oldest become one.
const LOTS_KEPT: usize = 1024;
/// The most open losses that are kept apart; beyond, two of one day and group become one.
const LOSSES_KEPT: usize = 1024;

/// Do not buy this before that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// What.
    pub instrument: InstrumentId,
    /// The first day on which a purchase disallows nothing.
    pub until: TradeDate,
    /// The loss that purchases until then would disallow.
    pub loss: Money,
}

/// The books of one account that trades these instruments, bounded.
///
/// It holds the open lots, and the losses of the last 30 days. Of instruments that are no securities it holds
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WashBook {
    books: Books,
    /// By instrument.
    multipliers: Vec<Quantity>,
    /// How often two entries became one.
    merged: u64,
}

impl WashBook {
    /// An empty book of an account that trades these.
    pub fn new(instruments: &Instruments, terms: &WashTerms) -> Self {
        let mut rules = WashRules::new(terms.earlier);
        for (id, facts) in instruments.iter() {
            let group = terms.identical.group(&facts.name);
            let first = instruments.iter().find(|(_, other)| terms.identical.group(&other.name) == group);
            rules.add_symbol(first.map_or(id.0, |(id, _)| id.0), terms.securities.hold(&facts.name));
        }
        let multipliers = instruments.iter().map(|(_, facts)| facts.multiplier).collect();
        Self { books: Books::new(rules), multipliers, merged: 0 }
    }

    /// Books a fill of an order. `order` names the order: its fills are one purchase.
    pub fn on_fill(&mut self, date: TradeDate, id: InstrumentId, fill: &Fill, order: u64) -> Effects {
        if !self.books.rules().is_security(id.0) || !fill.quantity.is_positive() {
            return Effects::default();
        }
        let deal = Deal { fee: fill.fee, purchase: order, ..self.deal(date, id, fill.quantity, fill.price) };
        let effects = match fill.side {
            Side::Buy => self.books.buy(&deal),
            Side::Sell => self.books.sell(&deal, None),
        };
        self.bound(id);
        effects
    }

    /// What a sale at that price, of the earliest lots, would be washed by: purchases already made.
    pub fn sale_washed_by(
        &self,
        id: InstrumentId,
        date: TradeDate,
        quantity: Quantity,
        price: Price,
    ) -> WashedSale {
        self.books.preview_sale(&self.deal(date, id, quantity, price))
    }

    /// Which past losses a purchase would wash.
    pub fn purchase_washes(&self, id: InstrumentId, date: TradeDate, quantity: Quantity) -> PurchaseWash {
        self.books.preview_purchase(&self.deal(date, id, quantity, Price::ZERO))
    }

    /// What not to buy until when, as of `today`, in the order of the instruments.
    pub fn do_not_buy_until(&self, today: TradeDate) -> Vec<Ban> {
        let rules = self.books.rules();
        let ban = |symbol: u16| {
            let of_group = |loss: &&OpenLoss| loss.group == rules.group(symbol) && loss.open_until() >= today;
            let open = self.books.losses().iter().filter(of_group);
            let (until, loss) = open.fold((None, Money::ZERO), |(until, sum), it| {
                (until.max(Some(it.open_until().plus(1))), sum + it.loss)
            });
            until.map(|until| Ban { instrument: InstrumentId(symbol), until, loss })
        };
        (0..rules.symbols()).filter(|symbol| rules.is_security(*symbol)).filter_map(ban).collect()
    }

    /// Whether no two entries became one: then it agrees with a report to the last 1e-9.
    pub const fn is_exact(&self) -> bool {
        self.merged == 0
    }

    /// The books behind it.
    pub const fn books(&self) -> &Books {
        &self.books
    }

    fn deal(&self, date: TradeDate, id: InstrumentId, quantity: Quantity, price: Price) -> Deal {
        let one = Quantity::from_units(SCALE);
        let multiplier = self.multipliers.get(id.index()).copied().unwrap_or(one);
        Deal {
            date,
            account: 0,
            symbol: id.0,
            quantity,
            amount: Money::notional(price, quantity, multiplier),
            fee: Money::ZERO,
            // no order has this number
            purchase: u64::MAX,
        }
    }

    /// Keeps lots and losses within their bounds.
    fn bound(&mut self, id: InstrumentId) {
        if let Some(holding) = self.books.holdings.get_mut(&(0, id.0)) {
            while holding.pieces.len() > LOTS_KEPT && merge_oldest(holding) {
                self.merged += 1;
            }
            while holding.shorts.len() > LOTS_KEPT && merge_oldest_shorts(holding) {
                self.merged += 1;
            }
            if holding.pieces.is_empty() && holding.shorts.is_empty() {
                self.books.holdings.remove(&(0, id.0));
            }
        }
        while self.books.losses.len() > LOSSES_KEPT && self.merge_losses() {
            self.merged += 1;
        }
    }

    /// Makes one of the two oldest losses of one day and group; of these there is a bounded number.
    fn merge_losses(&mut self) -> bool {
        let losses = &mut self.books.losses;
        let key = |loss: &OpenLoss| (loss.date, loss.group);
        let twin = |at: usize| (at + 1..losses.len()).find(|other| key(&losses[*other]) == key(&losses[at]));
        let pair = (0..losses.len()).find_map(|at| twin(at).map(|other| (at, other)));
        let Some((at, other)) = pair else { return false };
        let Some(sum) = losses[at].quantity.checked_add(losses[other].quantity) else { return false };
        let Some(twin) = losses.remove(other) else { return false };
        let loss = &mut losses[at];
        loss.quantity = sum;
        loss.loss += twin.loss;
        loss.held_from = loss.held_from.max(twin.held_from);
        true
    }
}

/// Makes one of the two oldest lots: the careful date of each pair, and a replacement only where both were.
fn merge_oldest(holding: &mut Holding) -> bool {
    let sum = holding
        .pieces
        .front()
        .zip(holding.pieces.get(1))
        .and_then(|(a, b)| a.quantity.checked_add(b.quantity));
    let Some(quantity) = sum else { return false };
    let Some((a, b)) = holding.pieces.pop_front().zip(holding.pieces.pop_front()) else { return false };
    holding.pieces.push_front(Piece {
        quantity,
        basis: a.basis + b.basis,
        held_from: a.held_from.max(b.held_from),
        replaces: a.replaces && b.replaces,
        ..b
    });
    true
}

fn merge_oldest_shorts(holding: &mut Holding) -> bool {
    let sum = holding
        .shorts
        .front()
        .zip(holding.shorts.get(1))
        .and_then(|(a, b)| a.quantity.checked_add(b.quantity));
    let Some(quantity) = sum else { return false };
    let Some(oldest) = holding.shorts.pop_front() else { return false };
    if let Some(next) = holding.shorts.front_mut() {
        next.quantity = quantity;
        next.proceeds += oldest.proceeds;
    }
    true
}
