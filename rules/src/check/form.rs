//! The simple form of a rule: bounds that must all be kept, by orders that a condition picks. Two rules
//! of such a form can be compared: whether any order keeps both, and whether one makes the other idle.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::interval;
use crate::program::{Connective, Relation};
use crate::rule_set::{Force, Rule};
use crate::typing::typed::{Arithmetic, Formula, FormulaKind, Place, Term, TermKind};
use crate::unit::Dimension;
use crate::vocabulary::Domain;

/// A bound of a term: at most, or at least, so many times another term, or so much.
#[derive(Clone, Debug, PartialEq)]
struct Bound {
    of: String,
    upper: bool,
    strict: bool,
    /// What the bound is a multiple of; nothing where it is a number.
    reference: Option<String>,
    /// The multiple in fixed point, or the number.
    value: i128,
    /// Whether the reference is positive, so that multiples of it are ordered as their factors are.
    ordered: bool,
    span: Range<usize>,
}

impl Bound {
    /// Whether whatever keeps it keeps the other too.
    fn implies(&self, other: &Self) -> bool {
        let about = (&self.of, self.upper, &self.reference) == (&other.of, other.upper, &other.reference);
        let tighter = if self.upper { self.value < other.value } else { self.value > other.value };
        let equal = self.value == other.value && (self.strict || !other.strict);
        about && (equal || (tighter && self.ordered))
    }

    /// Whether nothing keeps both.
    fn excludes(&self, other: &Self) -> bool {
        let about = (&self.of, &self.reference) == (&other.of, &other.reference) && self.upper != other.upper;
        let (upper, lower) = if self.upper { (self, other) } else { (other, self) };
        let empty = lower.value > upper.value && self.ordered;
        let touching = lower.value == upper.value && (lower.strict || upper.strict);
        about && (empty || touching)
    }
}

/// A rule in its simple form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// Which orders it is about; empty for all.
    condition: String,
    bounds: Vec<Bound>,
    /// Whether the bounds are all it says.
    whole: bool,
}

impl Form {
    /// The simple form of a formula; one without bounds where it has none.
    pub(crate) fn of(formula: &Formula) -> Self {
        let mut form = Self { whole: true, ..Self::default() };
        match &formula.kind {
            FormulaKind::Quantified { all: true, domain: Domain::Orders, guard, body, .. } => {
                form.condition = guard.as_deref().map_or_else(String::new, key);
                form.read(body);
            }
            _ => form.read(formula),
        }
        form
    }

    fn read(&mut self, formula: &Formula) {
        match &formula.kind {
            FormulaKind::Connect { with: Connective::And, a, b } => {
                self.read(a);
                self.read(b);
            }
            FormulaKind::Connect { with: Connective::Implies, a, b }
                if self.condition.is_empty() && self.bounds.is_empty() =>
            {
                self.condition = key(a);
                self.read(b);
            }
            FormulaKind::Compare { relation, value, bound, .. } => {
                self.compare(*relation, value, bound, &formula.span);
            }
            _ => self.whole = false,
        }
    }

    fn compare(&mut self, relation: Relation, of: &Term, bound: &Term, span: &Range<usize>) {
        let (upper, lower, strict) = match relation {
            Relation::Less => (true, false, true),
            Relation::AtMost => (true, false, false),
            Relation::Greater => (false, true, true),
            Relation::AtLeast => (false, true, false),
            Relation::Equal => (true, true, false),
            Relation::Differs => {
                self.whole = false;
                return;
            }
        };
        let (reference, value, ordered) = multiple(bound);
        for upper in [upper.then_some(true), lower.then_some(false)].into_iter().flatten() {
            self.bounds.push(Bound {
                of: term_key(of),
                upper,
                strict,
                reference: reference.clone(),
                value,
                ordered,
                span: span.clone(),
            });
        }
    }

    /// Two bounds of the rule that nothing keeps both of, where it is about all orders.
    pub(crate) fn contradiction(&self) -> Option<(Range<usize>, Range<usize>)> {
        if !self.condition.is_empty() {
            return None;
        }
        let at = |at: usize| &self.bounds[at];
        (0..self.bounds.len())
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .find(|(a, b)| at(*a).excludes(at(*b)))
            .map(|(a, b)| (at(a).span.clone(), at(b).span.clone()))
    }

    fn meets(&self, other: &Self) -> bool {
        self.condition == other.condition || self.condition.is_empty() || other.condition.is_empty()
    }

    fn excludes<'f>(&'f self, other: &'f Self) -> Option<(&'f Bound, &'f Bound)> {
        self.bounds.iter().find_map(|a| other.bounds.iter().find(|b| a.excludes(b)).map(|b| (a, b)))
    }

    /// Whether keeping this keeps all of the other.
    fn implies(&self, other: &Self) -> bool {
        let wider = self.condition.is_empty() || self.condition == other.condition;
        let all = || other.bounds.iter().all(|b| self.bounds.iter().any(|a| a.implies(b)));
        wider && other.whole && !other.bounds.is_empty() && all()
    }
}

