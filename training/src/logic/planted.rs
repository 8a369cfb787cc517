//! What a rule is worth to a learner, on a world whose law is known.
//!
//! A policy learns from a short log of noisy rewards whether to do nothing, wait or take. Taking earns a little, and
//! more still where the flow is informed, but for the times when those who knew were right at our cost: then it
//! loses much. Such times are few, so that a short log tells little of them, and a quiet one the contrary of the truth. The
//! rule `informed(o) => not aggressive(o)` is right. Each seed learns from the same log with and without it; both
//! are judged on contexts that neither saw, by the law itself and not by drawn rewards.

use serde::{Deserialize, Serialize};
use synapse::random::{normal, seed_for, uniform};

use super::loss::LogicLoss;
use super::policy::{ACTIONS, AGGRESSIVE, Course, Log, Policy};
use crate::error::TrainError;
use crate::fit::on_one_thread;

/// Features of a context: flow, edge, and two that tell nothing.
const WIDTH: usize = 4;
/// What waiting earns.
const WAITING: f64 = 0.2;
/// What taking loses where those who knew were right.
const LOSS: f64 = -12.0;
/// How often they are right, of the times when the flow is informed.
const CHANCE: f64 = 0.2;

/// A rule of the experiment.
const RIGHT: &str = "learned informed over orders \"those who trade now know something\"\n\
                     learned aggressive over orders \"the share of taking\"\n\
                     soft rule patience weight 1:\n    \
                     forall o in orders: informed(o) => not aggressive(o)\n";
/// Its contrary, which forbids what earns.
const WRONG: &str = "learned informed over orders \"those who trade now know something\"\n\
                     learned aggressive over orders \"the share of taking\"\n\
                     soft rule haste weight 1:\n    \
                     forall o in orders: not informed(o) => not aggressive(o)\n";

/// The plan of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantedRule {
    /// A log, and a policy of each arm, each.
    pub seeds: Vec<u64>,
    /// Contexts that a policy is judged on.
    pub test: usize,
    /// Steps of a course.
    pub steps: u32,
    /// Weights of the rule; 0, the ablation, is always learned beside them.
    pub weights: Vec<f64>,
    /// The weight of a rule that forbids what earns, beside them, to see what a mistake costs.
    pub wrong_weight: f64,
    /// The logs.
    pub logs: Vec<LogPlan>,
}

/// A kind of log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogPlan {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// How often those who knew were right while it was written; out of sample it is a fifth.
    pub chance: f64,
}

impl Default for PlantedRule {
    fn default() -> Self {
        let log = |name: &str, rows, chance| LogPlan { name: name.to_owned(), rows, chance };
        Self {
            seeds: (1..=20).collect(),
            test: 4000,
            steps: 200,
            weights: vec![0.5, 1.0, 2.0, 4.0],
            wrong_weight: 1.0,
            logs: vec![
                log("short", 200, CHANCE),
                log("short_and_quiet", 200, 0.05),
                log("long", 2000, CHANCE),
            ],
        }
    }
}

/// A mean over the seeds with its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
}

/// A difference to the ablation on the same seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Mean and deviation of the differences.
    pub difference: Spread,
    /// In how many seeds it is above 0.
    pub above: usize,
    /// In how many below.
    pub below: usize,
    /// The two-sided p of the exact sign-flip test: the share of all ways to turn the differences' signs whose mean is as
    /// far from 0.
    pub p: f64,
}

/// One way of learning from one kind of log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The log.
    pub log: String,
    /// The rule: `none`, `right` or `wrong`.
    pub rule: String,
    /// Its weight.
    pub weight: f64,
    /// Of the contexts that the predicate calls informed, the share where the policy takes.
    pub violations: Spread,
    /// What the policy earns of a context, by the law.
    pub utility: Spread,
    /// Its violations less those without a rule.
    pub violations_paired: Paired,
    /// Its utility less that without a rule.
    pub utility_paired: Paired,
}

/// What the experiment came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogicReport {
    /// Its plan.
    pub plan: PlantedRule,
    /// What the best policy earns, which knows the law.
    pub best_utility: f64,
    /// All arms.
    pub arms: Vec<Arm>,
}

/// A context: its features, and the chance that its flow is informed, which the predicate knows.
struct Context {
    x: [f32; WIDTH],
    informed: f64,
}

impl Context {
    fn drawn(seed: u64, at: usize) -> Self {
        let [flow, edge, a, b] = [0, 1, 2, 3].map(|i| normal(seed, (WIDTH * at + i) as u64));
        let informed = crate::predicates::mlp::sigmoid(4.0 * flow - 3.0);
        Self { x: [flow, edge, a, b].map(|x| x as f32), informed }
    }

