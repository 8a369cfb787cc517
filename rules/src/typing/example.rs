//! Example tables: what each row sets, checked as rules are.

use super::{Checker, Term};
use crate::diagnostic::Diagnostic;
use crate::exact::ABSENT;
use crate::facts::{self, Found, facts_of};
use crate::machine::{NAME, ORDERED};
use crate::number::{Date, FactValue};
use crate::rule_set::Window;
use crate::syntax::{Assignment, Examples, Expr, ExprKind, Name, Row};
use crate::table::{Example, Setting};
use crate::typing::names::nearest;
use crate::unit::{Dimension, Unit};
use crate::vocabulary::{Kind, Sort, Type};

impl Checker<'_> {
    pub(super) fn examples(&mut self, examples: &Examples) {
        self.variables.clear();
        let rule = &examples.rule;
        if !self.rules.iter().any(|(name, ..)| name.text == rule.text) {
            // a rule that is wrong itself has been told
            let near = nearest(&rule.text, self.rules.iter().map(|(name, ..)| name.text.as_str()));
            let error =
                Diagnostic::error(&rule.span, format!("there is no rule `{}`", rule.text), "unknown rule")
                    .help("an example table names the rule that it is of")
                    .maybe_help(near.map(|near| format!("did you mean `{near}`?")));
            if !self.diagnostics.iter().any(Diagnostic::is_error) {
                self.error(error);
            }
        }
        for row in &examples.rows {
            self.row(&rule.text, row);
        }
    }

    fn row(&mut self, rule: &str, row: &Row) {
        let mut settings = Vec::new();
        for (at, assignment) in row.assignments.iter().enumerate() {
            let same = |other: &&Assignment| {
                other.fact.text == assignment.fact.text && other.window == assignment.window
            };
            if let Some(first) = row.assignments[..at].iter().find(same) {
                let message = format!("`{}` is set twice", assignment.fact.text);
                let error = Diagnostic::error(&assignment.fact.span, message, "the second");
                self.error(error.other(&first.fact.span, "the first"));
            }
            self.assignment(assignment, &mut settings);
        }
        self.examples.push(Example {
            rule: rule.to_owned(),
            passes: row.passes,
            note: row.note.clone(),
            settings,
            span: row.span.clone(),
        });
    }

    fn assignment(&mut self, assignment: &Assignment, settings: &mut Vec<Setting>) -> Option<()> {
        let Assignment { fact, window, value } = assignment;
        if let Some(learned) = self.learned.iter().position(|(name, _)| name.text == fact.text) {
            let truth = self.closed(value, "what an example sets")?;
            let truth = self.typed(truth, Type::number(Dimension::RATIO))?;
            let truth = Unit::of(Dimension::RATIO).to_f64(truth);
            settings.push(Setting::Learned { learned: learned as u16, truth });
            return Some(());
        }
        let (sort, column, kind) = match facts::find(&fact.text) {
            // the one instrument of an example is known by its name
            Some(Found::Plain(Sort::Order, ORDERED)) => (Sort::Instrument, NAME, Type::Symbol(Kind::Name)),
            Some(Found::Plain(sort, column)) => (sort, column, facts_of(sort)[column].kind),
            Some(Found::Window(windowed)) => {
                let Some(window) = window else {
                    let message = format!("`{}` is a fact over a window, and none is given", fact.text);
                    let help = format!("write {}(1 s) = …", fact.text);
                    self.error(Diagnostic::error(&fact.span, message, "over which window?").help(help));
                    return None;
                };
                let window_ns = self.window(window)?;
                let slot = self.asked(Window { fact: windowed, window_ns }, &window.span)?;
                (Sort::Instrument, facts_of(Sort::Instrument).len() + slot, windowed.info().kind)
            }
            None => {
                self.unknown(fact);
                return None;
            }
        };
        let value = self.cell(value, kind)?;
        settings.push(Setting::Cell { sort, column: column as u16, value });
        if sort == Sort::Calendar && kind == Type::Date && value != ABSENT {
            let day = Date(i64::try_from(value / Dimension::DAYS.scale()).unwrap_or(i64::MAX));
            settings.push(Setting::Cell { sort, column: column as u16 + 1, value: day.weekday().cell() });
        }
        Some(())
    }

    /// The place of a window that some rule asks for.
    fn asked(&mut self, window: Window, span: &std::ops::Range<usize>) -> Option<usize> {
        let slot = self.windows.iter().position(|w| *w == window);
        // the rule that asks for it may be wrong itself, and has been told
        if slot.is_none() && !self.diagnostics.iter().any(Diagnostic::is_error) {
            let message = "no rule asks for this window, so the example sets nothing";
            self.error(Diagnostic::error(span, message, "not asked for"));
        }
        slot
    }

    /// The cell that an expression gives a fact of a type.
    fn cell(&mut self, value: &Expr, kind: Type) -> Option<i128> {
        match (&value.kind, kind) {
            (ExprKind::Absent, _) => Some(ABSENT),
            (ExprKind::Name(text) | ExprKind::Text(text), Type::Symbol(symbols)) => {
                self.symbol(symbols, &Name { text: text.clone(), span: value.span.clone() })
            }
            _ => {
                let term = self.closed(value, "what an example sets")?;
                self.typed(term, kind)
            }
        }
    }

    /// The value of a term of that type.
    fn typed(&mut self, term: Term, kind: Type) -> Option<i128> {
        let fits = match (term.ty, kind) {
            (Type::Number(a), Type::Number(b)) => a.dimension == b.dimension,
            (a, b) => a == b,
        };
        if fits {
            return term.constant();
        }
        if kind == Type::number(Dimension::COUNT)
            && let Some(counted) = Self::as_count(&term)
        {
            return counted.constant();
        }
        let message = format!("the fact is {kind}, and this is {}", term.ty);
        self.error(Diagnostic::error(&term.span, message, format!("this is {}", term.ty)));
        None
    }
}
