//! From the tree to a rule set: names are found, types and units checked, and what can never be true.
//!
//! An error in one place does not hide those in others: what cannot be checked is left out and told.

pub(crate) mod arithmetic;
mod compile;
mod example;
mod formula;
mod literal;
mod names;
mod rule;
mod term;
pub(crate) mod typed;

pub(crate) use typed::{Formula, FormulaKind, Place, Term, TermKind};

use std::ops::Range;

use crate::check::form::{self, Form};
use crate::diagnostic::{Diagnostic, Report, RulesError};
use crate::program::Op;
use crate::rule_set::{Learned, Rule, RuleSet, Window};
use crate::syntax::{File, Item, Name};
use crate::table::Example;
use crate::vocabulary::{Domain, Sort};

impl RuleSet {
    /// Reads, checks and compiles the text of a file; `file` is its name, for messages.
    ///
    /// # Errors
    /// [`RulesError::Invalid`] with everything that is wrong, each with its place.
    pub fn compile(file: &str, text: &str) -> Result<Self, RulesError> {
        let mut diagnostics = Vec::new();
        let tree = crate::syntax::parse(text, &mut diagnostics);
        let set = check(file, text, &tree, &mut diagnostics);
        diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
        match set {
            Some(set) if !diagnostics.iter().any(Diagnostic::is_error) => {
                Ok(Self { warnings: diagnostics, ..set })
            }
            _ => Err(RulesError::Invalid(Report::new(file, text, diagnostics))),
        }
    }
}

/// A name that the file gives to something.
#[derive(Clone, Debug)]
struct Constant {
    name: Name,
    value: ConstantValue,
}

/// What a constant stands for.
#[derive(Clone, Debug)]
enum ConstantValue {
    Term(Term),
    /// Symbols, of which kind is known where they are used.
    Set(Vec<Name>),
    /// Nothing, as it was wrong; uses of it are not told again.
    Wrong,
}

/// A variable in scope.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    domain: Domain,
}

/// What is known while a file is checked.
struct Checker<'d> {
    diagnostics: &'d mut Vec<Diagnostic>,
    constants: Vec<Constant>,
    learned: Vec<(Name, Learned)>,
    names: Vec<String>,
    windows: Vec<Window>,
    currency: Option<Name>,
    variables: Vec<Variable>,
    /// Why a learned predicate may not stand here, if it may not.
    no_learned: Option<&'static str>,
    aggregation: Option<(f64, Range<usize>)>,
    rules: Vec<(Name, Rule, Form)>,
    examples: Vec<Example>,
    ops: Vec<Op>,
    sites: Vec<Range<usize>>,
    members: Vec<i128>,
}

/// The rule set that a tree means; `None` where an error makes it useless.
pub(crate) fn check(
    file: &str,
    text: &str,
    tree: &File,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<RuleSet> {
    let mut checker = Checker {
        diagnostics,
        constants: Vec::new(),
        learned: Vec::new(),
        names: Vec::new(),
        windows: Vec::new(),
        currency: None,
        variables: Vec::new(),
        no_learned: None,
        aggregation: None,
        rules: Vec::new(),
        examples: Vec::new(),
        ops: Vec::new(),
        sites: Vec::new(),
        members: Vec::new(),
    };
    for item in &tree.items {
        checker.declare(item);
    }
    for item in &tree.items {
        if let Item::Rule(rule) = item {
            checker.rule(rule);
        }
    }
    for item in &tree.items {
        if let Item::Examples(examples) = item {
            checker.examples(examples);
        }
    }
    if !checker.diagnostics.iter().any(Diagnostic::is_error) {
        let forms: Vec<(&Name, &Rule, &Form)> =
            checker.rules.iter().map(|(name, rule, form)| (name, rule, form)).collect();
        let odd = form::compare(&forms);
        checker.diagnostics.extend(odd);
    }
    checker.finish(file, text)
}

/// The exponent of the aggregators where the file names none.
const USUAL_P: f64 = 2.0;

impl Checker<'_> {
    fn declare(&mut self, item: &Item) {
        match item {
            Item::Const { name, value } => self.constant(name, value),
            Item::Learned { name, over, meaning } => self.declare_learned(name, over.as_ref(), meaning),
            Item::Aggregation { p } => self.aggregation(p),
            Item::Rule(_) | Item::Examples(_) => {}
        }
    }

    fn declare_learned(&mut self, name: &Name, over: Option<&Name>, meaning: &str) {
        if !self.is_free(name) {
            return;
        }
        let sort = match over.map(|over| over.text.as_str()) {
            None | Some("orders") => Sort::Order,
            Some("instruments") => Sort::Instrument,
            Some(other) => {
                let span = over.map_or(&name.span, |over| &over.span);
                let message = format!("a predicate cannot be learned over `{other}`");
                self.error(
                    Diagnostic::error(span, message, "no such domain")
                        .help("write `orders` or `instruments`"),
                );
                return;
            }
        };
        let learned = Learned { name: name.text.clone(), sort, meaning: meaning.to_owned() };
        self.learned.push((name.clone(), learned));
    }

    fn aggregation(&mut self, p: &Name) {
        if let Some((_, first)) = &self.aggregation {
            let error = Diagnostic::error(&p.span, "the aggregation is set twice", "the second")
                .other(first, "the first")
                .help("keep one of them");
            return self.error(error);
        }
        match p.text.replace('_', "").parse::<f64>() {
            Ok(value) if (1.0..=64.0).contains(&value) => {
                self.aggregation = Some((value, p.span.clone()));
            }
            _ => {
                let message = format!("the exponent p is {}, and must be from 1 to 64", p.text);
                self.error(
                    Diagnostic::error(&p.span, message, "out of bounds")
                        .help("2 is usual; the larger it is, the more the least truth counts"),
                );
            }
        }
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn finish(self, file: &str, text: &str) -> Option<RuleSet> {
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            return None;
        }
        Some(RuleSet {
            file: file.to_owned(),
            text: text.to_owned(),
            rules: self.rules.into_iter().map(|(_, rule, _)| rule).collect(),
            windows: self.windows,
            learned: self.learned.into_iter().map(|(_, learned)| learned).collect(),
            names: self.names,
            aggregation: self.aggregation.map_or(USUAL_P, |(p, _)| p),
            examples: self.examples,
            ops: self.ops,
            sites: self.sites,
            members: self.members,
            warnings: Vec::new(),
        })
    }
}
