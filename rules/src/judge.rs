//! Judgement: every rule in force, crisp and in both soft logics, with nothing allocated on the way.

use crate::exact::ABSENT;
use crate::kleene::Kleene;
use crate::logic::{Aggregator, Graded, Logic, not, sigmoid};
use crate::machine::Machine;
use crate::number::Date;
use crate::program::{Atom, Comparison, Connective, Reading, Relation};
use crate::rule_set::{RuleId, RuleSet};
use crate::unit::Unit;
use crate::vocabulary::{Domain, Sort};
use crate::world::World;

/// How sharply the soft truth of a comparison falls around its bound, as in the slippage rule (17).
pub const SHARPNESS: f64 = 10.0;

/// The three truths of a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truths {
    /// What enforcement goes by.
    pub crisp: Kleene,
    /// In the stable product logic, for training.
    pub product: f64,
    /// In Łukasiewicz' logic, for audits.
    pub lukasiewicz: f64,
}

impl From<Kleene> for Truths {
    fn from(crisp: Kleene) -> Self {
        Self { crisp, product: crisp.degree(), lukasiewicz: crisp.degree() }
    }
}

/// A rule's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleVerdict {
    /// Which rule.
    pub rule: RuleId,
    /// Whether it holds definitely; a rule whose facts are absent does not (fail closed).
    pub passed: bool,
    /// Its truth in the stable product logic; 0 where it is not known.
    pub product: f64,
    /// Its truth in Łukasiewicz' logic; 0 where it is not known.
    pub lukasiewicz: f64,
    /// The value of the comparison that decided: the first that fails, else the tightest; not a number
    /// where the rule has none or its fact is absent.
    pub value: f64,
    /// The bound of that comparison.
    pub bound: f64,
    /// How both are shown.
    pub unit: Unit,
}

/// The answers of all rules in force; kept and refilled.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// One answer a rule in force, in the order of the file.
    pub verdicts: Vec<RuleVerdict>,
    machine: Machine<Truths>,
}

impl Judgement {
    /// The hard rules that are violated, in the order of the file.
    pub fn refusals<'a>(&'a self, rules: &'a RuleSet) -> impl Iterator<Item = &'a RuleVerdict> {
        self.verdicts.iter().filter(|v| !v.passed && rules.rule(v.rule).is_hard())
    }

    /// Whether no hard rule is violated.
    #[must_use]
    pub fn is_allowed(&self, rules: &RuleSet) -> bool {
        self.refusals(rules).next().is_none()
    }

    /// How well the soft rules are kept, Σ w P / Σ w in the product logic (50); 1 where there is none.
    #[must_use]
    pub fn satisfaction(&self, rules: &RuleSet) -> f64 {
        let soft = self.verdicts.iter().filter(|v| !rules.rule(v.rule).is_hard());
        satisfaction(soft.map(|v| (rules.rule(v.rule).weight, v.product)))
    }
}

/// Σ w P / Σ w of weighted truths (46, 47); 1 of none, as nothing was asked for. Divided by the sum of the weights and
/// not, as (50) says, by their number, it keeps to [0, 1] whatever the weights.
fn satisfaction(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut kept, mut total, mut none) = (0.0, 0.0, true);
    for (weight, truth) in weighted {
        (kept, total, none) = (kept + weight * truth, total + weight, false);
    }
    if none { 1.0 } else { kept / total }
}

impl RuleSet {
    /// Judges the candidate orders of a world by every rule in force.
    pub fn judge(&self, world: &World, judgement: &mut Judgement) {
        judgement.verdicts.clear();
        let date = self.today(world);
        for id in self.ids().filter(|id| self.in_force(*id, world, date)) {
            let mut judge = Judge::new(self.aggregation);
            let truths = judgement.machine.run(&self.ground(id, world), self.rule(id).code, &mut judge);
            judgement.verdicts.push(judge.verdict(id, truths));
        }
    }

    /// The day of a world; where it is absent, every rule is in force whatever its dates.
    pub(crate) fn today(&self, world: &World) -> Option<Date> {
        let cell = world.single(Sort::Calendar, 0);
        let day = cell.checked_div(crate::unit::Dimension::DAYS.scale())?;
        (cell != ABSENT).then(|| Date(i64::try_from(day).unwrap_or(i64::MAX)))
    }

