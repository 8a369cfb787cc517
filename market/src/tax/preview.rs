//! Before a trade: what a sale would be washed by, and which losses a purchase would wash. The books stay as
//! they are.

use crate::instrument::InstrumentId;
use crate::num::{Money, Quantity};
use crate::tax::books::{Books, Deal, OpenLoss, may_replace};
use crate::tax::date::{TradeDate, WINDOW_DAYS};
use crate::tax::lot::{Divided, less, part};

/// What would become of a sale, by the purchases made so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WashedSale {
    /// The loss of its parts that lose.
    pub loss: Money,
    /// So much of it would be disallowed.
    pub disallowed: Money,
    /// By which purchases, the earliest first.
    pub by: Vec<WashedBy>,
}

/// A purchase that would disallow a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WashedBy {
    /// The number of the symbol that was bought.
    pub symbol: u16,
    /// When.
    pub acquired: TradeDate,
    /// So many of its shares.
    pub quantity: Quantity,
    /// How much of the loss.
    pub amount: Money,
}

impl WashedSale {
    /// In words, by the names of what was bought.
    pub fn told(&self, name: impl Fn(InstrumentId) -> String) -> String {
        let one =
            |by: &WashedBy| format!("{} {} of {}", by.quantity, name(InstrumentId(by.symbol)), by.acquired);
        let by = listed(self.by.iter().map(one));
        format!("this sale would be washed by purchases already made, {} of its loss: {by}", self.disallowed)
    }
}

/// Which losses a purchase would disallow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurchaseWash {
    /// The sum.
    pub disallowed: Money,
    /// The losses, the earliest first.
    pub losses: Vec<WashedLoss>,
}

impl PurchaseWash {
    /// In words.
    pub fn told(&self) -> String {
        let losses = listed(self.losses.iter().map(|loss| format!("{} sold {}", loss.quantity, loss.sold)));
        format!("this purchase would wash past losses of {}: {losses}", self.disallowed)
    }
}

/// The first of a list, and how many more there are.
fn listed(mut all: impl ExactSizeIterator<Item = String>) -> String {
    let first = all.next().unwrap_or_default();
    match all.len() {
        0 => first,
        more => format!("{first}, and {more} more"),
    }
}

/// A loss that a purchase would disallow, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WashedLoss {
    /// When it was made.
    pub sold: TradeDate,
    /// Of so many shares.
    pub quantity: Quantity,
    /// How much.
    pub amount: Money,
}

/// Shares that may replace others.
struct Candidate {
    number: u64,
    symbol: u16,
    at: usize,
    account: u16,
    left: Quantity,
}

impl Books {
    /// What a sale of the earliest lots would be washed by. Without a loss nothing is allocated.
    pub fn preview_sale(&self, deal: &Deal) -> WashedSale {
        let mut washed = WashedSale::default();
        let judged = self.rules().is_security(deal.symbol) && !self.rules().is_ira(deal.account);
        let Some(own) = self.holdings.get(&(deal.account, deal.symbol)).filter(|_| judged) else {
            return washed;
        };
        let mut proceeds = Divided::new(deal.amount - deal.fee, deal.quantity);
        let mut left = deal.quantity;
        let mut losses: Vec<(OpenLoss, TradeDate)> = Vec::new();
        for piece in &own.pieces {
            if left.is_zero() {
                break;
            }
            let quantity = left.min(piece.quantity);
            left = less(left, quantity);
            let loss = part(piece.basis, quantity, piece.quantity) - proceeds.next(quantity);
            if loss.units() > 0 {
                washed.loss += loss;
                let open = OpenLoss {
                    disposal: 0,
                    group: self.rules().group(deal.symbol),
                    purchase: piece.purchase,
                    date: deal.date,
                    held_from: piece.held_from,
                    quantity,
                    loss,
                };
                losses.push((open, piece.acquired));
            }
        }
        if !losses.is_empty() {
            self.find(deal, losses, &mut washed);
        }
        washed
    }

    /// Matches losses with what would still be held after the sale.
    fn find(&self, deal: &Deal, losses: Vec<(OpenLoss, TradeDate)>, washed: &mut WashedSale) {
        let mut candidates = self.candidates(deal);
        for (mut loss, acquired) in losses {
            for candidate in candidates.iter_mut().filter(|it| !it.left.is_zero()) {
                let key = (candidate.account, candidate.symbol);
                let piece = self.holdings.get(&key).and_then(|it| it.pieces.get(candidate.at));
                let fits = |it| may_replace(it, loss.purchase, acquired, self.rules().earlier);
                let Some(piece) = piece.filter(|it| !loss.quantity.is_zero() && fits(it)) else { continue };
                let quantity = candidate.left.min(loss.quantity);
                candidate.left = less(candidate.left, quantity);
                let amount = loss.take(quantity);
                washed.disallowed += amount;
                let symbol = candidate.symbol;
                washed.by.push(WashedBy { symbol, acquired: piece.acquired, quantity, amount });
            }
        }
    }

    /// What was bought within the window and would still be held after a sale of the earliest lots, in the
    /// order of acquisition.
    fn candidates(&self, deal: &Deal) -> Vec<Candidate> {
        let group = self.rules().group(deal.symbol);
        let first = deal.date.plus(-WINDOW_DAYS);
        let mut all = Vec::new();
        for (&(account, symbol), holding) in &self.holdings {
            if self.rules().group(symbol) != group || !self.rules().is_security(symbol) {
                continue;
            }
            let is_own = (account, symbol) == (deal.account, deal.symbol);
            let mut gone = if is_own { deal.quantity } else { Quantity::ZERO };
            for (at, piece) in holding.pieces.iter().enumerate() {
                let left = less(piece.quantity, gone);
                gone = less(gone, piece.quantity);
                if !left.is_zero() && piece.acquired >= first {
                    all.push(Candidate { number: piece.number, symbol, at, account, left });
                }
            }
        }
        all.sort_by_key(|it| (it.number, it.at));
        all
    }

    /// Which losses a purchase would wash.
    pub fn preview_purchase(&self, deal: &Deal) -> PurchaseWash {
        let mut wash = PurchaseWash::default();
        if !self.rules().is_security(deal.symbol) {
            return wash;
        }
        let group = self.rules().group(deal.symbol);
        let holding = self.holdings.get(&(deal.account, deal.symbol));
        let short =
            holding.map_or(0_i128, |it| it.shorts.iter().map(|s| i128::from(s.quantity.units())).sum());
        let opens = i128::from(deal.quantity.units()) - short;
        let mut left = Quantity::from_units(i64::try_from(opens.max(0)).unwrap_or(i64::MAX));
        let is_open = |loss: &&OpenLoss| {
            loss.group == group && loss.purchase != deal.purchase && loss.open_until() >= deal.date
        };
        for loss in self.losses.iter().filter(is_open) {
            if left.is_zero() {
                break;
            }
            let quantity = left.min(loss.quantity);
            left = less(left, quantity);
            let amount = part(loss.loss, quantity, loss.quantity);
            wash.disallowed += amount;
            wash.losses.push(WashedLoss { sold: loss.date, quantity, amount });
        }
        wash
    }
}
