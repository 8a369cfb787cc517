//! The books: one fold over purchases and sales, in which every sale at a loss looks for what replaces it.
//!
//! At a sale, among the shares that were bought in the 30 days before and are still held when the whole sale is
//! done; what is not replaced then waits 30 days for purchases. Losses are served in the order of disposition,
//! replacements in the order of acquisition, so this fold gives what a look at all trades at once would: a
//! lot's basis changes only while it is held, and only by losses of sales before its own.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::num::{Money, Quantity};
use crate::tax::date::{TradeDate, WINDOW_DAYS};
use crate::tax::lot::{Divided, Piece, Short, less, part};
use crate::tax::rules::{EarlierPurchases, WashRules};

/// A purchase or a sale, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    /// Its trade date, never before that of the deal before.
    pub date: TradeDate,
    /// The number of the account.
    pub account: u16,
    /// The number of the symbol.
    pub symbol: u16,
    /// How much, greater than 0.
    pub quantity: Quantity,
    /// Price × quantity, before fees.
    pub amount: Money,
    /// The fee, negative where it is a rebate: into the basis of a purchase, out of the proceeds of a sale.
    pub fee: Money,
    /// What names the purchase: the same for executions of one order, else a number of its own.
    pub purchase: u64,
}

/// A part of a sale: so much of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sold {
    /// The number of the disposal; none for what is sold in an IRA, where no loss is recognised.
    pub disposal: Option<u64>,
    /// What was sold, with its basis.
    pub piece: Piece,
    /// What came in for it, after fees.
    pub proceeds: Money,
    /// When it had been sold short; none for a sale of what was held.
    pub short_since: Option<TradeDate>,
}

/// A loss that is disallowed because shares replace those sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wash {
    /// The number of the disposal.
    pub disposal: u64,
    /// The number of the acquisition that replaces.
    pub number: u64,
    /// Its account.
    pub account: u16,
    /// Its symbol.
    pub symbol: u16,
    /// Its trade date.
    pub acquired: TradeDate,
    /// So many of its shares.
    pub quantity: Quantity,
    /// How much of the loss.
    pub amount: Money,
    /// Whether it is lost for ever, and not added to the basis (Rev. Rul. 2008-5).
    pub is_lost: bool,
}

/// What a deal did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// The number of the acquisition, where one was opened.
    pub number: Option<u64>,
    /// What was sold, or bought back.
    pub sold: Vec<Sold>,
    /// The losses that were disallowed by it.
    pub washes: Vec<Wash>,
}

/// A loss, or a part of one, that purchases may yet disallow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLoss {
    /// The number of the disposal.
    pub disposal: u64,
    /// The group of identical securities.
    pub group: u16,
    /// The purchase the shares came from, which replaces nothing of itself.
    pub purchase: u64,
    /// The day of the sale.
    pub date: TradeDate,
    /// Where the holding period of what was sold began.
    pub held_from: TradeDate,
    /// The shares that nothing replaces yet.
    pub quantity: Quantity,
    /// Their loss, greater than 0.
    pub loss: Money,
}

impl OpenLoss {
    /// The last day on which a purchase disallows it.
    pub const fn open_until(&self) -> TradeDate {
        self.date.plus(WINDOW_DAYS)
    }

    /// How much of the loss so many shares take, and takes it off.
    pub(crate) fn take(&mut self, quantity: Quantity) -> Money {
        let amount = part(self.loss, quantity, self.quantity);
        self.loss -= amount;
        self.quantity = less(self.quantity, quantity);
        amount
    }

    /// The holding period of a replacement: that of what was sold is included, days in both counted once.
    fn tacked(&self, acquired: TradeDate) -> TradeDate {
        if acquired <= self.date {
            acquired.min(self.held_from)
        } else {
            acquired.plus(-self.date.since(self.held_from))
        }
    }
}

/// What one account holds of one symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// In the order of acquisition.
    pub pieces: VecDeque<Piece>,
    /// In the order of sale.
    pub shorts: VecDeque<Short>,
}

/// The books of a taxpayer: all accounts, all symbols.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    rules: WashRules,
    /// By account and symbol.
    #[serde(with = "pairs")]
    pub(crate) holdings: BTreeMap<(u16, u16), Holding>,
    /// In the order of disposition.
    pub(crate) losses: VecDeque<OpenLoss>,
    acquisitions: u64,
    disposals: u64,
}