    /// Whether a rule says anything about a world.
    pub(crate) fn in_force(&self, id: RuleId, world: &World, date: Option<Date>) -> bool {
        let rule = self.rule(id);
        let begun = rule.from.is_none_or(|from| date.is_none_or(|date| date >= from));
        let over = rule.until.is_some_and(|until| date.is_some_and(|date| date > until));
        let account = world.single(Sort::Account, 0);
        let meant = rule.account.is_none_or(|name| account == ABSENT || account == i128::from(name.0));
        let ground = self.ground(id, world);
        let orders = world.rows(Domain::Orders);
        begun
            && !over
            && meant
            && (orders == 0 || (0..orders).any(|row| ground.includes(Domain::Orders, row)))
    }
}

/// The reading of a judgement: three truths at once, and the comparison that decides.
struct Judge {
    all: Aggregator,
    /// The first comparison that demands something and fails.
    failing: Option<Decider>,
    /// The one that holds with the least room, as a share of its bound.
    tightest: Option<(f64, Decider)>,
}

/// A comparison that may have decided.
#[derive(Clone, Copy)]
struct Decider {
    value: f64,
    bound: f64,
    unit: Unit,
}

impl Judge {
    fn new(aggregation: f64) -> Self {
        Self { all: Aggregator::stable(aggregation), failing: None, tightest: None }
    }

    fn verdict(&self, rule: RuleId, truths: Truths) -> RuleVerdict {
        let passed = truths.crisp.holds();
        let tightest = self.tightest.map(|(_, decider)| decider);
        let decider = if passed { tightest.or(self.failing) } else { self.failing.or(tightest) };
        let none = Decider { value: f64::NAN, bound: f64::NAN, unit: Unit::default() };
        let Decider { value, bound, unit } = decider.unwrap_or(none);
        let known = truths.crisp != Kleene::Unknown;
        RuleVerdict {
            rule,
            passed,
            product: if known { truths.product } else { 0.0 },
            lukasiewicz: if known { truths.lukasiewicz } else { 0.0 },
            value,
            bound,
            unit,
        }
    }

    fn note(&mut self, relation: Relation, decider: Decider, holds: Kleene) {
        if !holds.holds() {
            self.failing.get_or_insert(decider);
            return;
        }
        let room = match relation {
            Relation::Less | Relation::AtMost => decider.bound - decider.value,
            Relation::Greater | Relation::AtLeast => decider.value - decider.bound,
            Relation::Equal | Relation::Differs => f64::INFINITY,
        };
        let share = if decider.bound == 0.0 { f64::INFINITY } else { room / decider.bound.abs() };
        if self.tightest.is_none_or(|(least, _)| share < least) {
            self.tightest = Some((share, decider));
        }
    }
}

/// The three truths of a comparison.
pub(crate) fn compare(comparison: &Comparison, value: i128, bound: i128) -> Truths {
    let unit = comparison.unit;
    compare_shown(comparison, (value, bound), (shown(unit, value), shown(unit, bound)))
}

/// The same, of numbers that have been made floats already.
fn compare_shown(comparison: &Comparison, cells: (i128, i128), floats: (f64, f64)) -> Truths {
    let crisp = comparison.relation.holds(cells.0, cells.1);
    if crisp == Kleene::Unknown || !comparison.graded {
        return crisp.into();
    }
    let soft = graded(comparison.relation, floats.0, floats.1);
    Truths { crisp, product: soft, lukasiewicz: soft }
}

/// A cell as a float in a unit; not a number where it is absent.
pub(crate) fn shown(unit: Unit, cell: i128) -> f64 {
    if cell == ABSENT { f64::NAN } else { unit.to_f64(cell) }
}

/// The soft truth of an order of two numbers; ½ at the bound, wherever it is not 0.
pub(crate) fn graded(relation: Relation, value: f64, bound: f64) -> f64 {
    match relation {
        Relation::Greater | Relation::AtLeast => at_most(-value, -bound),
        _ => at_most(value, bound),
    }
}

/// The soft truth of value ≤ bound (17): a sigmoid of the margin in units of the bound. Where the bound is 0 only what
/// keeps it is true; what is not a number is false.
fn at_most(value: f64, bound: f64) -> f64 {
    let margin = bound - value;
    match bound {
        0.0 if value <= 0.0 => 1.0,
        _ if bound == 0.0 || !margin.is_finite() || bound.is_nan() => 0.0,
        _ => sigmoid(SHARPNESS * margin / bound.abs()),
    }
}

/// The truths of a learned predicate: crisp it holds from one half.
pub(crate) fn learned(truth: f64) -> Truths {
    if truth.is_nan() {
        return Kleene::Unknown.into();
    }
    Truths { crisp: (truth >= 0.5).into(), product: truth, lukasiewicz: truth }
}

