//! A rule set: what a file of rules has become, ready to judge.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Report};
use crate::facts::{WindowFact, facts_of};
use crate::number::{Date, Symbol};
use crate::program::Op;
use crate::table::Example;
use crate::vocabulary::{Domain, Sort};

/// The place of a rule in its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleId(pub u16);

/// What a rule can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Force {
    /// Its violation refuses the order.
    Hard,
    /// Its truth counts towards satisfaction; it refuses nothing.
    Soft,
}

/// A rule, without its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, which is its refusal code.
    pub name: String,
    /// What it can do.
    pub force: Force,
    /// Where it comes from, such as "26 CFR 1.1091-1"; empty where the file does not say.
    pub source: String,
    /// Why an order is refused by it, for people; empty where the file does not say.
    pub reason: String,
    /// How much it counts among soft rules.
    pub weight: f64,
    /// The instruments it is for; all where there is none.
    pub instruments: Vec<Symbol>,
    /// The account it is for; all where there is none.
    pub account: Option<Symbol>,
    /// The first day it is in force.
    pub from: Option<Date>,
    /// The last day it is in force.
    pub until: Option<Date>,
    /// Whether a violation latches trading until a person arms.
    pub latching: bool,
    /// Where its formula stands in the file, in bytes.
    pub formula: Range<usize>,
    /// Where its operations stand.
    pub(crate) code: (usize, usize),
}

impl Rule {
    /// Whether a violation refuses the order.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.force == Force::Hard
    }
}

/// A fact over a window that a rule set asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which fact.
    pub fact: WindowFact,
    /// The length of the window.
    pub window_ns: i64,
}

/// A predicate that is learned, as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Its name.
    pub name: String,
    /// What it is said of: orders or instruments.
    pub sort: Sort,
    /// What it means, as the file tells.
    pub meaning: String,
}

/// A checked and compiled set of rules.
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) windows: Vec<Window>,
    pub(crate) learned: Vec<Learned>,
    pub(crate) names: Vec<String>,
    /// The exponent p of the aggregators.
    pub(crate) aggregation: f64,
    pub(crate) examples: Vec<Example>,
    pub(crate) ops: Vec<Op>,
    /// Where in the file each operation comes from.
    pub(crate) sites: Vec<Range<usize>>,
    pub(crate) members: Vec<i128>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl RuleSet {
    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rules, in the order of the file.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a rule looks at instruments that no candidate is of: at all of them, or at those of our outstanding
    /// orders. Where none does, their facts need not be told.
    #[must_use]
    pub fn looks_around(&self) -> bool {
        let around = |op: &Op| matches!(op, Op::Begin { domain: Domain::Instruments | Domain::Working, .. });
        self.ops.iter().any(around)
    }

    /// What a rule names: facts, plain and over windows, learned predicates, and `working` where it walks over our
    /// outstanding orders.
    #[must_use]
    pub fn named_in(&self, id: RuleId) -> BTreeSet<&str> {
        let fact = |sort: Sort, column: u16| match facts_of(sort).get(usize::from(column)) {
            Some(info) => info.name,
            None => self.windows[usize::from(column) - facts_of(sort).len()].fact.info().name,
        };
        let name = |op: &Op| match *op {
            Op::Cell { domain, column, .. } => Some(fact(domain.sort(), column)),
            Op::Instrument { column } => Some(fact(Sort::Instrument, column)),
            Op::Single { sort, column } => Some(fact(sort, column)),
            Op::Learned { learned, .. } | Op::LearnedOfInstrument { learned } => {
                Some(self.learned[usize::from(learned)].name.as_str())
            }
            Op::Begin { domain: Domain::Working, .. } => Some(Domain::Working.name()),
            _ => None,
        };
        let (from, end) = self.rule(id).code;
        self.ops[from..end].iter().filter_map(name).collect()
    }

    /// The places of all rules.
    pub fn ids(&self) -> impl Iterator<Item = RuleId> + use<> {
        (0..self.rules.len()).map(|at| RuleId(at as u16))
    }

    /// A rule by its place.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[usize::from(id.0)]
    }

    /// The place of the rule of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<RuleId> {
        self.ids().find(|id| self.rule(*id).name == name)
    }

    /// The facts over windows that the rules ask for; [`crate::World::set_window`] takes their places.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The learned predicates; [`crate::World::set_learned`] takes their places.
    #[must_use]
    pub fn learned(&self) -> &[Learned] {
        &self.learned
    }

    /// The name of an instrument or account as this set knows it. Names that no rule mentions are all
    /// the same to it.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Symbol {
        let at = self.names.iter().position(|known| known == name);
        Symbol(at.map_or(u32::MAX, |at| at as u32))
    }

    /// The name behind a symbol, where a rule mentions it.
    #[must_use]
    pub fn name_of(&self, symbol: Symbol) -> Option<&str> {
        self.names.get(symbol.0 as usize).map(String::as_str)
    }

    /// The exponent p of the aggregators.
    #[must_use]
    pub const fn aggregation(&self) -> f64 {
        self.aggregation
    }

    /// What is odd about the file, though it can be used.
    #[must_use]
    pub fn warnings(&self) -> Report {
        Report::new(&self.file, &self.text, self.warnings.clone())
    }

    /// The same set without one rule, to show what that rule is good for; `None` if there is no such rule.
    #[must_use]
    pub fn without(&self, name: &str) -> Option<Self> {
        let removed = usize::from(self.find(name)?.0);
        let mut set = self.clone();
        set.rules.remove(removed);
        Some(set)
    }
}
