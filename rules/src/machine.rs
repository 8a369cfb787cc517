//! The machine that runs a program: stacks, walks over domains, and the scope of a rule.

use crate::exact;
use crate::exact::ABSENT;
use crate::kleene::Kleene;
use crate::number::Symbol;
use crate::program::{Atom, Connective, Op, QUANTIFIERS, Reading};
use crate::rule_set::{RuleId, RuleSet};
use crate::vocabulary::{Domain, Sort};
use crate::world::World;

/// A walk that is under way.
#[derive(Clone, Copy, Debug)]
struct Walk {
    row: usize,
    rows: usize,
    /// Where the truths of its rows begin.
    base: usize,
    variable: usize,
    domain: Domain,
    /// Whether the guard left this row out, so that it leaves no truth.
    skipped: bool,
}

/// The stacks of a run; kept between runs, so that they are allocated once.
#[derive(Clone, Debug)]
pub(crate) struct Machine<T> {
    numbers: Vec<i128>,
    truths: Vec<T>,
    walks: Vec<Walk>,
    rows: [usize; QUANTIFIERS],
}

impl<T> Default for Machine<T> {
    fn default() -> Self {
        Self { numbers: Vec::new(), truths: Vec::new(), walks: Vec::new(), rows: [0; QUANTIFIERS] }
    }
}

/// What a program is run on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) ops: &'a [Op],
    /// The members of all sets.
    pub(crate) members: &'a [i128],
    pub(crate) world: &'a World,
    /// The instruments that the rule is for; all where it names none.
    pub(crate) scope: &'a [Symbol],
}

impl RuleSet {
    /// What a rule is read on.
    pub(crate) fn ground<'a>(&'a self, id: RuleId, world: &'a World) -> Ground<'a> {
        Ground { ops: &self.ops, members: &self.members, world, scope: &self.rule(id).instruments }
    }
}

/// The column of an instrument's name; a test keeps it.
pub(crate) const NAME: usize = 0;
/// The column of an order's instrument; a test keeps it.
pub(crate) const ORDERED: usize = 4;

impl Ground<'_> {
    /// Whether a row is one that the rule is for.
    pub(crate) fn includes(&self, domain: Domain, row: usize) -> bool {
        if self.scope.is_empty() {
            return true;
        }
        let instrument = match domain {
            Domain::Instruments => row,
            _ => match usize::try_from(self.world.cell(domain, row, ORDERED)) {
                Ok(row) => row,
                // what an order trades is not known: no rule lets it through for that
                Err(_) => return true,
            },
        };
        let name = self.world.cell(Domain::Instruments, instrument, NAME);
        name == ABSENT || self.scope.iter().any(|symbol| i128::from(symbol.0) == name)
    }

    fn instrument(&self, row: i128, column: usize) -> i128 {
        usize::try_from(row).map_or(ABSENT, |row| self.world.cell(Domain::Instruments, row, column))
    }
}

impl<T: Copy> Machine<T> {
    /// Runs the operations `start..end`, which leave one truth.
    ///
    /// # Panics
    /// If they were not made by the compiler, which balances what is pushed and popped.
    pub(crate) fn run<R: Reading<Truth = T>>(
        &mut self,
        ground: &Ground<'_>,
        (start, end): (usize, usize),
        reading: &mut R,
    ) -> T {
        self.numbers.clear();
        self.truths.clear();
        self.walks.clear();
        let mut at = start;
        while at < end {
            at = match ground.ops[at] {
                Op::Begin { domain, variable, end } => {
                    self.begin(ground, domain, usize::from(variable), at, end as usize)
                }
                Op::Guard { end } => self.guard(at, end as usize, reading),
                Op::End { all, begin, guarded } => {
                    self.end(ground, at, (all, guarded), begin as usize, reading)
                }
                op => {
                    self.plain(ground, at, op, reading);
                    at + 1
                }
            };
        }
        self.truths.pop().expect("a formula leaves its truth")
    }

    fn begin(
        &mut self,
        ground: &Ground<'_>,
        domain: Domain,
        variable: usize,
        at: usize,
        end: usize,
    ) -> usize {
        let rows = ground.world.rows(domain);
        let row = (0..rows).find(|row| ground.includes(domain, *row)).unwrap_or(rows);
        self.walks.push(Walk { row, rows, base: self.truths.len(), variable, domain, skipped: false });
        self.rows[variable] = row;
        if row < rows { at + 1 } else { end }
    }

    fn guard<R: Reading<Truth = T>>(&mut self, at: usize, end: usize, reading: &R) -> usize {
        match self.truths.last() {
            Some(guard) if reading.crisp(*guard) == Kleene::False => {
                self.truths.pop();
                if let Some(walk) = self.walks.last_mut() {
                    walk.skipped = true;
                }
                end
            }
            _ => at + 1,
        }
    }

