//! Why no order: the closed list of reasons (R4) and of hard limits, each declared once as data.

use std::fmt;

use market::Quantity;
use market::book::BookState;
use serde::{Deserialize, Serialize};

use crate::cause::{LatchCause, Startle};
use crate::code::Code;
use crate::threat::Signal;

/// A number that a rule compared, or that it was not known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Measured(pub Option<f64>);

impl From<f64> for Measured {
    fn from(value: f64) -> Self {
        Self(value.is_finite().then_some(value))
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("unknown"),
        }
    }
}

/// A reason's name and meaning, for help and documentation.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name in reports.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// What a rule compared; nothing where it compared nothing.
struct Compared(Measured, Measured);

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Measured(None), Measured(None)) => Ok(()),
            Self(value, bound) => write!(f, ": {value} against {bound}"),
        }
    }
}

macro_rules! reasons {
    ($($(#[doc = $meaning:literal])+ $variant:ident $name:literal { $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty),* } $text:literal $(, $shown:ident = $value:expr)?;)*) => {
        /// Why a sample ended without an order.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $meaning])+ $variant { $($(#[doc = $field_doc])+ $field: $type),* },)*
        }

        impl Reason {
            /// Every reason there is, in order.
            pub const ALL: &'static [Spec] = &[$(Spec { name: $name, meaning: concat!($($meaning),+).trim_ascii() },)*];

            /// Its name in reports.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name,)* }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant { $($field),* } => {
                        $(let $shown = $value;)?
                        write!(f, $text)
                    })*
                }
            }
        }
    };
}

reasons! {
    /// The amygdala met a value that is not a finite number.
    NotFinite "not_finite" {} "a value of the market is not a finite number";
    /// The latch is set: only cancels and reductions pass.
    Latched "latched" {
        /// Why it is set.
        cause: LatchCause
    } "latched by {cause}";
    /// A shock came outside the rhythm and there was nothing to cancel.
    Startled "startled" {
        /// Which shock.
        startle: Startle
    } "startled by {startle:?}, nothing to cancel";
    /// The book is unknown or has no two sides, so there is no price to act on.
    StaleBook "stale_book" {
        /// What the book says of itself.
        book: BookState
    } "the book is {book:?}";
    /// The venue has halted the instrument.
    Halted "halted" {} "trading is halted";
    /// The instrument's trading hours are over.
    OutsideSession "outside_session" {} "outside the trading session";
    /// The amygdala is not calibrated yet.
    WarmingUp "warming_up" {
        /// Samples left.
        left: u32
    } "warming up, {left} samples left";
    /// A threat signal is beyond its limit.
    Frightened "frightened" {
        /// Which signal.
        signal: Signal,
        /// Its value.
        value: f64,
        /// Its limit.
        limit: f64
    } "{signal} at {value:.4}, limit {limit:.4}";
    /// The last request for this instrument is unanswered.
    AwaitingVenue "awaiting_venue" {
        /// Orders with an unanswered request.
        unanswered: u32
    } "{unanswered} orders await the venue's answer";
    /// The best action does not stand out enough.
    HoldByMargin "hold_by_margin" {
        /// Probability of the best action less that of the second.
        margin: f32,
        /// What it has to be.
        needed: f32
    } "margin {margin:.4} below {needed:.4}";
    /// To hold is the best action.
    Hold "hold" {
        /// The position held.
        position: Quantity
    } "hold {position}";
    /// The position is the target already.
    AtTarget "at_target" {
        /// The target.
        target: Quantity
    } "at the target of {target}";
    /// An order for just that rests at the venue.
    AlreadyWorking "already_working" {
        /// What remains of it.
        remaining: Quantity
    } "an order for {remaining} is working";
    /// The expected edge does not pay the forecast cost.
    NoEdge "no_edge" {
        /// The expected edge, bp.
        edge_bp: f64,
        /// The forecast cost, fees included, bp.
        cost_bp: f64
    } "edge {edge_bp:.4} bp below cost {cost_bp:.4} bp";
    /// What is missing to the target is less than one lot.
    BelowMinimumSize "below_minimum_size" {
        /// What is missing.
        size: Quantity,
        /// The least that can be ordered.
        lot: Quantity
    } "{size} is below the minimum of {lot}";
    /// A hard rule refused the order.
    Refused "refused" {
        /// Which rule.
        rule: Code,
        /// The value of the comparison that decided.
        value: Measured,
        /// What it was compared with.
        bound: Measured
    } "refused by the rule {rule}{compared}", compared = Compared(*value, *bound);
    /// What is due of the parent order has been sent; the next child is not due yet.
    Pacing "pacing" {
        /// What is due of it by now.
        due: Quantity,
        /// What it is in all.
        total: Quantity
    } "{due} of {total} are due, and sent";
}

macro_rules! limits {
    ($($(#[doc = $meaning:literal])+ $variant:ident $name:literal;)*) => {
        /// A hard limit (G2, G8).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Limit {
            $($(#[doc = $meaning])+ $variant,)*
        }

        impl Limit {
            /// Every limit there is, in the order they are tested.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in reports and configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

limits! {
    /// The quantity of one order.
    OrderSize "order_size";
    /// The position if everything outstanding on the order's side fills.
    Position "position";
    /// The notional of one order.
    Notional "notional";
    /// The notional of all positions of the account if everything outstanding fills.
    Capital "capital";
    /// The distance of the order's price from the mid.
    Collar "collar";
    /// Orders and replacements in one second.
    Rate "rate";
    /// The time since an order of the same side, price and quantity.
    Duplicate "duplicate";
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_what_was_compared_if_anything_was() {
        let rule = Code::new("capital").expect("short");
        let told = |value, bound| {
            Reason::Refused { rule, value: Measured(value), bound: Measured(bound) }.to_string()
        };
        assert_eq!(told(Some(2.0), Some(1.5)), "refused by the rule capital: 2 against 1.5");
        assert_eq!(told(None, Some(1.5)), "refused by the rule capital: unknown against 1.5");
        assert_eq!(told(None, None), "refused by the rule capital");
    }
}
