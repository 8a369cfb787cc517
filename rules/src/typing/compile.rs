//! From formulas to the flat program: operands first, then what is done with them.

use std::ops::Range;

use super::arithmetic::{lack, surplus};
use super::typed::Arithmetic;
use super::{Checker, Formula, FormulaKind, Place, Term, TermKind};
use crate::machine::ORDERED;
use crate::program::{Comparison, Connective, Op};
use crate::vocabulary::Domain;

impl Checker<'_> {
    fn emit(&mut self, op: Op, span: &Range<usize>) {
        self.ops.push(op);
        self.sites.push(span.clone());
    }

    /// Adds the operations of a formula. `demands` tells whether it says what must hold, not when.
    pub(super) fn lower(&mut self, formula: &Formula, demands: bool) {
        let span = &formula.span;
        match &formula.kind {
            FormulaKind::Flag(term) => {
                self.lower_term(term);
                self.emit(Op::Flag, span);
            }
            FormulaKind::Known(term) => {
                self.lower_term(term);
                self.emit(Op::Known, span);
            }
            FormulaKind::Compare { relation, value, bound, unit, graded } => {
                self.lower_term(value);
                self.lower_term(bound);
                let demands = demands && *graded;
                let comparison = Comparison { relation: *relation, unit: *unit, graded: *graded, demands };
                self.emit(Op::Compare(comparison), span);
            }
            FormulaKind::Member { value, members } => {
                self.lower_term(value);
                let start = self.members.len() as u32;
                self.members.extend(members);
                self.emit(Op::Member { start, end: self.members.len() as u32 }, span);
            }
            FormulaKind::Learned { learned, at } => self.lower_learned(*learned, *at, span),
            FormulaKind::Not(of) => self.lower_not(of, demands, span),
            FormulaKind::Connect { with, a, b } => {
                self.lower(a, if *with == Connective::Implies { false } else { demands });
                self.lower(b, demands);
                self.emit(Op::Connect(*with), span);
            }
            FormulaKind::Quantified { all, domain, variable, guard, body } => {
                self.lower_walk((*all, *domain, *variable), guard.as_deref(), body, demands, span);
            }
        }
    }

    /// What is not less is at least: so the comparison keeps its numbers.
    fn lower_not(&mut self, of: &Formula, demands: bool, span: &Range<usize>) {
        if let FormulaKind::Compare { relation, value, bound, unit, graded: true } = &of.kind {
            let kind = FormulaKind::Compare {
                relation: relation.negated(),
                value: value.clone(),
                bound: bound.clone(),
                unit: *unit,
                graded: true,
            };
            return self.lower(&Formula { kind, span: span.clone() }, demands);
        }
        self.lower(of, false);
        self.emit(Op::Not, span);
    }

    fn lower_learned(&mut self, learned: u16, at: Place, span: &Range<usize>) {
        match at {
            Place::Variable { domain, variable } => {
                self.emit(Op::Learned { learned, domain, variable }, span);
            }
            Place::InstrumentOf { .. } => {
                self.lower_row(at, span);
                self.emit(Op::LearnedOfInstrument { learned }, span);
            }
        }
    }

    fn lower_walk(
        &mut self,
        (all, domain, variable): (bool, Domain, u8),
        guard: Option<&Formula>,
        body: &Formula,
        demands: bool,
        span: &Range<usize>,
    ) {
        let begin = self.ops.len();
        self.emit(Op::Begin { domain, variable, end: 0 }, span);
        let guarded = guard.map(|guard| {
            self.lower(guard, false);
            let at = self.ops.len();
            self.emit(Op::Guard { end: 0 }, &guard.span);
            at
        });
        self.lower(body, demands);
        let end = self.ops.len() as u32;
        self.emit(Op::End { all, begin: begin as u32, guarded: guarded.is_some() }, span);
        self.ops[begin] = Op::Begin { domain, variable, end };
        if let Some(at) = guarded {
            self.ops[at] = Op::Guard { end };
        }
    }

    /// Pushes the row of an instrument.
    fn lower_row(&mut self, at: Place, span: &Range<usize>) {
        match at {
            Place::Variable { variable, .. } => self.emit(Op::Row { variable }, span),
            Place::InstrumentOf { domain, variable } => {
                self.emit(Op::Cell { domain, variable, column: ORDERED as u16 }, span);
            }
        }
    }

    fn lower_term(&mut self, term: &Term) {
        let span = &term.span;
        match &term.kind {
            TermKind::Constant(value) => self.emit(Op::Constant(*value), span),
            TermKind::Fact { at, column, .. } => match *at {
                Place::Variable { domain, variable } => {
                    self.emit(Op::Cell { domain, variable, column: *column }, span);
                }
                Place::InstrumentOf { .. } => {
                    self.lower_row(*at, span);
                    self.emit(Op::Instrument { column: *column }, span);
                }
            },
            TermKind::Single { sort, column, .. } => {
                self.emit(Op::Single { sort: *sort, column: *column }, span);
            }
            TermKind::Row(at) => self.lower_row(*at, span),
            TermKind::Negate(of) => {
                self.lower_term(of);
                self.emit(Op::Negate, span);
            }
            TermKind::Magnitude(of) => {
                self.lower_term(of);
                self.emit(Op::Magnitude, span);
            }
            TermKind::Two { operation, a, b } => {
                self.lower_term(a);
                self.lower_term(b);
                let op = match operation {
                    Arithmetic::Add => Op::Add,
                    Arithmetic::Subtract => Op::Subtract,
                    Arithmetic::Smaller => Op::Smaller,
                    Arithmetic::Larger => Op::Larger,
                    Arithmetic::Multiply => Op::Multiply { divisor: surplus(a, b, term.ty) },
                    Arithmetic::Divide => Op::Divide { factor: lack(a, b, term.ty) },
                };
                self.emit(op, span);
            }
        }
    }
}