    /// What taking earns where nobody is right at our cost; more where the flow is informed.
    fn taking(&self, is_informed: bool) -> f64 {
        0.6 + 0.3 * f64::from(self.x[1]) + if is_informed { 1.0 } else { 0.0 }
    }

    /// What an action earns on average.
    fn utility(&self, action: usize) -> f64 {
        match action {
            0 => 0.0,
            AGGRESSIVE => {
                let informed = (1.0 - CHANCE) * self.taking(true) + CHANCE * LOSS;
                self.informed * informed + (1.0 - self.informed) * self.taking(false)
            }
            _ => WAITING,
        }
    }
}

/// The log of a seed.
fn log(plan: &LogPlan, seed: u64) -> Log {
    let seed = seed_for(seed, &plan.name);
    let [contexts, actions, informed, right, noise] =
        ["context", "action", "informed", "right", "noise"].map(|purpose| seed_for(seed, purpose));
    let mut log = Log { width: WIDTH, ..Log::default() };
    for at in 0..plan.rows {
        let context = Context::drawn(contexts, at);
        let draw = |of: u64| 1.0 - uniform(of, at as u64);
        let action = (draw(actions) * ACTIONS as f64) as usize;
        let is_informed = draw(informed) < context.informed;
        let mean = match action {
            0 => 0.0,
            AGGRESSIVE if is_informed && draw(right) < plan.chance => LOSS,
            AGGRESSIVE => context.taking(is_informed),
            _ => WAITING,
        };
        // nothing done earns nothing, without noise
        let earned = if action == 0 { 0.0 } else { mean + normal(noise, at as u64) };
        log.x.extend(context.x);
        log.action.push(action);
        log.reward.push(earned as f32);
        log.informed.push(context.informed as f32);
    }
    log
}

/// What a policy came to: the share of violations, and what it earns.
fn judged(policy: &Policy, contexts: &[Context]) -> Result<[f64; 2], TrainError> {
    let x: Vec<f32> = contexts.iter().flat_map(|context| context.x).collect();
    let actions = policy.actions(&x, WIDTH)?;
    let (mut informed, mut violated, mut earned) = (0.0, 0.0, 0.0);
    for (context, action) in contexts.iter().zip(actions) {
        let action = action as usize;
        earned += context.utility(action);
        if context.informed >= 0.5 {
            informed += 1.0;
            violated += f64::from(u8::from(action == AGGRESSIVE));
        }
    }
    Ok([violated / f64::max(informed, 1.0), earned / contexts.len().max(1) as f64])
}

