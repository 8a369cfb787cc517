//! Terms: facts, constants and arithmetic, each with its type and unit.

use std::ops::Range;

use super::arithmetic::shown;
use super::typed::Arithmetic;
use super::{Checker, ConstantValue, Place, Term, TermKind};
use crate::diagnostic::Diagnostic;
use crate::exact;
use crate::facts::{self, Found, WindowFact, facts_of};
use crate::machine::ORDERED;
use crate::number::FactValue;
use crate::rule_set::Window;
use crate::syntax::{Expr, ExprKind, Name};
use crate::unit::Dimension;
use crate::vocabulary::{FactInfo, Sort, Type};

/// The shortest and the longest window, in nanoseconds.
const WINDOWS_NS: std::ops::RangeInclusive<i128> = 1_000_000_000..=600_000_000_000;

impl Checker<'_> {
    /// Checks a term; what is wrong is told.
    pub(super) fn term(&mut self, expr: &Expr) -> Option<Term> {
        let span = &expr.span;
        match &expr.kind {
            ExprKind::Number { digits, unit, per } => self.number(digits, unit.as_ref(), per.as_ref(), span),
            ExprKind::Date(date) => Some(constant(date.cell(), Type::Date, span)),
            ExprKind::Time(ns) => Some(constant(i128::from(*ns), Type::number(Dimension::SECONDS), span)),
            ExprKind::Truth(truth) => Some(constant(i128::from(*truth), Type::Flag, span)),
            ExprKind::Name(text) => self.name(&Name { text: text.clone(), span: span.clone() }),
            ExprKind::Attribute { of, name } => self.attribute(of, name, span),
            ExprKind::Call { name, arguments } => self.call(name, arguments, span),
            ExprKind::Negate(of) => {
                let of = self.numeric(of)?;
                let (ty, bare) = (of.ty, of.bare);
                let kind = match of.constant() {
                    Some(value) => TermKind::Constant(exact::negate(value)),
                    None => TermKind::Negate(Box::new(of)),
                };
                Some(Term { kind, ty, bare, span: span.clone() })
            }
            ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right, span),
            ExprKind::Text(text) => {
                self.unknown(&Name { text: text.clone(), span: span.clone() });
                None
            }
            _ => {
                let what = if matches!(expr.kind, ExprKind::Set(_)) { "a set" } else { "a formula" };
                let message = format!("expected a number, a date or a symbol, found {what}");
                self.error(Diagnostic::error(span, message, "no value"));
                None
            }
        }
    }

    /// A term that is a number.
    pub(super) fn numeric(&mut self, expr: &Expr) -> Option<Term> {
        let term = self.term(expr)?;
        if term.dimension().is_none() {
            let message = format!("expected a number, found {}", term.ty);
            self.error(Diagnostic::error(&term.span, message, format!("this is {}", term.ty)));
            return None;
        }
        Some(term)
    }

    fn name(&mut self, name: &Name) -> Option<Term> {
        let variable = self.variables.iter().position(|v| v.name == name.text);
        if let Some(at) = variable {
            let domain = self.variables[at].domain;
            let place = Place::Variable { domain, variable: at as u8 };
            if domain.sort() == Sort::Instrument {
                return Some(row(place, &name.span));
            }
            let message = format!("`{}` is an order, and no value", name.text);
            let help = format!("ask for a fact of it, such as {0}.quantity or {0}.instrument", name.text);
            self.error(Diagnostic::error(&name.span, message, "an order").help(help));
            return None;
        }
        if let Some(constant) = self.constants.iter().find(|c| c.name.text == name.text) {
            return match constant.value.clone() {
                ConstantValue::Term(term) => Some(Term { span: name.span.clone(), ..term }),
                ConstantValue::Wrong => None,
                ConstantValue::Set(_) => {
                    let message = format!("`{}` is a set, and no value", name.text);
                    let error = Diagnostic::error(&name.span, message, "a set");
                    self.error(error.help(format!("write `… in {}`", name.text)));
                    None
                }
            };
        }
        match facts::find(&name.text) {
            Some(Found::Plain(sort, column)) if sort.is_single() => Some(single(sort, column, &name.span)),
            Some(found) => {
                let (sort, window) = match found {
                    Found::Plain(sort, _) => (sort, ""),
                    Found::Window(_) => (Sort::Instrument, ", 1 min"),
                };
                let (row, text) = (if sort == Sort::Order { "o" } else { "o.instrument" }, &name.text);
                let message =
                    format!("`{text}` is a fact of an {}, and this does not say of which", sort.name());
                let help = format!("write {text}({row}{window})");
                self.error(Diagnostic::error(&name.span, message, "of which?").help(help));
                None
            }
            None => {
                self.unknown(name);
                None
            }
        }
    }

    /// The row that an expression means, for a fact of it.
    pub(super) fn place(&mut self, expr: &Expr) -> Option<Place> {
        if let ExprKind::Name(text) = &expr.kind
            && let Some(at) = self.variables.iter().position(|v| v.name == *text)
        {
            return Some(Place::Variable { domain: self.variables[at].domain, variable: at as u8 });
        }
        let term = self.term(expr)?;
        if let TermKind::Row(place) = term.kind {
            return Some(place);
        }
        let message = format!("expected an order or an instrument, found {}", term.ty);
        self.error(Diagnostic::error(&expr.span, message, format!("this is {}", term.ty)));
        None
    }

    fn attribute(&mut self, of: &Expr, name: &Name, span: &Range<usize>) -> Option<Term> {
        // `account.equity` is another way to say `equity`
        if let ExprKind::Name(text) = &of.kind
            && let Some(Found::Plain(sort, column)) = facts::find(&name.text)
            && sort.is_single()
            && sort.name() == text
        {
            return Some(single(sort, column, span));
        }
        let at = self.place(of)?;
        self.fact(name, at, &of.span, span)
    }

    /// A fact of a row.
    fn fact(&mut self, name: &Name, at: Place, of: &Range<usize>, span: &Range<usize>) -> Option<Term> {
        let found = match facts::find(&name.text) {
            Some(Found::Plain(sort, column)) if !sort.is_single() => (sort, column),
            Some(Found::Plain(sort, _)) => {
                let message =
                    format!("`{}` is a fact of the {}, and of nothing else", name.text, sort.name());
                let help = format!("write {}", name.text);
                self.error(Diagnostic::error(&name.span, message, "needs no variable").help(help));
                return None;
            }
            Some(Found::Window(_)) => {
                let message = format!("`{}` is a fact over a window, and none is given", name.text);
                let help = format!("write {}(o.instrument, 1 min)", name.text);
                self.error(Diagnostic::error(&name.span, message, "over which window?").help(help));
                return None;
            }
            None => {
                self.unknown(name);
                return None;
            }
        };
        let (sort, column) = found;
        self.expect_sort(&name.text, sort, at, of)?;
        let info = &facts_of(sort)[column];
        if let (true, Place::Variable { domain, variable }) = (sort == Sort::Order && column == ORDERED, at) {
            return Some(row(Place::InstrumentOf { domain, variable }, span));
        }
        Some(fact(at, column, info, span))
    }

    /// Whether a row is of the sort that a fact is of.
    pub(super) fn expect_sort(&mut self, name: &str, sort: Sort, at: Place, of: &Range<usize>) -> Option<()> {
        if at.sort() == sort {
            return Some(());
        }
        let message =
            format!("`{name}` is a fact of an {}, and this is an {}", sort.name(), at.sort().name());
        let help = (sort == Sort::Instrument).then(|| "ask for its `.instrument` first".to_owned());
        let error = Diagnostic::error(of, message, format!("an {}", at.sort().name()));
        self.error(error.maybe_help(help));
        None
    }

    fn call(&mut self, name: &Name, arguments: &[Expr], span: &Range<usize>) -> Option<Term> {
        match name.text.as_str() {
            "abs" => {
                let [of] = self.arguments(name, arguments, "one number")?;
                let of = self.numeric(of)?;
                let (ty, bare) = (of.ty, of.bare);
                let kind = match of.constant() {
                    Some(value) => TermKind::Constant(exact::magnitude(value)),
                    None => TermKind::Magnitude(Box::new(of)),
                };
                return Some(Term { kind, ty, bare, span: span.clone() });
            }
            "min" | "max" => {
                let [a, b] = self.arguments(name, arguments, "two numbers")?;
                let smaller = name.text == "min";
                let (a, b) = (self.numeric(a), self.numeric(b));
                let (a, b) = self.same(a?, b?, "compare")?;
                let operation = if smaller { Arithmetic::Smaller } else { Arithmetic::Larger };
                let ty = shown(&a, &b);
                return self.two(operation, a, b, ty, span);
            }
            "known" => {
                self.error(Diagnostic::error(span, "`known` is true or false, and no value", "a formula"));
                return None;
            }
            _ => {}
        }
        match facts::find(&name.text) {
            Some(Found::Window(window)) => self.windowed(name, window, arguments, span),
            Some(Found::Plain(..)) => {
                let [of] = self.arguments(name, arguments, "what it is a fact of")?;
                let at = self.place(of)?;
                self.fact(name, at, &of.span, span)
            }
            None if self.learned.iter().any(|(learned, _)| learned.text == name.text) => {
                let message = format!("`{}` is learned: it is more or less true, and no value", name.text);
                self.error(Diagnostic::error(span, message, "a formula"));
                None
            }
            None => {
                self.unknown(name);
                None
            }
        }
    }

    pub(super) fn arguments<'e, const N: usize>(
        &mut self,
        name: &Name,
        arguments: &'e [Expr],
        wanted: &str,
    ) -> Option<&'e [Expr; N]> {
        let fits = arguments.try_into().ok();
        if fits.is_none() {
            let message = format!("`{}` takes {wanted}, and {} were given", name.text, arguments.len());
            self.error(Diagnostic::error(&name.span, message, "wrong number of arguments"));
        }
        fits
    }

    /// A fact over a window, with a place among those that the set asks for.
    fn windowed(
        &mut self,
        name: &Name,
        fact_of: WindowFact,
        arguments: &[Expr],
        span: &Range<usize>,
    ) -> Option<Term> {
        let [of, window] = self.arguments(name, arguments, "an instrument and a window")?;
        let (at, window) = (self.place(of), self.window(window));
        let (at, window_ns) = (at?, window?);
        self.expect_sort(&name.text, Sort::Instrument, at, &of.span)?;
        let column = facts_of(Sort::Instrument).len() + self.slot(Window { fact: fact_of, window_ns });
        Some(fact(at, column, &fact_of.info(), span))
    }

    /// The length of a window, in nanoseconds.
    pub(super) fn window(&mut self, expr: &Expr) -> Option<i64> {
        let term = self.closed(expr, "a window")?;
        let help = "a window is from 1 s to 10 min long";
        if term.dimension() != Some(Dimension::SECONDS) {
            let message = format!("a window is a span of time, and this is {}", term.ty);
            self.error(Diagnostic::error(&term.span, message, format!("this is {}", term.ty)).help(help));
            return None;
        }
        let window = term.constant().filter(|ns| WINDOWS_NS.contains(ns));
        if window.is_none() {
            let error = Diagnostic::error(&term.span, "the window is too short or too long", "not a window");
            self.error(error.help(help));
        }
        window.and_then(|ns| i64::try_from(ns).ok())
    }

    fn slot(&mut self, window: Window) -> usize {
        self.windows.iter().position(|w| *w == window).unwrap_or_else(|| {
            self.windows.push(window);
            self.windows.len() - 1
        })
    }
}

pub(super) fn constant(value: i128, ty: Type, span: &Range<usize>) -> Term {
    Term { kind: TermKind::Constant(value), ty, bare: false, span: span.clone() }
}

fn row(place: Place, span: &Range<usize>) -> Term {
    Term { kind: TermKind::Row(place), ty: Type::Instrument, bare: false, span: span.clone() }
}

fn fact(at: Place, column: usize, info: &FactInfo, span: &Range<usize>) -> Term {
    let kind = TermKind::Fact { at, column: column as u16, name: info.name, range: info.range() };
    Term { kind, ty: info.kind, bare: false, span: span.clone() }
}

fn single(sort: Sort, column: usize, span: &Range<usize>) -> Term {
    let info = &facts_of(sort)[column];
    let kind = TermKind::Single { sort, column: column as u16, name: info.name, range: info.range() };
    Term { kind, ty: info.kind, bare: false, span: span.clone() }
}
