//! What rules are judged in the light of: the numbers of one moment, in plain arrays.

use crate::exact::ABSENT;
use crate::facts::{
    AccountFacts, CalendarFacts, InstrumentFacts, MarketFacts, OrderFacts, PerceptFacts, facts_of,
};
use crate::number::{InstrumentRow, Number};
use crate::rule_set::RuleSet;
use crate::vocabulary::{Domain, Sort};

/// Rows of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    cells: Vec<i128>,
    columns: usize,
    rows: usize,
}

impl Table {
    fn new(columns: usize, rows: usize) -> Self {
        Self { cells: vec![ABSENT; columns * rows], columns, rows }
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.rows = 0;
    }

    /// A new row in which everything is absent.
    fn push(&mut self) -> &mut [i128] {
        let start = self.cells.len();
        self.cells.resize(start + self.columns, ABSENT);
        self.rows += 1;
        &mut self.cells[start..]
    }

    fn row_mut(&mut self, row: usize) -> &mut [i128] {
        &mut self.cells[row * self.columns..(row + 1) * self.columns]
    }

    fn cell(&self, row: usize, column: usize) -> i128 {
        if row >= self.rows || column >= self.columns {
            return ABSENT;
        }
        self.cells.get(row * self.columns + column).copied().unwrap_or(ABSENT)
    }
}

/// The facts of one moment, for one rule set.
///
/// It is made once and refilled: a refill allocates nothing once it has held as many orders.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    orders: Table,
    working: Table,
    instruments: Table,
    singles: [Table; 4],
    /// The truths of learned predicates, of candidate orders and of instruments, a row each.
    learned_orders: Vec<f64>,
    learned_instruments: Vec<f64>,
    learned: usize,
    /// How many fixed columns an instrument has before those of windows.
    fixed: usize,
}

impl World {
    /// A world of so many instruments, where everything is absent.
    #[must_use]
    pub fn new(rules: &RuleSet, instruments: usize) -> Self {
        let fixed = facts_of(Sort::Instrument).len();
        let columns = |sort: Sort| facts_of(sort).len();
        let learned = rules.learned().len();
        Self {
            orders: Table::new(columns(Sort::Order), 0),
            working: Table::new(columns(Sort::Order), 0),
            instruments: Table::new(fixed + rules.windows().len(), instruments),
            singles: [Sort::Account, Sort::Calendar, Sort::Percept, Sort::Market]
                .map(|sort| Table::new(columns(sort), 1)),
            learned_orders: Vec::new(),
            learned_instruments: vec![f64::NAN; learned * instruments],
            learned,
            fixed,
        }
    }

    /// Forgets the candidate orders.
    pub fn clear_orders(&mut self) {
        self.orders.clear();
        self.learned_orders.clear();
    }

    /// Adds a candidate order and tells its row.
    pub fn push_order(&mut self, facts: &OrderFacts) -> usize {
        facts.write(self.orders.push());
        self.learned_orders.resize(self.learned_orders.len() + self.learned, f64::NAN);
        self.orders.rows - 1
    }

    /// Forgets our outstanding orders.
    pub fn clear_working(&mut self) {
        self.working.clear();
    }

    /// Adds one of our outstanding orders and tells its row.
    pub fn push_working(&mut self, facts: &OrderFacts) -> usize {
        facts.write(self.working.push());
        self.working.rows - 1
    }

    /// Sets the facts of an instrument; those over windows stay.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn set_instrument(&mut self, row: InstrumentRow, facts: &InstrumentFacts) {
        facts.write(self.instruments.row_mut(usize::from(row.0)));
    }

    /// Sets a fact over a window of an instrument, by its place in [`RuleSet::windows`].
    ///
    /// # Panics
    /// If there is no such row or window.
    pub fn set_window(&mut self, row: InstrumentRow, window: usize, value: Option<Number>) {
        let fixed = self.fixed;
        self.instruments.row_mut(usize::from(row.0))[fixed + window] = value.map_or(ABSENT, Number::units);
    }

    /// Sets the facts of the account.
    pub fn set_account(&mut self, facts: &AccountFacts) {
        facts.write(self.singles[0].row_mut(0));
    }

    /// Sets the facts of the moment.
    pub fn set_calendar(&mut self, facts: &CalendarFacts) {
        facts.write(self.singles[1].row_mut(0));
    }

    /// Sets what the brain makes of the moment.
    pub fn set_percept(&mut self, facts: &PerceptFacts) {
        facts.write(self.singles[2].row_mut(0));
    }

    /// Sets the facts of the market as a whole.
    pub fn set_market(&mut self, facts: &MarketFacts) {
        facts.write(self.singles[3].row_mut(0));
    }

    /// Sets how true a learned predicate is of a candidate order or an instrument, by its place in
    /// [`RuleSet::learned`]. What is no number from 0 to 1 is absent.
    ///
    /// # Panics
    /// If there is no such row or predicate.
    pub fn set_learned(&mut self, learned: usize, sort: Sort, row: usize, truth: f64) {
        assert!(learned < self.learned, "predicate {learned} of {}", self.learned);
        let at = row * self.learned + learned;
        let truth = if (0.0..=1.0).contains(&truth) { truth } else { f64::NAN };
        match sort {
            Sort::Instrument => self.learned_instruments[at] = truth,
            _ => self.learned_orders[at] = truth,
        }
    }

    /// How many rows a domain has.
    #[must_use]
    pub fn rows(&self, domain: Domain) -> usize {
        self.table(domain).rows
    }

    fn table(&self, domain: Domain) -> &Table {
        match domain {
            Domain::Orders => &self.orders,
            Domain::Instruments => &self.instruments,
            Domain::Working => &self.working,
        }
    }

    pub(crate) fn cell(&self, domain: Domain, row: usize, column: usize) -> i128 {
        self.table(domain).cell(row, column)
    }

    pub(crate) fn single(&self, sort: Sort, column: usize) -> i128 {
        let at = match sort {
            Sort::Account => 0,
            Sort::Calendar => 1,
            Sort::Percept => 2,
            _ => 3,
        };
        self.singles[at].cell(0, column)
    }

    /// Overwrites one cell, for example tables and probes.
    pub(crate) fn set_cell(&mut self, sort: Sort, row: usize, column: usize, value: i128) {
        let table = match sort {
            Sort::Order => &mut self.orders,
            Sort::Instrument => &mut self.instruments,
            Sort::Account => &mut self.singles[0],
            Sort::Calendar => &mut self.singles[1],
            Sort::Percept => &mut self.singles[2],
            Sort::Market => &mut self.singles[3],
        };
        table.row_mut(row)[column] = value;
    }

    /// How true a learned predicate is; not a number where that is absent, as of an outstanding order.
    pub(crate) fn learned(&self, learned: usize, domain: Domain, row: usize) -> f64 {
        let truths = match domain {
            Domain::Orders => &self.learned_orders,
            Domain::Instruments => &self.learned_instruments,
            Domain::Working => return f64::NAN,
        };
        truths.get(row * self.learned + learned).copied().unwrap_or(f64::NAN)
    }
}
