//! Why there is no report: every message names the place, the value and the limit, and says what to do.

use crate::error::Place;
use crate::num::Quantity;
use crate::tax::date::TradeDate;

/// A trade, or what is said of trades, that cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    /// The file cannot be read on.
    #[error("{file}: cannot be read: {reason}; check the path, its permissions and the disk")]
    Read {
        /// Which.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// There is no header and no row.
    #[error("{file}: is empty; give a CSV file with the columns {expected}")]
    Empty {
        /// Which.
        file: String,
        /// The columns that are needed.
        expected: String,
    },
    /// A column that is needed and not there, or stands twice.
    #[error("{place}: column `{column}` {problem}; the header has {header}; {remedy}")]
    Column {
        /// Where.
        place: Place,
        /// Which.
        column: &'static str,
        /// `is missing` or `stands twice`.
        problem: &'static str,
        /// What there is.
        header: String,
        /// What to do.
        remedy: String,
    },
    /// Rows that are no trades: a report on the others would be wrong. The first of them, one a line.
    #[error("{}", rows.join("\n"))]
    Rows {
        /// Each with its place.
        rows: Vec<String>,
    },
    /// A sale of more than is held.
    #[error(
        "{place}: sells {quantity} of {symbol}, of which account {account} holds {held} on {date}; add the purchases before it, or take it for a short sale with --shorts"
    )]
    NotHeld {
        /// Where.
        place: Place,
        /// How much is sold.
        quantity: Quantity,
        /// What.
        symbol: String,
        /// From where.
        account: String,
        /// How much is held.
        held: Quantity,
        /// When.
        date: TradeDate,
    },
    /// A sale names lots that do not hold so much.
    #[error(
        "{place}: sells {quantity} of {symbol} from lot {lots}, which holds {held} in account {account} on {date}; name lots by the name or the day of their purchase, `;` between them"
    )]
    NotInLots {
        /// Where.
        place: Place,
        /// How much is sold.
        quantity: Quantity,
        /// What.
        symbol: String,
        /// The lots that are named.
        lots: String,
        /// From where.
        account: String,
        /// How much these lots hold.
        held: Quantity,
        /// When.
        date: TradeDate,
    },
    /// Amounts beyond what exact money can hold.
    #[error("{place}: the amounts up to here sum to more than 1e26; is a column in another unit?")]
    TooLarge {
        /// Where.
        place: Place,
    },
    /// More names than there are numbers.
    #[error("{place}: is the {count}th {what}, and there may be {most}; split the file")]
    TooMany {
        /// Where.
        place: Place,
        /// `instrument` or `account`.
        what: &'static str,
        /// How many there would be.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A word that a key or a flag does not take.
    #[error("{key} is `{value}`, and must be {expected}")]
    Word {
        /// The key or flag.
        key: &'static str,
        /// What was given.
        value: String,
        /// What may be given.
        expected: &'static str,
    },
    /// A line of the table of identical securities that cannot be.
    #[error("{place}: `{text}` {problem}; write one line a group, like VOO=SPY,IVV")]
    Identical {
        /// The file and line, or the flag.
        place: String,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}
