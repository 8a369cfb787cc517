//! The book of one instrument, whatever its feed speaks of: orders, levels, quotes, bars or trades.

use serde::{Deserialize, Serialize};

use super::l2::L2Book;
use super::l3::L3Book;
use super::view::{BookState, BookStats, LastTrade, Level, Top};
use crate::instrument::Side;
use crate::time::Timestamp;

/// The book of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Book {
    pub(super) hold_ns: Option<i64>,
    pub(super) source: Source,
    /// Something was missed and no whole picture came since.
    pub(super) awaits_picture: bool,
    pub(super) state: BookState,
    top: Option<Top>,
    pub(super) as_of: Timestamp,
    pub(super) last_trade: Option<LastTrade>,
    /// Where there is a deeper book it is only noted. A side that the quote left empty has quantity 0.
    pub(super) last_quote: Option<Top>,
    pub(super) crossed_rows: u64,
    pub(super) locked_rows: u64,
}

/// What the instrument's feed speaks of; what tells more replaces what tells less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Source {
    Nothing,
    Trades,
    Quotes,
    Levels(L2Book),
    Orders(Box<L3Book>),
}

impl Book {
    /// A book of which nothing is known, whose L3 orders are held for at most `hold_ns`.
    pub const fn new(hold_ns: i64) -> Self {
        Self::with_hold(Some(hold_ns))
    }

    /// A book that shows its L3 feed raw, without hold-out and repair: for judging a feed.
    pub const fn raw() -> Self {
        Self::with_hold(None)
    }

    const fn with_hold(hold_ns: Option<i64>) -> Self {
        Self {
            hold_ns,
            source: Source::Nothing,
            awaits_picture: false,
            state: BookState::Unknown,
            top: None,
            as_of: Timestamp::MIN,
            last_trade: None,
            last_quote: None,
            crossed_rows: 0,
            locked_rows: 0,
        }
    }

    /// What the book says of itself.
    pub const fn state(&self) -> BookState {
        self.state
    }

    /// The best bid and ask; `None` unless there are both. Whether they are locked or crossed is
    /// told by [`Book::state`].
    pub const fn top(&self) -> Option<Top> {
        self.top
    }

    /// Twice the price at which a position is valued: of the mid of a book that is not crossed, or
    /// of the last trade or close where there is no book.
    pub fn mark2(&self) -> Option<i64> {
        match self.state {
            BookState::Ok | BookState::Locked => self.top.map(|top| top.mid2()),
            BookState::Synthetic => self.last_trade.map(|trade| trade.price.units().saturating_mul(2)),
            BookState::Unknown | BookState::OneSided | BookState::Crossed => None,
        }
    }

    /// Writes the best levels of a side, best first, and tells how many.
    pub fn levels(&self, side: Side, into: &mut [Level]) -> usize {
        if self.awaits_picture {
            return 0;
        }
        match &self.source {
            Source::Orders(book) => book.levels(side, into),
            Source::Levels(book) => book.levels(side, into),
            Source::Quotes => {
                let best = self.best(side);
                into.iter_mut().zip(best).map(|(slot, level)| *slot = level).count()
            }
            Source::Nothing | Source::Trades => 0,
        }
    }

    /// The time of the last event that is about the book, not a trade beside it; of the last trade
    /// or bar where there is no book.
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The last trade, or the close of the last bar.
    pub const fn last_trade(&self) -> Option<LastTrade> {
        self.last_trade
    }

    /// What the book went through so far.
    pub fn stats(&self) -> BookStats {
        BookStats {
            hold: self.l3().map(L3Book::stats).unwrap_or_default(),
            crossed_rows: self.crossed_rows,
            locked_rows: self.locked_rows,
        }
    }

    /// The orders, where the feed speaks of them.
    pub const fn l3(&self) -> Option<&L3Book> {
        match &self.source {
            Source::Orders(book) => Some(book),
            _ => None,
        }
    }

    fn best(&self, side: Side) -> Option<Level> {
        match &self.source {
            Source::Orders(book) => book.best(side),
            Source::Levels(book) => book.best(side),
            Source::Quotes => {
                self.last_quote.map(|quote| quote.side(side)).filter(|level| level.quantity.is_positive())
            }
            Source::Nothing | Source::Trades => None,
        }
    }

    /// State and top, after a change.
    pub(super) fn refresh(&mut self) {
        self.top = None;
        if self.awaits_picture || matches!(self.source, Source::Nothing) {
            self.state = BookState::Unknown;
            return;
        }
        let (Some(bid), Some(ask)) = (self.best(Side::Buy), self.best(Side::Sell)) else {
            self.state = match self.source {
                Source::Trades => BookState::Synthetic,
                _ => BookState::OneSided,
            };
            return;
        };
        self.top = Some(Top { bid, ask });
        self.state = match bid.price.cmp(&ask.price) {
            std::cmp::Ordering::Less => BookState::Ok,
            std::cmp::Ordering::Equal => BookState::Locked,
            std::cmp::Ordering::Greater => BookState::Crossed,
        };
    }
}
