//! A decision by twenty rules, crisp and in both soft logics: the refill of the world, and the judgement.
//!
//! `cargo bench -p rules --bench judge`. The rules are those that ship, and as many more as are missing to
//! twenty; the order is one that passes them all.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rules::{Judgement, RuleSet, Sort};

const RULES: usize = 20;

fn twenty() -> RuleSet {
    let path = support::root().join("config/compliance.ltn");
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let shipped = RuleSet::compile("compliance.ltn", &text).unwrap_or_else(|e| panic!("{e}"));
    for more in shipped.rules().len()..RULES {
        text.push_str(&format!(
            "\nsoft rule more_{more}: forall o in orders: execute(o) => forecast_cost(o) < {more} bp or calm(o)"
        ));
    }
    let rules = RuleSet::compile("twenty.ltn", &text).unwrap_or_else(|e| panic!("{e}"));
    assert!(rules.rules().len() >= RULES, "{} rules", rules.rules().len());
    rules
}

fn judge(c: &mut Criterion) {
    let rules = twenty();
    let mut world = rules.example_world();
    for learned in 0..rules.learned().len() {
        world.set_learned(learned, Sort::Order, 0, 0.75);
    }
    let mut judgement = Judgement::default();
    let mut group = c.benchmark_group("rules");
    group.sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function(format!("{} rules, crisp and both soft truths", rules.rules().len()), |b| {
        b.iter(|| {
            rules.judge(black_box(&world), &mut judgement);
            black_box(&judgement);
        });
    });
    group.finish();
    assert!(judgement.is_allowed(&rules));
}

criterion_group!(benches, judge);
criterion_main!(benches);
