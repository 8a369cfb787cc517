//! What rules are compiled to: one flat list of operations, and the machine that runs it.
//!
//! The machine knows how to fetch facts and to walk domains. What truth is made of them is up to a
//! [`Reading`]: judgement, explanation and gradient are three readings of one program.

use crate::exact::ABSENT;
use crate::kleene::Kleene;
use crate::unit::Unit;
use crate::vocabulary::{Domain, Sort};

/// How many quantifiers may stand in each other.
pub(crate) const QUANTIFIERS: usize = 4;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Less than.
    Less,
    /// At most.
    AtMost,
    /// Greater than.
    Greater,
    /// At least.
    AtLeast,
    /// The same.
    Equal,
    /// Not the same.
    Differs,
}

impl Relation {
    /// As the language writes it.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "=",
            Self::Differs => "!=",
        }
    }

    /// The same relation with its sides exchanged.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }

    /// What holds exactly where it does not.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
            Self::Equal => Self::Differs,
            Self::Differs => Self::Equal,
        }
    }

    /// Whether it says that the value is bounded from above or from below.
    #[must_use]
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Differs)
    }

    pub(crate) fn holds(self, value: i128, bound: i128) -> Kleene {
        if value == ABSENT || bound == ABSENT {
            return Kleene::Unknown;
        }
        Kleene::from(match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Greater => value > bound,
            Self::AtLeast => value >= bound,
            Self::Equal => value == bound,
            Self::Differs => value != bound,
        })
    }
}

/// A comparison as it stands in a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) relation: Relation,
    /// How both sides are shown.
    pub(crate) unit: Unit,
    /// Whether its soft truth falls gradually: an order of numbers does, of dates and symbols not.
    pub(crate) graded: bool,
    /// Whether it says what must hold, not when.
    pub(crate) demands: bool,
}

/// A connective of two formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
    Implies,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    /// Pushes a number.
    Constant(i128),
    /// Pushes a fact of the row that a variable stands for.
    Cell {
        domain: Domain,
        variable: u8,
        column: u16,
    },
    /// Replaces the row of an instrument by a fact of it.
    Instrument {
        column: u16,
    },
    /// Pushes the row that a variable stands for.
    Row {
        variable: u8,
    },
    /// Pushes a fact that there is one of.
    Single {
        sort: Sort,
        column: u16,
    },
    Add,
    Subtract,
    Multiply {
        divisor: i128,
    },
    Divide {
        factor: i128,
    },
    Negate,
    Magnitude,
    Smaller,
    Larger,
    /// Makes a flag a truth.
    Flag,
    /// Whether a number is there.
    Known,
    /// Compares two numbers.
    Compare(Comparison),
    /// Whether a symbol is among the members `start..end`.
    Member {
        start: u32,
        end: u32,
    },
    /// How true a learned predicate is of a variable's row.
    Learned {
        learned: u16,
        domain: Domain,
        variable: u8,
    },
    /// The same, of the instrument whose row is on the stack.
    LearnedOfInstrument {
        learned: u16,
    },
    Not,
    Connect(Connective),
    /// Starts a walk over a domain; `end` is the place of its [`Op::End`].
    Begin {
        domain: Domain,
        variable: u8,
        end: u32,
    },
    /// Leaves a row out where the truth on the stack is definitely false.
    Guard {
        end: u32,
    },
    /// Ends the walk or goes on to its next row.
    End {
        all: bool,
        begin: u32,
        guarded: bool,
    },
}

/// A learned predicate of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atom {
    /// Its place in [`crate::RuleSet::learned`].
    pub learned: usize,
    /// What it is said of: an order or an instrument.
    pub sort: Sort,
    /// Which row.
    pub row: usize,
}

/// What truth is made of the facts.
pub(crate) trait Reading {
    /// A truth.
    type Truth: Copy;

    /// Its crisp value.
    fn crisp(&self, truth: Self::Truth) -> Kleene;
    /// Something that is not graded.
    fn plain(&mut self, site: usize, value: Kleene) -> Self::Truth;
    /// A comparison of two numbers.
    fn compare(&mut self, site: usize, comparison: &Comparison, value: i128, bound: i128) -> Self::Truth;
    /// A learned predicate; not a number where it is absent.
    fn learned(&mut self, site: usize, atom: Atom, truth: f64) -> Self::Truth;
    /// Not.
    fn not(&mut self, site: usize, truth: Self::Truth) -> Self::Truth;
    /// And, or, if.
    fn connect(&mut self, site: usize, with: Connective, a: Self::Truth, b: Self::Truth) -> Self::Truth;
    /// A row of a walk is done; what stands here may be labelled.
    fn row(&mut self, _site: usize, _domain: Domain, _row: usize, truth: Self::Truth) -> Self::Truth {
        truth
    }
    /// For all rows, or for some.
    fn quantify(&mut self, site: usize, all: bool, rows: &[Self::Truth]) -> Self::Truth;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negated_relation_holds_where_the_other_does_not() {
        use Relation::{AtLeast, AtMost, Differs, Equal, Greater, Less};
        for relation in [Less, AtMost, Greater, AtLeast, Equal, Differs] {
            for (a, b) in [(1, 2), (2, 2), (3, 2)] {
                assert_eq!(!relation.holds(a, b), relation.negated().holds(a, b));
                assert_eq!(relation.holds(a, b), relation.flipped().holds(b, a));
            }
            assert_eq!(relation.holds(ABSENT, 1), Kleene::Unknown);
        }
    }
}
