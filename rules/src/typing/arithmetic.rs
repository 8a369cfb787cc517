//! Arithmetic: what may be added, compared and multiplied, and in what the result is told.

use std::ops::Range;

use super::typed::Arithmetic;
use super::{Checker, Term, TermKind};
use crate::diagnostic::Diagnostic;
use crate::exact;
use crate::exact::ABSENT;
use crate::syntax::{Expr, Operator};
use crate::unit::Dimension;
use crate::vocabulary::Type;

impl Checker<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        span: &Range<usize>,
    ) -> Option<Term> {
        let (a, b) = match operator {
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                (self.term(left), self.term(right))
            }
            _ => {
                let message = "expected a number, a date or a symbol, found a formula";
                self.error(Diagnostic::error(span, message, "true or false"));
                return None;
            }
        };
        let (a, b) = (a?, b?);
        if let Some(term) = self.with_date(operator, &a, &b, span) {
            return Some(term);
        }
        let (Some(x), Some(y)) = (a.dimension(), b.dimension()) else {
            let wrong = if a.dimension().is_none() { &a } else { &b };
            let message = format!("{} takes part in no arithmetic", capital(&wrong.ty.to_string()));
            self.error(Diagnostic::error(&wrong.span, message, format!("this is {}", wrong.ty)));
            return None;
        };
        match operator {
            Operator::Multiply | Operator::Divide => {
                let times = operator == Operator::Multiply;
                let Some(dimension) = (if times { x.times(y) } else { x.over(y) }) else {
                    self.error(Diagnostic::error(span, "no unit has such powers", "too many factors"));
                    return None;
                };
                let operation = if times { Arithmetic::Multiply } else { Arithmetic::Divide };
                // a share of so many bp is told in bp
                let ty = match (a.unit(), b.unit()) {
                    (Some(unit), _) if unit.bp && y.is_ratio() && b.constant().is_some() => {
                        Type::Number(unit)
                    }
                    (_, Some(unit)) if times && unit.bp && x.is_ratio() && a.constant().is_some() => {
                        Type::Number(unit)
                    }
                    _ => Type::number(dimension),
                };
                self.two(operation, a, b, ty, span)
            }
            _ => {
                let add = operator == Operator::Add;
                let (a, b) = self.same(a, b, if add { "add" } else { "subtract" })?;
                let ty = shown(&a, &b);
                self.two(if add { Arithmetic::Add } else { Arithmetic::Subtract }, a, b, ty, span)
            }
        }
    }

    /// Sums and differences with a date in them.
    fn with_date(&mut self, operator: Operator, a: &Term, b: &Term, span: &Range<usize>) -> Option<Term> {
        let days = |term: &Term| term.dimension() == Some(Dimension::DAYS);
        let (operation, ty) = match operator {
            Operator::Subtract if a.ty == Type::Date && b.ty == Type::Date => {
                (Arithmetic::Subtract, Type::number(Dimension::DAYS))
            }
            Operator::Subtract if a.ty == Type::Date && days(b) => (Arithmetic::Subtract, Type::Date),
            Operator::Add if (a.ty == Type::Date && days(b)) || (days(a) && b.ty == Type::Date) => {
                (Arithmetic::Add, Type::Date)
            }
            _ => return None,
        };
        self.two(operation, a.clone(), b.clone(), ty, span)
    }

    /// Two terms that measure the same, bare numbers made counts where they meet one.
    pub(super) fn same(&mut self, a: Term, b: Term, verb: &str) -> Option<(Term, Term)> {
        let (x, y) = (a.dimension()?, b.dimension()?);
        if x == y {
            return Some((a, b));
        }
        if x == Dimension::COUNT
            && let Some(counted) = Self::as_count(&b)
        {
            return Some((a, counted));
        }
        if y == Dimension::COUNT
            && let Some(counted) = Self::as_count(&a)
        {
            return Some((counted, b));
        }
        let with = if verb == "compare" { "with" } else { "and" };
        let message = format!("cannot {verb} {x} {with} {y}");
        let seconds = [x, y].contains(&Dimension::SECONDS) && [x, y].contains(&Dimension::DAYS);
        let help = if seconds {
            Some("calendar days are no multiple of seconds: write h or min for a span of time".to_owned())
        } else if x.is_ratio() || y.is_ratio() {
            Some("give the number a unit".to_owned())
        } else {
            None
        };
        let error = Diagnostic::error(&b.span, message, format!("this is {y}"))
            .other(&a.span, format!("this is {x}"))
            .maybe_help(help);
        self.error(error);
        None
    }

    /// An operation of two numbers, computed at once where both are constant.
    pub(super) fn two(
        &mut self,
        operation: Arithmetic,
        a: Term,
        b: Term,
        ty: Type,
        span: &Range<usize>,
    ) -> Option<Term> {
        let bare = a.bare && b.bare;
        let kind = match (a.constant(), b.constant()) {
            (Some(x), Some(y)) => {
                let value = compute(operation, (x, &a), (y, &b), ty);
                if value == ABSENT {
                    let zero = operation == Arithmetic::Divide && y == 0;
                    let message = if zero { "division by nothing" } else { "the result is too large" };
                    self.error(Diagnostic::error(span, message, "cannot be computed"));
                    return None;
                }
                TermKind::Constant(value)
            }
            _ => TermKind::Two { operation, a: Box::new(a), b: Box::new(b) },
        };
        Some(Term { kind, ty, bare, span: span.clone() })
    }
}

/// The value of an operation, as the machine computes it.
fn compute(operation: Arithmetic, (x, a): (i128, &Term), (y, b): (i128, &Term), ty: Type) -> i128 {
    match operation {
        Arithmetic::Add => exact::add(x, y),
        Arithmetic::Subtract => exact::subtract(x, y),
        Arithmetic::Smaller => exact::smaller(x, y),
        Arithmetic::Larger => exact::larger(x, y),
        Arithmetic::Multiply => exact::multiply(x, y, surplus(a, b, ty)),
        Arithmetic::Divide => exact::divide(x, y, lack(a, b, ty)),
    }
}

/// What the scale of a product is too large by.
pub(crate) fn surplus(a: &Term, b: &Term, ty: Type) -> i128 {
    a.ty.unit().dimension.scale() * b.ty.unit().dimension.scale() / ty.unit().dimension.scale()
}

/// What the scale of a dividend is too small by.
pub(crate) fn lack(a: &Term, b: &Term, ty: Type) -> i128 {
    ty.unit().dimension.scale() * b.ty.unit().dimension.scale() / a.ty.unit().dimension.scale()
}

/// How two numbers of one dimension are shown: in bp if one is.
pub(super) fn shown(a: &Term, b: &Term) -> Type {
    if b.unit().is_some_and(|unit| unit.bp) { b.ty } else { a.ty }
}

/// With a capital letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
