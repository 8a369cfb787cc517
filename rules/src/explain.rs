//! Explanation: the truth of every part of a rule as a tree, crisp and in both soft logics.

use std::fmt;

use crate::judge::{Truths, compare, connect, learned, negate, quantify, shown};
use crate::kleene::Kleene;
use crate::logic::Aggregator;
use crate::machine::{Machine, NAME, ORDERED};
use crate::program::{Atom, Comparison, Connective, Reading, Relation};
use crate::rule_set::{RuleId, RuleSet};
use crate::unit::Unit;
use crate::vocabulary::{Domain, Sort};
use crate::world::World;

/// The numbers of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The value; not a number where it is absent.
    pub value: f64,
    /// How it is compared.
    pub relation: Relation,
    /// The bound.
    pub bound: f64,
    /// How both are shown.
    pub unit: Unit,
}

/// A part of a rule, its truths, and its own parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The part as the file writes it, or the row of a walk.
    pub text: String,
    /// Its truths.
    pub truths: Truths,
    /// The numbers, of a comparison of numbers.
    pub numbers: Option<Numbers>,
    /// Its parts.
    pub parts: Vec<Tree>,
}

impl RuleSet {
    /// The truths of every part of a rule.
    ///
    /// # Panics
    /// If there is no such rule.
    #[must_use]
    pub fn explain(&self, rule: RuleId, world: &World) -> Tree {
        let mut explainer =
            Explainer { all: Aggregator::stable(self.aggregation), rules: self, world, trees: Vec::new() };
        let last = Machine::default().run(&self.ground(rule, world), self.rule(rule).code, &mut explainer);
        explainer.take(last)
    }
}

struct Explainer<'a> {
    all: Aggregator,
    rules: &'a RuleSet,
    world: &'a World,
    /// Trees that have not become parts of others yet.
    trees: Vec<Option<Tree>>,
}

impl Explainer<'_> {
    fn push(&mut self, site: usize, truths: Truths, parts: Vec<Tree>) -> usize {
        let text = self.rules.text[self.rules.sites[site].clone()].split_whitespace();
        let text = text.collect::<Vec<_>>().join(" ");
        self.trees.push(Some(Tree { text, truths, numbers: None, parts }));
        self.trees.len() - 1
    }

    /// A tree that becomes part of another; each does once.
    fn take(&mut self, at: usize) -> Tree {
        let none =
            || Tree { text: String::new(), truths: Kleene::Unknown.into(), numbers: None, parts: Vec::new() };
        self.trees[at].take().unwrap_or_else(none)
    }

    fn truths(&self, at: usize) -> Truths {
        self.trees[at].as_ref().map_or(Kleene::Unknown.into(), |tree| tree.truths)
    }

    /// What a row of a domain is called.
    fn label(&self, domain: Domain, row: usize) -> String {
        let instrument = match domain {
            Domain::Instruments => row,
            _ => usize::try_from(self.world.cell(domain, row, ORDERED)).unwrap_or(usize::MAX),
        };
        let name = self.world.cell(Domain::Instruments, instrument, NAME);
        let name = u32::try_from(name).ok().and_then(|at| self.rules.names.get(at as usize));
        let one = match domain.sort() {
            Sort::Instrument => "instrument",
            _ if domain == Domain::Working => "outstanding order",
            _ => "order",
        };
        name.map_or_else(|| format!("{one} {row}"), |name| format!("{one} {row} ({name})"))
    }
}

impl Reading for Explainer<'_> {
    type Truth = usize;

    fn crisp(&self, truth: usize) -> Kleene {
        self.truths(truth).crisp
    }

    fn plain(&mut self, site: usize, value: Kleene) -> usize {
        self.push(site, value.into(), Vec::new())
    }

    fn compare(&mut self, site: usize, comparison: &Comparison, value: i128, bound: i128) -> usize {
        let at = self.push(site, compare(comparison, value, bound), Vec::new());
        let Comparison { relation, unit, graded, .. } = *comparison;
        if let (true, Some(tree)) = (graded, &mut self.trees[at]) {
            let (value, bound) = (shown(unit, value), shown(unit, bound));
            tree.numbers = Some(Numbers { value, relation, bound, unit });
        }
        at
    }

    fn learned(&mut self, site: usize, _atom: Atom, truth: f64) -> usize {
        self.push(site, learned(truth), Vec::new())
    }

    fn not(&mut self, site: usize, truth: usize) -> usize {
        let of = self.take(truth);
        self.push(site, negate(of.truths), vec![of])
    }

    fn connect(&mut self, site: usize, with: Connective, a: usize, b: usize) -> usize {
        let (a, b) = (self.take(a), self.take(b));
        self.push(site, connect(with, a.truths, b.truths), vec![a, b])
    }

    fn row(&mut self, _site: usize, domain: Domain, row: usize, truth: usize) -> usize {
        let part = self.take(truth);
        let tree =
            Tree { text: self.label(domain, row), truths: part.truths, numbers: None, parts: vec![part] };
        self.trees.push(Some(tree));
        self.trees.len() - 1
    }

    fn quantify(&mut self, site: usize, all: bool, rows: &[usize]) -> usize {
        let parts: Vec<Tree> = rows.iter().map(|row| self.take(*row)).collect();
        let truths: Vec<Truths> = parts.iter().map(|part| part.truths).collect();
        self.push(site, quantify(&self.all, all, &truths), parts)
    }
}

impl Tree {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let Truths { crisp, product, lukasiewicz } = self.truths;
        let crisp = match crisp {
            Kleene::True => "true",
            Kleene::False => "false",
            Kleene::Unknown => "unknown",
        };
        let indent = "  ".repeat(depth);
        write!(f, "{indent}{crisp:<8}{product:.4}  {lukasiewicz:.4}  {}", self.text)?;
        if let Some(Numbers { value, relation, bound, unit }) = self.numbers {
            let number = |x: f64| if x.is_nan() { "absent".to_owned() } else { x.to_string() };
            let symbol = unit.symbol();
            let blank = if symbol.is_empty() { "" } else { " " };
            write!(f, "   [{} {} {}{blank}{symbol}]", number(value), relation.symbol(), number(bound))?;
        }
        writeln!(f)?;
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

impl fmt::Display for Tree {
    /// A line a part: crisp, product and Łukasiewicz truth, the text, and a comparison's numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
