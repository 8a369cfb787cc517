//! What rules are compiled to: one flat list of operations, and the machine that runs it.
//!
//! The machine knows how to fetch facts and to walk domains. What truth is made of them is up to a
//! [`Reading`]: judgement, explanation and gradient are three readings of one program.

use crate::exact;
use crate::kleene::Kleene;
use crate::number::{ABSENT, Symbol};
use crate::unit::Unit;
use crate::vocabulary::{Domain, Sort};
use crate::world::World;

/// How many quantifiers may stand in each other.
pub(crate) const QUANTIFIERS: usize = 4;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Less than.
    Less,
    /// At most.
    AtMost,
    /// Greater than.
    Greater,
    /// At least.
    AtLeast,
    /// The same.
    Equal,
    /// Not the same.
    Differs,
}

impl Relation {
    /// As the language writes it.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "=",
            Self::Differs => "!=",
        }
    }

    /// The same relation with its sides exchanged.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }

    /// What holds exactly where it does not.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
            Self::Equal => Self::Differs,
            Self::Differs => Self::Equal,
        }
    }

    /// Whether it says that the value is bounded from above or from below.
    #[must_use]
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Differs)
    }

    pub(crate) fn holds(self, value: i128, bound: i128) -> Kleene {
        if value == ABSENT || bound == ABSENT {
            return Kleene::Unknown;
        }
        Kleene::from(match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Greater => value > bound,
            Self::AtLeast => value >= bound,
            Self::Equal => value == bound,
            Self::Differs => value != bound,
        })
    }
}

/// A comparison as it stands in a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) relation: Relation,
    /// How both sides are shown.
    pub(crate) unit: Unit,
    /// Whether its soft truth falls gradually: an order of numbers does, of dates and symbols not.
    pub(crate) graded: bool,
    /// Whether it says what must hold, not when.
    pub(crate) demands: bool,
}

/// A connective of two formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
    Implies,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    /// Pushes a number.
    Constant(i128),
    /// Pushes a fact of the row that a variable stands for.
    Cell {
        domain: Domain,
        variable: u8,
        column: u16,
    },
    /// Replaces the row of an instrument by a fact of it.
    Instrument {
        column: u16,
    },
    /// Pushes the row that a variable stands for.
    Row {
        variable: u8,
    },
    /// Pushes a fact that there is one of.
    Single {
        sort: Sort,
        column: u16,
    },
    Add,
    Subtract,
    Multiply {
        divisor: i128,
    },
    Divide {
        factor: i128,
    },
    Negate,
    Magnitude,
    Smaller,
    Larger,
    /// Makes a flag a truth.
    Flag,
    /// Whether a number is there.
    Known,
    /// Compares two numbers.
    Compare(Comparison),
    /// Whether a symbol is among the members `start..end`.
    Member {
        start: u32,
        end: u32,
    },
    /// How true a learned predicate is of a variable's row.
    Learned {
        learned: u16,
        domain: Domain,
        variable: u8,
    },
    /// The same, of the instrument whose row is on the stack.
    LearnedOfInstrument {
        learned: u16,
    },
    Not,
    Connect(Connective),
    /// Starts a walk over a domain; `end` is the place of its [`Op::End`].
    Begin {
        domain: Domain,
        variable: u8,
        end: u32,
    },
    /// Leaves a row out where the truth on the stack is definitely false.
    Guard {
        end: u32,
    },
    /// Ends the walk or goes on to its next row.
    End {
        all: bool,
        begin: u32,
        guarded: bool,
    },
}

/// A learned predicate of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atom {
    /// Its place in [`crate::RuleSet::learned`].
    pub learned: usize,
    /// What it is said of: an order or an instrument.
    pub sort: Sort,
    /// Which row.
    pub row: usize,
}

/// What truth is made of the facts.
pub(crate) trait Reading {
    /// A truth.
    type Truth: Copy;

    /// Its crisp value.
    fn crisp(&self, truth: Self::Truth) -> Kleene;
    /// Something that is not graded.
    fn plain(&mut self, site: usize, value: Kleene) -> Self::Truth;
    /// A comparison of two numbers.
    fn compare(&mut self, site: usize, comparison: &Comparison, value: i128, bound: i128) -> Self::Truth;
    /// A learned predicate; not a number where it is absent.
    fn learned(&mut self, site: usize, atom: Atom, truth: f64) -> Self::Truth;
    /// Not.
    fn not(&mut self, site: usize, truth: Self::Truth) -> Self::Truth;
    /// And, or, if.
    fn connect(&mut self, site: usize, with: Connective, a: Self::Truth, b: Self::Truth) -> Self::Truth;
    /// A row of a walk is done; what stands here may be labelled.
    fn row(&mut self, _site: usize, _domain: Domain, _row: usize, truth: Self::Truth) -> Self::Truth {
        truth
    }
    /// For all rows, or for some.
    fn quantify(&mut self, site: usize, all: bool, rows: &[Self::Truth]) -> Self::Truth;
}

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

    #[test]
    fn a_negated_relation_holds_where_the_other_does_not() {
        use Relation::{AtLeast, AtMost, Differs, Equal, Greater, Less};
        for relation in [Less, AtMost, Greater, AtLeast, Equal, Differs] {
            for (a, b) in [(1, 2), (2, 2), (3, 2)] {
                assert_eq!(!relation.holds(a, b), relation.negated().holds(a, b));
                assert_eq!(relation.holds(a, b), relation.flipped().holds(b, a));
            }
            assert_eq!(relation.holds(ABSENT, 1), Kleene::Unknown);
        }
    }
}
