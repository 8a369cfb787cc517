//! What predicates and the logic loss came to, as tables.

use std::fmt::Write;

use training::logic::{LogicReport, Paired, Spread};
use training::predicates::evaluate::{Interval, Worth};
use training::predicates::{Learned, PredicateReport};

/// What a predicate is worth beside plain rules on the same moments.
pub fn told_predicate(learned: &Learned) -> String {
    let PredicateReport { verdict, samples, test, baselines, seeds, chosen_seed, .. } = &learned.report;
    let card = &learned.predicate.card;
    let mut text = format!(
        "{}: {}.\n{} test samples, {} of them true ({:.3}; {:.3} in training); with 95 % intervals:\n\n",
        card.name,
        card.label,
        samples.test,
        samples.test_true,
        samples.test_true as f64 / samples.test as f64,
        card.base_rate
    );
    row(&mut text, "kept", test);
    baselines.iter().for_each(|(name, worth)| row(&mut text, name, worth));
    for seed in seeds {
        let kept = if seed.seed == *chosen_seed { ", kept" } else { "" };
        row(&mut text, &format!("seed {}{kept}", seed.seed), &seed.test);
    }
    _ = writeln!(text, "\nIt is, {verdict}.\n");
    text
}

fn row(text: &mut String, name: &str, worth: &Worth) {
    let told = |Interval { value, lo25, hi25 }: Interval| format!("{value:>6.3} ({lo25:>6.3} {hi25:>6.3})");
    let Worth { brier_skill, log_skill, log_loss, auc } = *worth;
    _ = writeln!(
        text,
        "{name:<26} Brier skill {}  log skill {}  log loss {}  AUC {}",
        told(brier_skill),
        told(log_skill),
        told(log_loss),
        told(auc)
    );
}

/// What the rule was worth to a learner, a line each log, rule and weight.
pub fn told_logic(report: &LogicReport) -> String {
    let seeds = report.plan.seeds.len();
    let mut text = format!(
        "Mean ± standard deviation over {seeds} seeds, differences to no rule on the same logs, p of the exact \
         sign-flip test;\nthe best policy earns {:.3}.\n\n",
        report.best_utility
    );
    let spread = |Spread { mean, std }: Spread| format!("{mean:>6.3} ± {std:.3}");
    for arm in &report.arms {
        let paired = |paired: Paired| {
            let Paired { difference, above, below, p } = paired;
            format!("{:>+7.3} ({above:>2} up, {below:>2} down, p {p:.4})", difference.mean)
        };
        _ = writeln!(
            text,
            "{:<16} {:<6} {:>4}  violations {} {}  utility {} {}",
            arm.log,
            arm.rule,
            arm.weight,
            spread(arm.violations),
            paired(arm.violations_paired),
            spread(arm.utility),
            paired(arm.utility_paired)
        );
    }
    text
}