impl Books {
    /// Empty books under these rules.
    pub fn new(rules: WashRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// The rules.
    pub const fn rules(&self) -> &WashRules {
        &self.rules
    }

    /// What is held, by account and symbol.
    pub const fn holdings(&self) -> &BTreeMap<(u16, u16), Holding> {
        &self.holdings
    }

    /// The losses that purchases may yet disallow.
    pub const fn losses(&self) -> &VecDeque<OpenLoss> {
        &self.losses
    }

    /// How much an account holds of a symbol, in all lots or in those of these numbers.
    pub fn held(&self, account: u16, symbol: u16, lots: Option<&[u64]>) -> i128 {
        let Some(holding) = self.holdings.get(&(account, symbol)) else { return 0 };
        let counts = |piece: &&Piece| lots.is_none_or(|lots| lots.contains(&piece.number));
        holding.pieces.iter().filter(counts).map(|piece| i128::from(piece.quantity.units())).sum()
    }

    /// Forgets the losses whose window is over on `date`.
    pub fn forget(&mut self, date: TradeDate) {
        while self.losses.front().is_some_and(|loss| loss.open_until() < date) {
            self.losses.pop_front();
        }
    }

    /// Books a purchase: it buys back what is short first, and opens a lot of the rest.
    pub fn buy(&mut self, deal: &Deal) -> Effects {
        self.forget(deal.date);
        let mut effects = Effects::default();
        let mut cost = Divided::new(deal.amount + deal.fee, deal.quantity);
        let left = self.buy_back(deal, &mut cost, &mut effects);
        if left.is_zero() {
            return effects;
        }
        let mut rest = Piece {
            number: self.acquisitions,
            purchase: deal.purchase,
            acquired: deal.date,
            held_from: deal.date,
            quantity: left,
            basis: cost.next(left),
            replaces: false,
        };
        self.acquisitions += 1;
        effects.number = Some(rest.number);
        let replacing = self.replace(deal, &mut rest, &mut effects.washes);
        let holding = self.holdings.entry((deal.account, deal.symbol)).or_default();
        holding.pieces.extend(replacing);
        if !rest.quantity.is_zero() {
            holding.pieces.push_back(rest);
        }
        effects
    }

    /// The parts of a new lot that replace shares sold before.
    fn replace(&mut self, deal: &Deal, rest: &mut Piece, washes: &mut Vec<Wash>) -> Vec<Piece> {
        if !self.rules.is_security(deal.symbol) {
            return Vec::new();
        }
        let (group, is_ira) = (self.rules.group(deal.symbol), self.rules.is_ira(deal.account));
        let mut replacing = Vec::new();
        for loss in self.losses.iter_mut().filter(|it| it.group == group && it.purchase != deal.purchase) {
            if rest.quantity.is_zero() {
                break;
            }
            let mut piece = rest.split(loss.quantity);
            washes.push(wash(loss, &mut piece, (deal.account, deal.symbol), is_ira));
            replacing.push(piece);
        }
        if !replacing.is_empty() {
            self.losses.retain(|loss| !loss.quantity.is_zero());
        }
        replacing
    }

    /// Buys back what was sold short, the earliest first, and gives what is left of the purchase.
    fn buy_back(&mut self, deal: &Deal, cost: &mut Divided, effects: &mut Effects) -> Quantity {
        let mut left = deal.quantity;
        let Some(holding) = self.holdings.get_mut(&(deal.account, deal.symbol)) else { return left };
        while let Some(short) = holding.shorts.front_mut().filter(|_| !left.is_zero()) {
            let quantity = left.min(short.quantity);
            let proceeds = part(short.proceeds, quantity, short.quantity);
            short.proceeds -= proceeds;
            short.quantity = less(short.quantity, quantity);
            left = less(left, quantity);
            let (opened, is_closed) = (short.opened, short.quantity.is_zero());
            if is_closed {
                holding.shorts.pop_front();
            }
            let piece = Piece {
                number: u64::MAX,
                purchase: deal.purchase,
                acquired: deal.date,
                held_from: deal.date,
                quantity,
                basis: cost.next(quantity),
                replaces: false,
            };
            let disposal = (!self.rules.is_ira(deal.account)).then_some(self.disposals);
            self.disposals += u64::from(disposal.is_some());
            effects.sold.push(Sold { disposal, piece, proceeds, short_since: Some(opened) });
        }
        left
    }

    /// Books a sale of the earliest lots, or of those of these numbers, in their order; what is not held is
    /// sold short.
    pub fn sell(&mut self, deal: &Deal, lots: Option<&[u64]>) -> Effects {
        self.forget(deal.date);
        let mut effects = Effects::default();
        let mut proceeds = Divided::new(deal.amount - deal.fee, deal.quantity);
        let is_ira = self.rules.is_ira(deal.account);
        let mut left = deal.quantity;
        for piece in self.take(deal, lots) {
            left = less(left, piece.quantity);
            let disposal = (!is_ira).then_some(self.disposals);
            self.disposals += u64::from(disposal.is_some());
            let proceeds = proceeds.next(piece.quantity);
            effects.sold.push(Sold { disposal, piece, proceeds, short_since: None });
        }
        if !left.is_zero() {
            let short = Short { opened: deal.date, quantity: left, proceeds: proceeds.next(left) };
            self.holdings.entry((deal.account, deal.symbol)).or_default().shorts.push_back(short);
        }
        if self.rules.is_security(deal.symbol) {
            self.judge(deal, &mut effects);
        }
        effects
    }

    /// Takes what is sold out of the lots.
    fn take(&mut self, deal: &Deal, lots: Option<&[u64]>) -> Vec<Piece> {
        let Some(holding) = self.holdings.get_mut(&(deal.account, deal.symbol)) else { return Vec::new() };
        let mut taken = Vec::new();
        let mut left = deal.quantity;
        let wanted = lots.map_or(vec![None], |lots| lots.iter().map(|number| Some(*number)).collect());
        for number in wanted {
            while !left.is_zero() {
                let is_wanted = |piece: &Piece| number.is_none_or(|number| piece.number == number);
                let Some(at) = holding.pieces.iter().position(is_wanted) else { break };
                let piece = holding.pieces[at].split(left);
                if holding.pieces[at].quantity.is_zero() {
                    holding.pieces.remove(at);
                }
                left = less(left, piece.quantity);
                taken.push(piece);
            }
        }
        taken
    }

    /// Looks for what replaces each part that was sold at a loss, and keeps open what nothing replaces.
    fn judge(&mut self, deal: &Deal, effects: &mut Effects) {
        let group = self.rules.group(deal.symbol);
        for sold in &effects.sold {
            let loss = sold.piece.basis - sold.proceeds;
            let Some(disposal) = sold.disposal.filter(|_| loss.units() > 0) else { continue };
            let mut loss = OpenLoss {
                disposal,
                group,
                purchase: sold.piece.purchase,
                date: deal.date,
                held_from: sold.piece.held_from,
                quantity: sold.piece.quantity,
                loss,
            };
            while !loss.quantity.is_zero()
                && let Some((key, at)) = self.replacement(&loss, sold.piece.acquired)
            {
                effects.washes.extend(self.replace_by(key, at, &mut loss));
            }
            if !loss.quantity.is_zero() {
                self.losses.push_back(loss);
            }
        }
    }

    /// The earliest piece that is held and may replace shares of a loss.
    fn replacement(&self, loss: &OpenLoss, acquired: TradeDate) -> Option<((u16, u16), usize)> {
        let in_group =
            |key: &(u16, u16)| self.rules.group(key.1) == loss.group && self.rules.is_security(key.1);
        let candidates =
            self.holdings.iter().filter(|(key, _)| in_group(key)).filter_map(|(key, holding)| {
                let first = loss.date.plus(-WINDOW_DAYS);
                let from = holding.pieces.partition_point(|piece| piece.acquired < first);
                let fits = |piece: &Piece| may_replace(piece, loss.purchase, acquired, self.rules.earlier);
                let at = from + holding.pieces.range(from..).position(fits)?;
                Some((holding.pieces[at].number, *key, at))
            });
        candidates.min().map(|(_, key, at)| (key, at))
    }

    /// Lets a piece, or as much of it as is needed, replace shares of a loss.
    fn replace_by(&mut self, key: (u16, u16), at: usize, loss: &mut OpenLoss) -> Option<Wash> {
        let is_ira = self.rules.is_ira(key.0);
        let pieces = &mut self.holdings.get_mut(&key)?.pieces;
        let mut piece = pieces.get_mut(at)?.split(loss.quantity);
        let wash = wash(loss, &mut piece, key, is_ira);
        if pieces[at].quantity.is_zero() {
            pieces[at] = piece;
        } else {
            pieces.insert(at, piece);
        }
        Some(wash)
    }
}

/// Whether a piece bought within the window may replace shares of another purchase, acquired on that day.
pub(crate) fn may_replace(piece: &Piece, sold: u64, acquired: TradeDate, earlier: EarlierPurchases) -> bool {
    let is_open = !piece.replaces && piece.purchase != sold;
    is_open && (earlier == EarlierPurchases::Replace || piece.acquired >= acquired)
}

/// Lets all of a piece replace shares of a loss: the loss goes into its basis, and the holding period with it;
/// in an IRA neither does.
fn wash(loss: &mut OpenLoss, piece: &mut Piece, (account, symbol): (u16, u16), is_lost: bool) -> Wash {
    let amount = loss.take(piece.quantity);
    piece.replaces = true;
    if !is_lost {
        piece.basis += amount;
        piece.held_from = loss.tacked(piece.acquired);
    }
    let Piece { number, acquired, quantity, .. } = *piece;
    Wash { disposal: loss.disposal, number, account, symbol, acquired, quantity, amount, is_lost }
}

/// A map as a list of pairs, for formats whose keys are text.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Holding;

    pub fn serialize<S: Serializer>(map: &BTreeMap<(u16, u16), Holding>, to: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<(u16, u16), Holding>, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().collect())
    }
}