/// A bound as a multiple of a term, or as a number.
fn multiple(bound: &Term) -> (Option<String>, i128, bool) {
    let one = Dimension::RATIO.scale();
    let positive = |term: &Term| interval::of(term).least.is_some_and(|least| least > 0);
    match &bound.kind {
        TermKind::Constant(value) => (None, *value, true),
        TermKind::Two { operation: Arithmetic::Multiply, a, b } => {
            let ratio = |term: &Term| term.constant().filter(|_| term.dimension() == Some(Dimension::RATIO));
            match (ratio(a), ratio(b)) {
                (Some(factor), _) => (Some(term_key(b)), factor, positive(b)),
                (_, Some(factor)) => (Some(term_key(a)), factor, positive(a)),
                _ => (Some(term_key(bound)), one, positive(bound)),
            }
        }
        _ => (Some(term_key(bound)), one, positive(bound)),
    }
}

fn place_key(at: Place) -> String {
    match at {
        Place::Variable { variable, .. } => format!("v{variable}"),
        Place::InstrumentOf { variable, .. } => format!("v{variable}.instrument"),
    }
}

/// A text that is the same for two terms exactly if they are.
fn term_key(term: &Term) -> String {
    match &term.kind {
        TermKind::Constant(value) => format!("{value} {}", term.ty),
        TermKind::Fact { at, column, name, .. } => format!("{}.{name}#{column}", place_key(*at)),
        TermKind::Single { name, .. } => (*name).to_owned(),
        TermKind::Row(at) => place_key(*at),
        TermKind::Negate(a) => format!("-({})", term_key(a)),
        TermKind::Magnitude(a) => format!("abs({})", term_key(a)),
        TermKind::Two { operation, a, b } => format!("{operation:?}({}, {})", term_key(a), term_key(b)),
    }
}

/// The same for formulas.
fn key(formula: &Formula) -> String {
    match &formula.kind {
        FormulaKind::Flag(term) => term_key(term),
        FormulaKind::Known(term) => format!("known({})", term_key(term)),
        FormulaKind::Compare { relation, value, bound, .. } => {
            format!("({} {} {})", term_key(value), relation.symbol(), term_key(bound))
        }
        FormulaKind::Member { value, members } => format!("({} in {members:?})", term_key(value)),
        FormulaKind::Learned { learned, at } => format!("learned{learned}({})", place_key(*at)),
        FormulaKind::Not(of) => format!("not {}", key(of)),
        FormulaKind::Connect { with, a, b } => format!("{with:?}({}, {})", key(a), key(b)),
        FormulaKind::Quantified { all, domain, variable, guard, body } => {
            let guard = guard.as_deref().map(key).unwrap_or_default();
            format!("{all} v{variable} in {domain:?} where {guard}: {}", key(body))
        }
    }
}

/// What is odd about hard rules beside each other.
pub(crate) fn compare(rules: &[(&crate::syntax::Name, &Rule, &Form)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let hard: Vec<_> = rules.iter().filter(|(_, rule, _)| rule.force == Force::Hard).collect();
    for (at, (name, rule, form)) in hard.iter().enumerate() {
        for (first, earlier, other) in &hard[..at] {
            if !overlap(rule, earlier) || !form.meets(other) {
                continue;
            }
            if let Some((b, _)) = form.excludes(other) {
                let message = format!("no order keeps both `{}` and `{}`", first.text, name.text);
                let warning = Diagnostic::warning(&b.span, message, format!("`{}` asks for this", name.text));
                found.push(
                    warning
                        .other(&first.span, "which contradicts this rule")
                        .help("every order that both are about is refused"),
                );
            } else if other.implies(form) && covers(earlier, rule) {
                found.push(shadowed(name, first));
            } else if form.implies(other) && covers(rule, earlier) {
                found.push(shadowed(first, name));
            }
        }
    }
    found
}

fn shadowed(idle: &crate::syntax::Name, by: &crate::syntax::Name) -> Diagnostic {
    let message = format!("rule `{}` never decides: `{}` is at least as strict", idle.text, by.text);
    Diagnostic::warning(&idle.span, message, "never decides")
        .other(&by.span, "what keeps this keeps that")
        .help("leave it out, or make it stricter")
}

/// Whether some order on some day is under both rules.
fn overlap(a: &Rule, b: &Rule) -> bool {
    let instruments = a.instruments.is_empty()
        || b.instruments.is_empty()
        || a.instruments.iter().any(|name| b.instruments.contains(name));
    let accounts = a.account.is_none() || b.account.is_none() || a.account == b.account;
    let before =
        |until: Option<_>, from: Option<_>| until.zip(from).is_some_and(|(until, from)| until < from);
    instruments && accounts && !before(a.until, b.from) && !before(b.until, a.from)
}

/// Whether the first rule is in force wherever the second is.
fn covers(a: &Rule, b: &Rule) -> bool {
    let instruments = a.instruments.is_empty()
        || (!b.instruments.is_empty() && b.instruments.iter().all(|name| a.instruments.contains(name)));
    let accounts = a.account.is_none() || a.account == b.account;
    let from = a.from.is_none_or(|from| b.from.is_some_and(|other| from <= other));
    let until = a.until.is_none_or(|until| b.until.is_some_and(|other| until >= other));
    instruments && accounts && from && until
}