    fn end<R: Reading<Truth = T>>(
        &mut self,
        ground: &Ground<'_>,
        at: usize,
        (all, guarded): (bool, bool),
        begin: usize,
        reading: &mut R,
    ) -> usize {
        let walk = self.walks.last_mut().expect("a walk is under way");
        let Walk { row, rows, base, variable, domain, skipped } = *walk;
        let next = (row + 1..rows).find(|row| ground.includes(domain, *row));
        if let Some(next) = next {
            (walk.row, walk.skipped) = (next, false);
            self.rows[variable] = next;
        } else {
            self.walks.pop();
        }
        if row < rows && !skipped {
            let mut truth = self.truths.pop().expect("a body leaves its truth");
            if guarded {
                let guard = self.truths.pop().expect("a guard leaves its truth");
                if reading.crisp(guard) != Kleene::True {
                    let with = if all { Connective::Implies } else { Connective::And };
                    truth = reading.connect(at, with, guard, truth);
                }
            }
            let truth = reading.row(at, domain, row, truth);
            self.truths.push(truth);
        }
        if next.is_some() {
            return begin + 1;
        }
        let truth = reading.quantify(at, all, &self.truths[base..]);
        self.truths.truncate(base);
        self.truths.push(truth);
        at + 1
    }

    fn plain<R: Reading<Truth = T>>(&mut self, ground: &Ground<'_>, site: usize, op: Op, reading: &mut R) {
        match op {
            Op::Constant(value) => self.numbers.push(value),
            Op::Cell { domain, variable, column } => {
                let row = self.rows[usize::from(variable)];
                self.numbers.push(ground.world.cell(domain, row, usize::from(column)));
            }
            Op::Instrument { column } => self.one(|row| ground.instrument(row, usize::from(column))),
            Op::Row { variable } => self.numbers.push(self.rows[usize::from(variable)] as i128),
            Op::Single { sort, column } => self.numbers.push(ground.world.single(sort, usize::from(column))),
            Op::Add => self.two(exact::add),
            Op::Subtract => self.two(exact::subtract),
            Op::Multiply { divisor } => self.two(|a, b| exact::multiply(a, b, divisor)),
            Op::Divide { factor } => self.two(|a, b| exact::divide(a, b, factor)),
            Op::Negate => self.one(exact::negate),
            Op::Magnitude => self.one(exact::magnitude),
            Op::Smaller => self.two(exact::smaller),
            Op::Larger => self.two(exact::larger),
            _ => {
                let truth = self.truth(ground, site, op, reading);
                self.truths.push(truth);
            }
        }
    }

    fn truth<R: Reading<Truth = T>>(
        &mut self,
        ground: &Ground<'_>,
        site: usize,
        op: Op,
        reading: &mut R,
    ) -> T {
        match op {
            Op::Flag => {
                let value = self.number();
                reading.plain(site, if value == ABSENT { Kleene::Unknown } else { (value != 0).into() })
            }
            Op::Known => {
                let value = self.number();
                reading.plain(site, (value != ABSENT).into())
            }
            Op::Compare(comparison) => {
                let bound = self.number();
                let value = self.number();
                reading.compare(site, &comparison, value, bound)
            }
            Op::Member { start, end } => {
                let value = self.number();
                let members = &ground.members[start as usize..end as usize];
                let known = value != ABSENT;
                reading.plain(site, if known { members.contains(&value).into() } else { Kleene::Unknown })
            }
            Op::Learned { learned, domain, variable } => {
                let (learned, row) = (usize::from(learned), self.rows[usize::from(variable)]);
                let atom = Atom { learned, sort: domain.sort(), row };
                reading.learned(site, atom, ground.world.learned(learned, domain, row))
            }
            Op::LearnedOfInstrument { learned } => {
                let learned = usize::from(learned);
                match usize::try_from(self.number()) {
                    Ok(row) => {
                        let truth = ground.world.learned(learned, Domain::Instruments, row);
                        reading.learned(site, Atom { learned, sort: Sort::Instrument, row }, truth)
                    }
                    Err(_) => reading.plain(site, Kleene::Unknown),
                }
            }
            Op::Not => {
                let truth = self.truths.pop().expect("a formula to negate");
                reading.not(site, truth)
            }
            Op::Connect(with) => {
                let b = self.truths.pop().expect("a second formula");
                let a = self.truths.pop().expect("a first formula");
                reading.connect(site, with, a, b)
            }
            _ => unreachable!("handled before"),
        }
    }

    fn number(&mut self) -> i128 {
        self.numbers.pop().expect("a number to take")
    }

    fn one(&mut self, operation: impl FnOnce(i128) -> i128) {
        let a = self.number();
        self.numbers.push(operation(a));
    }

    fn two(&mut self, operation: impl FnOnce(i128, i128) -> i128) {
        let b = self.number();
        let a = self.number();
        self.numbers.push(operation(a, b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{InstrumentFacts, OrderFacts};

    #[test]
    fn the_columns_that_scopes_use_are_where_they_are_thought_to_be() {
        assert_eq!(InstrumentFacts::FACTS[NAME].name, "name");
        assert_eq!(OrderFacts::FACTS[ORDERED].name, "instrument");
    }
}