/// Runs the experiment, telling `progress` how many of how many courses are done.
///
/// # Errors
/// No seed, and those of the tensor library.
pub fn planted_rule(
    plan: &PlantedRule,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<LogicReport, TrainError> {
    if plan.seeds.is_empty() || plan.test == 0 {
        let (seeds, test) = (plan.seeds.len(), plan.test);
        return Err(TrainError::Plan(format!("{seeds} seeds and {test} contexts: at least 1 each")));
    }
    let contexts: Vec<Context> = (0..plan.test).map(|at| Context::drawn(seed_for(0, "test"), at)).collect();
    let ways: Vec<(&str, f64)> = [("none", 0.0)]
        .into_iter()
        .chain(plan.weights.iter().map(|weight| ("right", *weight)))
        .chain([("wrong", plan.wrong_weight)])
        .collect();
    let all = plan.logs.len() * plan.seeds.len() * ways.len();
    let mut done = 0;
    on_one_thread(|| {
        let mut arms = Vec::new();
        for log_plan in &plan.logs {
            let mut figures = vec![Vec::new(); ways.len()];
            for &seed in &plan.seeds {
                let log = log(log_plan, seed);
                for (figures, (rule, weight)) in figures.iter_mut().zip(&ways) {
                    let logic = LogicLoss::new(rule, if *rule == "wrong" { WRONG } else { RIGHT })?;
                    let course = course(plan.steps, *weight);
                    let policy = Policy::seeded(WIDTH, course.hidden, seed)?;
                    policy.learn(&log, &logic, &course)?;
                    figures.push(judged(&policy, &contexts)?);
                    done += 1;
                    progress(done, all);
                }
            }
            let arm = |((rule, weight), these): (&(&str, f64), &Vec<[f64; 2]>)| {
                arm((&log_plan.name, rule, *weight), these, &figures[0])
            };
            arms.extend(ways.iter().zip(&figures).map(arm));
        }
        let best = |context: &Context| {
            (0..ACTIONS).map(|action| context.utility(action)).fold(f64::NEG_INFINITY, f64::max)
        };
        let best_utility = contexts.iter().map(best).sum::<f64>() / contexts.len() as f64;
        Ok(LogicReport { plan: plan.clone(), best_utility, arms })
    })
}

fn course(steps: u32, logic_weight: f64) -> Course {
    Course { hidden: 16, steps, rate: 0.02, decay: 1e-3, logic_weight }
}

fn arm((log, rule, weight): (&str, &str, f64), these: &[[f64; 2]], none: &[[f64; 2]]) -> Arm {
    let column = |rows: &[[f64; 2]], i: usize| rows.iter().map(|row| row[i]).collect::<Vec<f64>>();
    let less = |i: usize| -> Vec<f64> { these.iter().zip(none).map(|(a, b)| a[i] - b[i]).collect() };
    Arm {
        log: log.to_owned(),
        rule: rule.to_owned(),
        weight,
        violations: spread(&column(these, 0)),
        utility: spread(&column(these, 1)),
        violations_paired: paired(&less(0)),
        utility_paired: paired(&less(1)),
    }
}

fn spread(values: &[f64]) -> Spread {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    Spread { mean, std: (square / (count - 1.0).max(1.0)).sqrt() }
}

/// The sign-flip test of differences, exact up to twenty of them, else over the first 2^20 ways.
fn paired(differences: &[f64]) -> Paired {
    let ways = 1u64 << differences.len().min(20);
    let total: f64 = differences.iter().sum();
    let as_far = |way: &u64| {
        let turned = |(i, d): (usize, &f64)| if way >> i & 1 == 1 { -d } else { *d };
        let sum: f64 = differences.iter().enumerate().map(turned).sum();
        sum.abs() >= total.abs() - 1e-12
    };
    Paired {
        difference: spread(differences),
        above: differences.iter().filter(|d| **d > 0.0).count(),
        below: differences.iter().filter(|d| **d < 0.0).count(),
        p: (0..ways).filter(as_far).count() as f64 / ways as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_right_in_the_law_and_the_log_hides_it() {
        let contexts: Vec<Context> = (0..4000).map(|at| Context::drawn(1, at)).collect();
        let (mut by_rule, mut takes) = (0.0, 0.0);
        for context in contexts.iter().filter(|context| context.informed >= 0.5) {
            assert!(context.utility(AGGRESSIVE) < WAITING + 1.0, "no feast");
            by_rule += WAITING;
            takes += context.utility(AGGRESSIVE);
        }
        assert!(by_rule > takes, "{by_rule}, {takes}");
        let quiet = log(&LogPlan { name: "quiet".to_owned(), rows: 40_000, chance: 0.05 }, 1);
        let earned = (0..quiet.action.len())
            .filter(|at| quiet.action[*at] == AGGRESSIVE && quiet.informed[*at] >= 0.5)
            .map(|at| f64::from(quiet.reward[at]));
        let (count, sum) = earned.fold((0.0, 0.0), |(count, sum), x| (count + 1.0, sum + x));
        assert!(sum / count > WAITING + 0.2, "a quiet log praises what the law punishes: {}", sum / count);
    }

    #[test]
    fn with_the_rule_violations_fall_and_utility_does_not() {
        let plan = PlantedRule {
            seeds: (1..=10).collect(),
            test: 1000,
            steps: 120,
            weights: vec![2.0],
            wrong_weight: 1.0,
            logs: vec![PlantedRule::default().logs[1].clone()],
        };
        let report = planted_rule(&plan, &mut |_, _| ()).expect("a report");
        let [none, right, wrong] = &report.arms[..] else { panic!("three arms: {report:?}") };
        assert_eq!((none.rule.as_str(), none.violations_paired.p), ("none", 1.0));
        assert!(right.violations.mean < 0.5 * none.violations.mean, "{right:?}\n{none:?}");
        assert!(right.violations_paired.p < 0.01 && right.violations_paired.above == 0, "{right:?}");
        assert!(right.utility_paired.difference.mean > 0.0 && right.utility_paired.p < 0.05, "{right:?}");
        assert!(wrong.utility.mean < right.utility.mean, "a wrong rule is no help: {wrong:?}");
        assert!(report.arms.iter().all(|arm| arm.utility.mean < report.best_utility));
    }

    #[test]
    fn the_sign_flip_test_is_exact() {
        let figures = paired(&[1.0, 2.0, 3.0]);
        assert_eq!((figures.p, figures.above, figures.below), (0.25, 3, 0));
        assert_eq!(paired(&[0.0; 4]).p, 1.0);
        assert_eq!(figures.difference, Spread { mean: 2.0, std: 1.0 });
    }
}
