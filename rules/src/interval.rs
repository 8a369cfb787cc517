//! Interval arithmetic: what the declared ranges of facts leave possible.

use crate::exact;
use crate::exact::ABSENT;
use crate::program::{Connective, Relation};
use crate::typing::typed::{Arithmetic, Formula, FormulaKind, Term, TermKind};
use crate::vocabulary::Type;

/// The least and the largest value of a term; `None` where nothing bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) least: Option<i128>,
    pub(crate) most: Option<i128>,
}

impl Interval {
    const ALL: Self = Self { least: None, most: None };

    fn point(value: i128) -> Self {
        Self { least: Some(value), most: Some(value) }
    }

    /// The corners of an operation that is monotone in each operand; unbounded where one is.
    fn corners(self, other: Self, operation: impl Fn(i128, i128) -> i128) -> Self {
        let (Some(a), Some(b), Some(c), Some(d)) = (self.least, self.most, other.least, other.most) else {
            return Self::ALL;
        };
        let all = [operation(a, c), operation(a, d), operation(b, c), operation(b, d)];
        if all.contains(&ABSENT) {
            return Self::ALL;
        }
        Self { least: all.iter().min().copied(), most: all.iter().max().copied() }
    }
}

/// The values that a term can have.
pub(crate) fn of(term: &Term) -> Interval {
    match &term.kind {
        TermKind::Constant(value) => Interval::point(*value),
        TermKind::Fact { range, .. } | TermKind::Single { range, .. } => {
            Interval { least: range.0, most: range.1 }
        }
        TermKind::Row(_) => Interval::ALL,
        TermKind::Negate(a) => {
            let Interval { least, most } = of(a);
            Interval { least: most.map(exact::negate), most: least.map(exact::negate) }
        }
        TermKind::Magnitude(a) => magnitude(of(a)),
        TermKind::Two { operation, a, b } => two(*operation, term, a, b),
    }
}

fn magnitude(a: Interval) -> Interval {
    let (low, high) = (a.least.map(exact::magnitude), a.most.map(exact::magnitude));
    let crosses = a.least.is_none_or(|least| least < 0) && a.most.is_none_or(|most| most > 0);
    let least = if crosses { Some(0) } else { low.zip(high).map(|(x, y)| x.min(y)).or(Some(0)) };
    Interval { least, most: low.zip(high).map(|(x, y)| x.max(y)) }
}

fn two(operation: Arithmetic, whole: &Term, a: &Term, b: &Term) -> Interval {
    let (x, y) = (of(a), of(b));
    let both = |f: fn(i128, i128) -> i128, p: Option<i128>, q: Option<i128>| {
        p.zip(q).map(|(p, q)| f(p, q)).filter(|value| *value != ABSENT)
    };
    match operation {
        Arithmetic::Add => {
            Interval { least: both(exact::add, x.least, y.least), most: both(exact::add, x.most, y.most) }
        }
        Arithmetic::Subtract => Interval {
            least: both(exact::subtract, x.least, y.most),
            most: both(exact::subtract, x.most, y.least),
        },
        Arithmetic::Smaller => Interval {
            least: both(exact::smaller, x.least, y.least),
            most: if let (Some(p), Some(q)) = (x.most, y.most) { Some(p.min(q)) } else { x.most.or(y.most) },
        },
        Arithmetic::Larger => Interval {
            least: if let (Some(p), Some(q)) = (x.least, y.least) {
                Some(p.max(q))
            } else {
                x.least.or(y.least)
            },
            most: both(exact::larger, x.most, y.most),
        },
        Arithmetic::Multiply => {
            let divisor = crate::typing::arithmetic::surplus(a, b, whole.ty);
            x.corners(y, |p, q| exact::multiply(p, q, divisor))
        }
        Arithmetic::Divide => {
            let away = y.least.is_some_and(|least| least > 0) || y.most.is_some_and(|most| most < 0);
            if !away {
                return Interval::ALL;
            }
            let factor = crate::typing::arithmetic::lack(a, b, whole.ty);
            x.corners(y, |p, q| exact::divide(p, q, factor))
        }
    }
}

/// Whether a formula can hold, and whether it can fail, where all facts are there and all domains have rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Possible {
    pub(crate) hold: bool,
    pub(crate) fail: bool,
}

