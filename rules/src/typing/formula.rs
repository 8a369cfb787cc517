//! Formulas: comparisons, connectives and quantifiers.

use std::ops::Range;

use super::arithmetic::shown;
use super::names::nearest;
use super::term::constant;
use super::{Checker, ConstantValue, Formula, FormulaKind, Place, Term, TermKind, Variable};
use crate::diagnostic::Diagnostic;
use crate::facts::{self, Found, facts_of};
use crate::machine::NAME;
use crate::program::{Connective, QUANTIFIERS, Relation};
use crate::syntax::{Expr, ExprKind, Name, Operator, Quantifier};
use crate::vocabulary::{Domain, Kind, Sort, Type};

impl Checker<'_> {
    /// Checks a formula; what is wrong is told.
    pub(super) fn formula(&mut self, expr: &Expr) -> Option<Formula> {
        let span = expr.span.clone();
        let kind = match &expr.kind {
            ExprKind::Not(of) => FormulaKind::Not(Box::new(self.formula(of)?)),
            ExprKind::Quantified(quantifier) => self.quantified(quantifier)?,
            ExprKind::Member { value, set, negated } => self.member(value, set, *negated, &span)?,
            ExprKind::Binary { operator, left, right } => match operator {
                Operator::And => self.connect(Connective::And, left, right)?,
                Operator::Or => self.connect(Connective::Or, left, right)?,
                Operator::Implies => self.connect(Connective::Implies, left, right)?,
                Operator::Compare(relation) => self.compare(*relation, left, right)?,
                _ => return self.flag(expr),
            },
            ExprKind::Call { name, arguments } if name.text == "known" => {
                let [of] = self.arguments(name, arguments, "one fact")?;
                FormulaKind::Known(self.term(of)?)
            }
            ExprKind::Call { name, arguments } => match self.learned_place(&name.text) {
                Some(at) => self.learned(at, name, arguments)?,
                None => return self.flag(expr),
            },
            _ => return self.flag(expr),
        };
        Some(Formula { kind, span })
    }

    fn learned_place(&self, name: &str) -> Option<usize> {
        self.learned.iter().position(|(learned, _)| learned.text == name)
    }

    /// A fact that is true or false.
    fn flag(&mut self, expr: &Expr) -> Option<Formula> {
        let term = self.term(expr)?;
        if term.ty == Type::Flag {
            return Some(Formula { kind: FormulaKind::Flag(term), span: expr.span.clone() });
        }
        let message = format!("expected something true or false, found {}", term.ty);
        let error = Diagnostic::error(&term.span, message, format!("this is {}", term.ty));
        self.error(error.help("compare it with something"));
        None
    }

    fn connect(&mut self, with: Connective, left: &Expr, right: &Expr) -> Option<FormulaKind> {
        let (a, b) = (self.formula(left), self.formula(right));
        Some(FormulaKind::Connect { with, a: Box::new(a?), b: Box::new(b?) })
    }

    fn quantified(&mut self, quantifier: &Quantifier) -> Option<FormulaKind> {
        let Quantifier { all, variable, domain, guard, body } = quantifier;
        let domain = self.domain(domain)?;
        let name = variable.text.clone();
        if self.variables.iter().any(|v| v.name == name) || !self.is_free(variable) {
            if self.variables.iter().any(|v| v.name == name) {
                let message = format!("`{name}` stands for something already");
                let error = Diagnostic::error(&variable.span, message, "taken");
                self.error(error.help("choose another variable"));
            }
            return None;
        }
        if self.variables.len() == QUANTIFIERS {
            let message = format!("more than {QUANTIFIERS} quantifiers stand in each other");
            self.error(Diagnostic::error(&variable.span, message, "one too many"));
            return None;
        }
        self.variables.push(Variable { name, domain });
        let before = self.no_learned;
        if guard.is_some() {
            self.no_learned = Some("a guard decides what is looked at, so it is crisp");
        }
        let checked_guard = guard.as_ref().map(|guard| self.formula(guard));
        self.no_learned = before;
        let body = self.formula(body);
        self.variables.pop();
        let guard = match checked_guard {
            Some(guard) => Some(Box::new(guard?)),
            None => None,
        };
        let variable = self.variables.len() as u8;
        Some(FormulaKind::Quantified { all: *all, domain, variable, guard, body: Box::new(body?) })
    }

    fn learned(&mut self, at: usize, name: &Name, arguments: &[Expr]) -> Option<FormulaKind> {
        if let Some(why) = self.no_learned {
            let message = format!("the learned predicate `{}` cannot stand here", name.text);
            self.error(Diagnostic::error(&name.span, message, "learned").help(why));
            return None;
        }
        let [of] = self.arguments(name, arguments, "what it is said of")?;
        let place = self.place(of)?;
        let sort = self.learned[at].1.sort;
        self.expect_sort(&name.text, sort, place, &of.span)?;
        if let Place::Variable { domain: Domain::Working, .. } = place {
            let message =
                format!("`{}` is learned of candidate orders, and this one works already", name.text);
            self.error(Diagnostic::error(&of.span, message, "an outstanding order"));
            return None;
        }
        Some(FormulaKind::Learned { learned: at as u16, at: place })
    }

    /// A comparison of two terms, or of a term and a symbol.
    fn compare(&mut self, relation: Relation, left: &Expr, right: &Expr) -> Option<FormulaKind> {
        let (value, bound, relation) = match (self.as_symbol(left), self.as_symbol(right)) {
            (_, Some(name)) => {
                let value = self.term(left)?;
                let bound = self.symbol_like(&value, &name)?;
                (value, bound, relation)
            }
            (Some(name), None) => {
                let value = self.term(right)?;
                let bound = self.symbol_like(&value, &name)?;
                (value, bound, relation.flipped())
            }
            (None, None) => {
                let (value, bound) = (self.term(left), self.term(right));
                (value?, bound?, relation)
            }
        };
        self.compared(relation, value, bound)
    }

    fn compared(&mut self, relation: Relation, value: Term, bound: Term) -> Option<FormulaKind> {
        let (mut value, mut bound, mut relation) = (value, bound, relation);
        // the bound is what does not change
        if value.constant().is_some() && bound.constant().is_none() {
            (value, bound, relation) = (bound, value, relation.flipped());
        }
        let graded = match (value.ty, bound.ty) {
            (Type::Number(_), Type::Number(_)) => {
                (value, bound) = self.same(value, bound, "compare")?;
                relation.is_order()
            }
            (Type::Date, Type::Date) => false,
            (a, b) if a == b => {
                if relation.is_order() {
                    let message = format!("{} is not less or greater than another", a);
                    let error = Diagnostic::error(&value.span, message, format!("this is {a}"));
                    self.error(error.help("compare with = or !="));
                    return None;
                }
                false
            }
            // an instrument is known by its name
            (Type::Instrument, Type::Symbol(Kind::Name)) => {
                value = name_of(value);
                return self.compared(relation, value, bound);
            }
            (Type::Symbol(Kind::Name), Type::Instrument) => {
                bound = name_of(bound);
                return self.compared(relation, value, bound);
            }
            (a, b) => {
                let message = format!("cannot compare {a} with {b}");
                let error = Diagnostic::error(&bound.span, message, format!("this is {b}"));
                self.error(error.other(&value.span, format!("this is {a}")));
                return None;
            }
        };
        let unit = if graded { shown(&value, &bound).unit() } else { value.ty.unit() };
        Some(FormulaKind::Compare { relation, value, bound, unit, graded })
    }

    /// The symbol that an expression can only be, or may be where it meets its kind.
    fn as_symbol(&self, expr: &Expr) -> Option<Name> {
        let text = match &expr.kind {
            ExprKind::Text(text) => text,
            ExprKind::Name(text) => {
                let single = matches!(facts::find(text), Some(Found::Plain(sort, _)) if sort.is_single());
                let known = self.variables.iter().any(|v| v.name == *text)
                    || self.constants.iter().any(|c| c.name.text == *text);
                if single || known {
                    return None;
                }
                text
            }
            _ => return None,
        };
        Some(Name { text: text.clone(), span: expr.span.clone() })
    }

    /// A symbol of the kind of a term.
    fn symbol_like(&mut self, like: &Term, name: &Name) -> Option<Term> {
        let kind = match like.ty {
            Type::Symbol(kind) => kind,
            Type::Instrument => Kind::Name,
            _ => {
                // it was meant to be something else
                let expr =
                    Expr { kind: ExprKind::Name(name.text.clone()), span: name.span.clone(), levels: 1 };
                return self.term(&expr);
            }
        };
        let cell = self.symbol(kind, name)?;
        Some(constant(cell, Type::Symbol(kind), &name.span))
    }

    fn member(
        &mut self,
        value: &Expr,
        set: &Expr,
        negated: bool,
        span: &Range<usize>,
    ) -> Option<FormulaKind> {
        let value = self.term(value);
        let members = self.members(set);
        let (value, members) = (value?, members?);
        let (value, kind) = match value.ty {
            Type::Symbol(kind) => (value, kind),
            Type::Instrument => (name_of(value), Kind::Name),
            other => {
                let message = format!("a set holds symbols, and {other} is none");
                self.error(Diagnostic::error(&value.span, message, format!("this is {other}")));
                return None;
            }
        };
        let cells: Vec<Option<i128>> = members.iter().map(|name| self.symbol(kind, name)).collect();
        let members = cells.into_iter().collect::<Option<Vec<i128>>>()?;
        let member = FormulaKind::Member { value, members };
        if !negated {
            return Some(member);
        }
        Some(FormulaKind::Not(Box::new(Formula { kind: member, span: span.clone() })))
    }

    /// The members of a set, or of a constant that is one.
    fn members(&mut self, set: &Expr) -> Option<Vec<Name>> {
        let name = match &set.kind {
            ExprKind::Set(members) => return self.set(members, &set.span),
            ExprKind::Name(name) => name,
            _ => {
                let error = Diagnostic::error(&set.span, "expected a set", "no set");
                self.error(error.help("write {A, B}, or the name of a constant that is one"));
                return None;
            }
        };
        match self.constants.iter().find(|c| c.name.text == *name).map(|c| c.value.clone()) {
            Some(ConstantValue::Set(members)) => Some(members),
            Some(ConstantValue::Wrong) => None,
            Some(ConstantValue::Term(_)) => {
                let message = format!("`{name}` is a number, and no set");
                self.error(Diagnostic::error(&set.span, message, "no set"));
                None
            }
            None => {
                let near = nearest(name, self.constants.iter().map(|c| c.name.text.as_str()));
                let error = Diagnostic::error(&set.span, format!("there is no set `{name}`"), "unknown name")
                    .help("declare it before: const NAME = {A, B}")
                    .maybe_help(near.map(|near| format!("did you mean `{near}`?")));
                self.error(error);
                None
            }
        }
    }
}

/// The name of an instrument.
fn name_of(term: Term) -> Term {
    let TermKind::Row(at) = term.kind else {
        return term;
    };
    let info = &facts_of(Sort::Instrument)[NAME];
    let kind = TermKind::Fact { at, column: NAME as u16, name: info.name, range: (None, None) };
    Term { kind, ty: Type::Symbol(Kind::Name), ..term }
}
