//! How facts are declared: their types, and the macro that makes a struct and its table from one list.

use std::fmt;

use crate::unit::{Dimension, Unit};

/// What a fact is a fact of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An order: a candidate, or one that is outstanding.
    Order,
    /// An instrument.
    Instrument,
    /// The account.
    Account,
    /// The moment of the judgement.
    Calendar,
    /// What the brain makes of the moment.
    Percept,
    /// The market as a whole.
    Market,
}

impl Sort {
    /// All there are, in the order of the reference.
    pub const ALL: [Self; 6] =
        [Self::Order, Self::Instrument, Self::Account, Self::Calendar, Self::Percept, Self::Market];

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Instrument => "instrument",
            Self::Account => "account",
            Self::Calendar => "calendar",
            Self::Percept => "percept",
            Self::Market => "market",
        }
    }

    /// Whether there is one of it only, so that its facts need no variable.
    #[must_use]
    pub const fn is_single(self) -> bool {
        !matches!(self, Self::Order | Self::Instrument)
    }
}

/// What a quantifier ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The candidate orders of this judgement.
    Orders,
    /// All instruments that trade.
    Instruments,
    /// Our outstanding orders.
    Working,
}

impl Domain {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Instruments, Self::Working];

    /// Its name in the language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Instruments => "instruments",
            Self::Working => "working",
        }
    }

    /// What its variables are.
    #[must_use]
    pub const fn sort(self) -> Sort {
        match self {
            Self::Orders | Self::Working => Sort::Order,
            Self::Instruments => Sort::Instrument,
        }
    }
}

/// A kind of symbols: those of one kind are compared with each other only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `buy` or `sell`.
    Side,
    /// How an order trades.
    OrderKind,
    /// A day of the week.
    Weekday,
    /// How frightened the amygdala is.
    Threat,
    /// The name of an instrument or account.
    Name,
}

impl Kind {
    /// The symbols of a closed kind, in the order of their cells; `None` for names.
    #[must_use]
    pub const fn symbols(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Side => Some(&["buy", "sell"]),
            Self::OrderKind => Some(&["limit", "market", "ioc", "post_only"]),
            Self::Weekday => {
                Some(&["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
            }
            Self::Threat => Some(&["calm", "wary", "tripped"]),
            Self::Name => None,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Side => "a side",
            Self::OrderKind => "a kind of order",
            Self::Weekday => "a day of the week",
            Self::Threat => "a threat level",
            Self::Name => "a name",
        }
    }
}

/// The type of a fact or a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number that measures something.
    Number(Unit),
    /// A day of the calendar.
    Date,
    /// True or false.
    Flag,
    /// A symbol of a kind.
    Symbol(Kind),
    /// An instrument, whose facts can be asked for in turn.
    Instrument,
}

impl Type {
    /// A number in the base unit of a dimension.
    #[must_use]
    pub const fn number(dimension: Dimension) -> Self {
        Self::Number(Unit::of(dimension))
    }

    /// How its values are shown, of what is no number as plain numbers.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Number(unit) => unit,
            Self::Date => Unit::of(Dimension::DAYS),
            Self::Flag | Self::Symbol(_) | Self::Instrument => Unit::of(Dimension::RATIO),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(unit) => unit.dimension.fmt(f),
            Self::Date => f.write_str("a date"),
            Self::Flag => f.write_str("true or false"),
            Self::Symbol(kind) => f.write_str(kind.name()),
            Self::Instrument => f.write_str("an instrument"),
        }
    }
}

/// A fact as it is declared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactInfo {
    /// Its name in the language.
    pub name: &'static str,
    /// What it is a fact of.
    pub sort: Sort,
    /// Its type, with its unit.
    pub kind: Type,
    /// The least value it can have, in its unit; −∞ where nothing bounds it or it is no number.
    pub min: f64,
    /// The largest value it can have.
    pub max: f64,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

impl FactInfo {
    /// The numbers that bound it, in units of fixed point; `None` where nothing does.
    #[must_use]
    pub fn range(&self) -> (Option<i128>, Option<i128>) {
        let scale = self.kind.unit().scale() as f64;
        let bound = |value: f64| value.is_finite().then_some((value * scale) as i128);
        (bound(self.min), bound(self.max))
    }
}

/// Declares the facts of a sort: a struct of optional values, and the [`FactInfo`] of each.
macro_rules! facts {
    ($(#[doc = $about:literal])+ pub struct $struct:ident of $sort:ident {
        $($(#[doc = $meaning:literal])+ $name:ident: $type:ty $(= $min:literal .. $max:literal)?;)*
    }) => {
        $(#[doc = $about])+
        ///
        /// What is `None` is absent, and no comparison with it is known.
        #[derive(Clone, Copy, Debug, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $struct {
            $($(#[doc = $meaning])+ pub $name: Option<$type>,)*
        }

        impl $struct {
            /// Each fact as it is declared, in the order of its cells.
            pub const FACTS: &'static [$crate::vocabulary::FactInfo] = &[$($crate::vocabulary::FactInfo {
                name: stringify!($name),
                sort: $crate::vocabulary::Sort::$sort,
                kind: <$type as $crate::number::FactValue>::TYPE,
                min: $crate::vocabulary::facts!(@bound f64::NEG_INFINITY $(, $min)?),
                max: $crate::vocabulary::facts!(@bound f64::INFINITY $(, $max)?),
                meaning: concat!($($meaning),+).trim_ascii(),
            },)*];

            /// Writes its cells.
            pub(crate) fn write(&self, cells: &mut [i128]) {
                let values = [$($crate::number::cell_of(self.$name),)*];
                cells[..values.len()].copy_from_slice(&values);
            }
        }
    };
    (@bound $free:expr) => { $free };
    (@bound $free:expr, $bound:literal) => { $bound };
}

pub(crate) use facts;