/// The truths of a negation.
pub(crate) fn negate(a: Truths) -> Truths {
    Truths { crisp: !a.crisp, product: not(a.product).value, lukasiewicz: not(a.lukasiewicz).value }
}

/// The truths of two formulas under a connective.
pub(crate) fn connect(with: Connective, a: Truths, b: Truths) -> Truths {
    let (soft, crisp): (fn(Logic, f64, f64) -> Graded<2>, Kleene) = match with {
        Connective::And => (Logic::and, a.crisp.and(b.crisp)),
        Connective::Or => (Logic::or, a.crisp.or(b.crisp)),
        Connective::Implies => (Logic::implies, a.crisp.implies(b.crisp)),
    };
    Truths {
        crisp,
        product: soft(Logic::STABLE_PRODUCT, a.product, b.product).value,
        lukasiewicz: soft(Logic::Lukasiewicz, a.lukasiewicz, b.lukasiewicz).value,
    }
}

/// The truths of a quantifier: p-means in the product logic, the least and the largest in
/// Łukasiewicz', whose quantifiers these are.
pub(crate) fn quantify(aggregator: &Aggregator, all: bool, rows: &[Truths]) -> Truths {
    let product = rows.iter().map(|t| t.product);
    let soft = rows.iter().map(|t| t.lukasiewicz);
    let crisp = rows.iter().map(|t| t.crisp);
    if all {
        Truths {
            crisp: crisp.fold(Kleene::True, Kleene::and),
            product: aggregator.p_mean_error(product),
            lukasiewicz: soft.fold(1.0, f64::min),
        }
    } else {
        Truths {
            crisp: crisp.fold(Kleene::False, Kleene::or),
            product: aggregator.p_mean(product),
            lukasiewicz: soft.fold(0.0, f64::max),
        }
    }
}

impl Reading for Judge {
    type Truth = Truths;

    fn crisp(&self, truth: Truths) -> Kleene {
        truth.crisp
    }

    fn plain(&mut self, _site: usize, value: Kleene) -> Truths {
        value.into()
    }

    fn compare(&mut self, _site: usize, comparison: &Comparison, value: i128, bound: i128) -> Truths {
        let unit = comparison.unit;
        let floats = (shown(unit, value), shown(unit, bound));
        let truths = compare_shown(comparison, (value, bound), floats);
        if comparison.demands {
            let decider = Decider { value: floats.0, bound: floats.1, unit };
            self.note(comparison.relation, decider, truths.crisp);
        }
        truths
    }

    fn learned(&mut self, _site: usize, _atom: Atom, truth: f64) -> Truths {
        learned(truth)
    }

    fn not(&mut self, _site: usize, truth: Truths) -> Truths {
        negate(truth)
    }

    fn connect(&mut self, _site: usize, with: Connective, a: Truths, b: Truths) -> Truths {
        connect(with, a, b)
    }

    fn quantify(&mut self, _site: usize, all: bool, rows: &[Truths]) -> Truths {
        quantify(&self.all, all, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use support::golden;

    #[test]
    fn golden_satisfaction_and_slippage() {
        let (mut losses, mut slippages) = (0, 0);
        for case in golden::cases("06_") {
            if !case.inputs["w"].is_null() {
                let weighted = case.input("w").into_iter().zip(case.input("P"));
                case.check("L_adopted_weight_normalised", &[1.0 - satisfaction(weighted)]);
                losses += 1;
            } else if !case.inputs["slippage"].is_null() {
                assert_eq!(case.number("k"), SHARPNESS);
                let bound = case.number("lam") * case.number("volatility");
                let soft = |slippage: f64| graded(Relation::Less, slippage, bound);
                case.check("truth", &case.input("slippage").into_iter().map(soft).collect::<Vec<_>>());
                slippages += 1;
            }
        }
        assert!(losses > 0 && slippages > 0, "a kind of case is missing");
    }

    #[test]
    fn nothing_asked_for_is_satisfied_and_what_is_no_number_is_not_kept() {
        assert_eq!(satisfaction(std::iter::empty()), 1.0);
        for relation in [Relation::Less, Relation::AtLeast] {
            for (value, bound) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
                assert_eq!(graded(relation, value, bound), 0.0, "{relation:?} {value} {bound}");
            }
        }
        assert_eq!([-0.1, 0.0, 1e-9].map(|value| graded(Relation::AtMost, value, 0.0)), [1.0, 1.0, 0.0]);
    }
}
