//! The tree of a file as it is written.

use std::ops::Range;

use crate::number::Date;
use crate::program::Relation;

/// A name and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Implies,
    Or,
    And,
    Compare(Relation),
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A term or a formula; which of both, the checker finds out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Range<usize>,
    /// How many levels it has; bounded, so that every walk over it is.
    pub(crate) levels: usize,
}

/// A quantifier with its body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantifier {
    /// For all, or for some.
    pub(crate) all: bool,
    pub(crate) variable: Name,
    pub(crate) domain: Name,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Expr,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprKind {
    /// A number as written, its unit, and the unit it is for each of.
    Number {
        digits: String,
        unit: Option<Name>,
        per: Option<Name>,
    },
    Date(Date),
    /// A time of day, in nanoseconds since midnight.
    Time(i64),
    /// A text, as names that are no words are written.
    Text(String),
    Truth(bool),
    /// What an example leaves out.
    Absent,
    Name(String),
    Call {
        name: Name,
        arguments: Vec<Expr>,
    },
    Attribute {
        of: Box<Expr>,
        name: Name,
    },
    Set(Vec<Name>),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary {
        operator: Operator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Member {
        value: Box<Expr>,
        set: Box<Expr>,
        negated: bool,
    },
    Quantified(Box<Quantifier>),
}

/// A rule as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleItem {
    pub(crate) hard: bool,
    pub(crate) name: Name,
    pub(crate) source: Option<String>,
    /// The weight as written, with its sign.
    pub(crate) weight: Option<Name>,
    pub(crate) instruments: Vec<Name>,
    pub(crate) account: Option<Name>,
    pub(crate) from: Option<(Date, Range<usize>)>,
    pub(crate) until: Option<(Date, Range<usize>)>,
    pub(crate) latching: Option<Range<usize>>,
    pub(crate) reason: Option<String>,
    pub(crate) formula: Expr,
}

/// A fact that an example sets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) fact: Name,
    /// The window of a fact over one.
    pub(crate) window: Option<Expr>,
    pub(crate) value: Expr,
}

/// A row of an example table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) passes: bool,
    pub(crate) note: String,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) span: Range<usize>,
}

/// A table of examples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Examples {
    pub(crate) rule: Name,
    pub(crate) rows: Vec<Row>,
}

/// What a file is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Const {
        name: Name,
        value: Expr,
    },
    Learned {
        name: Name,
        over: Option<Name>,
        meaning: String,
    },
    /// The exponent of the aggregators, as written.
    Aggregation {
        p: Name,
    },
    Rule(Box<RuleItem>),
    Examples(Examples),
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct File {
    pub(crate) items: Vec<Item>,
}
