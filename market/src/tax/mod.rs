//! Tax lots and wash sales (eq. 16; 26 U.S.C. § 1091, 26 CFR 1.1091-1 and -2, IRS Publication 550).
//!
//! A loss is disallowed as far as substantially identical shares were bought within 30 calendar days before or
//! after the sale, the day of the sale included. It goes into the basis of those shares, and with it the holding
//! period. What the statute and the rulings leave open is answered so:
//!
//! * A purchase is no replacement of itself, in whole or in part (Rev. Rul. 56-602); executions of one order are
//!   one purchase. Separate purchases are replacements of each other, on one day too.
//! * A replacement is bought after the sale, or before it and still held when the whole sale is done: shares that
//!   are gone by then replace nothing. So a sale of all that is held is no wash sale by itself.
//! * Whether shares bought before the acquisition of the shares sold can replace them is a setting
//!   ([`EarlierPurchases`]), named in the report.
//! * Whether a sale is a loss is judged on the adjusted basis; a disallowed loss in a basis may be disallowed again.
//! * Into an IRA a loss is lost for ever (Rev. Rul. 2008-5): no basis takes it. Sales in an IRA are no disposals.
//! * A sale beyond what is held is a short sale where that is allowed. Its closing is a short-term disposal that is
//!   *not* judged: § 1091(e) is not applied, and the report says so. A purchase that buys back replaces nothing.
//! * The holding period of what was sold is included in that of the replacement (§ 1223(3)), days in both once.
//! * Other people whose purchases count, such as a spouse, are other accounts among the trades. Options, and
//!   contracts to buy, are not known here.
//!
//! It is not legal advice.

mod book;
mod books;
mod date;
mod disposal;
mod error;
mod file;
mod lot;
mod params;
mod preview;
mod render;
mod report;
mod returns;
mod rules;
mod trade;

pub use book::{Ban, WashBook};
pub use books::{Books, Deal, Effects, Holding, OpenLoss, Sold, Wash};
pub use date::{DateError, TaxYear, TradeDate, WINDOW_DAYS};
pub use disposal::{Disposal, OpenLot, OpenShort, Replacement};
pub use error::TaxError;
pub use file::{TradeFile, read_trades};
pub use lot::{Piece, Short};
pub use params::{TaxParams, WashPolicy, WashTerms};
pub use preview::{PurchaseWash, WashedBy, WashedLoss, WashedSale};
pub use report::{DoNotBuy, Report, Totals};
pub use returns::{AccountTerms, Returns, fold};
pub use rules::{EarlierPurchases, Identical, Securities, WashRules};
pub use trade::{MAIN_ACCOUNT, Trade, is_ira_name};