/// What is possible of a formula.
pub(crate) fn possible(formula: &Formula) -> Possible {
    const EITHER: Possible = Possible { hold: true, fail: true };
    match &formula.kind {
        FormulaKind::Flag(term) => match term.constant() {
            Some(value) => Possible { hold: value != 0, fail: value == 0 },
            None => EITHER,
        },
        FormulaKind::Known(_) | FormulaKind::Member { .. } | FormulaKind::Learned { .. } => EITHER,
        FormulaKind::Compare { relation, value, bound, .. } => compare(*relation, value, bound),
        FormulaKind::Not(of) => {
            let Possible { hold, fail } = possible(of);
            Possible { hold: fail, fail: hold }
        }
        FormulaKind::Connect { with, a, b } => {
            let (a, b) = (possible(a), possible(b));
            match with {
                Connective::And => Possible { hold: a.hold && b.hold, fail: a.fail || b.fail },
                Connective::Or => Possible { hold: a.hold || b.hold, fail: a.fail && b.fail },
                Connective::Implies => Possible { hold: a.fail || b.hold, fail: a.hold && b.fail },
            }
        }
        FormulaKind::Quantified { all, guard, body, .. } => {
            let body = possible(body);
            match (guard.as_deref().map(possible), all) {
                // rows that the guard leaves out fail nothing, and show nothing
                (Some(guard), true) => {
                    Possible { hold: guard.fail || body.hold, fail: guard.hold && body.fail }
                }
                (Some(guard), false) => {
                    Possible { hold: guard.hold && body.hold, fail: guard.fail || body.fail }
                }
                (None, _) => body,
            }
        }
    }
}

fn compare(relation: Relation, value: &Term, bound: &Term) -> Possible {
    let (a, b) = (of(value), of(bound));
    let below = |p: Option<i128>, q: Option<i128>| p.zip(q).is_some_and(|(p, q)| p < q);
    let at_most = |p: Option<i128>, q: Option<i128>| p.zip(q).is_some_and(|(p, q)| p <= q);
    let single = |i: Interval| i.least.is_some() && i.least == i.most;
    let same = single(a) && a == b;
    let apart = below(a.most, b.least) || below(b.most, a.least);
    // the same term on both sides is the same number
    let mirrored = value.kind == bound.kind;
    let (always, never) = match relation {
        Relation::Less => (below(a.most, b.least), at_most(b.most, a.least) || mirrored),
        Relation::AtMost => (at_most(a.most, b.least) || mirrored, below(b.most, a.least)),
        Relation::Greater => (below(b.most, a.least), at_most(a.most, b.least) || mirrored),
        Relation::AtLeast => (at_most(b.most, a.least) || mirrored, below(a.most, b.least)),
        Relation::Equal => (same || mirrored, apart),
        Relation::Differs => (apart, same || mirrored),
    };
    Possible { hold: !never, fail: !always }
}

/// The smallest part of a formula that makes it impossible.
pub(crate) fn culprit(formula: &Formula) -> Option<&Formula> {
    let inner = match &formula.kind {
        FormulaKind::Connect { with: Connective::And, a, b } => {
            if possible(a).hold {
                culprit(b)
            } else {
                culprit(a)
            }
        }
        FormulaKind::Quantified { body, .. } => culprit(body),
        _ => None,
    };
    inner.or_else(|| (!possible(formula).hold).then_some(formula))
}

/// The intervals of a comparison, in words.
pub(crate) fn explain(formula: &Formula) -> Option<String> {
    match &formula.kind {
        FormulaKind::Compare { value, bound, .. } => {
            let told = |term: &Term| told(term, of(term));
            Some(format!("the left side is {}, the right side {}", told(value), told(bound)))
        }
        FormulaKind::Quantified { body, .. } => explain(body),
        _ => None,
    }
}

fn told(term: &Term, interval: Interval) -> String {
    let unit = term.ty.unit();
    let number = |value: i128| {
        let symbol = unit.symbol();
        let blank = if symbol.is_empty() { "" } else { " " };
        match term.ty {
            Type::Number(_) => format!("{}{blank}{symbol}", unit.to_f64(value)),
            _ => value.to_string(),
        }
    };
    match (interval.least, interval.most) {
        (Some(least), Some(most)) if least == most => number(least),
        (Some(least), Some(most)) => format!("from {} to {}", number(least), number(most)),
        (Some(least), None) => format!("at least {}", number(least)),
        (None, Some(most)) => format!("at most {}", number(most)),
        (None, None) => "anything".to_owned(),
    }
}
