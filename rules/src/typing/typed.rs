//! Terms and formulas with their meaning: what the compiler and the interval arithmetic go by.

use std::ops::Range;

use crate::program::{Connective, Relation};
use crate::unit::{Dimension, Unit};
use crate::vocabulary::{Domain, Sort, Type};

/// The row that a fact is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// That of a variable.
    Variable { domain: Domain, variable: u8 },
    /// That of the instrument of an order.
    InstrumentOf { domain: Domain, variable: u8 },
}

impl Place {
    /// What it is a row of.
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Variable { domain, .. } => domain.sort(),
            Self::InstrumentOf { .. } => Sort::Instrument,
        }
    }
}

/// An operation of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Smaller,
    Larger,
}

/// A term.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) kind: TermKind,
    pub(crate) ty: Type,
    /// Whether it is made of numbers without a unit, which may count as well.
    pub(crate) bare: bool,
    pub(crate) span: Range<usize>,
}

/// What a term is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TermKind {
    Constant(i128),
    /// A fact of a row, with its name and range.
    Fact {
        at: Place,
        column: u16,
        name: &'static str,
        range: (Option<i128>, Option<i128>),
    },
    /// A fact that there is one of.
    Single {
        sort: Sort,
        column: u16,
        name: &'static str,
        range: (Option<i128>, Option<i128>),
    },
    /// The row itself, of an instrument.
    Row(Place),
    Negate(Box<Term>),
    Magnitude(Box<Term>),
    Two {
        operation: Arithmetic,
        a: Box<Term>,
        b: Box<Term>,
    },
}

impl Term {
    /// The constant that it is.
    pub(crate) fn constant(&self) -> Option<i128> {
        match self.kind {
            TermKind::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// How it is shown, if it is a number.
    pub(crate) fn unit(&self) -> Option<Unit> {
        match self.ty {
            Type::Number(unit) => Some(unit),
            _ => None,
        }
    }

    /// What it measures, if it is a number.
    pub(crate) fn dimension(&self) -> Option<Dimension> {
        self.unit().map(|unit| unit.dimension)
    }
}

/// A formula.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Formula {
    pub(crate) kind: FormulaKind,
    pub(crate) span: Range<usize>,
}

/// What a formula is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FormulaKind {
    /// A fact that is true or false.
    Flag(Term),
    /// Whether a fact is there.
    Known(Term),
    Compare {
        relation: Relation,
        value: Term,
        bound: Term,
        unit: Unit,
        graded: bool,
    },
    /// Whether a symbol is one of these.
    Member {
        value: Term,
        members: Vec<i128>,
    },
    Learned {
        learned: u16,
        at: Place,
    },
    Not(Box<Formula>),
    Connect {
        with: Connective,
        a: Box<Formula>,
        b: Box<Formula>,
    },
    Quantified {
        all: bool,
        domain: Domain,
        variable: u8,
        guard: Option<Box<Formula>>,
        body: Box<Formula>,
    },
}
