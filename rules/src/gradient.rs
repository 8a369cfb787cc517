//! Gradients of a rule's product truth by the learned truths in it, for training (19, 50): a forward
//! reading that remembers each step, and one pass back over what it remembers.

use std::collections::BTreeMap;

use crate::judge::{Truths, compare, connect, learned, negate, quantify};
use crate::kleene::Kleene;
use crate::logic::{Aggregator, Graded, Logic};
use crate::machine::Machine;
use crate::program::{Atom, Comparison, Connective, Reading};
use crate::rule_set::{RuleId, RuleSet};
use crate::world::World;

/// A rule's product truth and its slope by each learned truth that it used.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// The truth in the stable product logic; what is unknown counts one half here.
    pub value: f64,
    /// The slope by each atom, in the order of atoms.
    pub atoms: Vec<(Atom, f64)>,
}

impl RuleSet {
    /// The product truth of a rule and its gradient by the truths of learned predicates.
    ///
    /// # Panics
    /// If there is no such rule.
    #[must_use]
    pub fn product_gradient(&self, rule: RuleId, world: &World) -> Gradient {
        let mut tape =
            Tape { all: Aggregator::stable(self.aggregation), steps: Vec::new(), inputs: Vec::new() };
        let last = Machine::default().run(&self.ground(rule, world), self.rule(rule).code, &mut tape);
        tape.back(last)
    }
}

/// A step of the reading and what it was made of.
struct Step {
    truths: Truths,
    atom: Option<Atom>,
    /// Its inputs, as a range of [`Tape::inputs`].
    inputs: std::ops::Range<usize>,
}

/// The memory of a reading.
struct Tape {
    all: Aggregator,
    steps: Vec<Step>,
    /// Steps that went into others, with the slope by each.
    inputs: Vec<(usize, f64)>,
}

impl Tape {
    fn push(&mut self, truths: Truths, atom: Option<Atom>, inputs: &[(usize, f64)]) -> usize {
        let start = self.inputs.len();
        self.inputs.extend_from_slice(inputs);
        self.steps.push(Step { truths, atom, inputs: start..self.inputs.len() });
        self.steps.len() - 1
    }

    /// The slopes by the atoms, from the last step back.
    fn back(&self, last: usize) -> Gradient {
        let mut slopes = vec![0.0; self.steps.len()];
        slopes[last] = 1.0;
        let mut atoms = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate().rev() {
            for (input, slope) in &self.inputs[step.inputs.clone()] {
                slopes[*input] += slopes[at] * slope;
            }
            if let Some(atom) = step.atom {
                *atoms.entry(atom).or_insert(0.0) += slopes[at];
            }
        }
        Gradient { value: self.steps[last].truths.product, atoms: atoms.into_iter().collect() }
    }
}

impl Reading for Tape {
    type Truth = usize;

    fn crisp(&self, truth: usize) -> Kleene {
        self.steps[truth].truths.crisp
    }

    fn plain(&mut self, _site: usize, value: Kleene) -> usize {
        self.push(value.into(), None, &[])
    }

    fn compare(&mut self, _site: usize, comparison: &Comparison, value: i128, bound: i128) -> usize {
        self.push(compare(comparison, value, bound), None, &[])
    }

    fn learned(&mut self, _site: usize, atom: Atom, truth: f64) -> usize {
        self.push(learned(truth), (!truth.is_nan()).then_some(atom), &[])
    }

    fn not(&mut self, _site: usize, truth: usize) -> usize {
        self.push(negate(self.steps[truth].truths), None, &[(truth, -1.0)])
    }

    fn connect(&mut self, _site: usize, with: Connective, a: usize, b: usize) -> usize {
        let (x, y) = (self.steps[a].truths, self.steps[b].truths);
        let logic = Logic::STABLE_PRODUCT;
        let Graded { gradient: [by_a, by_b], .. } = match with {
            Connective::And => logic.and(x.product, y.product),
            Connective::Or => logic.or(x.product, y.product),
            Connective::Implies => logic.implies(x.product, y.product),
        };
        self.push(connect(with, x, y), None, &[(a, by_a), (b, by_b)])
    }

    fn quantify(&mut self, _site: usize, all: bool, rows: &[usize]) -> usize {
        let truths: Vec<Truths> = rows.iter().map(|row| self.steps[*row].truths).collect();
        let products: Vec<f64> = truths.iter().map(|t| t.product).collect();
        let mut slopes = vec![0.0; rows.len()];
        if all {
            self.all.p_mean_error_gradient(&products, &mut slopes);
        } else {
            self.all.p_mean_gradient(&products, &mut slopes);
        }
        let inputs: Vec<(usize, f64)> = rows.iter().copied().zip(slopes).collect();
        self.push(quantify(&self.all, all, &truths), None, &inputs)
    }
}
